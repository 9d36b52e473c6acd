// Package sim runs whole cooperatives in one loop: real node.Core peers, real bytes, real
// signatures, in virtual time, with a network that loses, delays, repeats and splits, with crashes,
// wrong clocks and liars. Checkers that stand outside the peers watch what they promise.
//
// Its one idea: everything follows from a seed. A seed draws a Plan (who takes part, what goes wrong
// and when: swarm testing, so that a run with one fault is as likely as one with all), and the plan
// is played out by one queue of things to do. Equal seeds give equal traces, so a failure is a
// number: make sim SEED=n tells it again.
//
// A run has three phases. In the storm members act while everything on the plan goes wrong. In the
// calm the network is whole again and everything a member was promised must become final at every
// honest peer, though the liars go on. In the drain the liars fall silent and the peers must come to
// rest: nothing left to do, nothing sent, equal events, equal state.
//
// Peers are held to what they say and keep, not to what they think: the judge (judge.go) sees their
// Effects, their stores and their Views. It counts commits again from the round blocks alone
// (twin.go), in the plainest way there is.
//
// Directed schedules (schedule_test.go) play the attacks of the protocol's list one by one, and
// mutants_test.go plants the naive mistake that each exposes.
//
// The shape is that of TigerBeetle's VOPR (docs/internals/vopr.md) and go-f3's sim package.
package sim

// Package delegation finds out whose ballot each vote goes to when members let others vote for them: another
// member, a group, which says what enough of its members agree on, or a voting program. Choose picks, from
// all that a member has given, the one delegation that applies to a proposal; a narrower scope wins over a
// wider one. Count then follows all votes of a roll to where they end.
//
// Its one idea: a chain is followed from its end. A ballot spreads outward from who cast it to those who
// delegated to that voter, then to those who delegated to them; who is never reached carries nothing. So a
// circle needs no rule: no ballot enters it, and the first of its members who votes opens it. An own ballot
// always wins, because spreading begins there.
//
// The result is unique. What a voter, group or program says is nothing or one ballot, and if others say
// more it says no less and nothing else: a group's threshold is above half of its members, so no later word
// undoes what it decided. Such a monotone rule has one least fixpoint, which is reached in whatever order
// the voters are visited (Knaster and Tarski; Kleene).
//
// Every vote weighs 1 and goes one way, so the votes for all ballots and the lost ones add up to the roll.
// Backups, tried when the first delegate is silent, are left out on purpose: two members who name each other
// first and somebody else second have two answers, and together with transitive delegation they let a vote
// hurt what it is cast for or treat delegating voters unlike others (Behrens and Swierczek, "Preferential
// Delegation and the Problem of Negative Voting Weight", The Liquid Democracy Journal 3, 2015).
//
// The package knows no members, events or proposals beyond numbers and names, and no clock. The rules follow
// Behrens, Kistner, Nitsche and Swierczek, "The Principles of LiquidFeedback" (2014), §2.4.
package delegation

import "errors"

// Bounds on what comes from outside.
const (
	MaxVoters   = 1 << 28 // voters of a roll, and different ballots they can cast
	MaxGroup    = 15      // members of a group
	MaxGroups   = 1 << 24 // groups of a roll, and programs
	MaxShare    = 1 << 32 // numerator and denominator of a cap
	MaxMandates = 256     // delegations and opt-outs that one member has at a time
	MaxSubject  = 128     // bytes of the name of what a mandate is about
)

// Why mandates are refused.
var (
	ErrMany    = errors.New("a member can have 256 delegations at a time: end one that is no longer needed")
	ErrScope   = errors.New("the delegation's scope is neither a proposal nor a tag nor a track nor everything")
	ErrSubject = errors.New("the delegation must name its proposal, tag or track in at most 128 bytes, and none if it is for everything")
	ErrTwice   = errors.New("there are two delegations for the same thing: the new one must take the old one's place")
)

// Why a roll is refused.
var (
	ErrRoll      = errors.New("the roll is larger than can be counted")
	ErrWay       = errors.New("the vote neither stays nor goes to a member, a group or a program")
	ErrTarget    = errors.New("the vote goes to a ballot, member, group or program that does not exist")
	ErrMembers   = errors.New("a group has at most 15 members, each once, and all on the roll")
	ErrThreshold = errors.New("more than half of a group's members must agree, else it could say two things at once")
	ErrCap       = errors.New("the share that one delegate may carry must be above 0 and at most everything")
	ErrGiven     = errors.New("either no vote or every vote of the roll must have the time of its delegation")
)

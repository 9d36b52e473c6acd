// Package daemon is one peer at work: one home, one place in the network, any number of
// cooperatives that can be founded, joined and left while it runs.
//
// Its one idea: everything is wired here and nothing is decided here. A cooperative is a [node.Node]
// over a store on disk, a guard of the home and a room of the network; the daemon joins the four,
// keeps the peers that each one needs within reach, and restarts what can be restarted. A fault of
// one cooperative's disk stops that one, says why, and leaves its reading side up.
//
// People and programs speak to it as JSON over HTTP on a unix socket that only its owner can open.
// Each answer is a value or a [home.Problem]: a stable code, what happened, why, and what to do.
// Every request is bounded and strictly decoded. [Client] is the other end.
//
// The package does not know what events mean beyond showing them: drafts come from outside, and
// refusals from the cooperative's rules.
package daemon

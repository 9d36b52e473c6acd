// Package finality agrees on one order of events among stewards, of whom up to f of n may lie, and
// on the time at which each part of that order became final.
//
// Its one idea: stewards sign round blocks, which name blocks of the round below and the events
// that are new; rounds come in waves of three, propose, vote and decide. Everybody who holds the
// same blocks reads the same commits off them, so there is nothing to negotiate: agreement is a
// function of a graph. A block of the wave's leader is an anchor once q stewards have decide blocks
// that each see q votes for it. The events in an anchor's closure that no earlier anchor had are
// its segment, and segments put end to end are the order.
//
// An Engine reads blocks and never decides anything; a Steward says what a correct steward signs
// next and never reads anything but its Engine. Both are told the time. What depends on a clock
// (votes, waiting) is a steward's own business; what is valid, who leads, what is an anchor and in
// which order events stand depends on blocks alone.
//
// Blocks more than Window rounds below the last anchor are forgotten, and a link to such a block
// counts as present. The cut of a segment is measured from the anchor before it, so nodes that
// forget sooner or later still agree.
//
// The rule is that of Cordial Miners (arXiv 2205.09174), with explicit rounds and votes on direct
// parents as in Mysticeti (arXiv 2310.14821). The package knows no kinds of events, no members, no
// disk, no network and no clock.
package finality

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Bounds on what comes from outside, and on what is kept of it.
const (
	MaxStewards  = 31        // of one epoch
	MaxInc       = 512       // events that one block lists
	MaxIncBytes  = 1 << 20   // size of the events that a correct steward lists in one block
	MaxRoundSize = 20 << 10  // bytes of one block: 31 parents, 512 events and framing fit
	MaxNumber    = 1<<53 - 1 // of a round, an epoch and a time
	MaxAhead     = 64        // rounds above the current one that may wait for their parents
	MaxForks     = 4         // blocks of one steward and round kept without a block that needs them
	MaxDemanded  = 1024      // waiting blocks beyond MaxForks kept because blocks of one steward need them
	Window       = 192       // rounds below the last anchor that are kept: 64 waves
)

// A wave is three rounds.
const (
	propose = iota
	vote
	decide
	phases
)

// RoundID names a round block: the SHA-256 of its core. The zero RoundID means "none".
type RoundID [32]byte

// String is the id in hex.
func (id RoundID) String() string { return hex.EncodeToString(id[:]) }

// Compare orders ids by their bytes.
func (id RoundID) Compare(other RoundID) int { return bytes.Compare(id[:], other[:]) }

// Prefix is the first eight bytes, big-endian.
func (id RoundID) Prefix() uint64 { return binary.BigEndian.Uint64(id[:]) }

// IsZero tells whether the id names nothing.
func (id RoundID) IsZero() bool { return id == RoundID{} }

// Round is a verified round block. It is never changed after OpenRound or SealRound returned it.
type Round struct {
	ID      RoundID
	Epoch   uint64
	Steward int        // index in the epoch's list
	Number  uint64     // 1, 2, 3, …
	Prev    RoundID    // the same steward's block before this one; zero: none
	Last    uint64     // the round of Prev; zero: none
	Parents []RoundID  // blocks of round Number-1, by ascending steward; none in round 1
	Vote    bool       // in a vote round: for the leader's block among the parents
	Inc     []event.ID // events newly listed, ascending
	At      event.Time // the steward's clock
	Raw     []byte     // the block as it goes over the wire
}

// Events is what the engine must know of the graph of events: which are accepted, with all they
// build on, and what each builds on while it is not final.
type Events interface {
	Has(event.ID) bool
	Links(event.ID) []event.ID
}

// Commit is a part of the order that became final.
type Commit struct {
	Index  uint64 // 0, 1, 2, …
	Anchor *Round
	Wave   uint64
	Time   event.Time // coop time: never falls
	Order  []event.ID // topological; may be empty
}

// Fork proves that a steward signed two different blocks of one round.
type Fork struct {
	Key     identity.PublicKey
	Steward int
	A, B    *Round // by ascending id
}

// Step is what became of what the engine was told.
type Step struct {
	Accepted []*Round // parents first: keep them in this order
	Commits  []Commit
	Evidence []Fork // the first of each steward
	Halt     *Halt  // set in every step after the engine halted
}

// Want is a block to fetch and who sent a block that needs it.
type Want struct {
	ID   RoundID
	From string
}

// Halt says that more than f stewards signed two blocks of one round, so two orders are possible.
// The engine goes on accepting blocks but commits nothing more.
type Halt struct {
	Wave        uint64  // where it showed
	Have, Found RoundID // the block this node relies on and the one in conflict with it; zero: none
	Forks       []Fork  // everybody known to have signed twice, by ascending steward
}

// Error tells a member what happened and what can be done.
func (h *Halt) Error() string {
	return "more stewards cheated than the rules can bear: two orders of events are possible, so nothing more becomes final here. " +
		"Show the evidence to the members; they can agree on new stewards and re-found the cooperative"
}

// set is a set of stewards.
type set uint32

func only(steward int) set            { return 1 << steward }
func (s set) has(steward int) bool    { return s&only(steward) != 0 }
func (s set) count() int              { return bits.OnesCount32(uint32(s)) }
func (s set) with(steward int) set    { return s | only(steward) }
func waveOf(round uint64) uint64      { return (round - 1) / phases }
func phaseOf(round uint64) uint64     { return (round - 1) % phases }
func decideRound(wave uint64) uint64  { return wave*phases + decide + 1 }
func distance(a, b event.Time) uint64 { return uint64(max(a, b) - min(a, b)) }

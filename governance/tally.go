package governance

import (
	"math/big"
	"math/bits"

	"github.com/sustainy/coop/event"
)

// Count is what quorum and threshold look at.
type Count struct {
	Roll    uint64 // members who may vote
	Yes     uint64
	No      uint64
	Abstain uint64
}

// Result is what the ballots on a proposal say under its rules. With the ballots, the roll's hash and
// the rules' hash, anybody can count again.
type Result struct {
	Closed    event.Time `cbor:"closed"`            // coop time of the closing commit; 0 while the vote is open
	Ballots   uint64     `cbor:"ballots"`           // that count, one a member
	Hash      [32]byte   `cbor:"hash"`              // SHA-256 of the ids of their events, by member
	Delegated uint64     `cbor:"delegated"`         // votes that others' ballots or programs carry
	Chains    [32]byte   `cbor:"chains"`            // SHA-256 of "coop/chains/1", a zero byte, and of each voter without a ballot to whom a mandate applies the key and the event of the mandate; zero if there is none
	Yes       uint64     `cbor:"yes"`               // what this means, see Method
	No        uint64     `cbor:"no"`                // likewise
	Abstain   uint64     `cbor:"abstain"`           // ballots that take part and take no side
	Votes     []uint64   `cbor:"votes"`             // of each option: approvals, sums of scores or points, first preferences; schulze: who prefers it to the status quo
	Selected  []uint64   `cbor:"selected"`          // if it passes, numbers of the chosen options: the first, the elected in order, the funded ascending
	Standby   []uint64   `cbor:"standby,omitempty"` // of an election that passes: numbers of who would come in for the elected, in this order
	Spent     uint64     `cbor:"spent"`             // what the funded projects cost
	Quorum    bool       `cbor:"quorum"`            // reached
	Threshold bool       `cbor:"threshold"`         // reached, and the status quo does not win

	Chambers []ChamberResult `cbor:"chambers,omitempty"` // in the order of the track
	Shared   uint64          `cbor:"shared,omitempty"`   // ballots that count in more than one chamber

	// Unconfirmed says that it would pass, but what leads has not led as long as the track asks.
	Unconfirmed bool `cbor:"unconfirmed,omitempty"`

	// Tie says that a lot decided on the way, wherever it did in counts of several steps, or else about
	// the first option.
	Tie bool `cbor:"tie,omitempty"`
}

// Outcome is the phase that follows from a result: Grace, Rejected or Expired.
//
// With chambers all of them must agree, and one that votes it down is enough to reject it.
func (r *Result) Outcome() Phase {
	passed, down := r.Quorum && r.Threshold, !r.Threshold && r.Yes+r.No > 0
	for i := range r.Chambers {
		c := &r.Chambers[i]
		passed = passed && c.Quorum && c.Threshold
		down = down || !c.Threshold && c.Yes+c.No > 0
	}
	switch {
	case passed && !r.Unconfirmed:
		return Grace
	case passed, down:
		return Rejected
	}
	return Expired
}

// Reached tells whether enough members took part:
//
//	none            always
//	turnout         all ballots, abstentions too, are at least Share of the roll
//	for-only        votes for are at least Share of the roll
//	turnout-biased  yes²·turnout > no²·Share·roll, where turnout is yes + no
//
// The last asks for a larger majority the fewer take part, down to a plain one when Share of the roll
// does. With a share of 1/1 it is Polkadot's "super-majority approve" (Wood, pallet democracy:
// no/√turnout < yes/√electorate), also Encointer's adaptive quorum biasing, squared to be exact.
// All but turnout are free of the no-show paradox: no vote against ever helps.
func (q Quorum) Reached(c Count) bool {
	switch q.Kind {
	case QuorumTurnout:
		return q.Share.Compare(c.Yes+c.No+c.Abstain, c.Roll) >= 0
	case QuorumForOnly:
		return q.Share.Compare(c.Yes, c.Roll) >= 0
	case QuorumBiased:
		return product(c.Yes, c.Yes, c.Yes+c.No, q.Share.Den).Cmp(product(c.No, c.No, c.Roll, q.Share.Num)) > 0
	}
	return true
}

// Missing is how many more votes the quorum takes, where a number says it: of any kind for turnout, in
// favour for for-only, and otherwise 0.
func (q Quorum) Missing(c Count) uint64 {
	have := c.Yes
	switch q.Kind {
	case QuorumTurnout:
		have += c.No + c.Abstain
	case QuorumForOnly:
	default:
		return 0
	}
	whole, part := bits.Mul64(c.Roll, q.Share.Num)
	need, rest := bits.Div64(whole, part, q.Share.Den)
	if rest > 0 {
		need++
	}
	return max(need, have) - have
}

// Reached tells whether enough of the votes for and against are for. Without a vote for it is not.
func (t Threshold) Reached(c Count) bool {
	side := t.Share.Compare(c.Yes, c.Yes+c.No)
	return c.Yes > 0 && (side > 0 || side == 0 && !t.Over)
}

func product(factors ...uint64) *big.Int {
	p := big.NewInt(1)
	for _, f := range factors {
		p.Mul(p, new(big.Int).SetUint64(f))
	}
	return p
}

// Tally counts the ballots cast so far on a proposal.
func (s *State) Tally(id event.ID, p *Proposal) Result { return s.count(id, p).Result }

package governance

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
)

// Choice is what a ballot says where it names no options.
type Choice string

// The choices. No choice at all means that the ballot's marks on options say it.
const (
	Yes     Choice = "yes"
	No      Choice = "no"
	Object  Choice = "object" // to a proposal that needs consent
	Abstain Choice = "abstain"
	Listed  Choice = ""
)

// Ballot is one member's vote on one proposal. The last one that counts replaces those before it.
type Ballot struct {
	Choice    Choice     `cbor:"choice"`
	Approvals []uint64   `cbor:"approvals"` // the marks, as in BallotCast
	Ranking   [][]uint64 `cbor:"ranking,omitempty"`
	Scores    []uint64   `cbor:"scores,omitempty"`
	Points    []uint64   `cbor:"points,omitempty"`
	Reason    string     `cbor:"reason"`
	Chambers  []uint64   `cbor:"chambers,omitempty"` // of the track, in which it counts
	Cast      event.Time `cbor:"cast"`               // coop time
	Event     event.ID   `cbor:"event"`
}

// BallotCast is the body of ballot.cast. It has a choice, or else the marks that the method counts, and
// no other.
type BallotCast struct {
	Proposal  event.ID   `cbor:"proposal"`
	Choice    string     `cbor:"choice,omitempty"`    // yes, no, object or abstain
	Approvals []uint64   `cbor:"approvals,omitempty"` // numbers of options from 0, ascending
	Ranking   [][]uint64 `cbor:"ranking,omitempty"`   // the best place first; on a place, numbers of options, ascending; who is on none comes last
	Scores    []uint64   `cbor:"scores,omitempty"`    // of each option
	Points    []uint64   `cbor:"points,omitempty"`    // of each option
	Reason    string     `cbor:"reason,omitempty"`
}

// Cast casts or changes the author's ballot.
func (s *State) Cast(env fold.Env, b BallotCast) error {
	key, _, err := s.actor(env)
	if err != nil {
		return err
	}
	p, ok := s.Proposals.Get(b.Proposal)
	if !ok {
		return ErrUnknownProposal
	}
	if p.Phase == Sponsoring || p.Phase == Discussion {
		return ErrNotYet
	}
	if p.Phase != Voting {
		return ErrOver
	}
	if !p.inTime(s.Time, env.At) {
		return ErrTooLate
	}
	m, known := p.Roll.Get(key)
	if !known || !p.onRoll(m) {
		return ErrNotOnRoll
	}
	if err := b.check(&p.Rules.Track, len(p.Options)); err != nil {
		return err
	}
	if !prose(b.Reason, s.Charter.Limits.Reason) {
		return ErrReason
	}
	seat := Seat{b.Proposal, key}
	if !p.Rules.Track.Revisable && s.Ballots.Has(seat) {
		return ErrFinalBallot
	}

	if p.silent(key, m) && !s.Ballots.Has(seat) { // heard again, so the quorum counts on them too
		p.RollSize, p.Silent = p.RollSize+1, p.Silent-1
		p.takeSeats(m)
		s.Proposals.Set(b.Proposal, p)
	}
	s.Ballots.Set(seat, Ballot{Choice: Choice(b.Choice), Approvals: b.Approvals, Ranking: b.Ranking, Scores: b.Scores,
		Points: b.Points, Reason: b.Reason, Chambers: p.chambersOf(m), Cast: s.Time, Event: env.ID})
	s.stir(b.Proposal, &p)
	return nil
}

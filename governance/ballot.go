package governance

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
)

// Choice is what a ballot says where it names no options.
type Choice string

// The choices. No choice at all means that the ballot's approvals say it.
const (
	Yes     Choice = "yes"
	No      Choice = "no"
	Abstain Choice = "abstain"
	Listed  Choice = ""
)

// Ballot is one member's vote on one proposal. The last one that counts replaces those before it.
type Ballot struct {
	Choice    Choice     `cbor:"choice"`
	Approvals []uint64   `cbor:"approvals"` // numbers of options from 0, ascending
	Reason    string     `cbor:"reason"`
	Cast      event.Time `cbor:"cast"` // coop time
	Event     event.ID   `cbor:"event"`
}

// BallotCast is the body of ballot.cast.
type BallotCast struct {
	Proposal  event.ID `cbor:"proposal"`
	Choice    string   `cbor:"choice,omitempty"`    // yes, no or abstain; left out where options are approved
	Approvals []uint64 `cbor:"approvals,omitempty"` // numbers of options from 0, ascending
	Reason    string   `cbor:"reason,omitempty"`
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
	if p.Phase == Discussion {
		return ErrNotYet
	}
	if p.Phase != Voting {
		return ErrOver
	}
	if !p.inTime(s.Time, env.At) {
		return ErrTooLate
	}
	if m, known := p.Roll.Get(key); !known || !p.onRoll(m) {
		return ErrNotOnRoll
	}
	choice, ok := b.fits(p.Rules.Track.Method, len(p.Options))
	if !ok {
		return ErrChoice
	}
	if !prose(b.Reason, s.Charter.Limits.Reason) {
		return ErrReason
	}
	seat := Seat{b.Proposal, key}
	if !p.Rules.Track.Revisable && s.Ballots.Has(seat) {
		return ErrFinalBallot
	}

	s.Ballots.Set(seat, Ballot{Choice: choice, Approvals: b.Approvals, Reason: b.Reason, Cast: s.Time, Event: env.ID})
	return nil
}

// fits tells whether a ballot can be counted by the method.
func (b *BallotCast) fits(method Method, options int) (Choice, bool) {
	switch choice := Choice(b.Choice); choice {
	case Abstain:
		return Abstain, len(b.Approvals) == 0
	case Yes, No:
		return choice, method == YesNo && len(b.Approvals) == 0
	case Listed:
		for i, n := range b.Approvals {
			if n >= uint64(options) || i > 0 && n <= b.Approvals[i-1] {
				return Listed, false
			}
		}
		return Listed, method != YesNo
	}
	return Listed, false
}

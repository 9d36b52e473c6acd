package governance

import (
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
)

// ProposalSponsor is the body of proposal.sponsor: I too want the members to discuss this. Where the track
// asks for co-sponsors, a proposal waits in the phase Sponsoring until it has them; the last one begins
// the discussion, and without them it lapses when the period is over.
type ProposalSponsor struct {
	Proposal event.ID `cbor:"proposal"`
}

func (t *Track) validateSponsoring(name string, report func(bool, string, ...any)) {
	report(t.Cosponsors <= MaxSponsors, "track %s needs %d co-sponsors, not up to %d", name, t.Cosponsors, MaxSponsors)
	report((t.Cosponsors > 0) == (t.Gathering > 0) && t.Gathering <= MaxPeriod, "track %s needs co-sponsors and a period up to 366 days to find them, or neither", name)
}

// begin puts a new proposal into its first phase.
func (p *Proposal) begin(t event.Time) {
	if p.Rules.Track.Cosponsors > 0 {
		p.Phase, p.Until = Sponsoring, t+p.Rules.Track.Gathering
		return
	}
	p.discuss(t)
}

// discuss begins the discussion, or the vote where there is none.
func (p *Proposal) discuss(t event.Time) {
	track := &p.Rules.Track
	p.Phase, p.Until = Discussion, 0
	p.Voting = Span{t + track.Discussion, t + track.Discussion + track.Voting}
	if track.Discussion == 0 {
		p.startVoting(t)
	}
}

// Cosponsor supports a proposal that waits for sponsors.
func (s *State) Cosponsor(env fold.Env, b ProposalSponsor) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	p, ok := s.Proposals.Get(b.Proposal)
	if !ok {
		return ErrUnknownProposal
	}
	if p.Phase != Sponsoring {
		return ErrNotGathering
	}
	if m, known := p.Roll.Get(by); !known || !p.onRoll(m) {
		return ErrMayNotCosponsor
	}
	if p.By == by {
		return ErrOwnProposal
	}
	if slices.Contains(p.Sponsors, by) {
		return ErrCosponsoredAlready
	}

	p.Sponsors = append(slices.Clone(p.Sponsors), by)
	if uint64(len(p.Sponsors)) >= p.Rules.Track.Cosponsors {
		p.discuss(s.Time)
	}
	s.put(b.Proposal, p, p.next())
	return nil
}

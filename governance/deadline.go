package governance

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// How far a stall extends a vote (protocol §3.11). A cooperative whose only steward sleeps at night
// could see each extension end in the next night, so there is a last one.
const (
	ExtendLeast   = hour
	ExtendMost    = 3 * day
	MaxExtensions = 3
)

// Span is the time from Start, included, to End, excluded.
type Span struct {
	Start event.Time `cbor:"start" json:"start"`
	End   event.Time `cbor:"end" json:"end"`
}

// Has tells whether t lies in the span. Every question about a deadline ends here, so that there is
// one answer on the boundary.
func (s Span) Has(t event.Time) bool { return s.Start <= t && t < s.End }

// inTime tells whether a ballot counts that is ordered at coop time t and that its author dates at:
// within the vote, or a little later if it is dated before the end. The latter is for the honest
// voter of the last second; who lies about the date gains at most Rules.Late.
func (p *Proposal) inTime(t, at event.Time) bool {
	late := Span{p.Voting.End, p.Voting.End + p.Rules.Late}
	return p.Voting.Has(t) || late.Has(t) && Span{0, p.Voting.End}.Has(at)
}

// next is when a proposal's phase ends.
func (p *Proposal) next() event.Time {
	if p.Phase == Discussion {
		return p.Voting.Start
	}
	return p.Voting.End + p.Rules.Late
}

// Next is the earliest coop time at which something happens by itself. Stewards who would otherwise
// rest order a commit then, because only commits move coop time.
func (s *State) Next() (at event.Time, any bool) {
	due, any := s.first()
	if handover, ready := s.handover(); ready && (!any || handover < due.At) {
		return handover, true
	}
	return due.At, any
}

func (s *State) first() (Due, bool) {
	for due := range s.Agenda.All() {
		return due, true
	}
	return Due{}, false
}

// Advance moves coop time to t (it never moves back) and does what is due, earliest first: opens
// votes and closes them. It stops at a proposal that has passed and whose grace is over. The caller
// performs its actions, reports by Done, and calls Advance again, until passed is false.
func (s *State) Advance(t event.Time) (id event.ID, passed bool) {
	if t > s.Time {
		s.stall(t)
		s.Time = t
	}
	for {
		due, any := s.first()
		if !any || due.At > s.Time {
			return event.ID{}, false
		}
		p, _ := s.Proposals.Get(due.Proposal)
		switch p.Phase {
		case Discussion:
			s.open(due.Proposal, p)
		case Voting:
			s.close(due.Proposal, p)
		case Grace:
			return due.Proposal, true
		default:
			panic("governance: invariant: the agenda holds a proposal that is " + string(p.Phase))
		}
	}
}

// close counts the vote.
func (s *State) close(id event.ID, p Proposal) {
	p.Result = s.Tally(id, &p)
	p.Result.Closed = s.Time
	outcome := p.Result.Outcome()
	if outcome != Grace {
		s.end(id, p, outcome)
		return
	}
	p.Phase = Grace
	p.Roll = table.Table[identity.PublicKey, Member]{}
	s.put(id, p, s.Time+p.Rules.Track.Grace)
}

// Done notes what became of the actions of a proposal that Advance stopped at.
func (s *State) Done(id event.ID, refusal error) {
	p, _ := s.Proposals.Get(id)
	if p.Phase != Grace || p.Due > s.Time {
		panic("governance: invariant: a proposal was executed that is not due")
	}
	if refusal != nil {
		p.Failure = refusal.Error()
		s.end(id, p, Failed)
		return
	}
	s.end(id, p, Executed)
}

// stall extends the votes whose end fell into a gap: open at the last coop time, and over by t for
// longer than Rules.Stall. Members could not be heard meanwhile. A vote that should have begun and
// ended within the gap is extended too. Only proposals due by t can be concerned.
func (s *State) stall(t event.Time) {
	gap := t - s.Time
	type extension struct {
		id event.ID
		p  Proposal
	}
	var found []extension
	for due := range s.Agenda.All() {
		if due.At > t {
			break
		}
		p, _ := s.Proposals.Get(due.Proposal)
		end := p.Voting.End
		if p.Phase != Grace && s.Time < end && t > end+p.Rules.Stall && p.Extended < MaxExtensions {
			found = append(found, extension{due.Proposal, p})
		}
	}
	for _, x := range found {
		x.p.Voting.End = t + max(ExtendLeast, min(gap, ExtendMost))
		x.p.Extended++
		s.put(x.id, x.p, x.p.next())
	}
}

package governance

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
)

// How far a stall extends a deadline (protocol §3.11). A cooperative whose only steward sleeps at night
// could see each extension end in the next night, so there is a last one.
const (
	ExtendLeast   = hour
	ExtendMost    = 3 * day
	MaxExtensions = 3 // by stalls, of one proposal
)

// Cause is why a deadline was shifted.
type Cause string

// The causes.
const (
	CauseStall   Cause = "stall"        // the stewards stood still around the deadline
	CauseConfirm Cause = Cause(Confirm) // the lead changed shortly before the end
	CauseQuiet   Cause = Cause(Quiet)   // likewise
	CauseEarly   Cause = "early"        // nothing could change the outcome any more
)

// Shift is a change of a deadline: of the vote's end or, in another phase, of that phase's.
type Shift struct {
	Cause Cause      `cbor:"cause" json:"cause"`
	Phase Phase      `cbor:"phase" json:"phase"` // in which it happened
	At    event.Time `cbor:"at" json:"at"`       // coop time
	From  event.Time `cbor:"from" json:"from"`
	To    event.Time `cbor:"to" json:"to"`
}

// shift notes that a deadline moves.
func (p *Proposal) shift(cause Cause, at, from, to event.Time) {
	p.Shifts = append(p.Shifts[:len(p.Shifts):len(p.Shifts)], Shift{cause, p.Phase, at, from, to})
}

// shifted is how often a cause has shifted a deadline.
func (p *Proposal) shifted(cause Cause) (times uint64) {
	for _, x := range p.Shifts {
		if x.Cause == cause {
			times++
		}
	}
	return times
}

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

// next is when something happens next to a proposal under way.
func (p *Proposal) next() event.Time {
	switch p.Phase {
	case Discussion:
		return p.Voting.Start
	case Voting:
		switch {
		case p.shifted(CauseEarly) > 0:
			return p.Voting.End
		case p.guarded() && !p.Lead.Watched:
			return p.windowStart()
		}
		return p.Voting.End + p.Rules.Late
	}
	return p.Deadline()
}

// Deadline is the moment up to which members can act on a proposal under way: sponsor it, vote, or in its
// grace stop it or leave.
func (p *Proposal) Deadline() event.Time {
	if p.Phase == Sponsoring || p.Phase == Grace {
		return p.Until
	}
	return p.Voting.End
}

// extend moves the deadline to where the last shift says.
func (p *Proposal) extend() {
	to := p.Shifts[len(p.Shifts)-1].To
	if p.Phase == Sponsoring || p.Phase == Grace {
		p.Until = to
		return
	}
	p.Voting.End = to
}

// Next is the earliest coop time at which something happens by itself. Stewards who would otherwise
// rest order a commit then, because only commits move coop time.
//
// A vote that may end early is looked at as soon as time goes on.
func (s *State) Next() (at event.Time, any bool) {
	for _, id := range s.Stirred {
		if p, _ := s.Proposals.Get(id); p.Rules.Track.Early {
			return s.Time + 1, true
		}
	}
	due, any := s.first()
	if date, dated := s.firstDate(); dated && (!any || date.At < due.At) {
		due.At, any = date.At, true
	}
	if s.Undrawn.Len() > 0 { // a jury waits for the next commit
		return s.Time + 1, true
	}
	handover, ready := s.handover()
	if !ready {
		handover = s.Lapses()
	}
	if handover != 0 && (!any || handover < due.At) {
		return handover, true
	}
	return due.At, any
}

func (s *State) first() (Due, bool) {
	for due := range table.All(&s.Agenda) {
		return due, true
	}
	return Due{}, false
}

// Advance moves coop time to t (it never moves back) and does what is due, earliest first: opens
// votes and closes them. It stops at a proposal that has passed and whose grace is over. The caller
// performs its actions, reports by Done, and calls Advance again, until passed is false.
func (s *State) Advance(t event.Time) (id event.ID, passed bool) {
	if t > s.Time {
		s.look()
		s.stall(t)
		s.Time = t
	}
	for {
		due, any := s.first()
		if s.keepDate(due, any) {
			continue
		}
		if !any || due.At > s.Time {
			return event.ID{}, false
		}
		p, _ := s.Proposals.Get(due.Proposal)
		switch p.Phase {
		case Sponsoring:
			s.end(due.Proposal, p, Lapsed)
		case Discussion:
			s.open(due.Proposal, p)
		case Voting:
			if due.At < p.Voting.End { // the window before the end
				s.watch(due.Proposal, p)
				continue
			}
			if p.Lead.Watched && s.Mandates.Len() > 0 { // an extension can outlast a delegation, and what programs look at changes
				if s.guard(due.Proposal, p) {
					continue
				}
				p, _ = s.Proposals.Get(due.Proposal)
			}
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
	s.conclude(id, &p)
	outcome := p.Result.Outcome()
	if outcome != Grace {
		s.end(id, p, outcome)
		return
	}
	p.Phase, p.Until = Grace, s.Time+p.Rules.Track.Grace
	s.put(id, p, p.next())
}

// conclude sets the result, and keeps with the proposal what it takes to count again.
func (s *State) conclude(id event.ID, p *Proposal) {
	c := s.count(id, p)
	s.keepAnswers(id, c.carried)
	p.Result = c.Result
	p.Result.Closed = s.Time
	if p.Result.Chains != [32]byte{} {
		p.Mandates = s.Mandates.Copy()
	}
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

// stall extends the deadlines that fell into a gap: to come at the last coop time, and over by t for
// longer than Rules.Stall. Members could not be heard meanwhile. A vote that should have begun and ended
// within the gap is extended too. Only proposals due by t can be concerned.
func (s *State) stall(t event.Time) {
	gap := t - s.Time
	type extension struct {
		id event.ID
		p  Proposal
	}
	var found []extension
	for due := range table.All(&s.Agenda) {
		if due.At > t {
			break
		}
		p, _ := s.Proposals.Get(due.Proposal)
		end := p.Deadline()
		if s.Time < end && t > end+p.Rules.Stall && p.shifted(CauseStall) < MaxExtensions {
			found = append(found, extension{due.Proposal, p})
		}
	}
	for _, x := range found {
		x.p.shift(CauseStall, t, x.p.Deadline(), t+max(ExtendLeast, min(gap, ExtendMost)))
		x.p.extend()
		s.put(x.id, x.p, x.p.next())
	}
}

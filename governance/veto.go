package governance

import (
	"iter"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// Veto is who can stop a proposal that has passed, during its grace: so many of the members who may vote
// on it, of some classes or of whatever class. Each gives a reason.
//
// A right to say no for ever hands all decisions to a few. So a track can bound it: whoever proposes
// the same again names the proposal that was vetoed, and after Times vetoes the members' word stands.
type Veto struct {
	Members uint64   `cbor:"members" json:"members"` // how many it takes; 0: nobody can
	Classes []string `cbor:"classes" json:"classes"` // empty: all who may vote
	Times   uint64   `cbor:"times" json:"times"`     // how often the same can be vetoed; 0: always
}

// ProposalVeto is the body of proposal.veto.
type ProposalVeto struct {
	Proposal event.ID `cbor:"proposal"`
	Reason   string   `cbor:"reason"`
}

// VetoCast is one member's veto.
type VetoCast struct {
	Reason string     `cbor:"reason"`
	At     event.Time `cbor:"at"`
	Event  event.ID   `cbor:"event"`
}

// ProposalExit is the body of proposal.exit: I leave because of this. Who did not vote for a decision
// may leave during its grace, and is not bound by it.
type ProposalExit struct {
	Proposal event.ID `cbor:"proposal"`
}

// Exit is a membership that ended because of a decision, before it was carried out.
type Exit struct {
	At    event.Time `cbor:"at"`
	Event event.ID   `cbor:"event"`
}

// VetoesOn yields the vetoes on a proposal, by member.
func (s *State) VetoesOn(id event.ID) iter.Seq2[identity.PublicKey, VetoCast] {
	return seatsOf(&s.Vetoes, id)
}

// ExitsOver yields who left because of a proposal, by member.
func (s *State) ExitsOver(id event.ID) iter.Seq2[identity.PublicKey, Exit] {
	return seatsOf(&s.Exits, id)
}

func (c *Charter) validateVeto(t *Track, name string, report func(bool, string, ...any)) {
	v := t.Veto
	if v.Members == 0 {
		report(len(v.Classes) == 0 && v.Times == 0, "track %s bounds a veto that nobody has", name)
		return
	}
	report(v.Members <= MaxVetoes && v.Times <= MaxTimes, "track %s needs %d members for a veto and bounds it to %d, not up to %d and %d", name, v.Members, v.Times, MaxVetoes, MaxTimes)
	report(t.Grace > 0, "track %s has a veto, and no grace in which to use it", name)
	report(len(v.Classes) == 0 || c.knows(v.Classes), "track %s gives a veto to classes that the charter does not have", name)
	for _, class := range v.Classes[:min(len(v.Classes), MaxClasses)] {
		report(c.MayVote([]string{class}), "track %s gives a veto to the class %s, which does not vote", name, shown(class))
	}
}

// warnOfGuards tells what the guards of a track may do that its authors might not want.
func (t *Track) warnOfGuards(warn func(bool, string, ...any)) {
	warn(t.Veto.Members == 1, "track %q lets a single member stop what all others have decided", t.Name)
	warn(t.Veto.Members > 0 && t.Veto.Times == 0, "track %q lets the same be vetoed for ever", t.Name)
	warn(t.Hidden && t.AntiSniping.Rule != "", "track %q hides the count, and yet an extension of the vote tells that the lead has changed", t.Name)
}

// mayVeto tells whether m, as in p.Roll, has a part in the veto.
func (p *Proposal) mayVeto(m Member) bool {
	classes := p.Rules.Track.Veto.Classes
	return p.onRoll(m) && (len(classes) == 0 || slices.ContainsFunc(m.Classes, func(class string) bool { return slices.Contains(classes, class) }))
}

// vetoSpent tells whether the same was vetoed as often as it can be.
func (p *Proposal) vetoSpent() bool {
	return p.Rules.Track.Veto.Times > 0 && p.Attempt >= p.Rules.Track.Veto.Times
}

// repeats tells whether p proposes the same as before, which was vetoed: the same options, the same money
// and the same actions, on the same track. The words may answer to the reasons.
func (p *Proposal) repeats(before *Proposal) bool {
	sameDraft := func(a, b event.Draft) bool { return a.Kind == b.Kind && slices.Equal(a.Body, b.Body) }
	return before.Phase == Vetoed && before.Rules.Track.Name == p.Rules.Track.Name && before.Budget == p.Budget &&
		slices.Equal(before.Options, p.Options) && slices.EqualFunc(before.Actions, p.Actions, sameDraft)
}

// passed finds a proposal that has passed and is not carried out yet.
func (s *State) passed(id event.ID) (Proposal, error) {
	p, ok := s.Proposals.Get(id)
	if !ok {
		return p, ErrUnknownProposal
	}
	if p.Phase != Grace {
		return p, ErrNoGrace
	}
	return p, nil
}

// CastVeto adds a member's veto; the last one that it takes stops the proposal.
func (s *State) CastVeto(env fold.Env, b ProposalVeto) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	p, err := s.passed(b.Proposal)
	if err != nil {
		return err
	}
	if p.Rules.Track.Veto.Members == 0 {
		return ErrNoVeto
	}
	if p.vetoSpent() {
		return ErrVetoSpent
	}
	if m, known := p.Roll.Get(by); !known || !p.mayVeto(m) {
		return ErrMayNotVeto
	}
	if strings.Trim(b.Reason, " \n\t") == "" {
		return ErrVetoReason
	}
	if !prose(b.Reason, s.Charter.Limits.Reason) {
		return ErrReason
	}
	seat := Seat{b.Proposal, by}
	if s.Vetoes.Has(seat) {
		return ErrVetoedAlready
	}

	s.Vetoes.Set(seat, VetoCast{Reason: b.Reason, At: s.Time, Event: env.ID})
	p.Vetoes++
	if p.Vetoes >= p.Rules.Track.Veto.Members {
		s.end(b.Proposal, p, Vetoed)
		return nil
	}
	s.put(b.Proposal, p, p.next())
	return nil
}

// LeaveOver ends the author's membership because of a decision.
func (s *State) LeaveOver(env fold.Env, b ProposalExit) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	p, err := s.passed(b.Proposal)
	if err != nil {
		return err
	}
	seat := Seat{b.Proposal, by}
	if ballot, voted := s.Ballots.Get(seat); voted && ballot.Choice == Yes {
		return ErrVotedForIt
	}
	if err := s.Leave(env, MemberLeave{}); err != nil {
		return err
	}

	s.Exits.Set(seat, Exit{At: s.Time, Event: env.ID})
	p.Exits++
	s.put(b.Proposal, p, p.next())
	return nil
}

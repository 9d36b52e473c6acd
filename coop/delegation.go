package coop

import (
	"fmt"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// MandateView is one thing that a member has delegated, or lets nobody do.
type MandateView struct {
	Member    identity.PublicKey  `json:"member"`
	Name      string              `json:"name"`
	What      governance.About    `json:"what"`
	Who       governance.Delegate `json:"who"`
	About     string              `json:"about"` // in words
	To        string              `json:"to"`    // in words
	Given     event.Time          `json:"given"`
	Confirmed event.Time          `json:"confirmed"`
	Ends      event.Time          `json:"ends,omitempty"` // when it no longer applies; 0: never
	State     string              `json:"state"`          // in force, not confirmed in time, has ended, the proposal is decided
	Event     event.ID            `json:"event"`
}

// Mandates are what a member has delegated, or everybody if member is zero.
func Mandates(s *State, member identity.PublicKey) []MandateView {
	views := []MandateView{}
	for remit, m := range table.From(&s.Hall.Mandates, governance.Remit{Member: member}) {
		if !member.IsZero() && remit.Member != member {
			break
		}
		views = append(views, s.mandate(remit, &m))
	}
	return views
}

func (s *State) mandate(remit governance.Remit, m *governance.Mandate) MandateView {
	who, _ := s.Hall.Members.Get(remit.Member)
	v := MandateView{Member: remit.Member, Name: who.Name, What: remit.About, Who: m.To, About: s.aboutInWords(remit.About), To: s.delegateInWords(&m.To),
		Given: m.Given, Confirmed: m.Confirmed, State: "in force", Event: m.Event}
	term := s.term(remit.About)
	if !m.To.Nobody() {
		v.Ends = m.Confirmed + term
	}
	if m.Expires != 0 && (v.Ends == 0 || m.Expires < v.Ends) {
		v.Ends = m.Expires
	}
	p, found := s.Hall.Proposals.Get(remit.About.Proposal)
	switch {
	case found && p.Phase != governance.Discussion && p.Phase != governance.Voting:
		v.State = "the proposal is decided"
	case m.Expires != 0 && s.Hall.Time >= m.Expires:
		v.State = "has ended"
	case v.Ends != 0 && s.Hall.Time >= v.Ends:
		v.State = "not confirmed in time"
	case s.withdrawn(m.To.Program):
		v.State = "the program was withdrawn: what covers more applies, or nobody votes for you; on votes opened before it is still asked"
	}
	return v
}

func (s *State) withdrawn(id event.ID) bool {
	prog, _ := s.Hall.Programs.Get(id)
	return prog.Withdrawn != 0
}

// term is for how long a delegation about this applies after it was confirmed. A track may have a
// shorter or a longer one for delegations that cover more than the track.
func (s *State) term(about governance.About) event.Time {
	if p, ok := s.Hall.Proposals.Get(about.Proposal); ok {
		return p.Rules.Delegating.Term
	}
	return s.Hall.Charter.DelegatingOn(about.Track).Term
}

func (s *State) aboutInWords(about governance.About) string {
	switch {
	case !about.Proposal.IsZero():
		p, _ := s.Hall.Proposals.Get(about.Proposal)
		return fmt.Sprintf("the proposal %q", p.Title)
	case about.Tag != "":
		return "the tag " + about.Tag
	case about.Track != "":
		return "the track " + about.Track
	}
	return "everything"
}

func (s *State) delegateInWords(d *governance.Delegate) string {
	if d.Nobody() {
		return "nobody"
	}
	if prog, ok := s.Hall.Programs.Get(d.Program); ok {
		return "the program " + prog.Name
	}
	names := s.namesOf(d.Members)
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("%d of %s", d.Threshold, strings.Join(names, ", "))
}

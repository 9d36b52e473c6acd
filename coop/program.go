package coop

import (
	"cmp"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/program"
	"github.com/sustainy/coop/table"
)

// ProgramView is a published program.
type ProgramView struct {
	ID        event.ID             `json:"id"`
	Name      string               `json:"name"`
	By        identity.PublicKey   `json:"by"`
	ByName    string               `json:"by_name"`
	Source    string               `json:"source"`
	Language  uint64               `json:"language"`
	Settings  []governance.Setting `json:"settings,omitempty"`
	Watches   []string             `json:"watches,omitempty"` // names of the members whose ballots it sees
	Previous  event.ID             `json:"previous,omitzero"`
	Newer     event.ID             `json:"newer,omitzero"` // the version that names this one last
	Worst     uint64               `json:"worst"`          // the most that a run can cost
	Limit     uint64               `json:"limit"`          // the most that any run may cost
	Followers uint64               `json:"followers"`      // delegations to it
	Since     event.Time           `json:"since"`
	Withdrawn event.Time           `json:"withdrawn,omitempty"` // it is asked only about what was open then
	Answers   []AnswerView         `json:"answers,omitempty"`   // on votes that are over
}

// AnswerView is how a program voted on a proposal.
type AnswerView struct {
	Proposal event.ID        `json:"proposal"`
	Title    string          `json:"title"`
	Says     string          `json:"says"`
	Reason   string          `json:"reason,omitempty"`
	Code     governance.Code `json:"code,omitempty"`
	Cost     uint64          `json:"cost"`
}

// Programs are all published programs, those with most followers first.
func Programs(s *State) []ProgramView {
	views := make([]ProgramView, 0, s.Hall.Programs.Len())
	for id, p := range table.All(&s.Hall.Programs) {
		by, _ := s.Hall.Members.Get(p.By)
		v := ProgramView{ID: id, Name: p.Name, By: p.By, ByName: by.Name, Source: p.Source, Language: p.Language, Settings: p.Settings,
			Previous: p.Previous, Worst: p.Worst, Limit: program.Limit, Since: p.At, Withdrawn: p.Withdrawn}
		for _, key := range p.Watches {
			m, _ := s.Hall.Members.Get(key)
			v.Watches = append(v.Watches, m.Name)
		}
		views = append(views, v)
	}
	find := func(id event.ID) int {
		n, found := slices.BinarySearchFunc(views, id, func(v ProgramView, id event.ID) int { return v.ID.Compare(id) })
		if !found {
			return -1
		}
		return n
	}
	for _, v := range views {
		if n := find(v.Previous); n >= 0 && (views[n].Newer.IsZero() || s.published(views[n].Newer) < v.Since) {
			views[n].Newer = v.ID
		}
	}
	for _, m := range table.All(&s.Hall.Mandates) {
		if n := find(m.To.Program); n >= 0 {
			views[n].Followers++
		}
	}
	slices.SortStableFunc(views, func(a, b ProgramView) int { return cmp.Compare(b.Followers, a.Followers) })
	return views
}

func (s *State) published(id event.ID) event.Time {
	p, _ := s.Hall.Programs.Get(id)
	return p.At
}

// Program is one program with how it voted.
func Program(s *State, id event.ID) (ProgramView, bool) {
	for _, v := range Programs(s) {
		if v.ID != id {
			continue
		}
		for asked, a := range table.All(&s.Hall.Answers) {
			if p, ok := s.Hall.Proposals.Get(asked.Proposal); ok && asked.Program == id {
				v.Answers = append(v.Answers, AnswerView{asked.Proposal, p.Title, a.Ballot.Says(p.Options), a.Ballot.Reason, a.Code, a.Cost})
			}
		}
		return v, true
	}
	return ProgramView{}, false
}

// PastView is a proposal as programs would have seen it at its end, or see it now, with what a member
// voted and what came of it.
type PastView struct {
	ID     event.ID        `json:"id"`
	Title  string          `json:"title"`
	Ended  event.Time      `json:"ended"`
	Input  program.Input   `json:"input"`
	Own    *program.Ballot `json:"own,omitempty"`
	Result program.Choice  `json:"result,omitempty"` // yes if it passed, no if it was voted down
}

// Past is a proposal as a program with these settings would see it.
func Past(s *State, id event.ID, member identity.PublicKey, watches []identity.PublicKey, settings []governance.Setting) (PastView, bool) {
	p, ok := s.Hall.Proposals.Get(id)
	if !ok {
		return PastView{}, false
	}
	v := PastView{ID: id, Title: p.Title, Ended: p.Ended, Input: s.Hall.Input(id, &p, watches, settings)}
	if b, voted := s.Hall.Ballots.Get(governance.Seat{Proposal: id, Member: member}); voted {
		own := b.ForProgram()
		v.Own = &own
	}
	switch p.Phase {
	case governance.Grace, governance.Executed, governance.Failed:
		v.Result = program.Yes
	case governance.Rejected:
		v.Result = program.No
	}
	return v, true
}

// Pasts are all proposals whose votes are over, by when they ended.
func Pasts(s *State, member identity.PublicKey, watches []identity.PublicKey, settings []governance.Setting) []PastView {
	views := []PastView{}
	for id, p := range table.All(&s.Hall.Proposals) {
		if p.Result.Closed != 0 {
			v, _ := Past(s, id, member, watches, settings)
			v.Ended = p.Result.Closed
			views = append(views, v)
		}
	}
	slices.SortStableFunc(views, func(a, b PastView) int { return cmp.Compare(a.Ended, b.Ended) })
	return views
}

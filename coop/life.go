package coop

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// LifeView is how far a proposal is in its life, besides its count.
type LifeView struct {
	Deadline event.Time         `json:"deadline,omitempty"` // up to which members can act: sponsor it, vote, or stop it
	Hidden   string             `json:"hidden,omitempty"`   // why no count and no ballots are shown
	Missing  uint64             `json:"missing,omitempty"`  // votes that the quorum of an open vote still lacks, where a number says it
	Sponsors []MemberName       `json:"sponsors,omitempty"` // besides the proposer
	Chambers []ChamberView      `json:"chambers,omitempty"`
	Shared   uint64             `json:"shared,omitempty"`  // members of the roll who sit in more than one chamber
	Shifts   []governance.Shift `json:"shifts,omitempty"`  // of deadlines
	Attempt  uint64             `json:"attempt,omitempty"` // how often the same was vetoed before
	Vetoes   []VetoView         `json:"vetoes,omitempty"`
	Exits    []MemberName       `json:"exits,omitempty"` // members who left because of it
}

// MemberName is a member in a list.
type MemberName struct {
	Member identity.PublicKey `json:"member"`
	Name   string             `json:"name"`
}

// ChamberView is one chamber of a vote with its count.
type ChamberView struct {
	Class string `json:"class"`
	governance.ChamberResult
}

// VetoView is one member's veto.
type VetoView struct {
	MemberName
	Reason string     `json:"reason"`
	At     event.Time `json:"at"`
	Event  event.ID   `json:"event"`
}

// life tells how far a proposal is; r is its count.
func life(s *State, id event.ID, p *governance.Proposal, r *governance.Result) LifeView {
	name := func(member identity.PublicKey) MemberName {
		m, _ := s.Hall.Members.Get(member)
		return MemberName{member, m.Name}
	}
	v := LifeView{Shared: p.Shared, Shifts: p.Shifts, Attempt: p.Attempt}
	if p.Phase.UnderWay() {
		v.Deadline = p.Deadline()
	}
	for _, key := range p.Sponsors {
		v.Sponsors = append(v.Sponsors, name(key))
	}
	if p.Concealed() {
		v.Hidden = governance.Concealment
	} else {
		if p.Phase == governance.Voting {
			v.Missing = p.Rules.Track.Quorum.Missing(governance.Count{Roll: p.RollSize, Yes: r.Yes, No: r.No, Abstain: r.Abstain})
		}
		for i, c := range r.Chambers {
			v.Chambers = append(v.Chambers, ChamberView{p.Rules.Track.Chambers[i].Class, c})
		}
	}
	for member, veto := range s.Hall.VetoesOn(id) {
		v.Vetoes = append(v.Vetoes, VetoView{name(member), veto.Reason, veto.At, veto.Event})
	}
	for member := range s.Hall.ExitsOver(id) {
		v.Exits = append(v.Exits, name(member))
	}
	return v
}

package coop

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// JuryView is a jury, drawn or about to be.
type JuryView struct {
	By        event.ID    `json:"by"` // the proposal that called it
	Title     string      `json:"title"`
	Name      string      `json:"name"`
	Called    event.Time  `json:"called"`
	Seats     uint64      `json:"seats"`
	Classes   []string    `json:"classes"`
	Parties   []string    `json:"parties,omitempty"` // names
	Pool      uint64      `json:"pool"`              // candidates without a conflict
	PoolHash  string      `json:"pool_hash"`
	Conflicts uint64      `json:"conflicts"` // who was left out: parties, their delegates, and who delegates to them
	Drawn     bool        `json:"drawn"`
	Seed      string      `json:"seed,omitempty"` // the id of the commit's anchor, hexadecimal
	Commit    uint64      `json:"commit,omitempty"`
	Jurors    []JurorView `json:"jurors,omitempty"`
	Reserves  []JurorView `json:"reserves,omitempty"`
	Declined  []string    `json:"declined,omitempty"` // names
	Ended     event.Time  `json:"ended,omitempty"`    // when what it judged was over
	Verified  bool        `json:"verified"`           // drawn again from what was frozen, the seed and who declined: the same; once it has ended, the lots of those drawn
}

// JurorView is one who was drawn.
type JurorView struct {
	Member identity.PublicKey `json:"member"`
	Name   string             `json:"name"`
	Ticket string             `json:"ticket"` // hexadecimal: the lowest sit
}

// Juries are all juries, by the proposal that called them. Each is drawn again.
func Juries(s *State) []JuryView {
	views := []JuryView{}
	for panel, j := range table.All(&s.Hall.Juries) {
		v := JuryView{By: panel.By, Title: s.calledBy(panel), Name: panel.Name, Called: j.Called, Seats: j.Terms.Seats, Classes: j.Terms.Classes, Parties: s.namesOf(j.Terms.Parties),
			Pool: j.Pool, PoolHash: hex.EncodeToString(j.PoolHash[:]), Conflicts: j.Conflicts, Drawn: j.Drawn, Commit: j.Commit,
			Jurors: s.jurors(j.Jurors), Reserves: s.jurors(j.Reserves), Declined: s.namesOf(j.Declined), Ended: j.Ended, Verified: s.Hall.VerifyJury(panel) == nil}
		if j.Drawn {
			v.Seed = hex.EncodeToString(j.Seed[:])
		}
		views = append(views, v)
	}
	return views
}

// juryInvariants expects that the juries of missions that are over have ended, and no others of missions.
func (s *State) juryInvariants() (broken []error) {
	for id, m := range table.All(&s.Missions.Missions) {
		for round := uint64(1); round <= m.Round; round++ {
			j, ok := s.Hall.Juries.Get(governance.Panel{By: m.Event, Name: m.Panel(round)})
			if ok && (j.Ended != 0) != m.Phase.Over() {
				broken = append(broken, fmt.Errorf("coop: invariant: mission %s is %s, and its jury of round %d ended at %d", id, m.Phase, round, j.Ended))
			}
		}
	}
	return broken
}

// calledBy is the title of what a jury is for: of the mission that it judges, or of the proposal.
func (s *State) calledBy(panel governance.Panel) string {
	for _, m := range table.All(&s.Missions.Missions) {
		if m.Event == panel.By && strings.HasPrefix(panel.Name, m.Panels()) {
			return m.Listing.Title
		}
	}
	p, _ := s.Hall.Proposals.Get(panel.By)
	return p.Title
}

func (s *State) jurors(list []governance.Juror) (views []JurorView) {
	for _, x := range list {
		m, _ := s.Hall.Members.Get(x.Member)
		views = append(views, JurorView{x.Member, m.Name, hex.EncodeToString(x.Ticket[:])})
	}
	return views
}

func (s *State) namesOf(keys []identity.PublicKey) []string {
	names := make([]string, len(keys))
	for i, key := range keys {
		m, _ := s.Hall.Members.Get(key)
		names[i] = m.Name
	}
	return names
}

// juryInWords says what jury an action would call.
func (s *State) juryInWords(b *governance.JuryCall) string {
	text := fmt.Sprintf("call a jury of %d by lot, %s, with %d reserves", b.Terms.Seats, b.Name, b.Terms.Reserves)
	if len(b.Terms.Classes) > 0 {
		text += ", of " + strings.Join(b.Terms.Classes, " and ")
	}
	if len(b.Terms.Parties) > 0 {
		text += ", without " + strings.Join(s.namesOf(b.Terms.Parties), ", ") + " and who delegates to them or is their delegate"
	}
	return text
}

package coop

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// jury is the action NAME:SEATS:RESERVES:CLASS.
func (w *world) jury(text string, parties []string) event.Draft {
	parts := strings.Split(text, ":")
	b := governance.JuryCall{Name: parts[0], Terms: governance.JuryTerms{Seats: w.number(parts[1]), Reserves: w.number(parts[2]), Classes: parts[3:]}}
	for _, name := range parties {
		b.Terms.Parties = append(b.Terms.Parties, publicOf(name))
	}
	slices.SortFunc(b.Terms.Parties, identity.PublicKey.Compare)
	return w.body(governance.KindJuryCall, b)
}

// panel names a jury that a proposal or a mission has called.
func (w *world) panel(by, name string) governance.Panel {
	id, proposed := w.proposals[by]
	if !proposed {
		m, _ := w.state().Missions.Missions.Get(w.missionNamed(by))
		id = m.Event
	}
	return governance.Panel{By: id, Name: name}
}

func lookAtJuries(s *State) (out []string) {
	for _, j := range Juries(s) {
		var jurors, reserves []string
		for _, x := range j.Jurors {
			jurors = append(jurors, x.Name)
		}
		for _, x := range j.Reserves {
			reserves = append(reserves, x.Name)
		}
		line := fmt.Sprintf("%s of %q: %d of %d, %d left out", j.Name, j.Title, j.Seats, j.Pool, j.Conflicts)
		if !j.Drawn {
			out = append(out, line+", not drawn yet")
			continue
		}
		line += fmt.Sprintf(", drawn by commit %d: %s; reserves: %s", j.Commit, strings.Join(jurors, " "), strings.Join(reserves, " "))
		if len(j.Declined) > 0 {
			line += "; declined: " + strings.Join(j.Declined, " ")
		}
		if line += fmt.Sprintf("; the same again: %v", j.Verified); j.Ended != 0 {
			line += fmt.Sprintf("; ended %s", j.Ended)
		}
		out = append(out, line)
	}
	return out
}

// called is a village that has called a jury of two with three reserves, and waits for the seed.
func called(t testing.TB) *world {
	w := newWorld(t)
	for _, c := range []string{"found elm by=ann,bob,cleo,dan,eva,fred,gil,hal", "bob delegate ann", "ann propose roof track=quick jury=prize:2:3 parties=ann",
		"cleo vote roof yes", "wait 61m"} {
		w.play(c)
	}
	return w
}

// TestSeedDecides: what is drawn depends on the anchor of the commit after the call, and on nothing that
// happens after the call.
func TestSeedDecides(t *testing.T) {
	w := called(t)
	drawn := map[string]bool{}
	for n := range 40 {
		s := w.state().Copy()
		Seed(&s, 7, anchorOf(n))
		one := Juries(&s)[0]
		drawn[one.Jurors[0].Name+one.Jurors[1].Name] = true

		later := w.state().Copy()
		m, _ := later.Hall.Members.Get(keyOf("dan").Public())
		m.Status = governance.StatusLeft
		later.Hall.Members.Set(keyOf("dan").Public(), m)
		later.Hall.Members.Set(keyOf("ivo").Public(), governance.Member{Name: "Ivo", Classes: m.Classes, Status: governance.StatusMember})
		later.Hall.Mandates.Set(governance.Remit{Member: keyOf("cleo").Public()}, governance.Mandate{To: governance.Delegate{Members: []identity.PublicKey{keyOf("ann").Public()}}})
		later.Hall.Charter.Classes[1].Votes = false
		Seed(&later, 7, anchorOf(n))
		if two := Juries(&later)[0]; fmt.Sprint(one) != fmt.Sprint(two) {
			t.Fatalf("%v\nlater %v", one, two)
		}
		if names := fmt.Sprint(one.Jurors, one.Reserves); strings.Contains(names, "Ann") || strings.Contains(names, "Bob") {
			t.Fatalf("a party or who delegates to one was drawn: %s", names)
		}
	}
	if len(drawn) < 15 {
		t.Errorf("40 anchors draw %d of 30 juries", len(drawn))
	}
}

// TestForgedJuriesAreNoticed: no other juror, ticket, pool or seed passes for the drawn one.
func TestForgedJuriesAreNoticed(t *testing.T) {
	for name, forge := range map[string]func(*governance.Jury){
		"juror":   func(j *governance.Jury) { j.Jurors = append(j.Jurors[:1:1], j.Reserves[0]) },
		"order":   func(j *governance.Jury) { j.Jurors = []governance.Juror{j.Jurors[1], j.Jurors[0]} },
		"ticket":  func(j *governance.Jury) { j.Jurors = slices.Clone(j.Jurors); j.Jurors[0].Ticket[3]++ },
		"reserve": func(j *governance.Jury) { j.Reserves = j.Reserves[1:] },
		"seed":    func(j *governance.Jury) { j.Seed[0]++ },
		"pool":    func(j *governance.Jury) { j.Members = j.Members.Copy(); j.Members.Delete(j.Jurors[0].Member) },
		"size":    func(j *governance.Jury) { j.Pool++ },
		"terms":   func(j *governance.Jury) { j.Terms.Parties = nil },
		"decline": func(j *governance.Jury) { j.Declined = append(j.Declined, j.Reserves[0].Member) },
		"lots":    func(j *governance.Jury) { j.Ended, j.Jurors = 1, []governance.Juror{j.Jurors[1], j.Jurors[0]} },
		"friend":  func(j *governance.Jury) { j.Ended, j.Jurors[0].Member = 1, j.Reserves[0].Member },
	} {
		w := called(t)
		w.play("wait 1m")
		s := w.state().Copy()
		panel := governance.Panel{By: w.proposals["roof"], Name: "prize"}
		ended := s.Copy()
		ended.Hall.Adjourn(panel, 1)
		if err := errors.Join(s.Hall.VerifyJury(panel), ended.Hall.VerifyJury(panel)); err != nil {
			t.Fatal(err)
		}
		j, _ := s.Hall.Juries.Get(panel)
		forge(&j)
		s.Hall.Juries.Set(panel, j)
		if s.Hall.VerifyJury(panel) == nil || Invariants(&s) == nil {
			t.Errorf("a forged %s passes", name)
		}
	}
}

// TestEndedJuriesAreForgotten: what a jury needs of the members of its day is kept while it sits, and no longer.
func TestEndedJuriesAreForgotten(t *testing.T) {
	w := called(t)
	w.play("wait 1m")
	panel := governance.Panel{By: w.proposals["roof"], Name: "prize"}
	for _, ended := range []bool{false, true} {
		s := w.state().Copy()
		if ended {
			s.Hall.Adjourn(panel, 1)
		}
		m, _ := s.Hall.Members.Get(keyOf("dan").Public())
		m.Status = governance.StatusLeft
		s.Hall.Members.Set(keyOf("dan").Public(), m)
		f := s.Hall.Frozen()
		j, _ := s.Hall.Juries.Get(panel)
		if (f.Pools.Len() == 0) != ended || (j.Members.Len() == 0) != ended || (j.Mandates.Len() == 0) != ended || len(j.Jurors) != 2 {
			t.Errorf("ended: %v, places of the pool: %d, members kept: %d, delegations: %d", ended, f.Pools.Len(), j.Members.Len(), j.Mandates.Len())
		}
	}
}

package coop

import (
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// townhall is the parliament's charter with tracks that guard the life of a proposal in every way.
func townhall() governance.Charter {
	c := parliament()
	half := governance.Ratio{Num: 1, Den: 2}
	none := governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Num: 0, Den: 1}}
	turnout := governance.Quorum{Kind: governance.QuorumTurnout, Share: half}
	majority := governance.Threshold{Share: half, Over: true}
	track := func(name string, method governance.Method, change func(*governance.Track)) {
		t := governance.Track{Name: name, Method: method, Quorum: none, Threshold: majority, Voting: hour, Revisable: true, Open: 2}
		change(&t)
		c.Tracks = append(c.Tracks, t)
	}
	houses := []governance.Chamber{{Class: "friend", Quorum: turnout, Threshold: majority}, {Class: "worker", Quorum: none, Threshold: governance.Threshold{Share: half}}}
	track("houses", governance.YesNo, func(t *governance.Track) { t.Chambers = houses })
	track("feast", governance.Approval, func(t *governance.Track) { t.Chambers = houses })
	track("harmony", governance.ByConsent, func(t *governance.Track) {
		t.Threshold = governance.Threshold{Share: governance.Ratio{Num: 1, Den: 1}}
		t.Chambers = []governance.Chamber{{Class: "friend", Quorum: turnout, Threshold: t.Threshold}}
	})
	track("confirmed", governance.YesNo, func(t *governance.Track) {
		t.AntiSniping = governance.AntiSniping{Rule: governance.Confirm, Window: hour / 3, Times: 2}
	})
	track("calm", governance.Approval, func(t *governance.Track) {
		t.AntiSniping = governance.AntiSniping{Rule: governance.Quiet, Window: hour / 3, Times: 2}
	})
	track("swift", governance.YesNo, func(t *governance.Track) {
		t.Early, t.Revisable, t.Quorum = true, false, governance.Quorum{Kind: governance.QuorumForOnly, Share: half}
	})
	track("vivid", governance.Schulze, func(t *governance.Track) {
		t.Early, t.Revisable, t.AntiSniping = true, false, governance.AntiSniping{Rule: governance.Quiet, Window: hour, Times: 1}
	})
	track("petition", governance.YesNo, func(t *governance.Track) { t.Cosponsors, t.Gathering, t.Discussion = 2, hour, hour })
	track("relay", governance.YesNo, func(t *governance.Track) { t.Cosponsors, t.Gathering = 1, hour })
	track("guarded", governance.YesNo, func(t *governance.Track) {
		t.Grace, t.Actions = hour, []event.Kind{governance.KindBudgetAllocate}
		t.Veto = governance.Veto{Members: 2, Classes: []string{"friend"}, Times: 1}
	})
	track("brittle", governance.Approval, func(t *governance.Track) { t.Grace, t.Veto = hour, governance.Veto{Members: 1} })
	track("hidden", governance.Approval, func(t *governance.Track) { t.Hidden, t.Chambers = true, houses })
	return c
}

// pollDraft is what a command about a proposal's life wants to say:
//
//	cosponsor NAME    veto NAME reason=    exit NAME
func (w *world) pollDraft(c command) event.Draft {
	id := w.proposals[c.word(2)]
	switch verb := c.word(1); verb {
	case "cosponsor":
		return w.body(governance.KindProposalSponsor, governance.ProposalSponsor{Proposal: id})
	case "veto":
		return w.body(governance.KindProposalVeto, governance.ProposalVeto{Proposal: id, Reason: c.get("reason", "")})
	case "exit":
		return w.body(governance.KindProposalExit, governance.ProposalExit{Proposal: id})
	default:
		w.t.Fatalf("no verb %q", verb)
		return event.Draft{}
	}
}

// classesOf are the classes of a founder: classes="ann:friend+worker,bob:friend" names those of some.
func classesOf(c command, name, otherwise string) []string {
	for _, word := range c.list("classes") {
		if who, classes, _ := strings.Cut(word, ":"); who == name {
			return strings.Split(classes, "+")
		}
	}
	return []string{otherwise}
}

// TestInvariantsNoticeLives breaks the lives of proposals in ways that no event can and expects to be told.
func TestInvariantsNoticeLives(t *testing.T) {
	w := newWorld(t)
	for _, c := range []string{"found elm by=ann,bob,cleo charter=townhall classes=cleo:friend+worker", "ann propose till track=guarded", "ann vote till yes",
		"ann propose barn track=guarded", "ann propose roof track=houses", "ann propose mill track=petition", "bob cosponsor mill",
		"ann propose door track=confirmed", "cleo vote roof yes", "wait 59m", "ann vote door yes", "wait 1ms", "stall 1m", "bob propose well track=swift", "bob vote well yes", "cleo vote well yes",
		"wait 25m", "bob veto till reason=Dear", "cleo propose lane track=houses"} {
		if out := w.play(c); len(out) > 0 && strings.HasPrefix(out[0], "refused") {
			t.Fatalf("%s: %s", c, out[0])
		}
	}
	if broken := Invariants(w.state()); broken != nil {
		t.Fatal(broken)
	}
	seat := func(name, who string) governance.Seat {
		return governance.Seat{Proposal: w.proposals[name], Member: keyOf(who).Public()}
	}
	change := func(name string, f func(*governance.Proposal)) func(*State) {
		return func(s *State) {
			p, ok := s.Hall.Proposals.Get(w.proposals[name])
			if !ok {
				t.Fatalf("no proposal %s", name)
			}
			f(&p)
			s.Hall.Proposals.Set(w.proposals[name], p)
		}
	}
	for name, harm := range map[string]func(*State){
		"a veto of what was not passed": func(s *State) { s.Hall.Vetoes.Set(seat("mill", "bob"), governance.VetoCast{}) },
		"a second veto":                 func(s *State) { s.Hall.Vetoes.Set(seat("till", "cleo"), governance.VetoCast{}) },
		"a veto without need":           change("till", func(p *governance.Proposal) { p.Phase, p.Due = governance.Vetoed, 0 }),
		"a veto that is spent":          change("till", func(p *governance.Proposal) { p.Attempt = 1 }),
		"an exit of one who wanted it": func(s *State) {
			s.Hall.Exits.Set(seat("till", "ann"), governance.Exit{})
			change("till", func(p *governance.Proposal) { p.Exits = 1 })(s)
		},
		"a sponsor too few":   change("mill", func(p *governance.Proposal) { p.Phase = governance.Discussion }),
		"an own sponsor":      change("mill", func(p *governance.Proposal) { p.Sponsors = append(p.Sponsors, p.By) }),
		"a chamber that grew": change("lane", func(p *governance.Proposal) { p.Chambers = []uint64{9, 9} }),
		"another overlap":     change("lane", func(p *governance.Proposal) { p.Shared++ }),
		"another lead":        change("door", func(p *governance.Proposal) { p.Lead.Passes = !p.Lead.Passes }),
		"an extension too many": change("door", func(p *governance.Proposal) {
			for range 4 {
				p.Shifts = append(p.Shifts, governance.Shift{Cause: governance.CauseConfirm})
			}
		}),
		"a confirmation that was not": change("door", func(p *governance.Proposal) { p.Lead.Since = p.Voting.End }),
		"an early end without need":   change("barn", func(p *governance.Proposal) { p.Voting.End = p.Result.Closed }),
		"an early end, decided by a ballot that is gone": func(s *State) {
			s.Hall.Ballots.Delete(seat("well", "bob"))
		},
	} {
		s := w.state().Copy()
		harm(&s)
		if Invariants(&s) == nil {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

// TestHiddenBallots: no view shows a ballot of a hidden vote before its close, and every one does after it.
func TestHiddenBallots(t *testing.T) {
	w := newWorld(t)
	for _, c := range []string{"found elm by=ann,bob charter=townhall", "ann propose supper track=hidden options=Soup,Wine", "bob vote supper approve=1"} {
		w.play(c)
	}
	p, _ := Proposal(w.state(), w.proposals["supper"])
	a, _ := Account(w.state(), w.proposals["supper"])
	if len(p.Ballots)+len(a.Ballots)+len(a.Steps) != 0 || a.Count != nil || p.Tally.Ballots != 0 || p.Options[1].Votes != 0 || p.Chambers != nil || p.Hidden == "" {
		t.Errorf("%+v, %+v", p, a)
	}
	w.play("wait 61m")
	p, _ = Proposal(w.state(), w.proposals["supper"])
	a, _ = Account(w.state(), w.proposals["supper"])
	if len(p.Ballots) != 1 || len(a.Ballots) != 1 || p.Tally.Ballots != 1 || p.Options[1].Votes != 1 || p.Hidden != "" {
		t.Errorf("%+v, %+v", p, a)
	}
}

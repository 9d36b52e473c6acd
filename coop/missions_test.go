package coop

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// commissions lets proposals on track quick do everything that missions know, and the ledger.
func commissions(c governance.Charter) governance.Charter {
	c = bank(c)
	c.Tracks[1].Actions = append(c.Tracks[1].Actions, missions.Kinds()...)
	return c
}

// missionDraft is what a command about missions wants to say, if it is one. A mission is known by its name,
// a submission by the name that its author gave it; amounts are in minor units.
//
//	list NAME target=|keep prizes=70,30 match=linear:1:2:CAP|quadratic:CAP token= units= treasury= backers= rule= price=
//	     judges= seats= method= appeals= periods=1h,1h,1h,1h,1h tags= text= number=
//	pledge NAME AMOUNT comment=      calloff NAME
//	submit ENTRY to=NAME with=ann:1,bob:2 text= file=       reveal ENTRY to=NAME …
//	consent ENTRY to=NAME no=yes     retract ENTRY to=NAME
//	forecast NAME target|delivery CHANCE comment=    flag NAME reason=    spam NAME    nospam NAME    policy DEPOSIT flags= trial=
//	prove NAME text= file=    accept NAME    reject NAME    (list … milestones=half:1:2h,whole:2:3h)
//	judge NAME approve=ENTRY,none    judge NAME rank="ENTRY>none"     objection NAME reason=
func (w *world) missionDraft(who string, c command) (event.Draft, bool) {
	object := c.word(2)
	switch c.word(1) {
	case "list":
		return w.body(missions.KindList, w.listing(object, c)), true
	case "pledge":
		return w.body(missions.KindPledge, missions.MakePledge{Mission: w.missionNamed(object), Amount: w.number(c.word(3)), Comment: c.get("comment", "")}), true
	case "calloff":
		return w.body(missions.KindCancel, missions.Cancel{Mission: w.missionNamed(object)}), true
	case "submit":
		content := contentOf(who, object, c)
		mission := w.missionNamed(c.get("to", ""))
		return w.body(missions.KindSubmit, missions.Submit{Mission: mission, Commitment: content.Commitment(mission, publicOf(who), sha256.Sum256([]byte(object)))}), true
	case "reveal":
		return w.body(missions.KindReveal, missions.Reveal{Submission: w.entry(object, c), Content: contentOf(who, object, c), Secret: sha256.Sum256([]byte(c.get("secret", object)))}), true
	case "consent":
		return w.body(missions.KindConsent, missions.Consent{Submission: w.entry(object, c), Agree: c.get("no", "") == ""}), true
	case "retract":
		return w.body(missions.KindWithdraw, missions.Withdraw{Submission: w.entry(object, c)}), true
	case "judge":
		b := missions.Judge{Mission: w.missionNamed(object), Approve: w.entriesNamed(c.list("approve")), Reason: c.get("reason", "")}
		if ranking := c.get("rank", ""); ranking != "" {
			for place := range strings.SplitSeq(ranking, ">") {
				b.Rank = append(b.Rank, w.entriesNamed(strings.Split(place, "=")))
			}
		}
		return w.body(missions.KindJudge, b), true
	case "objection":
		return w.body(missions.KindAppeal, missions.Appeal{Mission: w.missionNamed(object), Reason: c.get("reason", "")}), true
	case "prove":
		return w.body(missions.KindProve, missions.Prove{Mission: w.missionNamed(object), Text: c.get("text", ""), Files: contentOf(who, object, c).Files}), true
	case "accept", "reject":
		return w.body(missions.KindAccept, missions.Accept{Mission: w.missionNamed(object), Accept: c.word(1) == "accept"}), true
	case "forecast":
		return w.body(missions.KindForecast, missions.Foresee{Mission: w.missionNamed(object), About: missions.Question(c.word(3)), Chance: w.number(c.word(4)), Comment: c.get("comment", "")}), true
	case "flag":
		return w.body(missions.KindFlag, missions.Flag{Mission: w.missionNamed(object), Reason: c.get("reason", "")}), true
	case "spam", "nospam":
		return w.body(missions.KindCall, missions.Call{Mission: w.missionNamed(object), Spam: c.word(1) == "spam"}), true
	case "policy":
		return w.body(missions.KindTerms, missions.Terms{Deposit: w.number(object), Flags: w.number(c.get("flags", "2")), Trial: w.span(c.get("trial", "2h"))}), true
	}
	return event.Draft{}, false
}

func (w *world) listing(name string, c command) missions.Listing {
	l := missions.Listing{Number: w.number(c.get("number", "0")), Title: c.get("title", title(name)), Brief: c.get("text", ""), Tags: c.list("tags"),
		Funding: missions.KeepWhatCame, Match: missions.Match{Kind: missions.MatchNone}, Prizes: w.numbers(c.get("prizes", "100"), ","),
		Token: missions.Token{Name: c.get("token", name), Rule: tokens.Rule(c.get("rule", "members")), Units: w.number(c.get("units", "100")),
			Treasury: w.number(c.get("treasury", "0")), Backers: w.number(c.get("backers", "0"))},
		Price: w.number(c.get("price", "500")), AtLeast: c.get("atleast", "") != "",
		Judges: missions.Judges(c.get("judges", "members")), Seats: w.number(c.get("seats", "0")), Method: missions.Method(c.get("method", "approval")),
		Appeals: w.number(c.get("appeals", "0"))}
	if target := c.get("target", ""); target != "" {
		l.Funding, l.Target = missions.AllOrNothing, w.number(target)
	}
	if funding := c.get("funding", ""); funding != "" {
		l.Funding = missions.Funding(funding)
	}
	for _, text := range c.list("milestones") {
		x := strings.Split(text, ":")
		l.Milestones = append(l.Milestones, missions.Milestone{Name: title(x[0]), Share: w.number(x[1]), Within: w.span(x[2])})
	}
	kind, rest, _ := strings.Cut(c.get("match", "none"), ":")
	l.Match.Kind = missions.Matching(kind)
	switch numbers := w.numbers(rest, ":"); len(numbers) {
	case 1:
		l.Match.Cap = numbers[0]
	case 3:
		l.Match.Num, l.Match.Den, l.Match.Cap = numbers[0], numbers[1], numbers[2]
	}
	periods := []event.Time{hour, hour, hour, hour, 0}
	for i, text := range strings.Split(c.get("periods", "1h,1h,1h,1h"), ",") {
		periods[i] = w.span(text)
	}
	l.Periods = missions.Periods{Funding: periods[0], Open: periods[1], Reveal: periods[2], Judging: periods[3], Appeal: periods[4]}
	return l
}

// contentOf is a submission, the same for the same options.
func contentOf(who, name string, c command) missions.Content {
	content := missions.Content{Title: c.get("title", title(name)), Text: c.get("text", "")}
	for _, file := range c.list("file") {
		content.Files = append(content.Files, missions.File{Name: "work.txt", CID: file, Size: 5})
	}
	for _, text := range strings.Split(c.get("with", who+":1"), ",") {
		member, share, _ := strings.Cut(text, ":")
		n := uint64(0)
		fmt.Sscan(share, &n)
		content.Contributors = append(content.Contributors, missions.Contributor{Member: publicOf(member), Role: c.get("role", "made it"), Share: n})
	}
	return content
}

// missionNamed is the mission of a name, the last listed; for any other name, none that is known.
func (w *world) missionNamed(name string) event.ID {
	found, last := event.ID{9}, event.Time(0)
	for id, m := range table.All(&w.state().Missions.Missions) {
		if strings.EqualFold(m.Listing.Title, name) && m.Listed >= last {
			found, last = id, m.Listed
		}
	}
	return found
}

func (w *world) entry(name string, c command) missions.Entry {
	return missions.Entry{Mission: w.missionNamed(c.get("to", "")), ID: w.proposals[name]}
}

func (w *world) entriesNamed(names []string) (ids []event.ID) {
	for _, name := range names {
		switch id, ok := w.proposals[name]; {
		case name == "none":
			ids = append(ids, missions.NoAward)
		case ok:
			ids = append(ids, id)
		default:
			ids = append(ids, event.ID{9})
		}
	}
	return ids
}

// lookAtMission shows one mission, or all of them.
func (w *world) lookAtMission(name string) (out []string) {
	s := w.state()
	money := s.Hall.Currency.Format
	for _, brief := range Missions(s) {
		if name != "" && brief.ID != w.missionNamed(name) {
			continue
		}
		v, _ := Mission(s, brief.ID)
		out = append(out, fmt.Sprintf("%s by %s: %s, %s of %d, %s in escrow, %d submissions, %s paid", v.Title, v.ByName, v.Phase, money(v.Raised), v.Pledgers, money(v.Escrow), v.Entries, money(v.Paid)))
		if name == "" {
			continue
		}
		if v.Matched > 0 {
			out = append(out, "the treasury matched with "+money(v.Matched))
		}
		if v.Due != 0 {
			out = append(out, fmt.Sprintf("%s: %s", v.Due, v.Next))
		}
		var pledges, submissions []string
		for _, p := range v.Pledges {
			pledges = append(pledges, fmt.Sprintf("%s pledged %s, back %s, %d units", p.Name, money(p.Amount), money(p.Back), p.Units))
		}
		for _, x := range v.Submissions {
			line := fmt.Sprintf("%s by %s: %s, place %d, prize %s", x.Title, x.ByName, x.Status, x.Place, money(x.Prize))
			for _, c := range x.Contributors {
				line += fmt.Sprintf("; %s %s, share %d, consents %v", c.Name, c.Role, c.Share, c.Consents)
			}
			submissions = append(submissions, line)
		}
		slices.Sort(pledges)
		slices.Sort(submissions)
		out = append(append(out, pledges...), submissions...)
		if r := v.Verdict; r != nil {
			line := fmt.Sprintf("round %d by %s, %d ballots:", r.Round, r.Judges, r.Ballots)
			var votes []string
			for _, o := range r.Votes {
				votes = append(votes, fmt.Sprintf("%s %d%s", o.Name, o.Votes, map[bool]string{true: " (prize)"}[o.Selected]))
			}
			slices.Sort(votes)
			out = append(out, line+" "+strings.Join(votes, ", "))
		}
		for _, e := range v.Expected {
			out = append(out, fmt.Sprintf("%s expected at %d %% by %d", e.About, e.Chance, e.Forecasts))
		}
		var forecasts []string
		for _, f := range v.Forecasts {
			forecasts = append(forecasts, fmt.Sprintf("%s gives the %s %d %%, weight %d, %d points: %s", f.Name, f.About, f.Chance, f.Weight, f.Points, f.Comment))
		}
		slices.Sort(forecasts)
		out = append(out, forecasts...)
		if v.Deposit > 0 || len(v.Flags) > 0 {
			out = append(out, fmt.Sprintf("deposit %s, flagged by %d, spam %d, sound %d", money(v.Deposit), len(v.Flags), len(v.Spam), len(v.Sound)))
		}
		for _, a := range v.Appeals {
			out = append(out, fmt.Sprintf("%s appealed: %s", a.Name, a.Reason))
		}
	}
	if name == "" {
		slices.Sort(out)
	}
	return out
}

// missionLines is a line for each mission.
func missionLines(s *State) (out []string) {
	for _, m := range table.All(&s.Missions.Missions) {
		out = append(out, fmt.Sprintf("%s: %s", strings.ToLower(m.Listing.Title), m.Phase))
	}
	return out
}

// busy is a world in which every table of the missions has rows.
func busy(t testing.TB) *world {
	w := newWorld(t)
	for _, c := range []string{"found elm by=ann,bob,cleo,dan charter=commissions",
		`ann propose make track=quick ledger="issue ann 500 for=r1;issue nobody 90 for=r2;policy 9 flags=1 trial=30h;list pitch target=50 prizes=30,20 match=linear:1:2:40 appeals=2 periods=1h,1h,1h,1h,1h"`,
		"bob vote make yes", "wait 61m", "bob forecast pitch target 70", "dan forecast pitch target 20 comment=Never", "ann list empty periods=9h,1h,1h,1h", "ann list other periods=9h,1h,1h,1h", "ann pledge other 7", "ann pledge pitch 60", "wait 1h",
		"cleo submit song to=pitch with=cleo:2,dan:1", "wait 1h", "cleo reveal song to=pitch with=cleo:2,dan:1", "dan consent song to=pitch",
		"wait 1h", "ann judge pitch approve=song", "wait 1h", "bob objection pitch", "ann calloff other",
		"bob forecast empty delivery 30", "cleo flag empty reason=Junk", "dan spam empty", "bob nospam empty"} {
		if said := w.play(c); strings.HasPrefix(said0(said), "refused") {
			t.Fatalf("%s: %v", c, said)
		}
	}
	return w
}

// TestRootCoversMissions changes every field of the missions, one at a time, and expects another root.
func TestRootCoversMissions(t *testing.T) {
	s := busy(t).state().Copy()
	s.Missions.Accepts.Set(missions.Bench{}, true)                // which busy has none of
	s.Missions.Scoring.Set(missions.Docket{}, missions.Scoring{}) // as between two commits, if there are very many forecasts
	checkRoom(t, &s, "missions")
}

// TestInvariantsNoticeMissions breaks missions in ways that no event can and expects to be told.
func TestInvariantsNoticeMissions(t *testing.T) {
	mission := func(name string, harm func(*missions.Mission)) func(*State, *world) {
		return func(s *State, w *world) {
			m, _ := s.Missions.Missions.Get(w.missionNamed(name))
			harm(&m)
			s.Missions.Missions.Set(w.missionNamed(name), m)
		}
	}
	for name, harm := range map[string]func(*State, *world){
		"money in escrow of nobody": func(s *State, w *world) {
			s.Ledger.Move(tokens.Currency, tokens.Member(publicOf("ann")), tokens.Escrow(w.missionNamed("pitch")), 1, event.ID{})
		},
		"money out of escrow": func(s *State, w *world) {
			s.Ledger.Move(tokens.Currency, tokens.Escrow(w.missionNamed("pitch")), tokens.Member(publicOf("ann")), 1, event.ID{})
		},
		"a pledge that nobody made": func(s *State, w *world) {
			s.Missions.Pledges.Set(missions.Seat{Mission: w.missionNamed("pitch"), Member: publicOf("bob")}, missions.Pledge{Amount: 1})
		},
		"a refund that never came": func(s *State, w *world) {
			seat := missions.Seat{Mission: w.missionNamed("pitch"), Member: publicOf("ann")}
			p, _ := s.Missions.Pledges.Get(seat)
			p.Back = 1
			s.Missions.Pledges.Set(seat, p)
		},
		"a match above its cap":    mission("pitch", func(m *missions.Mission) { m.Matched = 41 }),
		"a phase without an end":   mission("pitch", func(m *missions.Mission) { m.Due = 0 }),
		"a phase past its end":     mission("pitch", func(m *missions.Mission) { m.Phase = missions.PhaseDelivered }),
		"refunds of nothing":       mission("pitch", func(m *missions.Mission) { m.Phase = missions.PhaseRefunding }),
		"a candidate from nowhere": mission("pitch", func(m *missions.Mission) { m.Candidates = []event.ID{{1}} }),
		"a submission uncounted":   mission("pitch", func(m *missions.Mission) { m.Entries = 0 }),
		"roots of nothing":         mission("pitch", func(m *missions.Mission) { m.Roots++ }),
		"an award to nobody":       mission("pitch", func(m *missions.Mission) { m.Asset = tokens.Asset{1} }),
		"no agenda":                func(s *State, w *world) { s.Missions.Agenda = table.Table[missions.Due, struct{}]{} },
		"nobody's missions":        func(s *State, w *world) { s.Missions.Own = table.Table[missions.Own, struct{}]{} },
		"a name for sale":          func(s *State, w *world) { s.Missions.Reserved.Delete("pitch") },
		"an entrant who judges": func(s *State, w *world) {
			s.Missions.Ballots.Set(missions.Bench{Mission: w.missionNamed("pitch"), Round: 1, Member: publicOf("cleo")}, missions.Ballot{})
		},
		"a ballot of the future": func(s *State, w *world) {
			s.Missions.Ballots.Set(missions.Bench{Mission: w.missionNamed("pitch"), Round: 2, Member: publicOf("bob")}, missions.Ballot{})
		},
		"a submission to nothing": func(s *State, w *world) { s.Missions.Submissions.Set(missions.Entry{}, missions.Submission{}) },
		"a certain forecast": func(s *State, w *world) {
			s.Missions.Forecasts.Set(missions.Prediction{Mission: w.missionNamed("pitch"), About: missions.OnTarget, Member: publicOf("bob")}, missions.Forecast{Chance: 100, Weight: 50})
		},
		"a lister who gains": func(s *State, w *world) {
			s.Missions.Forecasts.Set(missions.Prediction{Mission: w.missionNamed("pitch"), About: missions.OnTarget, Member: publicOf("ann")}, missions.Forecast{Chance: 50, Weight: 50, Points: 9})
		},
		"standing of the future": func(s *State, w *world) {
			s.Missions.Standing.Set(publicOf("bob"), missions.Merit{Points: 5, Since: s.Missions.Time + 1})
		},
		"a deposit kept":      mission("empty", func(m *missions.Mission) { m.Deposit = 0 }),
		"a trial without end": mission("empty", func(m *missions.Mission) { m.Trial = 0 }),
		"a forgotten trial":   func(s *State, w *world) { s.Missions.Trials = table.Table[missions.Due, struct{}]{} },
		"scores of nothing":   func(s *State, w *world) { s.Missions.Scoring.Set(missions.Docket{}, missions.Scoring{}) },
		"a forgotten mission": func(s *State, w *world) { s.Missions.Missions.Delete(w.missionNamed("pitch")) },
	} {
		w := busy(t)
		s := w.state().Copy()
		if broken := Invariants(&s); broken != nil {
			t.Fatal(broken)
		}
		harm(&s, w)
		if Invariants(&s) == nil {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

// TestMissionDeps: what is said about a mission or a submission links it, and a pledge what it spends.
func TestMissionDeps(t *testing.T) {
	w := busy(t)
	s := w.state()
	listed, song := w.proposals["make"], w.proposals["song"]
	for command, want := range map[string][]event.ID{
		"ann pledge pitch 5":             {listed, listed},
		"ann calloff pitch":              {listed},
		"bob submit it to=pitch":         {listed},
		"cleo reveal song to=pitch":      {song},
		"dan consent song to=pitch":      {song},
		"cleo retract song to=pitch":     {song},
		"bob judge pitch approve=none":   {listed},
		"bob objection pitch":            {listed},
		"bob forecast pitch delivery 40": {listed},
		"bob flag pitch":                 {listed},
		"cleo prove pitch":               {listed},
		"bob accept pitch":               {listed},
		"bob spam pitch":                 {listed},
		"ann list more":                  {listed}, // what brought the money of the deposit
		"bob judge nothing approve=none": nil,
	} {
		c := parse(t, command)
		d := w.draft(c.word(0), c)
		if got := append(Deps(s, d), Sources(s, publicOf(c.word(0)), d)...); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", command, got, want)
		}
	}
}

// TestMissionWords: every event about a mission can be read.
func TestMissionWords(t *testing.T) {
	w := busy(t)
	for command, want := range map[string]string{
		"ann pledge pitch 5":                           `pledges 0.05 EUR to the mission "Pitch"`,
		"ann calloff pitch":                            `cancels the mission "Pitch"`,
		"bob submit it to=pitch":                       `submits work, not yet shown, to the mission "Pitch"`,
		"cleo reveal song to=pitch":                    `shows the submission "Song" to the mission "Pitch", with 0 files and 1 contributors`,
		"dan consent song to=pitch":                    `takes part, as it says, in the submission "Song" in the mission "Pitch"`,
		"dan consent song to=pitch no=yes":             `does not take part in the submission "Song" in the mission "Pitch"`,
		"cleo retract song to=pitch":                   `withdraws a submission to the mission "Pitch"`,
		"bob judge pitch approve=none,song":            `judges the mission "Pitch": approves no award, "Song"`,
		"bob judge pitch":                              `judges the mission "Pitch": approves none`,
		`bob judge pitch rank="song=none>song"`:        `judges the mission "Pitch": "Song" = no award > "Song"`,
		"bob forecast pitch target 40 comment=Hm":      `gives the target of the mission "Pitch" a chance of 40 %: "Hm"`,
		"cleo prove pitch text=Done":                   `proves a milestone of the mission "Pitch" with 0 files: "Done"`,
		"bob accept pitch":                             `accepts the proof of a milestone of the mission "Pitch"`,
		"bob reject pitch":                             `rejects the proof of a milestone of the mission "Pitch"`,
		"bob flag pitch reason=Junk":                   `takes the mission "Pitch" for spam: "Junk"`,
		"bob spam pitch":                               `calls the mission "Pitch" spam`,
		"bob nospam pitch":                             `says that the mission "Pitch" is no spam`,
		"bob objection nothing reason=Unfair":          `appeals against the award of the mission an unknown mission: "Unfair"`,
		"ann list more judges=jury seats=3 target=100": `lists the mission "More": prizes 1.00 EUR if 1.00 EUR are pledged, else all goes back; judged by a jury of 3; the winner gets 100 units of the token more; the work is sold for 5.00 EUR then; pledges for 1 hour, submissions for 1 hour, revealed for 1 hour, judged for 1 hour`,
		"ann list free backers=9 treasury=1 price=0 atleast=yes appeals=2 periods=1h,2h,1h,1h,24h": `lists the mission "Free": prizes 1.00 EUR, in proportion of what is pledged; judged by members; the winner gets 100 units of the token free, the backers 9, the treasury 1; the work is sold for what buyers give then; pledges for 1 hour, submissions for 2 hours, revealed for 1 hour, judged for 1 hour, and once more if 2 appeals are asked for in 1 day`,
		"ann list fair price=7 atleast=yes appeals=1 periods=1h,1h,1h,1h,1h":                       `lists the mission "Fair": prizes 1.00 EUR, in proportion of what is pledged; judged by members; the winner gets 100 units of the token fair; the work is sold for at least 0.07 EUR then; pledges for 1 hour, submissions for 1 hour, revealed for 1 hour, judged for 1 hour, and once more if 1 appeal is asked for in 1 hour`,
	} {
		c := parse(t, command)
		if got := Says(w.state(), w.draft(c.word(0), c)); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}

// missionViews are all views of missions.
func missionViews(t *testing.T) []any {
	w := busy(t)
	v, ok := Mission(w.state(), w.missionNamed("pitch"))
	if !ok || v.Verdict == nil || len(v.Submissions) != 1 || v.Submissions[0].Prize == 0 || len(v.Pledges) != 2 {
		t.Errorf("%+v", v)
	}
	if _, ok := Mission(w.state(), event.ID{9}); ok {
		t.Error("a mission out of nothing")
	}
	return []any{Missions(w.state()), v, Standing(w.state()), EntryView{}}
}

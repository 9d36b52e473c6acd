package coop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// What made-up stories do in the rooms besides the hall, and what of all that can happen they came upon.

// openings give a made-up story money, a token, something to sell, and missions to pledge to.
var openings = []string{
	`ann propose start track=quick ledger="issue ann 5000 for=i1;issue bob 5000 for=i2;issue nobody 900 for=i3;create roof to=nobody:40,bob:60;terms least=10 default=20 most=50 steer=50 window=1h"`,
	"bob vote start yes", "wait 61m",
	`ann propose shop track=quick ledger="element roof price=5;product box parts=roof:3 price=9"`, "bob vote shop yes", "ann vote shop yes", "wait 61m",
	`bob publish always source="vote.yes('always')"`, `cleo publish none source="vote.yes(string(1 / (charter.version - charter.version)))"`,
}

// episodes are things that take several steps, which a story hardly comes upon by chance. N is a number of its own, P a
// proposal.
var episodes = []string{
	"ann propose P track=swift|ann vote P yes|bob vote P yes|wait 1m|cleo vote P no|wait 1ms",
	"ann propose P track=swift|ann vote P no|wait 1m|cleo vote P no|bob vote P yes|wait 1m|wait 1ms",
	"bob propose P track=houses|ann vote P yes|bob vote P yes|cleo vote P no|wait 25h|wait 2h",
	"bob propose P track=houses|ann vote P abstain|cleo vote P yes|wait 25h",
	"ann propose P track=general|wait 1h|ann vote P yes|bob vote P no|cleo vote P yes|wait 24h|wait 2m|bob exit P|wait 2h",
	"ann list pitch number=N periods=1h,1h,1h,1h,1h appeals=1|bob pledge pitch 60|ann pledge pitch 30|wait 61m|cleo submit song to=pitch|wait 1h|cleo reveal song to=pitch|wait 1h|ann judge pitch approve=song|bob judge pitch approve=song|wait 1h|wait 2h",
	"ann list pitch number=N target=9000 periods=1h,1h,1h,1h|bob pledge pitch 60|wait 61m",
	"ann buy box 9|bob buy box 18|ann refund ann 0|bob refund bob 0|bob buy box 9|wait 2h|bob claim roof",
	`ann buy box 900 count=100|wait 2h|ann propose P track=quick ledger="distribute 20 parts=all:equal:30,all:purchases:40"|bob vote P yes|wait 61m|ann propose P track=quick ledger="payout 0 100"|bob vote P yes|wait 61m|ann take 0|bob take 0`,
	"cleo delegate program:always|dan delegate program:none|ann propose P track=general|wait 30m|bob unpublish always|wait 30m|ann vote P no|wait 25h",
	"bob delegate program:none track=general|cleo delegate program:always tag=house|ann propose P track=general tags=house|wait 1h|wait 25h",
	"bob order sell 3 of=roof at=5|ann order buy 2 of=roof at=6|wait 1h|ann transfer cleo 1 of=roof",
}

// makeUpEpisode makes one up, n-th of a story: now and then a step is missing, or something else comes between.
func makeUpEpisode(dice *rand.Rand, n int) (commands []string) {
	text := strings.NewReplacer("number=N", fmt.Sprint("number=", 20+n), "P", []string{"p0", "p2"}[dice.IntN(2)]).Replace(episodes[dice.IntN(len(episodes))])
	for step := range strings.SplitSeq(text, "|") {
		if dice.IntN(12) > 0 {
			commands = append(commands, step)
		}
		if dice.IntN(8) == 0 {
			commands = append(commands, makeUp(dice, n))
		}
	}
	return commands
}

// makeUpRoom makes up what somebody does in a room.
func makeUpRoom(dice *rand.Rand, who string) string {
	pick := func(from ...string) string { return from[dice.IntN(len(from))] }
	who = pick(who, "ann", "bob", "cleo")
	mission, entry := pick("pitch", "pitch", "keep"), pick("song", "poem")
	return who + " " + pick("pledge "+mission+" "+pick("1", "30", "60"), "pledge "+mission+" 60", "submit "+entry+" to="+mission, "submit "+entry+" to="+mission+" with=cleo:2,dan:1",
		"reveal "+entry+" to="+mission, "reveal "+entry+" to="+mission+" with=cleo:2,dan:1", "consent "+entry+" to="+mission+pick("", " no=yes"), "retract "+entry+" to="+mission,
		"judge "+mission+" approve="+pick(entry, entry, "none"), "objection "+mission, "forecast "+mission+" target 70", "flag "+mission, "calloff "+mission,
		"list extra number="+pick("2", "3")+" token=extra", "buy box 9", "buy box "+pick("18", "27 count=3", "9 steer=treasury:3", "9 steer=mission/"+mission+":2"), "buy roof 5", "refund "+pick("ann", "bob")+" "+pick("0", "1", "2"),
		"claim roof", "order "+pick("buy 2", "sell 3", "buy 1")+" of=roof at="+pick("4", "5", "6"), "transfer "+pick("ann", "cleo", "nobody")+" 2 of=roof", "take 0", "take 0")
}

// makeUpBudget makes up what the members decide about the rooms.
func makeUpBudget(dice *rand.Rand) string {
	pick := func(from ...string) string { return from[dice.IntN(len(from))] }
	return `ledger="` + pick("distribute "+pick("20", "400")+" parts=all:equal:30,all:purchases:40", "payout 0 "+pick("50", "100"), "pledge pitch 20", "reprice box price=8", "unsell box",
		"calloff keep", "redeem 5 for=out1;transfer cleo 7", "pay roof 30", "order sell 5 of=roof at=5", "terms least=0 default=0 most=100 steer=100 window=0h") + `"`
}

// makeUpProgram makes up what somebody does with programs.
func makeUpProgram(dice *rand.Rand, who string) string {
	pick := func(from ...string) string { return from[dice.IntN(len(from))] }
	about := pick("", " track=general", " tag=house", " tag=money")
	return pick(who+" delegate program:always"+about, who+" delegate program:always"+about, who+" delegate program:none"+about, "bob unpublish always", "cleo unpublish none", who+" unpublish always", who+` publish again source="vote.no('again')"`)
}

// met counts what made-up stories came upon.
type met map[string]int

// wanted is what the episodes come upon, or the made-up stories would show nothing about it.
var wanted = []string{"exit", "early", "early pass", "early rejection", "chamber", "chamber against all", "program asked", "program withdrawn", "withdrawn and asked", "mission.pledge", "mission.submit", "mission.judge",
	"commerce.buy", "commerce.refund", "surplus.distribute", "surplus.claim", "tokens.order", "tokens.transfer", "tokens.claim", "mission delivered", "mission refunded"}

// note counts what a story that was played came upon.
func (m met) note(w *world) {
	s := w.state()
	for i, c := range w.commits {
		for j, r := range w.told[i] {
			if r == "" {
				m[string(c.order[j].Kind)]++
			}
		}
	}
	m["exit"] = m[string(governance.KindProposalExit)]
	m["program withdrawn"] = m[string(governance.KindProgramWithdraw)]
	for _, p := range table.All(&s.Hall.Proposals) {
		if early := slices.ContainsFunc(p.Shifts, func(x governance.Shift) bool { return x.Cause == governance.CauseEarly }); early {
			m["early"]++
			if p.Phase == governance.Rejected {
				m["early rejection"]++
			} else {
				m["early pass"]++
			}
		}
		for _, x := range p.Result.Chambers {
			if x.Yes+x.No > 0 {
				m["chamber"]++
			}
			if p.Result.Threshold && p.Result.Quorum && !(x.Threshold && x.Quorum) {
				m["chamber against all"]++
			}
		}
	}
	for asked := range table.All(&s.Hall.Answers) {
		m["program asked"]++
		p, _ := s.Hall.Proposals.Get(asked.Proposal)
		if prog, _ := s.Hall.Programs.Get(asked.Program); prog.Withdrawn != 0 && prog.Withdrawn < p.Result.Closed {
			m["withdrawn and asked"]++
		}
	}
	for _, x := range table.All(&s.Missions.Missions) {
		m["mission "+string(x.Phase)]++
	}
	m["surplus.distribute"] += s.Surplus.Distributions.Len()
}

// missing are things of which no story came upon.
func (m met) missing() (none []string) {
	for _, what := range wanted {
		if m[what] == 0 {
			none = append(none, what)
		}
	}
	return none
}

// TestEpisodes plays each episode from its first step to its last, so that all that is wanted can happen.
func TestEpisodes(t *testing.T) {
	seen := met{}
	for _, episode := range episodes {
		w := newWorld(t)
		for _, text := range append([]string{everyRoom + " daily=900", "dan apply class=worker", "gus apply class=guest"}, openings...) {
			if said := said0(w.play(text)); strings.HasPrefix(said, "refused") {
				t.Errorf("%s: %s", text, said)
			}
		}
		for step := range strings.SplitSeq(strings.NewReplacer("number=N", "number=7", "P", "p0").Replace(episode), "|") {
			w.play(step)
		}
		w.replay()
		seen.note(w)
	}
	if missing := seen.missing(); len(missing) > 0 {
		t.Errorf("no episode came upon %v: %v", missing, seen)
	}
}

// everyRoom founds a cooperative in which all rooms are open.
const everyRoom = "found elm by=ann,bob,cleo charter=everything missions=yes bazaar=yes classes=bob:friend+worker,cleo:worker"

// traded tells whether there was an order that counted.
func (w *world) traded() bool {
	for i, c := range w.commits {
		for j, e := range c.order {
			if e.Kind == tokens.KindOrder && w.told[i][j] == "" {
				return true
			}
		}
	}
	return false
}

// checkEarly: nobody who had not voted could have changed a vote that ended early; said is how everybody voted who
// did. It looks for a way to change it among the extreme ones and at random.
func (x *twin) checkEarly(t *rapid.T, v ProposalView, p *governance.Proposal) {
	if !slices.ContainsFunc(p.Shifts, func(s governance.Shift) bool { return s.Cause == governance.CauseEarly }) || p.Rules.Track.Method != governance.YesNo {
		return
	}
	passed := p.Result.Quorum && p.Result.Threshold
	for way := range 12 {
		n := governance.Count{Roll: p.RollSize}
		for i, voter := range x.rolls[v.ID] {
			choice := []string{"yes", "no", ""}[[]int{way, (i*7 + way*5) % 3}[min(way/3, 1)]%3]
			if b, own := x.ballots[governance.Seat{Proposal: v.ID, Member: voter}]; own {
				choice = b.Choice
			}
			switch choice {
			case "yes":
				n.Yes++
			case "no":
				n.No++
			case "abstain":
				n.Abstain++
			}
		}
		if now := p.Rules.Track.Quorum.Reached(n) && p.Rules.Track.Threshold.Reached(n); now != passed && len(p.Rules.Track.Chambers) == 0 {
			t.Fatalf("%s ended early and passed %v, but with %+v it would come out otherwise", v.Title, passed, n)
		}
	}
}

// checkChambers counts each chamber again, member by member, by the classes at the opening.
func (x *twin) checkChambers(t *rapid.T, v ProposalView, p *governance.Proposal, said map[identity.PublicKey]governance.BallotCast) {
	for i, chamber := range v.Chambers {
		want := governance.ChamberResult{}
		for _, voter := range x.rolls[v.ID] {
			if !slices.Contains(x.classes[v.ID][voter], chamber.Class) {
				continue
			}
			want.Roll++
			switch b, voted := said[voter]; {
			case !voted:
			case b.Choice == "yes":
				want.Yes++
			case b.Choice == "no" || b.Choice == "object":
				want.No++
			default:
				want.Abstain++
			}
		}
		if bySides := len(p.Options) == 0; chamber.Roll != want.Roll || bySides && (chamber.Yes != want.Yes || chamber.No != want.No || chamber.Abstain != want.Abstain) {
			t.Fatalf("%s: chamber %s, the %d. of %d: %+v, the twin has %+v", v.Title, chamber.Class, i+1, len(v.Chambers), chamber, want)
		}
	}
}

// answer is what the programs of these stories say: yes if it can be said, or else they abstain.
func (x *twin) answer(id event.ID, p *governance.Proposal) (b governance.BallotCast, asked bool) {
	prog, ok := x.programs[id]
	if !ok {
		return b, false
	}
	b.Choice = "abstain"
	if m := p.Rules.Track.Method; prog.choice != "" && (m == governance.YesNo || m == governance.ByConsent) {
		b.Choice = prog.choice
		if m == governance.ByConsent && b.Choice == "no" {
			b.Choice = "object"
		}
	}
	return b, prog.withdrawn == 0 || prog.withdrawn > p.Opened
}

// twinProgram is a program as the twin knows it: what it says where that fits.
type twinProgram struct {
	choice    string
	withdrawn event.Time
}

func (x *twin) hearProgram(e *event.Event, now event.Time) {
	d := event.Draft{Kind: e.Kind, Body: e.Body}
	if b, ok := read[governance.ProgramPublish](d); ok && e.Kind == governance.KindProgramPublish {
		prog := twinProgram{}
		for _, choice := range []string{"yes", "no"} {
			if strings.HasPrefix(b.Source, fmt.Sprintf("vote.%s('", choice)) {
				prog.choice = choice
			}
		}
		x.programs[e.ID] = prog
	}
	if b, ok := read[governance.ProgramWithdraw](d); ok && e.Kind == governance.KindProgramWithdraw {
		prog := x.programs[b.Program]
		prog.withdrawn = now
		x.programs[b.Program] = prog
	}
}

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
)

// makeUp makes up the n-th thing that somebody might do, sensible or not.
func makeUp(dice *rand.Rand, n int) string {
	pick := func(from ...string) string { return from[dice.IntN(len(from))] }
	who := pick("ann", "bob", "cleo", "ann", "bob", "cleo", "annphone", "annlost", "dan", "eve", "gus", "stranger")
	proposal := pick("p0", "p1", "p2", "p3") // even ones are yes or no, odd ones have options
	choice := pick("yes", "yes", "yes", "no", "abstain")
	if strings.Contains("p1p3", proposal) != (dice.IntN(10) == 0) {
		choice = pick("approve=0", "approve=1,2", "approve=0,2", "approve=", "abstain", "approve=0", "approve=1,2", "approve=0,2",
			`rank="0>1"`, `rank="2>1"`, `rank="3>0"`, "scores=1,2,5", "points=1,0,3", "object reason=Harm")
	}
	again := pick("", "", "", "", "", "", "", "again ")
	verb := pick("vote", "vote", "vote", "vote", "vote", "vote", "delegate", "delegate", "delegate", "propose", "propose", "wait", "stall", "apply", "sponsor", "leave", "device",
		"invite", "evidence", "withdraw", "alone", "cosponsor", "cosponsor", "veto", "exit", "exit", "room", "room", "room", "room", "room", "program", "program", "recover", "recover", "money", "money", "money")
	switch verb {
	case "vote":
		return who + " " + again + "vote " + proposal + " " + choice + " dated=" + pick("+0s", "+0s", "-1h", "+1h")
	case "delegate":
		about := pick("", "", " track=general", " track=party", " tag=house", " tag=money", " proposal="+proposal)
		to := pick("ann", "bob", "cleo", "dan", "ann,bob threshold=2", "ann,bob,cleo threshold=2", "bob,cleo,dan threshold=2", "nobody")
		return who + " " + again + pick("delegate "+to+pick("", "", " until=70m"), "delegate "+to, "delegate "+to, "delegate "+to, "undelegate", "confirm") + about
	case "propose":
		even := pick("track=general", "track=general tags=house,money", "track=soon tags=money", "track=capped", "track=own tags=house", "track=turnout", "track=support", "track=biased", "track=quick admit=dan", "track=quick amend=faster",
			"track=quick amend=no-friends,faster", "track=quick amend=no-workers", "track=quick device=bob:bobphone",
			"track=quick allocate=0:5:Paint", "track=quick "+makeUpDecision(dice, n), "track=quick "+makeUpDecision(dice, n), "track=quick "+makeUpBudget(dice), "track=quick "+makeUpBudget(dice), "track=quick allocate=0:5:Paint,0:6:Paint", "track=houses", "track=houses",
			"track=confirmed", "track=confirmed", "track=swift", "track=swift", "track=swift",
			"track=petition", "track=relay", "track=guarded", "track=guarded", "track=guarded again=p0", "track=guarded again=p2",
			"track=heart suspend="+pick("ann", "bob", "cleo")+":"+pick("1h", "3d"), "track=heart expel="+pick("bob", "cleo", "gus"), "track=heart reinstate="+pick("bob", "cleo"),
			"track=heart recover="+pick("ann:annlost", "bob:boblost"), "track=heart revoke="+pick("ann", "annphone", "bobphone"), "track=heart uninvite=door",
			"track=heart seat="+pick("ann", "bob", "gus")+":"+pick("shop", "worker"), "track=heart credit="+pick("gus", "dan")+":3000")
		odd := pick("track=party options=A,B,C", "track=budget budget=10 options=A:6,B:5,C:4", "track=budget budget=10 options=A:6,B:5,C:4 allocate=1:5:B",
			"track=ranked options=A,B,C", "track=runoff options=A,B,C", "track=board options=A,B,C,D", "track=rating options=A,B,C",
			"track=coins options=A,B,C", "track=squares options=A,B,C", "track=whole budget=10 options=A:6,B:5,C:4", "track=consent", "track=feast options=A,B,C", "track=harmony",
			"track=calm options=A,B,C", "track=vivid options=A,B,C",
			"track=brittle options=A,B,C", "track=hidden options=A,B,C", "track=brittle options=A,B,C again=p1", "track=brittle options=A,B,C again=p3")
		return who + " " + again + "propose p" + fmt.Sprint(n%4) + " " + []string{even, odd}[n%2]
	case "room":
		return makeUpRoom(dice, who)
	case "program":
		return makeUpProgram(dice, who)
	case "money":
		return makeUpMoney(dice, who)
	case "wait":
		return "wait " + pick("0s", "1ms", "1m", "20m", "59m59s", "1h", "25h", "8d")
	case "stall":
		return "stall " + pick("1m", "11m", "2h", "4d", "200d")
	case "apply":
		return who + " apply class=" + pick("guest", "friend invite=door", "friend invite=gate", "worker", "guest,worker", "friend,worker invite=door")
	case "sponsor":
		return who + " sponsor " + pick("eve", "dan", "gus")
	case "recover":
		return pick("ann", "bob", "cleo", who) + " " + pick("guardians bob,cleo needed="+pick("1", "2"), "guardians ann,cleo", "back ann annlost", "back bob boblost", "back ann annother",
			"protest", "protest", "revoke "+pick("ann", "annphone", "bobphone", "annlost"), "appeal", "uninvite "+pick("door", "gate"),
			pick("ask ", "drop ")+pick("guest", "friend", "worker", "shop", "circle", "regular", "customer"), "vouch "+pick("ann", "bob", "gus")+" "+pick("friend", "circle"),
			"credit "+pick("ann", "gus", "eve", "annphone")+" 3000")
	case "device":
		return who + " device " + pick("annphone for=ann", "bobphone for=bob", "evephone")
	case "invite":
		return who + " invite " + pick("door", "gate") + " uses=" + pick("1", "5")
	case "evidence":
		return who + " evidence " + pick("ann", "bob", "annphone")
	case "leave":
		return pick("dan", "eve", "gus", "gus", who) + " " + pick("leave", "apply class=guest", "apply class=friend invite=door", "send lunch.order", "send ballot.cast")
	case "withdraw", "cosponsor", "exit":
		return who + " " + verb + " " + proposal
	case "veto":
		return who + " veto " + proposal + " reason=" + pick("Harm", "Harm", "")
	}
	return who + " " + pick("admit dan", "amend faster", "allocate", "found")
}

// TestWhateverPeopleDo plays made-up stories. After every command the invariants hold, a refusal has
// changed nothing (world.act), a snapshot taken before is as it was; at the end the whole story folds
// to the same root, in one go, with commits of one time merged, and as provisional events; and every
// count is what a twin finds that looks at nothing but the events and their receipts. All rooms are open; -v tells
// what the stories came upon.
func TestWhateverPeopleDo(t *testing.T) {
	seen := met{}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.play(everyRoom + " daily=" + rapid.SampledFrom([]string{"12", "900", "900"}).Draw(rt, "daily"))
		commands := []string{"ann device annphone", "ann invite door uses=5", "dan apply class=worker", "gus apply class=guest",
			"ann propose p0", "bob propose p1 track=party options=A,B,C", "cleo propose p2 track=quick admit=dan amend=faster", "ann delegate bob", "bob delegate cleo tag=house", "cleo delegate ann", "ann propose p3 track=budget budget=10 options=A:6,B:5,C:4"}
		if rapid.Bool().Draw(rt, "rooms") {
			commands = append(slices.Clone(openings), commands...)
		}
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)) // rapid alone favours small numbers, and so dull stories
		for n := range rapid.IntRange(1, 80).Draw(rt, "commands") {
			commands = append(commands, makeUp(dice, n))
		}
		for n := range 2 {
			commands = append(commands, makeUpEpisode(dice, n)...)
		}
		for _, text := range commands {
			c := parse(t, text)
			if c.word(1) == "again" && (w.strands[c.word(0)] == nil || len(w.strands[c.word(0)].events) < 2) {
				continue
			}
			before := w.state().Copy()
			root := Root(&before)
			w.play(text)
			if Root(&before) != root {
				rt.Fatalf("%s: a snapshot has changed", text)
			}
			if t.Failed() {
				rt.Fatalf("after %s", text)
			}
		}
		w.replay()
		if dice.IntN(5) == 0 { // it folds as often as all the rest
			w.reread(3)
		}
		w.replayMerged(rt)
		w.countByTwin(rt)
		seen.note(w)
	})
	t.Log(seen)
}

// replayMerged folds again with all commits of one time as one, each seen as provisional first.
func (w *world) replayMerged(t *rapid.T) {
	genesis, err := Genesis(w.genesis)
	if err != nil {
		t.Fatal(err)
	}
	line := NewTimeline(genesis)
	line.Commit(0, dawn, nil)
	index, now := uint64(1), dawn
	for i := 0; i < len(w.commits); {
		at, order := w.commits[i].at, []*event.Event(nil)
		for ; i < len(w.commits) && w.commits[i].at == at; i++ {
			order = append(order, w.commits[i].order...)
		}
		if at > now { // move time alone, so that the provisional state is at the same time
			line.Commit(index, at, nil)
			index, now = index+1, at
		}
		cut := rapid.IntRange(0, len(order)).Draw(t, "late")
		line.Follow(order[cut:])
		line.Provisional()
		line.Follow(order)
		provisional := Root(line.Provisional())
		line.Commit(index, at, order)
		index++
		if Root(line.Final()) != provisional {
			t.Fatal("what was provisional became something else, in the same order at the same time")
		}
	}
	if w.traded() {
		return // the orders of one commit are a batch, so the market may clear otherwise
	}
	if withoutOffice(line.Final()) != withoutOffice(w.state()) {
		t.Fatal("merging commits of one time gives another root")
	}
}

// withoutOffice is the root but for who orders events, which changes between commits alone: a member who
// leaves and returns within one keeps the seat.
func withoutOffice(s *State) [32]byte {
	c := s.Copy()
	c.Hall.Term, c.Hall.Pending = governance.Term{}, governance.Handover{}
	return Root(&c)
}

// TestOrderBetweenMembersDoesNotMatter: members revise their ballots; however the strands interleave,
// each member's last one counts, and so every count and the ballots' hash are the same.
func TestOrderBetweenMembersDoesNotMatter(t *testing.T) {
	names := []string{"ann", "bob", "cleo", "dan"}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.play("found elm by=" + strings.Join(names, ","))
		w.play("ann propose roof track=turnout")
		strands := make([][]*event.Event, len(names))
		for i, name := range names {
			for range rapid.IntRange(0, 4).Draw(rt, "revisions") {
				c := parse(t, name+" vote roof "+rapid.SampledFrom([]string{"yes", "no", "abstain"}).Draw(rt, "choice"))
				strands[i] = append(strands[i], w.sign(name, false, w.draft(name, c), w.now))
			}
		}
		interleave := func(label string) ProposalView {
			left := slices.Clone(strands)
			var order []*event.Event
			for {
				var open []int
				for i := range left {
					if len(left[i]) > 0 {
						open = append(open, i)
					}
				}
				if len(open) == 0 {
					break
				}
				i := rapid.SampledFrom(open).Draw(rt, label)
				order, left[i] = append(order, left[i][0]), left[i][1:]
			}
			line := NewTimeline(w.state().Copy())
			for _, r := range line.Commit(0, w.now, order) {
				if r.Refusal != "" {
					rt.Fatal(r.Refusal)
				}
			}
			v, _ := Proposal(line.Final(), w.proposals["roof"])
			return v
		}
		if a, b := interleave("one order"), interleave("another"); fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", b) {
			rt.Fatalf("one order:\n%+v\nanother:\n%+v", a, b)
		}
	})
}

// TestNobodySpeaksAsTheAssembly: no key passes for it, and none can be registered for it.
func TestNobodySpeaksAsTheAssembly(t *testing.T) {
	if identity.Assembly.Check() == nil {
		t.Error("the Assembly's key could be registered")
	}
	w := newWorld(t)
	w.play("found elm by=ann")
	s := w.state().Copy()
	if s.Hall.Devices.Has(identity.Assembly) || s.Hall.Members.Has(identity.Assembly) {
		t.Error("the Assembly is a member")
	}
}

package coop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// officeCommand makes up something about stewards. Keys are numbered, so that some are announced twice.
func officeCommand(dice *rand.Rand, n int, epoch uint64) string {
	people := []string{"ann", "bob", "cleo", "dan", "eve", "fay"}
	who, other := people[dice.IntN(len(people))], people[dice.IntN(len(people))]
	dice.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	team := people[:1+dice.IntN(4)]
	list := team[0]
	for _, name := range team[1:] {
		list += "," + name
	}
	switch dice.IntN(30) {
	case 0:
		if dice.IntN(3) > 0 {
			return who + " leave"
		}
		return who + " resign"
	case 1:
		return fmt.Sprintf("%s propose q%d track=quick appoint=%s standby=%s", who, n, list, people[5])
	case 2:
		return fmt.Sprintf("%s propose q%d track=quick recall=%s timing=%d", who, n, other, 1000+n)
	case 3:
		return fmt.Sprintf("%s propose s%d track=senate", who, n)
	case 4:
		return fmt.Sprintf("%s vote s%d rank=%d", who, n-2-dice.IntN(6), dice.IntN(4))
	case 5, 12:
		return fmt.Sprintf("%s propose t%d track=quick appoint=%s standby=%s", who, n, list, people[4])
	case 6:
		return fmt.Sprintf("%s caught %s-%d epoch=%d", other, who, dice.IntN(9), epoch)
	case 7, 8, 13:
		return "wait " + []string{"61m", "1d", "5d"}[dice.IntN(3)]
	case 9, 10:
		return who + " stand"
	case 11, 14, 15:
		return fmt.Sprintf("%s vote %s%d yes", who, []string{"q", "t"}[dice.IntN(2)], n-1-dice.IntN(3))
	}
	return fmt.Sprintf("%s ready %s-%d epoch=%d", who, who, dice.IntN(9), epoch+1)
}

// TestWhateverStewardsDo plays made-up stories about the office and compares every term with what a twin
// finds that looks at nothing but the events that counted: an epoch follows the one before, with those
// who were to come in, after the notice, once a quorum of them has announced a key, or goes on with the
// present one when a hand-over has waited long enough; each signs with the last key announced, and no key was
// ever two epochs' by announcement.
func TestWhateverStewardsDo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.play("found elm by=ann,bob,cleo,dan,eve,fay charter=senate stewards=" + rapid.SampledFrom([]string{"ann", "ann,bob,cleo,dan"}).Draw(rt, "stewards"))
		for _, who := range []string{"ann", "bob", "cleo", "dan", "eve"} {
			w.play(who + " stand")
		}
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		for n := range rapid.IntRange(1, 120).Draw(rt, "commands") {
			text := officeCommand(dice, n, w.state().Hall.Term.Number)
			w.play(text)
			if t.Failed() {
				rt.Fatalf("after %s", text)
			}
		}
		w.replay()
		w.checkTerms(rt)
	})
}

// checkTerms is the twin.
func (w *world) checkTerms(t *rapid.T) {
	type place struct {
		member identity.PublicKey
		epoch  uint64
	}
	announced := make(map[place]identity.PublicKey)
	used := make(map[identity.PublicKey]uint64)
	genesis, _ := Genesis(w.genesis)
	line := NewTimeline(genesis)
	for i, c := range w.commits {
		before := line.Final().Copy()
		sameTime := i > 0 && c.at == w.commits[i-1].at
		line.Follow(c.order)
		provisional := Root(line.Provisional())
		receipts := line.Commit(uint64(i), c.at, c.order)
		if sameTime && Root(line.Final()) != provisional {
			t.Fatalf("commit %d: what was provisional became something else", i)
		}
		for j, e := range c.order {
			var b governance.StewardReady
			if e.Kind != governance.KindStewardReady || receipts[j].Refusal != "" {
				continue
			}
			if err := event.DecodeBody(e.Body, &b); err != nil {
				t.Fatal(err)
			}
			who, _ := Member(&before, e.Key)
			if epoch, again := used[b.Key]; again && epoch != b.Epoch {
				t.Fatalf("a key of epoch %d was announced for %d", epoch, b.Epoch)
			}
			used[b.Key], announced[place{who.ID, b.Epoch}] = b.Epoch, b.Key
		}
		was, is, pending := &before.Hall.Term, &line.Final().Hall.Term, &before.Hall.Pending
		if len(is.Stewards) == 0 || slices.Contains(is.Standby, is.Stewards[0].Member) {
			t.Fatal("no stewards, or one who stands by")
		}
		if is.Number == was.Number {
			if fmt.Sprint(is.Stewards) != fmt.Sprint(was.Stewards) {
				t.Fatalf("other stewards within epoch %d", is.Number)
			}
			continue
		}
		ready, lapsed := 0, before.Hall.Pending.Seated || before.Hall.Lapses() > 0 && c.at >= before.Hall.Lapses()
		for _, steward := range is.Stewards {
			key, ok := announced[place{steward.Member, is.Number}]
			if ok || lapsed && slices.Contains(was.Stewards, steward) { // who goes on with the key they have
				ready++
			}
			if ok && key != steward.Key {
				t.Fatalf("a steward of epoch %d does not sign with the last key announced", is.Number)
			}
		}
		if is.Number != was.Number+1 || ready < governance.QuorumOf(len(is.Stewards)) || is.Since != c.at || c.at < pending.Notice {
			t.Fatalf("epoch %d follows %d at %s, %d of %d ready, notice %s", is.Number, was.Number, c.at, ready, len(is.Stewards), pending.Notice)
		}
	}
}

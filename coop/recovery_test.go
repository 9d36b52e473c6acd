package coop

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// attempt is how the twin thinks of a recovery: by name, and what it waits for.
type attempt struct {
	key     string
	backers []string
	ready   bool
	due     event.Time
}

// rescue is the twin: Ann's recoveries as a list, with every rule said in the plainest way.
type rescue struct {
	attempts []attempt
	voice    string // the device by which Ann speaks
	needed   int
	gone     []string // guardians who have left
}

func (r *rescue) back(now event.Time, guardian, key string) {
	for i := range r.attempts {
		a := &r.attempts[i]
		if j := slices.Index(a.backers, guardian); j >= 0 && a.key != key {
			a.backers = slices.Delete(a.backers, j, j+1)
			if a.ready && len(a.backers) < r.needed {
				a.ready, a.due = false, now+30*day
			}
		}
	}
	r.attempts = slices.DeleteFunc(r.attempts, func(a attempt) bool { return len(a.backers) == 0 })
	i := slices.IndexFunc(r.attempts, func(a attempt) bool { return a.key == key })
	if i < 0 {
		i = len(r.attempts)
		r.attempts = append(r.attempts, attempt{key: key, due: now + 30*day})
	}
	a := &r.attempts[i]
	a.backers = append(a.backers, guardian)
	if !a.ready && len(a.backers) >= r.needed {
		a.ready, a.due = true, now+7*day
	}
}

// wait lets time pass, an instant at a time.
func (r *rescue) wait(until event.Time) {
	for {
		slices.SortFunc(r.attempts, func(a, b attempt) int { return int(int64(a.due) - int64(b.due)) })
		if len(r.attempts) == 0 || r.attempts[0].due > until {
			return
		}
		first := r.attempts[0]
		r.attempts = r.attempts[1:]
		present := slices.DeleteFunc(slices.Clone(first.backers), func(g string) bool { return slices.Contains(r.gone, g) })
		if first.ready && len(present) >= r.needed {
			r.voice, r.attempts = first.key, nil
		}
	}
}

func (r *rescue) String() string {
	var lines []string
	for _, a := range r.attempts {
		lines = append(lines, fmt.Sprintf("%s ready %v due %s", strings.Join(a.backers, "+"), a.ready, a.due))
	}
	slices.Sort(lines)
	return r.voice + ": " + strings.Join(lines, "; ")
}

// TestRecoveryAgreesWithATwin plays made-up recoveries: guardians who change their minds, vetoes, waiting.
func TestRecoveryAgreesWithATwin(t *testing.T) {
	guardians := []string{"bob", "cleo", "dan"}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.play("found elm by=ann,eve,bob,cleo,dan charter=guild")
		twin := rescue{voice: "ann", needed: rapid.IntRange(1, 3).Draw(rt, "needed")}
		w.play(fmt.Sprintf("ann guardians bob,cleo,dan needed=%d", twin.needed))
		for n := range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"back", "back", "back", "wait", "veto", "leave"}).Draw(rt, "step") {
			case "back":
				guardian := rapid.SampledFrom(guardians).Draw(rt, "guardian")
				key := fmt.Sprintf("key%d-%d", n/8, rapid.IntRange(0, 2).Draw(rt, "key"))
				if w.play(guardian + " back ann " + key)[0] == "ok" {
					twin.back(w.now, guardian, key)
				}
				w.play("wait 1ms") // so that no two are due at once: then the lesser key is first, and the twin knows no keys
				twin.wait(w.now)
			case "wait":
				w.play("wait " + rapid.SampledFrom([]string{"1h", "3d", "6d", "8d", "29d"}).Draw(rt, "long"))
				twin.wait(w.now)
			case "veto":
				if w.play(twin.voice + " protest")[0] == "ok" {
					twin.attempts = nil
				}
			case "leave":
				if guardian := rapid.SampledFrom(guardians).Draw(rt, "leaver"); rapid.IntRange(0, 5).Draw(rt, "really") == 0 && w.play(guardian + " leave")[0] == "ok" {
					twin.gone = append(twin.gone, guardian)
				}
			}
			if got := w.rescue(); got != twin.String() {
				rt.Fatalf("it is\n%s\nand the twin has\n%s", got, twin.String())
			}
		}
	})
}

// rescue is what the twin knows, of the state: the live device of Ann's, and the recoveries by the names
// of who backs them.
func (w *world) rescue() string {
	ann, _ := Member(w.state(), publicOf("ann"))
	r := rescue{}
	names := []string{"ann"}
	for i := range 12 {
		names = append(names, fmt.Sprintf("key%d-%d", i/3, i%3))
	}
	for _, name := range names {
		if d, ok := w.state().Hall.Devices.Get(publicOf(name)); ok && d.Member == ann.ID && !d.Revoked {
			r.voice += name
		}
	}
	for _, v := range ann.Recoveries {
		a := attempt{ready: v.Ready, due: v.Due}
		for _, name := range v.Names {
			a.backers = append(a.backers, strings.ToLower(name))
		}
		r.attempts = append(r.attempts, a)
	}
	return r.String()
}

// TestASilentMemberCountsOnce: however silent members vote and change their ballots, the roll of a vote is
// who was heard at its opening and who has voted since.
func TestASilentMemberCountsOnce(t *testing.T) {
	names := []string{"ann", "bob", "cleo", "dan", "eve"}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.play("found elm by=" + strings.Join(names, ",") + " charter=guild silence=30d")
		w.play("wait 20d")
		heard := map[string]bool{"ann": true}
		for _, name := range names[1:] {
			if rapid.Bool().Draw(rt, "heard") {
				w.play(name + " ask guest")
				heard[name] = true
			}
		}
		w.play("wait 20d")
		w.play("ann propose roof track=turnout")
		for range rapid.IntRange(0, 10).Draw(rt, "ballots") {
			name := rapid.SampledFrom(names).Draw(rt, "voter")
			w.play(name + " vote roof " + rapid.SampledFrom([]string{"yes", "no", "abstain"}).Draw(rt, "choice"))
			heard[name] = true
		}
		p, _ := Proposal(w.state(), w.proposals["roof"])
		if p.Roll != uint64(len(heard)) || p.Roll+p.Silent != uint64(len(names)) {
			rt.Fatalf("%d count and %d are silent, of %d heard and %d members", p.Roll, p.Silent, len(heard), len(names))
		}
	})
}

// TestASilentRollFreezes: who falls silent during a vote still counts in it.
func TestASilentRollFreezes(t *testing.T) {
	w := newWorld(t)
	for _, c := range []string{"found elm by=ann,bob charter=guild silence=28d", "wait 27d", "ann propose roof", "wait 2d"} {
		w.play(c)
	}
	if p, _ := Proposal(w.state(), w.proposals["roof"]); p.Roll != 2 || p.Silent != 0 {
		t.Errorf("%d count and %d are silent", p.Roll, p.Silent)
	}
	if governance.LeastSilence != 28*day {
		t.Error("the shortest silence is not 28 days")
	}
}

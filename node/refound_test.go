package node

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/governance"
)

// forsaken is a town of six members that two of its four stewards have left for good, two weeks ago, and a
// re-founding that those four who are left agree on.
func forsaken(t *testing.T) (*town, *governance.Refounding) {
	t.Helper()
	w := newTownOf(t, foundedBy(t, 4, 6, governance.DefaultCharter()), 6)
	w.submit(4, governance.KindProposalOpen, governance.ProposalOpen{Title: "Before", Track: "general"})
	w.settle(w.now + 30_000)
	w.cut[0], w.cut[1] = true, true
	w.submit(4, governance.KindProposalOpen, governance.ProposalOpen{Title: "Nobody orders this", Track: "general"})
	w.settle(w.now + 30_000)
	early := w.draft(t)
	if err := w.cores[2].AssentTo(w.now, early); !errors.Is(err, governance.ErrRefoundEarly) {
		t.Fatalf("after half a minute: %v", err)
	}
	w.now += 15 * 24 * 3_600_000
	r := w.draft(t)
	for i := 2; i < 6; i++ {
		if err := w.cores[i].CheckRefounding(r); !errors.Is(err, governance.ErrRefoundFew) {
			t.Fatalf("with %d assents: %v", i-2, err)
		}
		if err := w.cores[i].AssentTo(w.now, r); err != nil {
			t.Fatal(err)
		}
		if err := w.cores[i].AssentTo(w.now+1, r); err != nil || len(r.Assents) != i-1 {
			t.Fatalf("a second time: %d assents, %v", len(r.Assents), err)
		}
	}
	return w, r
}

// draft makes 2, 4 and 5 stewards.
func (w *town) draft(t *testing.T) *governance.Refounding {
	t.Helper()
	var chairs []governance.RefoundingChair
	for _, i := range []int{2, 4, 5} {
		chair, err := w.cores[i].Chair()
		if err != nil {
			t.Fatal(err)
		}
		chairs = append(chairs, chair)
	}
	r, err := w.cores[3].DraftRefounding(chairs, "The building with the servers burnt down.")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRefounding: a quorum of the new stewards is told; they order what nobody has ordered, and everybody
// else follows by catching up, also who comes back, who is new, and who starts again.
func TestRefounding(t *testing.T) {
	w, r := forsaken(t)
	for _, i := range []int{2, 4} {
		if err := w.cores[i].Refound(r.Raw()); err != nil {
			t.Fatal(err)
		}
		if err := w.cores[i].Refound(r.Raw()); !errors.Is(err, governance.ErrRefoundBase) {
			t.Fatalf("a second time: %v", err)
		}
	}
	w.settle(w.now + 60_000)
	w.cut[0], w.cut[1] = false, false
	for _, i := range []int{0, 1} { // they come back, as members like others
		for j := range w.cores {
			if i != j {
				w.cores[i].Down(w.now, testKey(j).Public())
				w.cores[i].Up(w.now, testKey(j).Public())
				w.cores[j].Down(w.now, testKey(i).Public())
				w.cores[j].Up(w.now, testKey(i).Public())
			}
		}
	}
	w.submit(1, governance.KindProposalOpen, governance.ProposalOpen{Title: "We are back", Track: "general"})
	w.settle(w.now + 60_000)
	w.agree(1)
	s := w.cores[0].View().State
	if s.Hall.Proposals.Len() != 3 || len(s.Hall.Term.Stewards) != 3 || s.Hall.Term.By != r.Text.Digest() || !s.Hall.Overdue() {
		t.Errorf("%d proposals, term %+v", s.Hall.Proposals.Len(), s.Hall.Term)
	}
	for i := range w.cores {
		if steps := w.cores[i].Handovers(); len(steps) != 0 {
			t.Errorf("core %d proves %d steps without the state", i, len(steps))
		}
		if steps := w.cores[i].Successions(); len(steps) != 1 || !bytes.Equal(steps[0].Refounding, r.Raw()) {
			t.Errorf("core %d tells of %d successions", i, len(steps))
		}
	}
	w.restarts()
	fresh, err := NewCore(Config{Genesis: w.genesis(), Key: testKey(9), Archive: crdt.NewMemory(), Observer: "new here"})
	if err != nil {
		t.Fatal(err)
	}
	if err := fresh.Refound(r.Raw()); !errors.Is(err, ErrNothingToRefound) {
		t.Errorf("before the first commit: %v", err)
	}
}

// TestRefoundingTakesNothingBack: who knows a commit beyond goes on with it.
func TestRefoundingTakesNothingBack(t *testing.T) {
	w, r := forsaken(t)
	w.cut = map[int]bool{5: true}
	w.settle(w.now + 60_000) // the stewards come back after all
	beyond := w.cores[4].commits
	for _, i := range []int{0, 4} {
		if err := w.cores[i].Refound(r.Raw()); !errors.Is(err, governance.ErrRefoundBase) || w.cores[i].epoch.Number != 0 {
			t.Errorf("core %d: %v", i, err)
		}
	}
	if w.cores[5].commits >= beyond {
		t.Fatal("nothing was ordered since")
	}
	if err := w.cores[5].Refound(r.Raw()); err != nil { // it knows of nothing
		t.Fatal(err)
	}

	// When they meet, those who know more see that there are two orders, and order nothing more.
	w.cut = map[int]bool{}
	for i := range 5 {
		for _, pair := range [][2]int{{i, 5}, {5, i}} {
			w.cores[pair[0]].Down(w.now, testKey(pair[1]).Public())
			w.cores[pair[0]].Up(w.now, testKey(pair[1]).Public())
		}
	}
	w.settle(w.now + 60_000)
	for i, core := range w.cores[:5] {
		if core.Status().Halted != ErrConstitutionalFork.Error() || core.steward != nil || core.commits != beyond {
			t.Errorf("core %d goes on: %+v", i, core.Status())
		}
	}
	if s := w.cores[5].Status(); s.Halted != "" || s.Epoch != 1 {
		t.Errorf("who followed the members: %+v", s)
	}
}

// TestForgedRefounding: what a peer sends among commits holds by its assents alone, and only if it was asked.
func TestForgedRefounding(t *testing.T) {
	w, r := forsaken(t)
	from, c := testKey(4).Public(), w.cores[3]
	few := *r
	few.Assents = r.Assents[:3]
	say := func(raw []byte, asked bool) int {
		if c.fetch = (fetch{}); asked {
			c.fetch = fetch{from: from}
		}
		m, err := ParseMessage(&c.epoch, Message{Bundle: &Bundle{Refounding: raw}}.Frame())
		if err != nil {
			t.Fatal(err)
		}
		return c.Handle(w.now, from, m)
	}
	if bad := say(few.Raw(), true); bad != 0 || c.epoch.Number != 0 || !errors.Is(c.out.Fault, governance.ErrRefoundFew) {
		t.Errorf("too few: epoch %d, %v", c.epoch.Number, c.out.Fault)
	}
	if bad := say([]byte{0x84, 1}, true); bad == 0 || c.epoch.Number != 0 {
		t.Error("nonsense is no bad manners")
	}
	later := *r
	later.Text.Commits++
	if say(later.Raw(), true); c.epoch.Number != 0 || c.doubt != nil {
		t.Error("it follows before it has come so far")
	}
	if say(r.Raw(), false); c.epoch.Number != 0 {
		t.Error("it listens to one who tells for the second time, and was not asked")
	}
	if bad := say(r.Raw(), true); bad != 0 || c.epoch.Number != 1 {
		t.Errorf("it does not follow: %d", c.epoch.Number)
	}
}

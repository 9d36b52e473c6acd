package node

import (
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// forkOf is a second event of core n with the number of e.
func (w *town) forkOf(n int, e *event.Event, text string) *event.Event {
	w.t.Helper()
	d, err := event.NewDraft("test.large", map[string]string{"text": text})
	if err != nil {
		w.t.Fatal(err)
	}
	fork, err := event.Seal(testKey(n), event.Slot{Coop: e.Coop, Seq: e.Seq, Prev: e.Prev, At: w.now}, d)
	if err != nil {
		w.t.Fatal(err)
	}
	return fork
}

// suspended counts the cores on which a device is finally suspended.
func (w *town) suspended(device identity.PublicKey) (n int) {
	for _, core := range w.cores {
		if d, _ := core.View().State.Hall.Devices.Get(device); d.Suspended {
			n++
		}
	}
	return n
}

// kinds counts the events of a kind that a core keeps.
func (w *town) kinds(core int, kind event.Kind) (n int) {
	err := w.stores[core].Events(0, func(_ uint64, raw []byte) error {
		e, err := event.Open(raw)
		if err == nil && e.Kind == kind {
			n++
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestForkedDeviceIsCharged: whoever holds both events shows them, nobody has to ask; once is enough,
// however often the device forks; and the two may be as large as they like.
func TestForkedDeviceIsCharged(t *testing.T) {
	w := newTown(t, 4)
	forker := testKey(4).Public()
	slot := event.Slot{Coop: w.cores[0].coop, At: w.now}
	for n := range 40 {
		one := w.forkOf(4, &event.Event{Coop: slot.Coop, Seq: slot.Seq, Prev: slot.Prev}, strings.Repeat("x", event.MaxCore-1000-n))
		other := w.forkOf(4, one, strings.Repeat("y", event.MaxCore-1000))
		for i := range 4 { // the forker itself says nothing more
			if bad := w.cores[i].Receive(w.now, forker, []*event.Event{one, other}); bad > 0 {
				t.Fatal("a fork is no bad manners")
			}
		}
		slot.Seq, slot.Prev = one.Seq+1, one.ID
	}
	w.cut[4] = true
	w.settle(w.now + 60_000)
	if n := w.suspended(forker); n != 4 {
		t.Errorf("%d of 4 suspend the device", n)
	}
	if n := w.kinds(0, governance.KindEvidence); n != 1 {
		t.Errorf("it was shown %d times", n)
	}
	if again := w.rounds; again > 0 {
		w.settle(w.now + 600_000)
		if w.rounds != again {
			t.Errorf("%d round blocks about what is dealt with", w.rounds-again)
		}
	}
}

// TestStewardsInTurn: those whose turn it is not wait, and do it if it was not done; a member who is no
// steward does it when all of them had their turn.
func TestStewardsInTurn(t *testing.T) {
	for merciful := range 5 {
		w := newTownOf(t, foundedBy(t, 4, 6, governance.DefaultCharter()), 6)
		forker := testKey(5).Public()
		for _, core := range w.cores {
			if core.seat >= 0 && core.turn(forker) < event.Time(merciful)*chargeEvery {
				core.merciful = true
			}
		}
		one := w.forkOf(5, &event.Event{Coop: w.cores[0].coop}, "one")
		for i := range 5 {
			w.cores[i].Receive(w.now, forker, []*event.Event{one, w.forkOf(5, one, "other")})
		}
		w.cut[5] = true
		began := w.now
		w.settle(w.now + 60_000)
		if n := w.kinds(0, governance.KindEvidence); n != 1 || w.suspended(forker) != 5 {
			t.Errorf("%d stewards look away: shown %d times, %d suspend it", merciful, n, w.suspended(forker))
		}
		d, _ := w.cores[0].View().State.Hall.Devices.Get(forker)
		if at := w.cores[0].time; !d.Suspended || at < began+event.Time(merciful)*chargeEvery {
			t.Errorf("%d stewards look away, and it is shown after %d ms", merciful, at-began)
		}
	}
}

// TestSettledForkIsNotCharged: what the members have forgiven is not shown again, a new fork is.
func TestSettledForkIsNotCharged(t *testing.T) {
	w := newTown(t, 4)
	forker := testKey(4).Public()
	one := w.forkOf(4, &event.Event{Coop: w.cores[0].coop}, "one")
	fork := func(e *event.Event, text string) {
		for i := range 4 {
			w.cores[i].Receive(w.now, forker, []*event.Event{e, w.forkOf(4, e, text)})
		}
	}
	fork(one, "other")
	w.cut[4] = true
	w.settle(w.now + 60_000)
	for _, core := range w.cores[:4] { // as device.restore does
		s := core.line.Final()
		d, _ := s.Hall.Devices.Get(forker)
		d.Suspended, d.Cleared = false, 1
		s.Hall.Devices.Set(forker, d)
	}
	w.submit(0, governance.KindProposalOpen, governance.ProposalOpen{Title: "Something else", Track: "general"})
	w.settle(w.now + 60_000)
	if n := w.kinds(0, governance.KindEvidence); n != 1 {
		t.Errorf("an old fork was shown %d times", n)
	}
	d, err := event.NewDraft("test.large", map[string]string{"text": "two"})
	if err != nil {
		t.Fatal(err)
	}
	two, err := event.Seal(testKey(4), event.After(w.cores[0].coop, one, w.now), d)
	if err != nil {
		t.Fatal(err)
	}
	fork(two, "another")
	w.settle(w.now + 60_000)
	if n := w.kinds(0, governance.KindEvidence); n != 2 || w.suspended(forker) != 4 {
		t.Errorf("with a new fork shown %d times in all, %d suspend it", n, w.suspended(forker))
	}
}

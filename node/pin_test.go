package node

import (
	"errors"
	"testing"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// newcomer joins the town with a pin and catches up.
func (w *town) newcomer(pin *Pin) *Core { return w.comer(pin, func(*Core) {}) }

// comer joins the town with a pin, and catches up after something was done with its core.
func (w *town) comer(pin *Pin, before func(*Core)) *Core {
	w.t.Helper()
	store := crdt.NewMemory()
	if err := store.Append(crdt.Batch{Events: []*event.Event{w.genesis()}}); err != nil {
		w.t.Fatal(err)
	}
	n := len(w.cores)
	core, err := NewCore(Config{Genesis: w.genesis(), Key: testKey(n), Archive: store, Pin: pin})
	if err == nil {
		err = core.Restore(w.now, nil)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	before(core)
	w.cores, w.stores = append(w.cores, core), append(w.stores, store)
	for i := range n {
		w.cores[i].Up(w.now, testKey(n).Public())
		core.Up(w.now, testKey(i).Public())
	}
	w.settle(w.now + 30_000)
	return core
}

// TestPin: who joins with the pin of a member comes to that member's history, or says that it is another one
// and signs nothing.
func TestPin(t *testing.T) {
	w := newElecting(t, 4, 5)
	w.submit(4, governance.KindProposalOpen, governance.ProposalOpen{Title: "One", Track: "general"})
	w.settle(w.now + 30_000)
	early := w.cores[4].Pin()
	if early.Commits == 0 || early.Epoch != 0 || early.Base != [32]byte(w.cores[0].coop) {
		t.Fatalf("%+v", early)
	}
	w.appoint(0, 1, 2, 4)
	w.settle(w.now + 60_000)
	late := w.cores[0].Pin()
	if late.Epoch != 1 || late.Base != w.cores[1].epoch.Base {
		t.Fatalf("%+v", late)
	}
	back, err := OpenPin(late.Raw())
	if err != nil || *back != late {
		t.Fatalf("%+v, %v", back, err)
	}
	for name, c := range map[string]struct {
		pin    Pin
		misled bool
	}{
		"an early one":        {early, false},
		"a late one":          {late, false},
		"a forged checkpoint": {Pin{Commits: early.Commits, Hash: [32]byte{1}, Base: early.Base}, true},
		"a forged epoch":      {Pin{Epoch: 1, Base: [32]byte{1}}, true},
		"a forged late one":   {Pin{Epoch: 1, Base: late.Base, Commits: late.Commits, Hash: early.Hash}, true},
	} {
		core := w.newcomer(&c.pin)
		s := core.Status()
		if misled := s.Halted == ErrMisled.Error(); misled != c.misled || s.CatchingUp {
			t.Errorf("%s: %+v", name, s)
		}
		if _, err := core.Submit(w.now, note(t, "Hello")); errors.Is(err, ErrMisled) != c.misled {
			t.Errorf("%s: %v", name, err)
		}
		for i := range w.cores[:len(w.cores)-1] {
			w.cores[i].Down(w.now, core.key.Public())
		}
		w.cores, w.stores = w.cores[:len(w.cores)-1], w.stores[:len(w.stores)-1]
	}
	ahead := late
	ahead.Commits += 1000
	if s := w.newcomer(&ahead).Status(); !s.CatchingUp || s.Halted != "" {
		t.Errorf("it has not come as far as its pin: %+v", s)
	}
}

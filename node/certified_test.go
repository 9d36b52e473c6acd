package node

import (
	"errors"
	"testing"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
)

// checkSnapshot expects that a core can prove a state to who knows the founding event, and has that state.
func (w *town) checkSnapshot(who string, c *Core) *Certified {
	w.t.Helper()
	s := c.Snapshot()
	if s == nil {
		w.t.Fatalf("%s has no certified state", who)
	}
	trusted, err := coop.NewChronicle(genesisOf(w.t, w)).Epoch().Follow(s.Steps...)
	if err != nil {
		w.t.Fatalf("%s: %v", who, err)
	}
	if err := s.Certificate.Verify(&trusted); err != nil {
		w.t.Fatalf("%s: %v", who, err)
	}
	if coop.Root(s.State) != s.Certificate.Checkpoint.State {
		w.t.Fatalf("%s: the state is not the certified one", who)
	}
	return s
}

// openLater opens a proposal when a checkpoint is due.
func (w *town) openLater(by int, title string) {
	w.t.Helper()
	w.now += 2 * coop.CheckpointEvery
	w.submit(by, governance.KindProposalOpen, governance.ProposalOpen{Title: title, Track: "general"})
	w.settle(w.now + 30_000)
}

// TestSnapshotsAreProven: in the founding epoch, at a hand-over and after it, on a peer that was there, that started
// again or that came later.
func TestSnapshotsAreProven(t *testing.T) {
	w := newElecting(t, 4, 5)
	if w.cores[4].Snapshot() != nil {
		t.Fatal("nothing was certified yet")
	}
	w.openLater(4, "One")
	first := w.checkSnapshot("a member", w.cores[4])
	w.appoint(0, 1, 2, 4)
	w.settle(w.now + 60_000)
	w.agree(1)
	all := append([]*Core{}, w.cores...)
	all = append(all, w.newcomer(nil))
	for i, core := range w.cores[:5] {
		again, err := NewCore(Config{Genesis: w.genesis(), Key: testKey(i), Keys: w.rings[i], Archive: w.stores[i], Mark: core.signed})
		if err == nil {
			err = again.Restore(w.now, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, again)
	}
	for _, core := range all {
		if s := w.checkSnapshot("somebody", core); s.Certificate.Checkpoint.Index <= first.Certificate.Checkpoint.Index {
			t.Error("there is a newer certificate than that of the beginning")
		}
	}
	w.openLater(4, "Two")
	if s := w.checkSnapshot("a steward", w.cores[0]); s.Certificate.Checkpoint.Epoch != 1 || len(s.Steps) != 1 {
		t.Errorf("of epoch %d after %d steps", s.Certificate.Checkpoint.Epoch, len(s.Steps))
	}
}

// signedBy is what these founding stewards sign.
func signedBy(p finality.Checkpoint, stewards ...int) *finality.Certificate {
	c := &finality.Certificate{Version: 1, Checkpoint: p}
	for _, i := range stewards {
		sig := p.Sign(testKey(i))
		c.Signatures = append(c.Signatures, finality.Signature{Steward: uint64(i), Sig: sig[:]})
	}
	return c
}

// TestWhatCertifies: nothing but a quorum's signatures under what this peer came to, and these whenever they come.
func TestWhatCertifies(t *testing.T) {
	w := newElecting(t, 4, 5)
	w.openLater(4, "One")
	core, err := NewCore(Config{Genesis: w.genesis(), Key: testKey(4), Keys: w.rings[4], Archive: w.stores[4], Mark: w.cores[4].signed})
	if err == nil {
		err = core.Restore(w.now, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := w.cores[0].Snapshot().Certificate.Checkpoint
	core.certified, core.held.cert = nil, nil
	order, earlier, forged := p, p, signedBy(p, 0, 1, 2, 3)
	order.Order[0]++
	earlier.Index--
	forged.Signatures[1].Sig = forged.Signatures[2].Sig
	for name, cert := range map[string]*finality.Certificate{"too few": signedBy(p, 0, 1), "another order": signedBy(order, 0, 1, 2, 3), "of another commit": signedBy(earlier, 0, 1, 2), "forged": forged} {
		if core.certificates(Peer{}, []*finality.Certificate{cert}); core.Snapshot() != nil {
			t.Errorf("a certificate counts that is %s", name)
		}
		core.certified, core.held.cert = nil, nil
	}
	core.certificates(Peer{}, []*finality.Certificate{signedBy(p, 0, 1, 2)})
	w.checkSnapshot("who started again", core)
}

// TestExpect: a peer signs nothing until it has come to the certified commit, goes on if it is what it comes to, and
// stops if a quorum has signed a state that does not follow.
func TestExpect(t *testing.T) {
	w := newElecting(t, 4, 5)
	w.openLater(4, "One")
	w.openLater(4, "Two")
	sound := w.cores[0].Snapshot().Certificate
	state, order := sound.Checkpoint, sound.Checkpoint
	state.State[0]++
	order.Order[0]++
	for name, c := range map[string]struct {
		cert *finality.Certificate
		want error
	}{"sound": {sound, nil}, "a false state": {signedBy(state, 0, 1, 2, 3), ErrFalseState}, "a false order": {signedBy(order, 0, 1, 2), ErrFalseState}} {
		core := w.comer(nil, func(core *Core) {
			if !core.Expect(c.cert) {
				t.Fatal("it has not come so far")
			}
			if _, err := core.Submit(w.now, note(t, "Early")); err != ErrChecking || core.Status().Expected != sound.Checkpoint.Index+1 {
				t.Errorf("%s: %v", name, err)
			}
		})
		s := core.Status()
		if s.Expected != 0 || (c.want == nil) != (s.Halted == "") || s.Commits != w.cores[0].commits {
			t.Errorf("%s: %+v", name, s)
		}
		if _, err := core.Submit(w.now, note(t, "Late")); errors.Is(err, ErrFalseState) != (c.want != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if core.Expect(c.cert) {
			t.Errorf("%s: it has come further", name)
		}
		for i := range w.cores[:len(w.cores)-1] {
			w.cores[i].Down(w.now, core.key.Public())
		}
		w.cores, w.stores = w.cores[:len(w.cores)-1], w.stores[:len(w.stores)-1]
	}
}

// TestSnapshotsEndAtARefounding: nobody proves a state across it, and what those who were left behind have signed
// beyond makes nobody stop.
func TestSnapshotsEndAtARefounding(t *testing.T) {
	w, r := forsaken(t)
	for _, i := range []int{2, 4} {
		if err := w.cores[i].Refound(r.Raw()); err != nil {
			t.Fatal(err)
		}
	}
	w.settle(w.now + 60_000)
	for range 2 {
		w.openLater(5, "After")
	}
	if s := w.cores[5].Snapshot(); s != nil && s.Certificate.Checkpoint.Epoch != 0 {
		t.Errorf("it proves epoch %d", s.Certificate.Checkpoint.Epoch)
	}
	beyond := w.cores[5].line.Checkpoint()
	beyond.Epoch = 0
	core := w.comer(nil, func(core *Core) { core.Expect(signedBy(beyond, 0, 1, 2, 3)) })
	if s := core.Status(); s.Halted != "" || s.Expected != 0 || s.Commits < beyond.Index {
		t.Errorf("%+v", s)
	}
}

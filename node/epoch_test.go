package node

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// ring keeps keys in memory.
type ring struct {
	keys  map[uint64]identity.Key
	fails bool
}

func (r *ring) Make(epoch uint64) (identity.Key, error) {
	if r.fails {
		return identity.Key{}, errors.New("no disk")
	}
	if r.keys == nil {
		r.keys = map[uint64]identity.Key{}
	}
	if _, made := r.keys[epoch]; !made {
		rings++
		r.keys[epoch] = identity.KeyFromSeed([32]byte{'r', byte(rings), byte(rings >> 8)})
	}
	return r.keys[epoch], nil
}

var rings int // keys made so far

func (r *ring) Find(public identity.PublicKey) (identity.Key, bool) {
	for _, key := range r.keys {
		if key.Public() == public {
			return key, true
		}
	}
	return identity.Key{}, false
}

func (r *ring) Forget(last uint64, needed []identity.PublicKey) error {
	for epoch, key := range r.keys {
		if epoch <= last && !slices.Contains(needed, key.Public()) {
			delete(r.keys, epoch)
		}
	}
	return nil
}

func indexOf(p Peer) int {
	for i := range 64 {
		if testKey(i).Public() == p {
			return i
		}
	}
	return -1
}

// electing is a charter with a track on which stewards are appointed within seconds.
func electing() governance.Charter {
	c := governance.DefaultCharter()
	c.Office = governance.Office{}
	c.Tracks = append(c.Tracks, governance.Track{Name: "board", Method: governance.YesNo, Quorum: governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Num: 0, Den: 1}},
		Threshold: governance.Threshold{Share: governance.Ratio{Num: 1, Den: 2}, Over: true}, Voting: 1000, Revisable: true, Open: 10, Actions: []event.Kind{governance.KindStewardAppoint}})
	return c
}

// newElecting is a town in which stewards can be elected, of founders of whom the first are stewards.
func newElecting(t testing.TB, stewards, founders int) *town {
	return newTownOf(t, foundedBy(t, stewards, founders, electing()), founders)
}

func (w *town) submit(i int, kind event.Kind, body any) *event.Event {
	w.t.Helper()
	d, err := event.NewDraft(kind, body)
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := w.cores[i].Submit(w.now, d)
	if err != nil {
		w.t.Fatalf("core %d: %s: %v", i, kind, err)
	}
	return e
}

// appoint has members stand, and everybody vote for them. The hand-over follows by itself.
func (w *town) appoint(stewards ...int) {
	w.t.Helper()
	b := governance.StewardAppoint{}
	for _, i := range stewards {
		key := testKey(i).Public()
		b.Stewards = append(b.Stewards, key)
		if !w.cores[i].line.Final().Hall.Standing.Has(key) {
			w.submit(i, governance.KindStewardStand, governance.StewardStand{})
		}
	}
	w.settle(w.now + 3000)
	action, err := event.NewDraft(governance.KindStewardAppoint, b)
	if err != nil {
		w.t.Fatal(err)
	}
	p := w.submit(stewards[0], governance.KindProposalOpen, governance.ProposalOpen{Title: "New stewards", Track: "board", Actions: []event.Draft{action}})
	w.settle(w.now + 300)
	for i := range w.cores {
		if !w.cut[i] {
			w.submit(i, governance.KindBallotCast, governance.BallotCast{Proposal: p.ID, Choice: "yes"})
		}
	}
}

// agree expects all cores that are not cut off to be at rest in one epoch with one state.
func (w *town) agree(epoch uint64) {
	w.t.Helper()
	var first *Core
	for i, core := range w.cores {
		if w.cut[i] {
			continue
		}
		if first == nil {
			first = core
		}
		s := core.Status()
		if s.Epoch != epoch || !s.Sealed || s.Pending > 0 || s.Commits != first.commits || core.View().Root() != first.View().Root() || s.Halted != "" || s.Observer != "" {
			w.t.Fatalf("core %d: %+v; core 0 has %d commits", i, s, first.commits)
		}
	}
}

// Elected stewards take over, some of them new, some in office before; everybody follows, nothing is
// lost, keys of the past are gone, and then nobody says anything.
func TestHandover(t *testing.T) {
	for _, c := range []struct {
		stewards, founders int
		terms              [][]int
	}{
		{1, 2, [][]int{{1}, {0}, {0, 1}}},
		{4, 6, [][]int{{0, 1, 4, 5}, {2, 3, 4, 5}, {1}}},
		{4, 8, [][]int{{1, 2, 3, 4, 5, 6, 7}, {0, 1, 2, 3}, {4, 5, 6, 7}}},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			w := newElecting(t, c.stewards, c.founders)
			for i, term := range c.terms {
				w.appoint(term...)
				w.settle(w.now + 20_000)
				w.agree(uint64(i + 1))
				for j := range w.cores {
					e := w.submit(j, governance.KindMemberInvite, governance.MemberInvite{Key: identity.KeyFromSeed([32]byte{byte(i), byte(j), 1}).Public(), Uses: 1, Expires: w.now + 1_000_000})
					w.settle(w.now + 3000)
					if w.cores[0].Level(e.ID) != Final || w.cores[0].Refusal(e.ID) != "" {
						t.Fatalf("an event of epoch %d is %s, %s", i+1, w.cores[0].Level(e.ID), w.cores[0].Refusal(e.ID))
					}
				}
				w.settle(w.now + 20_000)
				w.agree(uint64(i + 1))
				for j, core := range w.cores {
					serves := slices.Contains(term, j)
					if (core.steward != nil) != serves || len(w.rings[j].keys) != map[bool]int{true: 1}[serves] {
						t.Errorf("epoch %d: core %d serves %v, has %d keys", i+1, j, core.steward != nil, len(w.rings[j].keys))
					}
				}
				frames := w.frames
				w.settle(w.now + 100_000)
				if w.frames != frames {
					t.Errorf("epoch %d: %d frames at rest", i+1, w.frames-frames)
				}
			}
			w.restarts()
		})
	}
}

// restarts makes every core anew from its archive and expects the same.
func (w *town) restarts() {
	w.t.Helper()
	for i, old := range w.cores {
		again, err := NewCore(Config{Genesis: w.genesis(), Key: testKey(i), Keys: w.rings[i], Archive: w.stores[i], Mark: old.signed})
		if err == nil {
			err = again.Restore(w.now, nil)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if again.View().Root() != old.View().Root() || again.commits != old.commits || again.epoch.Base != old.epoch.Base || again.line.Checkpoint() != old.line.Checkpoint() {
			w.t.Errorf("core %d differs after a restart: %+v", i, again.Status())
		}
		if why := again.watching(); why != "" || (again.steward == nil) != (old.steward == nil) || !again.sealed() {
			w.t.Errorf("core %d may not sign as before: %s", i, why)
		}
		if out := again.Tick(w.now, false); len(out.Keep.Events)+len(out.Keep.Rounds)+len(out.Keep.Commits)+len(out.Send) != 0 {
			w.t.Errorf("core %d keeps %d, %d, %d again, sends %d", i, len(out.Keep.Events), len(out.Keep.Rounds), len(out.Keep.Commits), len(out.Send))
		}
	}
}

func (w *town) genesis() *event.Event {
	raw, err := w.stores[0].Event(w.cores[0].coop)
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := event.Open(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// Who was away for several epochs catches up, with the proof of each hand-over, from whoever is there.
func TestCatchUpThroughEpochs(t *testing.T) {
	w := newElecting(t, 4, 8)
	w.cut[7] = true
	for i := range w.cores[:7] {
		w.cores[i].Down(w.now, testKey(7).Public())
		w.cores[7].Down(w.now, testKey(i).Public())
	}
	for i, term := range [][]int{{0, 1, 4, 5}, {2, 3, 4, 5}, {0, 1, 2, 6}} {
		w.appoint(term...)
		w.settle(w.now + 20_000)
		w.agree(uint64(i + 1))
	}
	delete(w.cut, 7)
	away := w.cores[7]
	for _, i := range []int{3, 5} { // stewards of the past
		away.Up(w.now, testKey(i).Public())
		w.cores[i].Up(w.now, testKey(7).Public())
	}
	w.settle(w.now + 20_000)
	w.agree(3)
	w.appoint(7, 0, 1, 2)
	w.settle(w.now + 20_000)
	w.agree(4)
	trusted := coop.NewChronicle(genesisOf(t, w)).Epoch()
	last, err := trusted.Follow(away.Handovers()...)
	if err != nil || last.Base != away.epoch.Base || last.Office() != away.epoch.Office() {
		t.Errorf("its chain of hand-overs leads to epoch %d: %v", last.Number, err)
	}
}

func genesisOf(t testing.TB, w *town) coop.State {
	s, err := coop.Genesis(w.genesis())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Nobody signs in an epoch before a quorum of the stewards before has signed where theirs ended.
func TestNobodySignsBeforeTheCertificate(t *testing.T) {
	w := newElecting(t, 4, 8)
	w.muffle = true
	w.appoint(4, 5, 6, 7)
	w.settle(w.now + 20_000)
	e := w.submit(4, governance.KindMemberInvite, governance.MemberInvite{Key: identity.KeyFromSeed([32]byte{1, 2, 3}).Public(), Uses: 1, Expires: w.now + 1_000_000})
	w.settle(w.now + 20_000)
	for i, core := range w.cores {
		if s := core.Status(); s.Epoch != 1 || s.Sealed || core.steward != nil || core.engine.Round() != 0 || core.Level(e.ID) == Final {
			t.Fatalf("core %d: %+v", i, s)
		}
	}
	w.muffle = false
	w.settle(w.now + 20_000)
	w.agree(1)
	if level := w.cores[0].Level(e.ID); level != Final {
		t.Errorf("the event is %s", level)
	}
}

// Round blocks of an epoch to come are kept unverified, within bounds, and heard when it has begun.
func TestBlocksOfAnEpochToComeAreKept(t *testing.T) {
	w := newElecting(t, 4, 8)
	w.cut[7] = true
	w.appoint(0, 1, 4, 5)
	w.settle(w.now + 20_000)
	w.agree(1)
	w.submit(0, governance.KindMemberInvite, governance.MemberInvite{Key: identity.KeyFromSeed([32]byte{3, 2, 1}).Public(), Uses: 1, Expires: w.now + 1_000_000})
	w.settle(w.now + 20_000)
	away, from := w.cores[7], testKey(1).Public()
	b := &Bundle{}
	if err := w.stores[0].Rounds(0, func(_ uint64, raw []byte) error {
		b.Rounds = append(b.Rounds, &finality.Round{Raw: raw})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	m, err := ParseMessage(&away.epoch, Message{Bundle: b}.Frame())
	if err != nil || len(m.Bundle.Later) < 12 {
		t.Fatalf("%v: %d blocks of an epoch to come", err, len(m.Bundle.Later))
	}
	m.Bundle.Rounds = nil
	if bad := away.Handle(w.now, from, m); bad > 0 || len(away.later.all) != len(m.Bundle.Later)+len(m.Bundle.Certificates) {
		t.Fatalf("%d are bad, %d kept", bad, len(away.later.all))
	}
	kept := len(away.later.all)
	for range 10 {
		away.Handle(w.now, from, m)
	}
	if len(away.later.all) > laterOfPeer {
		t.Fatalf("%d kept of one peer", len(away.later.all))
	}
	delete(w.cut, 7)
	away.Down(w.now, testKey(0).Public())
	if len(away.later.all) < kept {
		t.Fatal("what one peer sent goes with another")
	}
	away.Up(w.now, testKey(0).Public())
	w.settle(w.now + 20_000)
	w.agree(1)
	if len(away.later.all) > 0 {
		t.Errorf("%d are still kept", len(away.later.all))
	}
}

// A steward who cannot keep a key says so and takes no part; the others go on without.
func TestKeyThatCannotBeKept(t *testing.T) {
	w := newElecting(t, 4, 8)
	w.rings[4].fails = true
	w.appoint(4, 5, 6, 7)
	w.settle(w.now + 20_000)
	w.agree(1)
	if len(w.faults) == 0 {
		t.Error("nothing is said")
	}
}

package sim

import (
	"errors"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/node"
)

// A23 is no schedule of the protocol's list: a quorum is gone for good, and the members go on without it.

const (
	lostAt = 2500                            // when a quorum vanishes
	doomed = 14*24*3_600_000 + lostAt + 5000 // when the others meet again: two weeks later
	backAt = doomed + 60_000                 // when the lost ones come back all the same
)

// exodus is a plan in which the stewards lost vanish, and those who are left sleep for two weeks, since nothing
// happens.
type exodus struct {
	t      *testing.T
	w      *world
	lost   []int
	alone  bool  // the lost ones don't hear one another either, before they have met the others
	chairs []int // who are to be stewards
	r      *governance.Refounding
	old    []*frame // said by the old stewards after the loss, to come late
}

func (x *exodus) gone(i int) bool { return slices.Contains(x.lost, i) }

// left are the founders who are not lost.
func (x *exodus) left() (all []*peer) {
	for _, p := range x.w.peers[:x.w.plan.Founders] {
		if !x.gone(p.index) {
			all = append(all, p)
		}
	}
	return all
}

// script puts the loss and the re-founding on the agenda. Of what the lost ones say after lostAt nothing
// arrives at those who are left before it is late.
func (x *exodus) script(w *world) {
	x.w = w
	for _, p := range x.left() { // they find one another, and somebody of the lost ones
		for _, other := range w.peers[:w.plan.Founders] {
			if p != other && (!x.gone(other.index) || other.index == x.lost[0]) {
				w.wired[p.index] |= 1 << other.index
				w.wired[other.index] |= 1 << p.index
			}
		}
	}
	w.spy = func(from, to *peer, f *frame) bool {
		if x.alone && x.gone(from.index) && x.gone(to.index) && w.now >= lostAt-200 && w.now < backAt+10_000 {
			return false
		}
		if w.now < lostAt-200 || w.now >= backAt || x.gone(from.index) == x.gone(to.index) {
			return true
		}
		if x.gone(from.index) && len(blocksIn(w, f)) > 0 {
			x.old = append(x.old, f)
		}
		return false
	}
	for _, p := range w.peers[:w.plan.Founders] {
		until := event.Time(doomed)
		if x.gone(p.index) {
			until = backAt
		}
		w.agenda.add(lostAt+1000, func() { p.stop(2 * doomed) })
		w.agenda.add(until, p.start)
	}
	for i := range 20 { // while they vanish there is work
		say(w, w.peers[x.lost[i%len(x.lost)]], lostAt-1200+100*event.Time(i), i)
		say(w, x.left()[i%len(x.left())], lostAt-1210+100*event.Time(i), 100+i)
	}
	w.agenda.add(doomed+15_000, x.agree)
	w.agenda.add(doomed+17_000, x.refound)
	w.agenda.add(doomed+40_000, func() { // late, and out of the wire
		for _, f := range x.old {
			for _, p := range x.left() {
				w.carry(w.peers[x.lost[0]], p, f, 1)
			}
		}
	})
	for i := range 6 {
		say(w, x.left()[i%len(x.left())], doomed+41_000+500*event.Time(i), 200+i)
		say(w, w.peers[x.lost[i%len(x.lost)]], backAt+15_000+500*event.Time(i), 300+i)
	}
}

// agree drafts the re-founding and gathers the assents of all who are left.
func (x *exodus) agree() {
	var chairs []governance.RefoundingChair
	for _, i := range x.chairs {
		chair, err := x.w.peers[i].core.Chair()
		if err != nil {
			x.t.Fatal(err)
		}
		chairs = append(chairs, chair)
	}
	r, err := x.left()[0].core.DraftRefounding(chairs, "The house with the computers burnt down.")
	if err != nil {
		x.t.Fatal(err)
	}
	for _, p := range x.left() {
		if err := p.core.AssentTo(p.clock(), r); err != nil {
			x.t.Fatalf("%s does not assent: %v", p.name, err)
		}
	}
	x.r = r
}

// refound tells a quorum of the new stewards; each again after a crash, as their members would.
func (x *exodus) refound() {
	for n, i := range x.chairs[:len(x.chairs)/2+1] {
		p := x.w.peers[i]
		var tell func()
		tell = func() {
			if p.core == nil {
				x.w.agenda.add(x.w.now+200, tell)
				return
			}
			p.put(func(event.Time) {
				if err := p.core.Refound(x.r.Raw()); err != nil && !errors.Is(err, governance.ErrRefoundBase) {
					x.t.Errorf("%s: %v", p.name, err)
				}
			})
			if p.epoch == 0 && x.w.storm() {
				x.w.agenda.add(x.w.now+1000, tell)
			}
		}
		x.w.agenda.add(x.w.now+300*event.Time(n), tell)
	}
}

// TestA23RefoundingAfterALostQuorum: two of four stewards vanish, with blocks that nobody else has, and the
// members go on from the last commit, in a network that loses and while the new stewards crash. Then the old blocks
// surface, and those who had vanished come back with theirs. There is one order, and nothing is lost.
func TestA23RefoundingAfterALostQuorum(t *testing.T) {
	surfaced := 0
	for seed := range uint64(8) {
		plan := peace(seed+1, 4)
		plan.Founders, plan.Acts, plan.Stall, plan.Storm = 7, 0, 24*3_600_000, backAt+30_000
		plan.Jitter, plan.Loss, plan.Repeats, plan.Reorder = 60, 80, 80, true
		x := &exodus{t: t, lost: []int{2, 3}, alone: true, chairs: []int{0, 4, 5, 6}}
		for i, chair := range []int{0, 4, 5} {
			plan.Crashes = append(plan.Crashes, Crash{At: doomed + 17_000 + 250*event.Time(i), Down: 300, Peer: chair, Point: Point((int(seed) + i) % 5)})
		}
		w := perform(t, plan, func(w *world) {
			x.script(w)
			if seed%2 == 1 { // of the new stewards as many as they bear do not come either
				w.agenda.add(doomed+16_000, func() { w.peers[6].stop(35_000) })
			}
		})
		surfaced += len(x.old)
		if len(w.epochs) != 2 || w.epochs[1].Base != x.r.Text.Digest() {
			t.Fatalf("seed %d: %d epochs: this was another schedule", seed+1, len(w.epochs))
		}
		for _, i := range x.lost {
			if v := w.peers[i].core.View(); v.Epoch != 1 || v.Halted != "" {
				t.Errorf("seed %d: %s, who came back, is in epoch %d, %s", seed+1, w.peers[i].name, v.Epoch, v.Halted)
			}
		}
	}
	if surfaced == 0 {
		t.Error("no block of the old stewards surfaced: this was another schedule")
	}
}

// TestA23WhoKnewMoreStops: three of four stewards vanish and go on among themselves, so they call more final
// than the members know. When they come back they are shown what the members have done, order nothing more and say
// so; those who have gone on without them take nothing back.
func TestA23WhoKnewMoreStops(t *testing.T) {
	for seed := range uint64(4) {
		plan := peace(seed+1, 4)
		plan.Founders, plan.Acts, plan.Stall, plan.Storm = 10, 0, 24*3_600_000, backAt+30_000
		x := &exodus{t: t, lost: []int{1, 2, 3}, chairs: []int{0, 4, 5, 6}}
		before := uint64(0)
		w := perform(t, plan, func(w *world) {
			x.script(w)
			w.agenda.add(lostAt-200, func() {
				for _, i := range x.lost {
					w.peers[i].twin = true // what they keep from now on is no promise to anybody
				}
			})
			w.agenda.add(backAt-1000, func() { before = w.peers[0].disk.Count().Commits })
		})
		at := x.r.Text.Commits
		if before <= at || len(w.epochs) != 2 {
			t.Fatalf("seed %d: %d commits, re-founded at %d, %d epochs: this was another schedule", seed+1, before, at, len(w.epochs))
		}
		for _, i := range x.lost {
			v := w.peers[i].core.View()
			if v.Commits <= at {
				t.Fatalf("seed %d: %s knew no more: this was another schedule", seed+1, w.peers[i].name)
			}
			if v.Halted != node.ErrConstitutionalFork.Error() || v.Epoch != 0 {
				t.Errorf("seed %d: %s goes on in epoch %d with %d commits, %q", seed+1, w.peers[i].name, v.Epoch, v.Commits, v.Halted)
			}
		}
	}
}

package sim

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/node"
)

// handing is a plan of one election or more, each a while after the one before: founders of whom the first
// n are stewards elect these.
func handing(seed uint64, n, founders int, terms ...[]int) Plan {
	p := busy(peace(seed, n))
	p.Founders, p.Storm = founders, 3000+3000*event.Time(len(terms))
	for i, seats := range terms {
		p.Terms = append(p.Terms, Term{At: 300 + 3000*event.Time(i), Seats: seats})
	}
	return p
}

// TestA9CrashAroundSigning stops stewards at every point between signing and sending, before and after a
// hand-over, and puts back disks of the epoch before. Nobody may sign a round twice, whatever the key.
func TestA9CrashAroundSigning(t *testing.T) {
	sum := swarm(t, 20, func(seed uint64) Plan {
		p := handing(seed, 4, 6, []int{0, 1, 2, 4}, []int{0, 1, 2, 3})
		for i := range event.Time(12) {
			p.Crashes = append(p.Crashes, Crash{At: 700 + 600*i, Down: 50 * (i % 5), Peer: int((seed + uint64(i)) % 3), Point: Point((seed + uint64(i)) % 5)})
		}
		at := 3400 + 300*event.Time(seed%12) // back to before the first election
		p.Crashes = append(p.Crashes, Crash{At: at, Down: 1, Peer: 2, Point: Point(seed % 5), Rollback: true})
		return p
	})
	if sum.Epochs < 20 {
		t.Errorf("only %d hand-overs", sum.Epochs)
	}
}

// TestA10BoundaryByDifferentCommits hands over while those who leave are busy, in a network in which waves
// often fail, so that one node learns of the last anchor by its own certificates and another by a later
// one's. What was committed beyond it is void for both.
func TestA10BoundaryByDifferentCommits(t *testing.T) {
	sum := swarm(t, 60, func(seed uint64) Plan {
		p := handing(seed, 4, 8, []int{4, 5, 6, 7}, []int{0, 1, 4, 5})
		p.Delta0, p.Jitter, p.Reorder, p.Slow = 60, 150, true, 30
		p.Acts = 80
		return p
	})
	if sum.Epochs < 60 || sum.Voids == 0 {
		t.Errorf("%d hand-overs, %d void anchors: this was another schedule", sum.Epochs, sum.Voids)
	}
}

// TestA11FormerStewardsForge lets somebody who has all keys of the founding stewards, which are keys of
// devices and never erased, go on with their epoch after its end. Nobody follows. The keys of later epochs
// do not exist any more.
func TestA11FormerStewardsForge(t *testing.T) {
	plan := handing(1, 4, 8, []int{4, 5, 6, 7}, []int{0, 1, 2, 3})
	plan.Storm = 12_000
	forged := map[finality.RoundID]bool{}
	w := perform(t, plan, func(w *world) {
		for _, at := range []event.Time{3000, 8000, 10_000} {
			w.agenda.add(at, func() { forgeOn(t, w, forged) })
		}
		say(w, w.peers[5], 9000, 1)
	})
	if len(w.epochs) != 3 || len(forged) == 0 {
		t.Fatalf("%d epochs, %d forged blocks: this was another schedule", len(w.epochs), len(forged))
	}
	for _, p := range w.peers {
		for id := range forged {
			if _, err := p.disk.Round(id); err == nil {
				t.Errorf("%s keeps a round block that was forged after the end of its epoch", p.name)
			}
		}
		if now := w.epochs[2].Stewards; len(p.ring.keys) != len(slices.DeleteFunc(slices.Clone(now), func(k node.Peer) bool { return w.owner[k] != p })) {
			t.Errorf("%s still has %d keys", p.name, len(p.ring.keys))
		}
	}
}

// forgeOn signs three more waves of the founding epoch in the name of all its stewards, and tells everybody.
func forgeOn(t *testing.T, w *world, forged map[finality.RoundID]bool) {
	ep := &w.epochs[0]
	rows := map[uint64][]*block{}
	top := uint64(0)
	for _, b := range w.judge.blocks {
		if b.epoch == 0 {
			rows[b.number] = append(rows[b.number], b)
			top = max(top, b.number)
		}
	}
	for len(rows[top]) < ep.Q() {
		top--
	}
	row := map[int]finality.RoundID{}
	for _, b := range rows[top] {
		row[b.steward] = b.id
	}
	bundle := &node.Bundle{}
	for number := top + 1; number <= top+9; number++ {
		next := map[int]finality.RoundID{}
		for s := range ep.N() {
			d := finality.Round{Steward: s, Number: number, At: dawn + w.now, Vote: number%3 == 2}
			for parent := range ep.N() {
				if id, ok := row[parent]; ok {
					d.Parents = append(d.Parents, id)
				}
			}
			if id, ok := row[s]; ok {
				d.Prev, d.Last = id, number-1
			}
			r, err := finality.SealRound(keyOf(s), ep, d)
			if err != nil {
				t.Fatal(err)
			}
			next[s], forged[r.ID] = r.ID, true
			bundle.Rounds = append(bundle.Rounds, r)
		}
		row = next
	}
	f := w.frame(node.Message{Bundle: bundle}.Frame(), "")
	for _, p := range w.peers {
		w.carry(w.peers[(p.index+1)%len(w.peers)], p, f, 1)
	}
}

// TestA13QuorumLostOverADeadline takes two of four stewards away from before the end of a vote to long
// after it, and across a hand-over that was decided. Nobody loses the vote, nothing is lost, and the
// hand-over comes when they are back.
func TestA13QuorumLostOverADeadline(t *testing.T) {
	const gap = 100_000 // longer than the stall that the founding allows
	plan := handing(1, 4, 6, []int{0, 1, 4, 5})
	plan.Acts, plan.Storm = 0, 2*3_600_000 // the vote is extended by an hour
	plan.Terms[0].At = 500
	var proposal event.ID
	w := perform(t, plan, func(w *world) {
		opened(w, w.peers[0], 600, func(id event.ID) { proposal = id })
		for _, i := range []int{2, 3} {
			p := w.peers[i]
			w.agenda.add(1500, func() { p.stop(2 * gap) })
			w.agenda.add(1500+gap, p.start)
		}
		for i, at := range []event.Time{70_000, 90_000, 1500 + gap + 500} { // two in the gap, long after the end, one when it is over
			p := w.peers[[]int{0, 4, 5}[i]]
			w.agenda.add(at, func() { p.submit(ballot(proposal, "yes"), nil) })
		}
		w.agenda.add(1400+gap, func() {
			if n := len(w.judge.commits); n > 8 || len(w.epochs) != 1 {
				t.Errorf("%d commits and %d epochs without a quorum", n, len(w.epochs))
			}
		})
	})
	p, _ := w.peers[0].core.View().State.Hall.Proposals.Get(proposal)
	if len(p.Shifts) == 0 || p.Shifts[0].Cause != governance.CauseStall || p.Ended == 0 || p.Result.Yes != 3 || len(w.epochs) != 2 {
		t.Errorf("deadlines moved %v, ended %d, %d yes, %d epochs", p.Shifts, uint64(p.Ended), p.Result.Yes, len(w.epochs))
	}
}

// TestA16RestoredPhone has a member's phone, restored from a backup, sign a number twice. The first in
// final order counts and the device is suspended; when the members have restored it, it speaks again.
func TestA16RestoredPhone(t *testing.T) {
	plan := peace(1, 4)
	plan.Founders, plan.Forkers, plan.Storm = 5, []Forker{{Founder: 4}}, 12_000
	phone, counted := keyOf(4), event.ID{}
	w := perform(t, plan, func(w *world) {
		fork := &forker{w: w, dice: newDice(1, 8), key: phone, me: w.peers[4]}
		w.agenda.add(600, fork.fork)
		var accuse func()
		accuse = func() {
			p := w.peers[0]
			a := &actor{w: w, dice: newDice(1, 9)}
			if forks := p.core.View().Forks; len(forks) > 0 {
				p.submit(a.accuse(p, forks[0]), nil)
				return
			}
			w.agenda.add(w.now+200, accuse)
		}
		w.agenda.add(700, accuse)
		w.agenda.add(7000, func() {
			p := w.peers[1]
			restore := draft(governance.KindDeviceRestore, governance.DeviceRestore{Key: phone.Public()})
			p.submit(draft(governance.KindProposalOpen, governance.ProposalOpen{Title: "It was a backup", Track: "board", Actions: []event.Draft{restore}}), func(e *event.Event, err error) {
				if err != nil {
					t.Errorf("the proposal: %v", err)
					return
				}
				for i := range 4 {
					w.agenda.add(w.now+200, func() { w.peers[i].submit(ballot(e.ID, "yes"), nil) })
				}
			})
		})
		w.agenda.add(10_500, func() {
			door := w.peers[2]
			slot := door.core.Slot(phone.Public(), dawn+w.now)
			slot.Coop = w.stage.genesis.ID
			e, err := event.Seal(phone, slot, inviting(keyOf(8888), dawn+w.now))
			if err != nil {
				t.Fatal(err)
			}
			counted = e.ID
			door.put(func(now event.Time) {
				if err := door.core.Take(now, []*event.Event{e})[0]; err != nil {
					t.Errorf("the door does not take it: %v", err)
				}
			})
		})
	})
	d, _ := w.peers[0].core.View().State.Hall.Devices.Get(phone.Public())
	if refusal, final := w.judge.refused[counted]; !final || refusal != "" || d.Suspended || d.Cleared == 0 {
		t.Errorf("its event after the restoration: final %v, %q; device %+v", final, refusal, d)
	}
}

// TestA19FullBlocksOfJunk has a steward who is needed for every quorum list 512 junk events in each of its
// blocks, while another one is away.
func TestA19FullBlocksOfJunk(t *testing.T) {
	plan := peace(1, 4)
	plan.Acts, plan.Bursts = 10, 3
	plan.Liars = []Liar{{1, Stuff}, {2, Silent}}
	w := perform(t, plan, func(w *world) {
		liar := w.peers[1].liar
		liar.loyal, liar.most, liar.batch = true, finality.MaxInc, finality.MaxInc
	})
	full := 0
	for _, b := range w.judge.blocks {
		if len(b.inc) == finality.MaxInc {
			full++
		}
	}
	if full == 0 {
		t.Error("no block was full, so this was another schedule")
	}
}

// TestHandoverUnderFire hands over and back again with as many liars as the rules bear on both sides, in
// a network that loses and repeats, while stewards crash.
func TestHandoverUnderFire(t *testing.T) {
	sum := swarm(t, 24, func(seed uint64) Plan {
		p := handing(seed, 7, 9, []int{0, 1, 3, 4, 5, 7, 8}, []int{0, 1, 2, 3, 4, 5, 6})
		deeds := []Deeds{Equivocate | Perjure, Silent, Withhold | Narrow, Contrary | Perjure, Boast | Phantom, Double | Backdate}
		p.Liars = []Liar{{0, deeds[seed%6]}, {1, deeds[(seed/2)%6]}}
		p.Merciful = seed%3 > 0
		p.Jitter, p.Loss, p.Repeats, p.Reorder = 80, 80, 80, true
		for i := range event.Time(6) {
			p.Crashes = append(p.Crashes, Crash{At: 1000 + 1000*i, Down: 500, Peer: 2 + int(uint64(i)+seed)%7, Point: Point(i % 5)})
		}
		p.Partitions = []Partition{{At: 1500 + 100*event.Time(seed), Until: 2500 + 100*event.Time(seed), Set: seed * 37}}
		return p
	})
	if sum.Epochs < 12 {
		t.Errorf("only %d hand-overs", sum.Epochs)
	}
}

// TestForgedCertificates sends a new steward, before any true one, certificates of a hand-over that never
// was, with signatures of liars, of strangers and of none. Nobody begins an epoch by them.
func TestForgedCertificates(t *testing.T) {
	plan := handing(1, 4, 8, []int{4, 5, 6, 7})
	plan.Acts = 0
	w := perform(t, plan, func(w *world) {
		ep := &w.epochs[0]
		for i := range 40 {
			w.agenda.add(event.Time(1000+100*i), func() {
				n := finality.NewNotary(*ep, finality.Checkpoint{Version: 1, Coop: ep.Coop, Index: uint64(len(w.judge.commits)) + uint64(i%3) - 1, State: sha256.Sum256([]byte{byte(i)})})
				n.Sign(0, keyOf(0))
				cert := *n.Certificate()
				for s := range uint64(i % 4) {
					cert.Signatures = append(cert.Signatures, finality.Signature{Steward: s + 1, Sig: cert.Signatures[0].Sig})
				}
				f := w.frame(node.Message{Bundle: &node.Bundle{Certificates: []*finality.Certificate{&cert}}}.Frame(), "")
				for _, p := range w.peers {
					w.carry(w.peers[(p.index+1)%len(w.peers)], p, f, 1)
				}
			})
		}
	})
	if len(w.epochs) != 2 {
		t.Errorf("%d epochs", len(w.epochs))
	}
}

// TestLostGreeting loses the greetings to a peer that comes up when nobody has anything to do, and what it
// says itself. They are repeated.
func TestLostGreeting(t *testing.T) {
	plan := peace(1, 1)
	plan.Watchers, plan.Storm = 1, 20_000
	w := perform(t, plan, func(w *world) {
		steward, late := w.peers[0], w.peers[1]
		w.agenda.add(400, func() { late.stop(8000) })
		for i := range 8 {
			say(w, steward, event.Time(500+100*i), i)
		}
		w.spy = func(_, _ *peer, _ *frame) bool { return w.now < 400 || w.now > 13_000 }
		w.agenda.add(19_000, func() {
			if got := late.core.View().Commits; got < 8 {
				t.Errorf("the late peer has %d commits before anybody connects it anew", got)
			}
		})
	})
	if len(w.judge.commits) < 8 {
		t.Error("this was another schedule")
	}
}

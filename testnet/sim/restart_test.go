package sim

import (
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// TestRestartRaisesTheGuard stops a member's peer between its disk and its guard, lets the restarted
// peer tell what is on the disk, and then puts back a disk from before. The guard must know.
func TestRestartRaisesTheGuard(t *testing.T) {
	plan := peace(1, 4)
	plan.Founders = 5 // the last is no steward, who would raise the guard with the next block
	perform(t, plan, func(w *world) {
		p := w.peers[4]
		w.agenda.add(400, func() { p.backup = p.disk.Clone() })
		w.agenda.add(450, func() { p.doom = &Crash{Point: AfterKeep, Down: 200} })
		say(w, p, 500, 1)
		w.agenda.add(3000, func() {
			p.doom = &Crash{Point: BetweenTurns, Rollback: true, Down: 100}
			p.soon()
		})
		try := func(at event.Time, n int, signs bool) {
			w.agenda.add(at, func() {
				p.submit(inviting(keyOf(7000+n), dawn+w.now), func(_ *event.Event, err error) {
					if (err == nil) != signs {
						t.Errorf("at %d a peer whose disk is older than its guard is told %v", at, err)
					}
				})
			})
		}
		try(3102, 2, false) // before anybody can tell it what it once said
		try(4500, 3, true)  // and after
	})
}

// TestGreetingBeforeUp starts a peer when nobody has anything to do, and lets the other's greeting
// arrive before the peer knows that the other is there. It must catch up all the same.
func TestGreetingBeforeUp(t *testing.T) {
	plan := peace(1, 1)
	plan.Watchers = 1
	w := perform(t, plan, func(w *world) {
		steward, late := w.peers[0], w.peers[1]
		w.agenda.add(400, func() {
			late.stop(calmAtMost)
			steward.lose(late, 10)
			w.wired[0], w.wired[1] = 0, 0
		})
		for i := range 8 {
			say(w, steward, event.Time(500+100*i), i)
		}
		w.agenda.add(4000, late.start)
		w.agenda.add(4001, func() {
			w.wired[0], w.wired[1] = 1<<1, 1<<0
			steward.meet(late)
		})
		w.agenda.add(4060, func() { late.meet(steward) })
	})
	if got := w.peers[1].core.View().Commits; got < 8 {
		t.Errorf("the late peer has %d commits", got)
	}
}

// TestRollbackOfAMember puts back a member's disk of an earlier day, and lets the member act before
// anybody can tell the peer what it once said. The guard alone knows.
func TestRollbackOfAMember(t *testing.T) {
	plan := peace(1, 4)
	plan.Founders = 5
	perform(t, plan, func(w *world) {
		p := w.peers[4]
		w.agenda.add(400, func() { p.backup = p.disk.Clone() })
		say(w, p, 500, 1)
		w.agenda.add(3000, func() {
			p.doom = &Crash{Point: BetweenTurns, Rollback: true, Down: 100}
			p.soon()
		})
		say(w, p, 3102, 2)
	})
}

// TestLateBallots hands in two ballots just after the end of a vote, before it is closed: one that is
// dated before the end, which counts, and one that is not.
func TestLateBallots(t *testing.T) {
	plan := peace(1, 4)
	plan.Founders, plan.Forkers = 6, []Forker{{Founder: 4}, {Founder: 5}} // two members without peers
	var proposal event.ID
	w := perform(t, plan, func(w *world) {
		opened(w, w.peers[0], 500, func(id event.ID) { proposal = id })
		w.agenda.add(3450, func() {
			door := w.peers[1]
			for i, at := range []event.Time{3000, 3450} {
				slot := event.Slot{Coop: w.stage.genesis.ID, Deps: []event.ID{proposal}, At: dawn + at}
				e, err := event.Seal(keyOf(4+i), slot, ballot(proposal, "yes"))
				if err != nil {
					t.Fatal(err)
				}
				door.put(func(now event.Time) {
					if err := door.core.Take(now, []*event.Event{e})[0]; err != nil {
						t.Errorf("the door does not take a ballot: %v", err)
					}
				})
			}
		})
	})
	p, _ := w.peers[0].core.View().State.Hall.Proposals.Get(proposal)
	if w.judge.kinds(governance.KindBallotCast) != 2 || p.Ended == 0 {
		t.Fatal("the ballots are not both final, so this was another schedule")
	}
	if p.Result.Yes != 1 {
		t.Errorf("%d ballots count, not the one that is dated in time", p.Result.Yes)
	}
}

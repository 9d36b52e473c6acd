package sim

import (
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// TestA16ForksAreShownByPeers has a member's key sign many pairs of events with one number. Nobody asks for
// it, and every peer suspends the device; the proofs are few, however many the forks.
func TestA16ForksAreShownByPeers(t *testing.T) {
	proofs := 0
	for seed := range uint64(6) {
		plan := busy(peace(seed+1, 4))
		plan.Founders, plan.Merciful = 6, false
		plan.Forkers = []Forker{{Founder: 5}}
		plan.Jitter, plan.Reorder = 40, true
		w := perform(t, plan, func(w *world) {
			f := &forker{w: w, dice: newDice(seed, 8), key: keyOf(5), me: w.peers[5]}
			for n := range event.Time(40) { // when everybody is there to hear the first
				w.agenda.add(500+50*n, f.fork)
			}
		})
		for _, p := range w.peers {
			if !p.honest() || p.core == nil {
				continue
			}
			if d, _ := p.core.View().State.Hall.Devices.Get(keyOf(5).Public()); !d.Suspended {
				t.Errorf("seed %d: %s lets the device speak", seed+1, p.name)
			}
		}
		proofs += w.judge.kinds(governance.KindEvidence)
	}
	// Members accuse by hand too, now and then.
	if proofs > 6*4 {
		t.Errorf("%d proofs in 6 runs", proofs)
	}
	t.Logf("%d proofs in 6 runs of 40 forks", proofs)
}

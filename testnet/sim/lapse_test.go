package sim

import (
	"testing"

	"github.com/sustainy/coop/event"
)

// TestHandoverLapses elects four of whom three vanish before they have made a key. The cooperative is idle, and
// yet the hand-over does not wait for ever: the stewards go on, an election is due, and who comes back later
// finds it so.
func TestHandoverLapses(t *testing.T) {
	for seed := range uint64(4) {
		plan := handing(seed+1, 4, 8, []int{4, 5, 6, 7})
		plan.Storm, plan.Acts = 90_000, 0
		var decided, lapsed event.Time
		w := perform(t, plan, func(w *world) {
			for _, i := range []int{5, 6, 7} {
				w.agenda.add(1000, func() { w.peers[i].stop(85_000) })
			}
			var look func()
			look = func() {
				pending := len(w.peers[0].core.View().State.Hall.Pending.Stewards) > 0
				if pending && decided == 0 {
					decided = w.now
				}
				if !pending && decided > 0 && lapsed == 0 {
					lapsed = w.now
				}
				if lapsed == 0 && w.storm() {
					w.agenda.add(w.now+500, look)
				}
			}
			w.agenda.add(1500, look)
		})
		h := &w.peers[5].core.View().State.Hall
		if decided == 0 || lapsed < decided+59_000 || h.Term.Number != 0 || len(h.Pending.Stewards) != 0 || h.Term.Ends == 0 {
			t.Errorf("seed %d: decided at %d, lapsed at %d, epoch %d, %d to come, overdue from %s", seed+1, decided, lapsed, h.Term.Number, len(h.Pending.Stewards), h.Term.Ends)
		}
	}
}

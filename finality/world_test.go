package finality

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sustainy/coop/event"
)

var (
	runs  = flag.Int("runs", 120, "worlds to simulate")
	first = flag.Uint64("seed", 1, "seed of the first world")
)

var sizes = []int{1, 2, 3, 4, 5, 6, 7, 10, 13}

func TestIsolatedEventTakesThreeBlocksEach(t *testing.T) {
	for _, n := range sizes {
		for seed := range uint64(6) {
			w := newWorld(t, plan{n: n, seed: seed, fast: 40, slow: 40 + event.Time(seed)*5})
			for i := range 3 {
				w.blocks = 0
				w.publish(w.peers[(i*3+int(seed))%n])
				w.run(30_000)
				if w.blocks != 3*n {
					t.Fatalf("n = %d, seed %d, event %d: %d blocks, want %d", n, seed, i, w.blocks, 3*n)
				}
				w.settled()
				if len(w.todo) > 0 {
					t.Fatalf("n = %d: %d things still to happen in an idle world", n, len(w.todo))
				}
			}
			w.run(3_600_000)
			if w.blocks != 3*n || len(w.peers[0].commits) != 3 {
				t.Fatalf("n = %d: %d blocks, %d commits", n, w.blocks, len(w.peers[0].commits))
			}
		}
	}
}

var acts = []func(*peer){nil, silent, chaos, twofaced, narrow, clockless, censor, mixed}

// mixed lets every liar act after its own kind.
func mixed(x *peer) {
	[]func(*peer){chaos, narrow, twofaced, silent, censor, clockless}[(uint64(x.self)+x.w.seed)%6](x)
}

// swarm draws what goes wrong from the seed.
func swarm(seed uint64) plan {
	rng := rand.New(rand.NewPCG(seed, 2))
	p := plan{n: sizes[rng.IntN(len(sizes))], seed: seed, fast: event.Time(1 + rng.IntN(50)), pull: 200,
		calm: event.Time(rng.IntN(8000)), loss: rng.IntN(4) * 10, repeat: rng.IntN(3) * 10, cut: rng.IntN(2) == 0}
	p.slow = p.fast + event.Time(rng.IntN(200))
	if p.act = acts[rng.IntN(len(acts))]; p.act != nil {
		ep := testEpoch(p.n, seed)
		p.liars = rng.IntN(ep.F() + 1)
	}
	p.window = []uint64{0, 6, 15}[rng.IntN(3)]
	if rng.IntN(2) == 0 {
		p.crashes = rng.IntN(4)
	}
	if rng.IntN(3) == 0 {
		p.skew = func(steward int) int64 { return int64((uint64(steward)*seed*7919)%3000) - 1500 }
	}
	return p
}

func (w *world) spread(events int) {
	for i := range events {
		w.after(event.Time(w.rng.Uint64N(uint64(w.calm)+2000)), func() {
			x := w.correct()[w.rng.IntN(len(w.correct()))]
			if x.down {
				return
			}
			var links []event.ID
			if known := x.g.order; len(known) > 0 && i%2 == 0 {
				links = append(links, known[w.rng.IntN(len(known))])
			}
			w.publish(x, links...)
		})
	}
}

func TestSwarm(t *testing.T) {
	for seed := *first; seed < *first+uint64(*runs); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, swarm(seed))
			w.spread(20 + 200*int(seed%4/3))
			w.run(w.calm + 6000)
			for tries := 0; tries < 20 && !w.rested(); tries++ {
				w.run(w.calm + 6000)
			}
			w.settled()
			blocks := w.blocks
			w.run(60_000)
			if w.blocks != blocks || w.halts > 0 {
				t.Fatalf("%d blocks while idle, %d halts", w.blocks-blocks, w.halts)
			}
		})
	}
}

func (w *world) rested() bool {
	for _, x := range w.correct() {
		if x.down || x.e.Pending() > 0 || len(x.final) < len(w.all) {
			return false
		}
	}
	return w.calmed()
}

// With a quorum that is too small, or one liar more than the rules bear, two halves of a world can
// commit different orders. That is noticed when they meet, and who cheated is known.
func TestTooManyLiarsAreNoticed(t *testing.T) {
	defer func() { few = MaxStewards + 1 }()
	for _, c := range []struct {
		n, q, liars int
		forks       bool
	}{
		{4, 0, 1, false}, {5, 0, 1, false}, {6, 0, 1, false}, {7, 0, 2, false}, {10, 0, 3, false},
		{5, 3, 1, true}, {6, 3, 1, true}, {3, 0, 1, true}, {4, 0, 2, true}, {7, 4, 2, true},
	} {
		few = MaxStewards + 1
		if c.q > 0 {
			few = c.q
		}
		for seed := range uint64(6) {
			w := newWorld(t, plan{n: c.n, q: c.q, seed: seed, fast: 5, slow: 60, calm: 30_000, liars: c.liars, twins: true, pull: 150})
			w.spread(15)
			w.run(60_000)
			q := w.peers[0].e.q
			if forked := w.differ() != ""; forked != c.forks || forked && w.halts == 0 {
				t.Fatalf("n %d, q %d, %d liars, seed %d: forked %v, %d halts", c.n, q, c.liars, seed, forked, w.halts)
			}
			if !c.forks {
				w.settled()
				continue
			}
			for _, x := range w.correct() {
				if h := x.e.Halted(); h != nil && len(h.Forks) < 2*q-c.n {
					t.Fatalf("n %d, q %d, seed %d: the halt names %d stewards", c.n, q, seed, len(h.Forks))
				}
			}
		}
	}
}

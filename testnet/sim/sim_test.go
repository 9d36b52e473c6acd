package sim

import (
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedsFlag = flag.Int("seeds", 0, "number of seeds that TestSeeds plays; 0: 2,000, or 4 with the race detector")
	fromFlag  = flag.Uint64("from", 1, "first seed of TestSeeds")
	tellFlag  = flag.Bool("tell", false, "directed schedules tell everything")
	seedFlag  = flag.Uint64("seed", 0, "the seed that TestSeed plays and tells in full")
)

// TestSeeds plays many seeds, each with a plan of its own. A failure prints the seed, its plan and
// the end of its trace.
func TestSeeds(t *testing.T) {
	n := *seedsFlag
	if n == 0 {
		if n = 2000; raceOn {
			n = 4
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(1200))
	var next, played, failed atomic.Uint64
	var mu sync.Mutex
	var sum Stats
	began := time.Now()
	next.Store(*fromFlag)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed < *fromFlag+uint64(n) && failed.Load() == 0; seed = next.Add(1) - 1 {
				r := Run(seed, Options{})
				mu.Lock()
				sum.add(&r.Stats)
				mu.Unlock()
				played.Add(1)
				if len(r.Violations) > 0 {
					failed.Add(1)
					t.Errorf("seed %d, after %d seeds:\n%s", seed, seed-*fromFlag+1, r.String())
				}
			}
		})
	}
	workers.Wait()
	took := time.Since(began)
	t.Logf("%d seeds in %.1f s, %.0f a second; %.1f virtual hours, %+v", played.Load(), took.Seconds(),
		float64(played.Load())/took.Seconds(), float64(sum.Virtual)/3_600_000, sum)
}

// TestSeed plays one seed and tells everything: make sim SEED=7.
func TestSeed(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("no seed was given: go test ./testnet/sim -run 'TestSeed$' -v -seed 7")
	}
	r := Run(*seedFlag, Options{Full: os.Stdout})
	t.Logf("%s%+v", r.Plan, r.Stats)
	if len(r.Violations) > 0 {
		t.Fatal(r.String())
	}
}

// TestEqualSeedsEqualTraces plays seeds twice, side by side and alone on one processor: what a run
// does depends on its seed and on nothing else.
func TestEqualSeedsEqualTraces(t *testing.T) {
	n := uint64(120)
	if raceOn {
		n = 4
	}
	sums := make([]uint64, n)
	var workers sync.WaitGroup
	for i := range sums {
		workers.Go(func() { sums[i] = Run(uint64(i)+1, Options{}).Trace })
	}
	workers.Wait()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	differ := map[uint64]bool{}
	for i, sum := range sums {
		if again := Run(uint64(i)+1, Options{}).Trace; again != sum {
			t.Errorf("seed %d: trace %x, then %x", i+1, sum, again)
		}
		differ[sum] = true
	}
	if len(differ) != int(n) {
		t.Errorf("%d seeds have %d traces", n, len(differ))
	}
}

// TestMemoryChangesNothing plays seeds with every byte verified by everybody who gets it. What was
// verified once, or comes from an honest peer, may be believed without changing anything.
func TestMemoryChangesNothing(t *testing.T) {
	if raceOn {
		t.Skip("SKIPPED with the race detector: one world runs on one goroutine; make test plays it without")
	}
	for seed := range uint64(25) {
		quick, slow := Run(seed+1, Options{}), Run(seed+1, Options{Plan: func(p *Plan) { p.Forgetful = true }})
		if quick.Trace != slow.Trace {
			t.Errorf("seed %d: trace %x with a memory, %x without", seed+1, quick.Trace, slow.Trace)
		}
	}
}

func (s *Stats) add(o *Stats) {
	s.Virtual += o.Virtual
	s.Messages += o.Messages
	s.Turns += o.Turns
	s.Events += o.Events
	s.Commits += o.Commits
	s.Rounds += o.Rounds
	s.Epochs += o.Epochs
	s.Voids += o.Voids
	s.Seals += o.Seals
	s.Crashes += o.Crashes
	s.Forks += o.Forks
	s.Markets += o.Markets
	s.Doubles += o.Doubles
	s.Trades += o.Trades
	s.Sales += o.Sales
	s.Pledges += o.Pledges
	s.Refused += o.Refused
	s.Refusals += o.Refusals
}

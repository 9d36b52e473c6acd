package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/badgerdb"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

var (
	loadEvents = flag.Int("events", 100_000, "events of the ingest and catch-up benchmarks")
	loadWindow = flag.Int("window", 10_000, "events of the sustained benchmark that are not final, at most")
	loadTime   = flag.Duration("load", 10*time.Second, "how long the live benchmarks run")
)

// history is one steward's cooperative with many final events, and the frames in which it answers
// somebody who lacks everything.
type history struct {
	genesis *event.Event
	peer    *place
	events  uint64
}

func makeHistory(tb testing.TB, n int) *history {
	tb.Helper()
	genesis, peers := town(tb, 1)
	p := peers[0]
	m, raws := apply(tb, genesis.ID, 1000)
	p.take(tb, raws)
	p.until(tb, uint64(len(raws)))
	p.poll(tb, m)
	total := uint64(1 + len(raws) + 1)
	for int(total) < n {
		batch := make([][]byte, 0, 1000)
		for range 1000 {
			batch = append(batch, m.ballot(tb).Raw)
		}
		p.take(tb, batch)
		total += uint64(len(batch))
		p.until(tb, total)
	}
	return &history{genesis, p, total}
}

// pages are the answers of a core with the history's archive to somebody who lacks everything.
func (h *history) pages(tb testing.TB) (frames [][]byte) {
	tb.Helper()
	core, err := node.NewCore(node.Config{Genesis: h.genesis, Key: keyOf('x', 1), Observer: "a benchmark", Archive: h.peer.store})
	if err != nil {
		tb.Fatal(err)
	}
	if err := core.Restore(0, nil); err != nil {
		tb.Fatal(err)
	}
	next := node.From{}
	for {
		core.Handle(0, keyOf('x', 2).Public(), node.Message{Read: &node.Read{From: next, Bytes: 1 << 30}})
		out := core.Tick(0, false)
		for _, letter := range out.Send {
			frames = append(frames, letter.Frame())
		}
		last := out.Send[len(out.Send)-1].Bundle
		if last.End {
			return frames
		}
		next = *last.Next
	}
}

// claims are the signatures of a history's first events, as many as one batch on each core.
func (h *history) claims(tb testing.TB) (claims []identity.Claim) {
	err := h.peer.store.Events(1, func(n uint64, raw []byte) error {
		e, err := event.Open(raw)
		if err != nil {
			return err
		}
		h, _ := e.Header()
		claims = append(claims, identity.Claim{Key: e.Key, Message: append([]byte("coop/event/1\x00"), h.Digest[:]...), Sig: e.Sig})
		if len(claims) == 16_384 {
			return context.Canceled
		}
		return nil
	})
	if err != nil && err != context.Canceled {
		tb.Fatal(err)
	}
	return claims
}

// rate is how many claims a second both cores verify.
func rate(claims []identity.Claim, verify func([]identity.Claim) bool) float64 {
	began := time.Now()
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			if !verify(claims[w*len(claims)/workers : (w+1)*len(claims)/workers]) {
				panic("a good signature is refused")
			}
		})
	}
	wait.Wait()
	return float64(len(claims)) / time.Since(began).Seconds()
}

// batches verifies as the library does by itself, 256 signatures at a time.
func batches(claims []identity.Claim) bool {
	options := &voi.Options{Verify: voi.VerifyOptionsZIP_215}
	for from := 0; from < len(claims); from += 256 {
		batch := voi.NewBatchVerifier()
		for _, c := range claims[from:min(from+256, len(claims))] {
			batch.AddWithOptions(c.Key[:], c.Message, c.Sig[:], options)
		}
		if !batch.VerifyBatchOnly(rand.Reader) {
			return false
		}
	}
	return true
}

// remembering verifies as our peers do, with keys unpacked before.
func remembering(claims []identity.Claim) bool {
	return !slices.Contains(identity.VerifyBatch(claims), false)
}

// BenchmarkIngest is what one peer does with what others made: open, verify, graph, round blocks,
// Badger with synced batches, fold. Beside it stands what the signatures alone cost, on the same
// cores in the same run: verified in batches by the library, and by identity.VerifyBatch, which also
// remembers the keys of those who speak again and again. Of several runs, the median of every figure counts.
func BenchmarkIngest(b *testing.B) {
	h := makeHistory(b, *loadEvents)
	frames := h.pages(b)
	claims := h.claims(b)
	figures := map[string][]float64{}
	note := func(figure string, value float64) {
		figures[figure] = append(figures[figure], value)
		slices.Sort(figures[figure])
		b.ReportMetric(figures[figure][len(figures[figure])/2], figure)
	}
	for b.Loop() {
		plain, remembered := rate(claims, batches), rate(claims, remembering)
		began, spent := time.Now(), cpuTime(b)
		h.ingest(b, frames)
		ingest := float64(h.events) / time.Since(began).Seconds()
		note("events/s", ingest)
		note("cpu-µs/event", (cpuTime(b)-spent).Seconds()*1e6/float64(h.events))
		note("signatures/s", plain)
		note("of-signatures", ingest/plain)
		note("remembered/s", remembered)
		note("of-remembered", ingest/remembered)
	}
}

// ingest lets a fresh core with a fresh store take the frames, opened ahead on the other core.
func (h *history) ingest(b *testing.B, frames [][]byte) { h.copyTo(b, frames, b.TempDir()) }

func (h *history) copyTo(b *testing.B, frames [][]byte, dir string) {
	store, err := badgerdb.Open(dir, badgerdb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if err := store.Append(crdtBatch(h.genesis)); err != nil {
		b.Fatal(err)
	}
	core, err := node.NewCore(node.Config{Genesis: h.genesis, Key: keyOf('x', 1), Observer: "a benchmark", Archive: store})
	if err != nil {
		b.Fatal(err)
	}
	reader := node.NewReader(core.Epoch())
	opened := make(chan node.Message, 4)
	go func() {
		defer close(opened)
		for _, frame := range frames {
			m, err := reader.Parse(frame)
			if err != nil {
				panic(err)
			}
			opened <- m
		}
	}()
	now := event.Time(time.Now().UnixMilli())
	batches := make(chan crdt.Batch) // as in node.Node, a turn is heard while the one before is written
	written := make(chan error, 1)
	go func() {
		var err error
		for batch := range batches {
			err = errors.Join(err, store.Append(batch))
		}
		written <- err
	}()
	for m := range opened {
		core.Handle(now, keyOf('s', 0).Public(), m)
		batches <- core.Tick(now, false).Keep
	}
	close(batches)
	if err := <-written; err != nil {
		b.Fatal(err)
	}
	if v := core.View(); v.Events != h.events || v.Pending != 0 {
		b.Fatalf("%d events of %d, %d not final", v.Events, h.events, v.Pending)
	}
}

// BenchmarkCatchUp is a fresh peer that catches up over loopback, beside what ingest takes.
func BenchmarkCatchUp(b *testing.B) {
	h := makeHistory(b, *loadEvents)
	frames := h.pages(b)
	for b.Loop() {
		began := time.Now()
		h.ingest(b, frames)
		floor := float64(h.events) / time.Since(began).Seconds()
		fresh := start(b, h.genesis, keyOf('x', 3), node.Mark{}, b.TempDir())
		began = time.Now()
		if err := fresh.host.Connect(context.Background(), h.peer.host.Addrs()[0]); err != nil {
			b.Fatal(err)
		}
		rate := float64(h.events) / fresh.until(b, h.events).Sub(began).Seconds()
		b.ReportMetric(rate, "events/s")
		b.ReportMetric(floor, "ingest/s")
		b.ReportMetric(rate/floor, "of-ingest")
	}
}

// cpuTime is the processor time that this process has used.
func cpuTime(tb testing.TB) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

func percentile(took []time.Duration, p int) float64 {
	slices.Sort(took)
	return float64(took[min(len(took)-1, len(took)*p/100)].Microseconds()) / 1000
}

// BenchmarkFinality is the time from giving an event in to its being final there, with four stewards
// on loopback and 50 events a second, beside three bare broadcast rounds with fsync.
func BenchmarkFinality(b *testing.B) {
	genesis, peers := town(b, 4)
	m, raws := apply(b, genesis.ID, 100)
	peers[0].take(b, raws)
	peers[0].until(b, uint64(len(raws)))
	peers[0].poll(b, m)
	for b.Loop() {
		least := floor(b, 300, 50, *loadTime/2)
		took := paced(b, m, peers, *loadTime)
		b.ReportMetric(percentile(took, 50), "p50-ms")
		b.ReportMetric(percentile(took, 95), "p95-ms")
		b.ReportMetric(percentile(least, 50), "floor-p50-ms")
		b.ReportMetric(percentile(took, 50)/percentile(least, 50), "times-floor")
	}
}

// paced gives in 50 events a second for a while, each at another peer, and measures how long each
// takes until it is final there.
func paced(b *testing.B, m *members, peers []*place, d time.Duration) (took []time.Duration) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	tick := time.NewTicker(time.Second / 50)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); {
		<-tick.C
		e := m.ballot(b)
		p := peers[m.next%len(peers)]
		wait.Go(func() {
			began := time.Now()
			p.take(b, [][]byte{e.Raw})
			if _, err := p.node.Wait(context.Background(), e.ID); err != nil {
				b.Error(err)
			}
			mu.Lock()
			took = append(took, time.Since(began))
			mu.Unlock()
		})
	}
	wait.Wait()
	return took
}

// loadHands give events in at one peer, loadBatch at a time, each waiting until the last ones are on disk.
const loadHands, loadBatch, loadAtMost = 4, 500, 20_000 // and events a second that are signed ahead

// BenchmarkSustained is how many events a second become final at the slowest of four stewards while
// every one of them is given more, as long as no more than a window of them is not final.
func BenchmarkSustained(b *testing.B) {
	b.Run("signed", func(b *testing.B) { sustained(b, true) })
	b.Run("signing", func(b *testing.B) { sustained(b, false) })
}

// sustained measures with a load that was signed before, as members do on their own computers, or with one that
// is signed while it is measured.
func sustained(b *testing.B, signed bool) {
	for b.Loop() {
		genesis, peers := town(b, 4)
		m, raws := apply(b, genesis.ID, 4000)
		peers[0].take(b, raws)
		peers[0].until(b, uint64(len(raws)))
		peers[0].poll(b, m)
		for _, p := range peers {
			p.until(b, uint64(len(raws)+2))
		}
		hands := make([]*members, loadHands*len(peers))
		for i := range hands {
			hands[i] = m.share(i, len(hands))
			if signed {
				hands[i].sign(b, int(loadTime.Seconds())*loadAtMost/len(hands))
			}
		}
		before, spent := slowest(b, peers), cpuTime(b)
		var given, final atomic.Uint64
		began := time.Now()
		end := began.Add(*loadTime)
		var wait sync.WaitGroup
		for i, mine := range hands {
			p := peers[i%len(peers)]
			wait.Go(func() {
				for time.Now().Before(end) {
					if given.Load() > final.Load()+uint64(*loadWindow) {
						time.Sleep(time.Millisecond)
						continue
					}
					batch := make([][]byte, loadBatch)
					for j := range batch {
						batch[j] = mine.ballot(b).Raw
					}
					p.take(b, batch)
					given.Add(uint64(len(batch)))
				}
			})
		}
		for time.Now().Before(end) {
			final.Store(slowest(b, peers) - before)
			time.Sleep(10 * time.Millisecond)
		}
		done := float64(slowest(b, peers) - before)
		rate, cost := done/time.Since(began).Seconds(), (cpuTime(b)-spent).Seconds()*1e6/done
		wait.Wait()
		b.ReportMetric(rate, "events/s")
		b.ReportMetric(cost, "cpu-µs/event") // of all peers, and of who signs the load if that is measured
	}
}

// slowest is how many events are final at the peer that has the fewest.
func slowest(b *testing.B, peers []*place) uint64 {
	least := uint64(1 << 62)
	for _, p := range peers {
		s, err := p.node.Status(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		least = min(least, s.Events-uint64(s.Pending))
	}
	return least
}

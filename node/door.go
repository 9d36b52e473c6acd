package node

import (
	"bytes"
	"hash/maphash"
	"runtime"
	"sync"

	"github.com/sustainy/coop/event"
)

const (
	shareFrom       = 256     // events of one call for each core that works on it
	batchFull       = 1024    // events opened in one go, with those of other calls; beyond it little is gained
	rememberedCount = 4096    // events of a generation that are remembered as opened
	rememberedBytes = 2 << 20 // and their size
)

// seats are the cores on which signatures are verified, for all cooperatives of this process: more
// callers at once would only make each one's batches smaller.
var seats = make(chan struct{}, runtime.GOMAXPROCS(0))

// opener opens events for whoever asks, as event.OpenAll does. Signatures are cheaper the more of them
// are verified together, and under load many calls come at once with few events each. So there is one
// queue: the first caller in it waits for a core, and takes with it what has come meanwhile. Where a
// core is free nobody waits for anybody. No goroutine is the opener's own.
//
// The same event often comes twice, by gossip and with the round block that lists it. What was opened
// lately is remembered with all its bytes, so it is verified once.
type opener struct {
	mu    sync.Mutex
	queue []*opening // calls that wait; the first one's caller waits for a core, the others for it

	seed         maphash.Seed
	fresh, stale map[uint64]*event.Event // two generations of what was opened, by the hash of all bytes
	size         int                     // bytes of the fresh one
}

// opening is one call.
type opening struct {
	raws   [][]byte
	events []*event.Event
	errs   []error
	done   chan struct{} // closed when events and errs are there
	lead   chan struct{} // closed when this call is the first of the queue
}

func newOpener() *opener {
	return &opener{seed: maphash.MakeSeed(), fresh: map[uint64]*event.Event{}}
}

// openAll is event.OpenAll, shared among the cores and among the calls. The events keep the raws, which
// must therefore be no parts of something larger; the codec gives each its own.
func (o *opener) openAll(raws [][]byte) ([]*event.Event, []error) {
	free := cap(seats) - len(seats) // where others work already, sharing would only make the batches smaller
	workers := min(free, len(raws)/shareFrom)
	if workers < 2 {
		return o.open(raws)
	}
	events, errs := make([]*event.Event, len(raws)), make([]error, len(raws))
	var wait sync.WaitGroup
	for w := range workers {
		from, to := w*len(raws)/workers, (w+1)*len(raws)/workers
		wait.Go(func() {
			seats <- struct{}{}
			opened, why := o.recall(raws[from:to])
			<-seats
			copy(events[from:], opened)
			copy(errs[from:], why)
		})
	}
	wait.Wait()
	return events, errs
}

func (o *opener) open(raws [][]byte) ([]*event.Event, []error) {
	call := &opening{raws: raws, done: make(chan struct{}), lead: make(chan struct{})}
	o.mu.Lock()
	if o.queue = append(o.queue, call); len(o.queue) == 1 {
		close(call.lead)
	}
	o.mu.Unlock()
	select {
	case <-call.done:
	case <-call.lead:
		seats <- struct{}{}
		o.work(o.next())
		<-seats
	}
	return call.events, call.errs
}

// next takes from the queue what is opened together, its first call among it, and lets the call that
// is then the first lead.
func (o *opener) next() []*opening {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, count := 1, len(o.queue[0].raws)
	for n < len(o.queue) && count < batchFull {
		count += len(o.queue[n].raws)
		n++
	}
	calls := o.queue[:n:n]
	if o.queue = o.queue[n:]; len(o.queue) > 0 {
		close(o.queue[0].lead)
	}
	return calls
}

// work opens the events of these calls.
func (o *opener) work(calls []*opening) {
	var raws [][]byte
	for _, c := range calls {
		raws = append(raws, c.raws...)
	}
	events, errs := o.recall(raws)
	for _, c := range calls {
		n := len(c.raws)
		c.events, c.errs = events[:n:n], errs[:n:n]
		events, errs = events[n:], errs[n:]
		close(c.done)
	}
}

// recall opens what is not remembered.
func (o *opener) recall(raws [][]byte) ([]*event.Event, []error) {
	events, errs := make([]*event.Event, len(raws)), make([]error, len(raws))
	sums := make([]uint64, len(raws))
	for i, raw := range raws {
		sums[i] = maphash.Bytes(o.seed, raw)
	}
	var unknown [][]byte
	var at []int
	o.mu.Lock()
	for i, raw := range raws {
		e := o.fresh[sums[i]]
		if e == nil {
			e = o.stale[sums[i]]
		}
		if e != nil && bytes.Equal(e.Raw, raw) {
			events[i] = e
		} else {
			unknown, at = append(unknown, raw), append(at, i)
		}
	}
	o.mu.Unlock()
	opened, why := event.OpenAll(unknown)
	o.mu.Lock()
	defer o.mu.Unlock()
	for j, e := range opened {
		events[at[j]], errs[at[j]] = e, why[j]
		if e != nil {
			o.remember(sums[at[j]], e)
		}
	}
	return events, errs
}

func (o *opener) remember(sum uint64, e *event.Event) {
	if len(o.fresh) >= rememberedCount || o.size >= rememberedBytes {
		o.fresh, o.stale, o.size = map[uint64]*event.Event{}, o.fresh, 0
	}
	o.fresh[sum] = e
	o.size += len(e.Raw)
}

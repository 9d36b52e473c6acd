package node

import (
	"runtime"
	"sync"

	"github.com/sustainy/coop/event"
)

// parallelFrom is the number of events from which verification is shared among the cores.
const parallelFrom = 64

// openAll is event.OpenAll on all cores.
func openAll(raws [][]byte) ([]*event.Event, []error) {
	workers := min(runtime.GOMAXPROCS(0), len(raws)/parallelFrom+1)
	if workers < 2 {
		return event.OpenAll(raws)
	}
	events, errs := make([]*event.Event, len(raws)), make([]error, len(raws))
	var wait sync.WaitGroup
	for w := range workers {
		from, to := w*len(raws)/workers, (w+1)*len(raws)/workers
		wait.Go(func() {
			opened, why := event.OpenAll(raws[from:to])
			copy(events[from:], opened)
			copy(errs[from:], why)
		})
	}
	wait.Wait()
	return events, errs
}

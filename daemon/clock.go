package daemon

import (
	"sync/atomic"
	"time"

	"github.com/sustainy/coop/event"
)

// clock is this computer's clock, moved by an offset that only a testnet sets.
type clock struct{ offset atomic.Int64 } // ms

// Now is the time of day.
func (c *clock) Now() event.Time {
	return event.Time(max(0, time.Now().UnixMilli()+c.offset.Load()))
}

// After is a timer. An offset doesn't shorten it: who moves the clock wakes the nodes.
func (c *clock) After(d time.Duration) <-chan time.Time { return time.After(d) }

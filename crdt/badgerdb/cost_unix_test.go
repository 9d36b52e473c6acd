//go:build unix

package badgerdb

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sustainy/coop/crdt"
)

// BenchmarkAppendCost is the processor time that an event costs, Badger's goroutines and the kernel
// included, by the size of the batch it comes in.
func BenchmarkAppendCost(b *testing.B) {
	for _, test := range []struct{ batch, total int }{{1, 3_000}, {128, 100_000}, {1024, 100_000}} {
		b.Run(fmt.Sprint(test.batch), func(b *testing.B) {
			events := unsigned(0, test.total)
			var spent time.Duration
			for b.Loop() {
				db := mustOpen(b, b.TempDir())
				before := processorTime(b)
				for from := 0; from < test.total; from += test.batch {
					if err := db.Append(crdt.Batch{Events: events[from:min(from+test.batch, test.total)], New: true}); err != nil {
						b.Fatal(err)
					}
				}
				spent += processorTime(b) - before
				mustClose(b, db)
			}
			b.ReportMetric(float64(spent.Nanoseconds())/1000/float64(test.total*b.N), "cpu-µs/event")
		})
	}
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

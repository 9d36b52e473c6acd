package badgerdb

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"testing"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
	"github.com/sustainy/coop/event"
)

// unsigned are events of about 300 bytes with right ids and no signatures, which a store does not
// look at: signing would take most of a benchmark's time.
func unsigned(from, to int) []*event.Event {
	events := make([]*event.Event, 0, to-from)
	for n := from; n < to; n++ {
		core := make([]byte, 230)
		for at := 0; at < len(core); at += 32 {
			sum := sha256.Sum256(fmt.Append(nil, n, at))
			copy(core[at:], sum[:])
		}
		raw := append([]byte{0x82, 0x59, byte(len(core) >> 8), byte(len(core))}, core...)
		raw = append(append(raw, 0x58, 64), core[:64]...)
		events = append(events, &event.Event{ID: sha256.Sum256(core), Raw: raw})
	}
	return events
}

// BenchmarkAppendEvents appends 100,000 events of 300 bytes in synced batches of 1,000.
func BenchmarkAppendEvents(b *testing.B) {
	const total, batch = 100_000, 1000
	events := unsigned(0, total)
	for b.Loop() {
		b.StopTimer()
		db := mustOpen(b, b.TempDir())
		b.StartTimer()
		for from := 0; from < total; from += batch {
			if err := db.Append(crdt.Batch{Events: events[from : from+batch]}); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		mustClose(b, db)
		b.StartTimer()
	}
	b.ReportMetric(float64(total*b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkAppendRound appends one round block of 700 bytes, as a steward does before sending it.
func BenchmarkAppendRound(b *testing.B) {
	db := mustOpen(b, b.TempDir())
	n := 0
	for b.Loop() {
		if err := db.Append(crdt.Batch{Rounds: []crdt.Blob{storetest.Blob(fmt.Sprint("round ", n), 700)}}); err != nil {
			b.Fatal(err)
		}
		n++
	}
	mustClose(b, db)
}

// BenchmarkStore opens, reads and checks a store of 100,000 events of 300 bytes.
func BenchmarkStore(b *testing.B) {
	const total = 100_000
	dir := b.TempDir()
	db := mustOpen(b, dir)
	for from := 0; from < total; from += 1000 {
		if err := db.Append(crdt.Batch{Events: unsigned(from, from+1000)}); err != nil {
			b.Fatal(err)
		}
	}
	ids := make([]event.ID, 0, total)
	for _, e := range unsigned(0, total) {
		ids = append(ids, e.ID)
	}
	mustClose(b, db)
	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			mustClose(b, mustOpen(b, dir))
		}
	})
	db = mustOpen(b, dir)
	b.Run("Events", func(b *testing.B) {
		for b.Loop() {
			if err := db.Events(0, func(uint64, []byte) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(total*b.N)/b.Elapsed().Seconds(), "events/s")
	})
	for name, step := range map[string]int{"Neighbours": 7, "Scattered": 7919} {
		b.Run(name, func(b *testing.B) {
			for n := 0; b.Loop(); n += step {
				if _, err := db.Event(ids[n%len(ids)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("Check", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.Check(); err != nil {
				b.Fatal(err)
			}
		}
	})
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.Logf("heap of an open store: %d KiB", m.HeapAlloc>>10)
	mustClose(b, db)
}

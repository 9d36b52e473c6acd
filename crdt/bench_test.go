package crdt

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
)

// BenchmarkAdd accepts 100,000 events of 100 devices, in order and newest first within blocks of
// 500, as a peer that fetches ancestors sees them.
func BenchmarkAdd(b *testing.B) {
	const total = 100_000
	events := make([]*event.Event, total)
	for i := range events {
		var id event.ID
		binary.BigEndian.PutUint64(id[:], uint64(i))
		e := &event.Event{ID: sha256.Sum256(id[:]), Coop: coop, Key: deviceKey(i % 100), Raw: make([]byte, 400)}
		if i >= 100 {
			e.Prev, e.Seq, e.Deps = events[i-100].ID, events[i-100].Seq+1, []event.ID{events[i-50].ID}
		}
		events[i] = e
	}
	backwards := slices.Clone(events)
	for block := range slices.Chunk(backwards, 500) {
		slices.Reverse(block)
	}
	for name, order := range map[string][]*event.Event{"InOrder": events, "Backwards": backwards} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				g := NewGraph(coop)
				for _, e := range order {
					if _, err := g.Add("a", e); err != nil {
						b.Fatal(err)
					}
				}
				if g.Len() != total {
					b.Fatalf("%d of %d", g.Len(), total)
				}
			}
			b.ReportMetric(float64(total*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

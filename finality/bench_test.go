package finality

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
)

// BenchmarkAdd is one block accepted, waves committed and pruned as they come.
func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{4, 13} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			ep := testEpoch(n, 1)
			e := NewEngine(ep, newGraph())
			var below []*Round
			var ready []*Round
			number := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				if len(ready) == 0 {
					b.StopTimer()
					number++
					below = rowOf(b, &ep, number, below, nil)
					ready = below
					b.StartTimer()
				}
				if step, err := e.Add(dawn, "x", ready[0]); err != nil || len(step.Accepted) != 1 {
					b.Fatal(err)
				}
				ready = ready[1:]
			}
		})
	}
}

func rowOf(t testing.TB, ep *Epoch, number uint64, below []*Round, inc func(steward int) []event.ID) []*Round {
	var row []*Round
	for s := range ep.N() {
		r := Round{Steward: s, Number: number, At: dawn, Vote: phaseOf(number) == vote}
		for _, p := range below {
			r.Parents = append(r.Parents, p.ID)
			if p.Steward == s {
				r.Prev, r.Last = p.ID, p.Number
			}
		}
		if inc != nil {
			r.Inc = inc(s)
		}
		row = append(row, seal(t, ep, r))
	}
	return row
}

// BenchmarkCommit is a whole wave at n = 4 whose leader lists 512 events of 16 strands, all blocks
// accepted and the segment put in order.
func BenchmarkCommit(b *testing.B) {
	ep := testEpoch(4, 1)
	g := newGraph()
	e := NewEngine(ep, g)
	var below []*Round
	number, made := uint64(1), 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		events := manyIDs(made, MaxInc)
		made += MaxInc
		for i, id := range events {
			g.links[id] = slices.Clone(events[max(0, i-16):max(0, i-15)])
		}
		slices.SortFunc(events, event.ID.Compare)
		leader := ep.Leader(waveOf(number))
		rows := rowOf(b, &ep, number, below, func(s int) []event.ID {
			if s == leader {
				return events
			}
			return nil
		})
		below = rows
		for range 2 {
			number++
			below = rowOf(b, &ep, number, below, nil)
			rows = append(rows, below...)
		}
		number++
		b.StartTimer()
		commits := 0
		for _, r := range rows {
			step, err := e.Add(dawn, "x", r)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range step.Commits {
				commits++
				if len(c.Order) != MaxInc {
					b.Fatal(len(c.Order))
				}
			}
		}
		if commits != 1 {
			b.Fatal("no commit")
		}
	}
}

// BenchmarkOpenRound is what a block costs before the engine sees it.
func BenchmarkOpenRound(b *testing.B) {
	for _, inc := range []int{0, MaxInc} {
		b.Run(fmt.Sprintf("inc=%d", inc), func(b *testing.B) {
			ep := testEpoch(4, 1)
			r := sound()
			r.Inc = manyIDs(0, inc)
			slices.SortFunc(r.Inc, event.ID.Compare)
			sealed, err := SealRound(keys[1], &ep, r)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := OpenRound(&ep, sealed.Raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBacklog is one steward of one that works off a hundred thousand events offered at once.
func BenchmarkBacklog(b *testing.B) {
	ep := testEpoch(1, 1)
	events := manyIDs(0, 100_000)
	g := newGraph()
	for _, id := range events {
		g.links[id] = nil
	}
	for b.Loop() {
		e := NewEngine(ep, g)
		s := NewSteward(e, 0, 0)
		e.Offer(events...)
		for now := dawn; e.Pending() > 0; now += 200 {
			if draft, _ := s.Step(now, false); draft != nil {
				if _, err := e.Add(now, "", seal(b, &ep, *draft)); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}

package finality

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
)

func manyIDs(from, n int) []event.ID {
	var ids []event.ID
	for i := range n {
		ids = append(ids, sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(from+i))))
	}
	return ids
}

// bodies is a toy graph whose events have a size.
type bodies struct {
	*graph
	size int
}

func (b bodies) Get(event.ID) *event.Event { return &event.Event{Raw: make([]byte, b.size)} }

func TestListingKeepsToTheCapsOldestFirst(t *testing.T) {
	d := newDesk(t, 0)
	all := manyIDs(0, 1300)
	for _, id := range all {
		d.g.add(id, nil)
	}
	d.e.Offer(all...)
	first := d.e.pool.list(1, true, nil, d.e.size)
	oldest := slices.Clone(all[:MaxInc])
	slices.SortFunc(oldest, event.ID.Compare)
	if !slices.Equal(first, oldest) {
		t.Fatal("not the oldest events")
	}

	d.e = NewEngine(d.ep, bodies{d.g, 60_000})
	d.e.Offer(all...)
	if inc := d.e.pool.list(1, true, nil, d.e.size); len(inc) != MaxIncBytes/60_000 {
		t.Fatalf("%d events of 60 kB in one block", len(inc))
	}
	d.e = NewEngine(d.ep, bodies{d.g, 2 * MaxIncBytes})
	d.e.Offer(all...)
	if inc := d.e.pool.list(1, true, nil, d.e.size); len(inc) != 1 {
		t.Fatalf("%d events larger than the cap: one may go alone", len(inc))
	}
}

func TestWhatOurChainHasIsNotListedAgain(t *testing.T) {
	events := ids(6)
	d := newDesk(t, 0)
	d.g.add(events[0], nil)
	for i := 1; i < 6; i++ {
		d.g.add(events[i], events[i-1:i])
	}
	d.e.Offer(events[:3]...)
	if r := d.step(1); !slices.Equal(r.Inc, events[:3]) {
		t.Fatalf("%d events listed", len(r.Inc))
	}
	d.e.Offer(events[3:]...)
	d.feed(d.e, d.row(1, nil, others(0), listing(events[4]))...) // and so what it builds on
	d.at += 500
	if r := d.step(2); !slices.Equal(r.Inc, events[5:]) {
		t.Fatalf("%d events listed", len(r.Inc))
	}
}

func TestFinalEventsAreForgotten(t *testing.T) {
	l := newLoom(t, 4)
	events := ids(2)
	e, _ := l.engine(events...)
	wave := l.wave(1, nil, upTo(4), listing(events...))
	l.feed(e, slices.Concat(wave...)...)
	e.Offer(events...)
	if e.Pending() != 0 || !e.Final(events[0]) || !e.Acknowledged(events[1]) {
		t.Fatal("a final event is pending")
	}
	again := l.wave(4, wave[2], upTo(4), listing(events...))
	if commits := l.feed(e, slices.Concat(again...)...); len(commits) != 1 || len(commits[0].Order) != 0 {
		t.Fatal("a final event is ordered again")
	}
}

// Under load the stewards share the listing: an event is in the blocks of few, and yet none is lost.
func TestListingIsShared(t *testing.T) {
	for _, n := range []int{4, 7, 13} {
		w := newWorld(t, plan{n: n, seed: 1, fast: 10, slow: 15})
		const events = 3000
		for i := range events {
			w.after(event.Time(i/5), func() { w.publish(w.peers[i%n]) }) // 5,000 a second
		}
		w.run(60_000)
		w.settled()
		listed := 0
		for _, r := range w.peers[0].rounds {
			listed += len(r.Inc)
		}
		if most := events * (w.ep.F() + 2); listed > most {
			t.Errorf("n = %d: %d events are listed %d times, at most %d wanted", n, events, listed, most)
		}
		t.Logf("n = %d: %.2f listings per event, %d rounds", n, float64(listed)/events, w.peers[0].e.Round())
	}
}

// Stewards who list nothing under load are made up for after a few rounds.
func TestCensoredEventsAreListedByOthers(t *testing.T) {
	p := plan{n: 7, seed: 3, fast: 10, slow: 15, liars: 2, act: censor}
	w := newWorld(t, p)
	for i := range 1000 {
		w.after(event.Time(i/5), func() { w.publish(w.peers[2+i%5]) })
	}
	w.run(20_000)
	w.settled()
}

func TestOrderWithinASegment(t *testing.T) {
	g := newGraph()
	all := manyIDs(0, 200)
	for i, id := range all {
		var links []event.ID
		for j := i - 1; j >= 0 && len(links) < i%4; j -= 3 {
			links = append(links, all[j])
		}
		g.add(id, links)
	}
	segment := settleAll(g, all[150:])
	order := arrange(RoundID{3}, segment)
	at := map[event.ID]int{}
	for i, id := range order {
		at[id] = i
		for _, l := range g.Links(id) {
			if at[l] >= i || !slices.Contains(order, l) {
				t.Fatal("an event comes before what it builds on")
			}
		}
	}
	if len(at) != len(segment) {
		t.Fatalf("%d of %d", len(at), len(segment))
	}
	if other := arrange(RoundID{4}, settleAll(g, all[150:])); slices.Equal(order, other) {
		t.Fatal("the anchor has no say")
	}
	back := slices.Clone(all[150:])
	slices.Reverse(back)
	if same := arrange(RoundID{3}, settleAll(g, back)); !slices.Equal(order, same) {
		t.Fatal("the order depends on how the segment was found")
	}
}

func settleAll(g *graph, ids []event.ID) []*item {
	p := newPool(g)
	var segment []*item
	for _, id := range ids {
		if it := p.item(id); it != nil {
			segment = p.settle(it, segment)
		}
	}
	return segment
}

// A node that is no steward, and one that is, keep as much after many waves as after few.
func TestMemoryIsBounded(t *testing.T) {
	l := newLoom(t, 4)
	e, g := l.engine()
	s := NewSteward(e, 0, 0)
	observer := NewEngine(l.ep, g)
	var below []*Round
	measure := func() int {
		return len(observer.nodes) + len(observer.pool.queue.all) + len(e.nodes) + len(e.rows) + len(e.waves) + len(e.pool.pending) + len(e.pool.queue.all) + len(e.pool.left.all) +
			len(e.room.order) + len(e.room.wants) + cap(e.pool.stack) + cap(e.stack)
	}
	var early int
	waves := 3000
	if testing.Short() {
		waves = 600
	}
	for wave := range waves {
		id := manyIDs(wave, 1)[0]
		g.add(id, nil)
		e.Offer(id)
		number := uint64(wave*3 + 1)
		rows := l.wave(number, below, []int{1, 2, 3}, func(r *Round) {
			if phaseOf(r.Number) == propose {
				r.Inc = []event.ID{id}
			}
		})
		l.feed(e, slices.Concat(rows...)...)
		l.feed(observer, slices.Concat(rows...)...)
		if draft, _ := s.Step(l.at, false); draft != nil {
			l.feed(e, seal(t, &l.ep, *draft))
		}
		below = rows[2]
		if wave == 150 {
			early = measure()
		}
	}
	if late := measure(); late > early+early/4 || e.Commits() < uint64(waves/2) {
		t.Fatalf("%d things in memory after 150 waves, %d after %d; %d commits", early, late, waves, e.Commits())
	}
	if e.Horizon() < uint64(3*waves-Window-40) || e.Get(below[0].ID) == nil {
		t.Fatal("the horizon does not rise")
	}
}

// An event that only a forgotten block listed is listed again.
func TestEventsOfForgottenBlocksAreListedAgain(t *testing.T) {
	events := ids(1)
	d := newDesk(t, 0, events...)
	d.e.window = 9
	if mine := d.step(1); !slices.Equal(mine.Inc, events) {
		t.Fatal("not listed at all")
	}
	var below []*Round
	for number := uint64(1); d.e.Horizon() < 2; number += 3 { // nobody builds on the blocks of steward 0
		wave := d.wave(number, below, []int{1, 2, 3})
		d.feed(d.e, slices.Concat(wave...)...)
		below = wave[2]
		d.at += 500
		if d.e.Horizon() < 2 {
			if r := d.step(number + 2); len(r.Inc) > 0 {
				t.Fatal("listed twice in one chain")
			}
		}
		if number > 40 {
			t.Fatal("nothing is forgotten")
		}
	}
	if r := d.step(d.e.Round()); !slices.Equal(r.Inc, events) {
		t.Fatalf("listed %d events, when the block that listed one is forgotten", len(r.Inc))
	}
}

func TestEventsLeftToOthersAreListedInTheEnd(t *testing.T) {
	d := newDesk(t, 0)
	all := manyIDs(0, 10)
	for _, id := range all {
		d.g.add(id, nil)
	}
	d.e.Offer(all...)
	theirs := func(event.ID) bool { return false }
	for round, want := range map[uint64]int{5: 0, 6: 0} {
		if inc := d.e.pool.list(round, false, theirs, d.e.size); len(inc) != want {
			t.Fatalf("round %d: %d events that are up to others", round, len(inc))
		}
	}
	if inc := d.e.pool.list(8, false, theirs, d.e.size); len(inc) != len(all) {
		t.Fatalf("%d of %d events that nobody listed", len(inc), len(all))
	}
	if inc := d.e.pool.list(9, false, theirs, d.e.size); len(inc) != len(all) {
		t.Fatal("what a draft that went nowhere listed is lost")
	}
}

package node

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

const start = event.Time(1_790_000_000_000)

func testKey(n int) identity.Key { return identity.KeyFromSeed([32]byte{'n', byte(n)}) }

// founded is the founding event of a cooperative of n stewards, whose keys are testKey(0…n-1), and of
// one more founder.
func founded(t testing.TB, n int) *event.Event {
	return foundedBy(t, n, n+1, governance.DefaultCharter())
}

func foundedBy(t testing.TB, n, founders int, charter governance.Charter) *event.Event {
	t.Helper()
	f := governance.Founding{Name: "Test", Currency: governance.Currency{Code: "EUR", Decimals: 2}, Charter: charter, Params: governance.DefaultParams()}
	f.Params.Grace = 1000
	for i := range founders {
		key := testKey(i).Public()
		f.Founders = append(f.Founders, governance.Founder{Key: key, Name: fmt.Sprint("member ", i), Classes: []string{"prosumer"}})
		if i < n {
			f.Stewards = append(f.Stewards, key)
		}
	}
	body := governance.CoopFound{Text: f}
	for i := 1; i < founders; i++ {
		body.Consents = append(body.Consents, f.Consent(testKey(i)))
	}
	d, err := event.NewDraft(event.KindFound, body)
	if err != nil {
		t.Fatal(err)
	}
	e, err := event.Seal(testKey(0), event.Slot{At: start}, d)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// town is several cores in one place: messages arrive at once, time is a number.
type town struct {
	t      testing.TB
	now    event.Time
	cores  []*Core
	stores []*crdt.Memory
	queue  []Letter
	from   []Peer
	rounds int
	frames int
	cut    map[int]bool // peers whose messages are lost, both ways
	rings  []*ring
	muffle bool // certificates are lost
	faults []error
}

func newTown(t testing.TB, stewards int) *town {
	return newTownOf(t, founded(t, stewards), stewards+1)
}

func newTownOf(t testing.TB, genesis *event.Event, peers int) *town {
	town := &town{t: t, now: start, cut: map[int]bool{}}
	for i := range peers {
		store := crdt.NewMemory()
		if err := store.Append(crdt.Batch{Events: []*event.Event{genesis}}); err != nil {
			t.Fatal(err)
		}
		keys := &ring{}
		town.rings = append(town.rings, keys)
		core, err := NewCore(Config{Genesis: genesis, Key: testKey(i), Keys: keys, Archive: store, Mark: markOf(i)})
		if err != nil {
			t.Fatal(err)
		}
		if err := core.Restore(town.now, nil); err != nil {
			t.Fatal(err)
		}
		if why := core.watching(); why != "" {
			t.Fatal(why)
		}
		town.cores, town.stores = append(town.cores, core), append(town.stores, store)
	}
	for i, core := range town.cores {
		for j := range town.cores {
			if i != j {
				core.Up(town.now, testKey(j).Public())
			}
		}
	}
	return town
}

// markOf is what the guard of a founder says: the one who signed the founding signed one event.
func markOf(i int) Mark {
	if i == 0 {
		return Mark{Events: 1}
	}
	return Mark{}
}

// settle runs until nothing happens at this time and no timer is set, at most for so long.
func (w *town) settle(until event.Time) {
	for {
		wake := event.Time(0)
		for i, core := range w.cores {
			out := core.Tick(w.now, false)
			if out.Fault != nil {
				w.faults = append(w.faults, out.Fault)
			}
			if err := w.stores[i].Append(out.Keep); err != nil {
				w.t.Fatal(err)
			}
			for _, b := range out.Keep.Rounds {
				if i == 0 {
					_ = b
					w.rounds++
				}
			}
			for _, letter := range out.Send {
				w.queue, w.from = append(w.queue, letter), append(w.from, testKey(i).Public())
			}
			for _, p := range out.Publish {
				for j := range w.cores {
					if j != i {
						w.queue, w.from = append(w.queue, Letter{testKey(j).Public(), p.Topic, p.Message}), append(w.from, testKey(i).Public())
					}
				}
			}
			if out.Wake != 0 && (wake == 0 || out.Wake < wake) {
				wake = out.Wake
			}
		}
		if len(w.queue) > 0 {
			w.deliver()
			continue
		}
		if wake == 0 || wake > until {
			return
		}
		w.now = max(w.now, wake)
	}
}

func (w *town) deliver() {
	queue, from := w.queue, w.from
	w.queue, w.from = nil, nil
	for i, letter := range queue {
		w.frames++
		for j, core := range w.cores {
			if testKey(j).Public() == letter.To && !w.cut[j] && !w.cut[indexOf(from[i])] {
				m, err := ParseMessage(&core.epoch, letter.Frame())
				if err != nil {
					w.t.Fatal(err)
				}
				if m.Bundle != nil && w.muffle {
					m.Bundle.Certificates = nil
				}
				if bad := core.Handle(w.now, from[i], m); bad > 0 {
					w.t.Fatalf("a peer said something bad: %+v", m)
				}
			}
		}
	}
}

func note(t testing.TB, title string) event.Draft {
	d, err := event.NewDraft(governance.KindProposalOpen, governance.ProposalOpen{Title: title, Track: "general"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// One isolated event becomes final everywhere, costs exactly 3n round blocks, and then nothing is
// said until the deadline that it set.
func TestIsolatedEvent(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 7, 10, 13} {
		t.Run(fmt.Sprint(n, " stewards"), func(t *testing.T) {
			w := newTown(t, n)
			w.settle(start + 10_000)
			if w.rounds != 0 {
				t.Fatalf("%d round blocks for nothing", w.rounds)
			}
			last := w.cores[n]
			e, err := last.Submit(w.now, note(t, "Hello"))
			if err != nil {
				t.Fatal(err)
			}
			w.settle(w.now + 20_000)
			if w.rounds != 3*n {
				t.Errorf("%d round blocks for one event, expected %d", w.rounds, 3*n)
			}
			for i, core := range w.cores {
				if core.Level(e.ID) != Final {
					t.Errorf("core %d: %s", i, core.Level(e.ID))
				}
				if core.View().Root() != last.View().Root() {
					t.Errorf("core %d has another root", i)
				}
			}
			frames := w.frames
			w.settle(w.now + 60_000)
			if w.frames != frames {
				t.Errorf("%d frames at rest", w.frames-frames)
			}
		})
	}
}

// A core that is made anew from its archive is the same as before.
func TestRestore(t *testing.T) {
	w := newTown(t, 4)
	for i := range 5 {
		if _, err := w.cores[i%2].Submit(w.now, note(t, fmt.Sprint("Proposal ", i))); err != nil {
			t.Fatal(err)
		}
		w.settle(w.now + 50)
	}
	w.settle(w.now + 20_000)
	for i, old := range w.cores {
		again, err := NewCore(Config{Genesis: founded(t, 4), Key: testKey(i), Archive: w.stores[i], Mark: old.signed})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Restore(w.now, nil); err != nil {
			t.Fatal(err)
		}
		if again.View().Root() != old.View().Root() || again.commits != old.commits || again.time != old.time {
			t.Errorf("core %d differs after a restart", i)
		}
		if again.observer != "" || (again.steward == nil) != (i == 4) {
			t.Errorf("core %d may not sign: %s", i, again.observer)
		}
		if out := again.Tick(w.now, false); len(out.Keep.Events)+len(out.Keep.Rounds)+len(out.Keep.Commits) != 0 {
			t.Errorf("core %d keeps again what it had", i)
		}
	}
}

// An archive that is older than the guard makes an observer.
func TestOldArchiveObserves(t *testing.T) {
	w := newTown(t, 4)
	old := w.stores[0].Clone()
	if _, err := w.cores[0].Submit(w.now, note(t, "Hello")); err != nil {
		t.Fatal(err)
	}
	w.settle(w.now + 20_000)
	again, err := NewCore(Config{Genesis: founded(t, 4), Key: testKey(0), Archive: old, Mark: w.cores[0].signed})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Restore(w.now, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Submit(w.now, note(t, "Again")); err == nil {
		t.Error("it signs")
	}
	if again.steward != nil {
		t.Error("it orders")
	}
}

// A core that was away for long catches up by pages, and then knows the same.
func TestCatchUp(t *testing.T) {
	w := newTown(t, 4)
	for i, core := range w.cores {
		if i < 4 {
			core.Down(w.now, testKey(4).Public())
		} else {
			for j := range 4 {
				core.Down(w.now, testKey(j).Public())
			}
		}
	}
	key := testKey(3)
	for i := range 60 {
		d := note(t, fmt.Sprint("Proposal ", i))
		if i > 0 {
			d = event.Draft{Kind: "test.unknown", Body: []byte{0xa0}}
		}
		e, err := event.Seal(key, w.cores[3].Slot(key.Public(), w.now), d)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.cores[3].Take(w.now, []*event.Event{e})[0]; err != nil {
			t.Fatal(err)
		}
		w.settle(w.now + 300)
	}
	away := w.cores[4]
	if away.commits != 0 || w.cores[0].commits < 50 {
		t.Fatalf("%d commits away, %d at home", away.commits, w.cores[0].commits)
	}
	for i, core := range w.cores {
		if i < 4 {
			core.Up(w.now, testKey(4).Public())
			away.Up(w.now, testKey(i).Public())
		}
	}
	w.settle(w.now + 20_000)
	if away.commits != w.cores[0].commits || away.View().Root() != w.cores[0].View().Root() {
		t.Errorf("%d commits, others have %d", away.commits, w.cores[0].commits)
	}
}

// An archive that lost its commit records, some events and some rounds, as after a repair, opens, and
// what is missing comes from the others.
func TestRestoreWithGaps(t *testing.T) {
	w := newTown(t, 4)
	for i := range 12 {
		if _, err := w.cores[i%4].Submit(w.now, note(t, fmt.Sprint("Proposal ", i))); err != nil {
			t.Fatal(err)
		}
		w.settle(w.now + 100)
	}
	w.settle(w.now + 20_000)
	for name, lost := range map[string]func(kind string, n uint64) bool{
		"no records":         func(string, uint64) bool { return false },
		"an event":           func(kind string, n uint64) bool { return kind == "event" && n == 5 },
		"a round":            func(kind string, n uint64) bool { return kind == "round" && n == 20 },
		"everything but one": func(_ string, n uint64) bool { return n > 0 },
	} {
		t.Run(name, func(t *testing.T) {
			gaps := crdt.NewMemory()
			keep := func(kind string, to func(raw []byte) crdt.Batch) func(uint64, []byte) error {
				return func(n uint64, raw []byte) error {
					if lost(kind, n) {
						return nil
					}
					return gaps.Append(to(raw))
				}
			}
			old := w.stores[4]
			if err := old.Events(0, keep("event", func(raw []byte) crdt.Batch {
				e, err := event.Open(raw)
				if err != nil {
					t.Fatal(err)
				}
				return crdt.Batch{Events: []*event.Event{e}}
			})); err != nil {
				t.Fatal(err)
			}
			if err := old.Rounds(0, keep("round", func(raw []byte) crdt.Batch {
				r, err := finality.OpenRound(&w.cores[0].epoch, raw)
				if err != nil {
					t.Fatal(err)
				}
				return crdt.Batch{Rounds: []crdt.Blob{{ID: r.ID, Raw: raw}}}
			})); err != nil {
				t.Fatal(err)
			}
			if name != "no records" {
				if err := old.Commits(0, func(_ uint64, raw []byte) error { return gaps.Append(crdt.Batch{Commits: [][]byte{raw}}) }); err != nil {
					t.Fatal(err)
				}
			}
			again, err := restored(Config{Genesis: founded(t, 4), Key: testKey(4), Archive: gaps}, Options{Clock: still(w.now)})
			if errors.Is(err, ErrReplay) {
				again, err = restored(Config{Genesis: founded(t, 4), Key: testKey(4), Archive: gaps, Mended: true}, Options{Clock: still(w.now)})
			}
			if err != nil {
				t.Fatal(err)
			}
			old4, oldStore := w.cores[4], w.stores[4]
			w.cores[4], w.stores[4] = again, gaps
			defer func() { w.cores[4], w.stores[4] = old4, oldStore }()
			for i := range 4 {
				again.Up(w.now, testKey(i).Public())
				w.cores[i].Down(w.now, testKey(4).Public())
				w.cores[i].Up(w.now, testKey(4).Public())
			}
			w.settle(w.now + 30_000)
			if again.commits != w.cores[0].commits || again.View().Root() != w.cores[0].View().Root() {
				t.Errorf("%d commits, others have %d", again.commits, w.cores[0].commits)
			}
			if gaps.Count().Events != w.stores[0].Count().Events || gaps.Count().Commits != again.commits {
				t.Errorf("it keeps %+v, others %+v", gaps.Count(), w.stores[0].Count())
			}
		})
	}
}

// still is a clock that stands.
type still event.Time

func (s still) Now() event.Time                      { return event.Time(s) }
func (s still) After(time.Duration) <-chan time.Time { return nil }

// However many neighbours there are, what nobody puts in order is compared with each of them in turn.
func TestTailsAreComparedWithAll(t *testing.T) {
	for neighbours := 1; neighbours <= 7; neighbours++ {
		w := newTown(t, 4)
		core := w.cores[4]
		for i := range 4 {
			core.Down(w.now, testKey(i).Public())
		}
		for i := range neighbours {
			core.Up(w.now, testKey(20+i).Public())
		}
		if _, err := core.Submit(w.now, note(t, "Nobody orders this")); err != nil {
			t.Fatal(err)
		}
		asked := map[Peer]bool{}
		for range 2 * neighbours {
			for _, letter := range core.Tick(w.now, false).Send {
				if letter.Tail != nil {
					asked[letter.To] = true
				}
			}
			w.now += helloEvery
		}
		if len(asked) != neighbours {
			t.Errorf("tails are compared with %d of %d neighbours", len(asked), neighbours)
		}
	}
}

// However large the events of a turn are, what is gossiped fits into frames.
func TestGossipFitsFrames(t *testing.T) {
	w := newTown(t, 4)
	var events []*event.Event
	for i := range 40 {
		d, err := event.NewDraft("test.large", map[string]string{"text": strings.Repeat("x", event.MaxCore-1000)})
		if err != nil {
			t.Fatal(err)
		}
		slot := event.Slot{Coop: w.cores[0].coop, At: w.now}
		if i > 0 {
			slot = event.After(w.cores[0].coop, events[i-1], w.now)
		}
		e, err := event.Seal(testKey(4), slot, d)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	for _, err := range w.cores[0].Take(w.now, events) {
		if err != nil {
			t.Fatal(err)
		}
	}
	gossiped := 0
	for _, p := range w.cores[0].Tick(w.now, false).Publish {
		if frame := p.Frame(); len(frame) > MaxFrame {
			t.Errorf("a frame of %d bytes", len(frame))
		}
		gossiped += len(p.Bundle.Events)
	}
	if gossiped != len(events) {
		t.Errorf("%d of %d events are gossiped", gossiped, len(events))
	}
}

package crdt

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// The graph looks at no more of an event than its fields, so these tests make events without
// signing them.

var coop = hashed("founding")

func hashed(parts ...any) event.ID { return sha256.Sum256(fmt.Append(nil, parts...)) }

func deviceKey(n int) identity.PublicKey { return identity.PublicKey{byte(n), byte(n >> 8), 1} }

func genesis() *event.Event {
	return &event.Event{ID: coop, Kind: event.KindFound, Key: deviceKey(0), Raw: make([]byte, 300)}
}

// made is an event of a device; name tells apart events that are otherwise equal.
func made(name string, device int, prev *event.Event, deps ...*event.Event) *event.Event {
	e := &event.Event{ID: hashed(name), Coop: coop, Key: deviceKey(device), Raw: make([]byte, 300)}
	if prev != nil {
		e.Prev, e.Seq = prev.ID, prev.Seq+1
	}
	for _, d := range deps {
		if d.ID != e.Prev {
			e.Deps = append(e.Deps, d.ID)
		}
	}
	slices.SortFunc(e.Deps, event.ID.Compare)
	e.Deps = slices.Compact(e.Deps)
	return e
}

func idsOf(events []*event.Event) []event.ID {
	var ids []event.ID
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	slices.SortFunc(ids, event.ID.Compare)
	return ids
}

// drawUniverse makes up to 40 events: strands that fork up to perSlot ways, links among them, broken
// chains and events of another cooperative, and leaves some out, so that others wait for ever.
func drawUniverse(t *rapid.T, perSlot int) []*event.Event {
	events := []*event.Event{genesis()}
	slots := map[slot]int{}
	for i := range rapid.IntRange(0, 40).Draw(t, "events") {
		device := rapid.IntRange(1, 4).Draw(t, "device")
		var prev *event.Event
		own := slices.DeleteFunc(slices.Clone(events), func(e *event.Event) bool { return e.Key != deviceKey(device) })
		if len(own) > 0 {
			prev = own[rapid.IntRange(max(0, len(own)-3), len(own)-1).Draw(t, "prev")]
		}
		deps := rapid.SliceOfN(rapid.SampledFrom(events), 0, 3).Draw(t, "deps")
		e := made(fmt.Sprint("event ", i), device, prev, deps...)
		switch rapid.IntRange(0, 19).Draw(t, "fault") {
		case 0:
			e.Coop = hashed("elsewhere")
		case 1:
			if prev != nil {
				e.Seq++
			}
		case 2:
			e.Prev, e.Seq = rapid.SampledFrom(events).Draw(t, "foreign").ID, 1
			e.Deps = slices.DeleteFunc(e.Deps, func(d event.ID) bool { return d == e.Prev })
		}
		at := slot{e.Key, e.Seq}
		if slots[at]++; slots[at] <= perSlot {
			events = append(events, e)
		}
	}
	return slices.DeleteFunc(events, func(*event.Event) bool { return rapid.IntRange(0, 29).Draw(t, "lost") == 0 })
}

// twin is the graph by its definition: the least set that is closed, found by trying again.
type twin struct {
	accepted map[event.ID]*event.Event
	broken   map[event.ID]bool
	waiting  map[event.ID]*event.Event
}

func twinOf(events []*event.Event) twin {
	w := twin{map[event.ID]*event.Event{}, map[event.ID]bool{}, map[event.ID]*event.Event{}}
	for changed := true; changed; {
		changed = false
		for _, e := range events {
			if e.ID != coop && e.Coop != coop || w.accepted[e.ID] != nil || w.broken[e.ID] {
				continue
			}
			closed, broken := true, false
			for _, link := range e.Links() {
				closed = closed && w.accepted[link] != nil
				broken = broken || w.broken[link]
			}
			if prev := w.accepted[e.Prev]; prev != nil {
				broken = broken || prev.Key != e.Key || prev.Seq+1 != e.Seq
			}
			if broken {
				w.broken[e.ID], changed = true, true
			} else if closed {
				w.accepted[e.ID], changed = e, true
			}
		}
	}
	for _, e := range events {
		if e.Coop == coop && w.accepted[e.ID] == nil && !w.broken[e.ID] {
			w.waiting[e.ID] = e
		}
	}
	return w
}

func (w twin) heads() []event.ID {
	linked := map[event.ID]bool{}
	for _, e := range w.accepted {
		for _, link := range e.Links() {
			linked[link] = true
		}
	}
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(w.accepted)), func(id event.ID) bool { return linked[id] })
	slices.SortFunc(ids, event.ID.Compare)
	return ids
}

func (w twin) missing() []event.ID {
	want := map[event.ID]bool{}
	for _, e := range w.waiting {
		for _, link := range e.Links() {
			if w.accepted[link] == nil && w.waiting[link] == nil {
				want[link] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(want), event.ID.Compare)
}

func (w twin) forks() []Fork {
	var forks []Fork
	for _, a := range w.accepted {
		lowest := true
		for _, b := range w.accepted {
			lowest = lowest && (Evidence(a, b) != nil || a.ID.Compare(b.ID) < 0)
		}
		for _, b := range w.accepted {
			if lowest && Evidence(a, b) == nil {
				forks = append(forks, Fork{Key: a.Key, Seq: a.Seq, A: a.ID, B: b.ID})
			}
		}
	}
	slices.SortFunc(forks, func(a, b Fork) int {
		return cmp.Or(slot{a.Key, a.Seq}.Compare(slot{b.Key, b.Seq}), a.B.Compare(b.B))
	})
	return forks
}

// TestCommutes: any order, any repetition, any senders, with and without forks beyond the bound.
func TestCommutes(t *testing.T) {
	for _, test := range []struct {
		name    string
		perSlot int
		add     func(*Graph, string, *event.Event) ([]*event.Event, error)
	}{
		{"within the bound", MaxPerSlot, (*Graph).Add},
		{"required", 5, (*Graph).AddRequired},
	} {
		t.Run(test.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				events := drawUniverse(t, test.perSlot)
				arrivals := events
				if len(events) > 0 {
					again := rapid.SliceOfN(rapid.SampledFrom(events), 0, 20).Draw(t, "again")
					arrivals = rapid.Permutation(slices.Concat(events, again)).Draw(t, "order")
				}
				g := NewGraph(coop)
				var accepted []*event.Event
				for _, e := range arrivals {
					from := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "from")
					now, err := test.add(g, from, e)
					if err != nil && len(now) > 0 {
						t.Fatalf("both accepted and refused: %v", err)
					}
					accepted = append(accepted, now...)
				}
				compare(t, g, twinOf(events), accepted)
			})
		})
	}
}

func compare(t *rapid.T, g *Graph, want twin, accepted []*event.Event) {
	done := map[event.ID]bool{}
	for _, e := range accepted {
		for _, link := range e.Links() {
			if !done[link] {
				t.Fatalf("%s came before %s on which it builds", e.ID.Short(), link.Short())
			}
		}
		if done[e.ID] {
			t.Fatalf("%s was accepted twice", e.ID.Short())
		}
		done[e.ID] = true
		if !g.Has(e.ID) || g.Get(e.ID) != e || !slices.Equal(g.Links(e.ID), e.Links()) {
			t.Fatalf("%s was accepted and is not in the graph", e.ID.Short())
		}
	}
	if got, want := idsOf(accepted), slices.SortedFunc(maps.Keys(want.accepted), event.ID.Compare); !slices.Equal(got, want) {
		t.Fatalf("accepted %d events, want %d", len(got), len(want))
	}
	if got := g.Len(); got != len(accepted) {
		t.Fatalf("Len is %d of %d accepted", got, len(accepted))
	}
	if got, want := g.Heads(), want.heads(); !slices.Equal(got, want) {
		t.Fatalf("heads %v, want %v", got, want)
	}
	if got, want := g.Forks(), want.forks(); !slices.Equal(got, want) {
		t.Fatalf("forks %v, want %v", got, want)
	}
	var last []Fork
	for _, fork := range want.forks() { // by key and number, so the last number of a key comes last
		n := len(last) - 1
		switch {
		case n < 0 || last[n].Key != fork.Key:
			last = append(last, fork)
		case last[n].Seq != fork.Seq:
			last[n] = fork
		}
	}
	if got := g.Convictions(); !slices.Equal(got, last) || g.Forked() != uint64(len(want.forks())) {
		t.Fatalf("convictions %v of %d, want %v", got, g.Forked(), last)
	}
	if got := g.Waiting(); got != len(want.waiting) {
		t.Fatalf("%d events wait, want %d", got, len(want.waiting))
	}
	missing := g.Missing(1000)
	slices.SortFunc(missing, event.ID.Compare)
	if want := want.missing(); !slices.Equal(missing, want) {
		t.Fatalf("missing %v, want %v", missing, want)
	}
}

// TestReleaseKeepsAnswers: a graph that forgets final events goes on as one that does not.
func TestReleaseKeepsAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawUniverse(t, 5)
		arrivals := rapid.Permutation(events).Draw(t, "order")
		full, lean := NewGraph(coop), NewGraph(coop)
		for _, e := range arrivals {
			a, _ := full.AddRequired("", e)
			b, _ := lean.AddRequired("", e)
			if !slices.Equal(a, b) {
				t.Fatalf("accepted %v and, after releases, %v", idsOf(a), idsOf(b))
			}
			for _, done := range b {
				if rapid.Bool().Draw(t, "final") {
					lean.Release([]event.ID{done.ID, hashed("unknown")})
					if lean.Get(done.ID) != nil || lean.Links(done.ID) != nil || !lean.Has(done.ID) {
						t.Fatal("a released event keeps its id and nothing else")
					}
				}
			}
		}
		if !slices.Equal(full.Heads(), lean.Heads()) || !slices.Equal(full.Forks(), lean.Forks()) || full.Len() != lean.Len() {
			t.Fatal("releasing changed heads, forks or size")
		}
		for device := range 6 {
			id, seq, ok := full.Tip(deviceKey(device))
			id2, seq2, ok2 := lean.Tip(deviceKey(device))
			if id != id2 || seq != seq2 || ok != ok2 {
				t.Fatal("releasing changed a tip")
			}
		}
	})
}

func mustAccept(t *testing.T, g *Graph, events ...*event.Event) {
	t.Helper()
	for _, e := range events {
		if got, err := g.Add("", e); err != nil || len(got) != 1 {
			t.Fatalf("accepted %d, error %v", len(got), err)
		}
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestRefusals(t *testing.T) {
	g := NewGraph(coop)
	founding := genesis()
	other := genesis()
	other.ID = hashed("another founding")
	_, err := g.Add("a", other)
	wantErr(t, err, ErrOtherCoop)
	foreign := made("foreign", 1, nil)
	foreign.Coop = other.ID
	_, err = g.Add("a", foreign)
	wantErr(t, err, ErrOtherCoop)

	mustAccept(t, g, founding)
	stolen := made("stolen", 1, founding) // another device goes on in the founder's chain
	child := made("child of stolen", 2, nil, stolen)
	if _, err := g.Add("a", child); err != nil || g.Waiting() != 1 {
		t.Fatalf("the child should wait: %v", err)
	}
	_, err = g.Add("a", stolen)
	wantErr(t, err, ErrBrokenChain)
	if g.Waiting() != 0 || len(g.Missing(10)) != 0 {
		t.Fatal("what builds on a broken event waits for ever")
	}
	_, err = g.Add("b", child)
	wantErr(t, err, ErrBrokenChain)
	_, err = g.Add("b", made("grandchild", 3, nil, child))
	wantErr(t, err, ErrBrokenChain)

	skipped := made("skipped", 0, founding)
	skipped.Seq = 2
	_, err = g.Add("a", skipped)
	wantErr(t, err, ErrBrokenChain)
}

func TestThirdOfSlotNeedsSteward(t *testing.T) {
	g := NewGraph(coop)
	a, b, c := made("a", 1, nil), made("b", 1, nil), made("c", 1, nil)
	mustAccept(t, g, genesis(), a, b)
	if id, seq, ok := g.Tip(a.Key); id != a.ID || seq != 0 || !ok {
		t.Fatal("the tip is the end of the branch that came first")
	}
	child := made("child of c", 2, nil, c)
	grandchild := made("grandchild of c", 3, nil, child)
	for _, e := range []*event.Event{grandchild, child} {
		if _, err := g.Add("a", e); err != nil {
			t.Fatal(err)
		}
	}
	_, err := g.Add("a", c)
	wantErr(t, err, ErrForked)
	if g.Waiting() != 0 {
		t.Fatal("what builds on a refused event waits for ever")
	}
	_, err = g.Add("a", child)
	wantErr(t, err, ErrForked)

	// A steward's block contains the grandchild, hence all it builds on.
	if got, err := g.AddRequired("a", grandchild); err != nil || len(got) != 0 {
		t.Fatalf("accepted %d, error %v", len(got), err)
	}
	if got := g.Missing(10); !slices.Equal(got, []event.ID{child.ID}) {
		t.Fatalf("missing %v, want the child", got)
	}
	if _, err := g.Add("b", child); err != nil { // plain gossip brings it
		t.Fatal(err)
	}
	got, err := g.Add("b", c)
	if err != nil || !slices.Equal(got, []*event.Event{c, child, grandchild}) {
		t.Fatalf("accepted %v, error %v", idsOf(got), err)
	}
	mustAccept(t, g, made("late child of c", 4, nil, c)) // the refusal is over
	ids := idsOf([]*event.Event{a, b, c})
	want := []Fork{{a.Key, 0, ids[0], ids[1]}, {a.Key, 0, ids[0], ids[2]}}
	if got := g.Forks(); !slices.Equal(got, want) {
		t.Fatalf("forks %v, want %v", got, want)
	}
}

// TestRefusalsAreBounded: the oldest are forgotten, and what builds on them waits again.
func TestRefusalsAreBounded(t *testing.T) {
	g := NewGraph(coop)
	mustAccept(t, g, genesis())
	var refused []*event.Event
	for i := range MaxRefused + 10 {
		e := made(fmt.Sprint("stolen ", i), 1, genesis())
		_, err := g.Add("a", e)
		wantErr(t, err, ErrBrokenChain)
		refused = append(refused, e)
	}
	if len(g.refused.why) != MaxRefused || len(g.refused.order) != MaxRefused {
		t.Fatalf("%d refusals are remembered", len(g.refused.why))
	}
	_, err := g.Add("a", made("child of the last", 2, nil, refused[len(refused)-1]))
	wantErr(t, err, ErrBrokenChain)
	if _, err := g.Add("a", made("child of the first", 2, nil, refused[0])); err != nil || g.Waiting() != 1 {
		t.Fatal(err)
	}
}

// TestRequirementReachesWaiting: an event that waits already becomes required with what it blocks.
func TestRequirementReachesWaiting(t *testing.T) {
	g := NewGraph(coop)
	a, b, c := made("a", 1, nil), made("b", 1, nil), made("c", 1, nil)
	late := made("late", 5, nil)
	c.Deps = []event.ID{late.ID}
	child := made("child of c", 2, nil, c)
	if _, err := g.Add("x", c); err != nil {
		t.Fatal(err)
	}
	mustAccept(t, g, genesis(), a, b)
	if _, err := g.AddRequired("x", child); err != nil {
		t.Fatal(err)
	}
	if got, err := g.Add("x", late); err != nil || len(got) != 3 {
		t.Fatalf("accepted %d of 3, error %v", len(got), err)
	}
}

func TestEvidence(t *testing.T) {
	a, b := made("a", 1, nil), made("b", 1, nil)
	if err := Evidence(a, b); err != nil {
		t.Fatal(err)
	}
	founding, second := genesis(), genesis()
	second.ID = hashed("second founding")
	ofFounder := made("of founder", 0, nil)
	if err := Evidence(founding, ofFounder); err != nil {
		t.Fatal("a founder's second first event is a fork")
	}
	elsewhere := made("elsewhere", 1, nil)
	elsewhere.Coop = second.ID
	for name, pair := range map[string][2]*event.Event{
		"the same event":       {a, a},
		"another device":       {a, made("c", 2, nil)},
		"another number":       {a, made("d", 1, a)},
		"another cooperative":  {a, elsewhere},
		"two founding events":  {founding, second},
		"founding and foreign": {second, ofFounder},
	} {
		if err := Evidence(pair[0], pair[1]); !errors.Is(err, ErrNoFork) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReleasedMemory: what a final event costs is bounded: 15 MB for 100,000 of them.
func TestReleasedMemory(t *testing.T) {
	const events, devices = 100_000, 200
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	g := NewGraph(coop)
	mustAccept(t, g, genesis())
	tips := make([]*event.Event, devices)
	var ids []event.ID
	for i := range events {
		var id event.ID
		binary.BigEndian.PutUint64(id[:], uint64(i))
		id = sha256.Sum256(id[:])
		e := &event.Event{ID: id, Coop: coop, Key: deviceKey(1 + i%devices), Raw: make([]byte, 400)}
		if prev := tips[i%devices]; prev != nil {
			e.Prev, e.Seq = prev.ID, prev.Seq+1
		}
		tips[i%devices] = e
		mustAccept(t, g, e)
		ids = append(ids, id)
	}
	g.Release(ids) // all at once: the room of their bodies must come back too
	tips, ids = nil, nil
	used := heap() - before
	t.Logf("%d released events of %d devices: %.1f MB, %d bytes each", events, devices, float64(used)/1e6, used/events)
	if used > 15_000_000 {
		t.Errorf("%d bytes", used)
	}
	if g.Len() != events+1 || len(g.Heads()) != devices+1 {
		t.Error("events or heads were lost")
	}
	runtime.KeepAlive(tips)
	runtime.KeepAlive(ids)
	runtime.KeepAlive(g)
}

package crdt

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
)

// chain is a strand of one device, oldest first.
func chain(name string, device, length int) []*event.Event {
	var events []*event.Event
	var prev *event.Event
	for i := range length {
		prev = made(fmt.Sprint(name, i), device, prev)
		events = append(events, prev)
	}
	return events
}

func add(t *testing.T, g *Graph, from string, e *event.Event) {
	t.Helper()
	if _, err := g.Add(from, e); err != nil {
		t.Fatal(err)
	}
}

// TestMissingIsFair: a peer that names events and withholds them keeps nobody from being asked, not
// even when a single question is asked at a time. An order that always begins at the same end would
// ask the liar for ever.
func TestMissingIsFair(t *testing.T) {
	for _, liar := range []string{"a", "z"} {
		g := NewGraph(coop)
		for i := range 200 {
			child := made(fmt.Sprint("lie ", i), 100+i, nil, made(fmt.Sprint("withheld ", i), 300, nil))
			add(t, g, liar, child)
		}
		honest := chain("honest ", 1, 50)
		add(t, g, "m", honest[49])
		asked := 0
		for ; !g.Has(honest[49].ID); asked++ {
			if asked > 150 {
				t.Fatalf("liar %q: %d of 50 events after %d questions", liar, g.Waiting()-200, asked)
			}
			for _, want := range g.MissingFrom(1) {
				if i := slices.IndexFunc(honest, func(e *event.Event) bool { return e.ID == want.ID }); i >= 0 {
					if want.From != "m" {
						t.Fatalf("asked %q for what only m knows", want.From)
					}
					add(t, g, want.From, honest[i])
				}
			}
		}
	}
}

// TestMissingIsFairWithinOnePeer: one event with a withheld and an obtainable link gets the latter.
func TestMissingIsFairWithinOnePeer(t *testing.T) {
	var parents []*event.Event
	for i := range 4 {
		parents = append(parents, made(fmt.Sprint("parent ", i), 10+i, nil))
	}
	for obtainable := range parents {
		g := NewGraph(coop)
		add(t, g, "a", made("child", 1, nil, parents...))
		for asked := 0; !g.Has(parents[obtainable].ID); asked++ {
			if asked >= len(parents) {
				t.Fatal("a withheld link is asked for again before the other links were")
			}
			if got := g.Missing(1); got[0] == parents[obtainable].ID {
				add(t, g, "a", parents[obtainable])
			}
		}
	}
}

// TestPoolsAreBounded: a full pool gives up what waited longest and touches no other pool; what two
// peers sent stays as long as one of them holds it.
func TestPoolsAreBounded(t *testing.T) {
	g := NewGraph(coop)
	shared := made("shared", 1, nil, made("its parent", 2, nil))
	add(t, g, "flood", shared)
	add(t, g, "honest", shared)
	own := made("own", 3, nil, made("its other parent", 4, nil))
	add(t, g, "flood", own)
	for i := range 3 * MaxWaiting {
		add(t, g, "flood", made(fmt.Sprint("flood ", i), 10+i, nil, made(fmt.Sprint("withheld ", i), 9, nil)))
	}
	if got := g.Waiting(); got > MaxWaiting+1 || got < MaxWaiting/2 {
		t.Fatalf("%d events wait", got)
	}
	if g.room.events[shared.ID] == nil {
		t.Fatal("a flood pushed out what an honest peer sent")
	}
	if g.room.events[own.ID] != nil {
		t.Fatal("what waited longest in the flooded pool is still there")
	}
	if p, _ := g.room.pools.Get("flood"); p.bytes > MaxWaitingBytes || p.held.Len() > MaxWaiting {
		t.Fatalf("%d events, %d bytes in a pool", p.held.Len(), p.bytes)
	}
	g.Forget("flood")
	if g.Waiting() != 1 || len(g.Missing(10)) != 1 || g.room.pools.Len() != 1 {
		t.Fatalf("%d events wait, %d are missing after the flood left", g.Waiting(), len(g.Missing(10)))
	}
	g.Forget("honest")
	if len(g.room.events)+len(g.room.wants)+g.room.pools.Len() != 0 {
		t.Fatal("the room is not empty when all have left")
	}
}

func TestTooManyPeers(t *testing.T) {
	g := NewGraph(coop)
	e := made("child", 1, nil, made("parent", 2, nil))
	for i := range MaxPeers {
		add(t, g, fmt.Sprint(i), e)
	}
	if got := len(g.room.events[e.ID].holders); got != MaxSenders {
		t.Fatalf("%d senders are remembered", got)
	}
	for i := range MaxPeers {
		add(t, g, fmt.Sprint(i), made(fmt.Sprint("child ", i), 10+i, nil, made("parent", 2, nil)))
	}
	_, err := g.Add("one more", made("late child", 3, nil, made("parent", 2, nil)))
	wantErr(t, err, ErrCrowded)
	add(t, g, "", made("parent", 2, nil))
	if len(g.room.events)+len(g.room.wants)+g.room.pools.Len() != 0 || g.Len() != MaxPeers+2 {
		t.Fatalf("%d accepted, %d waiting, %d pools", g.Len(), g.Waiting(), g.room.pools.Len())
	}
}

// TestWaitingMemory: MaxWaitingBytes bounds memory, also when events have as many links as they can.
func TestWaitingMemory(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for _, links := range []int{0, event.MaxDeps} {
		before := heap()
		g := NewGraph(coop)
		for i := range 2 * MaxWaiting {
			e := &event.Event{ID: hashed(i), Coop: coop, Key: deviceKey(1), Seq: 1, Prev: hashed("prev", i), Raw: make([]byte, 200+41*links)}
			for j := range links {
				e.Deps = append(e.Deps, hashed("dep", i, j))
			}
			add(t, g, "a", e)
		}
		p, _ := g.room.pools.Get("a")
		used := heap() - before
		t.Logf("%d events with %d links wait: charged %d, used %d bytes", p.held.Len(), links+1, p.bytes, used)
		if used > MaxWaitingBytes*5/4 {
			t.Errorf("%d bytes for a pool of %d", used, MaxWaitingBytes)
		}
		runtime.KeepAlive(g)
	}
}

// TestRequiringIsLinear: a lattice of waiting events has 2^60 ways down and is required in as many steps as
// it has events.
func TestRequiringIsLinear(t *testing.T) {
	g := NewGraph(coop)
	below := []*event.Event{made("withheld a", 1, nil), made("withheld b", 2, nil)}
	for level := range 60 {
		row := []*event.Event{made(fmt.Sprint("a", level), 3+level, nil, below...), made(fmt.Sprint("b", level), 3+level, nil, below...)}
		for _, e := range row {
			add(t, g, "a", e)
		}
		below = row
	}
	if _, err := g.AddRequired("a", made("top", 100, nil, below...)); err != nil {
		t.Fatal(err)
	}
	for _, w := range g.room.events {
		if !w.required {
			t.Fatalf("%s is not required", w.event.ID.Short())
		}
	}
}

// TestTinyPoolsConverge: however small the pools, asking for what is missing, now and then
// hearing of the heads again, ends with everything.
func TestTinyPoolsConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := twinOf(drawUniverse(t, MaxPerSlot))
		g := NewGraph(coop)
		g.room.maxWaiting = rapid.IntRange(1, 4).Draw(t, "pool")
		peers := []string{"a", "b", "c"}
		for rounds := 0; g.Len() < len(want.accepted); rounds++ {
			if rounds > 10*len(want.accepted)+10 {
				t.Fatalf("%d of %d events after %d rounds", g.Len(), len(want.accepted), rounds)
			}
			for _, id := range want.heads() {
				if _, err := g.Add(rapid.SampledFrom(peers).Draw(t, "from"), want.accepted[id]); err != nil {
					t.Fatal(err)
				}
			}
			for range len(want.accepted) {
				for _, w := range g.MissingFrom(rapid.IntRange(1, 3).Draw(t, "questions")) {
					if _, err := g.Add(w.From, want.accepted[w.ID]); err != nil {
						t.Fatal(err)
					}
				}
				checkRoom(t, g)
			}
		}
	})
}

// checkRoom holds the books of the waiting room against one another.
func checkRoom(t *rapid.T, g *Graph) {
	r := &g.room
	for id, w := range r.wants {
		if len(w.children) == 0 || g.Has(id) {
			t.Fatal("a want without need")
		}
	}
	held := 0
	for _, p := range table.All(&r.pools) {
		bytes, interests := 0, map[*want]int{}
		for _, entry := range table.All(&p.held) {
			bytes += cost(entry.event)
			for _, w := range entry.missing {
				interests[w]++
			}
			if r.events[entry.event.ID] != entry || !slices.Contains(entry.holders, p) {
				t.Fatal("a pool holds what is not in the room")
			}
		}
		for _, i := range table.All(&p.wants) {
			if interests[i.want] != i.count || r.wants[i.want.id] != i.want {
				t.Fatal("a pool's wants are not those of its events")
			}
		}
		if bytes != p.bytes || len(interests) != p.wants.Len() || p.held.Len() == 0 || p.held.Len() > r.maxWaiting {
			t.Fatalf("a pool of %d events says %d bytes, has %d", p.held.Len(), p.bytes, bytes)
		}
		held += p.held.Len()
	}
	for _, entry := range r.events {
		held -= len(entry.holders)
		if len(entry.missing) == 0 || len(entry.holders) == 0 {
			t.Fatal("an event waits for nothing or for nobody")
		}
	}
	if held != 0 {
		t.Fatal("pools and events disagree on who holds what")
	}
}

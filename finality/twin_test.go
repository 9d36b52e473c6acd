package finality

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
)

// twin is the commit rule written down as it is defined: it searches the whole graph of blocks for
// every question and remembers nothing.
type twin struct {
	ep     *Epoch
	blocks []*Round
	byID   map[RoundID]*Round
	links  map[event.ID][]event.ID
}

func (w *twin) parents(b *Round) []*Round {
	var parents []*Round
	for _, id := range b.Parents {
		parents = append(parents, w.byID[id])
	}
	return parents
}

// closure is everything reachable from b, b included.
func (w *twin) closure(b *Round) map[*Round]bool {
	all := map[*Round]bool{}
	for stack := []*Round{b}; len(stack) > 0; {
		b := pop(&stack)
		if b == nil || all[b] {
			continue
		}
		all[b] = true
		stack = append(append(stack, w.parents(b)...), w.byID[b.Prev])
	}
	return all
}

func (w *twin) vote(v *Round) *Round {
	if v.Number%3 != 2 || !v.Vote {
		return nil
	}
	for _, p := range w.parents(v) {
		if p.Steward == w.ep.Leader((v.Number-1)/3) {
			return p
		}
	}
	return nil
}

func (w *twin) cert(c *Round) *Round {
	if c.Number%3 != 0 {
		return nil
	}
	votes := map[*Round]int{}
	for _, p := range w.parents(c) {
		if b := w.vote(p); b != nil {
			votes[b]++
			if votes[b] == w.ep.Q() {
				return b
			}
		}
	}
	return nil
}

// anchors is the chain of the highest wave that is committed directly.
func (w *twin) anchors() []*Round {
	var highest *Round
	deciders := map[*Round]map[int]bool{}
	for _, c := range w.blocks {
		if b := w.cert(c); b != nil {
			if deciders[b] == nil {
				deciders[b] = map[int]bool{}
			}
			deciders[b][c.Steward] = true
			if len(deciders[b]) >= w.ep.Q() && (highest == nil || b.Number > highest.Number) {
				highest = b
			}
		}
	}
	var chain []*Round
	for cur := highest; cur != nil; {
		chain = append(chain, cur)
		var next *Round
		for c := range w.closure(cur) {
			if b := w.cert(c); c != cur && b != nil && (next == nil || b.Number > next.Number) {
				next = b
			}
		}
		cur = next
	}
	slices.Reverse(chain)
	return chain
}

func (w *twin) orders() [][]event.ID {
	var orders [][]event.ID
	done := map[event.ID]bool{}
	for _, anchor := range w.anchors() {
		segment := map[event.ID]bool{}
		for b := range w.closure(anchor) {
			for stack := slices.Clone(b.Inc); len(stack) > 0; {
				id := pop(&stack)
				if !done[id] && !segment[id] {
					segment[id] = true
					stack = append(stack, w.links[id]...)
				}
			}
		}
		var order []event.ID
		for len(segment) > 0 {
			var next event.ID
			var lowest string
			for id := range segment {
				if slices.ContainsFunc(w.links[id], func(l event.ID) bool { return segment[l] }) {
					continue
				}
				if key := sha256.Sum256(append(anchor.ID[:], id[:]...)); lowest == "" || string(key[:]) < lowest {
					next, lowest = id, string(key[:])
				}
			}
			delete(segment, next)
			done[next] = true
			order = append(order, next)
		}
		orders = append(orders, order)
	}
	return orders
}

// weave draws a graph of blocks with forks of at most f stewards, and events with links.
func weave(t testing.TB, ep *Epoch, rng *rand.Rand, rounds uint64) ([]*Round, *graph) {
	g := newGraph()
	for i := range 30 {
		var links []event.ID
		for range rng.IntN(3) {
			if i > 0 {
				links = append(links, g.order[rng.IntN(i)])
			}
		}
		g.add(sha256.Sum256([]byte{byte(i), byte(rng.Uint32())}), links)
	}
	liars := rng.IntN(ep.F() + 1)
	lead := rng.IntN(3) > 0 // whether most blocks vote
	last := map[int]*Round{}
	var all, below []*Round
	for number := uint64(1); number <= rounds; number++ {
		var row []*Round
		absent := 0
		for s := range ep.N() {
			times := 1
			if s < liars {
				times = 1 + rng.IntN(2)
			} else if number > 1 && absent < ep.N()-ep.Q() && rng.IntN(6) == 0 {
				times, absent = 0, absent+1
			}
			for i := range times {
				r := Round{Steward: s, Number: number, At: dawn + event.Time(rng.IntN(1000)), Vote: phaseOf(number) == vote && (lead && rng.IntN(8) > 0 || rng.IntN(2) == 0)}
				if rng.IntN(3) == 0 {
					r.Inc = []event.ID{g.order[rng.IntN(len(g.order))]}
				}
				r.Parents, r.Prev, r.Last = choose(ep, rng, s, below, last[s], lead)
				b := seal(t, ep, r)
				row = append(row, b)
				if i == times-1 {
					last[s] = b
				}
			}
		}
		all = append(all, row...)
		below = row
	}
	return all, g
}

// choose draws at least a quorum of parents of different stewards, a steward's own last block among
// them.
func choose(ep *Epoch, rng *rand.Rand, self int, below []*Round, own *Round, most bool) (parents []RoundID, prev RoundID, last uint64) {
	if len(below) == 0 {
		return nil, RoundID{}, 0
	}
	spare := -ep.Q()
	for s := range ep.N() {
		if slices.ContainsFunc(below, func(b *Round) bool { return b.Steward == s }) {
			spare++
		}
	}
	for s := range ep.N() {
		var forks []*Round
		for _, b := range below {
			if b.Steward == s {
				forks = append(forks, b)
			}
		}
		if len(forks) == 0 {
			continue
		}
		p := forks[rng.IntN(len(forks))]
		if s == self && own.Number == p.Number {
			p = own
		} else if spare > 0 && (rng.IntN(2) == 0 || most && rng.IntN(5) == 0) {
			spare--
			continue
		}
		parents = append(parents, p.ID)
	}
	return parents, own.ID, own.Number
}

func TestEngineAgreesWithItsTwin(t *testing.T) {
	commits, indirect := 0, 0
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 3))
		ep := testEpoch([]int{1, 2, 3, 4, 4, 4, 7, 10}[rng.IntN(8)], seed)
		blocks, g := weave(t, &ep, rng, 9+rng.Uint64N(9))
		rng.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
		e := NewEngine(ep, g)
		naive := &twin{ep: &ep, byID: map[RoundID]*Round{}, links: g.links}
		var got [][]event.ID
		for i, b := range blocks {
			step, err := e.Add(dawn, "test", b)
			if err != nil || step.Halt != nil {
				t.Fatalf("seed %d: %v, %v", seed, err, step.Halt)
			}
			for _, r := range step.Accepted {
				naive.blocks = append(naive.blocks, r)
				naive.byID[r.ID] = r
			}
			for _, c := range step.Commits {
				got = append(got, c.Order)
			}
			commits += len(step.Commits)
			indirect += max(0, len(step.Commits)-1)
			if len(step.Commits) > 0 || i%4 == 0 || i == len(blocks)-1 {
				if want := naive.orders(); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("seed %d: order\n%v\nwant\n%v", seed, got, want)
				}
			}
		}
		if e.Waiting() > 0 || len(naive.blocks) != len(blocks) {
			t.Fatalf("seed %d: %d blocks still wait", seed, e.Waiting())
		}
	}
	if commits < 200 || indirect < 20 {
		t.Fatalf("the graphs are too tame: %d commits, %d of them indirect", commits, indirect)
	}
}

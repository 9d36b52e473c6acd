package finality

import (
	"bytes"
	"container/heap"
	"crypto/sha256"
	"slices"

	"github.com/sustainy/coop/event"
)

// busy is the number of events that are not final above which stewards share out the listing of
// events instead of each listing all.
const busy = 64

// patience is how many rounds a steward leaves to those whose turn it is to list an event, besides
// the rounds that they may need to come to it.
const patience = 2

// item is an event that is not final yet.
type item struct {
	id     event.ID
	seen   set     // stewards that have it in the closure of a block
	links  []*item // what it builds on, as far as that was not final when asked
	linked bool    // links is filled in
	final  bool
	listed uint64 // the round of our last draft that lists it
	place  int    // within the segment that is being put in order
}

// turn is an event left to others until a round.
type turn struct {
	it    *item
	until uint64
}

// pool holds the events that are not final, with who has seen them, and the ids of those that are.
type pool struct {
	events  Events
	pending map[event.ID]*item // only looked up and counted
	final   map[event.ID]struct{}
	self    set // the steward this node is, if any
	fresh   int // pending events that self has not seen
	queue   queue[*item]
	left    queue[turn]
	stack   []*item
}

func newPool(events Events) *pool {
	return &pool{events: events, pending: map[event.ID]*item{}, final: map[event.ID]struct{}{}}
}

// item is the pending event of this id, known from now on; nil if it is final.
func (p *pool) item(id event.ID) *item {
	if it := p.pending[id]; it != nil {
		return it
	}
	if _, final := p.final[id]; final {
		return nil
	}
	it := &item{id: id}
	p.pending[id] = it
	p.fresh++
	p.queue.push(it)
	return it
}

func (p *pool) links(it *item) []*item {
	if !it.linked {
		it.linked = true
		for _, id := range p.events.Links(it.id) {
			if l := p.item(id); l != nil {
				it.links = append(it.links, l)
			}
		}
	}
	return it.links
}

// cover notes that steward has it and all it builds on in a closure. Every event is passed once for
// each steward.
func (p *pool) cover(it *item, steward set) {
	p.stack = append(p.stack[:0], it)
	for len(p.stack) > 0 {
		it := pop(&p.stack)
		if it.final || it.seen&steward != 0 {
			continue
		}
		it.seen |= steward
		if steward == p.self {
			p.fresh--
		}
		p.stack = append(p.stack, p.links(it)...)
	}
}

// uncover forgets who has seen an event, because a block that listed it was forgotten before any
// anchor had it: somebody must list it again.
func (p *pool) uncover(it *item) {
	if it.final {
		return
	}
	if p.self != 0 && it.seen&p.self != 0 {
		p.fresh++
	}
	it.seen = 0
	p.queue.push(it)
}

// follow makes steward the one whose chain counts as ours; nothing was listed before.
func (p *pool) follow(steward set) {
	p.self, p.fresh = steward, len(p.pending)
	met := make(map[*item]bool, p.queue.len())
	p.queue.keep(func(it *item) bool {
		again := it.final || met[it]
		met[it] = true
		if !again && it.seen&steward != 0 {
			p.fresh--
		}
		return !again
	})
}

// settle makes it and all it builds on final and appends what was not final before to segment. Links
// between events of one segment stay known until close.
func (p *pool) settle(it *item, segment []*item) []*item {
	p.stack = append(p.stack[:0], it)
	for len(p.stack) > 0 {
		it := pop(&p.stack)
		if it.final {
			continue
		}
		it.final = true
		segment = append(segment, it)
		p.stack = append(p.stack, p.links(it)...)
	}
	return segment
}

// close ends a segment that is in order: of its events only the ids are kept.
func (p *pool) close(segment []*item) {
	for _, it := range segment {
		if p.self == 0 || it.seen&p.self == 0 {
			p.fresh--
		}
		delete(p.pending, it.id)
		p.final[it.id] = struct{}{}
		it.links = nil // or the newest event would keep all before it in memory
	}
}

// list takes events for a block of ours in round: oldest first, none that our chain has, and within
// the caps. Unless all is set, events whose listing is up to others are left to them for a while.
// What is listed stays in the queue until it is seen in our chain, so nothing is lost with a draft.
func (p *pool) list(round uint64, all bool, mine func(event.ID) bool, size func(event.ID) int) []event.ID {
	var inc []event.ID
	room := MaxIncBytes
	take := func(it *item) bool {
		if it.listed == round { // it was in a queue twice
			return true
		}
		need := size(it.id)
		if len(inc) == MaxInc || need > room && len(inc) > 0 {
			return false
		}
		inc, room, it.listed = append(inc, it.id), room-need, round
		p.queue.push(it)
		return true
	}
	fresh := p.queue.len()
	backlog := uint64(fresh / MaxInc)
	for p.left.len() > 0 && (all || p.left.first().until <= round) {
		if it := p.left.first().it; p.missing(it) && !take(it) {
			break
		}
		p.left.pop()
	}
	for ; fresh > 0; fresh-- {
		it := p.queue.first()
		if p.missing(it) {
			if !all && it.listed == 0 && !mine(it.id) {
				p.left.push(turn{it, round + patience + backlog})
			} else if !take(it) {
				break
			}
		}
		p.queue.pop()
	}
	slices.SortFunc(inc, event.ID.Compare)
	return inc
}

func (p *pool) missing(it *item) bool { return !it.final && it.seen&p.self == 0 }

// trim drops what is final from the queues once most of it is, which a steward's list does as it
// goes; a node that is no steward lists nothing.
func (p *pool) trim() {
	if p.queue.len()+p.left.len() > 2*len(p.pending)+busy {
		p.queue.keep(func(it *item) bool { return !it.final })
		p.left.keep(func(t turn) bool { return !t.it.final })
	}
}

// ranked is an event of a segment with what decides between events that could both come next.
type ranked struct {
	key [32]byte
	it  *item
}

type byRank []*ranked

func (h byRank) Len() int           { return len(h) }
func (h byRank) Less(i, j int) bool { return bytes.Compare(h[i].key[:], h[j].key[:]) < 0 }
func (h byRank) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byRank) Push(x any)        { *h = append(*h, x.(*ranked)) }
func (h *byRank) Pop() any          { return pop((*[]*ranked)(h)) }

// arrange puts a segment in order: what an event builds on comes before it (Kahn), and of the events
// that could come next the one with the lowest hash of anchor and event does. The authors did not
// know the anchor, so they could not choose their place.
func arrange(anchor RoundID, segment []*item) []event.ID {
	waits, next := make([]int, len(segment)), make([][]*item, len(segment))
	for i, it := range segment {
		it.place = i
	}
	inside := func(it *item) bool { return it.place < len(segment) && segment[it.place] == it }
	for i, it := range segment {
		for _, l := range it.links {
			if inside(l) {
				waits[i]++
				next[l.place] = append(next[l.place], it)
			}
		}
	}
	var ready byRank
	ranks := make([]ranked, len(segment))
	free := func(it *item) {
		var tie [64]byte
		copy(tie[copy(tie[:], anchor[:]):], it.id[:])
		ranks[it.place] = ranked{sha256.Sum256(tie[:]), it}
		heap.Push(&ready, &ranks[it.place])
	}
	for i, it := range segment {
		if waits[i] == 0 {
			free(it)
		}
	}
	order := make([]event.ID, 0, len(segment))
	for len(ready) > 0 {
		it := heap.Pop(&ready).(*ranked).it
		order = append(order, it.id)
		for _, n := range next[it.place] {
			if waits[n.place]--; waits[n.place] == 0 {
				free(n)
			}
		}
	}
	return order
}

// queue is first in, first out.
type queue[T any] struct {
	all  []T
	head int
}

func (q *queue[T]) len() int { return len(q.all) - q.head }
func (q *queue[T]) push(x T) { q.all = append(q.all, x) }
func (q *queue[T]) first() T { return q.all[q.head] }

func (q *queue[T]) pop() {
	var none T
	q.all[q.head] = none
	q.head++
	if q.head > len(q.all)/2 {
		n := copy(q.all, q.all[q.head:])
		clear(q.all[n:])
		q.all, q.head = q.all[:n], 0
	}
}

func (q *queue[T]) keep(want func(T) bool) {
	q.all = slices.DeleteFunc(q.all[q.head:], func(x T) bool { return !want(x) })
	q.head = 0
}

// pop takes the last of a stack.
func pop[T any](stack *[]T) T {
	s := *stack
	last := s[len(s)-1]
	*stack = s[:len(s)-1]
	return last
}

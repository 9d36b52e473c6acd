package crdt

import (
	"iter"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
)

// Want is an event that others build on and that has not come yet.
type Want struct {
	ID   event.ID
	From string // a peer that sent an event building on it, so it should have it; "" is the own node
}

// room is where events wait whose links are missing. Every sender of a waiting event holds it in a
// pool of its own, so that one peer can fill only its own pool: an event leaves the room when it is
// complete or when no pool holds it any more.
type room struct {
	events  map[event.ID]*waiting
	wants   map[event.ID]*want
	pools   table.Table[table.Text, *pool]
	counter table.Number // numbers waiting events and wants in order of arrival
	turn    table.Text   // the peer that was asked last

	maxWaiting, maxBytes, maxPeers int
}

type waiting struct {
	event    *event.Event
	number   table.Number
	missing  []*want // links that are not accepted
	holders  []*pool
	required bool
}

// want is a link that is missing, whether or not the event itself waits already.
type want struct {
	id       event.ID
	number   table.Number
	children []*waiting // in order of arrival
}

// pool is what one peer has waiting.
type pool struct {
	from   string
	held   table.Table[table.Number, *waiting]
	bytes  int
	wants  table.Table[table.Number, interest]
	cursor table.Number // the want that was asked for last
}

// interest is how many events of a pool a want keeps waiting.
type interest struct {
	want  *want
	count int
}

func newRoom() room {
	return room{events: map[event.ID]*waiting{}, wants: map[event.ID]*want{},
		maxWaiting: MaxWaiting, maxBytes: MaxWaitingBytes, maxPeers: MaxPeers}
}

// requires tells whether a required event waits for this one.
func (r *room) requires(id event.ID) bool {
	if w := r.wants[id]; w != nil {
		return slices.ContainsFunc(w.children, func(child *waiting) bool { return child.required })
	}
	return false
}

// wait lets an event wait for its missing links in the pool of its sender.
func (r *room) wait(from string, e *event.Event, missing []event.ID, required bool) error {
	p, ok := r.pools.Get(table.Text(from))
	if !ok {
		if r.pools.Len() >= r.maxPeers {
			return ErrCrowded
		}
		p = &pool{from: from}
		r.pools.Set(table.Text(from), p)
	}
	entry := r.events[e.ID]
	if entry == nil {
		r.counter++
		entry = &waiting{event: e, number: r.counter}
		r.events[e.ID] = entry
		for _, id := range missing {
			w := r.want(id)
			w.children = append(w.children, entry)
			entry.missing = append(entry.missing, w)
		}
	}
	if required {
		r.require(entry)
	}
	if len(entry.holders) < MaxSenders && !slices.Contains(entry.holders, p) {
		r.hold(p, entry)
		for p.held.Len() > r.maxWaiting || p.bytes > r.maxBytes {
			r.release(p, p.oldest(entry))
		}
	}
	r.tidy(p)
	return nil
}

func (r *room) want(id event.ID) *want {
	w := r.wants[id]
	if w == nil {
		r.counter++
		w = &want{id: id, number: r.counter}
		r.wants[id] = w
	}
	return w
}

// require marks an event and all waiting events it builds on.
func (r *room) require(entry *waiting) {
	marked := []*waiting{entry}
	for ; len(marked) > 0; marked = marked[1:] {
		entry := marked[0]
		if entry.required {
			continue
		}
		entry.required = true
		for _, w := range entry.missing {
			if parent := r.events[w.id]; parent != nil {
				marked = append(marked, parent)
			}
		}
	}
}

func (r *room) hold(p *pool, entry *waiting) {
	entry.holders = append(entry.holders, p)
	p.held.Set(entry.number, entry)
	p.bytes += cost(entry.event)
	for _, w := range entry.missing {
		p.interested(w, 1)
	}
}

// cost is what a waiting event is charged, in bytes.
func cost(e *event.Event) int {
	return len(e.Raw) + waitingCost + linkCost*(len(e.Deps)+1)
}

// release takes an event out of one pool, and out of the room when it was the last.
func (r *room) release(p *pool, entry *waiting) {
	p.held.Delete(entry.number)
	p.bytes -= cost(entry.event)
	for _, w := range entry.missing {
		p.interested(w, -1)
	}
	entry.holders = slices.DeleteFunc(entry.holders, func(other *pool) bool { return other == p })
	if len(entry.holders) > 0 {
		return
	}
	delete(r.events, entry.event.ID)
	for _, w := range entry.missing {
		w.children = slices.DeleteFunc(w.children, func(other *waiting) bool { return other == entry })
		if len(w.children) == 0 {
			delete(r.wants, w.id)
		}
	}
}

// discard takes an event out of the room.
func (r *room) discard(entry *waiting) {
	for len(entry.holders) > 0 {
		p := entry.holders[0]
		r.release(p, entry)
		r.tidy(p)
	}
}

// tidy drops an empty pool.
func (r *room) tidy(p *pool) {
	if p.held.Len() == 0 {
		r.pools.Delete(table.Text(p.from))
	}
}

// oldest is the event that waited longest, but not the one that just came.
func (p *pool) oldest(but *waiting) *waiting {
	for _, entry := range table.All(&p.held) {
		if entry != but {
			return entry
		}
	}
	panic("crdt: invariant: one event fits into a pool")
}

func (p *pool) interested(w *want, change int) {
	i, _ := p.wants.Get(w.number)
	i.want, i.count = w, i.count+change
	if i.count == 0 {
		p.wants.Delete(w.number)
		return
	}
	p.wants.Set(w.number, i)
}

// children are the waiting events that link an event.
func (r *room) children(id event.ID) []*waiting {
	if w := r.wants[id]; w != nil {
		return slices.Clone(w.children)
	}
	return nil
}

// arrived tells the room that an event was accepted. It returns the events that are complete by it,
// which no longer wait, in order of arrival.
func (r *room) arrived(id event.ID) (complete []*waiting) {
	w := r.wants[id]
	if w == nil {
		return nil
	}
	delete(r.wants, id)
	for _, child := range w.children {
		for _, p := range child.holders {
			p.interested(w, -1)
		}
		child.missing = slices.DeleteFunc(child.missing, func(other *want) bool { return other == w })
		if len(child.missing) == 0 {
			r.discard(child)
			complete = append(complete, child)
		}
	}
	return complete
}

// abandon drops everything that builds on an event that will never come, and returns it.
func (r *room) abandon(id event.ID) (dropped []event.ID) {
	if entry := r.events[id]; entry != nil {
		r.discard(entry)
	}
	for gone := []event.ID{id}; len(gone) > 0; gone = gone[1:] {
		for _, child := range r.children(gone[0]) {
			r.discard(child)
			gone = append(gone, child.event.ID)
			dropped = append(dropped, child.event.ID)
		}
	}
	return dropped
}

// Waiting is the number of events that wait for events they build on.
func (g *Graph) Waiting() int { return len(g.room.events) }

// Forget drops the pool of a peer that left. What others sent too goes on waiting.
func (g *Graph) Forget(from string) {
	p, ok := g.room.pools.Get(table.Text(from))
	if !ok {
		return
	}
	held := p.held.Copy()
	for _, entry := range table.All(&held) {
		g.room.release(p, entry)
	}
	g.room.tidy(p)
}

// Missing are up to max ids of events that waiting events build on and that nobody sent yet. Each
// call goes on where the last one ended, in turn between the peers that caused the wants and in
// turn within each: a peer that names events and withholds them can not keep others from being
// asked for.
func (g *Graph) Missing(max int) []event.ID {
	wants := g.MissingFrom(max)
	ids := make([]event.ID, len(wants))
	for i, w := range wants {
		ids[i] = w.ID
	}
	return ids
}

// MissingFrom is Missing with a peer to ask for each.
func (g *Graph) MissingFrom(limit int) []Want {
	type queue struct {
		pool  *pool
		wants []*want
	}
	var queues []queue
	longest := 0
	for _, p := range rotated(&g.room.pools, g.room.turn) {
		var q []*want
		for _, i := range rotated(&p.wants, p.cursor) {
			if g.room.events[i.want.id] == nil && len(q) < limit {
				q = append(q, i.want)
			}
		}
		queues = append(queues, queue{p, q})
		longest = max(longest, len(q))
	}
	var found []Want
	seen := map[event.ID]bool{}
	for round := 0; round < longest && len(found) < limit; round++ {
		for _, q := range queues {
			if round >= len(q.wants) || len(found) >= limit {
				continue
			}
			q.pool.cursor, g.room.turn = q.wants[round].number, table.Text(q.pool.from)
			if id := q.wants[round].id; !seen[id] {
				seen[id] = true
				found = append(found, Want{ID: id, From: q.pool.from})
			}
		}
	}
	return found
}

// rotated yields the rows after a key and then those up to it.
func rotated[K table.Key[K], V any](t *table.Table[K, V], after K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for k, v := range table.From(t, after) {
			if k != after && !yield(k, v) {
				return
			}
		}
		for k, v := range table.All(t) {
			if k.Compare(after) > 0 || !yield(k, v) {
				return
			}
		}
	}
}

package crdt

import (
	"cmp"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Fork says that a device signed two different events with one number. The two envelopes prove it
// to everybody; see Evidence. Strands are hash chains, so any two events of a device of which
// neither builds on the other imply such a collision: nothing else needs to be looked for.
type Fork struct {
	Key  identity.PublicKey
	Seq  uint64
	A, B event.ID // A below B
}

// slot is a place in a strand in which one event should stand.
type slot struct {
	key identity.PublicKey
	seq uint64
}

// Compare orders by key, then by number.
func (s slot) Compare(other slot) int {
	return cmp.Or(s.key.Compare(other.key), cmp.Compare(s.seq, other.seq))
}

// addSide enters an event that does not continue the first branch of its strand.
func (g *Graph) addSide(e *event.Event) {
	at := slot{e.Key, e.Seq}
	side, _ := g.sides.Get(at)
	g.sides.Set(at, append(side, e.ID))
}

// occupants is the number of accepted events in a slot.
func (g *Graph) occupants(key identity.PublicKey, seq uint64) int {
	number, ok := g.numbers[key]
	if !ok {
		return 0
	}
	side, _ := g.sides.Get(slot{key, seq})
	if seq < uint64(len(g.strands[number].branch)) {
		return len(side) + 1
	}
	return len(side)
}

// Forks are the collisions among accepted events, by key and number: for every slot with more than
// one event, the lowest id with each of the others. They are a function of the accepted events
// alone. Of two long branches every slot is listed; the first of a key is enough to convict it.
func (g *Graph) Forks() []Fork {
	var forks []Fork
	for at, side := range table.All(&g.sides) {
		ids := g.within(at, side)
		for _, other := range ids[1:] {
			forks = append(forks, Fork{Key: at.key, Seq: at.seq, A: ids[0], B: other})
		}
	}
	return forks
}

// within are the accepted events in a slot, ascending; side are those beside the first branch.
func (g *Graph) within(at slot, side []event.ID) []event.ID {
	ids := slices.Clone(side)
	if branch := g.strands[g.numbers[at.key]].branch; at.seq < uint64(len(branch)) {
		ids = append(ids, branch[at.seq])
	}
	slices.SortFunc(ids, event.ID.Compare)
	return ids
}

// Convictions are for each forked device its fork with the highest number, by key: one is enough, and the
// highest proves whatever a lower one does, also to those who have forgiven the lower ones. There are as
// many as devices that forked, however often each did.
func (g *Graph) Convictions() []Fork {
	var forks []Fork
	for key, seq := range table.All(&g.forked) {
		at := slot{key, seq}
		side, _ := g.sides.Get(at)
		ids := g.within(at, side)
		forks = append(forks, Fork{Key: key, Seq: seq, A: ids[0], B: ids[1]})
	}
	return forks
}

// Forked counts the accepted events that share their number with one accepted before: as long as it stays,
// no conviction is new.
func (g *Graph) Forked() uint64 { return g.collisions }

// collide notes whether an event of a device with several branches shares its number with another.
func (g *Graph) collide(e *event.Event) {
	if g.occupants(e.Key, e.Seq) < 2 {
		return
	}
	g.collisions++
	if last, known := g.forked.Get(e.Key); !known || last < e.Seq {
		g.forked.Set(e.Key, e.Seq)
	}
}

// Evidence checks that two events, in any order, prove a fork. It returns ErrNoFork otherwise.
// Two founding events are no fork: each begins a cooperative of its own.
func Evidence(a, b *event.Event) error {
	if a.ID == b.ID || a.Key != b.Key || a.Seq != b.Seq || coopOf(a) != coopOf(b) {
		return ErrNoFork
	}
	return nil
}

// coopOf is the cooperative of an event, which for a founding event is the one it founds.
func coopOf(e *event.Event) event.ID {
	if e.Coop.IsZero() {
		return e.ID
	}
	return e.Coop
}

// refusals remembers the last MaxRefused refused ids, so that what builds on them is refused at
// once instead of waiting for ever and crowding out what can be had. Losing one costs a question
// to a peer, never a wrong verdict.
type refusals struct {
	why   map[event.ID]error // ErrBrokenChain or ErrForked
	order []event.ID         // oldest first; ids that were dropped since stay until they are oldest
}

func (r *refusals) add(id event.ID, why error) {
	if _, known := r.why[id]; !known {
		r.order = append(r.order, id)
	}
	r.why[id] = why
	if len(r.order) > MaxRefused {
		delete(r.why, r.order[0])
		r.order = r.order[1:]
	}
}

func (r *refusals) drop(id event.ID) {
	if _, known := r.why[id]; known {
		delete(r.why, id)
		r.order = slices.DeleteFunc(r.order, func(other event.ID) bool { return other == id })
	}
}

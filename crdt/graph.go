// Package crdt is the graph of a cooperative's events: what has been said, by whom, and on what
// each statement builds.
//
// Its one idea: an event is accepted exactly when everything it links is accepted and its device's
// chain continues. That depends on nothing but the bytes: not on a clock, a policy or a state. So
// the graph commutes: whatever the order and however often events come, the same events give the
// same graph, and two graphs are merged by giving each the events of the other.
//
// An event whose links are missing waits, bounded for each peer (waiting.go). Two events with one
// key and number are a fork, which proves itself (forks.go); at most MaxPerSlot are kept unless a
// steward's block requires more, and only beyond that bound does the order of arrival matter, until
// the stewards' order settles it.
//
// What became final is released: only its id and its place in its device's strand stay in memory,
// and its bytes are read from the Store (store.go), of which this package holds the interface and a
// version in memory.
//
// The package knows neither what events mean nor whether their authors are members. It follows
// "Byzantine Eventual Consistency and the Fundamental Limits of Peer-to-Peer Databases"
// (arXiv 2012.00472) and "The Blocklace" (arXiv 2402.08068), without the buffering of known
// offenders: final order bounds the harm of a fork.
package crdt

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Graph holds the accepted events of one cooperative and those that wait. It is not safe for
// concurrent use.
type Graph struct {
	coop    event.ID
	places  map[event.ID]place        // every accepted event
	bodies  map[event.ID]*event.Event // those not yet released
	peak    int                       // most rows that bodies had since it was made
	numbers map[identity.PublicKey]uint32
	strands []strand
	sides   table.Table[slot, []event.ID] // accepted events beside their strand's first branch
	heads   map[event.ID]struct{}
	forked  table.Table[identity.PublicKey, uint64] // the highest number that a device gave twice

	collisions uint64 // events that came to a number that was taken
	room       room
	refused    refusals
}

// place is where an accepted event stands: 8 bytes, since this is all that stays for ever.
type place struct {
	strand uint32
	seq    uint32 // fits: an accepted chain has no gaps, so a larger number would need 2^32 events
}

// strand is what one device said: its first-accepted branch, in which the event with number n
// stands at index n.
type strand struct {
	key    identity.PublicKey
	branch []event.ID
	split  bool // it has other branches
}

// NewGraph is the empty graph of the cooperative with this id, which is its founding event's.
func NewGraph(coop event.ID) *Graph {
	return &Graph{
		coop:    coop,
		places:  map[event.ID]place{},
		bodies:  map[event.ID]*event.Event{},
		numbers: map[identity.PublicKey]uint32{},
		heads:   map[event.ID]struct{}{},
		room:    newRoom(),
		refused: refusals{why: map[event.ID]error{}},
	}
}

// Add takes an event that the peer `from` sent; the own node is the peer "". It returns the events
// that became accepted, this one and those that waited for it, parents first. Nothing is returned
// for an event that is known or has to wait. An event that is refused gives one of the sentinels in
// errors.go. When the pool of the peer is full, its event that waited longest makes room.
func (g *Graph) Add(from string, e *event.Event) (accepted []*event.Event, err error) {
	return g.add(from, e, false)
}

// AddRequired is Add for an event that the closure of a steward's block contains: MaxPerSlot does
// not hold for it, nor for what it turns out to build on.
func (g *Graph) AddRequired(from string, e *event.Event) (accepted []*event.Event, err error) {
	return g.add(from, e, true)
}

func (g *Graph) add(from string, e *event.Event, required bool) ([]*event.Event, error) {
	if e.ID != g.coop && e.Coop != g.coop {
		return nil, ErrOtherCoop
	}
	if g.Has(e.ID) {
		return nil, nil
	}
	required = required || g.room.requires(e.ID)
	prev, known := g.places[e.Prev]
	if err := g.judge(e, required, prev, known); err != nil {
		g.refuse(e.ID, err)
		return nil, err
	}
	if missing := g.missing(e, known); len(missing) > 0 {
		return nil, g.room.wait(from, e, missing, required)
	}
	return g.accept(e, required), nil
}

// Required tells whether an event that was added as required waits for this one.
func (g *Graph) Required(id event.ID) bool { return g.room.requires(id) }

// verdict tells why an event can not be accepted, as far as that is known before all its links are.
func (g *Graph) verdict(e *event.Event, required bool) error {
	prev, known := g.places[e.Prev]
	return g.judge(e, required, prev, known)
}

// judge is verdict where the place of the event before this one was looked up.
func (g *Graph) judge(e *event.Event, required bool, prev place, known bool) error {
	if known && (g.strands[prev.strand].key != e.Key || uint64(prev.seq)+1 != e.Seq) {
		return ErrBrokenChain
	}
	for _, link := range e.Links() {
		if err := g.refused.why[link]; err == ErrBrokenChain || err == ErrForked && !required {
			return fmt.Errorf("it builds on %s: %w", link.Short(), err)
		}
	}
	if !required && g.occupants(e.Key, e.Seq) >= MaxPerSlot {
		return ErrForked
	}
	return nil
}

// missing are the links that are not accepted; known tells whether prev is.
func (g *Graph) missing(e *event.Event, known bool) []event.ID {
	var ids []event.ID
	for _, link := range e.Links() {
		if !(known && link == e.Prev) && !g.Has(link) {
			ids = append(ids, link)
		}
	}
	return ids
}

// accept takes an event whose links are all accepted and then all that this completes.
func (g *Graph) accept(e *event.Event, required bool) (accepted []*event.Event) {
	ready := []*waiting{{event: e, required: required}}
	for first := true; len(ready) > 0; first, ready = false, ready[1:] {
		next := ready[0]
		if !first { // it has its verdict
			if err := g.verdict(next.event, next.required); err != nil {
				g.refuse(next.event.ID, err)
				continue
			}
		}
		g.place(next.event)
		accepted = append(accepted, next.event)
		for _, child := range g.room.children(next.event.ID) {
			// What is known to be invalid by now need not wait for its other links.
			if err := g.verdict(child.event, child.required); err != nil {
				g.refuse(child.event.ID, err)
			}
		}
		ready = append(ready, g.room.arrived(next.event.ID)...)
	}
	return accepted
}

// refuse remembers that an event will not come and drops all that waits for it.
func (g *Graph) refuse(id event.ID, why error) {
	kind := ErrForked
	if !errors.Is(why, ErrForked) {
		kind = ErrBrokenChain
	}
	for _, dropped := range append(g.room.abandon(id), id) {
		g.refused.add(dropped, kind)
	}
}

// place enters an accepted event.
func (g *Graph) place(e *event.Event) {
	number, ok := g.numbers[e.Key]
	if !ok {
		number = uint32(len(g.strands))
		g.numbers[e.Key] = number
		g.strands = append(g.strands, strand{key: e.Key})
	}
	s := &g.strands[number]
	if e.Seq == uint64(len(s.branch)) && (e.Seq == 0 || s.branch[e.Seq-1] == e.Prev) {
		s.branch = append(s.branch, e.ID)
	} else {
		g.addSide(e)
		s.split = true
	}
	if s.split {
		g.collide(e)
	}
	g.places[e.ID] = place{strand: number, seq: uint32(e.Seq)}
	g.bodies[e.ID] = e
	g.peak = max(g.peak, len(g.bodies))
	for _, link := range e.Links() {
		delete(g.heads, link)
	}
	g.heads[e.ID] = struct{}{}
	g.refused.drop(e.ID)
}

// Has tells whether an event is accepted.
func (g *Graph) Has(id event.ID) bool {
	_, ok := g.places[id]
	return ok
}

// Get is an accepted event; nil when it is unknown, waits or was released.
func (g *Graph) Get(id event.ID) *event.Event { return g.bodies[id] }

// Links are the events that an accepted event builds on; nil when it is unknown or was released.
func (g *Graph) Links(id event.ID) []event.ID {
	if e := g.bodies[id]; e != nil {
		return e.Links()
	}
	return nil
}

// Len is the number of accepted events.
func (g *Graph) Len() int { return len(g.places) }

// Heads are the accepted events on which no accepted event builds, ascending. There are at most as
// many as there are branches of strands.
func (g *Graph) Heads() []event.ID {
	return slices.SortedFunc(maps.Keys(g.heads), event.ID.Compare)
}

// Tip is the last event of a device and its number; false when it has none. Of a forked strand it is
// the end of the branch that was accepted first, which can differ between peers.
func (g *Graph) Tip(key identity.PublicKey) (event.ID, uint64, bool) {
	number, ok := g.numbers[key]
	if !ok {
		return event.ID{}, 0, false
	}
	branch := g.strands[number].branch
	return branch[len(branch)-1], uint64(len(branch) - 1), true
}

// Release forgets all but the id and the place of events that are final: Has, Heads, Tip and Forks
// answer as before, Get and Links no longer. Ids that are unknown are passed over.
func (g *Graph) Release(ids []event.ID) {
	for _, id := range ids {
		delete(g.bodies, id)
	}
	if g.peak > 1024 && len(g.bodies) < g.peak/4 {
		// A Go map keeps the room of its largest size; the move gives it back.
		bodies := make(map[event.ID]*event.Event, len(g.bodies))
		for id, e := range g.bodies {
			bodies[id] = e
		}
		g.bodies, g.peak = bodies, len(bodies)
	}
}

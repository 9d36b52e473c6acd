package node

import (
	"cmp"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// tail is the set of accepted events that are not final.
type tail struct {
	graph   *crdt.Graph                // holds its events, and no others
	byKey   map[identity.PublicKey]int // how many of each device
	arrived []*event.Event             // in the order accepted, parents first
	since   event.Time                 // when the oldest arrived
	aside   map[event.ID]bool          // those of them that no other peer would take now, see Core.offer
	order   []*event.Event             // the provisional order, nil when it must be made anew
}

func newTail(graph *crdt.Graph) tail {
	return tail{graph: graph, byKey: map[identity.PublicKey]int{}, aside: map[event.ID]bool{}}
}

// len is how many of them others should know of.
func (t *tail) len() int { return len(t.arrived) - len(t.aside) }

func (t *tail) add(now event.Time, e *event.Event) {
	if len(t.arrived) == 0 {
		t.since = now
	}
	t.byKey[e.Key]++
	t.arrived = append(t.arrived, e)
	t.order = nil
}

// remove takes out what became final, and tells whether any of it had been set aside.
func (t *tail) remove(events []*event.Event) (aside bool) {
	final := make(map[*event.Event]struct{}, len(events)) // only looked up
	for _, e := range events {
		final[e] = struct{}{}
		if t.byKey[e.Key]--; t.byKey[e.Key] == 0 {
			delete(t.byKey, e.Key)
		}
	}
	t.arrived = slices.DeleteFunc(t.arrived, func(e *event.Event) bool { _, is := final[e]; return is })
	t.order = nil
	had := len(t.aside)
	maps.DeleteFunc(t.aside, func(id event.ID, _ bool) bool { return t.graph.Get(id) == nil })
	return len(t.aside) < had
}

// touched restarts the clock of the oldest event after something became final.
func (t *tail) touched(now event.Time) { t.since = now }

// ordered is the provisional order: parents first, then the time claimed, then the id.
func (t *tail) ordered() []*event.Event {
	if t.order != nil || t.len() == 0 {
		return t.order
	}
	waits := make(map[event.ID]int, len(t.arrived))
	children := make(map[event.ID][]*event.Event)
	var ready byTime
	for _, e := range t.arrived {
		if t.aside[e.ID] {
			continue // with all that refers to it
		}
		n := 0
		for _, link := range e.Links() {
			if t.graph.Get(link) != nil {
				n++
				children[link] = append(children[link], e)
			}
		}
		if waits[e.ID] = n; n == 0 {
			ready = append(ready, e)
		}
	}
	heap.Init(&ready)
	order := make([]*event.Event, 0, len(t.arrived))
	for len(ready) > 0 {
		e := heap.Pop(&ready).(*event.Event)
		order = append(order, e)
		for _, child := range children[e.ID] {
			if waits[child.ID]--; waits[child.ID] == 0 {
				heap.Push(&ready, child)
			}
		}
	}
	t.order = order
	return order
}

type byTime []*event.Event

func (h byTime) Len() int { return len(h) }
func (h byTime) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].At, h[j].At), h[i].ID.Compare(h[j].ID)) < 0
}
func (h byTime) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *byTime) Push(x any)   { *h = append(*h, x.(*event.Event)) }
func (h *byTime) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// short is the salted 8-byte form of an id.
func short(salt uint64, id event.ID) uint64 {
	var in [40]byte
	binary.BigEndian.PutUint64(in[:], salt)
	copy(in[8:], id[:])
	sum := sha256.Sum256(in[:])
	return binary.BigEndian.Uint64(sum[:])
}

// ranges are the short ids of what others should know of, cut into messages of at most maxShort. Together the
// ranges cover every short id there can be, so that the other knows what we lack.
func (t *tail) ranges(salt uint64) []*Tail {
	all := make([]uint64, 0, len(t.arrived))
	for _, e := range t.arrived {
		if !t.aside[e.ID] {
			all = append(all, short(salt, e.ID))
		}
	}
	slices.Sort(all)
	var out []*Tail
	low := uint64(0)
	for {
		if len(all) <= maxShort {
			return append(out, &Tail{Salt: salt, Low: low, High: 1<<64 - 1, Short: all})
		}
		high := all[maxShort-1]
		out = append(out, &Tail{Salt: salt, Low: low, High: high, Short: all[:maxShort]})
		all, low = all[maxShort:], high+1
	}
}

// compare finds what the sender of a Tail lacks of ours, parents first, and which of its short ids
// we don't have.
func (t *tail) compare(theirs *Tail) (lacks []*event.Event, unknown []uint64) {
	known := make(map[uint64]bool, len(theirs.Short))
	for _, s := range theirs.Short {
		known[s] = true
	}
	ours := make(map[uint64]bool, len(t.arrived))
	for _, e := range t.arrived {
		s := short(theirs.Salt, e.ID)
		ours[s] = true
		if s >= theirs.Low && s <= theirs.High && !known[s] && !t.aside[e.ID] {
			lacks = append(lacks, e)
		}
	}
	for _, s := range theirs.Short {
		if !ours[s] {
			unknown = append(unknown, s)
		}
	}
	return lacks, unknown
}

// pick finds the events of a Want, parents first.
func (t *tail) pick(w *Want) (found []*event.Event) {
	wanted := make(map[uint64]bool, len(w.Short))
	for _, s := range w.Short {
		wanted[s] = true
	}
	for _, e := range t.arrived {
		if wanted[short(w.Salt, e.ID)] {
			found = append(found, e)
		}
	}
	return found
}

// refusals remembers why events came to nothing, the latest maxRefusals of them.
type refusals struct {
	why   map[event.ID]string
	order []event.ID
}

func newRefusals() refusals { return refusals{why: map[event.ID]string{}} }

func (r *refusals) note(receipts []fold.Receipt) {
	for _, receipt := range receipts {
		if receipt.Refusal == "" {
			continue
		}
		if len(r.order) >= maxRefusals {
			delete(r.why, r.order[0])
			r.order = r.order[1:]
		}
		r.why[receipt.ID] = receipt.Refusal
		r.order = append(r.order, receipt.ID)
	}
}

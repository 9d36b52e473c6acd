package crdt

import (
	"fmt"
	"slices"

	"github.com/sustainy/coop/event"
)

// Memory is a Store that lives as long as the process: for the simulator and for tests. Append has
// happened wholly or not at all when it returns, so a crash is simulated by taking a Clone and
// going on with it. It holds its owner to the promise that a batch is new. It is not safe for
// concurrent use: a whole node, which reads while it writes, needs package badgerdb.
type Memory struct {
	events, rounds, commits [][]byte
	event                   map[event.ID]uint64
	round                   map[[32]byte]uint64
	tip                     [32]byte
	stopped                 bool
}

// NewMemory is an empty store in memory.
func NewMemory() *Memory {
	return &Memory{event: map[event.ID]uint64{}, round: map[[32]byte]uint64{}}
}

// Clone is a store with the same content: what a disk would hold if the power failed now. It is
// open, whatever happened to the other one.
func (m *Memory) Clone() *Memory {
	c := NewMemory()
	c.events, c.rounds, c.commits = slices.Clip(m.events), slices.Clip(m.rounds), slices.Clip(m.commits)
	for id, n := range m.event {
		c.event[id] = n
	}
	for id, n := range m.round {
		c.round[id] = n
	}
	c.tip = m.tip
	return c
}

// Append implements Store.
func (m *Memory) Append(b Batch) error {
	if m.stopped {
		return ErrStopped
	}
	if err := b.Check(); err != nil {
		return err
	}
	for _, e := range b.Events {
		if _, known := m.event[e.ID]; known && b.New {
			panic("crdt: invariant: event " + e.ID.String() + " is not new")
		} else if !known {
			m.event[e.ID] = uint64(len(m.events))
			m.events = append(m.events, e.Raw)
		}
	}
	for _, r := range b.Rounds {
		if _, known := m.round[r.ID]; known && b.New {
			panic(fmt.Sprintf("crdt: invariant: round %x is not new", r.ID))
		} else if !known {
			m.round[r.ID] = uint64(len(m.rounds))
			m.rounds = append(m.rounds, slices.Clone(r.Raw))
		}
	}
	for _, c := range b.Commits {
		m.commits = append(m.commits, slices.Clone(c))
	}
	if b.Tip != [32]byte{} {
		m.tip = b.Tip
	}
	return nil
}

// Check tells whether a batch can be appended: ErrTooLarge when a round or a commit record is.
func (b Batch) Check() error {
	for _, r := range b.Rounds {
		if len(r.Raw) > MaxRound {
			return ErrTooLarge
		}
	}
	for _, c := range b.Commits {
		if len(c) > MaxCommit {
			return ErrTooLarge
		}
	}
	return nil
}

// Event implements Store.
func (m *Memory) Event(id event.ID) ([]byte, error) {
	n, ok := m.event[id]
	if !ok {
		return nil, ErrNotFound
	}
	raw := m.events[n]
	if actual, ok := EnvelopeID(raw); !ok || actual != id {
		return nil, fmt.Errorf("event %s: %w", id.Short(), ErrDamaged)
	}
	return slices.Clone(raw), nil
}

// Round implements Store.
func (m *Memory) Round(id [32]byte) ([]byte, error) {
	n, ok := m.round[id]
	if !ok {
		return nil, ErrNotFound
	}
	return slices.Clone(m.rounds[n]), nil
}

// Events implements Store.
func (m *Memory) Events(from uint64, f func(n uint64, raw []byte) error) error {
	return walk(m.events, from, f)
}

// Rounds implements Store.
func (m *Memory) Rounds(from uint64, f func(n uint64, raw []byte) error) error {
	return walk(m.rounds, from, f)
}

// Commits implements Store.
func (m *Memory) Commits(from uint64, f func(n uint64, raw []byte) error) error {
	return walk(m.commits, from, f)
}

func walk(raws [][]byte, from uint64, f func(n uint64, raw []byte) error) error {
	for n := from; n < uint64(len(raws)); n++ {
		if err := f(n, slices.Clone(raws[n])); err != nil {
			return err
		}
	}
	return nil
}

// Count implements Store.
func (m *Memory) Count() Count {
	return Count{Events: uint64(len(m.events)), Rounds: uint64(len(m.rounds)), Commits: uint64(len(m.commits))}
}

// Tip implements Store.
func (m *Memory) Tip() [32]byte { return m.tip }

// Check implements Store.
func (m *Memory) Check() (Report, error) {
	r := Report{Count: m.Count(), Promised: m.Count(), Tip: m.tip}
	for _, raws := range [][][]byte{m.events, m.rounds, m.commits} {
		for _, raw := range raws {
			r.Bytes += uint64(len(raw))
		}
	}
	return r, nil
}

// Close implements Store.
func (m *Memory) Close() error {
	m.stopped = true
	return nil
}

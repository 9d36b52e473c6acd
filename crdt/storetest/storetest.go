// Package storetest holds implementations of crdt.Store to what the interface says.
//
// Its one idea: a store is compared with the plainest thing that could be one, three lists, through
// appends of every size, repetitions, refusals and reopenings.
package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Opener opens an empty store that is closed when the test ends.
type Opener func(t testing.TB) crdt.Store

// Reopener closes a store and opens what it left.
type Reopener func(t testing.TB, s crdt.Store) crdt.Store

// Run tests a store.
func Run(t *testing.T, open Opener, reopen Reopener) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Opener, Reopener)
	}{
		{"Empty", empty},
		{"EverythingComesBack", everythingComesBack},
		{"BytesAreTheCallers", bytesAreTheCallers},
		{"Walks", walks},
		{"Limits", limits},
		{"LargeBatch", largeBatch},
		{"Closed", closed},
		{"LikeThreeLists", likeThreeLists},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open, reopen) })
	}
}

// Note is the body of the events that Chain makes.
type Note struct {
	Text []byte `cbor:"text"`
}

// Chain is a strand of one device from its founding event on, with bodies of about size bytes. Event
// n of a seed is always the same.
func Chain(t testing.TB, seed byte, length, size int) []*event.Event {
	return Continue(t, seed, nil, length, size)
}

// Continue is the strand after its first events.
func Continue(t testing.TB, seed byte, events []*event.Event, length, size int) []*event.Event {
	t.Helper()
	key := identity.KeyFromSeed([32]byte{seed})
	events = slices.Clone(events)
	for n := len(events); n < length; n++ {
		text := make([]byte, size)
		for at := 0; at < size; at += 32 {
			sum := sha256.Sum256(fmt.Append(nil, seed, n, at))
			copy(text[at:], sum[:])
		}
		kind, slot := event.Kind("test.note"), event.Slot{At: event.Time(n)}
		if n == 0 {
			kind = event.KindFound
		} else {
			slot = event.After(events[0].ID, events[n-1], event.Time(n))
		}
		d, err := event.NewDraft(kind, Note{text})
		if err != nil {
			t.Fatal(err)
		}
		e, err := event.Seal(key, slot, d)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// Blob is a round block of some size; the same name gives the same one.
func Blob(name string, size int) crdt.Blob {
	raw := bytes.Repeat([]byte(name+"|"), size/(len(name)+1)+1)[:size]
	return crdt.Blob{ID: sha256.Sum256([]byte(name)), Raw: raw}
}

// Model is what a store should hold.
type Model struct {
	Events  []*event.Event
	Rounds  []crdt.Blob
	Commits [][]byte
	Tip     [32]byte
}

// Append notes a batch.
func (m *Model) Append(b crdt.Batch) {
	for _, e := range b.Events {
		if !slices.ContainsFunc(m.Events, func(o *event.Event) bool { return o.ID == e.ID }) {
			m.Events = append(m.Events, e)
		}
	}
	for _, r := range b.Rounds {
		if !slices.ContainsFunc(m.Rounds, func(o crdt.Blob) bool { return o.ID == r.ID }) {
			m.Rounds = append(m.Rounds, r)
		}
	}
	m.Commits = append(m.Commits, b.Commits...)
	if b.Tip != [32]byte{} {
		m.Tip = b.Tip
	}
}

// fresh is a batch without what the model holds and without repetitions, which promises so.
func (m *Model) fresh(b crdt.Batch) crdt.Batch {
	after := Model{Events: slices.Clip(m.Events), Rounds: slices.Clip(m.Rounds)}
	after.Append(b)
	b.Events, b.Rounds, b.New = after.Events[len(m.Events):], after.Rounds[len(m.Rounds):], true
	return b
}

// Count is the Count of the model.
func (m *Model) Count() crdt.Count {
	return crdt.Count{Events: uint64(len(m.Events)), Rounds: uint64(len(m.Rounds)), Commits: uint64(len(m.Commits))}
}

// Diff is nil when the store holds what the model holds, byte for byte, by index and by id.
func (m *Model) Diff(s crdt.Store) error {
	if got, want := s.Count(), m.Count(); got != want {
		return fmt.Errorf("count %+v, want %+v", got, want)
	}
	if s.Tip() != m.Tip {
		return fmt.Errorf("tip %x, want %x", s.Tip(), m.Tip)
	}
	var events, rounds [][]byte
	for _, e := range m.Events {
		events = append(events, e.Raw)
		if raw, err := s.Event(e.ID); err != nil || !bytes.Equal(raw, e.Raw) {
			return fmt.Errorf("event %d by its id: %w", e.Seq, orWrong(err))
		}
	}
	for i, r := range m.Rounds {
		rounds = append(rounds, r.Raw)
		if raw, err := s.Round(r.ID); err != nil || !bytes.Equal(raw, r.Raw) {
			return fmt.Errorf("round %d by its id: %w", i, orWrong(err))
		}
	}
	return errors.Join(
		compare("events", s.Events, events),
		compare("rounds", s.Rounds, rounds),
		compare("commits", s.Commits, m.Commits))
}

var errWrong = errors.New("wrong bytes")

func orWrong(err error) error {
	if err == nil {
		return errWrong
	}
	return err
}

type walk func(from uint64, f func(n uint64, raw []byte) error) error

func compare(what string, walk walk, want [][]byte) error {
	next := uint64(0)
	err := walk(0, func(n uint64, raw []byte) error {
		if n != next || n >= uint64(len(want)) {
			return fmt.Errorf("index %d after %d", n, next)
		}
		if !bytes.Equal(raw, want[n]) {
			return fmt.Errorf("index %d: %w", n, errWrong)
		}
		next++
		return nil
	})
	if err == nil && next != uint64(len(want)) {
		err = fmt.Errorf("%d of %d", next, len(want))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func appended(t testing.TB, s crdt.Store, m *Model, b crdt.Batch) {
	t.Helper()
	if err := s.Append(b); err != nil {
		t.Fatal(err)
	}
	m.Append(b)
}

func holds(t testing.TB, s crdt.Store, m *Model) {
	t.Helper()
	if err := m.Diff(s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Check()
	if err != nil || r.Count != m.Count() || r.Promised != m.Count() || r.Tip != m.Tip || len(r.Findings) > 0 {
		t.Fatalf("check: %v %+v", err, r)
	}
}

func empty(t *testing.T, open Opener, reopen Reopener) {
	s := open(t)
	for range 2 {
		holds(t, s, &Model{})
		if _, err := s.Event(event.ID{1}); !errors.Is(err, crdt.ErrNotFound) {
			t.Fatalf("an unknown event: %v", err)
		}
		if _, err := s.Round([32]byte{1}); !errors.Is(err, crdt.ErrNotFound) {
			t.Fatalf("an unknown round: %v", err)
		}
		if err := s.Append(crdt.Batch{}); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, s)
	}
}

func everythingComesBack(t *testing.T, open Opener, reopen Reopener) {
	s, m := open(t), &Model{}
	events := Chain(t, 1, 20, 100)
	appended(t, s, m, crdt.Batch{Events: events[:5], Tip: [32]byte{1}})
	appended(t, s, m, crdt.Batch{Rounds: []crdt.Blob{Blob("a", 500), Blob("b", 0)}, Commits: [][]byte{[]byte("first"), {}}})
	holds(t, s, m)
	s = reopen(t, s)
	holds(t, s, m)
	appended(t, s, m, crdt.Batch{Events: slices.Concat(events[3:], events[9:12]), Rounds: []crdt.Blob{Blob("b", 0), Blob("c", 1), Blob("c", 1)}, Commits: [][]byte{[]byte("first")}})
	appended(t, s, m, crdt.Batch{Events: events, Rounds: m.Rounds})
	holds(t, s, m)
	s = reopen(t, s)
	holds(t, s, m)
	appended(t, s, m, crdt.Batch{Tip: [32]byte{2}})
	s = reopen(t, s)
	holds(t, s, m)
	if got, want := s.Count(), (crdt.Count{Events: 20, Rounds: 3, Commits: 3}); got != want {
		t.Fatalf("%+v, want %+v: repetitions were stored or new items were not", got, want)
	}
}

func bytesAreTheCallers(t *testing.T, open Opener, _ Reopener) {
	s, m := open(t), &Model{}
	batch := func() crdt.Batch {
		return crdt.Batch{Events: Chain(t, 1, 3, 10), Rounds: []crdt.Blob{Blob("a", 50)}, Commits: [][]byte{[]byte("record")}}
	}
	given := batch()
	if err := s.Append(given); err != nil {
		t.Fatal(err)
	}
	m.Append(batch())
	clear(given.Rounds[0].Raw)
	clear(given.Commits[0])
	holds(t, s, m)
	spoil := func(_ uint64, raw []byte) error { clear(raw); return nil }
	for _, walk := range []walk{s.Events, s.Rounds, s.Commits} {
		if err := walk(0, spoil); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := s.Event(m.Events[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(raw)
	clear(raw)
	if again, err := s.Event(m.Events[1].ID); err != nil || !bytes.Equal(again, want) {
		t.Fatal("writing to returned bytes changed the store")
	}
	holds(t, s, m)
}

func walks(t *testing.T, open Opener, _ Reopener) {
	s, m := open(t), &Model{}
	events := Chain(t, 1, 601, 10)
	appended(t, s, m, crdt.Batch{Events: events[:600]})
	for _, from := range []uint64{0, 1, 255, 256, 599, 600, 601, 1 << 63} {
		next := from
		err := s.Events(from, func(n uint64, raw []byte) error {
			if n != next || !bytes.Equal(raw, events[n].Raw) {
				return fmt.Errorf("index %d, want %d", n, next)
			}
			next++
			return nil
		})
		if err != nil || next != max(600, from) {
			t.Fatalf("from %d: ended at %d, %v", from, next, err)
		}
	}
	enough := errors.New("enough")
	seen := 0
	if err := s.Events(10, func(uint64, []byte) error { seen++; return enough }); !errors.Is(err, enough) || seen != 1 {
		t.Fatalf("%d calls after an error, %v", seen, err)
	}
	if err := s.Events(599, func(uint64, []byte) error { return s.Append(crdt.Batch{Events: events[600:]}) }); err != nil {
		t.Fatalf("appending during a walk: %v", err)
	}
	m.Append(crdt.Batch{Events: events[600:]})
	holds(t, s, m)
}

func limits(t *testing.T, open Opener, reopen Reopener) {
	s, m := open(t), &Model{}
	events := Chain(t, 1, 2, 10)
	for _, b := range []crdt.Batch{
		{Events: events, Rounds: []crdt.Blob{Blob("large", crdt.MaxRound+1)}},
		{Events: events, Commits: [][]byte{make([]byte, crdt.MaxCommit+1)}},
	} {
		if err := s.Append(b); !errors.Is(err, crdt.ErrTooLarge) {
			t.Fatalf("too large: %v", err)
		}
	}
	holds(t, s, m)
	record := bytes.Repeat([]byte("0123456789abcdef"), crdt.MaxCommit/16)
	binary.BigEndian.PutUint64(record[len(record)/2:], 12345)
	appended(t, s, m, crdt.Batch{Events: events, Rounds: []crdt.Blob{Blob("largest", crdt.MaxRound)}, Commits: [][]byte{record, []byte("next")}})
	holds(t, s, m)
	s = reopen(t, s)
	holds(t, s, m)
}

func largeBatch(t *testing.T, open Opener, reopen Reopener) {
	s, m := open(t), &Model{}
	b := crdt.Batch{Events: Chain(t, 1, 40, 60_000), Commits: [][]byte{bytes.Repeat([]byte("r"), 3<<20), []byte("s")}}
	for i := range 20_000 {
		b.Rounds = append(b.Rounds, Blob(fmt.Sprint("round ", i), 20))
	}
	if err := s.Append(b); err != nil {
		t.Fatal(err)
	}
	m.Events, m.Rounds, m.Commits = b.Events, b.Rounds, b.Commits
	holds(t, s, m)
	s = reopen(t, s)
	holds(t, s, m)
}

func closed(t *testing.T, open Opener, _ Reopener) {
	s := open(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(crdt.Batch{Tip: [32]byte{1}}); !errors.Is(err, crdt.ErrStopped) {
		t.Fatalf("appending to a closed store: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
}

// likeThreeLists runs random appends and reopenings against the model.
func likeThreeLists(t *testing.T, open Opener, reopen Reopener) {
	strands := [][]*event.Event{Chain(t, 1, 30, 50), Chain(t, 2, 30, 2000)}
	rapid.Check(t, func(rt *rapid.T) {
		s, m := open(t), &Model{}
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			if rapid.IntRange(0, 4).Draw(rt, "reopen") == 0 {
				s = reopen(t, s)
				continue
			}
			var b crdt.Batch
			for _, strand := range strands {
				from := rapid.IntRange(0, 29).Draw(rt, "from")
				b.Events = append(b.Events, strand[from:rapid.IntRange(from, min(30, from+5)).Draw(rt, "to")]...)
			}
			for range rapid.IntRange(0, 3).Draw(rt, "rounds") {
				b.Rounds = append(b.Rounds, Blob(fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "round")), rapid.IntRange(0, 900).Draw(rt, "size")))
			}
			b.Commits = rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 0, 3).Draw(rt, "commits")
			b.Tip[0] = rapid.Byte().Draw(rt, "tip")
			if rapid.Bool().Draw(rt, "new") {
				b = m.fresh(b)
			}
			if err := s.Append(b); err != nil {
				rt.Fatal(err)
			}
			m.Append(b)
		}
		if err := m.Diff(s); err != nil {
			rt.Fatal(err)
		}
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

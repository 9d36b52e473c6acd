package crdt_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
	"github.com/sustainy/coop/event"
)

func TestMemory(t *testing.T) {
	storetest.Run(t,
		func(testing.TB) crdt.Store { return crdt.NewMemory() },
		func(_ testing.TB, s crdt.Store) crdt.Store { return s.(*crdt.Memory).Clone() })
}

// TestMemoryCloneIsApart: what happens to one after the other was taken shows in neither.
func TestMemoryCloneIsApart(t *testing.T) {
	events := storetest.Chain(t, 1, 10, 50)
	a, ma := crdt.NewMemory(), &storetest.Model{}
	put := func(s crdt.Store, m *storetest.Model, b crdt.Batch) {
		t.Helper()
		if err := s.Append(b); err != nil {
			t.Fatal(err)
		}
		m.Append(b)
	}
	put(a, ma, crdt.Batch{Events: events[:5], Commits: [][]byte{[]byte("0")}, Tip: [32]byte{1}})
	b := a.Clone()
	mb := &storetest.Model{Events: ma.Events[:5:5], Commits: ma.Commits[:1:1], Tip: ma.Tip}
	put(a, ma, crdt.Batch{Events: events[5:7], Commits: [][]byte{[]byte("a")}})
	put(b, mb, crdt.Batch{Events: events[7:9], Commits: [][]byte{[]byte("b")}, Tip: [32]byte{2}})
	for _, err := range []error{ma.Diff(a), mb.Diff(b)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEnvelopeID(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.SampledFrom([]int{0, 1, 100, 250, 3000, 60_000}).Draw(rt, "size")
		for _, e := range storetest.Chain(t, rapid.Byte().Draw(rt, "seed"), 2, size) {
			if id, ok := crdt.EnvelopeID(e.Raw); !ok || id != e.ID {
				rt.Fatalf("got %v, want %v", id, e.ID)
			}
		}
	})
}

// TestEnvelopeIDOfNonsense: bytes that do not begin as an envelope have no id, however long they are.
func TestEnvelopeIDOfNonsense(t *testing.T) {
	zeros := string(make([]byte, 200))
	for _, raw := range []string{
		"", "\x82", "\x82\x58", "\x82\x41", "\x82\x59\xff\xff" + zeros,
		"\x83\x41" + zeros, "\x82\x61" + zeros, "\x82\x5b" + zeros, "\x82\x5c" + zeros, "\x82\x5f" + zeros,
	} {
		if id, ok := crdt.EnvelopeID([]byte(raw)); ok {
			t.Errorf("%.10x has the id %v", raw, id)
		}
	}
}

// FuzzEnvelopeID: whatever opens as an event has the id that EnvelopeID says.
func FuzzEnvelopeID(f *testing.F) {
	for _, e := range storetest.Chain(f, 1, 3, 300) {
		f.Add(e.Raw)
	}
	for _, odd := range [][]byte{nil, {0x82}, {0x82, 0x5b, 0xff}, {0x82, 0x5a, 0xff, 0xff, 0xff, 0xff, 0}, {0x82, 0x40}, {0x82, 0x5f, 0xff}} {
		f.Add(odd)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		id, ok := crdt.EnvelopeID(bytes.Clone(raw))
		if e, err := event.Open(raw); err == nil && (!ok || id != e.ID) {
			t.Fatalf("got %v, want %v", id, e.ID)
		}
	})
}

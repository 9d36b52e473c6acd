package event

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestHeader: a header says of an event who signed which number, is small whatever the body, and holds by
// itself. Not one of its bits can be changed.
func TestHeader(t *testing.T) {
	for _, text := range []string{"", "x", strings.Repeat("x", MaxCore-400)} {
		e := sealed(t, Slot{Coop: ID{1}, Seq: 3, Prev: ID{2}, Deps: []ID{{3}, {4}}, At: 7}, text)
		want, raw := e.Header()
		got, err := OpenHeader(raw)
		if err != nil || got != want || got.Key != e.Key || got.Seq != 3 || got.Coop != e.Coop {
			t.Fatalf("%+v: %v", got, err)
		}
		if len(raw) > MaxHeader {
			t.Errorf("a header of %d bytes", len(raw))
		}
		for bit := range 8 * len(raw) {
			bad := bytes.Clone(raw)
			bad[bit/8] ^= 1 << (bit % 8)
			if h, err := OpenHeader(bad); err == nil {
				t.Fatalf("with bit %d changed it still says %+v", bit, h)
			}
		}
		for n := range raw {
			if _, err := OpenHeader(raw[:n]); err == nil {
				t.Fatalf("the first %d bytes are a header", n)
			}
		}
		if _, err := OpenHeader(append(bytes.Clone(raw), 0)); err == nil {
			t.Error("more than a header is one")
		}
		if _, err := OpenHeader(e.Raw); err == nil {
			t.Error("an envelope is a header")
		}
		if _, err := Open(raw); err == nil {
			t.Error("a header is an event")
		}
	}
}

// TestHeadersDiffer: two events with different content have different headers, wherever they differ, and one
// event has one.
func TestHeadersDiffer(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		draw := func(name string) *Event {
			s := Slot{Coop: ID{1}, At: Time(rapid.Uint64Range(0, 2).Draw(r, name+" time"))}
			return sealed(t, s, rapid.StringOfN(rapid.SampledFrom([]rune("ab")), 0, 2, -1).Draw(r, name+" text"))
		}
		a, b := draw("a"), draw("b")
		one, _ := a.Header()
		other, _ := b.Header()
		if (one.Digest == other.Digest) != (a.ID == b.ID) {
			r.Fatalf("ids %s and %s, digests %x and %x", a.ID, b.ID, one.Digest, other.Digest)
		}
	})
}

// TestLongestHeader: the longest core up to its body fits.
func TestLongestHeader(t *testing.T) {
	s := Slot{Coop: ID{1}, Seq: MaxSequence, Prev: ID{2}, Ctx: &Context{Index: MaxInteger}, At: MaxInteger}
	for i := range MaxDeps {
		s.Deps = append(s.Deps, ID{3, byte(i)})
	}
	d, err := NewDraft(Kind(strings.Repeat("k", MaxKind)), note{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Seal(testKey(1), s, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, raw := e.Header(); len(raw) > MaxHeader {
		t.Errorf("%d bytes", len(raw))
	} else if _, err := OpenHeader(raw); err != nil {
		t.Error(err)
	}
}

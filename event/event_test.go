package event

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"pgregory.net/rapid"

	"github.com/sustainy/coop/identity"
)

func testKey(n byte) identity.Key { return identity.KeyFromSeed([32]byte{n}) }

type note struct {
	Text string `cbor:"text"`
	N    uint64 `cbor:"n"`
}

func sealed(t testing.TB, s Slot, text string) *Event {
	t.Helper()
	d, err := NewDraft("test.note", note{text, 7})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Seal(testKey(1), s, d)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSealThenOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Custom(func(t *rapid.T) ID {
			return sha256.Sum256(rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "id"))
		})
		s := Slot{Coop: id.Draw(t, "coop"), At: Time(rapid.Uint64Range(0, MaxInteger).Draw(t, "at")),
			Deps: rapid.SliceOfN(id, 0, MaxDeps).Draw(t, "deps")}
		if s.Seq = rapid.Uint64Range(0, 3).Draw(t, "seq"); s.Seq > 0 {
			s.Prev = id.Draw(t, "prev")
			s.Deps = slices.DeleteFunc(s.Deps, func(d ID) bool { return d == s.Prev })
		}
		if rapid.Bool().Draw(t, "ctx") {
			s.Ctx = &Context{Index: 5, Hash: [32]byte{1}}
		}
		d, err := NewDraft("test.note", note{rapid.String().Draw(t, "text"), rapid.Uint64Range(0, MaxInteger).Draw(t, "n")})
		if errors.Is(err, ErrText) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		e, err := Seal(testKey(2), s, d)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := Open(e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%+v", opened) != fmt.Sprintf("%+v", e) && e.Ctx == nil {
			t.Fatalf("sealed %+v\nopened %+v", e, opened)
		}
		if opened.ID != e.ID || opened.Key != testKey(2).Public() || !bytes.Equal(opened.Body, d.Body) || opened.Kind != d.Kind {
			t.Fatal("content differs")
		}
		checkByTwin(t, opened.Raw)
	})
}

// checkByTwin reads envelope and core with go-ipld-prime, the reference implementation of dag-cbor,
// and expects it to write the same bytes again.
func checkByTwin(t interface{ Fatalf(string, ...any) }, raw []byte) {
	var env envelope
	if err := cbor.Unmarshal(raw, &env); err != nil {
		t.Fatalf("%v", err)
	}
	for _, b := range [][]byte{raw, env.Core} {
		node := basicnode.Prototype.Any.NewBuilder()
		if err := dagcbor.Decode(node, bytes.NewReader(b)); err != nil {
			t.Fatalf("the twin cannot read %x: %v", b, err)
		}
		var again bytes.Buffer
		if err := dagcbor.Encode(node.Build(), &again); err != nil {
			t.Fatalf("%v", err)
		}
		if !bytes.Equal(again.Bytes(), b) {
			t.Fatalf("the twin writes %x\nwe wrote       %x", again.Bytes(), b)
		}
	}
}

// Whatever bit is flipped, the damaged envelope is refused, or it is the signature's own business.
func TestEveryFlippedBitIsRefused(t *testing.T) {
	e := sealed(t, Slot{Coop: ID{1}, Seq: 1, Prev: ID{2}, Deps: []ID{{3}}, At: 5}, "hello")
	for i := range len(e.Raw) * 8 {
		raw := bytes.Clone(e.Raw)
		raw[i/8] ^= 1 << (i % 8)
		if _, err := Open(raw); err == nil {
			t.Fatalf("bit %d flipped and accepted", i)
		}
	}
	for cut := range e.Raw {
		if _, err := Open(e.Raw[:cut]); err == nil {
			t.Fatalf("cut to %d bytes and accepted", cut)
		}
	}
	if _, err := Open(append(bytes.Clone(e.Raw), 0)); err == nil {
		t.Fatal("trailing byte accepted")
	}
}

// A signature covers the hash in its domain: one made for something else does not pass.
func TestSignatureHasItsDomain(t *testing.T) {
	e := sealed(t, Slot{Coop: ID{1}, At: 5}, "hello")
	sig := testKey(1).Sign(e.ID[:])
	raw, err := Marshal(envelope{Core: coreOf(t, e), Sig: sig[:]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(raw); !errors.Is(err, ErrSignature) {
		t.Fatal(err)
	}
}

func coreOf(t *testing.T, e *Event) []byte {
	t.Helper()
	var env envelope
	if err := Unmarshal(e.Raw, &env); err != nil {
		t.Fatal(err)
	}
	return env.Core
}

func TestStructuralRefusals(t *testing.T) {
	good := func() core {
		key := testKey(1).Public()
		return core{Version: 1, Kind: "test.note", Coop: ID{1}, Key: key[:], Seq: 1, Prev: ID{2}, Deps: []ID{{3}, {4}}, At: 9, Body: cbor.RawMessage{0xa0}}
	}
	many := func(n int) (deps []ID) {
		for i := range n {
			deps = append(deps, ID{9, byte(i)})
		}
		return deps
	}
	cases := []struct {
		name string
		edit func(*core)
		want error
	}{
		{"nothing", func(*core) {}, nil},
		{"future version", func(c *core) { c.Version = 2 }, ErrVersion},
		{"no kind", func(c *core) { c.Kind = "" }, ErrKind},
		{"kind with capitals", func(c *core) { c.Kind = "Vote.cast" }, ErrKind},
		{"kind with two dots", func(c *core) { c.Kind = "a.b.c" }, ErrKind},
		{"kind ending with a dot", func(c *core) { c.Kind = "vote." }, ErrKind},
		{"kind beginning with a number", func(c *core) { c.Kind = "1vote" }, ErrKind},
		{"longest kind", func(c *core) { c.Kind = strings.Repeat("a", MaxKind) }, nil},
		{"kind too long", func(c *core) { c.Kind = strings.Repeat("a", MaxKind+1) }, ErrKind},
		{"key too short", func(c *core) { c.Key = c.Key[:31] }, ErrKey},
		{"signed by the Assembly", func(c *core) { c.Key = make([]byte, 32) }, ErrKey},
		{"first with a predecessor", func(c *core) { c.Seq = 0 }, ErrSequence},
		{"second without a predecessor", func(c *core) { c.Prev = ID{} }, ErrSequence},
		{"number too large", func(c *core) { c.Seq = MaxSequence + 1 }, ErrSequence},
		{"16 links", func(c *core) { c.Deps = many(16) }, nil},
		{"17 links", func(c *core) { c.Deps = many(17) }, ErrDeps},
		{"links out of order", func(c *core) { c.Deps = []ID{{4}, {3}} }, ErrDeps},
		{"a link twice", func(c *core) { c.Deps = []ID{{3}, {3}} }, ErrDeps},
		{"predecessor linked twice", func(c *core) { c.Deps = []ID{{2}} }, ErrDeps},
		{"an empty link", func(c *core) { c.Deps = []ID{{}} }, ErrDeps},
		{"no cooperative", func(c *core) { c.Coop = ID{} }, ErrGenesis},
		{"founding as second event", func(c *core) { c.Coop = ID{}; c.Kind = "coop.found" }, ErrGenesis},
		{"founding", func(c *core) { *c = core{Version: 1, Kind: "coop.found", Key: c.Key, Body: c.Body} }, nil},
		{"time too large", func(c *core) { c.At = MaxInteger + 1 }, ErrTime},
		{"hint too large", func(c *core) { c.Ctx = &Context{Index: MaxInteger + 1} }, ErrInteger},
		{"body is a list", func(c *core) { c.Body = cbor.RawMessage{0x80} }, ErrBody},
		{"body is null", func(c *core) { c.Body = cbor.RawMessage{0xf6} }, ErrBody},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			edited := good()
			c.edit(&edited)
			b, err := Marshal(edited)
			if err != nil {
				t.Fatal(err)
			}
			sig := testKey(1).Sign(signed(digest(b, len(edited.Body))))
			raw, err := Marshal(envelope{Core: b, Sig: sig[:]})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(raw); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if events, errs := OpenAll([][]byte{raw}); !errors.Is(errs[0], c.want) || (events[0] == nil) != (c.want != nil) {
				t.Errorf("OpenAll: %v", errs[0])
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	d, err := NewDraft("test.note", note{Text: strings.Repeat("x", MaxCore-200)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Seal(testKey(1), Slot{Coop: ID{1}}, d); err != nil {
		t.Fatalf("just below the limit: %v", err)
	}
	d.Body, _ = Marshal(note{Text: strings.Repeat("x", MaxCore-40)})
	if _, err := Seal(testKey(1), Slot{Coop: ID{1}}, d); !errors.Is(err, ErrSize) {
		t.Fatalf("above the limit: %v", err)
	}
	if _, err := Open(make([]byte, MaxEnvelope+1)); !errors.Is(err, ErrSize) {
		t.Fatal(err)
	}
	if _, err := Open(nil); !errors.Is(err, ErrSize) {
		t.Fatal(err)
	}
}

func TestOpenAllAgreesWithOpen(t *testing.T) {
	var raws [][]byte
	for i := range 40 {
		raw := bytes.Clone(sealed(t, Slot{Coop: ID{1}, At: Time(i)}, "x").Raw)
		switch {
		case i%7 == 3:
			raw[len(raw)-1] ^= 1
		case i%11 == 5:
			raw = raw[:20]
		}
		raws = append(raws, raw)
	}
	events, errs := OpenAll(raws)
	for i, raw := range raws {
		e, err := Open(raw)
		if fmt.Sprint(err) != fmt.Sprint(errs[i]) || (e != nil && e.ID != events[i].ID) || (e == nil) != (events[i] == nil) {
			t.Errorf("%d: %v, alone %v", i, errs[i], err)
		}
	}
}

// One content has one id, however often its holder signs it anew.
func TestIDIgnoresTheSignature(t *testing.T) {
	e := sealed(t, Slot{Coop: ID{1}}, "x")
	if e.ID != sha256.Sum256(coreOf(t, e)) {
		t.Error("the id is not the hash of the core")
	}
}

func TestIDText(t *testing.T) {
	id := ID(sha256.Sum256([]byte("x")))
	if got, err := ParseID(id.String()); err != nil || got != id {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"", "x", id.String() + "a", strings.ToUpper(id.String()), "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", strings.Repeat("b", 500)} {
		if _, err := ParseID(bad); !errors.Is(err, ErrID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestLinksAreDepsAndPrev(t *testing.T) {
	e := sealed(t, Slot{Coop: ID{1}, Seq: 1, Prev: ID{7}, Deps: []ID{{9}, {8}, {9}}}, "x")
	if want := []ID{{7}, {8}, {9}}; !slices.Equal(e.Links(), want) {
		t.Errorf("%v", e.Links())
	}
}

func BenchmarkOpenAll(b *testing.B) {
	raws := make([][]byte, 256)
	for i := range raws {
		raws[i] = sealed(b, Slot{Coop: ID{1}, Seq: 1, Prev: ID{2}, Deps: []ID{{3}}, At: Time(i)}, "a note of some length, as ballots have").Raw
	}
	b.ReportAllocs()
	for b.Loop() {
		OpenAll(raws)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(raws)), "ns/event")
}

func BenchmarkParse(b *testing.B) {
	raw := sealed(b, Slot{Coop: ID{1}, Seq: 1, Prev: ID{2}, Deps: []ID{{3}}, At: 4}, "a note of some length, as ballots have").Raw
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

package event

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

var update = flag.Bool("update", false, "write testdata/vectors.txt anew; review the difference")

const vectorsFile = "testdata/vectors.txt"

// vector is one line of work for another implementation: bytes, and what must come of them.
type vector struct {
	name   string
	raw    []byte
	expect string // "id <cid>" or "refused: <reason>"
}

// badBodies are bodies that some CBOR decoder takes and dag-cbor does not, or that break a limit.
func badBodies() []vector {
	hexes := []struct{ name, body string }{
		{"empty body", "a0"},
		{"every allowed kind of value", "a86161006162206163406164606165806166a06167f66168f5"},
		{"integer one byte too long", "a1616118 17"},
		{"integer two bytes for 255", "a161611900ff"},
		{"integer four bytes for 65535", "a161611a0000ffff"},
		{"integer eight bytes for 2^32-1", "a161611b00000000ffffffff"},
		{"largest integer", "a161611b001fffffffffffff"},
		{"integer 2^53", "a161611b0020000000000000"},
		{"smallest integer", "a161613b001ffffffffffffe"},
		{"integer -2^53", "a161613b001fffffffffffff"},
		{"integer 2^64-1", "a161611bffffffffffffffff"},
		{"text length in two bytes", "a178016100"},
		{"map length in two bytes", "b801616100"},
		{"keys out of order", "a2616200616100"},
		{"longer key first", "a262616100616200"},
		{"key twice", "a2616100616100"},
		{"integer key", "a10000"},
		{"bytes key", "a1416100"},
		{"bignum", "a16161c24101"},
		{"half float", "a16161f93c00"},
		{"double", "a16161fb3ff0000000000000"},
		{"double NaN", "a16161fb7ff8000000000000"},
		{"undefined", "a16161f7"},
		{"simple value 32", "a16161f820"},
		{"null", "a16161f6"},
		{"indefinite list", "a161619f00ff"},
		{"indefinite map", "bf616100ff"},
		{"indefinite text", "a161617f6161ff"},
		{"text not UTF-8", "a1616161ff"},
		{"surrogate in text", "a1616163eda080"},
		{"tag 0, a date", "a16161c074323032362d31312d32335430303a30303a30305a"},
		{"link", "a16161d82a58250001711220" + strings.Repeat("11", 32)},
		{"link to raw bytes", "a16161d82a58250001551220" + strings.Repeat("11", 32)},
		{"link of version 0", "a16161d82a5823001220" + strings.Repeat("11", 32)},
		{"link cut short", "a16161d82a58240001711220" + strings.Repeat("11", 31)},
		{"nested to the limit", "a16161" + strings.Repeat("81", MaxNesting-1) + "00"},
		{"nested too deep", "a16161" + strings.Repeat("81", MaxNesting) + "00"},
		{"list of 2^32 elements announced", "a161619b0000000100000000"},
		{"bytes of 2^62 announced", "a161615b4000000000000000"},
		{"two values", "a0a0"},
		{"a list as body", "80"},
		{"text as body", "6161"},
	}
	var out []vector
	key := testKey(1)
	public := key.Public()
	for _, h := range hexes {
		body, err := hex.DecodeString(strings.ReplaceAll(h.body, " ", ""))
		if err != nil {
			panic(h.name)
		}
		head, err := Marshal(core{Version: 1, Kind: "test.note", Coop: ID{1}, Key: public[:], Seq: 0, At: 9, Body: cbor.RawMessage{0xa0}})
		if err != nil {
			panic(err)
		}
		b := append(head[:len(head)-1:len(head)-1], body...)
		sig := key.Sign(signed(digest(b, len(body))))
		raw := putHead([]byte{0x82}, 2, len(b))
		raw = append(raw, b...)
		raw = append(putHead(raw, 2, 64), sig[:]...)
		out = append(out, vector{name: "body: " + h.name, raw: raw})
	}
	return out
}

func putHead(b []byte, major byte, n int) []byte {
	if n < 24 {
		return append(b, major<<5|byte(n))
	}
	if n < 256 {
		return append(b, major<<5|24, byte(n))
	}
	return append(b, major<<5|25, byte(n>>8), byte(n))
}

// badFrames damage the envelope of a good event.
func badFrames(t *testing.T) []vector {
	e := sealed(t, Slot{Coop: ID{1}, Seq: 1, Prev: ID{2}, Deps: []ID{{3}}, At: 5}, "hello")
	b, raw := coreOf(t, e), e.Raw
	cut := func(from, to int, with ...byte) []byte {
		return append(append(bytes.Clone(raw[:from]), with...), raw[to:]...)
	}
	sigAt := len(raw) - 66
	return []vector{
		{name: "good", raw: raw},
		{name: "frame: array of three", raw: append(cut(0, 1, 0x83), 0)},
		{name: "frame: array length in two bytes", raw: cut(0, 1, 0x98, 2)},
		{name: "frame: indefinite array", raw: append(cut(0, 1, 0x9f), 0xff)},
		{name: "frame: core length in four bytes", raw: cut(1, 3, 0x5a, 0, 0, 0, byte(len(b)))},
		{name: "frame: core as text", raw: cut(1, 2, 0x79)},
		{name: "frame: signature of 63 bytes", raw: cut(sigAt, len(raw), append([]byte{0x58, 63}, raw[sigAt+2:len(raw)-1]...)...)},
		{name: "frame: signature is null", raw: cut(sigAt, len(raw), 0xf6)},
		{name: "frame: trailing byte", raw: append(bytes.Clone(raw), 0)},
		{name: "frame: tagged as CBOR", raw: append([]byte{0xd9, 0xd9, 0xf7}, raw...)},
		{name: "signature: last bit flipped", raw: cut(len(raw)-1, len(raw), raw[len(raw)-1]^1)},
		{name: "signature: S plus the group order", raw: cut(len(raw)-32, len(raw), plusOrder(raw[len(raw)-32:])...)},
		{name: "core: last bit flipped", raw: cut(sigAt-1, sigAt, raw[sigAt-1]^1)},
		{name: "nothing", raw: nil},
	}
}

// plusOrder adds the order of the Ed25519 group to a little-endian scalar: the classic malleation.
func plusOrder(s []byte) []byte {
	order, _ := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	out, carry := make([]byte, 32), 0
	for i := range out {
		sum := int(s[i]) + int(order[i]) + carry
		out[i], carry = byte(sum), sum>>8
	}
	return out
}

func verdict(raw []byte) string {
	e, err := Open(raw)
	if err != nil {
		return "refused: " + err.Error()
	}
	return "id " + e.ID.String()
}

func TestVectors(t *testing.T) {
	vectors := append(badFrames(t), badBodies()...)
	var text strings.Builder
	text.WriteString("# Envelopes in hexadecimal and what Open makes of each. Key: RFC 8032 seed 01 00…00.\n")
	for i := range vectors {
		v := &vectors[i]
		v.expect = verdict(v.raw)
		fmt.Fprintf(&text, "\n%s\nraw: %x\nexpect: %s\n", v.name, v.raw, v.expect)
	}
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("verdicts changed; run go test ./event -run TestVectors -update and review the difference")
	}
}

// parseByTwin does what parse does, reading envelope and core by the library, and writing them again.
func parseByTwin(raw []byte) error {
	if len(raw) > MaxEnvelope {
		return ErrSize
	}
	var env envelope
	if err := Unmarshal(raw, &env); err != nil {
		return err
	}
	if len(env.Core) > MaxCore || len(env.Sig) != 64 {
		return ErrSize
	}
	var c core
	if err := Unmarshal(env.Core, &c); err != nil {
		return err
	}
	return c.check()
}

func FuzzOpen(f *testing.F) {
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if raw, err := hex.DecodeString(strings.TrimSpace(strings.TrimPrefix(line, "raw: "))); err == nil {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, _, err := parse(raw) // the signature would hide what lies behind it
		if twin := parseByTwin(raw); (twin == nil) != (err == nil) {
			t.Fatalf("%x: we say %v, the twin %v", raw, err, twin)
		}
		if err != nil {
			return
		}
		s := Slot{Coop: e.Coop, Seq: e.Seq, Prev: e.Prev, Deps: e.Deps, Ctx: e.Ctx, At: e.At}
		again, err := Seal(testKey(1), s, Draft{Kind: e.Kind, Body: e.Body})
		if err != nil {
			t.Fatalf("accepted but cannot be sealed: %v", err)
		}
		if e.Key == testKey(1).Public() && again.ID != e.ID {
			t.Fatalf("accepted %x, sealed again %x", raw, again.Raw)
		}
		checkByTwin(t, raw)
	})
}

func FuzzDecodeBody(f *testing.F) {
	for _, v := range badBodies() {
		f.Add(v.raw)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var n note
		if err := DecodeBody(b, &n); err != nil {
			return
		}
		if again, err := Marshal(n); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x read, %x written", b, again)
		}
	})
}

package badgerdb

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/sustainy/coop/crdt"
)

// format is the version of everything on disk: the layout of pages and frames, the keys and the anchor.
const format = 2

// The kinds of keys. Those of items are followed by the item's index and part, that of an index by an
// id. Events have no index on disk (index.go). Rounds have, because nothing bounds how many there are:
// in a quiet cooperative a dozen for every event.
const (
	kindEvent  = 'e' // a page of envelopes; the index is that of the first
	kindRound  = 'b' // a round's id, then its block
	kindCommit = 'c' // a commit record, in parts
	kindOrphan = 'o' // a page of envelopes that Rebuild kept although something they build on is lost
	kindHead   = 'h' // see head; the index is that of its place in the ring
	indexRound = 'r' // round id → index
)

// partSize is how much of an item one value holds: little enough that Badger keeps it beside its
// key and that several fit into a transaction. Pages and rounds have one part.
const partSize = crdt.MaxRound + 32

// magic begins every frame, so that Rebuild finds frames in files that Badger can not read.
var magic = [4]byte{0xc0, 0x0b, 0xa5, format}

// A frame is: magic, digest (16), kind (1), index (8), append (8), part (2), parts (2), count (2),
// payload size (4), payload. The digest is the beginning of the SHA-256 of all that follows it, so a
// frame in the wrong place is as visible as a changed one.
const (
	digestAt  = 4
	headerAt  = digestAt + 16
	payloadAt = headerAt + 27
)

// item is a frame, read.
type item struct {
	kind        byte
	n           uint64 // index
	seq         uint64 // number of the Append that wrote it
	part, parts uint16
	count       uint16 // events in a page; 0 of other kinds
	payload     []byte
	digest      [32]byte
}

// blank is a frame to be: the payload, size bytes, is appended to it and then it is sealed.
func blank(size int) []byte { return make([]byte, payloadAt, payloadAt+size) }

// seal makes the frame of an item from a blank with its payload. The item gets payload and digest.
func (i *item) seal(b []byte) []byte {
	i.payload = b[payloadAt:]
	copy(b, magic[:])
	h := b[headerAt:]
	h[0] = i.kind
	binary.BigEndian.PutUint64(h[1:], i.n)
	binary.BigEndian.PutUint64(h[9:], i.seq)
	binary.BigEndian.PutUint16(h[17:], i.part)
	binary.BigEndian.PutUint16(h[19:], i.parts)
	binary.BigEndian.PutUint16(h[21:], i.count)
	binary.BigEndian.PutUint32(h[23:], uint32(len(i.payload)))
	i.digest = sha256.Sum256(h)
	copy(b[digestAt:headerAt], i.digest[:])
	return b
}

// frame is the frame of an item with its payload.
func (i *item) frame() []byte { return i.seal(append(blank(len(i.payload)), i.payload...)) }

// unframe reads the frame at the beginning of b; the payload is a part of b. False when there is no
// whole and unchanged frame.
func unframe(b []byte) (item, bool) {
	if len(b) < payloadAt || !bytes.Equal(b[:digestAt], magic[:]) {
		return item{}, false
	}
	h := b[headerAt:]
	size := uint64(binary.BigEndian.Uint32(h[23:]))
	if size > uint64(len(b)-payloadAt) {
		return item{}, false
	}
	end := payloadAt + int(size)
	i := item{
		kind:    h[0],
		n:       binary.BigEndian.Uint64(h[1:]),
		seq:     binary.BigEndian.Uint64(h[9:]),
		part:    binary.BigEndian.Uint16(h[17:]),
		parts:   binary.BigEndian.Uint16(h[19:]),
		count:   binary.BigEndian.Uint16(h[21:]),
		payload: b[payloadAt:end],
		digest:  sha256.Sum256(b[headerAt:end]),
	}
	return i, bytes.Equal(i.digest[:headerAt-digestAt], b[digestAt:headerAt])
}

// key is where an item stands.
func key(kind byte, n uint64, part uint16) []byte {
	k := make([]byte, 11)
	k[0] = kind
	binary.BigEndian.PutUint64(k[1:], n)
	binary.BigEndian.PutUint16(k[9:], part)
	return k
}

// roundKey is where the index of a round stands.
func roundKey(id [32]byte) []byte { return append([]byte{indexRound}, id[:]...) }

// round is the id of a round.
func (i *item) round() (id [32]byte, ok bool) {
	if i.kind != kindRound || len(i.payload) < 32 {
		return id, false
	}
	return [32]byte(i.payload[:32]), true
}

// content is what the caller gave to Append.
func (i *item) content() []byte {
	if i.kind == kindRound && len(i.payload) >= 32 {
		return i.payload[32:]
	}
	return i.payload
}

// head tells how much is stored. Every Append writes a new one as its last act, so an Append whose
// head is not there did not happen.
type head struct {
	seq   uint64 // number of Appends
	count crdt.Count
	sum   digestSum // over everything counted
	tip   [32]byte
}

const headSize = 8 + 3*8 + 32 + 32

// ring is how many of the last heads are kept, so that one that the anchor names can be compared.
const ring = 64

func (h *head) encode() []byte {
	b := make([]byte, 0, headSize)
	for _, v := range []uint64{h.seq, h.count.Events, h.count.Rounds, h.count.Commits} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	for _, lane := range h.sum {
		b = binary.BigEndian.AppendUint64(b, lane)
	}
	return append(b, h.tip[:]...)
}

func decodeHead(b []byte) (h head, ok bool) {
	if len(b) != headSize {
		return head{}, false
	}
	next := func() (v uint64) {
		v, b = binary.BigEndian.Uint64(b), b[8:]
		return v
	}
	h.seq, h.count = next(), crdt.Count{Events: next(), Rounds: next(), Commits: next()}
	for i := range h.sum {
		h.sum[i] = next()
	}
	h.tip = [32]byte(b)
	return h, true
}

// counter is the count of one kind.
func (h *head) counter(kind byte) *uint64 {
	switch kind {
	case kindEvent:
		return &h.count.Events
	case kindRound:
		return &h.count.Rounds
	}
	return &h.count.Commits
}

// digestSum is the sum of digests, lane by lane. Digests contain kind and index, so the sum stands
// for the sequence and can be computed in any order. It is made to notice accidents: whoever can
// write the disk can write a fitting sum too.
type digestSum [4]uint64

func (s *digestSum) add(digest [32]byte) {
	for i := range s {
		s[i] += binary.BigEndian.Uint64(digest[8*i:])
	}
}

// join adds another sum.
func (s *digestSum) join(o digestSum) {
	for i := range s {
		s[i] += o[i]
	}
}

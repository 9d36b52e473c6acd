package event

import (
	"crypto/sha256"

	"github.com/sustainy/coop/identity"
)

// Header is an event without its body, as its author signed it: enough to prove who gave which number to
// something, however large that something is.
type Header struct {
	Coop   ID // zero for a founding event
	Key    identity.PublicKey
	Seq    uint64
	Digest [2 * sha256.Size]byte // what the signature is over: two headers are of one event if these are equal
}

// digest is what an author signs: the hash of the core up to the body, then that of the body. The id covers
// both in one, so nothing but a signature can be verified without the body.
func digest(core []byte, body int) (d [2 * sha256.Size]byte) {
	head, rest := sha256.Sum256(core[:len(core)-body]), sha256.Sum256(core[len(core)-body:])
	copy(d[copy(d[:], head[:]):], rest[:])
	return d
}

// Header is the event's header and the bytes from which OpenHeader reads it: [core up to the body, hash of
// the body, signature].
func (e *Event) Header() (Header, []byte) {
	core, _, err := halves(e.Raw)
	if err != nil {
		panic("event: invariant: an event has an envelope: " + err.Error())
	}
	h := Header{e.Coop, e.Key, e.Seq, digest(core, len(e.Body))}
	raw, err := Marshal(header{Head: core[:len(core)-len(e.Body)], Sum: h.Digest[sha256.Size:], Sig: e.Sig[:]})
	if err != nil {
		panic("event: invariant: a header can be written: " + err.Error())
	}
	return h, raw
}

type header struct {
	_    struct{} `cbor:",toarray"`
	Head []byte
	Sum  []byte
	Sig  []byte
}

// OpenHeader reads a header: canonical, within the limits of an event and signed. Whether there is a body
// to it that makes an event of it, it does not tell: its author has given away the number anyhow.
func OpenHeader(raw []byte) (Header, error) {
	if len(raw) == 0 || len(raw) > MaxHeader {
		return Header{}, ErrSize
	}
	r := reader{scanner: scanner{raw}}
	r.array(3)
	head, sum, sig := r.bytes(), r.bytes(), r.bytes()
	if r.err == nil && len(r.rest) > 0 {
		r.err = ErrCanonical
	}
	if r.err != nil {
		return Header{}, r.err
	}
	if len(sum) != sha256.Size || len(sig) != len(identity.Signature{}) {
		return Header{}, ErrSignature
	}
	const none = 0xa0 // an empty map stands where the body would
	c, err := readCore(append(head[:len(head):len(head)], none))
	if err != nil {
		return Header{}, err
	}
	if len(c.Body) != 1 || c.Body[0] != none {
		return Header{}, ErrMalformed
	}
	if err := c.check(); err != nil {
		return Header{}, err
	}
	h := Header{Coop: c.Coop, Key: identity.PublicKey(c.Key), Seq: c.Seq}
	first := sha256.Sum256(head)
	copy(h.Digest[copy(h.Digest[:], first[:]):], sum)
	if !identity.Verify(h.Key, signed(h.Digest), identity.Signature(sig)) {
		return Header{}, ErrSignature
	}
	return h, nil
}

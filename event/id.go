package event

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// ID names an event: the SHA-256 of its core. Written for people and other tools it is a CIDv1
// (dag-cbor, sha2-256) in base32. The zero ID means "none".
type ID [32]byte

// ErrID is the answer to a text that names no event.
var ErrID = errors.New("this is not the id of an event: expected a CIDv1 of dag-cbor and sha2-256, such as bafyrei…")

// linkPrefix is how a link begins in dag-cbor: tag 42, a byte string of 37 bytes, the multibase
// identity prefix 0x00, then CIDv1, dag-cbor, sha2-256, 32 bytes.
const linkPrefix = "\xd8\x2a\x58\x25\x00\x01\x71\x12\x20"

const linkSize = len(linkPrefix) + 32

// null is CBOR's null, which stands for "no link".
const null = 0xf6

// CID is the id as a content identifier.
func (id ID) CID() cid.Cid {
	hash, err := multihash.Encode(id[:], multihash.SHA2_256)
	if err != nil {
		panic("event: invariant: sha2-256 is a known hash: " + err.Error())
	}
	return cid.NewCidV1(cid.DagCBOR, hash)
}

// String is the CID in base32.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return id.CID().String()
}

// Short is the end of the CID, for tables; people type it as a suffix or prefix of nothing.
func (id ID) Short() string {
	text := id.String()
	return text[max(0, len(text)-8):]
}

// ParseID reads a CID. It returns ErrID for anything else.
func ParseID(text string) (ID, error) {
	var id ID
	if len(text) > 128 {
		return id, ErrID
	}
	c, err := cid.Decode(text)
	if err != nil {
		return id, ErrID
	}
	p := c.Prefix()
	if p.Version != 1 || p.Codec != cid.DagCBOR || p.MhType != multihash.SHA2_256 || p.MhLength != 32 {
		return id, ErrID
	}
	hash := c.Hash()
	copy(id[:], hash[len(hash)-32:])
	if id.String() != text {
		return ID{}, ErrID
	}
	return id, nil
}

// Compare orders ids by their bytes.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// Prefix is the first eight bytes, big-endian.
func (id ID) Prefix() uint64 { return binary.BigEndian.Uint64(id[:]) }

// IsZero tells whether the id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText writes the CID, so that JSON shows it.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads a CID; an empty text is no id.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// MarshalCBOR writes the id as an IPLD link, none as null.
func (id ID) MarshalCBOR() ([]byte, error) {
	if id.IsZero() {
		return []byte{null}, nil
	}
	out := make([]byte, 0, linkSize)
	return append(append(out, linkPrefix...), id[:]...), nil
}

// UnmarshalCBOR reads an IPLD link of the one form there is, or null.
func (id *ID) UnmarshalCBOR(b []byte) error {
	if len(b) == 1 && b[0] == null {
		*id = ID{}
		return nil
	}
	if len(b) != linkSize || string(b[:len(linkPrefix)]) != linkPrefix {
		return ErrLink
	}
	copy(id[:], b[len(linkPrefix):])
	return nil
}

// Time is a moment in milliseconds since 1970 in UTC.
type Time uint64

// UTC is the moment as a time.Time.
func (t Time) UTC() time.Time { return time.UnixMilli(int64(t)).UTC() }

// String is the moment in RFC 3339.
func (t Time) String() string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

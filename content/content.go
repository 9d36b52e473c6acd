// Package content keeps files by what is in them.
//
// Its one idea: the address of a file is its BLAKE3 hash, and that hash is the root of a tree over its
// parts. So a piece of a file can be proven against the address alone, in whatever order and from
// whomever it comes (verified streaming, "Bao": O'Connor, Aumasson, Neves and Wilcox-O'Hearn, BLAKE3,
// 2020, section 6.4). Who fetches a file believes nobody: not the peer that sends it, nor the disk
// that kept half of it when the power went.
//
// A Store is a directory of whole files, each with its tree beside it, and of parts, which are files
// that are being fetched. A part grows from its beginning, one proven piece at a time, so its length
// says where to go on.
//
// An address is a CID, version 1: raw bytes, BLAKE3 with 256 bits. The package knows no network and no
// cooperative.
package content

import (
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"
)

// Bounds on a file and on what is asked for at a time.
const (
	MaxFile = 1 << 30 // bytes of a file
	Piece   = 1 << 20 // bytes that are proven, asked for and kept at a time; whole groups
	group   = 4       // log2 of the chunks of 1 KiB under one leaf of the tree: 16 KiB
)

// MaxProof is how long a proven piece can be: the size, the piece, and two hashes a level of the tree, on the way
// to the piece and inside of it.
const MaxProof = 8 + Piece + 64*(40+Piece>>(10+group))

// What can be wrong with a file.
var (
	ErrAddress = errors.New("this is no address of a file: it is a CID, version 1, of raw bytes with BLAKE3 (it begins with bafkr4i)")
	ErrEmpty   = errors.New("the file is empty: there is nothing to keep")
	ErrLarge   = fmt.Errorf("the file is larger than %d MiB, the most that is kept: split it", MaxFile>>20)
	ErrAbsent  = errors.New("this file is not kept here")
	ErrProof   = errors.New("what came is not part of this file: its hash says otherwise")
	ErrDamaged = errors.New("the file was damaged on this disk: it is not what its address says")
	ErrRange   = errors.New("there is no such piece of the file")
)

// File is a file and how much of it is here.
type File struct {
	ID   ID     `json:"id"`
	Size uint64 `json:"size"` // bytes; of a part 0 until the first piece is proven
	Have uint64 `json:"have"` // bytes; Size once it is whole
}

// Whole tells whether all of it is here.
func (f File) Whole() bool { return f.Size > 0 && f.Have == f.Size }

// ID is the address of a file: its BLAKE3 hash. In writing it is a CID.
type ID [32]byte

// String is the CID.
func (id ID) String() string {
	hash, err := mh.Encode(id[:], mh.BLAKE3)
	if err != nil {
		panic("content: invariant: a BLAKE3 hash is a multihash: " + err.Error())
	}
	return cid.NewCidV1(cid.Raw, hash).String()
}

// MarshalText writes the CID.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads a CID; see Parse.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = Parse(string(text))
	return err
}

// Parse reads an address, in its one spelling.
func Parse(text string) (id ID, err error) {
	c, err := cid.Decode(text)
	if err != nil || c.Version() != 1 || c.Type() != cid.Raw {
		return id, ErrAddress
	}
	hash, err := mh.Decode(c.Hash())
	if err != nil || hash.Code != mh.BLAKE3 || len(hash.Digest) != len(id) {
		return id, ErrAddress
	}
	copy(id[:], hash.Digest)
	if id.String() != text {
		return ID{}, ErrAddress
	}
	return id, nil
}

package governance

import (
	"fmt"
	"slices"

	"github.com/sustainy/coop/event"
)

// MaxRefounding bounds a re-founding in bytes; about 1,400 members can assent to it.
const MaxRefounding = 256 << 10

// refoundingFile is a re-founding as it is kept and sent. It is an array of four, so its first byte tells
// it from a round block and from a certificate, among which it stands.
type refoundingFile struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Kind    string
	Text    RefoundingText
	Assents []Assent
}

// IsRefounding tells a re-founding from whatever else is kept among round blocks by its first byte.
func IsRefounding(raw []byte) bool { return len(raw) > 0 && raw[0] == 0x84 }

// Raw is the re-founding in its one spelling.
func (r *Refounding) Raw() []byte {
	raw, err := event.Marshal(refoundingFile{Version: 1, Kind: "refound", Text: r.Text, Assents: r.Assents})
	if err != nil {
		panic("governance: invariant: a re-founding can be written: " + err.Error())
	}
	return raw
}

// OpenRefounding reads what Raw wrote. Whether it holds, CheckRefounding tells.
func OpenRefounding(raw []byte) (*Refounding, error) {
	var f refoundingFile
	if len(raw) > MaxRefounding {
		return nil, fmt.Errorf("this is no re-founding: it is larger than %d bytes", MaxRefounding)
	}
	if err := event.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("this is no re-founding: %w", err)
	}
	if f.Version != 1 || f.Kind != "refound" {
		return nil, fmt.Errorf("this is no re-founding of version 1: perhaps a newer coop wrote it")
	}
	return &Refounding{f.Text, f.Assents}, nil
}

// Join adds the assents of another copy of the same re-founding, one a member; it is false if it is another
// one.
func (r *Refounding) Join(other *Refounding) bool {
	if r.Text.Digest() != other.Text.Digest() {
		return false
	}
	for _, a := range other.Assents {
		at, has := slices.BinarySearchFunc(r.Assents, a, func(x, y Assent) int { return x.Member.Compare(y.Member) })
		if !has {
			r.Assents = slices.Insert(r.Assents, at, a)
		}
	}
	return true
}

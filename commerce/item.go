package commerce

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/tokens"
)

// ItemKind tells what an item is.
type ItemKind string

// The kinds of item.
const (
	AnElement   ItemKind = "element"  // its ID is that of its token
	AnOffer     ItemKind = "offer"    // a product or a bundle: its ID is that of NewOfferID
	APlace      ItemKind = "mission"  // something else that gathers money: its ID is what names it there
	TheTreasury ItemKind = "treasury" // its ID is zero
)

// Item is what money can go to: what is sold, or what a buyer steers to.
type Item struct {
	Kind ItemKind `cbor:"kind" json:"kind"`
	ID   event.ID `cbor:"id" json:"id"`
}

// ElementOf is the element of a token.
func ElementOf(asset tokens.Asset) Item { return Item{AnElement, event.ID(asset)} }

// OfferOf is a product or a bundle.
func OfferOf(id event.ID) Item { return Item{AnOffer, id} }

// Compare orders by id, then by kind.
func (i Item) Compare(other Item) int {
	return cmp.Or(i.ID.Compare(other.ID), cmp.Compare(i.Kind, other.Kind))
}

// Prefix is that of the id.
func (i Item) Prefix() uint64 { return i.ID.Prefix() }

func (i Item) asset() tokens.Asset { return tokens.Asset(i.ID) }

// NewOfferID names the n-th product or bundle that an act makes: SHA-256 of "coop/offer/1", a zero byte,
// the act's id and n (8 bytes, big-endian).
func NewOfferID(act event.ID, n uint64) event.ID {
	b := append([]byte("coop/offer/1\x00"), act[:]...)
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, n))
}

// sale is what an item that is on sale costs, and the event that set this price; or why it is not on sale.
func (s *State) sale(i Item) (price Price, set event.ID, err error) {
	switch i.Kind {
	case AnElement:
		e, ok := s.Elements.Get(i.asset())
		if !ok {
			err = ErrUnknownItem
		} else if e.Withdrawn {
			err = ErrWithdrawn
		}
		return e.Price, e.Change, err
	case AnOffer:
		o, ok := s.Offers.Get(i.ID)
		if !ok {
			err = ErrUnknownItem
		} else if o.Withdrawn {
			err = ErrWithdrawn
		} else if o.Broken {
			err = ErrBroken
		}
		return o.Price, o.Change, err
	}
	return Price{}, event.ID{}, ErrUnknownItem
}

// on tells why an item is not on sale, or nil.
func (s *State) on(i Item) error {
	_, _, err := s.sale(i)
	return err
}

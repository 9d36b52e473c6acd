package tokens

import (
	"bytes"
	"cmp"
	"math/bits"

	"github.com/sustainy/coop/event"
)

// Side is what an order wants.
type Side string

// The sides of the market.
const (
	Buy  Side = "buy"
	Sell Side = "sell"
)

// Order is an offer to buy or sell so many units at a limit or better. What it would give is in escrow:
// Left units, or the price of them.
type Order struct {
	Owner Account    `cbor:"owner" json:"owner"`
	Asset Asset      `cbor:"asset" json:"asset"`
	Side  Side       `cbor:"side" json:"side"`
	Price uint64     `cbor:"price" json:"price"` // limit, in minor units of the currency for one unit of the token
	Units uint64     `cbor:"units" json:"units"` // when it was placed
	Left  uint64     `cbor:"left" json:"left"`   // of these
	Batch uint64     `cbor:"batch" json:"batch"` // the first batch that it took part in
	Until event.Time `cbor:"until" json:"until"` // coop time from which it is void
	At    event.Time `cbor:"at" json:"at"`       // coop time when it was placed
}

// PlaceOrder is the body of tokens.order.
type PlaceOrder struct {
	Side  Side       `cbor:"side" json:"side"`
	Asset Asset      `cbor:"asset" json:"asset"`
	Units uint64     `cbor:"units" json:"units"`
	Price uint64     `cbor:"price" json:"price"`
	Until event.Time `cbor:"until" json:"until"`
}

// Rank is an order's place in the book: of each token first those to buy, the highest price first, then
// those to sell, the lowest first. Of one price earlier batches come first; inside a batch the place
// means nothing (see allot).
type Rank struct {
	Asset Asset    `cbor:"asset"`
	Side  Side     `cbor:"side"`
	Price uint64   `cbor:"price"`
	Batch uint64   `cbor:"batch"`
	ID    event.ID `cbor:"id"`
}

// Compare orders as said at Rank.
func (r Rank) Compare(other Rank) int {
	price := cmp.Compare(r.Price, other.Price)
	if r.Side == Buy {
		price = -price
	}
	return cmp.Or(r.Asset.Compare(other.Asset), cmp.Compare(r.Side, other.Side), price, cmp.Compare(r.Batch, other.Batch), bytes.Compare(r.ID[:], other.ID[:]))
}

func (o *Order) rank(id event.ID) Rank { return Rank{o.Asset, o.Side, o.Price, o.Batch, id} }

// stake is what so many units of an order hold in escrow: of which asset, how much.
func (o *Order) stake(units uint64) (Asset, uint64) {
	if o.Side == Sell {
		return o.Asset, units
	}
	return Currency, o.Price * units // checked when the order was placed
}

// Place puts an order into the book. It takes part in the batch that is cleared at the end of its commit.
func (s *State) Place(a Act, b PlaceOrder) error {
	t, ok := s.Tokens.Get(b.Asset)
	if !ok {
		return ErrUnknownToken
	}
	if !t.Rule.tradable() {
		return ErrNotTradable
	}
	if b.Side != Buy && b.Side != Sell {
		return ErrSide
	}
	if b.Units < 1 || b.Units > MaxAmount {
		return ErrAmount
	}
	if high, cost := bits.Mul64(b.Units, b.Price); b.Price < 1 || high > 0 || cost > MaxAmount {
		return ErrPrice
	}
	if b.Until <= a.Time || b.Until > a.Time+MaxPeriod {
		return ErrUntil
	}
	if b.Side == Buy {
		if err := mayHold(a.People, t.Rule, a.By); err != nil {
			return err
		}
	}
	if s.Orders.Has(a.ID) {
		return ErrOrderTwice
	}
	if s.full(a.By) {
		return ErrOpenFull
	}
	for id := range s.open(a.By, b.Asset) {
		if own, ok := s.Orders.Get(id); ok && own.Side != b.Side && crosses(b.Side, b.Price, own.Price) {
			return ErrSelfTrade
		}
	}
	o := Order{Owner: a.By, Asset: b.Asset, Side: b.Side, Price: b.Price, Units: b.Units, Left: b.Units, Batch: s.Batch, Until: b.Until, At: a.Time}
	asset, amount := o.stake(o.Left)
	if err := s.Affords(a.People, asset, a.By, amount); err != nil {
		return err
	}

	s.Move(asset, a.By, Escrow(a.ID), amount, a.ID)
	s.Orders.Set(a.ID, o)
	s.Book.Set(o.rank(a.ID), struct{}{})
	s.Owned.Set(Stake{o.Owner, o.Asset, a.ID}, struct{}{})
	s.Agenda.Set(Due{o.Until, a.ID}, struct{}{})
	s.Fresh.Set(o.Asset, struct{}{})
	return nil
}

// crosses tells whether an order on this side at this price could trade with one on the other side.
func crosses(side Side, price, other uint64) bool {
	if side == Buy {
		return price >= other
	}
	return price <= other
}

// drop takes an order out of the market; what is left in escrow goes back to its owner.
func (s *State) drop(id event.ID, o Order, by event.ID) {
	asset, amount := o.stake(o.Left)
	s.Move(asset, Escrow(id), o.Owner, amount, by)
	s.remove(id, o)
}

// remove deletes an order whose escrow is empty.
func (s *State) remove(id event.ID, o Order) {
	s.Inherit(o.Asset, Escrow(id), o.Owner)
	s.Orders.Delete(id)
	s.Book.Delete(o.rank(id))
	s.Owned.Delete(Stake{o.Owner, o.Asset, id})
	s.Agenda.Delete(Due{o.Until, id})
}

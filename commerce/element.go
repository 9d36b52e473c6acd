package commerce

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/text"
	"github.com/sustainy/coop/tokens"
)

// Price is what a buyer pays for one piece, in minor units of the currency.
type Price struct {
	Amount uint64 `cbor:"amount" json:"amount"`
	Open   bool   `cbor:"open" json:"open"` // at least Amount, which may be 0 then: the buyer says how much
}

// check tells why nothing can be sold at this price, or nil.
func (p Price) check() error {
	if p.Amount > MaxAmount || p.Amount < 1 && !p.Open {
		return ErrPrice
	}
	return nil
}

// Element is a priced piece of work. What it brings goes to the holders of its token.
type Element struct {
	Title     string       `cbor:"title" json:"title"`
	Asset     tokens.Asset `cbor:"asset" json:"asset"`
	Mission   event.ID     `cbor:"mission" json:"mission"` // that it was made for; zero when the Assembly made it
	Price     Price        `cbor:"price" json:"price"`
	Withdrawn bool         `cbor:"withdrawn" json:"withdrawn"` // not sold any more, nor what contains it
	Since     event.Time   `cbor:"since" json:"since"`
	Event     event.ID     `cbor:"event" json:"event"`   // that made it; of an act of the Assembly, the proposal
	Change    event.ID     `cbor:"change" json:"change"` // that set the price
}

// NewElement is the body of commerce.element, an act of the Assembly: the work behind a token is for sale,
// or again so.
type NewElement struct {
	Asset tokens.Asset `cbor:"asset" json:"asset"`
	Title string       `cbor:"title" json:"title"`
	Price Price        `cbor:"price" json:"price"`
}

// NewElement puts the work behind an existing token up for sale.
func (s *State) NewElement(a Act, b NewElement) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	old, _ := s.Elements.Get(b.Asset)
	return s.AddElement(a, Element{Title: b.Title, Asset: b.Asset, Mission: old.Mission, Price: b.Price})
}

// AddElement adds an element; Since, Event and Change are filled in. Whoever calls it answers for that it
// may come into being: the Assembly has decided so, or a mission was awarded.
func (s *State) AddElement(a Act, e Element) error {
	if !text.Line(e.Title, MaxTitle) {
		return ErrTitle
	}
	if !a.Ledger.Tokens.Has(e.Asset) {
		return ErrNoToken
	}
	if old, ok := s.Elements.Get(e.Asset); ok && !old.Withdrawn {
		return ErrElementTwice
	}
	if err := e.Price.check(); err != nil {
		return err
	}

	e.Since, e.Event, e.Change = a.Time, a.ID, a.ID
	s.Elements.Set(e.Asset, e)
	return nil
}

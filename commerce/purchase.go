package commerce

import (
	"math/bits"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/text"
	"github.com/sustainy/coop/tokens"
)

// Steer is one slider of a purchase: so much of what is paid goes there.
type Steer struct {
	To     Item   `cbor:"to" json:"to"`
	Amount uint64 `cbor:"amount" json:"amount"` // minor units
}

// Order is what somebody buys, and how the money is to go.
type Order struct {
	Item  Item    `cbor:"item" json:"item"`
	Count uint64  `cbor:"count" json:"count"` // pieces
	Pay   uint64  `cbor:"pay" json:"pay"`     // at an open price what is paid, at a fixed one the most that would be
	Steer []Steer `cbor:"steer" json:"steer"` // the treasury among them, if it is to have another part than by default
}

// Buy is the body of commerce.buy.
type Buy struct {
	Order
	Memo string `cbor:"memo" json:"memo"`
}

// Sell is the body of commerce.sell, signed by a cashier: somebody without an account has paid outside.
type Sell struct {
	Order
	Buyer   identity.PublicKey `cbor:"buyer" json:"buyer"`     // whose purchase counts as theirs; zero: of whoever it was
	Receipt string             `cbor:"receipt" json:"receipt"` // what proves it outside; counts once
	Memo    string             `cbor:"memo" json:"memo"`
}

// Refund is the body of commerce.refund: a purchase is given back.
type Refund struct {
	Purchase event.ID `cbor:"purchase" json:"purchase"`
	Receipt  string   `cbor:"receipt" json:"receipt"` // of a cashier's sale: what proves that the money was given back
	Memo     string   `cbor:"memo" json:"memo"`
}

// Phase is what became of a purchase.
type Phase string

// The phases.
const (
	Held     Phase = "held"     // the money is in escrow: it can be given back
	Paid     Phase = "paid"     // the money has gone where it was to go
	Refunded Phase = "refunded" // it was given back
)

// Gift is where a part of a purchase went because the buyer steered it there.
type Gift struct {
	To     Item   `cbor:"to" json:"to"`
	Amount uint64 `cbor:"amount" json:"amount"`
	Before uint64 `cbor:"before" json:"before"` // of an offer: what had come to it before this
	Lapsed bool   `cbor:"lapsed" json:"lapsed"` // it could not take it any more
}

// Purchase is the receipt of what was bought. Treasury, the gifts that did not lapse and Rest are all of
// Amount.
type Purchase struct {
	Number   uint64             `cbor:"number" json:"number"` // in the order of all purchases, from 0
	Item     Item               `cbor:"item" json:"item"`
	Count    uint64             `cbor:"count" json:"count"`
	Amount   uint64             `cbor:"amount" json:"amount"` // paid, in minor units
	Treasury uint64             `cbor:"treasury" json:"treasury"`
	Gifts    []Gift             `cbor:"gifts" json:"gifts"`     // never written after they are stored
	Rest     Gift               `cbor:"rest" json:"rest"`       // to what was bought, by its weights
	By       identity.PublicKey `cbor:"by" json:"by"`           // who signed: the buyer, a cashier, or the Assembly
	Buyer    identity.PublicKey `cbor:"buyer" json:"buyer"`     // zero: nobody known
	Earlier  event.ID           `cbor:"earlier" json:"earlier"` // the same buyer's purchase before this; zero: none
	Outside  bool               `cbor:"outside" json:"outside"` // paid outside, to a cashier
	Receipt  string             `cbor:"receipt" json:"receipt"` // of that
	Memo     string             `cbor:"memo" json:"memo"`
	Terms    event.ID           `cbor:"terms" json:"terms"`   // the decision on the terms it was made under
	Priced   event.ID           `cbor:"priced" json:"priced"` // the event that had set the price
	At       event.Time         `cbor:"at" json:"at"`
	Until    event.Time         `cbor:"until" json:"until"` // it can be given back before; At: never could
	Phase    Phase              `cbor:"phase" json:"phase"`
}

// Buy buys something from one's own account.
func (s *State) Buy(a Act, b Buy) error {
	if a.assembly() {
		return ErrOwnShop
	}
	if !text.Prose(b.Memo, tokens.MaxMemo) {
		return tokens.ErrMemo
	}
	p, err := s.plan(a, b.Order)
	if err != nil {
		return err
	}
	if err := a.Ledger.Affords(a.People, tokens.Currency, a.By, p.Amount); err != nil {
		return err
	}

	p.By, p.Buyer, p.Memo = a.By.Key(), a.By.Key(), b.Memo
	s.take(a, p, a.By)
	return nil
}

// Sell books a purchase of somebody who has paid outside.
func (s *State) Sell(a Act, b Sell) error {
	if a.assembly() {
		return ErrOwnShop
	}
	if !b.Buyer.IsZero() && b.Buyer.Check() != nil {
		return ErrBuyer
	}
	if !b.Buyer.IsZero() && tokens.Member(b.Buyer) == a.By {
		return ErrOwnSale
	}
	p, err := s.plan(a, b.Order)
	if err != nil {
		return err
	}
	if err := a.Ledger.CanTakeIn(a.Act, p.Amount, b.Receipt, b.Memo); err != nil {
		return err
	}

	a.Ledger.TakeIn(a.Act, p.Amount, b.Receipt)
	p.By, p.Buyer, p.Outside, p.Receipt, p.Memo = a.By.Key(), b.Buyer, true, b.Receipt, b.Memo
	s.take(a, p, tokens.Issue)
	return nil
}

// plan checks an order, and works out where its money is to go.
func (s *State) plan(a Act, o Order) (Purchase, error) {
	price, priced, err := s.sale(o.Item)
	if err != nil {
		return Purchase{}, err
	}
	if o.Count < 1 || o.Count > MaxCount {
		return Purchase{}, ErrCount
	}
	high, amount := bits.Mul64(price.Amount, o.Count)
	if high > 0 || amount > o.Pay {
		return Purchase{}, ErrStale
	}
	if price.Open {
		amount = o.Pay
	}
	if amount < 1 || amount > MaxAmount {
		return Purchase{}, tokens.ErrAmount
	}
	p := Purchase{Item: o.Item, Count: o.Count, Amount: amount, Treasury: ShareOf(amount, s.Terms.Default), Terms: s.Terms.Event,
		Priced: priced, At: a.Time, Until: a.Time + s.Terms.Window}
	if err := s.steer(a, &p, o.Steer); err != nil {
		return Purchase{}, err
	}
	if _, room := space(a.Ledger, o.Item); p.Rest.Amount > room {
		return Purchase{}, tokens.ErrTooMuch
	}
	return p, nil
}

// steer checks the sliders of a purchase and divides its amount by them.
func (s *State) steer(a Act, p *Purchase, sliders []Steer) error {
	if len(sliders) > MaxSteers {
		return ErrSteers
	}
	steered := uint64(0)
	targets := make([]Item, 0, len(sliders))
	for _, slider := range sliders {
		if slider.Amount > p.Amount-steered || slider.Amount < 1 && slider.To.Kind != TheTreasury {
			return ErrSteers
		}
		targets = append(targets, slider.To)
		if slider.To == (Item{Kind: TheTreasury}) {
			p.Treasury = slider.Amount
			continue
		}
		if err := s.room(a, slider.To, slider.Amount); err != nil {
			return err
		}
		steered += slider.Amount
		p.Gifts = append(p.Gifts, Gift{To: slider.To, Amount: slider.Amount})
	}
	if !text.Distinct(targets) {
		return ErrSteers
	}
	if p.Treasury < ShareOf(p.Amount, s.Terms.Least) || p.Treasury > ShareOf(p.Amount, s.Terms.Most) {
		return ErrTreasury
	}
	if steered > ShareOf(p.Amount, s.Terms.Steer) {
		return ErrSteered
	}
	p.Rest = Gift{To: p.Item, Amount: p.Amount - p.Treasury - steered}
	return nil
}

// room tells why an item cannot be given so much, or nil.
func (s *State) room(a Act, i Item, amount uint64) error {
	if i.Kind == APlace {
		return a.Around.Takes(i.ID, amount)
	}
	if err := s.on(i); err != nil {
		return err
	}
	if _, room := space(a.Ledger, i); amount > room {
		return tokens.ErrTooMuch
	}
	return nil
}

// space is how much more can ever be counted of what comes to an item, nothing if it is not sold here; and what
// has come to an offer.
func space(ledger *tokens.State, i Item) (came, room uint64) {
	switch i.Kind {
	case AnElement:
		t, _ := ledger.Tokens.Get(i.asset())
		return 0, MaxAmount - t.Income
	case AnOffer:
		split, _ := ledger.Splits.Get(i.ID)
		return split.Total, MaxAmount - split.Total
	}
	return 0, 0
}

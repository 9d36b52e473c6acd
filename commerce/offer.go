package commerce

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
	"github.com/sustainy/coop/tokens"
)

// OfferKind tells products from bundles.
type OfferKind string

// The kinds of offer.
const (
	Product OfferKind = "product" // of elements
	Bundle  OfferKind = "bundle"  // of elements, products and bundles
)

// Portion is what one part has of an offer: Weight of the sum of all weights.
type Portion struct {
	Item   Item   `cbor:"item" json:"item"`
	Weight uint64 `cbor:"weight" json:"weight"`
}

// Offer is a product or a bundle. What it is made of never changes. Its split of the ledger, under the same
// id, knows the share of every token, all the way down.
type Offer struct {
	Kind      OfferKind  `cbor:"kind" json:"kind"`
	Name      string     `cbor:"name" json:"name"` // a label
	Title     string     `cbor:"title" json:"title"`
	Portions  []Portion  `cbor:"portions" json:"portions"`
	Price     Price      `cbor:"price" json:"price"`
	Depth     uint64     `cbor:"depth" json:"depth"`         // of offers inside, itself counted
	Withdrawn bool       `cbor:"withdrawn" json:"withdrawn"` // for good
	Broken    bool       `cbor:"broken" json:"broken"`       // something inside was withdrawn
	Since     event.Time `cbor:"since" json:"since"`
	Event     event.ID   `cbor:"event" json:"event"`   // that made it
	Change    event.ID   `cbor:"change" json:"change"` // that set the price
}

// NewOffer is the body of commerce.offer, an act of the Assembly: a product or a bundle is for sale.
// NewOfferID(proposal, Number) names it.
type NewOffer struct {
	Number   uint64    `cbor:"number" json:"number"` // tells apart the offers that one proposal makes
	Kind     OfferKind `cbor:"kind" json:"kind"`
	Name     string    `cbor:"name" json:"name"`
	Title    string    `cbor:"title" json:"title"`
	Portions []Portion `cbor:"portions" json:"portions"`
	Price    Price     `cbor:"price" json:"price"`
}

// SetPrice is the body of commerce.price, an act of the Assembly.
type SetPrice struct {
	Item  Item  `cbor:"item" json:"item"`
	Price Price `cbor:"price" json:"price"`
}

// Withdraw is the body of commerce.withdraw, an act of the Assembly: this is not sold any more, nor what
// contains it. What it has earned stays its holders'.
type Withdraw struct {
	Item Item `cbor:"item" json:"item"`
}

// NewOffer makes a product or a bundle.
func (s *State) NewOffer(a Act, b NewOffer) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	if b.Kind != Product && b.Kind != Bundle {
		return ErrOfferKind
	}
	if !text.Label(b.Name) {
		return ErrOfferName
	}
	if !text.Line(b.Title, MaxTitle) {
		return ErrTitle
	}
	id := NewOfferID(a.ID, b.Number)
	if s.Names.Has(table.Text(b.Name)) || s.Offers.Has(id) {
		return ErrNameTaken
	}
	if err := b.Price.check(); err != nil {
		return err
	}
	parts, depth, err := s.divide(a.Ledger, b)
	if err != nil {
		return err
	}
	if err := a.Ledger.CanSplit(parts); err != nil {
		return err
	}

	a.Ledger.OpenSplit(id, parts)
	s.Names.Set(table.Text(b.Name), id)
	s.Offers.Set(id, Offer{Kind: b.Kind, Name: b.Name, Title: b.Title, Portions: b.Portions, Price: b.Price, Depth: depth,
		Since: a.Time, Event: a.ID, Change: a.ID})
	return nil
}

// divide works out the share of every token in a new offer. A share is the product of the weights on the
// way down to it, so an element that is in by two ways has two parts.
func (s *State) divide(ledger *tokens.State, b NewOffer) (parts []tokens.Part, depth uint64, err error) {
	if len(b.Portions) < 1 || len(b.Portions) > MaxParts {
		return nil, 0, ErrParts
	}
	whole := uint64(0)
	items := make([]Item, 0, len(b.Portions))
	for _, p := range b.Portions {
		if p.Weight < 1 || p.Weight > MaxWeight-whole {
			return nil, 0, ErrWeight
		}
		whole += p.Weight
		items = append(items, p.Item)
	}
	if !text.Distinct(items) {
		return nil, 0, ErrParts
	}
	for _, p := range b.Portions {
		if b.Kind == Product && p.Item.Kind != AnElement {
			return nil, 0, ErrProduct
		}
		if err := s.on(p.Item); err != nil {
			return nil, 0, err
		}
		if p.Item.Kind == AnElement {
			parts = append(parts, reduced(p.Item.asset(), p.Weight, whole))
			continue
		}
		inner, _ := s.Offers.Get(p.Item.ID)
		if depth = max(depth, inner.Depth); depth >= MaxDepth {
			return nil, 0, ErrDepth
		}
		split, _ := ledger.Splits.Get(p.Item.ID)
		for _, part := range split.Parts {
			parts = append(parts, reduced(part.Asset, part.Num*p.Weight, part.Den*whole))
		}
	}
	if len(parts) > MaxParts {
		return nil, 0, ErrParts
	}
	return parts, depth + 1, nil
}

// reduced is a share in lowest terms.
func reduced(asset tokens.Asset, n, d uint64) tokens.Part {
	a, b := n, d
	for b > 0 {
		a, b = b, a%b
	}
	return tokens.Part{Asset: asset, Num: n / a, Den: d / a}
}

// SetPrice changes what something costs from now on.
func (s *State) SetPrice(a Act, b SetPrice) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	if err := s.on(b.Item); err != nil {
		return err
	}
	if err := b.Price.check(); err != nil {
		return err
	}

	if b.Item.Kind == AnElement {
		e, _ := s.Elements.Get(b.Item.asset())
		e.Price, e.Change = b.Price, a.ID
		s.Elements.Set(e.Asset, e)
		return nil
	}
	o, _ := s.Offers.Get(b.Item.ID)
	o.Price, o.Change = b.Price, a.ID
	s.Offers.Set(b.Item.ID, o)
	return nil
}

// Withdraw ends the sale of something, and of what contains it.
func (s *State) Withdraw(a Act, b Withdraw) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	if err := s.on(b.Item); err != nil && err != ErrBroken {
		return err
	}

	if b.Item.Kind == AnElement {
		e, _ := s.Elements.Get(b.Item.asset())
		e.Withdrawn = true
		s.Elements.Set(e.Asset, e)
	} else {
		o, _ := s.Offers.Get(b.Item.ID)
		o.Withdrawn = true
		s.Offers.Set(b.Item.ID, o)
		s.close(a.Ledger, b.Item, a.ID)
	}
	s.breakUp(b.Item)
	return nil
}

// breakUp marks the offers that contain an item. It reads all, which only rare events may.
func (s *State) breakUp(i Item) {
	var broken []event.ID
	for id, o := range table.All(&s.Offers) {
		for _, p := range o.Portions {
			if p.Item == i && !o.Broken {
				broken = append(broken, id)
			}
		}
	}
	for _, id := range broken {
		o, _ := s.Offers.Get(id)
		o.Broken = true
		s.Offers.Set(id, o)
		s.breakUp(OfferOf(id))
	}
}

// close ends the split of an offer that is not sold any more, once no purchase can pay it. Of anything else there
// is nothing to close.
func (s *State) close(ledger *tokens.State, i Item, by event.ID) {
	if i.Kind != AnOffer {
		return
	}
	if o, _ := s.Offers.Get(i.ID); s.over(i.ID, &o) {
		ledger.CloseSplit(i.ID, by)
	}
}

// over tells whether nothing can come to an offer any more.
func (s *State) over(id event.ID, o *Offer) bool {
	if !o.Withdrawn {
		return false
	}
	t, _ := s.Trade.Get(OfferOf(id))
	return t.Held == 0
}

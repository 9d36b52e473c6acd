package commerce

import (
	"math/bits"

	"github.com/sustainy/coop/event"
)

// Terms are what the members agreed for all sales. Shares are in millionths of what is paid, rounded down
// to whole minor units.
type Terms struct {
	Least   uint64     `cbor:"least" json:"least"`     // the treasury's share: a buyer cannot give it less,
	Default uint64     `cbor:"default" json:"default"` // gives this without saying anything,
	Most    uint64     `cbor:"most" json:"most"`       // and not more
	Steer   uint64     `cbor:"steer" json:"steer"`     // the share that a buyer may steer besides, at most
	Window  event.Time `cbor:"window" json:"window"`   // how long a purchase can be given back; 0: not at all

	Event event.ID `cbor:"event" json:"event"` // the decision; zero for those of the beginning
}

// DefaultTerms are those of a cooperative that has not decided on any: a tenth for the treasury, up to half
// steered by the buyer, nothing given back.
func DefaultTerms() Terms {
	return Terms{Least: 50_000, Default: 100_000, Most: 300_000, Steer: 500_000}
}

// SetTerms is the body of commerce.terms, an act of the Assembly. Purchases made before keep theirs.
type SetTerms struct {
	Least   uint64     `cbor:"least" json:"least"`
	Default uint64     `cbor:"default" json:"default"`
	Most    uint64     `cbor:"most" json:"most"`
	Steer   uint64     `cbor:"steer" json:"steer"`
	Window  event.Time `cbor:"window" json:"window"`
}

// SetTerms changes the terms of sale.
func (s *State) SetTerms(a Act, b SetTerms) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	t := Terms{b.Least, b.Default, b.Most, b.Steer, b.Window, a.ID}
	if !t.sound() {
		return ErrTerms
	}
	s.Terms = t
	s.Past.Set(a.ID, t)
	return nil
}

func (t Terms) sound() bool {
	return t.Least <= t.Default && t.Default <= t.Most && t.Most <= Whole && t.Steer <= Whole-t.Most && t.Window <= MaxWindow
}

// ShareOf is a share of an amount, in millionths of it, rounded down.
func ShareOf(amount, millionths uint64) uint64 {
	high, low := bits.Mul64(amount, millionths)
	whole, _ := bits.Div64(high, low, Whole) // fits, because a share is at most the whole
	return whole
}

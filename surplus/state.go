package surplus

import (
	"bytes"
	"cmp"
	"iter"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// Facts is the part of the state that is not a table.
type Facts struct {
	Number      uint64     `cbor:"number" json:"number"`           // distributions so far, and so the number of the next
	Since       event.Time `cbor:"since" json:"since"`             // when the open period began
	Earned      uint64     `cbor:"earned" json:"earned"`           // by sales, for the treasury, ever, in minor units
	Distributed uint64     `cbor:"distributed" json:"distributed"` // of that, the reserves included
}

// State is the surplus. A copy made by Copy is a snapshot; a plain assignment is not.
type State struct {
	Facts
	Bought        table.Table[identity.PublicKey, uint64] // what purchases of the open period brought the treasury, by buyer
	Makers        table.Table[Maker, uint64]              // units of an element's token that its makers had first
	Counted       table.Table[tokens.Asset, uint64]       // income of an element's token that earlier periods had
	Distributions table.Table[table.Number, Distribution]
	Allotments    table.Table[Seat, Allotment]
	Capital       table.Table[identity.PublicKey, Account]
}

// Copy is a snapshot.
func (s *State) Copy() State {
	return State{
		Facts:         s.Facts,
		Bought:        s.Bought.Copy(),
		Makers:        s.Makers.Copy(),
		Counted:       s.Counted.Copy(),
		Distributions: s.Distributions.Copy(),
		Allotments:    s.Allotments.Copy(),
		Capital:       s.Capital.Copy(),
	}
}

// Begin is the state of a cooperative founded at a coop time.
func Begin(at event.Time) State { return State{Facts: Facts{Since: at}} }

// OfCapital is the kind of the account that holds what was allotted and is not taken yet.
const OfCapital tokens.AccountKind = "capital"

// Capital is that account.
var Capital = tokens.Account{Kind: OfCapital}

// Maker is somebody who has made an element.
type Maker struct {
	Asset tokens.Asset       `cbor:"asset"`
	Key   identity.PublicKey `cbor:"key"`
}

// Compare orders by element, then by maker.
func (m Maker) Compare(other Maker) int {
	return cmp.Or(m.Asset.Compare(other.Asset), m.Key.Compare(other.Key))
}

// Seat is somebody's place in a distribution.
type Seat struct {
	Number uint64             `cbor:"number"`
	Key    identity.PublicKey `cbor:"key"`
}

// Compare orders by distribution, then by who it is.
func (s Seat) Compare(other Seat) int {
	return cmp.Or(cmp.Compare(s.Number, other.Number), bytes.Compare(s.Key[:], other.Key[:]))
}

// Account is somebody's capital account.
type Account struct {
	Allotted uint64 `cbor:"allotted" json:"allotted"` // ever, in minor units
	Taken    uint64 `cbor:"taken" json:"taken"`       // of that
}

// Allotment is what somebody got of a distribution.
type Allotment struct {
	Amounts []uint64 `cbor:"amounts" json:"amounts"` // for each part; never written after they are stored
	Total   uint64   `cbor:"total" json:"total"`
	Taken   uint64   `cbor:"taken" json:"taken"`
}

// Act is what a rule may know and use besides an event's body.
type Act struct {
	tokens.Act
	Ledger *tokens.State
	Roll   Roll
}

// Roll is what a distribution has to know of the members.
type Roll interface {
	Class(name string) bool                                // the charter has it
	Members() iter.Seq2[identity.PublicKey, tokens.Person] // at present, by key
}

// Sold notes that a sale brought the treasury so much; the buyer may be nobody known.
func (s *State) Sold(buyer identity.PublicKey, margin uint64) {
	s.Earned = min(s.Earned+margin, tokens.MaxAmount)
	if margin > 0 && !buyer.IsZero() {
		sum, _ := s.Bought.Get(buyer)
		s.Bought.Set(buyer, min(sum+margin, tokens.MaxAmount))
	}
}

// Made notes who has made an element: the members who hold its token when it is first sold, at most 256 of
// them, those with most units; of equals the first by key. What the token earned before does not count.
func (s *State) Made(asset tokens.Asset, ledger *tokens.State) {
	if s.Counted.Has(asset) {
		return
	}
	var crowd []weight
	for account, b := range ledger.Holders(asset) {
		if account.Kind == tokens.OfMember && b.Has > 0 {
			crowd = append(crowd, weight{account.Key(), b.Has})
		}
	}
	slices.SortStableFunc(crowd, func(a, b weight) int { return cmp.Compare(b.value, a.value) })
	for _, maker := range crowd[:min(len(crowd), MaxMakers)] {
		s.Makers.Set(Maker{asset, maker.key}, maker.value)
	}
	s.Counted.Set(asset, ledger.Earned(asset))
}

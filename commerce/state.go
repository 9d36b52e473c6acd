package commerce

import (
	"cmp"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// Facts is the part of the shop's state that is not a table.
type Facts struct {
	Terms Terms  `cbor:"terms" json:"terms"`
	Count uint64 `cbor:"count" json:"count"` // purchases ever, and so the number of the next
}

// State is the shop. A copy made by Copy is a snapshot; a plain assignment is not.
type State struct {
	Facts
	Elements  table.Table[tokens.Asset, Element]        // by their tokens
	Offers    table.Table[event.ID, Offer]              // products and bundles
	Names     table.Table[table.Text, event.ID]         // of offers
	Purchases table.Table[event.ID, Purchase]           // by the event that bought
	Agenda    table.Table[Due, event.ID]                // exactly the purchases that can be given back, by when no more
	Trade     table.Table[Item, Trade]                  // what is counted of all that was ever bought or steered to
	Past      table.Table[event.ID, Terms]              // by the decision that set them
	Bought    table.Table[identity.PublicKey, event.ID] // the last purchase of each known buyer, which names the one before
}

// New is the shop before anything is sold.
func New() State {
	s := State{Facts: Facts{Terms: DefaultTerms()}}
	s.Past.Set(event.ID{}, s.Terms)
	return s
}

// Copy is a snapshot.
func (s *State) Copy() State {
	return State{
		Facts:     s.Facts,
		Elements:  s.Elements.Copy(),
		Offers:    s.Offers.Copy(),
		Names:     s.Names.Copy(),
		Purchases: s.Purchases.Copy(),
		Agenda:    s.Agenda.Copy(),
		Trade:     s.Trade.Copy(),
		Past:      s.Past.Copy(),
		Bought:    s.Bought.Copy(),
	}
}

// Escrow is the account of all purchases that can be given back. It is one for all: the purchases say whose
// each unit of it is, and a sale does not get slower with the number of those that wait.
var Escrow = tokens.Escrow(event.ID(tokens.NewAsset(event.ID{}, 0)))

// Act is what a rule may know and use besides an event's body: the event, who acts, and the ledger, in
// which the rule moves money.
type Act struct {
	tokens.Act
	Ledger *tokens.State
	Around Around
}

func (a Act) assembly() bool { return a.By == tokens.Treasury }

// Around is what the shop needs of the rest of the cooperative.
type Around interface {
	// Takes tells why a place cannot be given money, or nil. Places are what buyers may steer money to
	// besides what is sold: missions that gather it.
	Takes(place event.ID, amount uint64) error

	// Give moves money that Takes allows to a place, from an account, on behalf of a buyer; by is the
	// purchase.
	Give(place event.ID, from tokens.Account, buyer identity.PublicKey, amount uint64, by event.ID, at event.Time)

	// Bought notes that somebody has bought for so much, of which margin went to the treasury. The buyer is
	// zero if nobody knows who it was.
	Bought(buyer identity.PublicKey, amount, margin uint64, at event.Time)
}

// Due is a place in the agenda: at coop time At the purchase of this number can be given back no more.
type Due struct {
	At     event.Time `cbor:"at"`
	Number uint64     `cbor:"number"`
}

// Compare orders by time, then by number.
func (d Due) Compare(other Due) int {
	return cmp.Or(cmp.Compare(d.At, other.At), cmp.Compare(d.Number, other.Number))
}

// Prefix is the time.
func (d Due) Prefix() uint64 { return uint64(d.At) }

// Trade is what is counted of an item.
type Trade struct {
	Sold    uint64 `cbor:"sold"`    // pieces, by itself
	Held    uint64 `cbor:"held"`    // purchases that may be given back, and would pay it
	Steered Demand `cbor:"steered"` // of them all that were not given back
}

// Demand is what buyers have steered to an item.
type Demand struct {
	Amount uint64 `cbor:"amount" json:"amount"` // minor units
	Times  uint64 `cbor:"times" json:"times"`
}

// plus adds up to what can be counted.
func plus(a, b uint64) uint64 { return min(a+b, MaxAmount) }

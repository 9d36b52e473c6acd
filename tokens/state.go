package tokens

import (
	"bytes"
	"cmp"
	"iter"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Facts is the part of the ledger's state that is not a table.
type Facts struct {
	Owed  uint64 `cbor:"owed"`  // what members owe of the currency together
	Most  uint64 `cbor:"most"`  // the highest overdraft that any class has ever had
	Batch uint64 `cbor:"batch"` // batches cleared on the market
}

// State is the ledger. A copy made by Copy is a snapshot; a plain assignment is not.
type State struct {
	Facts
	Money      table.Table[Account, Balance] // accounts of the currency
	Holdings   table.Table[Place, Balance]   // accounts of tokens: apart, so that money moves as fast however many holders there are
	Tokens     table.Table[Asset, Token]
	Names      table.Table[table.Text, Asset] // of tokens
	Cashiers   table.Table[identity.PublicKey, Cashier]
	Receipts   table.Table[table.Text, Receipt]
	Overdrafts table.Table[table.Text, uint64] // of classes, in minor units
	Waiting    table.Table[event.ID, Waiting]
	Orders     table.Table[event.ID, Order]
	Book       table.Table[Rank, struct{}]  // exactly the orders, best first on each side
	Owned      table.Table[Stake, struct{}] // exactly the orders and waiting transfers, by owner
	Agenda     table.Table[Due, struct{}]   // the same, by when they end
	Fresh      table.Table[Asset, struct{}] // tokens with orders that came since the last batch
	Prices     table.Table[Tick, Price]
	Splits     table.Table[event.ID, Split]
	Streams    table.Table[Stream, Flow] // exactly the parts of open splits, by token

	watch func(asset Asset, from, to Account, amount uint64) // no part of the state; see Watch
}

// Watch has see called before every move of this state and of the copies made of it later, those included of which
// nothing comes. Who writes statements learns by it where money came from; nothing else depends on it.
func (s *State) Watch(see func(asset Asset, from, to Account, amount uint64)) { s.watch = see }

// Copy is a snapshot.
func (s *State) Copy() State {
	return State{
		Facts:      s.Facts,
		Money:      s.Money.Copy(),
		Holdings:   s.Holdings.Copy(),
		Tokens:     s.Tokens.Copy(),
		Names:      s.Names.Copy(),
		Cashiers:   s.Cashiers.Copy(),
		Receipts:   s.Receipts.Copy(),
		Overdrafts: s.Overdrafts.Copy(),
		Waiting:    s.Waiting.Copy(),
		Orders:     s.Orders.Copy(),
		Book:       s.Book.Copy(),
		Owned:      s.Owned.Copy(),
		Agenda:     s.Agenda.Copy(),
		Fresh:      s.Fresh.Copy(),
		Prices:     s.Prices.Copy(),
		Splits:     s.Splits.Copy(),
		Streams:    s.Streams.Copy(),
		watch:      s.watch,
	}
}

// Person is what the ledger may know of somebody.
type Person struct {
	Known   bool     // a member, or one who was or asks to be
	Member  bool     // at present
	Classes []string // of a member
}

// Register knows people.
type Register interface {
	Person(key identity.PublicKey) Person
}

// Act is what a rule may know of an event besides its body.
type Act struct {
	ID     event.ID // of the event; for an act of the Assembly, of the proposal that decided it
	By     Account  // whose account acts: a member's, or the treasury for the Assembly
	Time   event.Time
	People Register
}

func (a Act) assembly() bool { return a.By == Treasury }

// Stake is an open order or waiting transfer of an account.
type Stake struct {
	Owner Account  `cbor:"owner"`
	Asset Asset    `cbor:"asset"`
	ID    event.ID `cbor:"id"`
}

// Compare orders by owner, asset and id.
func (s Stake) Compare(other Stake) int {
	return cmp.Or(s.Owner.Compare(other.Owner), s.Asset.Compare(other.Asset), s.ID.Compare(other.ID))
}

// Due is a place in the agenda: at coop time At the order or waiting transfer ID ends.
type Due struct {
	At event.Time `cbor:"at"`
	ID event.ID   `cbor:"id"`
}

// Compare orders by time, then by id.
func (d Due) Compare(other Due) int {
	return cmp.Or(cmp.Compare(d.At, other.At), bytes.Compare(d.ID[:], other.ID[:]))
}

// Prefix is the time.
func (d Due) Prefix() uint64 { return uint64(d.At) }

// Balance is what an account has of an asset, its income not settled.
func (s *State) Balance(asset Asset, account Account) Balance {
	if asset == Currency {
		b, _ := s.Money.Get(account)
		return b
	}
	b, _ := s.Holdings.Get(Place{asset, account})
	return b
}

// All yields every account of every asset, the currency's first, its income not settled.
func (s *State) All() iter.Seq2[Place, Balance] {
	return func(yield func(Place, Balance) bool) {
		for account, b := range table.All(&s.Money) {
			if !yield(Place{Currency, account}, b) {
				return
			}
		}
		for place, b := range table.All(&s.Holdings) {
			if !yield(place, b) {
				return
			}
		}
	}
}

// Of is what an account has of an asset, its income settled.
func (s *State) Of(account Account, asset Asset) Balance {
	b := s.Balance(asset, account)
	if t, ok := s.Tokens.Get(asset); ok {
		t.Income = s.Earned(asset)
		t.settle(&b)
	}
	return b
}

// settled is Of where what splits have was gathered.
func (s *State) settled(account Account, asset Asset) Balance {
	b := s.Balance(asset, account)
	if asset == Currency {
		return b
	}
	if t, ok := s.Tokens.Get(asset); ok {
		t.settle(&b)
	}
	return b
}

// Holders yields the accounts of an asset, its income not settled.
func (s *State) Holders(asset Asset) iter.Seq2[Account, Balance] {
	return func(yield func(Account, Balance) bool) {
		if asset == Currency {
			table.All(&s.Money)(yield)
			return
		}
		for place, b := range table.From(&s.Holdings, Place{Asset: asset}) {
			if place.Asset != asset || !yield(place.Account, b) {
				return
			}
		}
	}
}

// open yields the orders and waiting transfers of an account in an asset.
func (s *State) open(owner Account, asset Asset) iter.Seq[event.ID] {
	return func(yield func(event.ID) bool) {
		for stake := range table.From(&s.Owned, Stake{Owner: owner, Asset: asset}) {
			if stake.Owner != owner || stake.Asset != asset || !yield(stake.ID) {
				return
			}
		}
	}
}

// full tells whether an account has as many things open as it may.
func (s *State) full(owner Account) bool {
	n := 0
	for stake := range table.From(&s.Owned, Stake{Owner: owner}) {
		if stake.Owner != owner {
			break
		}
		n++
	}
	return n >= MaxOpen
}

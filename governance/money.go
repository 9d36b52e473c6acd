package governance

import "github.com/sustainy/coop/event"

// Credit is the cooperative's money as programs name it, so that they work in every cooperative. A token is
// named by its id in hexadecimal.
const Credit = "credit"

// Money is what programs see of money: what the treasury had when a proposal was opened, and what each of its
// actions would move out. It is frozen then, so that nobody can turn programs by a payment in the last
// moment, and a backtest finds what the count found.
//
// The hall knows no accounts. Who knows them says what it is, by Freeze.
type Money struct {
	Treasury []Holding `cbor:"treasury,omitempty"` // each asset once, at most program.MaxHoldings
	Asks     []Holding `cbor:"asks,omitempty"`     // of each action in turn; the zero Holding of one that moves nothing out
}

// Holding is an amount of an asset, at most program.MaxAmount.
type Holding struct {
	Asset  string `cbor:"asset"`
	Amount uint64 `cbor:"amount"`
}

// Freeze keeps with a proposal that was just opened what programs see of money.
func (s *State) Freeze(id event.ID, m Money) {
	p, ok := s.Proposals.Get(id)
	if !ok {
		panic("governance: invariant: money of a proposal that is not there")
	}
	p.Money = m
	s.Proposals.Set(id, p)
}

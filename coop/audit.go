package coop

import (
	"errors"
	"fmt"

	"github.com/sustainy/coop/table"
)

// Books is what an audit went through.
type Books struct {
	Accounts uint64 `json:"accounts"` // of the currency and of every token
	Assets   uint64 `json:"assets"`   // whose accounts add up to 0
	Receipts uint64 `json:"receipts"` // whose every unit has a place, a rule and an event
}

// Audit goes through the books: the invariants of all rooms, among them that the accounts of each asset
// add up to 0, and that the lines of each receipt add up to what was paid, each with the event behind it.
func Audit(s *State) (Books, error) {
	b := Books{Assets: 1 + uint64(s.Ledger.Tokens.Len()), Accounts: uint64(s.Ledger.Money.Len() + s.Ledger.Holdings.Len())}
	if broken := Invariants(s); len(broken) > 0 {
		return b, errors.Join(broken...)
	}
	for id := range table.All(&s.Shop.Purchases) {
		v, _ := Receipt(s, id)
		sum := int64(0)
		for _, line := range v.Lines {
			sum += line.Amount
			if line.Event.IsZero() {
				return b, fmt.Errorf("receipt %s has %s for %s without an event", id, s.Hall.Currency.Format(uint64(line.Amount)), line.To)
			}
		}
		if sum < 0 || uint64(sum) != v.Amount {
			return b, fmt.Errorf("receipt %s tells of %d of %d minor units", id, sum, v.Amount)
		}
		b.Receipts++
	}
	return b, nil
}

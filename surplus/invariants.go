package surplus

import (
	"fmt"
	"math/big"

	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

func num(n uint64) *big.Int { return new(big.Int).SetUint64(n) }

// Invariants looks for anything in the state that no sequence of events may lead to. It reads everything,
// and counts in integers without bounds.
func (s *State) Invariants(ledger *tokens.State) []error {
	var broken []error
	report := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Errorf("surplus: invariant: "+format, args...))
		}
	}
	pools, capital := new(big.Int), new(big.Int)
	accounts := table.Table[identity.PublicKey, Account]{}
	seats := 0
	for number, d := range table.All(&s.Distributions) {
		pools.Add(pools, num(d.Pool))
		sums := make([]*big.Int, len(d.Parts))
		for n := range sums {
			sums[n] = new(big.Int)
		}
		for key, own := range s.Allotted(uint64(number)) {
			seats++
			total := new(big.Int)
			for n, amount := range own.Amounts {
				total.Add(total, num(amount))
				if n < len(sums) {
					sums[n].Add(sums[n], num(amount))
				}
			}
			report(total.Cmp(num(own.Total)) == 0 && own.Total > 0 && len(own.Amounts) == len(d.Parts), "%s has %d of distribution %d, in parts %s", key, own.Total, number, total)
			report(own.Taken <= share(own.Total, d.Payable), "%s has taken %d of distribution %d", key, own.Taken, number)
			account, _ := accounts.Get(key)
			accounts.Set(key, Account{account.Allotted + own.Total, account.Taken + own.Taken})
			capital.Add(capital, num(own.Total-own.Taken))
		}
		all := num(d.Reserve)
		for n, sum := range sums {
			all.Add(all, sum)
			report(n < len(d.Amounts) && sum.Cmp(num(d.Amounts[n])) == 0, "part %d of distribution %d allots %s", n, number, sum)
		}
		report(all.Cmp(num(d.Pool)) == 0 && d.Payable <= Whole, "distribution %d divides %s of %d", number, all, d.Pool)
	}
	report(s.Number == uint64(s.Distributions.Len()) && seats == s.Allotments.Len(), "%d distributions with %d allotments", s.Distributions.Len(), s.Allotments.Len())
	report(pools.Cmp(num(s.Distributed)) == 0 && s.Distributed <= s.Earned, "%d was distributed of %d", s.Distributed, s.Earned)
	held, _ := ledger.Money.Get(Capital)
	report(capital.Cmp(num(held.Has)) == 0, "the capital account has %d of %s", held.Has, capital)
	report(accounts.Len() == s.Capital.Len(), "%d capital accounts of %d", s.Capital.Len(), accounts.Len())
	for key, account := range table.All(&s.Capital) {
		counted, _ := accounts.Get(key)
		report(counted == account, "the capital account of %s says %v, the distributions %v", key, account, counted)
	}
	for maker := range table.All(&s.Makers) {
		report(s.Counted.Has(maker.Asset), "a maker of what is no element")
	}
	return broken
}

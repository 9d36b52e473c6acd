package tokens

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
)

// Invariants looks for anything in the state, as it is at a coop time, that no sequence of events may
// lead to. It reads everything, and counts in integers without bounds. others tell of escrows that they
// belong to another room, which looks after them.
func (s *State) Invariants(at event.Time, others ...func(Place) bool) []error {
	var broken []error
	report := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Errorf("tokens: invariant: "+format, args...))
		}
	}
	s.checkBalances(report)
	for asset, t := range table.All(&s.Tokens) {
		s.checkToken(asset, &t, report)
	}
	s.checkSplits(report)
	s.checkOpen(at, others, report)
	for name, asset := range table.All(&s.Names) {
		t, ok := s.Tokens.Get(asset)
		report(ok && t.Name == string(name), "%q names no token", name)
	}
	report(s.Names.Len() == s.Tokens.Len(), "%d names of %d tokens", s.Names.Len(), s.Tokens.Len())
	for key, c := range table.All(&s.Cashiers) {
		report(c.Issued <= c.Cap && c.Redeemed <= c.Cap && c.Cap > 0 && c.Period > 0, "cashier %s did more than their cap", key)
	}
	issued, out := new(big.Int), new(big.Int)
	for _, r := range table.All(&s.Receipts) {
		if r.Out {
			out.Add(out, num(r.Amount))
		} else {
			issued.Add(issued, num(r.Amount))
		}
	}
	owes, _ := s.Money.Get(Issue)
	report(new(big.Int).Sub(issued, out).Cmp(num(owes.Owes)) == 0, "receipts show %s in and %s out, which is not %d", issued, out, owes.Owes)
	for tick := range table.All(&s.Prices) {
		t, ok := s.Tokens.Get(tick.Asset)
		report(ok && tick.N < t.Trades && tick.N+MaxPrices >= t.Trades, "a price of batch %d of %d", tick.N, t.Trades)
	}
	return broken
}

func num(n uint64) *big.Int { return new(big.Int).SetUint64(n) }

// checkBalances adds up every asset.
func (s *State) checkBalances(report func(bool, string, ...any)) {
	var asset Asset
	sum, all, owed := new(big.Int), new(big.Int), new(big.Int)
	ended := func() {
		report(sum.Sign() == 0, "the accounts of asset %q add up to %s", asset, sum)
		report(all.Cmp(num(MaxAmount)) <= 0, "there is %s of asset %q", all, asset)
	}
	for place, b := range s.All() {
		if place.Asset != asset {
			ended()
			asset = place.Asset
			sum.SetUint64(0)
			all.SetUint64(0)
		}
		report(b.Has == 0 || b.Owes == 0, "account %v has and owes", place)
		report(!b.none(), "account %v has nothing at all", place)
		report(b.Has <= MaxAmount && b.Owes <= MaxAmount, "account %v has more than can be counted", place)
		sum.Sub(sum.Add(sum, num(b.Has)), num(b.Owes))
		all.Add(all, num(b.Has))
		kind := place.Account.Kind
		report(b.Owes == 0 || kind == OfIssue || kind == OfMember && asset == Currency && b.Owes <= s.Most, "account %v owes %d", place, b.Owes)
		report(b.Has == 0 || kind != OfIssue, "the issue has %d", b.Has)
		report(asset != Currency || b.Since|b.Due|b.Rest == 0, "money has an income in %v", place)
		report(asset == Currency || s.Tokens.Has(asset), "account %v of no token", place)
		if asset == Currency && kind == OfMember {
			owed.Add(owed, num(b.Owes))
		}
	}
	ended()
	for place := range table.All(&s.Holdings) {
		report(place.Asset != Currency, "money of %v stands among the tokens", place.Account)
		break // the first would be one
	}
	report(owed.Cmp(num(s.Owed)) == 0, "members owe %s, not %d", owed, s.Owed)
}

// checkToken expects that all units are held, and that what holders earned, claimed or not, is exactly
// what came in: in supply-ths of a minor unit, so that no rounding can hide anything.
func (s *State) checkToken(asset Asset, t *Token, report func(bool, string, ...any)) {
	supply := num(t.Supply)
	units, earned := new(big.Int), new(big.Int).Mul(num(t.Claimed), supply)
	for account, b := range s.Holders(asset) {
		report(b.Since <= t.Income && b.Rest < t.Supply, "the income of %v is ahead of %q", account, t.Name)
		units.Add(units, num(b.Has))
		earned.Add(earned, new(big.Int).Mul(num(t.Income-b.Since), num(b.Has)))
		earned.Add(earned, new(big.Int).Mul(num(b.Due), supply))
		earned.Add(earned, num(b.Rest))
	}
	report(t.Supply > 0 && units.Cmp(supply) == 0, "%s of %d units of %q are held", units, t.Supply, t.Name)
	report(earned.Cmp(new(big.Int).Mul(num(t.Income), supply)) == 0, "what the holders of %q earned is not its income", t.Name)
	pool, _ := s.Money.Get(Income(asset))
	report(pool.Has == t.Income-t.Claimed && t.Claimed <= t.Income, "%q has %d of %d that were not claimed", t.Name, pool.Has, t.Income-t.Claimed)
	report(t.Rule.known(), "%q has the unknown rule %q", t.Name, t.Rule)
}

// checkOpen expects that escrow holds exactly what orders and waiting transfers put there, that they
// stand in every index, and that no book is crossed that was cleared.
func (s *State) checkOpen(at event.Time, others []func(Place) bool, report func(bool, string, ...any)) {
	open := s.Orders.Len() + s.Waiting.Len()
	report(s.Book.Len() == s.Orders.Len() && s.Owned.Len() == open && s.Agenda.Len() == open, "%d orders and %d waiting transfers have %d, %d and %d places",
		s.Orders.Len(), s.Waiting.Len(), s.Book.Len(), s.Owned.Len(), s.Agenda.Len())
	for id, o := range table.All(&s.Orders) {
		asset, amount := o.stake(o.Left)
		report(s.Of(Escrow(id), asset).Has == amount, "order %s does not have %d in escrow", id, amount)
		report(s.Book.Has(o.rank(id)) && s.Owned.Has(Stake{o.Owner, o.Asset, id}) && s.Agenda.Has(Due{o.Until, id}), "order %s stands in no book", id)
		report(o.Left > 0 && o.Left <= o.Units && o.Batch <= s.Batch, "order %s has %d of %d left", id, o.Left, o.Units)
		report(o.Until > at, "order %s is void since %d", id, o.Until)
	}
	for id, w := range table.All(&s.Waiting) {
		report(s.Of(Escrow(id), w.Asset).Has == w.Amount, "transfer %s does not have %d in escrow", id, w.Amount)
		report(s.Owned.Has(Stake{w.From, w.Asset, id}) && s.Agenda.Has(Due{w.Until, id}) && w.Until > at, "transfer %s waits nowhere", id)
	}
	for place, b := range s.All() {
		if place.Account.Kind == InEscrow {
			o, isOrder := s.Orders.Get(place.Account.ID)
			asset, _ := o.stake(o.Left)
			w, isWaiting := s.Waiting.Get(place.Account.ID)
			elsewhere := slices.ContainsFunc(others, func(holds func(Place) bool) bool { return holds(place) })
			report(isOrder && place.Asset == asset || isWaiting && place.Asset == w.Asset || elsewhere, "%d in escrow of nothing: %v", b.Has, place)
		}
	}
	for asset := range table.All(&s.Tokens) {
		bid, _, buys := s.seek(Rank{Asset: asset, Side: Buy, Price: MaxAmount})
		ask, _, sells := s.seek(Rank{Asset: asset, Side: Sell})
		t, _ := s.Tokens.Get(asset)
		report(!buys || !sells || bid.Price < ask.Price || s.Fresh.Has(asset) || !t.Rule.tradable(), "the book of %q is crossed", t.Name)
	}
}

// checkSplits expects that the shares of every split add up to 1, that no part has more than its share,
// and that what was not fetched is there: payouts and what is carried over are the income.
func (s *State) checkSplits(report func(bool, string, ...any)) {
	streams := 0
	for id, split := range table.All(&s.Splits) {
		shares, taken := new(big.Rat), new(big.Int)
		for n, p := range split.Parts {
			shares.Add(shares, new(big.Rat).SetFrac(num(p.Num), num(max(p.Den, 1))))
			flow, open := s.Streams.Get(Stream{p.Asset, id, uint64(n)})
			report(open != split.Closed && (split.Closed || flow.Part == p), "part %d of split %s does not flow as it should", n, id)
			if split.Closed {
				flow.Taken = p.Of(split.Total)
			} else {
				streams++
			}
			report(flow.Taken <= p.Of(split.Total), "part %d of split %s has taken more than its share", n, id)
			taken.Add(taken, num(flow.Taken))
		}
		report(shares.Cmp(big.NewRat(1, 1)) == 0, "the shares of split %s add up to %s", id, shares)
		report(taken.Cmp(num(split.Given)) == 0, "split %s has given %d, and its parts have %s", id, split.Given, taken)
		left, _ := s.Money.Get(SplitAccount(id))
		report(split.Total <= MaxAmount && left.Has+split.Given+split.Rest == split.Total && (split.Closed || split.Rest == 0) && (!split.Closed || left.Has == 0),
			"split %s of %d has %d", id, split.Total, left.Has)
	}
	report(streams == s.Streams.Len(), "%d streams of %d parts", s.Streams.Len(), streams)
	for account, b := range table.All(&s.Money) {
		report(account.Kind != OfSplit || s.Splits.Has(account.ID), "%d of a split that is none", b.Has)
	}
}

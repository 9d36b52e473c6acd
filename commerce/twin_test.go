package commerce

import (
	"math/big"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/tokens"
)

// twin is the shop as a beginner would write it: maps, integers without bounds, exact fractions, and a
// loop over all parts and all holders whenever somebody pays.
type twin struct {
	money    map[tokens.Account]*big.Int
	units    map[tokens.Asset]map[tokens.Account]uint64
	earned   map[tokens.Asset]map[tokens.Account]*big.Rat
	claimed  map[tokens.Asset]map[tokens.Account]*big.Int
	prices   map[Item]Price
	gone     map[Item]bool
	inside   map[event.ID][]Portion
	total    map[event.ID]*big.Int // that came to an offer
	given    map[event.ID][]*big.Int
	terms    Terms
	places   map[event.ID]bool // open or not
	bought   map[event.ID]*twinPurchase
	patron   map[identity.PublicKey]*big.Int
	steered  map[Item]*big.Int
	carry    tokens.Account // whatever is too little to be divided
	treasury tokens.Account
}

type twinPurchase struct {
	order    Order
	amount   uint64
	treasury uint64
	by       tokens.Account // who gets it back; the issue for what was paid outside
	signer   tokens.Account
	buyer    identity.PublicKey
	until    event.Time
	held     bool
	back     bool
}

func newTwin() *twin {
	return &twin{money: map[tokens.Account]*big.Int{}, units: map[tokens.Asset]map[tokens.Account]uint64{}, earned: map[tokens.Asset]map[tokens.Account]*big.Rat{},
		claimed: map[tokens.Asset]map[tokens.Account]*big.Int{}, prices: map[Item]Price{}, gone: map[Item]bool{}, inside: map[event.ID][]Portion{},
		total: map[event.ID]*big.Int{}, given: map[event.ID][]*big.Int{}, terms: DefaultTerms(), places: map[event.ID]bool{}, bought: map[event.ID]*twinPurchase{},
		patron: map[identity.PublicKey]*big.Int{}, steered: map[Item]*big.Int{}, treasury: tokens.Treasury}
}

func (w *twin) of(a tokens.Account) *big.Int {
	if w.money[a] == nil {
		w.money[a] = new(big.Int)
	}
	return w.money[a]
}

func (w *twin) move(from, to tokens.Account, amount *big.Int) {
	w.of(from).Sub(w.of(from), amount)
	w.of(to).Add(w.of(to), amount)
}

// holders pays everybody who has units of a token now.
func (w *twin) holders(asset tokens.Asset, amount *big.Int) {
	supply := new(big.Int)
	for _, n := range w.units[asset] {
		supply.Add(supply, num(n))
	}
	for account, n := range w.units[asset] {
		if w.earned[asset][account] == nil {
			w.earned[asset][account] = new(big.Rat)
		}
		part := new(big.Rat).SetFrac(new(big.Int).Mul(amount, num(n)), supply)
		w.earned[asset][account].Add(w.earned[asset][account], part)
	}
}

// leaves are the tokens inside an offer with their exact shares.
func (w *twin) leaves(id event.ID, share *big.Rat) (assets []tokens.Asset, shares []*big.Rat) {
	whole := new(big.Int)
	for _, p := range w.inside[id] {
		whole.Add(whole, num(p.Weight))
	}
	for _, p := range w.inside[id] {
		part := new(big.Rat).Mul(share, new(big.Rat).SetFrac(num(p.Weight), whole))
		if p.Item.Kind == AnElement {
			assets, shares = append(assets, p.Item.asset()), append(shares, part)
			continue
		}
		a, s := w.leaves(p.Item.ID, part)
		assets, shares = append(assets, a...), append(shares, s...)
	}
	return assets, shares
}

// pay pays an item, from an account.
func (w *twin) pay(i Item, from tokens.Account, amount *big.Int) {
	switch i.Kind {
	case APlace:
		w.move(from, placeAccount(i.ID), amount)
	case AnElement:
		w.move(from, tokens.Income(i.asset()), amount)
		w.holders(i.asset(), amount)
	case AnOffer:
		if w.total[i.ID] == nil {
			w.total[i.ID] = new(big.Int)
		}
		w.move(from, w.carry, amount)
		w.total[i.ID].Add(w.total[i.ID], amount)
		assets, shares := w.leaves(i.ID, big.NewRat(1, 1))
		if w.given[i.ID] == nil {
			for range assets {
				w.given[i.ID] = append(w.given[i.ID], new(big.Int))
			}
		}
		for n, asset := range assets {
			exact := new(big.Rat).Mul(shares[n], new(big.Rat).SetInt(w.total[i.ID]))
			has := new(big.Int).Quo(exact.Num(), exact.Denom())
			more := new(big.Int).Sub(has, w.given[i.ID][n])
			if more.Sign() < 0 {
				panic("something was taken back")
			}
			w.given[i.ID][n] = has
			w.move(w.carry, tokens.Income(asset), more)
			w.holders(asset, more)
		}
	}
}

// contains tells whether something withdrawn is inside an item, or is it.
func (w *twin) broken(i Item) bool {
	if w.gone[i] {
		return true
	}
	for _, p := range w.inside[i.ID] {
		if i.Kind == AnOffer && w.broken(p.Item) {
			return true
		}
	}
	return false
}

func (w *twin) sells(i Item) bool {
	_, known := w.prices[i]
	return known && !w.broken(i)
}

// part is a share of an amount, rounded down.
func part(amount, millionths uint64) *big.Int {
	p := new(big.Int).Mul(num(amount), num(millionths))
	return p.Quo(p, num(Whole))
}

// order tells whether an order can be met, and what is to be paid; funds are the buyer's.
func (w *twin) order(o Order, funds *big.Int) (p *twinPurchase, ok bool) {
	if !w.sells(o.Item) || o.Count < 1 || o.Count > MaxCount || len(o.Steer) > MaxSteers {
		return nil, false
	}
	price := w.prices[o.Item]
	amount := new(big.Int).Mul(num(price.Amount), num(o.Count))
	if amount.Cmp(num(o.Pay)) > 0 {
		return nil, false
	}
	if price.Open {
		amount = num(o.Pay)
	}
	if amount.Sign() == 0 || amount.Cmp(num(MaxAmount)) > 0 || amount.Cmp(funds) > 0 {
		return nil, false
	}
	p = &twinPurchase{order: o, amount: amount.Uint64()}
	p.treasury = part(p.amount, w.terms.Default).Uint64()
	steered, seen := new(big.Int), map[Item]bool{}
	for _, s := range o.Steer {
		if seen[s.To] || num(s.Amount).Cmp(amount) > 0 {
			return nil, false
		}
		seen[s.To] = true
		switch {
		case s.To == Item{Kind: TheTreasury}:
			p.treasury = s.Amount
			continue
		case s.Amount == 0, s.To.Kind == APlace && !w.places[s.To.ID], s.To.Kind != APlace && !w.sells(s.To):
			return nil, false
		}
		steered.Add(steered, num(s.Amount))
	}
	ok = steered.Cmp(part(p.amount, w.terms.Steer)) <= 0 && num(p.treasury).Cmp(part(p.amount, w.terms.Least)) >= 0 && num(p.treasury).Cmp(part(p.amount, w.terms.Most)) <= 0
	return p, ok
}

// settle pays a purchase out.
func (w *twin) settle(p *twinPurchase, from tokens.Account) {
	rest := new(big.Int).Sub(num(p.amount), num(p.treasury))
	w.move(from, w.treasury, num(p.treasury))
	for _, s := range p.order.Steer {
		if s.To.Kind == TheTreasury {
			continue
		}
		if w.steered[s.To] == nil {
			w.steered[s.To] = new(big.Int)
		}
		w.steered[s.To].Add(w.steered[s.To], num(s.Amount))
		if s.To.Kind == APlace && !w.places[s.To.ID] {
			continue
		}
		rest.Sub(rest, num(s.Amount))
		w.pay(s.To, from, num(s.Amount))
	}
	w.pay(p.order.Item, from, rest)
	if !p.buyer.IsZero() {
		if w.patron[p.buyer] == nil {
			w.patron[p.buyer] = new(big.Int)
		}
		w.patron[p.buyer].Add(w.patron[p.buyer], num(p.amount))
	}
	p.held = false
}

// claimable is what somebody can claim of a token.
func (w *twin) claimable(asset tokens.Asset, account tokens.Account) *big.Int {
	earned := w.earned[asset][account]
	if earned == nil {
		return new(big.Int)
	}
	whole := new(big.Int).Quo(earned.Num(), earned.Denom())
	if w.claimed[asset][account] != nil {
		whole.Sub(whole, w.claimed[asset][account])
	}
	return whole
}

func (w *twin) claim(asset tokens.Asset, account tokens.Account) {
	due := w.claimable(asset, account)
	if w.claimed[asset][account] == nil {
		w.claimed[asset][account] = new(big.Int)
	}
	w.claimed[asset][account].Add(w.claimed[asset][account], due)
	w.move(tokens.Income(asset), account, due)
}

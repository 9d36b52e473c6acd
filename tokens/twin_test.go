package tokens

import (
	"math/big"
	"slices"

	"github.com/sustainy/coop/event"
)

// twin is the ledger as a beginner would write it: maps, integers without bounds, exact fractions, and
// a loop over everybody wherever the ledger has an index. It is told what the ledger accepted.
type twin struct {
	balances map[Place]*big.Int
	limits   map[string]uint64
	supply   map[Asset]uint64
	earned   map[Place]*big.Rat // by token and owner, escrow counted as the owner's
	claimed  map[Place]*big.Int
	orders   []*twinOrder
	waiting  map[event.ID]Waiting
	batch    int
}

type twinOrder struct {
	id          event.ID
	owner       Account
	asset       Asset
	buy         bool
	price, left uint64
	batch       int
	until       event.Time
}

func newTwin() *twin {
	return &twin{balances: map[Place]*big.Int{}, limits: map[string]uint64{}, supply: map[Asset]uint64{}, earned: map[Place]*big.Rat{},
		claimed: map[Place]*big.Int{}, waiting: map[event.ID]Waiting{}}
}

func (w *twin) of(asset Asset, account Account) *big.Int {
	p := Place{asset, account}
	if w.balances[p] == nil {
		w.balances[p] = new(big.Int)
	}
	return w.balances[p]
}

func (w *twin) move(asset Asset, from, to Account, amount uint64) {
	w.of(asset, from).Sub(w.of(asset, from), num(amount))
	w.of(asset, to).Add(w.of(asset, to), num(amount))
}

// owned is what an account has of a token, in its hands and in its open orders and transfers.
func (w *twin) owned(asset Asset, account Account) *big.Int {
	sum := new(big.Int).Set(w.of(asset, account))
	for _, o := range w.orders {
		if o.owner == account && o.asset == asset && !o.buy {
			sum.Add(sum, num(o.left))
		}
	}
	for _, t := range w.waiting {
		if t.From == account && t.Asset == asset {
			sum.Add(sum, num(t.Amount))
		}
	}
	return sum
}

func (w *twin) pay(from Account, asset Asset, amount uint64, everybody []Account) {
	w.move(Currency, from, Income(asset), amount)
	for _, account := range everybody {
		p := Place{asset, account}
		if w.earned[p] == nil {
			w.earned[p] = new(big.Rat)
		}
		part := new(big.Rat).SetFrac(new(big.Int).Mul(num(amount), w.owned(asset, account)), num(w.supply[asset]))
		w.earned[p].Add(w.earned[p], part)
	}
}

func (w *twin) claimable(account Account, asset Asset) *big.Int {
	p := Place{asset, account}
	if w.earned[p] == nil {
		return new(big.Int)
	}
	whole := new(big.Int).Quo(w.earned[p].Num(), w.earned[p].Denom())
	if w.claimed[p] != nil {
		whole.Sub(whole, w.claimed[p])
	}
	return whole
}

func (w *twin) claim(account Account, asset Asset) {
	due := w.claimable(account, asset)
	p := Place{asset, account}
	if w.claimed[p] == nil {
		w.claimed[p] = new(big.Int)
	}
	w.claimed[p].Add(w.claimed[p], due)
	w.move(Currency, Income(asset), account, due.Uint64())
}

func (w *twin) place(id event.ID, owner Account, b PlaceOrder) {
	o := &twinOrder{id, owner, b.Asset, b.Side == Buy, b.Price, b.Units, w.batch, b.Until}
	w.orders = append(w.orders, o)
	if o.buy {
		w.move(Currency, owner, Escrow(id), b.Price*b.Units)
	} else {
		w.move(b.Asset, owner, Escrow(id), b.Units)
	}
}

// cancel ends an order or a waiting transfer.
func (w *twin) cancel(id event.ID) {
	if t, ok := w.waiting[id]; ok {
		w.move(t.Asset, Escrow(id), t.From, t.Amount)
		delete(w.waiting, id)
		return
	}
	i := slices.IndexFunc(w.orders, func(o *twinOrder) bool { return o.id == id })
	o := w.orders[i]
	if o.buy {
		w.move(Currency, Escrow(id), o.owner, o.price*o.left)
	} else {
		w.move(o.asset, Escrow(id), o.owner, o.left)
	}
	w.orders = slices.Delete(w.orders, i, i+1)
}

// expire ends what is over.
func (w *twin) expire(at event.Time) {
	for _, o := range slices.Clone(w.orders) {
		if o.until <= at {
			w.cancel(o.id)
		}
	}
	for id, t := range w.waiting {
		if t.Until <= at {
			w.cancel(id)
		}
	}
}

// clear tries every price up to top, takes those at which most units change hands and nobody who gets
// nothing would have offered more, and of these the middle one.
func (w *twin) clear(asset Asset, top uint64, refusal bool, units map[event.ID]uint64) (price, volume uint64) {
	wanted := func(buy bool, from, to uint64) (sum uint64) {
		for _, o := range w.orders {
			if o.asset == asset && o.buy == buy && o.price >= from && o.price <= to {
				sum += o.left
			}
		}
		return sum
	}
	for p := uint64(1); p <= top; p++ {
		volume = max(volume, min(wanted(true, p, top), wanted(false, 1, p)))
	}
	if volume == 0 {
		return 0, 0
	}
	var fitting []uint64
	for p := uint64(1); p <= top; p++ {
		if min(wanted(true, p, top), wanted(false, 1, p)) == volume && wanted(true, p+1, top) <= volume && wanted(false, 1, p-1) <= volume {
			fitting = append(fitting, p)
		}
	}
	price = fitting[0] + (fitting[len(fitting)-1]-fitting[0])/2
	w.share(asset, true, price, volume, refusal, units)
	w.share(asset, false, price, volume, false, units)
	w.trade(asset, price, units)
	return price, volume
}

// share gives the units of a batch out, to the best price and the earliest batch first, one unit at a
// time to whoever of these is furthest below their proportion. Which of equals gets an odd unit is by
// lot; there the twin takes what the ledger gave, and only checks that it is one of them.
func (w *twin) share(asset Asset, buy bool, price, volume uint64, refusal bool, units map[event.ID]uint64) {
	var side []*twinOrder
	for _, o := range w.orders {
		if o.asset == asset && o.buy == buy && (buy && o.price >= price || !buy && o.price <= price) {
			side = append(side, o)
		}
	}
	level := func(o *twinOrder) [3]int {
		first := 1
		if refusal && o.owner == Treasury {
			return [3]int{0, 0, 0}
		}
		if buy {
			return [3]int{first, -int(o.price), o.batch}
		}
		return [3]int{first, int(o.price), o.batch}
	}
	slices.SortStableFunc(side, func(a, b *twinOrder) int {
		x, y := level(a), level(b)
		return slices.Compare(x[:], y[:])
	})
	for len(side) > 0 && volume > 0 {
		n := 1
		for n < len(side) && level(side[n]) == level(side[0]) {
			n++
		}
		sum := uint64(0)
		for _, o := range side[:n] {
			sum += o.left
		}
		given := uint64(0)
		for _, o := range side[:n] {
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(num(o.left), num(min(sum, volume))), num(sum))
			got := units[o.id]
			if refusal && o.owner == Treasury { // in the order of their ids, which prices don't change
				given += got
				continue
			}
			if new(big.Rat).SetInt(num(got)).Cmp(exact) > 0 {
				got-- // an odd one
			}
			if off := new(big.Rat).Sub(exact, new(big.Rat).SetInt(num(got))); off.Sign() < 0 || off.Cmp(big.NewRat(1, 1)) >= 0 {
				panic("an order got another share than its proportion")
			}
			given += units[o.id]
		}
		if given != min(sum, volume) {
			panic("a level of the book got another number of units")
		}
		volume -= given
		side = side[n:]
	}
}

// trade carries out what every order got.
func (w *twin) trade(asset Asset, price uint64, units map[event.ID]uint64) {
	market := Escrow(event.ID{255, 1})
	for _, o := range slices.Clone(w.orders) {
		n := units[o.id]
		if o.asset != asset || n == 0 {
			continue
		}
		if o.buy {
			w.move(asset, market, o.owner, n)
			w.move(Currency, Escrow(o.id), market, n*price)
			w.move(Currency, Escrow(o.id), o.owner, n*(o.price-price))
		} else {
			w.move(asset, Escrow(o.id), market, n)
			w.move(Currency, market, o.owner, n*price)
		}
		if o.left -= n; o.left == 0 {
			w.orders = slices.DeleteFunc(w.orders, func(x *twinOrder) bool { return x == o })
		}
	}
}

package tokens

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"math/bits"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
)

// Price is what became of one batch of a token.
type Price struct {
	At    event.Time `cbor:"at" json:"at"`
	Price uint64     `cbor:"price" json:"price"` // that everybody paid and got, in minor units for one unit
	Units uint64     `cbor:"units" json:"units"` // that changed hands
}

// Tick is a place in the table of prices: the n-th batch of a token, from 0.
type Tick struct {
	Asset Asset  `cbor:"asset"`
	N     uint64 `cbor:"n"`
}

// Compare orders by token, then by number.
func (t Tick) Compare(other Tick) int {
	return cmp.Or(t.Asset.Compare(other.Asset), cmp.Compare(t.N, other.N))
}

// fill is what an order gets of a batch.
type fill struct {
	id    event.ID
	order Order
	units uint64
}

// Clear is called at the end of every commit: it clears one batch of each token for which orders came,
// at the price at which most units change hands. Orders of one commit meet all at once, so it makes no
// difference in which order they stand there.
func (s *State) Clear(people Register, at event.Time) {
	if s.Fresh.Len() == 0 {
		return
	}
	var assets []Asset
	for asset := range table.All(&s.Fresh) {
		assets = append(assets, asset)
	}
	for _, asset := range assets {
		s.Fresh.Delete(asset)
		for s.clear(people, asset, at) {
		}
	}
	s.Batch++
}

// clear clears one batch of a token, and tells whether anything changed hands. A second batch can only
// follow at once where the cooperative took, by its first refusal, what others would have bought, and
// these can still buy at another price.
func (s *State) clear(people Register, asset Asset, at event.Time) bool {
	t, _ := s.Tokens.Get(asset)
	if !t.Rule.tradable() {
		return false
	}
	price, units := s.match(people, asset, t.Rule)
	if units == 0 {
		return false
	}
	var buyers []fill
	wanted := units
	if t.Refusal {
		buyers = s.firstRefusal(asset, price, units)
		for _, f := range buyers {
			wanted -= f.units
		}
	}
	mayBuy := func(o *Order) bool {
		return mayHold(people, t.Rule, o.Owner) == nil && !(t.Refusal && o.Owner == Treasury) // which is served
	}
	buyers = append(buyers, s.allot(asset, Buy, wanted, mayBuy)...)
	s.trade(asset, price, s.allot(asset, Sell, units, func(*Order) bool { return true }), buyers)

	t, _ = s.Tokens.Get(asset) // its income may have come with the trade
	s.Prices.Set(Tick{asset, t.Trades}, Price{At: at, Price: price, Units: units})
	if t.Trades >= MaxPrices {
		s.Prices.Delete(Tick{asset, t.Trades - MaxPrices})
	}
	t.Trades++
	s.Tokens.Set(asset, t)
	return true
}

// match walks both sides of a book from the best while they cross, and finds how many units can change
// hands and at what price. Between the marginal orders every price clears as much; it is the middle,
// rounded down.
func (s *State) match(people Register, asset Asset, rule Rule) (price, units uint64) {
	bid, bidLeft := s.best(people, rule, Rank{Asset: asset, Side: Buy, Price: MaxAmount})
	ask, askLeft := s.best(people, rule, Rank{Asset: asset, Side: Sell})
	var low, high uint64
	for bidLeft > 0 && askLeft > 0 && bid.Price >= ask.Price {
		n := min(bidLeft, askLeft)
		units += n
		low, high = ask.Price, bid.Price
		bidLeft, askLeft = bidLeft-n, askLeft-n
		if bidLeft == 0 {
			bid, bidLeft = s.best(people, rule, bid.after())
		}
		if askLeft == 0 {
			ask, askLeft = s.best(people, rule, ask.after())
		}
	}
	if bidLeft > 0 { // who gets nothing must not be willing to pay more
		low = max(low, bid.Price)
	}
	if askLeft > 0 {
		high = min(high, ask.Price)
	}
	if units == 0 {
		return 0, 0
	}
	return low + (high-low)/2, units
}

// best is the first order from a rank on, on its side of its token; left is 0 if there is none. Orders
// of buyers who may not hold the token any more are dropped on the way.
func (s *State) best(people Register, rule Rule, from Rank) (r Rank, left uint64) {
	for {
		r, o, ok := s.seek(from)
		if !ok {
			return Rank{}, 0
		}
		if o.Side == Sell || mayHold(people, rule, o.Owner) == nil {
			return r, o.Left
		}
		s.drop(r.ID, o, event.ID{})
	}
}

// seek is the first order from a rank on, on its side of its token.
func (s *State) seek(from Rank) (Rank, Order, bool) {
	for r := range table.From(&s.Book, from) {
		if r.Asset != from.Asset || r.Side != from.Side {
			break
		}
		o, _ := s.Orders.Get(r.ID)
		return r, o, true
	}
	return Rank{}, Order{}, false
}

// after is the least rank above r.
func (r Rank) after() Rank {
	for i := len(r.ID) - 1; i >= 0; i-- {
		r.ID[i]++
		if r.ID[i] != 0 {
			break
		}
	}
	return r // an id of nothing but ones is the hash of no event
}

// firstRefusal serves the cooperative's own orders to buy, where it has the first refusal: it may have,
// at the price that all pay, what its limit allows, before anybody else buys.
func (s *State) firstRefusal(asset Asset, price, units uint64) (fills []fill) {
	for id := range s.open(Treasury, asset) {
		o, ok := s.Orders.Get(id)
		if n := min(o.Left, units); ok && o.Side == Buy && o.Price >= price && n > 0 {
			fills = append(fills, fill{id, o, n})
			units -= n
		}
	}
	return fills
}

// allot shares out units of a batch among the orders of a side, best price first and earlier batches
// first. Where orders of one price and one batch want more than there is, each gets its proportion: a
// better place inside a commit is worth nothing, nor is dividing an order. may tells which orders count.
func (s *State) allot(asset Asset, side Side, units uint64, may func(*Order) bool) (fills []fill) {
	from := Rank{Asset: asset, Side: side}
	if side == Buy {
		from.Price = MaxAmount
	}
	for units > 0 {
		var group []fill
		sum := uint64(0)
		for r := range table.From(&s.Book, from) {
			if r.Asset != asset || r.Side != side {
				break
			}
			if len(group) > 0 && (r.Price != group[0].order.Price || r.Batch != group[0].order.Batch) {
				break
			}
			from = r.after()
			o, _ := s.Orders.Get(r.ID)
			if !may(&o) {
				continue
			}
			group = append(group, fill{r.ID, o, o.Left})
			sum += o.Left
		}
		if len(group) == 0 {
			panic("tokens: invariant: a batch has more units than orders")
		}
		if sum > units {
			prorate(group, sum, units)
			sum = units
		}
		fills, units = append(fills, group...), units-sum
	}
	return fills
}

// prorate shares out units, fewer than sum, in proportion to what each wants: the largest remainder gets
// the odd ones. Equal remainders stand by lot, SHA-256 of "coop/lot/1", a zero byte, all ids together
// and the order's id, which no author of an order can know.
func prorate(group []fill, sum, units uint64) {
	type remainder struct {
		i     int
		value uint64
		lot   [32]byte
	}
	ids := []byte("coop/lot/1\x00")
	for _, f := range group {
		ids = append(ids, f.id[:]...)
	}
	seed := sha256.Sum256(ids)
	rest := units
	remainders := make([]remainder, len(group))
	for i := range group {
		high, low := bits.Mul64(group[i].order.Left, units)
		whole, r := bits.Div64(high, low, sum)
		group[i].units = whole
		rest -= whole
		remainders[i] = remainder{i, r, sha256.Sum256(append(seed[:], group[i].id[:]...))}
	}
	slices.SortFunc(remainders, func(a, b remainder) int {
		return cmp.Or(cmp.Compare(b.value, a.value), bytes.Compare(a.lot[:], b.lot[:]))
	})
	for _, r := range remainders[:rest] {
		group[r.i].units++
	}
}

// trade lets sellers and buyers change hands at one price. What a buyer offered beyond it goes back.
func (s *State) trade(asset Asset, price uint64, sellers, buyers []fill) {
	var market event.ID // no event does this
	for i, j, sold, bought := 0, 0, uint64(0), uint64(0); i < len(sellers) && j < len(buyers); {
		seller, buyer := sellers[i], buyers[j]
		n := min(seller.units-sold, buyer.units-bought)
		s.Move(asset, Escrow(seller.id), buyer.order.Owner, n, market)
		s.Move(Currency, Escrow(buyer.id), seller.order.Owner, n*price, market)
		if sold += n; sold == seller.units {
			i, sold = i+1, 0
		}
		if bought += n; bought == buyer.units {
			j, bought = j+1, 0
		}
	}
	for _, f := range sellers {
		s.Inherit(asset, Escrow(f.id), f.order.Owner)
		s.filled(f)
	}
	for _, f := range buyers {
		s.Move(Currency, Escrow(f.id), f.order.Owner, (f.order.Price-price)*f.units, market)
		s.filled(f)
	}
}

// filled takes off what an order got.
func (s *State) filled(f fill) {
	f.order.Left -= f.units
	if f.order.Left > 0 {
		s.Orders.Set(f.id, f.order)
		return
	}
	s.remove(f.id, f.order)
}

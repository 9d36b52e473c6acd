package commerce

import (
	"iter"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// take takes a buyer's money: to where it is to go at once, or to escrow while the purchase can be given
// back.
func (s *State) take(a Act, p Purchase, from tokens.Account) {
	p.Number = s.Count
	s.Count++
	if !p.Buyer.IsZero() {
		p.Earlier, _ = s.Bought.Get(p.Buyer)
		s.Bought.Set(p.Buyer, a.ID)
	}
	if p.Until == p.At {
		t := till{from: from}
		s.settle(a, &t, a.ID, p)
		s.empty(a, &t)
		return
	}
	p.Phase = Held
	a.Ledger.Move(tokens.Currency, from, Escrow, p.Amount, a.ID)
	s.Purchases.Set(a.ID, p)
	s.Agenda.Set(Due{p.Until, p.Number}, a.ID)
	for item := range p.items() {
		t, _ := s.Trade.Get(item)
		t.Held++
		s.Trade.Set(item, t)
	}
}

// items are what a purchase pays: what was bought, then what the buyer steered to.
func (p *Purchase) items() iter.Seq[Item] {
	return func(yield func(Item) bool) {
		if !yield(p.Item) {
			return
		}
		for _, gift := range p.Gifts {
			if !yield(gift.To) {
				return
			}
		}
	}
}

// till is what purchases that are settled together bring. It adds up what comes to each item, which is paid and
// counted once for all of them.
type till struct {
	from     tokens.Account
	sums     []*sum // by item
	treasury uint64
	last     event.ID // the purchase that was settled last
}

// sum is what a till has for an item.
type sum struct {
	item   Item
	trade  Trade
	came   uint64   // to an offer before
	room   uint64   // how much can come to it
	amount uint64   // that the till has for it
	by     event.ID // the purchase that paid last
}

// of is the sum for an item.
func (t *till) of(s *State, ledger *tokens.State, item Item) *sum {
	at, found := slices.BinarySearchFunc(t.sums, item, func(c *sum, i Item) int { return c.item.Compare(i) })
	if !found {
		c := &sum{item: item}
		c.trade, _ = s.Trade.Get(item)
		c.came, c.room = space(ledger, item)
		t.sums = slices.Insert(t.sums, at, c)
	}
	return t.sums[at]
}

// settle divides a purchase: what the buyer steered, the rest by the weights, and the treasury's share.
func (s *State) settle(a Act, t *till, id event.ID, p Purchase) {
	gifts := make([]Gift, len(p.Gifts))
	for n, gift := range p.Gifts {
		c := t.of(s, a.Ledger, gift.To)
		if gifts[n] = c.give(a, t, id, &p, gift); gifts[n].Lapsed {
			p.Rest.Amount += gift.Amount
		}
		c.trade.Steered = Demand{plus(c.trade.Steered.Amount, gift.Amount), c.trade.Steered.Times + 1}
		c.trade.release(p.Phase)
	}
	p.Gifts = gifts
	c := t.of(s, a.Ledger, p.Item)
	t.treasury, t.last = t.treasury+p.Treasury, id // no sum of what one account had is too much
	if p.Rest = c.give(a, t, id, &p, p.Rest); p.Rest.Lapsed {
		t.treasury += p.Rest.Amount
	}
	c.trade.Sold = plus(c.trade.Sold, p.Count)
	c.trade.release(p.Phase)
	p.Phase = Paid
	s.Purchases.Set(id, p)
	a.Around.Bought(p.Buyer, p.Amount, p.Treasury, a.Time)
}

// release counts that a purchase is held no more, if it was.
func (t *Trade) release(was Phase) {
	if was == Held {
		t.Held--
	}
}

// give puts one part of a purchase into the till, unless it cannot be taken any more, because a mission has
// ended meanwhile or nobody could count that much: what was steered there follows the weights then, and what
// should follow the weights goes to the treasury. Missions are given theirs at once, on behalf of the buyer.
func (c *sum) give(a Act, t *till, id event.ID, p *Purchase, gift Gift) Gift {
	switch {
	case gift.Amount == 0:
	case c.item.Kind == APlace && a.Around.Takes(c.item.ID, gift.Amount) == nil:
		a.Around.Give(c.item.ID, t.from, p.Buyer, gift.Amount, id, a.Time)
	case gift.Amount > c.room-c.amount:
		gift.Lapsed = true
	default:
		if c.item.Kind == AnOffer {
			gift.Before = c.came + c.amount
		}
		c.amount, c.by = c.amount+gift.Amount, id
	}
	return gift
}

// empty pays what a till has, and then closes what waited only for that. All is paid before, because a split
// that closes moves on to tokens what there would no longer be room for.
func (s *State) empty(a Act, t *till) {
	for _, c := range t.sums {
		s.Trade.Set(c.item, c.trade)
		switch {
		case c.amount == 0:
		case c.item.Kind == AnElement:
			a.Ledger.PayHolders(c.item.asset(), t.from, c.amount, c.by)
		default:
			a.Ledger.PaySplit(c.item.ID, t.from, c.amount, c.by)
		}
	}
	a.Ledger.Move(tokens.Currency, t.from, tokens.Treasury, t.treasury, t.last)
	for _, c := range t.sums {
		s.close(a.Ledger, c.item, t.last)
	}
}

// Refund gives a purchase back: to the account it was paid from, or, of a cashier's sale, out of the
// cooperative.
func (s *State) Refund(a Act, b Refund) error {
	p, ok := s.Purchases.Get(b.Purchase)
	if !ok {
		return ErrNoPurchase
	}
	if tokens.Member(p.By) != a.By && !a.assembly() {
		return ErrNotYours
	}
	if p.Phase == Refunded {
		return ErrRefundedTwice
	}
	if p.Phase == Paid {
		return ErrRefundOver
	}
	if p.Outside {
		if err := a.Ledger.CanGiveOut(a.Act, p.Amount, b.Receipt, b.Memo); err != nil {
			return err
		}
	}

	to := tokens.Member(p.By)
	if p.Outside {
		to = tokens.Issue
		a.Ledger.GiveOut(a.Act, p.Amount, b.Receipt)
	}
	a.Ledger.Move(tokens.Currency, Escrow, to, p.Amount, a.ID)
	p.Phase = Refunded
	s.Purchases.Set(b.Purchase, p)
	s.Agenda.Delete(Due{p.Until, p.Number})
	for item := range p.items() {
		t, _ := s.Trade.Get(item)
		t.Held--
		s.Trade.Set(item, t)
	}
	for item := range p.items() {
		s.close(a.Ledger, item, a.ID)
	}
	return nil
}

// Next is the earliest coop time at which something happens by itself.
func (s *State) Next() (at event.Time, any bool) {
	for due := range table.All(&s.Agenda) {
		return due.At, true
	}
	return 0, false
}

// Advance pays out the purchases that cannot be given back any more at coop time a.Time, in the order in
// which they were made, but each item and the treasury what they have of all of them at once.
func (s *State) Advance(a Act) {
	type end struct {
		due Due
		id  event.ID
	}
	var ended []end
	for due, id := range table.All(&s.Agenda) {
		if due.At > a.Time {
			break
		}
		ended = append(ended, end{due, id})
	}
	t := till{from: Escrow}
	for _, e := range ended {
		p, _ := s.Purchases.Get(e.id)
		s.settle(a, &t, e.id, p)
		s.Agenda.Delete(e.due)
	}
	s.empty(a, &t)
}

// Escrows tells whether a place in the ledger is an escrow of this room, so that the ledger need not know
// what for. What it holds to the unit is checked by Invariants.
func (s *State) Escrows(place tokens.Place) bool {
	return place == tokens.Place{Account: Escrow}
}

// PurchasesOf yields the purchases of somebody, the last first.
func (s *State) PurchasesOf(key identity.PublicKey) iter.Seq2[event.ID, Purchase] {
	return func(yield func(event.ID, Purchase) bool) {
		for id, any := s.Bought.Get(key); any; {
			p, _ := s.Purchases.Get(id)
			if !yield(id, p) || p.Earlier.IsZero() {
				return
			}
			id = p.Earlier
		}
	}
}

package commerce

import (
	"iter"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
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
		a.Ledger.Move(tokens.Currency, from, tokens.Treasury, s.settle(a, a.ID, p, from), a.ID)
		return
	}
	p.Phase = Held
	a.Ledger.Move(tokens.Currency, from, Escrow, p.Amount, a.ID)
	s.Purchases.Set(a.ID, p)
	s.Agenda.Set(Due{p.Until, p.Number}, a.ID)
	s.count(&p)
}

// count enters in the trade of all items of a purchase that it is held, or what has become of it.
func (s *State) count(p *Purchase) {
	for n := -1; n < len(p.Gifts); n++ {
		item := p.Item
		if n >= 0 {
			item = p.Gifts[n].To
		}
		t, _ := s.Trade.Get(item)
		switch {
		case p.Phase == Held:
			t.Held++
		case p.Until > p.At: // it was held
			t.Held--
		}
		switch {
		case p.Phase != Paid:
		case n < 0:
			t.Sold = plus(t.Sold, p.Count)
		default:
			t.Steered = Demand{plus(t.Steered.Amount, p.Gifts[n].Amount), t.Steered.Times + 1}
		}
		s.Trade.Set(item, t)
	}
}

// settle pays out a purchase: what the buyer steered, and the rest by the weights. What it returns is left for
// the treasury.
func (s *State) settle(a Act, id event.ID, p Purchase, from tokens.Account) (treasury uint64) {
	p.Phase, treasury = Paid, p.Treasury
	gifts := make([]Gift, len(p.Gifts))
	for n, gift := range p.Gifts {
		gifts[n] = s.give(a, id, &p, gift, from)
		if gifts[n].Lapsed {
			p.Rest.Amount += gift.Amount
		}
	}
	p.Gifts = gifts
	if p.Rest = s.give(a, id, &p, p.Rest, from); p.Rest.Lapsed {
		treasury += p.Rest.Amount
	}
	s.Purchases.Set(id, p)
	s.count(&p)
	a.Around.Bought(p.Buyer, p.Amount, p.Treasury, a.Time)
	return treasury
}

// give pays one part of a purchase, unless it cannot be taken any more, because a mission has ended
// meanwhile or nobody could count that much: what was steered there follows the weights then, and what
// should follow the weights goes to the treasury.
func (s *State) give(a Act, id event.ID, p *Purchase, gift Gift, from tokens.Account) Gift {
	switch {
	case gift.Amount == 0:
	case gift.To.Kind == APlace && a.Around.Takes(gift.To.ID, gift.Amount) == nil:
		a.Around.Give(gift.To.ID, from, p.Buyer, gift.Amount, id, a.Time)
	case gift.To.Kind == APlace || gift.Amount > space(a.Ledger, gift.To):
		gift.Lapsed = true
	case gift.To.Kind == AnElement:
		a.Ledger.PayHolders(gift.To.asset(), from, gift.Amount, id)
	default:
		gift.Before = a.Ledger.PaySplit(gift.To.ID, from, gift.Amount, id)
	}
	return gift
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
	s.count(&p)
	s.release(a, b.Purchase, &p)
	return nil
}

// release takes a purchase off the agenda, and closes what waited only for it.
func (s *State) release(a Act, id event.ID, p *Purchase) {
	s.Agenda.Delete(Due{p.Until, p.Number})
	for i := -1; i < len(p.Gifts); i++ {
		to := p.Rest.To
		if i >= 0 {
			to = p.Gifts[i].To
		}
		if to.Kind == AnOffer {
			s.close(a.Ledger, to.ID, id)
		}
	}
}

// Next is the earliest coop time at which something happens by itself.
func (s *State) Next() (at event.Time, any bool) {
	for due := range s.Agenda.All() {
		return due.At, true
	}
	return 0, false
}

// Advance pays out the purchases that cannot be given back any more at coop time a.Time, in the order in
// which they were made. The treasury has its share of all of them at once.
func (s *State) Advance(a Act) {
	var ended []event.ID
	for due, id := range s.Agenda.All() {
		if due.At > a.Time {
			break
		}
		ended = append(ended, id)
	}
	treasury, last := uint64(0), event.ID{}
	for _, id := range ended {
		p, _ := s.Purchases.Get(id)
		treasury += s.settle(a, id, p, Escrow) // no sum of what one escrow had is too much
		s.release(a, id, &p)
		last = id
	}
	a.Ledger.Move(tokens.Currency, Escrow, tokens.Treasury, treasury, last)
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

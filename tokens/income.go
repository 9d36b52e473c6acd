package tokens

import (
	"math/bits"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/text"
)

// Pay is the body of tokens.pay: income for all holders of a token, in proportion to their units.
type Pay struct {
	Asset  Asset  `cbor:"asset" json:"asset"`
	Amount uint64 `cbor:"amount" json:"amount"` // minor units of the currency
	Memo   string `cbor:"memo" json:"memo"`
}

// Claim is the body of tokens.claim: what a token's income has brought me, in whole minor units, moves
// to my account.
type Claim struct {
	Asset Asset `cbor:"asset" json:"asset"`
}

// settle brings the income of a holding up to date: units held while Income grew by d earn d · units /
// supply. The quotient fits, because nobody holds more than the supply.
func (t *Token) settle(b *Balance) {
	high, low := bits.Mul64(t.Income-b.Since, b.Has)
	low, carry := bits.Add64(low, b.Rest, 0)
	whole, rest := bits.Div64(high+carry, low, t.Supply)
	b.Due, b.Rest, b.Since = b.Due+whole, rest, t.Income
}

// Inherit moves the income that came to an account to another one: of escrow, to whom it is held for.
func (s *State) Inherit(asset Asset, from, to Account) {
	if !s.Tokens.Has(asset) {
		return // money has no income
	}
	s.gather(asset)
	t, _ := s.Tokens.Get(asset)
	source, target := s.settled(from, asset), s.settled(to, asset)
	target.Due += source.Due
	target.Rest += source.Rest // below twice the supply
	if target.Rest >= t.Supply {
		target.Due, target.Rest = target.Due+1, target.Rest-t.Supply
	}
	source.Due, source.Rest = 0, 0
	s.put(Place{asset, from}, source)
	s.put(Place{asset, to}, target)
}

// Pay pays the holders of a token. Its cost does not depend on how many they are.
func (s *State) Pay(a Act, b Pay) error {
	t, ok := s.Tokens.Get(b.Asset)
	if !ok {
		return ErrUnknownToken
	}
	if !text.Prose(b.Memo, MaxMemo) {
		return ErrMemo
	}
	if err := s.Affords(a.People, Currency, a.By, b.Amount); err != nil {
		return err
	}
	if b.Amount > MaxAmount-t.Income {
		return ErrTooMuch
	}

	s.PayHolders(b.Asset, a.By, b.Amount, a.ID)
	return nil
}

// PayHolders adds to the income of a token. It panics if that is more than can be counted, or if there
// is no such token: check first.
func (s *State) PayHolders(asset Asset, from Account, amount uint64, by event.ID) {
	t, ok := s.Tokens.Get(asset)
	if !ok || amount > MaxAmount-t.Income {
		panic("tokens: invariant: a payment to a token that cannot take it")
	}
	t.Income += amount
	t.Last = by
	s.Tokens.Set(asset, t)
	s.Move(Currency, from, Income(asset), amount, by)
}

// Claim takes one's income, also that of units in one's orders and waiting transfers.
func (s *State) Claim(a Act, b Claim) error {
	if !s.Tokens.Has(b.Asset) {
		return ErrUnknownToken
	}
	if s.Claimable(a.By, b.Asset) == 0 {
		return ErrNothing
	}

	s.gather(b.Asset)
	t, _ := s.Tokens.Get(b.Asset)
	for id := range s.open(a.By, b.Asset) {
		s.Inherit(b.Asset, Escrow(id), a.By)
	}
	holding := s.settled(a.By, b.Asset)
	due := holding.Due
	holding.Due = 0
	s.put(Place{b.Asset, a.By}, holding)
	t.Claimed += due
	s.Tokens.Set(b.Asset, t)
	s.Move(Currency, Income(b.Asset), a.By, due, a.ID)
	return nil
}

// Claimable is what Claim would move, in minor units of the currency.
func (s *State) Claimable(account Account, asset Asset) uint64 {
	t, ok := s.Tokens.Get(asset)
	if !ok {
		return 0
	}
	sum := s.Of(account, asset)
	for id := range s.open(account, asset) {
		held := s.Of(Escrow(id), asset)
		sum.Due += held.Due
		sum.Rest += held.Rest
		if sum.Rest >= t.Supply {
			sum.Due, sum.Rest = sum.Due+1, sum.Rest-t.Supply
		}
	}
	return sum.Due
}

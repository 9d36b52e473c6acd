package tokens

import (
	"github.com/sustainy/coop/event"
)

// Move moves amount of an asset from one account to another; by is the event that does it, if it is
// one. It is the only way in which a balance changes, and it settles the income of both accounts
// first, so who held a unit while income came has that income. The issue may owe without a bound of
// its own, a member as Affords allows; for anything that cannot be, Move panics: check first.
func (s *State) Move(asset Asset, from, to Account, amount uint64, by event.ID) {
	if amount == 0 {
		return
	}
	if from == to {
		panic("tokens: invariant: a move from an account to itself")
	}
	if s.watch != nil {
		s.watch(asset, from, to, amount)
	}
	if asset != Currency {
		s.gather(asset) // so that it goes to who has the units now
	}
	source, target := s.settled(from, asset), s.settled(to, asset)
	owed := s.Owed

	taken := min(source.Has, amount)
	source.Has -= taken
	if debt := amount - taken; debt > 0 {
		if from.Kind != OfIssue && (from.Kind != OfMember || asset != Currency) {
			panic("tokens: invariant: an account that cannot owe has less than it gives")
		}
		source.Owes += debt
		if from.Kind == OfMember {
			owed += debt
		}
	}
	repaid := min(target.Owes, amount)
	target.Owes -= repaid
	if to.Kind == OfMember {
		owed -= repaid
	}
	target.Has += amount - repaid
	if !by.IsZero() {
		target.Last = by
	}
	if source.Owes > MaxAmount || target.Has > MaxAmount {
		panic("tokens: invariant: a balance above what can be counted")
	}
	s.Owed = owed
	s.put(Place{asset, from}, source)
	s.put(Place{asset, to}, target)
}

// put stores a balance, and nothing where there is nothing left to know.
func (s *State) put(place Place, b Balance) {
	switch {
	case place.Asset != Currency && b.none():
		s.Holdings.Delete(place)
	case place.Asset != Currency:
		s.Holdings.Set(place, b)
	case b.none():
		s.Money.Delete(place.Account)
	default:
		s.Money.Set(place.Account, b)
	}
}

// Affords tells why an account cannot spend amount of an asset, or nil. The treasury and escrow spend
// what they have; a member as much more of the currency as the overdraft of their classes allows.
func (s *State) Affords(people Register, asset Asset, from Account, amount uint64) error {
	if amount < 1 || amount > MaxAmount {
		return ErrAmount
	}
	b := s.Balance(asset, from)
	if amount <= b.Has {
		return nil
	}
	debt := b.Owes + (amount - b.Has)
	if asset != Currency || from.Kind != OfMember || debt > s.Overdraft(people, from) {
		return ErrFunds
	}
	if !s.fits(amount - b.Has) {
		return ErrTooMuch
	}
	return nil
}

// Overdraft is how much an account may owe of the currency: the highest that one of a member's classes
// has.
func (s *State) Overdraft(people Register, account Account) uint64 {
	most := uint64(0)
	if account.Kind == OfMember && s.Overdrafts.Len() > 0 {
		if p := people.Person(account.Key()); p.Member {
			for _, class := range p.Classes {
				limit, _ := s.Overdrafts.Get(textKey(class))
				most = max(most, limit)
			}
		}
	}
	return most
}

// fits tells whether so much more of the currency can come into being. What all accounts have together
// is what the issue and the members owe; as long as that is bounded, no account can overflow.
func (s *State) fits(more uint64) bool {
	issued, _ := s.Money.Get(Issue)
	return issued.Owes+s.Owed+more <= MaxAmount
}

// mayHold tells why an account cannot receive something of this rule, or nil.
func mayHold(people Register, rule Rule, account Account) error {
	if account.Kind != OfMember {
		return nil
	}
	p := people.Person(account.Key())
	if p.Member || p.Known && rule == RuleFree {
		return nil
	}
	return ErrNoMember
}

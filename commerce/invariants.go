package commerce

import (
	"cmp"
	"fmt"
	"math/big"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// Invariants looks for anything in the state, as it is at a coop time, that no sequence of events may lead
// to. It reads everything, and counts in integers without bounds.
func (s *State) Invariants(ledger *tokens.State, at event.Time) []error {
	var broken []error
	report := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Errorf("commerce: invariant: "+format, args...))
		}
	}
	past, _ := s.Past.Get(s.Terms.Event)
	report(s.Terms.sound() && past == s.Terms, "the terms of sale are not those that were decided")
	for asset, e := range table.All(&s.Elements) {
		report(e.Asset == asset && ledger.Tokens.Has(asset), "element %q belongs to no token", e.Title)
		report(e.Price.check() == nil, "element %q has the price %d", e.Title, e.Price.Amount)
	}
	came := table.Table[stretch, uint64]{}
	s.checkPurchases(ledger, at, &came, report)
	for id, o := range table.All(&s.Offers) {
		s.checkOffer(ledger, id, &o, report)
		split, _ := ledger.Splits.Get(id)
		sum := uint64(0)
		for st, amount := range table.From(&came, stretch{Offer: id}) {
			if st.Offer != id {
				break
			}
			report(st.Before == sum, "a purchase begins at %d of what came to %q, and the one before it ends at %d", st.Before, o.Name, sum)
			sum += amount
		}
		report(sum == split.Total, "%d came to %q, and its purchases say %d", split.Total, o.Name, sum)
	}
	report(s.Names.Len() == s.Offers.Len() && s.Offers.Len() == ledger.Splits.Len(), "%d names and %d splits of %d offers", s.Names.Len(), ledger.Splits.Len(), s.Offers.Len())
	return broken
}

// stretch is where a payment to an offer begins in all that ever came to it. Receipts say by it who had which
// cent, so stretches must neither overlap nor leave anything out.
type stretch struct {
	Offer  event.ID
	Before uint64
}

// Compare orders by offer, then by place.
func (s stretch) Compare(other stretch) int {
	return cmp.Or(s.Offer.Compare(other.Offer), cmp.Compare(s.Before, other.Before))
}

func num(n uint64) *big.Int { return new(big.Int).SetUint64(n) }

// checkPurchases expects that all of every purchase is accounted for and counted, and adds up what came to
// offers.
func (s *State) checkPurchases(ledger *tokens.State, at event.Time, came *table.Table[stretch, uint64], report func(bool, string, ...any)) {
	waiting, known, escrow := 0, 0, new(big.Int)
	numbers, trade := table.Table[table.Number, struct{}]{}, table.Table[Item, Trade]{}
	for id, p := range table.All(&s.Purchases) {
		sum := num(p.Treasury)
		for n, gift := range append([]Gift{p.Rest}, p.Gifts...) {
			if n == 0 || !gift.Lapsed {
				sum.Add(sum, num(gift.Amount))
			}
			t, _ := trade.Get(gift.To)
			switch {
			case p.Phase == Held:
				t.Held++
			case p.Phase == Paid && n == 0:
				t.Sold = plus(t.Sold, p.Count)
			case p.Phase == Paid:
				t.Steered = Demand{plus(t.Steered.Amount, gift.Amount), t.Steered.Times + 1}
			}
			trade.Set(gift.To, t)
			if gift.To.Kind == AnOffer && p.Phase == Paid && !gift.Lapsed && gift.Amount > 0 {
				came.Set(stretch{gift.To.ID, gift.Before}, gift.Amount)
			}
		}
		report(sum.Cmp(num(p.Amount)) == 0 && p.Amount > 0, "%s of the %d of purchase %s are accounted for", sum, p.Amount, id)
		report(s.Past.Has(p.Terms), "purchase %s was made under terms that never were", id)
		if p.Phase == Held {
			waiting++
			escrow.Add(escrow, num(p.Amount))
			due, _ := s.Agenda.Get(Due{p.Until, p.Number})
			report(due == id && p.Until > at, "purchase %s waits until %d", id, p.Until)
		} else {
			report(p.Phase == Paid || p.Phase == Refunded && p.Until > p.At, "purchase %s is %q", id, p.Phase)
		}
		if !p.Buyer.IsZero() {
			known++
		}
		report(p.Number < s.Count, "purchase %s has the number %d of %d", id, p.Number, s.Count)
		numbers.Set(table.Number(p.Number), struct{}{})
	}
	for item, counted := range table.All(&s.Trade) {
		t, _ := trade.Get(item)
		report(t == counted, "%v are counted of %s %s, of which are %v", counted, item.Kind, item.ID, t)
	}
	held := ledger.Of(Escrow, tokens.Currency)
	report(num(held.Has).Cmp(escrow) == 0, "%d are in escrow for purchases that can be given back, which were %s", held.Has, escrow)
	report(s.Agenda.Len() == waiting && s.Trade.Len() == trade.Len() && numbers.Len() == s.Purchases.Len() && uint64(numbers.Len()) == s.Count, "%d of %d purchases wait, %d numbers of %d", s.Agenda.Len(), s.Purchases.Len(), numbers.Len(), s.Count)
	s.checkBuyers(known, report)
}

// checkBuyers expects that every purchase of a known buyer is reached from their last one, each from one
// with a higher number.
func (s *State) checkBuyers(known int, report func(bool, string, ...any)) {
	for key, last := range table.All(&s.Bought) {
		before := s.Count
		for id := last; !id.IsZero(); known-- {
			p, _ := s.Purchases.Get(id)
			report(p.Buyer == key && p.Number < before, "purchase %s is not one of %s", id, key)
			if p.Number >= before {
				break
			}
			before, id = p.Number, p.Earlier
		}
	}
	report(known == 0, "%d purchases are in no list of their buyer", known)
}

// checkOffer expects that the split of an offer is what its portions say, worked out once more from above,
// that nothing contains itself, and that nothing withdrawn is sold.
func (s *State) checkOffer(ledger *tokens.State, id event.ID, o *Offer, report func(bool, string, ...any)) {
	named, _ := s.Names.Get(table.Text(o.Name))
	report(named == id, "%q is the name of another offer", o.Name)
	report(o.Price.check() == nil, "%q has the price %d", o.Name, o.Price.Amount)
	broken, depth := false, uint64(0)
	var leaves []tokens.Part
	var shares []*big.Rat
	var walk func(portions []Portion, share *big.Rat, level uint64)
	walk = func(portions []Portion, share *big.Rat, level uint64) {
		depth = max(depth, level)
		if level > MaxDepth {
			return
		}
		whole := new(big.Int)
		for _, p := range portions {
			whole.Add(whole, num(p.Weight))
		}
		for _, p := range portions {
			part := new(big.Rat).Mul(share, new(big.Rat).SetFrac(num(p.Weight), whole))
			if p.Item.Kind == AnElement {
				e, ok := s.Elements.Get(p.Item.asset())
				report(ok, "%q has a part that is none", o.Name)
				broken = broken || e.Withdrawn
				leaves, shares = append(leaves, tokens.Part{Asset: e.Asset}), append(shares, part)
				continue
			}
			inner, ok := s.Offers.Get(p.Item.ID)
			report(ok, "%q has a part that is none", o.Name)
			broken = broken || inner.Withdrawn || inner.Broken
			walk(inner.Portions, part, level+1)
		}
	}
	walk(o.Portions, big.NewRat(1, 1), 1)
	split, _ := ledger.Splits.Get(id)
	same := len(split.Parts) == len(leaves)
	for n := 0; same && n < len(leaves); n++ {
		p := split.Parts[n]
		same = p.Asset == leaves[n].Asset && p.Den > 0 && new(big.Rat).SetFrac(num(p.Num), num(p.Den)).Cmp(shares[n]) == 0
	}
	report(same, "the split of %q has other shares than its weights say", o.Name)
	report(depth == o.Depth, "%q is %d deep, not %d", o.Name, depth, o.Depth)
	report(o.Broken || !broken, "%q contains what was withdrawn", o.Name)
	report(split.Closed == s.over(id, o), "the split of %q is open or closed wrongly", o.Name)
}

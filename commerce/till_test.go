package commerce

import (
	"testing"

	"github.com/sustainy/coop/tokens"
)

// TestNoMoreThanCanBeCounted: purchases that end together pay an element and an offer of which it is a part, as much
// as can be counted. The first has room, the second finds it taken, and what the offer brings when it closes stays
// with it, because the element was paid before.
func TestNoMoreThanCanBeCounted(t *testing.T) {
	w := newTown(t, 1)
	w.must(w.s.SetTerms(w.act(tokens.Treasury), SetTerms{Most: 100_000, Window: day}))
	asset := w.assets[0]
	element, by := ElementOf(asset), tokens.Member(key(0))
	offering := w.act(tokens.Treasury)
	w.must(w.s.NewOffer(offering, NewOffer{Kind: Product, Name: "all-of-it", Title: "All", Portions: []Portion{{element, 1}}, Price: Price{100, false}}))
	w.must(w.s.SetPrice(w.act(tokens.Treasury), SetPrice{element, Price{100, false}}))
	offer := OfferOf(NewOfferID(offering.ID, 0))
	room := func(n uint64) {
		token, _ := w.l.Tokens.Get(asset)
		token.Income = MaxAmount - n
		w.l.Tokens.Set(asset, token)
	}
	treasury := w.l.Of(tokens.Treasury, tokens.Currency).Has

	room(1000)
	var ids []Act
	for _, item := range []Item{offer, element, element} {
		a := w.act(by)
		w.must(w.s.Buy(a, Buy{Order: Order{Item: item, Count: 1, Pay: 100}}))
		ids = append(ids, a)
	}
	w.must(w.s.Withdraw(w.act(tokens.Treasury), Withdraw{offer}))
	room(150)
	w.now += day
	w.s.Advance(w.act(tokens.Treasury))

	for n, lapsed := range []bool{false, false, true} {
		if p, _ := w.s.Purchases.Get(ids[n].ID); p.Phase != Paid || p.Rest.Lapsed != lapsed {
			t.Errorf("purchase %d: %+v", n, p)
		}
	}
	token, _ := w.l.Tokens.Get(asset)
	split, _ := w.l.Splits.Get(offer.ID)
	if got := w.l.Of(tokens.Treasury, tokens.Currency).Has - treasury; got != 100 || token.Income != MaxAmount || split.Given != 50 || split.Closed {
		t.Errorf("%d to the treasury, the element has %d and of the offer %d", got, MaxAmount-token.Income, split.Given)
	}
	if w.s.Agenda.Len() != 0 {
		t.Error("something is still held")
	}
}

package coop

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// payment is something that brings a token income, or takes what it brought.
type payment struct {
	by    int
	kind  event.Kind
	body  any
	after int // a refund: of the purchase at this place
}

// TestOrderOfPaymentsDoesNotMatter makes the same purchases, payments, refunds and claims in two orders, a
// refund after what it gives back, with and without a refund window, and expects that everybody is entitled
// to the same, to the unit: whatever was claimed in between, and whether the market of a segment came in
// between or not.
func TestOrderOfPaymentsDoesNotMatter(t *testing.T) {
	start := newEconomy(t, 3)
	coop := identity.Assembly
	var items []commerce.Item
	for _, asset := range start.assets {
		items = append(items, commerce.ElementOf(asset))
		start.must(coop, commerce.KindPrice, commerce.SetPrice{Item: commerce.ElementOf(asset), Price: commerce.Price{Open: true}})
	}
	for n, parts := range [][]int{{0, 1, 2}, {2, 3}, {6, 7, 4}, {8, 5, 0}} {
		b := commerce.NewOffer{Kind: commerce.Bundle, Name: fmt.Sprint("box-", n), Title: "Box", Price: commerce.Price{Open: true}}
		for k, part := range parts {
			b.Portions = append(b.Portions, commerce.Portion{Item: items[part], Weight: uint64(2*k + n + 1)})
		}
		start.must(coop, commerce.KindOffer, b)
		id, _ := start.s.Shop.Names.Get(table.Text(b.Name))
		items = append(items, commerce.OfferOf(id))
	}
	rapid.Check(t, func(rt *rapid.T) {
		window := rapid.SampledFrom([]event.Time{0, day}).Draw(rt, "window")
		var list []payment
		pick := rapid.IntRange(0, len(items)-1)
		for n := range rapid.IntRange(1, 25).Draw(rt, "payments") {
			by := rapid.IntRange(0, 9).Draw(rt, "who")
			asset := start.assets[rapid.IntRange(0, len(start.assets)-1).Draw(rt, "token")]
			switch rapid.SampledFrom([]string{"buy", "buy", "buy", "refund", "pay", "claim"}).Draw(rt, "what") {
			case "buy":
				pay := rapid.Uint64Range(100, 500).Draw(rt, "pay")
				o := commerce.Order{Item: items[pick.Draw(rt, "item")], Count: 1, Pay: pay}
				if rapid.Bool().Draw(rt, "steer") {
					o.Steer = []commerce.Steer{{To: items[pick.Draw(rt, "to")], Amount: rapid.Uint64Range(1, pay/2).Draw(rt, "slider")}}
				}
				list = append(list, payment{by, commerce.KindBuy, commerce.Buy{Order: o}, -1})
			case "refund":
				if n > 0 && len(list) > 0 && window > 0 {
					of := rapid.IntRange(0, len(list)-1).Draw(rt, "of")
					if twice := slices.ContainsFunc(list, func(p payment) bool { return p.kind == commerce.KindRefund && p.after == of }); list[of].kind == commerce.KindBuy && !twice {
						list = append(list, payment{list[of].by, commerce.KindRefund, nil, of})
					}
				}
			case "pay":
				list = append(list, payment{by, tokens.KindPay, tokens.Pay{Asset: asset, Amount: rapid.Uint64Range(1, 99).Draw(rt, "amount")}, -1})
			case "claim":
				list = append(list, payment{by, tokens.KindClaim, tokens.Claim{Asset: asset}, -1})
			}
		}
		order := make([]int, len(list))
		for i := range order {
			order[i] = i
		}
		a := start.afterwards(rt, list, order, window, false)
		b := start.afterwards(rt, list, rapid.Permutation(order).Draw(rt, "order"), window, rapid.Bool().Draw(rt, "commits"))
		if a != b {
			rt.Fatalf("in one order\n%s\nin another\n%s", a, b)
		}
	})
}

// afterwards says to what everybody is entitled, and what they have, once all this was done in an order and
// the refund window is over.
func (x *economy) afterwards(t *rapid.T, list []payment, order []int, window event.Time, commits bool) (says string) {
	y := &economy{t: x.t, s: x.s.Copy(), now: x.now, n: 1 << 20, seqs: map[identity.PublicKey]uint64{}, keys: x.keys, counts: map[string]int{}, escrow: x.inEscrow()}
	for key, seq := range x.seqs {
		y.seqs[key] = seq
	}
	terms := commerce.DefaultTerms()
	y.must(identity.Assembly, commerce.KindTerms, commerce.SetTerms{Least: terms.Least, Default: terms.Default, Most: terms.Most, Steer: terms.Steer, Window: window})
	claimed := map[[2]int]uint64{}
	done := map[int]event.ID{}
	do := func(i int) {
		p := list[i]
		if p.kind == commerce.KindRefund {
			p.body = commerce.Refund{Purchase: done[p.after]}
		}
		if c, ok := p.body.(tokens.Claim); ok {
			due := y.s.Ledger.Claimable(tokens.Member(y.keys[p.by]), c.Asset)
			claimed[[2]int{p.by, slices.Index(x.assets, c.Asset)}] += due
		}
		id, err := y.apply(y.keys[p.by], p.kind, p.body)
		if err != nil && err != tokens.ErrNothing {
			t.Fatalf("%s %+v: %v", p.kind, p.body, err)
		}
		done[i] = id
		if commits {
			MoveOn(&y.s)
		}
	}
	var late []int
	for _, i := range order {
		if _, bought := done[list[i].after]; list[i].kind == commerce.KindRefund && !bought {
			late = append(late, i)
			continue
		}
		do(i)
	}
	for _, i := range late {
		do(i)
	}
	Advance(&y.s, y.now+2*day)
	for _, broken := range Invariants(&y.s) {
		t.Fatal(broken)
	}
	entitled := map[[2]int]uint64{}
	for n, key := range y.keys {
		has := y.s.Ledger.Of(tokens.Member(key), tokens.Currency).Has
		for k, asset := range x.assets {
			entitled[[2]int{n, k}] = claimed[[2]int{n, k}] + y.s.Ledger.Claimable(tokens.Member(key), asset)
			has -= claimed[[2]int{n, k}]
		}
		says += fmt.Sprintf("%d has %d\n", n, has)
	}
	return says + fmt.Sprint(entitled, y.s.Ledger.Of(tokens.Treasury, tokens.Currency).Has)
}

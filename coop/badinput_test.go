package coop

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/tokens"
)

// refuses expects that something is refused for a reason, and that nothing has changed but who was heard.
func (x *economy) refuses(what string, by identity.PublicKey, kind event.Kind, body any, why error) {
	x.t.Helper()
	before := Root(&x.s)
	if _, err := x.apply(by, kind, body); !errors.Is(err, why) {
		x.t.Errorf("%s: %v, expected: %v", what, err, why)
	}
	if Root(&x.s) != before {
		x.t.Errorf("%s was refused, and the state has changed", what)
	}
}

// wait lets time pass to the last millisecond of which something is due.
func (x *economy) wait(d event.Time) {
	x.now += d
	Advance(&x.s, x.now)
	x.escrow = x.inEscrow()
}

// TestBadAmounts: what no amount can be.
func TestBadAmounts(t *testing.T) {
	x := newEconomy(t, 1)
	ann, bob, asset := x.keys[0], x.keys[1], x.assets[0]
	type transfer struct { // as a draft made by hand may have it
		Asset  tokens.Asset       `cbor:"asset"`
		To     identity.PublicKey `cbor:"to"`
		Amount int64              `cbor:"amount"`
		Memo   string             `cbor:"memo"`
	}
	for _, amount := range []int64{-1, -1 << 53} {
		d, err := event.NewDraft(tokens.KindTransfer, transfer{To: bob, Amount: amount})
		if err == nil {
			err = machine.Apply(&x.s, fold.Env{ID: x.id(), Key: ann, Seq: 2, Time: x.now}, d)
		}
		if err == nil {
			t.Errorf("%d was transferred", amount)
		}
	}
	x.refuses("nothing", ann, tokens.KindTransfer, tokens.Transfer{To: bob}, tokens.ErrAmount)
	x.refuses("nothing paid", ann, tokens.KindPay, tokens.Pay{Asset: asset}, tokens.ErrAmount)
	x.refuses("more than there is", ann, tokens.KindTransfer, tokens.Transfer{To: bob, Amount: tokens.MaxAmount}, tokens.ErrFunds)
	x.refuses("more than can be counted", identity.Assembly, tokens.KindIssue, tokens.IssueMoney{To: ann, Amount: tokens.MaxAmount, Receipt: "all"}, tokens.ErrTooMuch)
	x.refuses("a product above 2^64", ann, tokens.KindOrder, tokens.PlaceOrder{Side: tokens.Sell, Asset: asset, Units: 1 << 33, Price: 1 << 33, Until: x.now + day}, tokens.ErrPrice)
	x.must(identity.Assembly, commerce.KindPrice, commerce.SetPrice{Item: commerce.ElementOf(asset), Price: commerce.Price{Amount: commerce.MaxAmount}})
	x.refuses("a million pieces of the dearest", ann, commerce.KindBuy, commerce.Buy{Order: commerce.Order{Item: commerce.ElementOf(asset), Count: commerce.MaxCount, Pay: commerce.MaxAmount}}, commerce.ErrStale)
}

// TestDust: amounts too small to be divided are kept for the next sale, and lost to nobody.
func TestDust(t *testing.T) {
	x := newEconomy(t, 2)
	x.must(identity.Assembly, commerce.KindTerms, commerce.SetTerms{})
	offer := commerce.NewOffer{Kind: commerce.Product, Name: "box", Title: "Box", Price: commerce.Price{Open: true}}
	for _, asset := range x.assets[:5] {
		offer.Portions = append(offer.Portions, commerce.Portion{Item: commerce.ElementOf(asset), Weight: 1})
	}
	id := commerce.NewOfferID(x.must(identity.Assembly, commerce.KindOffer, offer), 0)
	for n := range uint64(10) {
		x.must(x.keys[1], commerce.KindBuy, commerce.Buy{Order: commerce.Order{Item: commerce.OfferOf(id), Count: 1, Pay: 1}})
		for _, asset := range x.assets[:5] {
			if has := x.s.Ledger.Earned(asset); has != (n+1)/5 {
				t.Fatalf("after %d cents a fifth is %d", n+1, has)
			}
		}
	}
	x.compare()
}

// TestBadOrders: crossed with one's own, stale, or filled already.
func TestBadOrders(t *testing.T) {
	x := newEconomy(t, 3)
	asset := tokens.NewAsset(x.must(identity.Assembly, tokens.KindCreate, tokens.Create{Name: "coin", Rule: tokens.RuleFree, Shares: []tokens.Share{{To: x.keys[1], Amount: 50}}}), 0)
	order := func(side tokens.Side, price uint64, lasts event.Time) tokens.PlaceOrder {
		return tokens.PlaceOrder{Side: side, Asset: asset, Units: 10, Price: price, Until: x.now + lasts}
	}
	ask := x.must(x.keys[1], tokens.KindOrder, order(tokens.Sell, 5, hour))
	x.refuses("a trade with oneself", x.keys[1], tokens.KindOrder, order(tokens.Buy, 5, hour), tokens.ErrSelfTrade)
	x.refuses("an order of yesterday", x.keys[2], tokens.KindOrder, order(tokens.Buy, 5, 0), tokens.ErrUntil)
	bid := x.must(x.keys[2], tokens.KindOrder, order(tokens.Buy, 9, hour)) // crossed until the commit ends
	MoveOn(&x.s)
	x.escrow = x.inEscrow()
	if has := x.s.Ledger.Of(tokens.Member(x.keys[2]), asset).Has; has != 10 || x.s.Ledger.Of(tokens.Member(x.keys[1]), tokens.Currency).Has != 100_000+10*7 {
		t.Errorf("crossed orders of one commit: %d units changed hands", has)
	}
	for _, id := range []event.ID{ask, bid} {
		x.refuses("an order that was filled", x.keys[1], tokens.KindCancel, tokens.Cancel{ID: id}, tokens.ErrNotOpen)
	}
	x.must(x.keys[1], tokens.KindOrder, order(tokens.Sell, 5, hour))
	x.wait(hour)
	stale := x.must(x.keys[2], tokens.KindOrder, order(tokens.Buy, 9, hour))
	MoveOn(&x.s)
	if o, open := x.s.Ledger.Orders.Get(stale); !open || o.Left != 10 || x.s.Ledger.Of(tokens.Member(x.keys[1]), asset).Has != 40 {
		t.Error("an order traded after its time, or did not give back what it held")
	}
	x.compare()
}

// TestBadBundles: in themselves, too large, or too large once they are unfolded.
func TestBadBundles(t *testing.T) {
	x := newEconomy(t, 4)
	coop := identity.Assembly
	y := economy{n: x.n}
	next := y.id() // of the act that follows
	offer := func(name string, items ...commerce.Item) commerce.NewOffer {
		b := commerce.NewOffer{Kind: commerce.Bundle, Name: name, Title: name, Price: commerce.Price{Amount: 5}}
		for _, item := range items {
			b.Portions = append(b.Portions, commerce.Portion{Item: item, Weight: 1})
		}
		return b
	}
	x.refuses("a bundle in itself", coop, commerce.KindOffer, offer("ring", commerce.OfferOf(commerce.NewOfferID(next, 0))), commerce.ErrUnknownItem)
	var elements []commerce.Item
	for i := range 200 {
		id := x.must(coop, tokens.KindCreate, tokens.Create{Name: fmt.Sprint("part-", i), Rule: tokens.RuleFree, Shares: []tokens.Share{{To: x.keys[0], Amount: 1}}})
		x.must(coop, commerce.KindElement, commerce.NewElement{Asset: tokens.NewAsset(id, 0), Title: "Part", Price: commerce.Price{Amount: 1}})
		elements = append(elements, commerce.ElementOf(tokens.NewAsset(id, 0)))
	}
	var many []commerce.Item
	for n := range 10_000 {
		many = append(many, commerce.Item{Kind: commerce.AnElement, ID: event.ID{byte(n), byte(n >> 8), 1}})
	}
	if _, err := event.NewDraft(commerce.KindOffer, offer("crowd", many...)); err == nil {
		t.Error("10,000 elements fit into an event")
	}
	if err := x.s.Shop.NewOffer(x.s.shopAt(x.now), offer("crowd", many...)); err != commerce.ErrParts {
		t.Errorf("10,000 elements: %v", err)
	}
	x.refuses("500 elements", coop, commerce.KindOffer, offer("crowd", many[:500]...), commerce.ErrParts)
	x.refuses("257 elements", coop, commerce.KindOffer, offer("crowd", many[:257]...), commerce.ErrParts)
	a := commerce.OfferOf(commerce.NewOfferID(x.must(coop, commerce.KindOffer, offer("left", elements[:100]...)), 0))
	b := commerce.OfferOf(commerce.NewOfferID(x.must(coop, commerce.KindOffer, offer("right", elements[50:]...)), 0))
	x.must(coop, commerce.KindOffer, offer("both", a, b))
	x.refuses("300 elements by three ways", coop, commerce.KindOffer, offer("all", a, b, commerce.OfferOf(commerce.NewOfferID(x.must(coop, commerce.KindOffer, offer("some", elements[:50]...)), 0))), commerce.ErrParts)
	x.compare()
}

// TestBadPurchases: sliders outside their bounds, things taken twice.
func TestBadPurchases(t *testing.T) {
	x := newEconomy(t, 5)
	asset := x.assets[0]
	x.must(identity.Assembly, commerce.KindPrice, commerce.SetPrice{Item: commerce.ElementOf(asset), Price: commerce.Price{Open: true}})
	buy := func(sliders ...commerce.Steer) commerce.Buy {
		return commerce.Buy{Order: commerce.Order{Item: commerce.ElementOf(asset), Count: 1, Pay: 1000, Steer: sliders}}
	}
	other, treasury := commerce.ElementOf(x.assets[1]), commerce.Item{Kind: commerce.TheTreasury}
	bob := x.keys[1]
	x.refuses("a slider above its bound", bob, commerce.KindBuy, buy(commerce.Steer{To: other, Amount: 501}), commerce.ErrSteered)
	x.refuses("sliders above it together", bob, commerce.KindBuy, buy(commerce.Steer{To: other, Amount: 300}, commerce.Steer{To: commerce.ElementOf(asset), Amount: 201}), commerce.ErrSteered)
	x.refuses("too little for the treasury", bob, commerce.KindBuy, buy(commerce.Steer{To: treasury, Amount: 49}), commerce.ErrTreasury)
	x.refuses("too much for the treasury", bob, commerce.KindBuy, buy(commerce.Steer{To: treasury, Amount: 301}), commerce.ErrTreasury)
	x.refuses("a slider above all", bob, commerce.KindBuy, buy(commerce.Steer{To: other, Amount: tokens.MaxAmount}), commerce.ErrSteers)
	x.refuses("a slider of nothing", bob, commerce.KindBuy, buy(commerce.Steer{To: other}), commerce.ErrSteers)
	x.refuses("two sliders to one place", bob, commerce.KindBuy, buy(commerce.Steer{To: other, Amount: 1}, commerce.Steer{To: other, Amount: 1}), commerce.ErrSteers)
	x.refuses("a slider to nowhere", bob, commerce.KindBuy, buy(commerce.Steer{To: commerce.Item{Kind: "moon"}, Amount: 1}), commerce.ErrUnknownItem)

	had := x.s.Ledger.Of(tokens.Member(bob), tokens.Currency).Has
	id := x.must(bob, commerce.KindBuy, buy())
	x.refuses("another's purchase given back", x.keys[2], commerce.KindRefund, commerce.Refund{Purchase: id}, commerce.ErrNotYours)
	x.must(bob, commerce.KindRefund, commerce.Refund{Purchase: id})
	if has := x.s.Ledger.Of(tokens.Member(bob), tokens.Currency).Has; has != had {
		t.Errorf("given back: %d of %d", has, had)
	}
	x.refuses("given back twice", bob, commerce.KindRefund, commerce.Refund{Purchase: id}, commerce.ErrRefundedTwice)
	id = x.must(bob, commerce.KindBuy, buy())
	x.wait(day)
	x.refuses("given back too late", bob, commerce.KindRefund, commerce.Refund{Purchase: id}, commerce.ErrRefundOver)

	ann := x.keys[0]
	x.must(ann, tokens.KindClaim, tokens.Claim{Asset: asset})
	x.refuses("a claim twice", ann, tokens.KindClaim, tokens.Claim{Asset: asset}, tokens.ErrNothing)
	x.must(identity.Assembly, surplus.KindDistribute, surplus.Distribute{Pool: 100, Parts: []surplus.Part{{By: surplus.Equally, Share: surplus.Whole}}})
	x.refuses("more than sales brought", identity.Assembly, surplus.KindDistribute, surplus.Distribute{Pool: 1, Parts: []surplus.Part{{By: surplus.Equally, Share: 1}}}, surplus.ErrPool)
	x.must(identity.Assembly, surplus.KindPayout, surplus.Payout{Share: surplus.Whole})
	x.must(ann, surplus.KindClaim, surplus.Claim{})
	x.refuses("a share of the surplus twice", ann, surplus.KindClaim, surplus.Claim{}, surplus.ErrNothing)
	x.compare()
}

// TestBadMissions: prizes above escrow, pledges too late, contributors who did not consent, and judges with a
// share in the work.
func TestBadMissions(t *testing.T) {
	x := newEconomy(t, 6)
	ann, bob, cleo, dan := x.keys[0], x.keys[1], x.keys[2], x.keys[3]
	l := missions.Listing{Title: "Roof", Funding: missions.AllOrNothing, Target: 99, Prizes: []uint64{60, 40}, Match: missions.Match{Kind: missions.MatchNone},
		Token: missions.Token{Name: "prize", Rule: tokens.RuleFree, Units: 10}, Price: 1, Judges: missions.ByMembers, Method: missions.Approve,
		Periods: missions.Periods{Funding: hour, Open: hour, Reveal: hour, Judging: hour}}
	x.refuses("prizes above the escrow", ann, missions.KindList, l, missions.ErrEscrow)
	l.Target = 100
	id := x.must(ann, missions.KindList, l)
	l.Token.Name, l.Title = "lost", "Missed"
	missed := x.must(ann, missions.KindList, l)
	x.must(dan, missions.KindPledge, missions.MakePledge{Mission: id, Amount: 103})
	x.must(dan, missions.KindPledge, missions.MakePledge{Mission: missed, Amount: 99})
	x.refuses("a pledge of nothing", dan, missions.KindPledge, missions.MakePledge{Mission: id}, tokens.ErrAmount)
	x.wait(hour)
	x.refuses("a late pledge", dan, missions.KindPledge, missions.MakePledge{Mission: id, Amount: 1}, missions.ErrNotFunding)
	x.wait(1)
	if m, _ := x.s.Missions.Missions.Get(missed); m.Phase != missions.PhaseRefunded {
		t.Fatalf("a missed target: %s", m.Phase)
	}
	x.refuses("a pledge to a refunded mission", dan, missions.KindPledge, missions.MakePledge{Mission: missed, Amount: 1}, missions.ErrNotFunding)

	c := missions.Content{Title: "Tiles", Contributors: []missions.Contributor{{Member: bob, Role: "tiler", Share: 1}, {Member: cleo, Role: "never asked", Share: 9}}}
	entry := missions.Entry{Mission: id, ID: x.must(bob, missions.KindSubmit, missions.Submit{Mission: id, Commitment: c.Commitment(id, bob, [32]byte{7})})}
	x.refuses("a mission called off once somebody has submitted", ann, missions.KindCancel, missions.Cancel{Mission: id}, missions.ErrEntered)
	x.wait(hour)
	x.refuses("another's work revealed", cleo, missions.KindReveal, missions.Reveal{Submission: entry, Content: c, Secret: [32]byte{7}}, missions.ErrNotAuthor)
	x.refuses("another secret", bob, missions.KindReveal, missions.Reveal{Submission: entry, Content: c, Secret: [32]byte{8}}, missions.ErrCommitment)
	x.must(bob, missions.KindReveal, missions.Reveal{Submission: entry, Content: c, Secret: [32]byte{7}})
	x.wait(hour)
	x.refuses("a judge of their own work", bob, missions.KindJudge, missions.Judge{Mission: id, Approve: []event.ID{entry.ID}}, missions.ErrConflict)
	x.must(cleo, missions.KindJudge, missions.Judge{Mission: id, Approve: []event.ID{entry.ID}}) // who never consented has no part in it
	before := x.s.Ledger.Of(tokens.Member(cleo), tokens.Currency).Has
	x.wait(hour)
	x.wait(1)
	m, _ := x.s.Missions.Missions.Get(id)
	if now := x.s.Ledger.Of(tokens.Member(cleo), tokens.Currency).Has; m.Phase != missions.PhaseDelivered || now != before || x.s.Ledger.Of(tokens.Member(cleo), m.Asset).Has > 0 {
		t.Errorf("%s, and who never consented has got %d", m.Phase, now-before)
	}
	if units := x.s.Ledger.Of(tokens.Member(bob), m.Asset).Has; units != 10 || m.Paid != 62 {
		t.Errorf("who consented has %d units of a prize of %d", units, m.Paid)
	}
	x.compare()
}

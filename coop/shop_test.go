package coop

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// bazaar is the bank's charter, whose proposals on track quick may also do everything that the shop knows.
func bazaar(c governance.Charter) governance.Charter {
	if !slices.Contains(c.Tracks[1].Actions, tokens.KindPay) {
		c = bank(c)
	}
	c.Tracks[1].Actions = append(append(c.Tracks[1].Actions, slices.Concat(commerce.Kinds(), surplus.Kinds())...), commerce.KindBuy, commerce.KindSell) // which the shop refuses
	return c
}

// shopDraft is what a command about the shop wants to say, if it is one. Prices are in minor units; "5+" is
// a price of at least 5.
//
//	element TOKEN title= price=              product|bundle NAME parts=roof:3,box:2 title= price= number=0
//	reprice NAME price=                      unsell NAME
//	terms least= default= most= steer= window=0h                    (in percent)
//	buy NAME PAY count=1 steer=treasury:5,roof:3 memo=
//	distribute POOL parts=CLASS:MEASURE:PERCENT,…      payout N PERCENT     take N     (class "all": everybody)
//	sell NAME PAY count=1 steer= to=WHO for=RECEIPT memo=           refund WHOSE N for=RECEIPT
func (w *world) shopDraft(c command) (event.Draft, bool) {
	object := c.word(2)
	switch c.word(1) {
	case "distribute":
		b := surplus.Distribute{Pool: w.number(object)}
		for _, text := range c.list("parts") {
			p := strings.Split(text+"::", ":")
			b.Parts = append(b.Parts, surplus.Part{Class: strings.ReplaceAll(p[0], "all", ""), By: surplus.Measure(p[1]), Share: w.number(p[2]) * 10_000})
		}
		return w.body(surplus.KindDistribute, b), true
	case "payout":
		return w.body(surplus.KindPayout, surplus.Payout{Number: w.number(object), Share: w.number(c.word(3)) * 10_000}), true
	case "take":
		return w.body(surplus.KindClaim, surplus.Claim{Number: w.number(object)}), true
	case "product", "bundle":
		b := commerce.NewOffer{Number: w.number(c.get("number", "0")), Kind: commerce.OfferKind(c.get("kind", c.word(1))), Name: object, Title: c.get("title", title(object)), Price: w.price(c)}
		for _, text := range c.list("parts") {
			name, weight, _ := strings.Cut(text, ":")
			b.Portions = append(b.Portions, commerce.Portion{Item: w.item(name), Weight: w.number(weight)})
		}
		for n := range w.number(c.get("many", "0")) {
			b.Portions = append(b.Portions, commerce.Portion{Item: commerce.OfferOf(event.ID{byte(n), byte(n >> 8)}), Weight: 1})
		}
		return w.body(commerce.KindOffer, b), true
	case "reprice":
		return w.body(commerce.KindPrice, commerce.SetPrice{Item: w.item(object), Price: w.price(c)}), true
	case "unsell":
		return w.body(commerce.KindWithdraw, commerce.Withdraw{Item: w.item(object)}), true
	case "terms":
		percent := func(name string) uint64 { return w.number(c.get(name, "0")) * 10_000 }
		return w.body(commerce.KindTerms, commerce.SetTerms{Least: percent("least"), Default: percent("default"), Most: percent("most"), Steer: percent("steer"), Window: w.span(c.get("window", "0h"))}), true
	case "buy":
		return w.body(commerce.KindBuy, commerce.Buy{Order: w.order(c), Memo: c.get("memo", "")}), true
	case "sell":
		b := commerce.Sell{Order: w.order(c), Receipt: c.get("for", ""), Memo: c.get("memo", "")}
		if who := c.get("to", ""); who != "" {
			b.Buyer = publicOf(who)
		}
		if c.get("to", "") == "garbage" {
			b.Buyer = identity.PublicKey{1} // a point of small order
		}
		return w.body(commerce.KindSell, b), true
	case "refund":
		return w.body(commerce.KindRefund, commerce.Refund{Purchase: w.purchase(object, c.word(3)), Receipt: c.get("for", "")}), true
	case "element":
		return w.body(commerce.KindElement, commerce.NewElement{Asset: w.asset(object), Title: c.get("title", title(object)), Price: w.price(c)}), true
	}
	return event.Draft{}, false
}

// surplus lists what sales have brought, and how it was divided.
func (w *world) surplus() (out []string) {
	s := w.state()
	money := s.Hall.Currency.Format
	v := Surplus(s)
	out = append(out, fmt.Sprintf("sales brought %s, of which %s can be distributed; the period began at %s", money(v.Earned), money(v.Left), v.Since))
	for _, d := range v.Distributions {
		d, _ = Distribution(s, d.Number)
		out = append(out, fmt.Sprintf("distribution %d of %s from %s to %s: %s; reserve %s, payable %s", d.Number, money(d.Pool), d.From, d.To, d.Says, money(d.Reserve), Millionths(d.Payable)))
		var rows []string
		for _, a := range d.Allotments {
			rows = append(rows, fmt.Sprintf("  %s: %v, %s, taken %s, due %s", strings.Split(a.Name, ":")[0], a.Amounts, money(a.Total), money(a.Taken), money(a.Due)))
		}
		slices.Sort(rows)
		out = append(out, rows...)
	}
	var rows []string
	for _, a := range v.Accounts {
		rows = append(rows, fmt.Sprintf("capital of %s: %s, taken %s", strings.Split(a.Name, ":")[0], money(a.Allotted), money(a.Taken)))
	}
	slices.Sort(rows)
	return append(out, rows...)
}

// item is what is sold under a name; "treasury" is the treasury, "mission/NAME" a mission.
func (w *world) item(name string) commerce.Item {
	s := w.state()
	if name == "treasury" {
		return commerce.Item{Kind: commerce.TheTreasury}
	}
	if place, ok := strings.CutPrefix(name, "mission/"); ok {
		return commerce.Item{Kind: commerce.APlace, ID: w.missionNamed(place)}
	}
	if id, ok := s.Shop.Names.Get(table.Text(name)); ok {
		return commerce.OfferOf(id)
	}
	return commerce.ElementOf(w.asset(name))
}

func (w *world) order(c command) commerce.Order {
	o := commerce.Order{Item: w.item(c.word(2)), Count: w.number(c.get("count", "1")), Pay: w.number(c.word(3))}
	for _, text := range c.list("steer") {
		name, amount, _ := strings.Cut(text, ":")
		o.Steer = append(o.Steer, commerce.Steer{To: w.item(name), Amount: w.number(amount)})
	}
	return o
}

// purchase is the n-th purchase that somebody signed, from 0.
func (w *world) purchase(who, n string) event.ID {
	if w.strands[who] == nil {
		return event.ID{9}
	}
	i := uint64(0)
	for _, e := range w.strands[who].events {
		if w.state().Shop.Purchases.Has(e.ID) {
			if fmt.Sprint(i) == n {
				return e.ID
			}
			i++
		}
	}
	return event.ID{9}
}

func (w *world) price(c command) commerce.Price {
	text := c.get("price", "100")
	open := text[len(text)-1] == '+'
	if open {
		text = text[:len(text)-1]
	}
	return commerce.Price{Amount: w.number(text), Open: open}
}

// shop lists what is sold.
func (w *world) shop() (out []string) {
	s := w.state()
	for _, i := range Shop(s).Items {
		line := fmt.Sprintf("%s %s: %q for %s, %s, %d sold, income %s", i.Kind, i.Name, i.Title, s.price(i.Price), i.State, i.Sold, s.Hall.Currency.Format(i.Income))
		for _, p := range i.Shares {
			line += fmt.Sprintf("; %d/%d %s", p.Num, p.Den, p.Token)
		}
		out = append(out, line)
	}
	for _, d := range Demand(s) {
		out = append(out, fmt.Sprintf("steered to %s: %s, %d times", d.Name, s.Hall.Currency.Format(d.Amount), d.Times))
	}
	slices.Sort(out)
	return append(out, "terms: "+Shop(s).Says)
}

// stocked is a world in which every table of the shop has rows: a purchase that was paid out, and one that
// can still be given back.
func stocked(t testing.TB) *world {
	w := richUnder(t, "bazaar")
	for _, c := range []string{`ann propose sell track=quick ledger="element roof;element mural price=0+"`, "bob vote sell yes", "wait 61m",
		`ann propose home track=quick ledger="product home parts=roof:3,mural:4 price=100"`, "bob vote home yes", "wait 61m",
		`ann propose box track=quick ledger="bundle box parts=home:1,roof:1 price=10+"`, "bob vote box yes", "wait 61m", "bob buy box 51 steer=home:11,mural:5",
		`ann propose terms track=quick ledger="terms least=1 default=2 most=3 steer=50 window=5d"`, "bob vote terms yes", "wait 61m", "bob buy home 100 steer=box:3",
		"bob buy mural 9", "bob refund bob 2"} {
		if said := w.play(c); strings.HasPrefix(said0(said), "refused") {
			t.Fatalf("%s: %v", c, said)
		}
	}
	if w.state().Shop.Purchases.Len() != 3 {
		t.Fatal("nothing was sold")
	}
	return w
}

// TestRootCoversTheShop changes every field of the shop, one at a time, and expects another root.
func TestRootCoversTheShop(t *testing.T) {
	s := stocked(t).state().Copy()
	checkRoom(t, &s, "shop")
}

// TestInvariantsNoticeTheShop breaks the shop in ways that no event can and expects to be told.
func TestInvariantsNoticeTheShop(t *testing.T) {
	element := func(harm func(*commerce.Element)) func(*State, *world) {
		return func(s *State, w *world) {
			e, _ := s.Shop.Elements.Get(w.asset("roof"))
			harm(&e)
			s.Shop.Elements.Set(w.asset("roof"), e)
		}
	}
	offer := func(harm func(*commerce.Offer)) func(*State, *world) {
		return func(s *State, w *world) {
			o, _ := s.Shop.Offers.Get(w.item("box").ID)
			harm(&o)
			s.Shop.Offers.Set(w.item("box").ID, o)
		}
	}
	bought := func(n string, harm func(*commerce.Purchase)) func(*State, *world) {
		return func(s *State, w *world) {
			p, _ := s.Shop.Purchases.Get(w.purchase("bob", n))
			harm(&p)
			s.Shop.Purchases.Set(w.purchase("bob", n), p)
		}
	}
	counted := func(harm func(*commerce.Trade)) func(*State, *world) {
		return func(s *State, w *world) {
			t, _ := s.Shop.Trade.Get(w.item("box"))
			harm(&t)
			s.Shop.Trade.Set(w.item("box"), t)
		}
	}
	split := func(harm func(*tokens.Split)) func(*State, *world) {
		return func(s *State, w *world) {
			p, _ := s.Ledger.Splits.Get(w.item("box").ID)
			harm(&p)
			s.Ledger.Splits.Set(w.item("box").ID, p)
		}
	}
	for name, harm := range map[string]func(*State, *world){
		"an element of another token": element(func(e *commerce.Element) { e.Asset = tokens.Asset{9} }),
		"a price of nothing":          element(func(e *commerce.Element) { e.Price.Amount = 0 }),
		"an element of no token": func(s *State, w *world) {
			s.Shop.Elements.Set(tokens.Asset{9}, commerce.Element{Asset: tokens.Asset{9}, Price: commerce.Price{Open: true}})
		},
		"withdrawn and still inside": element(func(e *commerce.Element) { e.Withdrawn = true }),
		"other terms":                func(s *State, w *world) { s.Shop.Terms.Most++ },
		"another weight": offer(func(o *commerce.Offer) {
			o.Portions = []commerce.Portion{o.Portions[0], {Item: o.Portions[1].Item, Weight: 2}}
		}),
		"a part left out": offer(func(o *commerce.Offer) { o.Portions = o.Portions[:1] }),
		"a bundle in itself": func(s *State, w *world) {
			offer(func(o *commerce.Offer) { o.Portions = []commerce.Portion{{Item: w.item("box"), Weight: 1}} })(s, w)
		},
		"another depth": offer(func(o *commerce.Offer) { o.Depth++ }),
		"withdrawn but open": func(s *State, w *world) {
			s.Shop.Advance(s.shopAt(dawn + 100*day))
			offer(func(o *commerce.Offer) { o.Withdrawn = true })(s, w)
		},
		"one held more":           counted(func(t *commerce.Trade) { t.Held++ }),
		"one sold more":           counted(func(t *commerce.Trade) { t.Sold++ }),
		"a cent steered more":     counted(func(t *commerce.Trade) { t.Steered.Amount++ }),
		"trade of nothing":        func(s *State, w *world) { s.Shop.Trade.Set(commerce.Item{}, commerce.Trade{}) },
		"another offer's name":    offer(func(o *commerce.Offer) { o.Name = "home" }),
		"a cent more paid":        bought("0", func(p *commerce.Purchase) { p.Amount++ }),
		"a cent moved":            bought("0", func(p *commerce.Purchase) { p.Treasury, p.Rest.Amount = p.Treasury+1, p.Rest.Amount-1 }),
		"a purchase forgotten":    func(s *State, w *world) { s.Shop.Purchases.Delete(w.purchase("bob", "1")) },
		"paid out twice":          bought("2", func(p *commerce.Purchase) { p.Phase = commerce.Held }),
		"never paid out":          bought("1", func(p *commerce.Purchase) { p.Until = 5 }),
		"another buyer":           bought("0", func(p *commerce.Purchase) { p.Buyer = publicOf("ann") }),
		"terms that never were":   bought("0", func(p *commerce.Purchase) { p.Terms = event.ID{9} }),
		"no agenda":               func(s *State, w *world) { s.Shop.Agenda = table.Table[commerce.Due, event.ID]{} },
		"a number twice":          bought("0", func(p *commerce.Purchase) { p.Number++ }),
		"a buyer forgotten":       func(s *State, w *world) { s.Shop.Bought.Delete(publicOf("bob")) },
		"an earlier one left out": bought("1", func(p *commerce.Purchase) { p.Earlier = event.ID{} }),
		"a ring of purchases": func(s *State, w *world) {
			bought("0", func(p *commerce.Purchase) { p.Earlier = w.purchase("bob", "1") })(s, w)
		},
		"income from nowhere":  split(func(p *tokens.Split) { p.Total++ }),
		"given more than came": split(func(p *tokens.Split) { p.Given++ }),
		"closed with money":    split(func(p *tokens.Split) { p.Closed = true }),
		"shares above the whole": split(func(p *tokens.Split) {
			p.Parts = append([]tokens.Part{{Asset: p.Parts[0].Asset, Num: 1, Den: 1}}, p.Parts[1:]...)
		}),
		"a stream that took too much": func(s *State, w *world) {
			for stream, flow := range table.All(&s.Ledger.Streams) {
				flow.Taken++
				s.Ledger.Streams.Set(stream, flow)
				break
			}
		},
		"a stream of nothing": func(s *State, w *world) {
			s.Ledger.Streams.Set(tokens.Stream{Asset: w.asset("roof")}, tokens.Flow{Part: tokens.Part{Den: 1}})
		},
		"a split forgotten": func(s *State, w *world) { s.Ledger.Splits.Delete(w.item("home").ID) },
	} {
		w := stocked(t)
		s := w.state().Copy()
		if broken := Invariants(&s); broken != nil {
			t.Fatal(broken)
		}
		harm(&s, w)
		if Invariants(&s) == nil {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

// shopViews are all views of a shop.
func shopViews(t *testing.T) []any {
	w := stocked(t)
	s := w.state()
	box, ok := Item(s, w.item("box"))
	receipt, bought := Receipt(s, w.purchase("bob", "0"))
	if !ok || !bought || len(box.Shares) != 3 || len(receipt.Lines) < 5 {
		t.Errorf("%+v\n%+v", box, receipt)
	}
	if _, ok := Receipt(s, event.ID{9}); ok {
		t.Error("a receipt out of nothing")
	}
	mine, all := Receipts(s, publicOf("bob")), Receipts(s, identity.PublicKey{})
	if len(mine) != 3 || len(all) != 3 || len(Receipts(s, publicOf("ann"))) != 0 {
		t.Errorf("%d and %d receipts", len(mine), len(all))
	}
	return []any{Shop(s), box, receipt, mine, Demand(s)}
}

// TestReceiptsAccountForEverything: the lines of every purchase add up to what was paid, and those of all
// purchases together to what each token has of each offer.
func TestReceiptsAccountForEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := stocked(t)
		for range rapid.IntRange(1, 12).Draw(rt, "purchases") {
			w.play(fmt.Sprintf("bob buy %s %d steer=%s:%d", rapid.SampledFrom([]string{"box", "box", "home", "mural"}).Draw(rt, "what"), rapid.IntRange(10, 200).Draw(rt, "pay"),
				rapid.SampledFrom([]string{"box", "home", "roof", "treasury"}).Draw(rt, "to"), rapid.IntRange(1, 9).Draw(rt, "steer")))
		}
		w.play("wait 6d")
		s := w.state()
		parts := map[string]int64{}
		for id, p := range table.All(&s.Shop.Purchases) {
			r, _ := Receipt(s, id)
			sum := int64(0)
			for _, line := range r.Lines {
				sum += line.Amount
				if what, found := strings.CutSuffix(line.To, ", by their units"); found && p.Phase == commerce.Paid {
					parts[what] += line.Amount
				}
				if line.Event.IsZero() {
					rt.Fatalf("%+v is by nothing", line)
				}
			}
			if sum != int64(p.Amount) {
				rt.Fatalf("the lines of %+v add up to %d", r, sum)
			}
		}
		for _, name := range []string{"roof", "mural"} {
			earned := int64(s.Ledger.Earned(w.asset(name)))
			if name == "roof" {
				earned -= 100 // paid before, by tokens.pay
			}
			if earned != parts["all holders of "+name] {
				rt.Fatalf("receipts gave %d to %s, which earned %d", parts["all holders of "+name], name, earned)
			}
		}
	})
}

// divided is a world with a surplus that was distributed, partly paid out and partly taken.
func divided(t testing.TB) *world {
	w := stocked(t)
	for _, c := range []string{`ann propose share track=quick ledger="distribute 5 parts=all:purchases:30,friend:contributions:20,all:equal:50"`, "bob vote share yes", "wait 61m",
		`ann propose pay track=quick ledger="payout 0 50"`, "bob vote pay yes", "wait 61m", "bob take 0", "wait 6d"} {
		if said := w.play(c); strings.HasPrefix(said0(said), "refused") {
			t.Fatalf("%s: %v", c, said)
		}
	}
	if w.state().Surplus.Allotments.Len() != 2 || w.state().Surplus.Bought.Len() != 1 {
		t.Fatal("nothing was distributed")
	}
	return w
}

// TestRootCoversTheSurplus changes every field, one at a time, and expects another root.
func TestRootCoversTheSurplus(t *testing.T) {
	s := divided(t).state().Copy()
	checkRoom(t, &s, "surplus")
}

// TestInvariantsNoticeTheSurplus breaks the surplus in ways that no event can and expects to be told.
func TestInvariantsNoticeTheSurplus(t *testing.T) {
	got := func(harm func(*surplus.Allotment)) func(*State) {
		return func(s *State) {
			own, _ := s.Surplus.Allotments.Get(surplus.Seat{Key: publicOf("bob")})
			harm(&own)
			s.Surplus.Allotments.Set(surplus.Seat{Key: publicOf("bob")}, own)
		}
	}
	was := func(harm func(*surplus.Distribution)) func(*State) {
		return func(s *State) {
			d, _ := s.Surplus.Distributions.Get(0)
			harm(&d)
			s.Surplus.Distributions.Set(0, d)
		}
	}
	for name, harm := range map[string]func(*State){
		"more than sales brought":   func(s *State) { s.Surplus.Earned = 4 },
		"a pool forgotten":          func(s *State) { s.Surplus.Distributed-- },
		"a distribution more":       func(s *State) { s.Surplus.Number++ },
		"a larger reserve":          was(func(d *surplus.Distribution) { d.Reserve++ }),
		"more allotted than got":    was(func(d *surplus.Distribution) { d.Amounts = []uint64{9, 1, 1} }),
		"more than all payable":     was(func(d *surplus.Distribution) { d.Payable = surplus.Whole + 1 }),
		"less payable than taken":   was(func(d *surplus.Distribution) { d.Payable = 0 }),
		"a cent more for bob":       got(func(a *surplus.Allotment) { a.Total++ }),
		"taken twice":               got(func(a *surplus.Allotment) { a.Taken++ }),
		"another part":              got(func(a *surplus.Allotment) { a.Amounts = []uint64{a.Total} }),
		"no capital account":        func(s *State) { s.Surplus.Capital.Delete(publicOf("bob")) },
		"a capital account of none": func(s *State) { s.Surplus.Capital.Set(publicOf("gus"), surplus.Account{}) },
		"a maker of nothing":        func(s *State) { s.Surplus.Makers.Set(surplus.Maker{}, 1) },
	} {
		s := divided(t).state().Copy()
		if broken := Invariants(&s); broken != nil {
			t.Fatal(broken)
		}
		harm(&s)
		if Invariants(&s) == nil {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

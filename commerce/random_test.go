package commerce

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// everyone is a register in which everybody is a member.
type everyone struct{}

func (everyone) Person(identity.PublicKey) tokens.Person {
	return tokens.Person{Known: true, Member: true}
}

// key is the n-th person's, a real one.
func key(n int) identity.PublicKey {
	return identity.KeyFromSeed([32]byte{byte(n), byte(n >> 8)}).Public()
}

func placeAccount(id event.ID) tokens.Account { return tokens.Account{Kind: "place", ID: id} }

// town is a shop with a ledger, and people who do at random what they may and may not.
type town struct {
	t      testing.TB
	s      State
	l      tokens.State
	w      *twin
	dice   *rand.Rand
	now    event.Time
	n      uint64
	assets []tokens.Asset
	offers []event.ID
	places []event.ID
	sales  []event.ID
	accept map[string]int
	patron map[identity.PublicKey]uint64
}

const players = 6

var errPlace = errors.New("this mission takes no money")

func (w *town) Takes(place event.ID, _ uint64) error {
	if !w.w.places[place] {
		return errPlace
	}
	return nil
}

func (w *town) Give(place event.ID, from tokens.Account, _ identity.PublicKey, amount uint64, by event.ID, _ event.Time) {
	w.l.Move(tokens.Currency, from, placeAccount(place), amount, by)
}

func (w *town) Bought(buyer identity.PublicKey, amount, _ uint64, _ event.Time) {
	if !buyer.IsZero() {
		w.patron[buyer] += amount
	}
}

func newTown(t testing.TB, seed uint64) *town {
	w := &town{t: t, s: New(), w: newTwin(), dice: rand.New(rand.NewPCG(seed, 1)), now: day, accept: map[string]int{}, patron: map[identity.PublicKey]uint64{}}
	w.must(w.l.Appoint(w.act(tokens.Treasury).Act, tokens.Appoint{Member: key(0), Cap: 1 << 40, Period: day}))
	for n := range players {
		w.must(w.l.IssueMoney(w.act(tokens.Treasury).Act, tokens.IssueMoney{To: key(n), Amount: 1 << 24, Receipt: fmt.Sprint("start ", n)}))
		w.w.move(tokens.Issue, tokens.Member(key(n)), num(1<<24))
	}
	for n := range 3 {
		w.places = append(w.places, event.ID{9, byte(n)})
		w.w.places[w.places[n]] = true
	}
	for range 8 {
		w.token()
	}
	return w
}

func (w *town) must(err error) {
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) act(by tokens.Account) Act {
	w.n++
	var id event.ID
	binary.BigEndian.PutUint64(id[:], w.n*0x9e3779b97f4a7c15)
	return Act{Act: tokens.Act{ID: id, By: by, Time: w.now, People: everyone{}}, Ledger: &w.l, Around: w}
}

// token makes an achievement, held by some, and its element.
func (w *town) token() {
	a := w.act(tokens.Treasury)
	create := tokens.Create{Name: fmt.Sprint("token-", w.n), Rule: tokens.RuleMembers}
	for n := range 1 + w.dice.IntN(players) {
		create.Shares = append(create.Shares, tokens.Share{To: key(n), Amount: 1 + uint64(w.dice.IntN(9))})
	}
	w.must(w.l.Create(a.Act, create))
	asset := tokens.NewAsset(a.ID, 0)
	w.assets = append(w.assets, asset)
	w.w.units[asset], w.w.earned[asset], w.w.claimed[asset] = map[tokens.Account]uint64{}, map[tokens.Account]*big.Rat{}, map[tokens.Account]*big.Int{}
	for _, share := range create.Shares {
		w.w.units[asset][tokens.Member(share.To)] = share.Amount
	}
	price := w.price()
	w.must(w.s.NewElement(w.act(tokens.Treasury), NewElement{Asset: asset, Title: create.Name, Price: price}))
	w.w.prices[ElementOf(asset)] = price
}

func (w *town) price() Price {
	if w.dice.IntN(3) == 0 {
		return Price{uint64(w.dice.IntN(5)), true}
	}
	return Price{1 + uint64(w.dice.IntN(400)), false}
}

func (w *town) item() Item {
	if len(w.offers) == 0 || w.dice.IntN(2) == 0 {
		return ElementOf(w.assets[w.dice.IntN(len(w.assets))])
	}
	return OfferOf(w.offers[w.dice.IntN(len(w.offers))])
}

// offer makes a product or a bundle, sometimes a wrong one.
func (w *town) offer() {
	b := NewOffer{Kind: []OfferKind{Product, Bundle}[w.dice.IntN(2)], Name: fmt.Sprint("offer-", w.n), Title: "Offer", Price: w.price()}
	seen := map[Item]bool{}
	broken, weightless := false, false
	for range 1 + w.dice.IntN(6) {
		i := w.item()
		if b.Kind == Product && i.Kind == AnOffer || seen[i] {
			continue
		}
		seen[i] = true
		p := Portion{i, []uint64{1, 1, 2, 3, 5, 7, 60, 1000, 30_000, 0}[w.dice.IntN(10)]}
		b.Portions = append(b.Portions, p)
		broken, weightless = broken || w.w.broken(i), weightless || p.Weight == 0
	}
	a := w.act(tokens.Treasury)
	err := w.s.NewOffer(a, b)
	if err == nil && (broken || weightless) || !broken && (errors.Is(err, ErrBroken) || errors.Is(err, ErrWithdrawn)) {
		w.t.Fatalf("step %d: %+v: %v", w.n, b, err)
	}
	if err == nil {
		w.accept["offer"]++
		id := NewOfferID(a.ID, 0)
		w.offers = append(w.offers, id)
		w.w.inside[id], w.w.prices[OfferOf(id)] = b.Portions, b.Price
	}
}

func (w *town) order() Order {
	o := Order{Item: w.item(), Count: []uint64{1, 1, 1, 2, 3, 0, MaxCount + 1}[w.dice.IntN(7)]}
	price := w.w.prices[o.Item]
	o.Pay = price.Amount*o.Count + []uint64{0, 0, 0, 100, 3, 1 << 40, ^uint64(0) - price.Amount*o.Count}[w.dice.IntN(7)]
	if w.dice.IntN(9) == 0 && o.Pay > 0 {
		o.Pay--
	}
	amount := price.Amount * o.Count
	if price.Open {
		amount = o.Pay
	}
	for range max(0, w.dice.IntN(6)-2) {
		to := w.item()
		switch w.dice.IntN(4) {
		case 0:
			to = Item{APlace, w.places[w.dice.IntN(len(w.places))]}
		case 1:
			to = Item{Kind: TheTreasury}
		}
		o.Steer = append(o.Steer, Steer{to, amount * uint64(w.dice.IntN(30)) / 100})
	}
	return o
}

// step does one thing.
func (w *town) step() {
	who := tokens.Member(key(w.dice.IntN(players)))
	switch w.dice.IntN(24) {
	case 0:
		if len(w.offers) < 40 {
			w.offer()
		}
	case 1:
		if w.dice.IntN(30) == 0 {
			w.withdraw()
		}
	case 2:
		i, price := w.item(), w.price()
		if err := w.s.SetPrice(w.act(tokens.Treasury), SetPrice{i, price}); (err == nil) != w.w.sells(i) {
			w.t.Fatalf("a new price: %v", err)
		} else if err == nil {
			w.w.prices[i] = price
		}
	case 3:
		if w.dice.IntN(10) == 0 {
			t := SetTerms{uint64(w.dice.IntN(100_000)), 100_000, 100_000 + uint64(w.dice.IntN(300_000)), uint64(w.dice.IntN(600_000)), day * event.Time(w.dice.IntN(3))}
			w.must(w.s.SetTerms(w.act(tokens.Treasury), t))
			w.w.terms = Terms{Least: t.Least, Default: t.Default, Most: t.Most, Steer: t.Steer, Window: t.Window}
		}
	case 4, 5, 6:
		w.transfer(who)
	case 7, 8:
		asset := w.assets[w.dice.IntN(len(w.assets))]
		if err := w.l.Claim(w.act(who).Act, tokens.Claim{Asset: asset}); (err == nil) != (w.w.claimable(asset, who).Sign() > 0) {
			w.t.Fatalf("step %d: claim: %v, the twin has %v", w.n, err, w.w.claimable(asset, who))
		} else if err == nil {
			w.w.claim(asset, who)
		}
	case 9, 10:
		w.refund()
	case 11:
		place := w.places[w.dice.IntN(len(w.places))]
		w.w.places[place] = !w.w.places[place]
	case 12:
		w.advance()
	case 13, 14:
		w.sell()
	default:
		w.buy(who)
	}
}

func (w *town) withdraw() {
	i := w.item()
	if err := w.s.Withdraw(w.act(tokens.Treasury), Withdraw{i}); (err == nil) == w.w.gone[i] {
		w.t.Fatalf("withdraw: %v, and it was gone: %v", err, w.w.gone[i])
	}
	w.w.gone[i] = true
	if i.Kind == AnElement {
		w.token() // so that there is something to sell
	}
}

func (w *town) transfer(from tokens.Account) {
	asset, to := w.assets[w.dice.IntN(len(w.assets))], key(w.dice.IntN(players))
	n := uint64(1 + w.dice.IntN(5))
	if err := w.l.Transfer(w.act(from).Act, tokens.Transfer{Asset: asset, To: to, Amount: n}); err == nil {
		w.w.units[asset][from] -= n
		w.w.units[asset][tokens.Member(to)] += n
	}
}

func (w *town) buy(who tokens.Account) {
	o, a := w.order(), w.act(who)
	p, ok := w.w.order(o, w.w.of(who))
	err := w.s.Buy(a, Buy{Order: o})
	if (err == nil) != ok {
		w.t.Fatalf("step %d: %+v was bought: %v, the twin says %v", w.n, o, err, ok)
	}
	if ok {
		w.accept["buy"]++
		p.by, p.signer, p.buyer = who, who, who.Key()
		w.took(a.ID, p, who)
	}
}

// sell books a sale of the cashier, who is the first of all.
func (w *town) sell() {
	o, a := w.order(), w.act(tokens.Member(key(0)))
	_, ok := w.w.order(o, num(1<<30))
	b := Sell{Order: o, Receipt: fmt.Sprint("sale ", w.n)}
	if w.dice.IntN(2) == 0 {
		b.Buyer = key(100 + w.dice.IntN(3))
	}
	err := w.s.Sell(a, b)
	if (err == nil) != ok && !errors.Is(err, tokens.ErrCap) && !errors.Is(err, tokens.ErrTooMuch) && o.Pay < 1<<30 {
		w.t.Fatalf("step %d: %+v was sold: %v, the twin says %v", w.n, o, err, ok)
	}
	if err == nil {
		w.accept["sell"]++
		p, _ := w.w.order(o, num(MaxAmount))
		p.by, p.signer, p.buyer = tokens.Issue, a.By, b.Buyer
		w.took(a.ID, p, tokens.Issue)
	}
}

func (w *town) took(id event.ID, p *twinPurchase, from tokens.Account) {
	w.w.bought[id] = p
	w.sales = append(w.sales, id)
	if w.w.terms.Window == 0 {
		w.w.settle(p, from)
		return
	}
	p.held, p.until = true, w.now+w.w.terms.Window
	w.w.move(from, tokens.Escrow(id), num(p.amount))
}

func (w *town) refund() {
	if len(w.sales) == 0 {
		return
	}
	id := w.sales[len(w.sales)-1-w.dice.IntN(min(len(w.sales), 20))]
	p, by := w.w.bought[id], tokens.Member(key(w.dice.IntN(players)))
	if w.dice.IntN(3) > 0 {
		by = p.signer
	}
	err := w.s.Refund(w.act(by), Refund{Purchase: id, Receipt: fmt.Sprint("back ", w.n)})
	if may := p.held && by == p.signer; (err == nil) != may && !errors.Is(err, tokens.ErrCap) {
		w.t.Fatalf("step %d: refund: %v, the twin says %v", w.n, err, may)
	}
	if err == nil {
		w.accept["refund"]++
		w.w.move(tokens.Escrow(id), p.by, num(p.amount))
		p.held, p.back = false, true
	}
}

// advance lets time pass. Which purchases are paid out first makes no difference to anybody.
func (w *town) advance() {
	w.now += event.Time(w.dice.IntN(int(day)))
	w.s.Advance(w.act(tokens.Treasury))
	for id, p := range w.w.bought {
		if p.held && p.until <= w.now {
			w.w.settle(p, tokens.Escrow(id))
			w.accept["paid out"]++
		}
	}
}

// compare holds everything against the twin's.
func (w *town) compare() {
	for _, broken := range append(w.s.Invariants(&w.l, w.now), w.l.Invariants(w.now, w.s.Escrows)...) {
		w.t.Fatalf("step %d: %v", w.n, broken)
	}
	has := func(a tokens.Account) *big.Int {
		b := w.l.Of(a, tokens.Currency)
		return new(big.Int).Sub(num(b.Has), num(b.Owes))
	}
	same := func(what any, have, want *big.Int) {
		if have.Cmp(want) != 0 {
			w.t.Fatalf("step %d: %v: %s, the twin says %s", w.n, what, have, want)
		}
	}
	for _, a := range []tokens.Account{tokens.Issue} {
		same(a, has(a), w.w.of(a))
	}
	// What was closed gave its crumbs to the treasury; the twin keeps them.
	dust := new(big.Int)
	for _, split := range table.All(&w.l.Splits) {
		dust.Add(dust, num(split.Rest))
	}
	same("treasury", has(tokens.Treasury), new(big.Int).Add(w.w.of(tokens.Treasury), dust))
	for n := range players {
		who := tokens.Member(key(n))
		same(n, has(who), w.w.of(who))
		for _, asset := range w.assets {
			same("claimable", num(w.l.Claimable(who, asset)), w.w.claimable(asset, who))
		}
	}
	for _, id := range w.places {
		same("place", has(placeAccount(id)), w.w.of(placeAccount(id)))
	}
	for item, amount := range w.w.steered {
		t, _ := w.s.Trade.Get(item)
		same("demand", num(t.Steered.Amount), amount)
	}
	for buyer, amount := range w.w.patron {
		same("patronage", num(w.patron[buyer]), amount)
	}
	for _, asset := range w.assets {
		t, _ := w.l.Tokens.Get(asset)
		same("unclaimed", new(big.Int).Sub(num(w.l.Earned(asset)), num(t.Claimed)), w.w.of(tokens.Income(asset)))
	}
}

// TestShopEqualsItsTwin does a hundred thousand things at random (with COOP_LONG=1 over a million), and
// compares what everybody has and can claim with the twin's, which pays every part and every holder at
// once. Invariants adds all up.
func TestShopEqualsItsTwin(t *testing.T) {
	steps, seeds := 12_500, 8
	if os.Getenv("COOP_LONG") != "" {
		steps, seeds = 150_000, 8
	}
	for seed := range seeds {
		w := newTown(t, uint64(seed))
		for n := range steps {
			w.step()
			if n%1000 == 0 {
				w.compare()
			}
		}
		w.compare()
		for what, least := range map[string]int{"buy": steps / 20, "sell": steps / 200, "refund": steps / 400, "paid out": steps / 200, "offer": 20} {
			if w.accept[what] < least {
				t.Errorf("seed %d: %d times %s say little", seed, w.accept[what], what)
			}
		}
		t.Logf("seed %d: %v, %d offers, %d tokens", seed, w.accept, len(w.offers), len(w.assets))
	}
}

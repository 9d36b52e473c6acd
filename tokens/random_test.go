package tokens

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// crowd is a register: members by number, who may leave.
type crowd struct {
	left map[identity.PublicKey]bool
	size int
}

func person(n int) identity.PublicKey {
	return identity.PublicKey{1, byte(n), byte(n >> 8), byte(n >> 16)}
}

func (c *crowd) Person(key identity.PublicKey) Person {
	n := int(key[1]) | int(key[2])<<8 | int(key[3])<<16
	if key != person(n) || n >= c.size {
		return Person{}
	}
	return Person{Known: true, Member: !c.left[key], Classes: []string{[]string{"guest", "worker"}[n%2]}}
}

// market is a ledger with people who do at random what they may and may not.
type market struct {
	t      testing.TB
	s      State
	w      *twin
	dice   *rand.Rand
	people *crowd
	now    event.Time
	n      uint64
	assets []Asset
	ids    []event.ID // of orders and waiting transfers, over or not
	accept int
}

const (
	topPrice = 12
	players  = 9
)

func newMarket(t testing.TB, seed uint64) *market {
	m := &market{t: t, w: newTwin(), dice: rand.New(rand.NewPCG(seed, 0)), people: &crowd{map[identity.PublicKey]bool{}, players}, now: day}
	rules := []Rule{RuleMembers, RuleFree, RuleApproval, RuleNone}
	for n, rule := range rules {
		var shares []Share
		for i := range 3 {
			shares = append(shares, Share{person((n + i) % players), uint64(m.dice.IntN(90)) + 1})
		}
		shares = append(shares, Share{identity.Assembly, 7})
		m.must(m.s.Create(m.act(Treasury), Create{Number: uint64(n), Name: fmt.Sprint("token-", n), Rule: rule, Refusal: rule == RuleFree, Shares: shares}))
		asset := NewAsset(m.id(), uint64(n))
		m.assets = append(m.assets, asset)
		for _, share := range shares {
			m.w.move(asset, Issue, Member(share.To), share.Amount)
			m.w.supply[asset] += share.Amount
		}
	}
	return m
}

func (m *market) must(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *market) id() event.ID {
	var id event.ID
	binary.BigEndian.PutUint64(id[:], m.n*0x9e3779b97f4a7c15) // spread as hashes are
	return id
}

func (m *market) act(by Account) Act {
	m.n++
	return Act{ID: m.id(), By: by, Time: m.now, People: m.people}
}

func (m *market) everybody() []Account {
	all := []Account{Treasury}
	for n := range players {
		all = append(all, Member(person(n)))
	}
	return all
}

func (m *market) anybody() identity.PublicKey {
	switch n := m.dice.IntN(players + 2); n {
	case players:
		return identity.Assembly
	case players + 1:
		return person(players) // a stranger
	default:
		return person(n)
	}
}

// amount is mostly small, sometimes nothing, sometimes too much for anything.
func (m *market) amount() uint64 {
	switch m.dice.IntN(40) {
	case 0:
		return 0
	case 1:
		return MaxAmount - uint64(m.dice.IntN(3))
	case 2:
		return ^uint64(0) - uint64(m.dice.IntN(3))
	}
	return uint64(m.dice.IntN(25)) + 1
}

// affords is the twin's word on whether an account has that much at its disposal.
func (m *market) affords(asset Asset, from Account, amount uint64) bool {
	limit := new(uint64)
	if p := m.people.Person(from.Key()); asset == Currency && from.Kind == OfMember && p.Member {
		*limit = m.w.limits[p.Classes[0]]
	}
	sum := num(*limit)
	return sum.Add(sum, m.w.of(asset, from)).Cmp(num(amount)) >= 0
}

// judge compares a verdict about money with the twin's, and counts what was accepted.
func (m *market) judge(err error, asset Asset, from Account, amount uint64) bool {
	if err == nil {
		m.accept++
	}
	if rich := m.affords(asset, from, amount); err == nil && !rich || errors.Is(err, ErrFunds) && rich {
		m.t.Fatalf("step %d: %v, and %v can spend %d: %v", m.n, err, from, amount, rich)
	}
	return err == nil
}

// step does one thing.
func (m *market) step() {
	by := Member(m.anybody())
	asset := m.assets[m.dice.IntN(len(m.assets))]
	a := m.act(by)
	switch amount := m.amount(); m.dice.IntN(20) {
	case 0, 1, 2:
		b := Transfer{To: m.anybody(), Amount: amount}
		if m.judge(m.s.Transfer(a, b), Currency, by, amount) {
			m.w.move(Currency, by, Member(b.To), amount)
		}
	case 3, 4, 5:
		m.handOn(a, Transfer{Asset: asset, To: m.anybody(), Amount: amount % 40})
	case 6:
		m.money(amount)
	case 7, 8:
		if m.judge(m.s.Pay(a, Pay{Asset: asset, Amount: amount}), Currency, by, amount) {
			m.w.pay(by, asset, amount, m.everybody())
		}
	case 9, 10:
		due := m.w.claimable(by, asset)
		if err := m.s.Claim(a, Claim{asset}); (err == nil) != (due.Sign() > 0) {
			m.t.Fatalf("step %d: claim: %v, the twin has %s", m.n, err, due)
		} else if err == nil {
			m.w.claim(by, asset)
		}
	case 11, 12, 13, 14, 15:
		m.order(a, asset)
	case 16:
		m.settleOpen(a)
	case 17:
		m.assembly()
	default:
		if m.dice.IntN(4) == 0 {
			m.commit()
		}
	}
}

func (m *market) handOn(a Act, b Transfer) {
	t, _ := m.s.Tokens.Get(b.Asset)
	if !m.judge(m.s.Transfer(a, b), b.Asset, a.By, b.Amount) {
		return
	}
	if t.Rule == RuleApproval && a.By != Treasury {
		m.w.move(b.Asset, a.By, Escrow(a.ID), b.Amount)
		m.w.waiting[a.ID] = Waiting{Asset: b.Asset, From: a.By, To: Member(b.To), Amount: b.Amount, Until: a.Time + ApprovalPeriod}
		m.ids = append(m.ids, a.ID)
		return
	}
	if t.Rule == RuleNone && a.By != Treasury {
		m.t.Fatal("a token that stays was handed on")
	}
	m.w.move(b.Asset, a.By, Member(b.To), b.Amount)
}

// money brings money in or out, by the Assembly.
func (m *market) money(amount uint64) {
	a := m.act(Treasury)
	if m.dice.IntN(3) == 0 {
		if err := m.s.RedeemMoney(a, RedeemMoney{Amount: amount, Receipt: fmt.Sprint("out ", m.n)}); err == nil {
			m.w.move(Currency, Treasury, Issue, amount)
		}
		return
	}
	to := m.anybody()
	amount *= 100
	if err := m.s.IssueMoney(a, IssueMoney{To: to, Amount: amount, Receipt: fmt.Sprint("in ", m.n)}); err == nil {
		m.w.move(Currency, Issue, Member(to), amount)
	}
}

func (m *market) order(a Act, asset Asset) {
	b := PlaceOrder{Side: []Side{Buy, Sell}[m.dice.IntN(2)], Asset: asset, Units: m.amount() % 30, Price: uint64(m.dice.IntN(topPrice + 1)),
		Until: m.now + event.Time(m.dice.IntN(int(3*day)))}
	of, costs := asset, b.Units
	if b.Side == Buy {
		of, costs = Currency, b.Units*b.Price
	}
	if m.judge(m.s.Place(a, b), of, a.By, costs) {
		m.w.place(a.ID, a.By, b)
		m.ids = append(m.ids, a.ID)
	}
}

// settleOpen cancels or approves something that is or was open.
func (m *market) settleOpen(a Act) {
	if len(m.ids) == 0 {
		return
	}
	id := m.ids[len(m.ids)-1-m.dice.IntN(min(len(m.ids), 30))]
	if m.dice.IntN(2) == 0 {
		w := m.w.waiting[id]
		if err := m.s.Approve(m.act(Treasury), Approve{id}); err == nil {
			m.w.move(w.Asset, Escrow(id), w.To, w.Amount)
			delete(m.w.waiting, id)
		}
		return
	}
	if err := m.s.Cancel(a, Cancel{id}); err == nil {
		m.w.cancel(id)
	}
}

// assembly changes how much a class may owe, a token's rule, or who is a member.
func (m *market) assembly() {
	switch m.dice.IntN(8) {
	case 0, 1:
		class := []string{"guest", "worker"}[m.dice.IntN(2)]
		limit := uint64(m.dice.IntN(200))
		m.must(m.s.Credit(m.act(Treasury), Credit{class, limit}))
		m.w.limits[class] = limit
	case 2:
		asset := m.assets[m.dice.IntN(2)]
		rule := []Rule{RuleFree, RuleMembers, RuleFree, RuleNone}[m.dice.IntN(4)]
		m.must(m.s.ChangeRule(m.act(Treasury), ChangeRule{Asset: asset, Rule: rule, Refusal: rule.tradable() && m.dice.IntN(2) == 0}))
	case 3:
		key := person(m.dice.IntN(players))
		m.people.left[key] = !m.people.left[key]
	}
}

// commit ends a segment: the market is cleared, and time goes on. Each batch is compared by itself, and
// all together with what Clear does.
func (m *market) commit() {
	whole := m.s.Copy()
	whole.Clear(m.people, m.now)
	for _, asset := range m.assets {
		if !m.s.Fresh.Has(asset) {
			continue
		}
		m.s.Fresh.Delete(asset)
		for again := true; again; {
			before := m.s.Copy()
			again = m.s.clear(m.people, asset, m.now)
			m.cleared(&before, asset)
		}
	}
	m.s.Batch, m.w.batch = whole.Batch, int(whole.Batch)
	for place, b := range whole.All() {
		if own := m.s.Balance(place.Asset, place.Account); own != b {
			m.t.Fatalf("step %d: cleared all at once, %v has %v, not %v", m.n, place, b, own)
		}
	}
	m.now += event.Time(m.dice.IntN(int(day / 2)))
	m.s.Advance(m.now)
	m.w.expire(m.now)
}

// cleared compares a batch with what the twin makes of the same orders.
func (m *market) cleared(before *State, asset Asset) {
	t, _ := before.Tokens.Get(asset)
	if !t.Rule.tradable() {
		return
	}
	units := map[event.ID]uint64{}
	for id, o := range table.All(&before.Orders) {
		if o.Asset != asset {
			continue
		}
		after, still := m.s.Orders.Get(id)
		if o.Side == Buy && !still && mayHold(m.people, t.Rule, o.Owner) != nil {
			m.w.cancel(id) // on the way to the price a stale order was dropped
			continue
		}
		units[id] = o.Left - after.Left
	}
	var stale []*twinOrder // those that nobody came by
	for _, o := range m.w.orders {
		if o.asset == asset && o.buy && mayHold(m.people, t.Rule, o.owner) != nil {
			stale = append(stale, o)
			o.buy, o.asset = false, Asset{255}
		}
	}
	price, volume := m.w.clear(asset, topPrice, t.Refusal, units)
	for _, o := range stale {
		o.buy, o.asset = true, asset
	}
	now, _ := m.s.Tokens.Get(asset)
	var last Price
	if now.Trades > t.Trades {
		last, _ = m.s.Prices.Get(Tick{asset, t.Trades})
	}
	if last.Price != price || last.Units != volume {
		m.t.Fatalf("step %d: %d units at %d, the twin has %d at %d", m.n, last.Units, last.Price, volume, price)
	}
}

// compare holds every account against the twin's.
func (m *market) compare() {
	for _, broken := range m.s.Invariants(m.now) {
		m.t.Fatalf("step %d: %v", m.n, broken)
	}
	seen := 0
	for place, b := range m.s.All() {
		want := m.w.of(place.Asset, place.Account)
		if have := num(b.Has); have.Sub(have, num(b.Owes)).Cmp(want) != 0 {
			m.t.Fatalf("step %d: %v has %s, the twin %s", m.n, place, have, want)
		}
		if b.Has|b.Owes != 0 {
			seen++
		}
	}
	for place, want := range m.w.balances {
		if want.Sign() != 0 {
			seen--
			b := m.s.Balance(place.Asset, place.Account)
			if have := num(b.Has); have.Sub(have, num(b.Owes)).Cmp(want) != 0 {
				m.t.Fatalf("step %d: %v has %s, the twin %s", m.n, place, have, want)
			}
		}
	}
	if seen != 0 || len(m.w.orders) != m.s.Orders.Len() || len(m.w.waiting) != m.s.Waiting.Len() {
		m.t.Fatalf("step %d: %d accounts more than the twin; %d orders, the twin has %d", m.n, seen, m.s.Orders.Len(), len(m.w.orders))
	}
	for _, asset := range m.assets {
		for _, account := range m.everybody() {
			if have, want := m.s.Claimable(account, asset), m.w.claimable(account, asset); num(have).Cmp(want) != 0 {
				m.t.Fatalf("step %d: %v can claim %d, the twin says %s", m.n, account, have, want)
			}
		}
	}
}

// TestLedgerEqualsItsTwin does a million things at random (with COOP_LONG=1; otherwise some thousand),
// and compares every account, every income, every batch with the twin's. Invariants adds all up.
func TestLedgerEqualsItsTwin(t *testing.T) {
	steps, seeds := 4000, 4
	if os.Getenv("COOP_LONG") != "" {
		steps, seeds = 125_000, 8
	}
	for seed := range seeds {
		m := newMarket(t, uint64(seed))
		for n := range steps {
			m.step()
			if n%50 == 0 {
				m.compare()
			}
		}
		m.compare()
		trades := uint64(0)
		for _, token := range table.All(&m.s.Tokens) {
			trades += token.Trades
		}
		if m.accept < steps/10 || trades < uint64(steps)/200 {
			t.Errorf("seed %d: %d accepted and %d trades say little", seed, m.accept, trades)
		}
		t.Logf("seed %d: %d accepted, %d batches traded, %d orders open", seed, m.accept, trades, m.s.Orders.Len())
	}
}

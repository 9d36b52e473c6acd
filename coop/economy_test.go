package coop

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// economy is a cooperative in which people do at random everything that moves value, sensible or not, and
// the Assembly too. Events are applied by the machine itself; that they are signed and ordered is tested
// elsewhere.
type economy struct {
	t    testing.TB
	s    State
	dice *rand.Rand
	now  event.Time
	n    uint64
	seqs map[identity.PublicKey]uint64
	keys []identity.PublicKey

	assets  []tokens.Asset
	pages   map[event.ID]missions.Content // of submissions
	entries []missions.Entry
	sales   []event.ID
	counts  map[string]int

	escrow  [3]uint64                                        // in the hands of missions, of purchases, of orders and transfers
	earned  map[identity.PublicKey]map[tokens.Asset]*big.Int // income ever, claimed or not
	claimed map[identity.PublicKey]map[tokens.Asset]*big.Int
	paid    map[tokens.Asset]*big.Int // by tokens.pay
	back    map[missions.Seat]uint64
}

func newEconomy(t testing.TB, seed uint64) *economy {
	w := newWorld(t)
	names := []string{"ann", "bob", "cleo", "dan", "eve", "gus", "hal", "ida", "jo", "kim"}
	if out := w.play("found elm by=ann,bob,cleo,dan,eve,gus,hal,ida,jo,kim stewards=ann,bob,cleo,dan daily=1000000"); w.line == nil {
		t.Fatal(out)
	}
	x := &economy{t: t, s: w.state().Copy(), dice: rand.New(rand.NewPCG(seed, 7)), now: dawn, seqs: map[identity.PublicKey]uint64{}, pages: map[event.ID]missions.Content{}, counts: map[string]int{},
		earned: map[identity.PublicKey]map[tokens.Asset]*big.Int{}, claimed: map[identity.PublicKey]map[tokens.Asset]*big.Int{}, paid: map[tokens.Asset]*big.Int{}, back: map[missions.Seat]uint64{}}
	for i, name := range names {
		key := publicOf(name)
		x.keys = append(x.keys, key)
		x.seqs[key] = 1
		x.claimed[key], x.earned[key] = map[tokens.Asset]*big.Int{}, map[tokens.Asset]*big.Int{}
		x.must(identity.Assembly, tokens.KindIssue, tokens.IssueMoney{To: key, Amount: 100_000, Receipt: fmt.Sprint("start-", i)})
	}
	x.must(identity.Assembly, tokens.KindAppoint, tokens.Appoint{Member: x.keys[0], Cap: 1 << 30, Period: day})
	x.must(identity.Assembly, missions.KindTerms, missions.Terms{Deposit: 5, Flags: 2, Trial: hour})
	x.must(identity.Assembly, commerce.KindTerms, commerce.SetTerms{Least: 50_000, Default: 100_000, Most: 300_000, Steer: 500_000, Window: day})
	for range 6 {
		x.token()
	}
	return x
}

func bigOf(n uint64) *big.Int { return new(big.Int).SetUint64(n) }

func (x *economy) id() (id event.ID) {
	x.n++
	binary.BigEndian.PutUint64(id[:], x.n*0x9e3779b97f4a7c15) // spread as hashes are
	return id
}

// apply lets somebody sign something. What was refused must have changed nothing: that is looked at now and
// then. Escrow gives nothing away because of what somebody signs, but for who takes back an order or a
// purchase.
func (x *economy) apply(by identity.PublicKey, kind event.Kind, body any) (event.ID, error) {
	env := fold.Env{ID: x.id(), Key: by, At: x.now, Time: x.now, Final: true}
	if by != identity.Assembly {
		x.seqs[by]++
		env.Seq = x.seqs[by]
	}
	d, err := event.NewDraft(kind, body)
	if err != nil {
		x.t.Fatal(err)
	}
	owed := x.s.Ledger.Balance(tokens.Currency, tokens.Member(by)).Owes
	look := x.n%997 == 0
	before := State{}
	if look {
		before = x.s.Copy()
	}
	err = machine.Apply(&x.s, env, d)
	if err != nil && look && Root(&before) != Root(&x.s) {
		x.t.Fatalf("step %d: %s was refused (%v), and yet the state has changed", x.n, kind, err)
	}
	if err == nil {
		x.counts[string(kind)]++
	}
	if now := x.s.Ledger.Balance(tokens.Currency, tokens.Member(by)).Owes; now > owed && now > x.s.Ledger.Overdraft(register{&x.s.Hall}, tokens.Member(by)) {
		x.t.Fatalf("step %d: after %s %s owes %d", x.n, kind, by, now)
	}
	x.watch(kind)
	return env.ID, err
}

func (x *economy) must(by identity.PublicKey, kind event.Kind, body any) event.ID {
	id, err := x.apply(by, kind, body)
	if err != nil {
		x.t.Fatal(err)
	}
	return id
}

// watch expects that what somebody signs takes money out of escrow only where it is their own that they
// take back.
func (x *economy) watch(kind event.Kind) {
	now := x.inEscrow()
	for n, exits := range [][]event.Kind{{}, {commerce.KindRefund}, {tokens.KindCancel, tokens.KindApprove}} {
		if now[n] < x.escrow[n] && !slices.Contains(exits, kind) && (n > 0 || kind != missions.KindCancel) { // which gives the deposit back
			x.t.Fatalf("step %d: %s took %d out of escrow", x.n, kind, x.escrow[n]-now[n])
		}
	}
	x.escrow = now
}

func (x *economy) inEscrow() (sums [3]uint64) {
	for account, b := range table.From(&x.s.Ledger.Money, tokens.Account{Kind: tokens.InEscrow}) {
		switch {
		case account.Kind != tokens.InEscrow:
			return sums
		case account == commerce.Escrow:
			sums[1] += b.Has
		case x.s.Missions.Missions.Has(event.ID(account.ID)):
			sums[0] += b.Has
		default:
			sums[2] += b.Has
		}
	}
	return sums
}

func of[T any](x *economy, list ...T) T { return list[x.dice.IntN(len(list))] }

func (x *economy) anybody() identity.PublicKey { return of(x, x.keys...) }

// amount is mostly small, sometimes nothing or too much for anything.
func (x *economy) amount() uint64 {
	switch x.dice.IntN(40) {
	case 0:
		return 0
	case 1:
		return of(x, uint64(tokens.MaxAmount), tokens.MaxAmount-1, 1<<50)
	}
	return uint64(x.dice.IntN(300))
}

func (x *economy) asset() tokens.Asset { return of(x, x.assets[max(0, len(x.assets)-20):]...) }

// token makes a token and its element.
func (x *economy) token() {
	create := tokens.Create{Name: fmt.Sprint("made-", x.n), Rule: of(x, tokens.RuleFree, tokens.RuleMembers, tokens.RuleMembers, tokens.RuleApproval)}
	create.Refusal = create.Rule != tokens.RuleApproval && x.dice.IntN(3) == 0
	for i := range 1 + x.dice.IntN(6) {
		create.Shares = append(create.Shares, tokens.Share{To: x.keys[i], Amount: 1 + uint64(x.dice.IntN(90))})
	}
	id := x.must(identity.Assembly, tokens.KindCreate, create)
	asset := tokens.NewAsset(id, 0)
	x.assets = append(x.assets, asset)
	x.must(identity.Assembly, commerce.KindElement, commerce.NewElement{Asset: asset, Title: create.Name, Price: commerce.Price{Amount: uint64(x.dice.IntN(90) + 1), Open: x.dice.IntN(2) == 0}})
}

// step does one thing.
func (x *economy) step() {
	switch n := x.dice.IntN(100); {
	case n < 26:
		x.trade()
	case n < 30:
		x.treasury()
	case n < 56:
		x.shop()
	case n < 58:
		x.divide()
	case n < 94:
		x.mission()
	default:
		x.commit()
	}
}

// commit ends a segment: the market is cleared, time goes on, and what is due happens.
func (x *economy) commit() {
	MoveOn(&x.s)
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], x.n)
	x.now += event.Time(x.dice.IntN(int(hour / 2)))
	Seed(&x.s, x.n, seed)
	x.n++
	before := x.s.Copy()
	Advance(&x.s, x.now)
	x.exits(&before)
	x.escrow = x.inEscrow()
	for asset := range table.All(&x.s.Ledger.Tokens) {
		if x.s.Ledger.Tokens.Len() > len(x.assets) && !slices.Contains(x.assets, asset) {
			x.assets = append(x.assets, asset)
		}
	}
}

// exits expects that what left the escrow of missions was an award, a refund or the deposit, and what left that
// of purchases were those that ended.
func (x *economy) exits(before *State) {
	for id, m := range table.All(&x.s.Missions.Missions) {
		old, ok := before.Missions.Missions.Get(id)
		if !ok || old.Phase.Over() && m.Phase.Over() {
			continue
		}
		out := bigOf(m.Paid - old.Paid + old.Deposit - m.Deposit)
		for seat, p := range table.From(&x.s.Missions.Pledges, missions.Seat{Mission: id}) {
			if seat.Mission != id {
				break
			}
			was, _ := before.Missions.Pledges.Get(seat)
			if p.Amount < was.Amount || p.Back < was.Back {
				x.t.Fatalf("step %d: a pledge was taken back", x.n)
			}
			out.Add(out, bigOf(p.Back-was.Back))
		}
		had := before.Ledger.Of(tokens.Escrow(id), tokens.Currency).Has + (m.Raised - old.Raised)
		if left := bigOf(had - x.s.Ledger.Of(tokens.Escrow(id), tokens.Currency).Has); left.Cmp(out) != 0 {
			x.t.Fatalf("step %d: %s left the escrow of a mission, of which %s by award and refund", x.n, left, out)
		}
	}
	out := bigOf(0)
	for _, id := range table.All(&before.Shop.Agenda) {
		if p, _ := x.s.Shop.Purchases.Get(id); p.Phase == commerce.Paid {
			out.Add(out, bigOf(p.Amount))
		}
	}
	if left := bigOf(before.Ledger.Of(commerce.Escrow, tokens.Currency).Has - x.s.Ledger.Of(commerce.Escrow, tokens.Currency).Has); left.Cmp(out) != 0 {
		x.t.Fatalf("step %d: %s left the escrow of purchases, of which %s were paid out", x.n, left, out)
	}
}

// compare adds all up.
func (x *economy) compare() {
	for _, broken := range Invariants(&x.s) {
		x.t.Fatalf("step %d: %v", x.n, broken)
	}
	sums := map[tokens.Asset]*big.Int{}
	for place, b := range x.s.Ledger.All() {
		if sums[place.Asset] == nil {
			sums[place.Asset] = new(big.Int)
		}
		sums[place.Asset].Add(sums[place.Asset], bigOf(b.Has))
		sums[place.Asset].Sub(sums[place.Asset], bigOf(b.Owes))
	}
	for asset, sum := range sums {
		if sum.Sign() != 0 {
			x.t.Fatalf("step %d: the accounts of %q add up to %s", x.n, asset, sum)
		}
	}
	for _, key := range x.keys {
		for _, asset := range x.assets {
			ever := bigOf(x.s.Ledger.Claimable(tokens.Member(key), asset))
			if x.claimed[key][asset] != nil {
				ever.Add(ever, x.claimed[key][asset])
			}
			if was := x.earned[key][asset]; was != nil && was.Cmp(ever) > 0 {
				x.t.Fatalf("step %d: of %s that somebody earned %s are left", x.n, was, ever)
			}
			x.earned[key][asset] = ever
		}
	}
	x.income()
}

// income expects that the income of each token is what purchases and payments have brought it: of an offer
// the floor of its share of all that ever came, worked out from the purchases alone.
func (x *economy) income() {
	direct, totals := map[tokens.Asset]*big.Int{}, map[event.ID]*big.Int{}
	add := func(g commerce.Gift) {
		switch {
		case g.Lapsed || g.To.Kind == commerce.APlace:
		case g.To.Kind == commerce.AnElement:
			asset := tokens.Asset(g.To.ID)
			if direct[asset] == nil {
				direct[asset] = new(big.Int)
			}
			direct[asset].Add(direct[asset], bigOf(g.Amount))
		default:
			if totals[g.To.ID] == nil {
				totals[g.To.ID] = new(big.Int)
			}
			totals[g.To.ID].Add(totals[g.To.ID], bigOf(g.Amount))
		}
	}
	for _, p := range table.All(&x.s.Shop.Purchases) {
		if p.Phase != commerce.Paid {
			continue
		}
		for _, g := range p.Gifts {
			add(g)
		}
		add(p.Rest)
	}
	for id, total := range totals {
		split, _ := x.s.Ledger.Splits.Get(id)
		for _, p := range split.Parts {
			part := new(big.Int).Mul(total, bigOf(p.Num))
			if direct[p.Asset] == nil {
				direct[p.Asset] = new(big.Int)
			}
			direct[p.Asset].Add(direct[p.Asset], part.Quo(part, bigOf(p.Den)))
		}
	}
	for asset := range table.All(&x.s.Ledger.Tokens) {
		want := new(big.Int)
		for _, sum := range []*big.Int{direct[asset], x.paid[asset]} {
			if sum != nil {
				want.Add(want, sum)
			}
		}
		if got := x.s.Ledger.Earned(asset); want.Cmp(bigOf(got)) != 0 {
			x.t.Fatalf("step %d: a token has earned %d, and %s was paid", x.n, got, want)
		}
	}
}

// TestEveryLedgerAtOnce does 20,000 things at random (with COOP_LONG=1 a million) in all rooms that move
// value, and expects after each, or now and then, that every asset adds up to 0, that nobody owes more than
// they may, that escrow is left by award and refund alone, that what is paid out and carried over is the
// income, and that nothing is ever taken back.
func TestEveryLedgerAtOnce(t *testing.T) {
	seeds, steps := 4, 5_000
	if os.Getenv("COOP_LONG") != "" {
		seeds, steps = 50, 20_000
	}
	all := map[string]int{}
	for seed := range seeds {
		x := newEconomy(t, uint64(seed))
		for n := range steps {
			x.step()
			if n%250 == 0 {
				x.compare()
			}
		}
		x.compare()
		if _, err := Audit(&x.s); err != nil {
			t.Fatal(err)
		}
		for kind, n := range x.counts {
			all[kind] += n
		}
		for _, m := range table.All(&x.s.Missions.Missions) {
			all["mission "+string(m.Phase)]++
			if m.Progress.Done > 0 {
				all["milestone"] += int(m.Progress.Done)
			}
		}
		for number, d := range table.All(&x.s.Surplus.Distributions) {
			if d.Payable > 0 && number >= table.Number(0) {
				all["distribution payable"]++
			}
		}
	}
	t.Log(all)
	for _, kind := range append(slices.Concat(tokens.Kinds(), commerce.Kinds(), missions.Kinds(), surplus.Kinds()), commerce.KindBuy, commerce.KindSell, tokens.KindOrder, tokens.KindClaim, tokens.KindCancel,
		surplus.KindClaim, missions.KindSubmit, missions.KindReveal, missions.KindConsent, missions.KindWithdraw, missions.KindJudge, missions.KindAppeal, missions.KindProve, missions.KindAccept,
		missions.KindForecast, missions.KindFlag, missions.KindCall, "mission delivered", "mission struck", "mission refunded", "milestone") {
		if all[string(kind)] < seeds {
			t.Errorf("%s happened %d times, which says little", kind, all[string(kind)])
		}
	}
}

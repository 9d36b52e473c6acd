package missions

import (
	"math/big"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/tokens"
)

// TestIncomeWhileRefunding: units of backers are handed out over several commits, and income comes to the
// token meanwhile. Who has theirs earns; what the others' units earned on their way is the treasury's in the
// end, to the exact fraction, and nothing stays in escrow.
func TestIncomeWhileRefunding(t *testing.T) {
	g := newAgora(t, 0)
	house := g.house()
	house.People = multitude{}
	act := func(by identity.PublicKey) Act { return Act{ID: g.id(), By: by, Time: g.now, House: house} }
	wait := func(d event.Time) {
		g.now += d
		g.s.Advance(g.now, house)
	}
	l := Listing{Title: "T", Funding: KeepWhatCame, Prizes: []uint64{1}, Match: Match{Kind: MatchNone}, Token: Token{Name: "t", Rule: tokens.RuleFree, Units: 7, Backers: 9973}, Price: 1,
		Judges: ByMembers, Method: Approve, Periods: Periods{Funding: hour, Open: hour, Reveal: hour, Judging: hour}}
	list := act(person(0))
	must(t, g.s.List(list, l))
	const many = 2*MaxPayouts + 7
	donor := func(n int) identity.PublicKey { return identity.PublicKey{2, byte(n >> 8), byte(n)} }
	for n := range many {
		must(t, g.l.IssueMoney(tokens.Act{ID: g.id(), By: tokens.Treasury, Time: g.now, People: house.People}, tokens.IssueMoney{To: donor(n), Amount: uint64(n%9 + 1), Receipt: donor(n).String()}))
		must(t, g.s.Pledge(act(donor(n)), MakePledge{Mission: list.ID, Amount: uint64(n%9 + 1)}))
	}
	wait(hour)
	c := Content{Title: "W", Contributors: []Contributor{{person(1), "all", 1}}}
	submit := act(person(1))
	must(t, g.s.Submit(submit, Submit{list.ID, c.Commitment(list.ID, person(1), [32]byte{1})}))
	wait(hour)
	must(t, g.s.Reveal(act(person(1)), Reveal{Entry{list.ID, submit.ID}, c, [32]byte{1}}))
	wait(hour)
	must(t, g.s.Judge(act(person(2)), Judge{Mission: list.ID, Approve: []event.ID{submit.ID}}))

	earned := map[tokens.Account]*big.Rat{}
	owner := func(a tokens.Account) tokens.Account {
		if a == tokens.Escrow(list.ID) {
			return tokens.Treasury
		}
		return a
	}
	var asset tokens.Asset
	for commit := range 3 {
		wait(hour)
		m, _ := g.s.Missions.Get(list.ID)
		asset = m.Asset
		if want := []Phase{PhaseRefunding, PhaseRefunding, PhaseDelivered}[commit]; m.Phase != want {
			t.Fatalf("commit %d: %s", commit, m.Phase)
		}
		amount := uint64(1009 + 100*commit)
		must(t, g.l.Pay(tokens.Act{ID: g.id(), By: tokens.Member(person(3)), Time: g.now, People: house.People}, tokens.Pay{Asset: asset, Amount: amount / 2}))
		for account, b := range g.l.Holders(asset) {
			if account != tokens.Issue {
				if earned[owner(account)] == nil {
					earned[owner(account)] = new(big.Rat)
				}
				earned[owner(account)].Add(earned[owner(account)], new(big.Rat).SetFrac(new(big.Int).Mul(num(amount/2), num(b.Has)), num(9980)))
			}
		}
		for _, broken := range append(g.s.Invariants(&g.l), g.l.Invariants(g.now, g.s.Escrows)...) {
			t.Fatal(broken)
		}
	}
	for account, exact := range earned {
		if due := g.l.Claimable(account, asset); num(due).Cmp(new(big.Int).Quo(exact.Num(), exact.Denom())) != 0 {
			t.Errorf("%v can claim %d of %s", account, due, exact)
		}
	}
	if treasury := earned[tokens.Treasury]; treasury == nil || treasury.Cmp(big.NewRat(100, 1)) < 0 {
		t.Errorf("the treasury has earned %s, so this says little", treasury)
	}
	if left := g.l.Of(tokens.Escrow(list.ID), asset); left.Has|left.Due|left.Rest != 0 {
		t.Errorf("%+v rests in escrow", left)
	}
}

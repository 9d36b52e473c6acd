package missions

import (
	"encoding/binary"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/tokens"
)

func TestRoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n")
		if want := new(big.Int).Sqrt(num(n)); num(root(n)).Cmp(want) != 0 {
			t.Fatalf("root of %d: %d, not %s", n, root(n), want)
		}
	})
}

// TestMatch: the match is what big integers say, however large the pledges.
func TestMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Uint64Range(1, tokens.MaxAmount)
		m := Match{Kind: MatchLinear, Num: rapid.Uint64Range(1, MaxRate).Draw(t, "num"), Den: rapid.Uint64Range(1, MaxRate).Draw(t, "den"), Cap: amount.Draw(t, "cap")}
		sum := amount.Draw(t, "sum")
		want := new(big.Int).Mul(num(sum), num(m.Num))
		if want.Div(want, num(m.Den)); want.Cmp(num(m.Cap)) > 0 {
			want = num(m.Cap)
		}
		if got := m.on(sum, 0); num(got).Cmp(want) != 0 {
			t.Fatalf("%d with %+v is matched with %d, not %s", sum, m, got, want)
		}
		m = Match{Kind: MatchQuadratic, Cap: m.Cap}
		pledges := rapid.SliceOfN(amount, 1, 50).Draw(t, "pledges")
		roots, all, whole := uint64(0), new(big.Int), new(big.Int)
		for _, p := range pledges {
			if p /= uint64(len(pledges)); p == 0 {
				p = 1
			}
			roots += root(p << 10)
			all.Add(all, new(big.Int).Sqrt(new(big.Int).Mul(num(p), num(1024))))
			whole.Add(whole, num(p))
		}
		want = all.Sub(all.Div(all.Mul(all, all), num(1024)), whole)
		if want.Sign() < 0 {
			want = num(0)
		}
		if want.Cmp(num(m.Cap)) > 0 {
			want = num(m.Cap)
		}
		if got := m.on(whole.Uint64(), roots); num(got).Cmp(want) != 0 {
			t.Fatalf("%v are matched with %d, not %s", pledges, got, want)
		}
	})
}

// TestShare: parts add up, each is its exact quota rounded down or up, and larger weights never get less.
func TestShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Uint64Range(0, tokens.MaxAmount).Draw(t, "amount")
		weights := rapid.SliceOfN(rapid.Uint64Range(1, tokens.MaxAmount/40), 1, 40).Draw(t, "weights")
		parts := share(amount, weights, func(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) })
		if sumOf(parts).Cmp(num(amount)) != 0 {
			t.Fatalf("%v of %d", parts, amount)
		}
		for i, part := range parts {
			low := new(big.Int).Div(new(big.Int).Mul(num(amount), num(weights[i])), sumOf(weights)).Uint64()
			if part != low && part != low+1 {
				t.Fatalf("%d for %d of %v in %d", part, weights[i], weights, amount)
			}
			for j := range parts {
				if weights[j] > weights[i] && parts[j] < part {
					t.Fatalf("%d gets %d, and %d only %d", weights[i], part, weights[j], parts[j])
				}
			}
		}
	})
}

// multitude is a register of everybody.
type multitude struct{}

func (multitude) Person(identity.PublicKey) tokens.Person {
	return tokens.Person{Known: true, Member: true}
}
func (multitude) Voter(identity.PublicKey, event.Time) bool { return true }

// TestManyPledgers: a refund to more pledgers than one commit pays goes on in the next ones, and everybody
// gets theirs. Commits of the same time count as one.
func TestManyPledgers(t *testing.T) {
	g := newAgora(t, 0)
	house := g.house()
	house.People = multitude{}
	act := func(by identity.PublicKey) Act { return Act{ID: g.id(), By: by, Time: g.now, House: house} }
	l := Listing{Title: "T", Funding: KeepWhatCame, Prizes: []uint64{1}, Match: Match{Kind: MatchNone}, Token: Token{Name: "t", Rule: tokens.RuleFree, Units: 1, Backers: 5000}, Price: 1,
		Judges: ByMembers, Method: Approve, Periods: Periods{Funding: hour, Open: hour, Reveal: hour, Judging: hour}}
	a := act(person(0))
	if err := g.s.List(a, l); err != nil {
		t.Fatal(err)
	}
	const many = 2*MaxPayouts + 7
	donor := func(n int) identity.PublicKey { return identity.PublicKey{2, byte(n >> 8), byte(n)} }
	for n := range many {
		must(t, g.l.IssueMoney(tokens.Act{ID: g.id(), By: tokens.Treasury, Time: g.now, People: house.People}, tokens.IssueMoney{To: donor(n), Amount: uint64(n + 1), Receipt: donor(n).String()}))
		must(t, g.s.Pledge(act(donor(n)), MakePledge{Mission: a.ID, Amount: uint64(n + 1)}))
	}
	must(t, g.s.Cancel(act(person(0)), Cancel{a.ID}))
	paid := func() (n int) {
		for n < many && g.l.Of(tokens.Member(donor(n)), tokens.Currency).Has == uint64(n+1) {
			n++
		}
		return n
	}
	for step, want := range []int{0, MaxPayouts, MaxPayouts, 2 * MaxPayouts, many} {
		if got := paid(); got != want {
			t.Fatalf("step %d: %d are paid, not %d", step, got, want)
		}
		for _, broken := range g.s.Invariants(&g.l) {
			t.Fatal(broken)
		}
		if due, any := g.s.Next(); any != (want < many) || any && due != g.s.Time+1 {
			t.Fatalf("step %d: due at %d", step, due)
		}
		if step != 1 { // a commit of the same time
			g.now++
		}
		g.s.Advance(g.now, house)
	}
}

func must(t testing.TB, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// TestNameTaken: should a decision give the reserved name to another token, the award makes its own one
// under a name with a mark, again and again if need be.
func TestNameTaken(t *testing.T) {
	g := newAgora(t, 0)
	name := strings.Repeat("n", 32)
	free := func() string { return g.s.freeName(event.ID{1}, name, &g.l) }
	for range 3 {
		before := free()
		must(t, g.l.Create(tokens.Act{ID: g.id(), By: tokens.Treasury, Time: g.now, People: g.people},
			tokens.Create{Name: before, Rule: tokens.RuleNone, Shares: []tokens.Share{{To: person(1), Amount: 1}}}))
		if after := free(); after == before || len(after) > 32 {
			t.Errorf("%q follows %q", after, before)
		}
	}
}

// TestTooLarge: numbers that no event can carry are refused all the same.
func TestTooLarge(t *testing.T) {
	g := newAgora(t, 0)
	for name, change := range map[string]func(*Listing){
		"target":   func(l *Listing) { l.Funding, l.Target = AllOrNothing, tokens.MaxAmount+1 },
		"prize":    func(l *Listing) { l.Prizes = []uint64{tokens.MaxAmount + 1} },
		"prizes":   func(l *Listing) { l.Prizes = []uint64{tokens.MaxAmount, tokens.MaxAmount} },
		"units":    func(l *Listing) { l.Token.Units = 1 << 63; l.Token.Backers = 1 << 63 },
		"price":    func(l *Listing) { l.Price = tokens.MaxAmount + 1 },
		"match":    func(l *Listing) { l.Match = Match{Kind: MatchQuadratic, Cap: tokens.MaxAmount + 1} },
		"rate":     func(l *Listing) { l.Match = Match{Kind: MatchLinear, Num: MaxRate + 1, Den: 1, Cap: 1} },
		"prizes 2": func(l *Listing) { l.Prizes = make([]uint64, MaxPrizes+1) },
		"tags":     func(l *Listing) { l.Tags = strings.Split("abcdefghi", "") },
		"period":   func(l *Listing) { l.Periods.Open = MaxPeriod + 1 },
	} {
		l := Listing{Title: "T", Funding: KeepWhatCame, Prizes: []uint64{1}, Match: Match{Kind: MatchNone}, Token: Token{Name: "t", Rule: tokens.RuleFree, Units: 1}, Price: 1,
			Judges: ByMembers, Method: Approve, Periods: Periods{Funding: hour, Open: hour, Reveal: hour, Judging: hour}}
		if err := l.check(); err != nil {
			t.Fatal(err)
		}
		if change(&l); l.check() == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	must(t, g.s.List(Act{ID: event.ID{5}, By: person(1), Time: g.now, House: g.house()}, func() Listing { l := g.listing(); l.Match = Match{Kind: MatchNone}; return l }()))
	for _, amount := range []uint64{0, tokens.MaxAmount + 1, 1<<64 - 1, 2001} {
		if g.s.Pledge(g.act(person(2)), MakePledge{Mission: event.ID{5}, Amount: amount}) == nil {
			t.Errorf("a pledge of %d", amount)
		}
	}
}

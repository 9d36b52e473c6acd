package surplus

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/tokens"
)

// TestDivide: nothing is lost and nothing too much, everybody has their proportion rounded down or up, who
// counts for more never gets less, and the order of the crowd makes no difference.
func TestDivide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Uint64Range(0, tokens.MaxAmount).Draw(t, "amount")
		if rapid.Bool().Draw(t, "small") {
			amount %= 50
		}
		values := rapid.SliceOfN(rapid.OneOf(rapid.Uint64Range(1, 5), rapid.Uint64Range(1, tokens.MaxAmount)), 1, 12).Draw(t, "values")
		var crowd []weight
		sum := new(big.Int)
		for i, v := range values {
			crowd = append(crowd, weight{identity.PublicKey{byte(i)}, v})
			sum.Add(sum, num(v))
		}
		got := divide(amount, crowd, event.ID{1}, 2)
		all := uint64(0)
		for i, n := range got {
			all += n
			exact := new(big.Int).Mul(num(amount), num(values[i]))
			floor := new(big.Int).Quo(exact, sum)
			if d := new(big.Int).Sub(num(n), floor); d.Sign() < 0 || d.Cmp(big.NewInt(1)) > 0 {
				t.Fatalf("%d of %d for %v of %s", n, amount, values[i], sum)
			}
			for k := range got {
				if values[i] > values[k] && n < got[k] {
					t.Fatalf("%v got %v", values, got)
				}
			}
		}
		if all != amount {
			t.Fatalf("%d of %d", all, amount)
		}
		order := rapid.Permutation(crowd).Draw(t, "order")
		again := divide(amount, order, event.ID{1}, 2)
		for i, w := range order {
			if again[i] != got[w.key[0]] {
				t.Fatalf("%v, in another order %v", got, again)
			}
		}
	})
}

// TestMakers: of more holders than count as makers, those with most units do.
func TestMakers(t *testing.T) {
	var s State
	var l tokens.State
	act := tokens.Act{ID: event.ID{1}, By: tokens.Treasury, People: everybody{}}
	create := tokens.Create{Name: "work", Rule: tokens.RuleFree}
	for i := range tokens.MaxShares {
		create.Shares = append(create.Shares, tokens.Share{To: identity.PublicKey{2, byte(i)}, Amount: 2})
	}
	create.Shares[0].Amount = 100
	if err := l.Create(act, create); err != nil {
		t.Fatal(err)
	}
	asset := tokens.NewAsset(act.ID, 0)
	late, small := identity.PublicKey{9}, identity.PublicKey{1} // the last by key, with many, and the first, with one
	l.Move(asset, tokens.Member(create.Shares[0].To), tokens.Member(late), 90, event.ID{})
	l.Move(asset, tokens.Member(create.Shares[0].To), tokens.Member(small), 1, event.ID{})
	s.Made(asset, &l)
	if units, _ := s.Makers.Get(Maker{asset, late}); units != 90 || s.Makers.Len() != MaxMakers {
		t.Errorf("%d makers, and who has most counts for %d", s.Makers.Len(), units)
	}
	if s.Makers.Has(Maker{asset, small}) {
		t.Error("who has least counts, and others do not")
	}
}

// everybody is a register in which everybody is a member.
type everybody struct{}

func (everybody) Person(identity.PublicKey) tokens.Person {
	return tokens.Person{Known: true, Member: true}
}

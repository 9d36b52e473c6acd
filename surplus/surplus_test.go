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

package finality

import (
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// TestProvesFork: two different blocks of one round by one key, and nothing else.
func TestProvesFork(t *testing.T) {
	alice, bob := identity.KeyFromSeed([32]byte{1}), identity.KeyFromSeed([32]byte{2})
	ep := Epoch{Coop: event.ID{7}, Number: 3, Base: [32]byte{8}, Stewards: []identity.PublicKey{alice.Public(), bob.Public()}, Params: DefaultParams()}
	seal := func(key identity.Key, ep Epoch, r Round) []byte {
		t.Helper()
		r.Steward = slices.Index(ep.Stewards, key.Public())
		sealed, err := SealRound(key, &ep, r)
		if err != nil {
			t.Fatal(err)
		}
		return sealed.Raw
	}
	a := seal(alice, ep, Round{Number: 1, At: 5})
	b := seal(alice, ep, Round{Number: 1, At: 6})
	if epoch, proven := ProvesFork(ep.Coop, alice.Public(), a, b); !proven || epoch != 3 {
		t.Fatalf("a fork is not proven, or of epoch %d", epoch)
	}
	next, other, base := ep, ep, ep
	next.Number, other.Coop, base.Base = 4, event.ID{9}, [32]byte{9}
	parents := []RoundID{{1}, {2}}
	torn := slices.Clone(b)
	torn[len(torn)-1] ^= 1
	form := seal(alice, ep, Round{Number: 1, At: 7})
	form[0] ^= 1
	for name, pair := range map[string][2][]byte{
		"one block twice":     {a, a},
		"another round":       {a, seal(alice, ep, Round{Number: 2, At: 5, Parents: parents})},
		"another epoch":       {a, seal(alice, next, Round{Number: 1, At: 6})},
		"another base":        {a, seal(alice, base, Round{Number: 1, At: 6})},
		"another cooperative": {seal(alice, other, Round{Number: 1, At: 5}), seal(alice, other, Round{Number: 1, At: 6})},
		"another steward":     {a, seal(bob, ep, Round{Number: 1, At: 6})},
		"a broken signature":  {a, torn},
		"no block":            {a, form},
		"nothing":             {nil, nil},
		"too much":            {a, make([]byte, MaxRoundSize+1)},
	} {
		for _, p := range [][2][]byte{pair, {pair[1], pair[0]}} {
			if _, proven := ProvesFork(ep.Coop, alice.Public(), p[0], p[1]); proven {
				t.Errorf("%s is taken for a fork", name)
			}
		}
	}
}

package tokens

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// TestProrate: all units are shared out, each order has its exact quota rounded down or up, and it is rounded
// up for those whose remainder is largest; of equal ones for those with the lowest lot.
func TestProrate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wants := rapid.SliceOfN(rapid.OneOf(rapid.Uint64Range(1, 4), rapid.Uint64Range(1, MaxAmount/20)), 2, 12).Draw(t, "wants")
		var group []fill
		sum := uint64(0)
		ids := []byte("coop/lot/1\x00")
		for n, left := range wants {
			group = append(group, fill{id: benchID(uint64(n)), order: Order{Left: left}, units: left})
			ids = append(ids, group[n].id[:]...)
			sum += left
		}
		units := rapid.Uint64Range(1, sum-1).Draw(t, "units")
		prorate(group, sum, units)
		seed := sha256.Sum256(ids)
		all := uint64(0)
		missing, lots, up := make([]*big.Int, len(group)), make([][32]byte, len(group)), make([]bool, len(group))
		for i, f := range group {
			all += f.units
			whole, rest := new(big.Int).QuoRem(new(big.Int).Mul(num(wants[i]), num(units)), num(sum), new(big.Int))
			missing[i], lots[i], up[i] = rest, sha256.Sum256(append(seed[:], f.id[:]...)), f.units == whole.Uint64()+1
			if f.units != whole.Uint64() && !up[i] {
				t.Fatalf("%d of a quota of %s and %s/%d", f.units, whole, rest, sum)
			}
		}
		if all != units {
			t.Fatalf("%d units of %d", all, units)
		}
		for i := range group {
			for j := range group {
				c := missing[i].Cmp(missing[j])
				if up[i] && !up[j] && (c < 0 || c == 0 && bytes.Compare(lots[i][:], lots[j][:]) > 0) {
					t.Fatalf("%d is rounded up with a remainder of %s, and %d is not with %s", i, missing[i], j, missing[j])
				}
			}
		}
	})
}

// TestEndsOnTime: what ends at a coop time has ended then, not a commit later, and not before.
func TestEndsOnTime(t *testing.T) {
	s, asset := held(t, 3)
	owner := Member(identity.PublicKey(benchID(0)))
	order := Act{ID: event.ID{7}, By: owner, Time: day, People: everyone{}}
	if err := s.Place(order, PlaceOrder{Side: Sell, Asset: asset, Units: 1, Price: 5, Until: day + hour}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   event.Time
		open bool
	}{{day, true}, {day + hour - 1, true}, {day + hour, false}} {
		s.Advance(c.at)
		if s.Orders.Has(order.ID) != c.open || s.Of(owner, asset).Has != map[bool]uint64{true: 0, false: 1}[c.open] {
			t.Errorf("at %d: open %v, and the owner has %d", c.at, s.Orders.Has(order.ID), s.Of(owner, asset).Has)
		}
		if due, any := s.Next(); any != c.open || any && due != day+hour {
			t.Errorf("at %d: the next is due at %d", c.at, due)
		}
	}
}

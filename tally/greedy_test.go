package tally

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestGreedy(t *testing.T) {
	// The second most voted does not fit and is passed over; of the two with 5 votes the cheaper first.
	r := ShareGreedily(100, []uint64{60, 50, 30, 10, 5}, []uint64{9, 8, 5, 5, 0}, byNumber(5))
	want := `{"funded":[0,3,2],"spent":100,"steps":[` +
		`{"option":0,"votes":9,"cost":60,"left":100,"funded":true},{"option":1,"votes":8,"cost":50,"left":40,"funded":false},` +
		`{"option":3,"votes":5,"cost":10,"left":40,"funded":true},{"option":2,"votes":5,"cost":30,"left":30,"funded":true}]}`
	if got := written(t, r); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	lot := ShareGreedily(1, []uint64{1, 1, 1}, []uint64{2, 2, 0}, Lot{1, 0, 2})
	if !slices.Equal(lot.Funded, []int{1}) || len(lot.Ties) != 1 || !slices.Equal(lot.Ties[0].Options, []int{1, 0}) {
		t.Errorf("%+v", lot)
	}
}

// TestGreedyTwin compares with looking for the best project that was not looked at, again and again.
func TestGreedyTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "n")
		costs := rapid.SliceOfN(rapid.Uint64Range(0, 6), n, n).Draw(t, "costs")
		votes := rapid.SliceOfN(rapid.Uint64Range(0, 3), n, n).Draw(t, "votes")
		lot, budget := drawLot(t, n), rapid.Uint64Range(0, 15).Draw(t, "budget")
		var want []int
		left, done := budget, make([]bool, n)
		for range n {
			best := -1
			for i := range n {
				if done[i] || votes[i] == 0 {
					continue
				}
				if best < 0 || votes[i] > votes[best] || votes[i] == votes[best] && (costs[i] < costs[best] || costs[i] == costs[best] && lot[i] < lot[best]) {
					best = i
				}
			}
			if best < 0 {
				break
			}
			if done[best] = true; costs[best] <= left {
				left -= costs[best]
				want = append(want, best)
			}
		}
		r := ShareGreedily(budget, costs, votes, lot)
		if !slices.Equal(r.Funded, want) || r.Spent != budget-left {
			t.Fatalf("%+v, want %v for %d", r, want, budget-left)
		}
	})
}

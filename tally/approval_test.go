package tally

import (
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestApproval(t *testing.T) {
	r := CountApproval(4, seq(Approval{2, []int{0, 2}}, Approval{1, []int{3}}, Approval{4, nil}, Approval{1, []int{2, 3}}), Lot{3, 2, 1, 0})
	want := `{"order":[2,3,0,1],"votes":[2,0,3,2],"ballots":8,"ties":[{"options":[3,0],"why":"approved by equally many"}]}`
	if got := written(t, r); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	checkCount(t, drawApproval, func(n int, ballots iter.Seq[Approval], lot Lot, _ []int) ApprovalResult {
		return CountApproval(n, ballots, lot)
	}, func(r ApprovalResult) []int { return r.Order })
}

// TestOrderTwin compares the order by votes with one that goes through all votes and places of the lot.
func TestOrderTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		ballots, lot := drawBallots(t, n, 8, drawApproval), drawLot(t, n)
		votes := make([]int, n)
		for _, b := range repeated(ballots) {
			for i := range n {
				if slices.Contains(b.Options, i) {
					votes[i]++
				}
			}
		}
		var want []int
		for many := 8 * 3; many >= 0; many-- {
			for place := range n {
				for i := range n {
					if votes[i] == many && lot[i] == place {
						want = append(want, i)
					}
				}
			}
		}
		if got := CountApproval(n, slices.Values(ballots), lot); !slices.Equal(got.Order, want) {
			t.Fatalf("order %v, want %v", got.Order, want)
		}
	})
}

package tally

import (
	"cmp"
	"iter"
)

// ApprovalResult is an approval vote, counted.
type ApprovalResult struct {
	Order   []int    `json:"order"`   // all options, the most approved first
	Votes   []uint64 `json:"votes"`   // that approve each option
	Ballots uint64   `json:"ballots"` // counted, by weight, also those that approve nothing
	Ties    []Tie    `json:"ties,omitempty"`
}

// CountApproval counts how many approve each of n options and puts the most approved first. Among
// equals the lot decides.
//
// Source: Brams and Fishburn, "Approval Voting", American Political Science Review 72 (1978).
func CountApproval(n int, ballots iter.Seq[Approval], lot Lot) (r ApprovalResult) {
	r.Votes = make([]uint64, n)
	for b := range ballots {
		r.Ballots = sumWeights(r.Ballots, b.Weight)
		for _, i := range b.Options {
			r.Votes[i] += b.Weight
		}
	}
	r.Order, r.Ties = order(n, descending(r.Votes), lot, "approved by equally many")
	return r
}

// descending compares options so that those with more come first.
func descending(numbers []uint64) func(a, b int) int {
	return func(a, b int) int { return cmp.Compare(numbers[b], numbers[a]) }
}

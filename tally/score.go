package tally

import (
	"iter"
	"math/big"
)

// ScoreResult is a score vote, counted.
type ScoreResult struct {
	Order    []int      `json:"order"`    // all options, the highest sum first
	Sums     []uint64   `json:"sums"`     // of each option's scores
	Averages []*big.Rat `json:"averages"` // of each option's scores, exact; empty without ballots
	Ballots  uint64     `json:"ballots"`  // counted, by weight
	Ties     []Tie      `json:"ties,omitempty"`
}

// CountScore adds up the scores of each of n options and puts the highest sum first, which is also the
// highest average since every ballot scores every option. Among equals the lot decides.
//
// Source: range voting as in Smith, "Range voting" (2000), with whole scores.
func CountScore(n int, ballots iter.Seq[Scores], lot Lot) (r ScoreResult) {
	r.Sums = make([]uint64, n)
	for b := range ballots {
		r.Ballots = sumWeights(r.Ballots, b.Weight)
		addNumbers(r.Sums, b.Scores, b.Weight)
	}
	if r.Ballots > 0 {
		whole := new(big.Int).SetUint64(r.Ballots)
		for _, sum := range r.Sums {
			r.Averages = append(r.Averages, new(big.Rat).SetFrac(new(big.Int).SetUint64(sum), whole))
		}
	}
	r.Order, r.Ties = order(n, descending(r.Sums), lot, "equal sums of scores")
	return r
}

// addNumbers adds a ballot's numbers to the sums of its options.
func addNumbers(sums, numbers []uint64, weight uint64) {
	if len(numbers) != len(sums) {
		panic("tally: invariant: " + ErrLength.Error())
	}
	for i, number := range numbers {
		sums[i] += weight * number
	}
}

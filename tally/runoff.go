package tally

import (
	"iter"
	"slices"
)

// RunoffResult is a ranked vote counted by instant runoff.
type RunoffResult struct {
	Winner int     `json:"winner"`
	Rounds []Round `json:"rounds"`
	Ties   []Tie   `json:"ties,omitempty"`
}

// Round is one round of an instant runoff.
type Round struct {
	Votes     []uint64 `json:"votes"`     // of each option; 0 for those excluded before
	Exhausted uint64   `json:"exhausted"` // ballots that rank nobody who is left
	Excluded  int      `json:"excluded"`  // after this round, or -1 after the last
}

// CountRunoff elects one of n options: every ballot counts for the first on it that is left, the option
// with the fewest is excluded, and so on until one has more than half of the ballots that still count.
// Of options that have equally few, the one that had fewer in the latest round in which they differ is
// excluded; if there is none, the one that comes later by lot. A ballot that comes to a place which two
// options share that are both left says no more and is exhausted.
//
// It elects the same option as CountSTV does for one seat; only the stopping differs, as a quota is of
// all ballots and the half is of those that still count.
//
// Source: Ware's method of 1871 as in Robert's Rules of Order (12th ed., §45:62, preferential voting)
// and in Burlington's mayoral election of 2009.
func CountRunoff(n int, ballots iter.Seq[Ranking], lot Lot) (r RunoffResult) {
	lot.must(n)
	p := sortPapers(n, ballots)
	votes := make([]uint64, n)
	for i, pile := range p.of {
		for _, x := range pile {
			votes[i] += x.weight
		}
	}
	var past [][]uint64
	for {
		round := Round{Votes: slices.Clone(votes), Exhausted: p.exhausted, Excluded: -1}
		past = append(past, round.Votes)
		var left []int
		for i, standing := range p.standing {
			if standing {
				left = append(left, i)
			}
		}
		leader, _ := extreme(left, 1, past, lot, "")
		if len(left) == 1 || 2*votes[leader] > p.total-p.exhausted {
			r.Winner, r.Rounds = leader, append(r.Rounds, round)
			return r
		}
		last, tie := extreme(left, -1, past, lot, "equally few votes in every round: the last of them is excluded")
		if tie != nil {
			r.Ties = append(r.Ties, *tie)
		}
		round.Excluded = last
		r.Rounds = append(r.Rounds, round)
		votes[last] = 0
		for _, x := range p.take(last) {
			if to := p.lay(x); to >= 0 {
				votes[to] += x.weight
			}
		}
	}
}

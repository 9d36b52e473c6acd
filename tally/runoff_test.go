package tally

import (
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestRunoffRounds counts an election that can be followed by hand. Two ballots name A and C at once and
// are exhausted; D goes, and with it the only ballot for it; then C, whose ballots go to B, also the one
// that names B beside D, and to nobody.
func TestRunoffRounds(t *testing.T) {
	r := CountRunoff(4, slices.Values(ranked(t, "8 AB, 7 BC, 3 CB, 2 C=AB, 1 C, 1 CB=D, 1 D")), byNumber(4))
	want := `{"winner":1,"rounds":[{"votes":[8,7,5,1],"exhausted":2,"excluded":3},{"votes":[8,7,5,0],"exhausted":3,"excluded":2},` +
		`{"votes":[8,11,0,0],"exhausted":4,"excluded":-1}]}`
	if got := written(t, r); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestRunoffTies: equally few votes are told apart by the latest round that does, then by lot.
func TestRunoffTies(t *testing.T) {
	// A goes first. Then B and C have 5, but B had 4 before and C had 5.
	r := CountRunoff(4, slices.Values(ranked(t, "1 AB, 4 BD, 5 CD, 6 D")), Lot{0, 1, 2, 3})
	if r.Rounds[0].Excluded != 0 || r.Rounds[1].Excluded != 1 || len(r.Ties) != 0 {
		t.Errorf("%+v", r)
	}
	for _, lot := range []Lot{{0, 1}, {1, 0}} {
		r := CountRunoff(2, slices.Values(ranked(t, "3 A, 3 B")), lot)
		if lot[r.Winner] != 0 || len(r.Ties) != 1 {
			t.Errorf("lot %v: %+v", lot, r)
		}
	}
	if half := CountRunoff(3, slices.Values(ranked(t, "4 A, 3 BA, 1 C")), byNumber(3)); len(half.Rounds) != 2 {
		t.Errorf("half of the ballots is not more than half: %+v", half)
	}
}

func TestRunoff(t *testing.T) {
	checkCount(t, drawRanking, func(n int, ballots iter.Seq[Ranking], lot Lot, _ []int) RunoffResult {
		return CountRunoff(n, ballots, lot)
	}, func(r RunoffResult) []int { return []int{r.Winner} })
}

// naiveRunoff moves ballot by ballot, reads each from its beginning, and stops when one option is left.
func naiveRunoff(n int, ballots []Ranking, lot Lot) (winner int, excluded []int) {
	const nobody = -1
	all := repeated(ballots)
	holder := make([]int, len(all))
	var past [][]int
	for {
		votes := make([]int, n)
		for v, b := range all {
			if len(excluded) == 0 || holder[v] != nobody && slices.Contains(excluded, holder[v]) {
				holder[v] = nobody
				for _, place := range b.Places {
					left := slices.DeleteFunc(slices.Clone(place), func(i int) bool { return slices.Contains(excluded, i) })
					if len(left) == 1 {
						holder[v] = left[0]
					}
					if len(left) > 0 {
						break
					}
				}
			}
			if holder[v] != nobody {
				votes[holder[v]]++
			}
		}
		past = append(past, votes)
		last := -1
		for i := range n {
			if !slices.Contains(excluded, i) && (last < 0 || naiveLess(past, lot, i, last)) {
				last = i
			}
		}
		if len(excluded) == n-1 {
			return last, excluded
		}
		excluded = append(excluded, last)
	}
}

// naiveLess tells whether a has fewer votes than b at the latest stage where they differ, or else
// comes later by lot.
func naiveLess(past [][]int, lot Lot, a, b int) bool {
	for _, votes := range slices.Backward(past) {
		if votes[a] != votes[b] {
			return votes[a] < votes[b]
		}
	}
	return lot[a] > lot[b]
}

// TestRunoffTwin: the winner is that of the naive count, and that of STV with one seat.
func TestRunoffTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		ballots, lot := drawBallots(t, n, 12, drawRanking), drawLot(t, n)
		r := CountRunoff(n, slices.Values(ballots), lot)
		winner, excluded := naiveRunoff(n, ballots, lot)
		if r.Winner != winner {
			t.Fatalf("%+v, want %d", r, winner)
		}
		for i, round := range r.Rounds[:len(r.Rounds)-1] {
			if round.Excluded != excluded[i] {
				t.Fatalf("round %d: %+v, want %v", i, round, excluded)
			}
		}
		if stv := CountSTV(n, 1, slices.Values(ballots), lot); stv.Elected[0] != winner {
			t.Fatalf("runoff elects %d, STV %v", winner, stv.Elected)
		}
	})
}

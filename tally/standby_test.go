package tally

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestStandby: who comes next is who was left, then who was excluded last.
func TestStandby(t *testing.T) {
	for _, c := range []struct {
		name, ballots string
		n, seats      int
		lot           Lot
		want          string
	}{
		// A is elected, D excluded, B elected before C.
		{"left in the count", "8 AB, 3 AC, 1 A, 5 BC, 4 CB, 3 DB", 4, 2, Lot{0, 1, 2, 3}, "CD"},
		{"excluded last comes first", "1 AB, 2 B, 3 C, 4 D, 5 E", 5, 2, Lot{0, 1, 2, 3, 4}, "CBA"},
		{"left, by votes", "9 A, 2 B, 3 C", 3, 1, Lot{0, 1, 2}, "CB"},
		{"left, equal: by lot", "9 A, 2 B, 2 C", 3, 1, Lot{0, 2, 1}, "CB"},
		{"equal at last, not before", "10 AC, 8 B, 6 D, 1 DC", 4, 2, Lot{0, 1, 2, 3}, "DC"},
		{"nobody asked for them", "9 A, 2 B", 4, 1, Lot{0, 1, 2, 3}, "B"},
		{"excluded without a vote", "5 A, 4 B, 1 CB", 4, 1, Lot{0, 1, 2, 3}, "BC"},
		{"all elected", "3 B, 1 A", 2, 2, Lot{0, 1}, ""},
	} {
		r := CountSTV(c.n, c.seats, slices.Values(ranked(t, c.ballots)), c.lot)
		if got := letters(r.Standby(c.lot)); got != c.want {
			t.Errorf("%s: %s, want %s (elected %s)", c.name, got, c.want, letters(r.Elected))
		}
	}
}

// TestStandbyIsTheRest: whoever is neither elected nor without any vote is on standby, once.
func TestStandbyIsTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "options")
		seats := rapid.IntRange(1, n).Draw(t, "seats")
		ballots := rapid.SliceOfN(rapid.Permutation(byNumber(n)), 0, 8).Draw(t, "ballots")
		var papers []Ranking
		for _, order := range ballots {
			var places [][]int
			for _, i := range order[:rapid.IntRange(0, n).Draw(t, "length")] {
				places = append(places, []int{i})
			}
			papers = append(papers, Ranking{Weight: 1, Places: places})
		}
		lot := rapid.Permutation(byNumber(n)).Draw(t, "lot")
		r := CountSTV(n, seats, slices.Values(papers), lot)
		order := r.Standby(lot)
		for i := range n {
			had := false
			for _, stage := range r.Stages {
				had = had || stage.Votes[i] > 0
			}
			times := 0
			for _, j := range order {
				if j == i {
					times++
				}
			}
			want := 0
			if had && !slices.Contains(r.Elected, i) {
				want = 1
			}
			if times != want {
				t.Fatalf("option %d stands %d times in %v, elected %v", i, times, order, r.Elected)
			}
		}
	})
}

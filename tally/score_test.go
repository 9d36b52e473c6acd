package tally

import (
	"iter"
	"testing"
)

// TestScore has sums that are easily made by hand: 42·4 + 26·10 + 15·6 + 17·5 = 603 for the second.
func TestScore(t *testing.T) {
	r := CountScore(4, seq(
		Scores{42, []uint64{10, 4, 2, 0}},
		Scores{26, []uint64{0, 10, 4, 2}},
		Scores{15, []uint64{0, 6, 10, 6}},
		Scores{17, []uint64{0, 5, 7, 10}},
	), byNumber(4))
	want := `{"order":[1,2,0,3],"sums":[420,603,457,312],"averages":["21/5","603/100","457/100","78/25"],"ballots":100}`
	if got := written(t, r); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	none := CountScore(2, seq[Scores](), Lot{1, 0})
	if got := written(t, none); got != `{"order":[1,0],"sums":[0,0],"averages":null,"ballots":0,"ties":[{"options":[1,0],"why":"equal sums of scores"}]}` {
		t.Errorf("%s", got)
	}
	checkCount(t, drawScores, func(n int, ballots iter.Seq[Scores], lot Lot, _ []int) ScoreResult {
		return CountScore(n, ballots, lot)
	}, func(r ScoreResult) []int { return r.Order })
}

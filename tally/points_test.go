package tally

import (
	"iter"
	"testing"
)

func TestPoints(t *testing.T) {
	r := CountPoints(3, seq(Points{1, []uint64{10, 0, 0}}, Points{3, []uint64{1, 4, 5}}, Points{2, []uint64{0, 10, 0}}), byNumber(3))
	if got := written(t, r); got != `{"order":[1,2,0],"sums":[13,32,15],"ballots":6}` {
		t.Errorf("%s", got)
	}
	checkCount(t, drawPoints, func(n int, ballots iter.Seq[Points], lot Lot, _ []int) PointsResult {
		return CountPoints(n, ballots, lot)
	}, func(r PointsResult) []int { return r.Order })
}

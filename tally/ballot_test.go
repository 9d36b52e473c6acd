package tally

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestBadBallots(t *testing.T) {
	for _, c := range []struct {
		name string
		got  error
		want error
	}{
		{"vote", Vote{1, Against}.Check(), nil},
		{"heaviest vote", Vote{MaxVotes, Abstain}.Check(), nil},
		{"vote without weight", Vote{0, For}.Check(), ErrWeight},
		{"vote too heavy", Vote{MaxVotes + 1, For}.Check(), ErrWeight},
		{"vote for something else", Vote{1, 3}.Check(), ErrStance},

		{"approval", Approval{1, []int{2, 0}}.Check(3), nil},
		{"approval of nothing", Approval{1, nil}.Check(0), nil},
		{"approval without weight", Approval{0, nil}.Check(3), ErrWeight},
		{"approval of option 3 of 3", Approval{1, []int{3}}.Check(3), ErrOption},
		{"approval of option -1", Approval{1, []int{-1}}.Check(3), ErrOption},
		{"approval twice", Approval{1, []int{1, 2, 1}}.Check(3), ErrRepeated},

		{"scores", Scores{1, []uint64{0, 5}}.Check(2, 5), nil},
		{"highest score", Scores{1, []uint64{MaxScore}}.Check(1, math.MaxUint64), nil},
		{"scores without weight", Scores{0, []uint64{0, 5}}.Check(2, 5), ErrWeight},
		{"a score too few", Scores{1, []uint64{0}}.Check(2, 5), ErrLength},
		{"a score too many", Scores{1, []uint64{0, 1, 2}}.Check(2, 5), ErrLength},
		{"score too high", Scores{1, []uint64{0, 6}}.Check(2, 5), ErrScore},
		{"score above all", Scores{1, []uint64{MaxScore + 1}}.Check(1, math.MaxUint64), ErrScore},

		{"ranking", Ranking{1, [][]int{{2}, {0, 1}}}.Check(3), nil},
		{"ranking of nobody", Ranking{1, nil}.Check(3), nil},
		{"ranking without weight", Ranking{0, nil}.Check(3), ErrWeight},
		{"ranking with an empty place", Ranking{1, [][]int{{2}, {}, {1}}}.Check(3), ErrEmpty},
		{"ranking of option 3 of 3", Ranking{1, [][]int{{3}}}.Check(3), ErrOption},
		{"ranking of one twice", Ranking{1, [][]int{{2}, {1}, {2}}}.Check(3), ErrRepeated},
		{"ranking of one beside itself", Ranking{1, [][]int{{2, 2}}}.Check(3), ErrRepeated},
		{"strict ranking", Ranking{1, [][]int{{2}, {0}}}.CheckStrict(3), nil},
		{"strict ranking with a tie", Ranking{1, [][]int{{2}, {0, 1}}}.CheckStrict(3), ErrTied},
		{"strict ranking of option 3 of 3", Ranking{1, [][]int{{3}}}.CheckStrict(3), ErrOption},

		{"points", Points{1, []uint64{3, 7}}.Check(2, 10, Linear), nil},
		{"no points", Points{1, []uint64{0, 0}}.Check(2, 0, Quadratic), nil},
		{"points without weight", Points{0, []uint64{3, 7}}.Check(2, 10, Linear), ErrWeight},
		{"points too few", Points{1, []uint64{3}}.Check(2, 10, Linear), ErrLength},
		{"overspent", Points{1, []uint64{3, 8}}.Check(2, 10, Linear), ErrPoints},
		{"overspent by far", Points{1, []uint64{1, math.MaxUint64}}.Check(2, 10, Linear), ErrPoints},
		{"more than anybody has", Points{1, []uint64{MaxPoints, 1}}.Check(2, math.MaxUint64, Linear), ErrPoints},
		{"squares", Points{1, []uint64{6, 8}}.Check(2, 100, Quadratic), nil},
		{"overspent squares", Points{1, []uint64{6, 8}}.Check(2, 99, Quadratic), ErrPoints},
		{"squares above 2^64", Points{1, []uint64{1 << 32}}.Check(1, 100, Quadratic), ErrPoints},
	} {
		if !errors.Is(c.got, c.want) || c.want == nil && c.got != nil {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

// TestCheckedBallotsCount: what Check lets through never makes a count panic, whatever came from outside.
func TestCheckedBallotsCount(t *testing.T) {
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "n")
		weight := rapid.OneOf(rapid.Uint64Range(0, 2), rapid.Just(uint64(MaxVotes)), rapid.Uint64()).Draw(t, "weight")
		option := rapid.IntRange(-1, n)
		number := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Just(uint64(MaxScore)), rapid.Uint64())
		lot := byNumber(n)
		r := Ranking{weight, rapid.SliceOfN(rapid.SliceOfN(option, 0, 2), 0, n+1).Draw(t, "places")}
		a := Approval{weight, rapid.SliceOfN(option, 0, n+1).Draw(t, "options")}
		s := Scores{weight, rapid.SliceOfN(number, n-1, n+1).Draw(t, "numbers")}
		p := Points{s.Weight, s.Scores}
		if r.Check(n) == nil {
			CountSchulze(n, seq(r), lot)
			CountRunoff(n, seq(r), lot)
			CountSTV(n, 1, seq(r), lot)
			good++
		}
		if a.Check(n) == nil {
			CountApproval(n, seq(a), lot)
			CountEqualShares(10, make([]uint64, n), seq(a), lot, Shares{Raise: 1, Fill: true})
			good++
		}
		if s.Check(n, MaxScore) == nil {
			CountScore(n, seq(s), lot)
			good++
		}
		if p.Check(n, MaxPoints, Linear) == nil {
			CountPoints(n, seq(p), lot)
			good++
		}
	})
	if good == 0 {
		t.Error("no ballot was good")
	}
}

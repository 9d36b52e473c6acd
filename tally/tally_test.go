package tally

import (
	"errors"
	"iter"
	"slices"
	"testing"
)

func TestCheckLot(t *testing.T) {
	for _, c := range []struct {
		lot     Lot
		options int
		good    bool
	}{
		{nil, 0, true}, {Lot{0}, 1, true}, {Lot{2, 0, 1}, 3, true},
		{Lot{0}, 2, false}, {Lot{0, 1, 2}, 2, false}, {Lot{0, 0}, 2, false}, {Lot{0, 2}, 2, false}, {Lot{-1, 0}, 2, false},
	} {
		if err := c.lot.Check(c.options); (err == nil) != c.good || err != nil && !errors.Is(err, ErrLot) {
			t.Errorf("%v for %d options: %v", c.lot, c.options, err)
		}
	}
}

func TestCheckSeats(t *testing.T) {
	for _, c := range []struct {
		seats, options int
		good           bool
	}{{1, 1, true}, {3, 3, true}, {0, 3, false}, {-1, 3, false}, {4, 3, false}} {
		if err := CheckSeats(c.seats, c.options); (err == nil) != c.good || err != nil && !errors.Is(err, ErrSeats) {
			t.Errorf("%d seats, %d options: %v", c.seats, c.options, err)
		}
	}
}

// panics tells whether f does.
func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// TestFaults: what Check or CheckSeats would have refused is a fault of the caller.
func TestFaults(t *testing.T) {
	heavy := []Vote{{MaxVotes, For}, {1, For}}
	if panics(func() { CountYesNo(slices.Values(heavy[:1])) }) {
		t.Error("MaxVotes are not counted")
	}
	none := func(func(Ranking) bool) {}
	for name, f := range map[string]func(){
		"too many votes":     func() { CountYesNo(slices.Values(heavy)) },
		"unknown stance":     func() { CountYesNo(slices.Values([]Vote{{1, 3}})) },
		"wrong length":       func() { CountScore(2, slices.Values([]Scores{{1, []uint64{1}}}), Lot{0, 1}) },
		"no lot":             func() { CountApproval(2, func(func(Approval) bool) {}, nil) },
		"no lot for Schulze": func() { CountSchulze(2, none, nil) },
		"no lot for runoff":  func() { CountRunoff(2, none, nil) },
		"no lot for STV":     func() { CountSTV(2, 1, none, nil) },
		"no lot for shares":  func() { CountEqualShares(1, []uint64{1}, func(func(Approval) bool) {}, nil, Shares{}) },
		"no seats":           func() { CountSTV(2, 0, none, Lot{0, 1}) },
	} {
		if !panics(f) {
			t.Errorf("%s: no panic", name)
		}
	}
}

// TestHeavyBallots: the largest numbers allowed are counted exactly.
func TestHeavyBallots(t *testing.T) {
	scores := CountScore(1, slices.Values([]Scores{{MaxVotes, []uint64{MaxScore}}}), Lot{0})
	if scores.Sums[0] != 1<<60 || scores.Averages[0].RatString() != "1048576" {
		t.Errorf("%v", scores)
	}
	r := CountSTV(3, 2, slices.Values([]Ranking{{MaxVotes - 1, [][]int{{0}, {1}}}, {1, [][]int{{2}}}}), Lot{0, 1, 2})
	// A third of 2^40 and one more is the quota; the surplus passes at 0.66666.
	if got := r.Stages[1].Votes[1].String(); r.Quota != MaxVotes/3+1 || got != "733000421772.48150" {
		t.Errorf("quota %d, second has %s", r.Quota, got)
	}
}

// seq is a sequence of the ballots.
func seq[B any](ballots ...B) iter.Seq[B] { return slices.Values(ballots) }

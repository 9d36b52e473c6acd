package tally

import (
	"iter"
	"testing"
)

func TestYesNo(t *testing.T) {
	got := CountYesNo(seq(Vote{3, For}, Vote{1, Against}, Vote{2, Abstain}, Vote{1, For}))
	if got != (YesNoResult{Yes: 4, No: 1, Abstained: 2}) {
		t.Errorf("%+v", got)
	}
	checkCount(t, drawVote, func(_ int, ballots iter.Seq[Vote], _ Lot, _ []int) YesNoResult { return CountYesNo(ballots) },
		func(YesNoResult) []int { return nil })
}

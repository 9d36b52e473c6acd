package tally

import (
	"iter"
	"testing"
)

func TestConsent(t *testing.T) {
	for _, c := range []struct {
		ballots iter.Seq[Vote]
		want    string
	}{
		{seq[Vote](), `{"verdict":"silent","consents":0,"objections":0,"abstained":0}`},
		{seq(Vote{5, Abstain}), `{"verdict":"silent","consents":0,"objections":0,"abstained":5}`},
		{seq(Vote{1, For}, Vote{2, Abstain}), `{"verdict":"consent","consents":1,"objections":0,"abstained":2}`},
		{seq(Vote{99, For}, Vote{1, Against}), `{"verdict":"objected","consents":99,"objections":1,"abstained":0}`},
		{seq(Vote{1, Against}), `{"verdict":"objected","consents":0,"objections":1,"abstained":0}`},
	} {
		if got := written(t, CountConsent(c.ballots)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	checkCount(t, drawVote, func(_ int, ballots iter.Seq[Vote], _ Lot, _ []int) ConsentResult { return CountConsent(ballots) },
		func(ConsentResult) []int { return nil })
}

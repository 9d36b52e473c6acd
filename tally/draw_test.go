package tally

import (
	"encoding/json"
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawLot draws a lot.
func drawLot(t *rapid.T, n int) Lot { return Lot(permutation(t, n, "lot")) }

func permutation(t *rapid.T, n int, name string) []int {
	return rapid.Permutation([]int(byNumber(n))).Draw(t, name)
}

// drawOptions draws some of the options, in any order.
func drawOptions(t *rapid.T, n int) []int {
	return permutation(t, n, "options")[:rapid.IntRange(0, n).Draw(t, "how many")]
}

func drawWeight(t *rapid.T) uint64 { return rapid.Uint64Range(1, 3).Draw(t, "weight") }

func drawVote(t *rapid.T, _ int) Vote {
	return Vote{drawWeight(t), Stance(rapid.IntRange(0, 2).Draw(t, "stance"))}
}

func drawApproval(t *rapid.T, n int) Approval { return Approval{drawWeight(t), drawOptions(t, n)} }

func drawNumbers(t *rapid.T, n int) []uint64 {
	return rapid.SliceOfN(rapid.Uint64Range(0, 4), n, n).Draw(t, "numbers")
}

func drawScores(t *rapid.T, n int) Scores { return Scores{drawWeight(t), drawNumbers(t, n)} }

func drawPoints(t *rapid.T, n int) Points { return Points{drawWeight(t), drawNumbers(t, n)} }

// drawRanking draws a ranking, often cut short, with a tie now and then.
func drawRanking(t *rapid.T, n int) Ranking {
	r := Ranking{Weight: drawWeight(t)}
	for _, i := range drawOptions(t, n) {
		if last := len(r.Places) - 1; last >= 0 && rapid.IntRange(0, 5).Draw(t, "tie") == 0 {
			r.Places[last] = append(r.Places[last], i)
		} else {
			r.Places = append(r.Places, []int{i})
		}
	}
	return r
}

func drawBallots[B any](t *rapid.T, n, most int, one func(*rapid.T, int) B) (ballots []B) {
	for range rapid.IntRange(0, most).Draw(t, "ballots") {
		ballots = append(ballots, one(t, n))
	}
	return ballots
}

// repeated is every ballot as often as it weighs, with weight 1.
func repeated[B any](ballots []B) (single []B) {
	for _, b := range ballots {
		weight, one := uint64(0), b
		switch x := any(&one).(type) {
		case *Vote:
			weight, x.Weight = x.Weight, 1
		case *Approval:
			weight, x.Weight = x.Weight, 1
		case *Scores:
			weight, x.Weight = x.Weight, 1
		case *Points:
			weight, x.Weight = x.Weight, 1
		case *Ranking:
			weight, x.Weight = x.Weight, 1
		}
		for range weight {
			single = append(single, one)
		}
	}
	return single
}

// renamed is a ballot in which option i is called name[i].
func renamed[B any](ballot B, name []int) B {
	list := func(options []int) (other []int) {
		for _, i := range options {
			other = append(other, name[i])
		}
		return other
	}
	switch x := any(&ballot).(type) {
	case *Approval:
		x.Options = list(x.Options)
	case *Scores:
		x.Scores = renumbered(x.Scores, name)
	case *Points:
		x.Points = renumbered(x.Points, name)
	case *Ranking:
		places := make([][]int, len(x.Places))
		for i, place := range x.Places {
			places[i] = list(place)
		}
		x.Places = places
	}
	return ballot
}

// renumbered are the numbers of the options under their other names.
func renumbered[N any](numbers []N, name []int) []N {
	other := make([]N, len(numbers))
	for i, number := range numbers {
		other[name[i]] = number
	}
	return other
}

// written is a result as a person gets it. It also shows that every result has such a form.
func written(t interface{ Fatal(...any) }, result any) string {
	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkCount checks what holds for every method: a weight counts as so many ballots, neither the order
// of ballots nor of approvals changes anything, and renaming options (and their lot) renames the chosen.
func checkCount[B, R any](t *testing.T, one func(*rapid.T, int) B, count func(n int, ballots iter.Seq[B], lot Lot, names []int) R, chosen func(R) []int) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "n")
		ballots, lot := drawBallots(t, n, 8, one), drawLot(t, n)
		same := byNumber(n)
		result := count(n, slices.Values(ballots), lot, same)
		text := written(t, result)
		if other := written(t, count(n, slices.Values(repeated(ballots)), lot, same)); other != text {
			t.Fatalf("by weight %s\nrepeated  %s", text, other)
		}
		if other := written(t, count(n, slices.Values(rapid.Permutation(ballots).Draw(t, "shuffled")), lot, same)); other != text {
			t.Fatalf("in one order %s\nin another   %s", text, other)
		}
		names := permutation(t, n, "names")
		var others []B
		for _, b := range ballots {
			others = append(others, renamed(b, names))
		}
		var want []int
		for _, i := range chosen(result) {
			want = append(want, names[i])
		}
		if got := chosen(count(n, slices.Values(others), renumbered(lot, names), names)); !slices.Equal(got, want) {
			t.Fatalf("chosen %v, renamed %v; want %v", chosen(result), got, want)
		}
	})
}

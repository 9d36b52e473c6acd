package tally

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ranked reads rankings as papers on voting write them: "5 ACB, 2 BA=C" is five that put A before C
// before B, and two with A and C equal below B.
func ranked(t testing.TB, text string) (ballots []Ranking) {
	t.Helper()
	for part := range strings.SplitSeq(text, ", ") {
		count, letters, _ := strings.Cut(part, " ")
		weight, err := strconv.ParseUint(count, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		b := Ranking{Weight: weight}
		beside := false
		for _, letter := range letters {
			if letter == '=' {
				beside = true
				continue
			}
			if option := int(letter - 'A'); beside {
				b.Places[len(b.Places)-1] = append(b.Places[len(b.Places)-1], option)
			} else {
				b.Places = append(b.Places, []int{option})
			}
			beside = false
		}
		ballots = append(ballots, b)
	}
	return ballots
}

func letters(options []int) string {
	text := ""
	for _, i := range options {
		text += string(rune('A' + i))
	}
	return text
}

// TestSchulzePaper has the worked examples of Schulze, "The Schulze Method of Voting", arXiv
// 1804.02973, section 3, and of the method's description on Electowiki. Where they leave two options
// tied the lot here prefers the first letter.
func TestSchulzePaper(t *testing.T) {
	for _, c := range []struct {
		name, ballots, order string
		n, ties              int
	}{
		{"3.1", "8 ACDB, 2 BADC, 4 CDBA, 4 DBAC, 3 DCBA", "DACB", 4, 0},
		{"3.2: BD before AC", "3 ABCD, 2 CBDA, 2 DABC, 2 DBCA", "BDAC", 4, 2},
		{"3.3: A and C tied", "6 ABCD, 12 ACDB, 21 BCAD, 9 CDBA, 15 DBAC", "BACD", 4, 1},
		{"3.4", "3 ADEBCF, 3 BFECDA, 4 CABFDE, 1 DBCEFA, 4 DEFABC, 2 ECBDFA, 2 FACDBE", "ABFDEC", 6, 0},
		{"3.4 with 2 AEFCBD", "3 ADEBCF, 3 BFECDA, 4 CABFDE, 1 DBCEFA, 4 DEFABC, 2 ECBDFA, 2 FACDBE, 2 AEFCBD", "DECABF", 6, 0},
		{"6, by winning votes", "6 ABCD, 8 A=BC=D, 8 A=CB=D, 18 A=CDB, 8 A=C=DB, 40 BA=C=D, 4 CBDA, 9 CDAB, 8 C=DA=B, 14 DABC, 11 DBCA, 4 DCAB", "DABC", 4, 0},
		{"Electowiki 1", "5 ACBED, 5 ADECB, 8 BEDAC, 3 CABED, 7 CAEBD, 2 CBADE, 7 DCEBA, 8 EBADC", "EACBD", 5, 0},
		{"Electowiki 2", "5 ACBD, 2 ACDB, 3 ADCB, 4 BACD, 3 CBDA, 3 CDBA, 1 DACB, 5 DBAC, 4 DCBA", "DACB", 4, 0},
		{"Electowiki 3", "3 ABDEC, 5 ADEBC, 1 ADECB, 2 BADEC, 2 BDECA, 4 CABDE, 6 CBADE, 2 DBECA, 5 DECAB", "BADEC", 5, 0},
	} {
		r := CountSchulze(c.n, slices.Values(ranked(t, c.ballots)), byNumber(c.n))
		if got := letters(r.Order); got != c.order || len(r.Ties) != c.ties {
			t.Errorf("%s: %s, want %s; ties %v", c.name, got, c.order, r.Ties)
		}
	}
}

// TestSchulzeSteps compares pairs and path strengths with those printed for the example of 45 voters.
// Of the paths of equal strength the source prints others.
func TestSchulzeSteps(t *testing.T) {
	r := CountSchulze(5, slices.Values(ranked(t, "5 ACBED, 5 ADECB, 8 BEDAC, 3 CABED, 7 CAEBD, 2 CBADE, 7 DCEBA, 8 EBADC")), byNumber(5))
	if got := fmt.Sprint(r.Pairs); got != "[[0 20 26 30 22] [25 0 16 33 18] [19 29 0 17 24] [15 12 28 0 14] [23 27 21 31 0]]" {
		t.Errorf("pairs %s", got)
	}
	var got []string
	for _, p := range r.Paths {
		got = append(got, fmt.Sprintf("%s %d:%d", letters(p.Via), p.Strength.For, p.Back.For))
	}
	want := []string{"EBA 25:24", "EDC 28:24", "ADC 28:25", "EDCB 28:24", "CB 29:28", "ED 31:24", "BD 33:28"}
	if !slices.Equal(got, want) {
		t.Errorf("paths %q, want %q", got, want)
	}
}

// TestSchulzeLot: what the lot prefers comes first where nothing else decides, and the result says so.
func TestSchulzeLot(t *testing.T) {
	r := CountSchulze(4, slices.Values(ranked(t, "3 ABCD, 2 CBDA, 2 DABC, 2 DBCA")), Lot{2, 3, 1, 0})
	if letters(r.Order) != "DBCA" || len(r.Ties) != 2 || letters(r.Ties[0].Options) != "DB" || letters(r.Ties[1].Options) != "CA" {
		t.Errorf("order %s, ties %v", letters(r.Order), r.Ties)
	}
	if empty := CountSchulze(3, seq[Ranking](), Lot{1, 2, 0}); letters(empty.Order) != "CAB" || len(empty.Paths[0].Via) != 0 {
		t.Errorf("without ballots %+v", empty)
	}
}

func TestSchulze(t *testing.T) {
	checkCount(t, drawRanking, func(n int, ballots iter.Seq[Ranking], lot Lot, _ []int) SchulzeResult {
		return CountSchulze(n, ballots, lot)
	}, func(r SchulzeResult) []int { return r.Order })
}

// naivePairs asks every ballot about every two options.
func naivePairs(n int, ballots []Ranking) [][]uint64 {
	place := func(b Ranking, option int) int {
		for i, options := range b.Places {
			if slices.Contains(options, option) {
				return i
			}
		}
		return n
	}
	pairs := make([][]uint64, n)
	for a := range n {
		pairs[a] = make([]uint64, n)
		for other := range n {
			for _, b := range ballots {
				if place(b, a) < place(b, other) {
					pairs[a][other] += b.Weight
				}
			}
		}
	}
	return pairs
}

// naiveStrength goes every way from a to b that visits no option twice.
func naiveStrength(pairs [][]uint64, a, b int, visited []bool) (best Strength) {
	visited[a] = true
	defer func() { visited[a] = false }()
	for next := range pairs {
		if visited[next] || pairs[a][next] <= pairs[next][a] {
			continue
		}
		way := Strength{pairs[a][next], pairs[next][a]}
		if next != b {
			if rest := naiveStrength(pairs, next, b, visited); rest.For < way.For || rest.For == way.For && rest.Against > way.Against {
				way = rest
			}
		}
		if way.For > best.For || way.For == best.For && way.Against < best.Against {
			best = way
		}
	}
	return best
}

// TestSchulzeTwin compares pairs, strengths, paths and order with naive ones.
func TestSchulzeTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		ballots, lot := drawBallots(t, n, 12, drawRanking), drawLot(t, n)
		r := CountSchulze(n, slices.Values(ballots), lot)
		pairs := naivePairs(n, ballots)
		if fmt.Sprint(r.Pairs) != fmt.Sprint(pairs) {
			t.Fatalf("pairs %v, want %v", r.Pairs, pairs)
		}
		strength := func(a, b int) Strength { return naiveStrength(pairs, a, b, make([]bool, n)) }
		for _, p := range r.Paths {
			if p.Strength != strength(p.From, p.To) || p.Back != strength(p.To, p.From) {
				t.Fatalf("%+v, want %v, back %v", p, strength(p.From, p.To), strength(p.To, p.From))
			}
			if p.Strength == (Strength{}) {
				continue
			}
			weakest := Strength{For: 1 << 63}
			for i, a := range p.Via[1:] {
				if link := (Strength{pairs[p.Via[i]][a], pairs[a][p.Via[i]]}); link.Compare(weakest) < 0 {
					weakest = link
				}
			}
			if p.Via[0] != p.From || p.Via[len(p.Via)-1] != p.To || weakest != p.Strength {
				t.Fatalf("%+v: its weakest link is %v", p, weakest)
			}
		}
		var left, want []int
		for i := range n {
			left = append(left, i)
		}
		for len(left) > 0 {
			var layer []int
			for place := range n {
				for _, a := range left {
					beaten := slices.ContainsFunc(left, func(b int) bool { return strength(b, a).Compare(strength(a, b)) > 0 })
					if !beaten && lot[a] == place {
						layer = append(layer, a)
					}
				}
			}
			want = append(want, layer...)
			left = slices.DeleteFunc(left, func(i int) bool { return slices.Contains(layer, i) })
		}
		if !slices.Equal(r.Order, want) {
			t.Fatalf("order %v, want %v", r.Order, want)
		}
	})
}

// TestSchulzeCondorcet: who wins every comparison is first, and who loses every one is last.
func TestSchulzeCondorcet(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(t, "n")
		ballots := drawBallots(t, n, 9, drawRanking)
		order := CountSchulze(n, slices.Values(ballots), drawLot(t, n)).Order
		pairs := naivePairs(n, ballots)
		for a := range n {
			wins, losses := 0, 0
			for b := range n {
				if pairs[a][b] > pairs[b][a] {
					wins++
				} else if pairs[a][b] < pairs[b][a] {
					losses++
				}
			}
			if wins == n-1 && order[0] != a || losses == n-1 && order[n-1] != a {
				t.Fatalf("%v: option %d wins %d, loses %d", order, a, wins, losses)
			}
			if wins == n-1 {
				found++
			}
		}
	})
	if found == 0 {
		t.Error("no example wins every comparison")
	}
}

// TestSchulzeMonotone: raising the winner on a ballot never makes it lose.
func TestSchulzeMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(t, "n")
		ballots, lot := drawBallots(t, n, 9, drawRanking), drawLot(t, n)
		winner := CountSchulze(n, slices.Values(ballots), lot).Order[0]
		if len(ballots) == 0 {
			return
		}
		i := rapid.IntRange(0, len(ballots)-1).Draw(t, "raised on")
		raised := Ranking{Weight: ballots[i].Weight, Places: [][]int{{winner}}}
		for _, place := range ballots[i].Places {
			if rest := slices.DeleteFunc(slices.Clone(place), func(o int) bool { return o == winner }); len(rest) > 0 {
				raised.Places = append(raised.Places, rest)
			}
		}
		ballots[i] = raised
		if order := CountSchulze(n, slices.Values(ballots), lot).Order; order[0] != winner {
			t.Fatalf("option %d lost by being raised: %v", winner, order)
		}
	})
}

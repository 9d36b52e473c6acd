package tally

import (
	"fmt"
	"iter"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func actions(r STVResult) (text string) {
	for _, s := range r.Stages {
		if s.Option < 0 {
			text += fmt.Sprintf("%s;", s.Action)
		} else {
			text += fmt.Sprintf("%s %c;", s.Action, 'A'+s.Option)
		}
	}
	return text
}

// TestSTVStages counts an election that can be followed by hand: the quota is 24/3+1 = 9, A has 12, and
// each of its papers passes on at 3/12 = 0.25.
func TestSTVStages(t *testing.T) {
	r := CountSTV(4, 2, slices.Values(ranked(t, "8 AB, 3 AC, 1 A, 5 BC, 4 CB, 3 DB")), byNumber(4))
	want := `{"elected":[0,1],"quota":9,"ballots":24,"stages":[` +
		`{"action":"first preferences","option":-1,"votes":["12.00000","5.00000","4.00000","3.00000"],"non_transferable":"0.00000","lost":"0.00000","elected":[0]},` +
		`{"action":"surplus","option":0,"values":[{"was":"1.00000","now":"0.25000","papers":12}],` +
		`"transfers":[{"option":1,"papers":8,"votes":"2.00000"},{"option":2,"papers":3,"votes":"0.75000"},{"option":-1,"papers":1,"votes":"0.25000"}],` +
		`"votes":["9.00000","7.00000","4.75000","3.00000"],"non_transferable":"0.25000","lost":"0.00000"},` +
		`{"action":"exclusion","option":3,"values":[{"was":"1.00000","now":"1.00000","papers":3}],"transfers":[{"option":1,"papers":3,"votes":"3.00000"}],` +
		`"votes":["9.00000","10.00000","4.75000","0.00000"],"non_transferable":"0.25000","lost":"0.00000","elected":[1]}]}`
	if got := written(t, r); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestSTVSecondTransfer: papers that came at a value below one leave at that value's share, and what
// the division leaves is lost.
func TestSTVSecondTransfer(t *testing.T) {
	// Quota 31/4+1 = 8. A: 13, surplus 5, value 0.38461. B: 6 + 6·0.38461 = 8.30766, surplus 0.30766:
	// papers of value 1 leave at 0.03703 (0.30766/8.30766), those of 0.38461 at 0.01424.
	r := CountSTV(5, 3, slices.Values(ranked(t, "6 ABC, 7 AD, 6 BC, 4 C, 4 D, 4 E")), byNumber(5))
	s := r.Stages[2]
	if got := fmt.Sprint(s.Values); s.Action != Surplus || got != "[{1.00000 0.03703 6} {0.38461 0.01424 6}]" {
		t.Errorf("%s %v: values %s", s.Action, s.Option, got)
	}
	if got := fmt.Sprint(s.Votes, s.Lost); got != "[8.00000 8.00000 4.30762 6.69227 4.00000] 0.00011" {
		t.Errorf("votes %s", got)
	}
}

// TestSTVTies: equal votes are told apart by the latest stage that does, then by lot.
func TestSTVTies(t *testing.T) {
	for _, c := range []struct {
		name, ballots string
		n, seats      int
		lot           Lot
		elected       string
		actions       string
		ties          int
	}{
		// Droop (Lundell), test election "weak tiebreak for defeat of candidate".
		{"exclusion by an earlier stage", "1 AB, 2 B, 3 C, 4 D, 5 E", 5, 2, Lot{0, 1, 2, 3, 4}, "ED", "first preferences;exclusion A;exclusion B;exclusion C;last vacancies;", 0},
		{"the same, lot turned", "1 AB, 2 B, 3 C, 4 D, 5 E", 5, 2, Lot{4, 3, 2, 1, 0}, "ED", "first preferences;exclusion A;exclusion B;exclusion C;last vacancies;", 0},
		// Droop (Lundell), "weak tiebreak for surplus transfer".
		{"exclusion by lot", "10 AC, 8 B, 6 C, 5 D, 3 ED, 3 FD", 6, 4, Lot{0, 1, 2, 3, 5, 4}, "ABCD", "first preferences;surplus A;exclusion E;", 1},
		{"exclusion by the other lot", "10 AC, 8 B, 6 C, 5 D, 3 ED, 3 FD", 6, 4, Lot{0, 1, 2, 3, 4, 5}, "ABCD", "first preferences;surplus A;exclusion F;", 1},
		{"surplus by an earlier stage", "55 AD, 60 BE, 25 CA, 20 CB, 50 D, 49 E", 5, 3, Lot{0, 1, 2, 3, 4}, "BAD", "first preferences;exclusion C;surplus B;surplus A;exclusion E;last vacancies;", 0},
		{"surplus by lot", "60 AD, 60 BE, 20 CA, 20 CB, 50 D, 49 E", 5, 3, Lot{1, 0, 2, 3, 4}, "BAD", "first preferences;exclusion C;surplus B;surplus A;exclusion E;last vacancies;", 2},
		{"no ballots", "1 A=B", 3, 2, Lot{2, 0, 1}, "BC", "first preferences;exclusion A;last vacancies;", 2},
		{"as many seats as options", "3 B, 1 A", 3, 3, Lot{0, 1, 2}, "BAC", "first preferences;last vacancies;", 0},
		{"nothing is transferred when the last seat is filled", "9 ABC, 5 B, 1 C", 3, 2, Lot{0, 1, 2}, "AB", "first preferences;surplus A;", 0},
	} {
		r := CountSTV(c.n, c.seats, slices.Values(ranked(t, c.ballots)), c.lot)
		if letters(r.Elected) != c.elected || actions(r) != c.actions || len(r.Ties) != c.ties {
			t.Errorf("%s: %s by %s ties %v", c.name, letters(r.Elected), actions(r), r.Ties)
		}
	}
}

func TestSTV(t *testing.T) {
	for _, seats := range []int{1, 2, 3} {
		checkCount(t, drawRanking, func(n int, ballots iter.Seq[Ranking], lot Lot, _ []int) STVResult {
			return CountSTV(n, min(seats, n), ballots, lot)
		}, func(r STVResult) []int { return r.Elected })
	}
}

// paperTwin is one ballot paper of the naive count.
type paperTwin struct {
	ranking [][]int
	holder  int // -1 when it is set aside
	value   *big.Rat
}

// naiveSTV counts paper by paper, with fractions that are cut to five places where the rules say so.
type naiveSTV struct {
	n      int
	papers []*paperTwin
	state  []string // of each option: "", "elected", "parted" or "excluded"
	past   [][]*big.Rat
	quota  *big.Rat
	lot    Lot
}

func newNaiveSTV(n, seats int, ballots []Ranking, lot Lot) *naiveSTV {
	s := &naiveSTV{n: n, state: make([]string, n), lot: lot}
	for _, b := range repeated(ballots) {
		p := &paperTwin{ranking: b.Places, value: big.NewRat(1, 1)}
		p.next(func(int) bool { return true })
		s.papers = append(s.papers, p)
	}
	s.quota = big.NewRat(int64(len(s.papers)/(seats+1)+1), 1)
	return s
}

func (s *naiveSTV) votes() []*big.Rat {
	votes := make([]*big.Rat, s.n)
	for i := range votes {
		votes[i] = new(big.Rat)
		if s.state[i] == "parted" {
			votes[i].Set(s.quota)
		}
	}
	for _, p := range s.papers {
		if p.holder >= 0 && s.state[p.holder] != "parted" {
			votes[p.holder].Add(votes[p.holder], p.value)
		}
	}
	return votes
}

// less compares as the rules tell equal options apart.
func (s *naiveSTV) less(a, b int) bool {
	for _, votes := range slices.Backward(s.past) {
		if side := votes[a].Cmp(votes[b]); side != 0 {
			return side < 0
		}
	}
	return s.lot[a] > s.lot[b]
}

func (s *naiveSTV) with(state string) (options []int) {
	for i := range s.n {
		if s.state[i] == state {
			options = append(options, i)
		}
	}
	slices.SortFunc(options, func(a, b int) int {
		if s.less(b, a) {
			return -1
		}
		return 1
	})
	return options
}

// pass hands on the papers of an option, each read from its beginning: all named before stand no more.
func (s *naiveSTV) pass(from int, value func(*big.Rat) *big.Rat) {
	for _, p := range s.papers {
		if p.holder == from {
			p.value = value(p.value)
			p.next(func(i int) bool { return s.state[i] == "" })
		}
	}
}

func (p *paperTwin) next(stands func(int) bool) {
	p.holder = -1
	for _, place := range p.ranking {
		left := slices.DeleteFunc(slices.Clone(place), func(i int) bool { return !stands(i) })
		if len(left) == 1 {
			p.holder = left[0]
		}
		if len(left) > 0 {
			return
		}
	}
}

// cut leaves five decimal places.
func cut(x *big.Rat) *big.Rat {
	hundred := new(big.Int).Mul(x.Num(), big.NewInt(100_000))
	return new(big.Rat).SetFrac(hundred.Quo(hundred, x.Denom()), big.NewInt(100_000))
}

func (s *naiveSTV) count(seats int) (elected []int) {
	for {
		votes := s.votes()
		s.past = append(s.past, votes)
		for _, i := range s.with("") {
			if votes[i].Cmp(s.quota) >= 0 {
				elected, s.state[i] = append(elected, i), "elected"
			}
		}
		if left := s.with(""); len(left) <= seats-len(elected) {
			elected = append(elected, left...)
		}
		if len(elected) >= seats {
			return elected
		}
		passed := false
		for _, i := range s.with("elected") {
			if votes[i].Cmp(s.quota) > 0 {
				s.pass(i, func(v *big.Rat) *big.Rat {
					over := new(big.Rat).Sub(votes[i], s.quota)
					return cut(over.Quo(over.Mul(over, v), votes[i]))
				})
				s.state[i], passed = "parted", true
				break
			}
		}
		if passed {
			continue
		}
		left := s.with("")
		last := left[len(left)-1]
		s.state[last] = "excluded"
		if len(left)-1 == seats-len(elected) {
			return append(elected, left[:len(left)-1]...)
		}
		s.pass(last, func(v *big.Rat) *big.Rat { return v })
	}
}

// TestSTVTwin compares with the naive count, stage by stage, and adds up every stage.
func TestSTVTwin(t *testing.T) {
	surpluses := 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		seats := rapid.IntRange(1, n).Draw(t, "seats")
		ballots, lot := drawBallots(t, n, 14, drawRanking), drawLot(t, n)
		r := CountSTV(n, seats, slices.Values(ballots), lot)
		twin := newNaiveSTV(n, seats, ballots, lot)
		total := uint64(len(twin.papers))
		want := twin.count(seats)
		if !slices.Equal(r.Elected, want) || len(r.Elected) != seats {
			t.Fatalf("elected %v, want %v for %d seats: %s", r.Elected, want, seats, written(t, r))
		}
		for i, votes := range twin.past {
			for option, v := range votes {
				if got := r.Stages[i].Votes[option].String(); got != v.FloatString(5) {
					t.Fatalf("stage %d: option %d has %s, want %s", i, option, got, v.FloatString(5))
				}
			}
		}
		for _, s := range r.Stages {
			sum := s.NonTransferable + s.Lost
			for _, v := range s.Votes {
				sum += v
			}
			if sum != Decimal(total)*OneVote {
				t.Fatalf("%s: %d ballots, the votes add up to %s", s.Action, total, sum)
			}
			if s.Action == Surplus {
				surpluses++
			}
		}
	})
	if surpluses == 0 {
		t.Error("no example had a surplus")
	}
}

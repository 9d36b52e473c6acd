package tally

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sustainy/coop/pabulib"
	"github.com/sustainy/coop/preflib"
)

func readFile(t testing.TB, path ...string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// election reads ranked ballots; the options are then called by their first letters.
func election(t testing.TB, name string) (*preflib.Election, iter.Seq[Ranking]) {
	t.Helper()
	e, err := preflib.Parse(readFile(t, "..", "preflib", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return e, func(yield func(Ranking) bool) {
		for _, o := range e.Orders {
			if !yield(Ranking{Weight: o.Count, Places: o.Places}) {
				return
			}
		}
	}
}

func names(all []string, options []int) (some []string) {
	for _, i := range options {
		some = append(some, all[i])
	}
	return some
}

// TestAnderston: Glasgow's ward Anderston/City in 2007 elected Mackay, Braat, Baker and Matheson. The
// votes after each stage are those that Lundell's program Droop finds for the same ballots by the
// Scottish rules. For the last stage it makes a transfer that rule 52(2) says shall not be made.
func TestAnderston(t *testing.T) {
	e, ballots := election(t, "glasgow-2007-anderston.soi")
	r := CountSTV(len(e.Options), 4, ballots, byNumber(len(e.Options)))
	if got := fmt.Sprintf("%q", names(e.Options, r.Elected)); got != `["Craig Mackay" "Philip Braat" "Gordon Matheson" "Nina Baker"]` || r.Quota != 1381 || len(r.Ties) != 0 {
		t.Errorf("elected %s, quota %d, ties %v", got, r.Quota, r.Ties)
	}
	want := []string{
		"first preferences -1 [880.00000 486.00000 1291.00000 145.00000 285.00000 806.00000 1632.00000 1177.00000 198.00000] 0.00000 0.00000",
		"surplus 6 [927.98248 495.99635 1306.68658 150.84402 317.29590 836.91179 1381.00000 1194.99343 215.07069] 73.20404 0.01472",
		"exclusion 3 [974.67417 511.45772 1318.99416 0.00000 319.91106 866.68074 1381.00000 1200.14722 228.37827] 98.74194 0.01472",
		"exclusion 8 [1033.51892 515.76530 1328.76311 0.00000 367.75508 890.37243 1381.00000 1220.83891 0.00000] 161.97153 0.01472",
		"exclusion 4 [1163.43655 524.84183 1366.14649 0.00000 0.00000 929.13992 1381.00000 1259.37681 0.00000] 276.04368 0.01472",
		"exclusion 1 [1247.97372 0.00000 1421.06923 0.00000 0.00000 1050.13919 1381.00000 1291.45334 0.00000] 508.34980 0.01472",
		"surplus 2 [1251.77919 0.00000 1381.00000 0.00000 0.00000 1054.23531 1381.00000 1312.04255 0.00000] 519.91821 0.02474",
		"exclusion 5 [1251.77919 0.00000 1381.00000 0.00000 0.00000 1054.23531 1381.00000 1312.04255 0.00000] 519.91821 0.02474",
		"last vacancies -1 [1251.77919 0.00000 1381.00000 0.00000 0.00000 1054.23531 1381.00000 1312.04255 0.00000] 519.91821 0.02474",
	}
	for i, s := range r.Stages {
		if got := fmt.Sprint(s.Action, " ", s.Option, " ", s.Votes, " ", s.NonTransferable, " ", s.Lost); i >= len(want) || got != want[i] {
			t.Errorf("stage %d: %s", i+1, got)
		}
	}
	if len(r.Stages) != len(want) {
		t.Errorf("%d stages, want %d", len(r.Stages), len(want))
	}
}

// TestBurlington: in 2009 instant runoff elected Kiss with 4,313 votes to Wright's 4,061 in the last
// round, after 2,585, 2,951 and 2,063 for Montroll in the first. Montroll was preferred to each other
// candidate: to Kiss by 4,067 to 3,477, to Wright by 4,597 to 3,668 (Electowiki, from the same ballots).
func TestBurlington(t *testing.T) {
	e, ballots := election(t, "burlington-2009-mayor.toi")
	n := len(e.Options)
	const kiss, montroll, wright = 0, 1, 4
	s := CountSchulze(n, ballots, byNumber(n))
	if s.Order[0] != montroll || s.Pairs[montroll][kiss] != 4067 || s.Pairs[kiss][montroll] != 3477 || s.Pairs[montroll][wright] != 4597 || s.Pairs[wright][montroll] != 3668 {
		t.Errorf("Schulze: %q, pairs %v", names(e.Options, s.Order), s.Pairs)
	}
	for b := range n {
		if b != montroll && s.Pairs[montroll][b] <= s.Pairs[b][montroll] {
			t.Errorf("%s is not beaten by Montroll", e.Options[b])
		}
	}
	r := CountRunoff(n, ballots, byNumber(n))
	first, last := r.Rounds[0], r.Rounds[len(r.Rounds)-1]
	if r.Winner != kiss || first.Votes[kiss] != 2585 || first.Votes[montroll] != 2063 || first.Votes[wright] != 2951 || last.Votes[kiss] != 4313 || last.Votes[wright] != 4061 {
		t.Errorf("runoff: %s, first %+v, last %+v", e.Options[r.Winner], first, last)
	}
	if last.Exhausted+last.Votes[kiss]+last.Votes[wright] != e.Voters {
		t.Errorf("last round %+v does not add up to %d", last, e.Voters)
	}
}

// TestWarsaw: the greedy rule funds what Warsaw funded in 2023, from the ballots alone.
func TestWarsaw(t *testing.T) {
	for _, name := range []string{"poland_warszawa_2023_wesola.pb", "poland_warszawa_2023_wlochy.pb", "poland_wroclaw_2016_rejon-nr-4-750.pb"} {
		in, costs, ballots := cityBudget(t, name)
		n := len(costs)
		counted := CountApproval(n, ballots, byNumber(n))
		r := ShareGreedily(in.Budget, costs, counted.Votes, byNumber(n))
		for i, p := range in.Projects {
			if counted.Votes[i] != p.Votes || slices.Contains(r.Funded, i) != p.Selected {
				t.Errorf("%s: project %s has %d votes, the city counted %d and decided %v", name, p.ID, counted.Votes[i], p.Votes, p.Selected)
			}
		}
		if len(r.Ties) != 0 || r.Spent > in.Budget {
			t.Errorf("%s: ties %v, spent %d", name, r.Ties, r.Spent)
		}
	}
}

func cityBudget(t testing.TB, name string) (in *pabulib.Instance, costs []uint64, ballots iter.Seq[Approval]) {
	t.Helper()
	in, err := pabulib.Parse(readFile(t, "..", "pabulib", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range in.Projects {
		costs = append(costs, p.Cost)
	}
	return in, costs, func(yield func(Approval) bool) {
		for _, b := range in.Ballots {
			if !yield(Approval{Weight: 1, Options: b.Projects}) {
				return
			}
		}
	}
}

// TestDebian compares methods on two elections of Debian's leader, as PrefLib has them. In each one
// candidate is preferred to every other, as the pairs say when every ballot is asked about every two,
// and so stands first by Schulze's method.
func TestDebian(t *testing.T) {
	for _, c := range []struct{ file, schulze, runoff string }{
		{"debian-2003-leader.toc", `["Bdale Garbee" "Branden Robinson" "Martin Michlmayr" "Moshe Zadka" "None Of The Above"]`, "Bdale Garbee"},
		{"debian-2006-leader.toc", `["Steve McIntyre" "Anthony Towns" "Jeroen van Wolffelaar" "Andreas Schuldei" "Bill Allombert" "None of the Above" "Ari Pollak" "Jonathan aka Ted Walther"]`, "Steve McIntyre"},
	} {
		e, ballots := election(t, c.file)
		n := len(e.Options)
		r := CountSchulze(n, ballots, byNumber(n))
		pairs := naivePairs(n, slices.Collect(ballots))
		if got := fmt.Sprintf("%q", names(e.Options, r.Order)); got != c.schulze || fmt.Sprint(r.Pairs) != fmt.Sprint(pairs) || len(r.Ties) != 0 {
			t.Errorf("%s: %s, ties %v, pairs %v, want %v", c.file, got, r.Ties, r.Pairs, pairs)
		}
		for b := range n {
			if first := r.Order[0]; b != first && pairs[first][b] <= pairs[b][first] {
				t.Errorf("%s: %s is not beaten by the first", c.file, e.Options[b])
			}
		}
		if got := e.Options[CountRunoff(n, ballots, byNumber(n)).Winner]; got != c.runoff {
			t.Errorf("%s: runoff elects %s", c.file, got)
		}
	}
}

// TestERS fills five seats from a ballot of the Electoral Reform Society and compares with the naive
// count, paper by paper.
func TestERS(t *testing.T) {
	e, ballots := election(t, "ers-01.soi")
	n := len(e.Options)
	r := CountSTV(n, 5, ballots, byNumber(n))
	want := newNaiveSTV(n, 5, slices.Collect(ballots), byNumber(n)).count(5)
	if got := fmt.Sprintf("%q", names(e.Options, r.Elected)); got != `["Candidate 1" "Candidate 9" "Candidate 3" "Candidate 8" "Candidate 4"]` || !slices.Equal(r.Elected, want) || r.Quota != 64 {
		t.Errorf("%s, quota %d; want %v", got, r.Quota, want)
	}
	if last := r.Stages[len(r.Stages)-1]; last.Votes[7].String() != "62.52194" || last.Votes[3].String() != "54.41867" {
		t.Errorf("last stage %v", last.Votes)
	}
}

// TestWieliczka: the Method of Equal Shares funds what Wieliczka funded by it in 2023. The city raised
// the shares until the budget would be overspent. Stopping where no other project fits, as the authors
// recommend since, would have funded two small projects in place of a larger one, for 984,579 in all,
// which is also what the program on equalshares.net finds.
func TestWieliczka(t *testing.T) {
	var budget, ballots uint64
	var costs, votes []uint64
	var selected []int
	var approvals []Approval
	number := make(map[string]int)
	for line := range strings.Lines(string(readFile(t, "testdata", "wieliczka-2023-green.txt"))) {
		words := strings.Fields(line)
		switch words[0] {
		case "budget":
			budget = amount(t, words[1])
		case "project":
			number[words[1]] = len(costs)
			if words[7] == "1" {
				selected = append(selected, len(costs))
			}
			costs, votes = append(costs, amount(t, words[3])), append(votes, amount(t, words[5]))
		case "ballots":
			b := Approval{Weight: amount(t, words[1])}
			for _, id := range words[3:] {
				b.Options = append(b.Options, number[id])
			}
			ballots += b.Weight
			approvals = append(approvals, b)
		}
	}
	n := len(costs)
	if counted := CountApproval(n, slices.Values(approvals), byNumber(n)); !slices.Equal(counted.Votes, votes) {
		t.Errorf("votes %v, the city counted %v", counted.Votes, votes)
	}
	r := CountEqualShares(budget, costs, slices.Values(approvals), byNumber(n), Shares{Raise: 1, Further: true})
	if got := slices.Sorted(slices.Values(r.Funded)); !slices.Equal(got, selected) || r.Spent != 995_079 || r.Raises != 164 || r.Stop != StopOverspend || len(r.Ties) != 0 {
		t.Errorf("funded %v for %d after %d raises, ties %v; the city %v", got, r.Spent, r.Raises, r.Ties, selected)
	}
	r = CountEqualShares(budget, costs, slices.Values(approvals), byNumber(n), Shares{Raise: 1})
	if r.Spent != 984_579 || r.Raises != 150 || r.Stop != StopExhausted {
		t.Errorf("recommended: %d after %d raises: %s", r.Spent, r.Raises, r.Stop)
	}
	r = CountEqualShares(budget, costs, slices.Values(approvals), byNumber(n), Shares{Fill: true})
	if plain := len(r.Steps); plain != 21 || r.Spent != 991_347 {
		t.Errorf("filled: %d after %d steps", r.Spent, plain)
	}
	if ballots != 6586 || n != 64 || len(selected) != 30 {
		t.Errorf("%d ballots, %d projects, %d selected", ballots, n, len(selected))
	}
}

func amount(t testing.TB, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

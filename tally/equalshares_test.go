package tally

import (
	"fmt"
	"iter"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func rats(steps []SharesStep, of func(SharesStep) *big.Rat) (text string) {
	for _, s := range steps {
		text += of(s).RatString() + " "
	}
	return text
}

// The worked examples on equalshares.net, "Explanation": 11 voters, a budget of 1,100 and five
// projects: bike path, outdoor gym, new park, new playground, library for kids.
var (
	siteCosts = []uint64{700, 400, 250, 200, 100}
	siteVotes = [2][]Approval{
		{{1, []int{0, 1}}, {1, []int{0, 1, 2}}, {1, []int{0, 1}}, {2, []int{0, 1, 2}}, {1, []int{0, 1}}, {1, []int{2, 3, 4}}, {1, []int{3}}, {1, []int{3, 4}}, {1, []int{2, 3, 4}}, {1, []int{0}}},
		{{1, []int{0, 1}}, {1, []int{0, 1, 2}}, {1, []int{0, 1}}, {2, []int{0, 1, 2}}, {1, []int{0, 1}}, {1, []int{2, 3, 4}}, {1, []int{3}}, {1, []int{3, 4}}, {1, []int{2, 3, 4}}, {1, []int{1}}},
	}
)

// TestSharesPublished has the examples that the authors of the method explain step by step. The site
// rounds its figures: 4.13 effective votes are 4.125 here, as 43 is 300/7.
func TestSharesPublished(t *testing.T) {
	for _, c := range []struct {
		ballots   []Approval
		funded    string
		spent     uint64
		prices    string
		effective string
	}{
		{siteVotes[0], "[0 3 4]", 1000, "100 50 100/3 ", "7 4 3 "},
		{siteVotes[1], "[1 2 3]", 850, "400/7 425/7 425/7 ", "7 70/17 56/17 "},
	} {
		r := CountEqualShares(1100, siteCosts, slices.Values(c.ballots), byNumber(5), Shares{})
		price, effective := func(s SharesStep) *big.Rat { return s.Price }, func(s SharesStep) *big.Rat { return s.Effective }
		if fmt.Sprint(r.Funded) != c.funded || r.Spent != c.spent || rats(r.Steps, price) != c.prices || rats(r.Steps, effective) != c.effective {
			t.Errorf("%s", written(t, r))
		}
		if r.Share.RatString() != "100" || r.Ballots != 11 || len(r.Ties) != 0 {
			t.Errorf("%s", written(t, r))
		}
	}
}

// TestSharesCompletions continues the first example: 100 are left, which buys nothing more, so there is
// nothing to raise for and nothing to fill in; but the turns of what did not fit are told.
func TestSharesCompletions(t *testing.T) {
	run := func(o Shares) SharesResult {
		return CountEqualShares(1100, siteCosts, slices.Values(siteVotes[0]), byNumber(5), o)
	}
	plain, raised, filled := run(Shares{}), run(Shares{Raise: 1}), run(Shares{Fill: true})
	if plain.Raises != 0 || plain.Stop != "" || len(plain.Filled) != 0 {
		t.Errorf("plain %s", written(t, plain))
	}
	if fmt.Sprint(raised.Funded) != "[0 3 4]" || raised.Stop != StopExhausted || raised.Raises != 0 {
		t.Errorf("raised %s", written(t, raised))
	}
	if fmt.Sprint(filled.Funded) != "[0 3 4]" || len(filled.Filled) != 2 || filled.Filled[0].Option != 1 {
		t.Errorf("filled %s", written(t, filled))
	}
}

// TestSharesRaises: three voters want one project each, so a project is bought as soon as a share
// reaches its cost.
func TestSharesRaises(t *testing.T) {
	ballots := []Approval{{1, []int{0}}, {1, []int{1}}, {1, []int{2}}}
	for _, c := range []struct {
		costs  []uint64
		budget uint64
		o      Shares
		funded string
		raises uint64
		stop   string
	}{
		{[]uint64{7, 8, 20}, 15, Shares{}, "[]", 0, ""},
		{[]uint64{7, 8, 20}, 15, Shares{Raise: 1}, "[0 1]", 3, StopExhausted},
		{[]uint64{7, 8, 20}, 15, Shares{Raise: 2}, "[0 1]", 2, StopExhausted},
		{[]uint64{7, 9, 9}, 15, Shares{Raise: 1}, "[0]", 2, StopExhausted},
		{[]uint64{7, 9, 9}, 16, Shares{Raise: 1}, "[0]", 3, StopOverspend},
		{[]uint64{1 << 63, 1 << 63, 9}, 1<<63 + 16, Shares{Raise: 1 << 62}, "[2]", 1, StopOverspend}, // 2^64 is no 0
		{[]uint64{7, 9, 9}, 16, Shares{Raise: 1, Fill: true}, "[0 1]", 3, StopOverspend},
		{[]uint64{7, 8, 20}, 15, Shares{Raise: 1, Further: true}, "[0 1]", 14, StopOverspend},
		{[]uint64{1, 2, 3}, 15, Shares{Raise: 1, Further: true}, "[0 1 2]", 0, StopExhausted},
		{[]uint64{7, 8, 20, 1}, 16, Shares{Raise: 1}, "[0 1]", 3, StopExhausted}, // nobody wants what would fit
		{[]uint64{7, 8, 20}, 15, Shares{Fill: true}, "[0 1]", 0, ""},
		{[]uint64{100000, 200000, 300000}, 400000, Shares{Raise: 1}, "[0]", MaxRaises, StopRaises},
	} {
		r := CountEqualShares(c.budget, c.costs, slices.Values(ballots), byNumber(len(c.costs)), c.o)
		if fmt.Sprint(r.Funded) != c.funded || r.Raises != c.raises || r.Stop != c.stop {
			t.Errorf("%v of %d, %+v: %s", c.costs, c.budget, c.o, written(t, r))
		}
	}
}

// TestSharesUtility: 60 of a hundred voters want the hall for 600, and 59 the bench for 59. A unit of
// the hall's cost costs each 1/60 and is the better buy; if a project counts as one, the bench is.
func TestSharesUtility(t *testing.T) {
	ballots := []Approval{{41, []int{0}}, {19, []int{0, 1}}, {40, []int{1}}}
	for _, c := range []struct {
		utility     Utility
		funded, rho string
	}{{CostUtility, "[0 1]", "1/60 1/59 "}, {VoteUtility, "[1 0]", "1 10 "}} {
		r := CountEqualShares(1200, []uint64{600, 59}, slices.Values(ballots), byNumber(2), Shares{Utility: c.utility})
		if rho := rats(r.Steps, func(s SharesStep) *big.Rat { return s.Rho }); fmt.Sprint(r.Funded) != c.funded || rho != c.rho {
			t.Errorf("%v at %s, want %s at %s", r.Funded, rho, c.funded, c.rho)
		}
	}
}

// TestSharesTies: equal effective votes go to the cheaper project, then to the one with more votes,
// then by lot, as equalshares.net recommends.
func TestSharesTies(t *testing.T) {
	two := []Approval{{3, []int{0}}, {3, []int{1}}}
	for _, c := range []struct {
		name    string
		budget  uint64
		costs   []uint64
		ballots []Approval
		lot     Lot
		funded  string
		ties    int
	}{
		{"cheaper", 30, []uint64{3, 2}, two, Lot{0, 1}, "[1 0]", 0},
		{"by lot", 30, []uint64{3, 3}, two, Lot{1, 0}, "[1 0]", 1},
		{"by the other lot", 30, []uint64{3, 3}, two, Lot{0, 1}, "[0 1]", 1},
		{"free and wanted", 30, []uint64{3, 0}, two, Lot{0, 1}, "[1 0]", 0},
		{"free and unwanted", 30, []uint64{3, 0}, two[:1], Lot{0, 1}, "[0]", 0},
		// 0 takes all that its five supporters have. 1 and 2 then have three who can pay; 2 has a fourth.
		{"more votes", 110, []uint64{50, 6, 6}, []Approval{{4, []int{0}}, {1, []int{0, 2}}, {3, []int{1}}, {3, []int{2}}}, Lot{0, 1, 2}, "[0 2 1]", 0},
		{"nobody to spend", 30, []uint64{3, 3}, nil, Lot{0, 1}, "[]", 0},
	} {
		r := CountEqualShares(c.budget, c.costs, slices.Values(c.ballots), c.lot, Shares{})
		if fmt.Sprint(r.Funded) != c.funded || len(r.Ties) != c.ties {
			t.Errorf("%s: %s", c.name, written(t, r))
		}
	}
}

// drawBudget draws costs, a budget and options of the method.
func drawBudget(t *rapid.T, n int) (budget uint64, costs []uint64, o Shares) {
	costs = rapid.SliceOfN(rapid.Uint64Range(0, 12), n, n).Draw(t, "costs")
	o = Shares{
		Utility: Utility(rapid.IntRange(0, 1).Draw(t, "utility")),
		Raise:   rapid.Uint64Range(0, 2).Draw(t, "raise"),
		Further: rapid.Bool().Draw(t, "further"),
		Fill:    rapid.Bool().Draw(t, "fill"),
	}
	return rapid.Uint64Range(0, 30).Draw(t, "budget"), costs, o
}

func TestShares(t *testing.T) {
	for _, o := range []Shares{{}, {Raise: 1}, {Utility: VoteUtility, Raise: 2, Fill: true}} {
		checkCount(t, drawApproval, func(n int, ballots iter.Seq[Approval], lot Lot, names []int) SharesResult {
			return CountEqualShares(25, renumbered([]uint64{6, 9, 4, 10, 6}[:n], names), ballots, lot, o)
		}, func(r SharesResult) []int { return r.Funded })
	}
}

// naiveShares is the method voter by voter with a given share, as it is explained.
func naiveShares(costs []uint64, voters []Approval, lot Lot, utility Utility, share *big.Rat) (funded []int) {
	money := make([]*big.Rat, len(voters))
	for v := range money {
		money[v] = new(big.Rat).Set(share)
	}
	supporters := func(i int) (list []int) {
		for v, b := range voters {
			if slices.Contains(b.Options, i) {
				list = append(list, v)
			}
		}
		return list
	}
	// price is the smallest one at which the supporters' payments make up the cost, or nil.
	price := func(i int) *big.Rat {
		cost := new(big.Rat).SetInt(new(big.Int).SetUint64(costs[i]))
		var best *big.Rat
		for _, rich := range supporters(i) { // all with at least as much as this one pay in full
			rest, full := new(big.Rat).Set(cost), int64(0)
			for _, v := range supporters(i) {
				if money[v].Cmp(money[rich]) < 0 {
					rest.Sub(rest, money[v])
				} else {
					full++
				}
			}
			p := rest.Quo(rest, big.NewRat(full, 1))
			if p.Cmp(money[rich]) <= 0 && (best == nil || p.Cmp(best) > 0) {
				best = p
			}
		}
		return best
	}
	for {
		best, least, bestPrice := -1, new(big.Rat), new(big.Rat)
		for i := range costs {
			if slices.Contains(funded, i) {
				continue
			}
			p := price(i)
			if p == nil {
				continue
			}
			rho := p
			if utility == CostUtility && costs[i] > 0 {
				rho = new(big.Rat).Quo(p, new(big.Rat).SetInt(new(big.Int).SetUint64(costs[i])))
			}
			better := best < 0 || rho.Cmp(least) < 0
			if best >= 0 && rho.Cmp(least) == 0 {
				a, b := len(supporters(i)), len(supporters(best))
				better = costs[i] < costs[best] || costs[i] == costs[best] && (a > b || a == b && lot[i] < lot[best])
			}
			if better {
				best, least, bestPrice = i, rho, p
			}
		}
		if best < 0 {
			return funded
		}
		for _, v := range supporters(best) {
			if money[v].Cmp(bestPrice) <= 0 {
				money[v] = new(big.Rat)
			} else {
				money[v] = new(big.Rat).Sub(money[v], bestPrice)
			}
		}
		funded = append(funded, best)
	}
}

func sum(costs []uint64, of []int) (total uint64) {
	for _, i := range of {
		total += costs[i]
	}
	return total
}

// naiveCompletion raises and fills as the completions are explained.
func naiveCompletion(budget uint64, costs []uint64, voters []Approval, lot Lot, o Shares) []int {
	if len(voters) == 0 {
		return nil
	}
	support := make([]int, len(costs))
	for _, b := range voters {
		for _, i := range b.Options {
			support[i]++
		}
	}
	fits := func(funded []int) (options []int) {
		for i := range costs {
			if support[i] > 0 && !slices.Contains(funded, i) && sum(costs, funded)+costs[i] <= budget {
				options = append(options, i)
			}
		}
		return options
	}
	at := func(raises uint64) []int {
		share := new(big.Rat).SetFrac64(int64(budget), int64(len(voters)))
		return naiveShares(costs, voters, lot, o.Utility, share.Add(share, new(big.Rat).SetInt64(int64(raises*o.Raise))))
	}
	wanted := 0
	for _, n := range support {
		if n > 0 {
			wanted++
		}
	}
	funded := at(0)
	for raises := uint64(1); o.Raise > 0 && len(funded) < wanted && (o.Further || len(fits(funded)) > 0); raises++ {
		next := at(raises)
		if sum(costs, next) > budget {
			break
		}
		funded = next
	}
	for o.Fill {
		options := fits(funded)
		if len(options) == 0 {
			break
		}
		slices.SortFunc(options, func(a, b int) int {
			if support[a] != support[b] {
				return support[b] - support[a]
			}
			if costs[a] != costs[b] {
				return int(costs[a]) - int(costs[b])
			}
			return lot[a] - lot[b]
		})
		funded = append(funded, options[0])
	}
	return funded
}

// TestSharesTwin compares with the naive count, for both utilities and all completions.
func TestSharesTwin(t *testing.T) {
	completed := 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		budget, costs, o := drawBudget(t, n)
		ballots, lot := drawBallots(t, n, 8, drawApproval), drawLot(t, n)
		r := CountEqualShares(budget, costs, slices.Values(ballots), lot, o)
		if want := naiveCompletion(budget, costs, repeated(ballots), lot, o); !slices.Equal(r.Funded, want) {
			t.Fatalf("funded %v, want %v: %s", r.Funded, want, written(t, r))
		}
		if r.Spent != sum(costs, r.Funded) || r.Spent > budget {
			t.Fatalf("spent %d of %d, the funded cost %d", r.Spent, budget, sum(costs, r.Funded))
		}
		if r.Raises > 0 && len(r.Filled) > 0 {
			completed++
		}
	})
	if completed == 0 {
		t.Error("no example was completed in both ways")
	}
}

// TestSharesPrices recounts the steps: with them alone and the ballots, every project is paid in full by
// those who approve it, nobody pays more than the share, and at the end no project that is not funded
// could be paid by those who approve it. (That is a price system, Peters and Skowron, EC 2020.)
func TestSharesPrices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		budget, costs, o := drawBudget(t, n)
		o.Fill = false
		voters := repeated(drawBallots(t, n, 8, drawApproval))
		r := CountEqualShares(budget, costs, slices.Values(voters), drawLot(t, n), o)
		money := make([]*big.Rat, len(voters))
		for v := range voters {
			money[v] = r.Share
		}
		last := new(big.Rat)
		for _, s := range r.Steps {
			paid, full, votes := new(big.Rat), uint64(0), uint64(0)
			for v, b := range voters {
				if !slices.Contains(b.Options, s.Option) {
					continue
				}
				pays := s.Price
				if money[v].Cmp(pays) < 0 {
					pays = money[v]
				} else {
					full++
				}
				votes++
				paid.Add(paid, pays)
				money[v] = new(big.Rat).Sub(money[v], pays)
			}
			cost := new(big.Rat).SetInt(new(big.Int).SetUint64(s.Cost))
			if paid.Cmp(cost) != 0 || votes != s.Votes || full != s.InFull && s.Cost > 0 || s.Cost != costs[s.Option] {
				t.Fatalf("%s pay %s, %d of %d in full", written(t, s), paid, full, votes)
			}
			if effect := new(big.Rat).Mul(s.Effective, s.Price); effect.Cmp(cost) != 0 {
				t.Fatalf("%s", written(t, s))
			}
			if s.Rho.Cmp(last) < 0 {
				t.Fatalf("rho falls from %s to %s", last, s.Rho)
			}
			last = s.Rho
		}
		for i, cost := range costs {
			if slices.Contains(r.Funded, i) {
				continue
			}
			left := new(big.Rat)
			for v, b := range voters {
				if slices.Contains(b.Options, i) {
					left.Add(left, money[v])
				}
			}
			if len(voters) > 0 && left.Cmp(new(big.Rat).SetInt(new(big.Int).SetUint64(cost))) >= 0 && left.Sign() > 0 {
				t.Fatalf("project %d costs %d, its supporters have %s: %s", i, cost, left, written(t, r))
			}
		}
	})
}

package tally

import (
	"cmp"
	"iter"
	"math"
	"math/big"
	"slices"
)

// MaxRaises bounds how often a completion raises the shares: each time is a whole count.
const MaxRaises = 4096

// Shares are the choices that the Method of Equal Shares leaves open.
type Shares struct {
	// Utility is what a supporter gets from a funded project.
	Utility Utility
	// Raise is by how much every vote's share is raised again and again while the outcome still fits
	// the budget and leaves room for more: the completion called add1 when it is 1. 0 is no completion.
	Raise uint64
	// Further goes on raising when there is room for no other project, until a raise would overspend
	// the budget. A larger share may then buy other projects, as in Wieliczka in 2023.
	Further bool
	// Fill funds with what is left, by votes, each project that still fits: the utilitarian completion.
	Fill bool
}

// Utility is a measure of what a voter gets from a funded project that the voter approves.
type Utility uint8

// The utilities.
const (
	CostUtility Utility = iota // as much as it costs: large projects weigh more
	VoteUtility                // 1: every project weighs the same
)

// SharesResult is a budget shared by the Method of Equal Shares.
type SharesResult struct {
	Funded  []int        `json:"funded"` // numbers of the funded projects, in the order of funding
	Spent   uint64       `json:"spent"`
	Ballots uint64       `json:"ballots"` // counted, by weight, also those that approve nothing
	Share   *big.Rat     `json:"share"`   // of each vote at the start of the steps; nil without ballots
	Raises  uint64       `json:"raises"`  // how often Shares.Raise was added to the share
	Stop    string       `json:"stop,omitempty"`
	Steps   []SharesStep `json:"steps"`
	Filled  []GreedyStep `json:"filled,omitempty"` // by Shares.Fill
	Ties    []Tie        `json:"ties,omitempty"`
}

// SharesStep is the purchase of a project by those who approve it: each pays Price, or all that is left
// of the share if that is less.
type SharesStep struct {
	Option    int      `json:"option"`
	Cost      uint64   `json:"cost"`
	Votes     uint64   `json:"votes"`     // that approve it
	InFull    uint64   `json:"in_full"`   // of those, how many pay the whole price
	Price     *big.Rat `json:"price"`     // for each of them
	Rho       *big.Rat `json:"rho"`       // what they pay for a unit of utility: the least on offer
	Effective *big.Rat `json:"effective"` // votes, cost by price: who can't pay in full counts in part
}

// Why raising ended.
const (
	StopExhausted = "no project with votes fits what is left"
	StopOverspend = "a further raise would overspend the budget"
	StopRaises    = "the shares were raised as often as the bound allows"
)

// CountEqualShares shares a budget so that every vote decides on an equal part of it. Each starts with
// an equal share; a project can be bought by those who approve it, with equal payments as far as their
// shares last; bought is always the one that asks the least for a unit of utility, until none can be
// paid. Of equally good ones the cheaper is bought first, then the one with more votes, then by lot. A
// project that costs nothing is bought at once if anybody approves it. Ballots that approve nothing
// have a share too, which nobody spends.
//
// All amounts are exact fractions.
//
// Source: Peters, Pierczyński, Skowron, "Proportional Participatory Budgeting with Additive
// Utilities", NeurIPS 2021; completions and ties as recommended on equalshares.net.
func CountEqualShares(budget uint64, costs []uint64, ballots iter.Seq[Approval], lot Lot, o Shares) SharesResult {
	lot.must(len(costs))
	m := sortPurses(budget, costs, ballots, lot, o.Utility)
	r := SharesResult{Ballots: m.voters}
	if m.voters > 0 {
		m.raise(o, &r)
	}
	for _, step := range r.Steps {
		r.Funded = append(r.Funded, step.Option)
		r.Spent += step.Cost
	}
	if o.Fill {
		votes := slices.Clone(m.votes)
		for _, i := range r.Funded {
			votes[i] = 0
		}
		rest := ShareGreedily(budget-r.Spent, costs, votes, lot)
		r.Filled, r.Ties = rest.Steps, append(r.Ties, rest.Ties...)
		r.Funded, r.Spent = append(r.Funded, rest.Funded...), r.Spent+rest.Spent
	}
	return r
}

// raise counts with the plain share and, as the options say, with ever higher ones, and sets the last
// outcome that fits the budget.
func (m *market) raise(o Shares, r *SharesResult) {
	share := new(big.Rat).SetFrac(new(big.Int).SetUint64(m.budget), new(big.Int).SetUint64(m.voters))
	step := new(big.Rat).SetInt(new(big.Int).SetUint64(o.Raise))
	for raises := uint64(0); ; raises++ {
		steps, ties := m.run(share)
		left := m.budget
		for _, s := range steps {
			if s.Cost > left {
				r.Stop = StopOverspend
				return
			}
			left -= s.Cost
		}
		r.Steps, r.Ties, r.Raises, r.Share = steps, ties, raises, new(big.Rat).Set(share)
		if o.Further {
			left = math.MaxUint64 // then only buying all that anybody wants is the end
		}
		switch {
		case o.Raise == 0:
			return
		case m.exhausted(steps, left):
			r.Stop = StopExhausted
			return
		case raises == MaxRaises:
			r.Stop = StopRaises
			return
		}
		share.Add(share, step)
	}
}

// exhausted tells whether no project that anybody approves and that was not bought fits what is left.
func (m *market) exhausted(bought []SharesStep, left uint64) bool {
	for i, cost := range m.costs {
		if m.votes[i] > 0 && cost <= left && !slices.ContainsFunc(bought, func(s SharesStep) bool { return s.Option == i }) {
			return false
		}
	}
	return true
}

// run is the method with a given share: purchases until no project can be paid.
func (m *market) run(share *big.Rat) (steps []SharesStep, ties []Tie) {
	m.begin(share)
	for {
		best := m.bestOffers()
		if len(best) == 0 {
			return steps, ties
		}
		slices.SortFunc(best, func(a, b offer) int {
			return cmp.Or(cmp.Compare(m.costs[a.option], m.costs[b.option]), cmp.Compare(m.votes[b.option], m.votes[a.option]), m.lot[a.option]-m.lot[b.option])
		})
		chosen := best[0]
		var equal []int
		for _, other := range best {
			if m.costs[other.option] == m.costs[chosen.option] && m.votes[other.option] == m.votes[chosen.option] {
				equal = append(equal, other.option)
			}
		}
		if len(equal) > 1 {
			ties = append(ties, Tie{equal, "equal price for a unit of utility, equal costs and equally many votes"})
		}
		steps = append(steps, m.buy(chosen))
	}
}

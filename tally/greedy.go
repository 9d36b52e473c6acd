package tally

import "cmp"

// GreedyResult is a budget shared by the greedy rule.
type GreedyResult struct {
	Funded []int        `json:"funded"` // numbers of the funded projects, in the order of funding
	Spent  uint64       `json:"spent"`
	Steps  []GreedyStep `json:"steps"` // one for each project, in the order of the votes
	Ties   []Tie        `json:"ties,omitempty"`
}

// GreedyStep is the turn of one project.
type GreedyStep struct {
	Option int    `json:"option"`
	Votes  uint64 `json:"votes"`
	Cost   uint64 `json:"cost"`
	Left   uint64 `json:"left"` // of the budget, before this turn
	Funded bool   `json:"funded"`
}

// ShareGreedily shares a budget by votes, most first: each project that still fits is funded, and one
// that does not is passed over. Among projects with equally many votes the cheaper comes first, then
// the lot decides. A project without any vote gets nothing; to leave out others, such as those below a
// threshold, give them no votes.
//
// Source: Talmon and Faliszewski, "A Framework for Approval-Based Budgeting Methods", AAAI 2019, the
// greedy rule; Warsaw's regulations for 2023.
func ShareGreedily(budget uint64, costs, votes []uint64, lot Lot) (r GreedyResult) {
	turns, ties := order(len(costs), func(a, b int) int {
		return cmp.Or(cmp.Compare(votes[b], votes[a]), cmp.Compare(costs[a], costs[b]))
	}, lot, "equally many votes and equal costs")
	for _, tie := range ties {
		if votes[tie.Options[0]] > 0 {
			r.Ties = append(r.Ties, tie)
		}
	}
	for _, i := range turns {
		if votes[i] == 0 {
			break
		}
		left := budget - r.Spent
		step := GreedyStep{Option: i, Votes: votes[i], Cost: costs[i], Left: left, Funded: costs[i] <= left}
		if step.Funded {
			r.Spent += costs[i]
			r.Funded = append(r.Funded, i)
		}
		r.Steps = append(r.Steps, step)
	}
	return r
}

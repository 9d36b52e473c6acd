package governance

import (
	"cmp"
	"slices"

	"github.com/sustainy/coop/event"
)

// ShareGreedily shares a budget among projects by the rule of Warsaw's participatory budget: by
// votes, most first, each project that still fits is funded, and one that does not is passed over.
// Among projects with equally many votes the cheaper comes first, then the lot decides. Projects
// with fund[i] false get nothing. It returns the numbers of the funded projects, ascending, and what
// they cost together.
//
// Source: Talmon and Faliszewski, "A Framework for Approval-Based Budgeting Methods", AAAI 2019, the
// greedy rule; Warsaw's regulations for 2023. The elections in pabulib/testdata come out as the
// cities decided them.
func ShareGreedily(proposal event.ID, budget uint64, costs, votes []uint64, fund []bool) (funded []uint64, spent uint64) {
	order := make([]int, 0, len(costs))
	for i := range costs {
		if fund[i] {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(votes[b], votes[a]), cmp.Compare(costs[a], costs[b]), lot(proposal, a, b))
	})
	for _, i := range order {
		if costs[i] <= budget-spent {
			spent += costs[i]
			funded = append(funded, uint64(i))
		}
	}
	slices.Sort(funded)
	return funded, spent
}

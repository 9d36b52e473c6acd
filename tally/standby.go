package tally

import "slices"

// Standby ranks those not elected, for seats that fall vacant before the next election: first who was
// still in the count when the last seat was filled, by their votes then; after them the excluded, who
// was excluded last first. Equal votes are told apart by the latest stage at which they differed, then
// by lot. Who never had a vote is left out: nobody asked for them.
//
// Of the Scottish order only the count is in this; it holds by-elections instead. The rule is ours: it
// needs no second count, and who came closest comes first.
func (r *STVResult) Standby(lot Lot) []int {
	past := make([][]Decimal, len(r.Stages))
	var excluded, left []int
	for i, stage := range r.Stages {
		past[i] = stage.Votes
		if stage.Action == Exclusion {
			excluded = append(excluded, stage.Option)
		}
	}
	wanted := func(i int) bool {
		return slices.ContainsFunc(past, func(votes []Decimal) bool { return votes[i] > 0 })
	}
	for i := range lot {
		if wanted(i) && !slices.Contains(r.Elected, i) && !slices.Contains(excluded, i) {
			left = append(left, i)
		}
	}
	var order []int
	for len(left) > 0 {
		first, _ := extreme(left, 1, past, lot, "")
		order = append(order, first)
		left = slices.DeleteFunc(left, func(i int) bool { return i == first })
	}
	slices.Reverse(excluded)
	return append(order, slices.DeleteFunc(excluded, func(i int) bool { return !wanted(i) })...)
}

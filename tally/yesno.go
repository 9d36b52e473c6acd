package tally

import (
	"fmt"
	"iter"
)

// YesNoResult is a vote for or against, counted. What share must be for, and how many must take part,
// is for the caller's rules.
type YesNoResult struct {
	Yes       uint64 `json:"yes"`
	No        uint64 `json:"no"`
	Abstained uint64 `json:"abstained"`
}

// CountYesNo adds up those for, those against and those who abstain.
//
// Source: Robert's Rules of Order (12th ed., §44): a majority is of the votes cast, abstentions apart.
func CountYesNo(ballots iter.Seq[Vote]) (r YesNoResult) {
	total := uint64(0)
	for b := range ballots {
		total = sumWeights(total, b.Weight)
		switch b.Stance {
		case For:
			r.Yes += b.Weight
		case Against:
			r.No += b.Weight
		case Abstain:
			r.Abstained += b.Weight
		default:
			panic(fmt.Sprintf("tally: invariant: a ballot says %v", b.Stance))
		}
	}
	return r
}

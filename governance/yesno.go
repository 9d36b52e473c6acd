package governance

import "iter"

// CountYesNo counts a vote for or against: those for against those against, abstentions apart, as in
// Robert's Rules of Order (12th ed., §44: a majority is of the votes cast, blanks excluded).
func CountYesNo(ballots iter.Seq[Ballot]) (c Count) {
	for b := range ballots {
		switch b.Choice {
		case Yes:
			c.Yes++
		case No:
			c.No++
		case Abstain:
			c.Abstain++
		}
	}
	return c
}

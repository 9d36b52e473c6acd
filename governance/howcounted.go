package governance

import "fmt"

// HowCounted tells how a track counts, with its settings.
func (t *Track) HowCounted() string {
	switch t.Method {
	case YesNo:
		return "yes or no"
	case ByConsent:
		return "consent: one objection with a reason stops it"
	case Approval:
		return "approval: mark all you like, the most approved wins"
	case Score:
		return fmt.Sprintf("score: 0 to %d for each option, the highest sum wins", t.Highest)
	case Schulze:
		return "schulze: rank the options and the status quo, who beats all others pairwise or by a stronger path wins"
	case Runoff:
		return "runoff: rank the options and the status quo, the last is excluded until one has a majority"
	case STV:
		return fmt.Sprintf("stv: rank the candidates, %s in proportion by the Scottish rules", number(t.Seats, "seat"))
	case Points:
		return fmt.Sprintf("points: %s to spread over the options, the most points win", number(t.Points, "point"))
	case PointsQuadratic:
		return fmt.Sprintf("points-quadratic: %s to spread, n for one option cost n times n, the most points win", number(t.Points, "point"))
	case BudgetGreedy:
		return "budget-greedy: by votes, each project that still fits"
	case BudgetShares:
		return "budget-equal-shares: every vote spends an equal share, " + t.sharesInWords()
	}
	return string(t.Method)
}

func (t *Track) sharesInWords() string {
	text := "a project is worth what it costs, "
	if t.Utility == UtilityVotes {
		text = "every project is worth the same, "
	}
	switch t.Completion {
	case CompleteRaise:
		return text + "shares are raised while the budget lasts (add1)"
	case CompleteFill:
		return text + "what is left goes by votes (utilitarian)"
	case CompleteRaiseFill:
		return text + "shares are raised while the budget lasts and what is left goes by votes (add1+utilitarian)"
	}
	return text + "what is left stays (no completion)"
}

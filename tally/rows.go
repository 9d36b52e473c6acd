package tally

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Row is a line of the account of a count, as a person reads it. Exact fractions are in the results.
type Row struct {
	Step   int    `json:"step"` // from 1; what precedes the first step has 0
	What   string `json:"what"`
	Option string `json:"option,omitempty"`
	Number string `json:"number,omitempty"` // mostly votes
	Note   string `json:"note,omitempty"`
}

// Rows are the count in words; no names are needed.
func (r YesNoResult) Rows([]string) []Row {
	return []Row{{1, "for", "", fmt.Sprint(r.Yes), ""}, {1, "against", "", fmt.Sprint(r.No), ""}, {1, "abstain", "", fmt.Sprint(r.Abstained), ""}}
}

// Rows are the count in words; no names are needed.
func (r ConsentResult) Rows([]string) []Row {
	return []Row{{1, "consent", "", fmt.Sprint(r.Consents), ""}, {1, "object", "", fmt.Sprint(r.Objections), "one is enough"},
		{1, "abstain", "", fmt.Sprint(r.Abstained), ""}, {2, "verdict", "", "", r.Verdict.String()}}
}

// Rows are the places in words, with the options' names.
func (r ApprovalResult) Rows(names []string) []Row { return places(r.Order, r.Votes, names) }

// Rows are the places in words, with the options' names.
func (r ScoreResult) Rows(names []string) []Row {
	rows := places(r.Order, r.Sums, names)
	for n, i := range r.Order {
		if len(r.Averages) > 0 {
			rows[n].Note = "average " + short(r.Averages[i])
		}
	}
	return rows
}

// Rows are the places in words, with the options' names.
func (r PointsResult) Rows(names []string) []Row { return places(r.Order, r.Sums, names) }

func places(order []int, votes []uint64, names []string) (rows []Row) {
	for n, i := range order {
		rows = append(rows, Row{n + 1, "place", names[i], fmt.Sprint(votes[i]), ""})
	}
	return rows
}

// Rows are the comparisons that decided in words, with the options' names.
func (r SchulzeResult) Rows(names []string) (rows []Row) {
	for _, path := range r.Paths {
		what := "beats"
		if path.Strength == path.Back {
			what = "level with"
		}
		var via []string
		for _, i := range path.Via {
			via = append(via, names[i])
		}
		rows = append(rows, Row{slices.Index(r.Order, path.To), what, names[path.From] + " / " + names[path.To],
			fmt.Sprintf("%d : %d", path.Strength.For, path.Back.For), strings.Join(via, " > ")})
	}
	return rows
}

// Rows are the rounds in words, with the options' names.
func (r RunoffResult) Rows(names []string) (rows []Row) {
	gone := make([]bool, len(names))
	for n, round := range r.Rounds {
		for i, votes := range round.Votes {
			note := ""
			switch {
			case gone[i]:
				continue
			case i == round.Excluded:
				note = "excluded"
			case round.Excluded < 0 && i == r.Winner:
				note = "elected"
			}
			rows = append(rows, Row{n + 1, "round", names[i], fmt.Sprint(votes), note})
		}
		if round.Excluded >= 0 {
			gone[round.Excluded] = true
		}
		if round.Exhausted > 0 {
			rows = append(rows, Row{n + 1, "round", "", fmt.Sprint(round.Exhausted), "exhausted"})
		}
	}
	return rows
}

// Rows are the stages in words, with the options' names.
func (r STVResult) Rows(names []string) (rows []Row) {
	for n, stage := range r.Stages {
		what := string(stage.Action)
		if stage.Option >= 0 {
			what += " of " + names[stage.Option]
		}
		if n == 0 {
			what += fmt.Sprintf(", quota %d", r.Quota)
		}
		for i, votes := range stage.Votes {
			note := ""
			for _, t := range stage.Transfers {
				if t.Option == i {
					note = fmt.Sprintf("+%v on %d papers", t.Votes, t.Papers)
				}
			}
			if slices.Contains(stage.Elected, i) {
				note = strings.TrimPrefix(note+", elected", ", ")
			}
			if n == 0 || note != "" || i == stage.Option {
				rows = append(rows, Row{n + 1, what, names[i], votes.String(), note})
			}
		}
		rows = append(rows, Row{n + 1, what, "", stage.NonTransferable.String(), fmt.Sprintf("not transferable, %v lost to remainders", stage.Lost)})
	}
	return rows
}

// Rows are the projects' turns in words, with their names.
func (r GreedyResult) Rows(names []string) []Row { return turns(1, r.Steps, names) }

func turns(first int, steps []GreedyStep, names []string) (rows []Row) {
	for n, s := range steps {
		what := "does not fit"
		if s.Funded {
			what = "funded"
		}
		rows = append(rows, Row{first + n, what, names[s.Option], fmt.Sprint(s.Votes), fmt.Sprintf("cost %d of %d left", s.Cost, s.Left)})
	}
	return rows
}

// Rows are the share, the purchases and what was filled up with, in words, with the projects' names.
func (r SharesResult) Rows(names []string) (rows []Row) {
	if r.Share != nil {
		rows = append(rows, Row{0, "share", "", short(r.Share), strings.TrimSuffix(fmt.Sprintf("of each vote, after %d raises; %s", r.Raises, r.Stop), "; ")})
	}
	for n, s := range r.Steps {
		rows = append(rows, Row{n + 1, "bought", names[s.Option], short(s.Effective), fmt.Sprintf("cost %d, %d of %d pay %s in full", s.Cost, s.InFull, s.Votes, short(s.Price))})
	}
	return append(rows, turns(len(r.Steps)+1, r.Filled, names)...)
}

// short is a fraction as a person reads it.
func short(x *big.Rat) string {
	if x.IsInt() {
		return x.RatString()
	}
	return x.FloatString(2)
}

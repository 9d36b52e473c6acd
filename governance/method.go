package governance

import (
	"slices"
	"strings"

	"github.com/sustainy/coop/tally"
)

// Method is how the ballots of a track are marked and counted. Package tally counts; a method here
// adds what its count means for quorum and threshold:
//
//	method                yes                             no                              neither (as an abstention)
//	yesno                 for                             against                         -
//	consent               consents                        objects, with a reason          -
//	approval              approves the first option       does not                        -
//	score                 gives it more than half         less than half of the highest   just half of it
//	schulze, runoff       puts it above the status quo    below the status quo            beside it, or ranks neither
//	stv                   ranks somebody                  an empty ranking: none of them  -
//	points, -quadratic    gives it a point                gives it none                   -
//	budget-greedy,        does not abstain                -                               -
//	budget-equal-shares
//
// The first option is the one that the count puts first, the status quo aside. An abstention takes part,
// for a quorum of turnout, and nothing else. A passed vote selects the first option, stv as many as there
// are seats, a budget the projects that it funds.
//
// In schulze and runoff "no award" is always there: the status quo is the last option. A vote that it
// wins is rejected whatever the threshold, and in a tie it comes first, so that nothing changes by
// chance. A board is elected without it: who wants none of the candidates ranks none. Of consent, one
// objection stops it, so its threshold is 1/1. In a budget the threshold is each project's own, of the
// ballots that don't abstain, and the vote passes if it funds one.
type Method string

// The methods, each with its source in package tally.
const (
	YesNo           Method = "yesno"
	ByConsent       Method = "consent"
	Approval        Method = "approval"
	Score           Method = "score"
	Schulze         Method = "schulze"
	Runoff          Method = "runoff"
	STV             Method = "stv"
	Points          Method = "points"
	PointsQuadratic Method = "points-quadratic"
	BudgetGreedy    Method = "budget-greedy"
	BudgetShares    Method = "budget-equal-shares"
)

// StatusQuo is the name of the option that stands last in every ranked contest: nothing changes.
const StatusQuo = "Status quo"

// marks is what a ballot says.
type marks uint8

const (
	sides      marks = iota // yes or no
	consents                // yes or an objection
	approvals               // some of the options
	ranks                   // options in order, several on a place allowed
	succession              // options in order, one on a place
	scores                  // a number for each option
	points                  // the same, out of so many points
)

// form is what a method asks of its ballots and its options.
type form struct {
	method        Method
	marks         marks
	least, most   int // options that a proposal names
	hasStatusQuo  bool
	sharesABudget bool
	hasSides      bool // each ballot is for or against the proposal or its first option, or neither
}

var forms = []form{
	{method: YesNo, marks: sides, hasSides: true},
	{method: ByConsent, marks: consents, hasSides: true},
	{method: Approval, marks: approvals, least: 2, most: MaxOptions, hasSides: true},
	{method: Score, marks: scores, least: 2, most: MaxOptions, hasSides: true},
	{method: Schulze, marks: ranks, least: 1, most: MaxRanked - 1, hasStatusQuo: true, hasSides: true},
	{method: Runoff, marks: succession, least: 1, most: MaxRanked - 1, hasStatusQuo: true, hasSides: true},
	{method: STV, marks: succession, least: 2, most: MaxRanked},
	{method: Points, marks: points, least: 2, most: MaxOptions, hasSides: true},
	{method: PointsQuadratic, marks: points, least: 2, most: MaxOptions, hasSides: true},
	{method: BudgetGreedy, marks: approvals, least: 1, most: MaxOptions, sharesABudget: true},
	{method: BudgetShares, marks: approvals, least: 1, most: MaxOptions, sharesABudget: true},
}

// methods lists all of them.
func methods() string {
	names := make([]string, len(forms))
	for i, f := range forms {
		names[i] = string(f.method)
	}
	return strings.Join(names, ", ")
}

// form finds what a method asks.
func (m Method) form() (form, bool) {
	i := slices.IndexFunc(forms, func(f form) bool { return f.method == m })
	if i < 0 {
		return form{}, false
	}
	return forms[i], true
}

// SharesBudget tells whether the method shares a budget among options that cost something.
func (m Method) SharesBudget() bool {
	f, _ := m.form()
	return f.sharesABudget
}

// HasStatusQuo tells whether the status quo stands as the last option.
func (m Method) HasStatusQuo() bool {
	f, _ := m.form()
	return f.hasStatusQuo
}

// Chooses tells whether the method chooses among options.
func (m Method) Chooses() bool {
	f, _ := m.form()
	return f.most > 0
}

// Completion is what the Method of Equal Shares does with money that its steps leave.
type Completion string

// The completions. To raise is to give every vote one whole unit of the currency more, again and again,
// while what is funded still fits the budget (add1); to fill is to fund by votes what still fits.
const (
	CompleteNot       Completion = "none"
	CompleteRaise     Completion = "add1"
	CompleteFill      Completion = "utilitarian"
	CompleteRaiseFill Completion = "add1+utilitarian"
)

// Utility is what the Method of Equal Shares takes a funded project to be worth to who approves it.
type Utility string

// The utilities.
const (
	UtilityCost  Utility = "cost"  // as much as it costs
	UtilityVotes Utility = "votes" // as much as any other
)

// unanimous is the threshold of consent.
var unanimous = Threshold{Share: Ratio{1, 1}}

// validateMethod checks a track's settings: those that its method needs, and no other.
func (t *Track) validateMethod(name string, report func(bool, string, ...any)) {
	f, known := t.Method.form()
	report(known, "track %s has the unknown method %s: choose one of %s", name, shown(t.Method), methods())
	if !known {
		return
	}
	between := func(needed bool, n, most uint64) bool { return needed && n >= 1 && n <= most || !needed && n == 0 }
	report(between(t.Method == STV, t.Seats, MaxSeats), "track %s has %d seats: stv needs 1 to %d, any other method none", name, t.Seats, MaxSeats)
	report(between(f.marks == scores, t.Highest, MaxScore), "track %s has a highest score of %d: score needs 1 to %d, any other method none", name, t.Highest, MaxScore)
	report(between(f.marks == points, t.Points, MaxPoints), "track %s gives %d points: points and points-quadratic need 1 to %d, any other method none", name, t.Points, MaxPoints)
	completions, utilities := []Completion{""}, []Utility{""}
	if t.Method == BudgetShares {
		completions = []Completion{CompleteNot, CompleteRaise, CompleteFill, CompleteRaiseFill}
		utilities = []Utility{UtilityCost, UtilityVotes}
	}
	report(slices.Contains(completions, t.Completion), "track %s: budget-equal-shares needs the completion none, add1, utilitarian or add1+utilitarian, and any other method has no completion", name)
	report(slices.Contains(utilities, t.Utility), "track %s: budget-equal-shares needs the utility cost or votes, and any other method has no utility", name)
	report(t.Method != ByConsent || t.Threshold == unanimous, "track %s asks for consent, where one objection is enough: its threshold is at least 1/1", name)
}

// shares are the settings of the Method of Equal Shares, for money of which unit is one whole unit.
func (t *Track) shares(unit uint64) tally.Shares {
	var o tally.Shares
	if t.Utility == UtilityVotes {
		o.Utility = tally.VoteUtility
	}
	if t.Completion == CompleteRaise || t.Completion == CompleteRaiseFill {
		o.Raise = unit
	}
	o.Fill = t.Completion == CompleteFill || t.Completion == CompleteRaiseFill
	return o
}

package program

import (
	"errors"
	"fmt"
	"slices"
)

// Why the ballot that a program made can't be cast.
var (
	ErrForm    = errors.New("the proposal asks for another kind of ballot: look at proposal.form, or abstain")
	ErrOption  = errors.New("there is no such option: options are numbered from 0")
	ErrTwice   = errors.New("an option stands twice: each can stand once")
	ErrEmpty   = errors.New("a place of the ranking is empty: leave it out")
	ErrLength  = errors.New("there must be one number for each option")
	ErrHighest = errors.New("a number is below 0 or above the highest one allowed: look at proposal.highest")
	ErrReason  = errors.New("the vote has no reason: say why in the last text that is given to vote")
	ErrPoints  = errors.New("the ballot spends more points than it has: look at proposal.points")
)

// Choice is the kind of a ballot.
type Choice string

// The choices. Abstain fits every form.
const (
	Abstain Choice = "abstain"
	Yes     Choice = "yes"
	No      Choice = "no"
	Approve Choice = "approve" // Options are approved, each named once
	Rank    Choice = "rank"    // Places has the best first; options on one place are equal
	Score   Choice = "score"   // Numbers has one for each option
	Spend   Choice = "points"  // Numbers has the points for each option
)

// Ballot is what a vote says. Options are numbered from 0.
type Ballot struct {
	Choice  Choice  `json:"choice"`
	Options []int   `json:"options,omitempty"` // ascending
	Places  [][]int `json:"places,omitempty"`
	Numbers []int   `json:"numbers,omitempty"`
}

// Same tells whether two ballots say the same.
func (b Ballot) Same(other Ballot) bool {
	return b.Choice == other.Choice && slices.Equal(b.Options, other.Options) && slices.Equal(b.Numbers, other.Numbers) &&
		slices.EqualFunc(b.Places, other.Places, slices.Equal[[]int])
}

// form is the form that the choice belongs to.
func (c Choice) form() (Form, bool) {
	switch c {
	case Yes, No:
		return YesNo, true
	case Approve:
		return Approval, true
	case Rank:
		return Ranking, true
	case Score:
		return Scores, true
	case Spend:
		return Points, true
	}
	return "", false
}

// fits tells whether the ballot can be cast on the proposal.
func (b Ballot) fits(p *Proposal) error {
	if len(b.Options) > 0 && b.Choice != Approve || len(b.Places) > 0 && b.Choice != Rank ||
		len(b.Numbers) > 0 && b.Choice != Score && b.Choice != Spend {
		return fmt.Errorf("%q says nothing more: %w", b.Choice, ErrForm)
	}
	if b.Choice == Abstain {
		return nil
	}
	form, ok := b.Choice.form()
	if !ok || form != p.Form {
		return fmt.Errorf("%q on a proposal of form %q: %w", b.Choice, p.Form, ErrForm)
	}
	switch form {
	case Approval:
		if !slices.IsSorted(b.Options) {
			return fmt.Errorf("not in ascending order: %w", ErrOption)
		}
		return b.named(len(p.Options), [][]int{b.Options})
	case Ranking:
		if slices.ContainsFunc(b.Places, func(place []int) bool { return len(place) == 0 }) {
			return ErrEmpty
		}
		return b.named(len(p.Options), b.Places)
	case Scores, Points:
		return b.counted(p, form)
	}
	return nil
}

// named checks that options exist and stand once.
func (b Ballot) named(options int, places [][]int) error {
	seen := make([]bool, options)
	for _, place := range places {
		for _, n := range place {
			if n < 0 || n >= options {
				return fmt.Errorf("option %d of %d: %w", n, options, ErrOption)
			}
			if seen[n] {
				return fmt.Errorf("option %d: %w", n, ErrTwice)
			}
			seen[n] = true
		}
	}
	return nil
}

// counted checks a number for each option. The sum can't overflow: there are few options and no number
// above MaxScore.
func (b Ballot) counted(p *Proposal, form Form) error {
	if len(b.Numbers) != len(p.Options) {
		return fmt.Errorf("%d numbers for %d options: %w", len(b.Numbers), len(p.Options), ErrLength)
	}
	most := p.Highest
	if form == Points {
		most = p.Points
	}
	sum := uint64(0)
	for i, n := range b.Numbers {
		if n < 0 || uint64(n) > most {
			err := ErrHighest
			if form == Points && n >= 0 {
				err = ErrPoints
			}
			return fmt.Errorf("option %d has %d, the most is %d: %w", i, n, most, err)
		}
		sum += uint64(n)
	}
	if form == Points && sum > p.Points {
		return fmt.Errorf("%d of %d: %w", sum, p.Points, ErrPoints)
	}
	return nil
}

package governance

import (
	"errors"
	"slices"
	"strings"

	"github.com/sustainy/coop/tally"
)

// check tells why a ballot cannot be counted on a track with so many options.
func (b *BallotCast) check(t *Track, options int) error {
	f, _ := t.Method.form()
	if !b.fits(f.marks) {
		return ErrChoice
	}
	if err := b.checkMarks(t, f.marks, options); err != nil {
		return err
	}
	if Choice(b.Choice) == Object && strings.Trim(b.Reason, " \n\t") == "" {
		return ErrNoReason
	}
	return nil
}

// fits tells whether a ballot has what the method counts, and nothing else.
func (b *BallotCast) fits(m marks) bool {
	listed := Choice(b.Choice) == Listed
	if len(b.Approvals) > 0 && !(listed && m == approvals) ||
		len(b.Ranking) > 0 && !(listed && (m == ranks || m == succession)) ||
		len(b.Scores) > 0 && !(listed && m == scores) ||
		len(b.Points) > 0 && !(listed && m == points) {
		return false
	}
	switch Choice(b.Choice) {
	case Abstain:
		return true
	case Yes:
		return m == sides || m == consents
	case No:
		return m == sides
	case Object:
		return m == consents
	case Listed:
		return m != sides && m != consents
	}
	return false
}

// checkMarks asks package tally whether it can count the marks, and says in the hall's words why not.
func (b *BallotCast) checkMarks(t *Track, m marks, options int) error {
	if Choice(b.Choice) != Listed {
		return nil
	}
	ballot := Ballot{Approvals: b.Approvals, Ranking: b.Ranking}
	var err error
	switch m {
	case approvals:
		err = ballot.approval(1).Check(options)
	case ranks:
		err = ballot.ranking(1).Check(options)
	case succession:
		err = ballot.ranking(1).CheckStrict(options)
	case scores:
		err = tally.Scores{Weight: 1, Scores: b.Scores}.Check(options, t.Highest)
	case points:
		price := tally.Linear
		if t.Method == PointsQuadratic {
			price = tally.Quadratic
		}
		err = tally.Points{Weight: 1, Points: b.Points}.Check(options, t.Points, price)
	}
	if err == nil && (!slices.IsSorted(b.Approvals) || slices.ContainsFunc(b.Ranking, func(place []uint64) bool { return !slices.IsSorted(place) })) {
		return ErrUnsorted
	}
	return inWords(err)
}

// inWords finds the hall's words for a reason of package tally.
func inWords(err error) error {
	if err == nil {
		return nil
	}
	for _, pair := range [...]struct{ found, said error }{
		{tally.ErrOption, ErrOption}, {tally.ErrRepeated, ErrTwice}, {tally.ErrEmpty, ErrEmptyPlace}, {tally.ErrTied, ErrSharedPlace},
		{tally.ErrLength, ErrLength}, {tally.ErrScore, ErrScore}, {tally.ErrPoints, ErrPoints},
	} {
		if errors.Is(err, pair.found) {
			return pair.said
		}
	}
	panic("governance: invariant: a ballot cannot be counted: " + err.Error())
}

// approval is so many votes for the ballot as package tally counts approvals.
func (b *Ballot) approval(votes uint64) tally.Approval {
	return tally.Approval{Weight: votes, Options: numbers(b.Approvals)}
}

// ranking is so many votes for the ballot as package tally counts rankings.
func (b *Ballot) ranking(votes uint64) tally.Ranking {
	r := tally.Ranking{Weight: votes}
	for _, place := range b.Ranking {
		r.Places = append(r.Places, numbers(place))
	}
	return r
}

// numbers are options as package tally names them; one that no proposal has is -1 there.
func numbers(options []uint64) []int {
	list := make([]int, len(options))
	for i, n := range options {
		list[i] = -1
		if n < MaxOptions {
			list[i] = int(n)
		}
	}
	return list
}

// place is the place on which an option stands on the ballot, from 0; one that is not ranked comes
// after all that are.
func (b *Ballot) place(option int) int {
	for i, place := range b.Ranking {
		if slices.Contains(place, uint64(option)) {
			return i
		}
	}
	return len(b.Ranking)
}

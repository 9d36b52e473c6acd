// Package tally counts ballots: every voting method of a cooperative, each a pure and exact function in
// a file of its own whose comment names its source.
//
// Its one idea: a result is worth what somebody else finds who counts again. So no count here rounds
// where its rules don't say so, none depends on the order in which ballots come, and each returns,
// beside the winners, its steps: a plain account, bounded in size, from which a person can redo the
// count by hand.
//
// Options are the numbers 0..n-1, and "no award" is an option like any other. A ballot is plain data
// with a weight; one of weight w counts as w equal ballots of weight 1, in every method. Where the
// rules leave options equal a lot decides that the caller drew beforehand, and the result says so.
//
// Ballots come from outside, so each kind has a Check that names what is wrong. The counts take checked
// ballots: one that is not makes them panic or miscount, as does a sum of weights above MaxVotes.
//
// The package knows no members, proposals or money beyond numbers, and no clock, file or network.
package tally

import (
	"errors"
	"fmt"
	"slices"
)

// Bounds on what is counted. They keep every sum of whole numbers below 2^64.
const (
	MaxVotes  = 1 << 40 // sum of the weights of all ballots of a count
	MaxScore  = 1 << 20 // highest score one option can get on one ballot
	MaxPoints = 1 << 20 // points one ballot can have to spend
)

// Why a ballot, or what a count is given beside the ballots, is refused.
var (
	ErrWeight   = errors.New("the ballot's weight is 0 or above 2^40: it must count for somebody")
	ErrStance   = errors.New("the ballot is neither for nor against nor abstaining")
	ErrOption   = errors.New("the ballot names an option that does not exist")
	ErrRepeated = errors.New("the ballot names an option twice: each can stand once")
	ErrEmpty    = errors.New("the ranking has a place that nobody stands on: leave it out")
	ErrTied     = errors.New("the ranking puts two options on one place, and this method needs one after the other")
	ErrLength   = errors.New("the ballot must have one number for each option")
	ErrScore    = errors.New("a score is above the highest one allowed")
	ErrPoints   = errors.New("the ballot spends more points than it has")
	ErrSeats    = errors.New("the number of seats must be between 1 and the number of options")
	ErrLot      = errors.New("the lot must give every option a place of its own, from 0 up")
)

// Lot is a draw made before the count: Lot[option] is the option's place in it, and among equals the
// lower place is preferred. It is a permutation of the numbers of the options.
type Lot []int

// Check tells whether the lot gives each of so many options a place of its own.
func (l Lot) Check(options int) error {
	if len(l) != options {
		return fmt.Errorf("%w: %d places for %d options", ErrLot, len(l), options)
	}
	taken := make([]bool, options)
	for option, place := range l {
		if place < 0 || place >= options || taken[place] {
			return fmt.Errorf("%w: option %d has place %d", ErrLot, option, place)
		}
		taken[place] = true
	}
	return nil
}

// must panics if l is no lot for so many options.
func (l Lot) must(options int) {
	if err := l.Check(options); err != nil {
		panic("tally: invariant: " + err.Error())
	}
}

// sort puts the options in the order of the lot.
func (l Lot) sort(options []int) {
	slices.SortFunc(options, func(a, b int) int { return l[a] - l[b] })
}

// Tie is a place in a count where the rules left options equal and the lot decided between them.
type Tie struct {
	Options []int  `json:"options"` // in the order of the lot: the first was preferred
	Why     string `json:"why"`     // in what they were equal, and what for
}

// CheckSeats tells whether so many seats can be filled from so many options.
func CheckSeats(seats, options int) error {
	if seats < 1 || seats > options {
		return fmt.Errorf("%w: %d seats, %d options", ErrSeats, seats, options)
	}
	return nil
}

// sumWeights adds a ballot's weight to those of the ballots before it.
func sumWeights(sum, weight uint64) uint64 {
	if weight > MaxVotes-sum {
		panic(fmt.Sprintf("tally: invariant: the ballots weigh more than %d together", uint64(MaxVotes)))
	}
	return sum + weight
}

// order sorts the options 0..n-1 by compare. Those that it finds equal are put in the order of the
// lot, and each such set is a tie.
func order(n int, compare func(a, b int) int, lot Lot, why string) (sorted []int, ties []Tie) {
	lot.must(n)
	sorted = make([]int, n)
	for i := range sorted {
		sorted[i] = i
	}
	lot.sort(sorted)
	slices.SortStableFunc(sorted, compare)
	for from := 0; from < n; {
		to := from + 1
		for to < n && compare(sorted[from], sorted[to]) == 0 {
			to++
		}
		if to-from > 1 {
			ties = append(ties, Tie{slices.Clone(sorted[from:to]), why})
		}
		from = to
	}
	return sorted, ties
}

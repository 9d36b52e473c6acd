package tally

import (
	"fmt"
	"iter"
	"math/bits"
)

// Points is a ballot that spreads points over the options.
type Points struct {
	Weight uint64
	Points []uint64 // for each option
}

// Price is what points cost the ballot that gives them.
type Price uint8

// The prices.
const (
	Linear    Price = iota // a point costs one point: cumulative voting
	Quadratic              // p points for one option cost p²: the tenth costs more than the first
)

// Check returns ErrWeight, ErrLength or ErrPoints if the ballot can't be counted among so many options
// with a budget of so many points, at most MaxPoints.
func (p Points) Check(options int, budget uint64, price Price) error {
	if err := checkWeight(p.Weight); err != nil {
		return err
	}
	if len(p.Points) != options {
		return fmt.Errorf("%w: %d numbers for %d options", ErrLength, len(p.Points), options)
	}
	left := min(budget, MaxPoints)
	for _, points := range p.Points {
		over, cost := uint64(0), points
		if price == Quadratic {
			over, cost = bits.Mul64(points, points)
		}
		if over > 0 || cost > left {
			return fmt.Errorf("%w: it has %d", ErrPoints, min(budget, MaxPoints))
		}
		left -= cost
	}
	return nil
}

// PointsResult is a vote with points, counted.
type PointsResult struct {
	Order   []int    `json:"order"`   // all options, the most points first
	Sums    []uint64 `json:"sums"`    // of each option's points
	Ballots uint64   `json:"ballots"` // counted, by weight
	Ties    []Tie    `json:"ties,omitempty"`
}

// CountPoints adds up the points of each of n options and puts the most first. Among equals the lot
// decides. What a point cost the voter is a matter of Check, not of the count.
//
// Source: cumulative voting, Dodgson, "The Principles of Parliamentary Representation" (1884); with
// quadratic cost, Lalley and Weyl, "Quadratic Voting", AEA Papers and Proceedings 108 (2018).
func CountPoints(n int, ballots iter.Seq[Points], lot Lot) (r PointsResult) {
	r.Sums = make([]uint64, n)
	for b := range ballots {
		r.Ballots = sumWeights(r.Ballots, b.Weight)
		addNumbers(r.Sums, b.Points, b.Weight)
	}
	r.Order, r.Ties = order(n, descending(r.Sums), lot, "equal sums of points")
	return r
}

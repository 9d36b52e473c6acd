package tally

import (
	"cmp"
	"iter"
)

// SchulzeResult is a ranked vote counted by Schulze's method.
type SchulzeResult struct {
	Order []int      `json:"order"` // all options, the winner first
	Pairs [][]uint64 `json:"pairs"` // Pairs[a][b] ballots, by weight, prefer a to b
	Paths []Path     `json:"paths"` // from each option to the next in Order, and from the winner to each
	Ties  []Tie      `json:"ties,omitempty"`
}

// Path is a strongest chain of won comparisons between two options, and how strong the strongest one
// back is. The first beats the second when it is stronger.
type Path struct {
	From     int      `json:"from"`
	To       int      `json:"to"`
	Via      []int    `json:"via"` // all options on it, From and To included; empty if there is none
	Strength Strength `json:"strength"`
	Back     Strength `json:"back"`
}

// Strength is that of a won comparison, and of a path that is as strong as its weakest one. More votes
// for it make it stronger; with equally many, fewer against it. The zero value is no path at all.
type Strength struct {
	For     uint64 `json:"for"`
	Against uint64 `json:"against"`
}

// Compare is below 0 if s is weaker than t, above 0 if it is stronger.
func (s Strength) Compare(t Strength) int {
	return cmp.Or(cmp.Compare(s.For, t.For), cmp.Compare(t.Against, s.Against))
}

// CountSchulze compares every two of n options by who ranks one before the other, and puts a before b
// if the strongest path of wins from a to b is stronger than the one back. Where that leaves options side
// by side, beaten by none but those before them, the lot orders them. An option that wins every
// comparison is always first.
//
// Strength is by winning votes, and with equal ones by fewer losing votes, as in the source and in
// Debian's constitution A.5. Time is that of the pairs on the ballots, and n³ besides.
//
// Source: Schulze, "The Schulze Method of Voting", arXiv 1804.02973, section 2, with ≻win.
func CountSchulze(n int, ballots iter.Seq[Ranking], lot Lot) SchulzeResult {
	lot.must(n)
	pairs := countPairs(n, ballots)
	strongest, next := strongestPaths(pairs)
	beats := func(a, b int) bool { return strongest[a][b].Compare(strongest[b][a]) > 0 }
	r := SchulzeResult{Pairs: pairs}
	r.Order, r.Ties = unbeatenFirst(n, beats, lot)
	path := func(a, b int) Path {
		p := Path{From: a, To: b, Strength: strongest[a][b], Back: strongest[b][a]}
		if p.Strength.For > 0 {
			p.Via = []int{a}
			for at := a; at != b; p.Via = append(p.Via, at) {
				at = next[at][b]
			}
		}
		return p
	}
	for i := 1; i < n; i++ {
		r.Paths = append(r.Paths, path(r.Order[0], r.Order[i]))
		if i > 1 {
			r.Paths = append(r.Paths, path(r.Order[i-1], r.Order[i]))
		}
	}
	return r
}

// countPairs counts for every two options how many prefer the first to the second. A ballot first
// counts as preferring each option that it ranks to all others, and then takes back those that stand
// before it or beside it: so a short ballot costs the square of its own length, not of n.
func countPairs(n int, ballots iter.Seq[Ranking]) [][]uint64 {
	pairs := make([][]uint64, n)
	for a := range pairs {
		pairs[a] = make([]uint64, n)
	}
	ranked := make([]uint64, n) // by how many at all
	before := make([]int, 0, n)
	total := uint64(0)
	for b := range ballots {
		total = sumWeights(total, b.Weight)
		before = before[:0]
		for _, place := range b.Places {
			before = append(before, place...)
			for _, a := range place {
				ranked[a] += b.Weight
				row := pairs[a]
				for _, other := range before {
					row[other] -= b.Weight // wraps below 0 until ranked is added
				}
			}
		}
	}
	for a, row := range pairs {
		for other := range row {
			row[other] += ranked[a]
		}
		row[a] = 0
	}
	return pairs
}

// strongestPaths finds for every two options the strength of the strongest path from the first to the
// second (Floyd and Warshall's algorithm, with the weaker link in place of the sum), and the first
// option on it.
func strongestPaths(pairs [][]uint64) (strongest [][]Strength, next [][]int) {
	n := len(pairs)
	for a := range n {
		row, first := make([]Strength, n), make([]int, n)
		for b := range n {
			if pairs[a][b] > pairs[b][a] {
				row[b] = Strength{For: pairs[a][b], Against: pairs[b][a]}
			}
			first[b] = b
		}
		strongest, next = append(strongest, row), append(next, first)
	}
	for via := range n {
		for a := range n {
			half := strongest[a][via]
			if a == via || half.For == 0 {
				continue
			}
			for b := range n {
				if a == b || b == via {
					continue
				}
				whole := strongest[via][b]
				if half.Compare(whole) < 0 {
					whole = half
				}
				if whole.Compare(strongest[a][b]) > 0 {
					strongest[a][b] = whole
					next[a][b] = next[a][via]
				}
			}
		}
	}
	return strongest, next
}

// unbeatenFirst orders the options by layers: first those that no option beats, then those that only
// options before them beat, and so on; within a layer by lot.
func unbeatenFirst(n int, beats func(a, b int) bool, lot Lot) (sorted []int, ties []Tie) {
	by := make([]int, n) // how many of those left beat it; -1 once it is placed
	for a := range n {
		for b := range n {
			if a != b && beats(a, b) {
				by[b]++
			}
		}
	}
	for len(sorted) < n {
		var layer []int
		for a := range n {
			if by[a] == 0 {
				layer = append(layer, a)
			}
		}
		if len(layer) == 0 {
			panic("tally: invariant: options beat each other in a circle")
		}
		lot.sort(layer)
		if len(layer) > 1 {
			ties = append(ties, Tie{layer, "no path between them is stronger than the one back"})
		}
		for _, a := range layer {
			by[a] = -1
			for b := range n {
				if a != b && beats(a, b) {
					by[b]--
				}
			}
		}
		sorted = append(sorted, layer...)
	}
	return sorted, ties
}

package tally

import (
	"iter"
	"slices"
)

// paper is a set of equal ballots on their way from one option to the next.
type paper struct {
	rest   []int32 // the options after the one whose pile it lies on; ^i if i shares a place with the one before
	weight uint64  // ballots in the set
	value  Decimal // of each of them
}

// piles are the papers that lie with each option. Moving one costs the places it passes over, once in
// the whole count, so a count is linear in the length of all ballots.
type piles struct {
	of        [][]paper
	standing  []bool // can receive papers: neither elected nor excluded
	total     uint64 // weight of all ballots
	exhausted uint64 // weight of those that went to nobody
}

// sortPapers lays every ballot on the pile of its first option.
func sortPapers(n int, ballots iter.Seq[Ranking]) *piles {
	p := &piles{of: make([][]paper, n), standing: make([]bool, n)}
	for i := range p.standing {
		p.standing[i] = true
	}
	var line []int32
	for b := range ballots {
		p.total = sumWeights(p.total, b.Weight)
		line = line[:0]
		for _, place := range b.Places {
			for i, option := range place {
				if i > 0 {
					option = ^option
				}
				line = append(line, int32(option))
			}
		}
		p.lay(paper{rest: slices.Clone(line), weight: b.Weight, value: OneVote})
	}
	return p
}

// lay puts a paper on the pile of the next option on it that stands, and returns that. If there is
// none, or several that stand share the next place, it goes to nobody: -1.
func (p *piles) lay(x paper) int {
	for len(x.rest) > 0 {
		to, standing, end := 0, 0, 0
		for end == 0 || end < len(x.rest) && x.rest[end] < 0 {
			i := x.rest[end]
			if i < 0 {
				i = ^i
			}
			if p.standing[i] {
				to = int(i)
				standing++
			}
			end++
		}
		x.rest = x.rest[end:]
		if standing == 1 {
			p.of[to] = append(p.of[to], x)
			return to
		}
		if standing > 1 {
			break
		}
	}
	p.exhausted += x.weight
	return -1
}

// take removes and returns the pile of an option that no longer stands.
func (p *piles) take(option int) []paper {
	pile := p.of[option]
	p.standing[option], p.of[option] = false, nil
	return pile
}

// extreme finds, among the options given, the one with the most votes, or the fewest if sign is -1, at
// the latest of the stages at which they differ; past holds the votes after each stage. If they never
// differ the lot decides, for the sign that prefers. Options must not be empty.
func extreme[Votes ~uint64](options []int, sign int, past [][]Votes, lot Lot, why string) (int, *Tie) {
	for stage := len(past) - 1; stage >= 0 && len(options) > 1; stage-- {
		votes := past[stage]
		better := func(a, b int) bool { return sign > 0 && votes[a] > votes[b] || sign < 0 && votes[a] < votes[b] }
		best := options[0]
		for _, i := range options {
			if better(i, best) {
				best = i
			}
		}
		options = slices.DeleteFunc(slices.Clone(options), func(i int) bool { return better(best, i) })
	}
	if len(options) == 1 {
		return options[0], nil
	}
	options = slices.Clone(options)
	lot.sort(options)
	if sign < 0 {
		return options[len(options)-1], &Tie{options, why}
	}
	return options[0], &Tie{options, why}
}

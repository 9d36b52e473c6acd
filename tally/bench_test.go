package tally

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
)

// draw is a repeatable source of test ballots.
func draw() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// byNumber is the lot that prefers lower numbers.
func byNumber(n int) Lot {
	lot := make(Lot, n)
	for i := range lot {
		lot[i] = i
	}
	return lot
}

// city draws a participatory budget of the size of a large district: projects of very different cost,
// each voter approving some of the popular ones and some others.
func city(voters, projects int) (budget uint64, costs []uint64, ballots []Approval) {
	r := draw()
	for range projects {
		costs = append(costs, 5000+uint64(r.IntN(200))*uint64(r.IntN(2000)))
		budget += costs[len(costs)-1] / 4
	}
	for range voters {
		seen := make([]bool, projects)
		b := Approval{Weight: 1}
		for range 1 + r.IntN(15) {
			i := min(r.IntN(projects), r.IntN(projects), r.IntN(projects))
			if !seen[i] {
				seen[i] = true
				b.Options = append(b.Options, i)
			}
		}
		ballots = append(ballots, b)
	}
	return budget, costs, ballots
}

func BenchmarkEqualShares(b *testing.B) {
	for _, voters := range []int{1_000, 10_000, 100_000} {
		budget, costs, ballots := city(voters, 100)
		for _, raise := range []uint64{0, 1} {
			b.Run(fmt.Sprintf("voters=%d/raise=%d", voters, raise), func(b *testing.B) {
				for b.Loop() {
					r := CountEqualShares(budget, costs, slices.Values(ballots), byNumber(len(costs)), Shares{Raise: raise})
					b.ReportMetric(float64(r.Raises), "raises")
					b.ReportMetric(float64(len(r.Funded)), "funded")
				}
			})
		}
	}
}

// rankings yields the same random rankings again and again, so that a million need no memory.
func rankings(ballots, options, length int) iter.Seq[Ranking] {
	const different = 1000
	r := draw()
	var some []Ranking
	for range different {
		var b Ranking
		b.Weight = 1
		for _, i := range r.Perm(options)[:length] {
			b.Places = append(b.Places, []int{i})
		}
		some = append(some, b)
	}
	return func(yield func(Ranking) bool) {
		for i := range ballots {
			if !yield(some[i%different]) {
				return
			}
		}
	}
}

func BenchmarkSchulze(b *testing.B) {
	for _, c := range []struct{ options, length, ballots int }{{10, 10, 1_000_000}, {100, 10, 1_000_000}, {100, 100, 100_000}, {100, 100, 1_000_000}} {
		b.Run(fmt.Sprintf("options=%d/length=%d/ballots=%d", c.options, c.length, c.ballots), func(b *testing.B) {
			ballots := rankings(c.ballots, c.options, c.length)
			for b.Loop() {
				CountSchulze(c.options, ballots, byNumber(c.options))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.ballots), "ns/ballot")
		})
	}
}

// BenchmarkReadRankings is the floor under the counts of rankings: every place is looked at once.
func BenchmarkReadRankings(b *testing.B) {
	ballots := rankings(1_000_000, 100, 100)
	sum := 0
	for b.Loop() {
		for r := range ballots {
			for _, place := range r.Places {
				for _, i := range place {
					sum += i
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/ballot")
	if sum < 0 {
		b.Fatal(sum)
	}
}

func BenchmarkTransfers(b *testing.B) {
	for _, ballots := range []int{10_000, 100_000, 1_000_000} {
		seq := rankings(ballots, 20, 8)
		b.Run(fmt.Sprintf("runoff/ballots=%d", ballots), func(b *testing.B) {
			for b.Loop() {
				CountRunoff(20, seq, byNumber(20))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(ballots), "ns/ballot")
		})
		b.Run(fmt.Sprintf("stv/ballots=%d", ballots), func(b *testing.B) {
			for b.Loop() {
				CountSTV(20, 5, seq, byNumber(20))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(ballots), "ns/ballot")
		})
	}
}

func BenchmarkApproval(b *testing.B) {
	_, costs, ballots := city(100_000, 100)
	for b.Loop() {
		CountApproval(len(costs), slices.Values(ballots), byNumber(len(costs)))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e5, "ns/ballot")
}

package delegation

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// forest draws a roll in which three of ten vote and the others delegate to somebody anywhere in the
// roll. Depth limits how deep the delegations are; with 0 they go at random, circles among them.
func forest(n, depth int) *Roll {
	r := rand.New(rand.NewPCG(1, 2))
	roll := &Roll{Voices: make([]Voice, n), Ballots: 3}
	names := r.Perm(n)
	for i, v := range names {
		switch {
		case r.IntN(10) < 3 || i == 0:
			roll.Voices[v] = Voice{Own, int32(r.IntN(3))}
		case depth == 0:
			roll.Voices[v] = Voice{ToMember, int32(r.IntN(n))}
		default:
			roll.Voices[v] = Voice{ToMember, int32(names[r.IntN(i)])}
		}
	}
	return roll
}

// chains draws a roll of chains of a length, each to one voter who votes. In order, each voter delegates
// to the next number; else to one anywhere in the roll.
func chains(n, length int, inOrder bool) *Roll {
	names := rand.New(rand.NewPCG(1, 2)).Perm(n)
	roll := &Roll{Voices: make([]Voice, n), Ballots: 3}
	for i := range n {
		v, next := names[i], (i+1)%n
		to := names[next]
		if inOrder {
			v, to = i, next
		}
		if i%length == length-1 || i == n-1 {
			roll.Voices[v] = Voice{Own, int32(i % 3)}
		} else {
			roll.Voices[v] = Voice{ToMember, int32(to)}
		}
	}
	return roll
}

var shapes = []struct {
	name string
	draw func(n int) *Roll
}{
	{"direct", func(n int) *Roll { return chains(n, 1, true) }},
	{"random", func(n int) *Roll { return forest(n, 0) }},
	{"trees", func(n int) *Roll { return forest(n, 1) }},
	{"chains=1000", func(n int) *Roll { return chains(n, 1000, false) }},
	{"chain=n", func(n int) *Roll { return chains(n, n, true) }},
}

// plain is a roll as the smallest arrays that can hold it, for the floor.
type plain struct {
	to   []int32 // -1: nobody
	vote []int8  // -1: none
}

// count is the floor under Count: whose ballot each vote counts for and nothing else, no carriers, no
// groups, no fates. Delegations form a path that is walked to something known and once more to write it
// down.
func (p plain) count(known []int8, votes *[3]uint64) (lost uint64) {
	const unknown, walked, nothing = -3, -2, -1
	for i := range known {
		known[i] = unknown
	}
	for i := range p.to {
		var says int8
		at := int32(i)
		for {
			if k := known[at]; k != unknown {
				says = max(k, nothing)
				break
			}
			if says = p.vote[at]; says >= 0 || p.to[at] < 0 {
				break
			}
			known[at] = walked
			at = p.to[at]
		}
		if known[at] == unknown {
			known[at] = says
		}
		for at = int32(i); known[at] == walked; at = p.to[at] {
			known[at] = says
		}
		if says < 0 {
			lost++
		} else {
			votes[says]++
		}
	}
	return lost
}

func flatten(roll *Roll) plain {
	p := plain{make([]int32, len(roll.Voices)), make([]int8, len(roll.Voices))}
	for i, voice := range roll.Voices {
		p.to[i], p.vote[i] = -1, -1
		switch voice.Way {
		case Own:
			p.vote[i] = int8(voice.To)
		case ToMember:
			p.to[i] = voice.To
		}
	}
	return p
}

// TestFloor holds the floor to what it is a floor of.
func TestFloor(t *testing.T) {
	for _, shape := range shapes {
		roll := shape.draw(5000)
		if err := roll.Check(); err != nil {
			t.Fatal(err)
		}
		var votes [3]uint64
		lost := flatten(roll).count(make([]int8, 5000), &votes)
		r := Count(roll)
		if [3]uint64(r.Votes) != votes || 5000-r.Fates[Counted] != lost {
			t.Errorf("%s: the floor counts %v and loses %d, Count %v and %v", shape.name, votes, lost, r.Votes, r.Fates)
		}
	}
}

var sizes = []int{10_000, 100_000, 1_000_000}

func perVote(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/vote")
}

func BenchmarkFloor(b *testing.B) {
	for _, shape := range shapes {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/n=%d", shape.name, n), func(b *testing.B) {
				p := flatten(shape.draw(n))
				for b.Loop() {
					var votes [3]uint64
					p.count(make([]int8, n), &votes)
				}
				perVote(b, n)
			})
		}
	}
}

func BenchmarkCount(b *testing.B) {
	for _, shape := range shapes {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/n=%d", shape.name, n), func(b *testing.B) {
				roll := shape.draw(n)
				for b.Loop() {
					Count(roll)
				}
				perVote(b, n)
			})
		}
	}
}

// BenchmarkCap cuts nearly all votes of a few carriers: the most that a cap can cost.
func BenchmarkCap(b *testing.B) {
	for _, length := range []int{1000, 1_000_000} {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("length=%d/n=%d", length, n), func(b *testing.B) {
				roll := chains(n, min(n, length), false)
				roll.Cap, roll.Given = Share{1, uint64(n)}, make([]uint64, n)
				for i := range roll.Given {
					roll.Given[i] = uint64(i * 7 % 1000)
				}
				for b.Loop() {
					Count(roll)
				}
				perVote(b, n)
			})
		}
	}
}

// BenchmarkGroups has a group of 15 for every 15 voters, and all who don't vote follow one.
func BenchmarkGroups(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			roll := forest(n, 0)
			for g := range n / MaxGroup {
				members := make([]int32, MaxGroup)
				for i := range members {
					members[i] = int32(g*MaxGroup + i)
				}
				roll.Groups = append(roll.Groups, Group{members, 8})
			}
			for v, voice := range roll.Voices {
				if voice.Way == ToMember {
					roll.Voices[v] = Voice{ToGroup, voice.To % int32(n/MaxGroup)}
				}
			}
			for b.Loop() {
				Count(roll)
			}
			perVote(b, n)
		})
	}
}

// BenchmarkChoose picks one of eight mandates for a proposal with three tags.
func BenchmarkChoose(b *testing.B) {
	q := Question{Proposal: "proposal 1234", Tags: []string{"housing", "money", "north"}, Track: "budget", Time: 50, Term: DefaultTerm}
	var mandates []Mandate
	for i := range 5 {
		mandates = append(mandates, Mandate{Scope: Tag, Subject: fmt.Sprint("tag ", i)})
	}
	mandates = append(mandates, Mandate{Scope: Tag, Subject: "north"}, Mandate{Scope: Track, Subject: "budget"}, Mandate{})
	for b.Loop() {
		if Choose(mandates, q) != 5 {
			b.Fatal("chose another")
		}
	}
}

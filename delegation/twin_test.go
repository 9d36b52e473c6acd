package delegation

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// twin is a result by the definition: what everybody says is raised from nothing until no rule raises
// it further, and each chain is walked anew from its voter.
type twin struct {
	says    []int // of each carrier: a ballot or None
	ends    []int
	depths  []int
	fates   []Fate
	votes   []uint64
	carried []int32
}

func naive(roll *Roll) twin {
	n := len(roll.Voices)
	t := twin{says: make([]int, roll.Carriers()), votes: make([]uint64, roll.Ballots), carried: make([]int32, roll.Carriers())}
	for i := range t.says {
		t.says[i] = None
	}
	for again := true; again; {
		again = false
		for c, said := range t.says {
			t.says[c] = t.sound(roll, c)
			again = again || t.says[c] != said
		}
	}
	for v := range n {
		end, depth := v, 0
		for depth <= n && !stays(roll, end) {
			end = next(roll, end)
			depth++
		}
		if depth > n {
			end = InCircle
		}
		t.ends, t.depths = append(t.ends, end), append(t.depths, depth)
		t.fates = append(t.fates, t.fate(roll, v))
	}
	if roll.Cap.Den > 0 {
		t.cap(roll)
	}
	for v, fate := range t.fates {
		if fate == Counted {
			t.votes[t.says[v]]++
			t.carried[t.ends[v]]++
		}
	}
	return t
}

// stays tells whether a chain ends at a carrier.
func stays(roll *Roll, c int) bool { return c >= len(roll.Voices) || roll.Voices[c].Way <= Own }

// next is where a vote goes from a voter with whom it does not stay.
func next(roll *Roll, v int) int {
	switch voice := roll.Voices[v]; voice.Way {
	case ToMember:
		return int(voice.To)
	case ToGroup:
		return len(roll.Voices) + int(voice.To)
	case ToProgram:
		return len(roll.Voices) + len(roll.Groups) + int(voice.To)
	}
	panic("the vote stays")
}

// sound is what a carrier says if all others say what they do now.
func (t *twin) sound(roll *Roll, c int) int {
	n, g := len(roll.Voices), len(roll.Groups)
	switch {
	case c >= n+g:
		return int(roll.Programs[c-n-g])
	case c >= n:
		for ballot := range roll.Ballots {
			agree := 0
			for _, m := range roll.Groups[c-n].Members {
				if t.says[m] == ballot {
					agree++
				}
			}
			if agree >= roll.Groups[c-n].Threshold {
				return ballot
			}
		}
		return None
	case roll.Voices[c].Way == Own:
		return int(roll.Voices[c].To)
	case stays(roll, c):
		return None
	}
	return t.says[next(roll, c)]
}

func (t *twin) fate(roll *Roll, v int) Fate {
	n, end := len(roll.Voices), t.ends[v]
	switch {
	case end == InCircle:
		return Circular
	case t.says[v] != None:
		return Counted
	case end == v:
		return Unused
	case end < n:
		return Unheard
	case end < n+len(roll.Groups):
		return Undecided
	}
	return Answerless
}

// cap cuts one vote after the other from whoever carries too many.
func (t *twin) cap(roll *Roll) {
	limit := max(1, len(roll.Voices)*int(roll.Cap.Num)/int(roll.Cap.Den))
	for c := range t.says {
		for {
			var carried []int
			for v := range roll.Voices {
				if t.ends[v] == c && t.fates[v] == Counted {
					carried = append(carried, v)
				}
			}
			if len(carried) <= limit {
				break
			}
			worst := carried[0]
			for _, v := range carried {
				given := func(v int) uint64 {
					if roll.Given == nil {
						return 0
					}
					return roll.Given[v]
				}
				if t.depths[v] > t.depths[worst] || t.depths[v] == t.depths[worst] && given(v) >= given(worst) {
					worst = v
				}
			}
			t.fates[worst] = Cut
		}
	}
}

// drawRoll draws a roll in which all that can happen does.
func drawRoll(t *rapid.T, most int) *Roll {
	n := rapid.IntRange(1, most).Draw(t, "voters")
	voter := rapid.Int32Range(0, int32(n)-1)
	roll := &Roll{Ballots: rapid.SampledFrom([]int{1, 2, 2, 3}).Draw(t, "ballots")}
	ballot := rapid.Int32Range(0, int32(roll.Ballots)-1)
	for range rapid.IntRange(0, 6).Draw(t, "groups") {
		g := Group{Members: rapid.SliceOfNDistinct(voter, 0, min(n, 5), rapid.ID).Draw(t, "members")}
		g.Threshold = len(g.Members)/2 + rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "threshold")
		roll.Groups = append(roll.Groups, g)
	}
	roll.Programs = rapid.SliceOfN(rapid.OneOf(ballot, rapid.Just(int32(None))), 0, 3).Draw(t, "programs")
	directs := rapid.SampledFrom([]int{0, 1, 4}).Draw(t, "directs")
	for range n {
		voice := Voice{Way: rapid.SampledFrom([]Way{Nothing, Own, Own, ToMember, ToGroup, ToGroup, ToProgram}).Draw(t, "way")}
		if rapid.IntRange(0, 4).Draw(t, "mostly") > directs {
			voice.Way = ToMember
		}
		switch {
		case voice.Way == Own:
			voice.To = ballot.Draw(t, "ballot")
		case voice.Way == ToGroup && len(roll.Groups) > 0:
			voice.To = rapid.Int32Range(0, int32(len(roll.Groups))-1).Draw(t, "group")
		case voice.Way == ToProgram && len(roll.Programs) > 0:
			voice.To = rapid.Int32Range(0, int32(len(roll.Programs))-1).Draw(t, "program")
		case voice.Way == ToMember:
			voice.To = voter.Draw(t, "voter")
		default:
			voice.Way = Nothing
		}
		roll.Voices = append(roll.Voices, voice)
	}
	if rapid.Bool().Draw(t, "cap") {
		roll.Cap.Den = rapid.Uint64Range(1, 12).Draw(t, "den")
		roll.Cap.Num = rapid.Uint64Range(1, roll.Cap.Den).Draw(t, "num")
	}
	if rapid.Bool().Draw(t, "given") {
		roll.Given = rapid.SliceOfN(rapid.Uint64Range(0, 5), n, n).Draw(t, "times")
	}
	if err := roll.Check(); err != nil {
		t.Fatal(err)
	}
	return roll
}

func TestTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if err := compare(drawRoll(t, 60)); err != nil {
			t.Fatal(err)
		}
	})
}

// compare counts a roll in both ways.
func compare(roll *Roll) error {
	r, want := Count(roll), naive(roll)
	if !slices.Equal(r.Votes, want.votes) {
		return fmt.Errorf("votes %v, want %v", r.Votes, want.votes)
	}
	if !slices.Equal(r.Carried, want.carried) {
		return fmt.Errorf("carried %v, want %v", r.Carried, want.carried)
	}
	for c, says := range want.says {
		if r.Ballot(c) != says {
			return fmt.Errorf("carrier %d says %d, want %d", c, r.Ballot(c), says)
		}
	}
	var fates [len(fates)]uint64
	trees := make([][]int, roll.Carriers())
	for v, fate := range want.fates {
		fates[fate]++
		if r.Fate(v) != fate || r.End(v) != want.ends[v] {
			return fmt.Errorf("voter %d: %v at %d, want %v at %d", v, r.Fate(v), r.End(v), fate, want.ends[v])
		}
		if end := want.ends[v]; end != InCircle {
			for len(trees[end]) <= want.depths[v] {
				trees[end] = append(trees[end], 0)
			}
			trees[end][want.depths[v]]++
		}
		if err := compareChain(roll, r, v, want); err != nil {
			return err
		}
	}
	if r.Fates != fates {
		return fmt.Errorf("fates %v, want %v", r.Fates, fates)
	}
	for c, want := range trees {
		if sizes, farther := r.Tree(c, len(want)); !slices.Equal(sizes, want) || farther != 0 {
			return fmt.Errorf("tree of %d: %v and %d, want %v", c, sizes, farther, want)
		}
	}
	return nil
}

// compareChain walks the chain of a voter as Chain must.
func compareChain(roll *Roll, r *Result, v int, want twin) error {
	var way []int
	for at := v; ; at = next(roll, at) {
		met := slices.Contains(way, at)
		way = append(way, at)
		if met || stays(roll, at) {
			break
		}
	}
	steps, total := r.Chain(v, len(way))
	var got []int
	for _, s := range steps {
		got = append(got, s.Carrier)
	}
	last := steps[len(steps)-1].Why
	speaks := last == CastsBallot || last == GroupAgrees || last == ProgramAnswers
	if !slices.Equal(got, way) || total != len(way) || speaks != (want.says[v] != None) || (last == SeenBefore) != (want.ends[v] == InCircle) {
		return fmt.Errorf("chain of %d: %v of %d, want %v", v, steps, total, way)
	}
	return nil
}

// TestAllSmall goes through all rolls of four voters who do nothing, vote for 0 or 1, or delegate to any
// of them or to the group of the last three.
func TestAllSmall(t *testing.T) {
	voices := []Voice{{}, {Own, 0}, {Own, 1}, {ToMember, 0}, {ToMember, 1}, {ToMember, 2}, {ToMember, 3}, {ToGroup, 0}}
	roll := &Roll{Voices: make([]Voice, 4), Groups: []Group{{[]int32{1, 2, 3}, 2}}, Ballots: 2}
	for i := range 8 * 8 * 8 * 8 {
		for v := range roll.Voices {
			roll.Voices[v] = voices[i>>(3*v)%8]
		}
		for _, roll.Cap = range []Share{{}, {1, 2}} {
			if err := compare(roll); err != nil {
				t.Fatalf("%+v: %v", roll, err)
			}
		}
	}
}

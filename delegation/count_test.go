package delegation

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestTwinMany compares with the twin on more rolls, always the same ones, and checks that everything
// that can happen to a vote happened.
func TestTwinMany(t *testing.T) {
	rolls := rapid.Custom(func(t *rapid.T) *Roll { return drawRoll(t, 20) })
	var happened [len(fates)]uint64
	through := 0 // groups that decided by the word of another group
	for i := range 10_000 {
		roll := rolls.Example(i)
		if err := compare(roll); err != nil {
			t.Fatalf("roll %d, %+v: %v", i, roll, err)
		}
		r := Count(roll)
		for fate, votes := range r.Fates {
			happened[fate] += votes
		}
		for g, group := range roll.Groups {
			if r.says[g] != None && slices.ContainsFunc(group.Members, func(m int32) bool { return roll.Voices[m].Way == ToGroup && r.Ballot(int(m)) != None }) {
				through++
			}
		}
	}
	if least := slices.Min(happened[:]); least < 100 || through < 100 {
		t.Errorf("fates %v and %d groups through groups: some hardly happen", happened, through)
	}
}

// TestWhole checks that no vote counts twice or is forgotten, and none above the cap.
func TestWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roll := drawRoll(t, 60)
		r := Count(roll)
		sum := func(numbers []uint64) (s uint64) {
			for _, n := range numbers {
				s += n
			}
			return s
		}
		if sum(r.Fates[:]) != uint64(len(roll.Voices)) || sum(r.Votes) != r.Fates[Counted] {
			t.Fatalf("%v for ballots, fates %v, of %d", r.Votes, r.Fates, len(roll.Voices))
		}
		carried := uint64(0)
		for _, votes := range r.Carried {
			carried += uint64(votes)
			if c := roll.Cap; c.Den > 0 && votes > 1 && uint64(votes)*c.Den > uint64(len(roll.Voices))*c.Num {
				t.Fatalf("one carries %d of %d, allowed are %d/%d", votes, len(roll.Voices), c.Num, c.Den)
			}
		}
		if carried != r.Fates[Counted] {
			t.Fatalf("%d are carried, %d counted", carried, r.Fates[Counted])
		}
		for v, voice := range roll.Voices {
			if voice.Way == Own && (r.Fate(v) != Counted || r.Ballot(v) != int(voice.To)) {
				t.Fatalf("voter %d cast a ballot, and it was %v for %d", v, r.Fate(v), r.Ballot(v))
			}
		}
	})
}

// TestRelabel checks that with other numbers for voters, groups and programs everybody gets the same.
func TestRelabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roll := drawRoll(t, 60)
		roll.Given = rapid.Permutation(numbers[uint64](len(roll.Voices))).Draw(t, "given") // no number decides
		names := rapid.Permutation(numbers[int32](len(roll.Voices))).Draw(t, "voters")
		groups := rapid.Permutation(numbers[int32](len(roll.Groups))).Draw(t, "groups")
		programs := rapid.Permutation(numbers[int32](len(roll.Programs))).Draw(t, "programs")
		other := *roll
		other.Voices, other.Given = make([]Voice, len(names)), make([]uint64, len(names))
		other.Groups, other.Programs = make([]Group, len(groups)), make([]int32, len(programs))
		for v, voice := range roll.Voices {
			switch voice.Way {
			case ToMember:
				voice.To = names[voice.To]
			case ToGroup:
				voice.To = groups[voice.To]
			case ToProgram:
				voice.To = programs[voice.To]
			}
			other.Voices[names[v]], other.Given[names[v]] = voice, roll.Given[v]
		}
		for g, group := range roll.Groups {
			group.Members = slices.Clone(group.Members)
			for i, m := range group.Members {
				group.Members[i] = names[m]
			}
			slices.Reverse(group.Members)
			other.Groups[groups[g]] = group
		}
		for p, ballot := range roll.Programs {
			other.Programs[programs[p]] = ballot
		}
		a, b := Count(roll), Count(&other)
		if !slices.Equal(a.Votes, b.Votes) || a.Fates != b.Fates {
			t.Fatalf("%v and %v, relabelled %v and %v", a.Votes, a.Fates, b.Votes, b.Fates)
		}
		for v, name := range names {
			if a.Fate(v) != b.Fate(int(name)) || a.Ballot(v) != b.Ballot(int(name)) || a.Carried[v] != b.Carried[name] {
				t.Fatalf("voter %d: %v, as voter %d %v", v, a.Fate(v), name, b.Fate(int(name)))
			}
		}
	})
}

func numbers[N int32 | uint64](n int) []N {
	all := make([]N, n)
	for i := range all {
		all[i] = N(i)
	}
	return all
}

// TestOverride checks that a ballot that a voter casts instead of delegating moves those alone who hear of
// that voter's word, by delegation or through groups, and that WhatIf says so and leaves the count alone.
func TestOverride(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roll := drawRoll(t, 60)
		roll.Cap = Share{}
		voter := rapid.IntRange(0, len(roll.Voices)-1).Draw(t, "who")
		before := Count(roll)
		voice := Voice{Own, rapid.Int32Range(0, int32(roll.Ballots)-1).Draw(t, "ballot")}
		after, err := before.WhatIf(voter, voice)
		if err != nil {
			t.Fatal(err)
		}
		if after.Fate(voter) != Counted || after.Ballot(voter) != int(voice.To) || after.End(voter) != voter {
			t.Fatalf("the voter's own ballot is %v", after.Fate(voter))
		}
		hears := make([]bool, roll.Carriers())
		hears[voter] = true
		for again := true; again; {
			again = false
			for c := range hears {
				var hear bool
				if way, g := roll.Carrier(c); way == ToGroup {
					hear = slices.ContainsFunc(roll.Groups[g].Members, func(m int32) bool { return hears[m] })
				} else if !stays(roll, c) {
					hear = hears[next(roll, c)]
				}
				if hear && !hears[c] {
					hears[c], again = true, true
				}
			}
		}
		for v := range roll.Voices {
			if !hears[v] && (before.Fate(v) != after.Fate(v) || before.Ballot(v) != after.Ballot(v) || before.End(v) != after.End(v)) {
				t.Fatalf("voter %d hears nothing of voter %d, and moves from %d (%v) to %d (%v)", v, voter, before.Ballot(v), before.Fate(v), after.Ballot(v), after.Fate(v))
			}
		}
		if err := compare(roll); err != nil {
			t.Fatal("after WhatIf: ", err)
		}
	})
}

// TestDeep follows chains as long as the roll: to a ballot, into a circle, and to a carrier with a cap.
func TestDeep(t *testing.T) {
	const n = 1_000_000
	roll := chains(n, n, true)
	if r := Count(roll); r.Votes[(n-1)%3] != n {
		t.Errorf("a long chain carries %v", r.Votes)
	}
	roll.Cap = Share{1, 4}
	r := Count(roll)
	if r.Votes[(n-1)%3] != n/4 || r.Fates[Cut] != n-n/4 || r.Fate(n-n/4) != Counted || r.Fate(n-n/4-1) != Cut {
		t.Errorf("a long chain under a cap carries %v, fates %v", r.Votes, r.Fates)
	}
	steps, total := r.Chain(0, 2)
	if total != n || !slices.Equal(steps, []Step{{0, DelegatesToMember}, {1, DelegatesToMember}}) {
		t.Errorf("chain %v of %d", steps, total)
	}
	if sizes, farther := r.Tree(n-1, 3); !slices.Equal(sizes, []int{1, 1, 1}) || farther != n-3 {
		t.Errorf("tree %v and %d", sizes, farther)
	}
	roll.Voices[n-1] = Voice{ToMember, 0}
	r = Count(roll)
	if r.Fates[Circular] != n {
		t.Errorf("a circle of all has fates %v", r.Fates)
	}
	if steps, total := r.Chain(0, n+1); total != n+1 || steps[n] != (Step{0, SeenBefore}) {
		t.Errorf("the circle has %d steps", total)
	}
}

// TestDeepGroups follows groups of which each waits for the next.
func TestDeepGroups(t *testing.T) {
	const n = 100_000
	roll := &Roll{Ballots: 1}
	for i := range int32(n) {
		roll.Voices = append(roll.Voices, Voice{ToGroup, i + 1})
		roll.Groups = append(roll.Groups, Group{[]int32{i}, 1})
	}
	roll.Voices[n-1] = Voice{Own, 0}
	if r := Count(roll); r.Votes[0] != n || r.Carried[roll.GroupCarrier(n-1)] != 1 {
		t.Errorf("votes %v, fates %v", r.Votes, r.Fates)
	}
	roll.Voices[n-1] = Voice{ToGroup, 0}
	if r := Count(roll); r.Fates[Undecided] != n {
		t.Errorf("groups that wait for each other: fates %v", r.Fates)
	}
}

// story is a roll in which ten members do what members do:
// 0 votes, 1 and 2 follow 0, 3 follows 2; 4 and 5 follow each other; 6 follows the group of 0, 4 and 7;
// 7 votes like 0; 8 follows a program and 9 does nothing.
func story() *Roll {
	return &Roll{
		Voices: []Voice{{Own, 1}, {ToMember, 0}, {ToMember, 0}, {ToMember, 2}, {ToMember, 5}, {ToMember, 4}, {ToGroup, 0}, {Own, 1}, {ToProgram, 0}, {}},
		Groups: []Group{{[]int32{0, 4, 7}, 2}}, Programs: []int32{0}, Ballots: 2,
	}
}

func TestStory(t *testing.T) {
	roll := story()
	if err := roll.Check(); err != nil {
		t.Fatal(err)
	}
	r := Count(roll)
	check := func(name string, got any, want string) {
		t.Helper()
		b, err := json.Marshal(got)
		if err != nil || string(b) != want {
			t.Errorf("%s: %s %v, want %s", name, b, err, want)
		}
	}
	check("votes", r.Votes, "[1,6]")
	check("carried", r.Carried, "[4,0,0,0,0,0,0,1,0,0,1,1]")
	check("fates", r.Fates, "[7,1,0,2,0,0,0]")
	for v, want := range []string{
		`[{"carrier":0,"why":"casts a ballot"}]`,
		`[{"carrier":1,"why":"delegates to a member"},{"carrier":0,"why":"casts a ballot"}]`,
		`[{"carrier":2,"why":"delegates to a member"},{"carrier":0,"why":"casts a ballot"}]`,
		`[{"carrier":3,"why":"delegates to a member"},{"carrier":2,"why":"delegates to a member"},{"carrier":0,"why":"casts a ballot"}]`,
		`[{"carrier":4,"why":"delegates to a member"},{"carrier":5,"why":"delegates to a member"},{"carrier":4,"why":"the chain was here before: it runs in a circle"}]`,
		`[{"carrier":5,"why":"delegates to a member"},{"carrier":4,"why":"delegates to a member"},{"carrier":5,"why":"the chain was here before: it runs in a circle"}]`,
		`[{"carrier":6,"why":"delegates to a group"},{"carrier":10,"why":"the group agrees on a ballot"}]`,
		`[{"carrier":7,"why":"casts a ballot"}]`,
		`[{"carrier":8,"why":"delegates to a program"},{"carrier":11,"why":"the program answers with a ballot"}]`,
		`[{"carrier":9,"why":"neither votes nor delegates"}]`,
	} {
		steps, total := r.Chain(v, 10)
		check("chain", steps, want)
		if total != len(steps) {
			t.Errorf("chain of %d: %d steps", v, total)
		}
	}
	sizes, farther := r.Tree(0, 2)
	check("tree", []any{sizes, farther}, "[[1,2],1]")

	after, err := r.WhatIf(7, Voice{Own, 0})
	if err != nil {
		t.Fatal(err)
	}
	check("what if 7 voted 0", after.Votes, "[2,4]")
	steps, _ := after.Chain(6, 10)
	check("chain", steps, `[{"carrier":6,"why":"delegates to a group"},{"carrier":10,"why":"too few of the group say the same"}]`)
	check("fate", after.Fate(6), `"ends at a group in which too few say the same"`)
	if _, err := r.WhatIf(7, Voice{ToMember, 10}); !errors.Is(err, ErrTarget) {
		t.Errorf("what if 7 followed nobody: %v", err)
	}

	roll.Cap = Share{3, 10} // 0 loses the farthest vote
	r = Count(roll)
	check("votes under a cap", r.Votes, "[1,5]")
	check("fate", []Fate{r.Fate(3), r.Fate(2)}, `["is above the share that one delegate may carry","counted"]`)
	roll.Cap = Share{2, 10} // and then the later given of two
	roll.Given = []uint64{0, 6, 5, 1, 0, 0, 0, 0, 0, 0}
	r = Count(roll)
	check("fate", []Fate{r.Fate(1), r.Fate(2), r.Fate(3)}, `["is above the share that one delegate may carry","counted","is above the share that one delegate may carry"]`)
	roll.Given[2] = 6 // given together: the higher number goes
	r = Count(roll)
	check("fate", []Fate{r.Fate(1), r.Fate(2)}, `["counted","is above the share that one delegate may carry"]`)
	roll.Given = nil
	r = Count(roll)
	check("fate", []Fate{r.Fate(1), r.Fate(2)}, `["counted","is above the share that one delegate may carry"]`)
}

// TestCutSpeaks checks that the cap takes weight away and not words: a member of a group whose vote is cut
// still says there what the delegate says.
func TestCutSpeaks(t *testing.T) {
	roll := &Roll{
		Voices: []Voice{{Own, 0}, {ToMember, 0}, {ToMember, 0}, {ToGroup, 0}}, Groups: []Group{{[]int32{1, 2}, 2}}, Ballots: 1,
		Cap: Share{1, 4},
	}
	r := Count(roll)
	if r.Fate(1) != Cut || r.Fate(2) != Cut || r.Fate(3) != Counted || r.Votes[0] != 2 {
		t.Errorf("votes %v, fates %v", r.Votes, r.Fates)
	}
}

func TestCheck(t *testing.T) {
	change := func(f func(*Roll)) *Roll {
		roll := story()
		f(roll)
		return roll
	}
	sixteen := Group{numbers[int32](MaxGroup + 1), MaxGroup}
	for i, c := range []struct {
		roll *Roll
		want error
	}{
		{&Roll{}, nil},
		{story(), nil},
		{change(func(r *Roll) { r.Ballots = -1 }), ErrRoll},
		{change(func(r *Roll) { r.Ballots = MaxVoters + 1 }), ErrRoll},
		{change(func(r *Roll) { r.Cap = Share{0, 1} }), ErrCap},
		{change(func(r *Roll) { r.Cap = Share{1, 0} }), ErrCap},
		{change(func(r *Roll) { r.Cap = Share{3, 2} }), ErrCap},
		{change(func(r *Roll) { r.Cap = Share{1, MaxShare + 1} }), ErrCap},
		{change(func(r *Roll) { r.Cap = Share{MaxShare, MaxShare} }), nil},
		{change(func(r *Roll) { r.Given = make([]uint64, 9) }), ErrGiven},
		{change(func(r *Roll) { r.Voices[0].Way = ToProgram + 1 }), ErrWay},
		{change(func(r *Roll) { r.Voices[0] = Voice{Own, 2} }), ErrTarget},
		{change(func(r *Roll) { r.Voices[0] = Voice{Own, -1} }), ErrTarget},
		{change(func(r *Roll) { r.Voices[0] = Voice{ToMember, 10} }), ErrTarget},
		{change(func(r *Roll) { r.Voices[0] = Voice{ToGroup, 1} }), ErrTarget},
		{change(func(r *Roll) { r.Voices[0] = Voice{ToProgram, 1} }), ErrTarget},
		{change(func(r *Roll) { r.Voices[0] = Voice{Nothing, 1} }), ErrTarget},
		{change(func(r *Roll) { r.Programs[0] = 2 }), ErrTarget},
		{change(func(r *Roll) { r.Programs[0] = -2 }), ErrTarget},
		{change(func(r *Roll) { r.Programs[0] = None }), nil},
		{change(func(r *Roll) { r.Groups[0].Members[0] = 10 }), ErrMembers},
		{change(func(r *Roll) { r.Groups[0].Members[0] = -1 }), ErrMembers},
		{change(func(r *Roll) { r.Groups[0].Members[0] = 7 }), ErrMembers},
		{change(func(r *Roll) { r.Voices = make([]Voice, 20); r.Groups[0] = sixteen }), ErrMembers},
		{change(func(r *Roll) { r.Groups[0].Threshold = 1 }), ErrThreshold},
		{change(func(r *Roll) { r.Groups[0] = Group{[]int32{1, 2}, 1} }), ErrThreshold},
		{change(func(r *Roll) { r.Groups[0] = Group{nil, 0} }), ErrThreshold},
		{change(func(r *Roll) { r.Groups[0].Threshold = MaxGroup + 1 }), ErrThreshold},
		{change(func(r *Roll) { r.Groups[0] = Group{[]int32{1}, 3} }), nil}, // two have left the roll
	} {
		if err := c.roll.Check(); !errors.Is(err, c.want) {
			t.Errorf("case %d: %v, want %v", i, err, c.want)
		}
	}
}

// FuzzCount counts whatever passes Check.
func FuzzCount(f *testing.F) {
	f.Add([]byte{3, 1, 1, 0, 2, 0, 2, 1, 3, 0, 4, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := rand.New(rand.NewPCG(uint64(len(b)), 1))
		roll := &Roll{Ballots: 3, Cap: Share{uint64(r.IntN(3)), 3}, Programs: []int32{0, None}}
		for ; len(b) > 1 && len(roll.Voices) < 40; b = b[2:] {
			roll.Voices = append(roll.Voices, Voice{Way(b[0]), int32(b[1])})
		}
		for range r.IntN(4) {
			roll.Groups = append(roll.Groups, Group{[]int32{int32(r.IntN(9)), int32(r.IntN(9)), int32(r.IntN(9))}, 1 + r.IntN(3)})
		}
		if roll.Check() != nil {
			return
		}
		if err := compare(roll); err != nil {
			t.Fatal(err)
		}
	})
}

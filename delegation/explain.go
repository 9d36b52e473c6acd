package delegation

import "fmt"

// End is the carrier at which a voter's chain ends, or InCircle.
func (r *Result) End(voter int) int { return int(r.ends[voter]) }

// Ballot is the ballot that a carrier says, or None: its own or that of whom it delegated to. The cap
// does not change it, so what counts is the Fate.
func (r *Result) Ballot(carrier int) int {
	if carrier < len(r.ends) {
		if carrier = r.End(carrier); carrier == InCircle {
			return None
		}
	}
	return int(r.ballot(int32(carrier)))
}

// Fate is what became of a voter's vote.
func (r *Result) Fate(voter int) Fate {
	end := r.End(voter)
	if end == InCircle {
		return Circular
	}
	if r.ballot(int32(end)) != None {
		if r.cut != nil && r.cut[voter] {
			return Cut
		}
		return Counted
	}
	switch way, _ := r.roll.Carrier(end); {
	case way == ToGroup:
		return Undecided
	case way == ToProgram:
		return Answerless
	case end == voter:
		return Unused
	}
	return Unheard
}

// Reason is what happens to a vote at one step of its chain.
type Reason uint8

// The reasons. All but the delegations are where a chain ends.
const (
	CastsBallot Reason = iota
	DelegatesToMember
	DelegatesToGroup
	DelegatesToProgram
	SaysNothing
	GroupAgrees
	GroupDisagrees
	ProgramAnswers
	ProgramFails
	SeenBefore
)

var reasons = [...]string{
	"casts a ballot", "delegates to a member", "delegates to a group", "delegates to a program", "neither votes nor delegates",
	"the group agrees on a ballot", "too few of the group say the same", "the program answers with a ballot", "the program gives no ballot",
	"the chain was here before: it runs in a circle",
}

func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// MarshalText is the reason in words.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Step is one step of a chain.
type Step struct {
	Carrier int    `json:"carrier"`
	Why     Reason `json:"why"`
}

// Chain is the way of a voter's vote, from the voter to where it ends or to the first carrier that it
// meets again. It returns the first of its steps, at most so many, and how many there are.
func (r *Result) Chain(voter, most int) (steps []Step, total int) {
	seen := map[int]bool{} // stays empty where there is no circle
	for at, ended := voter, false; !ended; total++ {
		var step Step
		step, at, ended = r.step(at)
		if seen[step.Carrier] {
			step.Why, ended = SeenBefore, true
		}
		if r.ends[voter] == InCircle {
			seen[step.Carrier] = true
		}
		if len(steps) < most {
			steps = append(steps, step)
		}
	}
	return steps, total
}

// step is what happens at a carrier, and the next one unless the chain ends there.
func (r *Result) step(at int) (s Step, next int, ended bool) {
	choose := func(yes, no Reason) (Step, int, bool) {
		if r.ballot(int32(at)) == None {
			yes = no
		}
		return Step{at, yes}, at, true
	}
	switch way, _ := r.roll.Carrier(at); way {
	case ToGroup:
		return choose(GroupAgrees, GroupDisagrees)
	case ToProgram:
		return choose(ProgramAnswers, ProgramFails)
	}
	switch voice := r.roll.Voices[at]; voice.Way {
	case ToMember:
		return Step{at, DelegatesToMember}, int(voice.To), false
	case ToGroup:
		return Step{at, DelegatesToGroup}, r.roll.GroupCarrier(int(voice.To)), false
	case ToProgram:
		return Step{at, DelegatesToProgram}, r.roll.ProgramCarrier(int(voice.To)), false
	}
	return choose(CastsBallot, SaysNothing)
}

// Tree counts the votes whose chains end at a carrier by their distance from it in steps, also those cut
// or lost there: a voter's own is at distance 0, and there is none at 0 from a group or program. It returns
// the counts of at most so many distances and the number of votes farther away. It takes time linear in
// the roll.
func (r *Result) Tree(carrier, most int) (sizes []int, farther int) {
	depths := r.depths()
	for v, end := range r.ends {
		if int(end) != carrier {
			continue
		}
		depth := int(depths[v])
		if depth >= most {
			farther++
			continue
		}
		for len(sizes) <= depth {
			sizes = append(sizes, 0)
		}
		sizes[depth]++
	}
	return sizes, farther
}

// WhatIf counts the roll again with another voice of one voter: a plain recount, linear in the roll. It
// returns ErrWay or ErrTarget if the voter can't do that.
func (r *Result) WhatIf(voter int, voice Voice) (*Result, error) {
	if err := r.roll.checkVoice(voice); err != nil {
		return nil, fmt.Errorf("%w: voter %d, number %d", err, voter, voice.To)
	}
	roll := *r.roll
	roll.Voices = append([]Voice(nil), roll.Voices...)
	roll.Voices[voter] = voice
	return Count(&roll), nil
}

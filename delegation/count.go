package delegation

import (
	"cmp"
	"fmt"
	"slices"
)

// InCircle stands in place of a carrier's number where a chain runs in a circle and has no end.
const InCircle = -1

// Fate is what became of a vote.
type Fate uint8

// The fates. Each vote has one, and only Counted ones count for a ballot.
const (
	Counted    Fate = iota
	Unused          // the voter neither voted nor delegated
	Unheard         // the chain ends at a voter who neither voted nor delegated
	Circular        // the chain runs in a circle in which nobody voted
	Undecided       // the chain ends at a group in which too few said the same
	Answerless      // the chain ends at a program that answered with no ballot
	Cut             // the carrier already carries the largest share allowed
)

var fates = [...]string{
	"counted", "neither voted nor delegated", "ends at a member who neither voted nor delegated", "runs in a circle in which nobody voted",
	"ends at a group in which too few say the same", "ends at a program that gave no ballot", "is above the share that one delegate may carry",
}

func (f Fate) String() string {
	if int(f) < len(fates) {
		return fates[f]
	}
	return fmt.Sprintf("fate %d", uint8(f))
}

// MarshalText is the fate in words.
func (f Fate) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Result is a roll, counted.
type Result struct {
	Votes   []uint64           // for each ballot
	Fates   [len(fates)]uint64 // how many votes had each Fate; together they are the roll
	Carried []int32            // votes that each carrier carries, its own among them, after the cap; 0 for one without a ballot

	roll *Roll
	ends []int32 // of each voter: the carrier where the chain ends, or InCircle
	says []int32 // of each group: the ballot it decided on, or None
	cut  []bool  // of each voter: the cap cut the vote; nil if it cut none
}

// While chains are followed, ends holds who comes next in place of an end that is not known yet: the
// number n of a voter as hop-n, and less by passed, which is above MaxVoters, once the walk has gone there.
// So a walk touches one array of 4 bytes a voter, and it is memory that a walk waits for.
const (
	hop    = InCircle - 1
	passed = 1 << 30
)

// Count finds for each vote of the roll where its chain ends and whether it counts. The roll must pass
// Check and must not change while the result is in use. It takes time linear in voters and members of
// groups, whatever the depth of the chains; only a cap that is exceeded, with times in Given, adds a sort
// of the votes of those who exceed it.
//
// What everybody says comes first, the cap after it: a cap takes weight away, not words. So a voter whose
// vote is cut still says in a group what the carrier says. Of a carrier's votes those farthest from it are
// cut first, by steps of the chain; among these the later given, then the higher number. A vote behind a
// cut one is farther still, so it is cut too, and a carrier's own vote never is.
func Count(roll *Roll) *Result {
	r := &Result{
		Votes:   make([]uint64, roll.Ballots),
		Carried: make([]int32, roll.Carriers()),
		roll:    roll,
		ends:    make([]int32, len(roll.Voices)),
		says:    make([]int32, len(roll.Groups)),
	}
	r.follow()
	r.decide()
	r.trim()
	r.sum()
	return r
}

// follow finds the end of every chain. Each voter is passed once on the way to an end and once to be told
// of it. For the moment Carried counts all votes that end at a carrier.
func (r *Result) follow() {
	ends := r.ends
	groups, programs := int32(r.roll.GroupCarrier(0)), int32(r.roll.ProgramCarrier(0))
	for v, voice := range r.roll.Voices {
		switch voice.Way {
		case ToMember:
			ends[v] = hop - voice.To
		case ToGroup:
			ends[v] = groups + voice.To
		case ToProgram:
			ends[v] = programs + voice.To
		default:
			ends[v] = int32(v)
		}
		if voice.Way != ToMember {
			r.Carried[ends[v]]++
		}
	}
	for v := range ends {
		at := int32(v)
		for e := ends[at]; e <= hop && e > hop-passed; e = ends[at] {
			ends[at] = e - passed
			at = hop - e
		}
		end := max(ends[at], InCircle) // if the walk came back to where it has passed, it runs in a circle
		votes := int32(0)
		for at = int32(v); ends[at] <= hop-passed; votes++ {
			next := hop - passed - ends[at]
			ends[at] = end
			at = next
		}
		if end == InCircle {
			r.Fates[Circular] += uint64(votes)
		} else {
			r.Carried[end] += votes
		}
	}
}

// decide finds what each group says. A group is told of each word of its members once, be it there from
// the start or the decision of another group, so the order in which groups decide does not matter.
func (r *Result) decide() {
	type word struct {
		ballot int32
		times  int
	}
	groups := r.roll.Groups
	heard := make([][]word, len(groups))
	behind := make([][]int32, len(groups)) // the groups of which a member's chain ends at this group
	var decided []int32
	tell := func(g, ballot int32) {
		i := slices.IndexFunc(heard[g], func(w word) bool { return w.ballot == ballot })
		if i < 0 {
			i = len(heard[g])
			heard[g] = append(heard[g], word{ballot: ballot})
		}
		heard[g][i].times++
		if heard[g][i].times == groups[g].Threshold {
			r.says[g] = ballot
			decided = append(decided, g)
		}
	}
	for g := range groups {
		r.says[g] = None
	}
	for g := range groups {
		for _, m := range groups[g].Members {
			end := r.ends[m]
			if end == InCircle {
				continue
			}
			if way, other := r.roll.Carrier(int(end)); way == ToGroup {
				behind[other] = append(behind[other], int32(g))
			} else if ballot := r.ballot(end); ballot != None {
				tell(int32(g), ballot)
			}
		}
	}
	for len(decided) > 0 {
		last := len(decided) - 1
		g := decided[last]
		decided = decided[:last]
		for _, other := range behind[g] {
			tell(other, r.says[g])
		}
	}
}

// ballot is what a carrier says.
func (r *Result) ballot(carrier int32) int32 {
	switch way, number := r.roll.Carrier(int(carrier)); way {
	case ToGroup:
		return r.says[number]
	case ToProgram:
		return r.roll.Programs[number]
	default:
		if voice := r.roll.Voices[number]; voice.Way == Own {
			return voice.To
		}
		return None
	}
}

// trim cuts what carriers carry above the limit: those of all who carry too many keep their votes in one
// order, as long as each has room.
func (r *Result) trim() {
	limit := int32(r.roll.limit())
	var over []bool // the carriers with too many
	for c, votes := range r.Carried {
		if votes > limit && r.ballot(int32(c)) != None {
			if over == nil {
				over = make([]bool, len(r.Carried))
			}
			over[c] = true
		}
	}
	if over == nil {
		return
	}
	var votes []int32 // that end at these
	for v, end := range r.ends {
		if end != InCircle && over[end] {
			votes = append(votes, int32(v))
		}
	}
	if given := r.roll.Given; given != nil {
		slices.SortFunc(votes, func(a, b int32) int { return cmp.Or(cmp.Compare(given[a], given[b]), cmp.Compare(a, b)) })
	}
	votes = nearest(votes, r.depths())
	r.cut = make([]bool, len(r.ends))
	kept := make([]int32, len(r.Carried))
	for _, v := range votes {
		end := r.ends[v]
		if kept[end] < limit {
			kept[end]++
			continue
		}
		r.cut[v] = true
		r.Carried[end]--
		r.Fates[Cut]++
	}
}

// nearest puts the votes of the least depth first and leaves those of one depth in their order.
func nearest(votes, depths []int32) []int32 {
	var from []int32 // of each depth: how many votes have less, and then where the next one goes
	for _, v := range votes {
		for int(depths[v])+1 >= len(from) {
			from = append(from, 0)
		}
		from[depths[v]+1]++
	}
	for i := 1; i < len(from); i++ {
		from[i] += from[i-1]
	}
	sorted := make([]int32, len(votes))
	for _, v := range votes {
		sorted[from[depths[v]]] = v
		from[depths[v]]++
	}
	return sorted
}

// depths returns for each voter the steps of the chain to its end. In a circle they mean nothing.
func (r *Result) depths() []int32 {
	voices := r.roll.Voices
	depths := make([]int32, len(voices))
	const unknown = -1
	for i := range depths {
		depths[i] = unknown
	}
	for v := range depths {
		if r.ends[v] == InCircle {
			continue
		}
		steps, at := int32(0), int32(v)
		for depths[at] == unknown && voices[at].Way == ToMember {
			at = voices[at].To
			steps++
		}
		if depths[at] == unknown {
			depths[at] = 0
			if way := voices[at].Way; way == ToGroup || way == ToProgram {
				depths[at] = 1
			}
		}
		steps += depths[at]
		for at = int32(v); depths[at] == unknown; steps-- {
			depths[at] = steps
			at = voices[at].To
		}
	}
	return depths
}

// sum adds up the votes of each ballot and what is lost, and takes the votes from carriers without a ballot.
func (r *Result) sum() {
	voters := len(r.ends)
	for c, votes := range r.Carried {
		switch {
		case votes == 0:
		case c < voters && r.roll.Voices[c].Way == Own: // nearly all of them
			r.Votes[r.roll.Voices[c].To] += uint64(votes)
			r.Fates[Counted] += uint64(votes)
		case c < voters:
			r.Carried[c] = 0
			r.Fates[Unused]++
			r.Fates[Unheard] += uint64(votes) - 1
		default:
			if ballot := r.ballot(int32(c)); ballot != None {
				r.Votes[ballot] += uint64(votes)
				r.Fates[Counted] += uint64(votes)
				continue
			}
			r.Carried[c] = 0
			lost := Undecided
			if way, _ := r.roll.Carrier(c); way == ToProgram {
				lost = Answerless
			}
			r.Fates[lost] += uint64(votes)
		}
	}
}

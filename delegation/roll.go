package delegation

import (
	"fmt"
	"slices"
)

// None stands in place of a ballot's number, or of a mandate's place, where there is none.
const None = -1

// Way is where a vote goes from a voter.
type Way uint8

// The ways. A voter whom Choose gives an opt-out, or no delegation, and who casts no ballot, does Nothing.
const (
	Nothing   Way = iota
	Own           // the voter casts a ballot
	ToMember      // to another voter of the roll
	ToGroup       //
	ToProgram     //
)

// Voice is what one voter does with the vote. It is the ballot if there is one, else the delegation:
// never both, so no vote counts twice.
type Voice struct {
	Way Way
	To  int32 // the number of the ballot, voter, group or program; 0 for Nothing
}

// Group is a delegate of several members: it says what at least Threshold of them say, themselves or
// through those to whom they have delegated.
type Group struct {
	Members   []int32 // numbers of voters; members who are not on the roll are left out
	Threshold int     // more than half of the members, and not lowered for those left out
}

// Share is a part of the roll.
type Share struct{ Num, Den uint64 }

// Roll is all voters of one count and what they do. Voters, groups, programs and ballots are numbers from
// 0. Two voters who say the same must cast the same ballot: a group compares ballots by their numbers.
type Roll struct {
	Voices   []Voice // of each voter
	Groups   []Group
	Programs []int32 // the ballot that each program answered with, or None
	Ballots  int     // how many different ballots there are

	// Cap is the share of the roll that one carrier may carry, rounded down to whole votes but at least
	// one. The zero Share is no cap. Votes above it are cut, and who is nearest to the carrier stays;
	// see Count. It bounds a carrier, not a person: a group that says what one voter says carries as
	// much beside that voter.
	Cap Share

	// Given is when each voter's delegation was given. Among equally near ones the earlier stays; of
	// those given together, and if Given is nil, the lower number.
	Given []uint64
}

// Carriers is how many carriers there are: where a vote can end. They are numbered through, first the
// voters, then the groups, then the programs.
func (r *Roll) Carriers() int { return len(r.Voices) + len(r.Groups) + len(r.Programs) }

// GroupCarrier is the number of a group as a carrier.
func (r *Roll) GroupCarrier(group int) int { return len(r.Voices) + group }

// ProgramCarrier is the number of a program as a carrier.
func (r *Roll) ProgramCarrier(program int) int { return len(r.Voices) + len(r.Groups) + program }

// Carrier tells of a carrier whether it is a voter (Own), a group (ToGroup) or a program (ToProgram),
// and which one.
func (r *Roll) Carrier(number int) (Way, int) {
	if number < len(r.Voices) {
		return Own, number
	}
	if number -= len(r.Voices); number < len(r.Groups) {
		return ToGroup, number
	}
	return ToProgram, number - len(r.Groups)
}

// Check tells why the roll can't be counted: ErrRoll, ErrCap, ErrGiven, ErrWay, ErrTarget, ErrMembers or
// ErrThreshold.
func (r *Roll) Check() error {
	if len(r.Voices) > MaxVoters || r.Ballots < 0 || r.Ballots > MaxVoters || len(r.Groups) > MaxGroups || len(r.Programs) > MaxGroups {
		return fmt.Errorf("%w: %d voters, %d ballots, %d groups, %d programs", ErrRoll, len(r.Voices), r.Ballots, len(r.Groups), len(r.Programs))
	}
	if c := r.Cap; c != (Share{}) && (c.Num == 0 || c.Num > c.Den || c.Den > MaxShare) {
		return fmt.Errorf("%w: %d/%d", ErrCap, c.Num, c.Den)
	}
	if r.Given != nil && len(r.Given) != len(r.Voices) {
		return fmt.Errorf("%w: %d times for %d votes", ErrGiven, len(r.Given), len(r.Voices))
	}
	for i, voice := range r.Voices {
		if err := r.checkVoice(voice); err != nil {
			return fmt.Errorf("%w: voter %d, number %d", err, i, voice.To)
		}
	}
	for i, ballot := range r.Programs {
		if ballot != None && !below(ballot, r.Ballots) {
			return fmt.Errorf("%w: program %d, number %d", ErrTarget, i, ballot)
		}
	}
	for i, g := range r.Groups {
		if err := r.checkGroup(g); err != nil {
			return fmt.Errorf("%w: group %d", err, i)
		}
	}
	return nil
}

func (r *Roll) checkVoice(v Voice) error {
	var most int
	switch v.Way {
	case Nothing:
		most = 1
	case Own:
		most = r.Ballots
	case ToMember:
		most = len(r.Voices)
	case ToGroup:
		most = len(r.Groups)
	case ToProgram:
		most = len(r.Programs)
	default:
		return ErrWay
	}
	if !below(v.To, most) {
		return ErrTarget
	}
	return nil
}

func (r *Roll) checkGroup(g Group) error {
	if len(g.Members) > MaxGroup {
		return ErrMembers
	}
	for i, m := range g.Members {
		if !below(m, len(r.Voices)) || slices.Contains(g.Members[:i], m) {
			return ErrMembers
		}
	}
	if g.Threshold < 1 || g.Threshold > MaxGroup || 2*g.Threshold <= len(g.Members) {
		return ErrThreshold
	}
	return nil
}

func below(number int32, most int) bool { return number >= 0 && int(number) < most }

// limit is how many votes one carrier may carry.
func (r *Roll) limit() int {
	if r.Cap == (Share{}) {
		return len(r.Voices)
	}
	return int(max(1, uint64(len(r.Voices))*r.Cap.Num/r.Cap.Den))
}

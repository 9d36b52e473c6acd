package governance

import (
	"fmt"
	"slices"
)

// A charter that can never be changed again binds members who never agreed to it. Founders may write one,
// and are warned; an amendment to one is refused.

const (
	// MaxUnanimous is how many members can be expected to take part without exception.
	MaxUnanimous = 12
	// LeastVoting is the shortest vote in which a person can take part.
	LeastVoting = minute
)

// Stuck tells why no proposal on a track could ever pass, or "". members are the classes of each member;
// nil if nobody knows them yet.
func (c *Charter) Stuck(t *Track, members [][]string) string {
	voters := uint64(0)
	for _, classes := range members {
		if c.MayVote(classes) {
			voters++
		}
	}
	best := Count{Roll: max(voters, 1), Yes: max(voters, 1)}
	everyone := (t.Quorum.Kind == QuorumTurnout || t.Quorum.Kind == QuorumForOnly) && t.Quorum.Share.Num == t.Quorum.Share.Den
	switch {
	case t.Voting < LeastVoting:
		return fmt.Sprintf("it votes for %s, in which nobody can vote", Period(t.Voting))
	case members != nil && voters == 0:
		return "no member may vote"
	case members != nil && !slices.ContainsFunc(members, func(classes []string) bool { return c.mayPropose(*t, classes) }):
		return "no member is in a class that may propose on it"
	case everyone && voters > MaxUnanimous:
		return fmt.Sprintf("it needs every one of %d members without exception, and of more than %d somebody is always away", voters, MaxUnanimous)
	case t.Cosponsors > 0 && members != nil && t.Cosponsors >= voters:
		return fmt.Sprintf("it needs %s besides the proposer, and %s may vote", number(t.Cosponsors, "co-sponsor"), number(voters, "member"))
	case !t.Quorum.Reached(best) || !t.Threshold.Reached(best):
		return "it would fail even if all vote in favour"
	case t.Elects() && members != nil && t.Seats > voters:
		return fmt.Sprintf("it elects %s, and only %s may vote and so stand", number(t.Seats, "steward"), number(voters, "member"))
	}
	return t.stuckChamber(members)
}

// stuckChamber tells which chamber could never agree, or "". One that has nobody in it has no say, so it stops
// nothing (see Unlikely).
func (t *Track) stuckChamber(members [][]string) string {
	for i := range t.Chambers {
		x := &t.Chambers[i]
		size := x.size(members)
		best := Count{Roll: max(size, 1), Yes: max(size, 1)}
		switch {
		case !x.Quorum.Reached(best) || !x.Threshold.Reached(best):
			return fmt.Sprintf("the chamber %s would stop it even if all of them vote in favour", x.Class)
		case (x.Quorum.Kind == QuorumTurnout || x.Quorum.Kind == QuorumForOnly) && x.Quorum.Share.Num == x.Quorum.Share.Den && size > MaxUnanimous:
			return fmt.Sprintf("the chamber %s needs every one of %d members without exception, and of more than %d somebody is always away", x.Class, size, MaxUnanimous)
		}
	}
	return ""
}

// size is how many members are in a chamber.
func (x *Chamber) size(members [][]string) (n uint64) {
	for _, classes := range members {
		if slices.Contains(classes, x.Class) {
			n++
		}
	}
	return n
}

// Unlikely tells what stops or empties the decisions of this charter not by its rules, but by who the members are
// at present, and what would be hard to leave again. It refuses nothing. members are the classes of each.
func (c *Charter) Unlikely(members [][]string) (lines []string) {
	tell := func(when bool, format string, args ...any) {
		if when {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	voters := uint64(0)
	for _, classes := range members {
		if c.MayVote(classes) {
			voters++
		}
	}
	for i := range c.Tracks {
		t := &c.Tracks[i]
		for j := range t.Chambers {
			x := &t.Chambers[j]
			class, _ := c.Class(x.Class)
			size := x.size(members)
			closed := c.closed(&class, members, voters)
			tell(size == 0 && closed == "", "track %q: nobody is in the chamber %s, so it has no say until somebody comes in", t.Name, x.Class)
			tell(size == 0 && closed != "", "track %q: nobody is in the chamber %s, and nobody can come in (%s), so it will never have a say", t.Name, x.Class, closed)
			tell(size == 1 && voters > 1, "track %q: one member is the chamber %s, and can stop what all others want", t.Name, x.Class)
			tell(size > MaxUnanimous && x.Threshold.unanimous(), "track %q: a single one of %d members of the chamber %s can stop everything by voting against it", t.Name, size, x.Class)
		}
		tell(voters > MaxUnanimous && t.Threshold.unanimous(), "track %q: a single one of %d members can stop everything by voting against it", t.Name, voters)
	}
	return lines
}

// unanimous tells whether one vote against is enough to miss the threshold.
func (t Threshold) unanimous() bool { return t.Share.Num == t.Share.Den }

// closed tells why nobody can come into a class, or "".
func (c *Charter) closed(class *Class, members [][]string, voters uint64) string {
	admits := slices.ContainsFunc(c.Tracks, func(t Track) bool { return allows(t, KindMemberAdmit) && c.Stuck(&t, members) == "" })
	credits := slices.ContainsFunc(c.Tracks, func(t Track) bool { return allows(t, KindPatronageCredit) && c.Stuck(&t, members) == "" }) ||
		slices.ContainsFunc(members, func(classes []string) bool {
			return slices.ContainsFunc(c.Classes, func(k Class) bool { return k.Credits && slices.Contains(classes, k.Name) })
		})
	switch {
	case class.Admission == AdmitVote && !admits:
		return "it takes a vote, and no track can pass one"
	case class.Admission == AdmitSponsor && class.Sponsors > voters:
		return fmt.Sprintf("it takes %s who may vote, and there are %d", number(class.Sponsors, "member"), voters)
	case class.Patronage > 0 && !credits:
		return "it takes purchases, and nobody can record them"
	}
	return ""
}

// Locks tells why this charter could never be changed again, or nothing. members are the classes of each
// member; nil if nobody knows them yet.
func (c *Charter) Locks(members [][]string) []string {
	var why []string
	for i := range c.Tracks {
		t := &c.Tracks[i]
		if !allows(*t, KindCharterAmend) {
			continue
		}
		stuck := c.Stuck(t, members)
		if stuck == "" {
			return nil
		}
		why = append(why, fmt.Sprintf("track %q may carry %s, but %s", t.Name, KindCharterAmend, stuck))
	}
	if why == nil {
		why = []string{fmt.Sprintf("no track may carry %s", KindCharterAmend)}
	}
	return why
}

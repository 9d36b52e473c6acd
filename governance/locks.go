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

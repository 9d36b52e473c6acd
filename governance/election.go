package governance

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Elects tells whether proposals on the track elect stewards: its method is stv and it may carry
// steward.appoint. Such a proposal names no options. They are the members who stand when the vote
// opens, so nobody chooses who can be chosen; nobody is elected who has not agreed.
func (t *Track) Elects() bool { return t.Method == STV && allows(*t, KindStewardAppoint) }

// GoodSeats is the largest number of stewards up to 13 that so many members can fill and that is worth
// its cost: 1, 4, 7, 10 or 13 (protocol §3.20).
func GoodSeats(members int) int {
	good := 1
	for _, seats := range []int{4, 7, 10, 13} {
		if seats <= members {
			good = seats
		}
	}
	return good
}

// SeatsInWords tells what a number of stewards stands, and against what; good sizes say no more than
// that.
func SeatsInWords(n int) (says string, good bool) {
	f, q := (n-1)/3, QuorumOf(n)
	says = fmt.Sprintf("%d stewards, of whom %d must agree: safe with %d who lie, goes on with %d away", n, q, f, n-q)
	switch {
	case n == 1:
		return "1 steward, who must be trusted: when that one is away, nothing becomes final", true
	case n == 2:
		return says + ". That stops more often than 1 and is no safer", false
	case n == 3:
		return says + ". One who lies can do harm: 4 would stand that", false
	case n%3 == 1 && n <= 13:
		return says, true
	case n > 13:
		return says + ". More than 13 cost more than they give", false
	}
	return says + fmt.Sprintf(". No safer than %d", n-(n-1)%3), false
}

// nominate makes options of the members who stand and could be stewards, in the order in which they
// stood up, 64 at most. It fails if they are fewer than the seats.
func (s *State) nominate(p *Proposal) bool {
	type candidate struct {
		member identity.PublicKey
		since  event.Time
	}
	var found []candidate
	for member, c := range table.All(&s.Standing) {
		if s.eligible(member) {
			found = append(found, candidate{member, c.Since})
		}
	}
	if uint64(len(found)) < p.Rules.Track.Seats {
		return false
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.since, b.since) })
	for _, c := range found[:min(len(found), MaxRanked)] {
		m, _ := s.Members.Get(c.member)
		p.Nominees = append(p.Nominees, c.member)
		p.Options = append(p.Options, Option{Name: m.Name})
	}
	return true
}

// open begins the vote on a proposal. An election with fewer candidates than seats ends here: a smaller
// number of stewards would stand less, and nobody has decided that.
func (s *State) open(id event.ID, p Proposal) {
	if p.Rules.Track.Elects() && !s.nominate(&p) {
		s.conclude(id, &p)
		s.end(id, p, Expired)
		return
	}
	p.startVoting(s.Time)
	s.put(id, p, p.next())
}

// unfilled tells whether an election never came to a vote.
func (p *Proposal) unfilled() bool {
	return p.Rules.Track.Elects() && len(p.Nominees) == 0 && p.Phase != Discussion
}

// appointment is what an election decides: the elected, in the order of election, and who stands by.
func (p *Proposal) appointment() event.Draft {
	var b StewardAppoint
	for _, n := range p.Result.Selected {
		b.Stewards = append(b.Stewards, p.Nominees[n])
	}
	for _, n := range p.Result.Standby {
		b.Standby = append(b.Standby, p.Nominees[n])
	}
	d, err := event.NewDraft(KindStewardAppoint, b)
	if err != nil {
		panic("governance: invariant: an appointment has a canonical form: " + err.Error())
	}
	return d
}

// Overdue tells whether the stewards' term is over without others to follow. They go on: a cooperative
// without stewards would stand still, and could not even elect.
func (s *State) Overdue() bool { return s.Term.Ends != 0 && s.Time >= s.Term.Ends }

// validateOffice checks what the charter says of stewards.
func (c *Charter) validateOffice(report func(bool, string, ...any)) {
	report(c.Office.Term <= MaxTerm && c.Office.Notice <= MaxPeriod && c.Office.Patience <= MaxPeriod, "stewards serve longer than 10 years or wait longer than 366 days")
	recovery, silence := c.Office.recovery()
	report(recovery.share() && Ratio{1, 2}.Compare(recovery.Num, recovery.Den) > 0, "%s of the members could re-found the cooperative: it takes more than half, and up to all", recovery)
	report(silence >= day && silence <= MaxPeriod, "a re-founding waits less than a day or more than 366 days")
	for i := range c.Tracks {
		if t := &c.Tracks[i]; t.Elects() {
			report(t.Seats <= MaxStewards, "track %s elects %d stewards, more than %d", shown(t.Name), t.Seats, MaxStewards)
		}
	}
}

// warnOffice tells what a charter may do with its stewards that its authors might not want.
func (c *Charter) warnOffice(warn func(bool, string, ...any)) {
	appoints := false
	for i := range c.Tracks {
		t := &c.Tracks[i]
		appoints = appoints || allows(*t, KindStewardAppoint)
		if t.Elects() {
			says, good := SeatsInWords(int(t.Seats))
			warn(!good, "track %q elects %s", t.Name, says)
		}
	}
	warn(!appoints, "no track may carry %s: the first stewards put events in order for ever", KindStewardAppoint)
	warn(c.Office.patience() < day, "the hand-over to those who are elected waits for them less than a day: who is away loses the seat")
	warn(appoints && c.Office.Term == 0, "stewards are elected for no term: nobody is reminded to elect them again")
}

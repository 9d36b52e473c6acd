package governance

import (
	"fmt"
	"slices"

	"github.com/sustainy/coop/table"
)

// Chamber is a class that must agree by itself, besides all voters together: the track's quorum and
// threshold ask the whole roll, a chamber's ask the members of its class on the roll. A member of several
// classes counts once in each of their chambers, and the result says how many do. A chamber that has
// nobody on the roll has no say.
//
// A chamber speaks about what the vote of all is about: the proposal, or the option that the count of
// all ballots puts first. So there are chambers where each ballot is for or against that (see Method),
// and none in stv, which fills seats in proportion, nor in a budget, where each project has a threshold
// of its own.
type Chamber struct {
	Class     string    `cbor:"class" json:"class"`
	Quorum    Quorum    `cbor:"quorum" json:"quorum"`
	Threshold Threshold `cbor:"threshold" json:"threshold"`
}

// ChamberResult is what the ballots in one chamber say.
type ChamberResult struct {
	Roll      uint64 `cbor:"roll" json:"roll"` // members of the chamber who may vote
	Yes       uint64 `cbor:"yes" json:"yes"`
	No        uint64 `cbor:"no" json:"no"`
	Abstain   uint64 `cbor:"abstain" json:"abstain"`
	Quorum    bool   `cbor:"quorum" json:"quorum"`
	Threshold bool   `cbor:"threshold" json:"threshold"`
}

// silent tells whether nobody is in the chamber.
func (r *ChamberResult) silent() bool { return r.Roll == 0 }

// validateChambers checks a track's chambers.
func (c *Charter) validateChambers(t *Track, name string, report func(bool, string, ...any)) {
	f, _ := t.Method.form()
	report(len(t.Chambers) == 0 || f.hasSides, "track %s has chambers, and its method does not: choose another than stv and the budgets", name)
	report(len(t.Chambers) <= MaxClasses, "track %s has %d chambers, not up to %d", name, len(t.Chambers), MaxClasses)
	for i, chamber := range t.Chambers {
		class, known := c.Class(chamber.Class)
		twice := slices.ContainsFunc(t.Chambers[:min(i, MaxClasses)], func(other Chamber) bool { return other.Class == chamber.Class })
		report(known && class.Votes && !twice, "track %s has a chamber %s: it is named by a class that votes, each once", name, shown(chamber.Class))
		chamber.Quorum.validate(name, report)
		chamber.Threshold.validate(name, report)
		report(t.Method != ByConsent || chamber.Threshold == unanimous, "track %s asks for consent, so the threshold of its chambers is at least 1/1 too", name)
	}
}

// chambersOf are the chambers in which a member of the roll counts, by their place on the track.
func (p *Proposal) chambersOf(m Member) (list []uint64) {
	for i, chamber := range p.Rules.Track.Chambers {
		if slices.Contains(m.Classes, chamber.Class) {
			list = append(list, uint64(i))
		}
	}
	return list
}

// seatChambers counts who sits where on the roll.
func (p *Proposal) seatChambers() {
	if len(p.Rules.Track.Chambers) == 0 {
		return
	}
	p.Chambers = make([]uint64, len(p.Rules.Track.Chambers))
	for key, m := range table.All(&p.Roll) {
		if p.onRoll(m) && !p.silent(key, m) {
			p.takeSeats(m)
		}
	}
}

// takeSeats counts a member of the roll in each of their chambers.
func (p *Proposal) takeSeats(m Member) {
	seats := p.chambersOf(m)
	if len(seats) > 0 {
		p.Chambers = slices.Clone(p.Chambers)
	}
	for _, i := range seats {
		p.Chambers[i]++
	}
	if len(seats) > 1 {
		p.Shared++
	}
}

// judgeChambers counts each chamber by its members' ballots, after side tells for which side a ballot is.
func (c *count) judgeChambers() {
	t := &c.p.Rules.Track
	if len(t.Chambers) == 0 {
		return
	}
	c.Chambers = make([]ChamberResult, len(t.Chambers))
	for i := range c.Chambers {
		c.Chambers[i].Roll = c.p.Chambers[i]
	}
	for b := range c.ballots {
		c.seat(b, b.Chambers)
	}
	for voter, b := range c.carried.others {
		m, _ := c.p.Roll.Get(voter)
		c.seat(b, c.p.chambersOf(m))
	}
	for i := range c.Chambers {
		r := &c.Chambers[i]
		n := Count{Roll: r.Roll, Yes: r.Yes, No: r.No, Abstain: r.Abstain}
		r.Quorum = r.silent() || t.Chambers[i].Quorum.Reached(n)
		r.Threshold = r.silent() || t.Chambers[i].Threshold.Reached(n)
	}
}

// seat counts a member's vote for a ballot in each of the chambers in which the member is.
func (c *count) seat(b Ballot, chambers []uint64) {
	side := 0
	if b.Choice != Abstain {
		side = c.side(b)
	}
	for _, i := range chambers {
		c.Chambers[i].add(side)
	}
	if len(chambers) > 1 {
		c.Shared++
	}
}

func (r *ChamberResult) add(side int) {
	switch {
	case side > 0:
		r.Yes++
	case side < 0:
		r.No++
	default:
		r.Abstain++
	}
}

// explainChambers tells what each chamber says.
func explainChambers(p *Proposal, r *Result) (lines []string) {
	t := &p.Rules.Track
	w := t.Method.words()
	for i, chamber := range t.Chambers {
		c := &r.Chambers[i]
		if c.silent() {
			lines = append(lines, fmt.Sprintf("Chamber %s: nobody on the roll is in it, so it has no say.", chamber.Class))
			continue
		}
		lines = append(lines, fmt.Sprintf("Chamber %s: %d of %d, %d %s, %d %s, %d abstain or take no side.", chamber.Class, c.Yes+c.No+c.Abstain, c.Roll, c.Yes, w.yesOr("for"), c.No, w.noOr("against"), c.Abstain),
			"  Its quorum: "+explainQuorum(chamber.Quorum, c.Yes, c.No, c.Abstain, c.Roll)+reached(c.Quorum),
			fmt.Sprintf("  Its threshold: %s of those for and against, %d of %d%s", chamber.Threshold, c.Yes, c.Yes+c.No, reached(c.Threshold)))
	}
	if len(t.Chambers) > 1 {
		lines = append(lines, fmt.Sprintf("In more than one chamber: %d of the roll, %d of those who voted; each counts once in every chamber of theirs.", p.Shared, r.Shared))
	}
	return lines
}

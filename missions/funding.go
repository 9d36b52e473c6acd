package missions

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
	"github.com/sustainy/coop/tokens"
)

// Pledge is all that one has pledged to a mission.
type Pledge struct {
	Amount  uint64     `cbor:"amount" json:"amount"`   // minor units
	Back    uint64     `cbor:"back" json:"back"`       // of that, refunded
	Units   uint64     `cbor:"units" json:"units"`     // of the achievement token, for backing it
	Comment string     `cbor:"comment" json:"comment"` // the last one
	At      event.Time `cbor:"at" json:"at"`           // of the first
	Event   event.ID   `cbor:"event" json:"event"`     // that last added to it
}

// MakePledge is the body of mission.pledge: so much more goes to the mission's escrow, at once.
type MakePledge struct {
	Mission event.ID `cbor:"mission" json:"mission"`
	Amount  uint64   `cbor:"amount" json:"amount"` // minor units
	Comment string   `cbor:"comment" json:"comment"`
}

// Pledge adds to one's pledge.
func (s *State) Pledge(a Act, b MakePledge) error {
	if err := a.anybody(); err != nil {
		return err
	}
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	if m.Phase != PhaseFunding {
		return ErrNotFunding
	}
	if !text.Prose(b.Comment, MaxReason) {
		return ErrReason
	}
	from := tokens.Member(a.By)
	if err := a.Ledger.Affords(a.People, tokens.Currency, from, b.Amount); err != nil {
		return err
	}

	a.Ledger.Move(tokens.Currency, from, tokens.Escrow(b.Mission), b.Amount, a.ID)
	s.pledge(b.Mission, &m, a.By, Pledge{Amount: b.Amount, Comment: b.Comment, At: a.Time, Event: a.ID})
	s.Missions.Set(b.Mission, m)
	return nil
}

// pledge notes money that has come to escrow.
func (s *State) pledge(id event.ID, m *Mission, by identity.PublicKey, more Pledge) {
	p, pledged := s.Pledges.Get(Seat{id, by})
	before := p.Amount
	if !pledged {
		p.At = more.At
		m.Pledgers++
	}
	p.Amount, p.Comment, p.Event = before+more.Amount, more.Comment, more.Event
	s.Pledges.Set(Seat{id, by}, p)
	m.Raised += more.Amount
	if by == identity.Assembly {
		return
	}
	m.Roots += root(p.Amount<<10) - root(before<<10)
	m.Largest = slices.DeleteFunc(slices.Clone(m.Largest), func(b Backer) bool { return b.Member == by })
	m.Largest = append(m.Largest, Backer{by, p.Amount})
	slices.SortFunc(m.Largest, func(a, b Backer) int {
		return cmp.Or(cmp.Compare(b.Amount, a.Amount), a.Member.Compare(b.Member))
	})
	m.Largest = m.Largest[:min(len(m.Largest), BigFunder)]
}

// root is floor(√n).
func root(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	x := uint64(1) << ((bits.Len64(n) + 1) / 2) // above the root
	for {
		y := (x + n/x) / 2
		if y >= x {
			return x
		}
		x = y
	}
}

// match pledges the treasury's match, if with it the mission is funded.
func (s *State) match(id event.ID, m *Mission, l *tokens.State) {
	treasury, _ := s.Pledges.Get(Seat{id, identity.Assembly})
	has := l.Of(tokens.Treasury, tokens.Currency).Has
	more := min(m.Listing.Match.on(m.Raised-treasury.Amount, m.Roots), has)
	if more == 0 || m.Raised+more < m.Listing.Target {
		return
	}
	l.Move(tokens.Currency, tokens.Treasury, tokens.Escrow(id), more, event.ID{})
	m.Matched = more
	s.pledge(id, m, identity.Assembly, Pledge{Amount: more, Comment: treasury.Comment, At: s.Time, Event: treasury.Event})
}

// on is the match on pledges that add up to sum, and their roots to roots.
func (m *Match) on(sum, roots uint64) uint64 {
	switch m.Kind {
	case MatchLinear:
		high, low := bits.Mul64(sum, m.Num)
		if high >= m.Den {
			return m.Cap
		}
		whole, _ := bits.Div64(high, low, m.Den)
		return min(whole, m.Cap)
	case MatchQuadratic:
		high, low := bits.Mul64(roots, roots) // 1024 times the square of the sum of the roots
		if high>>10 > 0 {
			return m.Cap
		}
		square := high<<54 | low>>10
		return min(square-min(square, sum), m.Cap)
	}
	return 0
}

// Payback is a refund under way: so much of what escrow has goes back to the pledgers, in proportion, and
// so many units of the achievement token go to them.
type Payback struct {
	Money uint64             `cbor:"money"` // minor units
	Units uint64             `cbor:"units"`
	Seen  uint64             `cbor:"seen"` // pledges of those who have theirs
	Next  identity.PublicKey `cbor:"next"` // whose turn it is, or the first after
}

// refund begins to give everything back that escrow still has, and the units of the backers. The deposit goes
// back at once.
func (s *State) refund(id event.ID, m *Mission, t event.Time, then Phase, house House) {
	s.leave(id, m)
	house.Ledger.Move(tokens.Currency, tokens.Escrow(id), tokens.Member(m.By), m.Deposit, event.ID{})
	m.Phase, m.Then, m.Deposit = PhaseRefunding, then, 0
	if then == PhaseDelivered || then == PhaseRefunded {
		s.settle(id, OnDelivery, then == PhaseDelivered)
	}
	m.Payback.Money = m.Raised - m.Paid
	s.Paying.Set(id, struct{}{})
	s.Reserved.Delete(nameOf(m))
	if m.Raised == 0 || m.Payback.Money|m.Payback.Units == 0 {
		s.over(id, m, t, house)
	}
}

// over ends a mission.
func (s *State) over(id event.ID, m *Mission, t event.Time, house House) {
	for round := uint64(1); round <= m.Round; round++ {
		house.Juries.Adjourn(m.Event, m.Panel(round), t)
	}
	s.Paying.Delete(id)
	s.Own.Delete(Own{m.By, id})
	m.Phase, m.Ended = m.Then, t
}

// payBack gives so many pledgers theirs as one commit can.
func (s *State) payBack(t event.Time, house House) {
	for left := MaxPayouts; left > 0 && s.Paying.Len() > 0; {
		var id event.ID
		for first := range table.All(&s.Paying) {
			id = first
			break
		}
		m, _ := s.Missions.Get(id)
		left -= s.payBackOf(id, &m, t, house, left)
		s.Missions.Set(id, m)
	}
}

// payBackOf pays up to most pledgers of a mission and tells how many it was.
func (s *State) payBackOf(id event.ID, m *Mission, t event.Time, house House, most int) int {
	type row struct {
		seat Seat
		p    Pledge
	}
	var rows []row
	for seat, p := range table.From(&s.Pledges, Seat{id, m.Payback.Next}) {
		if seat.Mission != id || len(rows) > most {
			break
		}
		rows = append(rows, row{seat, p})
	}
	done := len(rows) <= most
	if !done {
		m.Payback.Next = rows[most].seat.Member
		rows = rows[:most]
	}
	l, escrow, back := house.Ledger, tokens.Escrow(id), &m.Payback
	for _, r := range rows {
		before := back.Seen
		back.Seen += r.p.Amount
		r.p.Back = part(back.Money, back.Seen, m.Raised) - part(back.Money, before, m.Raised)
		r.p.Units = part(back.Units, back.Seen, m.Raised) - part(back.Units, before, m.Raised)
		l.Move(tokens.Currency, escrow, tokens.Member(r.seat.Member), r.p.Back, event.ID{})
		l.Move(m.Asset, escrow, tokens.Member(r.seat.Member), r.p.Units, event.ID{})
		s.Pledges.Set(r.seat, r.p)
	}
	if done {
		l.Inherit(m.Asset, escrow, tokens.Treasury) // income that came to units on their way
		s.over(id, m, t, house)
	}
	return len(rows)
}

// part is floor(all · of / whole), for of at most whole.
func part(all, of, whole uint64) uint64 {
	high, low := bits.Mul64(all, of)
	quotient, _ := bits.Div64(high, low, whole)
	return quotient
}

package coop

import (
	"fmt"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// What a statement says of money and units that moved without an event: by the market, at a deadline, by a
// decision.

// move is one move to or from the account of a statement.
type move struct {
	asset  tokens.Asset
	in     bool
	amount uint64
	with   string // whom or what it was with
	why    string
}

// see notes a move while what it is about is still there to be named.
func (t *Teller) see(asset tokens.Asset, from, to tokens.Account, amount uint64) {
	if t.account != from && t.account != to {
		return
	}
	m, other := move{asset: asset, in: t.account == to, amount: amount}, to
	if m.in {
		other = from
	}
	m.with, m.why = t.cause(&m, other)
	t.moves = append(t.moves, m)
}

// grouped makes lines of the moves of an asset: one for each cause, or a single one where an event says of itself
// what it is about. sum is what they come to.
func grouped(moves []move, asset tokens.Asset, e Entry) (lines []Entry, sum int64) {
	for _, m := range moves {
		if m.asset != asset {
			continue
		}
		line := e
		switch {
		case e.What == byDecision:
			line.Memo = m.with
		case e.With == "":
			line.With, line.Memo = m.with, m.why
		}
		if m.in {
			line.In, sum = m.amount, sum+int64(m.amount)
		} else {
			line.Out, sum = m.amount, sum-int64(m.amount)
		}
		lines = join(lines, line)
	}
	return lines, sum
}

// join adds a line to those of the same cause and direction, if there are any.
func join(lines []Entry, line Entry) []Entry {
	for i := range lines {
		same := &lines[i]
		if same.With == line.With && same.Memo == line.Memo && (same.In > 0) == (line.In > 0) {
			same.In, same.Out = same.In+line.In, same.Out+line.Out
			return lines
		}
	}
	return append(lines, line)
}

// cause names what has the other end of a move, and why it moves.
func (t *Teller) cause(m *move, other tokens.Account) (with, why string) {
	s := &t.state
	if id, ok := s.minting(m.asset); ok {
		return "the mission " + s.missionTitle(id), "units of its award"
	}
	switch other.Kind {
	case tokens.InEscrow:
		if other == commerce.Escrow {
			return "the shop", "the treasury's share of sales that can't be given back any more"
		}
		return t.escrowed(m, event.ID(other.ID))
	case tokens.OfMember, tokens.OfTreasury:
		return s.whom(other.Key()), ""
	}
	return "", ""
}

// minting is the mission whose award makes this token at this moment.
func (s *State) minting(asset tokens.Asset) (id event.ID, ok bool) {
	if asset == tokens.Currency {
		return id, false
	}
	for id, m := range table.All(&s.Missions.Missions) {
		if m.Asset == tokens.Currency && m.Token() == asset {
			return id, true
		}
	}
	return id, false
}

// escrowed says the same of an escrow: of a mission, an order or a waiting transfer.
func (t *Teller) escrowed(m *move, id event.ID) (with, why string) {
	s := &t.state
	if mission, ok := s.Missions.Missions.Get(id); ok {
		return "the mission " + s.missionTitle(id), t.part(m, &mission)
	}
	if o, ok := s.Ledger.Orders.Get(id); ok {
		why = "traded"
		if o.Owner == t.account {
			why = fmt.Sprintf("back from the order to %s %s at %s", o.Side, units(o.Units), s.Hall.Currency.Format(o.Price))
		}
		return "the market of " + s.tokenName(o.Asset), why
	}
	if w, ok := s.Ledger.Waiting.Get(id); ok {
		if w.From == t.account {
			return s.whom(w.To.Key()), "back, as the transfer did not come about"
		}
		return s.whom(w.From.Key()), w.Memo
	}
	return "", ""
}

// part says what a mission pays for, or is paid; the mission is as it was before its phase ended.
func (t *Teller) part(m *move, mission *missions.Mission) string {
	switch {
	case !m.in:
		return "match"
	case mission.Phase == missions.PhaseRefunding && m.asset == tokens.Currency:
		return "pledge back"
	case mission.Phase == missions.PhaseRefunding:
		return "units for the pledge"
	case mission.Deposit == m.amount && t.account == tokens.Member(mission.By):
		return "deposit back"
	case mission.Trial != 0:
		return "part of the deposit, for a flag"
	}
	return "prize"
}

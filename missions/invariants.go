package missions

import (
	"fmt"
	"math/big"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// Escrows tells whether a place in the ledger is an escrow of this room, so that the ledger need not know
// what for. What it holds to the unit is checked by Invariants.
func (s *State) Escrows(place tokens.Place) bool {
	m, ok := s.Missions.Get(event.ID(place.Account.ID))
	return ok && (place.Asset == tokens.Currency || place.Asset == m.Asset)
}

// Invariants looks for anything in the state that no sequence of events may lead to. It reads everything,
// and counts in integers without bounds.
func (s *State) Invariants(l *tokens.State) []error {
	var broken []error
	report := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Errorf("missions: invariant: "+format, args...))
		}
	}
	waiting, reserved := 0, 0
	for id, m := range table.All(&s.Missions) {
		s.checkPhase(id, &m, report)
		s.checkEscrow(id, &m, l, report)
		s.checkEntries(id, &m, report)
		if m.Due != 0 {
			waiting++
		}
		if !m.Phase.Over() && m.Phase != PhaseRefunding {
			reserved++
			owner, _ := s.Reserved.Get(nameOf(&m))
			report(owner == id, "the name %q is not reserved for mission %s", m.Listing.Token.Name, id)
		}
	}
	report(s.Agenda.Len() == waiting, "%d deadlines of %d missions", s.Agenda.Len(), waiting)
	s.checkForecasts(report)
	report(s.Reserved.Len() == reserved, "%d names reserved for %d missions", s.Reserved.Len(), reserved)
	for entry := range table.All(&s.Submissions) {
		report(s.Missions.Has(entry.Mission), "a submission to no mission")
	}
	for seat := range table.All(&s.Pledges) {
		report(s.Missions.Has(seat.Mission), "a pledge to no mission")
	}
	for bench := range table.All(&s.Ballots) {
		m, ok := s.Missions.Get(bench.Mission)
		report(ok && bench.Round >= 1 && bench.Round <= m.Round, "a ballot in round %d of %d", bench.Round, m.Round)
		report(!s.Entrants.Has(Seat{bench.Mission, bench.Member}), "%s judged their own cause", bench.Member)
	}
	return broken
}

func num(n uint64) *big.Int { return new(big.Int).SetUint64(n) }

// checkPhase expects that everything that is not over has a deadline, or is being refunded.
func (s *State) checkPhase(id event.ID, m *Mission, report func(bool, string, ...any)) {
	over, refunding := m.Phase.Over(), m.Phase == PhaseRefunding
	report((m.Due == 0) == (over || refunding), "mission %s is %s, and due at %d", id, m.Phase, m.Due)
	report(m.Due == 0 || s.Agenda.Has(Due{m.Due, id}) && m.Due > s.Time, "mission %s has no deadline ahead", id)
	report(s.Paying.Has(id) == refunding, "mission %s is %s, and pays back: %v", id, m.Phase, s.Paying.Has(id))
	report(s.Own.Has(Own{m.By, id}) == !over, "mission %s is %s, and under way: %v", id, m.Phase, s.Own.Has(Own{m.By, id}))
	report((m.Ended != 0) == over, "mission %s is %s, and ended at %d", id, m.Phase, m.Ended)
	report(!over || m.Phase == m.Then, "mission %s is %s, not %s", id, m.Phase, m.Then)
	report((m.Then == PhaseDelivered) == (m.Asset != tokens.Currency), "mission %s is %s with the token %q", id, m.Then, m.Asset)
	report(m.Progress.Done <= uint64(len(m.Listing.Milestones)) && (m.Progress.Tries == 0 || len(m.Verdict.Order) > 0), "mission %s is at milestone %d", id, m.Progress.Done)
	report(m.Asset == tokens.Currency || len(m.Verdict.Order) > 0, "mission %s was awarded to nobody", id)
}

// checkEscrow expects that escrow has what pledgers gave, prizes and refunds taken off, and nothing once all
// is over.
func (s *State) checkEscrow(id event.ID, m *Mission, l *tokens.State, report func(bool, string, ...any)) {
	sum, back, units, roots, pledgers := new(big.Int), new(big.Int), new(big.Int), new(big.Int), uint64(0)
	for seat, p := range table.From(&s.Pledges, Seat{Mission: id}) {
		if seat.Mission != id {
			break
		}
		sum.Add(sum, num(p.Amount))
		back.Add(back, num(p.Back))
		units.Add(units, num(p.Units))
		if tokens.Member(seat.Member) != tokens.Treasury {
			roots.Add(roots, num(root(p.Amount<<10)))
		}
		pledgers++
		report(p.Amount > 0 && p.Back <= p.Amount, "a pledge of %d was refunded %d", p.Amount, p.Back)
	}
	report(sum.Cmp(num(m.Raised)) == 0 && pledgers == m.Pledgers && roots.Cmp(num(m.Roots)) == 0, "mission %s counts %d by %d, but %s by %d were pledged", id, m.Raised, m.Pledgers, sum, pledgers)
	report(m.Matched <= m.Listing.Match.Cap && m.Paid <= m.Raised, "mission %s was matched with %d, and paid %d", id, m.Matched, m.Paid)
	left := new(big.Int).Sub(num(m.Raised), num(m.Paid))
	left.Sub(left, back)
	held := new(big.Int).Add(left, num(m.Deposit))
	report(num(l.Of(tokens.Escrow(id), tokens.Currency).Has).Cmp(held) == 0 && left.Sign() >= 0, "mission %s has not %s in escrow", id, left)
	due := new(big.Int).Sub(num(m.Payback.Units), units)
	report(m.Asset == tokens.Currency || l.Of(tokens.Escrow(id), m.Asset).Has == due.Uint64() && due.Sign() >= 0, "mission %s has not %s units in escrow", id, due)
	if m.Phase.Over() {
		none := m.Raised == 0 || left.Sign() == 0 && due.Sign() == 0
		report(none, "mission %s is over with %s and %s units in escrow", id, left, due)
	}
}

// checkEntries expects candidates that were revealed, with somebody who consents.
func (s *State) checkEntries(id event.ID, m *Mission, report func(bool, string, ...any)) {
	entries := uint64(0)
	for _, x := range s.entries(id) {
		if !x.Withdrawn {
			entries++
		}
		report(x.Revealed == 0 || len(x.Consents) == len(x.Content.Contributors), "a submission with %d consents", len(x.Consents))
	}
	report(entries == m.Entries, "mission %s counts %d submissions of %d", id, m.Entries, entries)
	for i, candidate := range m.Candidates {
		x, ok := s.Submissions.Get(Entry{id, candidate})
		report(ok && !x.Withdrawn && x.Revealed != 0 && len(x.Consenting()) > 0, "%s can be no candidate", candidate)
		report(i == 0 || m.Candidates[i-1].Compare(candidate) < 0, "the candidates of %s are in disorder", id)
	}
}

// checkForecasts expects standing that can fade, and questions that are put only to missions.
func (s *State) checkForecasts(report func(bool, string, ...any)) {
	for p, f := range table.All(&s.Forecasts) {
		m, ok := s.Missions.Get(p.Mission)
		report(ok && f.Chance >= 1 && f.Chance <= 99 && f.Weight >= 1 && f.Weight <= 100, "a forecast of %d percent, weight %d", f.Chance, f.Weight)
		report(f.Points == 0 || p.Member != m.By && !s.Pledges.Has(Seat{p.Mission, p.Member}), "%s gained by a forecast on their own mission", p.Member)
	}
	for docket := range table.All(&s.Scoring) {
		report(s.Missions.Has(docket.Mission), "forecasts on no mission are scored")
	}
	for who, m := range table.All(&s.Standing) {
		report(m.Points != 0 && m.Since != 0 && m.Since <= s.Time, "the standing of %s is %d since %d", who, m.Points, m.Since)
	}
	for bench := range table.All(&s.Accepts) {
		m, ok := s.Missions.Get(bench.Mission)
		report(ok && bench.Round >= 1 && bench.Round <= m.Progress.Tries, "proof %d of %d was accepted or not", bench.Round, m.Progress.Tries)
	}
	trials := 0
	for id, m := range table.All(&s.Missions) {
		if m.Trial != 0 {
			trials++
			report(s.Trials.Has(Due{m.Trial, id}) && m.Trial > s.Time && !m.Phase.Over(), "mission %s is on trial until %d", id, m.Trial)
		}
		report(m.Flagged < m.Terms.Flags || m.Trial != 0 || m.Cleared || m.Phase.Over() || m.Phase == PhaseRefunding, "%d have flagged mission %s, and nobody is asked", m.Flagged, id)
		report(m.Deposit == 0 || !m.Phase.Over(), "the deposit of mission %s rests with nobody", id)
	}
	report(trials == s.Trials.Len(), "%d trials of %d missions", s.Trials.Len(), trials)
}

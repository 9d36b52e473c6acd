package governance

import (
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// checkCalendar expects exactly one date for each suspension and each recovery.
func (s *State) checkCalendar(report func(bool, string, ...any)) {
	expected := 0
	for key, m := range table.All(&s.Members) {
		if m.Status == StatusSuspended {
			expected++
			report(s.Calendar.Has(Date{At: m.Until, Member: key}), "the suspension of %s never ends", key)
		}
		ruled := m.Status == StatusSuspended || m.Status == StatusExpelled
		report(!ruled || s.Proposals.Has(m.Ruling), "%s is %s by no decision", key, m.Status)
		report(ruled || !m.Appealed || m.Status == StatusLeft, "%s, who is %s, has appealed", key, m.Status)
	}
	for claim, r := range table.All(&s.Recoveries) {
		expected++
		g, _ := s.Guardians.Get(claim.Member)
		m, _ := s.Members.Get(claim.Member)
		report(s.Calendar.Has(Date{r.Due, claim.Member, claim.Key}), "the recovery of %s never ends", claim.Member)
		report(len(r.Approvals) > 0 && distinct(r.Approvals) && !slices.ContainsFunc(r.Approvals, func(key identity.PublicKey) bool { return !slices.Contains(g.Guardians, key) }),
			"the recovery of %s has approvals of others than its guardians", claim.Member)
		report(r.Ready == (uint64(len(r.Approvals)) >= g.Needed) && m.belongs(), "the recovery of %s is ready or is not against its approvals", claim.Member)
	}
	for date := range table.All(&s.Calendar) {
		report(date.At > s.Time, "what was to happen to %s at %d did not at %d", date.Member, date.At, s.Time)
	}
	report(expected == s.Calendar.Len(), "the calendar has %d dates, not %d", s.Calendar.Len(), expected)
	for key, g := range table.All(&s.Guardians) {
		n := uint64(len(g.Guardians))
		report(s.Members.Has(key) && n >= 1 && n <= MaxGuardians && g.Needed >= 1 && g.Needed <= n && distinct(g.Guardians) && !slices.Contains(g.Guardians, key), "the guardians of %s", key)
	}
}

// checkClasses expects that whoever belongs is in a class, and that requests are for others.
func (s *State) checkClasses(report func(bool, string, ...any)) {
	for key, m := range table.All(&s.Members) {
		report(!m.belongs() || s.Charter.keeps(m.Classes) && distinct(m.Classes) && len(m.Classes) <= MaxClasses, "%s is in no class, or twice in one: %q", key, m.Classes)
	}
	for chair, r := range table.All(&s.Requests) {
		m, _ := s.Members.Get(chair.Member)
		report(m.belongs() && !slices.Contains(m.Classes, chair.Class) && distinct(r.Sponsors) && !slices.Contains(r.Sponsors, chair.Member), "%s asks for the class %s", chair.Member, chair.Class)
	}
	for key, p := range table.All(&s.Patronage) {
		d, known := s.Devices.Get(key)
		report(p.Amount >= 1 && p.Amount <= MaxAmount && p.Since <= p.Last && (!known || d.Member == key), "the patronage of %s", key)
	}
}

// checkDevices expects that every member can be spoken for, and counts their devices.
func (s *State) checkDevices(report func(bool, string, ...any)) table.Table[identity.PublicKey, uint64] {
	devices := table.Table[identity.PublicKey, uint64]{}
	for key, d := range table.All(&s.Devices) {
		report(s.Members.Has(d.Member), "device %s of no member", key)
		report(d.Count <= MaxDaily && (d.Count == 0 || d.Member == key), "device %s was heard %d times in a day", key, d.Count)
		if d.Revoked {
			continue
		}
		n, _ := devices.Get(d.Member)
		devices.Set(d.Member, n+1)
	}
	return devices
}

// checkRoll expects the roll as it was at the opening; a silent member who votes has moved from Silent
// to RollSize.
func (s *State) checkRoll(id event.ID, p *Proposal, report func(bool, string, ...any)) {
	size, silent, hash := p.roll()
	returned := uint64(0)
	again := *p
	again.Shared = 0
	again.seatChambers()
	for member := range s.BallotsOn(id) {
		if m, ok := p.Roll.Get(member); ok && p.silent(member, m) {
			returned++
			again.takeSeats(m)
		}
	}
	report(slices.Equal(again.Chambers, p.Chambers) && again.Shared == p.Shared, "who sits in which chamber of %s has changed", id)
	report(size+returned == p.RollSize && silent == p.Silent+returned && hash == p.RollHash, "the roll of %s has changed", id)
}

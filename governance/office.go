package governance

import (
	"slices"

	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// checkOffice holds the stewards to what any sequence of events can lead to: there is one term, whose
// seats are different members with different keys; every key has one owner; and who is to come in can.
func (s *State) checkOffice(report func(bool, string, ...any)) {
	t, h := &s.Term, &s.Pending
	report(len(t.Stewards) >= 1 && len(t.Stewards) <= MaxStewards, "there are %d stewards", len(t.Stewards))
	report(t.Since <= s.Time && (t.Number > 0 || t.By == s.Coop), "epoch %d began at %d, by %s", t.Number, t.Since, t.By)
	var members []identity.PublicKey
	// Who is none was named by the founding, and signs with the key by which it is known.
	known := func(member identity.PublicKey) bool { return s.Members.Has(member) || s.RoundKeys.Has(member) }
	for _, steward := range t.Stewards {
		members = append(members, steward.Member)
		r, ok := s.RoundKeys.Get(steward.Key)
		report(ok && r.Member == steward.Member && r.Epoch == t.Number, "steward %s signs with a key of another", steward.Member)
		report(known(steward.Member), "steward %s is no member", steward.Member)
	}
	report(distinct(members) && distinct(t.Keys()), "a steward has two seats or two stewards have one key")
	report(distinct(slices.Concat(members, t.Standby)) && len(t.Standby) <= MaxStandby, "who is on standby has a seat, or stands by twice")

	pending := len(h.Stewards) > 0
	report(pending || h.Notice == 0 && len(h.Standby) == 0, "a hand-over to nobody")
	report(len(h.Stewards) <= MaxStewards && len(h.Standby) <= MaxStandby && distinct(slices.Concat(h.Stewards, h.Standby)), "a seat of the hand-over is given twice")
	report(!pending || h.Params.valid() && h.Decided <= s.Time, "a hand-over to impossible timing, or decided in the future")
	for _, member := range slices.Concat(h.Stewards, h.Standby) {
		report(known(member), "%s, who is to come in, is no member", member)
	}
	for member := range table.All(&s.Standing) {
		report(s.Members.Has(member), "%s, who stands, is no member", member)
	}
	for member, a := range table.All(&s.Announced) {
		r, ok := s.RoundKeys.Get(a.Key)
		report(ok && r.Member == member && a.Epoch <= t.Number+1, "%s announced a key that is not theirs", member)
	}
	for key, r := range table.All(&s.RoundKeys) {
		d, ok := s.Devices.Get(key)
		report(!ok || d.Member == r.Member, "key %s is one member's device and another's for round blocks", key)
		report(r.Epoch <= t.Number+1, "key %s is for an epoch that is not decided", key)
	}
}

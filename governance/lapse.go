package governance

import (
	"cmp"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// handoverPatience is how long a hand-over waits for its stewards where the charter doesn't say.
const handoverPatience = 14 * day

// patience is how long a hand-over waits for a quorum of its stewards, from its notice on.
func (o Office) patience() event.Time { return cmp.Or(o.Patience, handoverPatience) }

// Lapses is when a pending hand-over stops to wait for stewards who announce no key; 0 if none is pending.
func (s *State) Lapses() event.Time {
	if len(s.Pending.Stewards) == 0 {
		return 0
	}
	return max(s.Pending.Notice, s.Pending.Decided) + s.Charter.Office.patience()
}

// lapse is what becomes of a hand-over for which too few of the incoming stewards have made ready in time,
// so that nothing waits for ever. First, stewards of now who come in again count as ready: they serve, with
// the keys that they have. Then who is not ready makes room for those on standby, who get as long. When
// nobody is left who could come in, those who were elected do not: the stewards of now go on, and an
// election is due. If nobody was elected but somebody had to go, those who are able go on without them.
func (s *State) lapse() {
	s.Pending.Seated = true
	if have, needed := s.Readiness(); have >= needed {
		return
	}
	h := s.Pending
	h.Stewards, h.Standby = slices.Clone(h.Stewards), slices.Clone(h.Standby)
	replaced := false
	for i, member := range h.Stewards {
		if s.able(member) {
			continue
		}
		next := slices.IndexFunc(h.Standby, s.eligible)
		if next < 0 {
			break
		}
		h.Stewards[i], replaced = h.Standby[next], true
		h.Standby = slices.Delete(h.Standby, next, next+1)
	}
	if replaced {
		h.Decided = s.Time
		s.Pending = h
		return
	}
	able := slices.DeleteFunc(h.Stewards, func(member identity.PublicKey) bool { return !s.able(member) })
	if !h.Elected && len(able) > 0 {
		h.Stewards, h.Ends = able, s.Time
		s.Pending = h
		return
	}
	s.Pending, s.Term.Ends = Handover{}, s.Time
	if h.Params != s.Params { // another timing was decided too, and needs nobody new
		same := s.change(h.By)
		same.Params, same.Notice, same.Seated = h.Params, s.Time, true
		s.Pending = same
	}
	for _, steward := range s.Term.Stewards { // whoever had to go meanwhile must still go
		if r, _ := s.RoundKeys.Get(steward.Key); r.Forked && s.replaceable(steward.Member) {
			s.vacate(steward.Member, event.ID{})
		}
	}
}

// able tells whether an incoming steward can sign in the coming epoch: who has announced a key, and once the
// time to do so is over who serves with one that is not spoilt.
func (s *State) able(member identity.PublicKey) bool {
	if _, ok := s.announced(member); ok {
		return true
	}
	i := s.Term.seat(member)
	if !s.Pending.Seated || i < 0 {
		return false
	}
	r, _ := s.RoundKeys.Get(s.Term.Stewards[i].Key)
	return !r.Forked
}

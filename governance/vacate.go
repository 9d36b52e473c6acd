package governance

import (
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// Every way out of office is one: resign, be recalled, cease to be a member who may vote, be proven to
// have signed two blocks of one round. The seat goes to the first on standby who can take it. Without
// one it stays empty, and an election is due at once: a cooperative can stand as many further faults
// without the one who goes as with them (f of n-1 is at most one below f of n), but not more. The last
// steward never goes without another: nobody could put the election in order.

// StewardResign is the body of steward.resign: I do not stand any more, nor stand by, nor want to be
// steward. Who is one goes on until the hand-over.
type StewardResign struct{}

// StewardRecall is the body of steward.recall, an act of the Assembly.
type StewardRecall struct {
	Member identity.PublicKey `cbor:"member"`
}

// ParamsAmend is the body of params.amend, an act of the Assembly. The new timing comes with the next
// epoch.
type ParamsAmend struct {
	Params Params `cbor:"params"`
}

// Resign gives up what the author has of the office of steward, or has offered.
func (s *State) Resign(env fold.Env, _ StewardResign) error {
	member, _, err := s.actor(env)
	if err != nil {
		return err
	}
	if !s.involved(member) {
		return ErrNoOffice
	}
	if !s.replaceable(member) {
		return ErrLastSteward
	}

	s.vacate(member, env.ID)
	return nil
}

// Recall takes a member out of the office, by decision of the Assembly.
func (s *State) Recall(env fold.Env, b StewardRecall) error {
	if env.Key != identity.Assembly {
		return ErrAssemblyOnly
	}
	if !s.involved(b.Member) {
		return ErrNoSteward
	}
	if !s.replaceable(b.Member) {
		return ErrLastSteward
	}

	s.vacate(b.Member, env.ID)
	return nil
}

// AmendParams decides on another timing.
func (s *State) AmendParams(env fold.Env, b ParamsAmend) error {
	if env.Key != identity.Assembly {
		return ErrAssemblyOnly
	}
	if !b.Params.valid() {
		return ErrParams
	}

	h := s.change(env.ID)
	h.Params = b.Params
	h.Notice = max(h.Notice, s.Time+s.Charter.Office.Notice)
	s.Pending = h
	return nil
}

// involved tells whether a member is a steward, is to be one, stands by or stands.
func (s *State) involved(member identity.PublicKey) bool {
	return s.Term.seat(member) >= 0 || s.Standing.Has(member) || slices.Contains(s.Term.Standby, member) ||
		slices.Contains(s.Pending.Stewards, member) || slices.Contains(s.Pending.Standby, member)
}

// replaceable tells whether at least one steward would be left without member.
func (s *State) replaceable(member identity.PublicKey) bool {
	h := s.change(event.ID{})
	return len(s.left(h.Stewards, member)) > 0 || slices.ContainsFunc(without(h.Standby, member), s.eligible) ||
		len(s.left(s.seated(), member)) > 0
}

// left are those of a list who can be stewards without member.
func (s *State) left(list []identity.PublicKey, member identity.PublicKey) []identity.PublicKey {
	return slices.DeleteFunc(slices.Clone(list), func(m identity.PublicKey) bool { return m == member || s.lost(m) })
}

// vacate takes a member, who must be replaceable, out of everything that has to do with the office.
func (s *State) vacate(member identity.PublicKey, by event.ID) {
	s.Standing.Delete(member)
	s.Term.Standby = without(s.Term.Standby, member)
	s.Pending.Standby = without(s.Pending.Standby, member)
	pending := len(s.Pending.Stewards) > 0
	if pending && !slices.Contains(s.Pending.Stewards, member) || !pending && s.Term.seat(member) < 0 {
		return
	}
	h := s.change(by)
	at := slices.Index(h.Stewards, member)
	next := slices.IndexFunc(h.Standby, s.eligible)
	switch {
	case next >= 0:
		h.Stewards = slices.Clone(h.Stewards)
		h.Stewards[at] = h.Standby[next]
		h.Standby = without(h.Standby, h.Stewards[at])
	case len(s.left(h.Stewards, member)) > 0:
		h.Stewards, h.Ends, h.Elected = without(h.Stewards, member), s.Time, false
	default: // the only one to come in does not: who is there goes on
		h.Stewards, h.Ends, h.Elected = s.left(s.seated(), member), s.Time, false
	}
	s.Pending = h
}

// relieve vacates the seats of those who can no longer be stewards, whatever happened to them. It comes
// with every commit, so no rule that ends a membership needs to know of the office. A steward who was
// never a member, which a founding can name, stays.
func (s *State) relieve() {
	for _, member := range slices.Concat(s.seated(), s.Term.Standby, s.Pending.Stewards, s.Pending.Standby) {
		if s.lost(member) && s.involved(member) && s.replaceable(member) {
			s.vacate(member, event.ID{})
		}
	}
}

// lost tells whether one who was a member with a vote is none any more.
func (s *State) lost(member identity.PublicKey) bool {
	m, ok := s.Members.Get(member)
	return ok && m.Status != StatusCandidate && (m.Status != StatusMember || !s.Charter.MayVote(m.Classes))
}

// seated are the members who are stewards now.
func (s *State) seated() []identity.PublicKey {
	members := make([]identity.PublicKey, len(s.Term.Stewards))
	for i, steward := range s.Term.Stewards {
		members[i] = steward.Member
	}
	return members
}

// without is a list without one of its members; the list itself stays as it is.
func without(list []identity.PublicKey, member identity.PublicKey) []identity.PublicKey {
	return slices.DeleteFunc(slices.Clone(list), func(m identity.PublicKey) bool { return m == member })
}

package governance

import (
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// What suspension and expulsion touch, and what not: who is suspended or expelled signs nothing but an
// appeal, a revocation of a stolen device and a veto against a recovery. A ballot that was cast stays,
// because the roll of its vote is frozen; so do proposals under way. Invites are void as long as who
// made them is no member. Devices stay known, so that a member who returns speaks with them again.

// MemberSuspend is the body of member.suspend, an act of the Assembly: for so long the member can do
// nothing.
type MemberSuspend struct {
	Member identity.PublicKey `cbor:"member"`
	For    event.Time         `cbor:"for"` // milliseconds of coop time
}

// MemberExpel is the body of member.expel, an act of the Assembly.
type MemberExpel struct {
	Member identity.PublicKey `cbor:"member"`
}

// MemberReinstate is the body of member.reinstate, an act of the Assembly: a suspension or expulsion
// ends.
type MemberReinstate struct {
	Member identity.PublicKey `cbor:"member"`
}

// MemberAppeal is the body of member.appeal: the members are asked to end a suspension or expulsion.
type MemberAppeal struct {
	Text string `cbor:"text"` // Markdown
}

// belongs tells whether m is a member, even if suspended.
func (m Member) belongs() bool { return m.Status == StatusMember || m.Status == StatusSuspended }

// Suspend suspends a member, or sets another end of a suspension.
func (s *State) Suspend(env fold.Env, b MemberSuspend) error {
	m, err := s.ruledOn(env, b.Member)
	if err != nil {
		return err
	}
	if b.For < 1 || b.For > MaxPeriod {
		return ErrSuspension
	}

	s.rule(b.Member, m, StatusSuspended, env.ID, s.Time+b.For)
	return nil
}

// Expel ends a membership against the member's will.
func (s *State) Expel(env fold.Env, b MemberExpel) error {
	m, err := s.ruledOn(env, b.Member)
	if err != nil {
		return err
	}

	s.dismissClaims(b.Member)
	s.dropRequests(b.Member)
	s.rule(b.Member, m, StatusExpelled, env.ID, 0)
	return nil
}

// Reinstate makes a suspended or expelled member a member again.
func (s *State) Reinstate(env fold.Env, b MemberReinstate) error {
	if env.Key != identity.Assembly {
		return ErrAssemblyOnly
	}
	m, ok := s.Members.Get(b.Member)
	if !ok || m.Status != StatusSuspended && m.Status != StatusExpelled {
		return ErrNoRuling
	}
	if !s.Charter.keeps(m.Classes) {
		return ErrClasses
	}

	s.rule(b.Member, m, StatusMember, event.ID{}, 0)
	return nil
}

// ruledOn finds a member that the Assembly may suspend or expel. The last member who may vote is not
// among them: nobody could decide anything any more.
func (s *State) ruledOn(env fold.Env, key identity.PublicKey) (Member, error) {
	if env.Key != identity.Assembly {
		return Member{}, ErrAssemblyOnly
	}
	m, ok := s.Members.Get(key)
	if !ok || !m.belongs() {
		return m, ErrNoMember
	}
	if !s.othersVote(key) {
		return m, ErrNoVoters
	}
	return m, nil
}

// rule sets a member's status by a ruling of the Assembly; until is the end of a suspension.
func (s *State) rule(key identity.PublicKey, m Member, status Status, ruling event.ID, until event.Time) {
	s.forgetSuspension(key, m)
	m.Status, m.Since, m.Ruling, m.Until, m.Appealed = status, s.Time, ruling, until, false
	s.Members.Set(key, m)
	if status == StatusExpelled {
		s.silence(key)
	}
	if until != 0 {
		s.Calendar.Set(Date{At: until, Member: key}, struct{}{})
	}
}

// forgetSuspension takes the end of a suspension out of the calendar.
func (s *State) forgetSuspension(key identity.PublicKey, m Member) {
	if m.Status == StatusSuspended {
		s.Calendar.Delete(Date{At: m.Until, Member: key})
	}
}

// endSuspension is what the calendar does when a suspension is over.
func (s *State) endSuspension(key identity.PublicKey) {
	m, _ := s.Members.Get(key)
	if m.Status != StatusSuspended {
		panic("governance: invariant: the calendar ends a suspension of one who is " + string(m.Status))
	}
	s.rule(key, m, StatusMember, event.ID{}, 0)
}

// Appeal puts one's own suspension or expulsion to the members again, once for each ruling. It is a
// proposal that can do nothing else, on the first track that may reinstate by sides; its id is the
// event's.
func (s *State) Appeal(env fold.Env, b MemberAppeal) error {
	key, m, err := s.person(env)
	if err != nil {
		return err
	}
	if m.Status != StatusSuspended && m.Status != StatusExpelled {
		return ErrNoRuling
	}
	if m.Appealed {
		return ErrAppealed
	}
	if !(Span{m.Since, m.Since + s.Charter.Limits.appeal()}).Has(s.Time) {
		return ErrAppealLate
	}
	i := slices.IndexFunc(s.Charter.Tracks, func(t Track) bool { return !t.Method.Chooses() && allows(t, KindMemberReinstate) })
	if i < 0 {
		return ErrNoAppeal
	}
	track := s.Charter.Tracks[i]
	action, err := event.NewDraft(KindMemberReinstate, MemberReinstate{key})
	if err != nil {
		panic("governance: invariant: a reinstatement has a canonical form: " + err.Error())
	}
	p := ProposalOpen{Title: "Appeal of " + m.Name, Text: b.Text, Track: track.Name, Actions: []event.Draft{action}}
	if err := p.check(track, s.Charter.Limits); err != nil {
		return err
	}
	if s.Agenda.Len() >= MaxOpen {
		return ErrHallFull
	}

	track.Cosponsors = 0 // who is heard by nobody finds no sponsors
	if err := s.launch(env.ID, key, p, track); err != nil {
		return err
	}
	m.Appealed = true
	s.Members.Set(key, m)
	return nil
}

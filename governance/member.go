package governance

import (
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// Status is where a member stands.
type Status string

// The stations of a membership.
const (
	StatusCandidate Status = "candidate" // has applied and waits
	StatusMember    Status = "member"
	StatusSuspended Status = "suspended" // until a date, by decision of the members
	StatusExpelled  Status = "expelled"  // by decision of the members; only they can undo it
	StatusLeft      Status = "left"      // may apply again
)

// Member is a person or body in the cooperative, or one who asks to be.
type Member struct {
	Name      string               `cbor:"name"`
	Classes   []string             `cbor:"classes"`
	Statement string               `cbor:"statement"`
	Status    Status               `cbor:"status"`
	Since     event.Time           `cbor:"since"` // coop time of the last change of status
	Sponsors  []identity.PublicKey `cbor:"sponsors"`
	Devices   uint64               `cbor:"devices"` // device keys, suspended ones included, revoked ones not
	Event     event.ID             `cbor:"event"`   // founding or last application
	Heard     event.Time           `cbor:"heard"`   // coop time of the first event that counted on the last day with one

	// Of one who was suspended or expelled.
	Ruling   event.ID   `cbor:"ruling"`   // the proposal that decided it
	Until    event.Time `cbor:"until"`    // end of the suspension, also of one who left meanwhile
	Appealed bool       `cbor:"appealed"` // against this ruling
}

// MemberApply is the body of member.apply, signed by the key that is to name the member.
type MemberApply struct {
	Name      string             `cbor:"name"`
	Classes   []string           `cbor:"classes"`
	Statement string             `cbor:"statement"`
	Invite    identity.PublicKey `cbor:"invite"` // zero: without
	Proof     identity.Signature `cbor:"proof"`  // InviteProof by the invite's key; zero: without
}

// MemberSponsor is the body of member.sponsor: I vouch for this candidate.
type MemberSponsor struct {
	Candidate identity.PublicKey `cbor:"candidate"`
	Class     string             `cbor:"class,omitempty"` // that a member asked for; without, an application
}

// MemberAdmit is the body of member.admit, an act of the Assembly.
type MemberAdmit struct {
	Candidate identity.PublicKey `cbor:"candidate"`
	Class     string             `cbor:"class,omitempty"` // that a member asked for; without, an application
}

// MemberLeave is the body of member.leave. A candidate takes the application back by it.
type MemberLeave struct{}

// actor finds who signed: the member of a device that is live. It refuses devices of nobody,
// revoked and suspended devices, and whoever is no member at present.
func (s *State) actor(env fold.Env) (identity.PublicKey, Member, error) {
	key, m, err := s.person(env)
	switch {
	case err != nil:
	case m.Status == StatusCandidate:
		err = ErrWaiting
	case m.Status == StatusSuspended:
		err = ErrMemberSuspended
	case m.Status == StatusExpelled:
		err = ErrExpelled
	case m.Status != StatusMember:
		err = ErrLeft
	}
	return key, m, err
}

// person is actor for whatever status.
func (s *State) person(env fold.Env) (identity.PublicKey, Member, error) {
	d, ok := s.Devices.Get(env.Key)
	if !ok {
		return d.Member, Member{}, ErrStranger
	}
	if d.Revoked {
		return d.Member, Member{}, ErrRevoked
	}
	if d.Suspended {
		return d.Member, Member{}, ErrSuspended
	}
	m, ok := s.Members.Get(d.Member)
	if !ok {
		panic("governance: invariant: a device of no member: " + env.Key.String())
	}
	return d.Member, m, nil
}

// Apply asks for membership. Where the class is open it is granted at once.
func (s *State) Apply(env fold.Env, b MemberApply) error {
	key, before, err := s.applicant(env)
	if err != nil {
		return err
	}
	if !line(b.Name, MaxName) {
		return ErrName
	}
	if !prose(b.Statement, s.Charter.Limits.Statement) {
		return ErrText
	}
	if !s.Charter.knows(b.Classes) {
		return ErrClasses
	}
	way, _, needed := s.Charter.admission(b.Classes)
	invitation, err := s.invited(env.Key, b, needed)
	if err != nil {
		return err
	}
	if s.patronage(key) < s.Charter.patronage(b.Classes) {
		return ErrPatronage
	}
	if way != AdmitOpen && s.Candidates >= s.Charter.Limits.Candidates {
		return ErrCandidatesFull
	}

	if !b.Invite.IsZero() {
		invitation.Uses--
		s.Invitations.Set(b.Invite, invitation)
	}
	if before.Devices == 0 {
		before.Devices = 1
		s.Devices.Set(key, Device{Member: key, Since: s.Time})
	}
	s.Candidates++
	m := Member{Name: b.Name, Classes: b.Classes, Statement: b.Statement, Status: StatusCandidate, Since: s.Time, Devices: before.Devices, Event: env.ID}
	if way == AdmitOpen {
		s.admit(key, m)
		return nil
	}
	s.Members.Set(key, m)
	return nil
}

// applicant checks the key of one who applies: a new one, or a live device of a member who left.
func (s *State) applicant(env fold.Env) (identity.PublicKey, Member, error) {
	if !s.Devices.Has(env.Key) {
		if env.Key.Check() != nil {
			return env.Key, Member{}, ErrKey
		}
		if s.anothers(env.Key, env.Key) {
			return env.Key, Member{}, ErrKeyTaken
		}
		return env.Key, Member{}, nil
	}
	key, m, err := s.person(env)
	switch {
	case err != nil:
	case m.Status == StatusMember:
		err = ErrMemberAlready
	case m.Status == StatusCandidate:
		err = ErrAppliedAlready
	case m.Status == StatusSuspended:
		err = ErrMemberSuspended
	case m.Status == StatusExpelled:
		err = ErrExpelled
	case s.Time < m.Until:
		err = ErrLeftSuspended
	}
	return key, m, err
}

// Sponsor vouches for a candidate; the last sponsor that the class needs admits.
func (s *State) Sponsor(env fold.Env, b MemberSponsor) error {
	key, sponsor, err := s.actor(env)
	if err != nil {
		return err
	}
	if !s.Charter.MayVote(sponsor.Classes) {
		return ErrMayNotSponsor
	}
	if b.Class != "" {
		return s.vouch(key, Chair{b.Candidate, b.Class})
	}
	m, err := s.candidate(b.Candidate)
	if err != nil {
		return err
	}
	way, needed, _ := s.Charter.admission(m.Classes)
	if way != AdmitSponsor {
		return ErrNotBySponsors
	}
	if slices.Contains(m.Sponsors, key) {
		return ErrSponsoredAlready
	}

	m.Sponsors = append(slices.Clone(m.Sponsors), key)
	if uint64(len(m.Sponsors)) >= needed {
		s.admit(b.Candidate, m)
		return nil
	}
	s.Members.Set(b.Candidate, m)
	return nil
}

// Admit makes a candidate a member, by decision of the Assembly.
func (s *State) Admit(env fold.Env, b MemberAdmit) error {
	if env.Key != identity.Assembly {
		return ErrAssemblyOnly
	}
	if b.Class != "" {
		return s.grant(Chair{b.Candidate, b.Class})
	}
	m, err := s.candidate(b.Candidate)
	if err != nil {
		return err
	}
	s.admit(b.Candidate, m)
	return nil
}

// candidate finds one who waits, in classes that the charter still has.
func (s *State) candidate(key identity.PublicKey) (Member, error) {
	m, ok := s.Members.Get(key)
	if !ok || m.Status != StatusCandidate {
		return m, ErrNoCandidate
	}
	if !s.Charter.knows(m.Classes) {
		return m, ErrClasses
	}
	return m, nil
}

func (s *State) admit(key identity.PublicKey, m Member) {
	m.Status, m.Since = StatusMember, s.Time
	s.Candidates--
	s.Members.Set(key, m)
}

// Leave ends a membership, or takes an application back. What the member did stays.
func (s *State) Leave(env fold.Env, _ MemberLeave) error {
	key, m, err := s.person(env)
	if err != nil {
		return err
	}
	if m.Status == StatusLeft {
		return ErrLeft
	}
	if m.Status == StatusExpelled {
		return ErrExpelled
	}

	if m.Status == StatusCandidate {
		s.Candidates--
	}
	s.forgetSuspension(key, m)
	s.dismissClaims(key)
	s.dropRequests(key)
	m.Status, m.Since = StatusLeft, s.Time
	s.Members.Set(key, m)
	s.silence(key)
	return nil
}

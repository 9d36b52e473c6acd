package governance

import (
	"cmp"
	"iter"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// A member who has lost every device is recovered in one of two ways: by guardians, some of whom
// approve a new key, after a delay in which any live device of the member can veto; or by a vote of
// the members, which no device can veto, so that it also helps against a thief who holds one. (Social
// recovery with a delay: V. Buterin, "Why we need wide adoption of social recovery wallets", 2021;
// implemented by Argent, github.com/argentlabs/argent-contracts, RecoveryManager.)

// Guardianship is whom a member trusts to recover their membership.
type Guardianship struct {
	Guardians []identity.PublicKey `cbor:"guardians"`
	Needed    uint64               `cbor:"needed"` // how many of them must approve
	Since     event.Time           `cbor:"since"`
	Event     event.ID             `cbor:"event"`
}

// Claim names a recovery: Member is to speak by Key.
type Claim struct {
	Member identity.PublicKey `cbor:"member"`
	Key    identity.PublicKey `cbor:"key"`
}

// Compare orders by member, then by key.
func (c Claim) Compare(other Claim) int {
	return cmp.Or(c.Member.Compare(other.Member), c.Key.Compare(other.Key))
}

// Recovery is a claim that guardians back.
type Recovery struct {
	Approvals []identity.PublicKey `cbor:"approvals"` // guardians, in the order they approved
	Opened    event.Time           `cbor:"opened"`
	Ready     bool                 `cbor:"ready"` // enough have approved: the delay runs
	Due       event.Time           `cbor:"due"`   // when it takes effect if Ready, otherwise when it lapses
	Event     event.ID             `cbor:"event"` // the first approval
}

// GuardianName is the body of guardian.name. It replaces those named before; without any, nobody is a
// guardian.
type GuardianName struct {
	Guardians []identity.PublicKey `cbor:"guardians"`
	Needed    uint64               `cbor:"needed"`
}

// RecoveryApprove is the body of recovery.approve, signed by a guardian who is sure to know whose the
// key is.
type RecoveryApprove struct {
	Member identity.PublicKey `cbor:"member"`
	Key    identity.PublicKey `cbor:"key"`
	Proof  identity.Signature `cbor:"proof"` // DeviceProof by Key
}

// RecoveryVeto is the body of recovery.veto, signed by any live device of the member: nothing is lost.
type RecoveryVeto struct{}

// MemberRecover is the body of member.recover, an act of the Assembly: from now on the member speaks by
// this key alone.
type MemberRecover struct {
	Member identity.PublicKey `cbor:"member"`
	Key    identity.PublicKey `cbor:"key"`
	Proof  identity.Signature `cbor:"proof"` // DeviceProof by Key
}

// NameGuardians sets a member's guardians. Who can name guardians has a device, so recoveries under way
// are off.
func (s *State) NameGuardians(env fold.Env, b GuardianName) error {
	key, _, err := s.actor(env)
	if err != nil {
		return err
	}
	n := uint64(len(b.Guardians))
	if n > MaxGuardians || b.Needed > n || n > 0 && b.Needed < 1 || !distinct(b.Guardians) || slices.Contains(b.Guardians, key) {
		return ErrGuardians
	}
	for _, guardian := range b.Guardians {
		if !s.isMember(guardian) {
			return ErrNoMember
		}
	}

	s.dismissClaims(key)
	if n == 0 {
		s.Guardians.Delete(key)
		return nil
	}
	s.Guardians.Set(key, Guardianship{Guardians: b.Guardians, Needed: b.Needed, Since: s.Time, Event: env.ID})
	return nil
}

// ApproveRecovery adds a guardian's approval of a key. A guardian backs one key of a member at a time:
// approving another one moves the approval. The last approval that is needed starts the delay.
func (s *State) ApproveRecovery(env fold.Env, b RecoveryApprove) error {
	guardian, _, err := s.actor(env)
	if err != nil {
		return err
	}
	if m, ok := s.Members.Get(b.Member); !ok || !m.belongs() {
		return ErrNoMember
	}
	g, _ := s.Guardians.Get(b.Member)
	if !slices.Contains(g.Guardians, guardian) {
		return ErrNotGuardian
	}
	if err := s.checkDevice(b.Member, b.Key, b.Proof); err != nil {
		return err
	}
	claim := Claim{b.Member, b.Key}
	r, known := s.Recoveries.Get(claim)
	if slices.Contains(r.Approvals, guardian) {
		return ErrApprovedAlready
	}

	s.withdrawApproval(b.Member, guardian)
	if !known {
		r = Recovery{Opened: s.Time, Due: s.Time + ClaimLapse, Event: env.ID}
	}
	s.Calendar.Delete(Date{r.Due, claim.Member, claim.Key})
	r.Approvals = append(slices.Clone(r.Approvals), guardian)
	if !r.Ready && uint64(len(r.Approvals)) >= g.Needed {
		r.Ready, r.Due = true, s.Time+s.Charter.Limits.recovery()
	}
	s.putClaim(claim, r)
	return nil
}

// withdrawApproval takes a guardian's approval from whatever key of the member it stands with.
func (s *State) withdrawApproval(member, guardian identity.PublicKey) {
	var claim Claim
	for other, r := range s.claimsOn(member) {
		if slices.Contains(r.Approvals, guardian) {
			claim = other
		}
	}
	r, found := s.Recoveries.Get(claim)
	if !found {
		return
	}
	s.dropClaim(claim, r)
	r.Approvals = slices.DeleteFunc(slices.Clone(r.Approvals), func(key identity.PublicKey) bool { return key == guardian })
	if len(r.Approvals) == 0 {
		return
	}
	if g, _ := s.Guardians.Get(member); r.Ready && uint64(len(r.Approvals)) < g.Needed {
		r.Ready, r.Due = false, s.Time+ClaimLapse
	}
	s.putClaim(claim, r)
}

// VetoRecovery ends all recoveries of a member. A guardian may approve again: then the member names
// other guardians.
func (s *State) VetoRecovery(env fold.Env, _ RecoveryVeto) error {
	key, _, err := s.person(env)
	if err != nil {
		return err
	}
	for range s.claimsOn(key) {
		s.dismissClaims(key)
		return nil
	}
	return ErrNoRecovery
}

// Recover gives a member a new key by decision of the Assembly.
func (s *State) Recover(env fold.Env, b MemberRecover) error {
	if env.Key != identity.Assembly {
		return ErrAssemblyOnly
	}
	if m, ok := s.Members.Get(b.Member); !ok || !m.belongs() {
		return ErrNoMember
	}
	if err := s.checkDevice(b.Member, b.Key, b.Proof); err != nil {
		return err
	}

	s.recover(b.Member, b.Key)
	return nil
}

// checkDevice checks a key that is to speak for a member from now on.
func (s *State) checkDevice(member, key identity.PublicKey, proof identity.Signature) error {
	switch {
	case key.Check() != nil:
		return ErrKey
	case s.Devices.Has(key) || s.anothers(key, member):
		return ErrKeyTaken
	case !identity.Verify(key, deviceMessage(s.Coop, member), proof):
		return ErrDeviceProof
	}
	return nil
}

// settleClaim does what a claim's date is about: the recovery takes effect, or it lapses. It lapses too
// where it has lost its ground during the delay: guardians who are no members any more don't count,
// the member may have left, and the key may speak for somebody.
func (s *State) settleClaim(claim Claim) {
	r, ok := s.Recoveries.Get(claim)
	if !ok {
		panic("governance: invariant: the calendar has a recovery that is not there")
	}
	s.Recoveries.Delete(claim)
	g, _ := s.Guardians.Get(claim.Member)
	m, _ := s.Members.Get(claim.Member)
	backing := uint64(0)
	for _, guardian := range r.Approvals {
		if s.isMember(guardian) {
			backing++
		}
	}
	if r.Ready && backing >= g.Needed && m.belongs() && !s.Devices.Has(claim.Key) && !s.anothers(claim.Key, claim.Member) {
		s.recover(claim.Member, claim.Key)
	}
}

// recover lets key speak for a member, and no other device.
func (s *State) recover(member, key identity.PublicKey) {
	s.dismissClaims(member)
	var old []identity.PublicKey
	for device, d := range s.devicesOf(member) {
		if !d.Revoked {
			old = append(old, device)
		}
	}
	for _, device := range old {
		d, _ := s.Devices.Get(device)
		s.disable(device, d)
	}
	m, _ := s.Members.Get(member)
	m.Devices++
	s.Members.Set(member, m)
	s.Devices.Set(key, Device{Member: member, Since: s.Time})
	s.inherit(member, key)
}

// claimsOn yields the recoveries of a member that are under way, at most one for each guardian.
func (s *State) claimsOn(member identity.PublicKey) iter.Seq2[Claim, Recovery] {
	return while(&s.Recoveries, Claim{Member: member}, func(c Claim) bool { return c.Member == member })
}

func (s *State) dismissClaims(member identity.PublicKey) {
	var all []Claim
	for claim := range s.claimsOn(member) {
		all = append(all, claim)
	}
	for _, claim := range all {
		r, _ := s.Recoveries.Get(claim)
		s.dropClaim(claim, r)
	}
}

func (s *State) putClaim(claim Claim, r Recovery) {
	s.Recoveries.Set(claim, r)
	s.Calendar.Set(Date{r.Due, claim.Member, claim.Key}, struct{}{})
}

func (s *State) dropClaim(claim Claim, r Recovery) {
	s.Recoveries.Delete(claim)
	s.Calendar.Delete(Date{r.Due, claim.Member, claim.Key})
}

// isMember tells whether key names a member, not a former or future one.
func (s *State) isMember(key identity.PublicKey) bool {
	m, ok := s.Members.Get(key)
	return ok && m.Status == StatusMember
}

package governance

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// Invitation is what is left of an invite: a key pair whose secret half travels to the invited, so
// that whoever holds it may apply, some number of times and until some time.
type Invitation struct {
	By      identity.PublicKey `cbor:"by"`
	Uses    uint64             `cbor:"uses"` // left
	Expires event.Time         `cbor:"expires"`
	Note    string             `cbor:"note"`
	Event   event.ID           `cbor:"event"`
	Revoked bool               `cbor:"revoked"`
}

// InviteRevoke is the body of invite.revoke, signed by the member who made the invite, or an act of the
// Assembly.
type InviteRevoke struct {
	Key identity.PublicKey `cbor:"key"`
}

// MemberInvite is the body of member.invite.
type MemberInvite struct {
	Key     identity.PublicKey `cbor:"key"`     // public half of the invite
	Uses    uint64             `cbor:"uses"`    // from 1
	Expires event.Time         `cbor:"expires"` // coop time from which it is void
	Note    string             `cbor:"note"`    // for the members to see
}

// InviteProof is the invite's signature for one applicant, so that nobody who sees an application
// can use its invite: "coop/invite/1", a zero byte, the cooperative, the applicant.
func InviteProof(invite identity.Key, coop event.ID, applicant identity.PublicKey) identity.Signature {
	return invite.Sign(inviteMessage(coop, applicant))
}

func inviteMessage(coop event.ID, applicant identity.PublicKey) []byte {
	return append(append([]byte("coop/invite/1\x00"), coop[:]...), applicant[:]...)
}

// Invite publishes the public half of an invite.
func (s *State) Invite(env fold.Env, b MemberInvite) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	if b.Key.Check() != nil {
		return ErrKey
	}
	if s.Invitations.Has(b.Key) {
		return ErrInviteTaken
	}
	if b.Uses < 1 || b.Uses > MaxUses || b.Expires <= s.Time || b.Expires > s.Time+MaxPeriod {
		return ErrInviteTerms
	}
	if !prose(b.Note, MaxNote) {
		return ErrText
	}

	s.Invitations.Set(b.Key, Invitation{By: by, Uses: b.Uses, Expires: b.Expires, Note: b.Note, Event: env.ID})
	return nil
}

// RevokeInvite makes an invite void for good. Who came in by it stays.
func (s *State) RevokeInvite(env fold.Env, b InviteRevoke) error {
	by := identity.Assembly
	if env.Key != identity.Assembly {
		key, _, err := s.actor(env)
		if err != nil {
			return err
		}
		by = key
	}
	i, ok := s.Invitations.Get(b.Key)
	if !ok {
		return ErrInviteUnknown
	}
	if by != identity.Assembly && i.By != by {
		return ErrNotYourInvite
	}
	if i.Revoked {
		return ErrInviteRevoked
	}

	i.Revoked = true
	s.Invitations.Set(b.Key, i)
	return nil
}

// invited checks the invite of an application.
func (s *State) invited(applicant identity.PublicKey, b MemberApply, needed bool) (Invitation, error) {
	if b.Invite.IsZero() {
		if needed {
			return Invitation{}, ErrInviteNeeded
		}
		return Invitation{}, nil
	}
	i, ok := s.Invitations.Get(b.Invite)
	switch {
	case !ok:
		return i, ErrInviteUnknown
	case i.Revoked:
		return i, ErrInviteRevoked
	case !s.isMember(i.By):
		return i, ErrInviteVoid
	case !(Span{0, i.Expires}).Has(s.Time):
		return i, ErrInviteExpired
	case i.Uses == 0:
		return i, ErrInviteUsedUp
	case !identity.Verify(b.Invite, inviteMessage(s.Coop, applicant), b.Proof):
		return i, ErrInviteProof
	}
	return i, nil
}

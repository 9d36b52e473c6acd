package governance

import (
	"iter"

	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// DeviceRevoke is the body of device.revoke, signed by another device of the same member, or an act of
// the Assembly.
type DeviceRevoke struct {
	Key identity.PublicKey `cbor:"key"`
}

// RevokeDevice ends a device's voice for good. What it said before stands: an event of it counts if it
// is ordered before the revocation. One device always stays, since a member without any could only be
// spoken for by others: who wants to go leaves, who has lost all is recovered. A member who is
// suspended may still revoke: a thief must not gain by it.
func (s *State) RevokeDevice(env fold.Env, b DeviceRevoke) error {
	var member identity.PublicKey
	if env.Key != identity.Assembly {
		key, _, err := s.person(env)
		if err != nil {
			return err
		}
		if b.Key == env.Key {
			return ErrRevokesItself
		}
		member = key
	}
	d, ok := s.Devices.Get(b.Key)
	if !ok || env.Key != identity.Assembly && d.Member != member {
		return ErrNotOwnDevice
	}
	if d.Revoked {
		return ErrRevokedAlready
	}
	if env.Key == identity.Assembly && !s.speaksWithout(d.Member, b.Key) {
		return ErrLastDevice
	}

	s.disable(b.Key, d)
	return nil
}

// disable revokes a device.
func (s *State) disable(key identity.PublicKey, d Device) {
	m, _ := s.Members.Get(d.Member)
	m.Devices--
	s.Members.Set(d.Member, m)
	d.Revoked = true
	s.Devices.Set(key, d)
}

// live tells whether a device may speak, as far as it depends on the device.
func (d Device) live() bool { return !d.Suspended && !d.Revoked }

// devicesOf yields a member's devices. It reads the table of all, which only rare events may.
func (s *State) devicesOf(member identity.PublicKey) iter.Seq2[identity.PublicKey, Device] {
	return func(yield func(identity.PublicKey, Device) bool) {
		for key, d := range table.All(&s.Devices) {
			if d.Member == member && !yield(key, d) {
				return
			}
		}
	}
}

// speaksWithout tells whether a member has a live device besides this one.
func (s *State) speaksWithout(member, device identity.PublicKey) bool {
	for key, d := range s.devicesOf(member) {
		if key != device && d.live() {
			return true
		}
	}
	return false
}

package governance

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// Device is a key with which a member speaks.
type Device struct {
	Member    identity.PublicKey `cbor:"member"`
	Since     event.Time         `cbor:"since"`
	Suspended bool               `cbor:"suspended"` // proven to have signed two events with one number, and not restored since
	Cleared   uint64             `cbor:"cleared"`   // forks of events below this number are settled
	Revoked   bool               `cbor:"revoked"`   // for good: by its member, a recovery or the Assembly
	Next      uint64             `cbor:"next"`      // the least number of an event that can still count
	Day       uint64             `cbor:"day"`       // see Count
	Count     uint64             `cbor:"count"`     // with the key that names the member: the member's events on Day, in days of coop time since 1970
}

// DeviceAdd is the body of device.add, signed by a live device of the member. The Assembly does it
// for a member who has none left.
type DeviceAdd struct {
	Member identity.PublicKey `cbor:"member"`
	Key    identity.PublicKey `cbor:"key"`
	Proof  identity.Signature `cbor:"proof"` // DeviceProof by Key
}

// DeviceProof shows that the holder of the device's key wants to speak for the member, so that
// nobody claims another's key: "coop/device/1", a zero byte, the cooperative, the member.
func DeviceProof(device identity.Key, coop event.ID, member identity.PublicKey) identity.Signature {
	return device.Sign(deviceMessage(coop, member))
}

func deviceMessage(coop event.ID, member identity.PublicKey) []byte {
	return append(append([]byte("coop/device/1\x00"), coop[:]...), member[:]...)
}

// AddDevice certifies a device's key for a member.
func (s *State) AddDevice(env fold.Env, b DeviceAdd) error {
	if env.Key != identity.Assembly {
		key, _, err := s.actor(env)
		if err != nil {
			return err
		}
		if key != b.Member {
			return ErrNotYourDevice
		}
	}
	m, ok := s.Members.Get(b.Member)
	if !ok || m.Status != StatusMember {
		return ErrNoMember
	}
	if m.Devices >= MaxDevices {
		return ErrDevicesFull
	}
	if err := s.checkDevice(b.Member, b.Key, b.Proof); err != nil {
		return err
	}

	m.Devices++
	s.Members.Set(b.Member, m)
	s.Devices.Set(b.Key, Device{Member: b.Member, Since: s.Time})
	s.inherit(b.Member, b.Key)
	return nil
}

package coop

import (
	"slices"

	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Seat is the number of a device's member among the stewards, or -1. A founding steward is known by the
// key alone, member or not.
func Seat(s *State, device identity.PublicKey) int {
	d, known := s.Hall.Devices.Get(device)
	return slices.IndexFunc(s.Hall.Term.Stewards, func(t governance.Steward) bool {
		return t.Key == device || known && t.Member == d.Member
	})
}

// StewardDevices are the devices of all stewards: whoever is to be met to reach them.
func StewardDevices(s *State) (devices []identity.PublicKey) {
	for _, steward := range s.Hall.Term.Stewards {
		if _, known := s.Hall.Members.Get(steward.Member); !known {
			devices = append(devices, steward.Key)
		}
	}
	for key := range table.All(&s.Hall.Devices) {
		if Seat(s, key) >= 0 {
			devices = append(devices, key)
		}
	}
	return devices
}

// Awaited tells whether a device should announce a key for the coming epoch: its member is to be a
// steward and has announced none. Of a member's devices it is the one with which they stood for election
// or, serving tells so, the one that holds the office already.
func Awaited(s *State, device identity.PublicKey, serving bool) (epoch uint64, member identity.PublicKey, awaited bool) {
	d, known := s.Hall.Devices.Get(device)
	if !known || d.Suspended || !slices.Contains(s.Hall.Pending.Stewards, d.Member) {
		return 0, member, false
	}
	epoch = s.Hall.Term.Number + 1
	if a, ok := s.Hall.Announced.Get(d.Member); ok && a.Epoch == epoch {
		return 0, member, false
	}
	stood, stands := s.Hall.Standing.Get(d.Member)
	return epoch, d.Member, serving || stands && stood.Device == device
}

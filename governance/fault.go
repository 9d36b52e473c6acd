package governance

import (
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// DeviceRestore is the body of device.restore: a device suspended for a fork may speak again. Another
// live device of the member signs it, or the Assembly performs it for one who has none.
type DeviceRestore struct {
	Key identity.PublicKey `cbor:"key"`
}

// Restore ends the suspension of a device. A phone restored from a backup forks its strand without
// malice, and must not be taken for a thief for ever (protocol §5.4, A16). The forks so far are settled:
// evidence of them suspends no more. One of a later number does.
func (s *State) Restore(env fold.Env, b DeviceRestore) error {
	d, known := s.Devices.Get(b.Key)
	if env.Key != identity.Assembly {
		member, _, err := s.actor(env)
		if err != nil {
			return err
		}
		if known && member != d.Member {
			return ErrNotYourDevice
		}
	}
	if !known {
		return ErrNoDevice
	}
	if !d.Suspended {
		return ErrNotSuspended
	}

	d.Suspended, d.Cleared = false, d.Next
	s.Devices.Set(b.Key, d)
	return nil
}

// accuseSteward ends the office of one who signed two blocks of one round. Each key is dealt with once:
// who is elected again later signs with another, of which old evidence says nothing. The last steward
// goes on until there is another, and an election is due.
func (s *State) accuseSteward(env fold.Env, body Evidence) error {
	r, known := s.RoundKeys.Get(body.Key)
	if !known {
		return ErrNoRoundKey
	}
	if _, proven := finality.ProvesFork(s.Coop, body.Key, body.A, body.B); !proven {
		return ErrNotEvidence
	}
	if r.Forked {
		return ErrProvenAlready
	}

	r.Forked = true
	s.RoundKeys.Set(body.Key, r)
	switch {
	case !s.involved(r.Member):
	case s.replaceable(r.Member):
		s.vacate(r.Member, env.ID)
	default:
		s.Standing.Delete(r.Member)
		s.Term.Ends = s.Time
	}
	return nil
}

package governance

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// Evidence is the body of evidence: the headers of two different events that one device has signed with
// one number (event.OpenHeader), or the envelopes of two different blocks that a steward has signed of one
// round. It proves itself: whoever brings it need not be believed. A founding event names no cooperative,
// so it is shown whole.
type Evidence struct {
	A   []byte             `cbor:"a"`
	B   []byte             `cbor:"b"`
	Key identity.PublicKey `cbor:"key,omitzero"` // of the steward, for round blocks, which don't name it
}

// Hear stands around the rule of every signed event, of whatever room: each number of a device counts
// once, and a member's events are bounded.
//
// In final order a device's events come by number, because each links the one before. So an event
// whose number is below one that has counted proves a second branch, always: it is refused, and the
// first to count stands (protocol §3.4). A refused event uses up no number: it changes nothing.
func (s *State) Hear(env fold.Env, rule func() error) error {
	d, known := s.Devices.Get(env.Key)
	if env.Seq < d.Next {
		return ErrForked
	}
	today := uint64(s.Time / day)
	if known && s.named(env, d).heard(today) >= s.Charter.Limits.Daily {
		return ErrOverQuota
	}
	writes := s.Devices.Writes()
	if err := rule(); err != nil {
		return err
	}

	if s.Devices.Writes() != writes { // the rule may have changed the device, or made it
		d, _ = s.Devices.Get(env.Key)
	}
	d.Next = env.Seq + 1
	if s.named(env, d).heard(today) == 0 {
		s.hearMember(d.Member)
	}
	if d.Member == env.Key {
		d.Day, d.Count = today, d.heard(today)+1
		s.Devices.Set(env.Key, d)
		return nil
	}
	s.Devices.Set(env.Key, d)
	first := s.named(env, d)
	first.Day, first.Count = today, first.heard(today)+1
	s.Devices.Set(d.Member, first)
	return nil
}

// hearMember notes that a member is not silent, with the first event of each day; that is exact enough
// for periods of weeks.
func (s *State) hearMember(key identity.PublicKey) {
	m, _ := s.Members.Get(key)
	m.Heard = s.Time
	s.Members.Set(key, m)
}

// named is the device whose key names the member that speaks by d.
func (s *State) named(env fold.Env, d Device) Device {
	if d.Member == env.Key {
		return d
	}
	first, _ := s.Devices.Get(d.Member)
	return first
}

// heard is how many of the member's events have counted today.
func (d Device) heard(today uint64) uint64 {
	if d.Day != today {
		return 0
	}
	return d.Count
}

// Accuse suspends a device that is proven to have signed two events with one number, or ends the
// office of a steward who is proven to have signed two blocks of one round. What a device did before
// stands: each number counted once. It may be a thief, or a copy of the device from an old backup, so
// the member can restore it; see Restore.
func (s *State) Accuse(env fold.Env, body Evidence) error {
	if _, _, err := s.actor(env); err != nil {
		return err
	}
	if !body.Key.IsZero() {
		return s.accuseSteward(env, body)
	}
	key, seq, proven := s.forked(body)
	if !proven {
		return ErrNotEvidence
	}
	d, ok := s.Devices.Get(key)
	if !ok {
		return ErrNoDevice
	}
	if d.Suspended {
		return ErrSuspendedAlready
	}
	if seq < d.Cleared {
		return ErrSettled
	}

	d.Suspended = true
	s.Devices.Set(key, d)
	return nil
}

// DeviceFork is the evidence that one device has signed two events: it has room however large they are.
func DeviceFork(a, b *event.Event) Evidence {
	show := func(e *event.Event) []byte {
		if e.Coop.IsZero() {
			return e.Raw
		}
		_, raw := e.Header()
		return raw
	}
	return Evidence{A: show(a), B: show(b)}
}

// forked opens the two headers and tells whose fork they are in this cooperative.
func (s *State) forked(body Evidence) (device identity.PublicKey, seq uint64, proven bool) {
	a, ours := s.header(body.A)
	b, too := s.header(body.B)
	return a.Key, a.Seq, ours && too && a.Key == b.Key && a.Seq == b.Seq && a.Digest != b.Digest
}

// header reads what evidence shows and tells whether it belongs to this cooperative; the founding event
// names none, being it.
func (s *State) header(raw []byte) (h event.Header, ours bool) {
	h, err := event.OpenHeader(raw)
	if err == nil {
		return h, h.Coop == s.Coop
	}
	e, err := event.Open(raw)
	if err != nil || e.ID != s.Coop {
		return event.Header{}, false
	}
	h, _ = e.Header()
	return h, true
}

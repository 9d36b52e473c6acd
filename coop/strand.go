package coop

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// KindEvidence is the kind of the event that proves a device to have signed two events with one
// number.
const KindEvidence = event.Kind("evidence")

const day = event.Time(24 * 60 * 60 * 1000)

// Strand is what the cooperative remembers of the events of one key. Day and Count are kept with the
// key that names the member, for all of the member's devices.
type Strand struct {
	Next  uint64 `cbor:"next"`  // the least number that can still count
	Day   uint64 `cbor:"day"`   // of coop time, since 1970, on which the member was last heard
	Count uint64 `cbor:"count"` // events of the member that counted on it
}

// Evidence is the body of evidence: two envelopes.
type Evidence struct {
	A []byte `cbor:"a"`
	B []byte `cbor:"b"`
}

// guard stands around the rules for every signed event: each number of a device counts once, and a
// member's events are bounded.
//
// In final order a device's events come by number, because each links the one before. So an event
// whose number is below one that has counted proves a second branch, always: it is refused, and the
// first to count stands (protocol §3.4). A refused event uses up no number: it changes nothing.
func (s *State) guard(env fold.Env, rule func() error) error {
	own, _ := s.Strands.Get(env.Key)
	if env.Seq < own.Next {
		return ErrForked
	}
	member, used := env.Key, own
	d, known := s.Hall.Devices.Get(env.Key)
	if known && d.Member != env.Key {
		member = d.Member
		used, _ = s.Strands.Get(member)
	}
	today := uint64(s.Hall.Time / day)
	if used.Day != today {
		used.Day, used.Count = today, 0
	}
	if known && used.Count >= s.Hall.Charter.Limits.Daily {
		return ErrOverQuota
	}
	if err := rule(); err != nil {
		return err
	}

	used.Count++
	if member == env.Key { // also one who has just applied
		used.Next = env.Seq + 1
		s.Strands.Set(member, used)
		return nil
	}
	own.Next = env.Seq + 1
	s.Strands.Set(env.Key, own)
	s.Strands.Set(member, used)
	return nil
}

// Accuse suspends a device that the evidence proves to have forked.
func (s *State) Accuse(env fold.Env, body Evidence) error {
	device, proven := s.forked(body)
	if !proven {
		return ErrNotEvidence
	}
	return s.Hall.Suspend(env, device)
}

func (s *State) forked(body Evidence) (device identity.PublicKey, proven bool) {
	a, err := event.Open(body.A)
	if err != nil {
		return device, false
	}
	b, err := event.Open(body.B)
	if err != nil {
		return device, false
	}
	return a.Key, a.Key == b.Key && a.Seq == b.Seq && a.ID != b.ID && s.ours(a) && s.ours(b)
}

// ours tells whether e belongs to this cooperative; the founding event names none, being it.
func (s *State) ours(e *event.Event) bool {
	return e.Coop == s.Hall.Coop || e.ID == s.Hall.Coop
}

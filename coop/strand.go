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

// Usage is how many events of a member have counted on a day of coop time.
type Usage struct {
	Day   uint64 `cbor:"day"` // since 1970
	Count uint64 `cbor:"count"`
}

// Evidence is the body of evidence: two envelopes.
type Evidence struct {
	A []byte `cbor:"a"`
	B []byte `cbor:"b"`
}

// admits guards every signed event: each number of a device counts once, and a member's events are
// bounded.
//
// In final order a device's events come by number, because each links the one before. So an event
// whose number is below one that has counted proves a second branch, always: it is refused, and the
// first to count stands (protocol §3.4). A refused event uses up no number: it changes nothing.
func (s *State) admits(env fold.Env) error {
	if next, _ := s.Strands.Get(env.Key); env.Seq < next {
		return ErrForked
	}
	if d, known := s.Hall.Devices.Get(env.Key); known {
		if u, _ := s.Usage.Get(d.Member); u.Day == s.today() && u.Count >= s.Hall.Charter.Limits.Daily {
			return ErrOverQuota
		}
	}
	return nil
}

// note writes down that an event counted.
func (s *State) note(env fold.Env) {
	s.Strands.Set(env.Key, env.Seq+1)
	d, _ := s.Hall.Devices.Get(env.Key)
	u, _ := s.Usage.Get(d.Member)
	if u.Day != s.today() {
		u = Usage{Day: s.today()}
	}
	u.Count++
	s.Usage.Set(d.Member, u)
}

func (s *State) today() uint64 { return uint64(s.Hall.Time / day) }

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

package missions

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/tokens"
)

// Takes tells why a mission takes no pledge now, or nil.
func (s *State) Takes(id event.ID) error {
	m, ok := s.Missions.Get(id)
	if !ok {
		return ErrMission
	}
	if m.Phase != PhaseFunding {
		return ErrNotFunding
	}
	return nil
}

// Steered pledges what somebody steered to a mission that Takes allows, from an account: a buyer, out of
// what they pay for something else. by is the event that did it. What the pledger said before stays.
func (s *State) Steered(l *tokens.State, id event.ID, from tokens.Account, pledger identity.PublicKey, amount uint64, by event.ID, at event.Time) {
	m, _ := s.Missions.Get(id)
	earlier, _ := s.Pledges.Get(Seat{id, pledger})
	l.Move(tokens.Currency, from, tokens.Escrow(id), amount, by)
	s.pledge(id, &m, pledger, Pledge{Amount: amount, Comment: earlier.Comment, At: at, Event: by})
	s.Missions.Set(id, m)
}

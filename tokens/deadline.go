package tokens

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/table"
)

// Next is the earliest coop time at which something happens by itself.
func (s *State) Next() (at event.Time, any bool) {
	for due := range table.All(&s.Agenda) {
		return due.At, true
	}
	return 0, false
}

// Advance ends the orders and the waiting transfers whose time is over at coop time t: what they hold
// in escrow goes back.
func (s *State) Advance(t event.Time) {
	for {
		var first Due
		any := false
		for due := range table.All(&s.Agenda) {
			first, any = due, true
			break
		}
		if !any || first.At > t {
			return
		}
		if w, ok := s.Waiting.Get(first.ID); ok {
			s.finish(first.ID, w, w.From, event.ID{})
			continue
		}
		o, _ := s.Orders.Get(first.ID)
		s.drop(first.ID, o, event.ID{})
	}
}

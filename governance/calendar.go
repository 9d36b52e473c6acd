package governance

import (
	"cmp"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Date is a place in the calendar: at coop time At something happens to Member by itself. With a Key
// it is the end of the claim that recovers the member by that key, without one the end of a
// suspension.
type Date struct {
	At     event.Time         `cbor:"at"`
	Member identity.PublicKey `cbor:"member"`
	Key    identity.PublicKey `cbor:"key"`
}

// Compare orders by time, then by member, then by key.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.At, other.At), d.Member.Compare(other.Member), d.Key.Compare(other.Key))
}

// firstDate is the next date, if there is one.
func (s *State) firstDate() (Date, bool) {
	for date := range table.All(&s.Calendar) {
		return date, true
	}
	return Date{}, false
}

// keepDate does what the first date is about if it has come and is not later than what the agenda has
// next, so that everything happens in the order of its time.
func (s *State) keepDate(due Due, any bool) bool {
	date, dated := s.firstDate()
	if !dated || date.At > s.Time || any && due.At < date.At {
		return false
	}
	s.Calendar.Delete(date)
	if date.Key.IsZero() {
		s.endSuspension(date.Member)
	} else {
		s.settleClaim(Claim{date.Member, date.Key})
	}
	return true
}

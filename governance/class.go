package governance

import (
	"cmp"
	"iter"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// The names of the two classes that make a prosumer.
const (
	Customer = "customer"
	Producer = "producer"
)

// Prosumer tells whether a member of these classes both buys and makes. It is no class of its own: who
// is in both classes is one.
func Prosumer(classes []string) bool {
	return slices.Contains(classes, Customer) && slices.Contains(classes, Producer)
}

// Chair is a member's place in a class.
type Chair struct {
	Member identity.PublicKey `cbor:"member"`
	Class  string             `cbor:"class"`
}

// Compare orders by member, then by class.
func (c Chair) Compare(other Chair) int {
	return cmp.Or(c.Member.Compare(other.Member), cmp.Compare(c.Class, other.Class))
}

// Request is a member's wish to be in another class too, which waits for sponsors or a vote.
type Request struct {
	Since    event.Time           `cbor:"since"`
	Sponsors []identity.PublicKey `cbor:"sponsors"`
	Event    event.ID             `cbor:"event"`
}

// ClassAsk is the body of class.ask.
type ClassAsk struct {
	Class string `cbor:"class"`
}

// ClassDrop is the body of class.drop. It takes a request back too.
type ClassDrop struct {
	Class string `cbor:"class"`
}

// Ask asks for another class, by the rule of which one comes in; an invite is for those outside. Where
// the class is open it is granted at once.
func (s *State) Ask(env fold.Env, b ClassAsk) error {
	key, m, err := s.actor(env)
	if err != nil {
		return err
	}
	class, ok := s.Charter.Class(b.Class)
	if !ok {
		return ErrUnknownClass
	}
	if slices.Contains(m.Classes, b.Class) {
		return ErrInClass
	}
	chair := Chair{key, b.Class}
	if s.Requests.Has(chair) {
		return ErrAskedAlready
	}
	if s.patronage(key) < class.Patronage {
		return ErrPatronage
	}

	if class.Admission == AdmitOpen {
		s.seat(chair, m)
		return nil
	}
	s.Requests.Set(chair, Request{Since: s.Time, Event: env.ID})
	return nil
}

// Drop leaves a class, or takes a request back.
func (s *State) Drop(env fold.Env, b ClassDrop) error {
	key, m, err := s.actor(env)
	if err != nil {
		return err
	}
	chair := Chair{key, b.Class}
	if s.Requests.Has(chair) {
		s.Requests.Delete(chair)
		return nil
	}
	i := slices.Index(m.Classes, b.Class)
	if i < 0 {
		return ErrNotInClass
	}
	left := slices.Delete(slices.Clone(m.Classes), i, i+1)
	if !s.Charter.keeps(left) {
		return ErrOnlyClass
	}
	if s.Charter.MayVote(m.Classes) && !s.Charter.MayVote(left) && !s.othersVote(key) {
		return ErrNoVoters
	}

	m.Classes = left
	s.Members.Set(key, m)
	return nil
}

// vouch adds a sponsor to a request; the last one that the class needs grants it.
func (s *State) vouch(sponsor identity.PublicKey, chair Chair) error {
	m, r, err := s.requested(chair)
	if err != nil {
		return err
	}
	class, _ := s.Charter.Class(chair.Class)
	if class.Admission != AdmitSponsor {
		return ErrNotBySponsors
	}
	if sponsor == chair.Member {
		return ErrOwnSponsor
	}
	if slices.Contains(r.Sponsors, sponsor) {
		return ErrSponsoredAlready
	}

	r.Sponsors = append(slices.Clone(r.Sponsors), sponsor)
	if uint64(len(r.Sponsors)) >= class.Sponsors {
		s.seat(chair, m)
		return nil
	}
	s.Requests.Set(chair, r)
	return nil
}

// grant gives a member the class they asked for, by decision of the Assembly.
func (s *State) grant(chair Chair) error {
	m, _, err := s.requested(chair)
	if err != nil {
		return err
	}
	s.seat(chair, m)
	return nil
}

// requested finds a member's request for a class that the charter still has.
func (s *State) requested(chair Chair) (Member, Request, error) {
	r, ok := s.Requests.Get(chair)
	m, _ := s.Members.Get(chair.Member)
	if !ok || m.Status != StatusMember {
		return m, r, ErrNoRequest
	}
	if _, ok := s.Charter.Class(chair.Class); !ok {
		return m, r, ErrUnknownClass
	}
	return m, r, nil
}

// seat puts a member into a class. Classes that an amendment has abolished make room.
func (s *State) seat(chair Chair, m Member) {
	s.Requests.Delete(chair)
	m.Classes = slices.DeleteFunc(slices.Clone(m.Classes), func(name string) bool {
		_, ok := s.Charter.Class(name)
		return !ok
	})
	m.Classes = append(m.Classes, chair.Class)
	s.Members.Set(chair.Member, m)
}

// RequestsOf yields what a member has asked for, by class.
func (s *State) RequestsOf(member identity.PublicKey) iter.Seq2[Chair, Request] {
	return while(&s.Requests, Chair{Member: member}, func(c Chair) bool { return c.Member == member })
}

// dropRequests takes back whatever one who goes has asked for.
func (s *State) dropRequests(member identity.PublicKey) {
	var all []Chair
	for chair := range s.RequestsOf(member) {
		all = append(all, chair)
	}
	for _, chair := range all {
		s.Requests.Delete(chair)
	}
}

// othersVote tells whether a member besides this one may vote. It reads all, which only rare events may.
func (s *State) othersVote(key identity.PublicKey) bool {
	for other, m := range table.All(&s.Members) {
		if other != key && m.Status == StatusMember && s.Charter.MayVote(m.Classes) {
			return true
		}
	}
	return false
}

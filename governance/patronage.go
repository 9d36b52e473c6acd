package governance

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// Patron is what somebody has bought from the cooperative so far, member or not. It is a record, no
// money: a class may ask for so much of it before one applies. (Purchases of non-members that become a
// membership: Minnesota Statutes 308A.705, patron members.)
type Patron struct {
	Amount uint64     `cbor:"amount"` // minor units
	Since  event.Time `cbor:"since"`
	Last   event.Time `cbor:"last"`
}

// PatronageCredit is the body of patronage.credit, signed by a member of a class that keeps the record,
// or an act of the Assembly.
type PatronageCredit struct {
	Key    identity.PublicKey `cbor:"key"` // a member's, a device's, or that of one who is no member yet
	Amount uint64             `cbor:"amount"`
	Note   string             `cbor:"note"` // what was bought, or the receipt's number
}

// Credit adds to somebody's patronage. Nobody credits themselves.
func (s *State) Credit(env fold.Env, b PatronageCredit) error {
	key := b.Key
	if d, ok := s.Devices.Get(key); ok {
		key = d.Member
	}
	if env.Key != identity.Assembly {
		by, m, err := s.actor(env)
		if err != nil {
			return err
		}
		if !s.Charter.keepsPatronage(m.Classes) {
			return ErrMayNotCredit
		}
		if by == key {
			return ErrOwnPatronage
		}
	}
	if key.Check() != nil {
		return ErrKey
	}
	p, known := s.Patronage.Get(key)
	if b.Amount < 1 || b.Amount > MaxAmount-p.Amount {
		return ErrAmount
	}
	if !prose(b.Note, MaxNote) {
		return ErrText
	}

	if !known {
		p.Since = s.Time
	}
	p.Amount, p.Last = p.Amount+b.Amount, s.Time
	s.Patronage.Set(key, p)
	return nil
}

// Bought adds a purchase from the shop to somebody's patronage, at a coop time; of a device, to its member's,
// whom it returns. Nobody keeps that record: it follows from the payment, so it is not refused, and ends at
// what can be counted.
func (s *State) Bought(key identity.PublicKey, amount uint64, at event.Time) (patron identity.PublicKey) {
	if d, ok := s.Devices.Get(key); ok {
		key = d.Member
	}
	p, known := s.Patronage.Get(key)
	if !known {
		p.Since = at
	}
	p.Amount, p.Last = min(p.Amount+amount, MaxAmount), at
	s.Patronage.Set(key, p)
	return key
}

// inherit moves what was bought by a key to the member that speaks by it from now on.
func (s *State) inherit(member, key identity.PublicKey) {
	p, ok := s.Patronage.Get(key)
	if !ok {
		return
	}
	s.Patronage.Delete(key)
	own, known := s.Patronage.Get(member)
	if known {
		p = Patron{Amount: min(own.Amount+p.Amount, MaxAmount), Since: min(own.Since, p.Since), Last: max(own.Last, p.Last)}
	}
	s.Patronage.Set(member, p)
}

func (s *State) patronage(key identity.PublicKey) uint64 {
	p, _ := s.Patronage.Get(key)
	return p.Amount
}

// patronage is what applying for these classes takes: the most that one of them asks for.
func (c *Charter) patronage(classes []string) uint64 {
	most := uint64(0)
	for _, name := range classes {
		class, _ := c.Class(name)
		most = max(most, class.Patronage)
	}
	return most
}

// keepsPatronage tells whether a member of these classes may credit patronage.
func (c *Charter) keepsPatronage(classes []string) bool {
	for _, name := range classes {
		if class, ok := c.Class(name); ok && class.Credits {
			return true
		}
	}
	return false
}

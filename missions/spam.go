package missions

import (
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
	"github.com/sustainy/coop/tokens"
)

// Terms are what the members have decided about missions in general.
type Terms struct {
	Deposit uint64     `cbor:"deposit" json:"deposit"` // minor units that a member puts down to list a mission
	Flags   uint64     `cbor:"flags" json:"flags"`     // members who must flag it until all are asked, and then call it spam
	Trial   event.Time `cbor:"trial" json:"trial"`     // how long they are asked
}

// DefaultTerms hold until the members decide otherwise.
func DefaultTerms() Terms { return Terms{Deposit: 0, Flags: 3, Trial: 3 * day} }

// Flag is the body of mission.flag: a member takes a mission for spam.
type Flag struct {
	Mission event.ID `cbor:"mission" json:"mission"`
	Reason  string   `cbor:"reason" json:"reason"`
}

// Flagged is one member's flag.
type Flagged struct {
	Reason string     `cbor:"reason" json:"reason"`
	At     event.Time `cbor:"at" json:"at"`
	Event  event.ID   `cbor:"event" json:"event"`
}

// Call is the body of mission.call, once enough have flagged a mission: it is spam, or it is not. The last
// word counts.
type Call struct {
	Mission event.ID `cbor:"mission" json:"mission"`
	Spam    bool     `cbor:"spam" json:"spam"`
}

// SetTerms changes the terms, by decision of the Assembly, for missions listed from now on.
func (s *State) SetTerms(a Act, b Terms) error {
	if !a.assembly() {
		return ErrAssemblyOnly
	}
	if b.Deposit > tokens.MaxAmount || b.Flags < 1 || b.Flags > MaxFlags || b.Trial < MinPeriod || b.Trial > MaxPeriod {
		return ErrTerms
	}

	s.Terms = b
	return nil
}

// Flag takes a flag. When enough have flagged a mission, all members with a vote are asked.
func (s *State) Flag(a Act, b Flag) error {
	if err := a.member(); err != nil {
		return err
	}
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	if m.Phase != PhaseFunding && m.Phase != PhaseOpen || m.Cleared {
		return ErrNotFlaggable
	}
	if a.By == m.By || !a.People.Voter(a.By, a.Time) {
		return ErrNoFlag
	}
	seat := Seat{b.Mission, a.By}
	if s.Flags.Has(seat) || m.Flagged >= MaxFlags {
		return ErrFlagged
	}
	if !text.Prose(b.Reason, MaxReason) {
		return ErrReason
	}

	s.Flags.Set(seat, Flagged{Reason: b.Reason, At: a.Time, Event: a.ID})
	m.Flagged++
	if m.Flagged == m.Terms.Flags {
		m.Trial = a.Time + m.Terms.Trial
		s.Trials.Set(Due{m.Trial, b.Mission}, struct{}{})
	}
	s.Missions.Set(b.Mission, m)
	return nil
}

// Call says whether a flagged mission is spam.
func (s *State) Call(a Act, b Call) error {
	if err := a.member(); err != nil {
		return err
	}
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	if m.Trial == 0 {
		return ErrNoTrial
	}
	if a.By == m.By || !a.People.Voter(a.By, m.Trial-m.Terms.Trial) {
		return ErrNoFlag
	}

	s.Calls.Set(Seat{b.Mission, a.By}, b.Spam)
	return nil
}

// endTrial counts. It takes more who call it spam than who do not, and as many as it took to ask: then all
// pledges go back, and the deposit goes to those who flagged it, in equal parts. Otherwise the mission goes
// on, and nobody can flag it again.
func (s *State) endTrial(id event.ID, m *Mission, t event.Time, house House) {
	s.Trials.Delete(Due{m.Trial, id})
	m.Trial = 0
	spam, sound := uint64(0), uint64(0)
	for seat, is := range table.From(&s.Calls, Seat{Mission: id}) {
		if seat.Mission != id {
			break
		}
		if is {
			spam++
		} else {
			sound++
		}
	}
	if spam <= sound || spam < m.Terms.Flags {
		m.Cleared = true
		return
	}
	var flagged []identity.PublicKey
	var equal []uint64
	for seat := range table.From(&s.Flags, Seat{Mission: id}) {
		if seat.Mission != id {
			break
		}
		flagged, equal = append(flagged, seat.Member), append(equal, 1)
	}
	parts := share(m.Deposit, equal, func(i int) []byte { return slices.Concat(id[:], flagged[i][:]) })
	for i, part := range parts {
		house.Ledger.Move(tokens.Currency, tokens.Escrow(id), tokens.Member(flagged[i]), part, event.ID{})
	}
	m.Deposit = 0
	s.refund(id, m, t, PhaseStruck, house)
}

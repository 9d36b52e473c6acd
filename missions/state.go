package missions

import (
	"cmp"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// Facts is the part of the room's state that is not a table.
type Facts struct {
	Time  event.Time `cbor:"time"`  // coop time up to which everything due was done
	Terms Terms      `cbor:"terms"` // for missions listed from now on
}

// State is the room. A copy made by Copy is a snapshot; a plain assignment is not.
type State struct {
	Facts
	Missions    table.Table[event.ID, Mission]
	Agenda      table.Table[Due, struct{}]        // the missions that wait for a deadline
	Paying      table.Table[event.ID, struct{}]   // the missions that refund: not all pledgers have theirs yet
	Own         table.Table[Own, struct{}]        // exactly the missions under way, by who listed them
	Reserved    table.Table[table.Text, event.ID] // names of tokens, of missions under way
	Pledges     table.Table[Seat, Pledge]
	Submissions table.Table[Entry, Submission]
	Entrants    table.Table[Seat, struct{}] // who counts as a contributor, once judging has begun
	Ballots     table.Table[Bench, Ballot]
	Appeals     table.Table[Seat, Appealed]
	Accepts     table.Table[Bench, bool] // of the n-th proof of milestones
	Forecasts   table.Table[Prediction, Forecast]
	Scoring     table.Table[Docket, Scoring] // answered questions: not all forecasts are scored yet
	Standing    table.Table[identity.PublicKey, Merit]
	Flags       table.Table[Seat, Flagged]
	Trials      table.Table[Due, struct{}] // exactly the missions of which members say whether they are spam
	Calls       table.Table[Seat, bool]    // what they say
}

// Begin is the room at coop time t, with no mission in it.
func Begin(t event.Time) State { return State{Facts: Facts{Time: t, Terms: DefaultTerms()}} }

// Copy is a snapshot.
func (s *State) Copy() State {
	return State{
		Facts:       s.Facts,
		Missions:    s.Missions.Copy(),
		Agenda:      s.Agenda.Copy(),
		Paying:      s.Paying.Copy(),
		Own:         s.Own.Copy(),
		Reserved:    s.Reserved.Copy(),
		Pledges:     s.Pledges.Copy(),
		Submissions: s.Submissions.Copy(),
		Entrants:    s.Entrants.Copy(),
		Ballots:     s.Ballots.Copy(),
		Appeals:     s.Appeals.Copy(),
		Accepts:     s.Accepts.Copy(),
		Forecasts:   s.Forecasts.Copy(),
		Scoring:     s.Scoring.Copy(),
		Standing:    s.Standing.Copy(),
		Flags:       s.Flags.Copy(),
		Trials:      s.Trials.Copy(),
		Calls:       s.Calls.Copy(),
	}
}

// Register knows people.
type Register interface {
	tokens.Register
	// Voter tells whether somebody has a vote and has been a member since that coop time or longer.
	Voter(key identity.PublicKey, since event.Time) bool
}

// Juries draws them by lot.
type Juries interface {
	// Empanel calls a jury, named by an event and a name, of so many seats and reserves, without these
	// parties (ascending) and who is bound to them. Its refusal means that there can be no such jury.
	Empanel(by event.ID, name string, seats uint64, parties []identity.PublicKey) error
	// Juror tells whether somebody sits on it.
	Juror(by event.ID, name string, key identity.PublicKey) bool
	// Adjourn ends it, if it was ever called.
	Adjourn(by event.ID, name string, at event.Time)
}

// Work is what a mission has brought about.
type Work struct {
	Mission event.ID
	Event   event.ID // that listed the mission
	Asset   tokens.Asset
	Title   string // of the winning submission
	Price   uint64 // minor units
	AtLeast bool
	Time    event.Time
}

// Shop sells what missions bring about.
type Shop interface {
	Offer(w Work)
}

// House is what the room may use of the rest of the house.
type House struct {
	Ledger *tokens.State
	People Register
	Juries Juries
	Shop   Shop
}

// Act is what a rule may know of an event besides its body.
type Act struct {
	ID   event.ID           // of the event; for an act of the Assembly, of the proposal that decided it
	By   identity.PublicKey // the member, or the Assembly
	Time event.Time
	House
}

func (a *Act) assembly() bool { return a.By == identity.Assembly }

// member refuses who is none, the Assembly included.
func (a *Act) member() error {
	if !a.People.Person(a.By).Member {
		return ErrNotMember
	}
	return nil
}

// anybody refuses who is neither a member nor the Assembly.
func (a *Act) anybody() error {
	if a.assembly() {
		return nil
	}
	return a.member()
}

// Due is a place in the agenda: at coop time At the present phase of Mission ends.
type Due struct {
	At      event.Time `cbor:"at"`
	Mission event.ID   `cbor:"mission"`
}

// Compare orders by time, then by mission.
func (d Due) Compare(other Due) int {
	return cmp.Or(cmp.Compare(d.At, other.At), d.Mission.Compare(other.Mission))
}

// Prefix is the time.
func (d Due) Prefix() uint64 { return uint64(d.At) }

// Seat is one member's place in one mission; the Assembly's is that of the treasury.
type Seat struct {
	Mission event.ID           `cbor:"mission"`
	Member  identity.PublicKey `cbor:"member"`
}

// Compare orders by mission, then by member.
func (s Seat) Compare(other Seat) int {
	return cmp.Or(s.Mission.Compare(other.Mission), s.Member.Compare(other.Member))
}

// Own is a mission under way in the hands of who listed it.
type Own struct {
	By      identity.PublicKey `cbor:"by"`
	Mission event.ID           `cbor:"mission"`
}

// Compare orders by lister, then by mission.
func (o Own) Compare(other Own) int {
	return cmp.Or(o.By.Compare(other.By), o.Mission.Compare(other.Mission))
}

// Entry names a submission: its mission, and the event that committed to it.
type Entry struct {
	Mission event.ID `cbor:"mission" json:"mission"`
	ID      event.ID `cbor:"id" json:"id"`
}

// Compare orders by mission, then by submission.
func (e Entry) Compare(other Entry) int {
	return cmp.Or(e.Mission.Compare(other.Mission), e.ID.Compare(other.ID))
}

// Bench is one judge's place in one round of judging a mission.
type Bench struct {
	Mission event.ID           `cbor:"mission"`
	Round   uint64             `cbor:"round"`
	Member  identity.PublicKey `cbor:"member"`
}

// Compare orders by mission, round and member.
func (b Bench) Compare(other Bench) int {
	return cmp.Or(b.Mission.Compare(other.Mission), cmp.Compare(b.Round, other.Round), b.Member.Compare(other.Member))
}

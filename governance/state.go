package governance

import (
	"cmp"
	"iter"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Facts is the part of the hall's state that is not a table.
type Facts struct {
	Coop       event.ID   `cbor:"coop" json:"coop"`
	Founded    event.Time `cbor:"founded" json:"founded"`
	Time       event.Time `cbor:"time" json:"time"` // coop time: of the last commit, at first of the founding
	Name       string     `cbor:"name" json:"name"`
	Purpose    string     `cbor:"purpose" json:"purpose"`
	Currency   Currency   `cbor:"currency" json:"currency"`
	Params     Params     `cbor:"params" json:"params"`
	Term       Term       `cbor:"term" json:"term"`
	Pending    Handover   `cbor:"pending" json:"pending"` // of the stewards to the next ones
	Charter    Charter    `cbor:"charter" json:"charter"`
	Version    uint64     `cbor:"version" json:"version"`                     // of the charter, from 1
	Candidates uint64     `cbor:"candidates" json:"candidates"`               // members whose status is candidate
	Stirred    []event.ID `cbor:"stirred,omitempty" json:"stirred,omitempty"` // watched votes that had ballots at this coop time, ascending
}

// State is the hall. A copy made by Copy is a snapshot; a plain assignment is not.
type State struct {
	Facts
	Members     table.Table[identity.PublicKey, Member]     // by the key of their inception
	Devices     table.Table[identity.PublicKey, Device]     // by device key
	Invitations table.Table[identity.PublicKey, Invitation] // by invite key
	Proposals   table.Table[event.ID, Proposal]
	Agenda      table.Table[Due, struct{}] // exactly the proposals under way, by when something is due
	Ballots     table.Table[Seat, Ballot]  // the last ballot of each member on each proposal
	Vetoes      table.Table[Seat, VetoCast]
	Exits       table.Table[Seat, Exit]
	Allocations table.Table[Item, Allocation]
	Standing    table.Table[identity.PublicKey, Nomination]   // by member: who offers to be a steward
	Announced   table.Table[identity.PublicKey, Announcement] // by member
	RoundKeys   table.Table[identity.PublicKey, RoundKey]     // every key that ever was announced for round blocks
	Guardians   table.Table[identity.PublicKey, Guardianship] // by the member they guard
	Recoveries  table.Table[Claim, Recovery]                  // those under way
	Requests    table.Table[Chair, Request]                   // for further classes, waiting
	Patronage   table.Table[identity.PublicKey, Patron]       // by member, or by the key of one who is none
	Calendar    table.Table[Date, struct{}]                   // exactly what is to happen to members by itself
	Mandates    table.Table[Remit, Mandate]                   // by who gave them
	Programs    table.Table[event.ID, Program]
	Answers     table.Table[Asked, Answer] // of programs, on votes that are over
	Juries      table.Table[Panel, Jury]
	Undrawn     table.Table[Panel, struct{}] // the juries that wait for their seed
}

// Copy is a snapshot.
func (s *State) Copy() State {
	return State{
		Facts:       s.Facts,
		Members:     s.Members.Copy(),
		Devices:     s.Devices.Copy(),
		Invitations: s.Invitations.Copy(),
		Proposals:   s.Proposals.Copy(),
		Agenda:      s.Agenda.Copy(),
		Ballots:     s.Ballots.Copy(),
		Vetoes:      s.Vetoes.Copy(),
		Exits:       s.Exits.Copy(),
		Allocations: s.Allocations.Copy(),
		Standing:    s.Standing.Copy(),
		Announced:   s.Announced.Copy(),
		RoundKeys:   s.RoundKeys.Copy(),
		Guardians:   s.Guardians.Copy(),
		Recoveries:  s.Recoveries.Copy(),
		Requests:    s.Requests.Copy(),
		Patronage:   s.Patronage.Copy(),
		Calendar:    s.Calendar.Copy(),
		Mandates:    s.Mandates.Copy(),
		Programs:    s.Programs.Copy(),
		Answers:     s.Answers.Copy(),
		Juries:      s.Juries.Copy(),
		Undrawn:     s.Undrawn.Copy(),
	}
}

// Due is a place in the agenda: at coop time At something happens to Proposal.
type Due struct {
	At       event.Time `cbor:"at"`
	Proposal event.ID   `cbor:"proposal"`
}

// Compare orders by time, then by proposal.
func (d Due) Compare(other Due) int {
	return cmp.Or(cmp.Compare(d.At, other.At), d.Proposal.Compare(other.Proposal))
}

// Prefix is the time.
func (d Due) Prefix() uint64 { return uint64(d.At) }

// Seat is one member's place in one vote.
type Seat struct {
	Proposal event.ID           `cbor:"proposal"`
	Member   identity.PublicKey `cbor:"member"`
}

// Compare orders by proposal, then by member.
func (s Seat) Compare(other Seat) int {
	return cmp.Or(s.Proposal.Compare(other.Proposal), s.Member.Compare(other.Member))
}

// BallotsOn yields the ballots on a proposal, by member.
func (s *State) BallotsOn(id event.ID) iter.Seq2[identity.PublicKey, Ballot] {
	return seatsOf(&s.Ballots, id)
}

// seatsOf yields the rows of a proposal, by member.
func seatsOf[V any](t *table.Table[Seat, V], id event.ID) iter.Seq2[identity.PublicKey, V] {
	return func(yield func(identity.PublicKey, V) bool) {
		for seat, v := range table.From(t, Seat{Proposal: id}) {
			if seat.Proposal != id || !yield(seat.Member, v) {
				return
			}
		}
	}
}

// while yields the rows from a key on, as long as their keys belong together.
func while[K table.Key[K], V any](t *table.Table[K, V], from K, together func(K) bool) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for key, value := range table.From(t, from) {
			if !together(key) || !yield(key, value) {
				return
			}
		}
	}
}

// Item is a place in the table of allocations: the n-th of a proposal.
type Item struct {
	Proposal event.ID `cbor:"proposal"`
	Project  uint64   `cbor:"project"`
}

// Compare orders by proposal, then by project.
func (i Item) Compare(other Item) int {
	return cmp.Or(i.Proposal.Compare(other.Proposal), cmp.Compare(i.Project, other.Project))
}

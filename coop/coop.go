// Package coop is the whole cooperative: the state of every room, the one table of rules, and what
// stands between the rooms.
//
// Its one idea: everything is derived. Genesis makes the first state of the founding event, Machine
// applies ordered events to it, Advance does what coop time makes due, and Root names the result. Two
// members with the same events have the same root; there is no other source of state.
//
// Here, and in no room, stands what concerns several: a rule that needs two rooms, and how a decision
// is carried out, of whatever room its actions are: its drafts run through the same machine, on a
// copy, with the Assembly as author, all of them or none.
//
// The package knows no disk, no network and no clock. For people it has views: plain structs with
// JSON names and exact numbers, and explanations line by line.
package coop

import (
	"fmt"
	"slices"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/tokens"
)

// State is the cooperative. A copy made by Copy is a snapshot; a plain assignment is not.
type State struct {
	Hall     governance.State
	Ledger   tokens.State
	Missions missions.State
	Shop     commerce.State
	Surplus  surplus.State
}

// Copy is a snapshot.
func (s *State) Copy() State {
	return State{Hall: s.Hall.Copy(), Ledger: s.Ledger.Copy(), Missions: s.Missions.Copy(), Shop: s.Shop.Copy(), Surplus: s.Surplus.Copy()}
}

// Genesis is the state after the founding event, whose id names the cooperative. It refuses every
// other event and a founding that cannot be governed.
func Genesis(e *event.Event) (State, error) {
	if e.Kind != governance.KindCoopFound || !e.Coop.IsZero() {
		return State{}, ErrNotGenesis
	}
	var body governance.CoopFound
	if event.DecodeBody(e.Body, &body) != nil {
		return State{}, fold.ErrMalformed
	}
	hall, err := governance.Begin(fold.Env{ID: e.ID, Key: e.Key, At: e.At, Time: e.At, Final: true}, body)
	if err != nil {
		return State{}, err
	}
	return State{Hall: hall, Missions: missions.Begin(hall.Time), Shop: commerce.New(), Surplus: surplus.Begin(hall.Time)}, nil
}

// NewTimeline starts a cooperative's timeline at its genesis.
func NewTimeline(genesis State) *fold.Timeline[State] {
	line := fold.New(Machine(), genesis, (*State).Copy, Advance)
	line.Before(Seed)
	line.After(MoveOn)
	return line
}

// Next is the earliest coop time at which something is due in s, so that stewards who would rest
// know when to wake.
func Next(s *State) (at event.Time, any bool) {
	at, any = s.Hall.Next()
	for _, room := range []func() (event.Time, bool){s.Ledger.Next, s.Shop.Next, s.Missions.Next} {
		if end, ends := room(); ends && (!any || end < at) {
			at, any = end, true
		}
	}
	return at, any
}

// Advance moves coop time to t and does all that is due: orders end, purchases are paid out, missions go on,
// votes open and close, and what has passed is carried out.
func Advance(s *State, t event.Time) { advance(s, t, func(string, event.ID) {}) }

// advance is Advance that says after each part what it was, and by which proposal, if it was a decision.
func advance(s *State, t event.Time, done func(what string, by event.ID)) {
	s.Ledger.Advance(t)
	done("ended", event.ID{})
	s.Shop.Advance(s.shopAt(t))
	done("sale", event.ID{})
	s.Missions.Advance(t, s.house())
	done("mission", event.ID{})
	for id, passed := s.Hall.Advance(t); passed; id, passed = s.Hall.Advance(t) {
		trial := s.Copy()
		refusal := trial.perform(id)
		if refusal == nil {
			*s = trial
		}
		s.Hall.Done(id, refusal)
		done(byDecision, id)
	}
}

// Seed begins a commit: what waits for a lot draws it by the id of the anchor.
func Seed(s *State, commit uint64, anchor [32]byte) { s.Hall.Seed(commit, anchor) }

// MoveOn ends a commit, once all of its events have applied: the market is cleared, and the next epoch
// begins if it is due.
func MoveOn(s *State) {
	s.Ledger.Clear(register{&s.Hall}, s.Hall.Time)
	s.Hall.MoveOn()
}

// perform runs the drafts of a proposal with the Assembly as author, and stops at the first refusal.
func (s *State) perform(id event.ID) error {
	p, _ := s.Hall.Proposals.Get(id)
	env := fold.Env{ID: id, Key: identity.Assembly, At: s.Hall.Time, Time: s.Hall.Time, Final: true}
	for i, d := range p.Drafts() {
		if err := machine.Apply(s, env, d); err != nil {
			return fmt.Errorf("action %d, %s, was refused: %w", i+1, d.Kind, err)
		}
	}
	return nil
}

// Invariants looks for anything in the state that no sequence of events may lead to.
func Invariants(s *State) []error {
	return slices.Concat(s.Hall.Invariants(), s.Ledger.Invariants(s.Hall.Time, s.Missions.Escrows, s.Shop.Escrows), s.Missions.Invariants(&s.Ledger),
		s.Shop.Invariants(&s.Ledger, s.Hall.Time), s.Surplus.Invariants(&s.Ledger), s.juryInvariants())
}

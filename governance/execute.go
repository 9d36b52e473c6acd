package governance

import (
	"fmt"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// CharterAmend is the body of charter.amend, an act of the Assembly. Proposals under way keep the
// rules they were opened under.
type CharterAmend struct {
	Charter Charter `cbor:"charter"`
}

// BudgetAllocate is the body of budget.allocate, an act of the Assembly: so much of the common money
// is set aside for something, by the proposal that is being executed.
type BudgetAllocate struct {
	Project uint64 `cbor:"project"` // number of the option; any number where the proposal has none
	Amount  uint64 `cbor:"amount"`  // minor units
	Name    string `cbor:"name"`
}

// Allocation is money set aside by decision.
type Allocation struct {
	Amount uint64     `cbor:"amount"`
	Name   string     `cbor:"name"`
	At     event.Time `cbor:"at"`
}

// Drafts are what the Assembly performs when p passes, in order: first one allocation for each project
// that a budget vote funds, or the appointment of those whom an election has chosen, then the actions that the proposal carries.
func (p *Proposal) Drafts() []event.Draft {
	var drafts []event.Draft
	if p.Rules.Track.Method.SharesBudget() {
		for _, n := range p.Result.Selected {
			d, err := event.NewDraft(KindBudgetAllocate, BudgetAllocate{n, p.Options[n].Cost, p.Options[n].Name})
			if err != nil {
				panic("governance: invariant: an allocation has a canonical form: " + err.Error())
			}
			drafts = append(drafts, d)
		}
	}
	if p.Rules.Track.Elects() && len(p.Result.Selected) > 0 {
		drafts = append(drafts, p.appointment())
	}
	return append(drafts, p.Actions...)
}

// Amend replaces the charter.
func (s *State) Amend(env fold.Env, b CharterAmend) error {
	if env.Key != identity.Assembly {
		return ErrAssemblyOnly
	}
	if err := b.Charter.Validate(); err != nil {
		return err
	}
	votes := false
	var members [][]string
	for _, m := range table.All(&s.Members) {
		if m.belongs() && !b.Charter.keeps(m.Classes) {
			return ErrCharterClasses
		}
		if m.Status == StatusMember {
			votes = votes || b.Charter.MayVote(m.Classes)
			members = append(members, m.Classes)
		}
	}
	if !votes {
		return ErrNoVoters
	}
	if locks := b.Charter.Locks(members); locks != nil {
		return fmt.Errorf("%w: %s", ErrLocked, strings.Join(locks, "; "))
	}

	s.Charter = b.Charter
	s.Version++
	return nil
}

// keeps tells whether one of classes is in the charter.
func (c *Charter) keeps(classes []string) bool {
	for _, name := range classes {
		if _, ok := c.Class(name); ok {
			return true
		}
	}
	return false
}

// Allocate sets money aside.
func (s *State) Allocate(env fold.Env, b BudgetAllocate) error {
	if env.Key != identity.Assembly {
		return ErrAssemblyOnly
	}
	if b.Amount < 1 || b.Amount > MaxAmount {
		return ErrAmount
	}
	if !line(b.Name, MaxName) {
		return ErrName
	}
	item := Item{env.ID, b.Project}
	if s.Allocations.Has(item) {
		return ErrAllocated
	}

	s.Allocations.Set(item, Allocation{Amount: b.Amount, Name: b.Name, At: s.Time})
	return nil
}

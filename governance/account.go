package governance

import (
	"fmt"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/tally"
)

// Account is how a result came about, ballot by ballot and step by step. It is not kept but made from
// the ballots, so that who asks has counted again.
type Account struct {
	Method  Method        `json:"method"`
	Options []string      `json:"options"` // by number
	Ballots []BallotWords `json:"ballots"` // by member
	Lot     tally.Lot     `json:"lot"`     // place of each option among equals
	Drawn   string        `json:"lot_from"`
	Steps   []tally.Row   `json:"steps"`            // in words
	Count   any           `json:"count"`            // what package tally found, whole
	Hidden  string        `json:"hidden,omitempty"` // why nothing is shown
}

// BallotWords is a ballot as a person reads it.
type BallotWords struct {
	Member identity.PublicKey `json:"member"`
	Name   string             `json:"name"`
	Says   string             `json:"says"`
	Reason string             `json:"reason,omitempty"`
	Event  event.ID           `json:"event"`
}

// Account counts a proposal's ballots and tells all steps; while the vote is open, those so far, unless
// they are hidden.
func (s *State) Account(id event.ID) (Account, bool) {
	p, ok := s.Proposals.Get(id)
	if !ok {
		return Account{}, false
	}
	if p.Concealed() {
		return Account{Method: p.Rules.Track.Method, Options: []string{}, Hidden: Concealment}, true
	}
	c := s.count(id, &p)
	a := Account{Method: p.Rules.Track.Method, Options: []string{}, Ballots: []BallotWords{}, Lot: c.lot, Count: c.steps,
		Drawn: "SHA-256 of the proposal's id and the option's number from 0 as 8 bytes: the smaller comes first"}
	if p.Rules.Track.Method.HasStatusQuo() {
		a.Drawn += ", and the status quo before all"
	}
	for _, o := range p.Options {
		a.Options = append(a.Options, o.Name)
	}
	for member, b := range s.BallotsOn(id) {
		m, _ := s.Members.Get(member)
		a.Ballots = append(a.Ballots, BallotWords{member, m.Name, b.Says(p.Options), b.Reason, b.Event})
	}
	if p.Rules.Track.Method.SharesBudget() {
		a.Steps = append(a.Steps, tally.Row{What: "sums count", Number: "1", Note: "is " + s.Currency.Format(1)})
		for i, votes := range c.Votes {
			if !c.hears(votes) {
				a.Steps = append(a.Steps, tally.Row{What: "below the threshold", Option: a.Options[i], Number: fmt.Sprint(votes)})
			}
		}
	}
	a.Steps = append(a.Steps, c.steps.Rows(a.Options)...)
	for _, tie := range c.ties {
		var names []string
		for _, i := range tie.Options {
			names = append(names, a.Options[i])
		}
		a.Steps = append(a.Steps, tally.Row{What: "lot", Option: strings.Join(names, " before "), Note: tie.Why})
	}
	return a, true
}

// Says is what a ballot says, with the options' names.
func (b *Ballot) Says(options []Option) string {
	name := func(n uint64) string {
		if n < uint64(len(options)) {
			return options[n].Name
		}
		return fmt.Sprintf("option %d", n)
	}
	join := func(list []uint64, between string) string {
		words := make([]string, len(list))
		for i, n := range list {
			words[i] = name(n)
		}
		return strings.Join(words, between)
	}
	var parts []string
	switch {
	case b.Choice != Listed:
		return string(b.Choice)
	case len(b.Approvals) > 0:
		return join(b.Approvals, ", ")
	case len(b.Ranking) > 0:
		for _, place := range b.Ranking {
			parts = append(parts, join(place, " = "))
		}
		return strings.Join(parts, " > ")
	}
	for i, n := range append(b.Scores[:len(b.Scores):len(b.Scores)], b.Points...) {
		parts = append(parts, fmt.Sprintf("%s %d", name(uint64(i)), n))
	}
	if len(parts) == 0 {
		return "none of them"
	}
	return strings.Join(parts, ", ")
}

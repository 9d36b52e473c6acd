package governance

import (
	"fmt"
	"strings"

	"github.com/sustainy/coop/delegation"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/program"
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
	Event  event.ID           `json:"event,omitzero"`
	Votes  uint64             `json:"votes"`         // that count with it, the own one among them
	For    []string           `json:"for,omitempty"` // whose votes it carries besides, the first of them

	Program event.ID `json:"program,omitzero"` // that says this
	Code    Code     `json:"code,omitempty"`   // why it says nothing of its own making
	Error   string   `json:"error,omitempty"`  // the same in words
	Cost    uint64   `json:"cost,omitempty"`   // of its run
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
	a.Ballots = append(a.Ballots, s.ballotWords(id, &p, c.carried)...)
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

// ballotWords are the ballots by member, then what groups and programs say, each with the votes that it
// carries.
func (s *State) ballotWords(id event.ID, p *Proposal, c *carriage) (words []BallotWords) {
	var behind map[int][]string // only looked up
	if c.result != nil {
		behind = s.behind(c)
	}
	for member, b := range s.BallotsOn(id) {
		m, _ := s.Members.Get(member)
		w := BallotWords{Member: member, Name: m.Name, Says: b.Says(p.Options), Reason: b.Reason, Event: b.Event, Votes: 1}
		if c.result != nil {
			v, _ := c.voter(member)
			w.Votes, w.For = uint64(c.result.Carried[v]), behind[int(v)]
		}
		words = append(words, w)
	}
	if c.result == nil {
		return words
	}
	for n := len(c.voters); n < c.roll.Carriers(); n++ {
		w := BallotWords{Name: s.carrierName(c, n), Says: c.says(p, n), Votes: uint64(c.result.Carried[n]), For: behind[n]}
		if way, number := c.roll.Carrier(n); way == delegation.ToProgram {
			s.answerWords(id, p, c, number, &w)
		}
		if w.Says != "" {
			words = append(words, w)
		}
	}
	return words
}

// answerWords tells of a program's answer. One that went wrong runs again, to say why.
func (s *State) answerWords(id event.ID, p *Proposal, c *carriage, n int, w *BallotWords) {
	a := &c.answers[n]
	w.Program, w.Reason, w.Code, w.Cost = c.programs[n], a.Ballot.Reason, a.Code, a.Cost
	prog, _ := s.Programs.Get(w.Program)
	switch {
	case w.Says == "":
		w.Says, w.Error = "nothing", "so many programs are followed that this one was not asked"
	case a.Code == Stopped:
		w.Error = prog.ready().Run(s.Input(id, p, prog.Watches, prog.Settings), program.Limit).Err
	case a.Code == Unfit:
		w.Error = "its ballot cannot be counted on this track, so it abstains"
	}
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

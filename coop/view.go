package coop

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Overview is the cooperative at a glance. Times are milliseconds since 1970, hashes hexadecimal.
type Overview struct {
	ID         event.ID             `json:"id"`
	Name       string               `json:"name"`
	Purpose    string               `json:"purpose"`
	Currency   governance.Currency  `json:"currency"`
	Founded    event.Time           `json:"founded"`
	Time       event.Time           `json:"time"` // coop time
	Members    uint64               `json:"members"`
	Candidates uint64               `json:"candidates"`
	UnderWay   uint64               `json:"under_way"` // proposals
	Charter    uint64               `json:"charter"`   // version
	Stewards   []identity.PublicKey `json:"stewards"`
}

// MemberView is one member, candidate or former member.
type MemberView struct {
	ID        identity.PublicKey   `json:"id"`
	Name      string               `json:"name"`
	Classes   []string             `json:"classes"`
	Statement string               `json:"statement,omitempty"`
	Status    governance.Status    `json:"status"`
	Votes     bool                 `json:"votes"`
	Since     event.Time           `json:"since"`
	Sponsors  []identity.PublicKey `json:"sponsors,omitempty"`
	Devices   []DeviceView         `json:"devices"`
	Until     event.Time           `json:"until,omitempty"` // end of a suspension
	Ruling    event.ID             `json:"ruling,omitzero"` // the proposal that suspended or expelled
	Guardians *GuardiansView       `json:"guardians,omitempty"`
	Prosumer  bool                 `json:"prosumer,omitempty"`  // customer and producer
	Asks      []string             `json:"asks,omitempty"`      // for these classes too
	Patronage uint64               `json:"patronage,omitempty"` // bought so far, minor units

	Recoveries []RecoveryView `json:"recoveries,omitempty"` // under way
}

// DeviceView is one device of a member.
type DeviceView struct {
	Key       identity.PublicKey `json:"key"`
	Since     event.Time         `json:"since"`
	Suspended bool               `json:"suspended,omitempty"`
	Revoked   bool               `json:"revoked,omitempty"`
}

// CharterView is the charter in force.
type CharterView struct {
	Name     string               `json:"name"` // of the cooperative
	Version  uint64               `json:"version"`
	Charter  governance.Charter   `json:"charter"`
	Articles []governance.Article `json:"articles,omitempty"` // the charter in words
	Warnings []string             `json:"warnings,omitempty"`
}

// OptionView is one option with what it has so far, or has got.
type OptionView struct {
	Number   uint64 `json:"number"`
	Name     string `json:"name"`
	Cost     uint64 `json:"cost,omitempty"`
	Votes    uint64 `json:"votes"` // what these are depends on the method; see governance.Result
	Selected bool   `json:"selected"`
}

// TallyView is the count: final once the vote is closed, until then so far.
type TallyView struct {
	Ballots   uint64 `json:"ballots"`
	Delegated uint64 `json:"delegated"` // votes that count with the ballot of another
	Hash      string `json:"hash"`
	Yes       uint64 `json:"yes"`
	No        uint64 `json:"no"`
	Abstain   uint64 `json:"abstain"`
	Spent     uint64 `json:"spent,omitempty"`
	Quorum    bool   `json:"quorum"`
	Threshold bool   `json:"threshold"`
	Tie       bool   `json:"tie,omitempty"` // a lot decided on the way
	Closed    bool   `json:"closed"`
}

// BallotView is one member's ballot.
type BallotView struct {
	Member    identity.PublicKey `json:"member"`
	Name      string             `json:"name"`
	Says      string             `json:"says"` // in words
	Choice    governance.Choice  `json:"choice,omitempty"`
	Approvals []uint64           `json:"approvals,omitempty"`
	Ranking   [][]uint64         `json:"ranking,omitempty"`
	Scores    []uint64           `json:"scores,omitempty"`
	Points    []uint64           `json:"points,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Cast      event.Time         `json:"cast"`
	Event     event.ID           `json:"event"`
}

// ProposalView is one proposal with its count and its ballots.
type ProposalView struct {
	ID       event.ID           `json:"id"`
	By       identity.PublicKey `json:"by"`
	ByName   string             `json:"by_name"`
	Title    string             `json:"title"`
	Text     string             `json:"text,omitempty"`
	Tags     []string           `json:"tags,omitempty"`
	Track    string             `json:"track"`
	Method   governance.Method  `json:"method"`
	Rules    governance.Track   `json:"rules"` // of the track, as of the opening
	Options  []OptionView       `json:"options,omitempty"`
	Budget   uint64             `json:"budget,omitempty"`
	Actions  []string           `json:"actions,omitempty"` // in words
	Phase    governance.Phase   `json:"phase"`
	Opened   event.Time         `json:"opened"`
	Voting   governance.Span    `json:"voting"`
	Due      event.Time         `json:"due,omitempty"`
	Ended    event.Time         `json:"ended,omitempty"`
	Failure  string             `json:"failure,omitempty"`
	Roll     uint64             `json:"roll"`
	Silent   uint64             `json:"silent,omitempty"` // may vote too, but the quorum does not wait for them
	RollHash string             `json:"roll_hash"`
	Charter  uint64             `json:"charter"`
	RuleHash string             `json:"rule_hash"`
	Tally    TallyView          `json:"tally"`
	LifeView
	Ballots []BallotView `json:"ballots,omitempty"`
}

// AllocationView is money set aside by a proposal.
type AllocationView struct {
	Proposal event.ID   `json:"proposal"`
	Project  uint64     `json:"project"`
	Name     string     `json:"name"`
	Amount   uint64     `json:"amount"`
	At       event.Time `json:"at"`
}

// Describe is the cooperative at a glance.
func Describe(s *State) Overview {
	h := &s.Hall
	v := Overview{ID: h.Coop, Name: h.Name, Purpose: h.Purpose, Currency: h.Currency, Founded: h.Founded, Time: h.Time,
		Candidates: h.Candidates, UnderWay: uint64(h.Agenda.Len()), Charter: h.Version, Stewards: h.Term.Keys()}
	for _, m := range table.All(&h.Members) {
		if m.Status == governance.StatusMember {
			v.Members++
		}
	}
	return v
}

// Members are all members, candidates and former members, by key.
func Members(s *State) []MemberView {
	views := make([]MemberView, 0, s.Hall.Members.Len())
	for key := range table.All(&s.Hall.Members) {
		v, _ := Member(s, key)
		views = append(views, v)
	}
	for key, d := range table.All(&s.Hall.Devices) {
		i, _ := slices.BinarySearchFunc(views, d.Member, func(v MemberView, k identity.PublicKey) int { return v.ID.Compare(k) })
		views[i].Devices = append(views[i].Devices, DeviceView{key, d.Since, d.Suspended, d.Revoked})
	}
	return views
}

// Member is one member, found by any of their devices' keys, without the list of devices.
func Member(s *State, key identity.PublicKey) (MemberView, bool) {
	d, ok := s.Hall.Devices.Get(key)
	if !ok {
		return MemberView{}, false
	}
	m, _ := s.Hall.Members.Get(d.Member)
	v := MemberView{ID: d.Member, Name: m.Name, Classes: m.Classes, Statement: m.Statement, Status: m.Status,
		Votes: m.Status == governance.StatusMember && s.Hall.Charter.MayVote(m.Classes), Since: m.Since, Sponsors: m.Sponsors, Until: m.Until, Ruling: m.Ruling,
		Prosumer: governance.Prosumer(m.Classes)}
	v.addRest(s)
	return v, true
}

// Charter is the charter in force.
func Charter(s *State) CharterView {
	c := &s.Hall.Charter
	return CharterView{Name: s.Hall.Name, Version: s.Hall.Version, Charter: *c, Articles: append(c.Articles(), s.agreements()...), Warnings: append(c.Warnings(), c.Unlikely(memberClasses(s))...)}
}

// Proposals are all proposals, by id, without their ballots.
func Proposals(s *State) []ProposalView {
	views := make([]ProposalView, 0, s.Hall.Proposals.Len())
	for id, p := range table.All(&s.Hall.Proposals) {
		views = append(views, view(s, id, &p))
	}
	return views
}

// Proposal is one proposal with its ballots.
func Proposal(s *State, id event.ID) (ProposalView, bool) {
	p, ok := s.Hall.Proposals.Get(id)
	if !ok {
		return ProposalView{}, false
	}
	v := view(s, id, &p)
	if p.Concealed() {
		return v, true
	}
	for member, b := range s.Hall.BallotsOn(id) {
		m, _ := s.Hall.Members.Get(member)
		v.Ballots = append(v.Ballots, BallotView{member, m.Name, b.Says(p.Options), b.Choice, b.Approvals, b.Ranking, b.Scores, b.Points, b.Reason, b.Cast, b.Event})
	}
	return v, true
}

// Allocations are all sums set aside, by proposal and project.
func Allocations(s *State) []AllocationView {
	views := make([]AllocationView, 0, s.Hall.Allocations.Len())
	for item, a := range table.All(&s.Hall.Allocations) {
		views = append(views, AllocationView{item.Proposal, item.Project, a.Name, a.Amount, a.At})
	}
	return views
}

// Account tells how a proposal's result came about, ballot by ballot and step by step.
func Account(s *State, proposal event.ID) (governance.Account, bool) { return s.Hall.Account(proposal) }

// Explain tells why a proposal stands where it stands, line by line.
func Explain(s *State, proposal event.ID) []string { return s.Hall.Explain(proposal) }

func view(s *State, id event.ID, p *governance.Proposal) ProposalView {
	by, _ := s.Hall.Members.Get(p.By)
	r := p.Result
	closed := r.Closed != 0
	switch {
	case p.Concealed():
		r.Votes = make([]uint64, len(p.Options))
	case !closed:
		r = s.Hall.Tally(id, p)
	}
	v := ProposalView{ID: id, By: p.By, ByName: by.Name, Title: p.Title, Text: p.Text, Tags: p.Tags, Track: p.Rules.Track.Name,
		Method: p.Rules.Track.Method, Rules: p.Rules.Track, Budget: p.Budget, Phase: p.Phase, Opened: p.Opened, Voting: p.Voting, Due: p.Due, Ended: p.Ended,
		Failure: p.Failure, Roll: p.RollSize, Silent: p.Silent, RollHash: hex.EncodeToString(p.RollHash[:]), Charter: p.Rules.Charter,
		RuleHash: hex.EncodeToString(p.RuleHash[:]), LifeView: life(s, id, p, &r),
		Tally: TallyView{r.Ballots, r.Delegated, hex.EncodeToString(r.Hash[:]), r.Yes, r.No, r.Abstain, r.Spent, r.Quorum, r.Threshold, r.Tie, closed}}
	for i, o := range p.Options {
		v.Options = append(v.Options, OptionView{Number: uint64(i), Name: o.Name, Cost: o.Cost, Votes: r.Votes[i]})
	}
	for _, n := range r.Selected {
		v.Options[n].Selected = true
	}
	for _, d := range p.Actions {
		v.Actions = append(v.Actions, InWords(s, d))
	}
	return v
}

// InWords says what an action would do.
func InWords(s *State, d event.Draft) string {
	switch d.Kind {
	case governance.KindMemberAdmit:
		if b, ok := read[governance.MemberAdmit](d); ok {
			m, _ := s.Hall.Members.Get(b.Candidate)
			if b.Class != "" {
				m.Classes = []string{b.Class + " too"}
			}
			return fmt.Sprintf("admit %s (%s) as %s", m.Name, b.Candidate, strings.Join(m.Classes, ", "))
		}
	case governance.KindDeviceAdd:
		if b, ok := read[governance.DeviceAdd](d); ok {
			m, _ := s.Hall.Members.Get(b.Member)
			return fmt.Sprintf("let the device %s speak for %s", b.Key, m.Name)
		}
	case governance.KindBudgetAllocate:
		if b, ok := read[governance.BudgetAllocate](d); ok {
			return fmt.Sprintf("set aside %s for %s", s.Hall.Currency.Format(b.Amount), b.Name)
		}
	case governance.KindJuryCall:
		if b, ok := read[governance.JuryCall](d); ok {
			return s.juryInWords(&b)
		}
	case governance.KindCharterAmend:
		if b, ok := read[governance.CharterAmend](d); ok {
			return amendment(s, &b.Charter)
		}
	}
	if text, known := officeInWords(s, d); known {
		return text
	}
	if words, ok := ledgerInWords(s, d); ok {
		return words
	}
	if words, ok := surplusInWords(s, d); ok {
		return words
	}
	if words, ok := shopInWords(s, d); ok {
		return words
	}
	if words, ok := missionInWords(s, d); ok {
		return words
	}
	return memberAction(s, d)
}

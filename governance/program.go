package governance

import (
	"cmp"
	"slices"

	"github.com/sustainy/coop/delegation"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/program"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
)

// Setting is what a program's publisher chose for it.
type Setting struct {
	Key   string `cbor:"key" json:"key"`
	Value string `cbor:"value" json:"value"`
}

// Program is a published voting program. It never changes: who follows it follows this text with these
// settings. A new version is another program that names this one.
type Program struct {
	By       identity.PublicKey   `cbor:"by"`
	Name     string               `cbor:"name"`
	Source   string               `cbor:"source"`
	Language uint64               `cbor:"language"` // program.Language when it was published
	Settings []Setting            `cbor:"settings"` // by key
	Watches  []identity.PublicKey `cbor:"watches"`  // ascending: members whose ballots it sees
	Previous event.ID             `cbor:"previous"` // of which it is a new version; zero: of none
	Worst    uint64               `cbor:"worst"`    // the most that a run can cost
	At       event.Time           `cbor:"at"`

	// Withdrawn is since when nobody can follow it and it is asked about nothing that is opened; 0: it stands.
	Withdrawn event.Time `cbor:"withdrawn,omitempty"`

	// Checked is the source as it runs. It is immutable, and nil once it is withdrawn. State is written
	// without it: Source stands for it.
	Checked *program.Program `cbor:"-"`
}

// ProgramPublish is the body of program.publish; the program's id is the event's.
type ProgramPublish struct {
	Name     string               `cbor:"name"`
	Source   string               `cbor:"source"`
	Language uint64               `cbor:"language"`
	Settings []Setting            `cbor:"settings"`
	Watches  []identity.PublicKey `cbor:"watches"`
	Previous event.ID             `cbor:"previous"`
}

// ProgramWithdraw is the body of program.withdraw.
type ProgramWithdraw struct {
	Program event.ID `cbor:"program"`
}

// Asked is a program that was asked about a proposal.
type Asked struct {
	Proposal event.ID `cbor:"proposal"`
	Program  event.ID `cbor:"program"`
}

// Compare orders by proposal, then by program.
func (a Asked) Compare(other Asked) int {
	return cmp.Or(a.Proposal.Compare(other.Proposal), a.Program.Compare(other.Program))
}

// Code is why a program has no vote of its own making. Its words are the program package's and can be had
// again by running it; what peers agree on is the code.
type Code string

// The codes.
const (
	Ran     Code = ""       // it ran to its end
	Stopped Code = "failed" // it went wrong or cost too much and was stopped: it abstains
	Unfit   Code = "unfit"  // its ballot is none that this track counts: it abstains
)

// Answer is how a program votes on a proposal.
type Answer struct {
	Ballot Ballot `cbor:"ballot"` // with the program's reason
	Code   Code   `cbor:"code"`
	Cost   uint64 `cbor:"cost"`
}

// Publish puts a voting program where members can delegate to it.
func (s *State) Publish(env fold.Env, b ProgramPublish) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	if !line(b.Name, MaxName) {
		return ErrName
	}
	if b.Language != program.Language {
		return ErrLanguage
	}
	if err := s.checkSettings(&b); err != nil {
		return err
	}
	if old, ok := s.Programs.Get(b.Previous); !b.Previous.IsZero() && (!ok || old.By != by) {
		return ErrPrevious
	}
	all, own := s.standing(by)
	if all >= MaxPrograms {
		return ErrProgramsFull
	}
	if own >= MaxOwnPrograms {
		return ErrOwnPrograms
	}
	checked, err := program.Check(b.Source)
	if err != nil {
		return ErrProgram // alone: receipts must not depend on a library's words
	}

	s.Programs.Set(env.ID, Program{By: by, Name: b.Name, Source: b.Source, Language: b.Language, Settings: b.Settings, Watches: b.Watches,
		Previous: b.Previous, Worst: checked.Worst(), At: s.Time, Checked: checked})
	return nil
}

// standing counts the programs that are not withdrawn, and those of one member.
func (s *State) standing(by identity.PublicKey) (all, own int) {
	for _, prog := range table.All(&s.Programs) {
		if prog.Withdrawn != 0 {
			continue
		}
		all++
		if prog.By == by {
			own++
		}
	}
	return all, own
}

// WithdrawProgram takes a program back. Votes that are open still ask it, so that no publisher can take votes
// away in the last moment; on all others it is as if nobody had delegated to it.
func (s *State) WithdrawProgram(env fold.Env, b ProgramWithdraw) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	prog, ok := s.Programs.Get(b.Program)
	if !ok {
		return ErrNoProgram
	}
	if prog.By != by {
		return ErrNotPublisher
	}
	if prog.Withdrawn != 0 {
		return ErrProgramGone
	}

	prog.Withdrawn, prog.Checked = s.Time, nil
	s.Programs.Set(b.Program, prog)
	return nil
}

// gone tells whether a mandate is for a program that was withdrawn when a proposal was opened.
func (s *State) gone(to *Delegate, opened event.Time) bool {
	if to.Program.IsZero() {
		return false
	}
	prog, _ := s.Programs.Get(to.Program)
	return prog.Withdrawn != 0 && prog.Withdrawn <= opened
}

// checkSettings tells why a program can't be given these settings or see these ballots.
func (s *State) checkSettings(b *ProgramPublish) error {
	if len(b.Settings) > program.MaxSettings {
		return ErrSettings
	}
	for i, setting := range b.Settings {
		if len(setting.Key) > program.MaxWord || len(setting.Value) > program.MaxValue || !text.Visible(setting.Key+setting.Value, "") ||
			setting.Key == "" || i > 0 && b.Settings[i-1].Key >= setting.Key {
			return ErrSettings
		}
	}
	if len(b.Watches) > program.MaxVotes {
		return ErrWatches
	}
	for i, key := range b.Watches {
		if !s.Members.Has(key) || i > 0 && b.Watches[i-1].Compare(key) >= 0 {
			return ErrWatches
		}
	}
	return nil
}

// checkProgram tells why no vote can go to a program.
func (s *State) checkProgram(id event.ID) error {
	prog, ok := s.Programs.Get(id)
	if !ok {
		return ErrNoProgram
	}
	if prog.Withdrawn != 0 {
		return ErrProgramGone
	}
	return nil
}

// ask runs the programs that votes go to, those to which most go first, as long as the bounds on one
// proposal allow; or finds what they said when the vote was counted.
func (s *State) ask(id event.ID, p *Proposal, c *carriage) {
	followers := make([]int, len(c.programs))
	order := make([]int, len(c.programs))
	for _, voice := range c.roll.Voices {
		if voice.Way == delegation.ToProgram {
			followers[voice.To]++
		}
	}
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(followers[b], followers[a]), c.programs[a].Compare(c.programs[b]))
	})
	c.answers = make([]Answer, len(c.programs))
	c.roll.Programs = make([]int32, len(c.programs))
	spent, asked := uint64(0), 0
	for _, i := range order {
		c.roll.Programs[i] = delegation.None
		var known bool
		if p.over() {
			c.answers[i], known = s.Answers.Get(Asked{id, c.programs[i]})
		} else if known = asked < MaxAsked && spent < MaxCost; known {
			prog, _ := s.Programs.Get(c.programs[i])
			c.answers[i] = s.run(id, p, &prog)
			spent += c.answers[i].Cost
			asked++
		}
		if known {
			c.roll.Programs[i] = c.paper(c.answers[i].Ballot)
		}
	}
}

// keepAnswers keeps what programs say with the proposal, for all who count again.
func (s *State) keepAnswers(id event.ID, c *carriage) {
	for i, prog := range c.programs {
		if c.roll.Programs[i] != delegation.None {
			s.Answers.Set(Asked{id, prog}, c.answers[i])
		}
	}
}

// run asks one program.
func (s *State) run(id event.ID, p *Proposal, prog *Program) Answer {
	v := prog.ready().Run(s.Input(id, p, prog.Watches, prog.Settings), program.Limit)
	a := Answer{Ballot: Ballot{Choice: Abstain}, Code: Stopped, Cost: v.Cost}
	if v.Err != "" {
		return a
	}
	b := fromProgram(&v, p.Rules.Track.Method)
	cast := BallotCast{Choice: string(b.Choice), Approvals: b.Approvals, Ranking: b.Ranking, Scores: b.Scores, Points: b.Points, Reason: b.Reason}
	if cast.check(&p.Rules.Track, len(p.Options)) != nil {
		a.Code = Unfit
		return a
	}
	return Answer{Ballot: b, Cost: v.Cost}
}

// ready is the program as it runs. One that is withdrawn is read again: it keeps nothing in memory, or
// publishing and withdrawing without end would fill it.
func (p *Program) ready() *program.Program {
	if p.Checked != nil {
		return p.Checked
	}
	checked, err := program.Check(p.Source)
	if err != nil {
		panic("governance: invariant: a program that was published can be read: " + err.Error())
	}
	return checked
}

// Input is what a program sees of a proposal: all that was frozen with it, and the ballots that those
// whom it watches have cast so far.
func (s *State) Input(id event.ID, p *Proposal, watches []identity.PublicKey, settings []Setting) program.Input {
	t := &p.Rules.Track
	in := program.Input{
		Proposal: program.Proposal{ID: id.String(), Title: p.Title, Text: p.Text, Proposer: p.By.String(), Track: t.Name, Method: string(t.Method),
			Form: programForm(t.Method), Tags: p.Tags, Budget: p.Budget, Highest: t.Highest, Points: t.Points,
			Opened: uint64(p.Opened), Begins: uint64(p.Voting.Start), Closes: uint64(p.Voting.End)},
		Charter: program.Charter{Version: p.Rules.Charter, Members: p.RollSize, ThresholdPart: t.Threshold.Share.Num, ThresholdWhole: t.Threshold.Share.Den,
			Over: t.Threshold.Over, Quorum: string(t.Quorum.Kind), QuorumPart: t.Quorum.Share.Num, QuorumWhole: t.Quorum.Share.Den},
	}
	for _, o := range p.Options {
		in.Proposal.Options = append(in.Proposal.Options, program.Option{Title: o.Name, Cost: o.Cost})
	}
	for i, d := range p.Actions {
		action := program.Action{Kind: string(d.Kind)}
		if i < len(p.Money.Asks) {
			action.Asset, action.Amount = p.Money.Asks[i].Asset, p.Money.Asks[i].Amount
		}
		in.Proposal.Actions = append(in.Proposal.Actions, action)
	}
	for _, has := range p.Money.Treasury {
		in.Treasury = append(in.Treasury, program.Holding(has))
	}
	for _, x := range settings {
		in.Settings = append(in.Settings, program.Setting{Key: x.Key, Value: x.Value})
	}
	for _, key := range watches {
		if b, cast := s.Ballots.Get(Seat{id, key}); cast {
			in.Votes = append(in.Votes, program.Vote{Member: key.String(), Ballot: b.ForProgram()})
		}
	}
	return in
}

// programForm is what a ballot looks like to programs.
func programForm(m Method) program.Form {
	f, _ := m.form()
	switch f.marks {
	case approvals:
		return program.Approval
	case ranks, succession:
		return program.Ranking
	case scores:
		return program.Scores
	case points:
		return program.Points
	}
	return program.YesNo
}

// ForProgram is the ballot as programs see it: an objection is a no.
func (b *Ballot) ForProgram() program.Ballot {
	counted := func(list []uint64) (all []int) {
		for _, n := range list {
			all = append(all, int(n))
		}
		return all
	}
	switch {
	case b.Choice == Object:
		return program.Ballot{Choice: program.No}
	case b.Choice != Listed:
		return program.Ballot{Choice: program.Choice(b.Choice)}
	case len(b.Ranking) > 0:
		v := program.Ballot{Choice: program.Rank}
		for _, place := range b.Ranking {
			v.Places = append(v.Places, numbers(place))
		}
		return v
	case len(b.Scores) > 0:
		return program.Ballot{Choice: program.Score, Numbers: counted(b.Scores)}
	case len(b.Points) > 0:
		return program.Ballot{Choice: program.Spend, Numbers: counted(b.Points)}
	}
	return program.Ballot{Choice: program.Approve, Options: numbers(b.Approvals)}
}

// fromProgram is a verdict as a ballot; where consent is asked a no is an objection, for the program's
// reason.
func fromProgram(v *program.Verdict, m Method) Ballot {
	counted := func(list []int) (all []uint64) {
		for _, n := range list {
			all = append(all, uint64(n))
		}
		slices.Sort(all)
		return all
	}
	b := Ballot{Reason: v.Reason}
	switch v.Choice {
	case program.Yes, program.Abstain:
		b.Choice = Choice(v.Choice)
	case program.No:
		b.Choice = No
		if m == ByConsent {
			b.Choice = Object
		}
	case program.Approve:
		b.Approvals = counted(v.Options)
	case program.Rank:
		for _, place := range v.Places {
			b.Ranking = append(b.Ranking, counted(place))
		}
	case program.Score, program.Spend:
		list := make([]uint64, len(v.Numbers))
		for i, n := range v.Numbers {
			list[i] = uint64(n)
		}
		if v.Choice == program.Score {
			b.Scores = list
		} else {
			b.Points = list
		}
	}
	return b
}

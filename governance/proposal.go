package governance

import (
	"crypto/sha256"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Phase is where a proposal stands.
type Phase string

// The phases. The first four are under way, in this order; each other one is an end.
const (
	Sponsoring Phase = "sponsoring" // waits for co-sponsors, where the track asks for them
	Discussion Phase = "discussion"
	Voting     Phase = "voting"
	Grace      Phase = "grace"     // passed, its actions wait so that who disagrees can leave
	Executed   Phase = "executed"  // passed, and its actions are done
	Failed     Phase = "failed"    // passed, but an action was refused, so none was done
	Rejected   Phase = "rejected"  // voted down
	Expired    Phase = "expired"   // not voted down, but too few took part
	Withdrawn  Phase = "withdrawn" // taken back before anybody voted
	Vetoed     Phase = "vetoed"    // passed, and stopped in its grace
	Lapsed     Phase = "lapsed"    // did not find enough co-sponsors in time
)

// UnderWay tells whether something will still happen to a proposal in this phase.
func (p Phase) UnderWay() bool {
	return p == Sponsoring || p == Discussion || p == Voting || p == Grace
}

// Option is one thing that can be chosen.
type Option struct {
	Name string `cbor:"name" json:"name"`
	Cost uint64 `cbor:"cost" json:"cost,omitempty"` // minor units; only where a budget is shared
}

// Rules are what a proposal runs under whatever happens to the charter.
type Rules struct {
	Charter uint64     `cbor:"charter"` // version
	Track   Track      `cbor:"track"`
	Voters  []string   `cbor:"voters"`            // classes that may vote
	Late    event.Time `cbor:"late"`              // Params.Grace
	Stall   event.Time `cbor:"stall"`             // Params.Stall
	Silence event.Time `cbor:"silence,omitempty"` // Limits.Silence

	Delegating Delegating `cbor:"delegating"`
}

// Proposal is a question to the members.
type Proposal struct {
	By      identity.PublicKey `cbor:"by"`
	Title   string             `cbor:"title"`
	Text    string             `cbor:"text"`
	Tags    []string           `cbor:"tags"`
	Options []Option           `cbor:"options"` // the status quo last, where the method has it
	Budget  uint64             `cbor:"budget"`
	Actions []event.Draft      `cbor:"actions"`

	// Nominees are the members behind the options of an election of stewards, from the opening of the vote on.
	Nominees []identity.PublicKey `cbor:"nominees,omitempty"`

	Opened   event.Time           `cbor:"opened"`
	Rules    Rules                `cbor:"rules"`
	RuleHash [32]byte             `cbor:"rulehash"`           // SHA-256 of "coop/rules/1", a zero byte and Rules
	RollSize uint64               `cbor:"rollsize"`           // who count for the quorum: those of the roll who are not Silent
	Silent   uint64               `cbor:"silent"`             // who may vote too, and count from their ballot on; see silent
	RollHash [32]byte             `cbor:"rollhash"`           // SHA-256 of "coop/roll/1", a zero byte and the keys of who may vote, ascending
	Chambers []uint64             `cbor:"chambers,omitempty"` // members who may vote in each chamber of the track
	Shared   uint64               `cbor:"shared,omitempty"`   // of those, members of more than one chamber
	Sponsors []identity.PublicKey `cbor:"sponsors,omitempty"` // besides the proposer
	Attempt  uint64               `cbor:"attempt,omitempty"`  // how often the same was vetoed before
	Vetoes   uint64               `cbor:"vetoes,omitempty"`   // cast in its grace
	Exits    uint64               `cbor:"exits,omitempty"`    // members who left because of it
	Phase    Phase                `cbor:"phase"`
	Voting   Span                 `cbor:"voting"`
	Shifts   []Shift              `cbor:"shifts,omitempty"` // changes of its deadlines, in order
	Until    event.Time           `cbor:"until,omitempty"`  // the end of its sponsoring or its grace
	Due      event.Time           `cbor:"due"`              // when something happens next; 0 at an end
	Lead     Lead                 `cbor:"lead,omitzero"`
	Result   Result               `cbor:"result"` // once closed
	Ended    event.Time           `cbor:"ended"`

	// Money is what programs see of it.
	Money Money `cbor:"money,omitzero"`

	// Failure says why the proposal Failed. State is written without it, so that words can be improved.
	Failure string `cbor:"-"`

	// Roll holds all members as they were at the opening, until the proposal ends, and on if somebody had
	// delegated. It is never changed.
	// State is written with what Frozen keeps of it.
	Roll table.Table[identity.PublicKey, Member] `cbor:"-"`

	// Mandates holds all mandates as they were when the vote was counted, if one of them applied.
	// It is never changed. State is written without it: Result.Chains stands for it.
	Mandates table.Table[Remit, Mandate] `cbor:"-"`
}

// ProposalOpen is the body of proposal.open.
type ProposalOpen struct {
	Title   string        `cbor:"title"`
	Text    string        `cbor:"text"` // Markdown
	Track   string        `cbor:"track"`
	Tags    []string      `cbor:"tags"`
	Options []Option      `cbor:"options"`
	Budget  uint64        `cbor:"budget"` // minor units
	Actions []event.Draft `cbor:"actions"`
	Again   event.ID      `cbor:"again,omitzero"` // proposal with the same content that was vetoed
}

// ProposalWithdraw is the body of proposal.withdraw.
type ProposalWithdraw struct {
	Proposal event.ID `cbor:"proposal"`
}

// MayVote tells whether a member with these classes may vote under the rules.
func (r *Rules) MayVote(classes []string) bool {
	for _, class := range classes {
		for _, voter := range r.Voters {
			if class == voter {
				return true
			}
		}
	}
	return false
}

// Hash names the rules, so that two counts can show that they ran under the same.
func (r *Rules) Hash() [32]byte {
	b, err := event.Marshal(r)
	if err != nil {
		panic("governance: invariant: rules have a canonical form: " + err.Error())
	}
	return sha256.Sum256(append([]byte("coop/rules/1\x00"), b...))
}

// Open puts a proposal before the members; its id is the event's.
func (s *State) Open(env fold.Env, b ProposalOpen) error {
	by, m, err := s.actor(env)
	if err != nil {
		return err
	}
	track, ok := s.Charter.Track(b.Track)
	if !ok {
		return ErrUnknownTrack
	}
	if !s.Charter.mayPropose(track, m.Classes) {
		return ErrMayNotPropose
	}
	if err := b.check(track, s.Charter.Limits); err != nil {
		return err
	}
	if s.underWay(by, b.Track) >= track.Open {
		return ErrOpenAlready
	}
	if s.Agenda.Len() >= MaxOpen {
		return ErrHallFull
	}

	return s.launch(env.ID, by, b, track)
}

// launch puts a proposal that nothing speaks against on its way.
func (s *State) launch(id event.ID, by identity.PublicKey, b ProposalOpen, track Track) error {
	if track.Method.HasStatusQuo() {
		b.Options = append(b.Options[:len(b.Options):len(b.Options)], Option{Name: StatusQuo})
	}
	p := Proposal{By: by, Title: b.Title, Text: b.Text, Tags: b.Tags, Options: b.Options, Budget: b.Budget, Actions: b.Actions,
		Opened: s.Time, Rules: s.rules(track), Roll: s.Members.Copy()}
	if !b.Again.IsZero() {
		before, ok := s.Proposals.Get(b.Again)
		if !ok || !p.repeats(&before) {
			return ErrAgain
		}
		p.Attempt = before.Attempt + 1
	}

	p.RuleHash = p.Rules.Hash()
	p.RollSize, p.Silent, p.RollHash = p.roll()
	p.seatChambers()
	p.begin(s.Time)
	if p.Phase == Voting && track.Elects() && !s.nominate(&p) {
		return ErrSeats
	}
	s.put(id, p, p.next())
	return nil
}

func (b *ProposalOpen) check(track Track, limits Limits) error {
	if !line(b.Title, MaxTitle) {
		return ErrName
	}
	if !prose(b.Text, limits.Text) {
		return ErrText
	}
	if len(b.Tags) > MaxTags || !distinct(b.Tags) {
		return ErrTags
	}
	for _, tag := range b.Tags {
		if !label(tag) {
			return ErrTags
		}
	}
	if track.Elects() {
		if len(b.Options) > 0 {
			return ErrNominees
		}
	} else if !optionsFit(track.Method, b.Options) {
		return ErrOptions
	} else if uint64(len(b.Options)) < track.Seats {
		return ErrSeats
	}
	if b.Budget > MaxAmount || (b.Budget > 0) != track.Method.SharesBudget() {
		return ErrBudget
	}
	if len(b.Actions) > MaxActions {
		return ErrActions
	}
	for _, action := range b.Actions {
		if action.Check() != nil {
			return ErrActions
		}
		if !allows(track, action.Kind) || track.Elects() && action.Kind == KindStewardAppoint {
			return ErrActionOnTrack
		}
	}
	return nil
}

func optionsFit(method Method, options []Option) bool {
	f, _ := method.form()
	if len(options) < f.least || len(options) > f.most {
		return false
	}
	for _, o := range options {
		if !line(o.Name, MaxName) || o.Cost > MaxAmount || (o.Cost > 0) != f.sharesABudget || f.hasStatusQuo && o.Name == StatusQuo {
			return false
		}
	}
	return true
}

func allows(track Track, kind event.Kind) bool {
	for _, allowed := range track.Actions {
		if allowed == kind {
			return true
		}
	}
	return false
}

// rules freezes what a proposal opened now runs under.
func (s *State) rules(track Track) Rules {
	r := Rules{Charter: s.Version, Track: track, Late: s.Params.Grace, Stall: s.Params.Stall, Silence: s.Charter.Limits.Silence, Delegating: s.Charter.delegating(&track)}
	r.Voters = s.Charter.voters()
	return r
}

// voters are the classes that may vote.
func (c *Charter) voters() (names []string) {
	for _, class := range c.Classes {
		if class.Votes {
			names = append(names, class.Name)
		}
	}
	return names
}

// roll counts those who may vote on p, silent ones apart, and names them all.
func (p *Proposal) roll() (size, silent uint64, hash [32]byte) {
	h := sha256.New()
	h.Write([]byte("coop/roll/1\x00"))
	for key, m := range table.All(&p.Roll) {
		if p.onRoll(m) {
			if p.silent(key, m) {
				silent++
			} else {
				size++
			}
			h.Write(key[:])
		}
	}
	return size, silent, [32]byte(h.Sum(nil))
}

// silent tells whether m, as in p.Roll, was not heard for so long before p opened that a quorum does
// not wait for them. Who opens a proposal is heard by that.
func (p *Proposal) silent(key identity.PublicKey, m Member) bool {
	heard := max(m.Since, m.Heard)
	return p.Rules.Silence > 0 && key != p.By && heard < p.Opened && p.Opened-heard > p.Rules.Silence
}

// onRoll tells whether m, as in p.Roll, may vote on p.
func (p *Proposal) onRoll(m Member) bool {
	return m.Status == StatusMember && p.Rules.MayVote(m.Classes)
}

// underWay counts a member's proposals under way on a track.
func (s *State) underWay(by identity.PublicKey, track string) uint64 {
	n := uint64(0)
	for due := range table.All(&s.Agenda) {
		if p, _ := s.Proposals.Get(due.Proposal); p.By == by && p.Rules.Track.Name == track {
			n++
		}
	}
	return n
}

// put stores a proposal and its place in the agenda: at due something happens to it; 0 means never.
func (s *State) put(id event.ID, p Proposal, due event.Time) {
	if p.Due != 0 {
		s.Agenda.Delete(Due{p.Due, id})
	}
	p.Due = due
	if due != 0 {
		s.Agenda.Set(Due{due, id}, struct{}{})
	}
	s.Proposals.Set(id, p)
}

// end closes a proposal for good.
func (s *State) end(id event.ID, p Proposal, phase Phase) {
	p.Phase, p.Ended = phase, s.Time
	if p.Mandates.Len() == 0 {
		p.Roll = table.Table[identity.PublicKey, Member]{}
	}
	s.put(id, p, 0)
}

// Withdraw takes a proposal back, before anybody has voted.
func (s *State) Withdraw(env fold.Env, b ProposalWithdraw) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	p, ok := s.Proposals.Get(b.Proposal)
	if !ok {
		return ErrUnknownProposal
	}
	if p.By != by {
		return ErrNotProposer
	}
	if !p.Phase.UnderWay() || p.Phase == Grace {
		return ErrOver
	}
	for range s.BallotsOn(b.Proposal) {
		return ErrBallotsCast
	}

	s.end(b.Proposal, p, Withdrawn)
	return nil
}

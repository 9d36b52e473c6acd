package missions

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
	"github.com/sustainy/coop/tokens"
)

// Funding is what happens to pledges when their time is over.
type Funding string

// The ways of funding.
const (
	AllOrNothing Funding = "all-or-nothing" // they all go back if they miss the target
	KeepWhatCame Funding = "keep"           // the prizes share whatever came
)

// Matching is how the treasury adds to the pledges of members when their time is over, never beyond what
// it has.
type Matching string

// The ways of matching.
const (
	MatchNone      Matching = "none"
	MatchLinear    Matching = "linear"    // Num/Den of all pledges
	MatchQuadratic Matching = "quadratic" // (Σ√pledge)² - Σ pledge, one pledge a pledger: many small ones count most
)

// Match is a treasury's promise.
type Match struct {
	Kind Matching `cbor:"kind" json:"kind"`
	Num  uint64   `cbor:"num" json:"num"`
	Den  uint64   `cbor:"den" json:"den"`
	Cap  uint64   `cbor:"cap" json:"cap"` // minor units
}

// Judges are who decides about the award.
type Judges string

// The judges. Who has contributed to a submission never is one.
const (
	ByBackers Judges = "backers" // who pledged, one vote each
	ByMembers Judges = "members" // who had a vote when judging began
	ByJury    Judges = "jury"    // drawn by lot, without whoever has an interest
)

// Method is how ballots rank the submissions.
type Method string

// The methods, of package tally. A prize goes only to who is before "no award".
const (
	Approve Method = "approval"
	Rank    Method = "ranked"
)

// Token is the achievement token that the award makes.
type Token struct {
	Name     string      `cbor:"name" json:"name"` // a label
	Rule     tokens.Rule `cbor:"rule" json:"rule"`
	Units    uint64      `cbor:"units" json:"units"`       // for the winner's contributors, by their shares
	Treasury uint64      `cbor:"treasury" json:"treasury"` // units for the cooperative
	Backers  uint64      `cbor:"backers" json:"backers"`   // units for the pledgers, in proportion
}

// supply is all units together; false if they are too many.
func (t *Token) supply() (uint64, bool) {
	if max(t.Units, t.Treasury, t.Backers) > tokens.MaxAmount {
		return 0, false
	}
	sum := t.Units + t.Treasury + t.Backers
	return sum, sum <= tokens.MaxAmount
}

// Periods are how long the phases last, in milliseconds.
type Periods struct {
	Funding event.Time `cbor:"funding" json:"funding"`
	Open    event.Time `cbor:"open" json:"open"`
	Reveal  event.Time `cbor:"reveal" json:"reveal"`
	Judging event.Time `cbor:"judging" json:"judging"`
	Appeal  event.Time `cbor:"appeal" json:"appeal"` // 0 without appeals
}

// Listing is the body of mission.list: it begins a mission, whose funding begins at once.
type Listing struct {
	Number   uint64   `cbor:"number" json:"number"` // tells apart the missions that one proposal lists
	Title    string   `cbor:"title" json:"title"`
	Brief    string   `cbor:"brief" json:"brief"`
	Criteria string   `cbor:"criteria" json:"criteria"` // by which it is judged
	Tags     []string `cbor:"tags" json:"tags"`

	Funding Funding  `cbor:"funding" json:"funding"`
	Target  uint64   `cbor:"target" json:"target"` // of pledges and match together, in minor units
	Match   Match    `cbor:"match" json:"match"`
	Prizes  []uint64 `cbor:"prizes" json:"prizes"` // minor units; what escrow has is shared out in this proportion
	Token   Token    `cbor:"token" json:"token"`
	Price   uint64   `cbor:"price" json:"price"`     // at which the work is to be sold, in minor units
	AtLeast bool     `cbor:"atleast" json:"atleast"` // buyers may pay more; then the price may be 0

	Judges     Judges      `cbor:"judges" json:"judges"`
	Seats      uint64      `cbor:"seats" json:"seats"` // of a jury: the one that judges, or that hears the appeal; 0: members do
	Method     Method      `cbor:"method" json:"method"`
	Milestones []Milestone `cbor:"milestones" json:"milestones"` // of the one prize, which is paid in parts then; else none
	Appeals    uint64      `cbor:"appeals" json:"appeals"`       // so many must appeal to have it judged again; 0: none can
	Periods    Periods     `cbor:"periods" json:"periods"`
}

// Cancel is the body of mission.cancel.
type Cancel struct {
	Mission event.ID `cbor:"mission" json:"mission"`
}

// NewID names the n-th mission that a decision lists: SHA-256 of "coop/mission/1", a zero byte, the
// proposal's id and n (8 bytes, big-endian). A mission that a member lists has the name of the event.
func NewID(proposal event.ID, n uint64) event.ID {
	b := append([]byte("coop/mission/1\x00"), proposal[:]...)
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, n))
}

// check tells why there can be no such mission.
func (l *Listing) check() error {
	if !text.Line(l.Title, MaxTitle) || !text.Prose(l.Brief, MaxText) || !text.Prose(l.Criteria, MaxText) {
		return ErrText
	}
	if len(l.Tags) > MaxTags || !text.Distinct(l.Tags) {
		return ErrTags
	}
	for _, tag := range l.Tags {
		if !text.Label(tag) {
			return ErrTags
		}
	}
	switch {
	case l.Funding == AllOrNothing && l.Target >= 1 && l.Target <= tokens.MaxAmount:
	case l.Funding == KeepWhatCame && l.Target == 0:
	default:
		return ErrFunding
	}
	if !l.Match.sound() {
		return ErrMatch
	}
	if err := l.checkPrizes(); err != nil {
		return err
	}
	if err := l.checkMilestones(); err != nil {
		return err
	}
	supply, ok := l.Token.supply()
	if !ok || supply == 0 || l.Token.Units == 0 || !text.Label(l.Token.Name) || !ruled(l.Token.Rule) {
		return ErrToken
	}
	if l.Price > tokens.MaxAmount || l.Price == 0 && !l.AtLeast {
		return ErrPrice
	}
	jury := l.Judges == ByJury && l.Seats > 0
	if !jury && l.Judges != ByBackers && l.Judges != ByMembers || l.Seats > MaxSeats || l.Appeals > MaxAppeals || l.Method != Approve && l.Method != Rank {
		return ErrJudges
	}
	return l.checkPeriods()
}

// sound tells whether there can be such a match.
func (m *Match) sound() bool {
	switch m.Kind {
	case MatchNone:
		return m.Num|m.Den|m.Cap == 0
	case MatchLinear:
		return min(m.Num, m.Den) >= 1 && max(m.Num, m.Den) <= MaxRate && m.Cap >= 1 && m.Cap <= tokens.MaxAmount
	case MatchQuadratic:
		return m.Num|m.Den == 0 && m.Cap >= 1 && m.Cap <= tokens.MaxAmount
	}
	return false
}

// checkPrizes expects that a target that is reached pays all prizes.
func (l *Listing) checkPrizes() error {
	if len(l.Prizes) < 1 || len(l.Prizes) > MaxPrizes {
		return ErrPrizes
	}
	sum := uint64(0)
	for i, prize := range l.Prizes {
		if prize < 1 || prize > tokens.MaxAmount || i > 0 && prize > l.Prizes[i-1] {
			return ErrPrizes
		}
		sum += prize
	}
	if sum > tokens.MaxAmount || l.Funding == AllOrNothing && sum > l.Target {
		return ErrEscrow
	}
	return nil
}

func (l *Listing) checkPeriods() error {
	for _, period := range [...]event.Time{l.Periods.Funding, l.Periods.Open, l.Periods.Reveal, l.Periods.Judging} {
		if period < MinPeriod || period > MaxPeriod {
			return ErrPeriods
		}
	}
	if appeal := l.Periods.Appeal; (appeal == 0) != (l.Appeals == 0) || appeal != 0 && (appeal < MinPeriod || appeal > MaxPeriod) {
		return ErrPeriods
	}
	return nil
}

func ruled(r tokens.Rule) bool {
	return r == tokens.RuleFree || r == tokens.RuleMembers || r == tokens.RuleApproval || r == tokens.RuleNone
}

// List begins a mission.
func (s *State) List(a Act, b Listing) error {
	if err := a.anybody(); err != nil {
		return err
	}
	if err := b.check(); err != nil {
		return err
	}
	if b.Match.Kind != MatchNone && !a.assembly() {
		return ErrPromise
	}
	id := a.ID
	if a.assembly() {
		id = NewID(a.ID, b.Number)
	}
	if s.Missions.Has(id) {
		return ErrListed
	}
	if s.Own.Len() >= MaxOpen {
		return ErrFull
	}
	if !a.assembly() && s.owns(a.By) >= MaxOwn {
		return ErrOwn
	}
	if a.Ledger.Names.Has(table.Text(b.Token.Name)) || s.Reserved.Has(table.Text(b.Token.Name)) {
		return ErrReserved
	}
	deposit := s.Terms.Deposit
	if a.assembly() {
		deposit = 0
	}
	if deposit > 0 {
		if err := a.Ledger.Affords(a.People, tokens.Currency, tokens.Member(a.By), deposit); err != nil {
			return err
		}
	}

	a.Ledger.Move(tokens.Currency, tokens.Member(a.By), tokens.Escrow(id), deposit, a.ID)
	m := Mission{Listing: b, By: a.By, Event: a.ID, Listed: a.Time, Terms: s.Terms, Deposit: deposit}
	s.Own.Set(Own{a.By, id}, struct{}{})
	s.Reserved.Set(table.Text(b.Token.Name), id)
	s.enter(id, &m, PhaseFunding, a.Time, b.Periods.Funding)
	s.Missions.Set(id, m)
	return nil
}

// owns counts the missions under way that somebody has listed.
func (s *State) owns(by identity.PublicKey) (n int) {
	for own := range table.From(&s.Own, Own{By: by}) {
		if own.By != by {
			break
		}
		n++
	}
	return n
}

// Cancel calls a mission off, and everybody gets their pledge back. That is over with the first submission.
func (s *State) Cancel(a Act, b Cancel) error {
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	if a.By != m.By && !a.assembly() {
		return ErrNotLister
	}
	if m.Phase != PhaseFunding && m.Phase != PhaseOpen || m.Entries > 0 {
		return ErrEntered
	}
	if m.Trial != 0 {
		return ErrOnTrial
	}

	s.refund(b.Mission, &m, a.Time, PhaseCancelled, a.House)
	s.Missions.Set(b.Mission, m)
	return nil
}

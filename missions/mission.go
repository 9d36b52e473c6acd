package missions

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// Phase is how far a mission is.
type Phase string

// The phases. Each but the last four ends by itself, at the mission's Due or, when refunding, once
// everybody has theirs.
const (
	PhaseFunding   Phase = "funding"   // takes pledges
	PhaseOpen      Phase = "open"      // takes submissions, by their hash
	PhaseRevealing Phase = "revealing" // of submissions; their contributors consent
	PhaseJudging   Phase = "judging"
	PhaseAppeal    Phase = "appeal"    // the award is known, and can still be appealed against
	PhaseAwarded   Phase = "awarded"   // the winner proves the next milestone
	PhaseProving   Phase = "proving"   // judges accept the proof, or not
	PhaseRefunding Phase = "refunding" // pledgers get back what is left, some in each commit
	PhaseDelivered Phase = "delivered" // the award was paid
	PhaseRefunded  Phase = "refunded"  // there was none
	PhaseCancelled Phase = "cancelled"
	PhaseStruck    Phase = "struck" // the members judged it to be spam
)

// Over tells whether nothing more can happen.
func (p Phase) Over() bool {
	return p == PhaseDelivered || p == PhaseRefunded || p == PhaseCancelled || p == PhaseStruck
}

// Mission is one of them.
type Mission struct {
	Listing Listing            `cbor:"listing"`
	By      identity.PublicKey `cbor:"by"`    // who listed it; the Assembly
	Event   event.ID           `cbor:"event"` // that did it; of the Assembly, the proposal
	Listed  event.Time         `cbor:"listed"`
	Phase   Phase              `cbor:"phase"`
	Due     event.Time         `cbor:"due"` // coop time at which the phase ends by itself; else 0

	Terms   Terms      `cbor:"terms"`   // when it was listed
	Deposit uint64     `cbor:"deposit"` // minor units in escrow, of who listed it
	Flagged uint64     `cbor:"flagged"` // by so many members
	Trial   event.Time `cbor:"trial"`   // coop time until which members say whether it is spam; else 0
	Cleared bool       `cbor:"cleared"` // they found that it is none

	Raised   uint64   `cbor:"raised"`   // minor units, of all pledges ever; the match is a pledge of the treasury
	Matched  uint64   `cbor:"matched"`  // of that
	Pledgers uint64   `cbor:"pledgers"` // the treasury included
	Roots    uint64   `cbor:"roots"`    // Σ floor(32·√pledge), without the treasury's
	Largest  []Backer `cbor:"largest"`  // up to BigFunder of them, the largest first

	Entries    uint64     `cbor:"entries"`    // submissions that were not withdrawn
	Candidates []event.ID `cbor:"candidates"` // the submissions that are judged, ascending
	Round      uint64     `cbor:"round"`      // of judging, from 1
	Judges     Judges     `cbor:"judges"`     // of this round
	Began      event.Time `cbor:"began"`      // of this round
	Appealed   uint64     `cbor:"appealed"`   // members who have appealed
	Again      bool       `cbor:"again"`      // it is judged on appeal, or was
	Verdict    Verdict    `cbor:"verdict"`    // of the last round that had ballots

	Progress Progress `cbor:"progress"`

	Paid    uint64       `cbor:"paid"`  // minor units, of prizes
	Asset   tokens.Asset `cbor:"asset"` // the achievement token, once there is one
	Then    Phase        `cbor:"then"`  // what follows refunding
	Payback Payback      `cbor:"payback"`
	Ended   event.Time   `cbor:"ended"`
}

// Backer is one of those who gave most.
type Backer struct {
	Member identity.PublicKey `cbor:"member" json:"member"`
	Amount uint64             `cbor:"amount" json:"amount"` // minor units
}

// Won are the submissions that get a prize, the best first.
func (m *Mission) Won() []event.ID {
	return m.Verdict.Order[:min(len(m.Verdict.Order), len(m.Listing.Prizes))]
}

// enter begins a phase, which lasts so long from now on. Members always have its whole time, also where
// coop time stood still for long.
func (s *State) enter(id event.ID, m *Mission, phase Phase, now, lasts event.Time) {
	s.leave(id, m)
	m.Phase, m.Due = phase, now+lasts
	s.Agenda.Set(Due{m.Due, id}, struct{}{})
}

// leave takes a mission off the agenda.
func (s *State) leave(id event.ID, m *Mission) {
	s.Agenda.Delete(Due{m.Due, id})
	m.Due = 0
}

// Next is the earliest coop time at which something happens by itself.
func (s *State) Next() (at event.Time, any bool) {
	if s.Paying.Len() > 0 || s.Scoring.Len() > 0 { // the rest is for the next commit
		return s.Time + 1, true
	}
	for due := range table.All(&s.Agenda) {
		at, any = due.At, true
		break
	}
	for trial := range table.All(&s.Trials) {
		if !any || trial.At < at {
			at, any = trial.At, true
		}
		break
	}
	return at, any
}

// Advance does what is due at coop time t. Phases end at their time, however many; refunds go on, if time
// does: so it makes no difference how many commits have one time.
func (s *State) Advance(t event.Time, house House) {
	later := t > s.Time
	s.Time = t
	s.endTrials(t, house)
	for {
		var first Due
		any := false
		for due := range table.All(&s.Agenda) {
			first, any = due, true
			break
		}
		if !any || first.At > t {
			break
		}
		m, _ := s.Missions.Get(first.Mission)
		s.end(first.Mission, &m, t, house)
		s.Missions.Set(first.Mission, m)
	}
	if later {
		s.payBack(t, house)
		s.scoreSome(t)
	}
}

// endTrials ends those whose time is over.
func (s *State) endTrials(t event.Time, house House) {
	for {
		var first Due
		for first = range table.All(&s.Trials) {
			break
		}
		if first.At == 0 || first.At > t {
			return
		}
		m, _ := s.Missions.Get(first.Mission)
		s.endTrial(first.Mission, &m, t, house)
		s.Missions.Set(first.Mission, m)
	}
}

// end ends the phase of a mission whose time is over, by its default. While the members are asked whether it
// is spam, the phase goes on.
func (s *State) end(id event.ID, m *Mission, t event.Time, house House) {
	if m.Trial != 0 {
		s.enter(id, m, m.Phase, t, m.Trial-t)
		return
	}
	switch m.Phase {
	case PhaseFunding:
		s.match(id, m, house.Ledger)
		reached := m.Raised >= max(m.Listing.Target, 1)
		s.settle(id, OnTarget, reached)
		if !reached {
			s.refund(id, m, t, PhaseRefunded, house)
			return
		}
		s.enter(id, m, PhaseOpen, t, m.Listing.Periods.Open)
	case PhaseOpen:
		if m.Entries == 0 {
			s.refund(id, m, t, PhaseRefunded, house)
			return
		}
		s.enter(id, m, PhaseRevealing, t, m.Listing.Periods.Reveal)
	case PhaseRevealing:
		if s.admit(id, m); len(m.Candidates) == 0 {
			s.refund(id, m, t, PhaseRefunded, house)
			return
		}
		s.judgeBy(m.Listing.Judges, id, m, t, house)
	case PhaseJudging:
		s.closeRound(id, m, t, house)
	case PhaseAppeal:
		s.award(id, m, t, house)
	case PhaseAwarded:
		s.refund(id, m, t, PhaseRefunded, house)
	case PhaseProving:
		s.endProof(id, m, t, house)
	}
}

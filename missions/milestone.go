package missions

import (
	"encoding/binary"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/text"
	"github.com/sustainy/coop/tokens"
)

// Milestone is a part of the work for which a part of the prize is paid, once its proof is accepted.
type Milestone struct {
	Name   string     `cbor:"name" json:"name"`
	Share  uint64     `cbor:"share" json:"share"`   // of the prize, in proportion to those of the others
	Within event.Time `cbor:"within" json:"within"` // of the award or the milestone before, in milliseconds
}

// checkMilestones expects that there is one prize to divide.
func (l *Listing) checkMilestones() error {
	if len(l.Milestones) == 0 {
		return nil
	}
	if len(l.Milestones) > MaxMilestones || len(l.Prizes) != 1 {
		return ErrMilestones
	}
	for _, x := range l.Milestones {
		if !text.Line(x.Name, MaxTitle) || x.Share < 1 || x.Share > MaxShare || x.Within < MinPeriod || x.Within > MaxPeriod {
			return ErrMilestones
		}
	}
	return nil
}

// Progress is how far a mission is with its milestones.
type Progress struct {
	Done  uint64             `cbor:"done"`  // milestones that were accepted
	Until event.Time         `cbor:"until"` // coop time up to which the next one can be proven
	Tries uint64             `cbor:"tries"` // proofs so far, of all milestones
	By    identity.PublicKey `cbor:"by"`    // of the last proof
	Text  string             `cbor:"text"`
	Files []File             `cbor:"files"`
}

// Prove is the body of mission.prove, by a contributor of the winning submission: the next milestone is
// reached.
type Prove struct {
	Mission event.ID `cbor:"mission" json:"mission"`
	Text    string   `cbor:"text" json:"text"`
	Files   []File   `cbor:"files" json:"files"`
}

// Accept is the body of mission.accept, by who could judge the mission: the proof is good, or it is not. The
// last word counts.
type Accept struct {
	Mission event.ID `cbor:"mission" json:"mission"`
	Accept  bool     `cbor:"accept" json:"accept"`
}

// begin waits for the proof of the next milestone.
func (s *State) begin(id event.ID, m *Mission, t event.Time) {
	within := m.Listing.Milestones[m.Progress.Done].Within
	m.Progress.Until = t + within
	s.enter(id, m, PhaseAwarded, t, within)
}

// Prove shows the proof of a milestone.
func (s *State) Prove(a Act, b Prove) error {
	if err := a.member(); err != nil {
		return err
	}
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	if m.Phase != PhaseAwarded {
		return ErrNotAwarded
	}
	x, _ := s.Submissions.Get(Entry{b.Mission, m.Won()[0]})
	if !slices.ContainsFunc(x.Consenting(), func(c Contributor) bool { return c.Member == a.By }) {
		return ErrNotWinner
	}
	if !text.Prose(b.Text, MaxText) {
		return ErrReason
	}
	if !filed(b.Files) {
		return ErrFiles
	}

	m.Progress.Tries++
	m.Progress.By, m.Progress.Text, m.Progress.Files = a.By, b.Text, b.Files
	s.enter(b.Mission, &m, PhaseProving, a.Time, m.Listing.Periods.Judging)
	s.Missions.Set(b.Mission, m)
	return nil
}

// Accept says whether a proof is good.
func (s *State) Accept(a Act, b Accept) error {
	if err := a.member(); err != nil {
		return err
	}
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	if m.Phase != PhaseProving {
		return ErrNotProving
	}
	if err := s.mayJudge(a, b.Mission, &m); err != nil {
		return err
	}

	s.Accepts.Set(Bench{b.Mission, m.Progress.Tries, a.By}, b.Accept)
	return nil
}

// endProof counts. A proof is accepted unless more reject it than accept it: silence must not keep anybody
// from being paid. A rejected one can be replaced while the milestone's time lasts.
func (s *State) endProof(id event.ID, m *Mission, t event.Time, house House) {
	yes, no := 0, 0
	for bench, accept := range table.From(&s.Accepts, Bench{Mission: id, Round: m.Progress.Tries}) {
		if bench.Mission != id || bench.Round != m.Progress.Tries {
			break
		}
		if accept {
			yes++
		} else {
			no++
		}
	}
	if no > yes {
		if m.Progress.Until <= t {
			s.refund(id, m, t, PhaseRefunded, house)
			return
		}
		s.enter(id, m, PhaseAwarded, t, m.Progress.Until-t)
		return
	}
	weights := make([]uint64, len(m.Listing.Milestones))
	for i, x := range m.Listing.Milestones {
		weights[i] = x.Share
	}
	parts := share(m.Raised, weights, func(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) })
	s.payPrize(id, m, m.Won()[0], parts[m.Progress.Done], house.Ledger)
	if m.Progress.Done++; m.Progress.Done < uint64(len(parts)) {
		s.begin(id, m, t)
		return
	}
	s.create(id, m, t, house)
	s.refund(id, m, t, PhaseDelivered, house)
}

// payPrize pays a prize, or a part of it, to the contributors of a submission.
func (s *State) payPrize(id event.ID, m *Mission, entry event.ID, prize uint64, l *tokens.State) {
	x, _ := s.Submissions.Get(Entry{id, entry})
	contributors := x.Consenting()
	for i, amount := range share(prize, shares(contributors), ticket(entry, contributors)) {
		l.Move(tokens.Currency, tokens.Escrow(id), tokens.Member(contributors[i].Member), amount, event.ID{})
	}
	m.Paid += prize
}

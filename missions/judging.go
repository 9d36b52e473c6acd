package missions

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tally"
	"github.com/sustainy/coop/text"
)

// NoAward is the candidate whose prizes go back to the pledgers.
var NoAward event.ID

// Judge is the body of mission.judge. The last ballot of each judge in a round counts.
type Judge struct {
	Mission event.ID     `cbor:"mission" json:"mission"`
	Approve []event.ID   `cbor:"approve" json:"approve"` // submissions and NoAward, in no order
	Rank    [][]event.ID `cbor:"rank" json:"rank"`       // the same, the best first; those on one place are equal
	Reason  string       `cbor:"reason" json:"reason"`
}

// Ballot is one judge's word.
type Ballot struct {
	Approve []event.ID   `cbor:"approve"`
	Rank    [][]event.ID `cbor:"rank"`
	Reason  string       `cbor:"reason"`
	At      event.Time   `cbor:"at"`
	Event   event.ID     `cbor:"event"`
}

// Verdict is what a round of judging came to.
type Verdict struct {
	Round   uint64     `cbor:"round"`
	Judges  Judges     `cbor:"judges"`
	Ballots uint64     `cbor:"ballots"`
	Order   []event.ID `cbor:"order"`  // the submissions before "no award", the best first
	Votes   []uint64   `cbor:"votes"`  // that approve no award, and then each candidate; of a ranking, that prefer each to no award
	Closed  event.Time `cbor:"closed"` // when
}

// Appeal is the body of mission.appeal.
type Appeal struct {
	Mission event.ID `cbor:"mission" json:"mission"`
	Reason  string   `cbor:"reason" json:"reason"`
}

// Appealed is one member's appeal.
type Appealed struct {
	Reason string     `cbor:"reason"`
	At     event.Time `cbor:"at"`
	Event  event.ID   `cbor:"event"`
}

// Panel names the jury of a round, under Mission.Event.
func (m *Mission) Panel(round uint64) string {
	return m.Panels() + fmt.Sprint(round)
}

// Panels is what the names of all juries of the mission begin with.
func (m *Mission) Panels() string { return fmt.Sprintf("mission %d round ", m.Listing.Number) }

// judgeBy begins a round of judging. Where no jury can be drawn, the members judge.
func (s *State) judgeBy(judges Judges, id event.ID, m *Mission, t event.Time, house House) {
	m.Round++
	m.Judges, m.Began = judges, t
	if judges == ByJury && house.Juries.Empanel(m.Event, m.Panel(m.Round), m.Listing.Seats, s.parties(id, m)) != nil {
		m.Judges = ByMembers
	}
	s.enter(id, m, PhaseJudging, t, m.Listing.Periods.Judging)
}

// parties are, ascending, those who can't be on a jury: entrants, who listed the mission, who gave much, and
// whose standing is below 0.
func (s *State) parties(id event.ID, m *Mission) (all []identity.PublicKey) {
	for seat := range table.From(&s.Entrants, Seat{Mission: id}) {
		if seat.Mission != id {
			break
		}
		all = append(all, seat.Member)
	}
	for _, b := range m.Largest {
		if b.Amount > m.Raised/BigFunder {
			all = append(all, b.Member)
		}
	}
	if m.By != identity.Assembly {
		all = append(all, m.By)
	}
	all = append(all, s.distrusted(s.Time)...)
	slices.SortFunc(all, identity.PublicKey.Compare)
	return slices.Compact(all)
}

// Judge casts a ballot.
func (s *State) Judge(a Act, b Judge) error {
	if err := a.member(); err != nil {
		return err
	}
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	if m.Phase != PhaseJudging {
		return ErrNotJudging
	}
	if err := s.mayJudge(a, b.Mission, &m); err != nil {
		return err
	}
	if !m.countable(&b) {
		return ErrBallot
	}
	if !text.Prose(b.Reason, MaxReason) {
		return ErrReason
	}

	s.Ballots.Set(Bench{b.Mission, m.Round, a.By}, Ballot{Approve: b.Approve, Rank: b.Rank, Reason: b.Reason, At: a.Time, Event: a.ID})
	return nil
}

// mayJudge tells why somebody can't.
func (s *State) mayJudge(a Act, id event.ID, m *Mission) error {
	if s.Entrants.Has(Seat{id, a.By}) {
		return ErrConflict
	}
	switch {
	case m.Judges == ByBackers && !s.Pledges.Has(Seat{id, a.By}):
		return ErrNotBacker
	case m.Judges == ByMembers && !a.People.Voter(a.By, m.Began):
		return ErrNoVote
	case m.Judges == ByJury && !a.Juries.Juror(m.Event, m.Panel(m.Round), a.By):
		return ErrNotJuror
	}
	return nil
}

// Candidate tells whether a submission is, or was, judged.
func (m *Mission) Candidate(id event.ID) bool { return id != NoAward && m.option(id) > 0 }

// option is a candidate's number in the count: 0 is no award; below 0 there is none.
func (m *Mission) option(id event.ID) int {
	if id == NoAward {
		return 0
	}
	i, found := slices.BinarySearchFunc(m.Candidates, id, event.ID.Compare)
	if !found {
		return -1
	}
	return i + 1
}

func (m *Mission) options(ids []event.ID) []int {
	list := make([]int, len(ids))
	for i, id := range ids {
		list[i] = m.option(id)
	}
	return list
}

func (m *Mission) approval(ids []event.ID) tally.Approval {
	return tally.Approval{Weight: 1, Options: m.options(ids)}
}

func (m *Mission) ranking(places [][]event.ID) tally.Ranking {
	r := tally.Ranking{Weight: 1}
	for _, place := range places {
		r.Places = append(r.Places, m.options(place))
	}
	return r
}

// countable tells whether a ballot is one for this mission's method and candidates.
func (m *Mission) countable(b *Judge) bool {
	n := len(m.Candidates) + 1
	if m.Listing.Method == Approve {
		return len(b.Rank) == 0 && m.approval(b.Approve).Check(n) == nil
	}
	return len(b.Approve) == 0 && m.ranking(b.Rank).Check(n) == nil
}

// on yields the ballots of the present round.
func (s *State) on(id event.ID, m *Mission) iter.Seq[Ballot] {
	return func(yield func(Ballot) bool) {
		for bench, b := range table.From(&s.Ballots, Bench{Mission: id, Round: m.Round}) {
			if bench.Mission != id || bench.Round != m.Round || !yield(b) {
				return
			}
		}
	}
}

// lot orders equals. No award is before all of them; the others stand by SHA-256 of "coop/lot/1", a zero
// byte, the ids of all ballots and the submission's id, which nobody knows before the last ballot.
func (s *State) lot(id event.ID, m *Mission) tally.Lot {
	h := sha256.New()
	h.Write([]byte("coop/lot/1\x00"))
	for b := range s.on(id, m) {
		h.Write(b.Event[:])
	}
	seed := h.Sum(nil)
	order := make([]int, len(m.Candidates))
	for i := range order {
		order[i] = i
	}
	ticket := func(i int) []byte {
		hash := sha256.Sum256(append(slices.Clone(seed), m.Candidates[i][:]...))
		return hash[:]
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(ticket(a), ticket(b)) })
	lot := make(tally.Lot, len(order)+1)
	for place, i := range order {
		lot[i+1] = place + 1
	}
	return lot
}

// count counts the present round.
func (s *State) count(id event.ID, m *Mission) Verdict {
	v := Verdict{Round: m.Round, Judges: m.Judges}
	n, lot := len(m.Candidates)+1, s.lot(id, m)
	var order []int
	if m.Listing.Method == Approve {
		r := tally.CountApproval(n, func(yield func(tally.Approval) bool) {
			for b := range s.on(id, m) {
				if !yield(m.approval(b.Approve)) {
					return
				}
			}
		}, lot)
		order, v.Ballots, v.Votes = r.Order, r.Ballots, r.Votes
	} else {
		r := tally.CountSchulze(n, func(yield func(tally.Ranking) bool) {
			for b := range s.on(id, m) {
				v.Ballots++
				if !yield(m.ranking(b.Rank)) {
					return
				}
			}
		}, lot)
		order = r.Order
		for i := range n {
			v.Votes = append(v.Votes, r.Pairs[i][0])
		}
	}
	for _, i := range order {
		if i == 0 {
			break
		}
		v.Order = append(v.Order, m.Candidates[i-1])
	}
	return v
}

// closeRound ends a round of judging. Judges who all stay silent lose the judgement to the members; if these
// do too, there is no award. On appeal, silence upholds the verdict.
func (s *State) closeRound(id event.ID, m *Mission, t event.Time, house House) {
	v := s.count(id, m)
	v.Closed = t
	s.served(id, m, t)
	switch {
	case v.Ballots == 0 && m.Judges != ByMembers:
		s.judgeBy(ByMembers, id, m, t, house)
		return
	case v.Ballots > 0 || m.Verdict.Ballots == 0:
		m.Verdict = v
	}
	if m.Listing.Appeals > 0 && !m.Again && v.Ballots > 0 {
		s.enter(id, m, PhaseAppeal, t, m.Listing.Periods.Appeal)
		return
	}
	s.award(id, m, t, house)
}

// Appeal asks for another round of judging: by a jury if the listing has seats for one, else by the members.
// It is the last.
func (s *State) Appeal(a Act, b Appeal) error {
	if err := a.member(); err != nil {
		return err
	}
	m, ok := s.Missions.Get(b.Mission)
	if !ok {
		return ErrMission
	}
	if m.Phase != PhaseAppeal {
		return ErrNotAppeal
	}
	seat := Seat{b.Mission, a.By}
	if !s.Pledges.Has(seat) && !s.Entrants.Has(seat) && !a.People.Voter(a.By, m.Began) {
		return ErrNoStake
	}
	if s.Appeals.Has(seat) {
		return ErrAppealed
	}
	if !text.Prose(b.Reason, MaxReason) {
		return ErrReason
	}

	s.Appeals.Set(seat, Appealed{Reason: b.Reason, At: a.Time, Event: a.ID})
	m.Appealed++
	if m.Appealed >= m.Listing.Appeals {
		m.Again = true
		judges := ByMembers
		if m.Listing.Seats > 0 {
			judges = ByJury
		}
		s.judgeBy(judges, b.Mission, &m, a.Time, a.House)
	}
	s.Missions.Set(b.Mission, m)
	return nil
}

package governance

import (
	"cmp"
	"errors"
	"slices"

	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/program"
	"github.com/sustainy/coop/table"
)

// Frozen is what the state still needs of the members as they once were: who may vote on the proposals under
// way, and who could be drawn for juries. It is written as what differs from the members of now, which is
// little, because whole rolls would be as many copies of the members as there are votes.
//
// What explains counts that are over (a proposal's Mandates, and its Roll once it has ended) changes nothing
// any more and is not in it: it follows from the history alone.
type Frozen struct {
	Rolls table.Table[Seat, Voter] // of proposals under way
	Pools table.Table[Place, bool] // of juries that have not ended: whether somebody is in it
}

// Voter is a place on a roll, as far as it can matter.
type Voter struct {
	Votes   bool     `cbor:"votes"`
	Classes []string `cbor:"classes"`
	Silent  bool     `cbor:"silent"`
}

// Place is somebody's place in the pool of a jury.
type Place struct {
	Panel  Panel              `cbor:"panel"`
	Member identity.PublicKey `cbor:"member"`
}

// Compare orders by jury, then by member.
func (p Place) Compare(other Place) int {
	return cmp.Or(p.Panel.Compare(other.Panel), p.Member.Compare(other.Member))
}

// ErrFrozen refuses a state whose rolls, pools and programs are not those that it names.
var ErrFrozen = errors.New("a roll, a jury's pool or a program of the state is not the one that its hash names")

// Tables lists both, as State.Tables does.
func (f *Frozen) Tables() []table.Named {
	return []table.Named{{Name: "hall.rolls", Rows: table.RowsOf(&f.Rolls)}, {Name: "hall.pools", Rows: table.RowsOf(&f.Pools)}}
}

// Frozen works out what differs.
func (s *State) Frozen() (f Frozen) {
	for due := range table.All(&s.Agenda) {
		p, _ := s.Proposals.Get(due.Proposal)
		for key := range table.Differences(&p.Roll, &s.Members) {
			then := p.voter(key, &p.Roll)
			now := p.voter(key, &s.Members)
			if then.Votes != now.Votes || then.Silent != now.Silent || !slices.Equal(then.Classes, now.Classes) {
				f.Rolls.Set(Seat{due.Proposal, key}, then)
			}
		}
	}
	for panel, j := range table.All(&s.Juries) {
		if j.Ended != 0 {
			continue
		}
		away := conflicts(&j)
		look := func(key identity.PublicKey) {
			then, _ := j.Members.Get(key)
			now, _ := s.Members.Get(key)
			if was := j.eligible(then) && !within(away, key); was != (j.eligible(now) && !within(j.Terms.Parties, key)) {
				f.Pools.Set(Place{panel, key}, was)
			}
		}
		for key := range table.Differences(&j.Members, &s.Members) {
			look(key)
		}
		for _, key := range away {
			look(key)
		}
	}
	return f
}

func within(keys []identity.PublicKey, key identity.PublicKey) bool {
	_, is := slices.BinarySearchFunc(keys, key, identity.PublicKey.Compare)
	return is
}

// voter is the place on p's roll that a member has if these are the members.
func (p *Proposal) voter(key identity.PublicKey, members *table.Table[identity.PublicKey, Member]) Voter {
	m, ok := members.Get(key)
	if !ok || !p.onRoll(m) {
		return Voter{}
	}
	return Voter{true, m.Classes, p.silent(key, m)}
}

// Thaw completes a state whose tables were read, so that it goes on as the state did that was written. It
// fails with ErrFrozen if f is not of that state.
func (s *State) Thaw(f *Frozen) error {
	for due := range table.All(&s.Agenda) {
		p, known := s.Proposals.Get(due.Proposal)
		if !known {
			return ErrFrozen
		}
		p.Roll = s.Members.Copy()
		for key, v := range seatsOf(&f.Rolls, due.Proposal) {
			if !v.Votes {
				p.Roll.Delete(key)
				continue
			}
			m := Member{Status: StatusMember, Classes: v.Classes}
			if !v.Silent {
				m.Heard = p.Opened
			}
			p.Roll.Set(key, m)
		}
		if _, _, hash := p.roll(); hash != p.RollHash {
			return ErrFrozen
		}
		s.Proposals.Set(due.Proposal, p)
	}
	juries, programs := s.Juries.Copy(), s.Programs.Copy()
	for panel, j := range table.All(&juries) {
		if j.Ended != 0 {
			continue
		}
		if err := j.fill(panel, s, f); err != nil {
			return err
		}
		s.Juries.Set(panel, j)
	}
	for id, p := range table.All(&programs) {
		checked, err := program.Check(p.Source)
		if err != nil {
			return ErrFrozen
		}
		if p.Withdrawn == 0 {
			p.Checked = checked
			s.Programs.Set(id, p)
		}
	}
	return nil
}

// fill gives a jury its pool again: members who are in it, and nobody's delegations.
func (j *Jury) fill(panel Panel, s *State, f *Frozen) error {
	j.Members = s.Members.Copy()
	for place, in := range while(&f.Pools, Place{Panel: panel}, func(p Place) bool { return p.Panel == panel }) {
		if in {
			j.Members.Set(place.Member, Member{Status: StatusMember, Classes: j.Terms.Classes})
		} else {
			j.Members.Delete(place.Member)
		}
	}
	called := *j
	called.Declined = nil
	if poolHash(called.draw(panel).Candidates) != j.PoolHash {
		return ErrFrozen
	}
	return nil
}

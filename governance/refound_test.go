package governance

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

var lastCheckpoint = [32]byte{4}

// refounding is one of a town of n by its first members, who are signers; round keys are those of 500 on.
func refounding(s *State, stewards, signers int, at event.Time) Refounding {
	t := RefoundingText{Coop: s.Coop, Epoch: s.Term.Number + 1, Checkpoint: lastCheckpoint, Reason: "The building with the servers burnt down."}
	for i := range stewards {
		key, member := person(500+i), person(i+1).Public()
		t.Stewards = append(t.Stewards, RefoundingChair{member, key.Public(), ReadyProof(key, s.Coop, member, t.Epoch)})
	}
	r := Refounding{Text: t}
	for i := range signers {
		r.Assents = append(r.Assents, t.Assent(person(i), person(i).Public(), at))
	}
	slices.SortFunc(r.Assents, func(a, b Assent) int { return a.Member.Compare(b.Member) })
	return r
}

// TestRefounding: two thirds of the members, two weeks after the last checkpoint, and not one less.
func TestRefounding(t *testing.T) {
	for members, needed := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 6: 4, 7: 5} {
		s := town(t, members+1, nil)
		m, _ := s.Members.Get(person(members).Public()) // one who left counts for nothing
		m.Status = StatusLeft
		s.Members.Set(person(members).Public(), m)
		s.Time = 1_000_000
		for signers := range members + 1 {
			r := refounding(&s, max(0, members-1), signers, s.Time+14*day)
			if members == 1 {
				key := person(500)
				r.Text.Stewards = []RefoundingChair{{person(0).Public(), key.Public(), ReadyProof(key, s.Coop, person(0).Public(), 1)}}
				for i := range r.Assents {
					r.Assents[i] = r.Text.Assent(person(0), person(0).Public(), s.Time+14*day)
				}
			}
			want := error(nil)
			if signers < needed {
				want = ErrRefoundFew
			}
			if err := s.CheckRefounding(&r, lastCheckpoint); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%d of %d: %v", signers, members, err)
			}
		}
	}
}

// TestRefoundingRefused changes one thing at a time.
func TestRefoundingRefused(t *testing.T) {
	s := town(t, 4, nil)
	s.Time = 1_000_000
	late := s.Time + 14*day
	spare := person(60)
	s.Devices.Set(spare.Public(), Device{Member: person(3).Public(), Suspended: true})
	again := func(r *Refounding) { // signed anew, after the text has changed
		for i := range r.Assents {
			for n := range 4 {
				if person(n).Public() == r.Assents[i].Member {
					r.Assents[i] = r.Text.Assent(person(n), person(n).Public(), late)
				}
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*Refounding)
		want   error
	}{
		"nothing":               {func(*Refounding) {}, nil},
		"another cooperative":   {func(r *Refounding) { r.Text.Coop = event.ID{7}; again(r) }, ErrRefoundBase},
		"another checkpoint":    {func(r *Refounding) { r.Text.Checkpoint = [32]byte{7}; again(r) }, ErrRefoundBase},
		"another epoch":         {func(r *Refounding) { r.Text.Epoch++; again(r) }, ErrRefoundBase},
		"no steward":            {func(r *Refounding) { r.Text.Stewards = nil; again(r) }, ErrRefoundStewards},
		"a steward twice":       {func(r *Refounding) { r.Text.Stewards = append(r.Text.Stewards, r.Text.Stewards[0]); again(r) }, ErrRefoundStewards},
		"a proof for another":   {func(r *Refounding) { r.Text.Stewards[0].Member = person(0).Public(); again(r) }, ErrRefoundStewards},
		"a stranger":            {func(r *Refounding) { r.Text.Stewards[0] = chair(&s, 99, 500); again(r) }, ErrRefoundStewards},
		"a key in use":          {func(r *Refounding) { r.Text.Stewards[0] = chair(&s, 1, 0); again(r) }, ErrRefoundStewards},
		"a device's key":        {func(r *Refounding) { r.Text.Stewards[0] = chair(&s, 1, 60); again(r) }, ErrRefoundStewards},
		"no reason":             {func(r *Refounding) { r.Text.Reason = ""; again(r) }, ErrRefoundReason},
		"another text":          {func(r *Refounding) { r.Text.Reason += "!" }, ErrAssents},
		"one assent twice":      {func(r *Refounding) { r.Assents[1] = r.Assents[0] }, ErrAssents},
		"unsorted":              {func(r *Refounding) { slices.Reverse(r.Assents) }, ErrAssents},
		"another's device":      {func(r *Refounding) { r.Assents[0].Device = r.Assents[1].Device }, ErrAssents},
		"a suspended device":    {func(r *Refounding) { replaceAssent(r, 3, r.Text.Assent(spare, person(3).Public(), late)) }, ErrAssents},
		"a stranger assents":    {func(r *Refounding) { r.Assents[0] = r.Text.Assent(person(99), person(99).Public(), late) }, ErrAssents},
		"another time than was": {func(r *Refounding) { r.Assents[2].At++ }, ErrAssents},
		"too early":             {func(r *Refounding) { replaceAssent(r, 2, r.Text.Assent(person(2), person(2).Public(), late-1)) }, ErrRefoundEarly},
		"too few":               {func(r *Refounding) { r.Assents = r.Assents[:2] }, ErrRefoundFew},
	} {
		r := refounding(&s, 3, 4, late)
		c.change(&r)
		if err := s.CheckRefounding(&r, lastCheckpoint); err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func chair(s *State, member, key int) RefoundingChair {
	k, m := person(key), person(member).Public()
	return RefoundingChair{m, k.Public(), ReadyProof(k, s.Coop, m, s.Term.Number+1)}
}

func replaceAssent(r *Refounding, n int, a Assent) {
	for i := range r.Assents {
		if r.Assents[i].Member == person(n).Public() {
			r.Assents[i] = a
		}
	}
}

// TestRefound: the epoch follows, an election is due, and a re-founding by the charter's own rule holds.
func TestRefound(t *testing.T) {
	s := town(t, 4, func(c *Charter) { c.Office.Recovery, c.Office.Silence = Ratio{1, 1}, 2*day })
	s.Time = 1_000_000
	s.Term.Standby = []identity.PublicKey{person(2).Public(), person(3).Public()}
	r := refounding(&s, 2, 4, s.Time+2*day)
	if err := s.CheckRefounding(&r, lastCheckpoint); err != nil {
		t.Fatal(err)
	}
	fewer := refounding(&s, 2, 3, s.Time+2*day)
	if err := s.CheckRefounding(&fewer, lastCheckpoint); err != ErrRefoundFew {
		t.Errorf("three of four: %v", err)
	}
	before := s.Copy()
	s.Refound(&r)
	if broken := s.Invariants(); broken != nil {
		t.Error(broken)
	}
	if s.Term.Number != 1 || len(s.Term.Stewards) != 2 || !s.Overdue() || !slices.Equal(s.Term.Standby, []identity.PublicKey{person(3).Public()}) {
		t.Errorf("%+v", s.Term)
	}
	if err := s.CheckRefounding(&r, lastCheckpoint); err != ErrRefoundBase {
		t.Errorf("a second time: %v", err)
	}
	if before.RoundKeys.Len() != 1 || before.Term.Number != 0 {
		t.Error("a snapshot has changed")
	}
	b, err := event.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	var back Refounding
	if err := event.Unmarshal(b, &back); err != nil || back.Text.Digest() != r.Text.Digest() {
		t.Errorf("there and back: %v", err)
	}
	again, _ := event.Marshal(&back)
	if !bytes.Equal(again, b) {
		t.Error("there and back it is spelled otherwise")
	}
}

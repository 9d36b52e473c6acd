package governance

import (
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// appointed is a town of which member 0 is the steward, where others were elected, some on standby.
func appointed(t *testing.T, stewards, standby []int) State {
	t.Helper()
	s := town(t, 9, func(c *Charter) { c.Office.Patience = 3 * day })
	s.Time = 1_000_000
	var b StewardAppoint
	for _, i := range slices.Concat(stewards, standby) {
		if err := s.Stand(signedBy(i), StewardStand{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range stewards {
		b.Stewards = append(b.Stewards, person(i).Public())
	}
	for _, i := range standby {
		b.Standby = append(b.Standby, person(i).Public())
	}
	if err := s.Appoint(fold.Env{Key: identity.Assembly, ID: event.ID{5}}, b); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *State) announce(t *testing.T, i int) {
	t.Helper()
	key := person(500 + i)
	ready := StewardReady{Epoch: s.Term.Number + 1, Key: key.Public(), Proof: ReadyProof(key, s.Coop, person(i).Public(), s.Term.Number+1)}
	if err := s.Ready(signedBy(i), ready); err != nil {
		t.Fatal(err)
	}
}

// passes moves coop time to when the hand-over stops to wait, and ends a commit a moment before and then.
func (s *State) passes(t *testing.T) {
	t.Helper()
	at := s.Lapses()
	if due, any := s.Next(); !any || due != at {
		t.Errorf("due at %s, and it lapses at %s", due, at)
	}
	before := s.Copy()
	s.Time = at - 1
	s.MoveOn()
	if s.Term.Number != before.Term.Number || !slices.Equal(s.Pending.Stewards, before.Pending.Stewards) {
		t.Error("it lapses too early")
	}
	s.Time = at
	s.MoveOn()
	for _, err := range s.Invariants() {
		t.Error(err)
	}
	if due, any := s.Next(); any && due <= s.Time {
		t.Errorf("something is still due at %s, and it is %s", due, s.Time)
	}
}

func (s *State) sits(t *testing.T, epoch uint64, members ...int) {
	t.Helper()
	var want []identity.PublicKey
	for _, i := range members {
		want = append(want, person(i).Public())
	}
	if got := s.seated(); s.Term.Number != epoch || !slices.Equal(got, want) {
		t.Errorf("epoch %d with %d stewards, want %d with members %v", s.Term.Number, len(got), epoch, members)
	}
}

// TestLapse: who makes nothing ready is waited for three days after the notice, and not for ever.
func TestLapse(t *testing.T) {
	t.Run("nobody stands by", func(t *testing.T) {
		s := appointed(t, []int{1, 2, 3, 4}, nil)
		s.announce(t, 1)
		s.announce(t, 2)
		s.passes(t)
		s.sits(t, 0, 0)
		if len(s.Pending.Stewards) != 0 || !s.Overdue() {
			t.Errorf("an election should be due: %+v", s.Pending)
		}
	})
	t.Run("those on standby come in, one after the other", func(t *testing.T) {
		s := appointed(t, []int{1, 2, 3, 4}, []int{5, 6, 7})
		s.announce(t, 1)
		s.announce(t, 2)
		s.passes(t) // 5 and 6 for 3 and 4
		s.sits(t, 0, 0)
		if h := &s.Pending; !slices.Equal(h.Stewards, []identity.PublicKey{person(1).Public(), person(2).Public(), person(5).Public(), person(6).Public()}) || len(h.Standby) != 1 {
			t.Fatalf("%+v", h)
		}
		s.passes(t) // 7 for 5
		s.announce(t, 7)
		s.MoveOn()
		s.sits(t, 1, 1, 2, 7, 6)
	})
	t.Run("who serves already is ready", func(t *testing.T) {
		s := appointed(t, []int{0, 1, 2, 3}, []int{5})
		s.announce(t, 1)
		s.announce(t, 2)
		s.passes(t)
		s.sits(t, 1, 0, 1, 2, 3)
	})
	t.Run("who had to go still goes", func(t *testing.T) {
		s := appointed(t, []int{1, 2, 3, 4}, nil)
		s.announce(t, 1)
		s.announce(t, 2)
		s.announce(t, 3)
		s.Time = s.Pending.Notice
		s.MoveOn()
		s.sits(t, 1, 1, 2, 3, 4)
		if err := s.Appoint(fold.Env{Key: identity.Assembly, ID: event.ID{6}}, StewardAppoint{Stewards: []identity.PublicKey{person(4).Public()}}); err != nil {
			t.Fatal(err)
		}
		key := s.Term.Stewards[0].Key
		r, _ := s.RoundKeys.Get(key)
		r.Forked = true
		s.RoundKeys.Set(key, r)
		s.Pending.Stewards = []identity.PublicKey{person(8).Public()} // who makes nothing ready
		s.passes(t)
		if s.Term.Number != 1 || slices.Contains(s.Pending.Stewards, person(1).Public()) || len(s.Pending.Stewards) != 3 {
			t.Fatalf("%+v", s.Pending)
		}
		s.passes(t) // nobody announces anything, and those who serve go on without that one
		s.sits(t, 2, 2, 3, 4)
	})
	t.Run("another timing comes all the same", func(t *testing.T) {
		s := appointed(t, []int{1}, nil)
		p := s.Params
		p.Delta0++
		if err := s.AmendParams(fold.Env{Key: identity.Assembly, ID: event.ID{6}}, ParamsAmend{p}); err != nil {
			t.Fatal(err)
		}
		s.passes(t)
		s.sits(t, 1, 0)
		if s.Params != p {
			t.Error("the timing is lost")
		}
	})
}

// TestLapseAndWhatComesAfter: who is elected after a hand-over has lapsed once must announce a key like everybody;
// and where the only steward's key is spoilt nobody is handed over to, while another timing still waits.
func TestLapseAndWhatComesAfter(t *testing.T) {
	t.Run("a new election", func(t *testing.T) {
		s := appointed(t, []int{1, 2, 3, 4}, []int{5, 6, 7, 8})
		s.passes(t) // 5 to 8 come in
		if !s.Pending.Seated {
			t.Fatal("this is another case")
		}
		if err := s.Appoint(fold.Env{Key: identity.Assembly, ID: event.ID{6}}, StewardAppoint{Stewards: []identity.PublicKey{person(0).Public(), person(8).Public()}}); err != nil {
			t.Fatal(err)
		}
		s.announce(t, 8)
		s.Time = s.Pending.Notice
		s.MoveOn()
		s.sits(t, 0, 0) // who has announced nothing
		s.announce(t, 0)
		s.MoveOn()
		s.sits(t, 1, 0, 8)
	})
	t.Run("nobody is able", func(t *testing.T) {
		s := town(t, 9, func(c *Charter) { c.Office.Patience = 3 * day })
		s.Time = 1_000_000
		p := s.Params
		p.Delta0++
		if err := s.AmendParams(fold.Env{Key: identity.Assembly, ID: event.ID{6}}, ParamsAmend{p}); err != nil {
			t.Fatal(err)
		}
		key := s.Term.Stewards[0].Key
		r, _ := s.RoundKeys.Get(key)
		r.Forked = true
		s.RoundKeys.Set(key, r)
		s.passes(t)
		s.sits(t, 0, 0)
		if h := &s.Pending; len(h.Stewards) != 1 || h.Params != p || !s.Overdue() {
			t.Errorf("%+v", h)
		}
	})
}

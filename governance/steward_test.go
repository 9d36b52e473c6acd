package governance

import (
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// TestStrangersAsStewards: a founding can name stewards who are no members. They stay through changes that
// are not about them, and sign with the key by which they are known.
func TestStrangersAsStewards(t *testing.T) {
	s := town(t, 2, nil)
	s.Term.Stewards = append(s.Term.Stewards, Steward{person(40).Public(), person(40).Public()})
	s.RoundKeys.Set(person(40).Public(), RoundKey{Member: person(40).Public()})
	p := DefaultParams()
	p.Delta0 = 77
	if err := s.AmendParams(fold.Env{Key: identity.Assembly}, ParamsAmend{p}); err != nil {
		t.Fatal(err)
	}
	s.Time += 2 * day
	for i, n := range []int{0, 1} {
		key, member := person(500+n), person(n).Public()
		err := s.Ready(signedBy(n), StewardReady{Epoch: 1, Key: key.Public(), Proof: ReadyProof(key, s.Coop, member, 1)})
		if want := []error{nil, ErrNotIncoming}[i]; err != want {
			t.Fatalf("member %d: %v, want %v", n, err, want)
		}
	}
	s.MoveOn()
	if s.Term.Number != 0 {
		t.Fatal("one of two is no quorum")
	}
	s.Devices.Set(person(41).Public(), Device{Member: person(0).Public()})
	s.Announced.Set(person(40).Public(), Announcement{Epoch: 1, Key: person(540).Public()})
	s.RoundKeys.Set(person(540).Public(), RoundKey{Member: person(40).Public(), Epoch: 1})
	s.MoveOn()
	if s.Term.Number != 1 || s.Params.Delta0 != 77 || !slices.Equal(s.Term.Keys(), []identity.PublicKey{person(500).Public(), person(540).Public()}) {
		t.Errorf("%+v", s.Term)
	}
	if broken := s.Invariants(); len(broken) != 1 { // device 41 is not counted among its member's
		t.Error(broken)
	}
}

// TestKeysOfTheLate: who announces nothing signs with the present key, or with a device that may speak
// and that no fork has spoilt.
func TestKeysOfTheLate(t *testing.T) {
	s := town(t, 6, nil)
	key := func(n int) identity.PublicKey { return person(n).Public() }
	s.Devices.Set(key(61), Device{Member: key(1)})
	s.Devices.Set(key(62), Device{Member: key(2)})
	s.Devices.Set(key(63), Device{Member: key(3)})
	for n := range 4 {
		env := signedBy(n)
		if n == 1 {
			env = signedBy(61)
		}
		if err := s.Stand(env, StewardStand{}); err != nil {
			t.Fatal(err)
		}
	}
	d, _ := s.Devices.Get(key(2))
	d.Suspended = true
	s.Devices.Set(key(2), d)
	s.RoundKeys.Set(key(3), RoundKey{Member: key(3), Forked: true})
	for member, want := range map[int]int{0: 0, 1: 61, 2: 62, 3: 63, 4: 4} {
		if got := s.roundKey(key(member)); got != key(want) {
			t.Errorf("member %d signs with %s", member, got)
		}
	}
	s.RoundKeys.Set(key(63), RoundKey{Member: key(3), Forked: true})
	if s.eligible(key(3)) {
		t.Error("somebody could be steward who has no key that is not spoilt")
	}
}

// TestNotice: the hand-over waits for the later of two notices, and wakes the stewards when it can happen.
func TestNotice(t *testing.T) {
	s := town(t, 3, nil)
	if err := s.Stand(signedBy(1), StewardStand{}); err != nil {
		t.Fatal(err)
	}
	act := fold.Env{Key: identity.Assembly, ID: event.ID{5}}
	if err := s.Appoint(act, StewardAppoint{Stewards: []identity.PublicKey{person(1).Public()}}); err != nil {
		t.Fatal(err)
	}
	decided := s.Time
	s.Time += hour
	if err := s.AmendParams(act, ParamsAmend{DefaultParams()}); err != nil {
		t.Fatal(err)
	}
	if at, any := s.Next(); !any || at != decided+hour+day+14*day {
		t.Errorf("nobody is ready, and it is due at %s", at)
	}
	key := person(501)
	if err := s.Ready(signedBy(1), StewardReady{Epoch: 1, Key: key.Public(), Proof: ReadyProof(key, s.Coop, person(1).Public(), 1)}); err != nil {
		t.Fatal(err)
	}
	at, any := s.Next()
	if want := decided + hour + day; !any || at != want {
		t.Fatalf("due at %s, want %s", at, want)
	}
	s.Time = at - 1
	s.MoveOn()
	if s.Term.Number != 0 {
		t.Error("the hand-over is early")
	}
	s.Time = at
	s.MoveOn()
	if s.Term.Number != 1 || s.Term.Since != at || s.Term.Ends != at+366*day || s.Term.By != act.ID {
		t.Errorf("%+v", s.Term)
	}
	if _, any := s.Next(); any {
		t.Error("something is due after the hand-over")
	}
}

// TestStandbyResigns: who does not stand by any more comes in for nobody.
func TestStandbyResigns(t *testing.T) {
	s := town(t, 3, nil)
	s.Term.Standby = []identity.PublicKey{person(1).Public(), person(2).Public()}
	before := s.Copy()
	if err := s.Resign(signedBy(1), StewardResign{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Resign(signedBy(0), StewardResign{}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Pending.Stewards, []identity.PublicKey{person(2).Public()}) || len(s.Pending.Standby) != 0 || len(s.Term.Standby) != 1 {
		t.Errorf("%+v, standby %v", s.Pending, s.Term.Standby)
	}
	if len(before.Term.Standby) != 2 || before.Term.Standby[0] != person(1).Public() {
		t.Error("a snapshot has changed")
	}
}

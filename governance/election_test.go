package governance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// TestSeats: f and q are those of the protocol's table (§3.20), and every size that is no good says why.
func TestSeats(t *testing.T) {
	for n, want := range map[int][2]int{1: {0, 1}, 2: {0, 2}, 3: {0, 2}, 4: {1, 3}, 5: {1, 4}, 6: {1, 4}, 7: {2, 5}, 10: {3, 7}, 13: {4, 9}, 31: {10, 21}} {
		if got := QuorumOf(n); got != want[1] {
			t.Errorf("quorum of %d is %d, want %d", n, got, want[1])
		}
		if says, _ := SeatsInWords(n); n > 1 && !strings.Contains(says, fmt.Sprintf("safe with %d who lie, goes on with %d away", want[0], n-want[1])) {
			t.Errorf("%d: %s", n, says)
		}
	}
	var good []int
	for n := 1; n <= MaxStewards; n++ {
		if _, ok := SeatsInWords(n); ok {
			good = append(good, n)
		}
		if seats := GoodSeats(n); seats > n || !slices.Contains(good, seats) || n <= 13 && seats != good[len(good)-1] {
			t.Errorf("%d members fill %d seats", n, seats)
		}
	}
	if !slices.Equal(good, []int{1, 4, 7, 10, 13}) {
		t.Errorf("good sizes: %v", good)
	}
	for n, part := range map[int]string{2: "is no safer", 3: "4 would stand that", 5: "No safer than 4", 6: "No safer than 4", 12: "No safer than 10", 14: "More than 13"} {
		if says, _ := SeatsInWords(n); !strings.Contains(says, part) {
			t.Errorf("%d: %s", n, says)
		}
	}
	c := DefaultCharter()
	c.Tracks[4].Seats = 3
	c.Office.Term = 0
	if got := strings.Join(c.Warnings(), "\n"); !strings.Contains(got, "4 would stand that") || !strings.Contains(got, "elected for no term") {
		t.Errorf("warnings: %s", got)
	}
}

func person(n int) identity.Key { return identity.KeyFromSeed([32]byte{byte(n), byte(n >> 8), 77}) }

// town is a cooperative of n members, the first of them its steward, by a charter that a test may change.
func town(t *testing.T, n int, change func(*Charter)) State {
	t.Helper()
	c := DefaultCharter()
	if change != nil {
		change(&c)
	}
	f := Founding{Name: "Town", Currency: Currency{"EUR", 2}, Charter: c, Params: DefaultParams(), Stewards: []identity.PublicKey{person(0).Public()}}
	for i := range n {
		f.Founders = append(f.Founders, Founder{person(i).Public(), fmt.Sprint("member ", i), []string{"producer"}})
	}
	body := CoopFound{Text: f}
	for i := 1; i < n; i++ {
		body.Consents = append(body.Consents, f.Consent(person(i)))
	}
	s, err := Begin(fold.Env{ID: event.ID{1}, Key: person(0).Public(), At: 1000}, body)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signedBy(n int) fold.Env {
	return fold.Env{Key: person(n).Public(), ID: event.ID{9, byte(n), byte(n >> 8)}}
}

// TestNominees: the ballot has those who stood first, and has an end.
func TestNominees(t *testing.T) {
	s := town(t, MaxRanked+5, nil)
	for i := range MaxRanked + 5 {
		s.Time = event.Time(100_000 - i*10)
		if err := s.Stand(signedBy(i), StewardStand{}); err != nil {
			t.Fatal(err)
		}
	}
	m, _ := s.Members.Get(person(MaxRanked + 4).Public())
	m.Status = StatusLeft
	s.Members.Set(person(MaxRanked+4).Public(), m)
	d, _ := s.Devices.Get(person(MaxRanked + 3).Public())
	d.Suspended = true
	s.Devices.Set(person(MaxRanked+3).Public(), d)
	track, _ := s.Charter.Track("election")
	p := Proposal{Rules: s.rules(track)}
	if !s.nominate(&p) || len(p.Nominees) != MaxRanked || len(p.Options) != MaxRanked {
		t.Fatalf("%d candidates, %d options", len(p.Nominees), len(p.Options))
	}
	for i, member := range p.Nominees {
		n := MaxRanked + 2 - i
		if member != person(n).Public() || p.Options[i].Name != fmt.Sprint("member ", n) {
			t.Errorf("candidate %d is %s", i, p.Options[i].Name)
		}
	}
	p.Rules.Track.Seats = MaxRanked + 4
	if s.nominate(&p) {
		t.Error("an election with more seats than candidates")
	}
}

// TestOfficeInvariantsNotice breaks the office in ways that no event can and expects to be told.
func TestOfficeInvariantsNotice(t *testing.T) {
	key := func(n int) identity.PublicKey { return person(n).Public() }
	for name, harm := range map[string]func(*State){
		"nobody":                func(s *State) { s.Term.Stewards = nil },
		"from the future":       func(s *State) { s.Term.Since = s.Time + 1 },
		"by nothing":            func(s *State) { s.Term.By = event.ID{} },
		"another's key":         func(s *State) { s.Term.Stewards = []Steward{{key(0), key(1)}} },
		"two seats":             func(s *State) { s.Term.Stewards = append(s.Term.Stewards, s.Term.Stewards[0]) },
		"no member":             func(s *State) { s.Term.Number = 1; s.Term.Stewards = []Steward{{key(99), key(99)}} },
		"a seat and standby":    func(s *State) { s.Term.Standby = []identity.PublicKey{key(0)} },
		"a standby of nobody":   func(s *State) { s.Pending.Standby = []identity.PublicKey{key(0)} },
		"twice in the handover": func(s *State) { s.Pending = s.change(event.ID{}); s.Pending.Standby = []identity.PublicKey{key(0)} },
		"impossible timing":     func(s *State) { s.Pending = s.change(event.ID{}); s.Pending.Params.Delta0 = 0 },
		"strangers come in":     func(s *State) { s.Pending = s.change(event.ID{}); s.Pending.Standby = []identity.PublicKey{key(99)} },
		"strangers stand":       func(s *State) { s.Standing.Set(key(99), Nomination{}) },
		"announced for another": func(s *State) { s.Announced.Set(key(1), Announcement{Key: key(0)}) },
		"a key for later":       func(s *State) { s.RoundKeys.Set(key(50), RoundKey{Member: key(0), Epoch: 2}) },
		"a key of two":          func(s *State) { s.RoundKeys.Set(key(1), RoundKey{Member: key(0)}) },
	} {
		s := town(t, 3, nil)
		if broken := s.Invariants(); broken != nil {
			t.Fatal(broken)
		}
		harm(&s)
		if s.Invariants() == nil {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

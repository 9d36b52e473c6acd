package governance

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

func testKey(n byte) identity.Key { return identity.KeyFromSeed([32]byte{n}) }

// founding is a text with so many founders, all in the one class, who have one track of yes and no.
func founding(founders int) Founding {
	f := Founding{
		Name: "Elm Street", Purpose: "Homes", Currency: Currency{"EUR", 2}, Params: DefaultParams(),
		Charter: Charter{
			Classes: []Class{{Name: "prosumer", Admission: AdmitOpen, Votes: true}},
			Tracks: []Track{{Name: "general", Method: YesNo, Quorum: Quorum{QuorumNone, Ratio{0, 1}}, Threshold: Threshold{Ratio{1, 2}, true},
				Discussion: hour, Voting: day, Grace: hour, Revisable: true, Open: 9}},
			Limits: Limits{Daily: 1000, Text: 100, Statement: 100, Reason: 100, Candidates: 10},
		},
	}
	for n := range founders {
		key := testKey(byte(n + 1)).Public()
		f.Founders = append(f.Founders, Founder{key, fmt.Sprint("Founder ", n), []string{"prosumer"}})
		f.Stewards = append(f.Stewards, key)
	}
	return f
}

// signed is the body that all founders consent to, the first one by signing the event.
func signed(f Founding) CoopFound {
	body := CoopFound{Text: f}
	for n := 1; n < len(f.Founders); n++ {
		body.Consents = append(body.Consents, f.Consent(testKey(byte(n+1))))
	}
	return body
}

const start = event.Time(1_000_000)

func begin(t fataler, f Founding) State {
	s, err := Begin(fold.Env{ID: event.ID{1}, Key: testKey(1).Public(), At: start}, signed(f))
	if err != nil {
		t.Fatalf("founding: %v", err)
	}
	return s
}

type fataler interface{ Fatalf(string, ...any) }

func by(n byte, id byte) fold.Env { return fold.Env{Key: testKey(n).Public(), ID: event.ID{id}} }

// TestDeadlinesByTheProtocol walks through commits at drawn times. A twin keeps the rule of protocol
// §3.11 in its own words: D is the end, a ballot counts at T < D, or at T < D+GRACE if dated before D;
// the vote closes at the first T ≥ D+GRACE; a gap from before D to after D+STALL moves D to
// T + max(1 h, gap up to 3 days), at most three times. The same goes for the end of the charter's grace.
func TestDeadlinesByTheProtocol(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := founding(1)
		track := &f.Charter.Tracks[0]
		track.Discussion = rapid.SampledFrom([]event.Time{0, 1, hour}).Draw(t, "discussion")
		track.Voting = rapid.SampledFrom([]event.Time{1, minute, hour, day}).Draw(t, "voting")
		track.Grace = rapid.SampledFrom([]event.Time{0, 1, hour}).Draw(t, "grace")
		s := begin(t, f)
		id := event.ID{7}
		if err := s.Open(by(1, 7), ProposalOpen{Title: "Paint the door", Track: "general"}); err != nil {
			t.Fatal(err)
		}
		begins := start + track.Discussion
		deadline := begins + track.Voting
		late, stall := s.Params.Grace, s.Params.Stall
		voted, passes := false, false
		now, extended, closed, acts, executed := start, uint64(0), event.Time(0), event.Time(0), false
		for range rapid.IntRange(1, 12).Draw(t, "commits") {
			gaps := []event.Time{0, 1, 999, minute, stall, stall + minute, hour, day, 5 * day, deadline - now, deadline + late - now, deadline + stall - now, begins - now, acts - now, acts + stall - now}
			gap := rapid.SampledFrom(gaps).Draw(t, "gap")
			if gap > 10*day { // it would lie in the past
				gap = 1
			}
			gap += event.Time(rapid.IntRange(0, 2).Draw(t, "and"))
			before := now
			now += gap
			if closed == 0 && before < deadline && now > deadline+stall && extended < 3 {
				deadline = now + max(hour, min(now-before, 3*day))
				extended++
			}
			if closed > 0 && !executed && before < acts && now > acts+stall && extended < 3 {
				acts = now + max(hour, min(now-before, 3*day))
				extended++
			}
			if closed == 0 && now >= deadline+late {
				closed, acts = now, now+track.Grace
				passes = voted
			}
			executed = executed || closed > 0 && passes && now >= acts
			got, passed := s.Advance(now)
			if passed {
				s.Done(got, nil)
				s.Advance(now)
			}
			p, _ := s.Proposals.Get(id)
			if !passes {
				executed = closed > 0 // expired
			}
			if p.Voting.End != deadline || p.shifted(CauseStall) != extended || p.Result.Closed != closed || (p.Ended > 0) != executed {
				t.Fatalf("at %d: end %d, extended %d, closed %d, over %v; the twin has %d, %d, %d, %v", now, p.Voting.End, p.shifted(CauseStall), p.Result.Closed,
					p.Ended > 0, deadline, extended, closed, executed)
			}
			dated := rapid.SampledFrom([]event.Time{0, deadline - 1, deadline, now, deadline + late}).Draw(t, "dated")
			counts := closed == 0 && now >= begins && (now < deadline || now < deadline+late && dated < deadline)
			env := by(1, 9)
			env.At = dated
			if err := s.Cast(env, BallotCast{Proposal: id, Choice: "yes"}); (err == nil) != counts {
				t.Fatalf("at %d, dated %d, vote [%d,%d): %v", now, dated, begins, deadline, err)
			}
			voted = voted || counts
			if broken := s.Invariants(); broken != nil {
				t.Fatal(broken)
			}
			if next, any := s.Next(); any != (s.Agenda.Len() > 0) || any && next <= now {
				t.Fatalf("next at %d, now %d", next, now)
			}
		}
	})
}

// TestExecutionWaitsForGrace: what passed is handed out at the first commit after the grace, once.
func TestExecutionWaitsForGrace(t *testing.T) {
	s := begin(t, founding(1))
	if err := s.Open(by(1, 7), ProposalOpen{Title: "Paint the door", Track: "general"}); err != nil {
		t.Fatal(err)
	}
	s.Advance(start + hour)
	if err := s.Cast(by(1, 8), BallotCast{Proposal: event.ID{7}, Choice: "yes"}); err != nil {
		t.Fatal(err)
	}
	closing := start + hour + day + minute
	for _, c := range []struct {
		at    event.Time
		due   bool
		phase Phase
	}{{closing - 1, false, Voting}, {closing, false, Grace}, {closing + hour - 1, false, Grace}, {closing + hour, true, Grace}} {
		id, passed := s.Advance(c.at)
		if p, _ := s.Proposals.Get(event.ID{7}); passed != c.due || p.Phase != c.phase || passed != (id == event.ID{7}) {
			t.Fatalf("at closing%+d: due %v, %s", int64(c.at)-int64(closing), passed, p.Phase)
		}
	}
	if _, again := s.Advance(closing + hour); !again {
		t.Fatal("it stays due until it is done")
	}
	s.Done(event.ID{7}, errors.New("the paint is gone"))
	if _, again := s.Advance(closing + hour); again {
		t.Fatal("it is due after it was done")
	}
	if p, _ := s.Proposals.Get(event.ID{7}); p.Phase != Failed || p.Failure != "the paint is gone" {
		t.Fatalf("%+v", p)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("executing twice is a fault")
			}
		}()
		s.Done(event.ID{7}, nil)
	}()
}

// TestTimeNeverGoesBack: an older commit time is as good as the newest.
func TestTimeNeverGoesBack(t *testing.T) {
	s := begin(t, founding(1))
	s.Advance(start + day)
	s.Advance(start)
	if s.Time != start+day {
		t.Errorf("coop time is %d", s.Time)
	}
}

func TestSpan(t *testing.T) {
	s := Span{10, 20}
	for at, want := range map[event.Time]bool{9: false, 10: true, 19: true, 20: false} {
		if s.Has(at) != want {
			t.Errorf("%d in [10,20): %v", at, !want)
		}
	}
	if (Span{5, 5}).Has(5) {
		t.Error("an empty span has a moment")
	}
}

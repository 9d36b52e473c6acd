package governance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sustainy/coop/delegation"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// follow publishes the n-th program and lets members follow it.
func (s *State) follow(t *testing.T, n int, source string, members ...int) {
	s.Devices.Set(numbered(0), Device{Member: numbered(0)})
	id := event.ID{1, byte(n >> 8), byte(n)}
	if err := s.Publish(fold.Env{ID: id, Key: numbered(0)}, ProgramPublish{Name: fmt.Sprint("Program ", n), Source: source, Language: 1}); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		s.mandate(m, About{}, Mandate{To: Delegate{Program: id}})
	}
}

// TestProgramsAskedAreBounded: of more programs than are asked those come first that most follow, and of
// these the lower id.
func TestProgramsAskedAreBounded(t *testing.T) {
	p := Proposal{Rules: Rules{Track: trackBy(YesNo), Delegating: Delegating{Term: day}}}
	s := crowd(MaxAsked+4, &p)
	for n := range MaxAsked + 2 {
		followers := []int{n}
		if n == MaxAsked+1 {
			followers = []int{n, n + 1, n + 2}
		}
		s.follow(t, n, `vote.yes("always")`, followers...)
	}
	c := s.carry(event.ID{7}, &p)
	asked := 0
	for _, a := range c.answers {
		if a.Cost > 0 {
			asked++
		}
	}
	if asked != MaxAsked || c.delegated != MaxAsked-1+3 {
		t.Errorf("%d programs were asked, and %d votes count", asked, c.delegated)
	}
	for _, n := range []int{MaxAsked - 1, MaxAsked} {
		if fate := c.result.Fate(n); fate != delegation.Answerless {
			t.Errorf("the vote of member %d %s", n, fate)
		}
	}
}

// TestProgramsCostIsBounded: once they have cost as much together as they may, no other is asked.
func TestProgramsCostIsBounded(t *testing.T) {
	p := Proposal{Text: strings.Repeat("a long text ", MaxText/12), Rules: Rules{Track: trackBy(YesNo), Delegating: Delegating{Term: day}}}
	s := crowd(40, &p)
	for n := range 40 {
		s.follow(t, n, `[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20].exists(i, proposal.text.contains("z" + string(i))) ? vote.yes("y") : vote.no("n")`, n)
	}
	c := s.carry(event.ID{7}, &p)
	cost := c.answers[0].Cost
	asked := 0
	for _, a := range c.answers {
		if a.Cost == cost {
			asked++
		}
	}
	if cost < MaxCost/40 {
		t.Fatalf("a run costs %d, too little to notice a bound", cost)
	}
	if want := int((MaxCost + cost - 1) / cost); asked != want || c.delegated != uint64(want) {
		t.Errorf("%d programs at %d were asked, want %d", asked, cost, want)
	}
}

// TestAnswersAreKept: what a program says is asked when the vote is counted and not again, and counts for
// who counts again.
func TestAnswersAreKept(t *testing.T) {
	p := Proposal{Rules: Rules{Track: trackBy(YesNo), Delegating: Delegating{Term: day}}}
	s := crowd(3, &p)
	s.follow(t, 1, `vote.yes("always")`, 1, 2)
	id := event.ID{7}
	s.put(id, p, 1)
	s.close(id, p)
	p, _ = s.Proposals.Get(id)
	if a, ok := s.Answers.Get(Asked{id, event.ID{1, 0, 1}}); !ok || a.Ballot.Choice != Yes || a.Ballot.Reason != "always" || a.Cost == 0 {
		t.Fatalf("kept %+v", a)
	}
	s.Mandates.Delete(Remit{Member: numbered(1)})
	if again := s.Tally(id, &p); again.Yes != 2 || again.Delegated != 2 {
		t.Errorf("counted again: %+v", again)
	}
	a, _ := s.Answers.Get(Asked{id, event.ID{1, 0, 1}})
	a.Ballot.Choice = No
	s.Answers.Set(Asked{id, event.ID{1, 0, 1}}, a)
	if again := s.Tally(id, &p); again.No != 2 {
		t.Errorf("with another answer: %+v", again)
	}
	var keys []identity.PublicKey
	for _, b := range s.ballotWords(id, &p, s.carry(id, &p)) {
		if b.Program.IsZero() || b.Votes != 2 || b.Cost != a.Cost {
			t.Errorf("in words %+v", b)
		}
		keys = append(keys, b.Member)
	}
	if len(keys) != 1 {
		t.Errorf("%d lines", len(keys))
	}
}

// TestWithdrawnPrograms: one that was withdrawn is asked on what was opened before, and on nothing else. It makes
// room for another, and who followed it and nobody else is told.
func TestWithdrawnPrograms(t *testing.T) {
	p := Proposal{Opened: 5, Rules: Rules{Track: trackBy(YesNo), Delegating: Delegating{Term: day}}}
	s := crowd(4, &p)
	s.follow(t, 1, `vote.yes("always")`, 1, 2)
	s.mandate(2, About{Track: "else"}, Mandate{To: Delegate{Program: event.ID{1, 0, 1}}})
	s.mandate(3, About{Tag: "energy"}, Mandate{To: Delegate{Program: event.ID{1, 0, 1}}})
	s.mandate(3, About{}, Mandate{To: Delegate{Members: []identity.PublicKey{numbered(0)}}})
	s.put(event.ID{7}, p, 1)
	s.Ballots.Set(Seat{event.ID{7}, numbered(0)}, Ballot{Choice: No})

	for _, withdrawn := range []event.Time{6, 5, 4} {
		prog, _ := s.Programs.Get(event.ID{1, 0, 1})
		prog.Withdrawn, prog.Checked = withdrawn, nil
		s.Programs.Set(event.ID{1, 0, 1}, prog)
		p.Tags = []string{"energy"}
		c, want := s.carry(event.ID{7}, &p), uint64(1)
		if withdrawn > p.Opened {
			want = 3
		}
		if c.delegated != want {
			t.Errorf("withdrawn at %d: %d delegated, want %d", withdrawn, c.delegated, want)
		}
	}
	if travel, _ := s.Travel(event.ID{7}, numbered(1), nil); !strings.Contains(fmt.Sprint(travel.Chains), "which was withdrawn") {
		t.Errorf("who follows it is told %+v", travel.Chains)
	}
	if all, own := s.standing(numbered(0)); all != 0 || own != 0 {
		t.Errorf("%d programs stand, %d of one member", all, own)
	}
	s.follow(t, 2, `vote.yes("again")`)
	if all, own := s.standing(numbered(0)); all != 1 || own != 1 {
		t.Errorf("%d programs stand, %d of one member", all, own)
	}
}

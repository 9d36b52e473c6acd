package governance

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
)

// TestAntiSnipingByTheBook draws commits and ballots around the end of a vote. A twin keeps what would
// pass after each moment, and reads the rule from that list: whoever turns the vote with less than the
// window left gives the others a window to answer.
func TestAntiSnipingByTheBook(t *testing.T) {
	extended, refused := 0, 0
	for seed := range uint64(400) {
		dice := rand.New(rand.NewPCG(seed, 0))
		f := founding(3)
		track := &f.Charter.Tracks[0]
		track.Discussion, track.Grace = event.Time(dice.IntN(2))*hour, hour
		track.AntiSniping = AntiSniping{[]SnipingRule{Confirm, Quiet}[dice.IntN(2)], []event.Time{1, minute, hour, day}[dice.IntN(4)], 1 + dice.Uint64N(3)}
		f.Params.Stall = day // stalls have a test of their own
		a := track.AntiSniping
		s := begin(t, f)
		id := event.ID{7}
		if err := s.Open(by(1, 7), ProposalOpen{Title: "Paint the door", Track: "general"}); err != nil {
			t.Fatal(err)
		}
		end, late := start+track.Discussion+track.Voting, s.Params.Grace
		said := map[byte]Choice{}
		turned, leads, times, now := event.Time(0), false, uint64(0), start
		passes := func() bool {
			yes, no := 0, 0
			for _, choice := range said {
				if choice == Yes {
					yes++
				} else {
					no++
				}
			}
			return yes > no
		}
		for range 60 {
			switch dice.IntN(3) {
			case 0, 1:
				who, choice := byte(1+dice.IntN(3)), []Choice{Yes, No}[dice.IntN(2)]
				env := fold.Env{Key: testKey(who).Public(), ID: event.ID{who, 9}, At: []event.Time{now, end - 1}[dice.IntN(2)]}
				if s.Cast(env, BallotCast{Proposal: id, Choice: string(choice)}) == nil {
					said[who] = choice
				}
			case 2:
				later := []event.Time{now + 1, now + a.Window/2, end - a.Window, end - a.Window + 1, end - 1, end, end + late - 1, end + late}[dice.IntN(8)]
				if later <= now {
					continue
				}
				if is := passes(); is != leads {
					turned, leads = now, is
					if now+a.Window > end && times < a.Times {
						end, times = max(end, now)+a.Window, times+1
						extended++
					}
				}
				now = later
				s.Advance(now)
			}
			p, _ := s.Proposals.Get(id)
			if p.Voting.End != end || p.shifted(Cause(a.Rule)) != times {
				t.Fatalf("at %d: end %d, extended %d; the twin has %d, %d", now, p.Voting.End, p.shifted(Cause(a.Rule)), end, times)
			}
			if broken := s.Invariants(); broken != nil {
				t.Fatal(broken)
			}
			if (p.Result.Closed != 0) != (now >= end+late) {
				t.Fatalf("at %d, end %d: closed at %d", now, end, p.Result.Closed)
			}
			if p.Result.Closed == 0 {
				continue
			}
			held := a.Rule == Quiet || turned == 0 || turned+a.Window <= end
			if passed := p.Phase == Grace; passed != (leads && held) || p.Result.Unconfirmed != (leads && !held) {
				t.Fatalf("%s, %+v: leads %v since %d, the vote ended at %d", p.Phase, p.Result, leads, turned, end)
			}
			if !held && leads {
				refused++
			}
			break
		}
	}
	if extended < 100 || refused < 10 {
		t.Errorf("%d extensions, %d votes without confirmation: this draws nothing that matters", extended, refused)
	}
}

// TestOneCountACommit: whoever votes to and fro within one coop time turns nothing.
func TestOneCountACommit(t *testing.T) {
	f := founding(2)
	f.Charter.Tracks[0].Discussion, f.Charter.Tracks[0].AntiSniping = 0, AntiSniping{Quiet, hour, 2}
	s := begin(t, f)
	if err := s.Open(by(1, 7), ProposalOpen{Title: "Paint the door", Track: "general"}); err != nil {
		t.Fatal(err)
	}
	s.Advance(start + day - hour)
	for _, choice := range []string{"yes", "no"} {
		if err := s.Cast(by(1, 9), BallotCast{Proposal: event.ID{7}, Choice: choice}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.Stirred) != 1 {
		t.Fatalf("%d votes are to be looked at", len(s.Stirred))
	}
	before := s.Copy()
	s.Advance(start + day - 1)
	if p, _ := s.Proposals.Get(event.ID{7}); len(p.Shifts) != 0 || len(s.Stirred) != 0 {
		t.Errorf("%+v", p.Shifts)
	}
	if len(before.Stirred) != 1 {
		t.Error("a snapshot has changed")
	}
}

// TestValidateSniping changes one thing at a time and expects one reason each.
func TestValidateSniping(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Track)
		want   string
	}{
		"window alone":         {func(t *Track) { t.AntiSniping.Window = 1 }, "without a rule"},
		"no window":            {func(t *Track) { t.AntiSniping = AntiSniping{Quiet, 0, 1} }, "not 1 ms to its voting period"},
		"longer than the vote": {func(t *Track) { t.AntiSniping = AntiSniping{Quiet, t.Voting + 1, 1} }, "not 1 ms to its voting period"},
		"as long as the vote":  {func(t *Track) { t.AntiSniping = AntiSniping{Confirm, t.Voting, MaxTimes} }, ""},
		"never":                {func(t *Track) { t.AntiSniping = AntiSniping{Confirm, 1, 0} }, "extends a vote 0 times"},
		"too often":            {func(t *Track) { t.AntiSniping = AntiSniping{Confirm, 1, MaxTimes + 1} }, "extends a vote 17 times"},
		"unknown":              {func(t *Track) { t.AntiSniping = AntiSniping{"loud", 1, 1} }, `unknown rule "loud"`},
		"early, revisable":     {func(t *Track) { t.Early = true }, "its ballots are final"},
		"early":                {func(t *Track) { t.Early, t.Revisable = true, false }, ""},
		"early, quiet":         {func(t *Track) { t.Early, t.Revisable, t.AntiSniping = true, false, AntiSniping{Quiet, 1, 1} }, ""},
		"early, confirm":       {func(t *Track) { t.Early, t.Revisable, t.AntiSniping = true, false, AntiSniping{Confirm, 1, 1} }, "must hold until the end"},
	} {
		charter := DefaultCharter()
		c.change(&charter.Tracks[0])
		err := charter.Validate()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), ";")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStirredVotesAreOfOneState: what one copy of a state is to look at does not show in another.
func TestStirredVotesAreOfOneState(t *testing.T) {
	var s State
	p := Proposal{Lead: Lead{Watched: true}}
	for n := range byte(3) {
		s.stir(event.ID{5 + n}, &p)
	}
	s.stir(event.ID{6}, &p)
	one, other := s.Copy(), s.Copy()
	one.stir(event.ID{1}, &p)
	other.stir(event.ID{2}, &p)
	if len(s.Stirred) != 3 || s.Stirred[0] != (event.ID{5}) || one.Stirred[0] != (event.ID{1}) || other.Stirred[0] != (event.ID{2}) || len(one.Stirred) != 4 {
		t.Errorf("%x, %x, %x", s.Stirred, one.Stirred, other.Stirred)
	}
}

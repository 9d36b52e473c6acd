package governance

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// houses are two chambers, for tests.
func houses() []Chamber {
	return []Chamber{{"left", Quorum{QuorumBiased, Ratio{1, 2}}, Threshold{Ratio{1, 2}, true}},
		{"right", Quorum{QuorumTurnout, Ratio{1, 2}}, Threshold{Ratio{1, 3}, false}}}
}

// TestChambersByHand draws who is in which class and what they say. Each chamber must have the count that
// going through its members one by one gives, and the vote passes if all of them and the whole agree.
func TestChambersByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		track := drawTrack(t)
		f, _ := track.Method.form()
		if !f.hasSides {
			return
		}
		track.Chambers = houses()
		if track.Method == ByConsent {
			track.Chambers[0].Threshold, track.Chambers[1].Threshold = unanimous, unanimous
		}
		p := drawProposal(t, track)
		p.Rules.Voters = []string{"left", "right", "both"}
		var s State
		id := event.ID{3}
		seats := [][]string{{"left"}, {"right"}, {"left", "right"}, {"right", "left"}, {"both"}, {"mute"}}
		p.RollSize, p.Roll = 0, table.Table[identity.PublicKey, Member]{}
		var members [][]string
		var said []*Ballot
		for n := range rapid.IntRange(0, 9).Draw(t, "members") {
			classes := rapid.SampledFrom(seats).Draw(t, "classes")
			p.Roll.Set(identity.PublicKey{31: byte(n)}, Member{Status: StatusMember, Classes: classes})
			members, said = append(members, classes), append(said, nil)
		}
		p.RollSize, _, _ = p.roll()
		p.seatChambers()
		shared, voted := uint64(0), uint64(0)
		for n, classes := range members {
			if classes[0] == "mute" {
				continue
			}
			if len(classes) == 2 {
				shared++
			}
			if rapid.Bool().Draw(t, "stays away") {
				continue
			}
			b := drawBallot(t, &track, len(p.Options))
			b.Chambers = p.chambersOf(Member{Classes: classes})
			said[n] = &b
			s.vote(id, n, b)
			if len(classes) == 2 {
				voted++
			}
		}
		c := s.count(id, &p)
		if p.Shared != shared || c.Shared != voted {
			t.Fatalf("%d of the roll and %d who voted sit in both, not %d and %d", p.Shared, c.Shared, shared, voted)
		}
		passes := c.Quorum && c.Threshold
		var whole ChamberResult
		for _, b := range said {
			whole.say(b, c)
		}
		if whole.Yes != c.Yes || whole.No != c.No || whole.Abstain != c.Abstain {
			t.Fatalf("the sides of all are %+v, and the count is %+v", whole, c.Result)
		}
		for i, house := range track.Chambers {
			want := ChamberResult{}
			for n, classes := range members {
				if strings.Contains(fmt.Sprint(classes), house.Class) {
					want.Roll++
					want.say(said[n], c)
				}
			}
			n := Count{want.Roll, want.Yes, want.No, want.Abstain}
			want.Quorum, want.Threshold = want.Roll == 0 || house.Quorum.Reached(n), want.Roll == 0 || house.Threshold.Reached(n)
			if c.Chambers[i] != want {
				t.Fatalf("chamber %s: %+v, want %+v", house.Class, c.Chambers[i], want)
			}
			passes = passes && want.Quorum && want.Threshold
		}
		if (c.Outcome() == Grace) != passes || !passes && c.Selected != nil {
			t.Fatalf("%+v is %s", c.Result, c.Outcome())
		}
	})
}

// say adds a ballot, or none, to a count by hand.
func (r *ChamberResult) say(b *Ballot, c *count) {
	switch {
	case b == nil:
	case b.Choice == Abstain || c.side(*b) == 0:
		r.Abstain++
	case c.side(*b) > 0:
		r.Yes++
	default:
		r.No++
	}
}

// TestOutcomeOfChambers: all must agree; one that votes it down rejects it; one where too few took part
// lets it expire.
func TestOutcomeOfChambers(t *testing.T) {
	for _, c := range []struct {
		quorum, threshold bool
		yes, no           uint64
		want              Phase
	}{
		{true, true, 2, 1, Grace}, {false, true, 1, 0, Expired}, {true, false, 1, 2, Rejected}, {false, false, 0, 2, Rejected}, {true, false, 0, 0, Expired},
	} {
		r := Result{Quorum: true, Threshold: true, Yes: 9, Chambers: []ChamberResult{{Roll: 5, Yes: 5, Quorum: true, Threshold: true},
			{Roll: 5, Yes: c.yes, No: c.no, Quorum: c.quorum, Threshold: c.threshold}}}
		if got := r.Outcome(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestValidateChambers: only where ballots have sides, and each of a class that votes.
func TestValidateChambers(t *testing.T) {
	none, half := Quorum{QuorumNone, Ratio{0, 1}}, Threshold{Ratio{1, 2}, true}
	for name, c := range map[string]struct {
		method   Method
		chambers []Chamber
		want     string
	}{
		"two":                    {YesNo, []Chamber{{"customer", none, half}, {"producer", none, half}}, ""},
		"ranked":                 {Schulze, []Chamber{{"customer", none, half}}, ""},
		"board":                  {STV, []Chamber{{"customer", none, half}}, "has chambers, and its method does not"},
		"budget":                 {BudgetGreedy, []Chamber{{"customer", none, half}}, "has chambers, and its method does not"},
		"unknown class":          {YesNo, []Chamber{{"neighbour", none, half}}, `has a chamber "neighbour"`},
		"class that votes not":   {YesNo, []Chamber{{"guest", none, half}}, `has a chamber "guest"`},
		"twice":                  {YesNo, []Chamber{{"customer", none, half}, {"customer", none, half}}, `has a chamber "customer"`},
		"quorum of nobody":       {YesNo, []Chamber{{"customer", Quorum{QuorumTurnout, Ratio{0, 1}}, half}}, "has a quorum of 0/1"},
		"more than all":          {YesNo, []Chamber{{"customer", none, Threshold{Ratio{1, 1}, true}}}, "more than all"},
		"consent by majority":    {ByConsent, []Chamber{{"customer", none, half}}, "the threshold of its chambers is at least 1/1 too"},
		"consent":                {ByConsent, []Chamber{{"customer", none, unanimous}}, ""},
		"more chambers than are": {YesNo, make([]Chamber, MaxClasses+1), "has 17 chambers"},
	} {
		charter := DefaultCharter()
		charter.Classes = append(charter.Classes, Class{Name: "guest", Admission: AdmitOpen})
		charter.Tracks = []Track{trackBy(c.method)}
		if c.method == BudgetGreedy {
			charter.Tracks[0].Quorum = Quorum{QuorumTurnout, Ratio{1, 3}}
		}
		charter.Tracks[0].Chambers = c.chambers
		err := charter.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoVoteAgainstEverHelpsInChambers: one more vote against, whoever casts it, never lets pass what did
// not pass, and one more vote for never stops what passed, with every quorum but turnout, in the whole and
// in the chambers; an abstention changes nothing at all. With turnout the last need not hold, and the
// charter warns of it.
func TestNoVoteAgainstEverHelpsInChambers(t *testing.T) {
	kinds := []QuorumKind{QuorumNone, QuorumForOnly, QuorumBiased}
	rapid.Check(t, func(t *rapid.T) {
		draw := func() Quorum {
			if kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind != QuorumNone {
				return Quorum{kind, Ratio{rapid.Uint64Range(1, 3).Draw(t, "share"), 3}}
			}
			return Quorum{QuorumNone, Ratio{0, 1}}
		}
		track := trackBy(YesNo)
		track.Quorum, track.Threshold = draw(), drawThreshold(t)
		track.Chambers = []Chamber{{"left", draw(), drawThreshold(t)}, {"right", draw(), drawThreshold(t)}}
		p := Proposal{Rules: Rules{Track: track, Voters: []string{"left", "right", "none"}}}
		var s State
		id := event.ID{5}
		roll := rapid.IntRange(1, 7).Draw(t, "roll")
		var members []Member
		for n := range roll {
			m := Member{Status: StatusMember, Classes: rapid.SampledFrom([][]string{{"left"}, {"right"}, {"left", "right"}, {"none"}}).Draw(t, "classes")}
			members = append(members, m)
			p.Roll.Set(identity.PublicKey{31: byte(n)}, m)
		}
		p.RollSize, _, _ = p.roll()
		p.seatChambers()
		cast := func(n int, choice Choice) { s.vote(id, n, Ballot{Choice: choice, Chambers: p.chambersOf(members[n])}) }
		for n := range roll - 1 {
			if choice := rapid.SampledFrom([]Choice{Yes, Yes, No, Abstain, Listed}).Draw(t, "choice"); choice != Listed {
				cast(n, choice)
			}
		}
		passes := func() bool { r := s.Tally(id, &p); return r.Outcome() == Grace }
		before := passes()
		after := map[Choice]bool{}
		for _, choice := range []Choice{Yes, No, Abstain} {
			cast(roll-1, choice)
			after[choice] = passes()
		}
		if before && !after[Yes] || !before && after[No] || before != after[Abstain] {
			t.Fatalf("%+v: passes %v, with one more %v", track, before, after)
		}
	})
}

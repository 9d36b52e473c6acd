package governance

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// TestEarlyDecisionIsSafe goes through all that those who have not voted could still do: whenever a vote
// is called decided, all of it comes to the same. Without chambers the converse holds too: when all of it
// passes, or is voted down, the vote is called decided.
func TestEarlyDecisionIsSafe(t *testing.T) {
	for seed := range uint64(600) {
		dice := rand.New(rand.NewPCG(seed, 0)) // rapid favours small numbers: few votes that are nearly decided
		track := trackBy([]Method{YesNo, YesNo, ByConsent}[dice.IntN(3)])
		track.Early, track.Revisable = true, false
		track.Quorum = pickQuorum(dice)
		if track.Method == YesNo {
			track.Threshold = pickThreshold(dice)
		}
		if dice.IntN(2) == 0 {
			track.Chambers = []Chamber{{"left", pickQuorum(dice), pickThreshold(dice)}, {"right", pickQuorum(dice), pickThreshold(dice)}}
			if track.Method == ByConsent {
				track.Chambers[0].Threshold, track.Chambers[1].Threshold = unanimous, unanimous
			}
		}
		p := Proposal{Rules: Rules{Track: track, Voters: []string{"left", "right", "none"}}}
		roll := 1 + dice.IntN(6)
		var s State
		id := event.ID{4}
		members := make([]Member, roll)
		for n := range members {
			members[n] = Member{Status: StatusMember, Classes: [][]string{{"left"}, {"right"}, {"left", "right"}, {"none"}}[dice.IntN(4)]}
			p.Roll.Set(identity.PublicKey{31: byte(n)}, members[n])
		}
		p.RollSize, _, _ = p.roll()
		p.seatChambers()
		against := No
		if track.Method == ByConsent {
			against = Object
		}
		cast := func(n int, choice Choice) { s.vote(id, n, Ballot{Choice: choice, Chambers: p.chambersOf(members[n])}) }
		voted := max(0, roll-dice.IntN(4))
		for n := range voted {
			cast(n, []Choice{Yes, Yes, Yes, against, Abstain}[dice.IntN(5)])
		}
		is := s.decided(id, &p)
		base := s.Copy()
		outcomes := map[Phase]bool{}
		ways := 1
		for range roll - voted {
			ways *= 4
		}
		for way := range ways {
			s = base.Copy()
			for n := voted; n < roll; n, way = n+1, way/4 {
				if choice := []Choice{Yes, against, Abstain, Listed}[way%4]; choice != Listed {
					cast(n, choice)
				}
			}
			r := s.Tally(id, &p)
			outcomes[r.Outcome()] = true
		}
		if is && len(outcomes) != 1 {
			t.Fatalf("%d of %d have voted, and yet it can be %v", voted, roll, outcomes)
		}
		certain := len(outcomes) == 1 && !outcomes[Expired]
		if !is && certain && track.Chambers == nil {
			t.Fatalf("%d of %d have voted, and it is %v whatever comes", voted, roll, outcomes)
		}
	}
}

func pickQuorum(dice *rand.Rand) Quorum {
	kind := []QuorumKind{QuorumNone, QuorumTurnout, QuorumForOnly, QuorumBiased}[dice.IntN(4)]
	if kind == QuorumNone {
		return Quorum{kind, Ratio{0, 1}}
	}
	den := 1 + dice.Uint64N(4)
	return Quorum{kind, Ratio{1 + dice.Uint64N(den), den}}
}

func pickThreshold(dice *rand.Rand) Threshold {
	den := 1 + dice.Uint64N(4)
	share := Ratio{dice.Uint64N(den + 1), den}
	return Threshold{share, share.Num < den && dice.IntN(2) == 0}
}

func drawThreshold(t *rapid.T) Threshold {
	share := drawRatio(t, "threshold")
	return Threshold{share, share.Num < share.Den && rapid.Bool().Draw(t, "over")}
}

// TestEarlyOfOtherMethods: where the ballots have no sides, the vote ends once all have voted.
func TestEarlyOfOtherMethods(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		track := drawTrack(t)
		if track.Method == YesNo || track.Method == ByConsent {
			return
		}
		track.Early, track.Revisable = rapid.Bool().Draw(t, "early"), false
		p := drawProposal(t, track)
		p.RollSize = rapid.Uint64Range(1, 4).Draw(t, "roll")
		var s State
		voted := rapid.Uint64Range(0, p.RollSize).Draw(t, "voted")
		for n := range voted {
			s.vote(event.ID{4}, int(n), drawBallot(t, &track, len(p.Options)))
		}
		if got := s.decided(event.ID{4}, &p); got != (track.Early && voted == p.RollSize) {
			t.Fatalf("%d of %d have voted: decided %v", voted, p.RollSize, got)
		}
	})
}

// TestADecidedVoteEnds at the next moment, and the members are told when to look.
func TestADecidedVoteEnds(t *testing.T) {
	f := founding(3)
	f.Charter.Tracks[0].Discussion, f.Charter.Tracks[0].Early, f.Charter.Tracks[0].Revisable = 0, true, false
	s := begin(t, f)
	if err := s.Open(by(1, 7), ProposalOpen{Title: "Paint the door", Track: "general"}); err != nil {
		t.Fatal(err)
	}
	s.Advance(start + hour)
	for n, want := range []Phase{Voting, Grace} {
		if err := s.Cast(by(byte(n+1), 9), BallotCast{Proposal: event.ID{7}, Choice: "yes"}); err != nil {
			t.Fatal(err)
		}
		now := s.Time
		if next, _ := s.Next(); next != now+1 {
			t.Fatalf("next at %d, now %d", next, now)
		}
		s.Advance(now)
		if p, _ := s.Proposals.Get(event.ID{7}); p.Phase != Voting {
			t.Fatalf("%s before time went on", p.Phase)
		}
		s.Advance(now + 1)
		p, _ := s.Proposals.Get(event.ID{7})
		if p.Phase != want || len(s.Stirred) != 0 || want == Grace && (p.Voting.End != now || p.Result.Closed != now+1) {
			t.Fatalf("after %d ballots it is %s, ended %d, closed %d, now %d", n+1, p.Phase, p.Voting.End, p.Result.Closed, s.Time)
		}
		if broken := s.Invariants(); broken != nil {
			t.Fatal(broken)
		}
	}
}

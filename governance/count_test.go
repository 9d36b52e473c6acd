package governance

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/pabulib"
	"github.com/sustainy/coop/tally"
)

// vote gives the n-th member this ballot.
func (s *State) vote(id event.ID, n int, b Ballot) {
	var member identity.PublicKey
	binary.BigEndian.PutUint64(member[:], uint64(n))
	binary.BigEndian.PutUint64(b.Event[:], uint64(n)+1)
	s.Ballots.Set(Seat{id, member}, b)
}

// trackBy is a valid track for a method, with small settings.
func trackBy(m Method) Track {
	t := Track{Name: "x", Method: m, Quorum: Quorum{QuorumNone, Ratio{0, 1}}, Threshold: Threshold{Ratio{1, 2}, true}, Voting: day, Revisable: true, Open: 1}
	switch m {
	case ByConsent:
		t.Threshold = Threshold{Ratio{1, 1}, false}
	case Score:
		t.Highest = 5
	case STV:
		t.Seats = 2
	case Points, PointsQuadratic:
		t.Points = 9
	case BudgetGreedy, BudgetShares:
		t.Threshold.Share, t.Actions = Ratio{1, 4}, []event.Kind{KindBudgetAllocate}
	}
	if m == BudgetShares {
		t.Completion, t.Utility = CompleteRaiseFill, UtilityCost
	}
	return t
}

// drawTrack draws a track with settings that its method may have.
func drawTrack(t *rapid.T) Track {
	track := trackBy(rapid.SampledFrom(forms).Draw(t, "method").method)
	if track.Method != ByConsent {
		track.Threshold = Threshold{drawRatio(t, "threshold"), false}
	}
	switch track.Method {
	case Score:
		track.Highest = rapid.Uint64Range(1, 4).Draw(t, "highest")
	case BudgetShares:
		track.Completion = rapid.SampledFrom([]Completion{CompleteNot, CompleteRaise, CompleteFill, CompleteRaiseFill}).Draw(t, "completion")
		track.Utility = rapid.SampledFrom([]Utility{UtilityCost, UtilityVotes}).Draw(t, "utility")
	}
	if track.Method.SharesBudget() || rapid.Bool().Draw(t, "turnout") {
		track.Quorum = Quorum{QuorumTurnout, Ratio{1, 3}}
	}
	return track
}

// drawBallot draws what a member may say.
func drawBallot(t *rapid.T, track *Track, options int) Ballot {
	f, _ := track.Method.form()
	if rapid.IntRange(0, 5).Draw(t, "abstains") == 0 {
		return Ballot{Choice: Abstain}
	}
	switch f.marks {
	case sides:
		return Ballot{Choice: rapid.SampledFrom([]Choice{Yes, No}).Draw(t, "side")}
	case consents:
		return Ballot{Choice: rapid.SampledFrom([]Choice{Yes, Yes, Yes, Object}).Draw(t, "side"), Reason: "Harm"}
	case scores:
		return Ballot{Scores: rapid.SliceOfN(rapid.Uint64Range(0, track.Highest), options, options).Draw(t, "scores")}
	case points:
		list := make([]uint64, options)
		list[rapid.IntRange(0, options-1).Draw(t, "first")] += rapid.Uint64Range(0, 2).Draw(t, "points")
		list[rapid.IntRange(0, options-1).Draw(t, "second")]++
		return Ballot{Points: list}
	}
	var b Ballot
	for n := range options {
		if f.marks == approvals && rapid.Bool().Draw(t, "approves") {
			b.Approvals = append(b.Approvals, uint64(n))
		}
	}
	if f.marks == approvals {
		return b
	}
	order := rapid.Permutation(list(options)).Draw(t, "order")
	for i, n := range order[:rapid.IntRange(0, options).Draw(t, "ranked")] {
		if i > 0 && f.marks == ranks && rapid.IntRange(0, 2).Draw(t, "beside") == 0 {
			last := &b.Ranking[len(b.Ranking)-1]
			*last = append(*last, n)
			slices.Sort(*last)
			continue
		}
		b.Ranking = append(b.Ranking, []uint64{n})
	}
	return b
}

func list(options int) (all []uint64) {
	for n := range options {
		all = append(all, uint64(n))
	}
	return all
}

func ints(options []uint64) (all []int) {
	for _, n := range options {
		all = append(all, int(n))
	}
	return all
}

func drawProposal(t *rapid.T, track Track) Proposal {
	p := Proposal{Rules: Rules{Track: track}, RollSize: 20, Budget: rapid.Uint64Range(1, 30).Draw(t, "budget")}
	if f, _ := track.Method.form(); f.most > 0 {
		for n := range rapid.IntRange(2, 5).Draw(t, "options") {
			p.Options = append(p.Options, Option{Name: string(rune('A' + n)), Cost: rapid.Uint64Range(1, 12).Draw(t, "cost")})
		}
	}
	return p
}

// TestResultsAreTallys draws ballots for every method and asks package tally the same question by
// hand: winners, votes and what counts as yes and no must be what the table in method.go says.
func TestResultsAreTallys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		track := drawTrack(t)
		p := drawProposal(t, track)
		id := event.ID{byte(rapid.IntRange(0, 200).Draw(t, "id"))}
		var s State
		var all []Ballot
		for n := range rapid.IntRange(0, 12).Draw(t, "ballots") {
			b := drawBallot(t, &track, len(p.Options))
			cast := BallotCast{Choice: string(b.Choice), Approvals: b.Approvals, Ranking: b.Ranking, Scores: b.Scores, Points: b.Points, Reason: b.Reason}
			if err := cast.check(&track, len(p.Options)); err != nil {
				t.Fatalf("%+v: %v", b, err)
			}
			all = append(all, b)
			s.vote(id, n, b)
		}
		r := s.Tally(id, &p)
		yes, no, winners, votes := byHand(&track, &p, all, drawLot(id, len(p.Options), track.Method.HasStatusQuo()))
		if r.Yes != yes || r.No != no || r.Ballots != uint64(len(all)) || r.Abstain != r.Ballots-yes-no {
			t.Fatalf("%+v, want %d yes, %d no", r, yes, no)
		}
		if !slices.Equal(r.Votes, votes) {
			t.Fatalf("votes %v, want %v", r.Votes, votes)
		}
		passes := r.Quorum && track.Threshold.Reached(Count{Yes: yes, No: no})
		if track.Method.SharesBudget() {
			passes = r.Quorum && len(winners) > 0
			slices.Sort(winners)
		}
		if track.Method.HasStatusQuo() && winners[0] == len(p.Options)-1 {
			passes = false
		}
		if !passes {
			winners = nil
		}
		if !slices.Equal(ints(r.Selected), winners) || (r.Outcome() == Grace) != passes {
			t.Fatalf("%+v is %s, want %v, passes %v", r, r.Outcome(), winners, passes)
		}
	})
}

// byHand asks package tally, with ballots translated one by one.
func byHand(track *Track, p *Proposal, all []Ballot, lot tally.Lot) (yes, no uint64, winners []int, votes []uint64) {
	n := len(p.Options)
	var approvals []tally.Approval
	var rankings, filled []tally.Ranking
	var numbers [][]uint64
	for _, b := range all {
		switch b.Choice {
		case Yes:
			yes++
		case No, Object:
			no++
		case Listed:
			approvals = append(approvals, tally.Approval{Weight: 1, Options: ints(b.Approvals)})
			r := tally.Ranking{Weight: 1}
			for _, place := range b.Ranking {
				r.Places = append(r.Places, ints(place))
			}
			rankings = append(rankings, r)
			if len(r.Places) > 0 {
				filled = append(filled, r)
			}
			numbers = append(numbers, append(slices.Clone(b.Scores), b.Points...))
		}
	}
	sideBy := func(half uint64, leading int) {
		for _, list := range numbers {
			switch {
			case 2*list[leading] > half:
				yes++
			case half > 0 && 2*list[leading] < half || half == 0:
				no++
			}
		}
	}
	above := func(a, b int) (count uint64) {
		for _, r := range rankings {
			at := func(option int) int {
				if i := slices.IndexFunc(r.Places, func(place []int) bool { return slices.Contains(place, option) }); i >= 0 {
					return i
				}
				return n
			}
			if at(a) < at(b) {
				count++
			}
		}
		return count
	}
	switch track.Method {
	case Approval:
		r := tally.CountApproval(n, slices.Values(approvals), lot)
		best := r.Votes[r.Order[0]]
		return best, r.Ballots - best, r.Order[:1], r.Votes
	case Score:
		var ballots []tally.Scores
		for _, list := range numbers {
			ballots = append(ballots, tally.Scores{Weight: 1, Scores: list})
		}
		r := tally.CountScore(n, slices.Values(ballots), lot)
		sideBy(track.Highest, r.Order[0])
		return yes, no, r.Order[:1], r.Sums
	case Points, PointsQuadratic:
		var ballots []tally.Points
		for _, list := range numbers {
			ballots = append(ballots, tally.Points{Weight: 1, Points: list})
		}
		r := tally.CountPoints(n, slices.Values(ballots), lot)
		sideBy(0, r.Order[0])
		return yes, no, r.Order[:1], r.Sums
	case Schulze:
		r := tally.CountSchulze(n, slices.Values(rankings), lot)
		leading := r.Order[0]
		if leading == n-1 {
			leading = r.Order[1]
		}
		for i := range n - 1 {
			votes = append(votes, above(i, n-1))
		}
		no = above(n-1, leading)
		return above(leading, n-1), no, r.Order[:1], append(votes, no)
	case Runoff:
		r := tally.CountRunoff(n, slices.Values(rankings), lot)
		leading := r.Winner
		if leading == n-1 {
			order := list(n - 1)
			last := r.Rounds[len(r.Rounds)-1].Votes
			slices.SortFunc(order, func(a, b uint64) int {
				if last[a] != last[b] {
					return int(last[b]) - int(last[a])
				}
				return lot[a] - lot[b]
			})
			leading = int(order[0])
		}
		return above(leading, n-1), above(n-1, leading), []int{r.Winner}, r.Rounds[0].Votes
	case STV:
		r := tally.CountSTV(n, int(track.Seats), slices.Values(filled), lot)
		for _, v := range r.Stages[0].Votes {
			votes = append(votes, uint64(v)/uint64(tally.OneVote))
		}
		return uint64(len(filled)), uint64(len(rankings) - len(filled)), r.Elected, votes
	case BudgetGreedy, BudgetShares:
		return budgetByHand(track, p, approvals, lot)
	}
	return yes, no, nil, nil
}

func budgetByHand(track *Track, p *Proposal, ballots []tally.Approval, lot tally.Lot) (yes, no uint64, winners []int, votes []uint64) {
	costs, heard := make([]uint64, len(p.Options)), make([]bool, len(p.Options))
	votes = make([]uint64, len(p.Options))
	for i, o := range p.Options {
		costs[i] = o.Cost
		for _, b := range ballots {
			if slices.Contains(b.Options, i) {
				votes[i]++
			}
		}
		heard[i] = votes[i] > 0 && votes[i]*track.Threshold.Share.Den >= uint64(len(ballots))*track.Threshold.Share.Num
	}
	whole := slices.Clone(votes)
	var only []tally.Approval
	for _, b := range ballots {
		kept := tally.Approval{Weight: 1}
		for _, i := range b.Options {
			if heard[i] {
				kept.Options = append(kept.Options, i)
			}
		}
		only = append(only, kept)
	}
	if track.Method == BudgetGreedy {
		for i := range votes {
			if !heard[i] {
				votes[i] = 0
			}
		}
		return uint64(len(ballots)), 0, tally.ShareGreedily(p.Budget, costs, votes, lot).Funded, whole
	}
	o := tally.Shares{}
	if track.Utility == UtilityVotes {
		o.Utility = tally.VoteUtility
	}
	switch track.Completion {
	case CompleteRaise:
		o.Raise = 1
	case CompleteFill:
		o.Fill = true
	case CompleteRaiseFill:
		o.Raise, o.Fill = 1, true
	}
	return uint64(len(ballots)), 0, tally.CountEqualShares(p.Budget, costs, slices.Values(only), lot, o).Funded, whole
}

// TestAnAbstentionOnlyTakesPart: without the abstentions a count differs in nothing but how many took
// part.
func TestAnAbstentionOnlyTakesPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		track := drawTrack(t)
		track.Quorum = Quorum{QuorumNone, Ratio{0, 1}}
		p := drawProposal(t, track)
		id := event.ID{9}
		var with, without State
		abstentions := uint64(0)
		for n := range rapid.IntRange(0, 10).Draw(t, "ballots") {
			b := drawBallot(t, &track, len(p.Options))
			with.vote(id, n, b)
			if b.Choice == Abstain {
				abstentions++
				continue
			}
			without.vote(id, n, b)
		}
		a, b := with.Tally(id, &p), without.Tally(id, &p)
		b.Ballots, b.Abstain, b.Hash = b.Ballots+abstentions, b.Abstain+abstentions, a.Hash
		one, _ := json.Marshal(a)
		other, _ := json.Marshal(b)
		if !bytes.Equal(one, other) {
			t.Fatalf("with %d abstentions\n%s\nwithout\n%s", abstentions, one, other)
		}
	})
}

// TestMarks: what each method takes and refuses.
func TestMarks(t *testing.T) {
	one := []uint64{1}
	for _, c := range []struct {
		method Method
		cast   BallotCast
		want   error
	}{
		{YesNo, BallotCast{Choice: "yes"}, nil},
		{YesNo, BallotCast{Choice: "object", Reason: "Harm"}, ErrChoice},
		{YesNo, BallotCast{}, ErrChoice},
		{YesNo, BallotCast{Choice: "yes", Approvals: one}, ErrChoice},
		{ByConsent, BallotCast{Choice: "yes"}, nil},
		{ByConsent, BallotCast{Choice: "no"}, ErrChoice},
		{ByConsent, BallotCast{Choice: "object"}, ErrNoReason},
		{ByConsent, BallotCast{Choice: "object", Reason: " \n\t "}, ErrNoReason},
		{ByConsent, BallotCast{Choice: "object", Reason: "Harm"}, nil},
		{ByConsent, BallotCast{}, ErrChoice},
		{Approval, BallotCast{Choice: "yes"}, ErrChoice},
		{Approval, BallotCast{}, nil},
		{Approval, BallotCast{Ranking: [][]uint64{one}}, ErrChoice},
		{Approval, BallotCast{Approvals: []uint64{3}}, ErrOption},
		{Approval, BallotCast{Approvals: []uint64{1 << 63}}, ErrOption},
		{Approval, BallotCast{Approvals: []uint64{1<<32 + 1}}, ErrOption},
		{Approval, BallotCast{Approvals: []uint64{1, 1}}, ErrTwice},
		{Approval, BallotCast{Approvals: []uint64{1, 0}}, ErrUnsorted},
		{Score, BallotCast{}, ErrLength},
		{Score, BallotCast{Choice: "abstain"}, nil},
		{Score, BallotCast{Choice: "abstain", Scores: []uint64{1, 1, 1}}, ErrChoice},
		{Score, BallotCast{Scores: []uint64{5, 0, 5}}, nil},
		{Score, BallotCast{Scores: []uint64{6, 0, 5}}, ErrScore},
		{Score, BallotCast{Scores: []uint64{5, 0, 5, 0}}, ErrLength},
		{Score, BallotCast{Points: []uint64{5, 0, 5}}, ErrChoice},
		{Schulze, BallotCast{Ranking: [][]uint64{{0, 2}, {1}}}, nil},
		{Schulze, BallotCast{Ranking: [][]uint64{{2, 0}, {1}}}, ErrUnsorted},
		{Schulze, BallotCast{Ranking: [][]uint64{{0}, {}}}, ErrEmptyPlace},
		{Schulze, BallotCast{Ranking: [][]uint64{{0}, {0}}}, ErrTwice},
		{Schulze, BallotCast{Ranking: [][]uint64{{3}}}, ErrOption},
		{Schulze, BallotCast{Approvals: one}, ErrChoice},
		{Runoff, BallotCast{Ranking: [][]uint64{{0, 2}, {1}}}, ErrSharedPlace},
		{Runoff, BallotCast{Ranking: [][]uint64{{2}, {0}}}, nil},
		{STV, BallotCast{Ranking: [][]uint64{{0, 1}}}, ErrSharedPlace},
		{STV, BallotCast{}, nil},
		{Points, BallotCast{Points: []uint64{4, 5, 0}}, nil},
		{Points, BallotCast{Points: []uint64{4, 5, 1}}, ErrPoints},
		{Points, BallotCast{Scores: []uint64{4, 5, 0}}, ErrChoice},
		{PointsQuadratic, BallotCast{Points: []uint64{2, 2, 1}}, nil},
		{PointsQuadratic, BallotCast{Points: []uint64{3, 1, 0}}, ErrPoints},
		{BudgetShares, BallotCast{Approvals: []uint64{0, 2}}, nil},
	} {
		track := trackBy(c.method)
		options := 3
		if f, _ := c.method.form(); f.most == 0 {
			options = 0
		}
		if got := c.cast.check(&track, options); got != c.want {
			t.Errorf("%s %+v: %v, want %v", c.method, c.cast, got, c.want)
		}
	}
}

// TestTheStatusQuoStaysInATie: one for each side is no majority for change, whatever the threshold and
// the lot.
func TestTheStatusQuoStaysInATie(t *testing.T) {
	for _, m := range []Method{Schulze, Runoff} {
		for seed := range byte(20) {
			p := Proposal{Options: []Option{{Name: "A"}, {Name: StatusQuo}}, RollSize: 2}
			p.Rules.Track = trackBy(m)
			p.Rules.Track.Threshold = Threshold{Ratio{1, 3}, false}
			var s State
			s.vote(event.ID{seed}, 1, Ballot{Ranking: [][]uint64{{0}, {1}}})
			s.vote(event.ID{seed}, 2, Ballot{Ranking: [][]uint64{{1}}})
			r := s.Tally(event.ID{seed}, &p)
			if r.Yes != 1 || r.No != 1 || r.Threshold || r.Outcome() != Rejected || r.Selected != nil || !r.Tie {
				t.Errorf("%s: %+v", m, r)
			}
		}
	}
}

// TestRaisesAreWholeUnits: with add1 every vote gets a unit of the currency more, not a hundredth.
func TestRaisesAreWholeUnits(t *testing.T) {
	track := trackBy(BudgetShares)
	var s State
	s.Currency = Currency{"EUR", 2}
	p := Proposal{Options: []Option{{"A", 700}, {"B", 300}}, Budget: 1000, RollSize: 2, Rules: Rules{Track: track}}
	s.vote(event.ID{1}, 1, Ballot{Approvals: []uint64{0}})
	s.vote(event.ID{1}, 2, Ballot{Approvals: []uint64{1}})
	c := s.count(event.ID{1}, &p)
	if r := c.steps.(tally.SharesResult); r.Raises != 2 || c.Spent != 1000 {
		t.Errorf("%d raises, %d spent", r.Raises, c.Spent)
	}
}

// TestLotIsAnOrder: the lot differs between proposals, is fair, and puts the status quo first.
func TestLotIsAnOrder(t *testing.T) {
	var firsts [4]int
	for n := range 200 {
		id := event.ID{byte(n), 1}
		lot := drawLot(id, 4, false)
		if err := lot.Check(4); err != nil {
			t.Fatal(err)
		}
		firsts[slices.Index(lot, 0)]++
		if drawLot(id, 4, true)[3] != 0 {
			t.Fatal("the status quo is not first")
		}
	}
	for option, n := range firsts {
		if n < 25 {
			t.Errorf("option %d came first in %d of 200 lots", option, n)
		}
	}
}

// TestCitiesDecideAsTheyDid counts real elections again and shares out their budgets.
func TestCitiesDecideAsTheyDid(t *testing.T) {
	files, err := filepath.Glob("../pabulib/testdata/*.pb")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d elections: %v", len(files), err)
	}
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		in, err := pabulib.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		p := Proposal{Budget: in.Budget, Rules: Rules{Track: trackBy(BudgetGreedy)}}
		p.Rules.Track.Threshold.Share = Ratio{0, 1}
		for _, project := range in.Projects {
			p.Options = append(p.Options, Option{Name: project.ID, Cost: project.Cost})
		}
		var s State
		for n, b := range in.Ballots {
			var approvals []uint64
			for _, project := range b.Projects {
				approvals = append(approvals, uint64(project))
			}
			slices.Sort(approvals)
			s.vote(event.ID{1}, n, Ballot{Approvals: approvals})
		}
		r := s.Tally(event.ID{1}, &p)
		for i, project := range in.Projects {
			if r.Votes[i] != project.Votes {
				t.Errorf("%s: project %s has %d votes, the city counted %d", name, project.ID, r.Votes[i], project.Votes)
			}
			if got := slices.Contains(r.Selected, uint64(i)); got != project.Selected {
				t.Errorf("%s: project %s is funded %v, the city decided %v", name, project.ID, got, project.Selected)
			}
		}
		t.Logf("%s: %d ballots, %d of %d projects, %d of %d spent", filepath.Base(name), r.Ballots, len(r.Selected), len(r.Votes), r.Spent, in.Budget)
	}
}

// TestWhoStandsAgainstTheStatusQuo: if the status quo wins a runoff, yes and no are about the option
// with most votes beside it, the first by lot of several.
func TestWhoStandsAgainstTheStatusQuo(t *testing.T) {
	for seed := range byte(20) {
		id := event.ID{seed}
		p := Proposal{Options: []Option{{Name: "A"}, {Name: "B"}, {Name: StatusQuo}}, RollSize: 5, Rules: Rules{Track: trackBy(Runoff)}}
		var s State
		for n, ranking := range [][][]uint64{{{2}}, {{2}}, {{2}}, {{0}, {1}}, {{1}, {2}}} {
			s.vote(id, n, Ballot{Ranking: ranking})
		}
		want := uint64(1) // A is above the status quo once, B twice
		if lot := drawLot(id, 3, true); lot[1] < lot[0] {
			want = 2
		}
		if r := s.Tally(id, &p); r.Yes != want || r.Outcome() != Rejected {
			t.Errorf("%+v, want %d yes", r, want)
		}
	}
}

// TestBelowTheThresholdNothingIsBought: nor in equal shares, however much its one voter has to spend.
func TestBelowTheThresholdNothingIsBought(t *testing.T) {
	p := Proposal{Options: []Option{{"A", 5}, {"B", 1}}, Budget: 10, RollSize: 4, Rules: Rules{Track: trackBy(BudgetShares)}}
	p.Rules.Track.Threshold = Threshold{Ratio{1, 2}, false}
	var s State
	for n, approvals := range [][]uint64{{0}, {0}, {0}, {1}} {
		s.vote(event.ID{1}, n, Ballot{Approvals: approvals})
	}
	if r := s.Tally(event.ID{1}, &p); !slices.Equal(r.Selected, []uint64{0}) || r.Spent != 5 {
		t.Errorf("%+v", r)
	}
}

// TestTieIsOfTheFirst: a lot between options that cannot win is no tie of the result; one with the first is.
// The account names the status quo's place in the lot where there is one.
func TestTieIsOfTheFirst(t *testing.T) {
	p := Proposal{Options: []Option{{Name: "A"}, {Name: "B"}, {Name: "C"}}, RollSize: 4, Rules: Rules{Track: trackBy(Approval)}}
	for _, c := range []struct {
		approvals [][]uint64
		want      bool
	}{{[][]uint64{{0}, {0, 1, 2}}, false}, {[][]uint64{{0}, {1}}, true}} {
		var s State
		for n, approvals := range c.approvals {
			s.vote(event.ID{1}, n, Ballot{Approvals: approvals})
		}
		if r := s.Tally(event.ID{1}, &p); r.Tie != c.want {
			t.Errorf("%v: %+v", c.approvals, r)
		}
	}
	for _, m := range []Method{Approval, Schulze} {
		p.Rules.Track = trackBy(m)
		var s State
		s.Proposals.Set(event.ID{1}, p)
		if a, _ := s.Account(event.ID{1}); bytes.Contains([]byte(a.Drawn), []byte("status quo")) != m.HasStatusQuo() {
			t.Errorf("%s: %s", m, a.Drawn)
		}
	}
}

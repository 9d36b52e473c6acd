package governance

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
)

func drawRatio(t *rapid.T, name string) Ratio {
	den := rapid.Uint64Range(1, 12).Draw(t, name+" den")
	return Ratio{rapid.Uint64Range(0, den).Draw(t, name+" num"), den}
}

func drawCount(t *rapid.T) Count {
	roll := rapid.Uint64Range(0, 40).Draw(t, "roll")
	yes := rapid.Uint64Range(0, roll).Draw(t, "yes")
	no := rapid.Uint64Range(0, roll-yes).Draw(t, "no")
	return Count{roll, yes, no, rapid.Uint64Range(0, roll-yes-no).Draw(t, "abstain")}
}

func rat(r Ratio) *big.Rat  { return new(big.Rat).SetFrac64(int64(r.Num), int64(r.Den)) }
func num(n uint64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(n)) }

// TestRatioEqualsBigRationals compares crosswise multiplication with math/big over all 64 bits.
func TestRatioEqualsBigRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Ratio{rapid.Uint64().Draw(t, "num"), rapid.Uint64Min(1).Draw(t, "den")}
		part, whole := rapid.Uint64().Draw(t, "part"), rapid.Uint64().Draw(t, "whole")
		if rapid.Bool().Draw(t, "near") {
			part, whole = r.Num, r.Den
		}
		want := new(big.Int).Mul(new(big.Int).SetUint64(part), new(big.Int).SetUint64(r.Den)).Cmp(
			new(big.Int).Mul(new(big.Int).SetUint64(whole), new(big.Int).SetUint64(r.Num)))
		if got := r.Compare(part, whole); got != want {
			t.Fatalf("%d/%d against %s: %d, want %d", part, whole, r, got, want)
		}
	})
}

// TestQuorumAndThresholdByTheBook computes every share as an exact rational, as the text of a charter
// would read, and the square roots of the biased quorum with 200 bits.
func TestQuorumAndThresholdByTheBook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCount(t)
		share := drawRatio(t, "share")
		over := rapid.Bool().Draw(t, "over")
		votes := c.Yes + c.No
		want := c.Yes > 0
		if want {
			part := new(big.Rat).Quo(num(c.Yes), num(votes))
			want = part.Cmp(rat(share)) > 0 || !over && part.Cmp(rat(share)) == 0
		}
		if got := (Threshold{share, over}).Reached(c); got != want {
			t.Fatalf("threshold %s over %v of %+v: %v", share, over, c, got)
		}
		needed := new(big.Rat).Mul(rat(share), num(c.Roll))
		if got := (Quorum{QuorumTurnout, share}).Reached(c); got != (num(votes+c.Abstain).Cmp(needed) >= 0) {
			t.Fatalf("turnout %s of %+v: %v", share, c, got)
		}
		if got := (Quorum{QuorumForOnly, share}).Reached(c); got != (num(c.Yes).Cmp(needed) >= 0) {
			t.Fatalf("for-only %s of %+v: %v", share, c, got)
		}
		if !(Quorum{QuorumNone, share}).Reached(c) {
			t.Fatal("none asks for something")
		}
		left := new(big.Float).SetPrec(200).SetInt64(int64(c.Yes)) // yes·√turnout against no·√(share·roll)
		left.Mul(left, root(num(votes)))
		right := new(big.Float).SetPrec(200).SetInt64(int64(c.No))
		right.Mul(right, root(needed))
		gap := new(big.Float).Sub(left, right)
		if abs := new(big.Float).Abs(gap); abs.Cmp(big.NewFloat(1e-20)) < 0 {
			gap.SetInt64(0) // equal up to rounding: exact equality is no majority
		}
		if got := (Quorum{QuorumBiased, share}).Reached(c); got != (gap.Sign() > 0) {
			t.Fatalf("turnout-biased %s of %+v: %v", share, c, got)
		}
	})
}

func root(r *big.Rat) *big.Float {
	f := new(big.Float).SetPrec(200).SetRat(r)
	return f.Sqrt(f)
}

// TestNoVoteAgainstEverHelps: with every quorum but turnout, one more vote against never turns a
// refusal into a pass, and one more vote for never the other way (the no-show paradox).
func TestNoVoteAgainstEverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCount(t)
		if c.Yes+c.No+c.Abstain == c.Roll {
			return
		}
		q := Quorum{rapid.SampledFrom([]QuorumKind{QuorumNone, QuorumForOnly, QuorumBiased}).Draw(t, "kind"), drawRatio(t, "share")}
		th := Threshold{drawRatio(t, "threshold"), rapid.Bool().Draw(t, "over")}
		passes := func(c Count) bool { return q.Reached(c) && th.Reached(c) }
		more, less := c, c
		more.Yes++
		less.No++
		if passes(c) && !passes(more) || !passes(c) && passes(less) {
			t.Fatalf("%+v %+v %+v: %v, one more for %v, one more against %v", c, q, th, passes(c), passes(more), passes(less))
		}
	})
	turnout := Quorum{QuorumTurnout, Ratio{1, 2}}
	if turnout.Reached(Count{Roll: 4, Yes: 1}) || !turnout.Reached(Count{Roll: 4, Yes: 1, No: 1}) {
		t.Error("the warning about turnout would be wrong")
	}
}

// TestSuperMajorityApprove holds the biased quorum to Polkadot's published figures: at a turnout of a
// quarter of all, 2/3 must be for; of all, a half.
func TestSuperMajorityApprove(t *testing.T) {
	full := Quorum{QuorumBiased, Ratio{1, 1}}
	for _, c := range []struct {
		Count
		want bool
	}{
		{Count{Roll: 1200, Yes: 200, No: 100}, false},
		{Count{Roll: 1200, Yes: 201, No: 99}, true},
		{Count{Roll: 300, Yes: 150, No: 150}, false},
		{Count{Roll: 300, Yes: 151, No: 149}, true},
		{Count{Roll: 300, Yes: 1}, true},
		{Count{Roll: 300}, false},
	} {
		if got := full.Reached(c.Count); got != c.want {
			t.Errorf("%+v: %v", c.Count, got)
		}
	}
}

// TestOutcome: passing takes both; what was voted against is rejected, and what too few cared for
// expires.
func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		quorum, threshold bool
		yes, no           uint64
		want              Phase
	}{
		{true, true, 3, 1, Grace}, {false, true, 3, 0, Expired}, {true, false, 1, 3, Rejected}, {false, false, 1, 3, Rejected},
		{true, false, 0, 1, Rejected}, {true, false, 1, 0, Rejected}, {true, false, 0, 0, Expired}, {false, false, 0, 0, Expired},
	} {
		r := Result{Quorum: c.quorum, Threshold: c.threshold, Yes: c.yes, No: c.no}
		if got := r.Outcome(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestSelection: options are chosen only by a vote that passes.
func TestSelection(t *testing.T) {
	half := Ratio{1, 2}
	for _, c := range []struct {
		method   Method
		roll     uint64
		budget   uint64
		selected []uint64
		outcome  Phase
	}{
		{Approval, 4, 0, []uint64{1}, Grace},
		{Approval, 5, 0, nil, Expired},
		{BudgetGreedy, 4, 9, []uint64{1}, Grace},
		{BudgetGreedy, 5, 9, nil, Expired},
		{BudgetGreedy, 4, 4, nil, Rejected},
	} {
		id := event.ID{1}
		p := Proposal{Options: []Option{{"A", 5}, {"B", 5}}, Budget: c.budget, RollSize: c.roll}
		p.Rules.Track = Track{Method: c.method, Quorum: Quorum{QuorumTurnout, half}, Threshold: Threshold{half, false}}
		var s State
		s.Ballots.Set(Seat{id, testKey(1).Public()}, Ballot{Approvals: []uint64{0, 1}, Event: event.ID{2}})
		s.Ballots.Set(Seat{id, testKey(2).Public()}, Ballot{Approvals: []uint64{1}, Event: event.ID{3}})
		s.Ballots.Set(Seat{event.ID{2}, testKey(2).Public()}, Ballot{Approvals: []uint64{0}})
		r := s.Tally(id, &p)
		if !slices.Equal(r.Selected, c.selected) || r.Outcome() != c.outcome || r.Ballots != 2 || r.Spent != 5*uint64(len(c.selected))*min(c.budget, 1) {
			t.Errorf("%+v: %+v, %s", c, r, r.Outcome())
		}
	}
}

package governance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sustainy/coop/event"
)

// Format writes an amount of minor units, such as "1234.50 EUR".
func (c Currency) Format(amount uint64) string {
	if c.Decimals == 0 {
		return fmt.Sprintf("%d %s", amount, c.Code)
	}
	unit := uint64(1)
	for range c.Decimals {
		unit *= 10
	}
	return fmt.Sprintf("%d.%0*d %s", amount/unit, int(c.Decimals), amount%unit, c.Code)
}

// Explain tells step by step why a proposal stands where it stands, with every number that decided.
// While the vote is open the numbers are those so far. An unknown proposal has no lines.
func (s *State) Explain(id event.ID) []string {
	p, ok := s.Proposals.Get(id)
	if !ok {
		return nil
	}
	by, _ := s.Members.Get(p.By)
	t := &p.Rules.Track
	lines := []string{
		fmt.Sprintf("%q by %s on track %s (%s), opened %s under charter version %d, rules %x.", p.Title, by.Name, t.Name, t.Method, p.Opened, p.Rules.Charter, p.RuleHash[:4]),
		fmt.Sprintf("Roll: %d may vote, as of the opening, roll %x.", p.RollSize, p.RollHash[:4]),
		fmt.Sprintf("Vote: from %s until before %s; a ballot dated before the end counts if ordered within %s after it.", p.Voting.Start, p.Voting.End, time.Duration(p.Rules.Late)*time.Millisecond),
	}
	if p.Extended > 0 {
		lines = append(lines, fmt.Sprintf("Extended: %d of at most %d times, because the stewards stood still when the vote ended.", p.Extended, MaxExtensions))
	}
	r := p.Result
	if p.Phase == Discussion || p.Phase == Voting {
		r = s.Tally(id, &p)
	}
	if p.Phase != Withdrawn && p.Phase != Discussion {
		lines = append(lines, s.explainCount(&p, &r)...)
	}
	return append(lines, s.explainPhase(&p))
}

func (s *State) explainCount(p *Proposal, r *Result) []string {
	t := &p.Rules.Track
	lines := []string{fmt.Sprintf("Ballots: %d of %d, hash %x.", r.Ballots, p.RollSize, r.Hash[:4])}
	if t.Method == YesNo {
		lines = append(lines, fmt.Sprintf("Count: %d yes, %d no, %d abstain.", r.Yes, r.No, r.Abstain))
	}
	for i, o := range p.Options {
		text := fmt.Sprintf("Option %d, %s: votes %d", i, o.Name, r.Votes[i])
		if t.Method == BudgetGreedy {
			text += ", cost " + s.Currency.Format(o.Cost)
		}
		if slices.Contains(r.Selected, uint64(i)) {
			text += ", selected"
		}
		lines = append(lines, text+".")
	}
	lines = append(lines, "Quorum: "+explainQuorum(t.Quorum, r, p.RollSize)+reached(r.Quorum))
	switch t.Method {
	case YesNo:
		lines = append(lines, fmt.Sprintf("Threshold: %s of yes and no, %d of %d%s", t.Threshold, r.Yes, r.Yes+r.No, reached(r.Threshold)))
	case Approval:
		lines = append(lines, fmt.Sprintf("Threshold: %s of the ballots that don't abstain approve the leading option, %d of %d%s", t.Threshold, r.Yes, r.Yes+r.No, reached(r.Threshold)))
	case BudgetGreedy:
		lines = append(lines, fmt.Sprintf("Threshold: %s of the ballots that don't abstain, %d, approve a project that fits%s", t.Threshold, r.Yes, reached(r.Threshold)))
		if len(r.Selected) > 0 {
			lines = append(lines, fmt.Sprintf("Shared out by votes, most first, what still fits: %s of %s.", s.Currency.Format(r.Spent), s.Currency.Format(p.Budget)))
		}
	}
	return lines
}

func explainQuorum(q Quorum, r *Result, roll uint64) string {
	switch q.Kind {
	case QuorumTurnout:
		return fmt.Sprintf("turnout of at least %s of the roll, %d of %d", q.Share, r.Yes+r.No+r.Abstain, roll)
	case QuorumForOnly:
		return fmt.Sprintf("at least %s of the roll in favour, %d of %d", q.Share, r.Yes, roll)
	case QuorumBiased:
		return fmt.Sprintf("a larger majority below a turnout of %s, yes²·turnout·%d = %d above no²·roll·%d = %d", q.Share,
			q.Share.Den, product(r.Yes, r.Yes, r.Yes+r.No, q.Share.Den), q.Share.Num, product(r.No, r.No, roll, q.Share.Num))
	}
	return "none asked"
}

func reached(ok bool) string {
	if ok {
		return ": reached."
	}
	return ": missed."
}

func (s *State) explainPhase(p *Proposal) string {
	switch p.Phase {
	case Discussion:
		return fmt.Sprintf("In discussion until %s.", p.Voting.Start)
	case Voting:
		return fmt.Sprintf("Voting is open; counted at the first commit from %s on. The count may change.", p.Due)
	case Grace:
		return fmt.Sprintf("Passed at %s; carried out at the first commit from %s on: %s.", p.Result.Closed, p.Due, listKinds(p.Drafts()))
	case Executed:
		return fmt.Sprintf("Passed at %s and carried out at %s: %s.", p.Result.Closed, p.Ended, listKinds(p.Drafts()))
	case Failed:
		return fmt.Sprintf("Passed at %s, but nothing was carried out at %s: %s.", p.Result.Closed, p.Ended, p.Failure)
	case Rejected:
		return fmt.Sprintf("Rejected at %s: the threshold was missed.", p.Ended)
	case Expired:
		return fmt.Sprintf("Expired at %s: it was not voted down, but too few took part.", p.Ended)
	}
	return fmt.Sprintf("Withdrawn at %s, before anybody had voted.", p.Ended)
}

func listKinds(drafts []event.Draft) string {
	if len(drafts) == 0 {
		return "no actions"
	}
	kinds := make([]string, len(drafts))
	for i, d := range drafts {
		kinds[i] = string(d.Kind)
	}
	return strings.Join(kinds, ", ")
}

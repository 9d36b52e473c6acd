package governance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
)

// Format writes an amount of minor units, such as "1234.50 EUR".
func (c Currency) Format(amount uint64) string {
	if c.Decimals == 0 {
		return fmt.Sprintf("%d %s", amount, c.Code)
	}
	unit := c.unit()
	return fmt.Sprintf("%d.%0*d %s", amount/unit, int(c.Decimals), amount%unit, c.Code)
}

// unit is one whole unit in minor units.
func (c Currency) unit() uint64 {
	unit := uint64(1)
	for range c.Decimals {
		unit *= 10
	}
	return unit
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
		fmt.Sprintf("Roll: %d may vote, as of the opening, roll %x.", p.RollSize+p.Silent, p.RollHash[:4]),
	}
	if p.Silent > 0 {
		lines = append(lines, fmt.Sprintf("Silent: %d of them were not heard for %s before the opening, so the quorum is counted of the other %d; who votes counts.", p.Silent, Period(p.Rules.Silence), p.RollSize))
	}
	if p.Voting.End != 0 {
		lines = append(lines, explainSpan(&p))
	}
	lines = append(lines, s.explainGuards(&p)...)
	lines = append(lines, explainShifts(&p)...)
	c := s.count(id, &p)
	switch {
	case p.Concealed():
		lines = append(lines, Concealment)
	case (p.Result.Closed != 0 || p.Phase == Voting) && !p.unfilled():
		lines = append(lines, s.explainCount(&p, c)...)
	}
	lines = append(lines, s.explainDissent(id, &p)...)
	return append(lines, explainPhase(&p, c))
}

func (s *State) explainCount(p *Proposal, r *count) []string {
	t := &p.Rules.Track
	w := t.Method.words()
	lines := []string{fmt.Sprintf("Ballots: %d of %d, hash %x.", r.Ballots, p.RollSize, r.Hash[:4])}
	if r.Chains != [32]byte{} {
		lines = append(lines, fmt.Sprintf("Delegated: %d votes count with the ballots of others, chains %x.", r.Delegated, r.Chains[:4]))
		for _, loss := range r.carried.lost() {
			lines = append(lines, fmt.Sprintf("Delegated and not counted: %d, because the vote %s.", loss.Votes, loss.Why))
		}
	}
	if len(p.Options) == 0 {
		lines = append(lines, fmt.Sprintf("Count: %d %s, %d %s, %d abstain.", r.Yes, w.yes, r.No, w.no, r.Abstain))
	}
	for i, o := range p.Options {
		text := fmt.Sprintf("Option %d, %s: %s %d", i, o.Name, w.votes, r.Votes[i])
		if t.Method == Schulze && i == len(p.Options)-1 {
			text = fmt.Sprintf("Option %d, %s: preferred to the leading option by %d", i, o.Name, r.Votes[i])
		}
		if t.Method.SharesBudget() {
			text += ", cost " + s.Currency.Format(o.Cost)
		}
		if slices.Contains(r.Selected, uint64(i)) {
			text += ", selected"
		}
		if place := slices.Index(r.Standby, uint64(i)); place >= 0 {
			text += fmt.Sprintf(", on standby %d", place+1)
		}
		lines = append(lines, text+".")
	}
	if t.Method.HasStatusQuo() {
		lines = append(lines, fmt.Sprintf("The count puts %s first.", p.Options[r.first].Name))
	}
	if r.Tie {
		lines = append(lines, "Options were equal on the way, and the lot decided: SHA-256 of the proposal's id and the option's number.")
	}
	lines = append(lines, "Quorum: "+explainQuorum(t.Quorum, r.Yes, r.No, r.Abstain, p.RollSize)+reached(r.Quorum))
	switch {
	case t.Method.SharesBudget():
		lines = append(lines, fmt.Sprintf("Threshold: %s of the ballots that don't abstain, %d, approve a project that fits%s", t.Threshold, r.Yes, reached(r.Threshold)))
		if len(r.Selected) > 0 {
			lines = append(lines, fmt.Sprintf("Shared out %s: %s of %s.", w.yes, s.Currency.Format(r.Spent), s.Currency.Format(p.Budget)))
		}
	case t.Method.HasStatusQuo() && r.first == len(p.Options)-1:
		lines = append(lines, fmt.Sprintf("Threshold: the status quo wins, %d of %d prefer the best other option to it: missed.", r.Yes, r.Yes+r.No))
	default:
		lines = append(lines, fmt.Sprintf("Threshold: %s %s, %d of %d%s", t.Threshold, w.of, r.Yes, r.Yes+r.No, reached(r.Threshold)))
	}
	return append(lines, explainChambers(p, &r.Result)...)
}

// Measure says what an option's votes are: "votes", "points" and the like.
func (m Method) Measure() string { return m.words().votes }

// words are how an explanation speaks of a method: of yes and no, of an option's votes, and of what the
// threshold is a share.
type words struct{ yes, no, votes, of string }

// yesOr and noOr are the words for the sides, or others where the method has none.
func (w words) yesOr(other string) string { return cmp.Or(w.yes, other) }
func (w words) noOr(other string) string  { return cmp.Or(w.no, other) }

func (m Method) words() words {
	switch m {
	case ByConsent:
		return words{"consent", "object", "", "of those who take sides consent"}
	case Approval:
		return words{"", "", "votes", "of the ballots that don't abstain approve the leading option"}
	case Score:
		return words{"", "", "sum of scores", "of the ballots that give the leading option more or less than half of the highest score give it more"}
	case Schulze:
		return words{"", "", "preferred to the status quo by", "of the ballots that set the leading option and the status quo apart put it above"}
	case Runoff:
		return words{"", "", "first preferences", "of the ballots that set the leading option and the status quo apart put it above"}
	case STV:
		return words{"", "", "first preferences", "of the ballots that don't abstain rank somebody"}
	case Points, PointsQuadratic:
		return words{"", "", "points", "of the ballots that don't abstain give the leading option a point"}
	case BudgetGreedy:
		return words{"by votes, most first, what still fits", "", "votes", ""}
	case BudgetShares:
		return words{"in equal shares", "", "votes", ""}
	}
	return words{"yes", "no", "", "of yes and no"}
}

func explainQuorum(q Quorum, yes, no, abstain, roll uint64) string {
	switch q.Kind {
	case QuorumTurnout:
		return fmt.Sprintf("turnout of at least %s of the roll, %d of %d", q.Share, yes+no+abstain, roll)
	case QuorumForOnly:
		return fmt.Sprintf("at least %s of the roll in favour, %d of %d", q.Share, yes, roll)
	case QuorumBiased:
		return fmt.Sprintf("a larger majority below a turnout of %s, yes²·turnout·%d = %d above no²·roll·%d = %d", q.Share,
			q.Share.Den, product(yes, yes, yes+no, q.Share.Den), q.Share.Num, product(no, no, roll, q.Share.Num))
	}
	return "none asked"
}

func reached(ok bool) string {
	if ok {
		return ": reached."
	}
	return ": missed."
}

// whyRejected tells what voted a proposal down.
func whyRejected(p *Proposal, c *count) string {
	if c.Unconfirmed {
		return fmt.Sprintf("it would have passed, but what led had not led for %s at the end, and the vote had been extended as often as it may be", lasting(p.Rules.Track.AntiSniping.Window))
	}
	if p.Rules.Track.Method.HasStatusQuo() && c.first == len(p.Options)-1 {
		return "the status quo won"
	}
	if c.Threshold {
		for i, r := range c.Chambers {
			if !r.Threshold && r.Yes+r.No > 0 {
				return "the chamber " + p.Rules.Track.Chambers[i].Class + " voted it down"
			}
		}
	}
	return "the threshold was missed"
}

func explainPhase(p *Proposal, c *count) string {
	switch p.Phase {
	case Sponsoring:
		return fmt.Sprintf("Waiting for sponsors until %s; without %d of them it lapses.", p.Until, p.Rules.Track.Cosponsors)
	case Lapsed:
		return fmt.Sprintf("Lapsed at %s, because too few members sponsored it.", p.Ended)
	case Vetoed:
		return fmt.Sprintf("Passed at %s and vetoed at %s: nothing was carried out.", p.Result.Closed, p.Ended)
	case Discussion:
		return fmt.Sprintf("In discussion until %s.", p.Voting.Start)
	case Voting:
		return fmt.Sprintf("Voting is open; counted at the first commit from %s on. The count may change.", p.Voting.End+p.Rules.Late)
	case Grace:
		return fmt.Sprintf("Passed at %s; carried out at the first commit from %s on: %s.", p.Result.Closed, p.Due, listKinds(p.Drafts()))
	case Executed:
		return fmt.Sprintf("Passed at %s and carried out at %s: %s.", p.Result.Closed, p.Ended, listKinds(p.Drafts()))
	case Failed:
		return fmt.Sprintf("Passed at %s, but nothing was carried out at %s: %s.", p.Result.Closed, p.Ended, p.Failure)
	case Rejected:
		return fmt.Sprintf("Rejected at %s: %s.", p.Ended, whyRejected(p, c))
	case Expired:
		if p.unfilled() {
			return fmt.Sprintf("Expired at %s, when the vote should have opened: fewer members stood for steward than the %d seats.", p.Ended, p.Rules.Track.Seats)
		}
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

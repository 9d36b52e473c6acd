package governance

import (
	"fmt"
	"slices"

	"github.com/sustainy/coop/delegation"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Invariants looks for anything in the state that no sequence of events may lead to, and counts every
// vote again. It reads everything: for tests, for the simulator and for a member who doubts.
func (s *State) Invariants() []error {
	var broken []error
	report := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Errorf("governance: invariant: "+format, args...))
		}
	}
	report(s.Charter.Validate() == nil, "the charter is not valid")
	s.checkMembers(report)
	s.checkOffice(report)
	for id, p := range table.All(&s.Proposals) {
		s.checkProposal(id, &p, report)
	}
	for due := range table.All(&s.Agenda) {
		p, ok := s.Proposals.Get(due.Proposal)
		report(ok && p.Due == due.At, "the agenda has %s at %d, which is not so", due.Proposal, due.At)
		report(due.At > s.Time, "what was due at %d is not done at %d", due.At, s.Time)
	}
	for seat, b := range table.All(&s.Ballots) {
		p, ok := s.Proposals.Get(seat.Proposal)
		report(ok, "a ballot on no proposal: %s", seat.Proposal)
		cast := BallotCast{Choice: string(b.Choice), Approvals: b.Approvals, Ranking: b.Ranking, Scores: b.Scores, Points: b.Points, Reason: b.Reason}
		report(cast.check(&p.Rules.Track, len(p.Options)) == nil && b.Cast >= p.Voting.Start && b.Cast < p.Voting.End+p.Rules.Late, "a ballot that cannot count, on %s", seat.Proposal)
	}
	for seat := range table.All(&s.Vetoes) {
		p, ok := s.Proposals.Get(seat.Proposal)
		report(ok && p.Rules.Track.Veto.Members > 0 && p.Result.Outcome() == Grace, "a veto of what has not passed or cannot be vetoed, %s", seat.Proposal)
	}
	for seat := range table.All(&s.Exits) {
		p, ok := s.Proposals.Get(seat.Proposal)
		b, _ := s.Ballots.Get(seat)
		report(ok && p.Result.Outcome() == Grace && b.Choice != Yes, "an exit over what has not passed, or of one who wanted it, %s", seat.Proposal)
	}
	s.checkMandates(report)
	s.checkAnswers(report)
	for panel, j := range table.All(&s.Juries) {
		err := s.VerifyJury(panel)
		report(err == nil, "the jury %q of %s is not what was drawn: %v", panel.Name, panel.By, err)
		report((!j.Drawn && j.Ended == 0) == s.Undrawn.Has(panel), "the jury %q of %s waits for its seed, or doesn't", panel.Name, panel.By)
	}
	for panel := range table.All(&s.Undrawn) {
		report(s.Juries.Has(panel), "a jury waits that nobody called: %q of %s", panel.Name, panel.By)
	}
	for item, a := range table.All(&s.Allocations) {
		p, ok := s.Proposals.Get(item.Proposal)
		report(ok && p.Phase == Executed && a.Amount > 0, "an allocation by %s, which is %q", item.Proposal, p.Phase)
	}
	return broken
}

func (s *State) checkMembers(report func(bool, string, ...any)) {
	s.checkCalendar(report)
	s.checkClasses(report)
	devices := s.checkDevices(report)
	candidates := uint64(0)
	for key, m := range table.All(&s.Members) {
		n, _ := devices.Get(key)
		report(n == m.Devices && n >= 1 && n <= MaxDevices, "member %s has %d devices, not %d", key, n, m.Devices)
		own, ok := s.Devices.Get(key)
		report(ok && own.Member == key, "member %s is not named by a device of theirs", key)
		report(distinct(m.Sponsors) && !slices.Contains(m.Sponsors, key), "member %s is sponsored twice or by themselves", key)
		if m.Status == StatusCandidate {
			candidates++
		}
	}
	report(candidates == s.Candidates, "%d candidates wait, not %d", candidates, s.Candidates)
}

func (s *State) checkProposal(id event.ID, p *Proposal, report func(bool, string, ...any)) {
	report(p.RuleHash == p.Rules.Hash(), "the rules of %s have changed", id)
	_, listed := s.Agenda.Get(Due{p.Due, id})
	switch p.Phase {
	case Discussion, Voting:
		report(p.Due == p.next() && p.Result.Closed == 0, "%s is under way and closed", id)
		for member := range s.BallotsOn(id) {
			m, ok := p.Roll.Get(member)
			report(ok && p.onRoll(m), "a ballot on %s of one who may not vote: %s", id, member)
		}
	case Sponsoring, Lapsed:
		report(uint64(len(p.Sponsors)) < p.Rules.Track.Cosponsors && p.Voting == Span{}, "%s waits for sponsors that it has", id)
	case Grace, Executed, Failed, Rejected, Expired, Vetoed:
		again := s.Tally(id, p)
		again.Closed = p.Result.Closed
		report(fmt.Sprint(again) == fmt.Sprint(p.Result), "counting %s again gives another result", id)
		passed := p.Phase == Grace || p.Phase == Executed || p.Phase == Failed || p.Phase == Vetoed
		report((p.Result.Outcome() == Grace) == passed, "%s is %s against its result", id, p.Phase)
		report(p.Result.Ballots+p.Result.Delegated <= p.RollSize, "%s has too many ballots", id)
		early := p.shifted(CauseEarly) > 0
		report(p.Result.Closed >= p.Voting.End+p.Rules.Late || early && s.decided(id, p) || p.unfilled(), "%s was closed early", id)
	case Withdrawn:
		for range s.BallotsOn(id) {
			report(false, "%s was withdrawn after a ballot", id)
		}
	default:
		report(false, "%s is in the unknown phase %q", id, p.Phase)
	}
	report(listed == p.Phase.UnderWay(), "%s is %s and its place in the agenda is wrong", id, p.Phase)
	if p.Phase.UnderWay() {
		s.checkRoll(id, p, report)
	}
	s.checkDissent(id, p, report)
	a := p.Rules.Track.AntiSniping
	report(p.shifted(CauseStall) <= MaxExtensions && p.shifted(Cause(a.Rule)) <= a.Times, "%s was extended too often", id)
	if _, stirred := slices.BinarySearchFunc(s.Stirred, id, event.ID.Compare); p.Lead.Watched && !stirred && p.shifted(CauseEarly) == 0 && s.Mandates.Len() == 0 {
		lead := s.recount(id, p).leads()
		report(lead.Passes == p.Lead.Passes && slices.Equal(lead.Selected, p.Lead.Selected), "something else leads in %s than was noted", id)
	}
	if p.Phase == Executed && p.Rules.Track.Method.SharesBudget() {
		s.checkFunding(id, p, report)
	}
}

// checkDissent counts vetoes, exits and sponsors again.
func (s *State) checkDissent(id event.ID, p *Proposal, report func(bool, string, ...any)) {
	vetoes, exits := uint64(0), uint64(0)
	for range s.VetoesOn(id) {
		vetoes++
	}
	for range s.ExitsOver(id) {
		exits++
	}
	v := p.Rules.Track.Veto
	report(vetoes == p.Vetoes && exits == p.Exits, "%d vetoes and %d exits over %s, not %d and %d", vetoes, exits, id, p.Vetoes, p.Exits)
	report((p.Phase == Vetoed) == (v.Members > 0 && p.Vetoes >= v.Members) && (v.Times == 0 || p.Attempt < v.Times || p.Vetoes == 0), "%s is %s with %d vetoes", id, p.Phase, p.Vetoes)
	report(distinct(p.Sponsors) && !slices.Contains(p.Sponsors, p.By) && uint64(len(p.Sponsors)) <= p.Rules.Track.Cosponsors, "%s is sponsored twice or by who opened it", id)
	report(uint64(len(p.Sponsors)) == p.Rules.Track.Cosponsors || p.Phase == Sponsoring || p.Phase == Lapsed || p.Phase == Withdrawn, "%s is %s without its sponsors", id, p.Phase)
}

// checkMandates expects mandates that could be given, of members.
func (s *State) checkMandates(report func(bool, string, ...any)) {
	many := table.Table[identity.PublicKey, uint64]{}
	for remit, m := range table.All(&s.Mandates) {
		n, _ := many.Get(remit.Member)
		many.Set(remit.Member, n+1)
		giver, ok := s.Members.Get(remit.Member)
		report(ok && giver.Status != StatusLeft && giver.Status != StatusExpelled && n < delegation.MaxMandates, "%s is no member and delegates, or delegates too much", remit.Member)
		report(remit.About.one() && m.Given <= m.Confirmed && m.Confirmed <= s.Time, "%s delegates without a sense", remit.Member)
		group := uint64(len(m.To.Members))
		report(!slices.Contains(m.To.Members, remit.Member) && group <= delegation.MaxGroup && (group < 2 || m.To.Threshold <= group && 2*m.To.Threshold > group),
			"%s delegates to a group that could say two things, or to themselves", remit.Member)
	}
}

// checkAnswers asks all programs again.
func (s *State) checkAnswers(report func(bool, string, ...any)) {
	for id, prog := range table.All(&s.Programs) {
		report((prog.Checked == nil) == (prog.Withdrawn != 0) && prog.Withdrawn <= s.Time, "the program %s is withdrawn and not", id)
		report(prog.ready().Source() == prog.Source && prog.ready().Worst() == prog.Worst, "the program %s is not what was published", id)
	}
	for asked, a := range table.All(&s.Answers) {
		p, decided := s.Proposals.Get(asked.Proposal)
		prog, published := s.Programs.Get(asked.Program)
		report(decided && published && p.over(), "the program %s was asked about %s, which is not decided", asked.Program, asked.Proposal)
		report(published && fmt.Sprint(s.run(asked.Proposal, &p, &prog)) == fmt.Sprint(a), "asking the program %s about %s again gives another answer", asked.Program, asked.Proposal)
	}
}

// checkFunding expects one allocation of its cost for each funded project, within the budget.
func (s *State) checkFunding(id event.ID, p *Proposal, report func(bool, string, ...any)) {
	sum := uint64(0)
	for _, n := range p.Result.Selected {
		a, ok := s.Allocations.Get(Item{id, n})
		report(ok && a.Amount == p.Options[n].Cost, "project %d of %s was not funded as decided", n, id)
		sum += a.Amount
	}
	report(sum == p.Result.Spent && sum <= p.Budget, "%s shares out %d of %d", id, sum, p.Budget)
}

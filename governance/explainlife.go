package governance

import (
	"fmt"
	"strings"
	"time"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Concealment is what is told of a vote that is hidden until its close.
const Concealment = "Counts and ballots are not shown before the close. This is a custom that programs keep and no secret: whoever reads the events of the cooperative can count."

// Concealed tells whether the counts and ballots are not to be shown yet.
func (p *Proposal) Concealed() bool { return p.Rules.Track.Hidden && p.Phase == Voting }

// explainSpan tells when ballots count.
func explainSpan(p *Proposal) string {
	if p.shifted(CauseEarly) > 0 {
		return fmt.Sprintf("Vote: from %s to %s, when it was decided.", p.Voting.Start, p.Voting.End)
	}
	return fmt.Sprintf("Vote: from %s until before %s; a ballot dated before the end counts if ordered within %s after it.", p.Voting.Start, p.Voting.End, lasting(p.Rules.Late))
}

// explainGuards tells by which rules the proposal is guarded, and who sponsors it.
func (s *State) explainGuards(p *Proposal) (lines []string) {
	if t := &p.Rules.Track; t.Cosponsors > 0 {
		text := fmt.Sprintf("Sponsors besides the proposer: %d of %d", len(p.Sponsors), t.Cosponsors)
		for i, key := range p.Sponsors {
			text += []string{": ", ", "}[min(i, 1)] + s.name(key)
		}
		lines = append(lines, text+".")
	}
	a := p.Rules.Track.AntiSniping
	if a.Rule == Confirm {
		lines = append(lines, fmt.Sprintf("Confirmation: if what leads changes when less than %s is left, the vote goes on for that long, at most %s; nothing passes that has not led so long at the end.", lasting(a.Window), times(a.Times)))
	}
	if a.Rule == Quiet {
		lines = append(lines, fmt.Sprintf("Quiet: if what leads changes when less than %s is left, the vote goes on for that long, at most %s.", lasting(a.Window), times(a.Times)))
	}
	if p.Rules.Track.Early {
		lines = append(lines, "Early decision: ballots are final, and the vote ends once no ballot that is out could change the outcome.")
	}
	return lines
}

// times counts repetitions in words.
func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func lasting(t event.Time) time.Duration { return time.Duration(t) * time.Millisecond }

// explainShifts tells how the deadlines were shifted, one by one.
func explainShifts(p *Proposal) (lines []string) {
	for i, x := range p.Shifts {
		what := "The end of the vote"
		if x.Phase != Discussion && x.Phase != Voting {
			what = "The end of the " + string(x.Phase)
		}
		n := 0
		for _, y := range p.Shifts[:i+1] {
			if y.Cause == x.Cause {
				n++
			}
		}
		why := fmt.Sprintf("the stewards stood still around it until then (%d of at most %d times)", n, MaxExtensions)
		switch x.Cause {
		case CauseConfirm, CauseQuiet:
			a := p.Rules.Track.AntiSniping
			why = fmt.Sprintf("what leads had changed when less than %s was left (%d of at most %s)", lasting(a.Window), n, times(a.Times))
		case CauseEarly:
			why = "no ballot that was still out could change the outcome"
		}
		lines = append(lines, fmt.Sprintf("%s moved at %s from %s to %s: %s.", what, x.At, x.From, x.To, why))
	}
	return lines
}

// explainDissent tells who stopped a decision, or left because of it.
func (s *State) explainDissent(id event.ID, p *Proposal) (lines []string) {
	t := &p.Rules.Track
	if p.Attempt > 0 {
		lines = append(lines, fmt.Sprintf("The same was vetoed %s before.", times(p.Attempt)))
	}
	if p.Phase == Grace && t.Veto.Members > 0 {
		switch {
		case p.vetoSpent():
			lines = append(lines, "Veto: it was used as often as the charter allows, so this stands.")
		default:
			lines = append(lines, fmt.Sprintf("Veto: %d of the %d members that it takes, of %s.", p.Vetoes, t.Veto.Members, t.Veto.whose()))
		}
	}
	for member, v := range s.VetoesOn(id) {
		lines = append(lines, fmt.Sprintf("Vetoed by %s: %s", s.name(member), v.Reason))
	}
	for member := range s.ExitsOver(id) {
		lines = append(lines, fmt.Sprintf("%s left because of this.", s.name(member)))
	}
	return lines
}

func (s *State) name(member identity.PublicKey) string {
	m, _ := s.Members.Get(member)
	return m.Name
}

// whose tells who has the veto.
func (v *Veto) whose() string {
	if len(v.Classes) == 0 {
		return "all who may vote"
	}
	return strings.Join(v.Classes, ", ")
}

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/governance"
)

func (a *app) proposalSponsorCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "sponsor PROPOSAL",
		Short: "Support a proposal that waits for sponsors, so that the members discuss it",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		p, err := a.proposalBy(cmd, args[0], true)
		if err != nil {
			return act{}, err
		}
		return act{governance.KindProposalSponsor, governance.ProposalSponsor{Proposal: p.ID},
			fmt.Sprintf("sponsor the proposal %q by %s", p.Title, oneLine(p.ByName))}, nil
	})
}

func (a *app) proposalVetoCommand() *cobra.Command {
	var reason string
	cmd := a.signs(&cobra.Command{
		Use:   "veto PROPOSAL --reason WHY",
		Short: "Stop what has passed before it is carried out, where the charter gives you a part in that",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		p, err := a.proposalBy(cmd, args[0], true)
		if err != nil {
			return act{}, err
		}
		return act{governance.KindProposalVeto, governance.ProposalVeto{Proposal: p.ID, Reason: reason},
			fmt.Sprintf("veto the proposal %q, because: %s", p.Title, oneLine(reason))}, nil
	})
	cmd.Flags().StringVar(&reason, "reason", "", "what must change, for all members to read")
	return cmd
}

func (a *app) proposalExitCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "exit PROPOSAL",
		Short: "Leave the cooperative because of what has passed, before it is carried out and binds you",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		p, err := a.proposalBy(cmd, args[0], true)
		if err != nil {
			return act{}, err
		}
		return act{governance.KindProposalExit, governance.ProposalExit{Proposal: p.ID},
			fmt.Sprintf("leave the cooperative because of %q", p.Title)}, nil
	})
}

// quorumOf tells how far the quorum of all is.
func quorumOf(p *coop.ProposalView) string {
	switch {
	case p.Hidden != "":
		return "hidden"
	case p.Rules.Quorum.Kind == governance.QuorumNone:
		return "none asked"
	case p.Missing > 0:
		return fmt.Sprintf("%d more", p.Missing)
	}
	return reached(p.Tally.Quorum)
}

// ballotsOf tells how many votes count, delegated ones among them.
func ballotsOf(p *coop.ProposalView) string {
	if p.Hidden != "" {
		return "hidden"
	}
	return fmt.Sprintf("%d/%d", p.Tally.Ballots+p.Tally.Delegated, p.Roll)
}

// lifeFields are what a person sees of a proposal's life besides its count.
func (a *app) lifeFields(p *coop.ProposalView) []field {
	names := func(members []coop.MemberName) (words []string) {
		for _, m := range members {
			words = append(words, m.Name)
		}
		return words
	}
	var sponsors string
	if p.Rules.Cosponsors > 0 {
		sponsors = strings.TrimSuffix(fmt.Sprintf("%d of %d: %s", len(p.Sponsors), p.Rules.Cosponsors, strings.Join(names(p.Sponsors), ", ")), ": ")
	}
	var chambers, shifts, vetoes []string
	for _, c := range p.Chambers {
		chambers = append(chambers, fmt.Sprintf("%s: %d of %d, %d for, %d against; quorum %s, threshold %s", c.Class, c.Yes+c.No+c.Abstain, c.Roll, c.Yes, c.No, reached(c.Quorum), reached(c.Threshold)))
	}
	if len(p.Chambers) > 1 {
		chambers = append(chambers, fmt.Sprintf("in more than one: %d of the roll", p.Shared))
	}
	for _, x := range p.Shifts {
		shifts = append(shifts, fmt.Sprintf("%s: from %s to %s", causeInWords(x.Cause), a.ago(x.From), a.ago(x.To)))
	}
	if len(p.Vetoes) > 0 {
		vetoes = append(vetoes, fmt.Sprintf("%d of the %d that it takes", len(p.Vetoes), p.Rules.Veto.Members))
	}
	for _, v := range p.Vetoes {
		vetoes = append(vetoes, v.Name+": "+oneLine(v.Reason))
	}
	return []field{{"sponsors", sponsors}, {"chambers", strings.Join(chambers, "\n")}, {"deadline moved", strings.Join(shifts, "\n")},
		{"vetoes", strings.Join(vetoes, "\n")}, {"left because of it", strings.Join(names(p.Exits), ", ")}}
}

func causeInWords(c governance.Cause) string {
	switch c {
	case governance.CauseStall:
		return "the stewards stood still"
	case governance.CauseConfirm, governance.CauseQuiet:
		return "what leads had changed shortly before the end"
	case governance.CauseEarly:
		return "no ballot that was out could change it"
	}
	return string(c)
}

// guardsInWords tells how a track guards the life of a proposal.
func guardsInWords(t governance.Track) string {
	var words []string
	say := func(when bool, format string, args ...any) {
		if when {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	say(t.Cosponsors > 0, "%s within %s", coop.Plural(t.Cosponsors, "co-sponsor", "co-sponsors"), millis(t.Gathering))
	for _, c := range t.Chambers {
		quorum := ""
		if c.Quorum.Kind != governance.QuorumNone {
			quorum = fmt.Sprintf(", quorum %s %s", c.Quorum.Kind, c.Quorum.Share)
		}
		say(true, "chamber %s: %s%s", c.Class, c.Threshold, quorum)
	}
	say(t.Early, "ends when nothing can change the outcome")
	say(t.Hidden, "hidden until the close")
	a := t.AntiSniping
	say(a.Rule == governance.Confirm, "what leads must hold for the last %s, up to %s", millis(a.Window), coop.Plural(a.Times, "extension", "extensions"))
	say(a.Rule == governance.Quiet, "goes on for %s when the lead changes in the last %s, up to %s", millis(a.Window), millis(a.Window), coop.Plural(a.Times, "time", "times"))
	if v := t.Veto; v.Members > 0 {
		whose := "voters"
		if len(v.Classes) > 0 {
			whose = strings.Join(v.Classes, " or ")
		}
		say(true, "veto by %d %s", v.Members, whose)
	}
	if len(words) == 0 {
		return ""
	}
	return "; " + strings.Join(words, "; ")
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/governance"
)

func (a *app) proposalCommand() *cobra.Command {
	return group(&cobra.Command{Use: "proposal", Short: "List, show and explain proposals; sponsor, withdraw or veto one"},
		a.proposalListCommand(), a.proposalShowCommand(), a.proposalExplainCommand(), a.proposalWithdrawCommand(), a.proposalSponsorCommand(), a.proposalVetoCommand(),
		a.proposalExitCommand())
}

func (a *app) proposalListCommand() *cobra.Command {
	var phase string
	var open bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List proposals, what ends soonest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := get[[]coop.ProposalView](a, cmd, "proposals")
			if err != nil {
				return err
			}
			type view = coop.ProposalView
			all = slices.DeleteFunc(all, func(p view) bool {
				return phase != "" && string(p.Phase) != phase || open && p.Due == 0
			})
			slices.SortStableFunc(all, byUrgency)
			return list(a, all, func(p view) string { return p.ID.String() },
				column[view]{name: "id", text: func(p view) string { return a.ending(p.ID.String()) }},
				column[view]{name: "phase", text: func(p view) string { return string(p.Phase) }},
				column[view]{name: "title", text: func(p view) string { return p.Title }},
				column[view]{name: "track", text: func(p view) string { return p.Track }},
				column[view]{name: "votes", text: func(p view) string { return ballotsOf(&p) }},
				column[view]{name: "quorum", text: func(p view) string { return quorumOf(&p) }},
				column[view]{name: "result", text: resultOf},
				column[view]{name: "deadline", text: func(p view) string { return a.ago(p.Deadline) }})
		},
	}
	cmd.Flags().StringVar(&phase, "phase", "", "only these: sponsoring, discussion, voting, grace, executed, failed, rejected, expired, withdrawn, vetoed, lapsed")
	cmd.Flags().BoolVar(&open, "open", false, "only those under way")
	return cmd
}

// byUrgency puts what is under way first, by when something happens, then the rest, latest first.
func byUrgency(p, q coop.ProposalView) int {
	switch {
	case (p.Due == 0) != (q.Due == 0):
		if p.Due == 0 {
			return 1
		}
		return -1
	case p.Due != q.Due:
		return int(min(max(int64(p.Due)-int64(q.Due), -1), 1))
	}
	return int(min(max(int64(q.Ended)-int64(p.Ended), -1), 1))
}

// resultOf sums a count up.
func resultOf(p coop.ProposalView) string {
	if p.Hidden != "" {
		return "hidden"
	}
	switch p.Method {
	case governance.YesNo:
		return fmt.Sprintf("%d yes, %d no, %d abstain", p.Tally.Yes, p.Tally.No, p.Tally.Abstain)
	case governance.ByConsent:
		return fmt.Sprintf("%d consent, %d object, %d abstain", p.Tally.Yes, p.Tally.No, p.Tally.Abstain)
	}
	var chosen []string
	for _, o := range p.Options {
		if o.Selected {
			chosen = append(chosen, o.Name)
		}
	}
	if len(chosen) == 0 {
		return "nothing chosen"
	}
	return strings.Join(chosen, ", ")
}

func (a *app) proposalShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show PROPOSAL",
		Short: "Show a proposal with its rules, count and ballots",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.proposalBy(cmd, args[0], false)
			if err != nil {
				return err
			}
			var options, ballots []string
			for _, o := range p.Options {
				if p.Hidden != "" {
					options = append(options, fmt.Sprintf("%d: %s", o.Number, o.Name))
					continue
				}
				options = append(options, optionLine(&p, o))
			}
			for _, b := range p.Ballots {
				ballots = append(ballots, ballotLine(b))
			}
			fields := []field{{"id", p.ID.String()}, {"title", p.Title}, {"by", p.ByName}, {"phase", string(p.Phase)},
				{"track", p.Track + " (" + p.Rules.HowCounted() + ")"}, {"opened", a.ago(p.Opened)}, {"voting from", a.ago(p.Voting.Start)}, {"voting until", a.ago(p.Voting.End)},
				{"deadline", a.ago(p.Deadline)}, {"next step", a.ago(p.Due)}, {"ended", a.ago(p.Ended)}, {"failure", p.Failure},
				{"text", p.Text}, {"tags", strings.Join(p.Tags, ",")}, {"options", strings.Join(options, "\n")},
				{"if it passes", strings.Join(p.Actions, "\n")}, {"may vote", fmt.Sprint(p.Roll + p.Silent)}, {"hidden", p.Hidden}, {"result", resultOf(p)}, {"quorum", quorumOf(&p)}}
			if p.Hidden == "" {
				fields = append(fields, field{"threshold", reached(p.Tally.Threshold)}, field{"lot", lotOf(p.Tally)}, field{"delegated", delegatedOf(p.Tally)})
			}
			fields = append(fields, a.lifeFields(&p)...)
			return a.show(p, p.ID.String(), append(fields, field{"ballots", strings.Join(ballots, "\n")})...)
		},
	}
}

func lotOf(t coop.TallyView) string {
	if t.Tie {
		return "options were equal on the way, and the lot decided"
	}
	return ""
}

func delegatedOf(t coop.TallyView) string {
	if t.Delegated == 0 {
		return ""
	}
	return coop.Plural(t.Delegated, "vote counts", "votes count") + " with the ballot of another: coop delegate show --proposal tells whose"
}

func reached(is bool) string {
	if is {
		return "reached"
	}
	return "not reached"
}

func ballotLine(b coop.BallotView) string {
	text := b.Name + ": " + b.Says
	if b.Reason != "" {
		text += " (" + oneLine(b.Reason) + ")"
	}
	return text
}

// optionLine is an option with what it has so far, in its method's measure.
func optionLine(p *coop.ProposalView, o coop.OptionView) string {
	text := fmt.Sprintf("%d: %s, ", o.Number, o.Name)
	switch measure := p.Method.Measure(); {
	case measure == "votes":
		text += coop.Plural(o.Votes, "vote", "votes")
	case p.Method == governance.Schulze && o.Number == uint64(len(p.Options)-1):
		text += fmt.Sprintf("preferred to the leading option by %d", o.Votes)
	default:
		text += fmt.Sprintf("%s %d", measure, o.Votes)
	}
	if o.Selected {
		text += ", selected"
	}
	return text
}

// proposalBy finds a proposal by what people type. provisional looks at all that is known, not only
// at what is final.
func (a *app) proposalBy(cmd *cobra.Command, text string, provisional bool) (p coop.ProposalView, err error) {
	client, err := a.client()
	if err != nil {
		return p, err
	}
	path := daemon.Path("coops", a.coop, "proposals", text)
	if provisional {
		path += "?provisional=1"
	}
	err = client.Get(cmd.Context(), path, &p)
	return p, err
}

func (a *app) proposalWithdrawCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "withdraw PROPOSAL",
		Short: "Take your proposal back, before anybody has voted",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		p, err := a.proposalBy(cmd, args[0], true)
		if err != nil {
			return act{}, err
		}
		return act{governance.KindProposalWithdraw, governance.ProposalWithdraw{Proposal: p.ID}, fmt.Sprintf("withdraw the proposal %q", p.Title)}, nil
	})
}

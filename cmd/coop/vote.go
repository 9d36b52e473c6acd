package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
)

// marks are what the flags of coop vote say about options.
type marks struct{ approve, rank, score, points string }

// joined is a flag that may be repeated: what it says comes after what it said before. To keep the last alone, as
// other flags do, would change a ballot without a word.
type joined struct {
	text *string
	with string
}

func (j joined) String() string {
	if j.text == nil {
		return ""
	}
	return *j.text
}

func (j joined) Type() string { return "string" }

// Set adds what is said.
func (j joined) Set(text string) error {
	if *j.text != "" {
		*j.text += j.with
	}
	*j.text += text
	return nil
}

func (a *app) voteCommand() *cobra.Command {
	var sign signFlags
	var m marks
	var reason string
	cmd := &cobra.Command{
		Use:   "vote PROPOSAL [yes|no|object|abstain]",
		Short: "Vote on a proposal, or change your vote while that is allowed",
		Long: `Vote on a proposal, or change your vote while that is allowed. PROPOSAL is its title, or the beginning or end of its
id. How, depends on its method:

  yes or no             coop vote PROPOSAL yes
  consent               coop vote PROPOSAL object --reason 'It shades the beds'
  approval, a budget    coop vote PROPOSAL --approve Oak,Elm
  schulze, runoff, stv  coop vote PROPOSAL --rank 'Oak > Elm = Ash > Status quo'
  score                 coop vote PROPOSAL --score Oak=5,Elm=2
  points                coop vote PROPOSAL --points Oak=3,Elm=1

An option is named by its number, its name, or a beginning of it that no other has. Who is left out of a
ranking comes after all in it; who is left out of scores or points gets 0.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.proposalBy(cmd, args[0], true)
			if err != nil {
				return err
			}
			body := governance.BallotCast{Proposal: p.ID, Reason: reason}
			said := 0
			if len(args) == 2 {
				body.Choice = strings.ToLower(args[1])
				said++
			}
			for _, flag := range []string{"approve", "rank", "score", "points"} {
				if cmd.Flags().Changed(flag) {
					said++
				}
			}
			if said != 1 {
				return usagef("say one thing: yes, no, object or abstain, or --approve, --rank, --score or --points")
			}
			if err := m.fill(&p, &body, cmd.Flags().Changed); err != nil {
				return err
			}
			err = a.sign(cmd.Context(), sign, governance.KindBallotCast, body, voteInWords(&p, &body))
			var refusal *home.Problem
			if errors.As(err, &refusal) && p.Phase == governance.Discussion {
				refusal.Next = fmt.Sprintf("coop proposal show %s; voting begins %s", p.ID.Short(), a.ago(p.Voting.Start))
			}
			if refusal != nil && p.Phase == governance.Sponsoring {
				refusal.Next = "coop proposal sponsor " + p.ID.Short()
			}
			return err
		},
	}
	sign.add(cmd)
	f := cmd.Flags()
	f.Var(joined{&m.approve, ","}, "approve", "the options you approve, separated by commas")
	f.Var(joined{&m.rank, " > "}, "rank", "the options in your order, the best first: 'B > A = C'")
	f.Var(joined{&m.score, ","}, "score", "a score for each option: A=5,B=2")
	f.Var(joined{&m.points, ","}, "points", "your points for options: A=3,B=1")
	f.StringVar(&reason, "reason", "", "why, for all members to read")
	return cmd
}

// fill sets what the flags say on a ballot.
func (m *marks) fill(p *coop.ProposalView, b *governance.BallotCast, given func(string) bool) (err error) {
	switch {
	case given("approve"):
		b.Approvals, err = readOptions(p, m.approve, ",")
	case given("rank") && strings.TrimSpace(m.rank) != "":
		for place := range strings.SplitSeq(m.rank, ">") {
			options, err := readOptions(p, place, "=")
			if err != nil {
				return err
			}
			b.Ranking = append(b.Ranking, options)
		}
	case given("score"):
		b.Scores, err = numbered(p, m.score)
	case given("points"):
		b.Points, err = numbered(p, m.points)
	}
	return err
}

// readOptions reads options that stand side by side.
func readOptions(p *coop.ProposalView, text, between string) (options []uint64, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(text, between) {
		n, err := optionBy(p, word)
		if err != nil {
			return nil, err
		}
		options = append(options, n)
	}
	slices.Sort(options)
	return options, nil
}

// numbered reads a number for each option that is named, and 0 for the others.
func numbered(p *coop.ProposalView, text string) ([]uint64, error) {
	list := make([]uint64, len(p.Options))
	if strings.TrimSpace(text) == "" {
		return list, nil
	}
	named := make([]bool, len(list))
	for word := range strings.SplitSeq(text, ",") {
		at := strings.LastIndex(word, "=")
		if at < 0 {
			return nil, usagef("%q is no option with its number: write A=5", word)
		}
		option, err := optionBy(p, word[:at])
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseUint(strings.TrimSpace(word[at+1:]), 10, 64)
		if err != nil {
			return nil, usagef("%q is no whole number", word[at+1:])
		}
		if named[option] {
			return nil, usagef("%s is named twice", p.Options[option].Name)
		}
		list[option], named[option] = n, true
	}
	return list, nil
}

// optionBy finds an option by its name, its number, or the beginning of its name.
func optionBy(p *coop.ProposalView, text string) (uint64, error) {
	text = strings.TrimSpace(text)
	find := func(fits func(o coop.OptionView) bool) (uint64, bool) {
		var found []uint64
		for _, o := range p.Options {
			if fits(o) {
				found = append(found, o.Number)
			}
		}
		if len(found) != 1 {
			return 0, false
		}
		return found[0], true
	}
	if n, ok := find(func(o coop.OptionView) bool { return strings.EqualFold(o.Name, text) }); ok {
		return n, nil
	}
	if n, ok := find(func(o coop.OptionView) bool { return strconv.FormatUint(o.Number, 10) == text }); ok {
		return n, nil
	}
	if n, ok := find(func(o coop.OptionView) bool {
		return text != "" && len(o.Name) >= len(text) && strings.EqualFold(o.Name[:len(text)], text)
	}); ok {
		return n, nil
	}
	return 0, errNoOption(p, text)
}

func voteInWords(p *coop.ProposalView, b *governance.BallotCast) string {
	var options []governance.Option
	for _, o := range p.Options {
		options = append(options, governance.Option{Name: o.Name})
	}
	ballot := governance.Ballot{Choice: governance.Choice(b.Choice), Approvals: b.Approvals, Ranking: b.Ranking, Scores: b.Scores, Points: b.Points}
	says := ballot.Says(options)
	var text string
	switch {
	case ballot.Choice == governance.Abstain:
		text = fmt.Sprintf("abstain on %q", p.Title)
	case ballot.Choice == governance.Object:
		text = fmt.Sprintf("object to %q", p.Title)
	case b.Choice != "":
		text = fmt.Sprintf("vote %s on %q", b.Choice, p.Title)
	case len(b.Ranking) > 0:
		text = fmt.Sprintf("rank %s on %q", says, p.Title)
	case len(b.Scores) > 0:
		text = fmt.Sprintf("score %s on %q", says, p.Title)
	case len(b.Points) > 0:
		text = fmt.Sprintf("give points to %s on %q", says, p.Title)
	case len(b.Approvals) > 0:
		text = fmt.Sprintf("approve %s on %q", says, p.Title)
	default:
		text = fmt.Sprintf("choose none of the options on %q", p.Title)
	}
	text += fmt.Sprintf(" (proposal %s)", p.ID.Short())
	if b.Reason != "" {
		text += fmt.Sprintf(", because: %s", oneLine(b.Reason))
	}
	return text
}

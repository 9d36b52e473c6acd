package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/archive"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
)

func (a *app) proposalExplainCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "explain PROPOSAL",
		Short: "Count a proposal's ballots again and explain, ballot by ballot and step by step, how the result came about",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var e daemon.Explanation
			if file != "" {
				var err error
				if e, err = a.explainFrom(file, args[0]); err != nil {
					return err
				}
				return a.printExplanation(&e)
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "proposals", args[0], "explain"), &e); err != nil {
				return err
			}
			return a.printExplanation(&e)
		},
	}
	cmd.Flags().StringVar(&file, "from", "", "a file of coop export to verify and count from, without home, daemon or network")
	return cmd
}

// explainFrom verifies a whole archive and explains a proposal of it.
func (a *app) explainFrom(file, text string) (e daemon.Explanation, err error) {
	f, err := openFile(file)
	if err != nil {
		return e, err
	}
	defer f.Close()
	var state *coop.State
	bar := a.newBar("verifying")
	_, err = archive.Read(f, archive.Sink{State: func(s *coop.State) { state = s }}, bar.set)
	bar.end()
	if err != nil {
		return e, daemon.ArchiveTrouble(err)
	}
	return daemon.Explain(state, text)
}

func (a *app) printExplanation(e *daemon.Explanation) error {
	if a.wantsJSON() || a.quiet {
		return a.show(e, e.ID.String())
	}
	for _, line := range e.Lines {
		fmt.Fprintln(a.out, oneLine(line))
	}
	if len(e.Account.Ballots) > 0 {
		fmt.Fprintln(a.out)
		if err := a.printBallots(e.Account.Ballots); err != nil {
			return err
		}
		fmt.Fprintln(a.out)
		return a.printRows(e.Account.Steps)
	}
	return nil
}

func (a *app) printBallots(ballots []governance.BallotWords) error {
	type row = governance.BallotWords
	columns := []column[row]{{name: "ballot", text: func(b row) string {
		if b.Event.IsZero() {
			if b.Program.IsZero() {
				return ""
			}
			return a.ending(b.Program.String())
		}
		return a.ending(b.Event.String())
	}}, {name: "of", text: func(b row) string { return b.Name }}, {name: "says", text: func(b row) string { return b.Says }},
		{name: "reason", text: func(b row) string { return b.Reason + b.Error }}}
	if slices.ContainsFunc(ballots, func(b row) bool { return b.Votes != 1 || len(b.For) > 0 }) {
		columns = append(columns, column[row]{name: "votes", text: func(b row) string { return fmt.Sprint(b.Votes) }},
			column[row]{name: "carries", text: func(b row) string { return strings.Join(b.For, ", ") }})
	}
	if slices.ContainsFunc(ballots, func(b row) bool { return !b.Program.IsZero() }) {
		columns = append(columns, column[row]{name: "cost", text: func(b row) string {
			if b.Program.IsZero() {
				return ""
			}
			return fmt.Sprint(b.Cost)
		}})
	}
	return list(a, ballots, func(b row) string { return b.Event.String() },
		columns...)
}

// errNoOption says how options can be named.
func errNoOption(p *coop.ProposalView, text string) error {
	return &home.Problem{Code: daemon.CodeUsage, What: fmt.Sprintf("%q names no option, or several", text),
		Why: "an option is named by its number, its name, or a beginning of it that no other has", Next: "coop proposal show " + p.ID.Short(), Err: errUsage}
}

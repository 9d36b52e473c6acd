package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/program"
)

func (a *app) programCommand() *cobra.Command {
	return group(&cobra.Command{Use: "program", Short: "Write, try, publish and follow programs that vote",
		Long: `Write, try, publish and follow programs that vote. docs/programs.md is the language on one page.

  coop program examples                                  ready ones; coop program examples NAME prints one
  coop program test FILE --example                       how it votes on made-up proposals
  coop program test FILE --proposal PROPOSAL             how it would vote on one of yours
  coop program backtest FILE                             how it would have voted on all past ones
  coop program publish FILE --watch Ana --watch Ben      for you and others to follow
  coop program follow PROGRAM --tag energy               let it vote for you
  coop program withdraw PROGRAM                          take back one that you published

Who follows a program follows its text and its settings as they were published. A new version is another
program that names the old one; who wants it follows it.`},
		a.programExamplesCommand(), a.programTestCommand(), a.programBacktestCommand(), a.programPublishCommand(), a.programListCommand(),
		a.programShowCommand(), a.programFollowCommand(), a.programWithdrawCommand())
}

// programFlags are what a program is given besides the proposal.
type programFlags struct {
	settings, watch []string
}

func (f *programFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.settings, "set", nil, "a setting that the program reads: KEY=VALUE; may be repeated")
	cmd.Flags().StringArrayVar(&f.watch, "watch", nil, "a member whose ballots it sees, and who stands in its settings member and members; may be repeated")
}

// given is the flags read: settings by key, members by key.
func (a *app) given(cmd *cobra.Command, f programFlags) (settings []governance.Setting, watches []identity.PublicKey, err error) {
	for _, text := range f.settings {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, nil, usagef("%q is no setting: write KEY=VALUE", text)
		}
		settings = append(settings, governance.Setting{Key: key, Value: value})
	}
	var names []string
	for _, text := range f.watch {
		m, err := a.member(cmd, text)
		if err != nil {
			return nil, nil, err
		}
		watches, names = append(watches, m.ID), append(names, m.ID.String())
	}
	slices.SortFunc(watches, identity.PublicKey.Compare)
	has := func(key string) bool {
		return slices.ContainsFunc(settings, func(s governance.Setting) bool { return s.Key == key })
	}
	if len(names) == 1 && !has("member") {
		settings = append(settings, governance.Setting{Key: "member", Value: names[0]})
	}
	if len(names) > 0 && !has("members") {
		settings = append(settings, governance.Setting{Key: "members", Value: strings.Join(names, ",")})
	}
	slices.SortFunc(settings, func(x, y governance.Setting) int { return strings.Compare(x.Key, y.Key) })
	return settings, watches, nil
}

// readProgram reads a program, written on whatever system, and tells where it is wrong.
func readProgram(file string) (*program.Program, error) {
	var text []byte
	var err error
	if example, found := exampleProgram(file); found {
		text = []byte(example)
	} else if file == "-" {
		text, err = io.ReadAll(io.LimitReader(os.Stdin, program.MaxSource+1))
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, usagef("cannot read %s: %v", file, err)
	}
	p, err := program.Check(strings.ReplaceAll(string(text), "\r\n", "\n"))
	if err != nil {
		return nil, &home.Problem{Code: daemon.CodeUsage, What: "this program is not accepted: " + oneLine(err.Error()), Next: "change it there; docs/programs.md is the language on one page", Err: errUsage}
	}
	return p, nil
}

// exampleProgram finds a ready program by "example:" and its name.
func exampleProgram(text string) (string, bool) {
	name, is := strings.CutPrefix(text, "example:")
	for _, e := range program.Examples() {
		if is && e.Name == name {
			return e.Source, true
		}
	}
	return "", false
}

func (a *app) programExamplesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "examples [NAME]",
		Short: "List ready programs, or print one; wherever a FILE is asked for, example:NAME is one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				text, found := exampleProgram("example:" + args[0])
				if !found {
					return usagef("there is no ready program %q: coop program examples lists them", args[0])
				}
				fmt.Fprint(a.out, text)
				return nil
			}
			type row = program.Example
			return list(a, program.Examples(), func(e row) string { return e.Name },
				column[row]{name: "name", text: func(e row) string { return e.Name }}, column[row]{name: "does", text: func(e row) string { return e.Title }})
		},
	}
}

// tried is how a program votes on one proposal.
type tried struct {
	Proposal string          `json:"proposal"`
	Title    string          `json:"title"`
	Says     string          `json:"says"`
	Verdict  program.Verdict `json:"verdict"`
	Own      string          `json:"own,omitempty"`    // what you voted
	Result   program.Choice  `json:"result,omitempty"` // yes if it passed
}

func try(p *program.Program, v *coop.PastView) tried {
	verdict := p.Run(v.Input, program.Limit)
	t := tried{Proposal: v.ID.String(), Title: v.Title, Says: ballotInWords(verdict.Ballot, &v.Input.Proposal), Verdict: verdict, Result: v.Result}
	if v.Own != nil {
		t.Own = ballotInWords(*v.Own, &v.Input.Proposal)
	}
	return t
}

// ballotInWords says a program's ballot with the options' names.
func ballotInWords(b program.Ballot, p *program.Proposal) string {
	options := make([]governance.Option, len(p.Options))
	for i, o := range p.Options {
		options[i].Name = o.Title
	}
	wide := func(list []int) (all []uint64) {
		for _, n := range list {
			all = append(all, uint64(n))
		}
		return all
	}
	g := governance.Ballot{Choice: governance.Choice(b.Choice)}
	switch b.Choice {
	case program.Approve:
		g = governance.Ballot{Approvals: wide(b.Options)}
	case program.Rank:
		g = governance.Ballot{}
		for _, place := range b.Places {
			g.Ranking = append(g.Ranking, wide(place))
		}
	case program.Score, program.Spend:
		g = governance.Ballot{Scores: wide(b.Numbers)}
	}
	return g.Says(options)
}

// why is the reason of a verdict, or what went wrong.
func (t *tried) why() string {
	if t.Verdict.Err != "" {
		return "error: " + t.Verdict.Err
	}
	return t.Verdict.Reason
}

func (a *app) printTried(rows []tried) error {
	return list(a, rows, func(t tried) string { return t.Proposal },
		column[tried]{name: "proposal", text: func(t tried) string { return t.Title }},
		column[tried]{name: "says", text: func(t tried) string { return t.Says }},
		column[tried]{name: "why", text: func(t tried) string { return t.why() }},
		column[tried]{name: "cost", text: func(t tried) string { return fmt.Sprint(t.Verdict.Cost) }},
		column[tried]{name: "you", text: func(t tried) string { return t.Own }},
		column[tried]{name: "result", text: func(t tried) string { return string(t.Result) }})
}

// past asks for what a program would see.
func (a *app) past(cmd *cobra.Command, f programFlags, proposal string) (views []coop.PastView, err error) {
	settings, watches, err := a.given(cmd, f)
	if err != nil {
		return nil, err
	}
	h, client, err := a.look()
	if err != nil {
		return nil, err
	}
	q := url.Values{"member": {h.Device.String()}, "provisional": {"1"}}
	for _, s := range settings {
		q.Add("set", s.Key+"="+s.Value)
	}
	for _, key := range watches {
		q.Add("watch", key.String())
	}
	if proposal != "" {
		q.Set("proposal", proposal)
	}
	err = client.Get(cmd.Context(), daemon.Path("coops", a.coop, "past")+"?"+q.Encode(), &views)
	return views, err
}

func (a *app) programTestCommand() *cobra.Command {
	var f programFlags
	var proposal string
	var example bool
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Check a program, and run it on a proposal or on made-up ones, with what it costs",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := readProgram(args[0])
			if err != nil {
				return err
			}
			var views []coop.PastView
			switch {
			case proposal != "":
				if views, err = a.past(cmd, f, proposal); err != nil {
					return err
				}
			case example:
				if views, err = madeUp(f); err != nil {
					return err
				}
			}
			a.say("Accepted. A run costs at most %d of %d. Published, its content is %s.", p.Worst(), uint64(program.Limit), p.ID().String()[:16])
			if views == nil {
				return nil
			}
			rows := make([]tried, len(views))
			for i := range views {
				rows[i] = try(p, &views[i])
			}
			return a.printTried(rows)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&proposal, "proposal", "", "run it on this proposal, as it is now")
	cmd.Flags().BoolVar(&example, "example", false, "run it on a made-up proposal of each form; needs no daemon")
	cmd.MarkFlagsMutuallyExclusive("proposal", "example")
	return cmd
}

// madeUp are proposals of every form.
func madeUp(f programFlags) (views []coop.PastView, err error) {
	if len(f.watch) > 0 {
		return nil, usagef("nobody has voted on a made-up proposal: leave out --watch, or name a --proposal")
	}
	var settings []program.Setting
	for _, text := range f.settings {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usagef("%q is no setting: write KEY=VALUE", text)
		}
		settings = append(settings, program.Setting{Key: key, Value: value})
	}
	const day = 24 * 60 * 60 * 1000
	for _, x := range []struct {
		form   program.Form
		method governance.Method
		title  string
	}{
		{program.YesNo, governance.YesNo, "Solar panels on the roof"}, {program.Approval, governance.BudgetGreedy, "The yard's budget"},
		{program.Ranking, governance.Schulze, "A name for the house"}, {program.Scores, governance.Score, "Colours of the stairs"},
		{program.Points, governance.Points, "What to buy first"},
	} {
		in := program.Input{Settings: settings, Treasury: []program.Holding{{Asset: governance.Credit, Amount: 5_000_00}},
			Charter: program.Charter{Version: 1, Members: 12, ThresholdPart: 1, ThresholdWhole: 2, Over: true, Quorum: "turnout", QuorumPart: 1, QuorumWhole: 3},
			Proposal: program.Proposal{ID: "example", Title: x.title, Text: "For all who live here. It saves energy and money.", Proposer: "somebody",
				Track: "general", Method: string(x.method), Form: x.form, Tags: []string{"house", "energy"}, Highest: 5, Points: 10, Opened: day, Begins: 3 * day, Closes: 8 * day}}
		if x.form == program.YesNo {
			in.Proposal.Actions = []program.Action{{Kind: "budget.allocate", Asset: governance.Credit, Amount: 1_200_00}}
		} else {
			in.Proposal.Options = []program.Option{{Title: "Bench of oak", Cost: 300_00}, {Title: "Swing", Cost: 600_00}, {Title: "Apple tree", Cost: 80_00}}
			in.Proposal.Budget = 700_00
		}
		views = append(views, coop.PastView{Title: x.title + " (" + string(x.form) + ")", Input: in})
	}
	return views, nil
}

func (a *app) programBacktestCommand() *cobra.Command {
	var f programFlags
	cmd := &cobra.Command{
		Use:   "backtest FILE",
		Short: "Show how a program would have voted on all past proposals, how often you voted the same, and what it costs",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := readProgram(args[0])
			if err != nil {
				return err
			}
			views, err := a.past(cmd, f, "")
			if err != nil {
				return err
			}
			past := make([]program.Past, len(views))
			rows := make([]tried, len(views))
			for i, v := range views {
				past[i] = program.Past{Input: v.Input, Own: v.Own, Result: v.Result}
				rows[i] = try(p, &views[i])
			}
			r := program.Backtest(p, past, program.Limit)
			a.say("On %s: it abstained on %d and went wrong on %d. You voted the same on %d of %d. On %d of %d the result was what it said. The dearest run cost %d of %d.",
				coop.Plural(len(past), "past proposal", "past proposals"), r.Abstained, r.Failed, r.Agreed, r.Compared, r.Won, r.Decided, r.Dearest, uint64(program.Limit))
			return a.printTried(rows)
		},
	}
	f.add(cmd)
	return cmd
}

func (a *app) programPublishCommand() *cobra.Command {
	var f programFlags
	var name, previous string
	cmd := a.signs(&cobra.Command{
		Use:   "publish FILE",
		Short: "Publish a program with its settings, so that you and others can follow it",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		p, err := readProgram(args[0])
		if err != nil {
			return act{}, err
		}
		if name == "" {
			name = strings.TrimSuffix(strings.TrimPrefix(args[0][strings.LastIndexByte(args[0], '/')+1:], "example:"), ".cel")
		}
		body := governance.ProgramPublish{Name: name, Source: p.Source(), Language: program.Language}
		if body.Settings, body.Watches, err = a.given(cmd, f); err != nil {
			return act{}, err
		}
		sentence := fmt.Sprintf("publish the program %q, which costs at most %d of %d", name, p.Worst(), uint64(program.Limit))
		if previous != "" {
			old, err := a.programBy(cmd, previous)
			if err != nil {
				return act{}, err
			}
			body.Previous = old.ID
			sentence += fmt.Sprintf(", as a new version of %s: its followers stay with the old one until they follow this one", old.ID.Short())
		}
		return act{governance.KindProgramPublish, body, sentence}, nil
	})
	f.add(cmd)
	cmd.Flags().StringVar(&name, "name", "", "its name (default: the file's)")
	cmd.Flags().StringVar(&previous, "replaces", "", "a program of yours of which this is a new version")
	return cmd
}

func (a *app) programBy(cmd *cobra.Command, text string) (coop.ProgramView, error) {
	return getSeen[coop.ProgramView](a, cmd, "programs", text)
}

func (a *app) programListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List published programs, those with most followers first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := get[[]coop.ProgramView](a, cmd, "programs")
			if err != nil {
				return err
			}
			type view = coop.ProgramView
			return list(a, all, func(p view) string { return p.ID.String() },
				column[view]{name: "id", text: func(p view) string { return a.ending(p.ID.String()) }},
				column[view]{name: "name", text: func(p view) string { return p.Name }},
				column[view]{name: "by", text: func(p view) string { return p.ByName }},
				column[view]{name: "followers", text: func(p view) string { return fmt.Sprint(p.Followers) }},
				column[view]{name: "costs", text: func(p view) string { return fmt.Sprintf("at most %d of %d", p.Worst, p.Limit) }},
				column[view]{name: "newer", text: func(p view) string { return newerOf(a, p) }},
				column[view]{name: "since", text: func(p view) string { return a.ago(p.Since) }},
				column[view]{name: "withdrawn", text: func(p view) string { return withdrawnOf(a, p) }})
		},
	}
}

func newerOf(a *app, p coop.ProgramView) string {
	if p.Newer == (event.ID{}) {
		return ""
	}
	return a.ending(p.Newer.String())
}

func withdrawnOf(a *app, p coop.ProgramView) string {
	if p.Withdrawn == 0 {
		return ""
	}
	return a.ago(p.Withdrawn)
}

func (a *app) programWithdrawCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "withdraw PROGRAM",
		Short: "Take back a program that you published: votes that are open still ask it, others don't",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		p, err := a.programBy(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		return act{governance.KindProgramWithdraw, governance.ProgramWithdraw{Program: p.ID},
			fmt.Sprintf("withdraw the program %q: it is asked on nothing that is opened from now on (%s to it)", oneLine(p.Name), coop.Plural(p.Followers, "delegation", "delegations"))}, nil
	})
}

func (a *app) programShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show PROGRAM",
		Short: "Show a program with its source, its settings and how it voted",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.programBy(cmd, args[0])
			if err != nil {
				return err
			}
			var settings, answers []string
			for _, s := range p.Settings {
				settings = append(settings, s.Key+"="+s.Value)
			}
			for _, x := range p.Answers {
				text := fmt.Sprintf("%s: %s", x.Title, x.Says)
				if x.Reason != "" {
					text += " (" + x.Reason + ")"
				}
				if x.Code != governance.Ran {
					text += ", " + string(x.Code)
				}
				answers = append(answers, fmt.Sprintf("%s, cost %d", text, x.Cost))
			}
			return a.show(p, p.ID.String(), field{"id", p.ID.String()}, field{"name", p.Name}, field{"by", p.ByName}, field{"followers", fmt.Sprint(p.Followers)},
				field{"costs", fmt.Sprintf("at most %d of %d", p.Worst, p.Limit)}, field{"language", fmt.Sprint(p.Language)}, field{"watches", strings.Join(p.Watches, ", ")},
				field{"settings", strings.Join(settings, "\n")}, field{"newer", newerOf(a, p)}, field{"withdrawn", withdrawnOf(a, p)}, field{"source", p.Source}, field{"voted", strings.Join(answers, "\n")})
		},
	}
}

func (a *app) programFollowCommand() *cobra.Command {
	var sign signFlags
	var about aboutFlags
	var last string
	cmd := &cobra.Command{
		Use:   "follow PROGRAM",
		Short: "Let a program vote for you: this version of it; coop delegate clear takes it back",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.programBy(cmd, args[0])
			if err != nil {
				return err
			}
			if !p.Newer.IsZero() {
				a.say("There is a newer version of it: %s.", p.Newer.Short())
			}
			body := governance.DelegationGive{To: governance.Delegate{Program: p.ID}}
			return a.delegate(cmd, sign, about, body, last, fmt.Sprintf("let the program %q vote for you", oneLine(p.Name)))
		},
	}
	cmd.Flags().StringVar(&last, "for", "", "end in any case after this long, such as 30d")
	about.add(cmd)
	sign.add(cmd)
	return cmd
}

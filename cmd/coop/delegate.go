package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

func (a *app) delegateCommand() *cobra.Command {
	return group(&cobra.Command{Use: "delegate", Short: "Let a member, a group or a program vote for you",
		Long: `Let a member, a group or a program vote for you where you cast no ballot yourself.

  coop delegate to Ana                              on everything
  coop delegate to Ana --tag energy                 on proposals with this tag
  coop delegate to Ana Ben Cleo --agree 2           as two of the three vote, if two say the same
  coop delegate except --track charter              here nobody votes for you
  coop delegate show --proposal PROPOSAL            whose ballot your vote counts for, and why
  coop delegate show --if Ben=Ana                   what would be if Ben delegated to Ana

The narrower one applies: a proposal, then a tag, then a track, then everything. A delegate's own delegation
counts on. Your own ballot always counts instead, until the close. A delegation ends when it was not confirmed
for as long as the charter says.`},
		a.delegateToCommand(), a.delegateClearCommand(), a.delegateConfirmCommand(), a.delegateExceptCommand(), a.delegateListCommand(), a.delegateShowCommand())
}

// aboutFlags say what a delegation is for.
type aboutFlags struct{ proposal, tag, track string }

func (f *aboutFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.proposal, "proposal", "", "for this proposal alone")
	cmd.Flags().StringVar(&f.tag, "tag", "", "for proposals with this tag")
	cmd.Flags().StringVar(&f.track, "track", "", "for proposals on this track")
	cmd.MarkFlagsMutuallyExclusive("proposal", "tag", "track")
}

// about reads the flags, and says them in words.
func (a *app) about(cmd *cobra.Command, f aboutFlags) (about governance.About, words string, err error) {
	switch {
	case f.proposal != "":
		p, err := a.proposalBy(cmd, f.proposal, true)
		return governance.About{Proposal: p.ID}, fmt.Sprintf("on %q", p.Title), err
	case f.tag != "":
		return governance.About{Tag: f.tag}, "on proposals tagged " + f.tag, nil
	case f.track != "":
		return governance.About{Track: f.track}, "on the track " + f.track, nil
	}
	return about, "on everything", nil
}

func (a *app) delegateToCommand() *cobra.Command {
	var sign signFlags
	var about aboutFlags
	var agree uint64
	var last string
	cmd := &cobra.Command{
		Use:   "to MEMBER...",
		Short: "Let a member vote for you, or several as enough of them agree",
		Args:  cobra.RangeArgs(1, 15),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := governance.DelegationGive{To: governance.Delegate{Threshold: agree}}
			var names []string
			for _, text := range args {
				m, err := a.member(cmd, text)
				if err != nil {
					return err
				}
				body.To.Members, names = append(body.To.Members, m.ID), append(names, oneLine(m.Name))
				if !m.Votes {
					a.say("%s may not vote now, so your vote would go nowhere.", oneLine(m.Name))
				}
			}
			slices.SortFunc(body.To.Members, identity.PublicKey.Compare)
			who := names[0]
			if len(names) > 1 {
				who = fmt.Sprintf("%d of %s", agree, strings.Join(names, ", "))
			}
			return a.delegate(cmd, sign, about, body, last, "let "+who+" vote for you")
		},
	}
	cmd.Flags().Uint64Var(&agree, "agree", 0, "of several: how many must say the same, more than half of them")
	cmd.Flags().StringVar(&last, "for", "", "end in any case after this long, such as 30d")
	about.add(cmd)
	sign.add(cmd)
	return cmd
}

func (a *app) delegateExceptCommand() *cobra.Command {
	var sign signFlags
	var about aboutFlags
	cmd := &cobra.Command{
		Use:   "except",
		Short: "Say that nobody votes for you on something, whatever you delegated more widely",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.delegate(cmd, sign, about, governance.DelegationGive{}, "", "let nobody vote for you")
		},
	}
	about.add(cmd)
	sign.add(cmd)
	return cmd
}

// delegate signs a delegation, and tells what comes of it that its giver might not expect.
func (a *app) delegate(cmd *cobra.Command, sign signFlags, flags aboutFlags, body governance.DelegationGive, last, sentence string) error {
	about, words, err := a.about(cmd, flags)
	if err != nil {
		return err
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	body.About = about
	if last != "" {
		d, err := duration(last)
		if err != nil {
			return err
		}
		var o coop.Overview
		if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "overview"), &o); err != nil {
			return err
		}
		body.Expires = o.Time + event.Time(d.Milliseconds())
	}
	if err := a.sign(cmd.Context(), sign, governance.KindDelegationGive, body, sentence+" "+words); err != nil || sign.dry || body.To.Nobody() {
		return err
	}
	return a.warnOfChain(cmd, client, flags)
}

// warnOfChain tells of a delegation by which no vote would count now.
func (a *app) warnOfChain(cmd *cobra.Command, client *daemon.Client, flags aboutFlags) error {
	t, err := a.travel(cmd, client, showFlags{aboutFlags: flags, provisional: true})
	if err != nil || len(t.Chains) == 0 {
		return err
	}
	chain := &t.Chains[0]
	if flags.proposal == "" && chain.Says == "" || chain.Fate == circular {
		a.say("As things are your vote would not count where you cast no ballot: it %s. See: coop delegate show", chain.Fate)
	}
	if flags.tag != "" {
		var all []coop.ProposalView
		if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "proposals")+"?provisional=1", &all); err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(p coop.ProposalView) bool { return slices.Contains(p.Tags, flags.tag) }) {
			a.say("No proposal has the tag %s yet.", flags.tag)
		}
	}
	return nil
}

func (a *app) delegateClearCommand() *cobra.Command {
	var about aboutFlags
	cmd := a.signs(&cobra.Command{
		Use:   "clear",
		Short: "Take a delegation back, or the word that nobody votes for you; what you gave more widely applies again",
		Args:  cobra.NoArgs,
	}, func(cmd *cobra.Command, _ []string) (act, error) {
		what, words, err := a.about(cmd, about)
		if err != nil {
			return act{}, err
		}
		return act{governance.KindDelegationWithdraw, governance.DelegationWithdraw{About: what}, "take back what you delegated " + words}, nil
	})
	about.add(cmd)
	return cmd
}

func (a *app) delegateConfirmCommand() *cobra.Command {
	var about aboutFlags
	cmd := a.signs(&cobra.Command{
		Use:   "confirm",
		Short: "Confirm your delegations, so that their terms begin again: all of them, or one",
		Args:  cobra.NoArgs,
	}, func(cmd *cobra.Command, _ []string) (act, error) {
		mine, err := a.mandates(cmd, true)
		if err != nil {
			return act{}, err
		}
		what, words, err := a.about(cmd, about)
		if err != nil {
			return act{}, err
		}
		body := governance.DelegationConfirm{About: []governance.About{what}}
		if about == (aboutFlags{}) {
			body.About, words = nil, coop.Plural(len(mine), "delegation", "delegations")
			for _, m := range mine {
				body.About = append(body.About, m.What)
			}
			if len(mine) == 0 {
				return act{}, usagef("you have delegated nothing, so there is nothing to confirm")
			}
		} else {
			words = "what you delegated " + words
		}
		return act{governance.KindDelegationConfirm, body, "confirm " + words}, nil
	})
	about.add(cmd)
	return cmd
}

// mandates are those of this home's member, or of all.
func (a *app) mandates(cmd *cobra.Command, mine bool) (list []coop.MandateView, err error) {
	h, client, err := a.look()
	if err != nil {
		return nil, err
	}
	path := daemon.Path("coops", a.coop, "mandates") + "?provisional=1"
	if mine {
		path += "&member=" + url.QueryEscape(h.Device.String())
	}
	err = client.Get(cmd.Context(), path, &list)
	return list, err
}

func (a *app) delegateListCommand() *cobra.Command {
	var everybody bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List your delegations, or those of all members",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := a.mandates(cmd, !everybody)
			if err != nil {
				return err
			}
			type view = coop.MandateView
			return list(a, all, func(m view) string { return m.Event.String() },
				column[view]{name: "of", text: func(m view) string { return m.Name }},
				column[view]{name: "on", text: func(m view) string { return m.About }},
				column[view]{name: "to", text: func(m view) string { return m.To }},
				column[view]{name: "state", text: func(m view) string { return m.State }},
				column[view]{name: "confirmed", text: func(m view) string { return a.ago(m.Confirmed) }},
				column[view]{name: "ends", text: func(m view) string { return a.ago(m.Ends) }})
		},
	}
	cmd.Flags().BoolVar(&everybody, "all", false, "those of all members")
	return cmd
}

// showFlags say which votes are shown on their way.
type showFlags struct {
	aboutFlags
	of          string
	supposed    []string
	everybody   bool
	provisional bool
}

func (a *app) delegateShowCommand() *cobra.Command {
	var f showFlags
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show on which way your vote goes, who carries how many, and what would be if",
		Long: `Show on which way your vote goes, step by step, and who carries how many votes.

With --proposal on that proposal: so far, or as it was counted. Otherwise on one that there could be, if
everybody voted who has not delegated.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			t, err := a.travel(cmd, client, f)
			if err != nil {
				return err
			}
			return a.printTravel(&t)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.of, "of", "", "the way of this member's vote (default: yours)")
	cmd.Flags().BoolVar(&f.everybody, "all", false, "the ways of all delegated votes, the first hundred")
	cmd.Flags().StringArrayVar(&f.supposed, "if", nil, "suppose that a member delegated to another, or to nobody: MEMBER=DELEGATE; may be repeated")
	return cmd
}

func (a *app) travel(cmd *cobra.Command, client *daemon.Client, f showFlags) (t governance.Travel, err error) {
	path := daemon.Path("coops", a.coop, "chains")
	q := url.Values{"if": f.supposed}
	if f.proposal != "" {
		path = daemon.Path("coops", a.coop, "proposals", f.proposal, "chains")
	}
	if f.tag != "" {
		q["tag"] = []string{f.tag}
	}
	if f.track != "" {
		q.Set("track", f.track)
	}
	if f.provisional {
		q.Set("provisional", "1")
	}
	if !f.everybody {
		if f.of == "" {
			h, _, err := a.look()
			if err != nil {
				return t, err
			}
			f.of = h.Device.String()
		}
		q.Set("member", f.of)
	}
	err = client.Get(cmd.Context(), path+"?"+q.Encode(), &t)
	return t, err
}

// circular is what package delegation says of a chain that runs in a circle.
const circular = "runs in a circle in which nobody voted"

func (a *app) printTravel(t *governance.Travel) error {
	if a.wantsJSON() {
		return a.printJSON(t)
	}
	var carriers, lost []string
	for _, c := range t.Carriers {
		carriers = append(carriers, fmt.Sprintf("%s: %s, %s", oneLine(c.Name), coop.Plural(c.Votes, "vote", "votes"), oneLine(c.Says)))
	}
	for _, l := range t.Lost {
		lost = append(lost, fmt.Sprintf("%s: the vote %s", coop.Plural(l.Votes, "vote", "votes"), l.Why))
	}
	var fields []field
	for _, c := range t.Chains {
		var steps []string
		for _, step := range c.Steps {
			steps = append(steps, oneLine(step.Name)+" "+oneLine(step.Does))
		}
		if more := c.Length - uint64(len(c.Steps)); more > 0 {
			steps = append(steps, fmt.Sprintf("and %d steps more", more))
		}
		end := c.Fate
		if c.Says != "" {
			end += ": " + oneLine(c.Says)
		}
		fields = append(fields, field{oneLine(c.Name), strings.Join(append(steps, end), "\n")})
	}
	if t.Unknown {
		fields = append(fields, field{"chain", "that member is not among those who may vote here"})
	}
	most := ""
	if t.Most > 0 {
		most = coop.Plural(t.Most, "vote", "votes")
	}
	off := ""
	if t.Off {
		off = "nobody may delegate here"
	}
	fields = append(fields, field{"may vote", fmt.Sprint(t.Roll)}, field{"ballots", fmt.Sprint(t.Ballots)}, field{"delegated", fmt.Sprint(t.Delegated)},
		field{"off", off}, field{"one may carry", most}, field{"carriers", strings.Join(carriers, "\n")}, field{"not counted", strings.Join(lost, "\n")})
	return a.show(t, fmt.Sprint(t.Delegated), fields...)
}

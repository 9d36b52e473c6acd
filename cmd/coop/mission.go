package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/missions"
)

func (a *app) missionCommand() *cobra.Command {
	return group(&cobra.Command{Use: "mission", Short: "Ask for work, back it, judge it: list, show, new, cancel, judge, appeal, flag, call, prove, accept",
		Long: `Ask for work, back it, judge it. Members pledge money to a mission, which waits in escrow; others submit work;
then it is judged, and the prizes are paid, or all goes back. Every phase has a deadline, after which what
coop mission show says happens by itself.

See also: coop pledge, coop submit, coop reveal, coop consent, coop forecast, coop standing.`},
		a.missionListCommand(), a.missionShowCommand(), a.missionNewCommand(), a.missionCancelCommand(), a.missionJudgeCommand(), a.missionAppealCommand(),
		a.missionFlagCommand(), a.missionCallCommand(), a.missionProveCommand(), a.missionAcceptCommand())
}

// mission finds a mission by its title, id or part of it.
func (a *app) mission(cmd *cobra.Command, text string) (coop.MissionView, error) {
	return getSeen[coop.MissionView](a, cmd, "missions", text)
}

// phases are those that a mission can be in.
var phases = []string{"funding", "open", "revealing", "judging", "appeal", "awarded", "proving", "refunding", "delivered", "refunded", "cancelled", "struck"}

func (a *app) missionListCommand() *cobra.Command {
	var phase, tag string
	var mine, underWay bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the missions",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("phase", phase, phases...); err != nil {
				return err
			}
			all, err := get[[]coop.MissionView](a, cmd, "missions")
			if err != nil {
				return err
			}
			var me coop.MemberView
			if mine {
				if me, err = a.self(cmd); err != nil {
					return err
				}
			}
			var some []coop.MissionView
			for _, m := range all {
				tagged := tag == ""
				for _, t := range m.Tags {
					tagged = tagged || t == tag
				}
				if (phase == "" || phase == string(m.Phase)) && tagged && (!mine || m.By == me.ID) && (!underWay || !m.Phase.Over()) {
					some = append(some, m)
				}
			}
			type view = coop.MissionView
			return list(a, some, func(m view) string { return m.ID.String() },
				column[view]{name: "id", text: func(m view) string { return a.ending(m.ID.String()) }},
				column[view]{name: "title", text: func(m view) string { return m.Title }},
				column[view]{name: "phase", text: func(m view) string { return string(m.Phase) }},
				column[view]{name: "pledged", text: func(m view) string { return m.Currency.Format(m.Raised) }},
				column[view]{name: "target", text: func(m view) string {
					if m.Target == 0 {
						return ""
					}
					return m.Currency.Format(m.Target)
				}},
				column[view]{name: "submissions", text: func(m view) string { return fmt.Sprint(m.Entries) }},
				column[view]{name: "by", text: func(m view) string { return m.ByName }},
				column[view]{name: "ends", text: func(m view) string {
					if m.Due == 0 {
						return ""
					}
					return a.ago(m.Due)
				}})
		},
	}
	cmd.Flags().StringVar(&phase, "phase", "", "only these: "+strings.Join(phases, ", "))
	cmd.Flags().StringVar(&tag, "tag", "", "only with this tag")
	cmd.Flags().BoolVar(&mine, "mine", false, "only those that you listed")
	cmd.Flags().BoolVar(&underWay, "under-way", false, "only those that are not over")
	return cmd
}

func (a *app) missionShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show MISSION",
		Short: "Show a mission: what it asks, its pledges, its submissions, and what happens next",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := get[coop.MissionView](a, cmd, "missions", args[0])
			if err != nil {
				return err
			}
			money := m.Currency.Format
			next, deposit := "", ""
			if m.Deposit > 0 {
				deposit = money(m.Deposit) + " of " + oneLine(m.ByName)
			}
			if m.Due != 0 {
				next = fmt.Sprintf("%s: %s", m.Due, m.Next)
			}
			var pledges, submissions, appeals []string
			for _, p := range m.Pledges {
				line := fmt.Sprintf("%s: %s", oneLine(p.Name), money(p.Amount))
				if p.Back > 0 {
					line += fmt.Sprintf(", of which %s went back", money(p.Back))
				}
				pledges = append(pledges, strings.TrimSuffix(line+"; "+oneLine(p.Comment), "; "))
			}
			for _, x := range m.Submissions {
				submissions = append(submissions, submissionInWords(&m, &x))
			}
			for _, p := range m.Appeals {
				appeals = append(appeals, fmt.Sprintf("%s: %s", oneLine(p.Name), oneLine(p.Reason)))
			}
			asset := ""
			if m.Phase == missions.PhaseDelivered {
				asset = fmt.Sprintf("%s, %s", m.Token.Name, m.Asset)
			}
			return a.show(m, m.ID.String(), field{"id", m.ID.String()}, field{"title", m.Title}, field{"by", m.ByName}, field{"phase", string(m.Phase)}, field{"next", next},
				field{"brief", m.Brief}, field{"criteria", m.Criteria}, field{"tags", strings.Join(m.Tags, ", ")},
				field{"terms", m.Terms}, field{"pledged", fmt.Sprintf("%s by %d", money(m.Raised), m.Pledgers)}, field{"escrow", money(m.Escrow)}, field{"deposit", deposit}, field{"pledges", strings.Join(pledges, "\n")},
				field{"submissions", strings.Join(submissions, "\n")}, field{"milestones", milestonesInWords(&m)}, field{"expected", expectedInWords(&m)}, field{"spam", spamInWords(&m)}, field{"verdict", verdictInWords(&m)}, field{"appeals", strings.Join(appeals, "\n")},
				field{"paid", map[bool]string{true: money(m.Paid)}[m.Paid > 0]}, field{"token", asset})
		},
	}
}

func submissionInWords(m *coop.MissionView, x *coop.SubmissionView) string {
	if x.Title == "" {
		return fmt.Sprintf("%s: by %s, %s", x.ID.Short(), oneLine(x.ByName), x.Status)
	}
	line := fmt.Sprintf("%s: %q by %s, %s", x.ID.Short(), x.Title, oneLine(x.ByName), x.Status)
	for _, c := range x.Contributors {
		word := "has not consented"
		if c.Consents {
			word = "consents"
		}
		line += fmt.Sprintf("; %s (%s, share %d) %s", oneLine(c.Name), oneLine(c.Role), c.Share, word)
	}
	for _, f := range x.Files {
		line += fmt.Sprintf("; %s, %d bytes, %s", oneLine(f.Name), f.Size, f.CID)
	}
	if x.Prize > 0 {
		line += fmt.Sprintf("; place %d, prize %s", x.Place, m.Currency.Format(x.Prize))
	}
	return line
}

func verdictInWords(m *coop.MissionView) string {
	if m.Verdict == nil {
		return ""
	}
	line := fmt.Sprintf("%s by %s in round %d:", coop.Plural(m.Verdict.Ballots, "ballot", "ballots"), m.Verdict.Judges, m.Verdict.Round)
	for i, o := range m.Verdict.Votes {
		if i > 0 {
			line += ","
		}
		line += fmt.Sprintf(" %s %d", oneLine(o.Name), o.Votes)
		if o.Selected {
			line += " (prize)"
		}
	}
	return line
}

func (a *app) missionCancelCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "cancel MISSION",
		Short: "Call off a mission of yours to which nobody has submitted anything; every pledge goes back",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		says := fmt.Sprintf("call off the mission %q; %s goes back to %s", m.Title, m.Currency.Format(m.Escrow-m.Deposit), coop.Plural(m.Pledgers, "pledger", "pledgers"))
		if m.Deposit > 0 {
			says += fmt.Sprintf(", and the deposit of %s to %s", m.Currency.Format(m.Deposit), m.ByName)
		}
		return act{missions.KindCancel, missions.Cancel{Mission: m.ID}, says}, err
	})
}

// noAward is how people name the candidate that nobody wants to be.
const noAward = "none"

// candidate finds a submission of a mission by its title, id or part of it.
func candidate(m *coop.MissionView, text string) (id event.ID, name string, err error) {
	if text == noAward {
		return missions.NoAward, "no award", nil
	}
	var fits []coop.SubmissionView
	for _, x := range m.Submissions {
		id := x.ID.String()
		if text != "" && (strings.EqualFold(x.Title, text) || strings.HasPrefix(id, text) || strings.HasSuffix(id, text)) {
			fits = append(fits, x)
		}
	}
	if len(fits) != 1 {
		return id, "", usagef("%d submissions to %q are called %q: coop mission show tells their ids; %s is no award", len(fits), m.Title, text, noAward)
	}
	return fits[0].ID, fmt.Sprintf("%q by %s", fits[0].Title, oneLine(fits[0].ByName)), nil
}

func (a *app) missionJudgeCommand() *cobra.Command {
	var approve []string
	var rank, reason string
	cmd := a.signs(&cobra.Command{
		Use:   "judge MISSION",
		Short: "Judge the submissions to a mission, if you are one of its judges",
		Long: `Judge the submissions to a mission, if you are one of its judges. You approve those that deserve a prize
(--approve Song --approve none: "none" is no award), or rank them, the best first (--rank 'Song > Mural = Plan > none').
Who stands behind no award gets nothing. Until judging ends you can judge again; the last word counts.`,
		Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		b := missions.Judge{Mission: m.ID, Reason: reason}
		var says []string
		for _, text := range approve {
			id, name, err := candidate(&m, text)
			if err != nil {
				return act{}, err
			}
			b.Approve, says = append(b.Approve, id), append(says, name)
		}
		words := "approve " + strings.Join(says, ", ")
		if len(says) == 0 {
			words = "approve none of them"
		}
		if rank != "" {
			var places []string
			for place := range strings.SplitSeq(rank, ">") {
				var ids []event.ID
				var equals []string
				for text := range strings.SplitSeq(place, "=") {
					id, name, err := candidate(&m, strings.TrimSpace(text))
					if err != nil {
						return act{}, err
					}
					ids, equals = append(ids, id), append(equals, name)
				}
				b.Rank, places = append(b.Rank, ids), append(places, strings.Join(equals, " = "))
			}
			words = "rank " + strings.Join(places, " > ")
		}
		return act{missions.KindJudge, b, fmt.Sprintf("judge the mission %q: %s", m.Title, words)}, nil
	})
	cmd.Flags().StringArrayVar(&approve, "approve", nil, "a submission by title or id, or none; may be repeated")
	cmd.Flags().StringVar(&rank, "rank", "", "submissions and none, the best first: 'A > B = C > none'")
	cmd.Flags().StringVar(&reason, "reason", "", "why; everybody can read it")
	return cmd
}

func (a *app) missionAppealCommand() *cobra.Command {
	var reason string
	cmd := a.signs(&cobra.Command{
		Use:   "appeal MISSION --reason WHY",
		Short: "Ask for another judgement before the award; once enough members ask, a jury or the members judge again",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		return act{missions.KindAppeal, missions.Appeal{Mission: m.ID, Reason: reason},
			fmt.Sprintf("appeal against the verdict on %q; it takes %d to have it judged again, and %d have asked so far", m.Title, m.Listing.Appeals, len(m.Appeals))}, err
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why; everybody can read it")
	required(cmd, "reason")
	return cmd
}

func (a *app) pledgeCommand() *cobra.Command {
	var comment string
	cmd := a.signs(&cobra.Command{
		Use:   "pledge MISSION AMOUNT",
		Short: "Pledge money to a mission; it waits in escrow for the award, or comes back",
		Args:  cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		n, err := amount(args[1], m.Currency)
		if err != nil {
			return act{}, err
		}
		back := "if there is no award"
		if m.Target > 0 {
			back = fmt.Sprintf("if less than %s is pledged altogether, or there is no award", m.Currency.Format(m.Target))
		}
		return act{missions.KindPledge, missions.MakePledge{Mission: m.ID, Amount: n, Comment: comment},
			fmt.Sprintf("pledge %s to the mission %q, which goes into escrow now, and comes back %s", m.Currency.Format(n), m.Title, back)}, nil
	})
	cmd.Flags().StringVar(&comment, "comment", "", "why; everybody can read it")
	return cmd
}

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/identity"
)

func (a *app) awardCommand() *cobra.Command {
	return group(&cobra.Command{Use: "award", Short: "What was awarded to whom: list, show",
		Long: `What was awarded to whom. Nobody signs an award: it is paid by itself, once the judgement is final and the time
to appeal is over (coop mission judge, coop mission appeal), or milestone by milestone.`},
		a.awardListCommand(), a.awardShowCommand())
}

func (a *app) awardListCommand() *cobra.Command {
	var mine bool
	var member, token string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the prizes that were awarded",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.knownAsset(cmd, token); err != nil {
				return err
			}
			var who identity.PublicKey
			if mine || member != "" {
				find := a.self
				if member != "" {
					find = func(cmd *cobra.Command) (coop.MemberView, error) { return a.member(cmd, member) }
				}
				m, err := find(cmd)
				if err != nil {
					return err
				}
				who = m.ID
			}
			return a.printAwards(cmd, func(v *coop.AwardView) bool {
				by := who.IsZero()
				for _, c := range v.Contributors {
					by = by || c.Member == who
				}
				return by && (token == "" || token == v.Token)
			})
		},
	}
	cmd.Flags().BoolVar(&mine, "mine", false, "only those that you have a part in")
	cmd.Flags().StringVar(&member, "member", "", "only those that this member has a part in")
	cmd.Flags().StringVar(&token, "token", "", "only that which this achievement token came of")
	return cmd
}

func (a *app) awardShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show MISSION",
		Short: "List the prizes of a mission",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.mission(cmd, args[0])
			if err != nil {
				return err
			}
			return a.printAwards(cmd, func(v *coop.AwardView) bool { return v.Mission == m.ID })
		},
	}
}

// printAwards lists those that fit.
func (a *app) printAwards(cmd *cobra.Command, fits func(*coop.AwardView) bool) error {
	all, err := get[[]coop.AwardView](a, cmd, "awards")
	if err != nil {
		return err
	}
	type view = coop.AwardView
	var some []view
	for _, v := range all {
		if fits(&v) {
			some = append(some, v)
		}
	}
	return list(a, some, func(v view) string { return v.Submission.String() },
		column[view]{name: "mission", text: func(v view) string { return v.Title }},
		column[view]{name: "place", text: func(v view) string { return fmt.Sprint(v.Place) }},
		column[view]{name: "work", text: func(v view) string { return v.Work }},
		column[view]{name: "prize", text: func(v view) string { return v.Currency.Format(v.Prize) }},
		column[view]{name: "paid", text: func(v view) string { return v.Currency.Format(v.Paid) }},
		column[view]{name: "token", text: func(v view) string { return v.Token }},
		column[view]{name: "to", text: func(v view) string {
			names := make([]string, len(v.Contributors))
			for i, c := range v.Contributors {
				names[i] = fmt.Sprintf("%s (%d)", oneLine(c.Name), c.Share)
			}
			return strings.Join(names, ", ")
		}})
}

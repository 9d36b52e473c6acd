package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/surplus"
)

func (a *app) surplusCommand() *cobra.Command {
	return group(&cobra.Command{Use: "surplus", Short: "What sales have brought, and how it is divided: list, show, capital, claim"},
		a.surplusListCommand(), a.surplusShowCommand(), a.surplusCapitalCommand(), a.surplusClaimCommand())
}

func (a *app) surplusListCommand() *cobra.Command {
	var open bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the distributions, and say how much can be distributed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := get[coop.SurplusView](a, cmd, "surplus")
			if err != nil {
				return err
			}
			a.say("Sales have brought the treasury %s, of which %s can be distributed.", v.Currency.Format(v.Earned), v.Currency.Format(v.Left))
			type view = coop.DistributionView
			v.Distributions = slices.DeleteFunc(v.Distributions, func(d view) bool { return open && d.Payable == surplus.Whole })
			return list(a, v.Distributions, func(d view) string { return fmt.Sprint(d.Number) },
				column[view]{name: "number", text: func(d view) string { return fmt.Sprint(d.Number) }},
				column[view]{name: "pool", text: func(d view) string { return d.Currency.Format(d.Pool) }},
				column[view]{name: "reserve", text: func(d view) string { return d.Currency.Format(d.Reserve) }},
				column[view]{name: "parts", text: func(d view) string { return d.Says }},
				column[view]{name: "payable", text: func(d view) string { return coop.Millionths(d.Payable) }},
				column[view]{name: "until", text: func(d view) string { return a.ago(d.To) }})
		},
	}
	cmd.Flags().BoolVar(&open, "open", false, "only those that are not payable as a whole yet")
	return cmd
}

func (a *app) surplusShowCommand() *cobra.Command {
	var asCSV bool
	var member string
	cmd := &cobra.Command{
		Use:   "show NUMBER",
		Short: "List what everybody got of a distribution",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := get[coop.DistributionView](a, cmd, "surplus", args[0])
			if err != nil {
				return err
			}
			type view = coop.AllotmentView
			d.Allotments, err = ofMember(a, cmd, d.Allotments, member, func(v view) (identity.PublicKey, string) { return v.Key, v.Name })
			if err != nil {
				return err
			}
			if asCSV {
				return coop.DistributionCSV(a.out, d)
			}
			return list(a, d.Allotments, func(v view) string { return v.Key.String() },
				column[view]{name: "who", text: func(v view) string { return v.Name }},
				column[view]{name: "allotted", text: func(v view) string { return d.Currency.Format(v.Total) }},
				column[view]{name: "taken", text: func(v view) string { return d.Currency.Format(v.Taken) }},
				column[view]{name: "payable now", text: func(v view) string { return d.Currency.Format(v.Due) }})
		},
	}
	cmd.Flags().BoolVar(&asCSV, "csv", false, "as a statement for a spreadsheet, part by part")
	cmd.Flags().StringVar(&member, "member", "", "only this member's, by name or key")
	return cmd
}

func (a *app) surplusCapitalCommand() *cobra.Command {
	var member string
	cmd := &cobra.Command{
		Use:   "capital",
		Short: "List the capital accounts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := get[coop.SurplusView](a, cmd, "surplus")
			if err != nil {
				return err
			}
			type view = coop.CapitalView
			v.Accounts, err = ofMember(a, cmd, v.Accounts, member, func(c view) (identity.PublicKey, string) { return c.Key, c.Name })
			if err != nil {
				return err
			}
			return list(a, v.Accounts, func(c view) string { return c.Key.String() },
				column[view]{name: "who", text: func(c view) string { return c.Name }},
				column[view]{name: "allotted", text: func(c view) string { return v.Currency.Format(c.Allotted) }},
				column[view]{name: "taken", text: func(c view) string { return v.Currency.Format(c.Taken) }})
		},
	}
	cmd.Flags().StringVar(&member, "member", "", "only this member's, by name or key")
	return cmd
}

func (a *app) surplusClaimCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "claim NUMBER",
		Short: "Take what is payable to you of a distribution",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		n, err := number(args[0])
		if err != nil {
			return act{}, err
		}
		me, err := a.self(cmd)
		if err != nil {
			return act{}, err
		}
		d, err := getSeen[coop.DistributionView](a, cmd, "surplus", args[0])
		if err != nil {
			return act{}, err
		}
		says := fmt.Sprintf("take what is payable to you of distribution %d of the surplus", n)
		for _, v := range d.Allotments {
			if v.Key == me.ID {
				says += ", by now " + d.Currency.Format(v.Due)
			}
		}
		return act{surplus.KindClaim, surplus.Claim{Number: n}, says}, nil
	})
}

// distribution reads POOL CLASS:MEASURE=PERCENT% ...
func (m *money) distribution(w []string) (act, error) {
	var b surplus.Distribute
	var err error
	if b.Pool, err = amount(w[0], m.Currency); err != nil {
		return act{}, err
	}
	for _, text := range w[1:] {
		what, percent, _ := strings.Cut(text, "=")
		class, measure, _ := strings.Cut(what, ":")
		share, err := millionthsOf(strings.TrimSuffix(percent, "%"))
		if err != nil {
			return act{}, err
		}
		if class == "all" {
			class = ""
		}
		b.Parts = append(b.Parts, surplus.Part{Class: class, By: surplus.Measure(measure), Share: share})
	}
	return act{surplus.KindDistribute, b, fmt.Sprintf("distribute %s of the surplus to capital accounts: %s; the rest is the treasury's reserve", m.Currency.Format(b.Pool), strings.Join(w[1:], ", "))}, nil
}

// payout reads NUMBER PERCENT%.
func payout(w []string) (act, error) {
	n, err := strconv.ParseUint(w[0], 10, 53)
	if err != nil {
		return act{}, usagef("%q is no number of a distribution", w[0])
	}
	share, err := millionthsOf(strings.TrimSuffix(w[1], "%"))
	return act{surplus.KindPayout, surplus.Payout{Number: n, Share: share}, fmt.Sprintf("make %s of what distribution %d allotted payable", w[1], n)}, err
}

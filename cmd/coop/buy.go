package main

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/tokens"
)

func (a *app) buyCommand() *cobra.Command {
	var count uint64
	var steer []string
	var memo, receipt, buyer string
	cmd := a.signs(&cobra.Command{
		Use:   "buy NAME [AMOUNT]",
		Short: "Buy an element, a product or a bundle; a cashier books with --receipt what somebody paid outside",
		Long: `Buy an element, a product or a bundle. AMOUNT is what you pay where the price is open, and otherwise the most
that you would pay; without it that is the price as it is known here. --steer sends a part of what you pay to something
else that is sold, to a mission (mission/TITLE, or its id) or to the treasury: as an amount, or in percent.`,
		Args: cobra.RangeArgs(1, 2),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		shop, err := getSeen[coop.ShopView](a, cmd, "shop")
		if err != nil {
			return act{}, err
		}
		order, sentence, err := a.order(cmd, shop, args, count, steer)
		if err != nil || receipt == "" && buyer == "" {
			return act{commerce.KindBuy, commerce.Buy{Order: order, Memo: memo}, "buy " + sentence}, err
		}
		body := commerce.Sell{Order: order, Receipt: receipt, Memo: memo}
		whom := "somebody"
		if buyer != "" {
			if body.Buyer, err = identity.ParsePublicKey(buyer); err != nil {
				return act{}, usagef("%q is no key: a buyer shows it with coop id", buyer)
			}
			whom = body.Buyer.String()
		}
		return act{commerce.KindSell, body, fmt.Sprintf("confirm as cashier that %s paid outside with receipt %q for %s", whom, receipt, sentence)}, nil
	})
	cmd.Flags().Uint64Var(&count, "count", 1, "pieces")
	cmd.Flags().StringArrayVar(&steer, "steer", nil, "NAME=AMOUNT or NAME=PERCENT%; may be repeated")
	cmd.Flags().StringVar(&memo, "memo", "", "what it is for; everybody can read it")
	cmd.Flags().StringVar(&receipt, "receipt", "", "as a cashier: what proves the payment outside")
	cmd.Flags().StringVar(&buyer, "for", "", "as a cashier: the key that the buyer shows, whose purchase it counts as")
	return cmd
}

// order reads what somebody buys, and says where every part of the money goes.
func (a *app) order(cmd *cobra.Command, shop coop.ShopView, args []string, count uint64, steer []string) (o commerce.Order, sentence string, err error) {
	item, err := getSeen[coop.ItemView](a, cmd, "shop", args[0])
	if err != nil {
		return o, "", err
	}
	high, paid := bits.Mul64(item.Price.Amount, count)
	if high > 0 {
		return o, "", usagef("%d pieces cost more than can be counted", count)
	}
	o = commerce.Order{Item: item.Item, Count: count, Pay: paid}
	if len(args) == 2 {
		if o.Pay, err = amount(args[1], shop.Currency); err != nil {
			return o, "", err
		}
	}
	if item.Price.Open {
		paid = o.Pay
	}
	money := shop.Currency.Format
	treasury, rest := commerce.ShareOf(min(paid, commerce.MaxAmount), shop.Terms.Default), paid
	var ways []string
	for _, text := range steer {
		slider, name, err := a.slider(cmd, shop, text, paid)
		if err != nil {
			return o, "", err
		}
		o.Steer = append(o.Steer, slider)
		if slider.To.Kind == commerce.TheTreasury {
			treasury = slider.Amount
			continue
		}
		rest -= min(rest, slider.Amount)
		ways = append(ways, fmt.Sprintf("%s to %s", money(slider.Amount), name))
	}
	ways = append(ways, money(treasury)+" to the treasury", fmt.Sprintf("%s to %s", money(rest-min(rest, treasury)), item.Title))
	sentence = fmt.Sprintf("%s for %s (%s)", named(count, item), money(paid), strings.Join(ways, ", "))
	if o.Pay > paid {
		sentence += fmt.Sprintf("; if the price has risen meanwhile, for up to %s", money(o.Pay))
	}
	if shop.Terms.Window > 0 {
		sentence += fmt.Sprintf("; it can be given back for %s", millis(shop.Terms.Window))
	}
	return o, sentence, nil
}

func named(count uint64, i coop.ItemView) string {
	words := fmt.Sprintf("%s %s, %q,", i.Kind, i.Name, oneLine(i.Title))
	if count == 1 {
		return "the " + words
	}
	return fmt.Sprintf("%d of the %s", count, words)
}

// slider reads NAME=AMOUNT or NAME=PERCENT%.
func (a *app) slider(cmd *cobra.Command, shop coop.ShopView, text string, paid uint64) (s commerce.Steer, name string, err error) {
	name, value, _ := strings.Cut(text, "=")
	if percent, ok := strings.CutSuffix(value, "%"); ok {
		share, err := millionthsOf(percent)
		if err != nil {
			return s, "", err
		}
		s.Amount = commerce.ShareOf(paid, share)
	} else if s.Amount, err = amount(value, shop.Currency); err != nil {
		return s, "", err
	}
	if name == treasury {
		s.To = commerce.Item{Kind: commerce.TheTreasury}
		return s, "the treasury", nil
	}
	if id, ok := strings.CutPrefix(name, "mission/"); ok {
		m, err := a.mission(cmd, id)
		s.To = commerce.Item{Kind: commerce.APlace, ID: m.ID}
		return s, fmt.Sprintf("the mission %q", m.Title), err
	}
	item, err := getSeen[coop.ItemView](a, cmd, "shop", name)
	s.To = item.Item
	return s, item.Title, err
}

// millionthsOf reads a percentage with up to four decimals, exactly.
func millionthsOf(percent string) (uint64, error) {
	whole, part, _ := strings.Cut(percent, ".")
	if len(part) <= 4 && whole != "" {
		if n, err := strconv.ParseUint(whole+part+strings.Repeat("0", 4-len(part)), 10, 32); err == nil && n <= commerce.Whole {
			return n, nil
		}
	}
	return 0, usagef("%q is no percentage from 0 to 100 with up to four decimals", percent)
}

func (a *app) receiptCommand() *cobra.Command {
	var explain bool
	cmd := &cobra.Command{
		Use:   "receipt ID",
		Short: "Show a purchase, with --explain the way of every cent; below: list, refund",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := getSeen[coop.ReceiptView](a, cmd, "receipts", args[0])
			if err != nil {
				return err
			}
			money := r.Currency.Format
			lines := make([]string, 0, len(r.Lines))
			for _, l := range r.Lines {
				sum := money(uint64(max(l.Amount, 0)))
				if l.Amount < 0 {
					sum = "-" + money(uint64(-l.Amount))
				}
				line := sum + " to " + oneLine(l.To)
				if explain {
					line += fmt.Sprintf("\n  because: %s\n  by event: %s", oneLine(l.Rule), l.Event)
				}
				lines = append(lines, line)
			}
			way := "where it went"
			if r.Phase == commerce.Held {
				way = "where it will go"
			}
			return a.show(r, r.ID.String(), field{"id", r.ID.String()}, field{"what", fmt.Sprintf("%d of %s", r.Count, oneLine(r.What))}, field{"paid", money(r.Amount)},
				field{"signed by", oneLine(r.Signed)}, field{"buyer", oneLine(r.For)}, field{"receipt", oneLine(r.Purchase.Receipt)}, field{"memo", oneLine(r.Memo)},
				field{"at", a.ago(r.At)}, field{"state", a.phaseInWords(r)}, field{way, strings.Join(lines, "\n")})
		},
	}
	cmd.Flags().BoolVar(&explain, "explain", false, "name the rule and the event behind every line")
	cmd.AddCommand(a.receiptListCommand(), a.receiptRefundCommand())
	return cmd
}

func (a *app) phaseInWords(r coop.ReceiptView) string {
	if r.Phase == commerce.Held {
		return "can be given back until " + a.ago(r.Until)
	}
	return string(r.Phase)
}

func (a *app) receiptListCommand() *cobra.Command {
	var of, phase, item string
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what you have bought, what somebody else has, or all purchases",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("state", phase, string(commerce.Held), string(commerce.Paid), string(commerce.Refunded)); err != nil {
				return err
			}
			if of == "" && !all {
				me, err := a.self(cmd)
				if err != nil {
					return err
				}
				of = me.ID.String()
			}
			path := daemon.Path("coops", a.coop, "receipts")
			if !all {
				path += "?of=" + of
			}
			rows, err := ask[[]coop.ReceiptView](a, cmd, path)
			if err != nil {
				return err
			}
			var some []coop.ReceiptView
			for _, r := range rows {
				if (phase == "" || phase == string(r.Phase)) && (item == "" || strings.Contains(r.What, item)) {
					some = append(some, r)
				}
			}
			type view = coop.ReceiptView
			return list(a, some, func(r view) string { return r.ID.String() },
				column[view]{name: "id", text: func(r view) string { return a.ending(r.ID.String()) }},
				column[view]{name: "what", text: func(r view) string { return r.What }},
				column[view]{name: "pieces", text: func(r view) string { return fmt.Sprint(r.Count) }},
				column[view]{name: "paid", text: func(r view) string { return r.Currency.Format(r.Amount) }},
				column[view]{name: "signed by", text: func(r view) string { return r.Signed }},
				column[view]{name: "buyer", text: func(r view) string { return r.For }},
				column[view]{name: "state", text: func(r view) string { return string(r.Phase) }},
				column[view]{name: "at", text: func(r view) string { return a.ago(r.At) }})
		},
	}
	cmd.Flags().StringVar(&of, "of", "", "of this member, or of whoever has this key")
	cmd.Flags().BoolVar(&all, "all", false, "all purchases")
	cmd.Flags().StringVar(&phase, "state", "", "only these: held, paid or refunded")
	cmd.Flags().StringVar(&item, "item", "", "only of what has this in its title or name")
	return cmd
}

func (a *app) receiptRefundCommand() *cobra.Command {
	var receipt, memo string
	cmd := a.signs(&cobra.Command{
		Use:   "refund ID",
		Short: "Give a purchase back that you signed, while that is possible",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		r, err := getSeen[coop.ReceiptView](a, cmd, "receipts", args[0])
		sentence := fmt.Sprintf("give back the purchase of %s for %s", oneLine(r.What), r.Currency.Format(r.Amount))
		if r.Outside {
			sentence += fmt.Sprintf(", having paid the money out with receipt %q", receipt)
		}
		return act{commerce.KindRefund, commerce.Refund{Purchase: r.ID, Receipt: receipt, Memo: memo}, sentence}, err
	})
	cmd.Flags().StringVar(&receipt, "receipt", "", "as a cashier: what proves that the buyer has the money back")
	cmd.Flags().StringVar(&memo, "memo", "", "why; everybody can read it")
	return cmd
}

// claimCommand is coop token claim, which is what most people want with their income; without a token it
// tells what there is.
func (a *app) claimCommand() *cobra.Command {
	claim := a.tokenClaimCommand()
	sign := claim.RunE
	claim.Use, claim.Short, claim.Args = "claim [TOKEN]", "Take what the income of a token has brought you; without TOKEN, list what there is", cobra.MaximumNArgs(1)
	claim.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return sign(cmd, args)
		}
		me, err := a.self(cmd)
		if err != nil {
			return err
		}
		v, err := getSeen[coop.LedgerView](a, cmd, "ledger")
		if err != nil {
			return err
		}
		var mine []coop.AccountView
		for _, account := range v.Accounts {
			if account.Kind == tokens.OfMember && *account.Member == me.ID && account.Claimable > 0 {
				mine = append(mine, account)
			}
		}
		return a.printAccounts(v.Currency, mine)
	}
	return claim
}

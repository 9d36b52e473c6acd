package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/tokens"
)

func (a *app) tokenCommand() *cobra.Command {
	return group(&cobra.Command{Use: "token", Short: "Money and achievement tokens: list, show, transfer, claim, pay, issue, redeem"},
		a.tokenListCommand(), a.tokenShowCommand(), a.tokenTransferCommand(), a.tokenClaimCommand(), a.tokenPayCommand(),
		a.tokenIssueCommand(), a.tokenRedeemCommand())
}

func (a *app) tokenListCommand() *cobra.Command {
	var rule string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the achievement tokens",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("rule", rule, string(tokens.RuleFree), string(tokens.RuleMembers), string(tokens.RuleApproval), string(tokens.RuleNone)); err != nil {
				return err
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			var all, some []coop.TokenView
			if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "tokens"), &all); err != nil {
				return err
			}
			for _, t := range all {
				if rule == "" || rule == string(t.Rule) {
					some = append(some, t)
				}
			}
			type view = coop.TokenView
			return list(a, some, func(t view) string { return t.ID.String() },
				column[view]{name: "id", text: func(t view) string { return a.ending(t.ID.String()) }},
				column[view]{name: "name", text: func(t view) string { return t.Name }},
				column[view]{name: "units", text: func(t view) string { return fmt.Sprint(t.Supply) }},
				column[view]{name: "rule", text: func(t view) string { return string(t.Rule) }},
				column[view]{name: "income", text: func(t view) string { return t.Currency.Format(t.Income) }},
				column[view]{name: "last price", text: lastPrice},
				column[view]{name: "created", text: func(t view) string { return a.ago(t.Created) }})
		},
	}
	cmd.Flags().StringVar(&rule, "rule", "", "only these: free, members, coop-approval or none")
	return cmd
}

func lastPrice(t coop.TokenView) string {
	if t.Price == 0 {
		return ""
	}
	return t.Currency.Format(t.Price)
}

func (a *app) tokenShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show TOKEN",
		Short: "Show a token and who holds it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := get[coop.TokenView](a, cmd, "tokens", args[0])
			if err != nil {
				return err
			}
			holders := ""
			for i, h := range t.Holders {
				if i > 0 {
					holders += "\n"
				}
				holders += fmt.Sprintf("%s: %d", oneLine(h.Name), h.Has)
				if h.Claimable > 0 {
					holders += ", can claim " + t.Currency.Format(h.Claimable)
				}
			}
			return a.show(t, t.ID.String(), field{"id", t.ID.String()}, field{"name", t.Name}, field{"units", fmt.Sprint(t.Supply)}, field{"rule", ruleInWords(t)},
				field{"income", t.Currency.Format(t.Income)}, field{"claimed", t.Currency.Format(t.Claimed)}, field{"last price", lastPrice(t)},
				field{"created", a.ago(t.Created)}, field{"made by", t.Event.String()}, field{"holders", holders})
		},
	}
}

func ruleInWords(t coop.TokenView) string {
	words := map[tokens.Rule]string{tokens.RuleFree: "free: units go to everybody known in the cooperative", tokens.RuleMembers: "members: units go to members",
		tokens.RuleApproval: "coop-approval: each transfer waits until the members approve", tokens.RuleNone: "none: units stay with who earned them"}[t.Rule]
	if t.Refusal {
		words += "; the cooperative has the first refusal"
	}
	return words
}

func (a *app) tokenTransferCommand() *cobra.Command {
	var of, memo string
	cmd := a.signs(&cobra.Command{
		Use:   "transfer MEMBER AMOUNT",
		Short: "Hand on money, or units of a token; MEMBER may be: treasury",
		Args:  cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.money(cmd)
		if err != nil {
			return act{}, err
		}
		to, name, err := m.whom(args[0])
		if err != nil {
			return act{}, err
		}
		t, err := m.asset(of)
		if err != nil {
			return act{}, err
		}
		n, quantity, err := m.quantity(args[1], t)
		if err != nil {
			return act{}, err
		}
		sentence := fmt.Sprintf("transfer %s to %s", quantity, name)
		if t.Rule == tokens.RuleApproval {
			sentence += ", once the members approve; until then it is in escrow, and after 30 days it comes back"
		}
		return act{tokens.KindTransfer, tokens.Transfer{Asset: t.ID, To: to, Amount: n, Memo: memo}, sentence}, nil
	})
	cmd.Flags().StringVar(&of, "of", "", "which token (default: money)")
	cmd.Flags().StringVar(&memo, "memo", "", "what it is for; everybody can read it")
	return cmd
}

func (a *app) tokenClaimCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "claim TOKEN",
		Short: "Take what a token's income has brought you",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.money(cmd)
		if err != nil {
			return act{}, err
		}
		t, err := m.asset(args[0])
		if err != nil {
			return act{}, err
		}
		me, err := a.self(cmd)
		if err != nil {
			return act{}, err
		}
		v, err := getSeen[coop.TokenView](a, cmd, "tokens", t.ID.String())
		if err != nil {
			return act{}, err
		}
		says := fmt.Sprintf("move to your account all that the income of %s has brought you", t.Name)
		for _, h := range v.Holders {
			if h.Member != nil && *h.Member == me.ID && h.Claimable > 0 {
				says += ", by now " + v.Currency.Format(h.Claimable)
			}
		}
		return act{tokens.KindClaim, tokens.Claim{Asset: t.ID}, says}, nil
	})
}

func (a *app) tokenPayCommand() *cobra.Command {
	var memo string
	cmd := a.signs(&cobra.Command{
		Use:   "pay TOKEN AMOUNT",
		Short: "Pay money to all holders of a token, in proportion to their units",
		Args:  cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.money(cmd)
		if err != nil {
			return act{}, err
		}
		t, err := m.asset(args[0])
		if err != nil {
			return act{}, err
		}
		n, err := amount(args[1], m.Currency)
		if err != nil {
			return act{}, err
		}
		return act{tokens.KindPay, tokens.Pay{Asset: t.ID, Amount: n, Memo: memo},
			fmt.Sprintf("pay %s to all holders of %s, in proportion to their units", m.Currency.Format(n), t.Name)}, nil
	})
	cmd.Flags().StringVar(&memo, "memo", "", "what it is for; everybody can read it")
	return cmd
}

func (a *app) tokenIssueCommand() *cobra.Command {
	var receipt, memo string
	cmd := a.signs(&cobra.Command{
		Use:   "issue MEMBER AMOUNT --receipt REFERENCE",
		Short: "As cashier: book money that came in for a member",
		Args:  cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.money(cmd)
		if err != nil {
			return act{}, err
		}
		to, name, err := m.whom(args[0])
		if err != nil {
			return act{}, err
		}
		n, err := amount(args[1], m.Currency)
		if err != nil {
			return act{}, err
		}
		return act{tokens.KindIssue, tokens.IssueMoney{To: to, Amount: n, Receipt: receipt, Memo: memo},
			fmt.Sprintf("confirm as cashier that %s came in for %s, receipt %q", m.Currency.Format(n), name, receipt)}, nil
	})
	receiptFlags(cmd, &receipt, &memo)
	return cmd
}

func (a *app) tokenRedeemCommand() *cobra.Command {
	var receipt, memo string
	cmd := a.signs(&cobra.Command{
		Use:   "redeem AMOUNT --receipt REFERENCE",
		Short: "As cashier: book money that you paid out, from your own account",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.money(cmd)
		if err != nil {
			return act{}, err
		}
		n, err := amount(args[0], m.Currency)
		if err != nil {
			return act{}, err
		}
		return act{tokens.KindRedeem, tokens.RedeemMoney{Amount: n, Receipt: receipt, Memo: memo},
			fmt.Sprintf("confirm as cashier that you paid out %s, which leaves your account, receipt %q", m.Currency.Format(n), receipt)}, nil
	})
	receiptFlags(cmd, &receipt, &memo)
	return cmd
}

func receiptFlags(cmd *cobra.Command, receipt, memo *string) {
	cmd.Flags().StringVar(receipt, "receipt", "", "reference of the receipt, such as the number of the bank statement; counts once")
	cmd.Flags().StringVar(memo, "memo", "", "what it is for; everybody can read it")
	required(cmd, "receipt")
}

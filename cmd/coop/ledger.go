package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/tokens"
)

// treasury is how people name the cooperative's own account.
const treasury = "treasury"

func (a *app) ledgerCommand() *cobra.Command {
	var of, kind, member string
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "List every account of the cooperative: money and tokens",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("kind", kind, "member", "treasury", "escrow", "income", "issue"); err != nil {
				return err
			}
			v, err := get[coop.LedgerView](a, cmd, "ledger")
			if err != nil {
				return err
			}
			if of != "" && !slices.ContainsFunc(v.Accounts, func(x coop.AccountView) bool { return of == x.Token || x.Token == "" && of == v.Currency.Code }) {
				if err := a.knownAsset(cmd, of); err != nil {
					return err
				}
			}
			var who coop.MemberView
			if member != "" && member != treasury {
				if who, err = a.member(cmd, member); err != nil {
					return err
				}
			}
			var some []coop.AccountView
			for _, account := range v.Accounts {
				name := account.Token
				if name == "" {
					name = v.Currency.Code
				}
				mine := member == "" || account.Member != nil && *account.Member == who.ID || member == treasury && account.Kind == tokens.OfTreasury
				if (of == "" || of == name) && (kind == "" || kind == string(account.Kind)) && mine {
					some = append(some, account)
				}
			}
			return a.printAccounts(v.Currency, some)
		},
	}
	cmd.Flags().StringVar(&of, "of", "", "only this token, or the currency by its code")
	cmd.Flags().StringVar(&kind, "kind", "", "only these: member, treasury, escrow, income, issue")
	cmd.Flags().StringVar(&member, "member", "", "only this member's, or the treasury's")
	return cmd
}

func (a *app) printAccounts(c governance.Currency, accounts []coop.AccountView) error {
	type view = coop.AccountView
	amount := func(v view, n uint64) string {
		switch {
		case n == 0:
			return ""
		case v.Token == "":
			return c.Format(n)
		}
		return fmt.Sprint(n)
	}
	id := func(v view) string {
		if v.Member == nil {
			return string(v.Kind)
		}
		return v.Member.String()
	}
	return list(a, accounts, id,
		column[view]{name: "account", text: func(v view) string { return v.Name }},
		column[view]{name: "kind", text: func(v view) string { return string(v.Kind) }},
		column[view]{name: "of", text: func(v view) string {
			if v.Token == "" {
				return c.Code
			}
			return v.Token
		}},
		column[view]{name: "has", text: func(v view) string { return amount(v, v.Has) }},
		column[view]{name: "owes", text: func(v view) string { return amount(v, v.Owes) }},
		column[view]{name: "may owe", text: func(v view) string { return amount(v, v.Limit) }},
		column[view]{name: "to claim", text: func(v view) string {
			if v.Claimable == 0 {
				return ""
			}
			return c.Format(v.Claimable)
		}})
}

// money is what a command about money and tokens has to know first.
type money struct {
	a   *app
	cmd *cobra.Command
	coop.Overview
}

func (a *app) money(cmd *cobra.Command) (*money, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	m := &money{a: a, cmd: cmd}
	return m, client.Get(cmd.Context(), daemon.Path("coops", a.coop, "overview"), &m.Overview)
}

// whom finds a member by what people type; the treasury is the Assembly's.
func (m *money) whom(text string) (key identity.PublicKey, name string, err error) {
	if text == treasury {
		return identity.Assembly, "the treasury", nil
	}
	v, err := m.a.member(m.cmd, text)
	return v.ID, fmt.Sprintf("%s (%s)", oneLine(v.Name), v.ID), err
}

// knownAsset refuses what is no token at all; "" is fine.
func (a *app) knownAsset(cmd *cobra.Command, name string) error {
	if name == "" {
		return nil
	}
	m, err := a.money(cmd)
	if err != nil {
		return err
	}
	_, err = m.asset(name)
	return err
}

// asset finds a token; no name, or the currency's code, is the currency.
func (m *money) asset(name string) (t coop.TokenView, err error) {
	if name == "" || name == m.Currency.Code {
		return t, nil
	}
	client, err := m.a.client()
	if err != nil {
		return t, err
	}
	return t, client.Get(m.cmd.Context(), daemon.Path("coops", m.a.coop, "tokens", name)+"?provisional=1", &t)
}

// quantity reads how much of an asset, and says it.
func (m *money) quantity(text string, t coop.TokenView) (uint64, string, error) {
	if t.ID == tokens.Currency {
		n, err := amount(text, m.Currency)
		return n, m.Currency.Format(n), err
	}
	n, err := number(text)
	return n, fmt.Sprintf("%s of %s", coop.Plural(n, "unit", "units"), t.Name), err
}

func number(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 53)
	if err != nil {
		return 0, usagef("%q is no whole number of units", text)
	}
	return n, nil
}

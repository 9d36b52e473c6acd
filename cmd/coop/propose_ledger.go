package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/tokens"
)

// ledgerUsage says what --ledger takes.
const ledgerUsage = `if it passes, do this with money or tokens; may be repeated. One of:
issue MEMBER AMOUNT RECEIPT · redeem AMOUNT RECEIPT · transfer MEMBER AMOUNT [TOKEN] · cashier MEMBER CAP PERIOD · cashier MEMBER off ·
credit CLASS LIMIT · create TOKEN RULE MEMBER=UNITS ... · rule TOKEN RULE [first-refusal] · approve TRANSFER · cancel ORDER ·
pay TOKEN AMOUNT · claim TOKEN · buy TOKEN UNITS PRICE DAYSd · sell TOKEN UNITS PRICE DAYSd; MEMBER may be: treasury`

// ledgerActions makes the drafts of --ledger.
func (a *app) ledgerActions(cmd *cobra.Command, texts []string, o *coop.Overview) (drafts []event.Draft, words []string, err error) {
	m := &money{a, cmd, *o}
	for i, text := range texts {
		kind, body, sentence, err := m.action(strings.Fields(text), uint64(i))
		if err != nil {
			return nil, nil, err
		}
		d, err := event.NewDraft(kind, body)
		if err != nil {
			return nil, nil, usagef("%v", err)
		}
		drafts, words = append(drafts, d), append(words, sentence)
	}
	return drafts, words, nil
}

// action reads one action of the Assembly with money or tokens.
func (m *money) action(w []string, number uint64) (kind event.Kind, body any, sentence string, err error) {
	if len(w) < 2 {
		return "", nil, "", usagef("--ledger takes an action: %s", ledgerUsage)
	}
	switch {
	case w[0] == "issue" && len(w) == 4, w[0] == "redeem" && len(w) == 3, w[0] == "cashier", w[0] == "credit" && len(w) == 3:
		return m.actionOnMoney(w)
	case w[0] == "transfer" && len(w) >= 3 && len(w) <= 4:
		return m.transferAction(append(w, "")[:4])
	case w[0] == "create" && len(w) >= 4:
		return m.creation(w, number)
	case w[0] == "approve" && len(w) == 2, w[0] == "cancel" && len(w) == 2:
		return m.actionOnOrder(w)
	}
	t, err := m.asset(w[1])
	if err != nil {
		return "", nil, "", err
	}
	switch {
	case w[0] == "rule" && (len(w) == 3 || len(w) == 4 && w[3] == "first-refusal"):
		b := tokens.ChangeRule{Asset: t.ID, Rule: tokens.Rule(w[2]), Refusal: len(w) == 4}
		sentence = fmt.Sprintf("change the rule of %s to %s", t.Name, strings.Join(w[2:], " with a "))
		return tokens.KindRule, b, sentence, nil
	case w[0] == "pay" && len(w) == 3:
		n, err := amount(w[2], m.Currency)
		return tokens.KindPay, tokens.Pay{Asset: t.ID, Amount: n}, fmt.Sprintf("pay %s from the treasury to all holders of %s", m.Currency.Format(n), t.Name), err
	case w[0] == "claim" && len(w) == 2:
		return tokens.KindClaim, tokens.Claim{Asset: t.ID}, "claim the treasury's income of " + t.Name, nil
	case (w[0] == "buy" || w[0] == "sell") && len(w) == 5:
		b, err := m.order(tokens.Side(w[0]), t, w[2], w[3], w[4])
		return tokens.KindOrder, b, fmt.Sprintf("%s for the treasury %s of %s at %s a unit or better, until %s", w[0], coop.Plural(b.Units, "unit", "units"), t.Name, m.Currency.Format(b.Price), b.Until), err
	}
	return "", nil, "", usagef("%q is no action with money or tokens: %s", strings.Join(w, " "), ledgerUsage)
}

func (m *money) actionOnMoney(w []string) (kind event.Kind, body any, sentence string, err error) {
	switch w[0] {
	case "redeem":
		n, err := amount(w[1], m.Currency)
		return tokens.KindRedeem, tokens.RedeemMoney{Amount: n, Receipt: w[2]}, fmt.Sprintf("pay %s out of the treasury for receipt %q", m.Currency.Format(n), w[2]), err
	case "credit":
		n, err := amount(w[2], m.Currency)
		return tokens.KindCredit, tokens.Credit{Class: w[1], Limit: n}, fmt.Sprintf("let each %s owe up to %s", w[1], m.Currency.Format(n)), err
	}
	to, name, err := m.whom(w[1])
	if err != nil {
		return "", nil, "", err
	}
	switch {
	case w[0] == "issue":
		n, err := amount(w[2], m.Currency)
		return tokens.KindIssue, tokens.IssueMoney{To: to, Amount: n, Receipt: w[3]}, fmt.Sprintf("issue %s to %s for receipt %q", m.Currency.Format(n), name, w[3]), err
	case len(w) == 3 && w[2] == "off":
		return tokens.KindAppoint, tokens.Appoint{Member: to}, fmt.Sprintf("end the appointment of %s as cashier", name), nil
	case len(w) == 4:
		n, err := amount(w[2], m.Currency)
		if err != nil {
			return "", nil, "", err
		}
		d, err := duration(w[3])
		return tokens.KindAppoint, tokens.Appoint{Member: to, Cap: n, Period: event.Time(d.Milliseconds())},
			fmt.Sprintf("appoint %s cashier, for up to %s in and out in each %s", name, m.Currency.Format(n), span(d)), err
	}
	return "", nil, "", usagef("a cashier has a cap and a period, such as: cashier %s 500 30d; or: cashier %s off", w[1], w[1])
}

func (m *money) transferAction(w []string) (kind event.Kind, body any, sentence string, err error) {
	to, name, err := m.whom(w[1])
	if err != nil {
		return "", nil, "", err
	}
	t, err := m.asset(w[3])
	if err != nil {
		return "", nil, "", err
	}
	n, quantity, err := m.quantity(w[2], t)
	return tokens.KindTransfer, tokens.Transfer{Asset: t.ID, To: to, Amount: n}, fmt.Sprintf("transfer %s from the treasury to %s", quantity, name), err
}

func (m *money) creation(w []string, n uint64) (kind event.Kind, body any, sentence string, err error) {
	b := tokens.Create{Number: n, Name: w[1], Rule: tokens.Rule(w[2])}
	rest := slices.Clone(w[3:])
	if i := slices.Index(rest, "first-refusal"); i >= 0 {
		b.Refusal, rest = true, slices.Delete(rest, i, i+1)
	}
	var shares []string
	for _, text := range rest {
		who, units, _ := strings.Cut(text, "=")
		to, name, err := m.whom(who)
		if err != nil {
			return "", nil, "", err
		}
		n, err := number(units)
		if err != nil {
			return "", nil, "", err
		}
		b.Shares = append(b.Shares, tokens.Share{To: to, Amount: n})
		shares = append(shares, fmt.Sprintf("%s for %s", coop.Plural(n, "unit", "units"), name))
	}
	return tokens.KindCreate, b, fmt.Sprintf("make the token %s (%s): %s", b.Name, b.Rule, strings.Join(shares, ", ")), nil
}

func (m *money) actionOnOrder(w []string) (kind event.Kind, body any, sentence string, err error) {
	o, err := m.a.openOrder(m.cmd, w[1])
	if err != nil {
		return "", nil, "", err
	}
	if w[0] == "cancel" {
		return tokens.KindCancel, tokens.Cancel{ID: o.ID}, fmt.Sprintf("end %s", orderInWords(o)), nil
	}
	return tokens.KindApprove, tokens.Approve{Transfer: o.ID}, fmt.Sprintf("approve %s by %s to %s", orderInWords(o), oneLine(o.Name), oneLine(o.To)), nil
}

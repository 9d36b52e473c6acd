package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
)

// shopUsage says what --shop takes.
const shopUsage = `if it passes, do this with what is sold; may be repeated. One of:
element TOKEN PRICE TITLE ... · product NAME PRICE PART=WEIGHT ... TITLE ... · bundle NAME PRICE PART=WEIGHT ... TITLE ... ·
price NAME PRICE · withdraw NAME · distribute POOL CLASS:MEASURE=PERCENT% ... (class all, measures purchases, contributions, equal) ·
payout NUMBER PERCENT% · terms LEAST% DEFAULT% MOST% STEER% DAYSd · refund RECEIPT; PRICE is 5.00, or 5.00+ for at least that`

// shopActions makes the drafts of --shop.
func (a *app) shopActions(cmd *cobra.Command, texts []string, o *coop.Overview) (drafts []event.Draft, words []string, err error) {
	m := &money{a, cmd, *o}
	for i, text := range texts {
		do, err := m.shopAction(strings.Fields(text), uint64(i))
		if err != nil {
			return nil, nil, err
		}
		d, err := event.NewDraft(do.kind, do.body)
		if err != nil {
			return nil, nil, usagef("%v", err)
		}
		drafts, words = append(drafts, d), append(words, do.says)
	}
	return drafts, words, nil
}

// shopAction reads one action of the Assembly with what is sold.
func (m *money) shopAction(w []string, number uint64) (act, error) {
	wrong := usagef("%q is no action with what is sold: %s", strings.Join(w, " "), shopUsage)
	switch {
	case len(w) >= 4 && w[0] == "element":
		t, err := m.asset(w[1])
		if err != nil {
			return act{}, err
		}
		price, err := m.price(w[2])
		title := strings.Join(w[3:], " ")
		return act{commerce.KindElement, commerce.NewElement{Asset: t.ID, Title: title, Price: price},
			fmt.Sprintf("sell %q, the work behind the token %s, for %s", title, t.Name, priceInWords(price, m.Currency))}, err
	case len(w) >= 5 && (w[0] == "product" || w[0] == "bundle"):
		return m.newOffer(w, number)
	case len(w) == 3 && w[0] == "price":
		item, err := getSeen[coop.ItemView](m.a, m.cmd, "shop", w[1])
		if err != nil {
			return act{}, err
		}
		price, err := m.price(w[2])
		return act{commerce.KindPrice, commerce.SetPrice{Item: item.Item, Price: price},
			fmt.Sprintf("set the price of the %s %s to %s", item.Kind, item.Name, priceInWords(price, m.Currency))}, err
	case len(w) == 2 && w[0] == "withdraw":
		item, err := getSeen[coop.ItemView](m.a, m.cmd, "shop", w[1])
		return act{commerce.KindWithdraw, commerce.Withdraw{Item: item.Item}, fmt.Sprintf("stop selling the %s %s, and whatever contains it", item.Kind, item.Name)}, err
	case len(w) == 6 && w[0] == "terms":
		return m.newTerms(w[1:])
	case len(w) >= 3 && w[0] == "distribute":
		return m.distribution(w[1:])
	case len(w) == 3 && w[0] == "payout":
		return payout(w[1:])
	case len(w) == 2 && w[0] == "refund":
		r, err := getSeen[coop.ReceiptView](m.a, m.cmd, "receipts", w[1])
		return act{commerce.KindRefund, commerce.Refund{Purchase: r.ID}, fmt.Sprintf("give back the purchase of %s by %s", oneLine(r.What), oneLine(r.Signed))}, err
	}
	return act{}, wrong
}

func (m *money) price(text string) (p commerce.Price, err error) {
	text, p.Open = strings.CutSuffix(text, "+")
	p.Amount, err = amount(text, m.Currency)
	return p, err
}

func (m *money) newOffer(w []string, number uint64) (act, error) {
	b := commerce.NewOffer{Number: number, Kind: commerce.OfferKind(w[0]), Name: w[1]}
	var err error
	if b.Price, err = m.price(w[2]); err != nil {
		return act{}, err
	}
	var title, parts []string
	for _, text := range w[3:] {
		name, weight, isPart := strings.Cut(text, "=")
		if !isPart {
			title = append(title, text)
			continue
		}
		item, err := getSeen[coop.ItemView](m.a, m.cmd, "shop", name)
		if err != nil {
			return act{}, err
		}
		n, err := strconv.ParseUint(weight, 10, 53)
		if err != nil {
			return act{}, usagef("%q is no weight: write a whole number", weight)
		}
		b.Portions = append(b.Portions, commerce.Portion{Item: item.Item, Weight: n})
		parts = append(parts, fmt.Sprintf("%s with weight %d", item.Name, n))
	}
	b.Title = strings.Join(title, " ")
	return act{commerce.KindOffer, b, fmt.Sprintf("sell the %s %s, %q, for %s, made of %s", b.Kind, b.Name, b.Title, priceInWords(b.Price, m.Currency), strings.Join(parts, ", "))}, nil
}

func (m *money) newTerms(w []string) (act, error) {
	var shares [4]uint64
	for i := range shares {
		var err error
		if shares[i], err = millionthsOf(strings.TrimSuffix(w[i], "%")); err != nil {
			return act{}, err
		}
	}
	window, err := duration(w[4])
	return act{commerce.KindTerms, commerce.SetTerms{Least: shares[0], Default: shares[1], Most: shares[2], Steer: shares[3], Window: event.Time(window.Milliseconds())},
		fmt.Sprintf("sell on these terms: the treasury gets %s, from %s to %s by the buyer's choice; the buyer may steer up to %s; purchases can be given back for %s", w[1], w[0], w[2], w[3], w[4])}, err
}

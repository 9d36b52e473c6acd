package coop

import (
	"cmp"
	"fmt"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// ItemView is something that is sold. Amounts are in minor units of the currency.
type ItemView struct {
	ID       event.ID            `json:"id"`
	Item     commerce.Item       `json:"item"` // as purchases name it
	Kind     string              `json:"kind"` // element, product, bundle
	Name     string              `json:"name"` // of an element, its token's
	Title    string              `json:"title"`
	Price    commerce.Price      `json:"price"`
	Sold     uint64              `json:"sold"`             // pieces, by itself
	Income   uint64              `json:"income"`           // of an element, its token's; of an offer, what came by the weights
	State    string              `json:"state"`            // on sale, withdrawn, broken: something inside was withdrawn
	Mission  event.ID            `json:"mission,omitzero"` // of an element
	Parts    []PortionView       `json:"parts,omitempty"`  // of an offer
	Shares   []ShareView         `json:"shares,omitempty"` // of an offer, all the way down
	Steered  commerce.Demand     `json:"steered"`          // what buyers steered to it
	Since    event.Time          `json:"since"`
	Event    event.ID            `json:"event"`
	Currency governance.Currency `json:"currency"`
}

// PortionView is one part of an offer.
type PortionView struct {
	ID     event.ID `json:"id"`
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	Weight uint64   `json:"weight"`
}

// ShareView is what a token has of an offer.
type ShareView struct {
	Token string       `json:"token"`
	Asset tokens.Asset `json:"asset"`
	Num   uint64       `json:"num"`
	Den   uint64       `json:"den"`
	Has   uint64       `json:"has"` // of what came so far
}

// ShopView is all that is or was sold, and on which terms.
type ShopView struct {
	Currency governance.Currency `json:"currency"`
	Terms    commerce.Terms      `json:"terms"`
	Says     string              `json:"says"` // the terms in words
	Items    []ItemView          `json:"items"`
}

// DemandView is what buyers have steered somewhere.
type DemandView struct {
	Item commerce.Item `json:"item"`
	Name string        `json:"name"`
	commerce.Demand
}

// ReceiptView is a purchase. Lines say where every unit of it went, and why.
type ReceiptView struct {
	ID event.ID `json:"id"`
	commerce.Purchase
	What     string              `json:"what"`
	Signed   string              `json:"signed"`               // who signed it
	For      string              `json:"buyer_name,omitempty"` // who bought, if that is known
	Currency governance.Currency `json:"currency"`
	Lines    []ReceiptLine       `json:"lines,omitempty"`
}

// ReceiptLine is one part of a purchase. Lines add up to what was paid.
type ReceiptLine struct {
	Amount int64    `json:"amount"` // minor units; below 0: earlier purchases had left so much over
	To     string   `json:"to"`
	Rule   string   `json:"rule"`
	Event  event.ID `json:"event"` // that made the rule, or chose
}

// Shop is all that is or was sold.
func Shop(s *State) ShopView {
	v := ShopView{Currency: s.Hall.Currency, Terms: s.Shop.Terms, Says: termsInWords(s.Shop.Terms), Items: []ItemView{}}
	for asset := range table.All(&s.Shop.Elements) {
		i, _ := Item(s, commerce.ElementOf(asset))
		v.Items = append(v.Items, i)
	}
	for id := range table.All(&s.Shop.Offers) {
		i, _ := Item(s, commerce.OfferOf(id))
		v.Items = append(v.Items, i)
	}
	return v
}

// Item is one thing that is or was sold.
func Item(s *State, i commerce.Item) (ItemView, bool) {
	v := ItemView{ID: i.ID, Item: i, Currency: s.Hall.Currency, State: "on sale"}
	trade, _ := s.Shop.Trade.Get(i)
	v.Sold, v.Steered = trade.Sold, trade.Steered
	if i.Kind == commerce.AnElement {
		e, ok := s.Shop.Elements.Get(tokens.Asset(i.ID))
		v.Kind, v.Name, v.Title, v.Price, v.Mission, v.Since, v.Event = "element", s.tokenName(e.Asset), e.Title, e.Price, e.Mission, e.Since, e.Event
		v.Income = s.Ledger.Earned(e.Asset)
		if e.Withdrawn {
			v.State = "withdrawn"
		}
		return v, ok
	}
	o, ok := s.Shop.Offers.Get(i.ID)
	v.Kind, v.Name, v.Title, v.Price, v.Since, v.Event = string(o.Kind), o.Name, o.Title, o.Price, o.Since, o.Event
	switch {
	case o.Withdrawn:
		v.State = "withdrawn"
	case o.Broken:
		v.State = "broken"
	}
	split, _ := s.Ledger.Splits.Get(i.ID)
	v.Income = split.Total
	for _, p := range o.Portions {
		inner := PortionView{ID: p.Item.ID, Weight: p.Weight}
		if p.Item.Kind == commerce.AnElement {
			e, _ := s.Shop.Elements.Get(tokens.Asset(p.Item.ID))
			inner.Name, inner.Title = s.tokenName(e.Asset), e.Title
		} else {
			o, _ := s.Shop.Offers.Get(p.Item.ID)
			inner.Name, inner.Title = o.Name, o.Title
		}
		v.Parts = append(v.Parts, inner)
	}
	for _, p := range split.Parts {
		v.Shares = append(v.Shares, ShareView{s.tokenName(p.Asset), p.Asset, p.Num, p.Den, p.Of(split.Total)})
	}
	return v, ok && i.Kind == commerce.AnOffer
}

// Demand is where buyers steer their money, an item each.
func Demand(s *State) []DemandView {
	views := []DemandView{}
	for item, trade := range table.All(&s.Shop.Trade) {
		if trade.Steered.Times > 0 {
			views = append(views, DemandView{item, s.item(item), trade.Steered})
		}
	}
	return views
}

// Receipts are the purchases of a customer; of the zero key, all.
func Receipts(s *State, customer identity.PublicKey) []ReceiptView {
	views := []ReceiptView{}
	if customer.IsZero() {
		for id, p := range table.All(&s.Shop.Purchases) {
			views = append(views, s.receipt(id, p))
		}
		return views
	}
	for id, p := range s.Shop.PurchasesOf(customer) {
		views = append(views, s.receipt(id, p))
	}
	return views
}

func (s *State) receipt(id event.ID, p commerce.Purchase) ReceiptView {
	v := ReceiptView{ID: id, Purchase: p, What: s.item(p.Item), Signed: s.whom(p.By), Currency: s.Hall.Currency}
	if !p.Buyer.IsZero() {
		v.For = patronOf(s, p.Buyer)
	}
	return v
}

// Receipt is one purchase, with the way of every unit of it.
func Receipt(s *State, id event.ID) (ReceiptView, bool) {
	p, ok := s.Shop.Purchases.Get(id)
	if !ok {
		return ReceiptView{}, false
	}
	v := s.receipt(id, p)
	if p.Phase == commerce.Refunded {
		to := v.Signed
		if p.Outside {
			to = "the buyer, outside"
		}
		v.Lines = []ReceiptLine{{int64(p.Amount), to, "given back before " + p.Until.String(), id}}
		return v, true
	}
	v.Lines = append(v.Lines, s.treasuryLine(id, &p))
	why := "the rest goes to what was bought"
	if p.Item.Kind == commerce.AnOffer {
		why = "the rest follows the weights of what was bought"
	}
	for _, gift := range p.Gifts {
		steered := "steered there by the buyer"
		switch {
		case gift.Lapsed:
			why += fmt.Sprintf(", with %s that the buyer had steered to %s, which could not take it any more", s.Hall.Currency.Format(gift.Amount), s.item(gift.To))
			continue
		case p.Phase == commerce.Held && gift.To.Kind == commerce.APlace && s.Missions.Takes(gift.To.ID) != nil:
			steered += ", but it takes no money any more: so it will go to what was bought"
		}
		v.Lines = append(v.Lines, s.giftLines(gift, p.Phase, steered, id)...)
	}
	if p.Rest.Lapsed {
		v.Lines = append(v.Lines, ReceiptLine{int64(p.Rest.Amount), "the treasury", "nobody could count that much", id})
	} else if p.Rest.Amount > 0 {
		v.Lines = append(v.Lines, s.giftLines(p.Rest, p.Phase, why, p.Priced)...)
	}
	return v, true
}

// treasuryLine says why the treasury has its part. Terms of the beginning are those of the founding.
func (s *State) treasuryLine(id event.ID, p *commerce.Purchase) ReceiptLine {
	terms, _ := s.Shop.Past.Get(p.Terms)
	line := ReceiptLine{int64(p.Treasury), "the treasury", "its share of every sale, " + Millionths(terms.Default), p.Terms}
	if p.Treasury != commerce.ShareOf(p.Amount, terms.Default) {
		line.Rule = fmt.Sprintf("the buyer's choice between %s and %s", Millionths(terms.Least), Millionths(terms.Most))
		line.Event = id
	}
	if line.Event.IsZero() {
		line.Event = s.Hall.Coop
	}
	return line
}

// giftLines say who has a part of a purchase: all holders of one token, or those of several by the shares
// of an offer, which are floors of its running total.
func (s *State) giftLines(gift commerce.Gift, phase commerce.Phase, why string, by event.ID) (lines []ReceiptLine) {
	if gift.To.Kind == commerce.AnElement {
		return []ReceiptLine{{int64(gift.Amount), "all holders of " + s.tokenName(tokens.Asset(gift.To.ID)) + ", by their units", why, by}}
	}
	if gift.To.Kind != commerce.AnOffer || phase == commerce.Held {
		return []ReceiptLine{{int64(gift.Amount), s.item(gift.To), why, by}}
	}
	o, _ := s.Shop.Offers.Get(gift.To.ID)
	split, _ := s.Ledger.Splits.Get(gift.To.ID)
	left := int64(gift.Amount)
	for _, p := range split.Parts {
		amount := int64(p.Of(gift.Before+gift.Amount) - p.Of(gift.Before))
		left -= amount
		if amount > 0 {
			rule := fmt.Sprintf("%d/%d of %s: %s", p.Num, p.Den, s.item(gift.To), why)
			lines = append(lines, ReceiptLine{amount, "all holders of " + s.tokenName(p.Asset) + ", by their units", rule, o.Event})
		}
	}
	if left != 0 {
		rule := "too little to be divided: kept for the next sale"
		if left < 0 {
			rule = "came from what earlier sales had left over"
		}
		lines = append(lines, ReceiptLine{left, "what is carried over of " + s.item(gift.To), rule, cmp.Or(o.Event, by)})
	}
	return lines
}

// ExplainReceipt says where every unit of a purchase went, line by line.
func ExplainReceipt(s *State, id event.ID) []string {
	v, ok := Receipt(s, id)
	if !ok {
		return nil
	}
	money := s.Hall.Currency.Format
	who := v.Signed
	if v.Outside {
		who = fmt.Sprintf("%s (outside, to %s, receipt %q)", cmp.Or(v.For, "A buyer"), v.Signed, v.Purchase.Receipt)
	}
	first := fmt.Sprintf("%s paid %s for %d of %s at %s", who, money(v.Amount), v.Count, v.What, v.At)
	switch v.Phase {
	case commerce.Held:
		first += fmt.Sprintf("; it can be given back before %s.", v.Until)
	case commerce.Paid:
		first += "; the money has gone where it was to go."
	default:
		first += "; it was given back."
	}
	lines := []string{first}
	for _, l := range v.Lines {
		amount := money(uint64(max(l.Amount, 0)))
		if l.Amount < 0 {
			amount = "-" + money(uint64(-l.Amount))
		}
		lines = append(lines, fmt.Sprintf("%s: %s (%s; event %s)", amount, l.To, l.Rule, l.Event))
	}
	return lines
}

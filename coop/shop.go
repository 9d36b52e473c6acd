package coop

import (
	"fmt"
	"strings"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/tokens"
)

// What stands between the shop, which sells, and the other rooms.

// shopRules are the rules of the shop.
func shopRules() []fold.Rule[State] {
	return []fold.Rule[State]{
		fold.On(commerce.KindBuy, shop((*commerce.State).Buy)),
		fold.On(commerce.KindSell, shop((*commerce.State).Sell)),
		fold.On(commerce.KindRefund, shop((*commerce.State).Refund)),

		fold.On(commerce.KindElement, newElement),
		fold.On(commerce.KindOffer, shop((*commerce.State).NewOffer)),
		fold.On(commerce.KindPrice, shop((*commerce.State).SetPrice)),
		fold.On(commerce.KindWithdraw, shop((*commerce.State).Withdraw)),
		fold.On(commerce.KindTerms, shop((*commerce.State).SetTerms)),
	}
}

// shop makes a rule of the shop a rule of the cooperative.
func shop[B any](rule func(*commerce.State, commerce.Act, B) error) func(*State, fold.Env, B) error {
	return func(s *State, env fold.Env, body B) error {
		act, err := s.shopAct(env)
		if err != nil {
			return err
		}
		return rule(&s.Shop, act, body)
	}
}

// newElement puts work up for sale, and notes who has made it.
func newElement(s *State, env fold.Env, b commerce.NewElement) error {
	if err := shop((*commerce.State).NewElement)(s, env, b); err != nil {
		return err
	}
	s.Surplus.Made(b.Asset, &s.Ledger)
	return nil
}

// shopAct is what a rule of the shop may know and use. A mission that is awarded adds its element by it,
// with the Assembly as author: s.Shop.AddElement(act, element).
func (s *State) shopAct(env fold.Env) (commerce.Act, error) {
	act, err := s.ledgerAct(env)
	return commerce.Act{Act: act, Ledger: &s.Ledger, Around: around{s}}, err
}

// shopAt is what happens in the shop by itself at a coop time.
func (s *State) shopAt(t event.Time) commerce.Act {
	return commerce.Act{Act: tokens.Act{By: tokens.Treasury, Time: t, People: register{&s.Hall}}, Ledger: &s.Ledger, Around: around{s}}
}

// around is what the shop needs of the other rooms.
type around struct{ s *State }

// Takes tells why a mission cannot be given money, or nil.
func (a around) Takes(mission event.ID, _ uint64) error { return a.s.Missions.Takes(mission) }

// Give pledges money to a mission: for the buyer, if that is somebody known here, to whom it could go back,
// otherwise for all members together.
func (a around) Give(mission event.ID, from tokens.Account, buyer identity.PublicKey, amount uint64, by event.ID, at event.Time) {
	if !a.s.Hall.Members.Has(buyer) {
		buyer = identity.Assembly
	}
	a.s.Missions.Steered(&a.s.Ledger, mission, from, buyer, amount, by, at)
}

// Bought counts a purchase as patronage.
func (a around) Bought(buyer identity.PublicKey, amount, margin uint64, at event.Time) {
	if !buyer.IsZero() {
		buyer = a.s.Hall.Bought(buyer, amount, at)
	}
	a.s.Surplus.Sold(buyer, margin)
}

// shopDeps are the events that a draft about sales is about: what made the thing and set its price, the
// purchase that is given back.
func (s *State) shopDeps(d event.Draft) []event.ID {
	switch d.Kind {
	case commerce.KindBuy:
		if b, ok := read[commerce.Buy](d); ok {
			return s.orderDeps(b.Order)
		}
	case commerce.KindSell:
		if b, ok := read[commerce.Sell](d); ok {
			return s.orderDeps(b.Order)
		}
	case commerce.KindRefund:
		if b, ok := read[commerce.Refund](d); ok {
			return about(b.Purchase)
		}
	}
	return nil
}

func (s *State) orderDeps(o commerce.Order) []event.ID {
	deps := s.sold(o.Item)
	for _, slider := range o.Steer {
		if len(deps) < event.MaxDeps {
			deps = append(deps, s.sold(slider.To)...)
		}
	}
	return deps
}

// sold is the event that made what is sold what it is now.
func (s *State) sold(i commerce.Item) []event.ID {
	switch i.Kind {
	case commerce.AnElement:
		e, _ := s.Shop.Elements.Get(tokens.Asset(i.ID))
		return about(e.Change)
	case commerce.AnOffer:
		o, _ := s.Shop.Offers.Get(i.ID)
		return about(o.Change)
	case commerce.APlace:
		m, _ := s.Missions.Missions.Get(i.ID)
		return about(m.Event)
	}
	return nil
}

// price says a price.
func (s *State) price(p commerce.Price) string {
	if p.Open {
		return "at least " + s.Hall.Currency.Format(p.Amount)
	}
	return s.Hall.Currency.Format(p.Amount)
}

// item names what money can go to.
func (s *State) item(i commerce.Item) string {
	switch i.Kind {
	case commerce.AnElement:
		if e, ok := s.Shop.Elements.Get(tokens.Asset(i.ID)); ok {
			return fmt.Sprintf("%q (element %s)", e.Title, s.tokenName(e.Asset))
		}
	case commerce.AnOffer:
		if o, ok := s.Shop.Offers.Get(i.ID); ok {
			return fmt.Sprintf("%q (%s %s)", o.Title, o.Kind, o.Name)
		}
	case commerce.APlace:
		if m, ok := s.Missions.Missions.Get(i.ID); ok {
			return fmt.Sprintf("the mission %q", m.Listing.Title)
		}
	case commerce.TheTreasury:
		return "the treasury"
	}
	return "something unknown"
}

// portions says what an offer is made of.
func (s *State) portions(list []commerce.Portion) string {
	words := make([]string, len(list))
	for n, p := range list {
		words[n] = fmt.Sprintf("%s with weight %d", s.item(p.Item), p.Weight)
	}
	return strings.Join(words, ", ")
}

// Millionths says a share as a percentage.
func Millionths(n uint64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%04d", n/10_000, n%10_000), "0"), ".") + " %"
}

// shopInWords says what an action of the shop would do.
func shopInWords(s *State, d event.Draft) (words string, ok bool) {
	switch d.Kind {
	case commerce.KindElement:
		if b, ok := read[commerce.NewElement](d); ok {
			return fmt.Sprintf("sell %q, the work behind the token %s, for %s", b.Title, s.tokenName(b.Asset), s.price(b.Price)), true
		}
	case commerce.KindOffer:
		if b, ok := read[commerce.NewOffer](d); ok {
			return fmt.Sprintf("sell the %s %s, %q, for %s, made of %s", b.Kind, b.Name, b.Title, s.price(b.Price), s.portions(b.Portions)), true
		}
	case commerce.KindPrice:
		if b, ok := read[commerce.SetPrice](d); ok {
			return fmt.Sprintf("set the price of %s to %s", s.item(b.Item), s.price(b.Price)), true
		}
	case commerce.KindWithdraw:
		if b, ok := read[commerce.Withdraw](d); ok {
			return fmt.Sprintf("stop selling %s, and whatever contains it", s.item(b.Item)), true
		}
	case commerce.KindTerms:
		if b, ok := read[commerce.SetTerms](d); ok {
			return "sell on these terms: " + termsInWords(commerce.Terms{Least: b.Least, Default: b.Default, Most: b.Most, Steer: b.Steer, Window: b.Window}), true
		}
	case commerce.KindRefund:
		if b, ok := read[commerce.Refund](d); ok {
			return fmt.Sprintf("give back the purchase %s", b.Purchase), true
		}
	}
	return "", false
}

// termsInWords says the terms of sale.
func termsInWords(t commerce.Terms) string {
	words := fmt.Sprintf("the treasury gets %s of a sale, by the buyer's choice from %s to %s; the buyer may steer up to %s; ",
		Millionths(t.Default), Millionths(t.Least), Millionths(t.Most), Millionths(t.Steer))
	if t.Window == 0 {
		return words + "nothing can be given back"
	}
	return words + "a purchase can be given back for " + governance.Period(t.Window)
}

// order says what is bought and how the money is to go.
func (s *State) order(o commerce.Order) string {
	money := s.Hall.Currency.Format
	words := fmt.Sprintf("%s for up to %s", s.item(o.Item), money(o.Pay))
	if o.Count != 1 {
		words = fmt.Sprintf("%d of %s", o.Count, words)
	}
	for n, slider := range o.Steer {
		words += []string{", steering ", ", "}[min(n, 1)] + fmt.Sprintf("%s to %s", money(slider.Amount), s.item(slider.To))
	}
	return words
}

// saysOfShop tells of purchases.
func saysOfShop(s *State, d event.Draft) string {
	switch d.Kind {
	case surplus.KindClaim:
		return say(d, func(b surplus.Claim) string {
			return fmt.Sprintf("takes what is payable of distribution %d of the surplus", b.Number)
		})
	case commerce.KindBuy:
		return say(d, func(b commerce.Buy) string { return "buys " + s.order(b.Order) })
	case commerce.KindSell:
		return say(d, func(b commerce.Sell) string {
			buyer := "a buyer"
			if !b.Buyer.IsZero() {
				buyer = patronOf(s, b.Buyer)
			}
			return fmt.Sprintf("sells %s %s, paid outside with receipt %q", buyer, s.order(b.Order), b.Receipt)
		})
	case commerce.KindRefund:
		return say(d, func(b commerce.Refund) string {
			p, _ := s.Shop.Purchases.Get(b.Purchase)
			return fmt.Sprintf("gives back the purchase of %s for %s", s.item(p.Item), s.Hall.Currency.Format(p.Amount))
		})
	}
	return ""
}

// aboutShop tells of an event in the shop with whom it was, and what its author said of it.
func (t *Teller) aboutShop(d event.Draft) (with, memo string) {
	s := &t.state
	switch d.Kind {
	case commerce.KindBuy:
		b, _ := read[commerce.Buy](d)
		return s.item(b.Item), b.Memo
	case commerce.KindSell:
		b, _ := read[commerce.Sell](d)
		return s.item(b.Item), strings.TrimSpace(b.Receipt + " " + b.Memo)
	case commerce.KindRefund:
		b, _ := read[commerce.Refund](d)
		p, _ := s.Shop.Purchases.Get(b.Purchase)
		return s.item(p.Item), strings.TrimSpace(b.Receipt + " " + b.Memo)
	case surplus.KindClaim:
		b, _ := read[surplus.Claim](d)
		return fmt.Sprintf("distribution %d of the surplus", b.Number), ""
	}
	return t.aboutMissions(d)
}

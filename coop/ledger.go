package coop

import (
	"fmt"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/tokens"
)

// What stands between the hall, which knows people, and the ledger, which knows accounts.

// ledgerRules are the rules of the ledger.
func ledgerRules() []fold.Rule[State] {
	return []fold.Rule[State]{
		fold.On(tokens.KindTransfer, account((*tokens.State).Transfer)),
		fold.On(tokens.KindIssue, account((*tokens.State).IssueMoney)),
		fold.On(tokens.KindRedeem, account((*tokens.State).RedeemMoney)),
		fold.On(tokens.KindPay, account((*tokens.State).Pay)),
		fold.On(tokens.KindClaim, account((*tokens.State).Claim)),
		fold.On(tokens.KindOrder, account((*tokens.State).Place)),
		fold.On(tokens.KindCancel, account((*tokens.State).Cancel)),

		fold.On(tokens.KindAppoint, account((*tokens.State).Appoint)),
		fold.On(tokens.KindCredit, credit),
		fold.On(tokens.KindCreate, account((*tokens.State).Create)),
		fold.On(tokens.KindRule, account((*tokens.State).ChangeRule)),
		fold.On(tokens.KindApprove, account((*tokens.State).Approve)),
	}
}

// register is what the ledger may know of the hall.
type register struct{ hall *governance.State }

// Person finds somebody by the key that names them.
func (r register) Person(key identity.PublicKey) tokens.Person {
	m, known := r.hall.Members.Get(key)
	member := m.Status == governance.StatusMember
	p := tokens.Person{Known: known, Member: member}
	if member {
		p.Classes = m.Classes
	}
	return p
}

// account makes a rule of the ledger a rule of the cooperative: the account is that of the member who
// signs, or the treasury where the Assembly acts.
func account[B any](rule func(*tokens.State, tokens.Act, B) error) func(*State, fold.Env, B) error {
	return func(s *State, env fold.Env, body B) error {
		act, err := s.ledgerAct(env)
		if err != nil {
			return err
		}
		return rule(&s.Ledger, act, body)
	}
}

// ledgerAct is what a rule of the ledger may know of an event.
func (s *State) ledgerAct(env fold.Env) (tokens.Act, error) {
	act := tokens.Act{ID: env.ID, By: tokens.Treasury, Time: env.Time, People: register{&s.Hall}}
	if env.Key != identity.Assembly {
		key, err := s.Hall.Speaker(env)
		if err != nil {
			return act, err
		}
		act.By = tokens.Member(key)
	}
	return act, nil
}

// credit lets the members of a class owe money, if there is such a class; what an earlier charter had can
// be ended.
func credit(s *State, env fold.Env, b tokens.Credit) error {
	if _, ok := s.Hall.Charter.Class(b.Class); !ok && env.Key == identity.Assembly && b.Limit > 0 {
		return ErrNoClass
	}
	return account((*tokens.State).Credit)(s, env, b)
}

// ledgerDeps are the events that a draft about money or tokens is about: what made the token, placed the
// order, brought in the member.
func (s *State) ledgerDeps(d event.Draft) []event.ID {
	switch d.Kind {
	case tokens.KindTransfer:
		if b, ok := read[tokens.Transfer](d); ok {
			return append(s.made(b.Asset), s.application(b.To)...)
		}
	case tokens.KindIssue:
		if b, ok := read[tokens.IssueMoney](d); ok {
			return s.application(b.To)
		}
	case tokens.KindPay:
		if b, ok := read[tokens.Pay](d); ok {
			return s.made(b.Asset)
		}
	case tokens.KindClaim:
		if b, ok := read[tokens.Claim](d); ok {
			return append(s.Ledger.Brought(b.Asset, event.MaxDeps-1), s.made(b.Asset)...)
		}
	case tokens.KindOrder:
		if b, ok := read[tokens.PlaceOrder](d); ok {
			return s.made(b.Asset)
		}
	case tokens.KindCancel:
		if b, ok := read[tokens.Cancel](d); ok {
			return about(b.ID)
		}
	}
	return nil
}

// Sources are the events that brought what a device's draft spends. Deps does not name them, because it
// does not know who signs. Of each account s knows the last event that added to it: what came before is
// final as a rule, and if it is not, and the order turns out against it, the draft can be signed again.
func Sources(s *State, device identity.PublicKey, d event.Draft) []event.ID {
	asset, spends := tokens.Currency, false
	switch d.Kind {
	case tokens.KindTransfer:
		b, ok := read[tokens.Transfer](d)
		asset, spends = b.Asset, ok
	case tokens.KindPay, tokens.KindRedeem, missions.KindPledge, commerce.KindBuy:
		spends = true
	case missions.KindList:
		spends = s.Missions.Terms.Deposit > 0
	case tokens.KindOrder:
		b, ok := read[tokens.PlaceOrder](d)
		if spends = ok; b.Side == tokens.Sell {
			asset = b.Asset
		}
	}
	who, ok := s.Hall.Devices.Get(device)
	if !spends || !ok {
		return nil
	}
	b := s.Ledger.Balance(asset, tokens.Member(who.Member))
	return about(b.Last)
}

func (s *State) made(asset tokens.Asset) []event.ID {
	t, _ := s.Ledger.Tokens.Get(asset)
	return about(t.Event)
}

// ledgerInWords says what an action about money or tokens would do.
func ledgerInWords(s *State, d event.Draft) (words string, ok bool) {
	money := s.Hall.Currency.Format
	switch d.Kind {
	case tokens.KindTransfer:
		if b, ok := read[tokens.Transfer](d); ok {
			return fmt.Sprintf("transfer %s from the treasury to %s", Quantity(s, b.Asset, b.Amount), s.whom(b.To)), true
		}
	case tokens.KindIssue:
		if b, ok := read[tokens.IssueMoney](d); ok {
			return fmt.Sprintf("issue %s to %s for receipt %q", money(b.Amount), s.whom(b.To), b.Receipt), true
		}
	case tokens.KindRedeem:
		if b, ok := read[tokens.RedeemMoney](d); ok {
			return fmt.Sprintf("pay %s out of the treasury for receipt %q", money(b.Amount), b.Receipt), true
		}
	case tokens.KindPay:
		if b, ok := read[tokens.Pay](d); ok {
			return fmt.Sprintf("pay %s from the treasury to all holders of %s", money(b.Amount), s.tokenName(b.Asset)), true
		}
	case tokens.KindClaim:
		if b, ok := read[tokens.Claim](d); ok {
			return fmt.Sprintf("claim the treasury's income of %s", s.tokenName(b.Asset)), true
		}
	case tokens.KindOrder:
		if b, ok := read[tokens.PlaceOrder](d); ok {
			return fmt.Sprintf("%s for the treasury %s at %s a unit or better, until %s", b.Side, Quantity(s, b.Asset, b.Units), money(b.Price), b.Until), true
		}
	case tokens.KindCancel:
		if b, ok := read[tokens.Cancel](d); ok {
			return fmt.Sprintf("end the order or waiting transfer %s", b.ID), true
		}
	}
	return ledgerPowers(s, d)
}

// ledgerPowers says what the Assembly alone can do.
func ledgerPowers(s *State, d event.Draft) (words string, ok bool) {
	money := s.Hall.Currency.Format
	switch d.Kind {
	case tokens.KindAppoint:
		if b, ok := read[tokens.Appoint](d); ok {
			if b.Cap == 0 {
				return fmt.Sprintf("end the appointment of %s as cashier", s.whom(b.Member)), true
			}
			return fmt.Sprintf("appoint %s cashier, for up to %s in and out in each %d h", s.whom(b.Member), money(b.Cap), b.Period/hourOfTime), true
		}
	case tokens.KindCredit:
		if b, ok := read[tokens.Credit](d); ok {
			return fmt.Sprintf("let each %s owe up to %s", b.Class, money(b.Limit)), true
		}
	case tokens.KindCreate:
		if b, ok := read[tokens.Create](d); ok {
			text := fmt.Sprintf("make the token %s (%s):", b.Name, b.Rule)
			for i, share := range b.Shares {
				if i > 0 {
					text += ","
				}
				text += fmt.Sprintf(" %s for %s", units(share.Amount), s.whom(share.To))
			}
			return text, true
		}
	case tokens.KindRule:
		if b, ok := read[tokens.ChangeRule](d); ok {
			text := fmt.Sprintf("change the rule of %s to %s", s.tokenName(b.Asset), b.Rule)
			if b.Refusal {
				text += ", with a first refusal for the cooperative"
			}
			return text, true
		}
	case tokens.KindApprove:
		if b, ok := read[tokens.Approve](d); ok {
			w, _ := s.Ledger.Waiting.Get(b.Transfer)
			return fmt.Sprintf("approve the transfer of %s from %s to %s", Quantity(s, w.Asset, w.Amount), s.whom(w.From.Key()), s.whom(w.To.Key())), true
		}
	}
	return "", false
}

// hourOfTime is an hour of coop time.
const hourOfTime = event.Time(60 * 60 * 1000)

// Quantity writes an amount of an asset, such as "12.50 EUR" or "40 units of roof".
func Quantity(s *State, asset tokens.Asset, amount uint64) string {
	if asset == tokens.Currency {
		return s.Hall.Currency.Format(amount)
	}
	return units(amount) + " of " + s.tokenName(asset)
}

func units(n uint64) string {
	if n == 1 {
		return "1 unit"
	}
	return fmt.Sprintf("%d units", n)
}

func (s *State) tokenName(asset tokens.Asset) string {
	t, ok := s.Ledger.Tokens.Get(asset)
	if !ok {
		return "an unknown token"
	}
	return t.Name
}

// whom names a member; the Assembly's account is the treasury.
func (s *State) whom(key identity.PublicKey) string {
	if key == identity.Assembly {
		return "the treasury"
	}
	m, ok := s.Hall.Members.Get(key)
	if !ok {
		return "a stranger (" + key.Short() + ")"
	}
	return m.Name
}

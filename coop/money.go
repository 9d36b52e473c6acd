package coop

import (
	"math/bits"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/program"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// What voting programs see of money.

// opening makes a rule of the hall that opens a proposal a rule of the cooperative.
func opening[B any](rule func(*governance.State, fold.Env, B) error) func(*State, fold.Env, B) error {
	return func(s *State, env fold.Env, body B) error {
		if err := rule(&s.Hall, env, body); err != nil {
			return err
		}
		p, _ := s.Hall.Proposals.Get(env.ID)
		m := governance.Money{Treasury: s.treasury()}
		for _, action := range p.Actions {
			m.Asks = append(m.Asks, ask(action))
		}
		s.Hall.Freeze(env.ID, m)
		return nil
	}
}

// treasury is what the cooperative has: of its tokens the first by id, if there are more than a program can
// be given.
func (s *State) treasury() []governance.Holding {
	all := []governance.Holding{holding(tokens.Currency, s.Ledger.Balance(tokens.Currency, tokens.Treasury).Has)}
	for id := range table.All(&s.Ledger.Tokens) {
		if len(all) == program.MaxHoldings {
			break
		}
		if has := s.Ledger.Balance(id, tokens.Treasury).Has; has > 0 {
			all = append(all, holding(id, has))
		}
	}
	return all
}

func holding(asset tokens.Asset, amount uint64) governance.Holding {
	name := asset.String()
	if asset == tokens.Currency {
		name = governance.Credit
	}
	return governance.Holding{Asset: name, Amount: min(amount, program.MaxAmount)}
}

// ask is what an action would move out of the treasury, at most, or set aside of it. What it sets going for
// later, such as a mission whose pledges the treasury matches, is not known then and is not in it.
func ask(d event.Draft) governance.Holding {
	switch d.Kind {
	case governance.KindBudgetAllocate:
		return asked(d, func(b governance.BudgetAllocate) governance.Holding { return holding(tokens.Currency, b.Amount) })
	case tokens.KindTransfer:
		return asked(d, func(b tokens.Transfer) governance.Holding { return holding(b.Asset, b.Amount) })
	case tokens.KindRedeem:
		return asked(d, func(b tokens.RedeemMoney) governance.Holding { return holding(tokens.Currency, b.Amount) })
	case tokens.KindPay:
		return asked(d, func(b tokens.Pay) governance.Holding { return holding(tokens.Currency, b.Amount) })
	case tokens.KindOrder:
		return asked(d, bid)
	case missions.KindPledge:
		return asked(d, func(b missions.MakePledge) governance.Holding { return holding(tokens.Currency, b.Amount) })
	case surplus.KindDistribute:
		return asked(d, func(b surplus.Distribute) governance.Holding { return holding(tokens.Currency, b.Pool) })
	}
	return governance.Holding{}
}

// asked is what of makes of a draft's body; nothing if that cannot be read.
func asked[B any](d event.Draft, of func(B) governance.Holding) (h governance.Holding) {
	if b, ok := read[B](d); ok {
		h = of(b)
	}
	return h
}

// bid is what an order of the treasury's puts into escrow: money, or what it sells.
func bid(b tokens.PlaceOrder) governance.Holding {
	if b.Side == tokens.Sell {
		return holding(b.Asset, b.Units)
	}
	high, low := bits.Mul64(b.Units, b.Price)
	if high > 0 {
		low = program.MaxAmount
	}
	return holding(tokens.Currency, low)
}

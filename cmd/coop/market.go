package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/tokens"
)

func (a *app) marketCommand() *cobra.Command {
	return group(&cobra.Command{Use: "market", Short: "Buy and sell units of achievement tokens",
		Long: `Buy and sell units of achievement tokens, by orders with a limit. What an order would give waits in
escrow. All orders that become final together are cleared at one price for everybody.`},
		a.marketListCommand(), a.marketBookCommand(), a.marketOrderCommand(tokens.Sell), a.marketOrderCommand(tokens.Buy), a.marketCancelCommand(), a.marketPricesCommand())
}

func (a *app) book(cmd *cobra.Command, token string) (coop.BookView, error) {
	return get[coop.BookView](a, cmd, "market", token)
}

// orderFilter is which orders one wants to see.
type orderFilter struct {
	side string
	mine bool
}

func (f *orderFilter) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.side, "side", "", "only these: buy, sell or transfer")
	cmd.Flags().BoolVar(&f.mine, "mine", false, "only yours")
}

// printOrders lists those that fit.
func (a *app) printOrders(cmd *cobra.Command, f *orderFilter, c governance.Currency, all []coop.OrderView) error {
	if err := oneOf("side", f.side, "buy", "sell", "transfer"); err != nil {
		return err
	}
	var me coop.MemberView
	if f.mine {
		var err error
		if me, err = a.self(cmd); err != nil {
			return err
		}
	}
	type view = coop.OrderView
	some := slices.DeleteFunc(all, func(o view) bool { return f.side != "" && f.side != o.What || f.mine && o.Owner != me.ID })
	return list(a, some, func(o view) string { return o.ID.String() },
		column[view]{name: "id", text: func(o view) string { return a.ending(o.ID.String()) }},
		column[view]{name: "what", text: func(o view) string { return o.What }},
		column[view]{name: "units", text: func(o view) string { return fmt.Sprint(o.Left) }},
		column[view]{name: "at", text: func(o view) string {
			if o.Price == 0 {
				return ""
			}
			return c.Format(o.Price)
		}},
		column[view]{name: "by", text: func(o view) string { return o.Name }},
		column[view]{name: "to", text: func(o view) string { return o.To }},
		column[view]{name: "ends", text: func(o view) string { return a.ago(o.Until) }},
		column[view]{name: "token", text: func(o view) string { return o.Token }})
}

func (a *app) marketListCommand() *cobra.Command {
	var f orderFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the open orders and waiting transfers of all tokens",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := a.money(cmd)
			if err != nil {
				return err
			}
			all, err := get[[]coop.OrderView](a, cmd, "orders")
			if err != nil {
				return err
			}
			return a.printOrders(cmd, &f, m.Currency, all)
		},
	}
	f.add(cmd)
	return cmd
}

func (a *app) marketBookCommand() *cobra.Command {
	var f orderFilter
	cmd := &cobra.Command{
		Use:   "book TOKEN",
		Short: "List the open orders of a token, the best first, and the transfers that wait for approval",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.book(cmd, args[0])
			if err != nil {
				return err
			}
			return a.printOrders(cmd, &f, b.Currency, append(b.Orders, b.Waiting...))
		},
	}
	f.add(cmd)
	return cmd
}

func (a *app) marketPricesCommand() *cobra.Command {
	var last int
	cmd := &cobra.Command{
		Use:   "prices TOKEN",
		Short: "List the prices at which units of a token changed hands, the latest first",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.book(cmd, args[0])
			if err != nil {
				return err
			}
			if last > 0 {
				b.Prices = b.Prices[:min(last, len(b.Prices))]
			}
			type view = tokens.Price
			return list(a, b.Prices, func(p view) string { return fmt.Sprint(p.Price) },
				column[view]{name: "at", text: func(p view) string { return a.ago(p.At) }},
				column[view]{name: "price", text: func(p view) string { return b.Currency.Format(p.Price) }},
				column[view]{name: "units", text: func(p view) string { return fmt.Sprint(p.Units) }})
		},
	}
	cmd.Flags().IntVar(&last, "last", 0, "only so many, the latest")
	return cmd
}

func (a *app) marketOrderCommand(side tokens.Side) *cobra.Command {
	var at, lasts string
	short := "Offer units of a token for a price or better"
	if side == tokens.Buy {
		short = "Ask for units of a token at a price or better"
	}
	cmd := a.signs(&cobra.Command{
		Use:   string(side) + " TOKEN UNITS --at PRICE",
		Short: short,
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
		body, err := m.order(side, t, args[1], at, lasts)
		if err != nil {
			return act{}, err
		}
		kept := fmt.Sprintf("%s go into escrow", coop.Plural(body.Units, "unit", "units"))
		if side == tokens.Buy {
			kept = m.Currency.Format(body.Units*body.Price) + " goes into escrow"
		}
		return act{tokens.KindOrder, body, fmt.Sprintf("offer to %s %s of %s at %s a unit or better, until %s; %s",
			side, coop.Plural(body.Units, "unit", "units"), t.Name, m.Currency.Format(body.Price), body.Until, kept)}, nil
	})
	cmd.Flags().StringVar(&at, "at", "", "limit: the price of one unit")
	cmd.Flags().StringVar(&lasts, "for", "30d", "how long the order stands, up to 366d")
	required(cmd, "at")
	return cmd
}

// order reads an order: how many units, at what limit, for how long from now or from coop time, if that
// is ahead.
func (m *money) order(side tokens.Side, t coop.TokenView, units, at, lasts string) (b tokens.PlaceOrder, err error) {
	b = tokens.PlaceOrder{Side: side, Asset: t.ID}
	if b.Units, err = number(units); err != nil {
		return b, err
	}
	if b.Price, err = amount(at, m.Currency); err != nil {
		return b, err
	}
	d, err := duration(lasts)
	b.Until = max(m.Time, event.Time(m.a.now().UnixMilli())) + event.Time(d.Milliseconds())
	return b, err
}

func (a *app) marketCancelCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "cancel ORDER",
		Short: "End an order or a waiting transfer of yours; what is in escrow comes back",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		o, err := a.openOrder(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		return act{tokens.KindCancel, tokens.Cancel{ID: o.ID}, fmt.Sprintf("end %s; what is in escrow goes back", orderInWords(o))}, nil
	})
}

// openOrder finds an order or waiting transfer by its id or part of it.
func (a *app) openOrder(cmd *cobra.Command, text string) (coop.OrderView, error) {
	return getSeen[coop.OrderView](a, cmd, "orders", text)
}

func orderInWords(o coop.OrderView) string {
	if o.What == "transfer" {
		return fmt.Sprintf("the transfer of %s of %s (%s)", coop.Plural(o.Left, "unit", "units"), o.Token, o.ID.Short())
	}
	return fmt.Sprintf("the order to %s %s of %s (%s)", o.What, coop.Plural(o.Left, "unit", "units"), o.Token, o.ID.Short())
}

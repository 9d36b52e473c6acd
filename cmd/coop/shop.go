package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/governance"
)

func (a *app) elementCommand() *cobra.Command {
	return group(&cobra.Command{Use: "element", Short: "Elements, the pieces of work that are sold: list, show; coop propose --shop makes them"},
		a.itemListCommand("element"), a.itemShowCommand())
}

func (a *app) productCommand() *cobra.Command {
	return group(&cobra.Command{Use: "product", Short: "Products, made of elements, and on which terms everything is sold: list, show, terms, demand; coop propose --shop makes them"},
		a.itemListCommand("product"), a.itemShowCommand(), a.termsCommand(), a.demandCommand())
}

func (a *app) bundleCommand() *cobra.Command {
	return group(&cobra.Command{Use: "bundle", Short: "Bundles of elements, products and bundles: list, show; coop propose --shop makes them"},
		a.itemListCommand("bundle"), a.itemShowCommand())
}

func (a *app) itemListCommand(kind string) *cobra.Command {
	var state string
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the " + kind + "s, with --all everything that is sold",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("state", state, "on sale", "withdrawn", "broken"); err != nil {
				return err
			}
			shop, err := get[coop.ShopView](a, cmd, "shop")
			if err != nil {
				return err
			}
			var some []coop.ItemView
			for _, i := range shop.Items {
				if (all || i.Kind == kind) && (state == "" || i.State == state) {
					some = append(some, i)
				}
			}
			type view = coop.ItemView
			return list(a, some, func(i view) string { return i.ID.String() },
				column[view]{name: "id", text: func(i view) string { return a.ending(i.ID.String()) }},
				column[view]{name: "kind", text: func(i view) string { return i.Kind }},
				column[view]{name: "name", text: func(i view) string { return i.Name }},
				column[view]{name: "title", text: func(i view) string { return i.Title }},
				column[view]{name: "price", text: func(i view) string { return priceInWords(i.Price, i.Currency) }},
				column[view]{name: "state", text: func(i view) string { return i.State }},
				column[view]{name: "sold", text: func(i view) string { return fmt.Sprint(i.Sold) }},
				column[view]{name: "income", text: func(i view) string { return i.Currency.Format(i.Income) }},
				column[view]{name: "steered to it", text: func(i view) string { return i.Currency.Format(i.Steered.Amount) }})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only these: \"on sale\", withdrawn or broken")
	cmd.Flags().BoolVar(&all, "all", false, "elements, products and bundles")
	return cmd
}

func priceInWords(p commerce.Price, c governance.Currency) string {
	if p.Open {
		return "at least " + c.Format(p.Amount)
	}
	return c.Format(p.Amount)
}

func (a *app) itemShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show what it is made of, what it costs and who gets what of it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			i, err := get[coop.ItemView](a, cmd, "shop", args[0])
			if err != nil {
				return err
			}
			var parts, shares []string
			for _, p := range i.Parts {
				parts = append(parts, fmt.Sprintf("%s: weight %d (%s)", p.Name, p.Weight, oneLine(p.Title)))
			}
			for _, s := range i.Shares {
				shares = append(shares, fmt.Sprintf("holders of %s: %d/%d, so far %s", s.Token, s.Num, s.Den, i.Currency.Format(s.Has)))
			}
			return a.show(i, i.ID.String(), field{"id", i.ID.String()}, field{"kind", i.Kind}, field{"name", i.Name}, field{"title", i.Title},
				field{"price", priceInWords(i.Price, i.Currency)}, field{"state", i.State}, field{"sold", fmt.Sprint(i.Sold)}, field{"income", i.Currency.Format(i.Income)},
				field{"steered to it", fmt.Sprintf("%s, %s", i.Currency.Format(i.Steered.Amount), coop.Plural(i.Steered.Times, "time", "times"))},
				field{"since", a.ago(i.Since)}, field{"made by", i.Event.String()}, field{"parts", strings.Join(parts, "\n")}, field{"shares", strings.Join(shares, "\n")})
		},
	}
}

func (a *app) termsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "terms",
		Short: "Say on which terms everything is sold",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			shop, err := get[coop.ShopView](a, cmd, "shop")
			if err != nil {
				return err
			}
			return a.show(shop.Terms, shop.Terms.Event.String(), field{"terms", shop.Says})
		},
	}
}

func (a *app) demandCommand() *cobra.Command {
	var kind string
	cmd := &cobra.Command{
		Use:   "demand",
		Short: "List where buyers steer their money: a sign of what is wanted",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("kind", kind, "element", "offer", "mission"); err != nil {
				return err
			}
			shop, err := get[coop.ShopView](a, cmd, "shop")
			if err != nil {
				return err
			}
			rows, err := get[[]coop.DemandView](a, cmd, "demand")
			if err != nil {
				return err
			}
			type view = coop.DemandView
			rows = slices.DeleteFunc(rows, func(d view) bool { return kind != "" && kind != string(d.Item.Kind) })
			return list(a, rows, func(d view) string { return d.Item.ID.String() },
				column[view]{name: "to", text: func(d view) string { return d.Name }},
				column[view]{name: "amount", text: func(d view) string { return shop.Currency.Format(d.Amount) }},
				column[view]{name: "times", text: func(d view) string { return fmt.Sprint(d.Times) }})
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "only these: element, offer (products and bundles) or mission")
	return cmd
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

func (a *app) memberClassCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "class",
		Short: "Be in further classes of the charter, or leave one",
		Long: `Be in further classes of the charter, or leave one. Each class has its own way in (coop charter show): open,
by sponsors (coop member sponsor NAME --class CLASS), or by a vote (coop propose TITLE --class NAME=CLASS).
Who is customer and producer is a prosumer.`,
	},
		a.classCommand("ask", "Ask for a class", governance.KindClassAsk, func(class string) any { return governance.ClassAsk{Class: class} }, "ask to be in the class %s too"),
		a.classCommand("drop", "Leave a class, or take a request back", governance.KindClassDrop, func(class string) any { return governance.ClassDrop{Class: class} }, "leave the class %s"))
}

func (a *app) classCommand(verb, short string, kind event.Kind, body func(string) any, sentence string) *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   verb + " CLASS",
		Short: short,
		Args:  cobra.ExactArgs(1),
	}, func(_ *cobra.Command, args []string) (act, error) {
		return act{kind, body(args[0]), fmt.Sprintf(sentence, args[0])}, nil
	})
}

// classesInWords are a member's classes, and what they ask for.
func classesInWords(m coop.MemberView) string {
	text := strings.Join(m.Classes, ",")
	if m.Prosumer {
		text += " (prosumer)"
	}
	if len(m.Asks) > 0 {
		text += "; asks for " + strings.Join(m.Asks, ",")
	}
	return text
}

// bothClasses is what applying as a prosumer means where the charter has no class of that name.
func bothClasses(c *governance.Charter, classes []string) []string {
	_, customer := c.Class(governance.Customer)
	_, producer := c.Class(governance.Producer)
	if _, own := c.Class("prosumer"); own || !customer || !producer || !slices.Contains(classes, "prosumer") {
		return classes
	}
	rest := slices.DeleteFunc(slices.Clone(classes), func(class string) bool {
		return class == "prosumer" || class == governance.Customer || class == governance.Producer
	})
	return append(rest, governance.Customer, governance.Producer)
}

func (a *app) patronageCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "patronage",
		Short: "The record of who bought how much, by which one can become a member",
	},
		a.patronageListCommand(), a.patronageCreditCommand())
}

func (a *app) patronageListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List who bought how much",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			var o coop.Overview
			if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "overview"), &o); err != nil {
				return err
			}
			var all []coop.PatronView
			if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "patronage"), &all); err != nil {
				return err
			}
			type row = coop.PatronView
			return list(a, all, func(p row) string { return p.Key.String() },
				column[row]{name: "key", text: func(p row) string { return a.ending(p.Key.String()) }},
				column[row]{name: "name", text: func(p row) string { return p.Name }},
				column[row]{name: "bought", text: func(p row) string { return o.Currency.Format(p.Amount) }},
				column[row]{name: "last", text: func(p row) string { return a.ago(p.Last) }})
		},
	}
}

func (a *app) patronageCreditCommand() *cobra.Command {
	var note string
	cmd := a.signs(&cobra.Command{
		Use:   "credit MEMBER|KEY AMOUNT",
		Short: "Note what somebody has bought: a member, or the key of one who may become one (coop id)",
		Args:  cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		o, err := get[coop.Overview](a, cmd, "overview")
		if err != nil {
			return act{}, err
		}
		sum, err := amount(args[1], o.Currency)
		if err != nil {
			return act{}, err
		}
		key, err := identity.ParsePublicKey(args[0])
		if err != nil {
			m, err := a.member(cmd, args[0])
			if err != nil {
				return act{}, err
			}
			key = m.ID
		}
		return act{governance.KindPatronageCredit, governance.PatronageCredit{Key: key, Amount: sum, Note: note},
			fmt.Sprintf("credit purchases of %s to %s", o.Currency.Format(sum), key)}, nil
	})
	cmd.Flags().StringVar(&note, "note", "", "what was bought, or the receipt's number")
	return cmd
}

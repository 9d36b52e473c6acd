package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/archive"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// noEvent is what moves money where no event does.
var noEvent = []string{"market", "ended", "sale", "mission", "decision"}

// history is a whole cooperative in its final order.
type history struct {
	genesis *event.Event
	steps   []func(*coop.Teller) // commits and re-foundings
	kinds   map[string]bool      // of its events
	state   *coop.State
}

func (a *app) statementCommand() *cobra.Command {
	var asCSV bool
	var file, member, of, what string
	cmd := &cobra.Command{
		Use:   "statement",
		Short: "List all that happened to an account: yours, another member's, or the treasury's",
		Long: `List all that happened to an account. Nobody keeps a list: everything is worked out once more from the
events on this computer, or in a file of coop export, each verified. What is not final does not stand there.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.history(cmd, file)
			if err != nil {
				return err
			}
			key, err := a.whose(h.state, member, file)
			if err != nil {
				return err
			}
			if err := h.filters(of, what); err != nil {
				return err
			}
			genesis, err := coop.Genesis(h.genesis)
			if err != nil {
				return err
			}
			teller := coop.NewTeller(genesis, key)
			for _, follow := range h.steps {
				follow(teller)
			}
			entries := slices.DeleteFunc(teller.Entries, func(e coop.Entry) bool { return of != "" && e.Name != of || what != "" && e.What != what })
			if asCSV {
				return coop.StatementCSV(a.out, h.state.Hall.Currency, entries)
			}
			return a.printStatement(h.state, entries)
		},
	}
	cmd.Flags().BoolVar(&asCSV, "csv", false, "comma-separated, for a spreadsheet")
	cmd.Flags().StringVar(&file, "from", "", "a file of coop export to verify and read, without home, daemon or network; needs --member")
	cmd.Flags().StringVar(&member, "member", "", "whose account: a member, or treasury (default: yours)")
	cmd.Flags().StringVar(&of, "of", "", "only this token, or the currency by its code")
	cmd.Flags().StringVar(&what, "what", "", "only what this did: a kind of event such as tokens.transfer, or "+strings.Join(noEvent, ", "))
	return cmd
}

// filters refuses words that fit nothing in this cooperative; empty ones fit all.
func (h *history) filters(of, what string) error {
	if of != "" && of != h.state.Hall.Currency.Code && !h.state.Ledger.Names.Has(table.Text(of)) {
		return usagef("there is no token %q here, and the currency is %s (coop token list)", of, h.state.Hall.Currency.Code)
	}
	if what != "" && !h.kinds[what] && !slices.Contains(noEvent, what) {
		return usagef("--what %q fits nothing: it is a kind of event that happened here (coop events), or one of %s", what, strings.Join(noEvent, ", "))
	}
	return nil
}

// whose finds whose account is asked for.
func (a *app) whose(s *coop.State, member, file string) (identity.PublicKey, error) {
	switch {
	case member == treasury:
		return identity.Assembly, nil
	case member == "" && file != "":
		return identity.PublicKey{}, usagef("a file belongs to nobody: say whose account, by --member")
	case member == "":
		h, _, err := a.look()
		if err != nil {
			return identity.PublicKey{}, err
		}
		member = h.Device.String()
	}
	return daemon.FindMember(s, member)
}

// history verifies a whole cooperative, from a file or from the home, and keeps its order.
func (a *app) history(cmd *cobra.Command, file string) (*history, error) {
	var from io.ReadCloser
	if file != "" {
		f, err := openFile(file)
		if err != nil {
			return nil, err
		}
		from = f
	} else {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(a.export(cmd.Context(), writer)) }() // ends when the reader is closed
		from = reader
	}
	defer from.Close()
	h := &history{kinds: map[string]bool{}}
	bar := a.newBar("verifying")
	_, err := archive.Read(from, archive.Sink{
		Event: func(e *event.Event) error {
			if h.genesis == nil {
				h.genesis = e
			}
			return nil
		},
		Commit: func(index uint64, anchor [32]byte, at event.Time, order []*event.Event) {
			for _, e := range order {
				h.kinds[string(e.Kind)] = true
			}
			h.steps = append(h.steps, func(t *coop.Teller) { t.Commit(index, anchor, at, order) })
		},
		Refound: func(r *governance.Refounding) {
			h.steps = append(h.steps, func(t *coop.Teller) { t.Refound(r) })
		},
		State: func(s *coop.State) { h.state = s },
	}, bar.set)
	bar.end()
	var p *home.Problem
	switch {
	case errors.As(err, &p): // nothing could be exported, so the archive is not to blame
		return nil, p
	case err != nil:
		return nil, daemon.ArchiveTrouble(err)
	}
	return h, nil
}

func (a *app) printStatement(s *coop.State, entries []coop.Entry) error {
	type view = coop.Entry
	amount := func(e view, n uint64) string {
		switch {
		case n == 0:
			return ""
		case e.Asset == tokens.Currency:
			return s.Hall.Currency.Format(n)
		}
		return fmt.Sprint(n)
	}
	return list(a, entries, func(e view) string { return e.Event.String() },
		column[view]{name: "at", text: func(e view) string { return a.ago(e.At) }},
		column[view]{name: "of", text: func(e view) string { return e.Name }},
		column[view]{name: "in", text: func(e view) string { return amount(e, e.In) }},
		column[view]{name: "out", text: func(e view) string { return amount(e, e.Out) }},
		column[view]{name: "has", text: func(e view) string { return amount(e, e.Has) }},
		column[view]{name: "owes", text: func(e view) string { return amount(e, e.Owes) }},
		column[view]{name: "what", text: func(e view) string { return e.What }},
		column[view]{name: "with", text: func(e view) string { return e.With }},
		column[view]{name: "memo", text: func(e view) string { return e.Memo }},
		column[view]{name: "event", text: func(e view) string { return a.ending(e.Event.String()) }})
}

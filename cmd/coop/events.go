package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/daemon"
)

func (a *app) eventsCommand() *cobra.Command {
	var since, limit uint64
	var follow bool
	cmd := &cobra.Command{
		Use:   "events",
		Short: "List the events in this computer's log, in the order they came",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			path := daemon.Path("coops", a.coop, "events")
			var all []daemon.Item
			for {
				var page daemon.Page
				wait := time.Duration(0)
				if follow {
					wait = 30 * time.Second
				}
				if err := client.Get(cmd.Context(), fmt.Sprintf("%s?since=%d&limit=%d&timeout=%s", path, since, min(limit, daemon.MaxTail), wait), &page); err != nil {
					return ignoreCancelled(err)
				}
				since = page.Since
				limit -= min(limit, uint64(len(page.Items)))
				if follow {
					if err := a.printEvents(page.Items, follow); err != nil || limit == 0 {
						return err
					}
					continue
				}
				all = append(all, page.Items...) // one table, and one JSON list, however many there are
				if limit == 0 || len(page.Items) < daemon.MaxTail {
					return a.printEvents(all, follow)
				}
			}
		},
	}
	cmd.Flags().Uint64Var(&since, "since", 0, "begin with this number")
	cmd.Flags().Uint64Var(&limit, "limit", 1<<62, "at most so many")
	cmd.Flags().BoolVar(&follow, "follow", false, "wait for more")
	cmd.AddCommand(a.eventsShowCommand())
	return cmd
}

// printEvents prints a stretch of the log; with --json one object a line, so that it can be read
// while it grows.
func (a *app) printEvents(items []daemon.Item, follow bool) error {
	if a.wantsJSON() && follow {
		for _, item := range items {
			if err := a.printJSON(item); err != nil {
				return err
			}
		}
		return nil
	}
	return list(a, items, func(i daemon.Item) string { return i.ID.String() },
		column[daemon.Item]{name: "n", text: func(i daemon.Item) string { return fmt.Sprint(i.N) }},
		column[daemon.Item]{name: "id", text: func(i daemon.Item) string { return a.ending(i.ID.String()) }},
		column[daemon.Item]{name: "kind", text: func(i daemon.Item) string { return string(i.Kind) }},
		column[daemon.Item]{name: "author", text: func(i daemon.Item) string { return i.Author }},
		column[daemon.Item]{name: "seq", text: func(i daemon.Item) string { return fmt.Sprint(i.Seq) }},
		column[daemon.Item]{name: "at", text: func(i daemon.Item) string { return a.ago(i.At) }},
		column[daemon.Item]{name: "level", text: func(i daemon.Item) string { return i.Level }})
}

func (a *app) eventsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show EVENT",
		Short: "Show one event with everything in it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := get[daemon.Detail](a, cmd, "events", args[0])
			if err != nil {
				return err
			}
			body, err := json.MarshalIndent(d.Body, "", "  ")
			if err != nil {
				return fmt.Errorf("the body cannot be shown: %w", err)
			}
			var deps []string
			for _, dep := range d.Deps {
				deps = append(deps, dep.String())
			}
			return a.show(d, d.ID.String(), field{"id", d.ID.String()}, field{"kind", string(d.Kind)}, field{"author", d.Author}, field{"says", d.Says}, field{"device", d.Key.String()},
				field{"seq", fmt.Sprint(d.Seq)}, field{"at", a.ago(d.At)}, field{"level", d.Level}, field{"refusal", d.Refusal}, field{"prev", d.Prev.String()},
				field{"builds on", strings.Join(deps, "\n")}, field{"body", string(body)})
		},
	}
}

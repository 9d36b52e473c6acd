package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
)

// What most commands have in common: they ask the daemon and list, or they sign one event.

// act is what a command has read from its words: the event to sign, and a sentence that continues
// "you ...".
type act struct {
	kind event.Kind
	body any
	says string
}

// signs makes cmd a command that signs what read makes of its words.
func (a *app) signs(cmd *cobra.Command, read func(cmd *cobra.Command, args []string) (act, error)) *cobra.Command {
	var f signFlags
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		do, err := read(cmd, args)
		if err != nil {
			return err
		}
		return a.sign(cmd.Context(), f, do.kind, do.body, do.says)
	}
	f.add(cmd)
	return cmd
}

// group makes cmd a command that only has others below it.
func group(cmd *cobra.Command, below ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(below...)
	return cmd
}

// get asks the daemon for something of the cooperative, as it is final.
func get[V any](a *app, cmd *cobra.Command, path ...string) (V, error) {
	return ask[V](a, cmd, daemon.Path(append([]string{"coops", a.coop}, path...)...))
}

// getSeen asks for the same with what is not final yet, so that one can speak of what was just signed.
func getSeen[V any](a *app, cmd *cobra.Command, path ...string) (V, error) {
	return ask[V](a, cmd, daemon.Path(append([]string{"coops", a.coop}, path...)...)+"?provisional=1")
}

func ask[V any](a *app, cmd *cobra.Command, path string) (v V, err error) {
	client, err := a.client()
	if err != nil {
		return v, err
	}
	return v, client.Get(cmd.Context(), path, &v)
}

// required says that a command is of no use without these flags.
func required(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic("coop: invariant: the flag exists: " + err.Error())
		}
	}
}

// oneOf refuses a word behind a flag that can only be one of some, so that a typing error is no empty list.
func oneOf(flag, word string, known ...string) error {
	if word == "" || slices.Contains(known, word) {
		return nil
	}
	return usagef("--%s can't be %q: it is one of %s", flag, word, strings.Join(known, ", "))
}

package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestExamples: every command about work, money and sales shows in its help how it is used, by a call that the
// program understands, and every example belongs to a command.
func TestExamples(t *testing.T) {
	groups := "mission pledge submit reveal consent withdraw jury award forecast standing token market element product bundle buy receipt claim surplus ledger statement"
	shown := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		if cmd.Example == "" {
			t.Errorf("%s --help has no example", cmd.CommandPath())
			return
		}
		shown++
		for line := range strings.Lines(cmd.Example) {
			if !strings.HasPrefix(line, "  "+cmd.Root().Name()+" ") {
				t.Errorf("%s: %q is no call", cmd.CommandPath(), line)
			}
			called, args, err := cmd.Root().Find(strings.Fields(line)[1:])
			if err != nil || !strings.HasPrefix(called.CommandPath(), cmd.CommandPath()) {
				t.Errorf("%s: %q: %v", cmd.CommandPath(), line, err)
				continue
			}
			for _, arg := range args {
				name, isFlag := strings.CutPrefix(arg, "--")
				if isFlag && called.Flags().Lookup(name) == nil {
					t.Errorf("%s: %q: there is no flag %q", cmd.CommandPath(), line, arg)
				}
			}
		}
		for _, below := range cmd.Commands() {
			look(below)
		}
	}
	root := newApp().root()
	for _, name := range strings.Fields(groups) {
		cmd, _, err := root.Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		look(cmd)
	}
	if shown != len(examples) {
		t.Errorf("%d examples are shown of %d", shown, len(examples))
	}
}

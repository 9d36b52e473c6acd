package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestConsent: what is to be signed is always said first, and somebody at a terminal is asked.
func TestConsent(t *testing.T) {
	for _, c := range []struct {
		answer        string
		terminal      bool
		flags         signFlags
		quiet         bool
		says, refuses bool
	}{
		{answer: "\n", terminal: true, says: true},
		{answer: "Yes\n", terminal: true, says: true},
		{answer: "n\n", terminal: true, says: true, refuses: true},
		{answer: "", terminal: true, says: true, refuses: true}, // Ctrl-D
		{answer: "n\n", terminal: true, flags: signFlags{yes: true}, says: true},
		{answer: "n\n", terminal: true, quiet: true},
		{answer: "n\n", says: true},
	} {
		name := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(name, []byte(c.answer), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		a := &app{in: in, out: &bytes.Buffer{}, err: &out, inTTY: c.terminal, tty: c.terminal, errTTY: c.terminal, quiet: c.quiet, now: time.Now}
		err = a.consent(c.flags, "pledge 5.00 EUR")
		in.Close()
		var exit told
		if c.refuses != (errors.As(err, &exit) && exit.code == exitUsage) || (err != nil) != c.refuses {
			t.Errorf("%+v: %v", c, err)
		}
		asked := c.terminal && !c.flags.yes && !c.quiet
		if said := strings.HasPrefix(out.String(), "You are about to sign that you pledge 5.00 EUR.\n"); said != c.says || strings.Contains(out.String(), "Sign it?") != asked {
			t.Errorf("%+v: %q", c, out.String())
		}
	}
}

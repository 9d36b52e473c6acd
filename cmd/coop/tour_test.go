package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTour runs docs/tour.md as a reader would: every line of its sh blocks, in one shell, with this program
// as coop (see TestMain).
func TestTour(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: the tour starts real peers; run without -short")
	}
	text, err := os.ReadFile("../../docs/tour.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Parallel()
	dir := t.TempDir()
	script, wants := tourScript(string(text))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", script)
	run.Dir = dir
	run.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "COOP_HOME="+filepath.Join(dir, "nobody"))
	out, err := run.CombinedOutput()
	if err != nil {
		down := exec.Command("coop", "testnet", "down")
		down.Dir = dir
		_ = down.Run() // what is left of it
		t.Fatalf("the tour fails: %v\n%s", err, out)
	}
	parts := strings.Split(string(out), tourMark)
	if len(parts) != len(wants)+1 {
		t.Fatalf("%d of %d commands ran\n%s", len(parts)-1, len(wants), out)
	}
	for i, want := range wants {
		for _, line := range want.lines {
			if !strings.Contains(parts[i], line) {
				t.Errorf("%s\nprinted\n%s\nwithout %q", want.command, parts[i], line)
			}
		}
	}
}

const tourMark = "\x1e"

// step is one command of the tour and what it must print.
type step struct {
	command string
	lines   []string
}

// tourScript is the tour as one shell script that prints tourMark after each command.
func tourScript(text string) (script string, steps []step) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case !inside || line == "":
		case strings.HasPrefix(line, "#> "):
			last := &steps[len(steps)-1]
			last.lines = append(last.lines, strings.TrimPrefix(line, "#> "))
		default:
			steps = append(steps, step{command: line})
			script += line + "\nprintf '" + tourMark + "'\n"
		}
	}
	return script, steps
}

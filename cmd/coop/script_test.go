package main

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/home"
)

// The test program is coop too: scripts run it as real processes.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"coop": main})
}

// TestScripts runs testdata/*.txtar: what people type, against real daemons on loopback. Beyond the
// usual commands scripts have:
//
//	until PATTERN CMD...   run CMD until it succeeds and its output matches
//	keep NAME              keep the last output in a variable
//	occupy NAME            take a free port on loopback and name it
//	flip FILE OFFSET       change one byte; a negative offset counts from the end
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"} {
				env.Setenv(name, filepath.Join(env.WorkDir, "xdg", strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "XDG_"), "_HOME"))))
			}
			env.Setenv("NO_COLOR", "1")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // otherwise each of the many processes sleeps a second when it ends
			env.Defer(func() { stopAll(t, env.WorkDir) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"until": until, "keep": keep, "occupy": occupy, "flip": flip, "shift": shift},
	})
}

// stopAll ends every daemon whose home lies below dir.
func stopAll(t *testing.T, dir string) {
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "repo.lock" {
			return nil
		}
		if pid := home.LockedBy(home.Paths{Data: filepath.Dir(path)}); pid > 0 && pid != os.Getpid() {
			return syscall.Kill(pid, syscall.SIGKILL)
		}
		return nil
	})
	if err != nil {
		t.Errorf("a daemon could not be stopped: %v", err)
	}
}

// shift HOME DURATION moves the clock of a home's daemon, so that a deadline passes without waiting for
// it; on a slow machine a short deadline would pass too early.
func shift(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: shift HOME DURATION")
	}
	by, err := time.ParseDuration(args[1])
	ts.Check(err)
	client := daemon.Dial(home.At(ts.MkAbs(args[0])))
	ts.Check(client.Post(context.Background(), "/v1/testnet/clock", daemon.Shift{OffsetMS: by.Milliseconds()}, nil))
}

// patience bounds waiting for real processes; a script that needs it has failed.
const patience = 90 * time.Second

func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN CMD...")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("waited in vain for %q: %v", args[0], err)
		}
	}
}

func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keep NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func occupy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: occupy NAME")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE OFFSET")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x40
	ts.Check(os.WriteFile(path, b, 0o600))
}

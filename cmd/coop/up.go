package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
)

// The descriptors between "coop up" and the daemon it starts.
const (
	passFD   = 3 // passphrase, from parent to child
	reportFD = 4 // reports, one JSON object a line, from child to parent
)

// maxLog is how large a log may be before a start puts it aside.
const maxLog = 16 << 20

// report is what a starting daemon tells whoever started it.
type report struct {
	Say     string        `json:"say,omitempty"`
	Coop    string        `json:"coop,omitempty"` // being read
	Done    uint64        `json:"done,omitempty"`
	Total   uint64        `json:"total,omitempty"`
	Ready   bool          `json:"ready,omitempty"`
	Problem *home.Problem `json:"problem,omitempty"`
}

// upFlags are about how the daemon starts.
type upFlags struct {
	pass       passFlags
	foreground bool
	testnet    bool
	relay, dht choice
	port       int
	fds        bool
}

func (a *app) upCommand() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start taking part, in the background",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := a.firstTime(f)
			if err != nil {
				return err
			}
			if f.foreground {
				return a.serve(cmd.Context(), f)
			}
			return a.up(cmd.Context(), f)
		},
	}
	f.pass.add(cmd)
	cmd.Flags().BoolVar(&f.foreground, "foreground", false, "stay in the foreground, as services want it")
	f.add(cmd)
	return cmd
}

func (f *upFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.testnet, "testnet", false, "let whoever may use the socket cut peers off and move the clock")
	f.relay.add(cmd, "relay", "carry traffic for members who can't reach each other; kept")
	f.dht.add(cmd, "dht", "find members through tables that members keep for each other, in large cooperatives; kept")
	cmd.Flags().IntVar(&f.port, "port", -1, "another port; kept. 0: any free one")
}

// choice is a flag that changes what the home keeps, either way, and nothing if it is not given.
type choice struct{ made, yes bool }

func (c *choice) add(cmd *cobra.Command, name, usage string) {
	cmd.Flags().Var(c, name, usage+"; --"+name+"=false ends it")
	cmd.Flags().Lookup(name).NoOptDefVal = "true"
}

// Set reads true or false.
func (c *choice) Set(text string) (err error) {
	c.made = true
	c.yes, err = strconv.ParseBool(text)
	return err
}

// String is the flag's value.
func (c *choice) String() string { return strconv.FormatBool(c.yes) }

// Type is shown in help.
func (c *choice) Type() string { return "" }

func (c *choice) apply(to *bool) {
	if c.made {
		*to = c.yes
	}
}

func (a *app) daemonCommand() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:    "daemon",
		Short:  "Take part, in the foreground",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	f.pass.add(cmd)
	f.add(cmd)
	cmd.Flags().BoolVar(&f.fds, "fds", false, "started by coop up")
	return cmd
}

// firstTime makes a home for a person who has none yet.
func (a *app) firstTime(f upFlags) error {
	paths, err := home.Locate(a.homeFlag)
	if err != nil {
		return err
	}
	_, err = home.Look(paths)
	var p *home.Problem
	if !errors.As(err, &p) || p.Code != home.CodeNoHome || !term.IsTerminal(int(a.in.Fd())) {
		return err
	}
	a.say("Welcome. This computer has no home for coop yet; it is made now.")
	h, err := home.Create(paths, home.New{Name: a.askName(), Passphrase: a.source(f.pass)})
	if err != nil {
		return err
	}
	h.Config.Port = daemon.DefaultPort
	if err := errors.Join(h.SaveConfig(), h.Close()); err != nil {
		return err
	}
	a.say("Back up %s apart from your data, and never use it on two computers.", paths.Keys)
	return nil
}

// up starts a daemon that outlives us, and waits until it is ready.
func (a *app) up(ctx context.Context, f upFlags) error {
	h, client, err := a.look()
	if err != nil {
		return err
	}
	var s daemon.Status
	if client.Get(ctx, "/v1/status", &s) == nil {
		a.say("It is running already, as process %d.", s.PID)
		return a.printStatus(s)
	}
	pass := ""
	if h.NeedsPassphrase() {
		if pass, err = a.source(f.pass).Get(h.Config.Keyring, h.Device, false); err != nil {
			return err
		}
	}
	if err := a.spawn(ctx, h, f, pass); err != nil {
		return err
	}
	if err := client.Get(ctx, "/v1/status", &s); err != nil {
		return err
	}
	if len(s.Coops) == 0 {
		a.say("Next: coop found NAME, or coop join LINK")
	}
	return a.printStatus(s)
}

// spawn starts "coop daemon" in a session of its own and follows its reports until it is ready.
func (a *app) spawn(ctx context.Context, h *home.Home, f upFlags, pass string) error {
	program, err := executable()
	if err != nil {
		return err
	}
	log, err := openLog(h.Paths)
	if err != nil {
		return err
	}
	defer log.Close()
	passOut, passIn, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make a pipe: %w", err)
	}
	reportOut, reportIn, err := os.Pipe()
	if err != nil {
		return errors.Join(fmt.Errorf("cannot make a pipe: %w", err), passOut.Close(), passIn.Close())
	}
	defer reportOut.Close()
	args := []string{"daemon", "--fds"}
	if a.homeFlag != "" {
		args = append(args, "--home", a.homeFlag)
	}
	if f.testnet {
		args = append(args, "--testnet")
	}
	for name, c := range map[string]*choice{"--relay": &f.relay, "--dht": &f.dht} {
		if c.made {
			args = append(args, name+"="+c.String())
		}
	}
	if f.port >= 0 {
		args = append(args, "--port", fmt.Sprint(f.port))
	}
	child := exec.Command(program, args...)
	child.Stdout, child.Stderr = log, log
	child.ExtraFiles = []*os.File{passOut, reportIn} // become 3 and 4
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return errors.Join(fmt.Errorf("cannot start %s: %w", program, err), passOut.Close(), passIn.Close(), reportIn.Close())
	}
	_, writing := io.WriteString(passIn, pass)
	if err := errors.Join(writing, passIn.Close(), passOut.Close(), reportIn.Close()); err != nil {
		return fmt.Errorf("cannot speak with the new daemon: %w", err)
	}
	go func() { _ = child.Wait() }() // the reports tell how it went
	return a.follow(ctx, reportOut, h.Paths.LogFile())
}

// follow shows a starting daemon's reports until it is ready or gives up.
func (a *app) follow(ctx context.Context, from *os.File, log string) error {
	stop := context.AfterFunc(ctx, func() { _ = from.SetReadDeadline(time.Now()) })
	defer stop()
	bar := a.newBar("reading")
	defer bar.end()
	decoder := json.NewDecoder(from)
	for {
		var r report
		if err := decoder.Decode(&r); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &home.Problem{Code: daemon.CodeStopped, What: "the daemon ended while starting", Why: "its last words are in " + log, Next: "tail " + log}
		}
		switch {
		case r.Problem != nil:
			return r.Problem
		case r.Ready:
			return nil
		case r.Say != "":
			a.say("%s", r.Say)
		case r.Total > 0:
			bar.set(r.Done, r.Total)
		}
	}
}

func openLog(p home.Paths) (*os.File, error) {
	path := p.LogFile()
	if err := os.MkdirAll(p.State, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make %s: %w", p.State, err)
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("cannot put the old log aside: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write the log: %w", err)
	}
	return f, nil
}

// serve is the daemon itself.
func (a *app) serve(ctx context.Context, f upFlags) error {
	var tell func(report)
	if f.fds {
		out := os.NewFile(reportFD, "report")
		defer out.Close()
		encoder := json.NewEncoder(out)
		tell = func(r report) { _ = encoder.Encode(r) } // who started us may have gone
		f.pass.file = fmt.Sprintf("/dev/fd/%d", passFD)
	} else {
		tell = func(r report) {
			if r.Say != "" {
				a.say("%s", r.Say)
			}
		}
	}
	err := a.serveUntil(ctx, f, tell)
	if err != nil {
		var p *home.Problem
		if !errors.As(err, &p) {
			p = &home.Problem{Code: daemon.CodeInternal, What: err.Error(), Next: "coop doctor"}
		}
		tell(report{Problem: p})
	}
	return err
}

func (a *app) serveUntil(ctx context.Context, f upFlags, tell func(report)) error {
	paths, err := home.Locate(a.homeFlag)
	if err != nil {
		return err
	}
	h, err := home.Open(paths)
	if err != nil {
		return err
	}
	key, err := h.Unlock(a.source(f.pass))
	if err != nil {
		return errors.Join(err, h.Close())
	}
	if f.port >= 0 {
		h.Config.Port = f.port
	}
	f.relay.apply(&h.Config.Relay)
	f.dht.apply(&h.Config.DHT)
	if f.port >= 0 || f.relay.made || f.dht.made {
		if err := h.SaveConfig(); err != nil {
			return errors.Join(err, h.Close())
		}
	}
	log := quietLibraries(a.err)
	d, err := daemon.Open(daemon.Options{Home: h, Key: key, Testnet: f.testnet, Log: log,
		Say: func(format string, args ...any) { tell(report{Say: fmt.Sprintf(format, args...)}) }})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	err = d.Ready(ctx, func(coop event.ID, done, total uint64) { tell(report{Coop: coop.Short(), Done: done, Total: total}) })
	if err == nil {
		err = daemon.Dial(paths).Await(ctx, ended)
	}
	if err == nil {
		fmt.Fprintln(a.out, "Daemon is ready")
		tell(report{Ready: true})
		err = <-ended
	} else {
		d.Stop()
		err = errors.Join(ignoreCancelled(err), ignoreCancelled(<-ended))
	}
	return errors.Join(err, closeWithin(closePatience, d.Close))
}

// closePatience is how long files may take to close: less than coop down waits.
const closePatience = 20 * time.Second

// closeWithin gives up on what doesn't close: the store writes its last file again and again where a disk
// is gone. What was acknowledged lies in its log, so the process may end.
func closeWithin(patience time.Duration, closing func() error) error {
	closed := make(chan error, 1)
	go func() { closed <- closing() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(patience):
		return &home.Problem{Code: home.CodeDisk, What: "the data could not be closed, so this process ends without", Why: "the disk does not take the last writes; nothing that was acknowledged is lost",
			Next: "check that the disk is there and has space, then: coop up; coop repo check"}
	}
}

func ignoreCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// quietLibraries sends what libraries say to our log, from warnings on.
func quietLibraries(w io.Writer) *slog.Logger {
	handler := slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn})
	gologshim.SetDefaultHandler(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelError}))
	golog.SetupLogging(golog.Config{Level: golog.LevelError, Stderr: true})
	return slog.New(handler)
}

func (a *app) downCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop taking part",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, client, err := a.look()
			if err != nil {
				return err
			}
			if err := client.Post(cmd.Context(), "/v1/stop", struct{}{}, nil); err != nil {
				return err
			}
			for end := time.Now().Add(downPatience); home.LockedBy(h.Paths) != 0; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					return &home.Problem{Code: daemon.CodeStopped, What: "the daemon was asked to stop and still runs", Why: fmt.Sprintf("it is process %d", home.LockedBy(h.Paths)),
						Next: "wait a little, then: coop status"}
				}
			}
			a.say("Stopped.")
			return nil
		},
	}
}

// downPatience is how long a daemon may take to close its files.
const downPatience = 30 * time.Second

func goVersion() string { return runtime.Version() }

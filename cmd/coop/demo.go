package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/pabulib"
	"github.com/sustainy/coop/testnet/demo"
)

// demoCommand votes on a real participatory budget through real peers.
func (a *app) demoCommand() *cobra.Command {
	var file, seed string
	var keep, story bool
	cmd := &cobra.Command{Use: "demo", Short: "Vote a real city's budget through five real peers, and compare with what the city announced",
		Long: "Starts five peers on this machine, lets every voter of a participatory budget apply and sign a ballot with a key of their own,\n" +
			"kills one peer and cuts another off on the way, and compares every peer's result with the official one.\n" +
			"Without --file it is the budget of Warsaw's district Wesoła for 2023. Files in this format: pabulib.org\n\n" +
			"--story plays the way of value instead: missions are listed, funded, entered, judged and awarded, their work is sold to two\n" +
			"hundred buyers, who steer what they pay, and traded; then every peer's ledger and every receipt are compared and added up.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if story {
				return a.story(cmd.Context(), seed, keep)
			}
			return a.demo(cmd.Context(), file, seed, keep)
		}}
	cmd.Flags().StringVar(&file, "file", "", "a participatory budget with approval ballots, in Pabulib's format (.pb)")
	cmd.Flags().BoolVar(&story, "story", false, "missions, sales and trade instead of a vote")
	cmd.MarkFlagsMutuallyExclusive("story", "file")
	cmd.Flags().StringVar(&seed, "seed", "demo", "of all keys")
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the peers running, as a testnet")
	return cmd
}

func (a *app) demo(ctx context.Context, file, seed string, keep bool) error {
	o := demo.Options{File: pabulib.Wesola, Name: "Warsaw, Wesoła, 2023 (pabulib.org)", Seed: seed, Keep: keep}
	if file != "" {
		text, err := readFile(file, pabulib.MaxFile)
		if err != nil {
			return err
		}
		o.File, o.Name = text, filepath.Base(file)
	}
	clean, err := a.stageFor(&o)
	if err != nil {
		return err
	}
	defer clean()
	report, err := demo.Run(ctx, o)
	if errors.Is(err, demo.ErrCannotRun) {
		return &home.Problem{Code: daemon.CodeUsage, What: err.Error(), Err: err, Next: "coop demo --file with an approval election decided by the greedy rule, from pabulib.org"}
	}
	if err != nil {
		return err
	}
	if err := a.printDemo(report); err != nil {
		return err
	}
	for _, difference := range report.Differences {
		a.say("DIFFERENT: %s", difference)
	}
	return a.endDemo(&o, report.Equal)
}

// stageFor makes a demo's directory and sets it up to speak here. clean takes the directory away, unless
// the demo is kept.
func (a *app) stageFor(o *demo.Options) (clean func(), err error) {
	dir, err := os.MkdirTemp("", "coop-demo-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a directory for the demo: %w", err)
	}
	began := time.Now()
	o.Dir, o.Verify = dir, verifyCleanly
	o.Say = func(format string, args ...any) {
		a.say("%6.1f s  %s", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	return func() {
		if !o.Keep {
			_ = os.RemoveAll(dir) // below the directory for temporary files, which is emptied anyway
		}
	}, nil
}

func (a *app) endDemo(o *demo.Options, equal bool) error {
	if o.Keep {
		a.say("the peers go on: coop testnet status --dir %s", filepath.Join(o.Dir, "net"))
	}
	if !equal {
		return told{exitFailed}
	}
	return nil
}

// story plays the way of value.
func (a *app) story(ctx context.Context, seed string, keep bool) error {
	o := demo.Options{Seed: seed, Keep: keep}
	clean, err := a.stageFor(&o)
	if err != nil {
		return err
	}
	defer clean()
	report, err := demo.Story(ctx, o)
	if err != nil {
		return err
	}
	if err := a.printStory(report); err != nil {
		return err
	}
	for _, difference := range report.Differences {
		a.say("DIFFERENT: %s", difference)
	}
	return a.endDemo(&o, report.Equal)
}

// printStory tells what came of the story: a line for each mission, then the peers.
func (a *app) printStory(r *demo.StoryReport) error {
	if a.wantsJSON() {
		return a.printJSON(r)
	}
	type row = demo.StoryMission
	money := r.Currency.Format
	if err := list(a, r.Missions, func(m row) string { return m.Title },
		column[row]{name: "mission", text: func(m row) string { return m.Title }},
		column[row]{name: "is", text: func(m row) string { return m.Phase }},
		column[row]{name: "won by", text: func(m row) string { return m.Winner }},
		column[row]{name: "raised", text: func(m row) string { return money(m.Raised) }},
		column[row]{name: "prizes", text: func(m row) string { return money(m.Paid) }},
		column[row]{name: "earned since", text: func(m row) string { return money(m.Earned) }}); err != nil {
		return err
	}
	for _, p := range r.Peers {
		a.say("%s has the state %s", p.Name, p.Root)
	}
	a.say("%d accounts of %d assets add up to 0; each of %d receipts accounts for every cent; %d events.", r.Books.Accounts, r.Books.Assets, r.Books.Receipts, r.Events)
	if r.Equal {
		a.say("EQUAL: every peer has the same ledger, and so has who replays the export.")
	}
	return nil
}

// readFile reads a file of at most limit bytes.
func readFile(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > limit {
		err = fmt.Errorf("it has %d bytes, at most %d are read", info.Size(), limit)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, &home.Problem{Code: daemon.CodeNotFound, What: "cannot read " + name, Why: err.Error(), Next: "check the name of the file", Err: err}
	}
	return text, nil
}

// verifyCleanly runs this program on an export as somebody else would, in a home where nothing is.
func verifyCleanly(ctx context.Context, file, cleanHome string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	run := exec.CommandContext(ctx, self, "--home", cleanHome, "verify", file)
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// projectLine is one project with what every peer and the city say.
type projectLine struct {
	project  pabulib.Project
	votes    []uint64 // of each peer
	official string
	funded   string
}

func (a *app) printDemo(r *demo.Report) error {
	if a.wantsJSON() {
		return a.printJSON(r)
	}
	var lines []projectLine
	for _, p := range r.Instance.Projects {
		line := projectLine{project: p, official: "-", funded: "no"}
		for _, peer := range r.Peers {
			line.votes = append(line.votes, peer.Votes[p.ID])
		}
		if r.Instance.Counted {
			line.official = strconv.FormatUint(p.Votes, 10)
		}
		if slices.Contains(r.Peers[0].Selected, p.ID) {
			line.funded = "funded"
		}
		lines = append(lines, line)
	}
	slices.SortStableFunc(lines, func(x, y projectLine) int { return int(y.votes[0]) - int(x.votes[0]) })
	columns := []column[projectLine]{
		{name: "project", text: func(l projectLine) string { return l.project.ID }},
		{name: "cost", text: func(l projectLine) string { return strconv.FormatUint(l.project.Cost, 10) }},
	}
	for i, peer := range r.Peers {
		columns = append(columns, column[projectLine]{name: peer.Name, text: func(l projectLine) string { return strconv.FormatUint(l.votes[i], 10) }})
	}
	columns = append(columns,
		column[projectLine]{name: "city", text: func(l projectLine) string { return l.official }},
		column[projectLine]{name: "result", text: func(l projectLine) string { return l.funded }},
		column[projectLine]{name: "name", text: func(l projectLine) string { return shorten(l.project.Name, 60) }, plain: func(l projectLine) string { return l.project.Name }})
	if err := list(a, lines, func(l projectLine) string { return l.project.ID }, columns...); err != nil {
		return err
	}
	for _, peer := range r.Peers {
		a.say("%s  state root %s  %d projects funded", peer.Name, peer.Root, len(peer.Selected))
	}
	a.say("time to final: p50 %d ms, p95 %d ms; %d events", r.FinalityMS.P50, r.FinalityMS.P95, r.Events)
	switch {
	case !r.Equal:
		a.say("NOT EQUAL")
	case r.Instance.Counted && r.Instance.Decided:
		a.say("EQUAL: every peer has the votes and the funded projects that the city announced")
	default:
		a.say("EQUAL: every peer has the same result; the file has no official votes or no official decision to compare with")
	}
	return nil
}

func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

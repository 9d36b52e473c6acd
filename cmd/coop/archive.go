package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/archive"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/home"
)

func (a *app) exportCommand() *cobra.Command {
	var light bool
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write a whole cooperative into one file that anybody can verify",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if light {
				return a.exportLight(cmd, args[0])
			}
			if args[0] == "-" {
				return a.export(cmd.Context(), os.Stdout)
			}
			if err := writeWhole(args[0], func(w io.Writer) error { return a.export(cmd.Context(), w) }); err != nil {
				return err
			}
			a.say("Written. Anybody can check it with: coop verify %s", args[0])
			return a.show(struct {
				File string `json:"file"`
			}{args[0]}, args[0], field{"file", args[0]})
		},
	}
	cmd.Flags().BoolVar(&light, "light", false, "only the proof of who the stewards are and what they signed last, without events")
	return cmd
}

// writeWhole writes a file whole, or leaves what was there.
func writeWhole(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".coop-*")
	if err != nil {
		return usagef("cannot write %s: %v", name, err)
	}
	defer os.Remove(f.Name()) // gone already if all went well
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("cannot put the file into its place: %w", err)
	}
	return nil
}

// export asks the daemon, or reads the home if no daemon runs.
func (a *app) export(ctx context.Context, w io.Writer) error {
	_, client, err := a.look()
	if err != nil {
		return err
	}
	err = client.Stream(ctx, daemon.Path("coops", a.coop, "export"), w)
	var p *home.Problem
	if !errors.As(err, &p) || p.Code != daemon.CodeNotRunning {
		return err
	}
	return a.offline(func(h *home.Home) error {
		genesis, err := daemon.PickCoop(h, a.coop)
		if err != nil {
			return err
		}
		bar := a.newBar("exporting")
		defer bar.end()
		return daemon.WithStore(h, genesis.ID, func(s crdt.Store) error {
			_, err := archive.Write(w, genesis.ID, s, "coop "+daemon.Version, bar.set)
			return err
		})
	})
}

// offline works on a home whose daemon does not run.
func (a *app) offline(f func(*home.Home) error) error {
	paths, err := home.Locate(a.homeFlag)
	if err != nil {
		return err
	}
	h, err := home.Open(paths)
	if err != nil {
		return err
	}
	return errors.Join(f(h), h.Close())
}

func (a *app) verifyCommand() *cobra.Command {
	var light bool
	var link string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Prove a file of coop export: all signatures, the order, every vote, the result. Needs no home and no network",
		Long: `Prove a file of coop export: all signatures, the order, every vote, the result. Needs no home and no network.

With --light it reads a file of coop export --light, replays nothing, and believes what a quorum of the stewards of
each epoch signed: it shows who that was. An invite link, --link, pins the epoch in which it was made, so that former
stewards cannot show another history. Where the members went on without their stewards (coop refound) only a link that
was made since then can show that it was they.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if light {
				return a.verifyLight(args[0], link)
			}
			f, err := openFile(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			bar := a.newBar("verifying")
			report, err := archive.Verify(f, bar.set)
			bar.end()
			if err != nil {
				return daemon.ArchiveTrouble(err)
			}
			a.say("It holds: every signature, the order, every vote, every account and the result.")
			return a.printReport(report)
		},
	}
	cmd.Flags().BoolVar(&light, "light", false, "a file of coop export --light: who signed what, without events")
	cmd.Flags().StringVar(&link, "link", "", "with --light: an invite link that pins an epoch")
	return cmd
}

func openFile(path string) (*os.File, error) {
	if path == "-" {
		return os.Stdin, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &home.Problem{Code: daemon.CodeNotFound, What: "there is no file " + path, Next: "check its name", Err: err}
	}
	if err != nil {
		return nil, usagef("cannot read %s: %v", path, err)
	}
	return f, nil
}

func (a *app) printReport(r *archive.Report) error {
	n := func(v uint64) string { return fmt.Sprint(v) }
	return a.show(r, r.Root, field{"cooperative", r.Name}, field{"id", r.Coop.String()}, field{"events", n(r.Events)}, field{"rounds", n(r.Rounds)},
		field{"signatures", n(r.Signatures)}, field{"commits", n(r.Commits)}, field{"final", n(r.Final)}, field{"refused", n(r.Refused)}, field{"not final", n(r.Unordered)},
		field{"forks", n(r.Forks)}, field{"members", n(r.Members)}, field{"proposals", n(r.Proposals)}, field{"ballots", n(r.Ballots)}, field{"votes counted again", n(r.Tallies)}, field{"accounts added up", n(r.Books.Accounts)}, field{"receipts added up", n(r.Books.Receipts)}, field{"epochs", n(uint64(len(r.Epochs)))}, field{"certified commits", n(r.Certified)},
		field{"coop time", r.Time.String()}, field{"state root", r.Root})
}

func (a *app) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Verify a file of coop export and bring the cooperative into this home",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := openFile(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			_, client, err := a.look()
			if err != nil {
				return err
			}
			var report archive.Report
			if client.Get(cmd.Context(), "/v1/status", new(daemon.Status)) == nil {
				err = client.Send(cmd.Context(), "/v1/import", "application/vnd.ipld.car", a.counted(f), &report)
			} else {
				err = a.offline(func(h *home.Home) error {
					bar := a.newBar("importing")
					defer bar.end()
					r, _, err := daemon.Import(h, f, bar.set)
					if r != nil {
						report = *r
					}
					return err
				})
			}
			if err != nil {
				return err
			}
			a.say("Imported. Next: coop up, or coop status")
			return a.printReport(&report)
		},
	}
}

// counted shows how much of a file has been read.
func (a *app) counted(f *os.File) io.Reader {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return f
	}
	return &countedReader{from: f, total: uint64(info.Size()), bar: a.newBar("sending")}
}

type countedReader struct {
	from        io.Reader
	done, total uint64
	bar         *bar
}

// Read reads on.
func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.done += uint64(n)
	if err == nil {
		c.bar.set(c.done, c.total)
	} else {
		c.bar.end()
	}
	return n, err
}

func (a *app) repoCommand() *cobra.Command {
	return group(&cobra.Command{Use: "repo", Short: "Check and repair what is on disk"},
		a.repoCheckCommand(), a.repoRebuildCommand(), a.repoRebindCommand())
}

func (a *app) repoCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Read and hash everything, and compare it with what was acknowledged",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, client, err := a.look()
			if err != nil {
				return err
			}
			var c daemon.Checked
			err = client.Post(cmd.Context(), daemon.Path("coops", a.coop, "check"), struct{}{}, &c)
			var p *home.Problem
			if errors.As(err, &p) && p.Code == daemon.CodeNotRunning {
				err = a.offline(func(h *home.Home) error {
					genesis, err := daemon.PickCoop(h, a.coop)
					if err == nil {
						c, err = daemon.Check(h, genesis)
					}
					return err
				})
			}
			if err != nil {
				return err
			}
			if err := a.show(c, c.ID.String(), field{"cooperative", c.Name}, field{"events", fmt.Sprint(c.Whole.Events)}, field{"rounds", fmt.Sprint(c.Whole.Rounds)},
				field{"commits", fmt.Sprint(c.Whole.Commits)}, field{"bytes", fmt.Sprint(c.Bytes)}, field{"findings", fmt.Sprint(len(c.Findings))}); err != nil {
				return err
			}
			if len(c.Findings) == 0 {
				a.say("All that was acknowledged is there and whole.")
				return nil
			}
			for _, finding := range c.Findings {
				a.say("%s %s", a.paint(red, "damaged:"), finding)
			}
			a.say("  next: coop down; coop repo rebuild")
			return told{exitFailed}
		},
	}
}

func (a *app) repoRebuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Make a new store of all that is whole; the damaged files are put aside, not deleted",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.offline(func(h *home.Home) error {
				genesis, err := daemon.PickCoop(h, a.coop)
				if err != nil {
					return err
				}
				r, err := daemon.Rebuild(h, genesis.ID)
				if err != nil {
					return err
				}
				if r.Kept == r.Promised && r.Apart == 0 {
					a.say("Everything is there. Next: coop up")
				} else {
					a.say("What is missing is fetched from the others. Next: coop up")
				}
				return a.show(r, genesis.ID.String(), field{"events kept", fmt.Sprintf("%d of %d", r.Kept.Events, r.Promised.Events)}, field{"rounds kept", fmt.Sprintf("%d of %d", r.Kept.Rounds, r.Promised.Rounds)},
					field{"commits kept", fmt.Sprintf("%d of %d", r.Kept.Commits, r.Promised.Commits)}, field{"waiting for what was lost", fmt.Sprint(r.Apart)}, field{"damaged files", r.Moved})
			})
		},
	}
}

func (a *app) repoRebindCommand() *cobra.Command {
	var sure bool
	cmd := &cobra.Command{
		Use:   "rebind",
		Short: "Declare this copy of the home the one that signs, because every other copy is gone",
		Long: `Declare this copy of the home the one that signs.

A home that was copied, moved to another disk or restored signs nothing, because two computers with
one key would contradict each other, and the cooperative would suspend the key. If every other copy
is gone for good, say so here. It does not help against data that is older than the key's last use.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !sure {
				return usagef("this is safe only if no other copy of this key will ever be used again: say so with --other-copies-are-gone")
			}
			return a.offline(func(h *home.Home) error {
				if err := daemon.Rebind(h); err != nil {
					return err
				}
				a.say("This copy signs from now on. Next: coop up")
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&sure, "other-copies-are-gone", false, "every other copy of this key is gone for good")
	return cmd
}

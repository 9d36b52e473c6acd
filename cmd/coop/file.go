package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/content"
	"github.com/sustainy/coop/daemon"
)

func (a *app) fileCommand() *cobra.Command {
	return group(&cobra.Command{Use: "file", Short: "Keep files by what is in them, hand them to other members, get theirs",
		Long: `Keep files by what is in them, hand them to other members, get theirs. The address of a file is the hash of
what is in it, so nobody can give you another one for it.

A file is where somebody keeps it: who has added it, and everybody who got it since. If the last of them drops it,
or their computers are off, nobody can get it.`},
		a.fileAddCommand(), a.fileGetCommand(), a.fileListCommand(), a.fileDropCommand())
}

func (a *app) fileAddCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "add FILE...",
		Short: "Keep files here for the other members, and print their addresses; - reads the standard input",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			var added []content.File
			for _, name := range args {
				f, err := a.addFile(cmd.Context(), client, name)
				if err != nil {
					return err
				}
				added = append(added, f)
			}
			return a.listFiles(added)
		},
	}
}

// addFile hands a file to the daemon.
func (a *app) addFile(ctx context.Context, client *daemon.Client, name string) (f content.File, err error) {
	in := io.Reader(a.in)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return f, usagef("%v", err)
		}
		defer file.Close()
		if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
			return f, usagef("%s is no file", name)
		}
		in = a.counted(file)
	}
	return f, client.Send(ctx, daemon.Path("coops", a.coop, "files"), "application/octet-stream", in, &f)
}

func (a *app) fileListCommand() *cobra.Command {
	var part bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the files that are kept here, and what has come of others",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			files, err := get[[]content.File](a, cmd, "files")
			if err != nil {
				return err
			}
			if part {
				files = slices.DeleteFunc(files, content.File.Whole)
			}
			return a.listFiles(files)
		},
	}
	cmd.Flags().BoolVar(&part, "part", false, "only those of which something is still missing")
	return cmd
}

func (a *app) listFiles(files []content.File) error {
	type view = content.File
	return list(a, files, func(f view) string { return f.ID.String() },
		column[view]{name: "address", text: func(f view) string { return f.ID.String() }},
		column[view]{name: "bytes", text: func(f view) string {
			if f.Size == 0 {
				return ""
			}
			return fmt.Sprint(f.Size)
		}},
		column[view]{name: "here", text: func(f view) string {
			if f.Whole() {
				return "all"
			}
			return fmt.Sprint(f.Have)
		}})
}

func (a *app) fileGetCommand() *cobra.Command {
	var out string
	var force bool
	cmd := &cobra.Command{
		Use:   "get ADDRESS",
		Short: "Get a file from whoever keeps it, and keep it here too",
		Long: `Get a file from whoever keeps it, and keep it here too. Every piece is checked when it comes, and kept: if it is
interrupted, the same command goes on from there. --out also writes it to a file of your choice; - is the standard
output.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Lstat(out); err == nil && out != "-" && out != "" && !force {
				return usagef("%s exists: choose another name, or --force to replace it", out)
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			f, err := a.fetchFile(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			path := daemon.Path("coops", a.coop, "files", f.ID.String(), "bytes")
			switch out {
			case "":
				return a.listFiles([]content.File{f})
			case "-":
				return client.Stream(cmd.Context(), path, a.out)
			}
			if err := writeWhole(out, func(w io.Writer) error { return client.Stream(cmd.Context(), path, w) }); err != nil {
				return err
			}
			a.say("It is in %s.", out)
			return a.listFiles([]content.File{f})
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "also write it to this file")
	cmd.Flags().BoolVar(&force, "force", false, "replace the file that is there")
	return cmd
}

// fetchFile has the daemon fetch a file, and shows how far it is.
func (a *app) fetchFile(ctx context.Context, client *daemon.Client, id string) (f content.File, err error) {
	b := a.newBar("fetching")
	defer b.end()
	path := daemon.Path("coops", a.coop, "files", id)
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-watching.Done():
				return
			case <-tick.C:
			}
			var now content.File
			if client.Get(watching, path, &now) == nil && now.Size > 0 {
				b.set(now.Have, now.Size)
			}
		}
	}()
	err = client.Post(ctx, path+"/fetch", struct{}{}, &f)
	stop()
	<-watched
	return f, err
}

func (a *app) fileDropCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "drop ADDRESS",
		Short: "Keep a file no longer, or what has come of it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			if err := client.Post(cmd.Context(), daemon.Path("coops", a.coop, "files", args[0], "drop"), struct{}{}, nil); err != nil {
				return err
			}
			a.say("It is not kept here any more. Others may keep it.")
			return nil
		},
	}
}

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
)

func (a *app) refoundCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "refound",
		Short: "Go on when the stewards are gone for good",
		Long: `Go on when so many stewards are gone for good that nothing becomes final any more. It takes two thirds of the
members (or what the charter says), two weeks after the last thing that became final.

  who would be steward   coop refound offer             and send the text to whoever drafts
  one member             coop refound draft FILE --chair OFFER --chair OFFER --reason WHY
  every member           coop refound assent FILE       and pass the file on, or send it back
  one member             coop refound join FILE COPY... puts copies together
  the new stewards       coop refound apply FILE        everybody else follows by themselves

` + governance.RefoundingWarning,
	}, a.refoundOfferCommand(), a.refoundDraftCommand(), a.refoundShowCommand(), a.refoundAssentCommand(), a.refoundJoinCommand(), a.refoundApplyCommand(), a.refoundYieldCommand())
}

// refound asks the daemon for one step.
func (a *app) refound(cmd *cobra.Command, step string, ask daemon.RefoundAsk) (done daemon.Refounded, err error) {
	client, err := a.client()
	if err != nil {
		return done, err
	}
	return done, client.Post(cmd.Context(), daemon.Path("coops", a.coop, "refound", step), ask, &done)
}

// copies reads files of one re-founding.
func copies(files []string) (ask daemon.RefoundAsk, err error) {
	for _, file := range files {
		raw, err := readFile(file, governance.MaxRefounding)
		if err != nil {
			return ask, err
		}
		ask.Copies = append(ask.Copies, raw)
	}
	return ask, nil
}

// showRefounding keeps a re-founding in a file, if one is named, and shows it.
func (a *app) showRefounding(done daemon.Refounded, file string) error {
	if file != "" {
		if err := os.WriteFile(file, done.Raw, 0o644); err != nil {
			return usagef("cannot write %s: %v", file, err)
		}
	}
	v := done.View
	holds := "yes"
	if !v.Holds {
		holds = "not yet: " + v.Lacks
	}
	return a.show(v, v.Digest, field{"text", v.Digest}, field{"checkpoint", v.Checkpoint}, field{"epoch", fmt.Sprint(v.Epoch)}, field{"stewards", oneLine(strings.Join(v.Stewards, ", "))},
		field{"reason", oneLine(v.Reason)}, field{"assents", fmt.Sprintf("%d of %d: %s", len(v.Assents), v.Voters, oneLine(strings.Join(v.Assents, ", ")))}, field{"holds", holds})
}

func (a *app) refoundOfferCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "offer",
		Short: "Offer to be steward, with a fresh key that stays on this computer; prints a text for whoever drafts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			done, err := a.refound(cmd, "offer", daemon.RefoundAsk{})
			if err != nil {
				return err
			}
			return a.show(done, done.Chair, field{"chair", done.Chair})
		},
	}
}

func (a *app) refoundDraftCommand() *cobra.Command {
	var ask daemon.RefoundAsk
	cmd := &cobra.Command{
		Use:   "draft FILE",
		Short: "Write a re-founding from the last thing that is final here, for the members to assent to",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			done, err := a.refound(cmd, "draft", ask)
			if err != nil {
				return err
			}
			a.say("%s\nNext, every member: coop refound assent %s", governance.RefoundingWarning, args[0])
			return a.showRefounding(done, args[0])
		},
	}
	cmd.Flags().StringArrayVar(&ask.Chairs, "chair", nil, "the offer of one who would be steward; 1, 4, 7, 10 or 13 of them are good numbers")
	cmd.Flags().StringVar(&ask.Reason, "reason", "", "why, for all members to read")
	return cmd
}

func (a *app) refoundShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Show a re-founding, and whether it holds",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.refoundFile(cmd, "look", args, "")
		},
	}
}

// refoundFile does a step with files of one re-founding.
func (a *app) refoundFile(cmd *cobra.Command, step string, files []string, to string) error {
	ask, err := copies(files)
	if err != nil {
		return err
	}
	done, err := a.refound(cmd, step, ask)
	if err != nil {
		return err
	}
	return a.showRefounding(done, to)
}

// sureFlag is the flag without which nobody overrides finality.
func sureFlag(cmd *cobra.Command, sure *bool) {
	cmd.Flags().BoolVar(sure, "stewards-are-gone", false, "the stewards of before will never sign again")
}

func warned(sure bool) error {
	if sure {
		return nil
	}
	return usagef("%s\nSay that they are gone for good with --stewards-are-gone", governance.RefoundingWarning)
}

func (a *app) refoundAssentCommand() *cobra.Command {
	var sure bool
	cmd := &cobra.Command{
		Use:   "assent FILE",
		Short: "Assent to a re-founding: you have seen no progress since its checkpoint, by your own clock",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := warned(sure); err != nil {
				return err
			}
			return a.refoundFile(cmd, "assent", args, args[0])
		},
	}
	sureFlag(cmd, &sure)
	return cmd
}

func (a *app) refoundJoinCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "join FILE COPY...",
		Short: "Put the assents of copies of a re-founding together in one file",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.refoundFile(cmd, "look", args, args[0])
		},
	}
}

func (a *app) refoundApplyCommand() *cobra.Command {
	var sure bool
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "Go on with the stewards of a re-founding that holds; the new stewards do it, all others follow them",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := warned(sure); err != nil {
				return err
			}
			return a.refoundFile(cmd, "apply", args, "")
		},
	}
	sureFlag(cmd, &sure)
	return cmd
}

func (a *app) refoundYieldCommand() *cobra.Command {
	var sure bool
	cmd := &cobra.Command{
		Use:   "yield",
		Short: "Follow a re-founding that leaves out what this computer calls final",
		Long: `Follow a re-founding that leaves out what this computer calls final. The order that is kept here is put aside, not
deleted, and comes anew from the others; what was said is kept, and put in order anew. The daemon must not run.

` + governance.RefoundingWarning,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := warned(sure); err != nil {
				return err
			}
			return a.offline(func(h *home.Home) error {
				genesis, err := daemon.PickCoop(h, a.coop)
				if err != nil {
					return err
				}
				aside, err := daemon.Yield(h, genesis)
				if err != nil {
					return err
				}
				a.say("The order is fetched from the others. Next: coop up")
				return a.show(struct {
					Aside string `json:"aside"`
				}{aside}, aside, field{"put aside", aside})
			})
		},
	}
	sureFlag(cmd, &sure)
	return cmd
}

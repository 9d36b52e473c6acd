package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

func (a *app) stewardCommand() *cobra.Command {
	return group(&cobra.Command{Use: "steward", Short: "See who puts events in order; stand, elect, recall, resign"},
		a.stewardListCommand(), a.stewardStandCommand(), a.stewardResignCommand(), a.stewardElectCommand(),
		a.stewardRecallCommand(), a.stewardTimingCommand())
}

func (a *app) stewardListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Show the stewards, who stands by, who stands, and what is decided",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := get[coop.OfficeView](a, cmd, "stewards")
			if err != nil {
				return err
			}
			term := fmt.Sprintf("epoch %d, since %s", v.Epoch, a.ago(v.Since))
			switch {
			case v.Overdue:
				term += ", overdue since " + a.ago(v.Ends)
			case v.Ends != 0:
				term += ", until " + a.ago(v.Ends)
			}
			fields := []field{{"term", term}, {"stewards", people(v.Stewards)}, {"means", v.Says}, {"standby", people(v.Standby)}, {"standing", people(v.Standing)}}
			if c := v.Coming; c != nil {
				fields = append(fields, field{"waits until", a.ago(c.Lapses)}, field{"coming", people(c.Stewards)}, field{"ready", fmt.Sprintf("%d of %d, %d needed", c.Ready, len(c.Stewards), c.Needed)},
					field{"not before", a.ago(c.Notice)}, field{"then standby", people(c.Standby)})
			}
			fields = append(fields, field{"notes", strings.Join(v.Notes, "\n")})
			return a.show(v, fmt.Sprint(v.Epoch), fields...)
		},
	}
}

func people(views []coop.StewardView) string {
	lines := make([]string, len(views))
	for i, v := range views {
		lines[i] = fmt.Sprintf("%s (%s)", oneLine(v.Name), v.Member)
		if v.Ready {
			lines[i] += ", ready"
		}
	}
	return strings.Join(lines, "\n")
}

func (a *app) stewardStandCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "stand",
		Short: "Stand for election as steward, from now until you resign",
		Long: `Stand for election as steward, from now until you resign. Who is elected runs a peer that is there as much as
possible: this computer makes a fresh key for each epoch and puts events in order with the others.`,
		Args: cobra.NoArgs,
	}, func(_ *cobra.Command, _ []string) (act, error) {
		return act{governance.KindStewardStand, governance.StewardStand{}, "stand for election as steward"}, nil
	})
}

func (a *app) stewardResignCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "resign",
		Short: "Stop standing, standing by or being a steward",
		Long:  "Stop standing, standing by or being a steward. A steward goes on until the others are ready, so leave the daemon running.",
		Args:  cobra.NoArgs,
	}, func(_ *cobra.Command, _ []string) (act, error) {
		return act{governance.KindStewardResign, governance.StewardResign{}, "resign as steward, and do not stand any more"}, nil
	})
}

func (a *app) stewardElectCommand() *cobra.Command {
	var o stewardFlags
	cmd := &cobra.Command{
		Use:   "elect",
		Short: "Open an election of stewards among those who stand",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.proposeOffice(cmd, &o, "Election of stewards", nil, func(t governance.Track) bool { return t.Elects() })
		},
	}
	o.add(cmd)
	return cmd
}

func (a *app) stewardRecallCommand() *cobra.Command {
	var o stewardFlags
	cmd := &cobra.Command{
		Use:   "recall MEMBER",
		Short: "Propose to recall a steward",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.member(cmd, args[0])
			if err != nil {
				return err
			}
			d, err := event.NewDraft(governance.KindStewardRecall, governance.StewardRecall{Member: m.ID})
			if err != nil {
				return usagef("%v", err)
			}
			return a.proposeOffice(cmd, &o, "Recall of "+oneLine(m.Name), &d, nil)
		},
	}
	o.add(cmd)
	return cmd
}

func (a *app) stewardTimingCommand() *cobra.Command {
	var o stewardFlags
	var params []string
	cmd := &cobra.Command{
		Use:   "timing",
		Short: "Propose another timing for the stewards, from the next epoch on",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := governance.DefaultParams()
			if err := setParams(&p, params); err != nil {
				return err
			}
			d, err := event.NewDraft(governance.KindParamsAmend, governance.ParamsAmend{Params: p})
			if err != nil {
				return usagef("%v", err)
			}
			return a.proposeOffice(cmd, &o, "Timing of the stewards", &d, nil)
		},
	}
	o.add(cmd)
	cmd.Flags().StringArrayVar(&params, "param", nil, "NAME=MILLISECONDS, with delta0, tolerance, minround, maxround, grace, stall; those not named get the default; may be repeated")
	return cmd
}

// stewardFlags are those of a proposal about stewards.
type stewardFlags struct {
	sign        signFlags
	title, text string
	track       string
}

func (o *stewardFlags) add(cmd *cobra.Command) {
	o.sign.add(cmd)
	cmd.Flags().StringVar(&o.title, "title", "", "of the proposal")
	cmd.Flags().StringVar(&o.text, "text", "", "why, in Markdown")
	cmd.Flags().StringVar(&o.track, "track", "", "which of the charter's tracks (default: the first that can)")
}

// proposeOffice opens a proposal about stewards on the first track that may carry its action, or that
// fits.
func (a *app) proposeOffice(cmd *cobra.Command, o *stewardFlags, title string, action *event.Draft, fits func(governance.Track) bool) error {
	c, err := get[coop.CharterView](a, cmd, "charter")
	if err != nil {
		return err
	}
	body := governance.ProposalOpen{Title: title, Text: o.text, Track: o.track}
	overwrite(&body.Title, o.title)
	if action != nil {
		body.Actions = []event.Draft{*action}
		fits = func(t governance.Track) bool { return slices.Contains(t.Actions, action.Kind) && !t.Method.Chooses() }
	}
	if body.Track == "" {
		i := slices.IndexFunc(c.Charter.Tracks, fits)
		if i < 0 {
			return usagef("no track of the charter lets a proposal do that: coop charter lists the tracks, coop propose --amend-charter changes them")
		}
		body.Track = c.Charter.Tracks[i].Name
	}
	sentence := fmt.Sprintf("propose %q on track %s", body.Title, body.Track)
	if t, known := c.Charter.Track(body.Track); known {
		sentence += " (" + describeTrack(t) + ")"
		if t.Elects() {
			says, _ := governance.SeatsInWords(int(t.Seats))
			sentence += "; to choose from are the members who stand when the vote opens; to be elected are " + says
		}
	}
	return a.sign(cmd.Context(), o.sign, governance.KindProposalOpen, body, sentence)
}

// deviceRestoreCommand lets a suspended device of one's own speak again.
func (a *app) deviceRestoreCommand() *cobra.Command {
	var o stewardFlags
	var propose bool
	cmd := &cobra.Command{
		Use:   "restore KEY",
		Short: "Let a device of yours speak again that was suspended for signing two events with one number",
		Long: `Let a device of yours speak again that was suspended for signing two events with one number. That happens to a
device that is restored from an old backup, or copied. If you don't know why it happened, somebody else may have
the key: add a fresh one instead (coop device). Who has no other device asks a member to --propose it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := identity.ParsePublicKey(args[0])
			if err != nil {
				return usagef("%s: %v", args[0], err)
			}
			body := governance.DeviceRestore{Key: key}
			if !propose {
				return a.sign(cmd.Context(), o.sign, governance.KindDeviceRestore, body, "let the suspended device "+key.String()+" speak for you again")
			}
			d, err := event.NewDraft(governance.KindDeviceRestore, body)
			if err != nil {
				return usagef("%v", err)
			}
			return a.proposeOffice(cmd, &o, "Restore a device", &d, nil)
		},
	}
	o.add(cmd)
	cmd.Flags().BoolVar(&propose, "propose", false, "propose that the members do it, for a member who has no other device")
	return cmd
}

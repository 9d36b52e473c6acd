package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/governance"
)

func (a *app) memberCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "member", Short: "List and show members, apply, sponsor", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.memberListCommand(), a.memberShowCommand(), a.memberApplyCommand(), a.memberSponsorCommand())
	return cmd
}

func (a *app) memberListCommand() *cobra.Command {
	var status string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List members and candidates",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			var all []coop.MemberView
			if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "members"), &all); err != nil {
				return err
			}
			var some []coop.MemberView
			for _, m := range all {
				if status == "" || string(m.Status) == status {
					some = append(some, m)
				}
			}
			type view = coop.MemberView
			return list(a, some, func(m view) string { return m.ID.String() },
				column[view]{name: "id", text: func(m view) string { return a.ending(m.ID.String()) }},
				column[view]{name: "name", text: func(m view) string { return m.Name }},
				column[view]{name: "status", text: func(m view) string { return string(m.Status) }},
				column[view]{name: "classes", text: func(m view) string { return strings.Join(m.Classes, ",") }},
				column[view]{name: "votes", text: func(m view) string { return yesNo(m.Votes) }},
				column[view]{name: "devices", text: func(m view) string { return fmt.Sprint(len(m.Devices)) }},
				column[view]{name: "since", text: func(m view) string { return a.ago(m.Since) }})
		},
	}
	cmd.Flags().StringVar(&status, "status", "", "only these: candidate, member or left")
	return cmd
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func (a *app) memberShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show MEMBER",
		Short: "Show a member: name, key, or its beginning or end",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.member(cmd, args[0])
			if err != nil {
				return err
			}
			return a.showMember(m)
		},
	}
}

// member finds a member by what people type, among all that is known.
func (a *app) member(cmd *cobra.Command, text string) (m coop.MemberView, err error) {
	client, err := a.client()
	if err != nil {
		return m, err
	}
	err = client.Get(cmd.Context(), daemon.Path("coops", a.coop, "members", text)+"?provisional=1", &m)
	return m, err
}

func (a *app) showMember(m coop.MemberView) error {
	var devices, sponsors []string
	for _, d := range m.Devices {
		text := d.Key.String()
		if d.Suspended {
			text += " (suspended: it signed two events with one number)"
		}
		devices = append(devices, text)
	}
	for _, s := range m.Sponsors {
		sponsors = append(sponsors, s.String())
	}
	return a.show(m, m.ID.String(), field{"id", m.ID.String()}, field{"name", m.Name}, field{"status", string(m.Status)}, field{"classes", strings.Join(m.Classes, ",")},
		field{"votes", yesNo(m.Votes)}, field{"since", a.ago(m.Since)}, field{"statement", m.Statement},
		field{"sponsors", strings.Join(sponsors, "\n")}, field{"devices", strings.Join(devices, "\n")})
}

func (a *app) memberApplyCommand() *cobra.Command {
	var f applyFlags
	var sign signFlags
	var invite string
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Apply for membership in a cooperative that this computer takes part in",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, client, err := a.look()
			if err != nil {
				return err
			}
			var c coop.CharterView
			if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "charter"), &c); err != nil {
				return err
			}
			name := f.name
			if name == "" {
				name = h.Config.Name
			}
			body, err := f.body(&c.Charter, name)
			if err != nil {
				return err
			}
			if invite != "" {
				link, err := daemon.ParseLink(invite)
				if err != nil {
					return err
				}
				body.Invite = link.Invite.Public()
				body.Proof = governance.InviteProof(link.Invite, link.Coop, h.Device)
			}
			return a.sign(cmd.Context(), sign, governance.KindMemberApply, body, fmt.Sprintf("apply for membership as %q in: %s", name, strings.Join(body.Classes, ", ")))
		},
	}
	f.add(cmd)
	sign.add(cmd)
	cmd.Flags().StringVar(&invite, "invite", "", "the link of an invite")
	return cmd
}

func (a *app) memberSponsorCommand() *cobra.Command {
	var sign signFlags
	cmd := &cobra.Command{
		Use:   "sponsor CANDIDATE",
		Short: "Vouch for somebody who applied",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.member(cmd, args[0])
			if err != nil {
				return err
			}
			return a.sign(cmd.Context(), sign, governance.KindMemberSponsor, governance.MemberSponsor{Candidate: m.ID},
				fmt.Sprintf("vouch for %s (%s) as %s", oneLine(m.Name), m.ID, strings.Join(m.Classes, ", ")))
		},
	}
	sign.add(cmd)
	return cmd
}

func (a *app) charterCommand() *cobra.Command {
	var standard bool
	cmd := &cobra.Command{
		Use:   "charter",
		Short: "Show the charter: classes, tracks and limits",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if standard {
				return a.printTree(coop.DefaultCharter())
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			var c coop.CharterView
			if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "charter"), &c); err != nil {
				return err
			}
			var classes, tracks []string
			for _, class := range c.Charter.Classes {
				classes = append(classes, describeClass(class))
			}
			for _, t := range c.Charter.Tracks {
				tracks = append(tracks, t.Name+": "+describeTrack(t))
			}
			return a.show(c, fmt.Sprint(c.Version), field{"version", fmt.Sprint(c.Version)}, field{"classes", strings.Join(classes, "\n")},
				field{"tracks", strings.Join(tracks, "\n")}, field{"notes", strings.Join(c.Warnings, "\n")})
		},
	}
	cmd.Flags().BoolVar(&standard, "default", false, "print the default charter as JSON, to edit and found with")
	return cmd
}

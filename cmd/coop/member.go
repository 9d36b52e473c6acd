package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

func (a *app) memberCommand() *cobra.Command {
	return group(&cobra.Command{Use: "member", Short: "List and show members, apply, sponsor, ask for classes, name guardians, appeal"},
		a.memberListCommand(), a.memberShowCommand(), a.memberApplyCommand(), a.memberSponsorCommand(), a.memberClassCommand(), a.memberGuardiansCommand(), a.memberAppealCommand())
}

func (a *app) memberListCommand() *cobra.Command {
	var status string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List members and candidates",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := get[[]coop.MemberView](a, cmd, "members")
			if err != nil {
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
	cmd.Flags().StringVar(&status, "status", "", "only these: candidate, member, suspended, expelled or left")
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
func (a *app) member(cmd *cobra.Command, text string) (coop.MemberView, error) {
	return getSeen[coop.MemberView](a, cmd, "members", text)
}

// ofMember leaves of all what is this member's, by name or key; "" is everybody. Who has nothing there may
// still be a member; a name that is nobody's is refused.
func ofMember[T any](a *app, cmd *cobra.Command, all []T, member string, whose func(T) (identity.PublicKey, string)) ([]T, error) {
	if member == "" {
		return all, nil
	}
	all = slices.DeleteFunc(all, func(v T) bool {
		key, name := whose(v)
		return !strings.EqualFold(name, member) && key.String() != member
	})
	if len(all) > 0 {
		return all, nil
	}
	_, err := a.member(cmd, member)
	return all, err
}

func (a *app) showMember(m coop.MemberView) error {
	var devices, sponsors []string
	for _, d := range m.Devices {
		text := d.Key.String()
		if d.Suspended {
			text += " (suspended: it signed two events with one number)"
		}
		if d.Revoked {
			text += " (revoked)"
		}
		devices = append(devices, text)
	}
	for _, s := range m.Sponsors {
		sponsors = append(sponsors, s.String())
	}
	return a.show(m, m.ID.String(), field{"id", m.ID.String()}, field{"name", m.Name}, field{"status", string(m.Status)}, field{"classes", classesInWords(m)},
		field{"votes", yesNo(m.Votes)}, field{"since", a.ago(m.Since)}, field{"statement", m.Statement},
		field{"until", a.ago(m.Until)}, field{"guardians", guardiansInWords(m)}, field{"recovery", strings.Join(a.recoveriesInWords(m), "\n")},
		field{"sponsors", strings.Join(sponsors, "\n")}, field{"devices", strings.Join(devices, "\n")})
}

func (a *app) memberApplyCommand() *cobra.Command {
	var f applyFlags
	var invite string
	cmd := a.signs(&cobra.Command{
		Use:   "apply",
		Short: "Apply for membership in a cooperative that this computer takes part in",
		Args:  cobra.NoArgs,
	}, func(cmd *cobra.Command, _ []string) (act, error) {
		h, client, err := a.look()
		if err != nil {
			return act{}, err
		}
		var c coop.CharterView
		if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "charter"), &c); err != nil {
			return act{}, err
		}
		name := f.name
		if name == "" {
			name = h.Config.Name
		}
		body, err := f.body(&c.Charter, name)
		if err != nil {
			return act{}, err
		}
		if invite != "" {
			link, err := daemon.ParseLink(invite)
			if err != nil {
				return act{}, err
			}
			body.Invite = link.Invite.Public()
			body.Proof = governance.InviteProof(link.Invite, link.Coop, h.Device)
		}
		return act{governance.KindMemberApply, body, fmt.Sprintf("apply for membership as %q in: %s", name, strings.Join(body.Classes, ", "))}, nil
	})
	f.add(cmd)
	cmd.Flags().StringVar(&invite, "invite", "", "the link of an invite")
	return cmd
}

func (a *app) memberSponsorCommand() *cobra.Command {
	var class string
	cmd := a.signs(&cobra.Command{
		Use:   "sponsor CANDIDATE",
		Short: "Vouch for somebody who applied, or for a member who asks for another class",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.member(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		as := strings.Join(m.Classes, ", ")
		if class != "" {
			as = class
		}
		return act{governance.KindMemberSponsor, governance.MemberSponsor{Candidate: m.ID, Class: class},
			fmt.Sprintf("vouch for %s (%s) as %s", oneLine(m.Name), m.ID, as)}, nil
	})
	cmd.Flags().StringVar(&class, "class", "", "the class that a member asks for")
	return cmd
}

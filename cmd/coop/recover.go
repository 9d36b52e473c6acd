package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
)

// self is the member that this home's key speaks for.
func (a *app) self(cmd *cobra.Command) (coop.MemberView, error) {
	h, _, err := a.look()
	if err != nil {
		return coop.MemberView{}, err
	}
	m, err := a.member(cmd, h.Device.String())
	var p *home.Problem
	if errors.As(err, &p) && p.Code == daemon.CodeNotFound {
		err = &home.Problem{Code: daemon.CodeNotFound, What: "this device speaks for nobody in the cooperative", Next: "coop device request NAME, to speak for a member"}
	}
	return m, err
}

func (a *app) deviceRevokeCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "revoke DEVICE",
		Short: "Silence a device of yours for good: it was lost or stolen, or you gave it away",
		Long: `Silence a device of yours for good: it was lost or stolen, or you gave it away. DEVICE is its key, or the
beginning or end of it (coop device list). What it said before stands; what is ordered after the revocation
comes to nothing. The device in hand cannot revoke itself.

A thief with one of your devices can do the same to yours. Who is first wins; if it is not you, ask any
member: coop propose "A new device for NAME" --recover REQUEST`,
		Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.self(cmd)
		if err != nil {
			return act{}, err
		}
		key, err := deviceOf(m, args[0])
		if err != nil {
			return act{}, err
		}
		return act{governance.KindDeviceRevoke, governance.DeviceRevoke{Key: key}, fmt.Sprintf("revoke the device %s of %s for good", key, oneLine(m.Name))}, nil
	})
}

// deviceOf finds one of a member's devices by its key or the beginning or end of it.
func deviceOf(m coop.MemberView, text string) (key identity.PublicKey, err error) {
	found := 0
	for _, d := range m.Devices {
		id := d.Key.String()
		if id == text {
			return d.Key, nil
		}
		if len(text) >= 4 && (strings.HasPrefix(id, text) || strings.HasSuffix(id, strings.TrimPrefix(text, "…"))) {
			key, found = d.Key, found+1
		}
	}
	switch found {
	case 1:
		return key, nil
	case 0:
		return key, &home.Problem{Code: daemon.CodeNotFound, What: fmt.Sprintf("%s has no device %q", oneLine(m.Name), text), Next: "coop device list"}
	}
	return key, &home.Problem{Code: daemon.CodeAmbiguous, What: fmt.Sprintf("%q names more than one device", text), Next: "coop device list"}
}

func (a *app) memberGuardiansCommand() *cobra.Command {
	var sign signFlags
	var needed uint64
	var none bool
	cmd := &cobra.Command{
		Use:   "guardians [MEMBER ...]",
		Short: "Name members who can give you a new device if you lose all, or show them",
		Long: `Name members who can give you a new device if you lose all; without names, show whom you named. So many of
them as --needed says must approve your new device; then any device that you still have can veto for as long
as the charter says (coop charter), usually a week. Name people who know your face or your voice.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.self(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 && !none {
				return a.showGuardians(m)
			}
			body, sentence, err := a.guardians(cmd, args, needed)
			if err != nil {
				return err
			}
			return a.sign(cmd.Context(), sign, governance.KindGuardianName, body, sentence)
		},
	}
	cmd.Flags().Uint64Var(&needed, "needed", 0, "how many of them must approve (default: more than half)")
	cmd.Flags().BoolVar(&none, "none", false, "have no guardians")
	sign.add(cmd)
	return cmd
}

func (a *app) showGuardians(m coop.MemberView) error {
	if m.Guardians == nil {
		a.say("You have named no guardians. If you lose all devices, the members can give you a new one by a vote.")
		m.Guardians = &coop.GuardiansView{}
	}
	g := m.Guardians
	return a.show(g, strings.Join(texts(g.Guardians), "\n"), field{"guardians", strings.Join(g.Names, "\n")}, field{"needed", fmt.Sprint(g.Needed)})
}

func texts(keys []identity.PublicKey) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = key.String()
	}
	return list
}

func (a *app) guardians(cmd *cobra.Command, names []string, needed uint64) (body governance.GuardianName, sentence string, err error) {
	var said []string
	for _, name := range names {
		m, err := a.member(cmd, name)
		if err != nil {
			return body, "", err
		}
		body.Guardians, said = append(body.Guardians, m.ID), append(said, oneLine(m.Name))
	}
	body.Needed = needed
	if needed == 0 && len(names) > 0 {
		body.Needed = uint64(len(names)/2 + 1)
	}
	if len(names) == 0 {
		return body, "have no guardians", nil
	}
	return body, fmt.Sprintf("name %s as guardians, %d of whom can give you a new device if you lose all", strings.Join(said, ", "), body.Needed), nil
}

func (a *app) recoverCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "recover",
		Short: "Help a member who lost all devices, or veto such help for yourself",
		Long: `Help a member who lost all devices, or veto such help for yourself.

  on the new device        coop device request NAME     prints a REQUEST, to be told to the guardians
  each guardian            coop recover approve REQUEST
  after the delay          the new device speaks for the member, and no other does

Who named no guardians, or has a thief who vetoes, asks any member: coop propose TITLE --recover REQUEST`,
	},
		a.recoverApproveCommand(), a.recoverVetoCommand(), a.recoverListCommand())
}

func (a *app) recoverApproveCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "approve REQUEST",
		Short: "As a guardian, approve the new device of a member who lost all",
		Long: `As a guardian, approve the new device of a member who lost all. Be sure that the request is theirs: meet
them, or hear their voice, and let them read the end of the new device's key to you.`,
		Args: cobra.MinimumNArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		q, err := daemon.ParseDeviceRequest(strings.Join(args, ""))
		if err != nil {
			return act{}, err
		}
		if a.coop == "-" {
			a.coop = q.Coop.String()
		}
		m, err := a.member(cmd, q.Member.String())
		if err != nil {
			return act{}, err
		}
		body := governance.RecoveryApprove{Member: q.Member, Key: q.Device, Proof: q.Proof}
		return act{governance.KindRecoveryApprove, body, fmt.Sprintf("approve as a guardian that %s speaks by the new device %s and by no other", oneLine(m.Name), q.Device)}, nil
	})
}

func (a *app) recoverVetoCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "veto",
		Short: "Stop every recovery of your membership: you have lost nothing",
		Args:  cobra.NoArgs,
	}, func(_ *cobra.Command, _ []string) (act, error) {
		return act{governance.KindRecoveryVeto, governance.RecoveryVeto{}, "veto every recovery of your membership that is under way"}, nil
	})
}

// recoveryLine is a recovery as it is listed.
type recoveryLine struct {
	Member identity.PublicKey `json:"member"`
	Name   string             `json:"name"`
	coop.RecoveryView
}

func (a *app) recoverListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the recoveries under way",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := getSeen[[]coop.MemberView](a, cmd, "members")
			if err != nil {
				return err
			}
			var lines []recoveryLine
			for _, m := range all {
				for _, r := range m.Recoveries {
					lines = append(lines, recoveryLine{m.ID, m.Name, r})
				}
			}
			type line = recoveryLine
			return list(a, lines, func(l line) string { return l.Key.String() },
				column[line]{name: "member", text: func(l line) string { return l.Name }},
				column[line]{name: "new device", text: func(l line) string { return a.ending(l.Key.String()) }},
				column[line]{name: "approved by", text: func(l line) string { return strings.Join(l.Names, ",") }},
				column[line]{name: "needed", text: func(l line) string { return fmt.Sprint(l.Needed) }},
				column[line]{name: "takes effect", text: func(l line) string {
					if !l.Ready {
						return ""
					}
					return a.ago(l.Due)
				}})
		},
	}
}

func (a *app) memberAppealCommand() *cobra.Command {
	var text, file string
	cmd := a.signs(&cobra.Command{
		Use:   "appeal",
		Short: "Ask the members, once, to end your suspension or expulsion",
		Args:  cobra.NoArgs,
	}, func(_ *cobra.Command, _ []string) (act, error) {
		if file != "" {
			raw, err := os.ReadFile(file)
			if err != nil {
				return act{}, usagef("cannot read %s: %v", file, err)
			}
			text = string(raw)
		}
		return act{governance.KindMemberAppeal, governance.MemberAppeal{Text: text}, "appeal to the members against your suspension or expulsion"}, nil
	})
	cmd.Flags().StringVar(&text, "text", "", "what you have to say, in Markdown")
	cmd.Flags().StringVar(&file, "text-file", "", "file with the text")
	return cmd
}

func (a *app) inviteRevokeCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "revoke INVITE",
		Short: "Make an invite of yours void: its link, or its key, or the beginning or end of that",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		i, err := a.invitation(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		return act{governance.KindInviteRevoke, governance.InviteRevoke{Key: i.Key}, fmt.Sprintf("revoke the invite %s, which has %s left", i.Key, coop.Plural(i.Uses, "use", "uses"))}, nil
	})
}

// invitation finds an invite by its link, or its key or a part of it.
func (a *app) invitation(cmd *cobra.Command, text string) (found daemon.Invite, err error) {
	client, err := a.client()
	if err != nil {
		return found, err
	}
	if link, err := daemon.ParseLink(text); err == nil {
		text = link.Invite.Public().String()
	}
	var all []daemon.Invite
	if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "invites")+"?provisional=1", &all); err != nil {
		return found, err
	}
	n := 0
	for _, i := range all {
		if id := i.Key.String(); id == text || len(text) >= 4 && (strings.HasPrefix(id, text) || strings.HasSuffix(id, strings.TrimPrefix(text, "…"))) {
			found, n = i, n+1
		}
	}
	if n == 1 {
		return found, nil
	}
	return found, &home.Problem{Code: daemon.CodeNotFound, What: fmt.Sprintf("%q names no invite, or several", text), Next: "coop invite list"}
}

// rulings are what a proposal does to members, as coop propose reads them.
type rulings struct {
	Classes       []string `json:"classes"`        // MEMBER=CLASS
	Recover       []string `json:"recover"`        // requests of devices
	RevokeDevices []string `json:"revoke_devices"` // whole keys
	RevokeInvites []string `json:"revoke_invites"`
	Suspend       []string `json:"suspend"` // MEMBER=DURATION
	Expel         []string `json:"expel"`
	Reinstate     []string `json:"reinstate"`
}

func (r *rulings) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&r.Classes, "class", nil, "if it passes, admit a member to a further class: MEMBER=CLASS")
	f.StringArrayVar(&r.Recover, "recover", nil, "if it passes, let a member speak by this new device and by no other: what coop device request printed there")
	f.StringArrayVar(&r.RevokeDevices, "revoke-device", nil, "if it passes, silence the device with this key for good")
	f.StringArrayVar(&r.RevokeInvites, "revoke-invite", nil, "if it passes, make this invite void")
	f.StringArrayVar(&r.Suspend, "suspend", nil, "if it passes, suspend a member: MEMBER=30d")
	f.StringArrayVar(&r.Expel, "expel", nil, "if it passes, expel this member")
	f.StringArrayVar(&r.Reinstate, "reinstate", nil, "if it passes, make this suspended or expelled member a member again")
}

// join adds what flags say to what a file says.
func (r *rulings) join(flags *rulings) {
	r.Recover, r.RevokeDevices = append(r.Recover, flags.Recover...), append(r.RevokeDevices, flags.RevokeDevices...)
	r.RevokeInvites, r.Suspend = append(r.RevokeInvites, flags.RevokeInvites...), append(r.Suspend, flags.Suspend...)
	r.Classes = append(r.Classes, flags.Classes...)
	r.Expel, r.Reinstate = append(r.Expel, flags.Expel...), append(r.Reinstate, flags.Reinstate...)
}

// ruling is one action about a member, in words.
type ruling struct {
	kind  event.Kind
	body  any
	words string
}

// rulings makes the actions of rulings.
func (a *app) rulings(cmd *cobra.Command, r *rulings) (all []ruling, err error) {
	for _, text := range r.Classes {
		who, class, _ := strings.Cut(text, "=")
		m, err := a.member(cmd, who)
		if err != nil {
			return nil, err
		}
		all = append(all, ruling{governance.KindMemberAdmit, governance.MemberAdmit{Candidate: m.ID, Class: class}, fmt.Sprintf("admit %s to the class %s", oneLine(m.Name), class)})
	}
	for _, text := range r.Recover {
		q, err := daemon.ParseDeviceRequest(text)
		if err != nil {
			return nil, err
		}
		m, err := a.member(cmd, q.Member.String())
		if err != nil {
			return nil, err
		}
		all = append(all, ruling{governance.KindMemberRecover, governance.MemberRecover{Member: q.Member, Key: q.Device, Proof: q.Proof},
			fmt.Sprintf("let %s speak by the new device %s and by no other", oneLine(m.Name), q.Device)})
	}
	for _, text := range r.RevokeDevices {
		key, err := identity.ParsePublicKey(text)
		if err != nil {
			return nil, usagef("--revoke-device %s: %v", text, err)
		}
		all = append(all, ruling{governance.KindDeviceRevoke, governance.DeviceRevoke{Key: key}, "revoke the device " + text})
	}
	for _, text := range r.RevokeInvites {
		i, err := a.invitation(cmd, text)
		if err != nil {
			return nil, err
		}
		all = append(all, ruling{governance.KindInviteRevoke, governance.InviteRevoke{Key: i.Key}, fmt.Sprintf("revoke the invite %s by %s", i.Key, oneLine(i.ByName))})
	}
	sanctions, err := a.sanctions(cmd, r)
	return append(all, sanctions...), err
}

func (a *app) sanctions(cmd *cobra.Command, r *rulings) (all []ruling, err error) {
	for _, text := range r.Suspend {
		who, long, _ := strings.Cut(text, "=")
		lasts, err := duration(long)
		if err != nil {
			return nil, err
		}
		m, err := a.member(cmd, who)
		if err != nil {
			return nil, err
		}
		all = append(all, ruling{governance.KindMemberSuspend, governance.MemberSuspend{Member: m.ID, For: event.Time(lasts.Milliseconds())},
			fmt.Sprintf("suspend %s (%s) for %s", oneLine(m.Name), m.ID, span(lasts))})
	}
	for _, who := range r.Expel {
		m, err := a.member(cmd, who)
		if err != nil {
			return nil, err
		}
		all = append(all, ruling{governance.KindMemberExpel, governance.MemberExpel{Member: m.ID}, fmt.Sprintf("expel %s (%s)", oneLine(m.Name), m.ID)})
	}
	for _, who := range r.Reinstate {
		m, err := a.member(cmd, who)
		if err != nil {
			return nil, err
		}
		all = append(all, ruling{governance.KindMemberReinstate, governance.MemberReinstate{Member: m.ID}, fmt.Sprintf("make %s (%s) a member again", oneLine(m.Name), m.ID)})
	}
	return all, nil
}

func guardiansInWords(m coop.MemberView) string {
	if m.Guardians == nil {
		return ""
	}
	return fmt.Sprintf("%s (%d must approve)", strings.Join(m.Guardians.Names, ", "), m.Guardians.Needed)
}

func (a *app) recoveriesInWords(m coop.MemberView) []string {
	var lines []string
	for _, r := range m.Recoveries {
		text := fmt.Sprintf("by the new device %s, approved by %s of %d needed", r.Key, strings.Join(r.Names, ", "), r.Needed)
		if r.Ready {
			text += fmt.Sprintf("; takes effect %s unless a device of %s vetoes: coop recover veto", a.ago(r.Due), oneLine(m.Name))
		}
		lines = append(lines, text)
	}
	return lines
}

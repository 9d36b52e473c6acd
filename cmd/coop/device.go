package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
)

func (a *app) deviceCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "device",
		Short: "Speak with several devices, and give this one a new key",
		Long: `Speak with several devices, and give this one a new key.

A member speaks with one or more devices, each with a key of its own. To add one:

  on the new device      coop join LINK --no-apply, then: coop device request NAME
  on one that is known   coop device add REQUEST

A home that was copied or restored signs nothing. To get going again with it: coop down; coop device new;
coop up; coop device request. If no device of the member signs any more, another member asks all:
coop propose TITLE --device REQUEST; or the guardians help that the member has named: coop recover

A device that was lost or stolen is silenced from another one: coop device revoke DEVICE`,
	},
		a.deviceListCommand(), a.deviceNewCommand(), a.deviceRequestCommand(), a.deviceAddCommand(), a.deviceRevokeCommand(), a.deviceRestoreCommand())
}

// deviceLine is one device as it is shown.
type deviceLine struct {
	Key       identity.PublicKey `json:"key"`
	Member    identity.PublicKey `json:"member"`
	Name      string             `json:"name"`
	Since     event.Time         `json:"since"`
	Suspended bool               `json:"suspended"`
	Revoked   bool               `json:"revoked"`
	Here      bool               `json:"here"` // the key of this home
}

func (a *app) deviceListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [MEMBER]",
		Short: "List your devices, or those of another member",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, client, err := a.look()
			if err != nil {
				return err
			}
			who := h.Device.String()
			if len(args) == 1 {
				who = args[0]
			}
			var m coop.MemberView
			err = client.Get(cmd.Context(), daemon.Path("coops", a.coop, "members", who), &m)
			var p *home.Problem
			if len(args) == 0 && errors.As(err, &p) && strings.Contains(p.What, who) {
				return &home.Problem{Code: daemon.CodeNotFound, What: "this device speaks for nobody in the cooperative", Why: "its key " + who + " belongs to no member",
					Next: "coop device request NAME, to speak for a member; or coop device list MEMBER"}
			}
			if err != nil {
				return err
			}
			var lines []deviceLine
			for _, d := range m.Devices {
				lines = append(lines, deviceLine{d.Key, m.ID, m.Name, d.Since, d.Suspended, d.Revoked, d.Key == h.Device})
			}
			return list(a, lines, func(l deviceLine) string { return l.Key.String() },
				column[deviceLine]{name: "key", text: func(l deviceLine) string { return a.ending(l.Key.String()) }},
				column[deviceLine]{name: "member", text: func(l deviceLine) string { return l.Name }},
				column[deviceLine]{name: "may sign", text: func(l deviceLine) string { return yesNo(!l.Suspended && !l.Revoked) }},
				column[deviceLine]{name: "here", text: func(l deviceLine) string { return yesNo(l.Here) }},
				column[deviceLine]{name: "since", text: func(l deviceLine) string { return a.ago(l.Since) }})
		},
	}
}

func (a *app) deviceNewCommand() *cobra.Command {
	var pass passFlags
	var open, keyring, replace bool
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Give this home a new key; the old one is put aside, not deleted",
		Long: `Give this home a new key; the old one is put aside, not deleted. For a home that signs nothing because it
was copied or restored, or because somebody else used its key. The data stays.

The new key speaks for nobody until a device of yours, or all members by a vote, let it: coop device request`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			paths, err := home.Locate(a.homeFlag)
			if err != nil {
				return err
			}
			if err := a.mayRenew(paths, replace); err != nil {
				return err
			}
			h, aside, err := home.Renew(paths, home.New{Open: open, Keyring: keyring, Passphrase: a.source(pass)})
			if err != nil {
				return err
			}
			defer h.Close()
			if open {
				a.say("The key has no passphrase: whoever can read %s can vote for you.", h.Paths.KeyFile())
			}
			a.say("The old key is in %s. Next: coop up; coop device request", aside)
			value := struct {
				Device string `json:"device"`
				Aside  string `json:"aside"`
			}{h.Device.String(), aside}
			return a.show(value, value.Device, field{"device", value.Device}, field{"old key", value.Aside})
		},
	}
	pass.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&open, "no-passphrase", false, "leave the key open: whoever can read its file can vote for you")
	f.BoolVar(&keyring, "keyring", false, "keep the passphrase in the keyring of the operating system")
	f.BoolVar(&replace, "replace", false, "even though the key that is here signs")
	return cmd
}

// mayRenew asks to be told twice where the key that is here still signs.
func (a *app) mayRenew(paths home.Paths, replace bool) error {
	if replace {
		return nil
	}
	h, err := home.Open(paths)
	var p *home.Problem
	if errors.As(err, &p) && p.Code == home.CodeNoKey {
		return nil // there is none to replace
	}
	if err != nil {
		return err
	}
	signs, err := daemon.MaySign(h)
	if err = errors.Join(err, h.Close()); err != nil || !signs {
		return err
	}
	return &home.Problem{Code: daemon.CodeUsage, What: "the key of this home signs, and needs no replacing", Why: "a new one speaks for nobody until another device of yours, or a vote of the members, lets it",
		Next: "if you want that (the key may be in other hands, or is suspended): coop device new --replace"}
}

func (a *app) deviceRequestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "request [MEMBER]",
		Short: "Ask, on a new device, to speak for a member",
		Long: `Ask, on a new device, to speak for a member: yourself. It prints a request, which is no secret and counts
for nothing until it is granted, by another device of yours (coop device add REQUEST) or by all members
(coop propose TITLE --device REQUEST). MEMBER is a name or key; after coop device new it is known.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			var w daemon.Wish
			if len(args) == 1 {
				w.Member = args[0]
			}
			var r daemon.Requested
			if err := client.Post(cmd.Context(), daemon.Path("coops", a.coop, "device-request"), w, &r); err != nil {
				return err
			}
			a.say("This device, %s, asks to speak for %s (%s). Let it, on another device of %s:\n  coop device add REQUEST\nor, if there is none that signs, ask any member to put it to a vote:\n  coop propose \"A new device for %s\" --device REQUEST\nThe request is:",
				r.Device, oneLine(r.Name), r.Member, oneLine(r.Name), oneLine(r.Name))
			if a.wantsJSON() {
				return a.printJSON(r)
			}
			fmt.Fprintln(a.out, r.Request)
			return nil
		},
	}
}

func (a *app) deviceAddCommand() *cobra.Command {
	var sign signFlags
	cmd := &cobra.Command{
		Use:   "add REQUEST",
		Short: "Let another device speak for you, by what coop device request printed there",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := daemon.ParseDeviceRequest(strings.Join(args, ""))
			if err != nil {
				return err
			}
			if a.coop == "-" {
				a.coop = q.Coop.String()
			}
			m, err := a.member(cmd, q.Member.String())
			if err != nil {
				return err
			}
			err = a.sign(cmd.Context(), sign, governance.KindDeviceAdd, q.Body(), fmt.Sprintf("let the device %s speak for %s", q.Device, oneLine(m.Name)))
			var p *home.Problem
			if errors.As(err, &p) && p.What == governance.ErrNotYourDevice.Error() {
				p.Next = fmt.Sprintf("coop propose \"A new device for %s\" --device REQUEST", oneLine(m.Name))
			}
			return err
		},
	}
	sign.add(cmd)
	return cmd
}

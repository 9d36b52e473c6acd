package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

func (a *app) inviteCommand() *cobra.Command {
	var o struct {
		uses      uint64
		expires   string
		note      string
		qr, plain bool
	}
	var f signFlags
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Make a link with which others can apply for membership",
		Long: `Make a link with which others can apply for membership. Whoever has the link can use it, so give
it only to those you mean. It leads to this computer, which must run when they first use it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lasts, err := duration(o.expires)
			if err != nil {
				return err
			}
			_, client, err := a.look()
			if err != nil {
				return err
			}
			link, err := a.linkHere(cmd, client)
			if err != nil {
				return err
			}
			if o.plain {
				return a.printLink(link, o.qr)
			}
			if link.Invite, err = identity.NewKey(rand.Reader); err != nil {
				return err
			}
			link.Expires = a.now().Add(lasts).Truncate(time.Second)
			body := governance.MemberInvite{Key: link.Invite.Public(), Uses: o.uses, Expires: event.Time(link.Expires.UnixMilli()), Note: o.note}
			sentence := fmt.Sprintf("invite up to %s into %s until %s", coop.Plural(o.uses, "applicant", "applicants"), link.Name, link.Expires.UTC().Format(time.RFC3339))
			silent := *a
			if !f.dry {
				silent.out, silent.json, silent.jq = io.Discard, jsonFlag{}, ""
			}
			if err := silent.sign(cmd.Context(), f, governance.KindMemberInvite, body, sentence); err != nil || f.dry {
				return err
			}
			return a.printLink(link, o.qr)
		},
	}
	cmd.Flags().Uint64Var(&o.uses, "uses", 1, "how many may apply with it")
	cmd.Flags().StringVar(&o.expires, "expires", "7d", "how long it holds")
	cmd.Flags().StringVar(&o.note, "note", "", "what it is for, for all members to see")
	cmd.Flags().BoolVar(&o.qr, "qr", false, "show it as a QR code too")
	cmd.Flags().BoolVar(&o.plain, "plain", false, "a link that leads here and invites nobody, for members and founders")
	f.add(cmd)
	cmd.AddCommand(a.inviteListCommand(), a.inviteRevokeCommand())
	return cmd
}

// linkHere is a link to this computer.
func (a *app) linkHere(cmd *cobra.Command, client *daemon.Client) (daemon.Link, error) {
	var s daemon.Status
	if err := client.Get(cmd.Context(), "/v1/status", &s); err != nil {
		return daemon.Link{}, err
	}
	var o coop.Overview
	if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "overview"), &o); err != nil {
		return daemon.Link{}, err
	}
	addrs := daemon.ChooseAddrs(s.Addrs)
	if len(addrs) == 0 {
		return daemon.Link{}, &home.Problem{Code: daemon.CodeUnreachable, What: "this computer has no address that a link could lead to", Why: "the network may be down", Next: "coop doctor"}
	}
	var pinned daemon.Pinned
	if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "pin"), &pinned); err != nil {
		return daemon.Link{}, err
	}
	pin, err := node.OpenPin(pinned.Pin)
	if err != nil {
		return daemon.Link{}, err
	}
	return daemon.Link{Coop: o.ID, Name: o.Name, Addrs: addrs, Pin: pin}, nil
}

func (a *app) printLink(link daemon.Link, code bool) error {
	text := link.String()
	if code {
		if err := printQR(a.out, strings.ToUpper(text)); err != nil {
			return err
		}
	}
	value := struct {
		Link    string    `json:"link"`
		Coop    event.ID  `json:"coop"`
		Addrs   []string  `json:"addrs"`
		Invites bool      `json:"invites"`
		Until   time.Time `json:"until"`
	}{text, link.Coop, link.Addrs, !link.Invite.IsZero(), link.Expires}
	if a.wantsJSON() {
		return a.printJSON(value)
	}
	fmt.Fprintln(a.out, text)
	return nil
}

// printQR draws a QR code with half blocks, two rows a line, dark on light whatever the terminal's
// colours are, with the quiet zone that readers need.
func printQR(w io.Writer, text string) error {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return fmt.Errorf("the link does not fit a QR code: %w", err)
	}
	const zone = 2
	var b strings.Builder
	for y := -zone; y < code.Size+zone; y += 2 {
		b.WriteString("\x1b[30;107m")
		for x := -zone; x < code.Size+zone; x++ {
			upper, lower := code.Black(x, y), code.Black(x, y+1)
			switch {
			case upper && lower:
				b.WriteString("█")
			case upper:
				b.WriteString("▀")
			case lower:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	_, err = io.WriteString(w, b.String())
	return err
}

func (a *app) inviteListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the invites that members made",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := getSeen[[]daemon.Invite](a, cmd, "invites")
			if err != nil {
				return err
			}
			return list(a, all, func(i daemon.Invite) string { return i.Key.String() },
				column[daemon.Invite]{name: "key", text: func(i daemon.Invite) string { return a.ending(i.Key.String()) }},
				column[daemon.Invite]{name: "by", text: func(i daemon.Invite) string { return i.ByName }},
				column[daemon.Invite]{name: "uses left", text: func(i daemon.Invite) string { return fmt.Sprint(i.Uses) }},
				column[daemon.Invite]{name: "holds", text: func(i daemon.Invite) string { return yesNo(!i.Void) }},
				column[daemon.Invite]{name: "expires", text: func(i daemon.Invite) string { return a.ago(i.Expires) }},
				column[daemon.Invite]{name: "note", text: func(i daemon.Invite) string { return i.Note }})
		},
	}
}

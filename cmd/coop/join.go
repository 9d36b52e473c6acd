package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
)

// applyFlags are about an application for membership.
type applyFlags struct {
	name      string
	classes   []string
	statement string
}

func (f *applyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "name", "", "your name in this cooperative (default: that of your home)")
	cmd.Flags().StringSliceVar(&f.classes, "class", nil, "classes to apply for (default: the first of the charter)")
	cmd.Flags().StringVar(&f.statement, "statement", "", "a word to the members about yourself")
}

func (a *app) joinCommand() *cobra.Command {
	var o struct {
		yes      bool
		wait     bool
		timeout  string
		onlyLook bool
		noApply  bool
	}
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "join LINK",
		Short: "Look at a cooperative that a link leads to, and apply for membership",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			link, err := daemon.ParseLink(strings.Join(args, ""))
			if err != nil {
				return err
			}
			patience, err := duration(o.timeout)
			if err != nil {
				return err
			}
			h, client, err := a.look()
			if err != nil {
				return err
			}
			a.say("Looking for %s ...", nameOf(link))
			var offer daemon.Offer
			if err := client.Post(cmd.Context(), "/v1/look?timeout="+patience.String(), daemon.Look{Coop: link.Coop, Addrs: link.Addrs}, &offer); err != nil {
				return err
			}
			if o.onlyLook {
				return a.showOffer(offer)
			}
			if err := a.agree(offer, link, o.yes); err != nil {
				return err
			}
			j := joining{app: a, client: client, link: link, offer: offer, patience: patience, flags: f, wait: o.wait, noApply: o.noApply}
			return j.run(cmd.Context(), h)
		},
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "don't ask")
	cmd.Flags().BoolVar(&o.onlyLook, "look", false, "only show the cooperative")
	cmd.Flags().BoolVar(&o.noApply, "no-apply", false, "take part without applying: an additional device, or only to watch")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "wait until you are admitted, not only until the application is final")
	cmd.Flags().StringVar(&o.timeout, "timeout", "120s", "how long to wait")
	f.add(cmd)
	return cmd
}

func nameOf(link daemon.Link) string {
	if link.Name == "" {
		return "the cooperative " + link.Coop.Short()
	}
	return oneLine(link.Name)
}

func (a *app) showOffer(o daemon.Offer) error {
	var founders, classes, tracks []string
	for _, f := range o.Founders {
		founders = append(founders, fmt.Sprintf("%s (%s)", f.Name, f.Key.Short()))
	}
	for _, c := range o.Charter.Charter.Classes {
		classes = append(classes, describeClass(c))
	}
	for _, t := range o.Charter.Charter.Tracks {
		tracks = append(tracks, t.Name+": "+describeTrack(t))
	}
	return a.show(o, o.ID.String(), field{"name", o.Name}, field{"id", o.ID.String()}, field{"purpose", o.Purpose}, field{"founded", a.ago(o.Founded)},
		field{"founders", strings.Join(founders, "\n")}, field{"stewards", fmt.Sprint(o.Stewards)},
		field{"classes", strings.Join(classes, "\n")}, field{"decisions", strings.Join(tracks, "\n")}, field{"notes", strings.Join(o.Charter.Warnings, "\n")})
}

func describeClass(c governance.Class) string {
	way := map[governance.Admission]string{governance.AdmitOpen: "open to whoever applies", governance.AdmitVote: "by a vote of the members",
		governance.AdmitSponsor: coop.Plural(c.Sponsors, "sponsor", "sponsors") + " needed"}[c.Admission]
	voice := "may vote"
	if !c.Votes {
		voice = "no vote"
	}
	return fmt.Sprintf("%s: %s, %s", c.Name, way, voice)
}

// agree shows what one is about to join, and asks.
func (a *app) agree(o daemon.Offer, link daemon.Link, yes bool) error {
	person := *a
	person.out, person.tty, person.json, person.jq, person.quiet = a.err, true, jsonFlag{}, "", false
	if !a.quiet {
		if err := person.showOffer(o); err != nil {
			return err
		}
	}
	if link.Name != "" && link.Name != o.Name {
		a.say("%s the link calls it %q; what counts is the name above.", a.paint(yellow, "note:"), oneLine(link.Name))
	}
	if yes {
		return nil
	}
	if !term.IsTerminal(int(a.in.Fd())) {
		return usagef("nobody can be asked here whether to join: add --yes")
	}
	fmt.Fprint(a.err, "Join? [y/N] ")
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); err != nil || answer != "y" && answer != "yes" {
		a.say("Not joined.")
		return told{exitUsage}
	}
	return nil
}

// joining is the way from a link to a membership.
type joining struct {
	app      *app
	client   *daemon.Client
	link     daemon.Link
	offer    daemon.Offer
	patience time.Duration
	flags    applyFlags
	wait     bool
	noApply  bool
}

func (j *joining) run(ctx context.Context, h *home.Home) error {
	a := j.app
	a.coop = j.offer.ID.String()
	ctx, cancel := context.WithTimeout(ctx, j.patience)
	defer cancel()
	var s daemon.CoopStatus
	if err := j.client.Post(ctx, "/v1/join", daemon.Join{Genesis: j.offer.Genesis, Addrs: j.link.Addrs, Pin: j.link.PinRaw()}, &s); err != nil {
		return err
	}
	s, err := j.caughtUp(ctx)
	if err != nil {
		return err
	}
	if s.Me.Status == governance.StatusMember || s.Me.Status == governance.StatusCandidate || j.noApply {
		return a.showCoop(s)
	}
	name := j.flags.name
	if name == "" {
		name = h.Config.Name
	}
	id, err := j.apply(ctx, h, name)
	if err != nil {
		return err
	}
	o, err := a.await(ctx, j.client, id, j.patience)
	if err != nil {
		return err
	}
	if o.Refusal != "" {
		return refused(id, o.Refusal)
	}
	return j.admitted(ctx, h)
}

// caughtUp waits until somebody of the cooperative is there and we know what they know.
func (j *joining) caughtUp(ctx context.Context) (daemon.CoopStatus, error) {
	bar := j.app.newBar("fetching commits")
	defer bar.end()
	var s daemon.CoopStatus
	last, still := uint64(0), 0
	for {
		if err := j.client.Get(ctx, daemon.Path("coops", j.app.coop), &s); err != nil {
			return s, timedOut(ctx, err, "nobody of the cooperative answered in time")
		}
		if s.Halted != "" {
			return s, &home.Problem{Code: daemon.CodeStopped, What: "nothing becomes final here", Why: s.Halted, Next: "coop status"}
		}
		if s.Peers > 0 && !s.Syncing && s.Certified == nil && s.Ahead == 0 && s.Events == last {
			if still++; still >= 5 {
				return s, nil
			}
		} else {
			still = 0
		}
		last = s.Events
		if s.Syncing {
			bar.set(s.Commits, s.Commits+1)
		}
		if s.Reachable > 0 && s.Stewards > 0 && s.Me.Steward && s.Quorum == 1 {
			return s, nil // we are the cooperative
		}
		select {
		case <-ctx.Done():
			return s, timedOut(ctx, ctx.Err(), "nobody of the cooperative answered in time")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func timedOut(ctx context.Context, err error, what string) error {
	if ctx.Err() == nil {
		return err
	}
	return &home.Problem{Code: daemon.CodeNotFinal, What: what, Why: "this computer goes on trying", Next: "coop doctor, and later the same link again", Err: err}
}

func (j *joining) apply(ctx context.Context, h *home.Home, name string) (event.ID, error) {
	body, err := j.flags.body(&j.offer.Charter.Charter, name)
	if err != nil {
		return event.ID{}, err
	}
	if !j.link.Invite.IsZero() {
		body.Invite = j.link.Invite.Public()
		body.Proof = governance.InviteProof(j.link.Invite, j.offer.ID, h.Device)
	}
	draft, err := event.NewDraft(governance.KindMemberApply, body)
	if err != nil {
		return event.ID{}, usagef("%v", err)
	}
	for {
		var s daemon.Submitted
		err := j.client.Post(ctx, daemon.Path("coops", j.app.coop, "submit"), daemon.Submission{Kind: draft.Kind, Body: draft.Body}, &s)
		if err == nil {
			j.app.say("You applied as %s, for: %s. Waiting until the stewards have ordered it ...", name, strings.Join(body.Classes, ", "))
			return s.ID, nil
		}
		var p *home.Problem
		if !errors.As(err, &p) || p.Code != daemon.CodeNotFound {
			return s.ID, err
		}
		select { // the invite may still be on its way to us
		case <-ctx.Done():
			return s.ID, err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (f *applyFlags) body(c *governance.Charter, name string) (governance.MemberApply, error) {
	classes := f.classes
	if len(classes) == 0 && len(c.Classes) > 0 {
		classes = []string{c.Classes[0].Name}
	}
	classes = bothClasses(c, classes)
	for _, class := range classes {
		if _, ok := c.Class(class); !ok {
			var names []string
			for _, known := range c.Classes {
				names = append(names, known.Name)
			}
			return governance.MemberApply{}, usagef("the charter has no class %q: choose from %s", class, strings.Join(names, ", "))
		}
	}
	return governance.MemberApply{Name: name, Classes: classes, Statement: f.statement}, nil
}

// admitted tells where a final application stands, and waits for the admission if asked.
func (j *joining) admitted(ctx context.Context, h *home.Home) error {
	a := j.app
	for first := true; ; first = false {
		var m coop.MemberView
		if err := j.client.Get(ctx, daemon.Path("coops", a.coop, "members", h.Device.String()), &m); err != nil {
			return timedOut(ctx, err, "you are not admitted yet")
		}
		if m.Status == governance.StatusMember {
			a.say("You are a member of %s.", j.offer.Name)
			return a.showMember(m)
		}
		if first {
			a.say("%s", j.needs(m))
		}
		if !j.wait {
			return a.showMember(m)
		}
		select {
		case <-ctx.Done():
			return timedOut(ctx, ctx.Err(), "you are not admitted yet")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// needs says what is missing until a candidate is a member.
func (j *joining) needs(m coop.MemberView) string {
	for _, name := range m.Classes {
		class, _ := j.offer.Charter.Charter.Class(name)
		switch class.Admission {
		case governance.AdmitSponsor:
			return fmt.Sprintf("Your application is final. %d of %d sponsors have vouched for you; members do it with: coop member sponsor %s\nOr all decide about it by a vote, which a member opens with: coop propose TITLE --admit %s", len(m.Sponsors), class.Sponsors, m.ID, m.ID)
		case governance.AdmitVote:
			return fmt.Sprintf("Your application is final. The members decide about it by a vote; a member opens it with: coop propose TITLE --admit %s", m.ID)
		}
	}
	return "Your application is final."
}

func (a *app) leaveCommand() *cobra.Command {
	var f signFlags
	var end bool
	cmd := &cobra.Command{
		Use:   "leave",
		Short: "Stop taking part in a cooperative on this computer; its data is put aside",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			if f.dry && !end {
				a.say("Nothing would be signed; the data would be put aside, and your membership goes on.")
				return nil
			}
			if end {
				f.wait = true
				if err := a.sign(cmd.Context(), f, governance.KindMemberLeave, governance.MemberLeave{}, "end your membership"); err != nil || f.dry {
					return err
				}
			}
			var l daemon.Left
			if err := client.Post(cmd.Context(), daemon.Path("coops", a.coop, "leave"), struct{}{}, &l); err != nil {
				return err
			}
			a.say("Its data is in %s. The same link brings it back.", l.Aside)
			return a.show(l, l.ID.String(), field{"id", l.ID.String()}, field{"aside", l.Aside})
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&end, "end-membership", false, "also tell the members that you leave the cooperative")
	return cmd
}

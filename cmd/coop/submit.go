package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
)

// signFlags are those of every command that signs something.
type signFlags struct {
	wait    bool
	timeout string
	dry     bool
	yes     bool
}

func (f *signFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.wait, "wait", false, "wait until it is final; exit code 7 if that takes too long")
	cmd.Flags().StringVar(&f.timeout, "timeout", "60s", "how long to wait")
	cmd.Flags().BoolVar(&f.dry, "dry-run", false, "only say what would be signed")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "on a terminal: don't ask before signing")
}

// signed is what a command that signs tells.
type signed struct {
	ID      event.ID   `json:"id"`
	Kind    event.Kind `json:"kind"`
	Says    string     `json:"says"`
	Level   string     `json:"level"`
	Commit  *uint64    `json:"commit,omitempty"`
	Time    event.Time `json:"time,omitempty"`
	Refusal string     `json:"refusal,omitempty"`
}

// sign has the daemon sign a body of a kind. sentence continues "you ...".
func (a *app) sign(ctx context.Context, f signFlags, kind event.Kind, body any, sentence string) error {
	draft, err := event.NewDraft(kind, body)
	if err != nil {
		return usagef("%v", err)
	}
	if f.dry {
		if err := a.printDry(sentence, kind, body); err != nil {
			return err
		}
		a.foretell(ctx, draft)
		return nil
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	patience, err := duration(f.timeout)
	if err != nil {
		return err
	}
	if err := a.consent(f, sentence); err != nil {
		return err
	}
	var s daemon.Submitted
	if err := client.Post(ctx, daemon.Path("coops", a.coop, "submit"), daemon.Submission{Kind: draft.Kind, Body: draft.Body}, &s); err != nil {
		return err
	}
	v := signed{ID: s.ID, Kind: kind, Says: sentence, Level: "seen"}
	if !f.wait {
		a.say("You %s. It is kept here and being sent; coop events show %s tells how far it is.", sentence, s.ID.Short())
		return a.show(v, s.ID.String(), field{"id", s.ID.String()})
	}
	o, err := a.await(ctx, client, s.ID, patience)
	if err != nil {
		fmt.Fprintln(a.out, s.ID)
		return err
	}
	v.Level, v.Time, v.Refusal = o.Level, o.Time, o.Refusal
	if o.Refusal != "" {
		return refused(s.ID, o.Refusal)
	}
	if o.Commit == 0 { // it was final before anybody could wait for it, and which commit did that is not kept
		a.say("You %s. It is final.", sentence)
		return a.show(v, s.ID.String(), field{"id", s.ID.String()})
	}
	v.Commit = &o.Commit
	a.say("You %s. It is final, with commit %d.", sentence, o.Commit)
	return a.show(v, s.ID.String(), field{"id", s.ID.String()}, field{"commit", fmt.Sprint(o.Commit)})
}

// consent says what is about to be signed; somebody who sits at a terminal can still say no.
func (a *app) consent(f signFlags, sentence string) error {
	a.say("You are about to sign that you %s.", sentence)
	if f.yes || a.quiet || !a.inTTY || !a.tty || !a.errTTY {
		return nil
	}
	fmt.Fprint(a.err, "Sign it? [Y/n] ")
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); err != nil || answer != "" && answer != "y" && answer != "yes" {
		a.say("Nothing was signed.")
		return told{exitUsage}
	}
	return nil
}

// refused is an event that became final and came to nothing.
func refused(id event.ID, why string) error {
	return &home.Problem{Code: daemon.CodeRefused, What: "it is final, and came to nothing", Why: why, Next: "coop events show " + id.Short()}
}

// await waits until an event is final and tells a person that it takes a while.
func (a *app) await(ctx context.Context, client *daemon.Client, id event.ID, patience time.Duration) (daemon.Outcome, error) {
	var o daemon.Outcome
	ctx, cancel := context.WithTimeout(ctx, patience+time.Second)
	defer cancel()
	path := daemon.Path("coops", a.coop, "wait", id.String()) + "?timeout=" + patience.String()
	slow := time.AfterFunc(3*time.Second, func() { a.say("Waiting for the stewards ... (Ctrl-C: it is kept and sent anyway)") })
	defer slow.Stop()
	err := client.Get(ctx, path, &o)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &home.Problem{Code: daemon.CodeNotFinal, What: "not final yet", Why: "it is kept here and will be sent when stewards are reachable", Next: "coop status"}
	}
	return o, err
}

// foretell says if the daemon would refuse a draft. That is no error: it may be meant for a proposal, or for later.
func (a *app) foretell(ctx context.Context, draft event.Draft) {
	client, err := a.client()
	if err == nil {
		err = client.Post(ctx, daemon.Path("coops", a.coop, "try"), daemon.Submission{Kind: draft.Kind, Body: draft.Body}, nil)
	}
	if p := (*home.Problem)(nil); errors.As(err, &p) {
		a.say("As things stand it would be refused: %s.", p.What)
	}
}

// printDry says what would be signed, and signs nothing.
func (a *app) printDry(sentence string, kind event.Kind, body any) error {
	h, _, err := a.look()
	if err != nil {
		return err
	}
	text := fmt.Sprintf("You are about to sign with the key %s that you %s. Nothing was signed.", h.Device, sentence)
	if a.wantsJSON() {
		return a.printJSON(struct {
			Says string     `json:"says"`
			Kind event.Kind `json:"kind"`
			Body any        `json:"body"`
		}{text, kind, body})
	}
	fmt.Fprintln(a.out, text)
	return nil
}

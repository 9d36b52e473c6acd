package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/daemon"
)

func (a *app) statusCommand() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what this computer takes part in, and how it stands",
		Long:  "Show what this computer takes part in, and how it stands.\nExit code 0: all is well, 1: a cooperative stands still here, 3: the daemon does not run.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			for {
				var s daemon.Status
				if err := client.Get(cmd.Context(), "/v1/status", &s); err != nil {
					return err
				}
				if err := a.printStatus(s); err != nil {
					return err
				}
				if !watch {
					return healthy(s)
				}
				select {
				case <-cmd.Context().Done():
					return nil
				case <-time.After(time.Second):
				}
				if a.tty && !a.wantsJSON() {
					fmt.Fprint(a.out, "\x1b[H\x1b[2J")
				}
			}
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "show it again every second")
	return cmd
}

func healthy(s daemon.Status) error {
	for _, c := range s.Coops {
		if c.Problem != nil || c.Halted != "" {
			return told{exitFailed}
		}
	}
	return nil
}

func (a *app) printStatus(s daemon.Status) error {
	if !a.wantsJSON() {
		extras := ""
		if s.Relay {
			extras += ", relaying for members"
		}
		if s.DHT {
			extras += ", finding members by DHT"
		}
		a.say("%s, process %d, device %s, port %d%s", s.Name, s.PID, s.Device, s.Port, extras)
		if s.Note != "" {
			a.say("%s", s.Note)
		}
	}
	if a.wantsJSON() {
		return a.printJSON(s)
	}
	err := list(a, s.Coops, func(c daemon.CoopStatus) string { return c.ID.String() },
		column[daemon.CoopStatus]{name: "id", text: func(c daemon.CoopStatus) string { return a.ending(c.ID.String()) }},
		column[daemon.CoopStatus]{name: "name", text: func(c daemon.CoopStatus) string { return c.Name }},
		column[daemon.CoopStatus]{name: "state", text: func(c daemon.CoopStatus) string { return stateOf(c) }},
		column[daemon.CoopStatus]{name: "you", text: func(c daemon.CoopStatus) string { return standing(c) }},
		column[daemon.CoopStatus]{name: "members", text: func(c daemon.CoopStatus) string { return fmt.Sprint(c.Members) }},
		column[daemon.CoopStatus]{name: "under way", text: func(c daemon.CoopStatus) string { return fmt.Sprint(c.UnderWay) }},
		column[daemon.CoopStatus]{name: "peers", text: func(c daemon.CoopStatus) string { return fmt.Sprint(c.Peers) }},
		column[daemon.CoopStatus]{name: "stewards", text: func(c daemon.CoopStatus) string { return fmt.Sprintf("%d/%d", c.Reachable, c.Stewards) }},
		column[daemon.CoopStatus]{name: "pending", text: func(c daemon.CoopStatus) string { return fmt.Sprint(c.Pending) }},
		column[daemon.CoopStatus]{name: "final", text: func(c daemon.CoopStatus) string { return a.ago(c.Time) }})
	for _, c := range s.Coops {
		a.explainState(c)
		for _, note := range c.Office {
			a.say("%s: %s", c.Name, note)
		}
	}
	return err
}

// stateOf is a cooperative's state in one word.
func stateOf(c daemon.CoopStatus) string {
	switch {
	case c.Opening:
		return "opening"
	case c.Problem != nil:
		return "stopped"
	case c.Halted != "":
		return "halted"
	case c.Observer != "":
		return "observing"
	case c.Certified != nil && c.Certified.Shown:
		return "certified"
	case c.Syncing || c.Ahead > 0 || c.Certified != nil:
		return "catching-up"
	case c.Reachable < c.Quorum:
		return "waiting"
	}
	return "ok"
}

// explainState says what a state means and what to do about it.
func (a *app) explainState(c daemon.CoopStatus) {
	switch stateOf(c) {
	case "stopped":
		a.say("%s stands still here: %s", c.Name, c.Problem)
	case "halted":
		a.say("%s: nothing becomes final any more: %s", c.Name, c.Halted)
	case "observing":
		a.say("%s: %s", c.Name, c.Observer)
	case "certified":
		a.say("%s: %s", c.Name, c.Certified.Says)
	case "catching-up":
		a.say("%s: fetching what others know already", c.Name)
	case "waiting":
		a.say("%s: %d of %d stewards are reachable, %d are needed for anything to become final. What you do is kept here and sent later. Next: coop doctor",
			c.Name, c.Reachable, c.Stewards, c.Quorum)
	}
}

func standing(c daemon.CoopStatus) string {
	words := []string{string(c.Me.Status)}
	if c.Me.Status == "" {
		words[0] = "stranger"
	}
	if c.Me.Steward {
		words = append(words, "steward")
	}
	return strings.Join(words, ", ")
}

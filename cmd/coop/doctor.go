package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
)

func (a *app) doctorCommand() *cobra.Command {
	var peer string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what is wrong: disk, clock, port, and why a peer is not there",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			var h daemon.Health
			if err := client.Get(cmd.Context(), "/v1/doctor", &h); err != nil {
				return err
			}
			if a.wantsJSON() {
				return a.printJSON(h)
			}
			a.printHealth(h, peer)
			if len(h.Findings) > 0 {
				return told{exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&peer, "peer", "", "only this peer: name or end of its key")
	return cmd
}

func (a *app) printHealth(h daemon.Health, peer string) {
	line := func(ok bool, format string, args ...any) {
		mark := a.paint(green, "ok ")
		if !ok {
			mark = a.paint(red, "bad")
		}
		fmt.Fprintf(a.out, "%s  %s\n", mark, fmt.Sprintf(format, args...))
	}
	s := h.Status
	if peer == "" {
		line(true, "daemon %s runs as process %d", s.Version, s.PID)
		line(h.Disk.Free >= h.Disk.Least, "disk: %s free at %s, %s needed", bytesOf(h.Disk.Free), h.Disk.Path, bytesOf(h.Disk.Least))
		line(len(s.Addrs) > 0, "port %d, %s", s.Port, coop.Plural(len(s.Addrs), "address", "addresses"))
		line(s.Observer == nil, "signing: %s", signing(s))
	}
	for i, c := range h.Coops {
		if peer == "" {
			up, stewards := 0, s.Coops[i]
			for _, p := range c.Peers {
				if p.Up {
					up++
				}
			}
			line(stewards.Reachable >= stewards.Quorum, "%s: %s there, %d of %d stewards reachable, %d needed", c.Name, coop.Plural(up, "peer", "peers"), stewards.Reachable, stewards.Stewards, stewards.Quorum)
			if stewards.Commits > 0 {
				line(true, "%s: last commit at %s, %s this clock", c.Name, stewards.Time, beside(c.Offset))
			}
		}
		for _, way := range []struct{ name, note string }{{"local network", c.LAN}, {"members' tables (DHT)", c.DHT}} {
			if way.note != "" && peer == "" {
				line(true, "%s: %s: %s", c.Name, way.name, way.note)
			}
		}
		for _, p := range c.Peers {
			if peer == "" || p.Name == peer || matches(p.Peer.String(), peer) {
				a.printPeer(p)
			}
		}
	}
	for _, f := range h.Findings {
		fmt.Fprintf(a.out, "%s %s\n", a.paint(red, string(f.Code)), f.What)
		for _, l := range []struct{ name, text string }{{"why", f.Why}, {"next", f.Next}} {
			if l.text != "" {
				fmt.Fprintf(a.out, "     %s: %s\n", l.name, l.text)
			}
		}
	}
}

func signing(s daemon.Status) string {
	if s.Observer != nil {
		return s.Observer.What
	}
	return "this device may sign"
}

// beside tells how far a moment lies from the clock, in ms before it.
func beside(ms int64) string {
	if ms < 0 {
		return span(time.Duration(-ms)*time.Millisecond) + " after"
	}
	return span(time.Duration(ms)*time.Millisecond) + " before"
}

// matches tells whether text is an end of an id, or all of it.
func matches(id, text string) bool {
	return id == text || len(text) >= 4 && len(id) > len(text) && id[len(id)-len(text):] == text
}

func (a *app) printPeer(p daemon.PeerFact) {
	name := p.Name
	if name == "" {
		name = "?"
	}
	role := ""
	if p.Steward {
		role = ", steward"
	}
	where := "not there"
	if p.Up {
		where = "there, via " + p.Via + " at " + p.Addr
	}
	fmt.Fprintf(a.out, "     %s (%s%s): %s\n", oneLine(name), p.Peer.Short(), role, where)
	if p.Cause != "" {
		fmt.Fprintf(a.out, "       why:  %s\n       next: %s\n", oneLine(p.Cause), p.Next)
	}
	for _, place := range p.Places {
		if p.Up || place.Error == "" {
			continue
		}
		fmt.Fprintf(a.out, "       tried %s at %s: %s\n", place.Addr, place.Failed.Format("15:04:05"), oneLine(place.Error))
	}
	if p.NextTry != nil && !p.Up {
		fmt.Fprintf(a.out, "       next attempt at %s\n", p.NextTry.Format("15:04:05"))
	}
}

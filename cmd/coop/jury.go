package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
)

func (a *app) juryCommand() *cobra.Command {
	return group(&cobra.Command{Use: "jury", Short: "List and show juries drawn by lot, and decline to be on one",
		Long: `List and show juries drawn by lot, and decline to be on one.

A proposal calls a jury: coop propose TITLE --jury 'Prize=3' --jury-party Ana. When it passes, who may be drawn is
fixed: members who vote, without the parties, their delegates and who delegates to them. The next commit, which
nobody knew then, decides by lot.`},
		a.juryListCommand(), a.juryShowCommand(), a.juryDeclineCommand())
}

func (a *app) juries(cmd *cobra.Command, provisional bool) (all []coop.JuryView, err error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	path := daemon.Path("coops", a.coop, "juries")
	if provisional {
		path += "?provisional=1"
	}
	err = client.Get(cmd.Context(), path, &all)
	return all, err
}

// jury finds a jury by its name, with the proposal if several have that name.
func (a *app) jury(cmd *cobra.Command, name, proposal string) (found coop.JuryView, err error) {
	all, err := a.juries(cmd, false)
	if err != nil {
		return found, err
	}
	var fits []coop.JuryView
	for _, j := range all {
		if strings.EqualFold(j.Name, name) && (proposal == "" || strings.HasPrefix(j.By.String(), proposal) || strings.HasSuffix(j.By.String(), proposal)) {
			fits = append(fits, j)
		}
	}
	switch len(fits) {
	case 1:
		return fits[0], nil
	case 0:
		return found, &home.Problem{Code: daemon.CodeNotFound, What: fmt.Sprintf("there is no jury %q here", name), Next: "coop jury list"}
	}
	return found, &home.Problem{Code: daemon.CodeAmbiguous, What: fmt.Sprintf("%d juries are called %q", len(fits), name), Next: "say which: --proposal (coop jury list shows them)"}
}

func (a *app) juryListCommand() *cobra.Command {
	var mine, sitting bool
	var of string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the juries that proposals and missions have called",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := a.juries(cmd, false)
			if err != nil {
				return err
			}
			if mine {
				me, err := a.self(cmd)
				if err != nil {
					return err
				}
				all = slices.DeleteFunc(all, func(j coop.JuryView) bool {
					return !slices.ContainsFunc(j.Jurors, func(x coop.JurorView) bool { return x.Member == me.ID })
				})
			}
			all = slices.DeleteFunc(all, func(j coop.JuryView) bool {
				return sitting && j.Ended != 0 || of != "" && !strings.EqualFold(j.Title, of) && !strings.HasPrefix(j.By.String(), of) && !strings.HasSuffix(j.By.String(), of)
			})
			type view = coop.JuryView
			return list(a, all, func(j view) string { return j.By.String() },
				column[view]{name: "name", text: func(j view) string { return j.Name }},
				column[view]{name: "called by", text: func(j view) string { return j.Title }},
				column[view]{name: "proposal", text: func(j view) string { return a.ending(j.By.String()) }},
				column[view]{name: "seats", text: func(j view) string { return fmt.Sprintf("%d of %d", j.Seats, j.Pool) }},
				column[view]{name: "jurors", text: func(j view) string { return jurorNames(j.Jurors) }},
				column[view]{name: "called", text: func(j view) string { return a.ago(j.Called) }},
				column[view]{name: "ended", text: func(j view) string { return a.ended(j.Ended) }})
		},
	}
	cmd.Flags().BoolVar(&mine, "mine", false, "only those that you sit on")
	cmd.Flags().BoolVar(&sitting, "sitting", false, "only those whose matter is not over")
	cmd.Flags().StringVar(&of, "of", "", "only those of this mission or proposal, by title or id")
	return cmd
}

// ended is empty for what goes on.
func (a *app) ended(at event.Time) string {
	if at == 0 {
		return ""
	}
	return a.ago(at)
}

func jurorNames(list []coop.JurorView) string {
	names := make([]string, len(list))
	for i, x := range list {
		names[i] = x.Name
	}
	return strings.Join(names, ", ")
}

func (a *app) juryShowCommand() *cobra.Command {
	var proposal string
	cmd := &cobra.Command{
		Use:   "show JURY",
		Short: "Show who was drawn and from what, and draw again to compare",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			j, err := a.jury(cmd, args[0], proposal)
			if err != nil {
				return err
			}
			seed, again := "not drawn yet: the next commit decides", ""
			if j.Drawn {
				seed = fmt.Sprintf("%s, the anchor of commit %d", j.Seed, j.Commit)
				again = "not the same: this jury was not drawn by its rules"
				if j.Verified {
					again = "the same, from the members and delegations as they were at the call, the seed, and who declined"
				}
				if j.Verified && j.Ended != 0 {
					again = "the lots are those of the seed; who else was in the pool is no longer kept, and coop verify of an export draws again from the events"
				}
			}
			lots := func(list []coop.JurorView) string {
				var lines []string
				for _, x := range list {
					lines = append(lines, fmt.Sprintf("%s (lot %s)", x.Name, x.Ticket[:12]))
				}
				return strings.Join(lines, "\n")
			}
			if err := a.show(j, j.By.String(), field{"name", j.Name}, field{"called by", fmt.Sprintf("%q, %s", j.Title, j.By)}, field{"called", a.ago(j.Called)},
				field{"seats", fmt.Sprint(j.Seats)}, field{"classes", strings.Join(j.Classes, ", ")}, field{"parties", strings.Join(j.Parties, ", ")},
				field{"drawn from", fmt.Sprintf("%s, %d left out for a conflict of interest", coop.Plural(j.Pool, "member", "members"), j.Conflicts)}, field{"pool", j.PoolHash}, field{"seed", seed},
				field{"jurors", lots(j.Jurors)}, field{"reserves", lots(j.Reserves)}, field{"declined", strings.Join(j.Declined, ", ")}, field{"ended", a.ended(j.Ended)}, field{"drawn again", again}); err != nil {
				return err
			}
			if j.Drawn && !j.Verified {
				return told{exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&proposal, "proposal", "", "that called it, if several juries have this name")
	return cmd
}

func (a *app) juryDeclineCommand() *cobra.Command {
	var proposal string
	cmd := a.signs(&cobra.Command{
		Use:   "decline JURY",
		Short: "Give your place on a jury, or among its reserves, to the next in line",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		j, err := a.jury(cmd, args[0], proposal)
		if err != nil {
			return act{}, err
		}
		body := governance.JuryDecline{Jury: governance.Panel{By: j.By, Name: j.Name}}
		return act{governance.KindJuryDecline, body, fmt.Sprintf("decline to be on the jury %q", j.Name)}, nil
	})
	cmd.Flags().StringVar(&proposal, "proposal", "", "that called it, if several juries have this name")
	return cmd
}

// juryCall is a jury that a proposal calls, as coop propose reads it.
type juryCall struct {
	Name     string   `json:"name"`
	Seats    uint64   `json:"seats"`
	Reserves uint64   `json:"reserves"`
	Classes  []string `json:"classes"`
	Parties  []string `json:"parties"` // members
}

// addJuries reads NAME=SEATS, with as many reserves, and the parties of all of them.
func (p *proposal) addJuries(texts, parties []string) error {
	for _, text := range texts {
		name, number, _ := strings.Cut(text, "=")
		seats, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return usagef("%q calls no jury: write NAME=SEATS", text)
		}
		p.Juries = append(p.Juries, juryCall{Name: name, Seats: seats, Reserves: min(seats, governance.MaxJurors)})
	}
	for i := range p.Juries {
		p.Juries[i].Parties = append(p.Juries[i].Parties, parties...)
	}
	if len(parties) > 0 && len(p.Juries) == 0 {
		return usagef("--jury-party names who has an interest in what a jury judges: call one with --jury")
	}
	return nil
}

// juryBody finds the parties of a jury.
func (a *app) juryBody(cmd *cobra.Command, j *juryCall) (body governance.JuryCall, words string, err error) {
	body = governance.JuryCall{Name: j.Name, Terms: governance.JuryTerms{Seats: j.Seats, Reserves: j.Reserves, Classes: j.Classes}}
	words = fmt.Sprintf("call a jury of %d by lot, %s", j.Seats, oneLine(j.Name))
	for _, text := range j.Parties {
		m, err := a.member(cmd, text)
		if err != nil {
			return body, "", err
		}
		body.Terms.Parties = append(body.Terms.Parties, m.ID)
		words += ", without " + oneLine(m.Name)
	}
	slices.SortFunc(body.Terms.Parties, identity.PublicKey.Compare)
	return body, words, nil
}

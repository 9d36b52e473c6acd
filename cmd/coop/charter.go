package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
)

func (a *app) charterCommand() *cobra.Command {
	var standard bool
	cmd := &cobra.Command{
		Use:   "charter",
		Short: "The charter at a glance; read it whole, compare, check and choose charters",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if standard {
				return a.printTree(coop.DefaultCharter())
			}
			c, err := get[coop.CharterView](a, cmd, "charter")
			if err != nil {
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
	cmd.AddCommand(a.charterShowCommand(), a.charterDiffCommand(), a.charterCheckCommand(), a.charterTemplatesCommand())
	cmd.Flags().BoolVar(&standard, "default", false, "print the default charter as JSON, to edit and found with")
	return cmd
}

// charter asks for the charter in force.
func (a *app) charter(cmd *cobra.Command) (coop.CharterView, error) {
	return get[coop.CharterView](a, cmd, "charter")
}

// readCharter reads a charter's file and refuses one by which nobody could be governed.
func readCharter(path string) (c governance.Charter, err error) {
	if err := readJSON(path, &c); err != nil {
		return c, err
	}
	if err := c.Validate(); err != nil {
		return c, &home.Problem{Code: daemon.CodeUsage, What: path + " is no charter", Why: err.Error(), Next: "coop charter templates, for charters that work", Err: errUsage}
	}
	return c, nil
}

func (a *app) charterShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [FILE]",
		Short: "Read the whole charter in plain words, or that of a JSON file",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				c, err := readCharter(args[0])
				if err != nil {
					return err
				}
				return a.printCharter("Charter of "+args[0], &coop.CharterView{Charter: c, Articles: c.Articles(), Warnings: c.Warnings()})
			}
			c, err := a.charter(cmd)
			if err != nil {
				return err
			}
			return a.printCharter(fmt.Sprintf("Charter of %s, version %d", c.Name, c.Version), &c)
		},
	}
}

// printCharter prints a charter as a document with sections.
func (a *app) printCharter(heading string, c *coop.CharterView) error {
	if a.wantsJSON() || a.quiet {
		return a.show(c, fmt.Sprint(c.Version))
	}
	fmt.Fprintf(a.out, "# %s\n", oneLine(heading))
	part := ""
	for _, article := range c.Articles {
		if article.Part != part {
			part = article.Part
			fmt.Fprintf(a.out, "\n## %s\n\n", strings.ToUpper(part[:1])+part[1:])
		}
		fmt.Fprintf(a.out, "- %s: %s\n", article.Name, article.Says)
	}
	a.printSection("To think about", c.Warnings)
	return nil
}

// printSection prints a heading with points below it, if there are any.
func (a *app) printSection(heading string, points []string) {
	if len(points) == 0 {
		return
	}
	fmt.Fprintf(a.out, "\n## %s\n\n", heading)
	for _, point := range points {
		fmt.Fprintf(a.out, "- %s\n", point)
	}
}

func (a *app) charterDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff FILE|PROPOSAL",
		Short: "Say in sentences what a charter's file, or a proposal, would change in the charter",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := a.charter(cmd)
			if err != nil {
				return err
			}
			var to governance.Charter
			if _, missing := os.Stat(args[0]); missing == nil || args[0] == "-" {
				to, err = readCharter(args[0])
			} else {
				var client *daemon.Client
				if client, err = a.client(); err == nil {
					err = client.Get(cmd.Context(), daemon.Path("coops", a.coop, "proposals", args[0], "charter"), &to)
				}
			}
			if err != nil {
				return err
			}
			return a.printLines(from.Charter.Changes(&to), "Nothing would change.")
		},
	}
}

// printLines prints sentences; nothing is said to a person alone.
func (a *app) printLines(lines []string, nothing string) error {
	if a.wantsJSON() {
		return a.printJSON(append([]string{}, lines...))
	}
	for _, line := range lines {
		fmt.Fprintln(a.out, line)
	}
	if len(lines) == 0 {
		a.say("%s", nothing)
	}
	return nil
}

// checked is what coop charter check finds.
type checked struct {
	Locks    []string `json:"locks"` // why the members would refuse it as an amendment
	Warnings []string `json:"warnings"`
}

func (a *app) charterCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Check a charter: is it valid, could it ever be changed again, what may it do that you don't want",
		Long: `Check a charter: is it valid, could it ever be changed again, what may it do that you don't want. Where the
daemon runs, the members that there are now are counted: a track on which none of them may propose can pass nothing.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := readCharter(args[0])
			if err != nil {
				return err
			}
			members, err := a.classesOfMembers(cmd)
			if err != nil {
				return err
			}
			found := checked{Locks: append([]string{}, c.Locks(members)...), Warnings: append([]string{}, c.Warnings()...)}
			for i := range c.Tracks {
				if stuck := c.Stuck(&c.Tracks[i], members); stuck != "" && c.Stuck(&c.Tracks[i], nil) == "" {
					found.Warnings = append(found.Warnings, fmt.Sprintf("track %q can pass nothing: %s", c.Tracks[i].Name, stuck))
				}
			}
			if members != nil {
				found.Warnings = append(found.Warnings, c.Unlikely(members)...)
			}
			return a.printChecked(args[0], found)
		},
	}
}

func (a *app) printChecked(path string, found checked) error {
	if a.wantsJSON() {
		if err := a.printJSON(found); err != nil {
			return err
		}
	} else {
		for _, lock := range found.Locks {
			fmt.Fprintf(a.out, "locked: it could never be changed again: %s\n", lock)
		}
		for _, warning := range found.Warnings {
			fmt.Fprintf(a.out, "note: %s\n", warning)
		}
	}
	if len(found.Locks) > 0 {
		a.say("%s is refused as an amendment.", path)
		return told{exitFailed}
	}
	a.say("%s is a valid charter, with %s to think about.", path, coop.Plural(len(found.Warnings), "thing", "things"))
	return nil
}

// classesOfMembers are the classes of each member, if there is a cooperative to ask.
func (a *app) classesOfMembers(cmd *cobra.Command) ([][]string, error) {
	var all []coop.MemberView
	client, err := a.client()
	if err == nil {
		err = client.Get(cmd.Context(), daemon.Path("coops", a.coop, "members"), &all)
	}
	var p *home.Problem
	if err != nil && a.coop == "-" && errors.As(err, &p) {
		return nil, nil // no daemon, or no cooperative yet: the charter is checked for itself
	}
	var classes [][]string
	for _, m := range all {
		if m.Status == governance.StatusMember {
			classes = append(classes, m.Classes)
		}
	}
	return classes, err
}

func (a *app) charterTemplatesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "templates [NAME]",
		Short: "Charters to found with (coop found --template NAME): list them, or read one",
		Long: `Charters to found with (coop found --template NAME): list them, or read one. To change one first:
coop charter templates NAME --jq .charter > FILE, edit it, coop charter check FILE, coop found --charter FILE`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			type row = governance.Template
			if len(args) == 0 {
				return list(a, coop.Templates(), func(t row) string { return t.Name },
					column[row]{name: "name", text: func(t row) string { return t.Name }},
					column[row]{name: "for", text: func(t row) string { return t.About }})
			}
			t, err := template(args[0])
			if err != nil {
				return err
			}
			if a.wantsJSON() {
				return a.printJSON(t)
			}
			if err := a.printCharter(fmt.Sprintf("Template %s: %s", t.Name, t.About), &coop.CharterView{Articles: t.Charter.Articles(), Warnings: t.Charter.Warnings()}); err != nil {
				return err
			}
			a.printSection("Where it comes from", t.Sources)
			return nil
		},
	}
}

// template finds a template, or tells which there are.
func template(name string) (governance.Template, error) {
	t, ok := coop.FindTemplate(name)
	if !ok {
		return t, usagef("there is no template %q: choose from %s", name, templateNames())
	}
	return t, nil
}

func templateNames() string {
	var names []string
	for _, t := range coop.Templates() {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

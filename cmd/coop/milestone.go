package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/missions"
)

func (a *app) missionProveCommand() *cobra.Command {
	var text string
	var files []string
	cmd := a.signs(&cobra.Command{
		Use:   "prove MISSION",
		Short: "As its winner: show that the next milestone is reached; its part of the prize is paid once that is accepted",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		client, err := a.client()
		if err != nil {
			return act{}, err
		}
		b := missions.Prove{Mission: m.ID, Text: text}
		for _, name := range files {
			f, err := a.addFile(cmd.Context(), client, name)
			if err != nil {
				return act{}, err
			}
			b.Files = append(b.Files, missions.File{Name: filepath.Base(name), CID: f.ID.String(), Size: f.Size})
		}
		return act{missions.KindProve, b, fmt.Sprintf("show that %s of the mission %q is reached, with %s", nextMilestone(&m), m.Title, coop.Plural(len(files), "file", "files"))}, nil
	})
	cmd.Flags().StringVar(&text, "text", "", "what was done")
	cmd.Flags().StringArrayVar(&files, "file", nil, "a file that proves it; may be repeated")
	return cmd
}

func (a *app) missionAcceptCommand() *cobra.Command {
	var no bool
	cmd := a.signs(&cobra.Command{
		Use:   "accept MISSION",
		Short: "As one of its judges: accept the proof of a milestone, or reject it with --no",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		word := "accept"
		if no {
			word = "reject"
		}
		return act{missions.KindAccept, missions.Accept{Mission: m.ID, Accept: !no}, fmt.Sprintf("%s the proof of %s of the mission %q", word, nextMilestone(&m), m.Title)}, err
	})
	cmd.Flags().BoolVar(&no, "no", false, "reject it")
	return cmd
}

// nextMilestone names the milestone that is waited for.
func nextMilestone(m *coop.MissionView) string {
	if m.Progress == nil || m.Progress.Done >= uint64(len(m.Milestones)) {
		return "a milestone"
	}
	return fmt.Sprintf("milestone %d, %q,", m.Progress.Done+1, m.Milestones[m.Progress.Done].Name)
}

// milestonesInWords says how far a mission is with them.
func milestonesInWords(m *coop.MissionView) string {
	var lines []string
	for i, x := range m.Milestones {
		state := "waits"
		if m.Progress != nil && uint64(i) < m.Progress.Done {
			state = "accepted"
		}
		lines = append(lines, fmt.Sprintf("%s, share %d: %s", oneLine(x.Name), x.Share, state))
	}
	if m.Progress != nil && m.Progress.Tries > 0 {
		lines = append(lines, "last proof: "+oneLine(m.Progress.Text))
		for _, f := range m.Progress.Files {
			lines = append(lines, fmt.Sprintf("%s, %d bytes, %s", oneLine(f.Name), f.Size, f.CID))
		}
	}
	return strings.Join(lines, "\n")
}

// milestones reads NAME=SHARE=PERIOD.
func milestones(texts []string) (list []missions.Milestone, err error) {
	for _, text := range texts {
		w := strings.Split(text, "=")
		if len(w) != 3 {
			return nil, usagef("%q is no milestone: write NAME=SHARE=PERIOD, such as 'Walls=2=30d'", text)
		}
		share, err := strconv.ParseUint(w[1], 10, 32)
		if err != nil {
			return nil, usagef("%q is no share: write a whole number", w[1])
		}
		d, err := duration(w[2])
		if err != nil {
			return nil, err
		}
		list = append(list, missions.Milestone{Name: w[0], Share: share, Within: event.Time(d.Milliseconds())})
	}
	return list, nil
}

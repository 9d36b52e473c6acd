package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/archive"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/home"
)

// exportLight writes the proof of who the stewards are.
func (a *app) exportLight(cmd *cobra.Command, file string) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	var lit daemon.Lit
	if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "light"), &lit); err != nil {
		return err
	}
	if file == "-" {
		_, err := os.Stdout.Write(lit.Raw)
		return err
	}
	if err := os.WriteFile(file, lit.Raw, 0o644); err != nil {
		return usagef("cannot write %s: %v", file, err)
	}
	a.say("Written. Anybody can check it with: coop verify --light %s", file)
	return a.show(struct {
		File string `json:"file"`
	}{file}, file, field{"file", file})
}

// verifyLight follows a light proof and tells who signed what.
func (a *app) verifyLight(file, text string) error {
	f, err := openFile(file)
	if err != nil {
		return err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, archive.MaxLight+1))
	if err != nil {
		return usagef("cannot read %s: %v", file, err)
	}
	var link daemon.Link
	var pin *archive.Anchor
	if text != "" {
		if link, err = daemon.ParseLink(text); err != nil {
			return err
		}
		if link.Pin == nil {
			return usagef("this link pins nothing: ask for a fresh one")
		}
		pin = &archive.Anchor{Epoch: link.Pin.Epoch, Base: link.Pin.Base}
	}
	report, err := archive.VerifyLight(raw, pin)
	if err != nil {
		return daemon.ArchiveTrouble(err)
	}
	if pin != nil && link.Coop != report.Coop {
		return &home.Problem{Code: daemon.CodeArchive, What: "this is a proof of another cooperative than the link's", Why: "it is " + report.Coop.String(), Next: "ask for the file again: coop export --light"}
	}
	last := report.Epochs[len(report.Epochs)-1]
	fields := []field{{"cooperative", report.Name}, {"id", report.Coop.String()}, {"pinned", yesNo(report.Pinned)}}
	for _, e := range report.Epochs {
		fields = append(fields, field{fmt.Sprintf("epoch %d", e.Number), lightWords(&e)})
	}
	a.say("It holds: a quorum of the stewards signed where each epoch ended, unless the members went on without them. Nothing was replayed; the events are not in it.")
	return a.show(report, last.Base, fields...)
}

// lightWords tells of an epoch who signed what.
func lightWords(e *archive.LightEpoch) string {
	lines := []string{fmt.Sprintf("%d stewards, of whom %d must sign:", len(e.Stewards), e.Quorum)}
	for _, s := range e.Stewards {
		line := s.Key.String()
		if s.Name != "" {
			line = fmt.Sprintf("%s (%s)", oneLine(s.Name), s.Key)
		}
		if s.Signed {
			line += ", signed"
		}
		lines = append(lines, line)
	}
	switch {
	case e.Given != nil:
		lines = append(lines, fmt.Sprintf("ended after commit %d: %s went on without these stewards: %s", e.Given.Commits-1, coop.Plural(e.Given.Assents, "member", "members"), oneLine(e.Given.Reason)))
	case e.Signed == nil:
		lines = append(lines, "nothing is certified in it yet")
	case e.Ended:
		lines = append(lines, fmt.Sprintf("ended with commit %d at %s, state %s", e.Signed.Commits-1, e.Signed.Time, e.Signed.State))
	default:
		lines = append(lines, fmt.Sprintf("certified up to commit %d at %s, state %s", e.Signed.Commits-1, e.Signed.Time, e.Signed.State))
	}
	return strings.Join(lines, "\n")
}

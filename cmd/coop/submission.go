package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/missions"
)

// hidden is a submission that was committed to and is not revealed yet, as the home keeps it: only who has
// the secret can reveal.
type hidden struct {
	Content missions.Content `json:"content"`
	Secret  string           `json:"secret"` // hexadecimal
}

// submissionFlags are what the command line says of a submission.
type submissionFlags struct {
	text, textFile string
	files, with    []string
}

func (a *app) submitCommand() *cobra.Command {
	var o submissionFlags
	var kept string // file that opens the hash
	cmd := a.signs(&cobra.Command{
		Use:   "submit MISSION TITLE",
		Short: "Submit work to a mission; only its hash is shown until you reveal it",
		Long: `Submit work to a mission. Only a hash is published, so nobody can copy it; what you submit, with the secret
that opens the hash, is kept in this home. When the time for submissions is over, coop reveal shows it. If you
do not reveal it in time, or this home is lost before, it does not count.

Contributors are named with a share, and a role if you like: --with Ana=2:music --with Ben=1. Without any you are the
only one. They have to consent once it is revealed; who does not, does not count. Files stay with who adds them:
--file FILE keeps a copy here and hands it to whoever asks for its address.`,
		Args: cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.mission(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		me, err := a.self(cmd)
		if err != nil {
			return act{}, err
		}
		content, err := a.content(cmd, &o, args[1])
		if err != nil {
			return act{}, err
		}
		var secret [32]byte
		if _, err := rand.Read(secret[:]); err != nil {
			return act{}, err
		}
		commitment := content.Commitment(m.ID, me.ID, secret)
		if dry, _ := cmd.Flags().GetBool("dry-run"); !dry {
			if kept, err = a.keepHidden(cmd, commitment, hidden{content, hex.EncodeToString(secret[:])}); err != nil {
				return act{}, err
			}
		}
		return act{missions.KindSubmit, missions.Submit{Mission: m.ID, Commitment: commitment},
			fmt.Sprintf("submit %q to the mission %q, with %s and %s, as a hash; the content is kept in this home until you reveal it",
				content.Title, m.Title, coop.Plural(len(content.Files), "file", "files"), coop.Plural(len(content.Contributors), "contributor", "contributors"))}, nil
	})
	sign := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := sign(cmd, args)
		no, problem := told{}, (*home.Problem)(nil)
		if kept != "" && (errors.As(err, &no) || errors.As(err, &problem) && problem.Code == daemon.CodeRefused) {
			return errors.Join(err, os.Remove(kept)) // it came to nothing, so there is nothing to reveal
		}
		return err
	}
	cmd.Flags().StringVar(&o.text, "text", "", "what it is, in Markdown")
	cmd.Flags().StringVar(&o.textFile, "text-file", "", "file with the text")
	cmd.Flags().StringArrayVar(&o.files, "file", nil, "a file that belongs to it; may be repeated")
	cmd.Flags().StringArrayVar(&o.with, "with", nil, "a contributor: MEMBER=SHARE or MEMBER=SHARE:ROLE; may be repeated")
	return cmd
}

// content reads a submission, and hands its files to the daemon.
func (a *app) content(cmd *cobra.Command, o *submissionFlags, title string) (c missions.Content, err error) {
	c = missions.Content{Title: title, Text: o.text}
	if o.textFile != "" {
		text, err := os.ReadFile(o.textFile)
		if err != nil {
			return c, usagef("cannot read %s: %v", o.textFile, err)
		}
		c.Text = string(text)
	}
	if len(o.with) == 0 {
		me, err := a.self(cmd)
		c.Contributors = []missions.Contributor{{Member: me.ID, Role: "author", Share: 1}}
		if err != nil {
			return c, err
		}
	}
	for _, text := range o.with {
		who, rest, _ := strings.Cut(text, "=")
		share, role, named := strings.Cut(rest, ":")
		n, err := strconv.ParseUint(share, 10, 32)
		if err != nil {
			return c, usagef("%q is no contributor: write MEMBER=SHARE or MEMBER=SHARE:ROLE", text)
		}
		if !named {
			role = "contributor"
		}
		m, err := a.member(cmd, who)
		if err != nil {
			return c, err
		}
		c.Contributors = append(c.Contributors, missions.Contributor{Member: m.ID, Role: role, Share: n})
	}
	client, err := a.client()
	if err != nil {
		return c, err
	}
	for _, name := range o.files {
		f, err := a.addFile(cmd.Context(), client, name)
		if err != nil {
			return c, err
		}
		c.Files = append(c.Files, missions.File{Name: filepath.Base(name), CID: f.ID.String(), Size: f.Size})
	}
	return c, nil
}

// hiddenFile is where the home keeps what was committed to.
func (a *app) hiddenFile(cmd *cobra.Command, commitment [32]byte) (string, error) {
	o, err := a.money(cmd)
	if err != nil {
		return "", err
	}
	h, _, err := a.look()
	if err != nil {
		return "", err
	}
	return h.Paths.HiddenFile(o.ID, commitment), nil
}

// keepHidden writes it, before anything is signed, and tells where.
func (a *app) keepHidden(cmd *cobra.Command, commitment [32]byte, x hidden) (path string, err error) {
	if path, err = a.hiddenFile(cmd, commitment); err != nil {
		return "", err
	}
	text, err := json.Marshal(x)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("the submission cannot be kept: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("the submission cannot be kept: %w", err)
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", fmt.Errorf("the submission cannot be kept: %w", err)
	}
	return path, nil
}

// submission finds a submission by its title, id or part of it.
func (a *app) submission(cmd *cobra.Command, text string) (coop.EntryView, error) {
	return getSeen[coop.EntryView](a, cmd, "submissions", text)
}

func entryOf(e *coop.EntryView) missions.Entry {
	return missions.Entry{Mission: e.Mission.ID, ID: e.Submission.ID}
}

func (a *app) revealCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "reveal SUBMISSION",
		Short: "Show what you submitted, once the time for submissions is over",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		e, err := a.submission(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		commitment, err := hex.DecodeString(e.Submission.Commitment)
		if err != nil || len(commitment) != 32 {
			return act{}, usagef("the commitment of this submission cannot be read")
		}
		path, err := a.hiddenFile(cmd, [32]byte(commitment))
		if err != nil {
			return act{}, err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return act{}, &home.Problem{Code: home.CodeNoKey, What: "this home does not have what was submitted", Why: "only the home in which coop submit was called has the secret that opens the hash",
				Next: "reveal it there, or withdraw it"}
		}
		if err != nil {
			return act{}, err
		}
		var x hidden
		if err := json.Unmarshal(text, &x); err != nil {
			return act{}, fmt.Errorf("%s is damaged: %w", path, err)
		}
		secret, err := hex.DecodeString(x.Secret)
		if err != nil || len(secret) != 32 {
			return act{}, fmt.Errorf("%s is damaged: its secret is not 32 bytes", path)
		}
		return act{missions.KindReveal, missions.Reveal{Submission: entryOf(&e), Content: x.Content, Secret: [32]byte(secret)},
			fmt.Sprintf("show %q to everybody as your submission to the mission %q", x.Content.Title, e.Mission.Title)}, nil
	})
}

func (a *app) workConsentCommand() *cobra.Command {
	var no bool
	cmd := a.signs(&cobra.Command{
		Use:   "consent SUBMISSION",
		Short: "Take part, as a submission says, as its contributor; or not, with --no",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		e, err := a.submission(cmd, args[0])
		if err != nil {
			return act{}, err
		}
		me, err := a.self(cmd)
		if err != nil {
			return act{}, err
		}
		words := fmt.Sprintf("do not take part in the submission %q", e.Submission.Title)
		if !no {
			all, own, role := uint64(0), uint64(0), "no contributor"
			for _, c := range e.Submission.Contributors {
				all += c.Share
				if c.Member == me.ID {
					own, role = c.Share, oneLine(c.Role)
				}
			}
			words = fmt.Sprintf("take part in the submission %q to the mission %q as %s, with %s of %d; you can't judge the mission then", e.Submission.Title, e.Mission.Title, role, coop.Plural(own, "share", "shares"), all)
		}
		return act{missions.KindConsent, missions.Consent{Submission: entryOf(&e), Agree: !no}, words}, nil
	})
	cmd.Flags().BoolVar(&no, "no", false, "you do not take part")
	return cmd
}

func (a *app) withdrawCommand() *cobra.Command {
	return a.signs(&cobra.Command{
		Use:   "withdraw SUBMISSION",
		Short: "Take back a submission of yours before it is judged",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		e, err := a.submission(cmd, args[0])
		return act{missions.KindWithdraw, missions.Withdraw{Submission: entryOf(&e)}, fmt.Sprintf("withdraw your submission %s to the mission %q", e.Submission.ID.Short(), e.Mission.Title)}, err
	})
}

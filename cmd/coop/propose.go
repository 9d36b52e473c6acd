package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// proposal is what coop propose --file reads, and what its flags fill.
type proposal struct {
	Title   string   `json:"title"`
	Text    string   `json:"text"`
	Track   string   `json:"track"`
	Method  string   `json:"method"` // choose a track that counts like this
	Tags    []string `json:"tags"`
	Options []struct {
		Name string `json:"name"`
		Cost string `json:"cost"` // in whole units of the currency
	} `json:"options"`
	Budget   string              `json:"budget"`
	Admit    []string            `json:"admit"`    // candidates
	Devices  []string            `json:"devices"`  // requests of devices
	Allocate []allocation        `json:"allocate"` // sums to set aside
	Charter  *governance.Charter `json:"charter"`  // to replace the charter
	Again    string              `json:"again"`    // proposal with the same content that was vetoed
	rulings
	Juries       []juryCall `json:"juries"`        // to draw by lot
	Ledger       []string   `json:"ledger"`        // what to do with money and tokens
	Missions     []string   `json:"missions"`      // files with missions to list
	MissionTerms string     `json:"mission_terms"` // deposit, flags and period
	Shop         []string   `json:"shop"`          // what to do with what is sold
}

type allocation struct {
	Name   string `json:"name"`
	Amount string `json:"amount"`
}

func (a *app) proposeCommand() *cobra.Command {
	var o proposeFlags
	var sign signFlags
	cmd := &cobra.Command{
		Use:   "propose [TITLE]",
		Short: "Put a question to the members, with what is to be done if it passes",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := o.proposal(args)
			if err != nil {
				return err
			}
			return a.propose(cmd, sign, p)
		},
	}
	o.add(cmd)
	sign.add(cmd)
	return cmd
}

// proposeFlags are what the command line says of a proposal.
type proposeFlags struct {
	file, text, textFile, track, method, budget, charter, again, missionTerms string
	tags, options, admit, devices, allocate                                   []string
	juries, parties, ledger, missions, shop                                   []string
	ruled                                                                     rulings
}

func (o *proposeFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.file, "file", "", "JSON file with title, text, track, method, tags, options, budget, admit, devices, allocate, juries, charter; flags come on top; - is the standard input")
	f.StringVar(&o.text, "text", "", "what it is about, in Markdown")
	f.StringVar(&o.textFile, "text-file", "", "file with the text")
	f.StringVar(&o.track, "track", "", "which of the charter's tracks (default: what its actions need, otherwise general or the first)")
	f.StringVar(&o.method, "method", "", "the first track that counts like this: yesno, consent, approval, score, schulze, runoff, stv, points, ...")
	f.StringSliceVar(&o.tags, "tag", nil, "word to find it by; may be repeated")
	f.StringArrayVar(&o.options, "option", nil, "NAME, or NAME=COST where a budget is shared; may be repeated")
	f.StringVar(&o.budget, "budget", "", "sum to share among the options")
	f.StringArrayVar(&o.admit, "admit", nil, "if it passes, admit this candidate; may be repeated")
	f.StringArrayVar(&o.devices, "device", nil, "if it passes, let this device speak for its member: what coop device request printed there; may be repeated")
	f.StringArrayVar(&o.allocate, "allocate", nil, "if it passes, set this sum aside: NAME=AMOUNT; may be repeated")
	f.StringVar(&o.charter, "amend-charter", "", "if it passes, replace the charter by that of this JSON file")
	f.StringVar(&o.again, "again", "", "the proposal with the same options, budget and actions that was vetoed, where the charter bounds how often")
	o.ruled.flags(cmd)
	f.StringArrayVar(&o.juries, "jury", nil, "if it passes, draw a jury by lot: NAME=SEATS; may be repeated")
	f.StringArrayVar(&o.parties, "jury-party", nil, "a member with an interest in what the jury judges, who is left out with delegates and delegators; may be repeated")
	f.StringArrayVar(&o.ledger, "ledger", nil, ledgerUsage)
	f.StringArrayVar(&o.missions, "mission", nil, "if it passes, list the mission in this file, as coop mission new --dry-run --json prints it; may be repeated")
	f.StringArrayVar(&o.shop, "shop", nil, shopUsage)
	f.StringVar(&o.missionTerms, "mission-terms", "", "if it passes, ask for a deposit to list a mission: DEPOSIT FLAGS PERIOD, such as '5 3 3d'")
}

// proposal is what the file and the flags on top of it ask for.
func (o *proposeFlags) proposal(args []string) (*proposal, error) {
	var p proposal
	if o.file != "" {
		if err := readJSON(o.file, &p); err != nil {
			return nil, err
		}
	}
	if len(args) == 1 {
		p.Title = args[0]
	}
	if o.textFile != "" {
		text, err := os.ReadFile(o.textFile)
		if err != nil {
			return nil, usagef("cannot read %s: %v", o.textFile, err)
		}
		o.text = string(text)
	}
	overwrite(&p.Text, o.text)
	overwrite(&p.Track, o.track)
	overwrite(&p.Method, o.method)
	overwrite(&p.Budget, o.budget)
	overwrite(&p.Again, o.again)
	overwrite(&p.MissionTerms, o.missionTerms)
	p.Tags, p.Admit, p.Devices = append(p.Tags, o.tags...), append(p.Admit, o.admit...), append(p.Devices, o.devices...)
	p.join(&o.ruled)
	p.Ledger, p.Missions = append(p.Ledger, o.ledger...), append(p.Missions, o.missions...)
	p.Shop = append(p.Shop, o.shop...)
	p.addOptions(o.options)
	if err := p.addJuries(o.juries, o.parties); err != nil {
		return nil, err
	}
	for _, text := range o.allocate {
		name, sum, _ := strings.Cut(text, "=")
		p.Allocate = append(p.Allocate, allocation{name, sum})
	}
	if o.charter != "" {
		p.Charter = new(governance.Charter)
		if err := readJSON(o.charter, p.Charter); err != nil {
			return nil, err
		}
	}
	return &p, nil
}

func overwrite(into *string, text string) {
	if text != "" {
		*into = text
	}
}

func (p *proposal) addOptions(texts []string) {
	for _, text := range texts {
		name, cost, _ := strings.Cut(text, "=")
		p.Options = append(p.Options, struct {
			Name string `json:"name"`
			Cost string `json:"cost"`
		}{name, cost})
	}
}

func (a *app) propose(cmd *cobra.Command, sign signFlags, p *proposal) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	var o coop.Overview
	if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "overview"), &o); err != nil {
		return err
	}
	var c coop.CharterView
	if err := client.Get(cmd.Context(), daemon.Path("coops", a.coop, "charter"), &c); err != nil {
		return err
	}
	body := governance.ProposalOpen{Title: p.Title, Text: p.Text, Track: p.Track, Tags: p.Tags}
	var words []string
	if body.Actions, words, err = a.actions(cmd, p, &o); err != nil {
		return err
	}
	for _, option := range p.Options {
		cost := uint64(0)
		if option.Cost != "" {
			if cost, err = amount(option.Cost, o.Currency); err != nil {
				return err
			}
		}
		body.Options = append(body.Options, governance.Option{Name: option.Name, Cost: cost})
	}
	if p.Budget != "" {
		if body.Budget, err = amount(p.Budget, o.Currency); err != nil {
			return err
		}
	}
	if p.Again != "" {
		before, err := a.proposalBy(cmd, p.Again, true)
		if err != nil {
			return err
		}
		body.Again = before.ID
		words = append([]string{fmt.Sprintf("this repeats %q, which was vetoed", before.Title)}, words...)
	}
	if body.Title == "" {
		return usagef("a proposal needs a title")
	}
	if body.Track == "" {
		body.Track = chooseTrack(&c.Charter, &body, governance.Method(p.Method))
	}
	t, known := c.Charter.Track(body.Track)
	if known && p.Method != "" && string(t.Method) != p.Method {
		return usagef("no track that fits counts by %s: coop charter lists the tracks", p.Method)
	}
	sentence := fmt.Sprintf("propose %q to %s on track %s", body.Title, o.Name, body.Track)
	if known {
		sentence += " (" + describeTrack(t) + ")"
	}
	if t.Method.HasStatusQuo() {
		sentence += "; the status quo stands as the last option"
	}
	if len(words) > 0 {
		sentence += "; if it passes: " + strings.Join(words, "; ")
	}
	return a.sign(cmd.Context(), sign, governance.KindProposalOpen, body, sentence)
}

// actions makes the drafts that are carried out if the proposal passes, and says them in words.
func (a *app) actions(cmd *cobra.Command, p *proposal, o *coop.Overview) (drafts []event.Draft, words []string, err error) {
	add := func(kind event.Kind, body any, format string, args ...any) error {
		d, err := event.NewDraft(kind, body)
		drafts, words = append(drafts, d), append(words, fmt.Sprintf(format, args...))
		return err
	}
	for _, text := range p.Admit {
		m, err := a.member(cmd, text)
		if err != nil {
			return nil, nil, err
		}
		if err := add(governance.KindMemberAdmit, governance.MemberAdmit{Candidate: m.ID}, "admit %s as %s", oneLine(m.Name), strings.Join(m.Classes, ", ")); err != nil {
			return nil, nil, err
		}
	}
	for _, text := range p.Devices {
		q, err := daemon.ParseDeviceRequest(text)
		if err == nil && q.Coop != o.ID {
			err = usagef("this device asks for another cooperative than %s", o.Name)
		}
		if err != nil {
			return nil, nil, err
		}
		m, err := a.member(cmd, q.Member.String())
		if err != nil {
			return nil, nil, err
		}
		if err := add(governance.KindDeviceAdd, q.Body(), "let the device %s speak for %s", q.Device, oneLine(m.Name)); err != nil {
			return nil, nil, err
		}
	}
	for i, allocation := range p.Allocate {
		sum, err := amount(allocation.Amount, o.Currency)
		if err != nil {
			return nil, nil, err
		}
		body := governance.BudgetAllocate{Project: uint64(i), Amount: sum, Name: allocation.Name}
		if err := add(governance.KindBudgetAllocate, body, "set aside %s for %s", o.Currency.Format(sum), allocation.Name); err != nil {
			return nil, nil, err
		}
	}
	ruled, err := a.rulings(cmd, &p.rulings)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range ruled {
		if err := add(r.kind, r.body, "%s", r.words); err != nil {
			return nil, nil, err
		}
	}
	for i := range p.Juries {
		body, says, err := a.juryBody(cmd, &p.Juries[i])
		if err != nil {
			return nil, nil, err
		}
		if err := add(governance.KindJuryCall, body, "%s", says); err != nil {
			return nil, nil, err
		}
	}
	if p.Charter != nil {
		body := governance.CharterAmend{Charter: *p.Charter}
		if err := add(governance.KindCharterAmend, body, "replace the charter"); err != nil {
			return nil, nil, err
		}
	}
	more, sentences, err := a.costlyActions(cmd, p, o)
	return append(drafts, more...), append(words, sentences...), err
}

// costlyActions are those about missions, money and tokens.
func (a *app) costlyActions(cmd *cobra.Command, p *proposal, o *coop.Overview) (drafts []event.Draft, words []string, err error) {
	drafts, words, err = missionActions(p.Missions, p.MissionTerms, o)
	if err != nil {
		return nil, nil, err
	}
	more, sentences, err := a.ledgerActions(cmd, p.Ledger, o)
	if err != nil {
		return nil, nil, err
	}
	drafts, words = append(drafts, more...), append(words, sentences...)
	more, sentences, err = a.shopActions(cmd, p.Shop, o)
	return append(drafts, more...), append(words, sentences...), err
}

// chooseTrack finds the first track that fits: its method to the options, its actions to the drafts. If
// no method is asked for, the plainest that fits is.
func chooseTrack(c *governance.Charter, body *governance.ProposalOpen, method governance.Method) string {
	plainest := governance.YesNo
	switch {
	case method != "":
		plainest = method
	case body.Budget > 0:
		plainest = governance.BudgetGreedy
	case len(body.Options) > 0:
		plainest = governance.Approval
	}
	fits := func(t governance.Track) bool {
		for _, action := range body.Actions {
			if !slices.Contains(t.Actions, action.Kind) {
				return false
			}
		}
		return method == "" && t.Method.SharesBudget() == (body.Budget > 0) && t.Method.Chooses() == (len(body.Options) > 0) || t.Method == method
	}
	if t, ok := c.Track("general"); ok && t.Method == plainest && fits(t) {
		return t.Name
	}
	for _, likes := range []func(governance.Track) bool{
		func(t governance.Track) bool { return t.Method == plainest && fits(t) }, fits,
		func(governance.Track) bool { return true }, // the refusal says what doesn't fit
	} {
		if i := slices.IndexFunc(c.Tracks, likes); i >= 0 {
			return c.Tracks[i].Name
		}
	}
	return ""
}

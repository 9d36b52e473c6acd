package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/testnet"
)

// maxFile bounds a file that is read whole from the command line.
const maxFile = 1 << 20

// foundFlags are the parts of a founding text.
type foundFlags struct {
	purpose, currency, charter string
	params, founders, stewards []string
	classes                    []string
	text, template             string
	consents                   []string
	write                      string
	dry, trial                 bool
}

func (a *app) foundCommand() *cobra.Command {
	var f foundFlags
	cmd := &cobra.Command{
		Use:   "found NAME",
		Short: "Found a cooperative",
		Long: `Found a cooperative. Alone, one command does it; you are then its first member and only steward.

Several found together in three steps: one writes the text (--founder NAME=DID for each other one,
--write FILE), each of the others consents to it (coop found consent FILE > CONSENT), and the
first founds it (coop found --text FILE --consent CONSENT ...). The others then join by a link.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.found(cmd, f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.purpose, "purpose", "", "what it is for, in one or more sentences")
	flags.StringVar(&f.currency, "currency", "EUR:2", "what money is counted in: CODE:DECIMALS")
	flags.StringVar(&f.charter, "charter", "", "JSON file with the charter (default: that of coop charter --default)")
	flags.StringVar(&f.template, "template", "", "a charter for your kind of cooperative: "+templateNames())
	flags.BoolVar(&f.trial, "trial", false, "a charter for trying things out: whoever has a link is a member at once, and a vote lasts ten minutes")
	flags.StringArrayVar(&f.params, "param", nil, "NAME=MILLISECONDS, one of delta0, tolerance, minround, maxround, grace, stall; may be repeated")
	flags.StringSliceVar(&f.classes, "class", nil, "your classes, and those of the other founders (default: all that may vote)")
	flags.StringArrayVar(&f.founders, "founder", nil, "another founder, NAME=DID; may be repeated")
	flags.StringArrayVar(&f.stewards, "steward", nil, "DID of a first steward; may be repeated (default: all founders)")
	flags.StringVar(&f.write, "write", "", "only write the founding text to this file")
	flags.StringVar(&f.text, "text", "", "found by the text in this file")
	flags.StringArrayVar(&f.consents, "consent", nil, "file with another founder's consent to the text; may be repeated")
	flags.BoolVar(&f.dry, "dry-run", false, "only say what would be signed")
	cmd.MarkFlagsMutuallyExclusive("charter", "trial", "template")
	cmd.AddCommand(a.consentCommand())
	return cmd
}

func (a *app) found(cmd *cobra.Command, f foundFlags, args []string) error {
	h, client, err := a.look()
	if err != nil {
		return err
	}
	var text governance.Founding
	switch {
	case f.text != "" && len(args) == 0:
		err = readJSON(f.text, &text)
	case f.text == "" && len(args) == 1:
		text, err = f.compose(args[0], governance.Founder{Key: h.Device, Name: h.Config.Name})
	default:
		err = usagef("coop found takes a NAME, or --text FILE")
	}
	if err != nil {
		return err
	}
	if f.write != "" {
		return a.writeText(f.write, &text)
	}
	request := daemon.Foundation{Text: text, Consents: []daemon.Consent{}}
	for _, path := range f.consents {
		var c daemon.Consent
		if err := readJSON(path, &c); err != nil {
			return err
		}
		request.Consents = append(request.Consents, c)
	}
	if len(text.Founders) > 1+len(request.Consents) {
		return usagef("%s found together, and %s here: each other founder runs coop found consent FILE", coop.Plural(len(text.Founders), "member", "members"), coop.Plural(len(request.Consents), "consent is", "consents are"))
	}
	sortConsents(&request, h.Device)
	if f.dry {
		return a.printDry(fmt.Sprintf("found the cooperative %q with %s and %s, currency %s, and a charter of %s and %s", text.Name,
			coop.Plural(len(text.Founders), "founder", "founders"), coop.Plural(len(text.Stewards), "steward", "stewards"), text.Currency.Code,
			coop.Plural(len(text.Charter.Classes), "class", "classes"), coop.Plural(len(text.Charter.Tracks), "track", "tracks")), governance.KindCoopFound, request)
	}
	var s daemon.CoopStatus
	if err := client.Post(cmd.Context(), "/v1/found", request, &s); err != nil {
		return err
	}
	if f.trial {
		a.say("%s this charter is for trying things out: whoever has a link votes, and a vote lasts ten minutes", a.paint(yellow, "note:"))
	} else {
		a.warn(text.Charter.Warnings())
		if says, good := governance.SeatsInWords(len(text.Stewards)); !good {
			a.warn([]string{says})
		}
	}
	a.say("Founded. Next: coop invite")
	return a.showCoop(s)
}

// sortConsents puts the consents in the order of the founders, as the founding event wants them.
func sortConsents(f *daemon.Foundation, self identity.PublicKey) {
	var sorted []daemon.Consent
	for _, founder := range f.Text.Founders {
		for _, c := range f.Consents {
			if c.Key == founder.Key && founder.Key != self {
				sorted = append(sorted, c)
				break
			}
		}
	}
	f.Consents = append([]daemon.Consent{}, sorted...)
}

func (a *app) warn(warnings []string) {
	for _, w := range warnings {
		a.say("%s %s", a.paint(yellow, "note:"), w)
	}
}

func (a *app) showCoop(s daemon.CoopStatus) error {
	return a.show(s, s.ID.String(), field{"id", s.ID.String()}, field{"name", s.Name}, field{"you", standing(s)},
		field{"members", fmt.Sprint(s.Members)}, field{"stewards", fmt.Sprintf("%d, %d reachable, %d needed", s.Stewards, s.Reachable, s.Quorum)})
}

// compose makes the founding text from the flags.
func (f *foundFlags) compose(name string, self governance.Founder) (governance.Founding, error) {
	text := governance.Founding{Name: name, Purpose: f.purpose, Charter: coop.DefaultCharter(), Params: governance.DefaultParams()}
	if f.trial {
		text.Charter = testnet.Charter(10 * time.Minute)
		text.Charter.Classes[0].Invite = true
	}
	if f.template != "" {
		t, err := template(f.template)
		if err != nil {
			return text, err
		}
		text.Charter = t.Charter
	}
	if f.charter != "" {
		text.Charter = governance.Charter{}
		if err := readJSON(f.charter, &text.Charter); err != nil {
			return text, err
		}
	}
	code, decimals, _ := strings.Cut(f.currency, ":")
	places, err := strconv.ParseUint(decimals, 10, 8)
	if err != nil && decimals != "" {
		return text, usagef("--currency %s: write CODE:DECIMALS, such as EUR:2", f.currency)
	}
	text.Currency = governance.Currency{Code: code, Decimals: places}
	if err := setParams(&text.Params, f.params); err != nil {
		return text, err
	}
	self.Classes = f.classes
	if len(self.Classes) == 0 {
		self.Classes = founderClass(&text.Charter)
	}
	text.Founders = []governance.Founder{self}
	for _, other := range f.founders {
		name, did, ok := strings.Cut(other, "=")
		key, err := identity.ParsePublicKey(did)
		if !ok || err != nil {
			return text, usagef("--founder %s: write NAME=DID, with the DID that coop id shows there", other)
		}
		text.Founders = append(text.Founders, governance.Founder{Key: key, Name: name, Classes: self.Classes})
	}
	for _, did := range f.stewards {
		key, err := identity.ParsePublicKey(did)
		if err != nil {
			return text, usagef("--steward %s: %v", did, err)
		}
		text.Stewards = append(text.Stewards, key)
	}
	if len(text.Stewards) == 0 {
		for _, founder := range text.Founders {
			text.Stewards = append(text.Stewards, founder.Key)
		}
	}
	if f.charter == "" {
		for i := range text.Charter.Tracks {
			if t := &text.Charter.Tracks[i]; t.Elects() {
				t.Seats = uint64(governance.GoodSeats(len(text.Founders)))
			}
		}
	}
	return text, nil
}

// founderClass is every class that may vote: founders do whatever members do.
func founderClass(c *governance.Charter) (classes []string) {
	for _, class := range c.Classes {
		if class.Votes {
			classes = append(classes, class.Name)
		}
	}
	return classes
}

func setParams(p *governance.Params, settings []string) error {
	names := map[string]*event.Time{"delta0": &p.Delta0, "tolerance": &p.Tolerance, "minround": &p.MinRound, "maxround": &p.MaxRound, "grace": &p.Grace, "stall": &p.Stall}
	for _, setting := range settings {
		name, text, _ := strings.Cut(setting, "=")
		ms, err := strconv.ParseUint(text, 10, 40)
		if names[name] == nil || err != nil {
			return usagef("--param %s: write NAME=MILLISECONDS, with one of delta0, tolerance, minround, maxround, grace, stall", setting)
		}
		*names[name] = event.Time(ms)
	}
	return nil
}

func (a *app) writeText(path string, text *governance.Founding) error {
	b, err := json.MarshalIndent(text, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the text: %w", err)
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot write the text: %w", err)
	}
	a.warn(text.Charter.Warnings())
	a.say("Written. Each other founder reads it and runs: coop found consent %s > NAME.consent\nThen: coop found --text %s --consent NAME.consent ...", path, path)
	return nil
}

func (a *app) consentCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "consent FILE",
		Short: "Consent to a founding text that another founder wrote",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var text governance.Founding
			if err := readJSON(args[0], &text); err != nil {
				return err
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			var c daemon.Consent
			if err := client.Post(cmd.Context(), "/v1/consent", text, &c); err != nil {
				return err
			}
			a.warn(text.Charter.Warnings())
			a.say("You consent to found %q with %s. Give this to who wrote the text.", text.Name, coop.Plural(len(text.Founders)-1, "other", "others"))
			return a.printTree(c)
		},
	}
}

// readJSON reads a file strictly; "-" is the standard input.
func readJSON(path string, into any) error {
	from := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return usagef("cannot read %s: %v", path, err)
		}
		defer f.Close()
		from = f
	}
	d := json.NewDecoder(io.LimitReader(from, maxFile))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return usagef("%s is not JSON of the expected form: %v", path, err)
	}
	return nil
}

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/tokens"
)

// listingFlags are what the command line says of a new mission.
type listingFlags struct {
	text, textFile, criteria, target, match, token, rule, price, judges string
	prizes, tags, steps                                                 []string
	units, treasury, backers, seats, appeals                            uint64
	ranked, atLeast                                                     bool
	periods                                                             [5]string
}

func (a *app) missionNewCommand() *cobra.Command {
	var o listingFlags
	cmd := a.signs(&cobra.Command{
		Use:   "new TITLE --prize AMOUNT --token NAME",
		Short: "List a mission: what is asked for, its prizes, and who judges",
		Long: `List a mission: what is asked for, its prizes, and who judges. With a --target all pledges go back if they miss
it; without one the prizes share what came, in their proportion.

The treasury matches pledges (--match) only if the members decide so: --dry-run --json prints the mission, and
coop propose TITLE --mission FILE puts it to the vote.`,
		Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string) (act, error) {
		m, err := a.money(cmd)
		if err != nil {
			return act{}, err
		}
		l, err := o.listing(m, args[0])
		if err != nil {
			return act{}, err
		}
		terms, err := getSeen[missions.Terms](a, cmd, "mission-terms")
		says := coop.ListingInWords(m.Currency, &l)
		if terms.Deposit > 0 {
			says += fmt.Sprintf("; you put down a deposit of %s, which comes back with its end, unless the members call it spam", m.Currency.Format(terms.Deposit))
		}
		return act{missions.KindList, l, says}, err
	})
	o.add(cmd)
	return cmd
}

func (o *listingFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.text, "text", "", "what is asked for, in Markdown")
	f.StringVar(&o.textFile, "text-file", "", "file with the text")
	f.StringVar(&o.criteria, "criteria", "", "by which it is judged")
	f.StringSliceVar(&o.tags, "tag", nil, "word to find it by; may be repeated")
	f.StringArrayVar(&o.prizes, "prize", nil, "a prize, the highest first; may be repeated")
	f.StringArrayVar(&o.steps, "milestone", nil, "pay the one prize in parts, as these are proven: NAME=SHARE=PERIOD; may be repeated")
	f.StringVar(&o.target, "target", "", "all-or-nothing: the sum without which all pledges go back")
	f.StringVar(&o.match, "match", "", "the treasury adds to the pledges: linear=NUM/DEN=CAP, or quadratic=CAP; only by a proposal")
	f.StringVar(&o.token, "token", "", "name of the achievement token that the award makes")
	f.StringVar(&o.rule, "rule", string(tokens.RuleMembers), "of the token: free, members, coop-approval or none")
	f.Uint64Var(&o.units, "units", 1000, "of the token, for the winner's contributors")
	f.Uint64Var(&o.treasury, "treasury-units", 0, "more units, for the cooperative")
	f.Uint64Var(&o.backers, "backer-units", 0, "more units, for the pledgers in proportion")
	f.StringVar(&o.price, "price", "", "at which the work is to be sold")
	f.BoolVar(&o.atLeast, "at-least", false, "buyers may pay more")
	f.StringVar(&o.judges, "judges", string(missions.ByMembers), "backers, members or jury")
	f.Uint64Var(&o.seats, "seats", 0, "of a jury, the one that judges or the one that hears the appeal")
	f.BoolVar(&o.ranked, "ranked", false, "judges put the submissions in order; otherwise they approve them")
	f.Uint64Var(&o.appeals, "appeals", 0, "so many must appeal to have it judged again")
	for i, name := range []string{"funding", "open", "reveal", "judging", "appeal"} {
		lasts := map[string]string{"funding": "30d", "open": "30d", "reveal": "3d", "judging": "7d", "appeal": "3d"}[name]
		f.StringVar(&o.periods[i], name, lasts, "how long this phase lasts")
	}
	required(cmd, "prize", "token")
}

// listing reads the flags.
func (o *listingFlags) listing(m *money, title string) (l missions.Listing, err error) {
	l = missions.Listing{Title: title, Brief: o.text, Criteria: o.criteria, Tags: o.tags, Funding: missions.KeepWhatCame,
		Match:  missions.Match{Kind: missions.MatchNone},
		Token:  missions.Token{Name: o.token, Rule: tokens.Rule(o.rule), Units: o.units, Treasury: o.treasury, Backers: o.backers},
		Judges: missions.Judges(o.judges), Seats: o.seats, Method: missions.Approve, Appeals: o.appeals, AtLeast: o.atLeast || o.price == ""}
	if o.textFile != "" {
		text, err := os.ReadFile(o.textFile)
		if err != nil {
			return l, usagef("cannot read %s: %v", o.textFile, err)
		}
		l.Brief = string(text)
	}
	if o.ranked {
		l.Method = missions.Rank
	}
	if o.target != "" {
		l.Funding = missions.AllOrNothing
	}
	for text, into := range map[string]*uint64{o.target: &l.Target, o.price: &l.Price} {
		if text == "" {
			continue
		}
		if *into, err = amount(text, m.Currency); err != nil {
			return l, err
		}
	}
	for _, text := range o.prizes {
		n, err := amount(text, m.Currency)
		if err != nil {
			return l, err
		}
		l.Prizes = append(l.Prizes, n)
	}
	if l.Milestones, err = milestones(o.steps); err != nil {
		return l, err
	}
	if l.Match, err = m.match(o.match); err != nil {
		return l, err
	}
	for i, into := range []*event.Time{&l.Periods.Funding, &l.Periods.Open, &l.Periods.Reveal, &l.Periods.Judging, &l.Periods.Appeal} {
		d, err := duration(o.periods[i])
		if err != nil {
			return l, err
		}
		*into = event.Time(d.Milliseconds())
	}
	if l.Appeals == 0 {
		l.Periods.Appeal = 0
	}
	return l, nil
}

// match reads linear=NUM/DEN=CAP, quadratic=CAP, or nothing.
func (m *money) match(text string) (match missions.Match, err error) {
	if text == "" {
		return missions.Match{Kind: missions.MatchNone}, nil
	}
	w := strings.Split(text, "=")
	match.Kind = missions.Matching(w[0])
	switch {
	case match.Kind == missions.MatchLinear && len(w) == 3:
		if _, err := fmt.Sscanf(w[1], "%d/%d", &match.Num, &match.Den); err != nil {
			return match, usagef("%q is no rate: write NUM/DEN, such as 1/2", w[1])
		}
	case match.Kind == missions.MatchQuadratic && len(w) == 2:
	default:
		return match, usagef("%q is no match: write linear=1/2=CAP, or quadratic=CAP", text)
	}
	match.Cap, err = amount(w[len(w)-1], m.Currency)
	return match, err
}

// missionActions makes the drafts of coop propose --mission, which reads what coop mission new --dry-run --json
// printed, and of --mission-terms.
func missionActions(files []string, terms string, o *coop.Overview) (drafts []event.Draft, words []string, err error) {
	for i, file := range files {
		var dry struct {
			Says string           `json:"says"`
			Kind event.Kind       `json:"kind"`
			Body missions.Listing `json:"body"`
		}
		if err := readJSON(file, &dry); err != nil {
			return nil, nil, err
		}
		dry.Body.Number = uint64(i)
		d, err := event.NewDraft(missions.KindList, dry.Body)
		if err != nil {
			return nil, nil, usagef("%v", err)
		}
		drafts, words = append(drafts, d), append(words, coop.ListingInWords(o.Currency, &dry.Body))
	}
	if terms != "" {
		body, says, err := missionTerms(terms, o)
		if err != nil {
			return nil, nil, err
		}
		d, err := event.NewDraft(missions.KindTerms, body)
		if err != nil {
			return nil, nil, usagef("%v", err)
		}
		drafts, words = append(drafts, d), append(words, says)
	}
	return drafts, words, nil
}

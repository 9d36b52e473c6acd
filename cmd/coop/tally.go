package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sustainy/coop/pabulib"
	"github.com/sustainy/coop/preflib"
	"github.com/sustainy/coop/tally"
)

// counted is a file's ballots, counted. In steps and ties options are numbers: places in Options.
type counted struct {
	Method  string      `json:"method"`
	Options []string    `json:"options"` // names, or ids of projects
	Winners []string    `json:"winners"` // in order
	Steps   any         `json:"steps"`
	Pairs   [][]uint64  `json:"pairs,omitempty"` // how many prefer an option to another
	Share   *big.Rat    `json:"share,omitempty"` // of each vote in a budget by equal shares
	Raises  uint64      `json:"raises,omitempty"`
	Stop    string      `json:"stop,omitempty"` // why the shares were not raised again
	Ties    []tally.Tie `json:"tie_break"`      // what the lot decided
	Lot     tally.Lot   `json:"lot"`            // place of each option
	Drawn   string      `json:"lot_from"`
	rows    []tallyRow
}

// tallyRow is a line of the account that a person reads.
type tallyRow struct{ step, what, option, number, note string }

// poll is what a file holds: rankings, or a budget with projects and ballots.
type poll struct {
	options  []string
	labels   []string // the same for a person: projects with their names
	rankings []preflib.Order
	budget   *pabulib.Instance
	lot      tally.Lot
}

// tallyFlags are the choices of coop tally.
type tallyFlags struct {
	method, completion string
	seats              int
}

// methods are the words for --method, and how each counts.
var methods = []struct {
	name, about string
	budget      bool // for .pb files
	many        bool // --seats may be above 1
	count       func(*poll, tallyFlags) (*counted, error)
}{
	{"schulze", "rankings, who beats each other option pairwise or by a stronger path", false, true, countSchulze},
	{"runoff", "rankings, the last is excluded until one has a majority", false, false, countRunoff},
	{"stv", "rankings, several seats in proportion, by the Scottish rules", false, true, countSTV},
	{"approval", "the projects most approved", true, true, countApproval},
	{"points", "the projects with most points", true, true, countPoints},
	{"budget-greedy", "by votes, each project that still fits", true, false, countGreedy},
	{"budget-equal-shares", "every vote has an equal share to spend", true, false, countShares},
}

func (a *app) tallyCommand() *cobra.Command {
	var f tallyFlags
	long := "Count the ballots of a file with rankings (.soi .soc .toi .toc, PrefLib) or of a participatory budget (.pb,\nPabulib), and tell each step, so that anybody can do it again. It needs no home and no daemon.\n\nMethods:\n"
	for _, m := range methods {
		long += fmt.Sprintf("  %-20s %s\n", m.name, m.about)
	}
	cmd := &cobra.Command{
		Use:   "tally FILE --method METHOD",
		Short: "Count the ballots of a file by one of the methods, step by step",
		Long:  long,
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			signal.Reset(os.Interrupt) // a count holds nothing that an interrupt could hurt
			c, err := count(args[0], f)
			if err != nil {
				return err
			}
			return a.printCount(c)
		},
	}
	cmd.Flags().StringVar(&f.method, "method", "", "how to count (needed)")
	cmd.Flags().IntVar(&f.seats, "seats", 1, "how many to elect")
	cmd.Flags().StringVar(&f.completion, "completion", "add1", "of budget-equal-shares: none, add1, utilitarian, or both with a comma")
	return cmd
}

// count reads a file and counts it.
func count(file string, f tallyFlags) (*counted, error) {
	var known []string
	for _, m := range methods {
		known = append(known, m.name)
		if m.name != f.method {
			continue
		}
		p, err := readPoll(file)
		if err != nil {
			return nil, err
		}
		switch {
		case m.budget && p.budget == nil:
			return nil, usagef("%s counts the ballots of a budget, and %s has rankings", m.name, file)
		case !m.budget && p.budget != nil:
			return nil, usagef("%s counts rankings, and %s has the ballots of a budget", m.name, file)
		case !m.many && f.seats != 1:
			return nil, usagef("%s has no seats to fill: leave out --seats", m.name)
		}
		if err := tally.CheckSeats(f.seats, len(p.options)); err != nil {
			return nil, usagef("%v", err)
		}
		c, err := m.count(p, f)
		if err != nil {
			return nil, err
		}
		c.Method, c.Options, c.Lot = m.name, p.options, p.lot
		c.Drawn = "SHA-256 of the file's SHA-256 and the option's number from 0 as 8 bytes: the smaller comes first"
		return c, nil
	}
	return nil, usagef("unknown method %q; there are: %s", f.method, strings.Join(known, ", "))
}

// readPoll reads a file as its ending says.
func readPoll(name string) (*poll, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usagef("cannot read %s: %v", name, errors.Unwrap(err))
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, pabulib.MaxFile+1))
	if err != nil {
		return nil, usagef("cannot read %s: %v", name, errors.Unwrap(err))
	}
	p := &poll{}
	switch ending := filepath.Ext(name); ending {
	case ".soi", ".soc", ".toi", ".toc":
		e, err := preflib.Parse(file)
		if err != nil {
			return nil, usagef("%s is no file of rankings: %v", name, err)
		}
		p.options, p.labels, p.rankings = e.Options, e.Options, e.Orders
	case ".pb":
		if p.budget, err = pabulib.Parse(file); err != nil {
			return nil, usagef("%s is no file of a budget: %v", name, err)
		}
		for _, project := range p.budget.Projects {
			p.options = append(p.options, project.ID)
			p.labels = append(p.labels, strings.TrimSpace(project.ID+" "+beginning(project.Name)))
		}
	default:
		return nil, usagef("%s ends in %q: expected .soi, .soc, .toi, .toc or .pb", name, ending)
	}
	p.lot = drawLot(sha256.Sum256(file), len(p.options))
	return p, nil
}

// beginning is as much of a project's name as fits a table.
func beginning(name string) string {
	const most = 40
	if letters := []rune(name); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return name
}

// drawLot orders options by SHA-256 of a seed and their number. Who made the file could have tried many,
// but everybody draws the same from it.
func drawLot(seed [32]byte, options int) tally.Lot {
	draw := make([]string, options)
	order := make([]int, options)
	for i := range draw {
		hash := sha256.Sum256(binary.BigEndian.AppendUint64(seed[:], uint64(i)))
		draw[i], order[i] = string(hash[:]), i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(draw[a], draw[b]) })
	lot := make(tally.Lot, options)
	for place, i := range order {
		lot[i] = place
	}
	return lot
}

func (p *poll) ranked(yield func(tally.Ranking) bool) {
	for _, o := range p.rankings {
		if !yield(tally.Ranking{Weight: o.Count, Places: o.Places}) {
			return
		}
	}
}

// approvals takes a project with at least one point as approved, where ballots have points.
func (p *poll) approvals(yield func(tally.Approval) bool) {
	for _, b := range p.budget.Ballots {
		v := tally.Approval{Weight: 1, Options: b.Projects}
		if len(b.Points) > 0 {
			v.Options = nil
			for i, project := range b.Projects {
				if b.Points[i] > 0 {
					v.Options = append(v.Options, project)
				}
			}
		}
		if !yield(v) {
			return
		}
	}
}

func (p *poll) points() iter.Seq2[tally.Points, error] {
	return func(yield func(tally.Points, error) bool) {
		for _, b := range p.budget.Ballots {
			v := tally.Points{Weight: 1, Points: make([]uint64, len(p.options))}
			for i, points := range b.Points {
				v.Points[b.Projects[i]] = points
			}
			if !yield(v, v.Check(len(p.options), tally.MaxPoints, tally.Linear)) {
				return
			}
		}
	}
}

func (p *poll) names(options []int) (names []string) {
	for _, i := range options {
		names = append(names, p.options[i])
	}
	return names
}

func (p *poll) costs() (costs []uint64) {
	for _, project := range p.budget.Projects {
		costs = append(costs, project.Cost)
	}
	return costs
}

func (c *counted) row(step int, what, option, number, note string) {
	c.rows = append(c.rows, tallyRow{fmt.Sprint(step), what, option, number, note})
}

func countSchulze(p *poll, f tallyFlags) (*counted, error) {
	r := tally.CountSchulze(len(p.options), p.ranked, p.lot)
	c := &counted{Winners: p.names(r.Order[:f.seats]), Steps: r.Paths, Pairs: r.Pairs, Ties: r.Ties}
	for _, path := range r.Paths {
		what := "beats"
		if path.Strength == path.Back {
			what = "level with"
		}
		via := strings.Join(p.names(path.Via), " > ")
		c.row(slices.Index(r.Order, path.To), what, p.options[path.From]+" / "+p.options[path.To], fmt.Sprintf("%d : %d", path.Strength.For, path.Back.For), via)
	}
	return c, nil
}

func countRunoff(p *poll, _ tallyFlags) (*counted, error) {
	r := tally.CountRunoff(len(p.options), p.ranked, p.lot)
	c := &counted{Winners: p.names([]int{r.Winner}), Steps: r.Rounds, Ties: r.Ties}
	gone := make([]bool, len(p.options))
	for n, round := range r.Rounds {
		for i, votes := range round.Votes {
			note := ""
			switch {
			case gone[i]:
				continue
			case i == round.Excluded:
				note = "excluded"
			case round.Excluded < 0 && i == r.Winner:
				note = "elected"
			}
			c.row(n+1, "round", p.options[i], fmt.Sprint(votes), note)
		}
		if round.Excluded >= 0 {
			gone[round.Excluded] = true
		}
		if round.Exhausted > 0 {
			c.row(n+1, "round", "", fmt.Sprint(round.Exhausted), "exhausted")
		}
	}
	return c, nil
}

func countSTV(p *poll, f tallyFlags) (*counted, error) {
	r := tally.CountSTV(len(p.options), f.seats, p.ranked, p.lot)
	c := &counted{Winners: p.names(r.Elected), Steps: r.Stages, Ties: r.Ties}
	for n, stage := range r.Stages {
		what := string(stage.Action)
		if stage.Option >= 0 {
			what += " of " + p.options[stage.Option]
		}
		if n == 0 {
			what += fmt.Sprintf(", quota %d", r.Quota)
		}
		for i, votes := range stage.Votes {
			note := ""
			for _, t := range stage.Transfers {
				if t.Option == i {
					note = fmt.Sprintf("+%v on %d papers", t.Votes, t.Papers)
				}
			}
			if slices.Contains(stage.Elected, i) {
				note = strings.TrimPrefix(note+", elected", ", ")
			}
			if n == 0 || note != "" || i == stage.Option {
				c.row(n+1, what, p.options[i], votes.String(), note)
			}
		}
		c.row(n+1, what, "", stage.NonTransferable.String(), fmt.Sprintf("not transferable, %v lost to remainders", stage.Lost))
	}
	return c, nil
}

func countApproval(p *poll, f tallyFlags) (*counted, error) {
	r := tally.CountApproval(len(p.options), p.approvals, p.lot)
	return p.places(r.Order, r.Votes, r.Ties, f.seats), nil
}

func countPoints(p *poll, f tallyFlags) (*counted, error) {
	sums, order, ties, err := p.addPoints()
	if err != nil {
		return nil, err
	}
	return p.places(order, sums, ties, f.seats), nil
}

// addPoints adds up the points of each project.
func (p *poll) addPoints() (sums []uint64, order []int, ties []tally.Tie, err error) {
	if !slices.ContainsFunc(p.budget.Ballots, func(b pabulib.Ballot) bool { return len(b.Points) > 0 }) {
		return nil, nil, nil, usagef("the ballots of this file have no points")
	}
	r := tally.CountPoints(len(p.options), func(yield func(tally.Points) bool) {
		for v, bad := range p.points() {
			if err = bad; err != nil || !yield(v) {
				return
			}
		}
	}, p.lot)
	if err != nil {
		return nil, nil, nil, usagef("%v", err)
	}
	return r.Sums, r.Order, r.Ties, nil
}

// place is a step of a count that only adds up.
type place struct {
	Option int    `json:"option"`
	Votes  uint64 `json:"votes"`
}

func (p *poll) places(order []int, votes []uint64, ties []tally.Tie, seats int) *counted {
	c := &counted{Winners: p.names(order[:seats]), Ties: ties}
	var steps []place
	for n, i := range order {
		steps = append(steps, place{i, votes[i]})
		c.row(n+1, "place", p.labels[i], fmt.Sprint(votes[i]), "")
	}
	c.Steps = steps
	return c
}

func countGreedy(p *poll, _ tallyFlags) (*counted, error) {
	votes, _, _, err := p.addPoints()
	if err != nil {
		votes = tally.CountApproval(len(p.options), p.approvals, p.lot).Votes
	}
	r := tally.ShareGreedily(p.budget.Budget, p.costs(), votes, p.lot)
	c := &counted{Winners: p.names(r.Funded), Steps: r.Steps, Ties: r.Ties}
	p.greedyRows(c, 1, r.Steps)
	return c, nil
}

func (p *poll) greedyRows(c *counted, first int, steps []tally.GreedyStep) {
	for n, s := range steps {
		what := "does not fit"
		if s.Funded {
			what = "funded"
		}
		c.row(first+n, what, p.labels[s.Option], fmt.Sprint(s.Votes), fmt.Sprintf("cost %d of %d left", s.Cost, s.Left))
	}
}

func countShares(p *poll, f tallyFlags) (*counted, error) {
	var o tally.Shares
	for word := range strings.SplitSeq(f.completion, ",") {
		switch word {
		case "none":
		case "add1":
			o.Raise = 1
		case "utilitarian":
			o.Fill = true
		default:
			return nil, usagef("unknown completion %q; there are: none, add1, utilitarian", word)
		}
	}
	r := tally.CountEqualShares(p.budget.Budget, p.costs(), p.approvals, p.lot, o)
	c := &counted{Winners: p.names(r.Funded), Ties: r.Ties, Share: r.Share, Raises: r.Raises, Stop: r.Stop}
	if r.Share != nil {
		c.row(0, "share", "", short(r.Share), strings.TrimSuffix(fmt.Sprintf("of each vote, after %d raises; %s", r.Raises, r.Stop), "; "))
	}
	var steps []any
	for n, s := range r.Steps {
		steps = append(steps, s)
		c.row(n+1, "bought", p.labels[s.Option], short(s.Effective), fmt.Sprintf("cost %d, %d of %d pay %s in full", s.Cost, s.InFull, s.Votes, short(s.Price)))
	}
	for _, s := range r.Filled {
		steps = append(steps, s)
	}
	p.greedyRows(c, len(r.Steps)+1, r.Filled)
	c.Steps = steps
	return c, nil
}

// short is a fraction as a person reads it; the exact one is in the JSON.
func short(x *big.Rat) string {
	if x.IsInt() {
		return x.RatString()
	}
	return x.FloatString(2)
}

func (a *app) printCount(c *counted) error {
	if c.Winners == nil {
		c.Winners = []string{}
	}
	if c.Ties == nil {
		c.Ties = []tally.Tie{}
	}
	switch {
	case a.wantsJSON():
		return a.printJSON(c)
	case a.quiet:
		for _, name := range c.Winners {
			fmt.Fprintln(a.out, oneLine(name))
		}
		return nil
	}
	for n, name := range c.Winners {
		c.row(n+1, "winner", name, "", "")
	}
	for _, tie := range c.Ties {
		var names []string
		for _, i := range tie.Options {
			names = append(names, c.Options[i])
		}
		c.row(0, "lot", strings.Join(names, " before "), "", tie.Why)
	}
	a.say("Where options are equal the lot decides: %s.", c.Drawn)
	return list(a, c.rows, func(r tallyRow) string { return r.option },
		column[tallyRow]{name: "step", text: func(r tallyRow) string { return r.step }},
		column[tallyRow]{name: "what", text: func(r tallyRow) string { return r.what }},
		column[tallyRow]{name: "option", text: func(r tallyRow) string { return r.option }},
		column[tallyRow]{name: "votes", text: func(r tallyRow) string { return r.number }},
		column[tallyRow]{name: "note", text: func(r tallyRow) string { return r.note }},
	)
}

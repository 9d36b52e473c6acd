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
	rows    []tally.Row
}

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

func countSchulze(p *poll, f tallyFlags) (*counted, error) {
	r := tally.CountSchulze(len(p.options), p.ranked, p.lot)
	return &counted{Winners: p.names(r.Order[:f.seats]), Steps: r.Paths, Pairs: r.Pairs, Ties: r.Ties, rows: r.Rows(p.labels)}, nil
}

func countRunoff(p *poll, _ tallyFlags) (*counted, error) {
	r := tally.CountRunoff(len(p.options), p.ranked, p.lot)
	return &counted{Winners: p.names([]int{r.Winner}), Steps: r.Rounds, Ties: r.Ties, rows: r.Rows(p.labels)}, nil
}

func countSTV(p *poll, f tallyFlags) (*counted, error) {
	r := tally.CountSTV(len(p.options), f.seats, p.ranked, p.lot)
	return &counted{Winners: p.names(r.Elected), Steps: r.Stages, Ties: r.Ties, rows: r.Rows(p.labels)}, nil
}

func countApproval(p *poll, f tallyFlags) (*counted, error) {
	r := tally.CountApproval(len(p.options), p.approvals, p.lot)
	return p.places(r.Order, r.Votes, r.Ties, f.seats, r.Rows(p.labels)), nil
}

func countPoints(p *poll, f tallyFlags) (*counted, error) {
	r, err := p.addPoints()
	if err != nil {
		return nil, err
	}
	return p.places(r.Order, r.Sums, r.Ties, f.seats, r.Rows(p.labels)), nil
}

// addPoints adds up the points of each project.
func (p *poll) addPoints() (r tally.PointsResult, err error) {
	if !slices.ContainsFunc(p.budget.Ballots, func(b pabulib.Ballot) bool { return len(b.Points) > 0 }) {
		return r, usagef("the ballots of this file have no points")
	}
	r = tally.CountPoints(len(p.options), func(yield func(tally.Points) bool) {
		for v, bad := range p.points() {
			if err = bad; err != nil || !yield(v) {
				return
			}
		}
	}, p.lot)
	if err != nil {
		return r, usagef("%v", err)
	}
	return r, nil
}

// place is a step of a count that only adds up.
type place struct {
	Option int    `json:"option"`
	Votes  uint64 `json:"votes"`
}

func (p *poll) places(order []int, votes []uint64, ties []tally.Tie, seats int, rows []tally.Row) *counted {
	c := &counted{Winners: p.names(order[:seats]), Ties: ties, rows: rows}
	var steps []place
	for _, i := range order {
		steps = append(steps, place{i, votes[i]})
	}
	c.Steps = steps
	return c
}

func countGreedy(p *poll, _ tallyFlags) (*counted, error) {
	points, err := p.addPoints()
	votes := points.Sums
	if err != nil {
		votes = tally.CountApproval(len(p.options), p.approvals, p.lot).Votes
	}
	r := tally.ShareGreedily(p.budget.Budget, p.costs(), votes, p.lot)
	return &counted{Winners: p.names(r.Funded), Steps: r.Steps, Ties: r.Ties, rows: r.Rows(p.labels)}, nil
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
	c := &counted{Winners: p.names(r.Funded), Ties: r.Ties, Share: r.Share, Raises: r.Raises, Stop: r.Stop, rows: r.Rows(p.labels)}
	var steps []any
	for _, s := range r.Steps {
		steps = append(steps, s)
	}
	for _, s := range r.Filled {
		steps = append(steps, s)
	}
	c.Steps = steps
	return c, nil
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
		c.rows = append(c.rows, tally.Row{Step: n + 1, What: "winner", Option: name})
	}
	for _, tie := range c.Ties {
		var names []string
		for _, i := range tie.Options {
			names = append(names, c.Options[i])
		}
		c.rows = append(c.rows, tally.Row{What: "lot", Option: strings.Join(names, " before "), Note: tie.Why})
	}
	a.say("Where options are equal the lot decides: %s.", c.Drawn)
	return a.printRows(c.rows)
}

// printRows prints the account of a count.
func (a *app) printRows(rows []tally.Row) error {
	return list(a, rows, func(r tally.Row) string { return r.Option },
		column[tally.Row]{name: "step", text: func(r tally.Row) string { return fmt.Sprint(r.Step) }},
		column[tally.Row]{name: "what", text: func(r tally.Row) string { return r.What }},
		column[tally.Row]{name: "option", text: func(r tally.Row) string { return r.Option }},
		column[tally.Row]{name: "votes", text: func(r tally.Row) string { return r.Number }},
		column[tally.Row]{name: "note", text: func(r tally.Row) string { return r.Note }},
	)
}

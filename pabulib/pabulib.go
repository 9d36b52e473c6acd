// Package pabulib reads participatory budgets in the .pb format of Pabulib (https://pabulib.org).
//
// Its one idea: a count that reproduces what a real city decided is worth more than one that agrees
// with itself. The format is text with semicolons in three sections, META, PROJECTS and VOTES, each
// with a line of column names; it is described in Faliszewski et al., "Participatory Budgeting:
// Data, Tools, and Analysis", IJCAI 2023.
//
// Parse reads what a count needs, and what the city found, and refuses what it cannot represent
// exactly: amounts that are not whole numbers, votes for projects that do not exist, a project twice
// on one ballot. The package knows no voting method, no file system and nothing of the cooperative.
package pabulib

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds on a file.
const (
	MaxFile     = 64 << 20 // bytes
	MaxProjects = 4096
	MaxBallots  = 1 << 20
	MaxAmount   = 1<<53 - 1
)

// Why a file is not read, in the order of checking; each comes with the line.
var (
	ErrSize     = errors.New("the file is larger than 64 MiB: split it")
	ErrSection  = errors.New("expected the sections META, PROJECTS and VOTES, in this order and each once")
	ErrColumn   = errors.New("a column that the section needs is missing")
	ErrAmount   = errors.New("expected a whole number below 2^53")
	ErrTooMany  = errors.New("more than 4,096 projects or 1,048,576 ballots")
	ErrRepeated = errors.New("two projects have one id, or a ballot names a project twice")
	ErrUnknown  = errors.New("a ballot names a project that is not listed")
	ErrPoints   = errors.New("a ballot has not one number of points for each project it names")
)

// Field is a line of META.
type Field struct{ Key, Value string }

// Project is one way to spend a part of the budget.
type Project struct {
	ID       string
	Name     string
	Cost     uint64 // whole units of the currency
	Votes    uint64 // as the city counted; see Instance.Counted
	Selected bool   // as the city decided; see Instance.Decided
}

// Ballot is one voter's choice.
type Ballot struct {
	Voter    string
	Projects []int    // indexes into Instance.Projects, as the voter listed them
	Points   []uint64 // one for each of Projects in elections with points, otherwise empty
}

// Instance is one election.
type Instance struct {
	Meta     []Field
	Budget   uint64
	Projects []Project
	Ballots  []Ballot
	Counted  bool // the file has the column votes
	Decided  bool // the file has the column selected
}

// Get is the value of a key of META, or "".
func (in *Instance) Get(key string) string {
	for _, f := range in.Meta {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// reader is the state of reading: the section, its columns, and the projects by id.
type reader struct {
	in      Instance
	section int
	columns []string
	byID    map[string]int
}

var sections = [...]string{"META", "PROJECTS", "VOTES"}

// needed are the columns without which a section says nothing.
var needed = [...][]string{{"key", "value"}, {"project_id", "cost"}, {"voter_id", "vote"}}

// Parse reads a file. Errors wrap the reasons above, or are those of encoding/csv.
func Parse(file []byte) (*Instance, error) {
	if len(file) > MaxFile {
		return nil, ErrSize
	}
	lines := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	lines.Comma, lines.FieldsPerRecord, lines.LazyQuotes = ';', -1, true
	r := reader{section: -1, byID: make(map[string]int)}
	for {
		fields, err := lines.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err // which names the line itself
		}
		if err := r.line(fields); err != nil {
			n, _ := lines.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if r.section != len(sections)-1 || r.columns == nil {
		return nil, ErrSection
	}
	budget, err := amount(r.in.Get("budget"))
	if err != nil {
		return nil, fmt.Errorf("budget: %w", err)
	}
	r.in.Budget = budget
	return &r.in, nil
}

func (r *reader) line(fields []string) error {
	if len(fields) == 1 {
		if next := r.section + 1; next < len(sections) && strings.TrimSpace(fields[0]) == sections[next] {
			if r.section >= 0 && r.columns == nil {
				return ErrSection
			}
			r.section, r.columns = next, nil
			return nil
		}
	}
	if r.section < 0 {
		return ErrSection
	}
	if r.columns == nil {
		r.columns = fields
		for _, name := range needed[r.section] {
			if !r.has(name) {
				return fmt.Errorf("%w: %s", ErrColumn, name)
			}
		}
		return nil
	}
	switch sections[r.section] {
	case "META":
		r.in.Meta = append(r.in.Meta, Field{r.value(fields, "key"), r.value(fields, "value")})
		return nil
	case "PROJECTS":
		return r.project(fields)
	}
	return r.ballot(fields)
}

func (r *reader) has(column string) bool {
	for _, name := range r.columns {
		if name == column {
			return true
		}
	}
	return false
}

// value is the field under a column; a line may be shorter than its head.
func (r *reader) value(fields []string, column string) string {
	for i, name := range r.columns {
		if name == column && i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
	}
	return ""
}

func (r *reader) project(fields []string) error {
	p := Project{ID: r.value(fields, "project_id"), Name: r.value(fields, "name")}
	if _, known := r.byID[p.ID]; known {
		return fmt.Errorf("%w: %q", ErrRepeated, p.ID)
	}
	if len(r.in.Projects) == MaxProjects {
		return ErrTooMany
	}
	var err error
	if p.Cost, err = amount(r.value(fields, "cost")); err != nil {
		return fmt.Errorf("cost: %w", err)
	}
	if r.in.Counted = r.has("votes"); r.in.Counted {
		if p.Votes, err = amount(r.value(fields, "votes")); err != nil {
			return fmt.Errorf("votes: %w", err)
		}
	}
	r.in.Decided = r.has("selected")
	p.Selected = r.value(fields, "selected") == "1"
	r.byID[p.ID] = len(r.in.Projects)
	r.in.Projects = append(r.in.Projects, p)
	return nil
}

func (r *reader) ballot(fields []string) error {
	if len(r.in.Ballots) == MaxBallots {
		return ErrTooMany
	}
	b := Ballot{Voter: r.value(fields, "voter_id")}
	seen := make(map[int]bool)
	for _, id := range list(r.value(fields, "vote")) {
		i, known := r.byID[id]
		switch {
		case !known:
			return fmt.Errorf("%w: %q", ErrUnknown, id)
		case seen[i]:
			return fmt.Errorf("%w: %q", ErrRepeated, id)
		}
		seen[i] = true
		b.Projects = append(b.Projects, i)
	}
	for _, text := range list(r.value(fields, "points")) {
		n, err := amount(text)
		if err != nil {
			return fmt.Errorf("points: %w", err)
		}
		b.Points = append(b.Points, n)
	}
	if len(b.Points) != 0 && len(b.Points) != len(b.Projects) {
		return ErrPoints
	}
	r.in.Ballots = append(r.in.Ballots, b)
	return nil
}

// list splits "1,2,3"; an empty text is an empty list.
func list(text string) []string {
	if text == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func amount(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > MaxAmount {
		return 0, fmt.Errorf("%w, got %q", ErrAmount, text)
	}
	return n, nil
}

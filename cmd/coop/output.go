package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/itchyny/gojq"
	"golang.org/x/term"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
)

// app is one run of the program: how it was called, and where its words go.
type app struct {
	homeFlag string
	coop     string
	json     jsonFlag
	jq       string
	quiet    bool
	noticed  string // the last that was noticed, see notice

	in     *os.File
	out    io.Writer
	err    io.Writer
	tty    bool // out is a terminal
	inTTY  bool
	errTTY bool
	color  bool
	now    func() time.Time
}

func newApp() *app {
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, now: time.Now}
	a.tty = term.IsTerminal(int(os.Stdout.Fd()))
	a.inTTY = term.IsTerminal(int(os.Stdin.Fd()))
	a.errTTY = term.IsTerminal(int(os.Stderr.Fd()))
	a.color = a.errTTY && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if force := os.Getenv("CLICOLOR_FORCE"); force != "" && force != "0" && os.Getenv("NO_COLOR") == "" {
		a.color = true
	}
	return a
}

// Colours, as ANSI codes. They never carry a meaning that words don't.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
	dim    = "2"
)

func (a *app) paint(code, text string) string {
	if !a.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// say tells a person something; programs don't read it.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

const allFields = "*"

// jsonFlag is --json with or without fields.
type jsonFlag struct {
	set    bool
	fields []string
}

// String is the flag's value.
func (j *jsonFlag) String() string { return strings.Join(j.fields, ",") }

// Set reads the fields.
func (j *jsonFlag) Set(text string) error {
	j.set, j.fields = true, nil
	if text != allFields {
		for _, field := range strings.Split(text, ",") {
			j.fields = append(j.fields, strings.TrimSpace(field))
		}
	}
	return nil
}

// Type is shown in help.
func (j *jsonFlag) Type() string { return "fields" }

// column is one column of a table. Plain is what a program reads, if it differs from what a person
// does.
type column[T any] struct {
	name  string
	text  func(T) string
	plain func(T) string
}

// list prints rows in the way that was asked for.
func list[T any](a *app, rows []T, id func(T) string, columns ...column[T]) error {
	switch {
	case a.wantsJSON():
		if rows == nil {
			rows = []T{}
		}
		return a.printJSON(rows)
	case a.quiet:
		for _, row := range rows {
			fmt.Fprintln(a.out, id(row))
		}
		return nil
	case !a.tty:
		for _, row := range rows {
			cells := make([]string, len(columns))
			for i, c := range columns {
				cells[i] = oneLine(c.cell(row, true))
			}
			fmt.Fprintln(a.out, strings.Join(cells, "\t"))
		}
		return nil
	}
	if len(rows) == 0 {
		a.say("nothing yet, or nothing that fits")
		return nil
	}
	table := [][]string{make([]string, len(columns))}
	for i, c := range columns {
		table[0][i] = strings.ToUpper(c.name)
	}
	for _, row := range rows {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = oneLine(c.cell(row, false))
		}
		table = append(table, cells)
	}
	printTable(a.out, table)
	return nil
}

func (c column[T]) cell(row T, plain bool) string {
	if plain && c.plain != nil {
		return c.plain(row)
	}
	return c.text(row)
}

// oneLine keeps text that others wrote from breaking the table, or the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r <= 0x9f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
}

func printTable(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// field is one line of what is shown about one thing.
type field struct{ name, value string }

// show prints one thing: lines of name and value to a person, the same with a tab to a program.
func (a *app) show(value any, id string, fields ...field) error {
	switch {
	case a.wantsJSON():
		return a.printJSON(value)
	case a.quiet:
		fmt.Fprintln(a.out, id)
		return nil
	}
	width := 0
	for _, f := range fields {
		width = max(width, utf8.RuneCountInString(f.name))
	}
	for _, f := range fields {
		if f.value == "" {
			continue
		}
		if a.tty {
			fmt.Fprintf(a.out, "%s%s  %s\n", f.name, strings.Repeat(" ", width-utf8.RuneCountInString(f.name)), visible(f.value, width+2))
		} else {
			fmt.Fprintf(a.out, "%s\t%s\n", f.name, oneLine(f.value))
		}
	}
	return nil
}

// visible indents a text of several lines and drops what would steer the terminal.
func visible(text string, indent int) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = oneLine(lines[i])
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

func (a *app) wantsJSON() bool { return a.json.set || a.jq != "" }

// printJSON prints a value: its fields that were asked for, times as RFC 3339, through jq if asked.
func (a *app) printJSON(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("the answer cannot be written as JSON: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return fmt.Errorf("the answer cannot be written as JSON: %w", err)
	}
	tree = moments(tree)
	if tree, err = a.json.choose(tree); err != nil {
		return err
	}
	if a.jq != "" {
		return a.filter(tree)
	}
	return a.printTree(tree)
}

func (a *app) printTree(tree any) error {
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	if a.tty {
		encoder.SetIndent("", "  ")
	}
	return encoder.Encode(tree)
}

// momentFields are the names under which the API tells times in milliseconds since 1970. To people
// and programs they are RFC 3339.
var momentFields = []string{"time", "founded", "since", "opened", "due", "ended", "until", "last", "cast", "start", "end", "at", "expires", "clock", "given", "confirmed", "ends", "called"}

func moments(tree any) any {
	switch v := tree.(type) {
	case []any:
		for i := range v {
			v[i] = moments(v[i])
		}
	case map[string]any:
		for name, value := range v {
			if number, ok := value.(json.Number); ok && slices.Contains(momentFields, name) {
				if ms, err := number.Int64(); err == nil && ms > 0 {
					v[name] = event.Time(ms).String()
				} else {
					v[name] = nil
				}
				continue
			}
			v[name] = moments(value)
		}
	}
	return tree
}

// choose keeps the fields that were asked for.
func (j *jsonFlag) choose(tree any) (any, error) {
	if len(j.fields) == 0 {
		return tree, nil
	}
	if rows, ok := tree.([]any); ok {
		for i := range rows {
			row, err := j.choose(rows[i])
			if err != nil {
				return nil, err
			}
			rows[i] = row
		}
		return rows, nil
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return tree, nil
	}
	chosen := map[string]any{}
	for _, field := range j.fields {
		value, there := object[field]
		if !there {
			names := make([]string, 0, len(object))
			for name := range object {
				names = append(names, name)
			}
			slices.Sort(names)
			return nil, &home.Problem{Code: daemon.CodeUsage, What: fmt.Sprintf("there is no field %q", field), Next: "--json=" + strings.Join(names, ",")}
		}
		chosen[field] = value
	}
	return chosen, nil
}

func (a *app) filter(tree any) error {
	query, err := gojq.Parse(a.jq)
	if err != nil {
		return usagef("--jq: %v", err)
	}
	results := query.Run(floats(tree))
	for {
		value, more := results.Next()
		if !more {
			return nil
		}
		if err, failed := value.(error); failed {
			return usagef("--jq: %v", err)
		}
		if text, ok := value.(string); ok {
			fmt.Fprintln(a.out, text)
			continue
		}
		if err := a.printTree(value); err != nil {
			return err
		}
	}
}

// floats gives jq the kinds of numbers that it knows.
func floats(tree any) any {
	switch v := tree.(type) {
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = floats(v[name])
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		n, _ := v.Float64() // JSON numbers are
		return n
	}
	return tree
}

// Package preflib reads elections in the four formats of PrefLib (https://preflib.org) for orders:
// .soc and .soi (strict, complete or incomplete), .toc and .toi (the same with ties).
//
// Its one idea: real ballots find what invented ones don't. The formats are text: lines that begin
// with # name the options and say how many there are, then each line is an order and how many voters
// gave it, "35: 3,1,{2,4}", where {} holds options ranked equal. They are described in Mattei and
// Walsh, "PrefLib: A Library for Preferences", ADT 2013, and on the site.
//
// Parse takes a file at its word and holds it to it: the type that it names must be that of its
// orders, and the numbers of options, voters and orders must be those found. The package knows no
// voting method, no file system and nothing of the cooperative.
package preflib

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds on a file.
const (
	MaxFile    = 16 << 20 // bytes
	MaxOptions = 1024
	MaxVoters  = 1 << 40
)

// Why a file is not read; each comes with the line.
var (
	ErrSize     = errors.New("the file is larger than 16 MiB: split it")
	ErrText     = errors.New("the file is not text in UTF-8")
	ErrHead     = errors.New("expected the lines DATA TYPE, NUMBER ALTERNATIVES, NUMBER VOTERS and NUMBER UNIQUE ORDERS, each once and before the orders")
	ErrType     = errors.New("expected the data type soc, soi, toc or toi")
	ErrNumber   = errors.New("expected a whole number from 1 to the bound")
	ErrName     = errors.New("expected one name for each option, numbered from 1")
	ErrOrder    = errors.New("expected an order such as 35: 3,1,{2,4}")
	ErrUnknown  = errors.New("an order names an option that is not listed")
	ErrRepeated = errors.New("an order names an option twice")
	ErrTie      = errors.New("an order has a tie, and the data type allows none")
	ErrPartial  = errors.New("an order leaves an option out, and the data type allows none")
	ErrCount    = errors.New("the file says another number than it has")
)

// Order is an order of the options, and by how many voters it was given.
type Order struct {
	Count     uint64
	Places    [][]int // options, from 0, best first; those on one place are ranked equal
	Truncated bool    // some options stand on no place
}

// Election is what a file holds.
type Election struct {
	Title   string
	Type    string   // "soc", "soi", "toc" or "toi"
	Options []string // names
	Voters  uint64
	Orders  []Order
}

// reader is the state of reading.
type reader struct {
	Election
	head   map[string]string
	named  int
	orders uint64
	voters uint64
	seen   []int // of each option: the last order that named it, from 1
}

// Parse reads a file. Errors wrap the reasons above.
func Parse(file []byte) (*Election, error) {
	if len(file) > MaxFile {
		return nil, ErrSize
	}
	if strings.ToValidUTF8(string(file), "") != string(file) {
		return nil, ErrText
	}
	r := reader{head: make(map[string]string)}
	n := 0
	for line := range bytes.Lines(bytes.TrimPrefix(file, []byte("\ufeff"))) {
		n++
		if err := r.line(strings.TrimSpace(string(line))); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return &r.Election, nil
}

// end holds the file to what it says about itself.
func (r *reader) end() error {
	if r.seen == nil {
		return ErrHead
	}
	if r.voters != r.Voters {
		return fmt.Errorf("%w: NUMBER VOTERS is %d, the orders have %d", ErrCount, r.Voters, r.voters)
	}
	if got := uint64(len(r.Orders)); got != r.orders {
		return fmt.Errorf("%w: NUMBER UNIQUE ORDERS is %d, there are %d", ErrCount, r.orders, got)
	}
	return nil
}

func (r *reader) line(line string) error {
	comment, isComment := strings.CutPrefix(line, "#")
	switch {
	case line == "":
		return nil
	case isComment:
		key, value, _ := strings.Cut(comment, ":")
		return r.field(strings.TrimSpace(key), strings.TrimSpace(value))
	case r.seen == nil:
		if err := r.begin(); err != nil {
			return err
		}
	}
	return r.order(line)
}

// field notes a line of the head. Those that the count does not need are passed over.
func (r *reader) field(key, value string) error {
	number, isName := strings.CutPrefix(key, "ALTERNATIVE NAME ")
	switch {
	case isName:
		if n, err := strconv.Atoi(number); r.seen != nil || err != nil || n != r.named+1 || n > MaxOptions {
			return ErrName
		}
		r.named++
		r.Options = append(r.Options, value)
	case key == "TITLE":
		r.Title = value
	case key == "DATA TYPE", key == "NUMBER ALTERNATIVES", key == "NUMBER VOTERS", key == "NUMBER UNIQUE ORDERS":
		if _, twice := r.head[key]; twice || r.seen != nil {
			return ErrHead
		}
		r.head[key] = value
	}
	return nil
}

// begin ends the head.
func (r *reader) begin() error {
	if len(r.head) < 4 {
		return ErrHead
	}
	r.Type = r.head["DATA TYPE"]
	switch r.Type {
	case "soc", "soi", "toc", "toi":
	default:
		return fmt.Errorf("%w, got %q", ErrType, r.Type)
	}
	options, err := number(r.head["NUMBER ALTERNATIVES"], MaxOptions)
	if err != nil {
		return err
	}
	if uint64(r.named) != options {
		return fmt.Errorf("%w: %d names, %d options", ErrName, r.named, options)
	}
	if r.Voters, err = number(r.head["NUMBER VOTERS"], MaxVoters); err != nil {
		return err
	}
	if r.orders, err = number(r.head["NUMBER UNIQUE ORDERS"], MaxVoters); err != nil {
		return err
	}
	r.seen = make([]int, options)
	return nil
}

func (r *reader) order(line string) error {
	count, places, found := strings.Cut(line, ":")
	if !found {
		return ErrOrder
	}
	o := Order{}
	var err error
	if o.Count, err = number(strings.TrimSpace(count), MaxVoters-r.voters); err != nil {
		return err
	}
	r.voters += o.Count
	ranked := 0
	for more := true; more; {
		var place string
		var isTie bool
		if place, isTie, places, more, err = cut(places); err != nil {
			return err
		}
		options, err := r.place(place, isTie)
		if err != nil {
			return err
		}
		ranked += len(options)
		o.Places = append(o.Places, options)
	}
	o.Truncated = ranked < len(r.seen)
	if o.Truncated && strings.HasSuffix(r.Type, "c") {
		return ErrPartial
	}
	r.Orders = append(r.Orders, o)
	return nil
}

// cut takes the first place off an order: the text inside {} if it is a tie. More says whether a comma
// follows.
func cut(order string) (place string, isTie bool, rest string, more bool, err error) {
	inside, isTie := strings.CutPrefix(strings.TrimSpace(order), "{")
	if !isTie {
		place, rest, more = strings.Cut(order, ",")
		return place, false, rest, more, nil
	}
	place, rest, closed := strings.Cut(inside, "}")
	before, rest, more := strings.Cut(rest, ",")
	if !closed || strings.TrimSpace(before) != "" {
		return "", true, "", false, ErrOrder
	}
	return place, true, rest, more, nil
}

// place reads the options that share one place.
func (r *reader) place(text string, isTie bool) ([]int, error) {
	var options []int
	for name := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(name), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%w, got %.40q", ErrOrder, name)
		}
		if n < 1 || n > uint64(len(r.seen)) {
			return nil, fmt.Errorf("%w: %d of %d", ErrUnknown, n, len(r.seen))
		}
		if r.seen[n-1] == len(r.Orders)+1 {
			return nil, fmt.Errorf("%w: %d", ErrRepeated, n)
		}
		r.seen[n-1] = len(r.Orders) + 1
		options = append(options, int(n-1))
	}
	if isTie && len(options) > 1 && strings.HasPrefix(r.Type, "s") {
		return nil, ErrTie
	}
	return options, nil
}

func number(text string, most uint64) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%w %d, got %.40q", ErrNumber, most, text)
	}
	return n, nil
}

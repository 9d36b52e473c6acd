package program

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what happens into the stories of testdata")

// A story is a text file of cases. A case is a line that begins with #, then the lines of its input,
// then => and what must come of it, with its cost: the costs of all examples under the pinned model
// stand there, so a library that counts differently fails this test.
//
//	# three of five voted yes
//	setting members a,b,c,d,e
//	vote a yes
//	=> yes "3 of 5 voted yes" cost 123
type story struct {
	t    *testing.T
	file string
	// tell is asked what comes of the lines of one case.
	tell func(t *testing.T, lines []string) string
}

func (s story) run() {
	text, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	var out strings.Builder
	var lines []string
	cases := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		want, end := strings.CutPrefix(line, "=> ")
		if !end {
			out.WriteString(line + "\n")
			if strings.HasPrefix(line, "# ") {
				lines = nil
			}
			lines = append(lines, line)
			continue
		}
		cases++
		got := s.tell(s.t, lines)
		if got != want && !*update {
			s.t.Errorf("%s: %s\n got %s\nwant %s", s.file, lines[0], got, want)
		}
		out.WriteString("=> " + got + "\n")
		lines = nil
	}
	if cases == 0 {
		s.t.Errorf("%s tells nothing", s.file)
	}
	if *update {
		if err := os.WriteFile(s.file, []byte(out.String()), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
}

func tell(v Verdict) string {
	text := string(v.Choice)
	switch v.Choice {
	case Approve:
		text += fmt.Sprint(" ", v.Options)
	case Rank:
		text += fmt.Sprint(" ", v.Places)
	case Score, Spend:
		text += fmt.Sprint(" ", v.Numbers)
	}
	if v.Err != "" {
		text += fmt.Sprintf(" ERROR %q", v.Err)
	} else {
		text += fmt.Sprintf(" %q", v.Reason)
	}
	return fmt.Sprintf("%s cost %d", text, v.Cost)
}

// readInput builds an input from the lines of a case.
func readInput(t *testing.T, lines []string) Input {
	t.Helper()
	in := Input{Proposal: Proposal{Form: YesNo, Begins: 4 * 24 * 3600 * 1000}, Charter: Charter{Members: 10, ThresholdPart: 1, ThresholdWhole: 2}}
	p := &in.Proposal
	number := func(text string) uint64 {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		args := strings.Fields(rest)
		switch word {
		case "#":
		case "form":
			p.Form = Form(rest)
		case "title":
			p.Title = rest
		case "text":
			p.Text = rest
		case "tag":
			p.Tags = append(p.Tags, rest)
		case "budget":
			p.Budget = number(rest)
		case "points":
			p.Points = number(rest)
		case "highest":
			p.Highest = number(rest)
		case "begins":
			p.Begins = number(rest)
		case "option":
			p.Options = append(p.Options, Option{strings.Join(args[1:], " "), number(args[0])})
		case "action":
			a := Action{Kind: args[0]}
			if len(args) > 1 {
				a.Asset, a.Amount = args[1], number(args[2])
			}
			p.Actions = append(p.Actions, a)
		case "treasury":
			in.Treasury = append(in.Treasury, Holding{args[0], number(args[1])})
		case "vote":
			in.Votes = append(in.Votes, Vote{Member: args[0], Ballot: readBallot(t, args[1:])})
		case "setting":
			in.Settings = append(in.Settings, Setting{args[0], strings.Join(args[1:], " ")})
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	return in
}

func readBallot(t *testing.T, words []string) Ballot {
	t.Helper()
	b := Ballot{Choice: Choice(words[0])}
	for _, word := range words[1:] {
		n, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		switch b.Choice {
		case Approve:
			b.Options = append(b.Options, n)
		case Rank:
			b.Places = append(b.Places, []int{n})
		default:
			b.Numbers = append(b.Numbers, n)
		}
	}
	return b
}

func mustCheck(t testing.TB, source string) *Program {
	t.Helper()
	p, err := Check(source)
	if err != nil {
		t.Fatalf("%s\n%v", source, err)
	}
	return p
}

// TestExamples runs every example on the cases of its story, and each has one.
func TestExamples(t *testing.T) {
	examples := Examples()
	if len(examples) < 8 {
		t.Fatalf("only %d examples", len(examples))
	}
	for _, e := range examples {
		p := mustCheck(t, e.Source)
		file := filepath.Join("testdata", "examples", e.Name+".txt")
		story{t, file, func(t *testing.T, lines []string) string {
			v := p.Run(readInput(t, lines), Limit)
			if v.Cost > p.Worst() || p.Worst() > Limit {
				t.Errorf("%s: %s cost %d, at worst %d", file, lines[0], v.Cost, p.Worst())
			}
			return tell(v)
		}}.run()
		if e.Title == "" || strings.Contains(e.Title, "//") || !strings.HasSuffix(e.Title, ".") {
			t.Errorf("%s: the title is %q", e.Name, e.Title)
		}
		if !strings.Contains(e.Source, "// Settings:\n") {
			t.Errorf("%s: the settings are not explained", e.Name)
		}
	}
}

// TestStops runs programs that go wrong; each is told why.
func TestStops(t *testing.T) {
	story{t, "testdata/stops.txt", func(t *testing.T, lines []string) string {
		i := 0
		for i < len(lines) && lines[i] != "--" {
			i++
		}
		p := mustCheck(t, strings.Join(lines[i+1:], "\n"))
		v := p.Run(readInput(t, lines[:i]), Limit)
		if v.Choice != Abstain || v.Err == "" {
			t.Errorf("%s: it did not stop: %s", lines[0], tell(v))
		}
		return tell(v)
	}}.run()
}

// TestRefusals checks programs that are refused; each is told where, what and what to do.
func TestRefusals(t *testing.T) {
	story{t, "testdata/refused.txt", func(t *testing.T, lines []string) string {
		_, err := Check(strings.Join(lines[1:], "\n"))
		if err == nil {
			t.Errorf("%s: accepted", lines[0])
			return "accepted"
		}
		return err.Error()
	}}.run()
}

// TestWorstCosts pins what the examples can cost at worst: what Check accepts depends on it.
func TestWorstCosts(t *testing.T) {
	story{t, "testdata/worst.txt", func(t *testing.T, lines []string) string {
		for _, e := range Examples() {
			if lines[0] == "# "+e.Name {
				return fmt.Sprintf("at worst %d", mustCheck(t, e.Source).Worst())
			}
		}
		return "no such example"
	}}.run()
}

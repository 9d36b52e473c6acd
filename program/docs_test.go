package program

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPage holds docs/programs.md to the language: its tables are written from it by -update.
func TestPage(t *testing.T) {
	const file = "../docs/programs.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for name, table := range map[string]string{
		"names":     tableOf("| name | type | is |", Names()),
		"functions": tableOf("| write | get | which |", Functions()),
		"examples":  tableOfExamples(),
		"limits":    tableOfLimits(),
	} {
		from, to := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
		before, rest, begun := strings.Cut(text, from)
		old, after, ended := strings.Cut(rest, to)
		if !begun || !ended {
			t.Fatalf("%s has no table of %s", file, name)
		}
		if old != table && !*update {
			t.Errorf("%s: the table of %s is not what the language is; it should be\n%s", file, name, table)
		}
		text = before + from + table + to + after
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, macro := range append(macros, "given") {
		if !strings.Contains(text, macro+"(") {
			t.Errorf("%s doesn't explain %s", file, macro)
		}
	}
	for _, block := range strings.Split(text, "```cel\n")[1:] {
		source, _, _ := strings.Cut(block, "```")
		if _, err := Check(source); err != nil {
			t.Errorf("%s: %s\n%v", file, source, err)
		}
	}
}

func tableOf(head string, words []Word) string {
	var b strings.Builder
	b.WriteString(head + "\n|---|---|---|\n")
	for _, w := range words {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", w.Write, w.Type, w.Says)
	}
	return b.String()
}

func tableOfExamples() string {
	var b strings.Builder
	for _, e := range Examples() {
		fmt.Fprintf(&b, "- `%s`: %s\n", e.Name, e.Title)
	}
	return b.String()
}

func tableOfLimits() string {
	return fmt.Sprintf("A program has at most %d bytes, and a run may cost %d. A reason is cut after %d bytes. A list that is\n"+
		"written out has at most %d elements, a setting %d bytes or %d texts of %d bytes, and you can follow %d members.\n",
		MaxSource, Limit, MaxReason, MaxWritten, MaxValue, MaxWords, MaxWord, MaxVotes)
}

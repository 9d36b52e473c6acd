package text

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for s, want := range map[string]bool{"Ann": true, "": false, " Ann": false, "Ann ": false, "A\nB": false, "A\u202eB": false, "A\u009fB": false,
		strings.Repeat("x", 9): true, strings.Repeat("x", 10): false} {
		if Line(s, 9) != want {
			t.Errorf("Line(%q) is not %v", s, want)
		}
	}
	if !Prose("a\n\tb", 4) || Prose("a\rb", 4) || Prose("abcde", 4) || !Prose("", 0) {
		t.Error("Prose")
	}
	for s, want := range map[string]bool{"a-1": true, "-a": false, "a-": false, "A": false, "": false, strings.Repeat("a", MaxLabel): true, strings.Repeat("a", MaxLabel+1): false} {
		if Label(s) != want {
			t.Errorf("Label(%q) is not %v", s, want)
		}
	}
}

// TestCell: whatever a spreadsheet would calculate stays text.
func TestCell(t *testing.T) {
	for s, want := range map[string]string{"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", " \t=cmd|'/c'!A1": "' \t=cmd|'/c'!A1", "＝1": "'＝1",
		"|x": "'|x", "%0": "'%0", "Ann": "Ann", "": "", "1=1": "1=1", "'": "'"} {
		if got := Cell(s); got != want {
			t.Errorf("Cell(%q) is %q, not %q", s, got, want)
		}
	}
}

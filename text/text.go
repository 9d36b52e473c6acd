// Package text tells whether what somebody wrote can be shown to others: names, prose and labels.
//
// Its one idea: what drives terminals or turns the direction of writing is refused at the door, so
// that no page and no table has to care. The ranges are written out because the fold must not depend
// on the Unicode version of a library.
package text

import "strings"

// MaxLabel is the longest label, in bytes.
const MaxLabel = 32

// Line tells whether s can stand in a list: 1 to most bytes, no end of line, nothing invisible, no
// space at its ends.
func Line(s string, most int) bool {
	return len(s) >= 1 && len(s) <= most && Visible(s, "") && strings.Trim(s, " ") == s
}

// Prose tells whether s can be shown: at most so many bytes, lines and tabs allowed, nothing else
// invisible. It may be empty.
func Prose(s string, most uint64) bool {
	return uint64(len(s)) <= most && Visible(s, "\n\t")
}

// Visible refuses control characters, which drive terminals, and the marks that turn the direction
// of writing, which make a text read as another one ("Trojan Source", CVE-2021-42574).
func Visible(s, except string) bool {
	for _, r := range s {
		hidden := r < 0x20 || r >= 0x7f && r <= 0x9f || r == 0x061c || r >= 0x200e && r <= 0x200f ||
			r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
		if hidden && !strings.ContainsRune(except, r) {
			return false
		}
	}
	return true
}

// Label tells whether s is a name that programs compare: a-z, 0-9 and inner hyphens.
func Label(s string) bool {
	if len(s) == 0 || len(s) > MaxLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, b := range []byte(s) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	return true
}

// Distinct tells whether no two of list are equal. It compares all pairs: the caller bounds the list.
func Distinct[T comparable](list []T) bool {
	for i := range list {
		for j := range i {
			if list[i] == list[j] {
				return false
			}
		}
	}
	return true
}

// Cell makes text harmless in a cell of a table that a spreadsheet opens: what would begin a formula
// there gets an apostrophe before it (OWASP, "CSV Injection").
func Cell(s string) string {
	first := strings.TrimLeft(s, " \t\r\n")
	if strings.IndexAny(first, "=+-@|%＝＋－＠") == 0 {
		return "'" + s
	}
	return s
}

package governance

import "strings"

// line tells whether text can stand in a list: 1 to most bytes, no end of line, nothing invisible,
// no space at its ends.
func line(text string, most int) bool {
	return len(text) >= 1 && len(text) <= most && visible(text, "") && strings.Trim(text, " ") == text
}

// prose tells whether text can be shown: at most so many bytes, lines and tabs allowed, nothing else
// invisible. It may be empty.
func prose(text string, most uint64) bool {
	return uint64(len(text)) <= most && visible(text, "\n\t")
}

// visible refuses control characters, which drive terminals, and the marks that turn the direction
// of writing, which make a text read as another one ("Trojan Source", CVE-2021-42574). The ranges
// are written out because the fold must not depend on the Unicode version of a library.
func visible(text, except string) bool {
	for _, r := range text {
		hidden := r < 0x20 || r >= 0x7f && r <= 0x9f || r == 0x061c || r >= 0x200e && r <= 0x200f ||
			r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
		if hidden && !strings.ContainsRune(except, r) {
			return false
		}
	}
	return true
}

// label tells whether text is a name that programs compare: a-z, 0-9 and inner hyphens.
func label(text string) bool {
	if len(text) == 0 || len(text) > MaxLabel || text[0] == '-' || text[len(text)-1] == '-' {
		return false
	}
	for _, b := range []byte(text) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	return true
}

// distinct tells whether no two of list are equal. It compares all pairs: the caller bounds the list.
func distinct[T comparable](list []T) bool {
	for i := range list {
		for j := range i {
			if list[i] == list[j] {
				return false
			}
		}
	}
	return true
}

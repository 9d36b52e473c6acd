package program

import (
	"strings"
	"unicode/utf8"
)

// small writes large letters small: Latin, Greek and Cyrillic ones that have exactly one small letter.
// The ranges are written out because what a program finds must not depend on the Unicode version of a
// library.
func small(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z', r >= 0xc0 && r <= 0xde && r != 0xd7, r >= 0x391 && r <= 0x3a9 && r != 0x3a2, r >= 0x410 && r <= 0x42f:
			return r + 0x20
		case r < 0x100:
			return r
		case r <= 0x137 && r != 0x130 && r != 0x131, r >= 0x14a && r <= 0x177:
			return r | 1
		case r >= 0x139 && r <= 0x148, r >= 0x179 && r <= 0x17e:
			return r + r&1
		case r == 0x178:
			return 0xff
		case r >= 0x400 && r <= 0x40f:
			return r + 0x50
		}
		return r
	}, text)
}

// plain is a text that can be shown in one line: what drives terminals, turns the direction of writing
// or breaks the line becomes a space, and a longer text than most bytes is cut.
func plain(text string, most int) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		hidden := r < 0x20 || r >= 0x7f && r <= 0x9f || r == 0x061c || r >= 0x200e && r <= 0x200f ||
			r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
		if hidden {
			return ' '
		}
		return r
	}, shorten(text, most)), " ")
}

// shorten cuts a text to at most so many bytes, between letters, with a sign that it was cut.
func shorten(text string, most int) string {
	const sign = "…"
	if len(text) <= most {
		return text
	}
	cut := most - len(sign)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + sign
}

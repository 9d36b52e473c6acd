package sim

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"

	"github.com/sustainy/coop/event"
)

// tailLength is how much of a trace is shown when a check fails.
const tailLength = 120

// line is one thing that happened: what, to whom, and a few numbers. It is put into words only when
// somebody wants to read it.
type line struct {
	at     event.Time
	what   string
	a, b   string
	n, m   uint64
	detail string
}

func (l line) String() string {
	return fmt.Sprintf("%8d  %-9s %-4s %-4s %d %s %s", uint64(l.at), l.what, l.a, l.b, l.n, hex.EncodeToString(binary.BigEndian.AppendUint64(nil, l.m))[:8], l.detail)
}

// trace is what happened, as one number that every line changes and as the last lines.
type trace struct {
	sum  uint64
	ring [tailLength]line
	next int
	full func(string) // told every line, if set
}

// note adds a line. Its numbers go into the sum.
func (t *trace) note(l line) {
	for _, v := range [...]uint64{uint64(l.at), text(l.what), text(l.a), text(l.b), l.n, l.m, text(l.detail)} {
		high, low := bits.Mul64(t.sum^v^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
		t.sum = high ^ low + 0x2545f4914f6cdd1d
	}
	t.ring[t.next%tailLength] = l
	t.next++
	if t.full != nil {
		t.full(l.String())
	}
}

// text is the FNV-1a hash of a string.
func text(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func (t *trace) tail() []string {
	var lines []string
	for i := max(0, t.next-tailLength); i < t.next; i++ {
		lines = append(lines, t.ring[i%tailLength].String())
	}
	return lines
}

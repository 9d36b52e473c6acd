package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// ago tells a moment by its distance, to a person.
func (a *app) ago(t event.Time) string {
	if t == 0 {
		return ""
	}
	if !a.tty {
		return t.String()
	}
	d := t.UTC().Sub(a.now())
	switch {
	case d > -2*time.Second && d < 2*time.Second:
		return "now"
	case d < 0:
		return span(-d) + " ago"
	}
	return "in " + span(d)
}

// span tells a length of time in one unit, rounded.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Round(time.Hour).Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Round(24*time.Hour).Hours()/24))
}

func millis(t event.Time) string { return span(time.Duration(t) * time.Millisecond) }

// duration reads what people write: Go's units, and d for days.
func duration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, usagef("%q is no length of time: write 30s, 10m, 12h or 7d", text)
	}
	return d, nil
}

// ending is what tables show of an id: its end, since ids begin alike.
func (a *app) ending(id string) string {
	if !a.tty || len(id) <= 8 {
		return id
	}
	return "…" + id[len(id)-8:]
}

// bytesOf tells a size.
func bytesOf(n uint64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 10<<30:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d GiB", n>>30)
}

// amount reads money in whole units with the currency's decimals: 12, 12.5, 12.50.
func amount(text string, c governance.Currency) (uint64, error) {
	whole, part, _ := strings.Cut(text, ".")
	if uint64(len(part)) > c.Decimals {
		return 0, usagef("%q has more decimals than %s, which has %d", text, c.Code, c.Decimals)
	}
	n, err := strconv.ParseUint(whole+part+strings.Repeat("0", int(c.Decimals)-len(part)), 10, 64)
	if err != nil || whole == "" || n > governance.MaxAmount {
		return 0, usagef("%q is no amount of %s", text, c.Code)
	}
	return n, nil
}

// describeTrack tells a track's rule and how long its steps last.
func describeTrack(t governance.Track) string {
	discuss := "no discussion"
	if t.Discussion > 0 {
		discuss = millis(t.Discussion) + " to discuss"
	}
	return fmt.Sprintf("%s; %s, %s to vote, %s until it takes effect%s", rule(t), discuss, millis(t.Voting), millis(t.Grace), guardsInWords(t))
}

// rule tells a track's rule for passing.
func rule(t governance.Track) string {
	quorum := "no quorum"
	if t.Quorum.Kind != governance.QuorumNone {
		quorum = fmt.Sprintf("quorum %s %s", t.Quorum.Kind, t.Quorum.Share)
	}
	return fmt.Sprintf("%s; %s in favour, %s", t.HowCounted(), t.Threshold, quorum)
}

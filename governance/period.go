package governance

import (
	"fmt"

	"github.com/sustainy/coop/event"
)

// Period says a length of time exactly, in the largest unit that divides it: "7 days", "36 hours".
func Period(t event.Time) string {
	if t == 0 {
		return "no time"
	}
	for _, unit := range [...]struct {
		long event.Time
		name string
	}{{day, "day"}, {hour, "hour"}, {minute, "minute"}, {second, "second"}, {1, "millisecond"}} {
		if t%unit.long == 0 {
			return number(uint64(t/unit.long), unit.name)
		}
	}
	return ""
}

// number says how many things there are.
func number(n uint64, name string) string {
	if n == 1 {
		return "1 " + name
	}
	return fmt.Sprintf("%d %ss", n, name)
}

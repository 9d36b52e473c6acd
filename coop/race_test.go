//go:build race

package coop

import "flag"

// Nothing here runs side by side, so with the race detector, which makes it six times slower, a few of the random
// worlds are enough; make test plays all of them without it.
func init() {
	if err := flag.Set("rapid.checks", "5"); err != nil {
		panic(err)
	}
}

//go:build race

package coop

import "flag"

// Nothing here runs side by side, so with the race detector, which makes it six times slower, a fifth of the random
// worlds is enough; make test plays all of them without it.
func init() {
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
}

package coop

import (
	"slices"

	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/tokens"
)

// DefaultCharter is that of the hall, whose proposals on track treasury may also do everything with money
// and tokens.
func DefaultCharter() governance.Charter {
	c := governance.DefaultCharter()
	if i := slices.IndexFunc(c.Tracks, func(t governance.Track) bool { return t.Name == "treasury" }); i >= 0 {
		c.Tracks[i].Actions = append(c.Tracks[i].Actions, tokens.Kinds()...)
	}
	return c
}

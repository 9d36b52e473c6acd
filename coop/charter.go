package coop

import (
	"slices"

	"github.com/sustainy/coop/commerce"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/tokens"
)

// DefaultCharter is that of the hall, whose proposals on track treasury may also do everything with money,
// tokens, missions and what is sold.
func DefaultCharter() governance.Charter {
	return withLedger(governance.DefaultCharter())
}

// Templates are those of the hall with the same addition.
func Templates() []governance.Template {
	all := governance.Templates()
	for i := range all {
		all[i].Charter = withLedger(all[i].Charter)
	}
	return all
}

// FindTemplate is one of Templates by its name.
func FindTemplate(name string) (governance.Template, bool) {
	t, ok := governance.FindTemplate(name)
	t.Charter = withLedger(t.Charter)
	return t, ok
}

func withLedger(c governance.Charter) governance.Charter {
	if i := slices.IndexFunc(c.Tracks, func(t governance.Track) bool { return t.Name == "treasury" }); i >= 0 {
		c.Tracks[i].Actions = append(c.Tracks[i].Actions, slices.Concat(tokens.Kinds(), missions.Kinds(), commerce.Kinds(), surplus.Kinds())...)
	}
	return c
}

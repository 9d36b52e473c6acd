package sim

import "testing"

// TestA24WhatOnlyVoidBlocksWanted has a steward list junk of a stranger in blocks that it shows to a few, while
// its epoch ends. Who took the junk for the sake of such a block offers it to nobody and builds nothing on it, else
// they would speak of it for ever, and nobody could take what they say themselves.
func TestA24WhatOnlyVoidBlocksWanted(t *testing.T) {
	swarm(t, 16, func(seed uint64) Plan {
		p := handing(seed+180, 7, 7, []int{1})
		p.Terms[0].At = 200
		p.Guests, p.Delta0, p.Delay, p.Jitter, p.Reorder, p.Acts, p.Storm = 2, 2000, 80, 240, true, 24, 9000
		p.Spikes, p.Lag = 98, 5
		p.Liars = []Liar{{4, Narrow | Stuff | Contrary}, {3, Perjure | Narrow | Stuff}}
		return p
	})
}

// TestA24WhatBuildsOnJunk has a steward list junk without end and show it to a few. Part of it becomes final; what
// builds on that must not stay with some alone.
func TestA24WhatBuildsOnJunk(t *testing.T) {
	swarm(t, 24, func(seed uint64) Plan {
		p := peace(seed, 4)
		p.Founders, p.Watchers, p.Delta0, p.Delay, p.Repeats, p.Reorder, p.Acts, p.Storm = 1, 3, 400, 80, 26, true, 17, 7000
		p.Liars = []Liar{{1, Narrow | Stuff}}
		return p
	})
}

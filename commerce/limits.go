package commerce

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/tokens"
)

// Every bound on what a body may hold, besides those of package event. Sizes are in bytes.
const (
	MaxAmount = tokens.MaxAmount // of money, in minor units
	MaxTitle  = 200
	MaxParts  = 256     // of an offer, its own and those inside them down to the elements
	MaxWeight = 100_000 // of all parts of one offer together
	MaxDepth  = 3       // offers inside offers: so a share is a fraction below 2^53 (MaxWeight to the third)
	MaxCount  = 1_000_000
	MaxSteers = 32 // sliders of a purchase

	Whole     = 1_000_000 // millionths: the unit of shares
	MaxWindow = 90 * day
)

const day = event.Time(24 * 60 * 60 * 1000)

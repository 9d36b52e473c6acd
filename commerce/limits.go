package commerce

import "github.com/sustainy/coop/tokens"

// Every bound on what a body may hold, besides those of package event. Sizes are in bytes.
const (
	MaxAmount = tokens.MaxAmount // of money, in minor units
	MaxTitle  = 200
)

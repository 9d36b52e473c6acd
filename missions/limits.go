package missions

import "github.com/sustainy/coop/event"

// Every bound on what a body may hold, besides those of package event. Sizes are in bytes.
const (
	MaxTitle  = 200
	MaxText   = 16 << 10 // of a brief, of criteria, of a submission
	MaxReason = 2000     // of a ballot, an appeal, a pledge
	MaxRole   = 64
	MaxName   = 200 // of a file
	MaxCID    = 128
	MaxTags   = 8

	MaxOpen         = 256 // missions under way in the cooperative
	MaxOwn          = 8   // of one lister
	MaxPrizes       = 16
	MaxEntries      = 128 // submissions to one mission
	MaxRanked       = 63  // the same where they are put in order: comparing them all takes their cube
	MaxOwnEntries   = 3   // of one member
	MaxContributors = 16  // of a submission
	MaxShare        = 1_000_000
	MaxFiles        = 64
	MaxSeats        = 31 // of a jury
	MaxAppeals      = 16 // appeals that it takes to judge again
	MaxMilestones   = 16
	MaxRate         = 1_000_000

	MaxFlags = 64 // flags on one mission

	MaxPayouts = 1024 // pledgers who are refunded in one commit, forecasts that are scored; the others in the next ones

	MinPeriod = hour
	MaxPeriod = 366 * day
)

// BigFunder: who has given more than one part in so many of all pledges has a conflict of interest, and
// sits on no jury.
const BigFunder = 10

const (
	hour = event.Time(60 * 60 * 1000)
	day  = 24 * hour
)

package tokens

import "github.com/sustainy/coop/event"

// Every bound on what a body may hold, besides those of package event. Sizes are in bytes.
const (
	MaxAmount  = event.MaxInteger // of an asset altogether, in minor units; of the income of a token
	MaxMemo    = 200
	MaxReceipt = 64  // reference of a receipt
	MaxShares  = 256 // first holders of a token
	MaxOpen    = 64  // orders and waiting transfers of one account
	MaxPrices  = 256 // past prices kept for each token

	MaxPeriod      = 366 * day // of a cashier's cap, of an order
	ApprovalPeriod = 30 * day  // until a transfer that waits for approval goes back
)

const (
	hour = event.Time(60 * 60 * 1000)
	day  = 24 * hour
)

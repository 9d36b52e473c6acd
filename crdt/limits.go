package crdt

import "github.com/sustainy/coop/event"

// Every bound on what others can make this package keep. Sizes are in bytes.
const (
	MaxPerSlot      = 2       // accepted events with one key and number, unless a steward requires more
	MaxWaiting      = 1024    // events of one peer that wait for their links
	MaxWaitingBytes = 1 << 20 // the same in bytes, each event with its cost in memory on top
	MaxPeers        = 128     // peers with waiting events
	MaxSenders      = 8       // peers remembered for one waiting event
	MaxRefused      = 4096    // refused ids remembered, so that what builds on them need not wait

	MaxRound  = 256 << 10 // one round block in a Store
	MaxCommit = 16 << 20  // one commit record in a Store
)

// What a waiting event is charged beside its envelope, and for each link: its memory, measured and
// rounded up, so that MaxWaitingBytes bounds memory and not only envelopes.
const (
	waitingCost = 512
	linkCost    = 400
)

// An event always fits into an empty pool.
const _ = uint(MaxWaitingBytes - event.MaxEnvelope - waitingCost - linkCost*(event.MaxDeps+1))

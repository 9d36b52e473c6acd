package daemon

import "time"

// Bounds on what comes over the socket, and on what is kept for those who ask.
const (
	MaxBody    = 1 << 20   // bytes of a JSON request
	MaxTake    = 64 << 20  // bytes of a request with sealed events
	MaxArchive = 8 << 30   // bytes of an archive to import
	MaxTaken   = 65_536    // events in one request
	MaxTail    = 1000      // events in one answer
	MaxBlocked = 1024      // peers a testnet may block
	MaxAddrs   = 32        // addresses in one request
	maxPorts   = 100       // ports tried above a taken one
	maxWait    = time.Hour // for an event to become final, in one request

	startPatience = 5 * time.Second // for a client to send its headers
	stopPatience  = 3 * time.Second // for requests under way when the daemon stops
	recheckDisk   = time.Second     // how often a full disk is looked at
	givePause     = time.Second     // before events that wait are given to the graph again; doubled each time
	giveAtMost    = 10 * time.Minute
	maxGiven      = 512 // events given at a time: what waits for others has few places
)

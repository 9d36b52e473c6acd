package p2p

import "time"

// Every bound on what comes from outside. Sizes are in bytes.
const (
	MaxFrame         = 1 << 20  // one frame, on a stream or in gossip
	MaxRoomName      = 128      // a room's name
	MaxRooms         = 64       // rooms one host serves, and rooms one peer may say it is in
	MaxQueuedFrames  = 1024     // waiting to be written to one stream
	MaxQueuedBytes   = 8 << 20  // the same
	MaxPublishFrames = 1024     // waiting to be gossiped, per room
	MaxPublishBytes  = 8 << 20  // the same
	MaxInboxFrames   = 1024     // gossip checked and not yet delivered, per topic
	MaxInboxBytes    = 16 << 20 // the same
	MaxUnnamed       = 8        // streams of one peer that have not named a room yet
	MaxStrikes       = 5        // frames judged Reject until a peer is shown the door
	MaxRecords       = 1024     // peers whose misdeeds are remembered
	MaxKept          = 256      // peers always redialled
	MaxIntroduced    = 256      // peers to be dialled because somebody mentioned them
	MaxDialAddrs     = 16       // addresses remembered per peer to be dialled

	gossipOverhead   = 1 << 10 // of one gossip message around its frame
	checksAtOnce     = 16      // gossip messages being checked: more than cores, since signatures are cheaper when many are verified together
	maxPendingChecks = 4096    // gossip messages waiting to be checked: more than one peer's burst, so that one cannot crowd others out
	maxPeerQueue     = 1024    // gossip messages waiting to be written to one peer
	publishBurst     = maxPeerQueue / 2
	connsPerPeer     = 8
	streamsPerPeer   = 512
	connsPerAddress  = 16 // from one public IPv4 address or IPv6 /56: a household or an office behind one router
)

// Times that bound how long a peer may keep us busy, or out.
const (
	strikeDecay   = 10 * time.Minute // one strike is forgiven after so long
	firstBan      = time.Minute      // doubles with each further ban
	longestBan    = 6 * time.Hour
	dialTimeout   = 10 * time.Second
	firstRedial   = 100 * time.Millisecond
	usualRedial   = 5 * time.Second // longest pause at first, so that a healed network is whole within ten seconds
	longestRedial = 30 * time.Second
	patientAfter  = 60 // failures in a row, about five minutes, until pauses get that long
	hurryGap      = 2 * time.Second
	introduceGap  = time.Minute // between two dials of a peer who is not kept
	firstReopen   = 50 * time.Millisecond
	longestReopen = 5 * time.Second
	steadyStream  = 10 * time.Second // a stream that lived so long did not fail to open
	steadyConn    = time.Second      // nor did a connection
	muteAfter     = 3 * time.Second  // gossip has lost track of a peer if it did not subscribe by then
	muteLooks     = 6
	renewGap      = 30 * time.Second // between two attempts to mend that
	connGrace     = 20 * time.Second // a fresh connection is not trimmed
)

// Limits are the bounds an operator may move. A zero field takes the value of [DefaultLimits].
type Limits struct {
	LowConns  int // connections kept when trimming
	HighConns int // connections at which trimming begins

	HelloTimeout time.Duration // for a stream to name its room
	FrameTimeout time.Duration // for a begun frame to be complete
	WriteTimeout time.Duration // for a peer to take what is written

	// Taken from one peer per second over streams; more makes it wait. Twice as much in a burst.
	FramesPerSecond int
	BytesPerSecond  int
	// Taken from one peer per second over gossip; more is dropped. Twice as many in a burst. What is
	// published here is paced by the same figures, so that others do not drop it.
	GossipPerSecond      int
	GossipBytesPerSecond int
}

// DefaultLimits suit a member's own computer.
func DefaultLimits() Limits {
	return Limits{
		LowConns:             32,
		HighConns:            96,
		HelloTimeout:         10 * time.Second,
		FrameTimeout:         30 * time.Second,
		WriteTimeout:         30 * time.Second,
		FramesPerSecond:      5_000,
		BytesPerSecond:       32 << 20,
		GossipPerSecond:      2_000,
		GossipBytesPerSecond: 8 << 20,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	fill(&l.LowConns, d.LowConns)
	fill(&l.HighConns, d.HighConns)
	fill(&l.HelloTimeout, d.HelloTimeout)
	fill(&l.FrameTimeout, d.FrameTimeout)
	fill(&l.WriteTimeout, d.WriteTimeout)
	fill(&l.FramesPerSecond, d.FramesPerSecond)
	fill(&l.BytesPerSecond, d.BytesPerSecond)
	fill(&l.GossipPerSecond, d.GossipPerSecond)
	fill(&l.GossipBytesPerSecond, d.GossipBytesPerSecond)
	return l
}

func fill[T int | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

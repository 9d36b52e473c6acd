package node

// Bounds on what one core keeps and does for others.
const (
	maxIssues     = 64      // round blocks a steward makes in one turn (a lone steward needs three a wave)
	maxOwnPending = 4096    // own events that are not final
	maxKeyPending = 4096    // events of another device that are not final
	maxStrangers  = 100_000 // applications of devices that are no member's yet
	maxHeadLinks  = 4       // foreign heads that an own event links
	maxRefusals   = 1 << 16 // refusals remembered with their reason
	maxWants      = 1024    // ids asked for at a time
	maxAbove      = 512     // round blocks given to a peer that lags
	maxAncestors  = 64      // unordered ancestors added to an event that was asked for
	pushBodies    = 16      // events of a round block that are sent along with it
	lagRounds     = 3       // a steward this far behind gets the rounds it lacks with every push
	// Bytes of a page when catching up, which with one event or round block more still fits a message,
	// and of the first answer: so few are on their way soon over any line.
	pageBytes        = 832 << 10
	firstAnswer      = 64 << 10
	maxNear          = 20_000 // events read ahead for an answer that are not part of it yet
	helloEvery       = 2000   // ms between greetings while there is work
	lastWords        = 6      // greetings to a peer at rest that does not answer: the last one after two minutes
	askAfter         = 10     // ms before something missing is asked for: most of it is on its way
	askBusy          = 500    // ms before that while more has arrived than was heard
	askAgain         = 200    // ms before it is asked for elsewhere, doubled each time
	askAtMost        = 8000   // ms between two attempts at most
	fetchStalls      = 2000   // ms without a page before another peer is asked, at first; then it is learned
	fetchAgain       = 8000   // ms waited in vain after which those who were asked are asked again
	fetchPatience    = 30_000 // ms that are waited for a page at most
	quickAnswer      = 500    // ms: who answers as quickly is asked for twice as much
	askTimes         = 10     // attempts until what is missing is no more reason to stay awake
	maxStalls        = 5      // pages asked of a peer in vain before its claim to have them is forgotten
	alarmRounds      = 30     // rounds before a fork of what is final that are shown with it
	greetingsAtWork  = 3      // peers told by one who is no steward
	neighboursAtMost = 1024
	chargesOfOne     = 8         // times one peer brings one device before the members: it is suspended by the first
	chargeEvery      = 3000      // ms between the stewards' turns to do so
	chargeApart      = 100       // ms between those of two others, on average
	laterOfPeer      = 128       // round blocks and signatures of an epoch to come, kept of one peer
	laterBytes       = 256 << 10 // and their size
	laterAtMost      = 2048      // of all peers
)

package event

// Every bound on data that comes from outside. Sizes are in bytes.
const (
	MaxCore     = 64 << 10     // one event without its signature
	MaxEnvelope = MaxCore + 72 // with its signature and framing
	MaxHeader   = 1 << 10      // an event without its body, with its signature
	MaxKind     = 48           // a kind's name
	MaxDeps     = 16           // links besides prev
	MaxNesting  = 16           // arrays and maps inside one another, in a body
	MaxInteger  = 1<<53 - 1    // largest absolute value of an integer: every JSON and IPLD tool reads it exactly
	MaxItems    = 8192         // elements of one array or pairs of one map, in a body
	MaxSequence = 1 << 48      // events of one device
)

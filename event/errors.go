package event

import "errors"

// Why bytes are not an event, in the order of checking. Whoever sends such bytes is broken or
// hostile: the bytes are dropped and counted against the sender; nothing else changes.
var (
	ErrSize      = errors.New("an event has between 1 and 65,608 bytes: this one is dropped")
	ErrMalformed = errors.New("these bytes are not CBOR of the expected shape: dropped")
	ErrCanonical = errors.New("these bytes spell a value in a second way (key order, integer length or trailing bytes): dropped, since one value has one spelling")
	ErrVersion   = errors.New("this event has a format version that this program does not know: update coop to read it")
	ErrKind      = errors.New("an event's kind is 1 to 48 characters of a-z, 0-9, - with at most one dot, such as ballot.cast")
	ErrKey       = errors.New("an event is signed by a device's key of 32 bytes; nobody can sign as the Assembly")
	ErrSequence  = errors.New("the first event of a device has number 0 and no predecessor, every later one has both")
	ErrDeps      = errors.New("an event links at most 16 others, in ascending order, none twice and not its predecessor")
	ErrGenesis   = errors.New("only the founding event, coop.found with number 0 and no links, names no cooperative")
	ErrTime      = errors.New("an event's time is a number of milliseconds below 2^53")
	ErrBody      = errors.New("an event's body is a map with text keys")
	ErrNesting   = errors.New("a body nests arrays and maps at most 16 deep")
	ErrInteger   = errors.New("integers have at most 53 bits")
	ErrSimple    = errors.New("floats, undefined and other simple values have no place in an event")
	ErrText      = errors.New("text must be valid UTF-8")
	ErrItems     = errors.New("an array or map in a body has at most 8,192 elements")
	ErrMapKey    = errors.New("map keys must be text")
	ErrTag       = errors.New("no CBOR tags but 42, a link")
	ErrLink      = errors.New("a link must be a CIDv1 of dag-cbor and sha2-256 with 32 bytes")
	ErrSignature = errors.New("the signature does not fit the key and the content: dropped")
)

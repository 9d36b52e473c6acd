package crdt

import (
	"crypto/sha256"

	"github.com/sustainy/coop/event"
)

// Store is the durable home of one cooperative's bytes: events, round blocks and commit records,
// each in the order in which they were appended. It keeps and returns bytes and understands none of
// them but the envelope of an event. Package storetest holds every implementation to this text.
//
// What reads may run beside an Append, and beside each other: a node reads what it kept while it keeps more.
// Memory alone can't do that.
//
// Fail-stop: after Append failed with anything but ErrDiskFull or ErrTooLarge, nobody can know what
// reached the disk. The store then answers every Append with ErrStopped, and the node stops.
type Store interface {
	// Append keeps a batch in one durable transaction: all of it or nothing, synced before Append
	// returns. The order is events, rounds, commits. An event or round whose id is stored already is
	// passed over, so appending again does no harm, unless the batch promises that all is new; commit
	// records have no id and are always new.
	// ErrDiskFull and ErrTooLarge are given before anything is written.
	Append(Batch) error

	// Event is the envelope of an event. Its id is computed again from the bytes. ErrNotFound,
	// ErrDamaged.
	Event(event.ID) ([]byte, error)

	// Events hands every envelope from index n on to f, in the order in which they were appended:
	// what an event builds on comes before it, provided that the events came from Graph.Add. The
	// bytes are checked and are f's to keep. An error of f ends the walk and is returned; f may
	// append, which the walk need not show.
	Events(from uint64, f func(n uint64, raw []byte) error) error

	// Round is the block of a round. ErrNotFound, ErrDamaged.
	Round(id [32]byte) ([]byte, error)

	// Rounds hands the blocks of rounds to f as Events does.
	Rounds(from uint64, f func(n uint64, raw []byte) error) error

	// Commits hands the commit records to f as Events does; n is the index of the commit.
	Commits(from uint64, f func(n uint64, raw []byte) error) error

	// Count tells how much is stored.
	Count() Count

	// Tip is the Tip of the last batch that had one.
	Tip() [32]byte

	// Check reads and hashes everything and compares it with what was acknowledged. The report says
	// all that was found, the error is the first damage.
	Check() (Report, error)

	// Close ends the use of the store. It waits for running calls.
	Close() error
}

// Batch is what one Append keeps.
type Batch struct {
	Events  []*event.Event // in an order in which none comes before what it builds on
	Rounds  []Blob
	Commits [][]byte
	New     bool     // no event in it is stored already: its owner keeps an index of its own, so the store need not look
	Tip     [32]byte // whatever its owner wants to find again, such as the hash of the final state; zero: as before
}

// Blob is bytes with a name that its owner computed.
type Blob struct {
	ID  [32]byte
	Raw []byte
}

// Count is how much a store holds. Indexes run from 0 to one below.
type Count struct {
	Events, Rounds, Commits uint64
}

// Report is what Check found.
type Report struct {
	Count    Count    // what was read and is whole
	Bytes    uint64   // the size of that
	Promised Count    // what was acknowledged
	Tip      [32]byte // of the last batch that had one
	Findings []string // each damage, readable; at most MaxFindings
}

// MaxFindings bounds the findings in a Report.
const MaxFindings = 32

// EnvelopeID is the id of the event with this envelope: the SHA-256 of its core. It costs one hash
// and checks nothing else, where event.Open would verify the signature; false when the bytes do not
// even begin as an envelope.
func EnvelopeID(raw []byte) (event.ID, bool) {
	// [core, signature]: an array of two, then a byte string with its length in 1, 2 or 4 bytes.
	if len(raw) < 3 || raw[0] != 0x82 || raw[1]>>5 != 2 {
		return event.ID{}, false
	}
	rest, size := raw[2:], uint64(raw[1]&31)
	if size > 23 {
		width := 1 << (size - 24)
		if width > 4 || len(rest) < width {
			return event.ID{}, false
		}
		size = 0
		for _, b := range rest[:width] {
			size = size<<8 | uint64(b)
		}
		rest = rest[width:]
	}
	if size > uint64(len(rest)) {
		return event.ID{}, false
	}
	return sha256.Sum256(rest[:size]), true
}

package node

import (
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/fold"
)

// Effects is what the core asks of the world after a turn, to be obeyed in the order of the fields:
// what was said is on disk before anybody hears it.
type Effects struct {
	Keep    crdt.Batch      // make durable first, all or nothing
	Mark    Mark            // then raise the signing guard, unless it is zero
	Publish []Publication   // then gossip
	Send    []Letter        // and send, in order for each peer
	Final   []fold.Receipt  // what became final in this turn, in final order
	Time    event.Time      // coop time after this turn
	Silence string          // stop signing for good, and why: somebody else signs with our key
	Epoch   *finality.Epoch // not nil: from now on frames are to be read by this epoch
	Fault   error           // what this device should have done and could not; it is told and tried again
	Wake    event.Time      // call Tick again then, at the latest; zero: no need
}

// lasting tells whether something must be made durable.
func (out *Effects) lasting() bool {
	return len(out.Keep.Events)+len(out.Keep.Rounds)+len(out.Keep.Commits) > 0 || out.Mark != (Mark{}) || out.Silence != ""
}

// Mark is a high-water mark of what this device signed. The guard never lets it go down.
type Mark struct {
	Events uint64 // own events signed so far: the next one has this number
	Epoch  uint64
	Round  uint64 // highest round signed in that epoch
}

// Publication goes to everybody who listens to a topic.
type Publication struct {
	Topic string
	Message
}

// Letter goes to one peer. Letters may be lost; whoever sends one relies on its repetition.
type Letter struct {
	To    Peer
	Proto string
	Message
}

// Archive is what a core reads back of what it kept.
type Archive interface {
	Event(event.ID) ([]byte, error)
	Round([32]byte) ([]byte, error)
	Events(from uint64, f func(n uint64, raw []byte) error) error
	Rounds(from uint64, f func(n uint64, raw []byte) error) error
	Commits(from uint64, f func(n uint64, raw []byte) error) error
	Count() crdt.Count
}

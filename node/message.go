package node

import (
	"errors"
	"fmt"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/identity"
)

// Peer is one member's computer in the network, named by the key of its device.
type Peer = identity.PublicKey

// Bounds on what a peer may say in one frame, and on what we say.
const (
	MaxFrame  = 1 << 20   // bytes of one message on the wire; package p2p carries as much
	maxBundle = 896 << 10 // bytes of events and rounds put into one message
	maxIDs    = 512       // ids in one Get
	maxShort  = 2000      // short ids in one Tail: 16 KB
	maxPages  = 4         // pages answered to one From
)

// The channels between peers. Topics are gossiped to everybody, protocols go from peer to peer.
const (
	TopicEvents = "events"
	TopicRounds = "rounds"
	ProtoHello  = "hello"
	ProtoRounds = "rounds"
	ProtoTail   = "tail"
	ProtoGet    = "get"
	ProtoPages  = "commits"
)

// ErrFrame is the answer to bytes that are no message.
var ErrFrame = errors.New("these bytes are no message of this protocol: dropped")

// Message is one thing a peer says to another; exactly one of its fields is set. Events and rounds
// in a Bundle are opened, so nothing unverified passes.
type Message struct {
	Hello  *Hello
	Get    *Get
	Tail   *Tail
	Want   *Want
	From   *From
	Bundle *Bundle
}

// Hello says how far a peer is: on every new connection, and every two seconds while it works.
type Hello struct {
	_        struct{} `cbor:",toarray"`
	Commits  uint64   // final segments
	Frontier []uint64 // highest accepted round per steward
	Pending  uint64   // accepted events that are not final
}

// Get asks for events and round blocks by id. Frontier lets the other add the rounds above it, so
// that a long gap costs one round trip and not one for each level.
type Get struct {
	_        struct{} `cbor:",toarray"`
	Events   []event.ID
	Rounds   []event.ID
	Frontier []uint64
}

// Tail lists the sender's events that are not final, as short ids salted for this exchange, within
// the range [Low, High] of short ids.
type Tail struct {
	_         struct{} `cbor:",toarray"`
	Salt      uint64
	Low, High uint64
	Short     []uint64
}

// Want asks for events of the other's tail by the short ids it sent.
type Want struct {
	_     struct{} `cbor:",toarray"`
	Salt  uint64
	Short []uint64
}

// From asks for what is final, from commit Index on, leaving out the first Skip events of that
// commit.
type From struct {
	_           struct{} `cbor:",toarray"`
	Index, Skip uint64
}

// Bundle carries events and rounds, parents first. Next tells, in answer to a From, where the
// answer ended; More that there is more to ask for.
type Bundle struct {
	Events []*event.Event
	Rounds []*finality.Round
	Next   *From
	More   bool // further pages of the same answer follow
	End    bool // nothing final lies beyond
}

type bundle struct {
	_         struct{} `cbor:",toarray"`
	Events    [][]byte
	Rounds    [][]byte
	Next      *From
	More, End bool
}

type wire struct {
	_      struct{} `cbor:",toarray"`
	Hello  *Hello
	Get    *Get
	Tail   *Tail
	Want   *Want
	From   *From
	Bundle *bundle
}

// Frame writes a message as it goes over the wire.
func (m Message) Frame() []byte {
	w := wire{Hello: m.Hello, Get: m.Get, Tail: m.Tail, Want: m.Want, From: m.From}
	if b := m.Bundle; b != nil {
		w.Bundle = &bundle{Next: b.Next, More: b.More, End: b.End}
		for _, e := range b.Events {
			w.Bundle.Events = append(w.Bundle.Events, e.Raw)
		}
		for _, r := range b.Rounds {
			w.Bundle.Rounds = append(w.Bundle.Rounds, r.Raw)
		}
	}
	frame, err := event.Marshal(w)
	if err != nil {
		panic("node: invariant: a message can be written: " + err.Error())
	}
	return frame
}

// Reader reads frames of one cooperative, from many goroutines at once.
type Reader struct {
	epoch finality.Epoch
	door  *opener
}

// NewReader is a reader of frames in which round blocks are of this epoch.
func NewReader(epoch finality.Epoch) *Reader { return &Reader{epoch: epoch, door: newOpener()} }

// ParseMessage reads one frame as a Reader does.
func ParseMessage(epoch *finality.Epoch, frame []byte) (Message, error) {
	return NewReader(*epoch).Parse(frame)
}

// Parse reads and verifies a frame, or says why not; it depends on the bytes and the epoch alone.
// Whoever sent bytes that are refused is broken or hostile.
func (r *Reader) Parse(frame []byte) (Message, error) {
	var w wire
	if len(frame) > MaxFrame {
		return Message{}, ErrFrame
	}
	if err := event.Unmarshal(frame, &w); err != nil {
		return Message{}, fmt.Errorf("%w (%v)", ErrFrame, err)
	}
	m := Message{Hello: w.Hello, Get: w.Get, Tail: w.Tail, Want: w.Want, From: w.From}
	if err := m.check(&r.epoch, w.Bundle != nil); err != nil {
		return Message{}, err
	}
	if w.Bundle == nil {
		return m, nil
	}
	opened, err := w.Bundle.open(r)
	m.Bundle = opened
	return m, err
}

func (m *Message) check(epoch *finality.Epoch, bundled bool) error {
	said := 0
	for _, is := range []bool{m.Hello != nil, m.Get != nil, m.Tail != nil, m.Want != nil, m.From != nil, bundled} {
		if is {
			said++
		}
	}
	n := len(epoch.Stewards)
	switch {
	case said != 1,
		m.Hello != nil && len(m.Hello.Frontier) != n,
		m.Get != nil && (len(m.Get.Events) > maxIDs || len(m.Get.Rounds) > maxIDs || len(m.Get.Frontier) != n),
		m.Tail != nil && (len(m.Tail.Short) > maxShort || m.Tail.Low > m.Tail.High),
		m.Want != nil && len(m.Want.Short) > maxShort:
		return ErrFrame
	}
	return nil
}

func (b *bundle) open(r *Reader) (*Bundle, error) {
	events, errs := r.door.openAll(b.Events)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	opened := &Bundle{Events: events, Next: b.Next, More: b.More, End: b.End}
	for _, raw := range b.Rounds {
		block, err := finality.OpenRound(&r.epoch, raw)
		if err != nil {
			return nil, err
		}
		opened.Rounds = append(opened.Rounds, block)
	}
	return opened, nil
}

// split cuts events and rounds into bundles that fit a frame.
func split(events []*event.Event, rounds []*finality.Round) []*Bundle {
	var all []*Bundle
	b, size := &Bundle{}, 0
	room := func(n int) {
		if size+n > maxBundle {
			all = append(all, b)
			b, size = &Bundle{}, 0
		}
		size += n
	}
	for _, e := range events {
		room(len(e.Raw) + 8)
		b.Events = append(b.Events, e)
	}
	for _, r := range rounds {
		room(len(r.Raw) + 8)
		b.Rounds = append(b.Rounds, r)
	}
	if size > 0 {
		all = append(all, b)
	}
	return all
}

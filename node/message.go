package node

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
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
	maxPages  = 4         // pages answered to one Read
	maxSeals  = 2         // checkpoints in a greeting
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
	Read   *Read
	Bundle *Bundle
}

// Hello says how far a peer is: on every new connection, and every two seconds while it works.
type Hello struct {
	_        struct{} `cbor:",toarray"`
	Commits  uint64   // final segments
	Epoch    uint64   // in which they end
	Frontier []uint64 // highest accepted round per steward of that epoch
	Pending  uint64   // accepted events that are not final
	Tip      uint64   // short for the order of those commits
	Heard    uint64   // commits that the other last said it has, and one more; 0: it has not been heard
	Seals    []Seal   // checkpoints that it gathers signatures for
}

// Seal says which signatures under a checkpoint a peer has.
type Seal struct {
	_     struct{} `cbor:",toarray"`
	Index uint64   // of the commit
	Have  uint64   // steward i in bit i
}

// Get asks for events and round blocks by id. Frontier lets the other add the rounds above it, so
// that a long gap costs one round trip and not one for each level.
type Get struct {
	_        struct{} `cbor:",toarray"`
	Events   []event.ID
	Rounds   []event.ID
	Epoch    uint64 // of Frontier
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

// Read asks for what is final from a place on, in an answer of about so many bytes.
type Read struct {
	_     struct{} `cbor:",toarray"`
	From  From
	Bytes uint64
}

// From is a place in what is final: commit Index, without the first Skip events of that commit.
type From struct {
	_           struct{} `cbor:",toarray"`
	Index, Skip uint64
}

func (f From) after(g From) bool { return f.Index > g.Index || f.Index == g.Index && f.Skip > g.Skip }

// Bundle carries events and what stewards signed: rounds, parents first, and certificates, complete or
// in parts. Next tells, in answer to a Read, where the answer ended; More that there is more to ask for.
type Bundle struct {
	Events []*event.Event
	Rounds []*finality.Round
	Later  [][]byte // rounds of an epoch that the reader does not know, unverified
	Next   *From

	Certificates []*finality.Certificate // canonical, their signatures unverified
	Refounding   []byte                  // a re-founding, unverified: it stands among round blocks; see Core.Refound

	More bool // further pages of the same answer follow
	End  bool // nothing final lies beyond
}

type bundle struct {
	_         struct{} `cbor:",toarray"`
	Events    [][]byte
	Rounds    [][]byte // and certificates
	Next      *From
	More, End bool
}

type wire struct {
	_      struct{} `cbor:",toarray"`
	Hello  *Hello
	Get    *Get
	Tail   *Tail
	Want   *Want
	Read   *Read
	Bundle *bundle
}

// Frame writes a message as it goes over the wire.
func (m Message) Frame() []byte {
	w := wire{Hello: m.Hello, Get: m.Get, Tail: m.Tail, Want: m.Want, Read: m.Read}
	if b := m.Bundle; b != nil {
		w.Bundle = &bundle{Next: b.Next, More: b.More, End: b.End}
		for _, e := range b.Events {
			w.Bundle.Events = append(w.Bundle.Events, e.Raw)
		}
		for _, r := range b.Rounds {
			w.Bundle.Rounds = append(w.Bundle.Rounds, r.Raw)
		}
		w.Bundle.Rounds = append(w.Bundle.Rounds, b.Later...)
		for _, cert := range b.Certificates {
			w.Bundle.Rounds = append(w.Bundle.Rounds, cert.Raw())
		}
		if b.Refounding != nil {
			w.Bundle.Rounds = append(w.Bundle.Rounds, b.Refounding)
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
	epoch atomic.Pointer[finality.Epoch]
	door  *opener
}

// NewReader is a reader of frames that verifies the round blocks of this epoch. Of an epoch before it
// drops them, of a later one it hands them on as they are.
func NewReader(epoch finality.Epoch) *Reader {
	r := &Reader{door: newOpener()}
	r.Turn(&epoch)
	return r
}

// Turn makes the reader verify the round blocks of another epoch.
func (r *Reader) Turn(epoch *finality.Epoch) { r.epoch.Store(epoch) }

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
	m := Message{Hello: w.Hello, Get: w.Get, Tail: w.Tail, Want: w.Want, Read: w.Read}
	if err := m.check(w.Bundle != nil); err != nil {
		return Message{}, err
	}
	if w.Bundle == nil {
		return m, nil
	}
	opened, err := w.Bundle.open(r)
	m.Bundle = opened
	return m, err
}

func (m *Message) check(bundled bool) error {
	said := 0
	for _, is := range []bool{m.Hello != nil, m.Get != nil, m.Tail != nil, m.Want != nil, m.Read != nil, bundled} {
		if is {
			said++
		}
	}
	switch {
	case said != 1,
		m.Hello != nil && (len(m.Hello.Frontier) > finality.MaxStewards || len(m.Hello.Seals) > maxSeals),
		m.Get != nil && (len(m.Get.Events) > maxIDs || len(m.Get.Rounds) > maxIDs || len(m.Get.Frontier) > finality.MaxStewards),
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
	epoch := r.epoch.Load()
	rounds, errs := finality.OpenRounds(epoch, b.Rounds)
	for i, raw := range b.Rounds {
		if err := opened.sort(epoch, raw, rounds[i], errs[i]); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

// sort puts a round block, a certificate or a re-founding into the bundle; block and err are what raw is as a
// round block of the epoch.
func (b *Bundle) sort(epoch *finality.Epoch, raw []byte, block *finality.Round, err error) error {
	if governance.IsRefounding(raw) {
		if len(raw) > governance.MaxRefounding || b.Refounding != nil {
			return ErrFrame
		}
		b.Refounding = raw
		return nil
	}
	if finality.IsCertificate(raw) {
		cert, err := finality.OpenCertificate(raw)
		b.Certificates = append(b.Certificates, cert)
		return err
	}
	if !errors.Is(err, finality.ErrOtherEpoch) {
		b.Rounds = append(b.Rounds, block)
		return err
	}
	number, bad := finality.RoundEpoch(raw)
	switch {
	case bad != nil:
		return bad
	case number > epoch.Number:
		b.Later = append(b.Later, raw)
	case number == epoch.Number:
		return err // of other stewards than ours: a forgery, whoever they were
	}
	return nil
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

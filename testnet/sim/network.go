package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/fxamacker/cbor/v2"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/node"
)

// mesh is to how many neighbours a gossiped frame is passed on, and to how many its author tells it.
const (
	meshDegree = 3
	meshFirst  = 6
)

// frame is bytes on their way. Equal bytes are read once in a run, whoever gets them.
type frame struct {
	id    [32]byte
	heard [32]byte // by which gossip knows it again: that of all its bytes, signatures too (package p2p)
	bytes []byte
	topic string              // of a gossiped frame; empty: a letter
	read  map[uint64]*reading // by the epoch of the reader
}

// frame gives bytes their place in the cache.
func (w *world) frame(bytes []byte, topic string) *frame {
	id := sha256.Sum256(bytes)
	if topic != "" {
		id[31] ^= topic[0] // a frame gossiped on a topic is another message than the same frame in a letter
	}
	f := w.frames[id]
	if f == nil {
		f = &frame{id: id, bytes: bytes, topic: topic}
		if topic != "" {
			f.heard = sha256.Sum256(bytes)
		}
		w.frames[id] = f
	}
	return f
}

// message reads a frame as every peer in an epoch does.
func (w *world) message(f *frame, epoch uint64) (node.Message, bool) {
	r := f.read[epoch]
	if r == nil {
		r = &reading{}
		if r.said, r.bad = w.remember(f.bytes, epoch); r.bad != nil {
			r.said, r.bad = node.ParseMessage(&w.epochs[epoch], f.bytes)
			w.verified(&r.said)
		}
		if f.read == nil {
			f.read = map[uint64]*reading{}
		}
		f.read[epoch] = r
	}
	return r.said, r.bad == nil
}

// verified notes what need not be verified again in this run: what was read once, and what an honest
// peer sealed.
func (w *world) verified(m *node.Message) {
	if m.Bundle == nil || w.plan.Forgetful {
		return
	}
	for _, e := range m.Bundle.Events {
		if e.Kind != "" && !w.sealed[e] { // from an archive come bytes alone
			w.sealed[e], w.events[sha256.Sum256(e.Raw)] = true, e
		}
	}
	for _, r := range m.Bundle.Rounds {
		if r.Number > 0 && !w.sealed[r] {
			w.sealed[r], w.rounds[sha256.Sum256(r.Raw)] = true, r
		}
	}
}

var errNew = errors.New("there is something new in it")

// remember reads a bundle of which every event and round block was verified before, as
// node.ParseMessage would. It saves most of the time of a run; that it changes nothing else is
// tested (TestMemoryChangesNothing).
func (w *world) remember(bytes []byte, epoch uint64) (m node.Message, err error) {
	var said struct {
		_                            struct{} `cbor:",toarray"`
		Hello, Get, Tail, Want, Read cbor.RawMessage
		Bundle                       *struct {
			_         struct{} `cbor:",toarray"`
			Events    [][]byte
			Rounds    [][]byte
			Next      *node.From
			More, End bool
		}
	}
	if err := event.Unmarshal(bytes, &said); err != nil || said.Bundle == nil {
		return m, errNew
	}
	for _, other := range []cbor.RawMessage{said.Hello, said.Get, said.Tail, said.Want, said.Read} {
		if len(other) != 1 || other[0] != 0xf6 { // null
			return m, errNew
		}
	}
	b := &node.Bundle{Next: said.Bundle.Next, More: said.Bundle.More, End: said.Bundle.End}
	for _, raw := range said.Bundle.Events {
		e := w.events[sha256.Sum256(raw)]
		if e == nil {
			return m, errNew
		}
		b.Events = append(b.Events, e)
	}
	for _, raw := range said.Bundle.Rounds {
		r := w.rounds[sha256.Sum256(raw)]
		switch {
		case r == nil:
			return m, errNew
		case r.Epoch > epoch:
			b.Later = append(b.Later, raw)
		case r.Epoch == epoch:
			b.Rounds = append(b.Rounds, r)
		}
	}
	return node.Message{Bundle: b}, nil
}

// mustRead reads a frame that is well-formed.
func (w *world) mustRead(f *frame, epoch uint64) node.Message {
	m, good := w.message(f, epoch)
	if !good {
		panic("sim: invariant: a frame can be read")
	}
	return m
}

// round reads a round block that somebody kept; the bytes were verified before.
func (w *world) round(raw []byte) *finality.Round {
	id := sha256.Sum256(raw)
	r := w.rounds[id]
	if r == nil {
		if number, err := finality.RoundEpoch(raw); err == nil && number < uint64(len(w.epochs)) {
			r, _ = finality.OpenRound(&w.epochs[number], raw)
		}
		w.rounds[id] = r
	}
	return r
}

// link is the way from one peer to another.
type link struct {
	slow  event.Time // factor
	last  event.Time // when the last message arrives
	clog  event.Time // nothing arrives before
	drops int
}

// cut tells whether a partition lies between two peers now.
func (w *world) cut(from, to *peer) bool {
	for _, c := range w.cuts {
		a, b := c.Set>>from.index&1, c.Set>>to.index&1
		if a != b && (a == 1 || !c.OneWay) {
			return true
		}
	}
	return false
}

// post sends a frame from one peer to another through everything that can happen to it.
func (w *world) post(from, to *peer, f *frame) {
	w.sent++
	w.lastSent = w.now
	if w.spy != nil && !w.spy(from, to, f) {
		return
	}
	copies := 1
	if w.storm() {
		switch {
		case w.cut(from, to), w.luck.of(w.plan.Loss, 1000):
			w.links[from.index*len(w.peers)+to.index].drops++
			return
		case w.luck.of(w.plan.Repeats, 1000):
			copies = 2
		}
	}
	for range copies {
		w.carry(from, to, f, w.delay(from, to))
	}
}

// delay draws the time that a message takes.
func (w *world) delay(from, to *peer) event.Time {
	l := &w.links[from.index*len(w.peers)+to.index]
	delay := w.plan.Delay
	if w.plan.Jitter > 0 {
		delay += w.luck.until(w.plan.Jitter)
	}
	if w.storm() {
		delay *= l.slow
		if w.luck.of(w.plan.Spikes, 1000) {
			delay *= 10
		}
	}
	at := w.now + delay
	if !w.plan.Reorder {
		at = max(at, l.last)
	}
	if w.storm() || w.now < l.clog {
		at = max(at, l.clog)
	}
	l.last = max(l.last, at)
	return at - w.now
}

// carry puts a frame into a peer's hands after a delay.
func (w *world) carry(from, to *peer, f *frame, delay event.Time) {
	w.agenda.add(w.now+delay, func() {
		w.trace.note(line{w.now, "arrives", from.name, to.name, uint64(len(f.bytes)), binary.BigEndian.Uint64(f.id[:]), f.topic})
		to.receive(from, f)
	})
}

// publish gossips a frame from its author.
func (w *world) publish(from *peer, f *frame) {
	from.heard[f.heard] = true
	w.pass(from, nil, f, meshFirst)
}

// pass tells a gossiped frame to some neighbours.
func (w *world) pass(from, source *peer, f *frame, degree int) {
	var to []*peer
	for _, p := range w.peers {
		if p != source && from.linked[p.index] && (f.topic != node.TopicRounds || !p.serves()) {
			to = append(to, p)
		}
	}
	for i := range min(degree, len(to)) {
		j := i + w.luck.IntN(len(to)-i)
		to[i], to[j] = to[j], to[i]
		w.post(from, to[i], f)
	}
}

// connect tells two peers of one another, each a little later.
func (w *world) connect(a, b *peer) {
	for _, pair := range [][2]*peer{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		w.agenda.add(w.now+1+w.luck.until(50), func() { from.meet(to) })
	}
}

// part tells two peers that each lost the other.
func (w *world) part(a, b *peer) {
	a.lose(b, w.luck.until(500))
	b.lose(a, w.luck.until(500))
}

// split begins a partition, and heals it at its time.
func (w *world) split(c Partition) {
	w.trace.note(line{at: w.now, what: "partition", n: c.Set})
	w.cuts = append(w.cuts, c)
	crossing := func(do func(a, b *peer)) {
		for i, a := range w.peers {
			for _, b := range w.peers[:i] {
				if c.Told && w.wired[a.index]>>b.index&1 == 1 && c.Set>>a.index&1 != c.Set>>b.index&1 {
					do(a, b)
				}
			}
		}
	}
	crossing(w.part)
	w.agenda.add(c.Until, func() {
		w.trace.note(line{at: w.now, what: "heals", n: c.Set})
		for i := range w.cuts {
			if w.cuts[i] == c {
				w.cuts = append(w.cuts[:i], w.cuts[i+1:]...)
				break
			}
		}
		crossing(w.connect)
	})
}

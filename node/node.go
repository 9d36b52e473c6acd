// Package node is one member's peer in one cooperative.
//
// Its one idea: Core does everything that matters and touches nothing. It is told what arrived and
// what time it is, and answers with Effects: keep this on disk, raise the signing guard, then
// gossip this and send that, and call again at such a time. Node is the one loop around it, which
// obeys in that order, so nothing is ever said that was not kept first. The same Core runs in the
// simulator, in a loop of a few lines.
//
// The package declares what it needs of the world: Network, Clock, Guard and a crdt.Store. It knows
// neither libp2p nor Badger nor files.
//
// Between peers it speaks five small protocols (docs/protocol.md): greetings that say how far one
// is, round blocks pushed among stewards, comparison of what is not final by short salted ids,
// fetching by id, and catching up by commits. Each message may be lost; every need is repeated.
// When nothing is left to do, nothing is sent.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Network carries frames between peers. Neither method blocks, and both may lose what they carry.
type Network interface {
	Publish(topic string, frame []byte)
	Send(to Peer, proto string, frame []byte) bool
}

// Clock is the time of day. It decides when to act, never what is valid.
type Clock interface {
	Now() event.Time
	After(time.Duration) <-chan time.Time
}

// Guard keeps the high-water marks of what this device signed, outside of the data and of its
// backups. Mark returns when they are durable.
type Guard interface {
	Mark(Mark) error
	Silence(why string) error
}

// Options are what a Node is made of.
type Options struct {
	Genesis  *event.Event
	Key      identity.Key
	Keys     Keys   // for rounds of epochs after the founding one; may be nil
	Observer string // not empty: sign nothing, and why
	Signed   Mark   // what the guard says was signed so far
	Pin      *Pin   // of who invited this device; may be nil
	Store    crdt.Store
	Net      Network
	Clock    Clock
	Guard    Guard
	Log      *slog.Logger
	Progress func(done, total uint64) // of the replay at start; may be nil
	Turned   func()                   // called in the loop when an epoch has begun; may be nil
}

// Node is the loop around a Core. All methods may be called from any goroutine.
type Node struct {
	core    *Core
	reader  *Reader
	store   crdt.Store
	net     Network
	clock   Clock
	guard   Guard
	log     *slog.Logger
	urgent  chan input    // what the order waits for
	inbox   chan input    // everything else, mostly events
	writes  chan *Effects // to the writer, which has at most one turn at a time
	written chan error    // and back
	writing *turn         // that turn
	stopped chan struct{}
	stop    error // why the loop ended, set before stopped is closed
	awaited map[event.ID][]chan Outcome
	latency latencies
	turned  func()
}

// Outcome is what became of an event.
type Outcome struct {
	Index   uint64 // commit that ordered it
	Time    event.Time
	Refusal string // empty: it counts
}

// input is something for the core to hear; it may return what is to be called when the turn's effects
// are durable.
type input struct {
	do     func(now event.Time) (after func(error))
	weight int // events in it
}

// A turn hears inputs until it heard so many, or so many events; they share one write to disk. A
// shorter turn would write more often, a longer one would let the order wait.
const (
	turnInputs = 512
	turnEvents = 1024
)

// Open replays what the store keeps. It fails when the archive contradicts itself.
func Open(o Options) (*Node, error) {
	if o.Store.Count().Events == 0 {
		if err := o.Store.Append(crdt.Batch{Events: []*event.Event{o.Genesis}}); err != nil {
			return nil, fmt.Errorf("cannot keep the founding event: %w", err)
		}
	}
	config := Config{Genesis: o.Genesis, Key: o.Key, Keys: o.Keys, Observer: o.Observer, Mark: o.Signed, Pin: o.Pin, Archive: o.Store}
	core, err := restored(config, o)
	if errors.Is(err, ErrReplay) { // as after a repair: what is lost comes from the others
		config.Mended = true
		core, err = restored(config, o)
	}
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Turned == nil {
		o.Turned = func() {}
	}
	return &Node{core: core, turned: o.Turned, reader: NewReader(core.epoch), store: o.Store, net: o.Net, clock: o.Clock, guard: o.Guard, log: o.Log,
		urgent: make(chan input, 4*turnInputs), inbox: make(chan input, turnInputs), writes: make(chan *Effects), written: make(chan error, 1),
		stopped: make(chan struct{}), awaited: map[event.ID][]chan Outcome{}}, nil
}

func restored(c Config, o Options) (*Core, error) {
	core, err := NewCore(c)
	if err != nil {
		return nil, err
	}
	return core, core.Restore(o.Clock.Now(), o.Progress)
}

// Run owns the core until ctx ends, or until the disk fails: then it returns an error that wraps
// ErrDisk, and every later call fails with it.
func (n *Node) Run(ctx context.Context) error {
	var writer sync.WaitGroup
	writer.Go(func() {
		for out := range n.writes {
			n.written <- n.keep(out)
		}
	})
	err := n.loop(ctx)
	close(n.writes)
	writer.Wait()
	n.stop = ErrClosed
	if err != nil {
		n.stop = err
	}
	close(n.stopped)
	return err
}

func (n *Node) loop(ctx context.Context) error {
	wake, err := n.turn(nil)
	for err == nil {
		var timer <-chan time.Time
		if wake != 0 {
			now := n.clock.Now()
			timer = n.clock.After(time.Duration(max(int64(wake)-int64(now), 0)) * time.Millisecond)
		}
		select {
		case <-ctx.Done():
			return n.settle()
		case err = <-n.written:
			err = n.obey(err)
		case <-timer:
			wake, err = n.turn(nil)
		case in := <-n.urgent:
			wake, err = n.turn(&in)
		case in := <-n.inbox:
			wake, err = n.turn(&in)
		}
	}
	return err
}

// turn hands the core what arrived and begins to write what it says. While that is being written the
// next turn hears already, but what it leads to waits until everything before it was said.
func (n *Node) turn(in *input) (wake event.Time, err error) {
	t := &turn{}
	for inputs, events := 0, 0; in != nil; inputs++ {
		if done := in.do(n.clock.Now()); done != nil {
			t.after = append(t.after, done)
		}
		if events += in.weight; inputs >= turnInputs || events >= turnEvents {
			break
		}
		if in, err = n.next(); err != nil {
			return 0, err
		}
	}
	t.Effects = n.core.Tick(n.clock.Now(), len(n.inbox) > 0)
	if t.Epoch != nil {
		n.reader.Turn(t.Epoch)
		n.turned()
		n.log.Info("an epoch begins", "epoch", t.Epoch.Number, "stewards", t.Epoch.N())
	}
	if t.Fault != nil {
		n.log.Warn("a steward's duty could not be done", "why", t.Fault)
	}
	if err := n.settle(); err != nil {
		return 0, err
	}
	n.writing = t
	if t.lasting() {
		n.writes <- &t.Effects
		return t.Wake, nil
	}
	return t.Wake, n.obey(nil)
}

// next is the next input, if there is one: first what the order waits for. While the turn before is
// being written there is time to wait for one.
func (n *Node) next() (*input, error) {
	select {
	case in := <-n.urgent:
		return &in, nil
	default:
	}
	select {
	case in := <-n.urgent:
		return &in, nil
	case in := <-n.inbox:
		return &in, nil
	default:
	}
	if n.writing == nil {
		return nil, nil
	}
	select {
	case in := <-n.urgent:
		return &in, nil
	case in := <-n.inbox:
		return &in, nil
	case err := <-n.written:
		return nil, n.obey(err)
	}
}

// turn is what one turn asks of the world, and who waits until it is durable.
type turn struct {
	Effects
	after []func(error)
}

// settle waits for the turn that is being written, if there is one.
func (n *Node) settle() error {
	if n.writing == nil {
		return nil
	}
	return n.obey(<-n.written)
}

// obey does what is left of a turn when it is written: those who wait for it are answered, and what
// it says is said.
func (n *Node) obey(err error) error {
	t := n.writing
	n.writing = nil
	for _, done := range t.after {
		done(err)
	}
	if err != nil {
		return err
	}
	n.speak(&t.Effects)
	n.finish(&t.Effects)
	return nil
}

// keep makes durable what the turn decided, first the archive, then the guard: a crash between the
// two leaves an archive that knows more than the guard, which is harmless.
func (n *Node) keep(out *Effects) error {
	if len(out.Keep.Events)+len(out.Keep.Rounds)+len(out.Keep.Commits) > 0 {
		if err := n.store.Append(out.Keep); err != nil {
			return fmt.Errorf("%w: %w", ErrDisk, err)
		}
	}
	if out.Mark != (Mark{}) {
		if err := n.guard.Mark(out.Mark); err != nil {
			return fmt.Errorf("%w: the signing guard: %w", ErrDisk, err)
		}
	}
	if out.Silence != "" {
		n.log.Error("signing stopped", "why", out.Silence)
		if err := n.guard.Silence(out.Silence); err != nil {
			return fmt.Errorf("%w: the signing guard: %w", ErrDisk, err)
		}
	}
	return nil
}

func (n *Node) speak(out *Effects) {
	for _, letter := range out.Send {
		n.net.Send(letter.To, letter.Proto, letter.Frame())
	}
	for _, p := range out.Publish {
		n.net.Publish(p.Topic, p.Frame())
	}
}

// finish tells those who wait for an event what became of it.
func (n *Node) finish(out *Effects) {
	now := n.clock.Now()
	for _, receipt := range out.Final {
		n.latency.final(receipt.ID, now)
		if awaited := n.awaited[receipt.ID]; awaited != nil {
			for _, w := range awaited {
				w <- Outcome{Index: receipt.Index, Time: out.Time, Refusal: receipt.Refusal}
			}
			delete(n.awaited, receipt.ID)
		}
	}
}

// do runs f in the loop, and after the turn's effects are obeyed returns.
func (n *Node) do(ctx context.Context, weight int, f func(now event.Time)) error {
	done := make(chan error, 1)
	in := input{weight: weight, do: func(now event.Time) func(error) {
		f(now)
		return func(err error) { done <- err }
	}}
	select {
	case n.inbox <- in:
	case <-n.stopped:
		return n.stop
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-n.stopped:
		return n.stop
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask runs f in the loop, and after the turn's effects are obeyed gives what it said. Who does not wait for that gets
// nothing: f may still be saying it.
func ask[T any](ctx context.Context, n *Node, weight int, f func(now event.Time) (T, error)) (T, error) {
	var said, nothing T
	var refusal error
	if err := n.do(ctx, weight, func(now event.Time) { said, refusal = f(now) }); err != nil {
		return nothing, err
	}
	return said, refusal
}

// look is ask for what cannot be refused.
func look[T any](ctx context.Context, n *Node, f func() T) (T, error) {
	return ask(ctx, n, 0, func(event.Time) (T, error) { return f(), nil })
}

// tell is ask for what says nothing but why not.
func tell(ctx context.Context, n *Node, f func(now event.Time) error) error {
	_, err := ask(ctx, n, 0, func(now event.Time) (struct{}, error) { return struct{}{}, f(now) })
	return err
}

// Submit tries a draft, signs it with this device's key and returns when it is durable here. The
// error is the refusal it would meet, a reason not to sign, or why the peer stopped.
func (n *Node) Submit(ctx context.Context, d event.Draft) (*event.Event, error) {
	return ask(ctx, n, 1, func(now event.Time) (*event.Event, error) {
		e, err := n.core.Submit(now, d)
		if err == nil {
			n.latency.began(e.ID, now)
		}
		return e, err
	})
}

// Try tells why Submit would refuse a draft as things stand, or nil. Nothing is signed.
func (n *Node) Try(ctx context.Context, d event.Draft) error {
	return tell(ctx, n, func(now event.Time) error { return n.core.Try(now, d) })
}

// Take takes events that were sealed elsewhere and returns when they are durable here, with a
// verdict for each.
func (n *Node) Take(ctx context.Context, raws [][]byte) ([]error, error) {
	events, errs := n.reader.door.openAll(raws)
	var good []*event.Event
	var at []int
	for i, e := range events {
		if errs[i] == nil {
			good, at = append(good, e), append(at, i)
		}
	}
	refusals, err := ask(ctx, n, len(good), func(now event.Time) ([]error, error) {
		refusals := n.core.Take(now, good)
		for i, refusal := range refusals {
			if refusal == nil {
				n.latency.began(good[i].ID, now)
			}
		}
		return refusals, nil
	})
	for i, refusal := range refusals {
		errs[at[i]] = refusal
	}
	return errs, err
}

// Slot is the next free place in the strand of a key.
func (n *Node) Slot(ctx context.Context, key identity.PublicKey) (event.Slot, error) {
	return ask(ctx, n, 0, func(now event.Time) (event.Slot, error) { return n.core.Slot(key, now), nil })
}

// Wait returns what became of an event as soon as it is final. When ctx ends first the error wraps
// ErrNotInTime.
func (n *Node) Wait(ctx context.Context, id event.ID) (Outcome, error) {
	answer := make(chan Outcome, 1)
	err := n.do(ctx, 0, func(event.Time) {
		if n.core.Level(id) == Final {
			answer <- Outcome{Refusal: n.core.Refusal(id), Time: n.core.time}
			return
		}
		n.awaited[id] = append(n.awaited[id], answer)
	})
	if err != nil {
		return Outcome{}, err
	}
	select {
	case outcome := <-answer:
		return outcome, nil
	case <-n.stopped:
		return Outcome{}, n.stop
	case <-ctx.Done():
		return Outcome{}, fmt.Errorf("%w (%w)", ErrNotInTime, ctx.Err())
	}
}

// Check reads and verifies a frame from the network. It is called concurrently, before the loop,
// and depends on the bytes alone; false means that only a broken or hostile peer sends this.
func (n *Node) Check(_ Peer, frame []byte) (Message, bool) {
	m, err := n.reader.Parse(frame)
	return m, err == nil
}

// Deliver hands a checked message to the loop. It waits while the loop is busy, which slows down
// who sends too much.
func (n *Node) Deliver(from Peer, m Message) {
	to, weight := n.urgent, 0
	if b := m.Bundle; b != nil {
		weight = len(b.Events)
		if len(b.Rounds) == 0 || b.Next != nil {
			to = n.inbox
		}
	}
	n.put(to, input{weight: weight, do: func(now event.Time) func(error) {
		n.core.Handle(now, from, m)
		return nil
	}})
}

// Up tells that a peer became reachable.
func (n *Node) Up(p Peer) {
	n.put(n.inbox, input{do: func(now event.Time) func(error) { n.core.Up(now, p); return nil }})
}

// Down tells that a peer is gone.
func (n *Node) Down(p Peer) {
	n.put(n.inbox, input{do: func(now event.Time) func(error) { n.core.Down(now, p); return nil }})
}

func (n *Node) put(to chan input, in input) {
	select {
	case to <- in:
	case <-n.stopped:
	}
}

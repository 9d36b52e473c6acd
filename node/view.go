package node

import (
	"context"
	"slices"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
)

// Level is how certain an event is.
type Level int

// Levels of certainty, each implying those before.
const (
	Unknown      Level = iota
	Seen               // kept here
	Acknowledged       // in the closures of a quorum of stewards: certain to be ordered by the next commit
	Final              // ordered and folded; never changes
)

var levels = [...]string{"unknown", "seen", "acknowledged", "final"}

func (l Level) String() string { return levels[l] }

// Status is how a peer is doing, in numbers.
type Status struct {
	Coop       event.ID
	Commits    uint64
	Time       event.Time // coop time
	Events     uint64
	Rounds     uint64
	Pending    int // accepted events that are not final
	Epoch      uint64
	Sealed     bool   // it is proven where the epoch before ended; until then no steward signs
	Steward    int    // this device's number among the stewards, or -1
	Round      uint64 // highest round that this peer accepted
	Waiting    int    // events that wait for others
	CatchingUp bool
	Halted     string // not empty: finality stopped, and why
	Observer   string // not empty: this peer signs nothing, and why
	Behind     bool   // that is because its data is older than what it signed: it signs again when that is back
	Ahead      []Peer // peers that say they know more commits
	Known      uint64 // the most that one of them says
	Expected   uint64 // commits up to a certified state that this peer is still to compare with its own; 0: none
}

// View is a frozen picture of a peer: nothing in it changes any more.
type View struct {
	Status
	State       *coop.State // final
	Provisional *coop.State // with everything known, in its likely order; never an authority
	Heads       []event.ID
	Forks       []crdt.Fork
	Finality    []uint32 // ms from acceptance here to final, of the latest events given in here
}

// Root is the state root at the last commit.
func (v *View) Root() [32]byte { return coop.Root(v.State) }

// View freezes the peer's present.
func (n *Node) View(ctx context.Context) (*View, error) {
	return look(ctx, n, func() *View {
		v := n.core.View()
		v.Finality = n.latency.recent()
		return v
	})
}

// Level tells how certain an event is.
func (n *Node) Level(ctx context.Context, id event.ID) (Level, error) {
	return look(ctx, n, func() Level { return n.core.Level(id) })
}

// Status tells how the peer is doing; it is cheap.
func (n *Node) Status(ctx context.Context) (Status, error) { return look(ctx, n, n.core.Status) }

// Status tells how the core is doing.
func (c *Core) Status() Status {
	s := Status{Coop: c.coop, Commits: c.commits, Time: c.time, Events: c.kept.Events, Rounds: c.kept.Rounds, Pending: c.tail.len(),
		Epoch: c.epoch.Number, Sealed: c.sealed(), Steward: c.seat, Round: slices.Max(c.engine.Frontier()), Waiting: c.graph.Waiting(),
		CatchingUp: c.fetch.active() || c.unpinned(), Observer: c.watching(), Behind: c.observer == "" && !c.entitled}
	if halt := c.engine.Halted(); halt != nil {
		s.Halted = halt.Error()
	} else if c.diverged != nil {
		s.Halted = ErrDiverged.Error()
	} else if c.doubt != nil {
		s.Halted = c.doubt.Error()
	}
	if c.expected != nil {
		s.Expected = c.expected.Checkpoint.Index + 1
	}
	for _, p := range c.neighbours() {
		if commits := c.peers[p].hello.Commits; commits > c.commits {
			s.Ahead, s.Known = append(s.Ahead, p), max(s.Known, commits)
		}
	}
	return s
}

// View freezes the core's present.
func (c *Core) View() *View {
	final, provisional := c.line.Final().Copy(), c.provisional().Copy()
	return &View{Status: c.Status(), State: &final, Provisional: &provisional, Heads: c.graph.Heads(), Forks: c.graph.Forks()}
}

// Level tells how certain an event is.
func (c *Core) Level(id event.ID) Level {
	switch {
	case !c.graph.Has(id):
		return Unknown
	case c.graph.Get(id) == nil:
		return Final
	case c.engine.Acknowledged(id) && !c.tail.aside[id]: // what is set aside is lost with its epoch
		return Acknowledged
	}
	return Seen
}

// Refusal is why a final event came to nothing; empty when it counts or when that was long ago.
func (c *Core) Refusal(id event.ID) string { return c.refused.why[id] }

// latencies measures the time from acceptance to finality of events that were given in here.
type latencies struct {
	open map[event.ID]event.Time
	ring []uint32
	at   int
}

const latencyRing = 4096

func (l *latencies) began(id event.ID, now event.Time) {
	if l.open == nil {
		l.open = map[event.ID]event.Time{}
	}
	if len(l.open) < 4*latencyRing {
		l.open[id] = now
	}
}

func (l *latencies) final(id event.ID, now event.Time) {
	began, ok := l.open[id]
	if !ok {
		return
	}
	delete(l.open, id)
	took := uint32(min(now-min(began, now), 1<<32-1))
	if len(l.ring) < latencyRing {
		l.ring = append(l.ring, took)
		return
	}
	l.ring[l.at] = took
	l.at = (l.at + 1) % latencyRing
}

func (l *latencies) recent() []uint32 { return slices.Clone(l.ring) }

package finality

import "github.com/sustainy/coop/event"

// node is an accepted round block with what its closure says, worked out from its parents alone.
type node struct {
	*Round
	parents []*node // none if they lie below the horizon
	prev    *node   // nil if there is none or it lies below the horizon
	vote    *node   // vote round: the leader's block it votes for
	cert    *node   // decide round: the leader's block that a quorum of its parents vote for
	below   *node   // the certified block of the highest wave in its closure, without its own cert
	best    *node   // the same with its own cert
	timely  bool    // a leader's block whose clock agreed with ours when it was accepted
	anchor  bool    // committed
	settled bool    // in the closure of an anchor
	seen    set     // stewards in whose closures it is
	items   []*item // what it lists and was not final
}

// row is what is accepted of one round.
type row struct {
	first   []*node // by steward: the first block accepted
	all     []*node // in order of acceptance
	authors set
	since   event.Time // when a quorum of stewards had a block in it
}

// wave is what is known of the commit of one wave.
type wave struct {
	cert     *node // the certified block; more than one proves more than f liars
	deciders set   // stewards with an accepted block certifying it
}

// tip is the highest accepted block of a steward.
type tip struct {
	id     RoundID
	number uint64
}

// Engine reads round blocks of one epoch and says what is final. It holds every block of the last
// Window rounds before the last anchor and after, and the ids of all that is final.
type Engine struct {
	ep      Epoch
	n, f, q int
	window  uint64
	order   []int // of leaders

	nodes map[RoundID]*node
	rows  map[uint64]*row
	waves map[uint64]*wave
	tips  []tip
	round uint64 // the current round: the highest with blocks of a quorum of stewards
	top   uint64 // the highest round with a block
	low   uint64 // the lowest round in memory

	last    *node // the last anchor
	commits uint64
	time    event.Time

	pool  *pool
	room  *room
	size  func(event.ID) int
	forks []*Fork // by steward: the first proof
	liars set
	halt  *Halt
	stack []*node
}

// NewEngine starts an epoch. What events offers must stay true while it runs: an accepted event
// stays accepted, and the links of one that is not final stay known. If events can also Get an event,
// blocks stay within MaxIncBytes. An epoch that fails its Check is a fault.
func NewEngine(ep Epoch, events Events) *Engine {
	if err := ep.Check(); err != nil {
		panic("finality: invariant: the epoch is sound: " + err.Error())
	}
	e := &Engine{ep: ep, n: ep.N(), f: ep.F(), q: ep.Q(), window: Window, order: ep.leaders(), low: 1,
		nodes: map[RoundID]*node{}, rows: map[uint64]*row{}, waves: map[uint64]*wave{},
		tips: make([]tip, ep.N()), forks: make([]*Fork, ep.N()), pool: newPool(events)}
	e.room = newRoom(ep.N())
	e.size = func(event.ID) int { return 0 }
	if bodies, ok := events.(interface{ Get(event.ID) *event.Event }); ok {
		e.size = func(id event.ID) int {
			if ev := bodies.Get(id); ev != nil {
				return len(ev.Raw)
			}
			return 0
		}
	}
	return e
}

// Epoch is the epoch the engine runs.
func (e *Engine) Epoch() Epoch { return e.ep }

// Round is the current round: the highest of which a quorum of stewards has accepted blocks.
func (e *Engine) Round() uint64 { return e.round }

// Commits is how many commits there are.
func (e *Engine) Commits() uint64 { return e.commits }

// Time is the coop time of the last commit.
func (e *Engine) Time() event.Time { return e.time }

// Pending is how many known events wait to become final.
func (e *Engine) Pending() int { return len(e.pool.pending) }

// Waiting is how many blocks wait for others or for events.
func (e *Engine) Waiting() int { return len(e.room.waiting) }

// Halted is not nil once the order is in doubt for ever.
func (e *Engine) Halted() *Halt { return e.halt }

// Offer names accepted events that may become final: they are work for stewards until they are.
func (e *Engine) Offer(ids ...event.ID) {
	for _, id := range ids {
		e.pool.item(id)
	}
}

// Acknowledged tells whether a quorum of stewards has the event in the closures of their blocks, so
// that the next commit orders it, or it is final.
func (e *Engine) Acknowledged(id event.ID) bool {
	if it := e.pool.pending[id]; it != nil {
		return it.seen.count() >= e.q
	}
	return e.Final(id)
}

// Final tells whether the event is ordered.
func (e *Engine) Final(id event.ID) bool {
	_, final := e.pool.final[id]
	return final
}

// Has tells whether the block is accepted and in memory.
func (e *Engine) Has(id RoundID) bool { return e.nodes[id] != nil }

// Get is an accepted block; nil if it is unknown or below the Horizon.
func (e *Engine) Get(id RoundID) *Round {
	if b := e.nodes[id]; b != nil {
		return b.Round
	}
	return nil
}

// Frontier is the highest accepted round of each steward.
func (e *Engine) Frontier() []uint64 {
	frontier := make([]uint64, e.n)
	for s, t := range e.tips {
		frontier[s] = t.number
	}
	return frontier
}

// Horizon is the lowest round that is kept. Whoever lacks rounds below it needs them from disk.
func (e *Engine) Horizon() uint64 {
	if e.last == nil || e.last.Number <= e.window {
		return 1
	}
	return e.last.Number - e.window
}

// Above is at most limit accepted blocks that a peer with this frontier lacks, parents first, as far
// as they are in memory.
func (e *Engine) Above(frontier []uint64, limit int) []*Round {
	known := make([]uint64, e.n)
	copy(known, frontier)
	from := e.top
	for _, number := range known {
		from = min(from, number)
	}
	var rounds []*Round
	for number := max(from+1, e.low); number <= e.top; number++ {
		row := e.rows[number]
		if row == nil {
			continue
		}
		for _, b := range row.all {
			if len(rounds) >= limit {
				return rounds
			}
			if number > known[b.Steward] {
				rounds = append(rounds, b.Round)
			}
		}
	}
	return rounds
}

// Proof is the certificates that made the last commit, one of each steward. Whoever has fewer commits
// and accepts these blocks has it too; a frontier alone does not tell of a liar's second block.
func (e *Engine) Proof() []*Round {
	if e.last == nil {
		return nil
	}
	var proof []*Round
	var authors set
	for _, b := range e.rows[decideRound(waveOf(e.last.Number))].all {
		if b.cert == e.last && !authors.has(b.Steward) {
			authors = authors.with(b.Steward)
			proof = append(proof, b.Round)
		}
	}
	return proof
}

// Missing is at most limit round blocks and at most limit events that waiting blocks need. It is
// fair among the stewards whose blocks need them, and what is not obtained goes to the end.
func (e *Engine) Missing(limit int) ([]Want, []event.ID) {
	return e.room.missing(limit), e.room.unknown(limit, e.pool.events.Has)
}

// Add tells the engine of a block that from sent; an empty from is the node itself, whose blocks on
// disk, added in the order in which they were accepted, are all accepted again. A block whose links
// or events are not all here waits for them. A block that is known already changes nothing. The
// errors are those of errors.go; whatever came of the block, the step holds.
func (e *Engine) Add(now event.Time, from string, r *Round) (Step, error) {
	if r.Epoch != e.ep.Number {
		return Step{Halt: e.halt}, ErrOtherEpoch
	}
	if e.nodes[r.ID] != nil || e.room.waiting[r.ID] != nil {
		return Step{Halt: e.halt}, nil
	}
	switch {
	case r.Number < e.Horizon():
		return Step{Halt: e.halt}, ErrOld
	case r.Number > e.round+MaxAhead:
		return Step{Halt: e.halt}, ErrAhead
	}
	var step Step
	e.witness(r, &step)
	w := &waiting{r: r, from: from}
	ready, err := e.admit(w)
	if ready {
		e.run(now, []*waiting{w}, &step)
		if len(step.Accepted) == 0 {
			err = ErrLinks
		}
	}
	step.Halt = e.halt
	return step, err
}

// Learn tells the engine of events that are accepted from now on. Blocks that waited for them are
// accepted.
func (e *Engine) Learn(now event.Time, ids []event.ID) Step {
	var step Step
	for _, id := range ids {
		e.run(now, e.room.learn(id, e.pool.events.Has), &step)
	}
	step.Halt = e.halt
	return step
}

// run accepts blocks that have all they need, and then every waiting block that thereby has. A block
// with false links is dropped with all that builds on it.
func (e *Engine) run(now event.Time, ready []*waiting, step *Step) {
	for len(ready) > 0 {
		r := ready[0].r
		ready = ready[1:]
		horizon := e.Horizon()
		if !e.accept(now, r, step) {
			e.room.refuse(r.ID)
			continue
		}
		step.Accepted = append(step.Accepted, r)
		ready = append(ready, e.room.release(r.ID)...)
		if risen := e.Horizon(); risen > horizon {
			ready = append(ready, e.room.sweep(horizon, risen)...)
		}
	}
}

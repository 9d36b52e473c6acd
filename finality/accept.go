package finality

import "github.com/sustainy/coop/event"

// accept takes a block whose parents, predecessor and events are all here into the graph. It is
// false if the links are not what they say, or the horizon has risen past the block.
func (e *Engine) accept(now event.Time, r *Round, step *Step) bool {
	b := &node{Round: r}
	if r.Number < e.Horizon() || !e.link(b) {
		return false
	}
	b.timely = e.timely(now, r)
	b.vote = e.votedFor(b)
	b.cert = e.certified(b)
	b.inherit()
	e.place(now, b)
	for _, id := range r.Inc {
		if it := e.pool.item(id); it != nil {
			b.items = append(b.items, it)
		}
	}
	e.cover(b, only(r.Steward))
	if b.cert != nil {
		e.count(b, step)
	}
	return true
}

// link finds the blocks that b names. It is false if one of them is not what a link to it says.
func (e *Engine) link(b *node) bool {
	horizon := e.Horizon()
	if b.Number > horizon {
		b.parents = make([]*node, len(b.Parents))
		for i, id := range b.Parents {
			b.parents[i] = e.nodes[id]
		}
	}
	if !onePerSteward(b.parents, b.Number-1) {
		return false
	}
	if b.Last >= horizon {
		b.prev = e.nodes[b.Prev]
		return b.prev.Steward == b.Steward && b.prev.Number == b.Last
	}
	return true
}

// onePerSteward is the rule that makes a vote unique: parents are exactly one round below, and at
// most one of each steward.
func onePerSteward(parents []*node, number uint64) bool {
	for i, p := range parents {
		if p.Number != number || i > 0 && p.Steward <= parents[i-1].Steward {
			return false
		}
	}
	return true
}

// leader is the steward that a round's wave is about.
func (e *Engine) leader(round uint64) int { return e.order[waveOf(round)%uint64(e.n)] }

// votedFor is the block that a vote is for. Being a parent is not a vote; the flag is.
func (e *Engine) votedFor(b *node) *node {
	if phaseOf(b.Number) != vote || !b.Vote {
		return nil
	}
	return of(b.parents, e.leader(b.Number))
}

// of is the block of a steward among blocks, if any.
func of(blocks []*node, steward int) *node {
	for _, b := range blocks {
		if b.Steward == steward {
			return b
		}
	}
	return nil
}

// certified is the leader's block that a quorum of the parents of a decide block vote for.
func (e *Engine) certified(b *node) *node {
	if phaseOf(b.Number) != decide {
		return nil
	}
	if choice, votes := tally(b.parents); votes >= e.q {
		return choice
	}
	return nil
}

// tally is the block with most votes of blocks, which are of different stewards, and how many.
func tally(blocks []*node) (choice *node, votes int) {
	for i, b := range blocks {
		n := 0
		for _, other := range blocks[i:] {
			if other.vote == b.vote && b.vote != nil {
				n++
			}
		}
		if n > votes {
			choice, votes = b.vote, n
		}
	}
	return choice, votes
}

// inherit finds the certified block of the highest wave in the closure from what the links found.
func (b *node) inherit() {
	for _, p := range b.parents {
		b.below = higher(b.below, p.best)
	}
	if b.prev != nil {
		b.below = higher(b.below, b.prev.best)
	}
	b.best = higher(b.below, b.cert)
}

func higher(a, b *node) *node {
	if a == nil || b != nil && b.Number > a.Number {
		return b
	}
	return a
}

// place puts b into its row, and moves the current round when the row has a quorum.
func (e *Engine) place(now event.Time, b *node) {
	r := e.rows[b.Number]
	if r == nil {
		r = &row{first: make([]*node, e.n)}
		e.rows[b.Number] = r
	}
	e.nodes[b.ID] = b
	r.all = append(r.all, b)
	if r.first[b.Steward] == nil {
		r.first[b.Steward] = b
		r.authors = r.authors.with(b.Steward)
		if r.authors.count() == e.q {
			r.since = now
			e.round = max(e.round, b.Number)
		}
	}
	e.top = max(e.top, b.Number)
	if t := &e.tips[b.Steward]; b.Number > t.number {
		*t = tip{b.ID, b.Number}
	}
}

// cover notes what is in the closure of a steward's block. Every block is passed once for each
// steward, and none below an anchor.
func (e *Engine) cover(b *node, steward set) {
	e.stack = append(e.stack[:0], b)
	for len(e.stack) > 0 {
		b := pop(&e.stack)
		if b == nil || b.settled || b.seen&steward != 0 {
			continue
		}
		b.seen |= steward
		for _, it := range b.items {
			e.pool.cover(it, steward)
		}
		e.stack = append(append(e.stack, b.parents...), b.prev)
	}
}

// timely judges a leader's clock by ours, once, when its block is accepted. Only our vote depends on
// it.
func (e *Engine) timely(now event.Time, r *Round) bool {
	return distance(now, r.At) <= uint64(e.ep.Params.Tolerance)*e.backoff(waveOf(r.Number))
}

// backoff doubles once for every f+1 waves without a commit: a correct leader is among so many.
func (e *Engine) backoff(wave uint64) uint64 {
	next := e.nextWave()
	if wave <= next {
		return 1
	}
	return 1 << min(6, (wave-next)/uint64(e.f+1))
}

// nextWave is the wave after that of the last anchor.
func (e *Engine) nextWave() uint64 {
	if e.last == nil {
		return 0
	}
	return waveOf(e.last.Number) + 1
}

// witness notes the proof when a second block of one steward and round turns up, accepted or not:
// both are signed.
func (e *Engine) witness(r *Round, step *Step) {
	if e.liars.has(r.Steward) {
		return
	}
	other := e.room.other(r)
	if row := e.rows[r.Number]; row != nil && row.first[r.Steward] != nil {
		other = row.first[r.Steward].Round
	}
	if other == nil || other.ID == r.ID {
		return
	}
	a, b := other, r
	if a.ID.Compare(b.ID) > 0 {
		a, b = b, a
	}
	fork := &Fork{Key: e.ep.Stewards[r.Steward], Steward: r.Steward, A: a, B: b}
	e.forks[r.Steward] = fork
	e.liars = e.liars.with(r.Steward)
	step.Evidence = append(step.Evidence, *fork)
}

// Evidence is the first proof against each steward known to have signed two blocks of one round, by
// ascending steward.
func (e *Engine) Evidence() []Fork {
	var forks []Fork
	for _, f := range e.forks {
		if f != nil {
			forks = append(forks, *f)
		}
	}
	return forks
}

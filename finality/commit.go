package finality

// count takes the certificate of a decide block into account. A quorum of different stewards that
// hold one certificate is a commit.
func (e *Engine) count(c *node, step *Step) {
	k := waveOf(c.Number)
	w := e.waves[k]
	if w == nil {
		w = &wave{cert: c.cert}
		e.waves[k] = w
	}
	if w.cert != c.cert {
		e.stop(k, w.cert, c.cert) // two certified blocks in one wave
		return
	}
	w.deciders = w.deciders.with(c.Steward)
	if w.deciders.count() < e.q || e.halt != nil {
		return
	}
	if k >= e.nextWave() {
		e.commit(w.cert, step)
	} else if !w.cert.anchor {
		e.stop(k, e.last, w.cert) // others have it as an anchor
	}
}

// commit makes b an anchor, and before it every certified block that leads down from it to the last
// anchor. That this way ends at the last anchor holds as long as at most f stewards lie.
func (e *Engine) commit(b *node, step *Step) {
	chain := []*node{b}
	next := b.below
	for ; next != nil && waveOf(next.Number) >= e.nextWave(); next = next.below {
		chain = append(chain, next)
	}
	if next != e.last { // the floor: the way down misses what was committed
		e.stop(waveOf(b.Number), e.last, next)
		return
	}
	for len(chain) > 0 {
		e.emit(pop(&chain), step)
	}
	e.prune()
	e.pool.trim()
}

// emit appends the segment of an anchor to the order.
func (e *Engine) emit(anchor *node, step *Step) {
	segment := e.segment(anchor)
	order := arrange(anchor.ID, segment)
	e.pool.close(segment)
	e.time = max(e.time, anchor.At)
	step.Commits = append(step.Commits, Commit{Index: e.commits, Anchor: anchor.Round, Wave: waveOf(anchor.Number),
		Time: e.time, Order: order})
	e.commits++
	anchor.anchor = true
	e.last = anchor
}

// segment is what the closure of an anchor lists, closed under links, and no earlier anchor had.
// The closure is a function of the anchor and the one before: what else is accepted has no part.
func (e *Engine) segment(anchor *node) []*item {
	var segment []*item
	horizon := e.Horizon()
	e.stack = append(e.stack[:0], anchor)
	for len(e.stack) > 0 {
		b := pop(&e.stack)
		if b == nil || b.settled || b.Number < horizon {
			continue
		}
		b.settled = true
		for _, it := range b.items {
			segment = e.pool.settle(it, segment)
		}
		b.items = nil
		e.stack = append(append(e.stack, b.parents...), b.prev)
	}
	return segment
}

// prune forgets the rounds below the horizon. Events that only such a block listed, and no anchor
// had, must be listed again.
func (e *Engine) prune() {
	for horizon := e.Horizon(); e.low < horizon; e.low++ {
		row := e.rows[e.low]
		if row == nil {
			continue
		}
		for _, b := range row.all {
			for _, it := range b.items {
				e.pool.uncover(it)
			}
			delete(e.nodes, b.ID)
			b.parents, b.prev, b.items = nil, nil, nil
			b.vote, b.cert, b.below, b.best = nil, nil, nil, nil
		}
		delete(e.rows, e.low)
		if phaseOf(e.low) == decide {
			delete(e.waves, waveOf(e.low))
		}
	}
}

// stop halts the engine: two orders are possible. What is committed stays, nothing is added.
func (e *Engine) stop(wave uint64, have, found *node) {
	if e.halt != nil {
		return
	}
	e.halt = &Halt{Wave: wave, Forks: e.Evidence()}
	if have != nil {
		e.halt.Have = have.ID
	}
	if found != nil {
		e.halt.Found = found.ID
	}
}

package node

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
)

// wants is what is missing and whom it was asked of.
type wants struct {
	asked  map[[32]byte]*want
	needed map[event.ID]bool // events that a round block refers to: taken whatever the policy says
}

type want struct {
	since event.Time // when it was found missing
	next  event.Time // when to ask
	tries int
	tired bool // it was asked for so often that perhaps nobody has it: no reason to stay awake
	from  Peer // who has it: it sent something that refers to it
	round bool
	stale bool
}

func newWants() wants { return wants{asked: map[[32]byte]*want{}, needed: map[event.ID]bool{}} }

func (w *wants) required(id event.ID) bool { return w.needed[id] }

// any tells whether something is missing that somebody may have.
func (w *wants) any() bool {
	for _, want := range w.asked {
		if !want.tired {
			return true
		}
	}
	return false
}

// hope lets what was given up be asked for once more, because a peer has news.
func (w *wants) hope() {
	for _, want := range w.asked {
		if want.tired {
			want.tries = askTimes - 1
		}
	}
}

func (w *wants) drop(id [32]byte) {
	delete(w.asked, id)
	delete(w.needed, event.ID(id))
}

// ask lists what is missing and asks for what did not come by itself. While the core is busy what is
// missing may wait unheard, so it is given more time.
func (c *Core) ask(busy bool) {
	rounds, events := c.engine.Missing(maxWants)
	orphans := c.graph.MissingFrom(maxWants)
	if len(rounds)+len(events)+len(orphans) == 0 {
		clear(c.wants.asked)
		clear(c.wants.needed)
		return
	}
	for _, w := range c.wants.asked {
		w.stale = true
	}
	clear(c.wants.needed)
	for _, m := range rounds {
		c.miss(m.ID, peerOf(m.From), true)
	}
	for _, m := range events {
		c.wants.needed[m] = true
		c.miss(m, Peer{}, false)
	}
	for _, m := range orphans {
		c.miss([32]byte(m.ID), peerOf(m.From), false)
	}
	maps.DeleteFunc(c.wants.asked, func(_ [32]byte, w *want) bool { return w.stale })
	asks := map[Peer]*Get{}
	for _, id := range slices.SortedFunc(maps.Keys(c.wants.asked), func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }) {
		w := c.wants.asked[id]
		if w.tries >= askTimes {
			w.tired = true
			continue
		}
		next := w.next
		if busy {
			next = max(next, w.since+askBusy)
		}
		if c.now < next {
			c.wake(next)
			continue
		}
		p, ok := c.source(w)
		w.tries++
		w.next = c.now + event.Time(min(askAgain<<min(w.tries, 6), askAtMost))
		c.wake(w.next)
		if !ok {
			continue
		}
		g := asks[p]
		if g == nil {
			g = &Get{Epoch: c.epoch.Number, Frontier: c.engine.Frontier()}
			asks[p] = g
		}
		if ids := g.list(w.round); len(*ids) < maxIDs {
			*ids = append(*ids, event.ID(id))
		}
	}
	for _, p := range c.neighbours() {
		if g := asks[p]; g != nil {
			slices.SortFunc(g.Events, event.ID.Compare)
			slices.SortFunc(g.Rounds, event.ID.Compare)
			c.send(p, ProtoGet, Message{Get: g})
		}
	}
}

func (g *Get) list(rounds bool) *[]event.ID {
	if rounds {
		return &g.Rounds
	}
	return &g.Events
}

func peerOf(from string) (p Peer) {
	copy(p[:], from)
	return p
}

func (c *Core) miss(id [32]byte, from Peer, round bool) {
	w := c.wants.asked[id]
	if w == nil {
		w = &want{since: c.now, next: c.now + askAfter, from: from, round: round}
		c.wants.asked[id] = w
	}
	w.stale = false
}

// source is whom to ask: first who spoke of it, then the others in turn.
func (c *Core) source(w *want) (Peer, bool) {
	if w.tries == 0 && c.peers[w.from] != nil {
		return w.from, true
	}
	all := c.neighbours()
	if len(all) == 0 {
		return Peer{}, false
	}
	return all[(int(w.from[0])+w.tries)%len(all)], true
}

func (c *Core) onGet(from Peer, g *Get) {
	events := make([]*event.Event, 0, len(g.Events))
	given := make(map[event.ID]bool, len(g.Events)) // only looked up
	for _, id := range g.Events {
		events = c.withAncestors(events, id, given)
	}
	var rounds []*finality.Round
	for _, id := range g.Rounds {
		if r := c.round(finality.RoundID(id)); r != nil {
			rounds = append(rounds, r)
		}
	}
	if len(g.Rounds) > 0 && g.Epoch == c.epoch.Number {
		rounds = append(rounds, c.engine.Above(g.Frontier, maxAbove)...)
	}
	c.sendBundle(from, ProtoGet, events, rounds)
}

// withAncestors appends an event that was not given yet, before it those of its strand that are not
// final either: who lacks it mostly lacks them too, and must not ask level by level.
func (c *Core) withAncestors(events []*event.Event, id event.ID, given map[event.ID]bool) []*event.Event {
	var chain []*event.Event
	for e := c.graph.Get(id); e != nil && !given[e.ID] && len(chain) < maxAncestors; e = c.graph.Get(e.Prev) {
		given[e.ID] = true
		chain = append(chain, e)
	}
	if chain == nil && !given[id] {
		if e := c.event(id); e != nil {
			given[id] = true
			chain = append(chain, e)
		}
	}
	slices.Reverse(chain)
	return append(events, chain...)
}

// event finds an event in memory or in the archive.
func (c *Core) event(id event.ID) *event.Event {
	if e := c.graph.Get(id); e != nil || !c.graph.Has(id) {
		return e
	}
	raw, err := c.archive.Event(id)
	if err != nil {
		return nil // reported by the archive's own check; the peer asks elsewhere
	}
	return &event.Event{ID: id, Raw: raw}
}

func (c *Core) round(id finality.RoundID) *finality.Round {
	if r := c.engine.Get(id); r != nil {
		return r
	}
	raw, err := c.archive.Round(id)
	if err != nil {
		return nil
	}
	return &finality.Round{ID: id, Raw: raw}
}

// fetch is a catch-up in progress: what is final is read from one peer, some pages at a time.
type fetch struct {
	from  Peer // a neighbour
	next  From
	asked event.Time // when the last answer was asked for
	since event.Time // when the last page came, or the first was asked for
	until event.Time // how long the next one is waited for
}

// pace is what catching up taught of the line, so that a slow one is not filled with the same pages, from
// one peer after the other: the first answers are small, and grow for as long as they come quickly.
type pace struct {
	bytes    uint64     // of an answer
	patience event.Time // ms that a page is waited for
}

var firstPace = pace{bytes: firstAnswer, patience: fetchStalls}

func (f *fetch) active() bool { return !f.from.IsZero() }

// catchUp begins to ask a neighbour for the commits that we lack.
func (c *Core) catchUp(p Peer) {
	if !c.fetch.active() {
		c.fetchFrom(p, c.now)
	}
}

func (c *Core) fetchFrom(p Peer, since event.Time) {
	c.fetch = fetch{from: p, next: From{Index: c.commits}, since: since}
	c.requestPages()
}

func (c *Core) requestPages() {
	n := c.peers[c.fetch.from]
	n.due = min(n.due+maxPages, 4*maxPages) // pages of older answers may still be on their way
	c.send(c.fetch.from, ProtoPages, Message{Read: &Read{From: c.fetch.next, Bytes: c.pace.bytes}})
	c.fetch.asked, c.fetch.until = c.now, c.now+c.pace.patience
	c.wake(c.fetch.until)
}

// onPage goes on with a page that was asked for, whoever of those asked sent it. One that says nothing
// new shows at least that the line is at work.
func (c *Core) onPage(from Peer, b *Bundle) {
	n := c.peers[from]
	if n == nil || n.due == 0 || !c.fetch.active() {
		return
	}
	n.due--
	c.learnPatience(b)
	c.fetch.since, c.fetch.until = c.now, c.now+c.pace.patience
	if news := b.Next.after(c.fetch.next) || b.End && b.Next.Index >= c.fetch.next.Index; !news {
		return
	}
	c.fetch.from, c.fetch.next = from, *b.Next
	switch {
	case b.End:
		c.fetch = fetch{}
		c.greet(from)
		c.compareTails(from)
	case !b.More:
		switch took := c.now - c.fetch.asked; {
		case took < quickAnswer:
			c.pace.bytes = min(2*c.pace.bytes, maxPages*pageBytes)
		case took > fetchStalls:
			c.pace.bytes = max(c.pace.bytes/2, firstAnswer)
		}
		c.requestPages()
	}
}

// learnPatience waits for the next page twice as long as for this one. Small pages teach no more
// patience: who sends few bytes now and then would hold us up.
func (c *Core) learnPatience(b *Bundle) {
	size := 0
	for _, e := range b.Events {
		size += len(e.Raw)
	}
	for _, r := range b.Rounds {
		size += len(r.Raw)
	}
	took := min(max(2*(c.now-c.fetch.since), fetchStalls), fetchPatience)
	if took < c.pace.patience || size >= firstAnswer/2 {
		c.pace.patience = took
	}
}

// resumeFetch gives up a peer that fell silent and asks another one that is ahead, or waits longer for
// those who were asked; at last it asks again.
func (c *Core) resumeFetch() {
	if !c.fetch.active() {
		return
	}
	if c.now < c.fetch.until {
		c.wake(c.fetch.until)
		return
	}
	waited := c.pace.patience
	again := waited >= fetchAgain
	c.pace.patience = min(2*waited, fetchPatience)
	silent := c.fetch.from
	n := c.peers[silent]
	if n.stalls++; n.stalls >= maxStalls || waited == fetchPatience { // it claims what it does not show
		n.stalls, n.hello.Commits = 0, 0
	}
	others := slices.DeleteFunc(c.neighbours(), func(p Peer) bool { return p == silent })
	ahead := false
	for _, p := range append(others, silent) {
		n := c.peers[p]
		if n.hello.Commits <= c.commits {
			continue
		}
		if n.due == 0 || again {
			c.fetchFrom(p, c.fetch.since)
			return
		}
		ahead = true
	}
	if !ahead {
		c.fetch = fetch{}
		return
	}
	c.fetch.until = c.now + c.pace.patience
	c.wake(c.fetch.until)
}

var errPageFull = errors.New("page full")

// onRead answers with up to maxPages pages of final events and the round blocks that prove their
// order; the receiver runs the same rule over them, so nothing is believed.
func (c *Core) onRead(to Peer, q *Read) {
	f := q.From
	p := pager{core: c, to: to, next: f, left: int(min(q.Bytes, maxPages*pageBytes)), near: map[event.ID][]byte{}}
	if f.Index >= 2 && f.Index-2 < uint64(len(c.marks)) {
		p.read = c.marks[f.Index-2].events
	}
	err := c.archive.Commits(f.Index, func(n uint64, raw []byte) error {
		var r commitRecord
		if err := event.Unmarshal(raw, &r); err != nil {
			return err
		}
		return p.commit(&r)
	})
	p.finish(err == nil)
}

type pager struct {
	core  *Core
	to    Peer
	next  From
	page  Bundle
	size  int // of the page
	left  int // bytes that the answer may still have
	pages []*Bundle
	sent  uint64 // round blocks of the archive before this one are in the answer

	near map[event.ID][]byte // events read in the order they were kept, not yet in the answer
	read uint64              // up to where
}

func (p *pager) commit(r *commitRecord) error {
	skip := min(p.next.Skip, uint64(len(r.Order)))
	if err := p.walk(r.Events); err != nil {
		return err
	}
	for _, id := range r.Order[skip:] {
		raw, err := p.event(id)
		if err != nil {
			return err
		}
		p.page.Events = append(p.page.Events, &event.Event{ID: id, Raw: raw})
		p.next.Skip++
		if p.add(len(raw)) && p.turn() {
			return errPageFull
		}
	}
	from := p.sent
	if r.Index >= 2 && r.Index-2 < uint64(len(p.core.marks)) {
		from = max(from, p.core.marks[r.Index-2].rounds) // what the commit before last did not need yet
	}
	if err := p.rounds(from, r.Rounds); err != nil {
		return err
	}
	p.sent = max(p.sent, r.Rounds)
	p.next = From{Index: r.Index + 1}
	if p.add(0) && p.turn() {
		return errPageFull
	}
	return nil
}

// add counts bytes; true when the page is full.
func (p *pager) add(size int) bool {
	p.size += size
	p.left -= size
	return p.size >= pageBytes || p.left <= 0
}

// walk reads events up to a place in the archive: in a row that is many times faster than one by one,
// and most events were kept shortly before they became final.
func (p *pager) walk(to uint64) error {
	if len(p.near) > maxNear {
		clear(p.near)
	}
	err := p.core.archive.Events(p.read, func(n uint64, raw []byte) error {
		if n >= to {
			return errPageFull
		}
		if id, ok := crdt.EnvelopeID(raw); ok {
			p.near[id] = raw
		}
		p.read = n + 1
		return nil
	})
	if errors.Is(err, errPageFull) {
		return nil
	}
	return err
}

func (p *pager) event(id event.ID) ([]byte, error) {
	if raw := p.near[id]; raw != nil {
		delete(p.near, id)
		return raw, nil
	}
	return p.core.archive.Event(id)
}

// rounds appends the round blocks kept at from up to to.
func (p *pager) rounds(from, to uint64) error {
	err := p.core.archive.Rounds(from, func(n uint64, raw []byte) error {
		if n >= to {
			return errPageFull
		}
		p.page.Rounds = append(p.page.Rounds, &finality.Round{Raw: raw})
		if p.add(len(raw)); p.size >= pageBytes {
			p.turn() // whatever their number, the rounds of a commit are given whole
		}
		return nil
	})
	if errors.Is(err, errPageFull) {
		return nil
	}
	return err
}

// turn closes a page; true when these were enough.
func (p *pager) turn() bool {
	next := p.next
	page := p.page
	page.Next = &next
	p.pages = append(p.pages, &page)
	p.page, p.size = Bundle{}, 0
	return len(p.pages) >= maxPages || p.left <= 0
}

func (p *pager) finish(end bool) {
	if end {
		p.turn()
		p.pages[len(p.pages)-1].End = true
	}
	for i, page := range p.pages {
		page.More = i < len(p.pages)-1
		p.core.send(p.to, ProtoPages, Message{Bundle: page})
	}
}

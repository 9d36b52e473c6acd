package node

import (
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
)

// neighbour is what a core knows of a connected peer.
type neighbour struct {
	hello  Hello  // the last it said, advanced by what its round blocks show
	seen   bool   // it said hello
	stalls int    // times it was asked for commits in vain
	due    int    // pages it was asked for and may still send
	seat   int    // its member's number among the stewards, or -1
	shown  uint64 // commits when it was shown what our order is made of, because it has another
	behind uint64 // 1 + commits when it was a little ahead: its next greeting tells whether round blocks closed the gap

	refounded bool // it has shown a re-founding
	told      int  // greetings that it sent from an epoch which the members have ended; see tellRefounding
}

// beat is the rhythm of greetings: every helloEvery while there is work. After the last commit, and when a
// peer came up, those of whom it is not known that they are as far are told, lastWords times with growing
// pauses: a greeting may be lost, and at rest nothing else would show it.
type beat struct {
	at      event.Time // next greeting; zero: none planned
	turn    int        // whose turn it is among the peers
	working bool
	commits uint64 // when the last word was planned
	words   int    // last words said since
}

// Up greets a peer that became reachable.
func (c *Core) Up(now event.Time, p Peer) {
	c.now = now
	if c.peers[p] != nil || len(c.peers) >= neighboursAtMost {
		return
	}
	c.peers[p] = &neighbour{seat: c.seated(p)}
	c.greet(p)
	c.beat.words = 0
	if c.beat.at == 0 {
		c.beat.at = now + helloEvery
	}
	if h := c.engine.Halted(); h != nil {
		c.show(p, 3*h.Wave)
	}
}

// alarm shows every peer, once, why this one halted. They would not ask: who has more commits fetches
// nothing from who has fewer, and would go on alone.
func (c *Core) alarm(h *finality.Halt) {
	if c.alarmed {
		return
	}
	c.alarmed = true
	for _, p := range c.neighbours() {
		c.show(p, 3*h.Wave)
	}
}

// show sends the round blocks around the place where two orders part. Whoever has the other ones reads
// the same off them.
func (c *Core) show(p Peer, round uint64) {
	from := make([]uint64, len(c.epoch.Stewards))
	for i := range from {
		from[i] = max(round, alarmRounds) - alarmRounds
	}
	c.sendBundle(p, ProtoRounds, nil, c.engine.Above(from, maxAbove))
}

// Down forgets a peer that is gone.
func (c *Core) Down(now event.Time, p Peer) {
	c.now = now
	delete(c.peers, p)
	c.later.forget(p)
	c.graph.Forget(string(p[:]))
	if c.fetch.from == p {
		c.fetch = fetch{}
	}
}

func (c *Core) hello(n *neighbour) *Hello {
	heard := uint64(0)
	if n != nil && n.seen {
		heard = n.hello.Commits + 1
	}
	return &Hello{Tip: c.line.Tip(), Heard: heard, Commits: c.commits, Epoch: c.epoch.Number, Frontier: c.engine.Frontier(), Pending: uint64(c.tail.len()), Seals: c.seals()}
}

func (c *Core) send(to Peer, proto string, m Message) {
	c.out.Send = append(c.out.Send, Letter{to, proto, m})
}

func (c *Core) sendBundle(to Peer, proto string, events []*event.Event, rounds []*finality.Round) {
	for _, b := range split(events, rounds) {
		c.send(to, proto, Message{Bundle: b})
	}
}

func (c *Core) greet(p Peer) {
	c.send(p, ProtoHello, Message{Hello: c.hello(c.peers[p])})
}

// compareTails lets a peer find out what either side lacks.
func (c *Core) compareTails(p Peer) {
	for _, t := range c.tail.ranges(c.salt()) {
		c.send(p, ProtoTail, Message{Tail: t})
	}
}

// Handle takes a message from a peer. It returns how much of it only a broken or hostile peer says.
func (c *Core) Handle(now event.Time, from Peer, m Message) (bad int) {
	c.now = now
	switch {
	case m.Hello != nil:
		c.onHello(from, m.Hello)
	case m.Get != nil:
		c.onGet(from, m.Get)
	case m.Tail != nil:
		c.onTail(from, m.Tail)
	case m.Want != nil:
		c.sendBundle(from, ProtoTail, c.tail.pick(m.Want), nil)
	case m.Read != nil:
		c.onRead(from, m.Read)
	case m.Bundle != nil:
		bad = c.Receive(now, from, m.Bundle.Events) + c.Hear(now, from, m.Bundle.Rounds)
		bad += c.foresee(from, m.Bundle.Later) + c.certificates(from, m.Bundle.Certificates)
		bad += c.heardRefounding(from, m.Bundle.Refounding)
		if m.Bundle.Next != nil {
			c.onPage(from, m.Bundle)
		}
	}
	return bad
}

func (c *Core) onHello(from Peer, h *Hello) {
	n := c.peers[from]
	if n == nil {
		return // it is not up yet, and will be greeted then
	}
	c.wants.hope()
	first := !n.seen
	n.hello, n.seen, n.seat = *h, true, c.seated(from)
	n.hello.Frontier = slices.Clone(h.Frontier)
	c.reseal(from, h)
	c.tellRefounding(from, h)
	if c.doubt != nil {
		return // it orders nothing more, so it fetches nothing and helps nobody on
	}
	if h.Commits > c.commits && (first || h.Epoch != c.epoch.Number || h.Commits > c.commits+lagCommits || n.behind == c.commits+1) {
		c.catchUp(from)
		return
	}
	if h.Commits > c.commits {
		n.behind = c.commits + 1
	}
	if h.Commits+lagCommits >= c.commits && h.Epoch == c.epoch.Number {
		rounds := c.engine.Above(h.Frontier, maxAbove)
		if h.Commits < c.commits {
			rounds = append(rounds, c.engine.Proof()...) // a frontier does not tell of a liar's second block
		}
		c.sendBundle(from, ProtoRounds, nil, rounds)
	}
	if h.Commits == c.commits && h.Tip != c.line.Tip() && n.shown != c.commits {
		n.shown = c.commits
		c.show(from, c.engine.Round()) // as far, by another way
	}
	if first && (h.Pending > 0 || c.tail.len() > 0) {
		c.compareTails(from)
	}
	if h.Heard != c.commits+1 {
		c.greet(from) // what we said was lost, or said before we were up there, or there is more since
	}
}

// lagCommits is how far behind a peer may be and still be helped by round blocks alone.
const lagCommits = 2

func (c *Core) onTail(from Peer, t *Tail) {
	lacks, unknown := c.tail.compare(t)
	c.sendBundle(from, ProtoTail, lacks, nil)
	n := c.peers[from]
	if len(unknown) > 0 && n != nil && n.hello.Commits >= c.commits {
		c.send(from, ProtoTail, Message{Want: &Want{Salt: t.Salt, Short: unknown}})
	}
}

// saw learns from a round block how far the peer that sent it is.
func (c *Core) saw(from Peer, r *finality.Round) {
	n := c.peers[from]
	if n == nil || r.Epoch != c.epoch.Number {
		return
	}
	frontier := c.frontierOf(n)
	frontier[r.Steward] = max(frontier[r.Steward], r.Number)
	if n.seat != r.Steward {
		return
	}
	for _, parent := range r.Parents {
		if p := c.engine.Get(parent); p != nil {
			frontier[p.Steward] = max(frontier[p.Steward], p.Number)
		}
	}
}

// frontierOf is how far a peer is in this epoch, as far as it is known.
func (c *Core) frontierOf(n *neighbour) []uint64 {
	if n.hello.Epoch != c.epoch.Number || len(n.hello.Frontier) != c.epoch.N() {
		n.hello.Epoch, n.hello.Frontier = c.epoch.Number, make([]uint64, c.epoch.N())
	}
	return n.hello.Frontier
}

// push sends a fresh round block to every steward within reach, with the ancestors that a lagging
// one lacks and the bodies of the few events that may not have reached it yet, and gossips it to
// all who only observe.
func (c *Core) push(r *finality.Round) {
	var bodies []*event.Event
	if len(r.Inc) <= pushBodies {
		for _, id := range r.Inc {
			if e := c.graph.Get(id); e != nil {
				bodies = append(bodies, e)
			}
		}
	}
	observers := len(c.peers)
	for _, p := range c.neighbours() {
		n := c.peers[p]
		if n.seat < 0 {
			continue
		}
		observers--
		rounds := []*finality.Round{r}
		if frontier := c.frontierOf(n); frontier[n.seat]+lagRounds < r.Number {
			rounds = append(c.engine.Above(frontier, maxAbove), r)
			n.hello.Frontier = c.engine.Frontier() // told once; its next greeting says what it still lacks
		}
		c.sendBundle(p, ProtoRounds, bodies, rounds)
	}
	if observers > 0 {
		c.out.Publish = append(c.out.Publish, Publication{TopicRounds, Message{Bundle: &Bundle{Rounds: []*finality.Round{r}}}})
	}
}

// publish gossips an own event, together with others of the same turn.
func (c *Core) publish(e *event.Event) {
	if last := len(c.out.Publish) - 1; last >= 0 && c.out.Publish[last].Topic == TopicEvents {
		b := c.out.Publish[last].Bundle
		if len(b.Events) < gossipEvents && c.gossiped+len(e.Raw) <= gossipBytes {
			b.Events = append(b.Events, e)
			c.gossiped += len(e.Raw)
			return
		}
	}
	c.gossiped = len(e.Raw)
	c.out.Publish = append(c.out.Publish, Publication{TopicEvents, Message{Bundle: &Bundle{Events: []*event.Event{e}}}})
}

// How many events share one gossiped message at most, and how large they are together, unless one alone
// is larger.
const (
	gossipEvents = 512
	gossipBytes  = 256 << 10
)

// synchronise does what is due by the clock: greetings, comparisons, and asking for what is
// missing.
func (c *Core) synchronise(busy bool) {
	c.ask(busy)
	c.resumeFetch()
	working := c.doubt == nil && (c.tail.len() > 0 || c.wants.any() || c.fetch.active() || c.engine.Pending() > 0 || !c.sealed())
	switch {
	case working && !c.beat.working:
		c.beat.at = c.now + helloEvery
	case !working && (c.beat.working || c.beat.commits != c.commits):
		c.beat.at, c.beat.words = c.now+helloEvery, 0 // one last word, for those who missed the end
	}
	c.beat.working, c.beat.commits = working, c.commits
	if c.beat.at != 0 && c.now >= c.beat.at {
		unsure := c.greetSome(working)
		c.beat.at = 0
		if working {
			c.beat.at = c.now + helloEvery
		} else if c.beat.words++; unsure && c.beat.words < lastWords {
			c.beat.at = c.now + helloEvery<<c.beat.words
		}
	}
	c.wake(c.beat.at)
}

// rewind moves what is planned when the clock is set back, or it would wait until the clock is there
// again.
func (c *Core) rewind(by event.Time) {
	back := func(t *event.Time) { *t -= min(by, *t) }
	if c.beat.at != 0 {
		c.beat.at = max(c.beat.at, by+1) - by
	}
	back(&c.fetch.asked)
	back(&c.fetch.since)
	back(&c.fetch.until)
	back(&c.tail.since)
	back(&c.later.asked)
	back(&c.charges.due)
	for _, k := range c.charges.cases {
		back(&k.since)
	}
	for _, w := range c.wants.asked {
		back(&w.next)
		back(&w.since)
	}
}

// greetSome tells other peers how far we are. While there is work a steward tells all stewards, and
// everybody a few peers in turn, and while something of ours is not final for long compares tails with
// one of them. At rest everybody is told who is not known to have as many commits: the last round
// blocks of a wave need not have reached those who only observe. unsure tells whether there was anybody.
func (c *Core) greetSome(working bool) (unsure bool) {
	all := c.neighbours()
	if !working {
		for _, p := range all {
			if n := c.peers[p]; !n.seen || n.hello.Commits < c.commits {
				c.greet(p)
				unsure = true
			}
		}
		return unsure
	}
	if len(all) == 0 {
		return false
	}
	for i := range min(greetingsAtWork, len(all)) {
		c.greet(all[(c.beat.turn*greetingsAtWork+i)%len(all)])
	}
	if c.tail.len() > 0 && c.now >= c.tail.since+helloEvery {
		c.compareTails(all[c.beat.turn%len(all)]) // each in turn, or a liar whose turn it always is would keep us apart
	}
	c.beat.turn++
	if c.steward == nil && c.sealed() {
		return false
	}
	for _, p := range all {
		if c.peers[p].seat >= 0 {
			c.greet(p)
		}
	}
	return false
}

// neighbours are the connected peers in the order of their keys.
func (c *Core) neighbours() []Peer {
	all := make([]Peer, 0, len(c.peers))
	for p := range c.peers {
		all = append(all, p)
	}
	slices.SortFunc(all, Peer.Compare)
	return all
}

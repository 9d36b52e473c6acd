package finality

import (
	"cmp"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// A small world for the tests: virtual time, one queue of things that happen, peers with a steward
// each, and a network that delays, loses, repeats and cuts. Equal seeds give equal worlds.

const dawn = event.Time(1_800_000_000_000) // when worlds begin

type happening struct {
	at  event.Time
	seq int
	do  func()
}

type agenda []happening

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(happening)) }
func (a *agenda) Pop() any     { return pop((*[]happening)(a)) }

// graph is a toy of the graph of events: accepted when all links are.
type graph struct {
	links   map[event.ID][]event.ID
	order   []event.ID
	orphans []orphan
}

type orphan struct {
	id    event.ID
	links []event.ID
}

func newGraph() *graph { return &graph{links: map[event.ID][]event.ID{}} }

func (g *graph) Has(id event.ID) bool         { _, ok := g.links[id]; return ok }
func (g *graph) Links(id event.ID) []event.ID { return g.links[id] }

func without(ids []event.ID, has func(event.ID) bool) []event.ID {
	var rest []event.ID
	for _, id := range ids {
		if !has(id) {
			rest = append(rest, id)
		}
	}
	return rest
}

// add returns what is accepted by it.
func (g *graph) add(id event.ID, links []event.ID) []event.ID {
	if g.Has(id) || slices.ContainsFunc(g.orphans, func(o orphan) bool { return o.id == id }) {
		return nil
	}
	g.orphans = append(g.orphans, orphan{id, links})
	var accepted []event.ID
	for more := true; more; {
		more = false
		for i, o := range g.orphans {
			if len(without(o.links, g.Has)) == 0 {
				g.orphans = slices.Delete(g.orphans, i, i+1)
				g.links[o.id] = o.links
				g.order = append(g.order, o.id)
				accepted = append(accepted, o.id)
				more = true
				break
			}
		}
	}
	return accepted
}

// plan is what a world is like.
type plan struct {
	n            int
	seed         uint64
	params       Params
	slow, fast   event.Time // bounds of a message's delay
	loss, repeat int        // percent of messages, until calm
	cut          bool       // partitions, until calm
	calm         event.Time // after dawn: global stabilisation
	liars        int        // the first so many stewards
	act          func(*peer)
	skew         func(steward int) int64 // of clocks, in ms
	crashes      int
	q            int        // the quorum, if not the right one
	twins        bool       // two halves until calm, and every liar acts correctly in each
	pull         event.Time // interval of asking a peer what it has; 0: never
	window       uint64     // of rounds kept, if not Window
}

type world struct {
	plan
	t      testing.TB
	rng    *rand.Rand
	now    event.Time
	seq    int
	todo   agenda
	ep     Epoch
	peers  []*peer
	twins  []*peer
	blocks int // blocks signed by correct stewards
	parts  []int
	events map[event.ID][]event.ID
	all    []event.ID
	certs  map[uint64]RoundID // by wave, what anybody saw certified
	halts  int
}

type peer struct {
	w       *world
	self    int
	lies    bool
	side    int
	down    bool
	e       *Engine
	s       *Steward
	g       *graph
	commits []Commit
	final   map[event.ID]bool
	rounds  []*Round // what is on disk
	disk    map[RoundID]*Round
	log     []event.ID
	due     func() bool
	waking  event.Time
	issued  uint64
}

var keys = func() []identity.Key {
	var keys []identity.Key
	for i := range MaxStewards {
		keys = append(keys, identity.KeyFromSeed([32]byte{byte(i), 7}))
	}
	return keys
}()

func testEpoch(n int, seed uint64) Epoch {
	ep := Epoch{Coop: event.ID{1}, Number: 3, Params: DefaultParams()}
	binary.BigEndian.PutUint64(ep.Base[:], seed)
	for i := range n {
		ep.Stewards = append(ep.Stewards, keys[i].Public())
	}
	return ep
}

// few is the number of parents that passes in worlds with a wrong quorum.
var few = MaxStewards + 1

// seal is SealRound without the signature, which worlds do not look at.
func seal(t testing.TB, ep *Epoch, r Round) *Round {
	r.Epoch = ep.Number
	c := r.core(ep)
	if err := c.check(ep); err != nil && !(err == ErrParents && len(r.Parents) >= few) {
		t.Fatalf("block of steward %d for round %d: %v", r.Steward, r.Number, err)
	}
	raw, err := event.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	r.ID, r.Raw = sha256.Sum256(raw), raw
	return &r
}

func newWorld(t testing.TB, p plan) *world {
	w := &world{plan: p, t: t, rng: rand.New(rand.NewPCG(p.seed, 1)), now: dawn, ep: testEpoch(p.n, p.seed),
		events: map[event.ID][]event.ID{}, certs: map[uint64]RoundID{}}
	if p.params != (Params{}) {
		w.ep.Params = p.params
	}
	for i := range p.n {
		x := &peer{w: w, self: i, lies: i < p.liars, side: i % 2, disk: map[RoundID]*Round{}}
		w.peers = append(w.peers, x)
		x.start()
		if p.twins && x.lies {
			x.side = 0
			twin := &peer{w: w, self: i, lies: true, side: 1, disk: map[RoundID]*Round{}}
			w.twins = append(w.twins, twin)
			twin.start()
			w.after(p.calm, func() { x.down, twin.down = true, true })
		}
		if p.pull > 0 && p.n > 1 {
			w.after(event.Time(w.rng.Uint64N(uint64(p.pull))), x.pulls)
		}
		if x.lies && p.act != nil {
			w.after(1, x.acts)
		}
	}
	if p.cut {
		w.after(50, w.cuts)
	}
	for range p.crashes {
		x := w.peers[p.liars+w.rng.IntN(p.n-p.liars)]
		w.after(event.Time(w.rng.Uint64N(uint64(p.calm)+1)), func() {
			x.down = true
			w.after(event.Time(w.rng.Uint64N(3000)), x.start)
		})
	}
	return w
}

func (w *world) after(d event.Time, do func()) {
	w.seq++
	heap.Push(&w.todo, happening{w.now + d, w.seq, do})
}

// run lets so much time pass.
func (w *world) run(d event.Time) {
	end := w.now + d
	for len(w.todo) > 0 && w.todo[0].at <= end {
		h := heap.Pop(&w.todo).(happening)
		w.now = h.at
		h.do()
	}
	w.now = end
}

func (w *world) calmed() bool { return w.now >= dawn+w.calm }

func (w *world) cuts() {
	w.parts = nil
	if w.calmed() {
		return
	}
	if w.rng.IntN(2) == 0 {
		for range w.n {
			w.parts = append(w.parts, w.rng.IntN(2))
		}
	}
	w.after(event.Time(100+w.rng.IntN(2000)), w.cuts)
}

// send delivers something from one peer to another, if the network lets it. It never cuts off liars.
func (w *world) send(from, to *peer, what func()) {
	times := 1
	if !w.calmed() {
		if w.rng.IntN(100) < w.loss || w.parts != nil && w.parts[from.self] != w.parts[to.self] && !from.lies && !to.lies {
			return
		}
		if w.plan.twins && from.side != to.side {
			return
		}
		if w.rng.IntN(100) < w.repeat {
			times = 2
		}
	}
	for range times {
		delay := w.fast
		if w.slow > w.fast {
			delay += event.Time(w.rng.Uint64N(uint64(w.slow - w.fast + 1)))
			if !w.calmed() && w.rng.IntN(20) == 0 {
				delay *= 10
			}
		}
		w.after(delay, func() {
			if !to.down {
				what()
			}
		})
	}
}

func (w *world) others(x *peer) []*peer {
	var others []*peer
	for _, y := range append(slices.Clone(w.peers), w.twins...) {
		if y != x && y.self != x.self {
			others = append(others, y)
		}
	}
	return others
}

// publish makes an event at a peer and spreads it.
func (w *world) publish(x *peer, links ...event.ID) event.ID {
	id := event.ID(sha256.Sum256(fmt.Appendf(nil, "event %d of %d", len(w.all), w.seed)))
	w.events[id] = links
	w.all = append(w.all, id)
	x.hear(id)
	for _, y := range w.others(x) {
		w.send(x, y, func() { y.hear(id) })
	}
	return id
}

// clock is the time as the peer has it.
func (x *peer) clock() event.Time {
	if x.w.skew == nil {
		return x.w.now
	}
	return event.Time(int64(x.w.now) + x.w.skew(x.self))
}

// start begins with what is on disk.
func (x *peer) start() {
	x.down, x.waking, x.s = false, 0, nil
	x.g, x.final, x.commits = newGraph(), map[event.ID]bool{}, nil
	x.e = NewEngine(x.w.ep, x.g)
	if x.w.window > 0 {
		x.e.window = x.w.window
	}
	if x.w.q > 0 {
		x.e.q = x.w.q
	}
	log, rounds := x.log, x.rounds
	x.log, x.rounds = nil, nil
	for _, id := range log {
		x.hear(id)
	}
	for _, r := range rounds {
		if r.Steward == x.self {
			x.issued = max(x.issued, r.Number)
		}
		x.add("", r)
	}
	if len(x.rounds) != len(rounds) {
		x.w.t.Fatalf("seed %d: peer %d kept %d blocks, %d were accepted again", x.w.seed, x.self, len(rounds), len(x.rounds))
	}
	x.s = NewSteward(x.e, x.self, x.issued)
	x.work()
}

func (x *peer) hear(id event.ID) {
	accepted := x.g.add(id, x.w.events[id])
	x.log = append(x.log, accepted...)
	x.e.Offer(accepted...)
	x.did(x.e.Learn(x.clock(), accepted))
	x.work()
}

func (x *peer) add(from string, r *Round) {
	step, _ := x.e.Add(x.clock(), from, r)
	x.did(step)
}

func (x *peer) did(step Step) {
	w := x.w
	x.rounds = append(x.rounds, step.Accepted...)
	for _, r := range step.Accepted {
		x.disk[r.ID] = r
		b := x.e.nodes[r.ID]
		if b == nil || b.cert == nil {
			continue
		}
		wave := waveOf(r.Number)
		if other, ok := w.certs[wave]; ok && other != b.cert.ID && w.liars <= w.ep.F() && w.q == 0 {
			w.t.Fatalf("seed %d: two certified blocks in wave %d", w.seed, wave)
		}
		w.certs[wave] = b.cert.ID
	}
	for _, c := range step.Commits {
		if c.Index != uint64(len(x.commits)) || len(x.commits) > 0 && c.Time < x.commits[len(x.commits)-1].Time {
			w.t.Fatalf("seed %d: peer %d commits %d at %d after %d", w.seed, x.self, c.Index, c.Time, len(x.commits))
		}
		for _, id := range c.Order {
			if x.final[id] || len(without(x.g.links[id], func(id event.ID) bool { return x.final[id] })) > 0 {
				w.t.Fatalf("seed %d: peer %d orders an event twice or before what it builds on", w.seed, x.self)
			}
			x.final[id] = true
		}
		x.commits = append(x.commits, c)
	}
	if step.Halt != nil {
		w.halts++
	}
}

// work does what the steward says until it has nothing more to say.
func (x *peer) work() {
	if x.s == nil || x.down || x.lies && x.w.act != nil {
		return
	}
	for {
		draft, wake := x.s.Step(x.clock(), x.due != nil && x.due())
		if draft == nil {
			if wake > 0 && (x.waking == 0 || wake < x.waking) {
				x.waking = wake
				x.w.after(wake-min(wake, x.clock()), func() {
					if x.waking == wake {
						x.waking = 0
					}
					x.work()
				})
			}
			return
		}
		x.w.blocks++
		r := seal(x.w.t, &x.w.ep, *draft)
		step, err := x.e.Add(x.clock(), "self", r)
		if err != nil || len(step.Accepted) == 0 {
			x.w.t.Fatalf("seed %d: steward %d refuses its own block of round %d: %v", x.w.seed, x.self, r.Number, err)
		}
		x.did(step)
		for _, y := range x.w.others(x) {
			x.w.send(x, y, func() { y.receive(x, r) })
		}
	}
}

func (x *peer) receive(from *peer, rounds ...*Round) {
	for _, r := range rounds {
		x.add(fmt.Sprint(from.self), r)
	}
	x.ask(from)
	x.work()
}

// ask fetches what blocks wait for from the peer they came from.
func (x *peer) ask(from *peer) {
	wants, events := x.e.Missing(8)
	if len(wants)+len(events) == 0 {
		return
	}
	frontier := x.e.Frontier()
	x.w.send(x, from, func() { from.answer(x, wants, events, frontier) })
}

func (x *peer) answer(to *peer, wants []Want, events []event.ID, frontier []uint64) {
	w := x.w
	for _, id := range events {
		if x.g.Has(id) {
			w.send(x, to, func() { to.hear(id) })
		}
	}
	rounds := x.e.Above(frontier, 100)
	for _, r := range x.rounds { // what is no longer in memory is on disk
		if r.Number < x.e.low && r.Number > frontier[r.Steward] && len(rounds) < 200 {
			rounds = append(rounds, r)
		}
	}
	slices.SortStableFunc(rounds, func(a, b *Round) int { return cmp.Compare(a.Number, b.Number) })
	for _, want := range wants {
		if r := x.disk[want.ID]; r != nil {
			rounds = append(rounds, r)
		}
	}
	if len(rounds) > 0 {
		w.send(x, to, func() { to.receive(x, rounds...) })
	}
}

// pulls asks somebody for everything, now and then.
func (x *peer) pulls() {
	w := x.w
	w.after(w.pull, x.pulls)
	if x.down {
		return
	}
	others := w.others(x)
	from := others[w.rng.IntN(len(others))]
	frontier, has := x.e.Frontier(), x.g.Has
	wants, events := x.e.Missing(8)
	commits := x.e.Commits()
	w.send(x, from, func() {
		events = append(events, without(from.g.order, has)...)
		from.answer(x, wants, events, frontier)
		if proof := from.e.Proof(); from.e.Commits() > commits {
			w.send(from, x, func() { x.receive(from, proof...) })
		}
	})
	x.work()
}

func (w *world) correct() []*peer { return w.peers[w.liars:] }

// agree fails unless the commits of correct peers are prefixes of one another.
func (w *world) agree() {
	w.t.Helper()
	if what := w.differ(); what != "" {
		w.t.Fatalf("seed %d: %s", w.seed, what)
	}
}

func (w *world) differ() string {
	longest := w.peers[w.liars]
	for _, x := range w.correct() {
		if len(x.commits) > len(longest.commits) {
			longest = x
		}
	}
	for _, x := range w.correct() {
		for i, c := range x.commits {
			if other := longest.commits[i]; c.Anchor.ID != other.Anchor.ID || c.Time != other.Time || !slices.Equal(c.Order, other.Order) {
				return fmt.Sprintf("peers %d and %d differ in commit %d", x.self, longest.self, i)
			}
		}
	}
	return ""
}

// settled fails unless every event is final at every correct peer.
func (w *world) settled() {
	w.t.Helper()
	w.agree()
	for _, x := range w.correct() {
		if x.down {
			continue
		}
		if rest := without(w.all, func(id event.ID) bool { return x.final[id] }); len(rest) > 0 {
			w.t.Fatalf("seed %d (n %d, %d liars): peer %d lacks %d of %d events; round %d, %d commits, %d blocks and %d events pending",
				w.seed, w.n, w.liars, x.self, len(rest), len(w.all), x.e.Round(), len(x.commits), x.e.Waiting(), x.e.Pending())
		}
		if x.e.Pending() > 0 {
			w.t.Fatalf("seed %d: peer %d is not at rest", w.seed, x.self)
		}
	}
}

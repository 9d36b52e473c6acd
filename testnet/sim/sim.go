package sim

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// How long a run may take, in virtual milliseconds and in things done.
const (
	calmAtMost   event.Time = 15 * 60_000 // until everything is final
	drainAtMost  event.Time = 5 * 60_000  // until the last message
	drainEntries            = 300_000
	looksEvery   event.Time = 250       // in the calm
	mostEntries             = 3_000_000 // of the agenda
)

// Options change a run without changing its seed.
type Options struct {
	Plan func(*Plan) // changes what the seed drew
	Full io.Writer   // is told everything
	set  func(*world)
}

// Result is what came of a run.
type Result struct {
	Seed       uint64
	Trace      uint64   // equal for equal seeds and options
	Violations []string // of what peers promise
	Plan       string
	Tail       []string // the last lines of the trace
	Stats      Stats
}

// Stats counts what happened, to know that the runs are worth something.
type Stats struct {
	Virtual  event.Time // ms
	Messages int
	Turns    int
	Events   int // accepted from honest members
	Commits  int
	Rounds   int // round blocks that any honest peer kept
	Epochs   int // beyond the first
	Voids    int // anchors beyond the end of their epoch
	Seals    int // certificates that any honest peer kept
	Crashes  int
	Forks    int // rounds with two blocks of one steward in them
	Markets  int // worlds that came to money, a token, something for sale and a mission
	Doubles  int // spends and sales with two sides
	Trades   int // batches in which units changed hands
	Sales    int // purchases
	Pledges  int
	Refused  int // frames
	Refusals int // drafts
}

// String tells what is wrong and how to see it again.
func (r *Result) String() string {
	return fmt.Sprintf("%s\n%s\n%s\nagain: make sim SEED=%d", strings.Join(r.Violations, "\n"), r.Plan, strings.Join(r.Tail, "\n"), r.Seed)
}

// Run plays a seed.
func Run(seed uint64, o Options) Result {
	plan := Draw(seed)
	if o.Plan != nil {
		o.Plan(&plan)
	}
	w := newWorld(plan)
	if o.Full != nil {
		w.trace.full = func(line string) { fmt.Fprintln(o.Full, line) }
	}
	if o.set != nil {
		o.set(w)
	}
	w.survive(w.play)
	return w.result()
}

// survive makes a violation of a panic: a fault of a core is the worst of them.
func (w *world) survive(play func()) {
	defer func() {
		if fault := recover(); fault != nil {
			w.judge.complain("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	play()
}

// world is one run.
type world struct {
	plan   Plan
	stage  *stage
	luck   dice // of the network and of crashes
	agenda agenda
	now    event.Time
	phase  phase
	trace  trace
	judge  *judge
	done   int // entries of the agenda

	epochs  []finality.Epoch             // that any peer began
	owner   map[identity.PublicKey]*peer // of a key that signs rounds
	peers   []*peer                      // stewards first; vandals last
	wired   []uint64
	links   []link
	cuts    []Partition
	frames  map[[32]byte]*frame
	rounds  map[[32]byte]*finality.Round // verified, by the hash of their bytes
	events  map[[32]byte]*event.Event
	sealed  map[any]bool // what of them was noted
	byID    map[node.Peer]*peer
	strands []strand                            // of forkers, by peer
	spy     func(from, to *peer, f *frame) bool // a directed schedule decides what may pass

	patience event.Time // until everything is final
	asleep   event.Time // for which peers may sleep between deadlines, once all is final
	sent     int
	turns    int
	lastSent event.Time
}

type phase int

const (
	storm phase = iota
	calm
	drain
)

func (w *world) storm() bool { return w.phase == storm }

func newWorld(plan Plan) *world {
	w := &world{plan: plan, patience: calmAtMost, stage: stageOf(&plan), luck: newDice(plan.Seed, 2), frames: map[[32]byte]*frame{}, rounds: map[[32]byte]*finality.Round{}, events: map[[32]byte]*event.Event{}, sealed: map[any]bool{}, byID: map[node.Peer]*peer{},
		owner: map[identity.PublicKey]*peer{}}
	w.epochs = []finality.Epoch{w.stage.epoch}
	w.judge = newJudge(w)
	n := plan.peers()
	for i := range n + len(plan.Vandals) {
		p := &peer{w: w, index: i, key: keyOf(i), public: keyOf(i).Public(), disk: w.disk()}
		switch {
		case i >= n:
			p.name, p.vandal = fmt.Sprint("V", i), newVandal(p, plan.Vandals[i-n])
		case i >= n-plan.Watchers:
			p.name, p.watcher = fmt.Sprint("O", i), true
		case i < plan.Stewards:
			p.name = fmt.Sprint("S", i)
		case i < plan.Founders:
			p.name = fmt.Sprint("M", i)
		default:
			p.name = fmt.Sprint("G", i)
		}
		p.ring = &ring{p, map[uint64]identity.Key{}}
		w.peers = append(w.peers, p)
		w.byID[p.id()], w.owner[p.id()] = p, p
	}
	w.twins()
	for _, p := range w.peers {
		p.linked = make([]bool, len(w.peers))
		if deeds, lies := plan.liar(p.index); lies && p.vandal == nil {
			if p.liar = newLiar(p, deeds); deeds&Silent != 0 {
				p.mute = true
			}
		}
		if p.vandal == nil && plan.forker(p.index) {
			p.mute = true // its member's key is used by a forker instead
		}
	}
	w.wire()
	w.strands = make([]strand, len(w.peers))
	for range len(w.peers) * len(w.peers) {
		l := link{slow: 1}
		if w.luck.of(plan.Slow, 100) {
			l.slow = 10
		}
		w.links = append(w.links, l)
	}
	return w
}

// disk is what a peer has when it joined: the founding event.
func (w *world) disk() *crdt.Memory {
	disk := crdt.NewMemory()
	if err := disk.Append(crdt.Batch{Events: []*event.Event{w.stage.genesis}}); err != nil {
		panic("sim: invariant: a disk in memory takes everything: " + err.Error())
	}
	return disk
}

// twins adds a second machine for some stewards' keys.
func (w *world) twins() {
	for _, s := range w.plan.Twins {
		p := &peer{w: w, index: len(w.peers), key: keyOf(s), public: keyOf(s).Public(), disk: w.disk(), name: fmt.Sprint("T", s), twin: true}
		p.ring = &ring{p, map[uint64]identity.Key{}}
		w.peers[s].twin = true
		w.peers = append(w.peers, p)
	}
}

// wire says who is connected to whom: stewards among themselves, everybody else to some of them, at
// least one honest, and to some others.
func (w *world) wire() {
	w.wired = make([]uint64, len(w.peers))
	join := func(a, b int) {
		if a != b {
			w.wired[a] |= 1 << b
			w.wired[b] |= 1 << a
		}
	}
	honest := []int{}
	for i := range w.plan.Stewards {
		if w.peers[i].honest() {
			honest = append(honest, i)
		}
		for j := range i {
			join(i, j)
		}
	}
	for i := w.plan.Stewards; i < len(w.peers); i++ {
		if w.peers[i].twin {
			for j := range w.plan.Stewards {
				join(i, j)
			}
			continue
		}
		join(i, honest[w.luck.IntN(len(honest))])
		for range 2 + w.luck.IntN(2) {
			join(i, w.luck.IntN(i))
		}
	}
	for _, p := range w.peers {
		if p.mute {
			w.unplug(p)
		}
	}
}

// unplug takes a peer out of the network for good.
func (w *world) unplug(p *peer) {
	p.mute, p.core = true, nil
	for i := range w.wired {
		w.wired[i] &^= 1 << p.index
	}
	w.wired[p.index] = 0
}

// play runs the three phases.
func (w *world) play() {
	for _, p := range w.peers {
		if !p.mute && p.vandal == nil {
			w.agenda.add(w.luck.until(300), p.start)
		}
	}
	w.schedule()
	w.run(func() bool { return w.now >= w.plan.Storm })
	w.settle()
	limit, look := w.now+w.patience, w.now
	w.run(func() bool {
		if w.now < look || w.now > limit {
			return w.now > limit
		}
		look = w.now + looksEvery
		return w.judge.settled()
	})
	w.judge.calm()
	w.phase = drain
	w.trace.note(line{at: w.now, what: "drain"})
	w.rest("after the calm")
	if len(w.judge.violations) == 0 && w.plan.quiet() && w.plan.Seed%4 == 1 {
		w.judge.lonely()
	}
	w.judge.end()
}

// quiet tells whether nobody lies in this plan.
func (p *Plan) quiet() bool { return len(p.Liars)+len(p.Forkers)+len(p.Vandals) == 0 }

// run does what is on the agenda until a condition holds, a check fails or nothing is left.
func (w *world) run(until func() bool) {
	for !w.agenda.empty() && len(w.judge.violations) == 0 && w.done < mostEntries {
		if w.agenda.heap[0].at > w.now && until() {
			return
		}
		e := w.agenda.next()
		w.now = e.at
		w.done++
		e.do()
	}
}

// schedule writes the plan onto the agenda.
func (w *world) schedule() {
	for _, c := range w.plan.Partitions {
		w.agenda.add(c.At, func() { w.split(c) })
	}
	for _, c := range w.plan.Clogs {
		w.agenda.add(c.At, func() { w.links[c.From*len(w.peers)+c.To].clog = c.Until })
	}
	for _, c := range w.plan.Clocks {
		p := w.peers[c.Peer]
		w.agenda.add(c.At, func() {
			if p.error = c.Error; p.core != nil && w.now > 0 {
				p.wake = 0
				p.soon()
			}
		})
	}
	for _, c := range w.plan.Crashes {
		w.agenda.add(c.At, func() { w.crash(c) })
		if p := w.peers[c.Peer]; c.Rollback {
			w.agenda.add(c.At/2, func() { p.backup = p.disk.Clone() })
		}
	}
	w.cast()
	w.campaign()
	for _, p := range w.peers {
		if p.liar != nil && !p.mute {
			p.liar.begin()
		}
		if p.vandal != nil {
			p.vandal.begin()
		}
	}
}

// crash dooms a peer. If nothing happens at the point where it was to die, it dies anyhow.
func (w *world) crash(c Crash) {
	p := w.peers[c.Peer]
	if p.core == nil || p.doom != nil || !w.storm() {
		return
	}
	w.judge.stats.Crashes++
	p.doom = &c
	p.at(w.now+400, func() {
		if w.storm() {
			p.stop(c.Down)
		}
	})
}

// settle ends the storm: the network is whole, and everybody who is honest is up and connected. Where
// something was lost the connection is made anew, as that of a transport that could not deliver: a
// peer at rest says nothing, so nobody could find out that the last word was lost.
func (w *world) settle() {
	w.phase = calm
	w.trace.note(line{at: w.now, what: "calm"})
	w.cuts = nil
	for _, p := range w.peers {
		p.doom = nil
		if p.core == nil && p.vandal == nil && !p.mute {
			p.start()
		}
	}
	for i, a := range w.peers {
		for _, b := range w.peers[:i] {
			lost := w.links[a.index*len(w.peers)+b.index].drops + w.links[b.index*len(w.peers)+a.index].drops
			if w.wired[a.index]>>b.index&1 == 1 && (lost > 0 || !a.linked[b.index] || !b.linked[a.index]) {
				w.connect(a, b)
			}
		}
	}
}

// rest runs until nothing is left to do: no message under way, no peer that wants to be called.
func (w *world) rest(when string) {
	limit, began := w.now+min(drainAtMost, max(w.patience, 3*60_000))+w.asleep, w.done // greetings to those who never answer end after two minutes
	w.run(func() bool { return w.lastSent > limit || w.done > began+drainEntries })
	if len(w.judge.violations) == 0 && !w.agenda.empty() {
		w.judge.complain("the peers do not come to rest %s: %d things were done since, last message at %d", when, w.done-began, uint64(w.lastSent))
		w.judge.describe()
	}
}

// cutTold tells whether a partition that peers are told of lies between two of them.
func (w *world) cutTold(a, b *peer) bool {
	for _, c := range w.cuts {
		if c.Told && c.Set>>a.index&1 != c.Set>>b.index&1 {
			return true
		}
	}
	return false
}

func (w *world) result() Result {
	s := w.judge.stats
	s.Virtual, s.Messages, s.Turns, s.Commits, s.Rounds = w.now, w.sent, w.turns, len(w.judge.commits), len(w.judge.blocks)
	s.Events = len(w.judge.promised)
	return Result{Seed: w.plan.Seed, Trace: w.trace.sum, Violations: w.judge.violations, Plan: w.plan.String(), Tail: w.trace.tail(), Stats: s}
}

package sim

import (
	"encoding/binary"
	"fmt"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// peer is one computer: a core with the world around it that node.Node would give it, a disk that
// survives crashes, and a clock that may be wrong. A liar's peer has a liar inside.
type peer struct {
	w       *world
	index   int
	name    string
	key     identity.Key
	public  node.Peer
	watcher bool

	core     *node.Core // nil while it is down
	disk     *crdt.Memory
	backup   *crdt.Memory // an earlier day of disk
	guard    node.Mark
	ring     *ring  // keys for rounds, outside of the disk
	epoch    uint64 // that its core is in
	silenced string // the guard remembers that signing ended, and why
	life     int    // times started
	error    int64  // of its clock

	inbox  []func(now event.Time)
	turnAt event.Time // when it looks at its inbox; 0: no turn is planned
	wake   event.Time // true time at which it asked to be called; 0: none
	linked []bool     // peers that it believes to be up
	met    []int      // how often each came up, so that an old bad news is not believed
	heard  map[[32]byte]bool
	doom   *Crash // how it will die at the next chance

	twin   bool    // the second machine with a steward's key, and its first one
	liar   *liar   // nil: honest
	vandal *vandal // not nil: no core, just bad manners
	mute   bool    // it has no part in anything
}

func (p *peer) id() node.Peer { return p.public }
func (p *peer) honest() bool  { return p.liar == nil && p.vandal == nil && !p.mute && !p.twin }

// clock is the time that this peer believes it is.
func (p *peer) clock() event.Time { return event.Time(int64(dawn+p.w.now) + p.error) }

// start brings a peer up from its disk and its guard.
func (p *peer) start() {
	observer := p.silenced
	if p.watcher || p.liar != nil {
		observer = "it only watches"
	}
	core, err := node.NewCore(node.Config{Genesis: p.w.stage.genesis, Key: p.key, Keys: p.ring, Observer: observer, Merciful: p.w.plan.Merciful, Mark: p.guard, Archive: p.disk})
	if err != nil {
		panic("sim: invariant: a core begins: " + err.Error())
	}
	p.life++
	p.core, p.inbox, p.turnAt, p.wake = core, nil, 0, 0
	p.heard, p.linked, p.met = map[[32]byte]bool{}, make([]bool, len(p.w.peers)), make([]int, len(p.w.peers))
	p.w.trace.note(line{at: p.w.now, what: "starts", a: p.name, n: p.disk.Count().Commits, m: p.disk.Count().Rounds << 40})
	if err := core.Restore(p.clock(), nil); err != nil {
		p.w.judge.fault(p, "cannot restore its own archive: %v", err)
		p.core = nil
		return
	}
	p.w.begins(p, core.Epoch())
	p.w.judge.restored(p)
	for _, other := range p.w.peers {
		if p.w.wired[p.index]>>other.index&1 == 1 && other.up() && !p.w.cut(p, other) {
			p.w.connect(p, other)
		}
	}
	p.soon()
}

func (p *peer) up() bool { return p.core != nil || p.vandal != nil }

// stop ends a peer as a power cut does. Nobody is told, and what it had not kept is gone.
func (p *peer) stop(down event.Time) {
	p.w.trace.note(line{at: p.w.now, what: "crashes", a: p.name})
	if p.doom != nil && p.doom.Rollback && p.backup != nil {
		p.w.trace.note(line{at: p.w.now, what: "goes back", a: p.name, n: p.backup.Count().Events, m: p.backup.Count().Rounds << 40})
		p.disk, p.backup = p.backup, nil
		p.w.judge.rolledBack(p)
	}
	p.core, p.inbox, p.turnAt, p.wake, p.doom = nil, nil, 0, 0, nil
	for _, other := range p.w.peers {
		if other.up() && p.w.luck.of(1, 2) {
			other.lose(p, p.w.luck.until(1000))
		}
	}
	p.w.agenda.add(p.w.now+1+down, func() {
		if p.core == nil {
			p.start()
		}
	})
}

// receive takes a frame off the wire.
func (p *peer) receive(from *peer, f *frame) {
	if p.vandal != nil {
		p.vandal.hear(f)
		return
	}
	if p.core == nil || p.idle() || f.topic != "" && p.heard[f.heard] {
		return
	}
	m, good := p.w.message(f, p.epoch)
	if f.topic != "" {
		if p.heard[f.heard] = true; good && p.liar == nil {
			p.w.pass(p, from, f, meshDegree)
		}
	}
	if !good {
		p.w.judge.stats.Refused++
		return
	}
	p.put(func(now event.Time) { p.core.Handle(now, from.id(), m) })
}

// idle tells that a liar has had its time.
func (p *peer) idle() bool { return p.liar != nil && p.w.phase == drain && !p.liar.loyal }

// put hands an input to the loop.
func (p *peer) put(input func(now event.Time)) {
	p.inbox = append(p.inbox, input)
	p.soon()
}

// soon plans a turn.
func (p *peer) soon() {
	if p.turnAt == 0 {
		p.turnAt = p.w.now
		if p.w.plan.Lag > 0 {
			p.turnAt += p.w.luck.until(p.w.plan.Lag)
		}
		p.at(p.turnAt, p.turn)
	}
}

// at does something later, if this peer has not crashed in between.
func (p *peer) at(when event.Time, do func()) {
	life := p.life
	p.w.agenda.add(when, func() {
		if p.core != nil && p.life == life && !p.idle() {
			do()
		}
	})
}

// turn is what node.Node does: all that waits, one tick, and then what the core asks of the world.
func (p *peer) turn() {
	if p.doom != nil && p.doom.Point == BetweenTurns {
		p.stop(p.doom.Down)
		return
	}
	p.turnAt = 0
	inputs := p.inbox
	p.inbox = nil
	for _, input := range inputs {
		input(p.clock())
	}
	if p.core == nil {
		return
	}
	p.w.turns++
	out := p.core.Tick(p.clock(), false)
	if out.Epoch != nil {
		p.w.begins(p, *out.Epoch)
	}
	p.obey(&out)
}

// obey does what a turn asks for, in the order of node.Node, and may die at any point.
func (p *peer) obey(out *node.Effects) {
	if p.dies(BeforeKeep, len(out.Keep.Events)+len(out.Keep.Rounds) > 0) {
		return
	}
	if err := p.disk.Append(out.Keep); err != nil {
		panic("sim: invariant: a disk in memory takes everything: " + err.Error())
	}
	p.w.judge.kept(p, out)
	if p.dies(AfterKeep, len(out.Keep.Events)+len(out.Keep.Rounds) > 0) {
		return
	}
	if out.Mark != (node.Mark{}) {
		p.w.judge.marked(p, out.Mark)
		p.guard = out.Mark
	}
	if out.Silence != "" {
		p.silenced = out.Silence
		p.w.judge.silent(p, out.Silence)
	}
	if p.dies(AfterMark, out.Mark != (node.Mark{})) {
		return
	}
	p.speak(out)
	if p.core == nil {
		return
	}
	if p.liar != nil {
		p.liar.learn(out)
	}
	p.plan(out.Wake)
}

// dies crashes the peer if it is doomed to at this point and the turn did something there.
func (p *peer) dies(point Point, chance bool) bool {
	if p.doom == nil || p.doom.Point != point || !chance {
		return false
	}
	p.stop(p.doom.Down)
	return true
}

func (p *peer) speak(out *node.Effects) {
	letters := len(out.Send)
	if p.doom != nil && p.doom.Point == AmidSends && letters+len(out.Publish) > 1 {
		letters = p.w.luck.IntN(letters + 1)
		out.Publish = nil
	} else {
		letters = len(out.Send)
	}
	for _, letter := range out.Send[:letters] {
		if p.honest() {
			p.w.verified(&letter.Message)
		}
		if to := p.knows(letter.To); to != nil && !p.holds(to, &letter) {
			p.w.post(p, to, p.w.frame(letter.Frame(), ""))
		}
	}
	if p.doom != nil && p.doom.Point == AmidSends && letters+len(out.Publish) >= 1 {
		p.stop(p.doom.Down)
		return
	}
	for _, publication := range out.Publish {
		if p.honest() {
			p.w.verified(&publication.Message)
		}
		if p.liar == nil {
			p.w.publish(p, p.w.frame(publication.Frame(), publication.Topic))
		}
	}
}

// knows finds the computer that p talks to under a name. Twins have one name between them.
func (p *peer) knows(id node.Peer) *peer {
	for _, other := range p.w.peers {
		if p.linked[other.index] && other.id() == id {
			return other
		}
	}
	return nil
}

// holds tells whether a liar keeps a letter to itself.
func (p *peer) holds(to *peer, letter *node.Letter) bool {
	return p.liar != nil && p.liar.holds(to, letter)
}

// plan calls the core again when it asked to be.
func (p *peer) plan(wake event.Time) {
	if wake == 0 {
		p.wake = 0
		return
	}
	at := p.w.now + 1
	if now := p.clock(); wake > now {
		at = p.w.now + (wake - now)
	}
	if p.wake == at {
		return
	}
	p.wake = at
	p.at(at, func() {
		if p.wake == at {
			p.wake = 0
			p.soon()
		}
	})
}

// meet and lose tell the core who is up and who is down.
func (p *peer) meet(other *peer) {
	if p.vandal != nil {
		p.linked[other.index] = true
		return
	}
	if p.core == nil || !other.up() || p.w.cutTold(p, other) {
		return
	}
	if p.linked[other.index] { // it was gone for a moment and nobody noticed
		p.put(func(now event.Time) { p.core.Down(now, other.id()) })
	}
	p.linked[other.index] = true
	p.met[other.index]++
	p.put(func(now event.Time) { p.core.Up(now, other.id()) })
}

// lose breaks a connection, and tells the core a little later unless there is a new one by then.
func (p *peer) lose(other *peer, later event.Time) {
	if p.vandal != nil || p.core == nil || !p.linked[other.index] {
		return
	}
	met := p.met[other.index]
	p.at(p.w.now+later, func() {
		if p.linked[other.index] && p.met[other.index] == met {
			p.linked[other.index] = false
			p.put(func(now event.Time) { p.core.Down(now, other.id()) })
		}
	})
}

// submit tries a draft as this peer's member. What the member is told to be done must last.
func (p *peer) submit(draft event.Draft, done func(e *event.Event, err error)) {
	if p.core == nil || p.liar != nil {
		return
	}
	p.put(func(now event.Time) {
		e, err := p.core.Submit(now, draft)
		if err == nil {
			p.w.trace.note(line{p.w.now, "submits", p.name, "", e.Seq, binary.BigEndian.Uint64(e.ID[:]), string(e.Kind)})
		} else {
			p.w.trace.note(line{at: p.w.now, what: "refused", a: p.name, detail: fmt.Sprintf("%s: %.60s", draft.Kind, err)})
			p.w.judge.stats.Refusals++
		}
		if done != nil {
			done(e, err)
		}
	})
}

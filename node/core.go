package node

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/identity"
)

// Config is what one peer's core is made of.
type Config struct {
	Genesis  *event.Event // the founding event
	Key      identity.Key // this device's key; it signs own events and, for a founding steward, rounds
	Keys     Keys         // for rounds of later epochs; nil: this device is no steward beyond the founding epoch
	Observer string       // not empty: never sign, and why
	Merciful bool         // leave it to others to accuse who signs two blocks of one round, or two events with one number
	Mark     Mark         // what the guard says was signed
	Pin      *Pin         // of who invited this device; may be nil
	Archive  Archive
	Mended   bool // the archive has gaps or another order than it was written in
}

// Core is one member's peer for one cooperative, without wires, disk and clock: it is told what
// arrived and what time it is, and says in Effects what must be done. Equal inputs give equal
// effects, so a simulator is a loop around many of them.
type Core struct {
	coop     event.ID
	key      identity.Key
	keys     Keys
	secret   [32]byte // salts short ids, so that nobody can make ids that collide
	observer string
	merciful bool
	archive  Archive
	mended   bool

	graph   *crdt.Graph
	line    *coop.Chronicle
	epoch   finality.Epoch // of the chronicle
	engine  *finality.Engine
	seat    int               // this device's number among the epoch's stewards, or -1
	sign    identity.Key      // what it signs round blocks with
	steward *finality.Steward // nil unless this device is one and may sign
	commits uint64            // folded so far
	time    event.Time        // coop time of the last

	ends      []*sealing // of the last checkpoint of every epoch before
	handover  *sealing   // the last of them: with it the epoch began; nil in the founding epoch
	latest    *sealing   // of the last checkpoint since
	proven    *finality.Certificate
	held      *held                 // the last state whose checkpoint stewards sign
	certified *held                 // the last with a certificate; nil before the first
	expected  *finality.Certificate // of a commit to come; see Expect
	diverged  *finality.Certificate // a quorum signed another result than this core's
	doubt     error                 // not nil: ErrConstitutionalFork, ErrMisled or ErrFalseState, and then this core orders nothing
	pin       *Pin
	later     later
	proofs    []finality.Fork // of stewards to be accused
	charges   charges         // of devices
	announced uint64          // commits when it was looked whether a key is to be announced, and one more

	tail    tail
	refused refusals
	peers   map[Peer]*neighbour
	wants   wants
	beat    beat
	fetch   fetch
	pace    pace
	marks   []commitMark
	signed  Mark

	entitled bool // the data shows all that this device signed
	lost     Mark // what it signed when it did not

	recorded     []event.ID // anchors of the commits that were on disk at the start
	restoring    bool
	kept         crdt.Count // what the archive holds, with what this core asked to keep since it was read
	stop         int        // the next of marks at which it may stop
	contradicted bool       // it found another commit than is on disk
	alarmed      bool       // peers were shown why this one halted

	gossiped int // bytes of events in the last message that is to be gossiped

	now   event.Time
	last  event.Time // of the turn before
	turns uint64
	out   Effects
}

// commitMark is what a core remembers of a commit to serve it to others.
type commitMark struct {
	rounds uint64 // round blocks in the archive when it was made
	events uint64 // events in the archive then
}

// commitRecord is a commit as it is kept on disk.
type commitRecord struct {
	_      struct{} `cbor:",toarray"`
	Index  uint64
	Anchor event.ID
	Time   event.Time
	Order  []event.ID
	Rounds uint64 // round blocks kept before this commit
	Events uint64 // events kept before it
}

// NewCore begins with the founding event alone. The events and rounds kept earlier are told to it
// by Restore before anything else.
func NewCore(c Config) (*Core, error) {
	if c.Genesis == nil {
		return nil, errors.New("a peer needs the founding event of its cooperative: join it again with its invite link")
	}
	state, err := coop.Genesis(c.Genesis)
	if err != nil {
		return nil, fmt.Errorf("the founding event does not hold: %w", err)
	}
	epoch := coop.Epoch(&state)
	if err := epoch.Check(); err != nil {
		return nil, fmt.Errorf("the founding event names no valid stewards: %w", err)
	}
	seed := c.Key.Seed()
	core := &Core{
		mended: c.Mended,
		coop:   c.Genesis.ID, key: c.Key, keys: c.Keys, observer: c.Observer, merciful: c.Merciful, archive: c.Archive,
		secret: sha256.Sum256(append([]byte("coop/short ids\x00"), seed[:]...)),
		epoch:  epoch, graph: crdt.NewGraph(c.Genesis.ID), line: coop.NewChronicle(state),
		pin:     c.Pin,
		refused: newRefusals(), peers: map[Peer]*neighbour{}, wants: newWants(), pace: firstPace, signed: c.Mark,
		kept: c.Archive.Count(),
	}
	core.tail = newTail(core.graph)
	core.charges.cases = map[identity.PublicKey]*charge{}
	core.engine = finality.NewEngine(epoch, coop.Ordered{Graph: core.graph, Genesis: c.Genesis.ID})
	if _, err := core.graph.Add("", c.Genesis); err != nil {
		return nil, fmt.Errorf("the founding event does not hold: %w", err)
	}
	core.graph.Release([]event.ID{c.Genesis.ID})
	core.seat, core.sign = core.seatIn(&core.epoch)
	return core, nil
}

// Try tells why Submit would refuse a draft as things stand, or nil. Nothing is signed.
func (c *Core) Try(now event.Time, d event.Draft) error {
	_, err := c.place(now, d)
	return err
}

// place finds the place of a draft, and why it would be refused there.
func (c *Core) place(now event.Time, d event.Draft) (slot event.Slot, err error) {
	c.now = now
	if why := c.watching(); why != "" {
		return slot, &ObserverError{why}
	}
	switch {
	case c.doubt == ErrMisled || c.doubt == ErrFalseState:
		return slot, c.doubt
	case c.expected != nil:
		return slot, ErrChecking
	}
	if err := d.Check(); err != nil {
		return slot, err
	}
	if c.tail.byKey[c.key.Public()] >= maxOwnPending {
		return slot, ErrBehind
	}
	slot = c.Slot(c.key.Public(), now)
	c.line.Follow(c.tail.ordered())
	return slot, c.line.Try(c.key.Public(), slot.Seq, now, d)
}

// Submit signs a draft of this device's member, after it was tried on what is known so far. The
// error is the refusal that it would meet, and then nothing was signed.
func (c *Core) Submit(now event.Time, d event.Draft) (*event.Event, error) {
	slot, err := c.place(now, d)
	if err != nil {
		return nil, err
	}
	slot.Deps = c.links(slot.Prev, d)
	e, err := event.Seal(c.key, slot, d)
	if err != nil {
		return nil, err
	}
	if err := c.accept(Peer{}, e); err != nil {
		return nil, err
	}
	c.signed.Events = e.Seq + 1
	c.out.Mark = c.signed
	c.publish(e)
	return e, nil
}

// Slot is the next free place in the strand of key.
func (c *Core) Slot(key identity.PublicKey, now event.Time) event.Slot {
	slot := event.Slot{Coop: c.coop, At: now}
	if tip, seq, ok := c.graph.Tip(key); ok {
		slot.Prev, slot.Seq = tip, seq+1
	}
	return slot
}

// Take accepts events that were sealed elsewhere, by members who use this peer as their door. Each
// gets a verdict of its own.
func (c *Core) Take(now event.Time, events []*event.Event) []error {
	c.now = now
	errs := make([]error, len(events))
	for i, e := range events {
		if errs[i] = c.accept(Peer{}, e); errs[i] == nil {
			c.publish(e)
		}
	}
	return errs
}

// Receive takes events from a peer. It returns how many were refused for a reason that only a
// broken or hostile peer gives.
func (c *Core) Receive(now event.Time, from Peer, events []*event.Event) (bad int) {
	c.now = now
	for _, e := range events {
		err := c.accept(from, e)
		if errors.Is(err, crdt.ErrOtherCoop) || errors.Is(err, crdt.ErrBrokenChain) {
			bad++
		}
	}
	return bad
}

// Hear takes round blocks from a peer.
func (c *Core) Hear(now event.Time, from Peer, rounds []*finality.Round) (bad int) {
	c.now = now
	for _, r := range rounds {
		if c.foreign(r) {
			c.silence("somebody else signs round blocks with this device's key: this peer signs nothing more")
		}
		step, err := c.engine.Add(now, string(from[:]), r)
		if harmless(err) {
			continue // it or we are behind, or somebody else's forks crowd it out
		}
		if err != nil {
			bad++
			continue
		}
		c.saw(from, r)
		c.absorb(step)
		for _, id := range r.Inc {
			if !c.graph.Has(id) {
				c.miss(id, from, false) // who sent the block has what it lists
			}
		}
	}
	return bad
}

// harmless tells that an honest peer may well have sent a block that is not kept.
func harmless(err error) bool {
	for _, why := range []error{finality.ErrOld, finality.ErrAhead, finality.ErrCrowded, finality.ErrOtherEpoch} {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}

// foreign tells whether a round block of our own number is one that we never made.
func (c *Core) foreign(r *finality.Round) bool {
	if c.steward == nil || r.Epoch != c.epoch.Number || r.Steward != c.seat || c.engine.Has(r.ID) {
		return false
	}
	if r.Epoch == c.lost.Epoch && r.Number <= c.lost.Round {
		return false // it may be one that this device lost
	}
	_, err := c.archive.Round(r.ID)
	return err != nil
}

// silence stops all signing, now and after restarts.
func (c *Core) silence(why string) {
	c.observer, c.steward, c.entitled, c.out.Silence = why, nil, false, why
}

// accept brings one event into the graph, with all that waited for it.
func (c *Core) accept(from Peer, e *event.Event) error {
	if c.graph.Has(e.ID) {
		return nil
	}
	if e.Key == c.key.Public() && !from.IsZero() && c.observer == "" && e.Seq >= c.signed.Events {
		c.silence("somebody else signs events with this device's key: this peer signs nothing more")
	}
	var accepted []*event.Event
	var err error
	if c.wants.required(e.ID) || c.graph.Required(e.ID) {
		accepted, err = c.graph.AddRequired(string(from[:]), e)
	} else if err = c.admit(e); err == nil {
		accepted, err = c.graph.Add(string(from[:]), e)
	}
	if err != nil {
		return err
	}
	ids := make([]event.ID, len(accepted))
	for i, a := range accepted {
		ids[i] = a.ID
		c.tail.add(c.now, a)
		c.offer(a)
		c.wants.drop([32]byte(a.ID))
	}
	c.keepEvents(accepted)
	c.absorb(c.engine.Learn(c.now, ids))
	return nil
}

// absorb keeps the rounds that were accepted and folds what became final, up to the end of the epoch.
func (c *Core) absorb(step finality.Step) {
	for _, r := range step.Accepted {
		c.keepRound(r)
		c.wants.drop([32]byte(r.ID))
	}
	c.proofs = append(c.proofs, step.Evidence...)
	for i, commit := range step.Commits {
		if end := c.commit(commit); end != nil {
			c.succeed(end, commit, step.Commits[i+1:])
			return
		}
	}
	if step.Halt != nil {
		c.alarm(step.Halt)
	}
}

// commit folds a commit; end is not nil if it is the last one of its epoch.
func (c *Core) commit(commit finality.Commit) (end *finality.Checkpoint) {
	events := make([]*event.Event, len(commit.Order))
	for i, id := range commit.Order {
		if events[i] = c.graph.Get(id); events[i] == nil {
			panic(fmt.Sprintf("node: invariant: commit %d orders %s, which is not at hand", commit.Index, id))
		}
	}
	receipts, end := c.line.Commit(commit, events)
	c.commits, c.time = commit.Index+1, commit.Time
	c.out.Final = append(c.out.Final, receipts...)
	c.refused.note(receipts)
	c.record(commit)
	c.graph.Release(commit.Order)
	c.takeBack(c.tail.remove(events))
	c.tail.touched(c.now)
	c.hold(end)
	c.met()
	if end == nil {
		c.pinned() // otherwise when the next epoch has begun
		c.checkpoint()
	}
	return end
}

// record keeps a commit, unless it is one that Restore found on disk.
func (c *Core) record(commit finality.Commit) {
	anchor := event.ID(commit.Anchor.ID)
	recorded := commit.Index < uint64(len(c.recorded))
	if recorded && c.recorded[commit.Index] != anchor {
		if !c.restoring {
			panic(fmt.Sprintf("node: invariant: commit %d differs from its record", commit.Index))
		}
		c.contradicted = true
	}
	if commit.Index < uint64(len(c.marks)) {
		return
	}
	c.marks = append(c.marks, commitMark{rounds: c.kept.Rounds, events: c.kept.Events})
	if recorded {
		return
	}
	raw, err := event.Marshal(commitRecord{Index: commit.Index, Anchor: anchor, Time: commit.Time, Order: commit.Order, Rounds: c.kept.Rounds, Events: c.kept.Events})
	if err != nil {
		panic("node: invariant: a commit can be written: " + err.Error())
	}
	c.out.Keep.Commits = append(c.out.Keep.Commits, raw)
	c.out.Keep.Tip = [32]byte(anchor)
}

// Tick ends a turn: a steward does its step, timers that are due send, and everything that the turn
// asks of the world is returned. busy tells that more has arrived and waits to be heard, so that what
// is missing may well be among it.
func (c *Core) Tick(now event.Time, busy bool) Effects {
	if now < c.last {
		c.rewind(c.last - now)
	}
	c.now, c.last = now, now
	c.turns++
	c.hearLater()
	c.announce()
	c.accuse()
	c.charge()
	c.takeOffice()
	for range maxIssues {
		if c.steward == nil {
			break
		}
		draft, wake := c.steward.Step(now, c.due())
		if draft == nil {
			c.wake(wake)
			break
		}
		c.issue(draft)
	}
	c.hearLater() // what this device signed itself may have ended the epoch
	c.synchronise(busy)
	if at, ok := coop.Next(c.line.Final()); ok && c.steward != nil && at > now {
		c.wake(at)
	}
	out := c.out
	out.Time, out.Keep.New = c.time, true
	c.out = Effects{}
	return out
}

// due tells whether a deadline has passed that only an advance of coop time can close.
func (c *Core) due() bool {
	at, ok := coop.Next(c.line.Final())
	return ok && c.now >= at && c.time < at
}

// issue signs a round block, takes it like anybody's, and pushes it to the other stewards.
func (c *Core) issue(draft *finality.Round) {
	r, err := finality.SealRound(c.sign, &c.epoch, *draft)
	if err != nil {
		panic("node: invariant: a steward's own round block can be sealed: " + err.Error())
	}
	c.signed.Epoch, c.signed.Round = c.epoch.Number, max(c.signed.Round, r.Number)
	c.out.Mark = c.signed
	step, err := c.engine.Add(c.now, "", r)
	if err != nil {
		panic("node: invariant: a steward's own round block is valid: " + err.Error())
	}
	c.push(r)
	c.absorb(step)
}

func (c *Core) wake(at event.Time) {
	if at != 0 && (c.out.Wake == 0 || at < c.out.Wake) {
		c.out.Wake = at
	}
}

// provisional is the state with everything known, in the order it would have if it became final
// now.
func (c *Core) provisional() *coop.State {
	c.line.Follow(c.tail.ordered())
	return c.line.Provisional()
}

// links are what an own event builds on: what its body refers to, so that it can never be ordered
// before that, and a few recent heads, so that nothing its author saw can be left out later without it
// showing.
func (c *Core) links(prev event.ID, d event.Draft) []event.ID {
	var deps []event.ID
	state := c.line.Provisional()
	for _, id := range append(coop.Deps(state, d), coop.Sources(state, c.key.Public(), d)...) {
		if id != prev && c.graph.Has(id) && len(deps) < event.MaxDeps-maxHeadLinks {
			deps = append(deps, id)
		}
	}
	heads := 0
	for _, id := range c.graph.Heads() {
		if id != prev && heads < maxHeadLinks && !c.tail.aside[id] {
			deps = append(deps, id)
			heads++
		}
	}
	return deps
}

// salt is a number that peers cannot foresee.
func (c *Core) salt() uint64 {
	var in [48]byte
	copy(in[:], c.secret[:])
	binary.BigEndian.PutUint64(in[32:], uint64(c.now))
	binary.BigEndian.PutUint64(in[40:], c.turns)
	sum := sha256.Sum256(in[:])
	return binary.BigEndian.Uint64(sum[:])
}

// Epoch is the epoch in which this core works.
func (c *Core) Epoch() finality.Epoch { return c.epoch }

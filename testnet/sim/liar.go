package sim

import (
	"fmt"
	"slices"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// liar is a steward with a will of its own. It follows the talk through an ordinary core that signs
// nothing, keeps a graph and an engine of its own beside it, and makes and sends its round blocks
// itself. So its lies are well-formed, signed and in step with what goes on.
type liar struct {
	me     *peer
	deeds  Deeds
	dice   dice
	graph  *crdt.Graph
	engine *finality.Engine
	ep     finality.Epoch
	seat   int                          // in it, or -1
	rounds map[uint64][]*finality.Round // what it knows, by round, in order of acceptance
	own    map[uint64]*finality.Round   // what it goes on from
	issued uint64
	late   []*finality.Round // withheld
	junk   []*event.Event
	nobody identity.Key // of no member: it signs the junk
	strand event.Slot   // of the junk
	most   int          // events that it lists in a block
	batch  int          // junk events that it makes at a time; 0: a few
	left   int          // blocks that it may still sign without need
	script bool         // a directed schedule says what it does
	loyal  bool         // it helps to the end, because there is no quorum without it
}

func newLiar(p *peer, d Deeds) *liar {
	l := &liar{me: p, deeds: d, dice: newDice(p.w.plan.Seed, 100+uint64(p.index)), graph: crdt.NewGraph(p.w.stage.genesis.ID),
		rounds: map[uint64][]*finality.Round{}, own: map[uint64]*finality.Round{}, left: 30, most: 16, nobody: keyOf(3000 + p.index)}
	l.turn(p.w.stage.epoch)
	if _, err := l.graph.Add("", p.w.stage.genesis); err != nil {
		panic("sim: invariant: a graph takes its founding event")
	}
	return l
}

// turn begins an epoch, in which the liar may have a seat again.
func (l *liar) turn(ep finality.Epoch) {
	l.ep, l.seat, l.engine = ep, l.me.seatIn(&ep), finality.NewEngine(ep, l.graph)
	l.rounds, l.own, l.issued, l.late = map[uint64][]*finality.Round{}, map[uint64]*finality.Round{}, 0, nil
	if ep.Number > 0 {
		l.engine.Offer(l.open()...)
	}
}

func (l *liar) does(d Deeds) bool { return l.deeds&d != 0 }

// begin plans its steps until the drain.
func (l *liar) begin() {
	pace := 5 + l.me.w.plan.Delay + l.dice.until(100)
	var step func()
	step = func() {
		if l.me.idle() || l.me.w.phase == drain && l.engine.Pending() == 0 {
			return
		}
		if l.me.core != nil && !l.script {
			l.step()
		}
		l.me.w.agenda.add(l.me.w.now+pace, step)
	}
	l.me.w.agenda.add(l.dice.until(500), step)
}

// learn takes over what its core accepted.
func (l *liar) learn(out *node.Effects) {
	now := l.me.clock()
	if out.Epoch != nil {
		l.turn(*out.Epoch)
	}
	for _, e := range out.Keep.Events {
		l.know(e)
	}
	for _, b := range out.Keep.Rounds {
		if r := l.me.w.round(b.Raw); r != nil {
			l.accept(now, r)
		}
	}
}

func (l *liar) know(e *event.Event) {
	accepted, _ := l.graph.AddRequired("", e)
	for _, a := range accepted {
		l.engine.Offer(a.ID)
		l.engine.Learn(l.me.clock(), []event.ID{a.ID})
	}
}

func (l *liar) accept(now event.Time, r *finality.Round) {
	step, _ := l.engine.Add(now, "", r)
	for _, a := range step.Accepted {
		l.rounds[a.Number] = append(l.rounds[a.Number], a)
	}
}

// step signs what it wants to sign now.
func (l *liar) step() {
	if l.does(Silent) || l.seat < 0 {
		return
	}
	if l.does(Perjure) && l.dice.of(1, 4) {
		l.perjure()
	}
	if l.does(Boast) && l.dice.of(1, 8) {
		l.boast()
	}
	if l.does(Stuff) && l.dice.of(1, 4) && l.me.w.phase != drain {
		l.stuff()
	}
	if len(l.late) > 0 && l.dice.of(1, 12) {
		l.release()
	}
	target := l.engine.Round()
	if target <= l.issued {
		work := l.engine.Pending() > 0
		switch {
		case target < l.issued && !l.does(Hasty):
			return
		case !work && (!l.does(Hasty) || l.left == 0):
			return
		case !l.does(Hasty) && !l.ready(target):
			return
		}
		if !work {
			l.left--
		}
		target = max(target, min(l.issued, target)) + 1
	}
	if target <= l.issued || target > 1 && len(l.authors(target-1)) < l.ep.Q() {
		return
	}
	l.issue(target)
}

// ready tells whether the round has the leader's block or most others, and sometimes says so anyhow.
func (l *liar) ready(round uint64) bool {
	leader := l.ep.Leader((round - 1) / 3)
	return slices.Contains(l.authors(round), leader) || l.dice.of(1, 30)
}

func (l *liar) authors(round uint64) (all []int) {
	for _, r := range l.rounds[round] {
		if !slices.Contains(all, r.Steward) {
			all = append(all, r.Steward)
		}
	}
	return all
}

// issue signs one block of a round, or two.
func (l *liar) issue(number uint64) {
	l.issued = number
	first := l.sign(l.draft(number))
	l.own[number] = first
	l.accept(l.me.clock(), first)
	switch {
	case l.does(Thin):
		l.thin(first)
		return
	case !l.does(Equivocate):
		l.tell(first, l.audience())
		return
	}
	d := l.draft(number)
	d.At++
	if number%3 == 2 {
		d.Vote = !first.Vote && l.leads(d.Parents, number)
	}
	if len(d.Inc) > 0 {
		d.Inc = d.Inc[1:]
	}
	second := l.sign(d)
	l.accept(l.me.clock(), second)
	half := l.dice.Uint64()
	l.tell(first, half)
	l.tell(second, ^half)
	if l.dice.of(1, 4) {
		l.own[number] = second
	}
}

// follow waits until the liar knows blocks of some stewards in a round, and then does something.
func (l *liar) follow(round uint64, stewards []int, do func()) {
	for _, s := range stewards {
		if !slices.Contains(l.authors(round), s) {
			l.me.w.agenda.add(l.me.w.now+5, func() { l.follow(round, stewards, do) })
			return
		}
	}
	if len(stewards) == 0 && len(l.authors(round)) == 0 {
		l.me.w.agenda.add(l.me.w.now+5, func() { l.follow(round, stewards, do) })
		return
	}
	do()
}

// sayRound signs a block of a round on blocks of some stewards, nil for all, and tells it to a set.
func (l *liar) sayRound(number uint64, on []int, to uint64) {
	d := l.draft(number)
	if on != nil {
		d.Parents, d.Prev, d.Last = nil, finality.RoundID{}, 0
		for _, s := range slices.Sorted(slices.Values(on)) {
			for _, r := range l.rounds[number-1] {
				if r.Steward == s {
					d.Parents = append(d.Parents, r.ID)
					break
				}
			}
		}
	}
	r := l.sign(d)
	l.issued, l.own[number] = number, r
	l.accept(l.me.clock(), r)
	l.tell(r, to)
}

// audience is who hears a block: everybody, or a few.
func (l *liar) audience() uint64 {
	if l.does(Narrow) {
		return l.dice.Uint64() & l.dice.Uint64()
	}
	return ^uint64(0)
}

// draft makes up a block of a round.
func (l *liar) draft(number uint64) finality.Round {
	d := finality.Round{Steward: l.seat, Number: number, At: l.me.clock()}
	if l.does(Backdate) {
		tolerance := int64(l.me.w.plan.Tolerance)
		d.At = event.Time(int64(d.At) + []int64{-31_536_000_000, -tolerance, -tolerance / 2, tolerance / 2, tolerance, 31_536_000_000}[l.dice.IntN(6)])
	}
	for n := number - 1; n > 0 && d.Last == 0; n-- {
		if own := l.own[n]; own != nil {
			d.Prev, d.Last = own.ID, n
		}
	}
	if number > 1 {
		d.Parents = l.parents(number-1, d.Prev)
		if !slices.Contains(d.Parents, d.Prev) && d.Last == number-1 {
			d.Prev, d.Last = finality.RoundID{}, 0
		}
	}
	if number%3 == 2 {
		d.Vote = l.leads(d.Parents, number) && (!l.does(Contrary) || l.dice.of(1, 2))
	}
	d.Inc = l.lists()
	return d
}

// leads tells whether the leader of the wave has a block among parents.
func (l *liar) leads(parents []finality.RoundID, number uint64) bool {
	leader := l.ep.Leader((number - 1) / 3)
	return slices.ContainsFunc(parents, func(id finality.RoundID) bool {
		r := l.engine.Get(id)
		return r != nil && r.Steward == leader
	})
}

// parents picks a block of each steward from a round, its own when it has one.
func (l *liar) parents(number uint64, own finality.RoundID) (ids []finality.RoundID) {
	choice := map[int]*finality.Round{}
	for _, r := range l.rounds[number] {
		if choice[r.Steward] == nil || l.does(Contrary) && l.dice.of(1, 2) || r.ID == own {
			choice[r.Steward] = r
		}
	}
	for s := range l.ep.N() {
		if choice[s] != nil {
			ids = append(ids, choice[s].ID)
		}
	}
	if l.does(Double) {
		ids = l.double(ids, number)
	}
	if spare := len(ids) - l.ep.Q(); l.does(Contrary) && spare > 0 && l.dice.of(1, 2) {
		ids = slices.Delete(ids, 0, 1)
	}
	if l.does(Phantom) && l.dice.of(1, 20) {
		ids[l.dice.IntN(len(ids))] = finality.RoundID{1, byte(number)}
	}
	return ids
}

// double puts a second block of some steward beside the first, in the place of another's.
func (l *liar) double(ids []finality.RoundID, number uint64) []finality.RoundID {
	for _, r := range l.rounds[number] {
		twin := slices.IndexFunc(ids, func(id finality.RoundID) bool {
			other := l.engine.Get(id)
			return other != nil && other.Steward == r.Steward && id != r.ID
		})
		if twin < 0 {
			continue
		}
		if gone := (twin + 1) % len(ids); len(ids) == l.ep.N() || l.dice.of(1, 2) {
			ids = slices.Delete(slices.Clone(ids), gone, gone+1)
			if gone < twin {
				twin--
			}
		}
		return slices.Insert(ids, twin, r.ID)
	}
	return ids
}

// lists are the events of a block: what is open, and what it was told to add.
func (l *liar) lists() (ids []event.ID) {
	for _, e := range l.open() {
		if len(ids) < l.most && (!l.does(Contrary) || l.dice.of(1, 2)) {
			ids = append(ids, e)
		}
	}
	if l.does(Phantom) && l.dice.of(1, 20) {
		ids = append(ids, event.ID{2, byte(l.issued)})
	}
	slices.SortFunc(ids, event.ID.Compare)
	return slices.Compact(ids)
}

// open are the accepted events that are not final to its knowledge.
func (l *liar) open() (ids []event.ID) {
	for _, id := range l.me.w.judge.open() {
		if l.graph.Has(id) && !l.engine.Final(id) {
			ids = append(ids, id)
		}
	}
	for _, e := range l.junk {
		if !l.engine.Final(e.ID) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// stuff makes junk: well-formed events of somebody who is no member.
func (l *liar) stuff() {
	count := 1 + l.dice.IntN(4)
	if l.batch > 0 {
		count = max(l.batch-len(l.open()), 0)
	}
	for range count {
		d := draft(governance.KindMemberLeave, governance.MemberLeave{})
		slot := l.strand
		slot.Coop, slot.At = l.me.w.stage.genesis.ID, l.me.clock()
		e, err := event.Seal(l.nobody, slot, d)
		if err != nil {
			panic("sim: invariant: junk can be sealed: " + err.Error())
		}
		l.strand = event.Slot{Seq: e.Seq + 1, Prev: e.ID}
		l.junk = append(l.junk, e)
		l.know(e)
	}
}

// thin builds on its own last block alone and tells that to some, and to the others the ordinary
// block of the round. Nobody should be able to read it.
func (l *liar) thin(first *finality.Round) {
	some := l.dice.Uint64()
	l.tell(first, ^some)
	d := l.draft(first.Number)
	if !slices.Contains(d.Parents, d.Prev) {
		return
	}
	d.Parents, d.At = []finality.RoundID{d.Prev}, d.At+2
	d.Vote = d.Vote && l.leads(d.Parents, d.Number)
	raw := forge(l.me.key, &l.ep, d)
	f := l.me.w.frame(node.Message{Bundle: &node.Bundle{Rounds: []*finality.Round{{Raw: raw}}}}.Frame(), "")
	for _, p := range l.me.w.peers {
		if l.me.linked[p.index] && some>>p.index&1 == 1 {
			l.me.w.post(l.me, p, f)
		}
	}
	if r := l.me.w.round(raw); r != nil {
		l.accept(l.me.clock(), r)
		l.own[d.Number] = r
	}
}

func (l *liar) sign(d finality.Round) *finality.Round {
	r, err := finality.SealRound(l.me.key, &l.ep, d)
	if err != nil {
		panic("sim: invariant: a liar's block is well-formed: " + err.Error())
	}
	return r
}

// tell sends a block to those in a set, or keeps it for later.
func (l *liar) tell(r *finality.Round, to uint64) {
	if l.does(Withhold) && l.dice.of(1, 2) {
		l.late = append(l.late, r)
		return
	}
	l.me.w.trace.note(line{at: l.me.w.now, what: "lies", a: l.me.name, n: r.Number, m: uint64(r.ID[0]) << 56, detail: fmt.Sprintf("to %b", to&(1<<len(l.me.w.peers)-1))})
	b := &node.Bundle{Rounds: []*finality.Round{r}}
	for _, e := range l.junk {
		if slices.Contains(r.Inc, e.ID) {
			b.Events = append(b.Events, e)
		}
	}
	f := l.me.w.frame(node.Message{Bundle: b}.Frame(), "")
	for _, p := range l.me.w.peers {
		if p != l.me && l.me.linked[p.index] && to>>p.index&1 == 1 {
			l.me.w.post(l.me, p, f)
		}
	}
	if l.dice.of(2, 3) { // its core knows the block too, and gives it to whoever asks
		l.me.put(func(now event.Time) { l.me.core.Handle(now, l.me.id(), l.me.w.mustRead(f, l.me.epoch)) })
	}
}

// release tells everything that was withheld.
func (l *liar) release() {
	late := l.late
	l.late = nil
	for _, r := range late {
		deeds := l.deeds
		l.deeds &^= Withhold
		l.tell(r, ^uint64(0))
		l.deeds = deeds
	}
}

// boast greets everybody with claims that nobody can prove.
func (l *liar) boast() {
	frontier := make([]uint64, l.ep.N())
	for i := range frontier {
		frontier[i] = l.engine.Round() + l.dice.Uint64N(100)
	}
	h := &node.Hello{Epoch: l.ep.Number + l.dice.Uint64N(2), Commits: l.engine.Commits() + l.dice.Uint64N(1000), Frontier: frontier, Pending: l.dice.Uint64N(3)}
	for _, p := range l.me.w.peers {
		if l.me.linked[p.index] {
			l.me.w.post(l.me, p, l.me.w.frame(node.Message{Hello: h}.Frame(), ""))
		}
	}
}

// perjure signs that the order came to something else, for the last commit, the one before or one to come.
func (l *liar) perjure() {
	commits := l.me.core.Status().Commits
	c := finality.Checkpoint{Version: 1, Coop: l.ep.Coop, Epoch: l.ep.Number, Index: commits + l.dice.Uint64N(3) - min(commits, 1), State: [32]byte{byte(l.dice.IntN(256))}}
	if l.dice.of(1, 2) {
		office := l.ep.Office()
		c.Next = &office
	}
	n := finality.NewNotary(l.ep, c)
	n.Sign(l.seat, l.me.key)
	f := l.me.w.frame(node.Message{Bundle: &node.Bundle{Certificates: []*finality.Certificate{n.Certificate()}}}.Frame(), "")
	for _, p := range l.me.w.peers {
		if p != l.me && l.me.linked[p.index] {
			l.me.w.post(l.me, p, f)
		}
	}
}

// holds tells whether the liar keeps one of its core's letters to itself.
func (l *liar) holds(to *peer, letter *node.Letter) bool {
	switch {
	case l.me.idle():
		return true
	case l.does(Mute):
		return letter.Hello == nil
	case l.does(Narrow):
		return letter.Bundle != nil && to.index%2 == 0
	}
	return false
}

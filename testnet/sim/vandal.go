package sim

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/node"
)

// vandal sends what no honest peer would: noise, broken copies, old frames, claims and questions.
type vandal struct {
	Vandal
	me   *peer
	dice dice
	seen []*frame
}

func newVandal(p *peer, v Vandal) *vandal {
	return &vandal{Vandal: v, me: p, dice: newDice(p.w.plan.Seed, 200+uint64(p.index))}
}

func (v *vandal) begin() {
	var step func()
	step = func() {
		if v.me.w.phase == drain {
			return
		}
		v.step()
		v.me.w.agenda.add(v.me.w.now+50+v.dice.until(300), step)
	}
	v.me.w.agenda.add(v.dice.until(500), step)
}

// hear remembers a frame, and may race its copy to others.
func (v *vandal) hear(f *frame) {
	if len(v.seen) < 200 {
		v.seen = append(v.seen, f)
	}
	if v.Races && f.topic != "" && v.me.w.phase != drain {
		v.race(f)
	}
}

// race sends a copy whose last signature is broken to everybody at once.
func (v *vandal) race(f *frame) {
	m, good := v.me.w.message(f, 0)
	if !good || m.Bundle == nil || len(m.Bundle.Events) == 0 {
		return
	}
	e := *m.Bundle.Events[0]
	e.Raw = append([]byte(nil), e.Raw...)
	e.Raw[len(e.Raw)-1] ^= 1
	broken := v.me.w.frame(node.Message{Bundle: &node.Bundle{Events: []*event.Event{&e}}}.Frame(), f.topic)
	for _, p := range v.me.w.peers {
		if p != v.me && p.up() {
			v.me.w.carry(v.me, p, broken, 0)
		}
	}
}

func (v *vandal) step() {
	var to []*peer
	for _, p := range v.me.w.peers {
		if v.me.w.wired[v.me.index]>>p.index&1 == 1 && p.up() {
			to = append(to, p)
		}
	}
	if len(to) == 0 {
		return
	}
	p := to[v.dice.IntN(len(to))]
	if v.Bytes {
		v.me.w.post(v.me, p, v.me.w.frame(v.noise(), node.TopicEvents[:v.dice.IntN(2)*len(node.TopicEvents)]))
	}
	if v.Replays && len(v.seen) > 0 {
		v.me.w.post(v.me, p, v.seen[v.dice.IntN(len(v.seen))])
	}
	if v.Boasts {
		frontier := make([]uint64, v.me.w.plan.Stewards)
		for i := range frontier {
			frontier[i] = v.dice.Uint64N(1 << (1 + v.dice.IntN(53)))
		}
		v.say(p, node.Message{Hello: &node.Hello{Commits: v.dice.Uint64N(1 << (1 + v.dice.IntN(53))), Frontier: frontier, Pending: v.dice.Uint64N(9)}})
	}
	if v.Asks {
		v.ask(p)
	}
}

func (v *vandal) say(to *peer, m node.Message) {
	v.me.w.post(v.me, to, v.me.w.frame(m.Frame(), ""))
}

func (v *vandal) ask(to *peer) {
	var id event.ID
	id[0] = byte(v.dice.IntN(256))
	switch v.dice.IntN(5) {
	case 0:
		v.say(to, node.Message{Get: &node.Get{Events: []event.ID{id}, Rounds: []event.ID{id}, Frontier: make([]uint64, v.me.w.plan.Stewards)}})
	case 1:
		low := v.dice.Uint64()
		v.say(to, node.Message{Tail: &node.Tail{Salt: v.dice.Uint64(), Low: low, High: low + v.dice.Uint64N(1<<63-low>>1)>>1, Short: []uint64{v.dice.Uint64()}}})
	case 2:
		v.say(to, node.Message{Want: &node.Want{Salt: v.dice.Uint64(), Short: []uint64{v.dice.Uint64()}}})
	case 3:
		v.say(to, node.Message{Read: &node.Read{From: node.From{Index: v.dice.Uint64N(20), Skip: v.dice.Uint64N(100)}, Bytes: v.dice.Uint64()}})
	case 4:
		v.say(to, node.Message{Bundle: &node.Bundle{Next: &node.From{Index: v.dice.Uint64N(20)}, End: v.dice.of(1, 2), More: v.dice.of(1, 2)}})
	}
}

// noise is a broken copy of something heard, or bytes that never were a message.
func (v *vandal) noise() []byte {
	if len(v.seen) > 0 && v.dice.of(2, 3) {
		b := append([]byte(nil), v.seen[v.dice.IntN(len(v.seen))].bytes...)
		if v.dice.of(1, 4) {
			return b[:v.dice.IntN(len(b))]
		}
		b[v.dice.IntN(len(b))] ^= 1 << v.dice.IntN(8)
		return b
	}
	b := make([]byte, v.dice.IntN(200))
	for i := range b {
		b[i] = byte(v.dice.Uint32())
	}
	return b
}

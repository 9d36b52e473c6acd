package sim

import (
	"fmt"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// forker is a member who signs two events with one number and tells each half of the peers another
// one. It has a place in the network and no core.
type forker struct {
	w    *world
	dice dice
	key  identity.Key
	me   *peer
}

// strand is where the forker's own numbers are, shared by all its forks.
type strand struct {
	seq  uint64
	prev event.ID
}

// fork signs two events after the last and goes on from either.
func (f *forker) fork() {
	at := &f.w.strands[f.me.index]
	var sides [2]*event.Event
	drafts := f.drafts(at)
	for i, d := range drafts {
		slot := event.Slot{Coop: f.w.stage.genesis.ID, Seq: at.seq, Prev: at.prev, At: dawn + f.w.now}
		e, err := event.Seal(f.key, slot, d)
		if err != nil {
			panic("sim: invariant: a fork can be sealed: " + err.Error())
		}
		sides[i] = e
		f.w.trace.note(line{at: f.w.now, what: "forks", a: f.me.name, n: at.seq, detail: fmt.Sprint(e.ID.Short())})
	}
	half := f.dice.Uint64()
	for _, p := range f.w.peers {
		if p.up() && !p.mute {
			m := node.Message{Bundle: &node.Bundle{Events: []*event.Event{sides[half>>p.index&1]}}}
			f.w.post(f.me, p, f.w.frame(m.Frame(), node.TopicEvents))
		}
	}
	at.seq, at.prev = at.seq+1, sides[f.dice.IntN(2)].ID
}

// drafts are the two sides: a double spend or sale if the member has something, by what any honest peer
// knows, else two invites.
func (f *forker) drafts(at *strand) (sides [2]event.Draft) {
	for _, p := range f.w.peers {
		if p.honest() && p.core != nil {
			t := &trader{f.w, f.dice}
			if sides, any := t.twice(p.core.View().Provisional, f.key.Public(), dawn+f.w.now); any {
				f.w.judge.stats.Doubles++
				return sides
			}
			break
		}
	}
	for i := range sides {
		sides[i] = inviting(keyOf(2000+100*f.me.index+10*int(at.seq)+i), dawn+f.w.now)
	}
	return sides
}

package daemon

import (
	"context"
	"time"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/badgerdb"
	"github.com/sustainy/coop/node"
)

// What a store lost comes back from two sides. The others give what they have; a store that was rebuilt
// gives what it kept apart because something that it builds on was lost. Only when everything is back
// that this device ever signed may it sign on: its guard knows how much that was.
//
// The cases, when guard and store disagree at a start:
//
//   - The power went between the store's write and the guard's: the store knows more. What it knows was
//     signed, so the node raises the guard and tells the others.
//   - An older copy of the store was put back, or the disk lost writes that it had acknowledged: the guard
//     knows more. The device observes until its own events and round blocks are back, which the node sees.
//     What nobody else ever had does not come back; then the device needs a new key.
//   - The home was copied, or its keys were restored: the guard is not in its place and refuses. What the
//     store knows does not matter; the device needs a new key, or its owner's word that no other copy is left.

// giveBack gives the graph the events that a rebuilt store kept apart, until it has accepted them all or
// ctx ends. There they wait for what they build on, which the node asks the others for; among them may be
// some that nobody else has.
func (r *room) giveBack(ctx context.Context, n *node.Node, store *badgerdb.DB) {
	turn := 0
	for pause := givePause; ; pause = min(2*pause, giveAtMost) {
		left, err := r.giveSome(ctx, n, store, turn)
		turn++
		if err != nil && ctx.Err() == nil {
			r.log.Warn("events that were kept apart", "why", err)
		}
		if err != nil || left == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// giveSome gives some of those that are not accepted, others each turn, and tells how many there are.
func (r *room) giveSome(ctx context.Context, n *node.Node, store *badgerdb.DB, turn int) (left int, err error) {
	var raws [][]byte
	err = store.Orphans(func(raw []byte) error {
		id, sound := crdt.EnvelopeID(raw)
		if !sound {
			return nil
		}
		level, err := n.Level(ctx, id)
		if err == nil && level == node.Unknown {
			raws = append(raws, raw)
		}
		return err
	})
	if left = len(raws); err != nil || left == 0 {
		return left, err
	}
	from := turn * maxGiven % left
	refusals, err := n.Take(ctx, raws[from:min(from+maxGiven, left)])
	for _, refusal := range refusals {
		if refusal != nil {
			r.log.Debug("an event that was kept apart is not taken yet", "why", refusal)
		}
	}
	return left, err
}

package finality

import (
	"fmt"

	"github.com/sustainy/coop/event"
)

// Succeed begins the epoch ep where e ended: with commit last, which is the last one of its epoch. What
// e committed beyond it in the same step, void, never happened: those events are without a place again.
// Commits go on counting, coop time goes on, and what is final stays final; events that wait for a place
// must be offered again. e is of no use any more.
//
// That everybody ends an epoch with the same commit needs no agreement beyond that on anchors: which
// commit it is follows from folding them in their order, and a node that learns first of a later direct
// commit walks down the chain and comes by the last one before.
func (e *Engine) Succeed(ep Epoch, last Commit, void []Commit) *Engine {
	if ep.Coop != e.ep.Coop || ep.Number != e.ep.Number+1 || last.Index+1+uint64(len(void)) != e.commits {
		panic(fmt.Sprintf("finality: invariant: epoch %d follows epoch %d", ep.Number, e.ep.Number))
	}
	for _, c := range void {
		for _, id := range c.Order {
			delete(e.pool.final, id)
		}
	}
	next := NewEngine(ep, e.pool.events)
	next.pool.final = e.pool.final
	next.commits, next.time, next.window = last.Index+1, last.Time, e.window
	return next
}

// RoundEpoch is the epoch that a round block names, for whoever must keep it until that epoch is known.
// Nothing else about the block is looked at, least of all its signature.
func RoundEpoch(raw []byte) (uint64, error) {
	if len(raw) > MaxRoundSize {
		return 0, ErrRoundSize
	}
	var env envelope
	if err := event.Unmarshal(raw, &env); err != nil {
		return 0, fmt.Errorf("%w (%v)", ErrRoundForm, err)
	}
	var c core
	if err := event.Unmarshal(env.Core, &c); err != nil {
		return 0, fmt.Errorf("%w (%v)", ErrRoundForm, err)
	}
	if c.Epoch > MaxNumber {
		return 0, ErrNumber
	}
	return c.Epoch, nil
}

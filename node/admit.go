package node

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// admit is this peer's own policy: what it keeps and passes on before a steward has put it in
// order. It decides neither validity nor meaning. What a round block contains is taken regardless
// (accept), since refusing it would stop the order.
func (c *Core) admit(e *event.Event) error {
	_, _, known := c.graph.Tip(e.Key) // then it is a device, or began with an application that was let in
	switch {
	case known || c.line.Final().Hall.Devices.Has(e.Key):
		if c.tail.byKey[e.Key] >= maxKeyPending {
			return ErrTooMany
		}
		return nil
	case e.Seq > 0: // its predecessor may be on the way; the waiting room is bounded
		return nil
	case e.Kind != governance.KindMemberApply:
		return ErrStranger
	case len(c.tail.byKey) >= maxStrangers:
		return ErrCrowded
	}
	return nil
}

package node

import (
	"slices"

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

// offer names an event of the tail to the stewards, or sets it aside if no other peer would take it: what strangers
// write is taken only if a round block contains it, and that block brings it into the order, with all it
// builds on. If the block never comes there, since its author showed it to a few, or its epoch has ended,
// whoever took the event would else offer for ever what everybody refuses, and build own events on it.
func (c *Core) offer(e *event.Event) {
	if c.stranger(e) || slices.ContainsFunc(e.Links(), func(id event.ID) bool { return c.tail.aside[id] }) {
		c.tail.aside[e.ID] = true
	} else {
		c.engine.Offer(e.ID)
	}
}

// stranger tells whether an event begins the strand of a key that nobody knows.
func (c *Core) stranger(e *event.Event) bool {
	return e.Seq == 0 && e.Kind != governance.KindMemberApply && !c.line.Final().Hall.Devices.Has(e.Key)
}

// offerAll offers the tail anew.
func (c *Core) offerAll() {
	clear(c.tail.aside)
	c.tail.order = nil
	for _, e := range c.tail.arrived {
		c.offer(e)
	}
}

// takeBack offers what was set aside if one of its authors has become a device of the cooperative. It does so too
// if something set aside is final: what builds on that can be taken by everybody now.
func (c *Core) takeBack(final bool) {
	if final || len(c.tail.aside) > 0 && slices.ContainsFunc(c.tail.arrived, func(e *event.Event) bool {
		return c.tail.aside[e.ID] && e.Seq == 0 && c.line.Final().Hall.Devices.Has(e.Key)
	}) {
		c.offerAll()
	}
}

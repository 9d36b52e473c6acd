package node

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// charges is what a core remembers of the devices whose forks it has seen.
type charges struct {
	forked  uint64     // events with a number that was taken, when it was looked last
	commits uint64     // and commits, and one more
	due     event.Time // when to look again though nothing has changed; 0: no need
	cases   map[identity.PublicKey]*charge
}

// charge is one device's.
type charge struct {
	since event.Time // when it was found to be guilty; 0: it is not, or not any more
	made  int        // times this core brought it before the members
}

// charge brings before all members that a device has signed two events with one number, so that it is
// suspended by the rules and not by what somebody thinks of its member. One proof for a device is enough,
// however often it forked: who is to give it is settled by turns, and who knows of one gives none.
func (c *Core) charge() {
	l := &c.charges
	forked := c.graph.Forked()
	if forked == 0 || c.merciful || !c.entitled || c.fetch.active() {
		return
	}
	if l.forked == forked && l.commits == c.commits+1 && (l.due == 0 || c.now < l.due) {
		c.wake(l.due)
		return
	}
	l.forked, l.commits, l.due = forked, c.commits+1, 0
	for _, fork := range c.graph.Convictions() {
		if at := c.try(fork); at != 0 && (l.due == 0 || at < l.due) {
			l.due = at
		}
	}
	c.wake(l.due)
}

// try brings one device before the members if that is due and left to this peer. It returns when to look
// again; 0 if only a commit or another fork can change anything.
func (c *Core) try(fork crdt.Fork) event.Time {
	k := c.charges.cases[fork.Key]
	if !guilty(c.line.Final(), fork) || fork.Key == c.key.Public() {
		if k != nil {
			k.since = 0
		}
		return 0
	}
	if k == nil {
		k = &charge{}
		c.charges.cases[fork.Key] = k
	}
	if k.made >= chargesOfOne || !guilty(c.provisional(), fork) {
		return 0 // another one's proof is on its way
	}
	if k.since == 0 {
		k.since = c.now
	}
	if at := k.since + c.turn(fork.Key); c.now < at {
		return at
	}
	a, b := c.whole(fork.A), c.whole(fork.B)
	if a == nil || b == nil {
		return 0 // the archive's own check reports it; somebody else has them
	}
	d, err := event.NewDraft(governance.KindEvidence, governance.DeviceFork(a, b))
	if err != nil {
		panic("node: invariant: two headers fit an event: " + err.Error())
	}
	if _, err := c.Submit(c.now, d); err == nil { // who may say nothing now leaves it to others
		k.made++
	}
	return 0
}

// guilty tells whether a fork would suspend its device: it is some member's, and may speak.
func guilty(s *coop.State, fork crdt.Fork) bool {
	d, known := s.Hall.Devices.Get(fork.Key)
	return known && !d.Suspended && !d.Revoked && fork.Seq >= d.Cleared
}

// turn is for how long a peer leaves it to others to bring a device before the members. The stewards come
// one after the other, for each device another one first; when all of them have had their turn everybody
// else comes, spread so that of many hardly two come at once.
func (c *Core) turn(device identity.PublicKey) event.Time {
	n := c.epoch.N()
	if c.seat >= 0 {
		return event.Time((c.seat+n-int(device[0])%n)%n) * chargeEvery
	}
	own := c.key.Public()
	draw := sha256.Sum256(append(append([]byte("coop/turn\x00"), own[:]...), device[:]...))
	spread := uint64(c.line.Final().Hall.Members.Len()) * chargeApart
	return event.Time(n)*chargeEvery + event.Time(binary.BigEndian.Uint64(draw[:])%spread)
}

// whole finds an event and opens it if it is no longer in memory.
func (c *Core) whole(id event.ID) *event.Event {
	e := c.event(id)
	if e == nil || len(e.Body) > 0 {
		return e
	}
	e, err := event.Open(e.Raw)
	if err != nil {
		return nil
	}
	return e
}

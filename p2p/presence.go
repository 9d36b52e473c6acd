package p2p

import (
	"slices"
	"strings"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Who is Up. Over a direct connection it is who listens to the room's Events: only then does gossip
// reach them, and saying Up any earlier would leave a gap between what they were told on Up and
// what they hear. Over a limited connection gossip is silent, and libp2p's identify tells who
// speaks the room's protocol.

// touch notes that something about a peer changed. It does not block.
func (l *Link) touch(id peer.ID) {
	l.mu.Lock()
	l.touched[id] = struct{}{}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// gossipWatch follows who listens to Events.
func (l *Link) gossipWatch() {
	for {
		e, err := l.events.NextPeerEvent(l.ctx)
		if err != nil {
			return
		}
		l.mu.Lock()
		if e.Type == pubsub.PeerJoin {
			l.subscribed[e.Peer] = true
		} else {
			delete(l.subscribed, e.Peer)
		}
		l.mu.Unlock()
		l.touch(e.Peer)
	}
}

// settleAll is the one goroutine that says Up and Down.
func (l *Link) settleAll() {
	look := time.NewTicker(muteAfter / muteLooks)
	defer look.Stop()
	mute := make(map[peer.ID]int)
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-look.C:
			mute = l.renewMute(mute)
			continue
		case <-l.wake:
		}
		l.mu.Lock()
		touched := l.touched
		l.touched = make(map[peer.ID]struct{})
		l.mu.Unlock()
		for id := range touched {
			if p, err := PeerOf(id); err == nil && l.ctx.Err() == nil {
				l.settle(p, id)
			}
		}
	}
}

func (l *Link) settle(p Peer, id peer.ID) {
	spoken := l.speaks(id)
	l.mu.Lock()
	if l.left {
		l.mu.Unlock()
		return
	}
	state := l.host.lib.Network().Connectedness(id)
	up := state == network.Connected && l.subscribed[id] || state == network.Limited && spoken
	var c *contact
	if up {
		c = l.contact(p, id)
	} else {
		c = l.contacts[p]
	}
	if c == nil {
		l.mu.Unlock()
		return
	}
	was := c.up
	c.up = up
	if !up && state != network.Connected && state != network.Limited {
		c.close()
		delete(l.contacts, p)
	}
	l.mu.Unlock()
	switch {
	case up && !was:
		l.room.Up(p)
	case was && !up:
		l.room.Down(p)
	}
}

// renewMute disconnects peers that gossip has lost track of, to begin anew. GossipSub forgets a
// peer's subscriptions when its own stream to the peer dies, also when that happened on an older
// connection and the peer has long subscribed again on a newer one; a peer says it only once. And
// it gives up when it could not open a stream (https://github.com/libp2p/go-libp2p-pubsub/issues,
// 433 and 506). mute counts the looks at which a peer was connected and of the room, but not by gossip.
func (l *Link) renewMute(mute map[peer.ID]int) map[peer.ID]int {
	still := make(map[peer.ID]int)
	for _, id := range l.host.lib.Network().Peers() {
		if l.host.lib.Network().Connectedness(id) != network.Connected || !l.isOfRoom(id) {
			continue
		}
		l.mu.Lock()
		subscribed := l.subscribed[id]
		l.mu.Unlock()
		if subscribed && l.host.gossipsTo(id) {
			continue
		}
		if still[id] = mute[id] + 1; still[id] > muteLooks && l.host.mayRenew(id) {
			delete(still, id)
			l.host.dials.retry(id)
			l.host.expel(id, "gossip lost track of the peer")
		}
	}
	return still
}

// gossipsTo says whether gossip has a stream to a peer.
func (h *Host) gossipsTo(id peer.ID) bool {
	for _, c := range h.lib.Network().ConnsToPeer(id) {
		for _, s := range c.GetStreams() {
			if s.Stat().Direction == network.DirOutbound && strings.HasPrefix(string(s.Protocol()), "/meshsub/") {
				return true
			}
		}
	}
	return false
}

// isOfRoom says whether a peer is of the room, by identify or by a stream of the room that it opened.
// Identify alone can be wrong for ever: what a peer said as it closed an older connection may be
// heard after what it said on the newer one.
func (l *Link) isOfRoom(id peer.ID) bool {
	if l.speaks(id) {
		return true
	}
	p, err := PeerOf(id)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.contacts[p]
	return c != nil && len(c.inbound) > 0
}

// speaks says whether a peer is of the room, by identify.
func (l *Link) speaks(id peer.ID) bool {
	spoken, _ := l.host.lib.Peerstore().SupportsProtocols(id, roomWire(l.name)) // the memory store has no errors
	return len(spoken) > 0
}

func (h *Host) connected(id peer.ID) bool {
	c := h.lib.Network().Connectedness(id)
	return c == network.Connected || c == network.Limited
}

func sorted(ps []Peer) []Peer {
	slices.SortFunc(ps, Peer.Compare)
	return ps
}

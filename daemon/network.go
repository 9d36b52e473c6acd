package daemon

import (
	"log/slog"
	"sync/atomic"

	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
)

// outlet is a room's link as its node sees it. Before the link is there, and when a queue is full,
// frames are lost, as the node expects of a network.
type outlet struct {
	link atomic.Pointer[p2p.Link]
	log  *slog.Logger
}

// Publish gossips a frame.
func (n *outlet) Publish(topic string, frame []byte) {
	if link := n.link.Load(); link != nil {
		if err := link.Publish(p2p.Protocol(topic), frame); err != nil {
			n.log.Debug("not gossiped", "topic", topic, "bytes", len(frame), "why", err)
		}
	}
}

// Send sends a frame to one peer.
func (n *outlet) Send(to node.Peer, proto string, frame []byte) bool {
	link := n.link.Load()
	return link != nil && link.Send(to, p2p.Protocol(proto), frame)
}

// door is a node as the network sees it.
type door struct {
	node *node.Node
	met  chan<- p2p.Peer // told of who comes up, unless it is full
}

// Check opens and verifies a frame, concurrently and before the loop.
func (d *door) Check(from p2p.Peer, _ p2p.Protocol, frame []byte) (any, p2p.Verdict) {
	m, ok := d.node.Check(from, frame)
	if !ok {
		return nil, p2p.Reject
	}
	return m, p2p.Accept
}

// Deliver hands over what Check accepted.
func (d *door) Deliver(from p2p.Peer, _ p2p.Protocol, msg any) {
	d.node.Deliver(from, msg.(node.Message))
}

// Up says that a peer is there.
func (d *door) Up(p p2p.Peer) {
	d.node.Up(p)
	select {
	case d.met <- p:
	default: // it is asked later, in its turn
	}
}

// Down says that a peer is gone.
func (d *door) Down(p p2p.Peer) { d.node.Down(p) }

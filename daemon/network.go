package daemon

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
)

// outlet is a room's link as its node sees it. Before the link is there, and when a queue is full,
// frames are lost, as the node expects of a network.
type outlet struct {
	link     atomic.Pointer[p2p.Link]
	withhold *atomic.Bool // the history: a test looks at what is without
	log      *slog.Logger
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
	if n.withhold.Load() && proto == node.ProtoPages {
		return false
	}
	return link != nil && link.Send(to, p2p.Protocol(proto), frame)
}

// listener is what the network tells a node.
type listener interface {
	Check(from node.Peer, frame []byte) (node.Message, bool)
	Deliver(from node.Peer, m node.Message)
	Up(node.Peer)
	Down(node.Peer)
}

// door is a node as the network sees it. Who comes up while the node cannot speak yet waits outside:
// the greeting would be lost, and between two that have nothing to do no other follows.
type door struct {
	node listener
	met  chan<- p2p.Peer // told of who comes up, unless it is full

	mu      sync.Mutex
	open    bool
	outside []p2p.Peer
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
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open {
		d.outside = append(d.outside, p)
		return
	}
	d.letIn(p)
}

// Down says that a peer is gone.
func (d *door) Down(p p2p.Peer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.outside = slices.DeleteFunc(d.outside, func(q p2p.Peer) bool { return q == p })
	d.node.Down(p)
}

// unlock lets in who waits, and everybody from now on: the node can speak.
func (d *door) unlock() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = true
	for _, p := range d.outside {
		d.letIn(p)
	}
	d.outside = nil
}

func (d *door) letIn(p p2p.Peer) {
	d.node.Up(p)
	select {
	case d.met <- p:
	default: // it is asked later, in its turn
	}
}

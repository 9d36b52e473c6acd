package p2p

import "github.com/libp2p/go-libp2p/core/protocol"

// Protocol says what kind of frame this is, within a room. Streams and gossip topics share the names.
type Protocol string

// The protocols of a room. Events and Rounds are gossip topics; all but Events are also streams.
const (
	Events  Protocol = "events"  // topic: events
	Rounds  Protocol = "rounds"  // stream and topic: round blocks
	Tail    Protocol = "tail"    // stream: reconciliation of what is accepted but not ordered
	Get     Protocol = "get"     // stream: fetch by id
	Commits Protocol = "commits" // stream: what is ordered, from an index on
	Hello   Protocol = "hello"   // stream: what two peers say first
)

var (
	topics  = []Protocol{Events, Rounds}
	streams = []Protocol{Rounds, Tail, Get, Commits, Hello}
)

// wire is the libp2p id of a stream protocol. The room is named inside the stream.
func (p Protocol) wire() protocol.ID { return protocol.ID("/coop/" + string(p) + "/1") }

// roomWire is spoken by every host of a room, with no other use than to be seen by libp2p identify:
// it tells over a relayed connection, where gossip is silent, that a peer is of the room.
func roomWire(name string) protocol.ID { return protocol.ID("/coop/room/" + name + "/1") }

func topicName(room string, topic Protocol) string { return room + "/" + string(topic) }

// Verdict is a room's judgement of one frame.
type Verdict uint8

const (
	// Ignore drops the frame and holds nothing against the peer: already known, not wanted now.
	Ignore Verdict = iota
	// Accept delivers the frame and, for gossip, forwards it.
	Accept
	// Reject is for bytes that are provably bad whoever judges them. The peer is struck for it.
	Reject
)

// Room is a cooperative as the network sees it. A frame belongs to the room once Check has it; it
// must not be changed, because gossip forwards the same bytes.
type Room interface {
	// Check judges a frame and turns it into what Deliver takes. It runs in many goroutines at
	// once, must not block, and should be cheap in refusing.
	Check(from Peer, proto Protocol, frame []byte) (msg any, verdict Verdict)
	// Deliver hands over what Check accepted, from one goroutine per stream and topic. It may block:
	// a stream then fills up and slows its sender, gossip is dropped when the inbox is full. Frames of one stream come in the order
	// sent; between streams and topics there is no order. It must return once the room is closing.
	Deliver(from Peer, proto Protocol, msg any)
	// Up says that a peer is connected and of this room: what is now published reaches it, unless
	// the connection is limited (see [PeerStats]); what others publish is forwarded to it at the
	// latest after [Heartbeat], so reconcile once more then. A frame may come before its peer's Up.
	// Whoever has something to say to a peer says it on its own Up: after a silent restart the
	// other side may see none.
	Up(Peer)
	// Down says that a peer is gone. Up and Down of a peer alternate and come from one goroutine.
	Down(Peer)
}

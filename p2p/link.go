package p2p

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Link is one room's place in the network. All methods may be called from any goroutine and none
// but Leave waits for anything slow.
type Link struct {
	host *Host
	name string
	room Room

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	topics map[Protocol]*topic
	events *pubsub.TopicEventHandler // who listens to Events

	outbox      chan publication
	outboxBytes atomic.Int64

	published, publishDropped, inboxDropped atomic.Uint64

	mu         sync.Mutex
	left       bool
	contacts   map[Peer]*contact
	subscribed map[peer.ID]bool     // listens to Events, so is of the room and hears gossip
	touched    map[peer.ID]struct{} // something about them changed
	wake       chan struct{}
}

type publication struct {
	topic *topic
	frame []byte
}

// contact is one connected peer as one room sees it.
type contact struct {
	counters
	id      peer.ID
	up      bool
	lanes   map[Protocol]*lane
	inbound map[Protocol]network.Stream
}

const roomLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// Join enters a room: from now on it may be called. It listens to Events; see [Link.HearRounds].
func (h *Host) Join(name string, r Room) (*Link, error) {
	if name == "" || len(name) > MaxRoomName || strings.Trim(name, roomLetters) != "" {
		return nil, ErrRoomName
	}
	l := &Link{
		host: h, name: name, room: r,
		topics:     make(map[Protocol]*topic),
		outbox:     make(chan publication, MaxPublishFrames),
		contacts:   make(map[Peer]*contact),
		subscribed: make(map[peer.ID]bool),
		touched:    make(map[peer.ID]struct{}),
		wake:       make(chan struct{}, 1),
	}
	h.joining.Lock()
	defer h.joining.Unlock()
	l.ctx, l.cancel = context.WithCancel(h.ctx)
	if err := h.enter(l); err != nil {
		l.cancel()
		return nil, err
	}
	if err := l.start(); err != nil {
		l.Leave()
		return nil, fmt.Errorf("p2p: join %s: %w", name, err)
	}
	return l, nil
}

func (h *Host) enter(l *Link) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return ErrClosed
	case h.links[l.name] != nil:
		return ErrRoomTaken
	case len(h.links) >= MaxRooms:
		return ErrTooManyRooms
	}
	h.links[l.name] = l
	return nil
}

func (l *Link) start() error {
	l.host.gossip.allow(l.name, true)
	for _, proto := range topics {
		t, err := l.joinTopic(proto)
		if err != nil {
			return err
		}
		l.topics[proto] = t
	}
	var err error
	if l.events, err = l.topics[Events].handle.EventHandler(); err != nil {
		return err
	}
	l.wg.Go(l.gossipWatch)
	l.wg.Go(l.settleAll)
	l.wg.Go(l.publishAll)
	if err := l.topics[Events].subscribe(true); err != nil {
		return err
	}
	l.host.lib.SetStreamHandler(roomWire(l.name), func(s network.Stream) { _ = s.Reset() }) // identify shows it
	for _, id := range l.host.lib.Network().Peers() {
		l.touch(id)
	}
	return nil
}

// Name is the room's name.
func (l *Link) Name() string { return l.name }

// Leave ends the link: all streams of the room are closed, and when Leave returns the room will
// not be called again. It waits for a Deliver under way, so a room must let that return first.
func (l *Link) Leave() {
	l.mu.Lock()
	if l.left {
		l.mu.Unlock()
		l.wg.Wait()
		return
	}
	l.left = true
	l.cancel()
	for _, c := range l.contacts {
		c.close()
	}
	l.mu.Unlock()
	if l.events != nil {
		l.events.Cancel()
	}
	for _, t := range l.topics {
		t.leave()
	}
	l.wg.Wait()
	l.host.lib.RemoveStreamHandler(roomWire(l.name))
	l.host.gossip.allow(l.name, false)
	l.host.mu.Lock()
	delete(l.host.links, l.name)
	l.host.mu.Unlock()
}

// HearRounds says whether gossip of Rounds is wanted. It is not after Join: stewards send them to each
// other directly. Events are heard for as long as the link lasts: it is how others know we are here.
func (l *Link) HearRounds(on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left {
		return ErrLeft
	}
	return l.topics[Rounds].subscribe(on)
}

// Publish gossips a frame to all of the room who listen. It only queues: ErrFull says that the
// network is slower than its caller. The frame must not be changed afterwards.
func (l *Link) Publish(proto Protocol, frame []byte) error {
	t := l.topics[proto]
	size := int64(len(frame))
	switch {
	case t == nil:
		return ErrTopic
	case size == 0 || size > MaxFrame:
		return ErrFrameSize
	case l.ctx.Err() != nil:
		return ErrLeft
	}
	if l.outboxBytes.Add(size) <= MaxPublishBytes {
		select {
		case l.outbox <- publication{t, frame}:
			return nil
		default:
		}
	}
	l.outboxBytes.Add(-size)
	l.publishDropped.Add(1)
	return ErrFull
}

func (l *Link) publishAll() {
	for {
		select {
		case <-l.ctx.Done():
			return
		case p := <-l.outbox:
			err := l.host.gossip.pace(l.ctx, len(p.frame))
			if err == nil {
				err = p.topic.handle.Publish(l.ctx, p.frame)
			}
			l.outboxBytes.Add(-int64(len(p.frame)))
			if err != nil {
				l.publishDropped.Add(1)
				continue
			}
			l.published.Add(1)
		}
	}
}

// Send queues a frame for one peer, on a stream of its own per protocol that keeps the order. False
// means that it was dropped: the peer is not connected, or takes less than it is sent. True
// promises nothing. The frame must not be changed afterwards.
func (l *Link) Send(to Peer, proto Protocol, frame []byte) bool {
	if len(frame) == 0 || len(frame) > MaxFrame || !isStream(proto) {
		return false
	}
	a := l.lane(to, proto)
	if a == nil {
		return false
	}
	if !a.offer(frame) {
		a.contact.dropped.Add(1)
		return false
	}
	return true
}

func isStream(proto Protocol) bool {
	for _, p := range streams {
		if p == proto {
			return true
		}
	}
	return false
}

// lane finds or begins the way to a peer; nil if it is not connected.
func (l *Link) lane(to Peer, proto Protocol) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.contacts[to]
	if c == nil {
		id, err := PeerID(to)
		if err != nil {
			return nil
		}
		if c = l.contact(to, id); c == nil {
			return nil
		}
	}
	if l.left {
		return nil
	}
	if a := c.lanes[proto]; a != nil {
		return a
	}
	ctx, cancel := context.WithCancel(l.ctx)
	a := &lane{link: l, id: c.id, proto: proto, contact: c, queue: make(chan []byte, MaxQueuedFrames), cancel: cancel}
	c.lanes[proto] = a
	l.wg.Go(func() { a.run(ctx) })
	return a
}

// contact finds or begins what is known of a connected peer; nil if it is not connected. l.mu is
// held: so a disconnection after the look is followed by a settle that removes the contact.
func (l *Link) contact(p Peer, id peer.ID) *contact {
	if l.left {
		return nil
	}
	if c := l.contacts[p]; c != nil {
		return c
	}
	if !l.host.connected(id) {
		return nil
	}
	c := &contact{id: id, lanes: make(map[Protocol]*lane), inbound: make(map[Protocol]network.Stream)}
	l.contacts[p] = c
	return c
}

// counts is where frames of a peer are counted; nowhere if it has just gone.
func (l *Link) counts(p Peer, id peer.ID) *counters {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.contact(p, id); c != nil {
		return &c.counters
	}
	return new(counters)
}

// close ends all streams of a contact. l.mu is held.
func (c *contact) close() {
	for _, a := range c.lanes {
		a.cancel()
	}
	for _, s := range c.inbound {
		_ = s.Reset()
	}
}

// Peers are those who are Up, in ascending order.
func (l *Link) Peers() []Peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Peer
	for p, c := range l.contacts {
		if c.up {
			out = append(out, p)
		}
	}
	return sorted(out)
}

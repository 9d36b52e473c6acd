package p2p

import (
	"bufio"
	"errors"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// streamBuffer is how much of a stream is read or written at once.
const streamBuffer = 64 << 10

var errRoom = errors.New("the peer asked for a room that is not joined here")

// inbound owns one stream a peer opened: its first frame names the room, the others are the room's.
func (h *Host) inbound(proto Protocol, s network.Stream) {
	id := s.Conn().RemotePeer()
	from, err := PeerOf(id)
	r, ok := h.beginStream(id)
	if !ok || err != nil {
		_ = s.Reset()
		return
	}
	defer h.wg.Done()
	link, reader, err := h.greet(s, r)
	h.streamNamed(r)
	if err != nil {
		if errors.Is(err, errPrefix) || errors.Is(err, errOversize) || errors.Is(err, errEmpty) {
			h.strike(id, err.Error())
		}
		_ = s.Reset()
		return
	}
	link.receive(from, proto, s, reader)
}

// greet reads which room a stream is for.
func (h *Host) greet(s network.Stream, r *remote) (*Link, *frameReader, error) {
	deadline := time.Now().Add(h.limits.HelloTimeout)
	if err := s.SetReadDeadline(deadline); err != nil {
		return nil, nil, err
	}
	reader := &frameReader{
		r:    bufio.NewReaderSize(s, streamBuffer),
		pace: func(int) error { return nil },
		due:  func(bool) error { return nil },
	}
	name, err := reader.next(MaxRoomName)
	if err != nil {
		return nil, nil, err
	}
	link := h.link(string(name))
	if link == nil {
		return nil, nil, errRoom
	}
	reader.pace = func(size int) error {
		if err := r.frames.Wait(link.ctx); err != nil {
			return err
		}
		return r.bytes.WaitN(link.ctx, size)
	}
	reader.due = func(begun bool) error {
		if begun {
			return s.SetReadDeadline(time.Now().Add(h.limits.FrameTimeout))
		}
		return s.SetReadDeadline(time.Time{})
	}
	return link, reader, s.SetReadDeadline(time.Time{})
}

// receive hands the frames of one stream to the room, one after the other, until it ends.
func (l *Link) receive(from Peer, proto Protocol, s network.Stream, reader *frameReader) {
	id := s.Conn().RemotePeer()
	c, ok := l.adopt(from, id, proto, s)
	if !ok {
		_ = s.Reset()
		return
	}
	err := l.readAll(from, c, proto, reader)
	l.release(c, proto, s)
	if errors.Is(err, io.EOF) {
		_ = s.Close()
		return
	}
	_ = s.Reset()
	if l.ctx.Err() == nil {
		c.fail(err)
	}
	if errors.Is(err, errPrefix) || errors.Is(err, errOversize) || errors.Is(err, errEmpty) {
		c.rejects.Add(1)
		l.host.strike(id, err.Error())
	}
}

func (l *Link) readAll(from Peer, c *contact, proto Protocol, reader *frameReader) error {
	for {
		frame, err := reader.next(MaxFrame)
		if err != nil {
			return err
		}
		c.in.add(len(frame))
		msg, verdict := l.room.Check(from, proto, frame)
		switch verdict {
		case Accept:
			l.room.Deliver(from, proto, msg)
		case Reject:
			c.rejects.Add(1)
			l.host.strike(c.id, "rejected "+string(proto)+" frame")
			if !l.host.gate.open(c.id) {
				return errBanned
			}
		default:
			c.ignored.Add(1)
		}
		if err := l.ctx.Err(); err != nil {
			return err
		}
	}
}

var errBanned = errors.New("the peer sent too many bad frames and is kept out for a time")

// adopt makes s the stream of its peer and protocol. An older one is reset: its owner opened a new
// one because the old is dead to it. So a peer has at most one stream per protocol and room.
func (l *Link) adopt(from Peer, id peer.ID, proto Protocol, s network.Stream) (*contact, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.contact(from, id)
	if c == nil {
		return nil, false
	}
	l.wg.Add(1) // under mu and not left, so before Leave waits
	if old := c.inbound[proto]; old != nil {
		_ = old.Reset()
	}
	c.inbound[proto] = s
	return c, true
}

func (l *Link) release(c *contact, proto Protocol, s network.Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.inbound[proto] == s {
		delete(c.inbound, proto)
	}
	l.wg.Done()
}

package daemon

import (
	"context"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/p2p"
)

// questionTimeout bounds one question and its answer.
const questionTimeout = 10 * time.Second

// answers serves a protocol whose question is the id of a cooperative, 32 bytes, and whose answer is whatever
// this daemon's room of it says to who asks, or nothing.
func (d *Daemon) answers(proto protocol.ID, say func(r *room, asking network.Conn) []byte) {
	d.host.Libp2p().SetStreamHandler(proto, func(s network.Stream) {
		defer s.Close()
		if s.SetDeadline(time.Now().Add(questionTimeout)) != nil {
			return
		}
		var id event.ID
		if _, err := io.ReadFull(s, id[:]); err != nil {
			_ = s.Reset() // whoever asks so badly needs no answer
			return
		}
		d.mu.RLock()
		room := d.rooms[id]
		d.mu.RUnlock()
		if room == nil {
			return
		}
		_, _ = s.Write(say(room, s.Conn())) // who has gone asks again
	})
}

// ask puts such a question about a cooperative to a connected peer. An answer without bytes says that the peer has
// none; of a longer one than most, in bytes, one more is read.
func (d *Daemon) ask(ctx context.Context, proto protocol.ID, p p2p.Peer, id event.ID, most int64) ([]byte, error) {
	pid, err := p2p.PeerID(p)
	if err != nil {
		return nil, err
	}
	s, err := d.host.Libp2p().NewStream(ctx, pid, proto)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.SetDeadline(time.Now().Add(questionTimeout)); err != nil {
		return nil, err
	}
	if _, err := s.Write(id[:]); err != nil {
		return nil, err
	}
	if err := s.CloseWrite(); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(s, most+1))
}

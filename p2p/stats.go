package p2p

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Count is frames and their bytes without framing.
type Count struct{ Frames, Bytes uint64 }

type count struct{ frames, bytes atomic.Uint64 }

func (c *count) add(size int) {
	c.frames.Add(1)
	c.bytes.Add(uint64(size))
}

func (c *count) read() Count { return Count{c.frames.Load(), c.bytes.Load()} }

// counters are what happened with one peer in one room since it connected.
type counters struct {
	in, out                   count
	dropped, rejects, ignored atomic.Uint64
	lastError                 atomic.Pointer[string]
}

func (c *counters) fail(err error) {
	if err == nil {
		return
	}
	text := err.Error()
	c.lastError.Store(&text)
}

// PeerStats is one peer: connected and of the room, or kept, or kept out. Counts are since it connected.
type PeerStats struct {
	Peer      Peer
	Up        bool
	Inbound   bool      // it dialled us
	Addr      string    // where it is; empty when not connected
	Transport string    // "quic", "tcp" or "relay"; empty when not connected
	Limited   bool      // over a relay that limits: streams work, gossip does not
	Score     float64   // gossip's opinion; below 0 is bad, below -2500 is not heard
	In        Count     // streams and gossip
	Out       Count     // streams; gossip is not counted per peer
	Dropped   uint64    // frames for it that found its queue full or its stream dead
	Rejects   uint64    // frames from it judged Reject
	Ignored   uint64    // frames from it judged Ignore
	Kept      bool      // always redialled
	Redials   int       // failed dials in a row
	NextDial  time.Time // zero when connected or not kept
	Banned    time.Time // until when it is kept out; zero if it is not
	LastError string
}

// Stats is a room's network as `doctor` and `status` show it.
type Stats struct {
	Room           string
	Peers          []PeerStats // ascending by key
	Published      uint64      // frames gossiped
	PublishDropped uint64      // frames refused by Publish or lost in it
	InboxDropped   uint64      // gossip that came while the room was too slow
	OverBudget     uint64      // gossip, of all rooms, dropped because its sender sends too much
}

// Stats tells how the room is connected now.
func (l *Link) Stats() Stats {
	all := make(map[Peer]*PeerStats)
	entry := func(p Peer, id peer.ID) *PeerStats {
		if all[p] == nil {
			all[p] = &PeerStats{Peer: p, Score: l.host.gossip.score(id), Banned: l.host.gate.banned(id)}
			all[p].connection(l.host.lib.Network().ConnsToPeer(id))
		}
		return all[p]
	}
	for id, t := range l.host.dials.snapshot() {
		if p, err := PeerOf(id); err == nil && t.kept {
			s := entry(p, id)
			s.Kept, s.Redials, s.LastError = true, t.failures, t.lastError
			if s.Addr == "" {
				s.NextDial = t.next
			}
		}
	}
	for _, id := range l.host.gate.shut() {
		if p, err := PeerOf(id); err == nil {
			entry(p, id)
		}
	}
	l.mu.Lock()
	contacts := maps.Clone(l.contacts)
	l.mu.Unlock()
	for p, c := range contacts {
		s := entry(p, c.id)
		l.mu.Lock()
		s.Up = c.up
		l.mu.Unlock()
		s.In, s.Out = c.in.read(), c.out.read()
		s.Dropped, s.Rejects, s.Ignored = c.dropped.Load(), c.rejects.Load(), c.ignored.Load()
		if e := c.lastError.Load(); e != nil {
			s.LastError = *e
		}
	}
	out := Stats{
		Room:           l.name,
		Published:      l.published.Load(),
		PublishDropped: l.publishDropped.Load(),
		InboxDropped:   l.inboxDropped.Load(),
		OverBudget:     l.host.gossip.overBudget.Load(),
	}
	for _, p := range slices.SortedFunc(maps.Keys(all), Peer.Compare) {
		out.Peers = append(out.Peers, *all[p])
	}
	return out
}

// connection describes the best of a peer's connections.
func (s *PeerStats) connection(conns []network.Conn) {
	for _, c := range conns {
		stat := c.Stat()
		if s.Addr != "" && (stat.Limited || !s.Limited) {
			continue
		}
		s.Addr, s.Limited = c.RemoteMultiaddr().String(), stat.Limited
		s.Inbound = stat.Direction == network.DirInbound
		s.Transport = transportOf(s.Addr)
	}
}

func transportOf(addr string) string {
	switch {
	case strings.Contains(addr, "/p2p-circuit"):
		return "relay"
	case strings.Contains(addr, "/quic"):
		return "quic"
	default:
		return "tcp"
	}
}

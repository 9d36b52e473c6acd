package p2p

import (
	"math"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// gate remembers misdeeds and keeps out whoever did too much. A strike is one frame judged Reject,
// whichever way it came; [MaxStrikes] of them close the gate for firstBan, doubling each time.
// It is libp2p's connection gater, so a banned peer costs one handshake and no more.
type gate struct {
	mu      sync.RWMutex
	records map[peer.ID]*record // at most MaxRecords
	blocked map[peer.ID]bool    // by Host.Block
}

type record struct {
	strikes float64 // decays, one per strikeDecay
	at      time.Time
	bans    int
	until   time.Time
}

var _ connmgr.ConnectionGater = (*gate)(nil)

func newGate() *gate { return &gate{records: make(map[peer.ID]*record)} }

// strike counts one misdeed and says whether the peer is now banned because of it.
func (g *gate) strike(id peer.ID) (banned bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	r := g.record(id)
	r.strikes, r.at = r.left(now)+1, now
	return r.strikes > MaxStrikes-1 && r.ban(now)
}

// ban keeps a peer out without counting strikes; false if it was out already.
func (g *gate) ban(id peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.record(id).ban(time.Now())
}

func (g *gate) record(id peer.ID) *record {
	r := g.records[id]
	if r == nil {
		g.makeRoom()
		r = &record{}
		g.records[id] = r
	}
	return r
}

func (r *record) ban(now time.Time) bool {
	if now.Before(r.until) {
		return false
	}
	r.strikes, r.at = 0, now
	r.until = now.Add(doubled(firstBan, longestBan, r.bans))
	r.bans++
	return true
}

// left is how many strikes are not forgiven yet.
func (r *record) left(now time.Time) float64 {
	return math.Max(0, r.strikes-float64(now.Sub(r.at))/float64(strikeDecay))
}

// makeRoom forgets the record that was touched longest ago, but rather one of a peer not banned.
func (g *gate) makeRoom() {
	if len(g.records) < MaxRecords {
		return
	}
	now := time.Now()
	var oldest peer.ID
	var best *record
	for id, r := range g.records {
		if best == nil || r.before(best, now) {
			oldest, best = id, r
		}
	}
	delete(g.records, oldest)
}

func (r *record) before(other *record, now time.Time) bool {
	banned, otherBanned := now.Before(r.until), now.Before(other.until)
	if banned != otherBanned {
		return otherBanned
	}
	if banned {
		return r.until.Before(other.until)
	}
	return r.at.Before(other.at)
}

// banned says until when a peer is kept out; zero if it is not.
func (g *gate) banned(id peer.ID) time.Time {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if r := g.records[id]; r != nil && time.Now().Before(r.until) {
		return r.until
	}
	return time.Time{}
}

// shut are those kept out now.
func (g *gate) shut() []peer.ID {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var out []peer.ID
	for id, r := range g.records {
		if time.Now().Before(r.until) {
			out = append(out, id)
		}
	}
	return out
}

func (g *gate) open(id peer.ID) bool { return g.banned(id).IsZero() && !g.isBlocked(id) }

// penalty is the application's part of a peer's gossip score: three strikes silence a peer there
// even if none of them came by gossip.
func (g *gate) penalty(id peer.ID) float64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	r := g.records[id]
	if r == nil {
		return 0
	}
	now := time.Now()
	if now.Before(r.until) {
		return 2 * graylist
	}
	return graylist / 2.5 * r.left(now)
}

// InterceptPeerDial is asked before a peer is dialled.
func (g *gate) InterceptPeerDial(id peer.ID) bool { return g.open(id) }

// InterceptAddrDial lets every address of an open peer be dialled.
func (g *gate) InterceptAddrDial(peer.ID, multiaddr.Multiaddr) bool { return true }

// InterceptAccept knows no peer yet; the resource manager bounds connections per address.
func (g *gate) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured is where a peer has proved its key: banned ones and those whose key is no sound
// device key (a small-order key "signs" for anybody) go no further.
func (g *gate) InterceptSecured(_ network.Direction, id peer.ID, _ network.ConnMultiaddrs) bool {
	p, err := PeerOf(id)
	return err == nil && p.Check() == nil && g.open(id)
}

// InterceptUpgraded has nothing left to refuse.
func (g *gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

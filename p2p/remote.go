package p2p

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// remote is what one peer may still ask of us, over all rooms.
type remote struct {
	frames, bytes             *rate.Limiter // streams: waits
	gossipFrames, gossipBytes *rate.Limiter // gossip: drops
	unnamed                   int           // streams that did not name a room yet; under Host.mu
	foreign                   map[string]struct{}
	renewed                   time.Time // last disconnected for a better connection; under Host.mu
	gone                      time.Time // since when it is not connected; under Host.mu
}

// remembered is how long a peer's budget outlives its connection, so that reconnecting does not
// refill it.
const remembered = time.Minute

func (h *Host) remote(id peer.ID) *remote {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.remoteLocked(id)
}

func (h *Host) remoteLocked(id peer.ID) *remote {
	if r := h.remotes[id]; r != nil {
		return r
	}
	if len(h.remotes) >= MaxRecords {
		h.forgetRemotes()
	}
	l := h.limits
	r := &remote{
		frames:       rate.NewLimiter(rate.Limit(l.FramesPerSecond), 2*l.FramesPerSecond),
		bytes:        rate.NewLimiter(rate.Limit(l.BytesPerSecond), max(2*l.BytesPerSecond, MaxFrame)),
		gossipFrames: rate.NewLimiter(rate.Limit(l.GossipPerSecond), 2*l.GossipPerSecond),
		gossipBytes:  rate.NewLimiter(rate.Limit(l.GossipBytesPerSecond), max(l.GossipBytesPerSecond, MaxFrame)),
		foreign:      make(map[string]struct{}),
	}
	h.remotes[id] = r
	return r
}

// forgetRemotes drops those gone for a while, or if there are none, all that are gone.
func (h *Host) forgetRemotes() {
	before := len(h.remotes)
	for id, r := range h.remotes {
		if !r.gone.IsZero() && time.Since(r.gone) > remembered {
			delete(h.remotes, id)
		}
	}
	if len(h.remotes) < before {
		return
	}
	for id, r := range h.remotes {
		if !r.gone.IsZero() {
			delete(h.remotes, id)
		}
	}
}

// beginStream counts a stream that has not named its room; false when the peer has too many.
func (h *Host) beginStream(id peer.ID) (*remote, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.remoteLocked(id)
	if h.closed || r.unnamed >= MaxUnnamed {
		return nil, false
	}
	r.unnamed++
	h.wg.Add(1) // under mu and not closed, so before Close waits
	return r, true
}

func (h *Host) streamNamed(r *remote) {
	h.mu.Lock()
	r.unnamed--
	h.mu.Unlock()
}

// strike counts a misdeed; a banned peer is disconnected.
func (h *Host) strike(id peer.ID, why string) {
	if h.gate.strike(id) {
		h.expel(id, why)
	}
}

// mayRenew says whether it is time to disconnect a peer in the hope of a better connection.
func (h *Host) mayRenew(id peer.ID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.remoteLocked(id)
	if time.Since(r.renewed) < renewGap {
		return false
	}
	r.renewed = time.Now()
	return true
}

// expel disconnects a peer; the gate may already be shut behind it.
func (h *Host) expel(id peer.ID, why string) {
	h.log.Warn("peer disconnected", "peer", id, "why", why, "kept out until", h.gate.banned(id))
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.wg.Go(func() { _ = h.lib.Network().ClosePeer(id) }) // closing what is closed already is no fault
	}
}

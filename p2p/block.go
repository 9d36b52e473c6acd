package p2p

import "github.com/libp2p/go-libp2p/core/peer"

// Block cuts this host off from these peers, and lets everybody cut off before through again: a
// testnet's partition. Connections to them are closed, and neither side can make new ones. It says
// nothing about the peers, unlike a ban.
func (h *Host) Block(peers []Peer) {
	blocked := make(map[peer.ID]bool, len(peers))
	for _, p := range peers {
		if id, err := PeerID(p); err == nil {
			blocked[id] = true
		}
	}
	h.gate.block(blocked)
	for id := range blocked {
		_ = h.lib.Network().ClosePeer(id) // it is refused from now on, whatever became of closing
	}
}

func (g *gate) block(blocked map[peer.ID]bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocked = blocked
}

func (g *gate) isBlocked(id peer.ID) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.blocked[id]
}

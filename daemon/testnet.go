package daemon

import (
	"net/http"

	"github.com/sustainy/coop/identity"
)

// Block says whom a testnet cuts off; everybody else is let through again.
type Block struct {
	Peers []identity.PublicKey `json:"peers"`
}

// postBlock sets whom this peer can't reach and who can't reach it.
func (d *Daemon) postBlock(r *http.Request) (any, error) {
	var b Block
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	if len(b.Peers) > MaxBlocked {
		return nil, usage("at most %d peers", MaxBlocked)
	}
	d.host.Block(b.Peers)
	return struct{}{}, nil
}

// Shift moves the clock of a testnet's peer.
type Shift struct {
	OffsetMS int64 `json:"offset_ms"`
}

// postClock moves the clock, and wakes every node, since what it waits for may be due now.
func (d *Daemon) postClock(r *http.Request) (any, error) {
	var s Shift
	if err := decode(r, &s); err != nil {
		return nil, err
	}
	d.clock.offset.Store(s.OffsetMS)
	for _, room := range d.all() {
		if _, err := room.view(r.Context()); err != nil {
			d.log.Warn("a node was not woken", "coop", room.id.Short(), "why", err)
		}
	}
	return struct{}{}, nil
}

package daemon

import (
	"sync"
	"time"

	"github.com/sustainy/coop/p2p"
)

// Try is the last attempt to reach a peer at one of its addresses.
type Try struct {
	Addr  string    `json:"addr"`
	At    time.Time `json:"at"`
	Error string    `json:"error,omitempty"`
}

// tries remembers the last attempt for each peer that was dialled, so that "disconnected" comes
// with its reason.
type tries struct {
	mu   sync.Mutex
	last map[p2p.Peer][]Try // one for each address, latest last
}

const triesPerPeer = 8

// note is called by the network after each dial, and does not block.
func (t *tries) note(p p2p.Peer, addr string, err error) {
	try := Try{Addr: addr, At: time.Now().UTC()}
	if err != nil {
		try.Error = err.Error()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = map[p2p.Peer][]Try{}
	}
	if t.last[p] == nil && len(t.last) >= maxTries {
		t.forgetOldest()
	}
	kept := make([]Try, 0, triesPerPeer)
	for _, old := range t.last[p] {
		if old.Addr != addr {
			kept = append(kept, old)
		}
	}
	t.last[p] = append(kept[max(0, len(kept)-triesPerPeer+1):], try)
}

func (t *tries) forgetOldest() {
	var oldest p2p.Peer
	var at time.Time
	for p, all := range t.last {
		if last := all[len(all)-1].At; at.IsZero() || last.Before(at) {
			oldest, at = p, last
		}
	}
	delete(t.last, oldest)
}

// of gives what is known of dialling a peer, latest last.
func (t *tries) of(p p2p.Peer) []Try {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Try(nil), t.last[p]...)
}

package p2p

import (
	"context"
	"testing"
)

// A blocked peer is gone, neither side can come back, and unblocking lets the redialer do so.
func TestBlockCutsOffAndLetsThroughAgain(t *testing.T) {
	a, b := newHost(t, 1), newHost(t, 2)
	if err := a.Keep(b.Self(), b.Addrs()...); err != nil {
		t.Fatal(err)
	}
	sees := func(h *Host, p Peer) bool {
		for _, other := range h.Peers() {
			if other == p {
				return true
			}
		}
		return false
	}
	wait(t, "the first connection", func() bool { return sees(a, b.Self()) && sees(b, a.Self()) })
	b.Block([]Peer{a.Self()})
	wait(t, "the end of it", func() bool { return !sees(b, a.Self()) })
	if err := a.Connect(context.Background(), b.Addrs()[0]); err == nil && sees(b, a.Self()) {
		t.Error("a blocked peer came in")
	}
	if err := b.Connect(context.Background(), a.Addrs()[0]); err == nil {
		t.Error("a blocked peer was dialled")
	}
	if sees(b, a.Self()) {
		t.Error("a blocked peer is connected")
	}
	b.Block(nil)
	wait(t, "the connection after unblocking", func() bool { return sees(a, b.Self()) && sees(b, a.Self()) })
}

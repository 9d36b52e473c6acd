package p2p

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/multiformats/go-multiaddr"
)

func TestRestartOnTheSamePort(t *testing.T) {
	for name, addrs := range map[string][]string{"tcp": overTCP, "quic": overQUIC} {
		t.Run(name, func(t *testing.T) {
			a := newHost(t, 0, listen(addrs))
			ra := join(t, a, "coop")
			b, err := New(Config{Key: keyOf(1), Listen: addrs})
			if err != nil {
				t.Fatal(err)
			}
			where := b.Addrs()[0]
			port, _, _ := strings.Cut(where, "/p2p/")
			rb := join(t, b, "coop")
			if err := a.Keep(b.Self(), where); err != nil {
				t.Fatal(err)
			}
			for life := range 2 {
				wait(t, "each other", func() bool { return ra.isUp(b.Self()) && rb.isUp(a.Self()) })
				word := fmt.Sprintf("life %d", life)
				wait(t, "a frame", func() bool { return ra.Send(b.Self(), Tail, []byte(word)) && rb.has(word) })
				if err := rb.Publish(Events, []byte(word)); err != nil {
					t.Fatal(err)
				}
				wait(t, "gossip", func() bool { return ra.has(word) })
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				wait(t, "b to be gone", func() bool { return !ra.isUp(b.Self()) })
				if name == "tcp" { // with QUIC nobody says that nobody is there
					wait(t, "a failed dial to show", func() bool { return ra.stat(b.Self()).Redials > 0 && ra.stat(b.Self()).LastError != "" })
				}
				if b, err = New(Config{Key: keyOf(1), Listen: []string{port}}); err != nil {
					t.Fatal(err)
				}
				rb = join(t, b, "coop")
			}
			wait(t, "each other", func() bool { return ra.isUp(b.Self()) && rb.isUp(a.Self()) })
			if s := ra.stat(b.Self()); !s.Kept || s.LastError != "" || !s.NextDial.IsZero() || s.Inbound {
				t.Errorf("stats %+v", s)
			}
			a.Unkeep(b.Self())
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			wait(t, "b to be forgotten", func() bool { return ra.stat(b.Self()) == PeerStats{} })
		})
	}
}

// b comes back while a still believes in the old connection. When that ends, gossip forgets b's
// subscriptions, and what b said with its last breath may be heard last: that it left the room.
func TestRestartUnseen(t *testing.T) {
	a := newHost(t, 0, listen(overQUIC))
	ra := join(t, a, "coop")
	b := newHost(t, 1, listen(overQUIC))
	rb := join(t, b, "coop")
	connect(t, b, a)
	wait(t, "each other", func() bool { return ra.isUp(b.Self()) && rb.isUp(a.Self()) })
	// The same key on another port: to a, b has simply another connection.
	again := newHost(t, 1, listen(overQUIC))
	rc := join(t, again, "coop")
	if err := again.Keep(a.Self(), a.Addrs()...); err != nil { // a may know no address of it, and breaks the connection
		t.Fatal(err)
	}
	wait(t, "a word from b", func() bool { return rc.Send(a.Self(), Hello, []byte("it is me again")) && ra.has("it is me again") })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the new b to see a", func() bool { return rc.isUp(a.Self()) })
	wait(t, "a word to b", func() bool { return ra.Send(again.Self(), Hello, []byte("welcome")) && rc.has("welcome") })
	if err := a.lib.Peerstore().RemoveProtocols(b.self, roomWire("coop")); err != nil {
		t.Fatal(err)
	}
	wait(t, "gossip to b", func() bool {
		_ = ra.Publish(Events, fmt.Appendf(nil, "news %v", time.Now()))
		return rc.count(func(h heard) bool { return h.proto == Events }) > 0
	})
}

func TestKeepTellsWhatItTried(t *testing.T) {
	var mu sync.Mutex
	tried := map[string]error{}
	a := newHost(t, 0, func(c *Config) {
		c.Dialed = func(p Peer, addr string, err error) {
			mu.Lock()
			defer mu.Unlock()
			if p == keyOf(1).Public() {
				tried[addr] = err
			}
		}
	})
	b := newHost(t, 1)
	good, _, _ := strings.Cut(b.Addrs()[0], "/p2p/")
	dead := newHost(t, 2)
	gone, _, _ := strings.Cut(dead.Addrs()[0], "/p2p/")
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Keep(b.Self(), gone); err != nil {
		t.Fatal(err)
	}
	wait(t, "the dead address to fail", func() bool { mu.Lock(); defer mu.Unlock(); return tried[gone] != nil })
	// The address of somebody else is no address of b.
	if err := a.Keep(b.Self(), newHost(t, 3).Addrs()...); err != nil {
		t.Fatal(err)
	}
	if n := len(a.dials.snapshot()[b.self].addrs); n != 1 {
		t.Errorf("%d addresses to dial", n)
	}
	if err := a.Keep(b.Self(), b.Addrs()...); err != nil {
		t.Fatal(err)
	}
	wait(t, "the good address", func() bool {
		mu.Lock()
		defer mu.Unlock()
		err, ok := tried[good]
		return ok && err == nil
	})
	if err := a.Keep(a.Self()); !errors.Is(err, ErrSelf) {
		t.Errorf("keep ourselves: %v", err)
	}
	if err := a.Keep(b.Self(), "nonsense"); !errors.Is(err, ErrBadAddress) {
		t.Errorf("nonsense: %v", err)
	}
}

func TestIntroductions(t *testing.T) {
	a, b := newHost(t, 0), newHost(t, 1)
	for range 100 {
		if err := a.Introduce(b.Self(), b.Addrs()...); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, "b", func() bool { return len(a.Peers()) == 1 && a.Peers()[0] == b.Self() })
	for i := range 2 * MaxIntroduced {
		if err := a.Introduce(keyOf(1000 + i).Public()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(a.dials.snapshot()); n > MaxIntroduced {
		t.Errorf("%d peers to be dialled", n)
	}
	for i := range MaxKept {
		if err := a.Keep(keyOf(1000 + i).Public()); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Keep(keyOf(3000).Public()); !errors.Is(err, ErrTooManyPeers) {
		t.Errorf("kept too many: %v", err)
	}
}

func TestPauseGrowsAndStaysBounded(t *testing.T) {
	for n := range 100 {
		longest := usualRedial
		if n >= patientAfter {
			longest = longestRedial
		}
		for range 10 {
			if p := pause(n); p < firstRedial/2 || p > longest {
				t.Fatalf("pause %v after %d failures", p, n)
			}
		}
	}
	if pause(0) > firstRedial || pause(10) < usualRedial/2 || pause(patientAfter) < longestRedial/2 {
		t.Error("too slow at first or too fast later")
	}
}

// When one who was long away is back, the others are dialled soon; a flapping one cannot make us
// dial without end.
func TestHurry(t *testing.T) {
	h := newHost(t, 0)
	r := newRedialer(h)
	now := time.Now()
	back, _ := PeerID(keyOf(1).Public())
	away, _ := PeerID(keyOf(2).Public())
	later := now.Add(longestRedial)
	reset := func() {
		r.targets = map[peer.ID]*target{
			back: {kept: true, failures: patientAfter},
			away: {kept: true, failures: patientAfter, next: later},
		}
	}
	reset()
	r.changed(back, network.Connected)
	if !r.targets[away].next.Before(later) {
		t.Error("the other is not dialled sooner")
	}
	reset()
	r.changed(back, network.Connected)
	if r.targets[away].next.Before(later) {
		t.Error("hurried twice at once")
	}
}

// throughRelay connects b to a over a relay only.
func throughRelay(t *testing.T, a, b *Host, via peer.AddrInfo) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, h := range []*Host{a, b} {
		if err := h.lib.Connect(ctx, via); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Reserve(ctx, a.lib, via); err != nil {
		t.Fatal(err)
	}
	circuit, err := multiaddr.NewMultiaddr("/p2p/" + via.ID.String() + "/p2p-circuit")
	if err != nil {
		t.Fatal(err)
	}
	ctx = network.WithAllowLimitedConn(ctx, "test")
	if err := b.lib.Connect(ctx, peer.AddrInfo{ID: a.self, Addrs: []multiaddr.Multiaddr{circuit}}); err != nil {
		t.Fatal(err)
	}
}

// Over libp2p's usual relay gossip is silent; what matters goes over streams, and Stats says so.
func TestLimitedRelay(t *testing.T) {
	r, err := libp2p.New(libp2p.ListenAddrStrings(overTCP...), libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.ForceReachabilityPublic())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	service, err := relay.New(r)
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	a, b := newHost(t, 0, listen([]string{})), newHost(t, 1, listen([]string{}))
	ra, rb := join(t, a, "coop"), join(t, b, "coop")
	other := join(t, a, "other")
	throughRelay(t, a, b, peer.AddrInfo{ID: r.ID(), Addrs: r.Addrs()})
	wait(t, "each other", func() bool { return ra.isUp(b.Self()) && rb.isUp(a.Self()) })
	wait(t, "a frame", func() bool { return ra.Send(b.Self(), Tail, []byte("psst")) && rb.has("psst") })
	if s := ra.stat(b.Self()); !s.Limited || s.Transport != "relay" || !s.Up {
		t.Errorf("stats %+v", s)
	}
	if len(other.Peers()) != 0 {
		t.Error("up in a room it never joined")
	}
	rb.Leave()
	wait(t, "b to have left", func() bool { return !ra.isUp(b.Self()) })
	// A direct connection takes over.
	rb = join(t, b, "coop")
	wait(t, "b again", func() bool { return ra.isUp(b.Self()) })
	if err := b.lib.Network().Listen(multiaddr.StringCast(overTCP[0])); err != nil {
		t.Fatal(err)
	}
	if err := a.Keep(b.Self(), b.Addrs()...); err != nil {
		t.Fatal(err)
	}
	wait(t, "the direct way", func() bool { return !ra.stat(b.Self()).Limited && ra.stat(b.Self()).Up })
	n := 0
	wait(t, "gossip", func() bool {
		n++
		_ = ra.Publish(Events, fmt.Appendf(nil, "hear %d", n))
		return rb.count(func(h heard) bool { return h.proto == Events }) > 0
	})
}

// Over a relay of ours gossip works, for members only.
func TestOwnRelay(t *testing.T) {
	a, b := newHost(t, 0, listen([]string{})), newHost(t, 1, listen([]string{}))
	members := map[Peer]bool{a.Self(): true, b.Self(): true}
	r := newHost(t, 2, func(c *Config) { c.RelayFor = func(p Peer) bool { return members[p] } })
	via := peer.AddrInfo{ID: r.self, Addrs: r.lib.Addrs()}
	ra, rb := join(t, a, "coop"), join(t, b, "coop")
	throughRelay(t, a, b, via)
	wait(t, "each other", func() bool { return ra.isUp(b.Self()) && rb.isUp(a.Self()) })
	if s := ra.stat(b.Self()); s.Limited || s.Transport != "relay" {
		t.Errorf("stats %+v", s)
	}
	if err := ra.Publish(Events, []byte("hear, hear")); err != nil {
		t.Fatal(err)
	}
	wait(t, "gossip", func() bool { return rb.has("hear, hear") })

	stranger := newHost(t, 3, listen([]string{}))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := stranger.lib.Connect(ctx, via); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Reserve(ctx, stranger.lib, via); err == nil {
		t.Error("a stranger may be reached through the relay")
	}
	circuit := multiaddr.StringCast("/p2p/" + r.self.String() + "/p2p-circuit")
	if err := stranger.lib.Connect(ctx, peer.AddrInfo{ID: a.self, Addrs: []multiaddr.Multiaddr{circuit}}); err == nil {
		t.Error("a stranger may reach a member through the relay")
	}
}

package p2p

import (
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"
)

// wall is a partition: datagrams between the two sides are lost while it stands.
type wall struct {
	mu    sync.Mutex
	sides map[string]int // by IP address; nil when there is no wall
}

func (w *wall) build(sides map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sides = sides
}

type walledConn struct {
	*simnet.SimConn
	ip   string
	wall *wall
}

func (c *walledConn) WriteTo(p []byte, to net.Addr) (int, error) {
	c.wall.mu.Lock()
	lost := c.wall.sides != nil && c.wall.sides[c.ip] != c.wall.sides[to.(*net.UDPAddr).IP.String()]
	c.wall.mu.Unlock()
	if lost {
		return len(p), nil
	}
	return c.SimConn.WriteTo(p, to)
}

type sourceIP struct{ ip atomic.Pointer[net.IP] }

func (s *sourceIP) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return *s.ip.Load(), nil
}

// simulated puts a host's QUIC onto the simulated network.
func simulated(sn *simnet.Simnet, w *wall) libp2p.Option {
	link := simnet.LinkSettings{BitsPerSecond: 20e6}
	source := &sourceIP{}
	return libp2p.QUICReuse(
		func(l fx.Lifecycle, sk quic.StatelessResetKey, tk quic.TokenGeneratorKey, o ...quicreuse.Option) (*quicreuse.ConnManager, error) {
			m, err := quicreuse.NewConnManager(sk, tk, o...)
			if err == nil {
				l.Append(fx.StopHook(m.Close))
			}
			return m, err
		},
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return source, nil }),
		quicreuse.OverrideListenUDP(func(_ string, a *net.UDPAddr) (net.PacketConn, error) {
			source.ip.Store(&a.IP)
			conn := sn.NewEndpoint(a, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link})
			return &walledConn{conn, a.IP.String(), w}, nil
		}),
	)
}

// world is a simulated network inside a synctest bubble, all 40 ms apart.
type world struct {
	wall
	net   simnet.Simnet
	hosts []*Host
	rooms []*hall
	ends  []func() error
}

// simulate starts n hosts in one room.
func simulate(t *testing.T, n int, change ...func(*Config)) *world {
	t.Helper()
	w := &world{net: simnet.Simnet{LatencyFunc: simnet.StaticLatency(40 * time.Millisecond)}}
	w.net.Start()
	for i := range n {
		cfg := Config{
			Key:       keyOf(i),
			Listen:    []string{simAddr(i)},
			more:      []libp2p.Option{simulated(&w.net, &w.wall), libp2p.DisableIdentifyAddressDiscovery()},
			noPortTry: true,
		}
		for _, c := range change {
			c(&cfg)
		}
		h, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := &hall{up: make(map[Peer]int)}
		if r.Link, err = h.Join("coop", r); err != nil {
			t.Fatal(err)
		}
		w.hosts, w.rooms, w.ends = append(w.hosts, h), append(w.rooms, r), append(w.ends, h.Close)
	}
	return w
}

func simAddr(i int) string { return fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", simnet.IntToPublicIPv4(i)) }

func (w *world) end(t *testing.T) {
	for _, end := range w.ends {
		if err := end(); err != nil {
			t.Error(err)
		}
	}
	w.net.Close()
}

// within polls in virtual time.
func within(t *testing.T, d time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for ; !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Since(start) > d {
			t.Fatalf("waited %v in vain for %s", d, what)
		}
	}
	return time.Since(start)
}

// Twenty hosts, each keeping four others. A wall stands for two minutes, so that all connections
// through it die; then every kept peer is found again and gossip reaches everybody.
func TestPartitionAndHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 20
		w := simulate(t, n)
		defer w.end(t)
		hosts, rooms := w.hosts, w.rooms
		halves := map[string]int{}
		for i := range n {
			halves[simnet.IntToPublicIPv4(i).String()] = i % 2
		}
		kept := func(i int) []int { return []int{(i + 1) % n, (i + 2) % n, (i + 5) % n, (i + 9) % n} }
		for i, h := range hosts {
			for _, j := range kept(i) {
				if err := h.Keep(hosts[j].Self(), hosts[j].Addrs()...); err != nil {
					t.Fatal(err)
				}
			}
		}
		whole := func() bool {
			for i, r := range rooms {
				for _, j := range kept(i) {
					if !r.isUp(hosts[j].Self()) {
						return false
					}
				}
			}
			return true
		}
		heardBy := func(from int, word string, side int) func() bool {
			return func() bool {
				for i, r := range rooms {
					if i != from && (side < 0 || i%2 == side) && !r.has(word) {
						return false
					}
				}
				return true
			}
		}
		say := func(i int, word string) {
			if err := rooms[i].Publish(Events, []byte(word)); err != nil {
				t.Fatal(err)
			}
		}
		within(t, 5*time.Second, "all to meet", whole)
		time.Sleep(2 * Heartbeat)
		say(0, "before")
		d := within(t, time.Second, "gossip", heardBy(0, "before", -1))

		w.build(halves)
		time.Sleep(2 * time.Minute)
		for i, r := range rooms {
			for j, h := range hosts {
				if i%2 != j%2 && r.isUp(h.Self()) {
					t.Fatalf("%d still believes in %d", i, j)
				}
			}
		}
		say(0, "even")
		within(t, time.Second, "gossip on one side", heardBy(0, "even", 0))
		if heardBy(0, "even", 1)() {
			t.Fatal("gossip went through the wall")
		}

		w.build(nil)
		healed := within(t, 10*time.Second, "all to meet again", whole)
		time.Sleep(2 * Heartbeat)
		say(1, "after")
		within(t, time.Second, "gossip after healing", heardBy(1, "after", -1))
		t.Logf("gossip to all in %v, all met again %v after the wall fell", d, healed)
	})
}

// pair is two hosts that are Up to each other.
func pair(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := simulate(t, 2, change...)
	a, b := w.hosts[0], w.hosts[1]
	if err := a.Keep(b.Self(), b.Addrs()...); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "each other", func() bool { return w.rooms[0].isUp(b.Self()) && w.rooms[1].isUp(a.Self()) })
	return w
}

// A peer says once which rooms it is in, and a room may be joined long after.
func TestJoinLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pair(t)
		defer w.end(t)
		var late [2]*hall
		for i, h := range w.hosts {
			late[i] = &hall{up: make(map[Peer]int)}
			var err error
			if late[i].Link, err = h.Join("late", late[i]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		if !late[0].isUp(w.hosts[1].Self()) || !late[1].isUp(w.hosts[0].Self()) || w.rooms[0].ups != 1 {
			t.Error("they did not meet, or had to meet anew")
		}
	})
}

// A stream that its receiver ended is missed at once, so the next frame does not wait for a new one.
func TestStreamIsReopenedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pair(t)
		defer w.end(t)
		from, to := w.rooms[0], w.hosts[1].Self()
		var took []time.Duration
		for i := range 3 {
			word := fmt.Sprintf("word %d", i)
			sent := time.Now()
			if !from.Send(to, Tail, []byte(word)) {
				t.Fatal("dropped")
			}
			for !w.rooms[1].has(word) {
				time.Sleep(time.Millisecond)
			}
			took = append(took, time.Since(sent))
			w.rooms[1].Link.mu.Lock()
			for _, c := range w.rooms[1].contacts {
				for _, s := range c.inbound {
					_ = s.Reset()
				}
			}
			w.rooms[1].Link.mu.Unlock()
			time.Sleep(longestReopen)
		}
		if took[0] > 45*time.Millisecond || took[2] > 45*time.Millisecond {
			t.Errorf("one way takes 40ms, but these took %v", took)
		}
	})
}

// Peers that come and go leave nothing behind.
func TestNothingIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pair(t)
		defer w.end(t)
		a, b := w.hosts[0], w.hosts[1]
		var most int
		for i := range 30 {
			within(t, 20*time.Second, "each other", func() bool { return w.rooms[0].isUp(b.Self()) && w.rooms[1].isUp(a.Self()) })
			for _, p := range streams {
				w.rooms[0].Send(b.Self(), p, []byte("x"))
				w.rooms[1].Send(a.Self(), p, []byte("x"))
			}
			time.Sleep(5 * time.Second)
			switch n := runtime.NumGoroutine(); {
			case i < 5:
				most = max(most, n)
			case n > most+10:
				t.Fatalf("%d goroutines after %d visits, %d at first", n, i, most)
			}
			if err := a.Disconnect(b.Self()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// More than a peer may send waits, and loses nothing.
func TestStreamBudget(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		size   int
	}{
		"frames": {func(c *Config) { c.Limits.FramesPerSecond = 10 }, 8},
		"bytes":  {func(c *Config) { c.Limits.BytesPerSecond = MaxFrame / 2 }, MaxFrame / 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := pair(t, c.change)
				defer w.end(t)
				start := time.Now()
				for i := range 120 { // 20 in the first burst, then 10 a second
					if frame := fmt.Appendf(make([]byte, c.size), "%d", i); !w.rooms[0].Send(w.hosts[1].Self(), Tail, frame) {
						t.Fatal("dropped")
					}
				}
				got := func() int { return w.rooms[1].count(func(heard) bool { return true }) }
				time.Sleep(5 * time.Second)
				if n := got(); n < 60 || n > 80 {
					t.Errorf("%d frames after five seconds", n)
				}
				within(t, 10*time.Second, "all frames", func() bool { return got() == 120 })
				if d := time.Since(start); d < 9*time.Second {
					t.Errorf("took %v", d)
				}
			})
		})
	}
}

// A burst of events is paced so that no queue on the way overflows.
func TestPublishBurstIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pair(t)
		defer w.end(t)
		const n = 4 * maxPeerQueue
		for i := range n {
			for w.rooms[0].Publish(Events, fmt.Appendf(nil, "event %d", i)) != nil {
				time.Sleep(time.Millisecond)
			}
		}
		within(t, 10*time.Second, "all events", func() bool { return w.rooms[1].count(func(heard) bool { return true }) == n })
		if s := w.rooms[1].Stats(); s.OverBudget != 0 || s.InboxDropped != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// Gossip's own stream to a peer dies so often that gossip gives the peer up, though it is connected.
func TestGossipIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pair(t)
		defer w.end(t)
		a, b, rooms := w.hosts[0], w.hosts[1], w.rooms
		both := func() bool { return rooms[0].isUp(b.Self()) && rooms[1].isUp(a.Self()) }
		time.Sleep(time.Hour)
		if rooms[0].ups != 1 || rooms[1].ups != 1 {
			t.Fatalf("a quiet hour was no quiet hour: up %d and %d times", rooms[0].ups, rooms[1].ups)
		}
		for range 200 {
			for _, c := range a.lib.Network().ConnsToPeer(b.self) {
				for _, s := range c.GetStreams() {
					if s.Protocol() == "/meshsub/1.3.0" && s.Stat().Direction == network.DirOutbound {
						_ = s.Reset()
					}
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		within(t, time.Minute, "each other again", both)
		if err := rooms[0].Publish(Events, []byte("mended")); err != nil {
			t.Fatal(err)
		}
		within(t, time.Second, "gossip", func() bool { return rooms[1].has("mended") })
	})
}

// A peer that says it is of the room but that gossip cannot reach is disconnected now and then.
func TestMutePeerIsRenewed(t *testing.T) {
	for name, believed := range map[string]bool{"never subscribed": false, "subscribed, but no stream to it": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := simulate(t, 1)
				defer w.end(t)
				a, room := w.hosts[0], w.rooms[0]
				key, err := privateKey(keyOf(9))
				if err != nil {
					t.Fatal(err)
				}
				s, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings(simAddr(9)), simulated(&w.net, &w.wall),
					libp2p.DisableIdentifyAddressDiscovery(), libp2p.DisableMetrics(), libp2p.ResourceManager(&network.NullResourceManager{}))
				if err != nil {
					t.Fatal(err)
				}
				w.ends = append(w.ends, s.Close)
				s.SetStreamHandler(roomWire("coop"), func(s network.Stream) { _ = s.Reset() })
				if err := s.Connect(t.Context(), peer.AddrInfo{ID: a.self, Addrs: a.lib.Addrs()}); err != nil {
					t.Fatal(err)
				}
				if believed {
					room.Link.mu.Lock()
					room.subscribed[s.ID()] = true
					room.Link.mu.Unlock()
				}
				first := a.lib.Network().ConnsToPeer(s.ID())[0]
				within(t, 2*muteAfter, "the first connection to end", first.IsClosed)
				within(t, muteAfter, "another", func() bool { return a.connected(s.ID()) })
				second := a.lib.Network().ConnsToPeer(s.ID())[0]
				time.Sleep(renewGap / 2)
				if second.IsClosed() {
					t.Error("renewed again too soon")
				}
				within(t, renewGap, "the second connection to end", second.IsClosed)
			})
		})
	}
}

package p2p

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
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

// Twenty hosts, each keeping four others, 40 ms apart. A wall stands for two minutes, so that all
// connections through it die; then every kept peer is found again and gossip reaches everybody.
func TestPartitionAndHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 20
		sn := &simnet.Simnet{LatencyFunc: simnet.StaticLatency(40 * time.Millisecond)}
		sn.Start()
		w := &wall{}
		halves := map[string]int{}
		var hosts []*Host
		var rooms []*hall
		for i := range n {
			ip := simnet.IntToPublicIPv4(i).String()
			halves[ip] = i % 2
			h, err := New(Config{
				Key:       keyOf(i),
				Listen:    []string{fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", ip)},
				more:      []libp2p.Option{simulated(sn, w), libp2p.DisableIdentifyAddressDiscovery()},
				noPortTry: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			r := &hall{up: make(map[Peer]int)}
			if r.Link, err = h.Join("coop", r); err != nil {
				t.Fatal(err)
			}
			hosts, rooms = append(hosts, h), append(rooms, r)
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
		within := func(d time.Duration, what string, ok func() bool) time.Duration {
			t.Helper()
			start := time.Now()
			for ; !ok(); time.Sleep(100 * time.Millisecond) {
				if time.Since(start) > d {
					t.Fatalf("waited %v in vain for %s", d, what)
				}
			}
			return time.Since(start)
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
		within(5*time.Second, "all to meet", whole)
		time.Sleep(2 * Heartbeat)
		say(0, "before")
		d := within(time.Second, "gossip", heardBy(0, "before", -1))

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
		within(time.Second, "gossip on one side", heardBy(0, "even", 0))
		if heardBy(0, "even", 1)() {
			t.Fatal("gossip went through the wall")
		}

		w.build(nil)
		healed := within(10*time.Second, "all to meet again", whole)
		time.Sleep(2 * Heartbeat)
		say(1, "after")
		within(time.Second, "gossip after healing", heardBy(1, "after", -1))
		t.Logf("gossip to all in %v, all met again %v after the wall fell", d, healed)

		for _, h := range hosts {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
		sn.Close()
	})
}

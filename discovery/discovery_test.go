package discovery

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/sustainy/coop/identity"
)

func TestMain(m *testing.M) {
	gologshim.SetDefaultHandler(slog.DiscardHandler)
	golog.SetupLogging(golog.Config{Level: golog.LevelFatal})
	goleak.VerifyTestMain(m)
}

const patience = 20 * time.Second

func wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func keyOf(n int) identity.Key {
	return identity.KeyFromSeed(sha256.Sum256(fmt.Appendf(nil, "discovery test key %d", n)))
}

func idOf(t testing.TB, p Peer) peer.ID {
	t.Helper()
	pub, err := crypto.UnmarshalEd25519PublicKey(p[:])
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newHost(t testing.TB, n int, listen ...string) (host.Host, Peer) {
	t.Helper()
	seed := keyOf(n).Seed()
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings(listen...), libp2p.DisableMetrics(), libp2p.DisableRelay())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h, keyOf(n).Public()
}

// ear keeps what it is told.
type ear struct {
	mu    sync.Mutex
	heard map[Peer][]string
}

func (e *ear) found(p Peer, addrs []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.heard == nil {
		e.heard = make(map[Peer][]string)
	}
	e.heard[p] = addrs
}

func (e *ear) of(p Peer) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard[p]
}

// run runs a source until the test ends.
func run(t testing.TB, source func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- source(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// c knows only a, and finds b, who knows only a, over the table the three keep.
func TestDHTFindsFriendsOfFriends(t *testing.T) {
	const loop = "/ip4/127.0.0.1/tcp/0"
	var hosts []host.Host
	var ears []*ear
	for i := range 4 {
		h, _ := newHost(t, i, loop)
		network := "coop"
		if i == 3 {
			network = "another coop"
		}
		e := &ear{}
		d, err := NewDHT(h, network, e.found)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if err := h.Connect(t.Context(), peer.AddrInfo{ID: hosts[0].ID(), Addrs: hosts[0].Addrs()}); err != nil {
				t.Fatal(err)
			}
			if i < 3 {
				wait(t, "the table", func() bool { return d.table.RoutingTable().Size() > 0 })
			}
		}
		hosts, ears = append(hosts, h), append(ears, e)
		run(t, d.Run)
		switch {
		case i == 1:
			wait(t, "the announcement", func() bool { return d.State().Working })
		case i == 2:
			wait(t, "b", func() bool { return slices.Contains(e.of(keyOf(1).Public()), hosts[1].Addrs()[0].String()) })
			if s := d.State(); s.Heard == 0 || s.Last.IsZero() || s.Source != "dht" {
				t.Errorf("state %+v", s)
			}
			if e.of(keyOf(2).Public()) != nil {
				t.Error("found itself")
			}
		case i == 3:
			wait(t, "the stranger to find nobody", func() bool { return strings.Contains(d.State().Note, "invite") })
			if len(e.heard) > 0 {
				t.Error("a stranger found members")
			}
		}
	}
}

// multicast says whether this computer has an interface for it other than loopback.
func multicast() bool {
	all, _ := net.Interfaces()
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagLoopback == 0 {
			return true
		}
	}
	return false
}

// Two hosts on one computer. Where multicast does not work the source must say so.
func TestLANFindsNeighbours(t *testing.T) {
	a, _ := newHost(t, 0, "/ip4/0.0.0.0/tcp/0")
	b, peerB := newHost(t, 1, "/ip4/0.0.0.0/tcp/0")
	other, _ := newHost(t, 2, "/ip4/0.0.0.0/tcp/0")
	var ears [3]ear
	lanA := NewLAN(a, "coop", ears[0].found)
	run(t, lanA.Run)
	run(t, NewLAN(b, "coop", ears[1].found).Run)
	run(t, NewLAN(other, "another coop", ears[2].found).Run)
	if !multicast() {
		wait(t, "a note", func() bool { return strings.Contains(lanA.State().Note, "multicast") })
		t.Skip("SKIPPED: this computer has no multicast interface")
	}
	wait(t, "the neighbour, or that multicast does not work", func() bool {
		return len(ears[0].of(peerB)) > 0 || !lanA.State().Working && strings.Contains(lanA.State().Note, "does not work")
	})
	if s := lanA.State(); s.Working && (s.Note != "" || s.Heard == 0) {
		t.Errorf("state %+v", s)
	}
	ears[2].mu.Lock()
	defer ears[2].mu.Unlock()
	if len(ears[2].heard) > 0 {
		t.Error("another cooperative was heard")
	}
}

type closing func()

func (c closing) Close() error { c(); return nil }

func TestLANTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts, running, told atomic.Int64
		var works atomic.Bool
		h := &fakeHost{}
		l := NewLAN(h, "coop", func(Peer, []string) { told.Add(1) })
		l.start = func(mdns.Notifee) (io.Closer, error) {
			starts.Add(1)
			if !works.Load() {
				return nil, errors.New("no such device")
			}
			running.Add(1)
			return closing(func() { running.Add(-1) }), nil
		}
		is := func(wantStarts, wantRunning int64, working bool, note string) {
			t.Helper()
			if s := l.State(); starts.Load() != wantStarts || running.Load() != wantRunning || s.Working != working || !strings.Contains(s.Note, note) {
				t.Fatalf("%d starts, %d running, %+v", starts.Load(), running.Load(), s)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		time.Sleep(10*lanLook + time.Second)
		is(11, 0, false, "no such device")
		works.Store(true)
		time.Sleep(10 * lanLook)
		is(12, 1, true, "nobody heard")
		here := []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/192.168.7.7/tcp/4001")}
		h.addrs.Store(&here)
		time.Sleep(2 * lanLook)
		is(13, 1, true, "nobody heard")
		// A flood of findings goes on in small doses.
		id := idOf(t, keyOf(1).Public())
		for range 100 * lanBurst {
			l.HandlePeerFound(peer.AddrInfo{ID: id, Addrs: here})
		}
		if told.Load() != lanBurst || l.State().Heard != lanBurst || l.State().Note != "" {
			t.Errorf("told %d, %+v", told.Load(), l.State())
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		is(13, 0, false, "ended")
	})
}

func TestTellRefuses(t *testing.T) {
	var e ear
	addr := multiaddr.StringCast("/ip4/10.0.0.1/tcp/1")
	if tell(e.found, peer.AddrInfo{ID: "QmNoKey", Addrs: []multiaddr.Multiaddr{addr}}) {
		t.Error("a peer without a key")
	}
	if tell(e.found, peer.AddrInfo{ID: idOf(t, keyOf(1).Public())}) {
		t.Error("a peer without an address")
	}
	if len(e.heard) > 0 {
		t.Error("told")
	}
}

func TestTagTellsNothingAndDiffers(t *testing.T) {
	if tag("coop") == tag("coop2") || len(tag("coop")) != 8 || strings.Contains(tag("coop"), "coop") {
		t.Error(tag("coop"), tag("coop2"))
	}
}

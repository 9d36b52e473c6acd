package p2p

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/gologshim"
	"go.uber.org/goleak"

	"github.com/sustainy/coop/identity"
)

func TestMain(m *testing.M) {
	gologshim.SetDefaultHandler(slog.DiscardHandler)
	goleak.VerifyTestMain(m)
}

// patience bounds waiting for a real network; a test that needs it has failed.
const patience = 20 * time.Second

// wait polls until ok, and fails the test with what was awaited.
func wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func keyOf(n int) identity.Key {
	return identity.KeyFromSeed(sha256.Sum256(fmt.Appendf(nil, "p2p test key %d", n)))
}

var (
	overTCP  = []string{"/ip4/127.0.0.1/tcp/0"}
	overQUIC = []string{"/ip4/127.0.0.1/udp/0/quic-v1"}
)

func newHost(t testing.TB, n int, change ...func(*Config)) *Host {
	t.Helper()
	cfg := Config{Key: keyOf(n), Listen: overTCP}
	if os.Getenv("P2P_LOG") != "" {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	for _, c := range change {
		c(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h
}

func listen(addrs []string) func(*Config) { return func(c *Config) { c.Listen = addrs } }

func connect(t testing.TB, a, b *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.Connect(ctx, b.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
}

func connectAll(t testing.TB, hosts []*Host) {
	t.Helper()
	for i, a := range hosts {
		for _, b := range hosts[:i] {
			connect(t, a, b)
		}
	}
}

// hall is a room that keeps what it hears. A frame beginning with "bad" is rejected, with "dull"
// ignored.
type hall struct {
	*Link
	mu     sync.Mutex
	checks int
	heard  []heard
	up     map[Peer]int // times Up minus times Down
	ups    int
	gate   chan struct{} // not nil: Deliver takes one token per frame
	gone   chan struct{} // closed when the test ends
	on     func(from Peer, proto Protocol, frame []byte)
}

type heard struct {
	from  Peer
	proto Protocol
	frame string
}

func (r *hall) Check(from Peer, proto Protocol, frame []byte) (any, Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks++
	switch {
	case bytes.HasPrefix(frame, []byte("bad")):
		return nil, Reject
	case bytes.HasPrefix(frame, []byte("dull")):
		return nil, Ignore
	}
	return frame, Accept
}

func (r *hall) Deliver(from Peer, proto Protocol, msg any) {
	if r.gate != nil {
		select {
		case <-r.gate:
		case <-r.gone:
			return
		}
	}
	if r.on != nil {
		r.on(from, proto, msg.([]byte))
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, heard{from, proto, string(msg.([]byte))})
}

func (r *hall) Up(p Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.up[p]++
	r.ups++
}

func (r *hall) Down(p Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.up[p]--
}

func (r *hall) count(match func(heard) bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, h := range r.heard {
		if match(h) {
			n++
		}
	}
	return n
}

func (r *hall) has(frame string) bool {
	return r.count(func(h heard) bool { return h.frame == frame }) > 0
}

func (r *hall) checked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.checks
}

func (r *hall) isUp(p Peer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.up[p] == 1
}

func (r *hall) stat(p Peer) PeerStats {
	for _, s := range r.Stats().Peers {
		if s.Peer == p {
			return s
		}
	}
	return PeerStats{}
}

func join(t testing.TB, h *Host, room string, change ...func(*hall)) *hall {
	t.Helper()
	r := &hall{up: make(map[Peer]int), gone: make(chan struct{})}
	for _, c := range change {
		c(r)
	}
	l, err := h.Join(room, r)
	if err != nil {
		t.Fatal(err)
	}
	r.Link = l
	t.Cleanup(func() { close(r.gone) }) // before the host's own cleanup
	return r
}

// meet makes n hosts that are all connected and all Up in one room.
func meet(t testing.TB, n int, room string, change ...func(*Config)) ([]*Host, []*hall) {
	t.Helper()
	var hosts []*Host
	var rooms []*hall
	for i := range n {
		h := newHost(t, i, change...)
		hosts = append(hosts, h)
		rooms = append(rooms, join(t, h, room))
	}
	connectAll(t, hosts)
	allUp(t, hosts, rooms)
	return hosts, rooms
}

func allUp(t testing.TB, hosts []*Host, rooms []*hall) {
	t.Helper()
	for i, r := range rooms {
		for j, h := range hosts {
			if i != j {
				wait(t, fmt.Sprintf("host %d to see %d", i, j), func() bool { return r.isUp(h.Self()) })
			}
		}
	}
}

func TestGossipConverges(t *testing.T) {
	for name, addrs := range map[string][]string{"tcp": overTCP, "quic": overQUIC} {
		t.Run(name, func(t *testing.T) {
			hosts, rooms := meet(t, 5, "coop", listen(addrs))
			for i, r := range rooms {
				for k := range 20 {
					if err := r.Publish(Events, fmt.Appendf(nil, "event %d of %d", k, i)); err != nil {
						t.Fatal(err)
					}
				}
			}
			for i, r := range rooms {
				wait(t, "all events of the others", func() bool { return r.count(func(heard) bool { return true }) == 80 })
				if r.has(fmt.Sprintf("event 0 of %d", i)) {
					t.Error("a host was delivered its own event")
				}
				if got := r.stat(hosts[(i+1)%5].Self()).Transport; got != name {
					t.Errorf("transport %q", got)
				}
			}
		})
	}
}

// A line of hosts: what the first says reaches the last over the ones between.
func TestGossipForwards(t *testing.T) {
	var hosts []*Host
	var rooms []*hall
	for i := range 4 {
		hosts = append(hosts, newHost(t, i))
		rooms = append(rooms, join(t, hosts[i], "coop"))
		if i > 0 {
			connect(t, hosts[i], hosts[i-1])
			wait(t, "both to be up", func() bool {
				return rooms[i].isUp(hosts[i-1].Self()) && rooms[i-1].isUp(hosts[i].Self())
			})
		}
	}
	// The mesh forms at a heartbeat; before it, what others say is not forwarded to the newest peer.
	n := 0
	wait(t, "a message to cross the line", func() bool {
		n++
		if err := rooms[0].Publish(Events, fmt.Appendf(nil, "hear, hear %d", n)); err != nil {
			t.Fatal(err)
		}
		return rooms[3].count(func(heard) bool { return true }) > 0
	})
}

func TestRoundsAreHeardOnlyWhenSubscribed(t *testing.T) {
	_, rooms := meet(t, 2, "coop")
	if err := rooms[1].HearRounds(true); err != nil {
		t.Fatal(err)
	}
	n := 0
	wait(t, "a round to arrive", func() bool {
		n++
		if err := rooms[0].Publish(Rounds, fmt.Appendf(nil, "round %d", n)); err != nil {
			t.Fatal(err)
		}
		return rooms[1].count(func(h heard) bool { return h.proto == Rounds }) > 0
	})
	if err := rooms[1].Publish(Rounds, []byte("not for you")); err != nil {
		t.Fatal(err)
	}
	if err := rooms[1].Publish(Events, []byte("for you")); err != nil {
		t.Fatal(err)
	}
	wait(t, "the event", func() bool { return rooms[0].has("for you") })
	if rooms[0].has("not for you") {
		t.Error("heard a round without subscribing")
	}
	if err := rooms[0].Publish(Tail, []byte("to one peer only")); !errors.Is(err, ErrTopic) {
		t.Errorf("gossip under a stream protocol: %v", err)
	}
}

func TestSendKeepsOrder(t *testing.T) {
	for name, addrs := range map[string][]string{"tcp": overTCP, "quic": overQUIC} {
		t.Run(name, func(t *testing.T) {
			hosts, rooms := meet(t, 2, "coop", listen(addrs))
			const n = 1000
			for i := range n {
				for _, p := range []Protocol{Tail, Get} {
					if !rooms[0].Send(hosts[1].Self(), p, fmt.Appendf(nil, "%06d%s", i, strings.Repeat("x", i))) {
						t.Fatalf("frame %d dropped", i)
					}
				}
			}
			wait(t, "all frames", func() bool { return rooms[1].count(func(heard) bool { return true }) == 2*n })
			next := map[Protocol]int{}
			for _, h := range rooms[1].heard {
				if want := fmt.Sprintf("%06d%s", next[h.proto], strings.Repeat("x", next[h.proto])); h.frame != want || h.from != hosts[0].Self() {
					t.Fatalf("%s: frame %.6s when %.6s was due", h.proto, h.frame, want)
				}
				next[h.proto]++
			}
			if s := rooms[1].stat(hosts[0].Self()); s.In.Frames != 2*n || s.Limited || !s.Up {
				t.Errorf("stats %+v", s)
			}
			if s := rooms[0].stat(hosts[1].Self()); s.Out.Frames != 2*n || s.Dropped != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestSendRefuses(t *testing.T) {
	hosts, rooms := meet(t, 2, "coop")
	to := hosts[1].Self()
	if rooms[0].Send(to, Events, []byte("x")) {
		t.Error("events are no stream")
	}
	if rooms[0].Send(to, Tail, nil) || rooms[0].Send(to, Tail, make([]byte, MaxFrame+1)) {
		t.Error("frame size not checked")
	}
	if rooms[0].Send(keyOf(99).Public(), Tail, []byte("x")) {
		t.Error("sent to nobody")
	}
	if !rooms[0].Send(to, Tail, make([]byte, MaxFrame)) {
		t.Error("the largest frame was refused")
	}
	wait(t, "the largest frame", func() bool { return rooms[1].count(func(heard) bool { return true }) == 1 })
	if err := rooms[0].Publish(Events, make([]byte, MaxFrame+1)); !errors.Is(err, ErrFrameSize) {
		t.Errorf("publish: %v", err)
	}
	if err := rooms[0].Publish(Events, make([]byte, MaxFrame)); err != nil {
		t.Errorf("publish: %v", err)
	}
	wait(t, "the largest message", func() bool { return rooms[1].count(func(heard) bool { return true }) == 2 })
}

// A room that takes nothing must not grow anybody's memory, nor slow another protocol or peer.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	hosts := []*Host{newHost(t, 0, generous), newHost(t, 1, generous), newHost(t, 2, generous)}
	slow := join(t, hosts[0], "coop", func(r *hall) { r.gate = make(chan struct{}) })
	fast := []*hall{join(t, hosts[1], "coop"), join(t, hosts[2], "coop")}
	connectAll(t, hosts)
	allUp(t, hosts, []*hall{slow, fast[0], fast[1]})

	frame := make([]byte, 64<<10)
	sent := 0
	wait(t, "Send to say no", func() bool {
		for fast[0].Send(hosts[0].Self(), Tail, frame) {
			sent++
		}
		return fast[0].stat(hosts[0].Self()).Dropped > 1000 && sent*len(frame) >= MaxQueuedBytes
	})
	// Sender's queue, one flow control window (16 MiB, yamux) and small change.
	if most := MaxQueuedBytes + 17<<20; sent*len(frame) > most {
		t.Errorf("%d bytes are under way, more than %d", sent*len(frame), most)
	}
	if !fast[0].Send(hosts[2].Self(), Tail, []byte("still there?")) {
		t.Error("a slow peer blocks the way to another")
	}
	wait(t, "the other peer", func() bool { return fast[1].has("still there?") })

	// Gossip to the slow one ends in a bounded inbox.
	for i := range 2 * MaxInboxFrames {
		for fast[1].Publish(Events, fmt.Appendf(nil, "%d", i)) != nil {
			time.Sleep(time.Millisecond)
		}
	}
	wait(t, "the inbox to overflow", func() bool { return slow.Stats().InboxDropped > 0 })
	close(slow.gate)
	wait(t, "what was queued", func() bool { return slow.count(func(h heard) bool { return h.proto == Tail }) == sent })
}

func TestPublishNeverBlocks(t *testing.T) {
	t.Parallel()
	h := newHost(t, 0)
	r := join(t, h, "coop")
	frame := make([]byte, 1<<20)
	var err error
	for i := 0; err == nil && i < 100_000; i++ {
		err = r.Publish(Events, frame)
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("a full queue says %v", err)
	}
	wait(t, "the queue to empty", func() bool { return r.outboxBytes.Load() == 0 })
	if s := r.Stats(); s.PublishDropped != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestRoomsAreIsolated(t *testing.T) {
	a, b := newHost(t, 0), newHost(t, 1)
	ax, ay := join(t, a, "x"), join(t, a, "y")
	bx, by := join(t, b, "x"), join(t, b, "y")
	connect(t, a, b)
	for _, r := range []*hall{ax, ay} {
		wait(t, "b", func() bool { return r.isUp(b.Self()) })
	}
	for i, send := range []func(r *hall, frame string) bool{
		func(r *hall, frame string) bool { return r.Send(b.Self(), Tail, []byte(frame)) },
		func(r *hall, frame string) bool { return r.Publish(Events, []byte(frame)) == nil },
	} {
		// The same bytes in both rooms are two messages.
		both, one := fmt.Sprintf("both %d", i), fmt.Sprintf("only x %d", i)
		if !send(ax, one) || !send(ax, both) || !send(ay, both) {
			t.Fatal("not sent")
		}
		wait(t, "both", func() bool { return bx.has(both) && by.has(both) && bx.has(one) })
		if by.has(one) {
			t.Error("a frame came through the wall")
		}
	}
	ay.Leave()
	wait(t, "b to see a leave y", func() bool { return !by.isUp(a.Self()) })
	if !bx.isUp(a.Self()) {
		t.Error("leaving y ended x")
	}
}

func TestJoinAndLeave(t *testing.T) {
	a, b := newHost(t, 0), newHost(t, 1)
	first := join(t, a, "coop")
	connect(t, a, b)
	// b is connected first and joins later; a said long ago that it listens.
	rb := join(t, b, "coop")
	conn := a.lib.Network().ConnsToPeer(b.self)[0]
	wait(t, "each other", func() bool { return first.isUp(b.Self()) && rb.isUp(a.Self()) })
	if conn.IsClosed() {
		t.Error("they had to meet anew")
	}
	if _, err := a.Join("coop", first); !errors.Is(err, ErrRoomTaken) {
		t.Errorf("joined twice: %v", err)
	}
	for _, name := range []string{"", "a/b", "/", "a\n", "ä", strings.Repeat("x", MaxRoomName+1)} {
		if _, err := a.Join(name, first); !errors.Is(err, ErrRoomName) {
			t.Errorf("joined %q: %v", name, err)
		}
	}
	first.Leave()
	first.Leave()
	wait(t, "a to be gone", func() bool { return !rb.isUp(a.Self()) })
	if err := first.Publish(Events, []byte("x")); !errors.Is(err, ErrLeft) {
		t.Errorf("publish after leaving: %v", err)
	}
	if first.Send(b.Self(), Tail, []byte("x")) {
		t.Error("sent after leaving")
	}
	// Frames for a room that is not there are dropped, and held against nobody.
	rb.Send(a.Self(), Tail, []byte("anybody home?"))
	again := join(t, a, "coop")
	wait(t, "each other again", func() bool { return again.isUp(b.Self()) && rb.isUp(a.Self()) })
	wait(t, "a frame", func() bool {
		rb.Send(a.Self(), Tail, []byte("welcome back"))
		return again.has("welcome back")
	})
	if s := rb.stat(a.Self()); !s.Banned.IsZero() {
		t.Error("banned for leaving")
	}
	if err := rb.Publish(Events, []byte("all well")); err != nil {
		t.Fatal(err)
	}
	wait(t, "gossip", func() bool { return again.has("all well") })
	for i := range MaxRooms - 1 {
		join(t, a, fmt.Sprintf("r%d", i))
	}
	if _, err := a.Join("one-more", first); !errors.Is(err, ErrTooManyRooms) {
		t.Errorf("joined too many: %v", err)
	}
}

func TestPortTaken(t *testing.T) {
	for _, addrs := range [][]string{overTCP, overQUIC} {
		a := newHost(t, 0, listen(addrs))
		taken, _, _ := strings.Cut(a.Addrs()[0], "/p2p/")
		h, err := New(Config{Key: keyOf(1), Listen: []string{taken}})
		var le *ListenError
		if !errors.Is(err, ErrPortTaken) || !errors.As(err, &le) || le.Addr != taken || h != nil {
			t.Fatalf("%s: %v", taken, err)
		}
	}
	if _, err := New(Config{Key: keyOf(1), Listen: []string{"/ip4/203.0.113.7/tcp/0"}}); !errors.Is(err, ErrListen) {
		t.Errorf("an address of somebody else: %v", err)
	}
	if _, err := New(Config{Key: keyOf(1), Listen: []string{"nonsense"}}); !errors.Is(err, ErrListen) {
		t.Errorf("nonsense: %v", err)
	}
}

func TestConnectRefuses(t *testing.T) {
	h := newHost(t, 0)
	ctx := context.Background()
	if err := h.Connect(ctx, h.Addrs()[0]); !errors.Is(err, ErrSelf) {
		t.Errorf("itself: %v", err)
	}
	for _, addr := range []string{"", "/ip4/127.0.0.1/tcp/1", "127.0.0.1:4001"} {
		if err := h.Connect(ctx, addr); !errors.Is(err, ErrBadAddress) {
			t.Errorf("%q: %v", addr, err)
		}
	}
	// A peer with another key answers at the address.
	other := newHost(t, 1)
	addr, _, _ := strings.Cut(other.Addrs()[0], "/p2p/")
	id, err := PeerID(keyOf(2).Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(ctx, addr+"/p2p/"+id.String()); err == nil {
		t.Error("connected to the wrong key")
	}
}

func TestPeerIDRoundTrip(t *testing.T) {
	for n := range 20 {
		p := keyOf(n).Public()
		id, err := PeerID(p)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := PeerOf(id); err != nil || back != p {
			t.Fatalf("%v became %v: %v", p, back, err)
		}
	}
	if _, err := PeerOf("QmNotAKeyAtAll"); !errors.Is(err, ErrNotDevice) {
		t.Errorf("a hashed key: %v", err)
	}
}

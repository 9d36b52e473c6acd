package p2p

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-varint"
)

// stranger is a libp2p host that keeps to none of our rules.
func stranger(t testing.TB, n int) (host.Host, Peer) {
	t.Helper()
	key, err := privateKey(keyOf(n))
	if err != nil {
		t.Fatal(err)
	}
	s, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings(overTCP...), libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, keyOf(n).Public()
}

func visit(t testing.TB, s host.Host, h *Host) {
	t.Helper()
	info, err := peer.AddrInfoFromString(h.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Connect(ctx, *info); err != nil {
		t.Fatal(err)
	}
}

// open begins a stream by hand and writes raw bytes to it.
func open(t testing.TB, s host.Host, h *Host, proto Protocol, raw ...[]byte) network.Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	st, err := s.NewStream(ctx, h.self, proto.wire())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Reset() })
	if _, err := st.Write(bytes.Join(raw, nil)); err != nil {
		t.Fatal(err)
	}
	return st
}

func framed(b []byte) []byte { return append(varint.ToUvarint(uint64(len(b))), b...) }

// wasReset waits until the other side has ended the stream, and says whether by force.
func wasReset(t testing.TB, s network.Stream) bool {
	t.Helper()
	if err := s.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err := s.Read(make([]byte, 1))
	if !errors.Is(err, network.ErrReset) && !errors.Is(err, io.EOF) {
		t.Fatalf("the stream goes on: %v", err)
	}
	return errors.Is(err, network.ErrReset)
}

// eventsOf lets a stranger gossip in a room.
func eventsOf(t testing.TB, s host.Host, room string) *pubsub.Topic {
	t.Helper()
	ps, err := pubsub.NewGossipSub(t.Context(), s, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(), pubsub.WithMessageIdFn(messageID), pubsub.WithFloodPublish(true), pubsub.WithPeerOutboundQueueSize(20_000))
	if err != nil {
		t.Fatal(err)
	}
	// It forwards nothing: what waits from a peer when it is struck out is ignored, good or bad.
	err = ps.RegisterTopicValidator(topicName(room, Events), func(_ context.Context, from peer.ID, _ *pubsub.Message) bool {
		return from == s.ID()
	})
	if err != nil {
		t.Fatal(err)
	}
	topic, err := ps.Join(topicName(room, Events))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := topic.Subscribe(); err != nil {
		t.Fatal(err)
	}
	return topic
}

// Two bad messages are fewer than MaxStrikes, but gossip will not hear their sender any more.
func TestTwoBadMessages(t *testing.T) {
	t.Parallel()
	h := newHost(t, 0)
	r := join(t, h, "coop")
	s, p := stranger(t, 50)
	topic := eventsOf(t, s, "coop")
	visit(t, s, h)
	wait(t, "each other", func() bool { return r.isUp(p) && len(topic.ListPeers()) == 1 })
	for i := range 2 {
		if err := topic.Publish(t.Context(), fmt.Appendf(nil, "bad %d", i)); err != nil {
			t.Fatal(err)
		}
		wait(t, "the verdict", func() bool { return r.checked() == i+1 })
	}
	wait(t, "the stranger to be kept out", func() bool { return !h.connected(s.ID()) && r.stat(p).Banned.After(time.Now()) })
}

func TestGossipJunkFlood(t *testing.T) {
	t.Parallel()
	hosts, rooms := meet(t, 4, "coop")
	s, flooder := stranger(t, 50)
	topic := eventsOf(t, s, "coop")
	for i, h := range hosts {
		visit(t, s, h)
		wait(t, "the flooder to be let in", func() bool { return rooms[i].isUp(flooder) && len(topic.ListPeers()) == i+1 })
	}
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		for i := range 10_000 {
			if topic.Publish(t.Context(), fmt.Appendf(nil, "bad %d %s", i, bytes.Repeat([]byte("x"), 500))) != nil {
				return
			}
		}
	}()
	const honest = 100
	for i := range honest {
		if err := rooms[i%4].Publish(Events, fmt.Appendf(nil, "good %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	<-flooded
	for i, r := range rooms {
		wait(t, "the honest events", func() bool { return r.count(func(heard) bool { return true }) == honest*3/4 })
		wait(t, "the flooder to be shown the door", func() bool { return !r.isUp(flooder) && !hosts[i].connected(s.ID()) })
		// Everything over MaxStrikes was being checked at the same moment.
		if junk := r.checked() - honest*3/4; junk < 1 || junk > 20 {
			t.Errorf("host %d checked %d junk messages", i, junk)
		}
		if hosts[i].gate.open(s.ID()) {
			t.Errorf("host %d would let the flooder in again", i)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.Connect(ctx, s.Peerstore().PeerInfo(hosts[0].self)); err == nil && hosts[0].connected(s.ID()) {
		t.Error("a banned peer came back")
	}
}

// One peer with good messages without end: it is slowed down, not thrown out, and others are heard.
func TestGossipBudget(t *testing.T) {
	talker := newHost(t, 0, func(c *Config) { c.Limits.GossipPerSecond = 1e6 }) // has no manners
	listener := newHost(t, 1, func(c *Config) { c.Limits.GossipPerSecond = 10 })
	hosts := []*Host{talker, listener}
	rooms := []*hall{join(t, talker, "coop"), join(t, listener, "coop")}
	connectAll(t, hosts)
	allUp(t, hosts, rooms)
	for i := range 500 {
		if err := rooms[0].Publish(Events, fmt.Appendf(nil, "again %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, "all to come in", func() bool { return rooms[1].checked()+int(rooms[1].Stats().OverBudget) == 500 })
	if n := rooms[1].checked(); n > 100 {
		t.Errorf("%d messages were checked", n)
	}
	if !rooms[1].isUp(hosts[0].Self()) {
		t.Error("thrown out for talking")
	}
	if !rooms[0].Send(hosts[1].Self(), Hello, []byte("sorry")) {
		t.Error("not sent")
	}
	wait(t, "a word by stream", func() bool { return rooms[1].has("sorry") })
}

func TestStreamJunkFlood(t *testing.T) {
	hosts, rooms := meet(t, 2, "coop")
	s, flooder := stranger(t, 50)
	visit(t, s, hosts[0])
	st := open(t, s, hosts[0], Tail, framed([]byte("coop")))
	for i := 0; i < 10_000; i++ {
		if _, err := st.Write(framed(fmt.Appendf(nil, "bad %d", i))); err != nil {
			break
		}
	}
	wasReset(t, st) // or the connection was closed already, which looks peaceful
	wait(t, "the flooder to be disconnected", func() bool { return !hosts[0].connected(s.ID()) })
	if n := rooms[0].checked(); n != MaxStrikes {
		t.Errorf("%d junk frames were checked, not %d", n, MaxStrikes)
	}
	if !rooms[0].stat(flooder).Banned.After(time.Now()) {
		t.Errorf("not shown as kept out: %+v", rooms[0].stat(flooder))
	}
	if !rooms[1].Send(hosts[0].Self(), Tail, []byte("dear neighbour")) {
		t.Error("not sent")
	}
	wait(t, "an honest frame", func() bool { return rooms[0].has("dear neighbour") })
}

func TestBadStreams(t *testing.T) {
	t.Parallel()
	h := newHost(t, 0, func(c *Config) {
		c.Limits.HelloTimeout, c.Limits.FrameTimeout = 200*time.Millisecond, 200*time.Millisecond
	})
	r := join(t, h, "coop")
	hello := framed([]byte("coop"))
	for name, c := range map[string]struct {
		raw    [][]byte
		strike bool
	}{
		"garbage for a hello":        {[][]byte{bytes.Repeat([]byte{0xff}, 64)}, true},
		"hello too long":             {[][]byte{framed(make([]byte, MaxRoomName+1))}, true},
		"hello never completed":      {[][]byte{hello[:3]}, false},
		"no hello at all":            {nil, false},
		"unknown room":               {[][]byte{framed([]byte("elsewhere"))}, false},
		"oversize frame":             {[][]byte{hello, varint.ToUvarint(MaxFrame + 1)}, true},
		"frame of 2^63-1 bytes":      {[][]byte{hello, varint.ToUvarint(1<<63 - 1)}, true},
		"length not minimal":         {[][]byte{hello, {0x81, 0x00}, []byte("x")}, true},
		"empty frame":                {[][]byte{hello, {0}}, true},
		"frame never completed":      {[][]byte{hello, framed(make([]byte, 1000))[:500]}, false},
		"length never completed":     {[][]byte{hello, {0x80}}, false},
		"large frame never there":    {[][]byte{hello, varint.ToUvarint(MaxFrame)}, false},
		"frame after a good one bad": {[][]byte{hello, framed([]byte("good")), {0}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := stranger(t, 60)
			visit(t, s, h)
			defer func() {
				h.gate.mu.Lock()
				defer h.gate.mu.Unlock()
				clear(h.gate.records)
			}()
			st := open(t, s, h, Get, c.raw...)
			if !wasReset(t, st) {
				t.Error("the stream ended in peace")
			}
			wait(t, "the verdict", func() bool { return (h.gate.penalty(s.ID()) < 0) == c.strike })
			_ = s.Close()
			wait(t, "the stranger to be gone", func() bool { return !h.connected(s.ID()) })
		})
	}
	if n := r.checked(); n != 1 {
		t.Errorf("%d frames were checked", n)
	}
}

// Streams that never say what for, and many streams for one purpose, stay few.
func TestStreamsPerPeerAreBounded(t *testing.T) {
	t.Parallel()
	h := newHost(t, 0, func(c *Config) { c.Limits.HelloTimeout = time.Hour }) // only the bound ends a stream
	r := join(t, h, "coop")
	s, p := stranger(t, 60)
	visit(t, s, h)
	hello := framed([]byte("coop"))
	var old network.Stream
	for i := range 20 {
		st := open(t, s, h, Get, hello, framed([]byte("dull")))
		wait(t, "the frame", func() bool { return r.stat(p).Ignored == uint64(i+1) })
		if old != nil && !wasReset(t, old) {
			t.Error("the older stream ended in peace")
		}
		old = st
	}
	var ended atomic.Int64
	for range 3 * MaxUnnamed {
		st := open(t, s, h, Get, hello[:1])
		go func() { // ends with the stream
			if _, err := st.Read(make([]byte, 1)); errors.Is(err, network.ErrReset) {
				ended.Add(1)
			}
		}()
	}
	wait(t, "all but a few to be reset", func() bool { return ended.Load() >= 2*MaxUnnamed })
	// Quiet is no offence: the one good stream is still there.
	if _, err := old.Write(framed([]byte("still here"))); err != nil {
		t.Fatal(err)
	}
	wait(t, "the good stream", func() bool { return r.has("still here") })
}

func TestGateForgivesAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		const p = peer.ID("somebody")
		for range MaxStrikes - 1 {
			if g.strike(p) {
				t.Fatal("banned too early")
			}
			time.Sleep(time.Minute)
		}
		time.Sleep(MaxStrikes * strikeDecay)
		if g.penalty(p) != 0 {
			t.Fatal("not forgiven")
		}
		ban := firstBan
		for round := range 12 {
			for i := range MaxStrikes {
				if got := g.strike(p); got != (i == MaxStrikes-1) {
					t.Fatalf("round %d, strike %d: banned %v", round, i, got)
				}
			}
			if g.InterceptPeerDial(p) || g.penalty(p) >= graylist {
				t.Fatal("not kept out")
			}
			time.Sleep(ban - time.Second)
			if g.open(p) {
				t.Fatalf("round %d: let in before %v", round, ban)
			}
			time.Sleep(time.Second)
			if !g.InterceptPeerDial(p) {
				t.Fatalf("round %d: not let in after %v", round, ban)
			}
			ban = min(2*ban, longestBan)
		}
		// Memory is bounded, and new misdeeds of others do not open the gate to the banned.
		for range MaxStrikes {
			g.strike(p)
		}
		for i := range 3 * MaxRecords {
			g.strike(peer.ID(fmt.Sprintf("sybil %d", i)))
			time.Sleep(time.Millisecond)
		}
		if len(g.records) > MaxRecords {
			t.Errorf("%d records", len(g.records))
		}
		if g.open(p) {
			t.Error("sybils opened the gate")
		}
	})
}

// A small-order key verifies signatures nobody made, so whoever claims it is nobody.
func TestGateRefusesUnsoundKeys(t *testing.T) {
	small := Peer{0: 1} // the neutral element
	id, err := PeerID(small)
	if err != nil {
		t.Fatal(err)
	}
	g := newGate()
	if g.InterceptSecured(network.DirInbound, id, nil) {
		t.Error("a small-order key was let in")
	}
	if good, _ := PeerID(keyOf(1).Public()); !g.InterceptSecured(network.DirInbound, good, nil) {
		t.Error("a good key was not let in")
	}
}

func TestInboxIsBounded(t *testing.T) {
	var dropped atomic.Uint64
	bytes, frames := &inbox{dropped: &dropped}, &inbox{dropped: &dropped}
	for range MaxInboxBytes / MaxFrame {
		if !bytes.admit(MaxFrame) {
			t.Fatal("not let in")
		}
	}
	for range MaxInboxFrames {
		if !frames.admit(1) {
			t.Fatal("not let in")
		}
	}
	if bytes.admit(1) || frames.admit(1) || dropped.Load() != 2 {
		t.Error("too much was let in")
	}
}

func TestRemotesAreBounded(t *testing.T) {
	h := newHost(t, 0)
	for i := range 3 * MaxRecords {
		id := peer.ID(fmt.Sprintf("passer-by %d", i))
		r := h.remote(id)
		h.mu.Lock()
		r.gone = time.Now()
		h.mu.Unlock()
	}
	if n := len(h.remotes); n > MaxRecords {
		t.Errorf("%d peers remembered", n)
	}
}

func reading(b []byte) *frameReader {
	return &frameReader{
		r:    bufio.NewReaderSize(bytes.NewReader(b), 16),
		pace: func(int) error { return nil },
		due:  func(bool) error { return nil },
	}
}

// FuzzFrames: whatever the bytes, a frame is within the limit and spelled in one way only.
func FuzzFrames(f *testing.F) {
	f.Add(framed([]byte("hello")))
	f.Add([]byte{0x80, 0x01})
	f.Add(bytes.Repeat([]byte{0xff}, 12))
	f.Add(append(framed(make([]byte, 300)), framed([]byte{1})...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		const limit = 256
		r := reading(raw)
		var again []byte
		for {
			frame, err := r.next(limit)
			if err != nil {
				break
			}
			if len(frame) == 0 || len(frame) > limit {
				t.Fatalf("a frame of %d bytes", len(frame))
			}
			again = append(again, framed(frame)...)
		}
		if !bytes.HasPrefix(raw, again) {
			t.Fatalf("%x was read from %x", again, raw)
		}
	})
}

// A promise of a large frame costs no more memory than what came of it.
func TestPromisesCostNothing(t *testing.T) {
	raw := append(varint.ToUvarint(MaxFrame), make([]byte, 100)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		if _, err := reading(raw).next(MaxFrame); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / 10; per > 2*growth {
		t.Errorf("%d bytes set aside for a promise", per)
	}
}

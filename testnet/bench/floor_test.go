package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/sustainy/coop/identity"
)

// The floor is what any agreement in three rounds costs at least: a proposal, an echo and a
// confirmation, each signed, written and fsynced before it is sent, by four hosts on loopback. It
// tolerates no fault and repairs no loss; it is a yardstick, measured in the same run as ours.

const (
	floorPeers  = 4
	floorQuorum = 3
	floorProto  = "/floor/1"
)

type floorMessage struct {
	phase byte // 0 proposal, 1 echo, 2 confirmation
	from  byte
	round uint64
	body  []byte
}

type floorPeer struct {
	id     byte
	key    identity.Key
	keys   []identity.PublicKey
	log    *os.File
	inbox  chan floorMessage
	out    []chan []byte
	counts map[uint64]*[3]int
	done   chan uint64
}

func (p *floorPeer) say(phase byte, round uint64, body []byte) {
	text := binary.BigEndian.AppendUint64([]byte{phase, p.id}, round)
	text = append(text, body...)
	hash := sha256.Sum256(text)
	sig := p.key.Sign(hash[:])
	frame := append(append([]byte{}, sig[:]...), text...)
	if _, err := p.log.Write(frame); err != nil {
		panic(err)
	}
	if err := p.log.Sync(); err != nil {
		panic(err)
	}
	for _, c := range p.out {
		c <- frame
	}
	p.count(phase, round)
}

func (p *floorPeer) count(phase byte, round uint64) {
	c := p.counts[round]
	if c == nil {
		c = new([3]int)
		p.counts[round] = c
		delete(p.counts, round-8)
	}
	c[phase]++
	switch {
	case phase == 0:
		p.say(1, round, nil)
	case phase == 1 && c[1] == floorQuorum:
		p.say(2, round, nil)
	case phase == 2 && c[2] == floorQuorum:
		p.done <- round
	}
}

func (p *floorPeer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-p.inbox:
			if m.from == p.id { // our own proposal, handed in by the driver
				p.say(0, m.round, m.body)
				continue
			}
			p.count(m.phase, m.round)
		}
	}
}

func (p *floorPeer) read(s network.Stream) {
	r := bufio.NewReader(s)
	for {
		var size [4]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(r, frame); err != nil {
			return
		}
		text := frame[64:]
		hash := sha256.Sum256(text)
		if !identity.Verify(p.keys[text[1]], hash[:], identity.Signature(frame[:64])) {
			panic("bad signature on the floor")
		}
		p.inbox <- floorMessage{phase: text[0], from: text[1], round: binary.BigEndian.Uint64(text[2:])}
	}
}

func floorWrite(s network.Stream, frames chan []byte) {
	w := bufio.NewWriter(s)
	for frame := range frames {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(frame)))
		w.Write(size[:])
		w.Write(frame)
		if len(frames) == 0 && w.Flush() != nil {
			return
		}
	}
}

// floor runs proposals of body bytes for d, paced per second (0: back to back), and returns the time
// of each until every host had it.
func floor(tb testing.TB, body int, pace int, d time.Duration) []time.Duration {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	peers, hosts := floorHosts(tb)
	for i, h := range hosts {
		h.SetStreamHandler(floorProto, peers[i].read)
	}
	for i, h := range hosts {
		for j, other := range hosts {
			if i == j {
				continue
			}
			if err := h.Connect(ctx, peer.AddrInfo{ID: other.ID(), Addrs: other.Addrs()}); err != nil {
				tb.Fatal(err)
			}
			s, err := h.NewStream(ctx, other.ID(), floorProto)
			if err != nil {
				tb.Fatal(err)
			}
			out := make(chan []byte, 1024)
			peers[i].out = append(peers[i].out, out)
			go floorWrite(s, out)
		}
		go peers[i].run(ctx)
	}
	payload := make([]byte, body)
	if _, err := rand.Read(payload); err != nil {
		tb.Fatal(err)
	}
	var took []time.Duration
	end := time.Now().Add(d)
	for round := uint64(8); time.Now().Before(end); round++ {
		leader := peers[round%floorPeers]
		began := time.Now()
		leader.inbox <- floorMessage{from: leader.id, round: round, body: payload}
		for _, p := range peers {
			if got := <-p.done; got != round {
				tb.Fatalf("floor: round %d confirmed in round %d", got, round)
			}
		}
		took = append(took, time.Since(began))
		if pace > 0 {
			time.Sleep(time.Until(began.Add(time.Second / time.Duration(pace))))
		}
	}
	return took
}

func floorHosts(tb testing.TB) (peers []*floorPeer, hosts []host.Host) {
	dir := tb.TempDir()
	var keys []identity.PublicKey
	for i := range floorPeers {
		key := identity.KeyFromSeed([32]byte{'f', byte(i)})
		keys = append(keys, key.Public())
		h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.Transport(tcp.NewTCPTransport), libp2p.DisableRelay(), libp2p.DisableMetrics(),
			libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { h.Close() })
		log, err := os.Create(filepath.Join(dir, string(rune('a'+i))))
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { log.Close() })
		hosts = append(hosts, h)
		peers = append(peers, &floorPeer{id: byte(i), key: key, log: log, inbox: make(chan floorMessage, 4096),
			counts: map[uint64]*[3]int{}, done: make(chan uint64, 64)})
	}
	for _, p := range peers {
		p.keys = keys
	}
	return peers, hosts
}

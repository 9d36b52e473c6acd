package bench

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/sustainy/coop/p2p"
)

// junkPerSecond is what one hostile peer sends: frames that are no message.
const junkPerSecond = 10_000

// gullible is the room of a peer that checks nothing, so that it can send anything.
type gullible struct{}

func (gullible) Check(p2p.Peer, p2p.Protocol, []byte) (any, p2p.Verdict) { return nil, p2p.Accept }
func (gullible) Deliver(p2p.Peer, p2p.Protocol, any)                     {}
func (gullible) Up(p2p.Peer)                                             {}
func (gullible) Down(p2p.Peer)                                           {}

// BenchmarkFinalityUnderFlood is the time to final with four honest stewards while one more peer
// gossips and sends junk as fast as it may, and comes back whenever it is shut out.
func BenchmarkFinalityUnderFlood(b *testing.B) {
	genesis, peers := town(b, 4)
	m, raws := apply(b, genesis.ID, 100)
	peers[0].take(b, raws)
	peers[0].until(b, uint64(len(raws)))
	peers[0].poll(b, m)
	for b.Loop() {
		calm := paced(b, m, peers, *loadTime/2)
		ctx, cancel := context.WithCancel(context.Background())
		var attack sync.WaitGroup
		sent := 0
		attack.Go(func() { sent = flood(ctx, b, genesis.ID.String(), peers) })
		stormy := paced(b, m, peers, *loadTime/2)
		cancel()
		attack.Wait()
		b.ReportMetric(percentile(calm, 50), "calm-p50-ms")
		b.ReportMetric(percentile(stormy, 50), "flood-p50-ms")
		b.ReportMetric(percentile(stormy, 50)/percentile(calm, 50), "times-calm")
		b.ReportMetric(float64(sent), "junk-frames")
	}
}

// flood is the hostile peer.
func flood(ctx context.Context, b *testing.B, room string, peers []*place) (sent int) {
	host, err := p2p.New(p2p.Config{Key: keyOf('z', 1), Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		b.Error(err)
		return 0
	}
	defer host.Close()
	link, err := host.Join(room, gullible{})
	if err != nil {
		b.Error(err)
		return 0
	}
	junk := make([]byte, 300)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return sent
		case <-tick.C:
		}
		if n%50 == 0 {
			for _, p := range peers {
				try, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
				_ = host.Connect(try, p.host.Addrs()[0]) // it may be shut out
				cancel()
			}
		}
		for range junkPerSecond / 100 {
			if _, err := rand.Read(junk); err != nil {
				b.Error(err)
			}
			if link.Publish(p2p.Events, junk) == nil {
				sent++
			}
			for _, p := range link.Peers() {
				link.Send(p, p2p.Rounds, junk)
			}
		}
	}
}

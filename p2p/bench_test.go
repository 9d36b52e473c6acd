package p2p

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

var transports = []struct {
	name  string
	addrs []string
}{{"tcp", overTCP}, {"quic", overQUIC}}

// generous takes the budgets out of the way.
func generous(c *Config) {
	c.Limits.FramesPerSecond, c.Limits.BytesPerSecond = 1e9, 1<<40
	c.Limits.GossipPerSecond, c.Limits.GossipBytesPerSecond = 1e9, 1<<40
}

// latency sends b.N frames one at a time and reports how long each took to be delivered.
func latency(b *testing.B, receivers []*hall, send func(frame []byte)) {
	b.Helper()
	arrived := make(chan time.Duration, 64)
	for _, r := range receivers {
		r.on = func(_ Peer, _ Protocol, frame []byte) {
			arrived <- time.Duration(time.Now().UnixNano() - int64(binary.LittleEndian.Uint64(frame)))
		}
	}
	var took []time.Duration
	n := 0
	for b.Loop() {
		frame := make([]byte, 512)
		binary.LittleEndian.PutUint64(frame[8:], uint64(n))
		n++
		binary.LittleEndian.PutUint64(frame, uint64(time.Now().UnixNano()))
		send(frame)
		for range receivers {
			select {
			case d := <-arrived:
				took = append(took, d)
			case <-time.After(patience):
				b.Fatal("a frame was lost")
			}
		}
		time.Sleep(time.Millisecond) // isolated frames
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

func BenchmarkSendLatency(b *testing.B) {
	for _, tr := range transports {
		b.Run(tr.name, func(b *testing.B) {
			hosts, rooms := meet(b, 4, "coop", listen(tr.addrs), generous)
			i := 0
			latency(b, rooms[1:2], func(frame []byte) {
				i++
				if !rooms[0].Send(hosts[1].Self(), Rounds, frame) {
					b.Fatal("dropped")
				}
			})
		})
	}
}

func BenchmarkPublishLatency(b *testing.B) {
	for _, n := range []int{4, 10} {
		for _, tr := range transports {
			b.Run(tr.name+"/"+string(rune('0'+n/10))+string(rune('0'+n%10)), func(b *testing.B) {
				_, rooms := meet(b, n, "coop", listen(tr.addrs), generous)
				latency(b, rooms[1:], func(frame []byte) {
					if err := rooms[0].Publish(Events, frame); err != nil {
						b.Fatal(err)
					}
				})
			})
		}
	}
}

func BenchmarkSendThroughput(b *testing.B) {
	for _, tr := range transports {
		for name, size := range map[string]int{"1KB": 1 << 10, "64KB": 64 << 10} {
			b.Run(tr.name+"/"+name, func(b *testing.B) {
				hosts, rooms := meet(b, 2, "coop", listen(tr.addrs), generous)
				var got atomic.Int64
				rooms[1].on = func(Peer, Protocol, []byte) { got.Add(1) }
				b.SetBytes(int64(size))
				frame := make([]byte, size)
				sent := int64(0)
				for b.Loop() {
					for !rooms[0].Send(hosts[1].Self(), Tail, frame) {
						time.Sleep(100 * time.Microsecond)
					}
					sent++
				}
				wait(b, "all frames", func() bool { return got.Load() == sent })
			})
		}
	}
}

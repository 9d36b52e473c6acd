package p2p

import (
	"bufio"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// lane is the way out to one peer for one protocol: a bounded queue and one goroutine that writes
// it to a stream, which it opens when there is something to write and again when it broke.
type lane struct {
	link    *Link
	id      peer.ID
	proto   Protocol
	contact *contact
	queue   chan []byte
	waiting atomic.Int64 // bytes in queue
	cancel  context.CancelFunc
}

var errStreamEnded = errors.New("the peer closed the stream")

// offer queues a frame unless that would be too much.
func (a *lane) offer(frame []byte) bool {
	size := int64(len(frame))
	if a.waiting.Add(size) > MaxQueuedBytes {
		a.waiting.Add(-size)
		return false
	}
	select {
	case a.queue <- frame:
		return true
	default:
		a.waiting.Add(-size)
		return false
	}
}

func (a *lane) taken(frame []byte) []byte {
	a.waiting.Add(-int64(len(frame)))
	return frame
}

// run writes until ctx ends. What was written to a stream that turns out to be dead is lost.
func (a *lane) run(ctx context.Context) {
	var next []byte
	failures := 0
	for {
		if next == nil {
			select {
			case <-ctx.Done():
				return
			case frame := <-a.queue:
				next = a.taken(frame)
			}
		}
		began := time.Now()
		unsent, err := a.carry(ctx, next)
		if ctx.Err() != nil {
			return
		}
		a.contact.fail(err)
		if time.Since(began) >= steadyStream {
			failures = 0
		}
		if !sleep(ctx, doubled(firstReopen, longestReopen, failures)) {
			return
		}
		failures++
		if next = unsent; next != nil && failures > 1 {
			a.contact.dropped.Add(1) // never hold one frame against a peer who will not have it
			next = nil
		}
	}
}

// carry opens a stream and writes first and whatever follows. It returns a frame it took and knows
// was not sent.
func (a *lane) carry(ctx context.Context, first []byte) (unsent []byte, err error) {
	s, err := a.open(ctx)
	if err != nil {
		return first, err
	}
	dead := make(chan struct{})
	go func() {
		defer close(dead) // carry waits for it
		_, _ = s.Read(make([]byte, 1))
	}()
	defer func() {
		if err != nil {
			_ = s.Reset()
		} else {
			_ = s.Close()
		}
		<-dead
	}()
	w := bufio.NewWriterSize(s, streamBuffer)
	writeFrame(w, []byte(a.link.name))
	for frame := first; ; {
		if err := s.SetWriteDeadline(time.Now().Add(a.link.host.limits.WriteTimeout)); err != nil {
			return frame, err
		}
		if err := a.batch(w, frame); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-dead:
			return nil, errStreamEnded
		case frame = <-a.queue:
			a.taken(frame)
		}
		select {
		case <-dead:
			return frame, errStreamEnded
		default:
		}
	}
}

func (a *lane) open(ctx context.Context) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	ctx = network.WithNoDial(ctx, "only to whom we are connected")
	ctx = network.WithAllowLimitedConn(ctx, "streams may be relayed")
	return a.link.host.lib.NewStream(ctx, a.id, a.proto.wire())
}

// batch writes a frame at once if it is alone, and together with those that already wait if not.
func (a *lane) batch(w *bufio.Writer, frame []byte) error {
	const most = 256 // then the write deadline is due for renewal
	for n := 1; ; n++ {
		writeFrame(w, frame)
		a.contact.out.add(len(frame))
		if n == most {
			return w.Flush()
		}
		select {
		case frame = <-a.queue:
			a.taken(frame)
		default:
			return w.Flush()
		}
	}
}

// writeFrame leaves errors to Flush, which returns the first there was.
func writeFrame(w *bufio.Writer, frame []byte) {
	var prefix [9]byte
	_, _ = w.Write(appendPrefix(prefix[:0], len(frame)))
	_, _ = w.Write(frame)
}

// sleep waits and says whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// doubled is first, twice that, four times that ..., at most longest.
func doubled(first, longest time.Duration, times int) time.Duration {
	if times >= 20 {
		return longest
	}
	return min(first<<times, longest)
}

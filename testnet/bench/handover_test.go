package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// change is a town in which as many members as there are stewards take over from them.
type change struct {
	tb    testing.TB
	n     int
	peers []*place
}

func (c *change) submit(i int, kind event.Kind, body any) *event.Event {
	c.tb.Helper()
	d, err := event.NewDraft(kind, body)
	if err != nil {
		c.tb.Fatal(err)
	}
	e, err := c.peers[i].node.Submit(context.Background(), d)
	if err != nil {
		c.tb.Fatal(err)
	}
	return e
}

func (c *change) wait(e *event.Event) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i, p := range c.peers {
		if o, err := p.node.Wait(ctx, e.ID); err != nil || o.Refusal != "" {
			c.tb.Fatalf("peer %d: %s: %v, %q", i, e.Kind, err, o.Refusal)
		}
	}
}

// until waits for something to be true of a peer, and tells when it was.
func (c *change) until(i int, true func(v *node.View) bool) time.Time {
	c.tb.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		v, err := c.peers[i].node.View(context.Background())
		if err != nil {
			c.tb.Fatal(err)
		}
		if true(v) {
			return time.Now()
		}
	}
	c.tb.Fatal("nothing changes for a minute")
	return time.Time{}
}

// handOver elects the others while everybody goes on, and measures the time from the commit that decides
// the election to the first one of the next epoch. Everything that was given in becomes final everywhere.
func (c *change) handOver() (took time.Duration) {
	c.tb.Helper()
	var elected []identity.PublicKey
	for i := c.n; i < 2*c.n; i++ {
		elected = append(elected, keyOf('s', i).Public())
		c.submit(i, governance.KindStewardStand, governance.StewardStand{})
	}
	last := c.submit(0, governance.KindMemberInvite, c.invite(0, 0))
	c.wait(last)
	c.until(0, func(v *node.View) bool { return v.State.Hall.Standing.Len() == c.n })
	appoint, err := event.NewDraft(governance.KindStewardAppoint, governance.StewardAppoint{Stewards: elected})
	if err != nil {
		c.tb.Fatal(err)
	}
	p := c.submit(0, governance.KindProposalOpen, governance.ProposalOpen{Title: "New stewards", Track: "board", Actions: []event.Draft{appoint}})
	c.wait(p)
	for i := range c.peers {
		c.submit(i, governance.KindBallotCast, governance.BallotCast{Proposal: p.ID, Choice: "yes"})
	}
	stop := make(chan struct{})
	var talk sync.WaitGroup
	var mu sync.Mutex
	var said []*event.Event
	for i := range c.peers {
		talk.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
				e := c.submit(i, governance.KindMemberInvite, c.invite(i+1, n))
				mu.Lock()
				said = append(said, e)
				mu.Unlock()
			}
		})
	}
	decided := c.until(0, func(v *node.View) bool { return len(v.State.Hall.Pending.Stewards) > 0 || v.Epoch > 0 })
	var commits uint64
	c.until(0, func(v *node.View) bool { commits = v.Commits; return v.Epoch > 0 })
	began := c.until(0, func(v *node.View) bool { return v.Commits > commits })
	close(stop)
	talk.Wait()
	for _, e := range said {
		c.wait(e)
	}
	return began.Sub(decided)
}

func (c *change) invite(who, n int) governance.MemberInvite {
	return governance.MemberInvite{Key: identity.KeyFromSeed([32]byte{'i', byte(who), byte(n), byte(n >> 8)}).Public(), Uses: 1,
		Expires: event.Time(time.Now().Add(time.Hour).UnixMilli())}
}

// Whole peers hand over to others, and nothing is lost.
func TestHandoverOfPeers(t *testing.T) {
	_, peers := townOf(t, 1, 2)
	c := &change{t, 1, peers}
	c.handOver()
	for i := range peers {
		c.until(i, func(v *node.View) bool { return v.Epoch == 1 && v.Sealed && (v.Steward >= 0) == (i == 1) })
	}
}

// BenchmarkHandover is the time without commits when all stewards change at once, on loopback.
func BenchmarkHandover(b *testing.B) {
	for _, n := range []int{4, 7} {
		b.Run(fmt.Sprint(n, " stewards"), func(b *testing.B) {
			for b.Loop() {
				_, peers := townOf(b, n, 2*n)
				c := &change{b, n, peers}
				b.ReportMetric(float64(c.handOver().Milliseconds()), "handover-ms")
			}
		})
	}
}

package p2p

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// gossip is GossipSub as this package uses it, and what stands before it: whose messages are heard,
// how many, and which subscriptions of others are remembered.
type gossip struct {
	host   *Host
	ps     *pubsub.PubSub
	scores atomic.Pointer[map[peer.ID]float64]
	frames *rate.Limiter // of what is published here, over all rooms
	bytes  *rate.Limiter

	overBudget atomic.Uint64 // messages of peers that sent more than their budget

	mu  sync.RWMutex
	own map[string]bool // topics of the rooms joined here
}

func newGossip(h *Host) (*gossip, error) {
	g := &gossip{
		host:   h,
		own:    make(map[string]bool),
		frames: rate.NewLimiter(rate.Limit(h.limits.GossipPerSecond), publishBurst),
		bytes:  rate.NewLimiter(rate.Limit(h.limits.GossipBytesPerSecond), max(h.limits.GossipBytesPerSecond/2, MaxFrame)),
	}
	params, thresholds := scoring(h.gate.penalty)
	var err error
	g.ps, err = pubsub.NewGossipSub(h.ctx, h.lib,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithMaxMessageSize(MaxFrame+gossipOverhead),
		pubsub.WithGossipSubParams(mesh()),
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerScore(params, thresholds),
		pubsub.WithPeerScoreInspect(g.inspect, time.Second),
		pubsub.WithSubscriptionFilter(g),
		pubsub.WithAppSpecificRpcInspector(g.admit),
		pubsub.WithValidateQueueSize(maxPendingChecks),
		pubsub.WithValidateWorkers(checksAtOnce),
		pubsub.WithPeerOutboundQueueSize(maxPeerQueue),
		pubsub.WithLogger(h.log),
		pubsub.WithRPCLogger(h.log),
	)
	return g, err
}

// messageID covers everything a message carries. Were it the id of the event inside, a copy with a
// broken signature could make the good one look seen before; were the topic left out, publishing
// a frame in one room would hide it in another.
func messageID(m *pb.Message) string {
	d := sha256.New()
	d.Write([]byte(m.GetTopic()))
	d.Write([]byte{0})
	d.Write(m.GetData())
	return string(d.Sum(nil))
}

// inspect takes gossip's scores once a second. Whom gossip no longer hears has nothing to do here:
// two invalid messages are enough for that, before MaxStrikes are counted.
func (g *gossip) inspect(scores map[peer.ID]float64) {
	g.scores.Store(&scores)
	for id, score := range scores {
		if score < graylist && g.host.connected(id) && g.host.gate.ban(id) {
			g.host.expel(id, "gossip score")
		}
	}
}

// pace waits until one more message may be published.
func (g *gossip) pace(ctx context.Context, size int) error {
	if err := g.frames.Wait(ctx); err != nil {
		return err
	}
	return g.bytes.WaitN(ctx, size)
}

func (g *gossip) score(id peer.ID) float64 {
	if m := g.scores.Load(); m != nil {
		return (*m)[id]
	}
	return 0
}

// admit is asked before anything else is done with a peer's message; it runs in gossip's loop.
func (g *gossip) admit(id peer.ID, rpc *pubsub.RPC) error {
	if len(rpc.Publish) == 0 {
		return nil
	}
	if !g.host.gate.open(id) {
		return errBanned
	}
	r := g.host.remote(id)
	size := 0
	for _, m := range rpc.Publish {
		size += len(m.GetData())
	}
	now := time.Now()
	if !r.gossipFrames.AllowN(now, len(rpc.Publish)) || !r.gossipBytes.AllowN(now, size) {
		// The messages go, the control part stays: dropping it would leave the mesh lopsided.
		g.overBudget.Add(uint64(len(rpc.Publish)))
		rpc.Publish = nil
	}
	return nil
}

// CanSubscribe is asked by gossip when a topic is joined here.
func (g *gossip) CanSubscribe(topic string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.own[topic]
}

// FilterIncomingSubscriptions is asked when a peer says what it listens to. Topics not our own are
// remembered too, a bounded number per peer: a peer says it once, and we may join later.
func (g *gossip) FilterIncomingSubscriptions(id peer.ID, subs []*pb.RPC_SubOpts) ([]*pb.RPC_SubOpts, error) {
	most := MaxRooms * len(topics)
	if len(subs) > 2*most {
		return nil, pubsub.ErrTooManySubscriptions
	}
	r := g.host.remote(id)
	kept := subs[:0]
	for _, s := range subs {
		topic := s.GetTopicid()
		if g.CanSubscribe(topic) {
			kept = append(kept, s)
			continue
		}
		_, known := r.foreign[topic]
		switch {
		case !s.GetSubscribe():
			delete(r.foreign, topic)
		case len(topic) > len(topicName("", Rounds))+MaxRoomName:
			continue
		case !known && len(r.foreign) >= most:
			continue
		default:
			r.foreign[topic] = struct{}{}
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// allow adds or removes the topics of a room joined here.
func (g *gossip) allow(room string, yes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range topics {
		if yes {
			g.own[topicName(room, t)] = true
		} else {
			delete(g.own, topicName(room, t))
		}
	}
}

// topic is one gossip topic of one room.
type topic struct {
	link   *Link
	proto  Protocol
	handle *pubsub.Topic

	mu    sync.Mutex
	inbox *inbox // nil when not subscribed
}

// inbox bounds what was checked and waits for the room to take it.
type inbox struct {
	sub     *pubsub.Subscription
	frames  atomic.Int64
	bytes   atomic.Int64
	dropped *atomic.Uint64
}

// joinTopic has messages checked by gossip's workers, one per core. In goroutines of their own, more
// than a limit at a time would be dropped and yet count as seen: a flood could hide honest ones.
func (l *Link) joinTopic(proto Protocol) (*topic, error) {
	name := topicName(l.name, proto)
	t := &topic{link: l, proto: proto}
	ps := l.host.gossip.ps
	if err := ps.RegisterTopicValidator(name, pubsub.ValidatorEx(t.validate), pubsub.WithValidatorInline(true)); err != nil {
		return nil, err
	}
	var err error
	if t.handle, err = ps.Join(name); err != nil {
		_ = ps.UnregisterTopicValidator(name) // it was just registered
		return nil, err
	}
	if err = t.handle.SetScoreParams(topicScoring()); err != nil {
		t.leave()
	}
	return t, err
}

func (t *topic) leave() {
	_ = t.subscribe(false)
	_ = t.handle.Close() // fails only when subscribed, or when gossip itself has ended
	_ = t.link.host.gossip.ps.UnregisterTopicValidator(t.handle.String())
}

// validate is the room's Check for gossip. A peer that was struck out while its messages queued
// here costs no more checks. The price: a good message among them counts as seen, so copies of it
// from others are dropped for two minutes; pull sync brings it.
func (t *topic) validate(_ context.Context, id peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	h := t.link.host
	if id == h.self {
		return pubsub.ValidationAccept
	}
	from, err := PeerOf(id)
	if err != nil || !h.gate.open(id) || t.link.ctx.Err() != nil || len(m.Data) == 0 || len(m.Data) > MaxFrame {
		return pubsub.ValidationIgnore
	}
	c := t.link.counts(from, id)
	c.in.add(len(m.Data))
	msg, verdict := t.link.room.Check(from, t.proto, m.Data)
	switch verdict {
	case Accept:
		m.ValidatorData = msg
		return pubsub.ValidationAccept
	case Reject:
		c.rejects.Add(1)
		h.strike(id, "rejected "+string(t.proto)+" gossip")
		return pubsub.ValidationReject
	}
	c.ignored.Add(1)
	return pubsub.ValidationIgnore
}

func (t *topic) subscribe(on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case on == (t.inbox != nil):
		return nil
	case !on:
		t.inbox.sub.Cancel()
		t.inbox = nil
		return nil
	}
	box := &inbox{dropped: &t.link.inboxDropped}
	sub, err := t.handle.Subscribe(pubsub.WithBufferSize(MaxInboxFrames), pubsub.WithMessageFilter(func(m *pubsub.Message) bool {
		return m.ReceivedFrom != t.link.host.self && box.admit(len(m.Data))
	}))
	if err != nil {
		return fmt.Errorf("p2p: subscribe to %s: %w", t.handle, err)
	}
	box.sub, t.inbox = sub, box
	t.link.wg.Go(func() { t.deliver(box) })
	return nil
}

// admit runs in gossip's loop; what it lets in always finds a place in the subscription's buffer.
func (b *inbox) admit(size int) bool {
	if b.frames.Load() >= MaxInboxFrames || b.bytes.Load()+int64(size) > MaxInboxBytes {
		b.dropped.Add(1)
		return false
	}
	b.frames.Add(1)
	b.bytes.Add(int64(size))
	return true
}

func (t *topic) deliver(box *inbox) {
	for {
		m, err := box.sub.Next(t.link.ctx)
		if err != nil {
			return // unsubscribed, or the link was left
		}
		box.frames.Add(-1)
		if from, err := PeerOf(m.ReceivedFrom); err == nil {
			t.link.room.Deliver(from, t.proto, m.ValidatorData)
		}
		box.bytes.Add(-int64(len(m.Data)))
	}
}

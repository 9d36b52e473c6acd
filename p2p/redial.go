package p2p

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multiaddr"
)

const (
	dialsAtOnce = 8
	keepTag     = "coop-keep" // protects a kept peer's connection from being trimmed
)

// redialer dials peers that are wanted: kept ones for ever, introduced ones once.
type redialer struct {
	host *Host
	wake chan struct{}

	mu      sync.Mutex
	dialing int
	hurried time.Time
	targets map[peer.ID]*target
}

type target struct {
	addrs     []multiaddr.Multiaddr
	kept      bool
	tried     bool // introduced, not kept: one dial is enough
	dialing   bool
	failures  int // in a row; a connection that did not hold counts too
	next      time.Time
	since     time.Time // connected since; zero when not
	lastError string
}

func newRedialer(h *Host) *redialer {
	return &redialer{host: h, wake: make(chan struct{}, 1), targets: make(map[peer.ID]*target)}
}

func (r *redialer) want(p Peer, addrs []string, kept bool) error {
	id, err := PeerID(p)
	if err != nil {
		return err
	}
	if p == r.host.peer {
		return ErrSelf
	}
	var where []multiaddr.Multiaddr
	for _, s := range addrs {
		a, err := multiaddr.NewMultiaddr(s)
		if err != nil {
			return fmt.Errorf("%w: %q", ErrBadAddress, s)
		}
		if bare, of := peer.SplitAddr(a); bare != nil && (of == "" || of == id) {
			where = append(where, bare)
		}
	}
	if err := r.note(id, where, kept); err != nil {
		return err
	}
	if kept {
		r.host.lib.ConnManager().Protect(id, keepTag)
	}
	r.nudge()
	return nil
}

// ErrTooManyPeers refuses to keep more peers than are kept already.
var ErrTooManyPeers = fmt.Errorf("at most %d peers can be kept; let go of one first", MaxKept)

func (r *redialer) note(id peer.ID, where []multiaddr.Multiaddr, kept bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.targets[id]
	if t == nil || kept && !t.kept {
		if err := r.makeRoom(kept); err != nil {
			return err
		}
	}
	if t == nil {
		t = &target{next: time.Now()}
		r.targets[id] = t
	}
	if kept && !t.kept {
		t.kept, t.tried, t.failures, t.next = true, false, 0, time.Now()
	}
	for _, a := range where {
		t.learn(a)
	}
	return nil
}

// retry dials a peer that we are about to disconnect once more, where libp2p knows it to be. One
// that keeps us comes by itself.
func (r *redialer) retry(id peer.ID) {
	_ = r.note(id, nil, false) // what is not kept always finds room
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.targets[id]; t != nil {
		t.tried, t.next = false, time.Now().Add(pause(0))
	}
	r.nudge()
}

// learn adds an address; the newest come first and push out the oldest.
func (t *target) learn(a multiaddr.Multiaddr) {
	for _, have := range t.addrs {
		if have.Equal(a) {
			return
		}
	}
	t.addrs = append([]multiaddr.Multiaddr{a}, t.addrs...)
	if len(t.addrs) > MaxDialAddrs {
		t.addrs = t.addrs[:MaxDialAddrs]
	}
}

func (r *redialer) makeRoom(kept bool) error {
	n := 0
	var oldest peer.ID
	for id, t := range r.targets {
		if t.kept != kept {
			continue
		}
		n++
		if o := r.targets[oldest]; !kept && !t.dialing && (o == nil || t.next.Before(o.next)) {
			oldest = id
		}
	}
	switch {
	case kept && n >= MaxKept:
		return ErrTooManyPeers
	case !kept && n >= MaxIntroduced:
		delete(r.targets, oldest)
	}
	return nil
}

func (r *redialer) unwant(p Peer) {
	id, err := PeerID(p)
	if err != nil {
		return
	}
	r.mu.Lock()
	delete(r.targets, id)
	r.mu.Unlock()
	r.host.lib.ConnManager().Unprotect(id, keepTag)
}

// changed is told of each connection that comes or goes. A kept peer that goes is dialled at once,
// unless the connection did not hold: then as after a failed dial.
func (r *redialer) changed(id peer.ID, c network.Connectedness) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.targets[id]
	if t == nil {
		return
	}
	now := time.Now()
	switch c {
	case network.Connected:
		if t.since.IsZero() {
			t.since = now
		}
		t.lastError = ""
		if t.failures >= patientAfter {
			r.hurry(now)
		}
		return
	case network.Limited: // goes on being dialled directly
	default:
		if !t.since.IsZero() && now.Sub(t.since) >= steadyConn {
			t.failures = 0
		} else if t.kept {
			t.failures++
		}
	}
	t.since = time.Time{}
	t.next = now.Add(pause(t.failures))
	r.nudge()
}

// hurry dials the others soon: one who was long away is back, so the network may be.
func (r *redialer) hurry(now time.Time) {
	if now.Sub(r.hurried) < hurryGap {
		return
	}
	r.hurried = now
	for _, t := range r.targets {
		if soon := now.Add(pause(0)); t.kept && t.next.After(soon) {
			t.next = soon
		}
	}
	r.nudge()
}

func (r *redialer) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// pause before the next dial: jittered, so that two sides or many do not dial in step.
func pause(failures int) time.Duration {
	d := doubled(firstRedial, usualRedial, failures)
	if failures >= patientAfter {
		d = longestRedial
	}
	return d/2 + rand.N(d/2)
}

func (r *redialer) run() {
	var dials sync.WaitGroup
	defer dials.Wait()
	for {
		due, wait := r.due(time.Now())
		for _, id := range due {
			dials.Go(func() { r.redial(id) })
		}
		t := time.NewTimer(wait)
		select {
		case <-r.host.ctx.Done():
			t.Stop()
			return
		case <-r.wake:
			t.Stop()
		case <-t.C:
		}
	}
}

// due takes those whose time has come, as many as may be dialled at once, and says how long to wait
// for the next.
func (r *redialer) due(now time.Time) (due []peer.ID, wait time.Duration) {
	enough := len(r.host.lib.Network().Peers()) >= r.host.limits.LowConns
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = longestRedial
	for id, t := range r.targets {
		if t.dialing || !t.kept && (t.tried || enough) {
			if t.tried && now.Sub(t.next) > introduceGap {
				delete(r.targets, id) // may be introduced again
			}
			continue
		}
		if r.host.lib.Network().Connectedness(id) == network.Connected {
			continue
		}
		if t.next.After(now) {
			wait = min(wait, t.next.Sub(now))
			continue
		}
		if r.dialing < dialsAtOnce {
			r.dialing++
			t.dialing, t.tried = true, !t.kept
			due = append(due, id)
		}
	}
	return due, wait
}

func (r *redialer) redial(id peer.ID) {
	r.mu.Lock()
	var addrs []multiaddr.Multiaddr
	if t := r.targets[id]; t != nil {
		addrs = append(addrs, t.addrs...)
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(r.host.ctx, dialTimeout)
	err := r.dial(ctx, id, addrs)
	cancel()

	r.mu.Lock()
	r.dialing--
	if t := r.targets[id]; t != nil {
		t.dialing = false
		if err != nil {
			t.failures++
			t.lastError = err.Error()
			t.next = time.Now().Add(pause(t.failures))
		}
	}
	r.mu.Unlock()
	r.nudge()
}

// dial connects and reports each address tried.
func (r *redialer) dial(ctx context.Context, id peer.ID, addrs []multiaddr.Multiaddr) error {
	net := r.host.lib.Network()
	if s, ok := net.(*swarm.Swarm); ok {
		s.Backoff().Clear(id) // the pause between dials is ours
	}
	before := net.Connectedness(id)
	if before == network.Limited {
		ctx = network.WithForceDirectDial(ctx, "a limited relay is not enough")
	}
	err := r.host.lib.Connect(ctx, peer.AddrInfo{ID: id, Addrs: addrs})
	if report := r.host.cfg.Dialed; report != nil && before != network.Connected {
		r.report(report, id, err)
	}
	return err
}

func (r *redialer) report(report func(Peer, string, error), id peer.ID, err error) {
	p, bad := PeerOf(id)
	if bad != nil {
		return
	}
	var failed *swarm.DialError
	if errors.As(err, &failed) {
		for _, f := range failed.DialErrors {
			report(p, f.Address.String(), f.Cause)
		}
	}
	if err != nil {
		return
	}
	for _, c := range r.host.lib.Network().ConnsToPeer(id) {
		if c.Stat().Direction == network.DirOutbound {
			report(p, c.RemoteMultiaddr().String(), nil)
		}
	}
}

// snapshot is for Stats.
func (r *redialer) snapshot() map[peer.ID]target {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[peer.ID]target, len(r.targets))
	for id, t := range maps.All(r.targets) {
		out[id] = *t
	}
	return out
}

package discovery

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"golang.org/x/time/rate"
)

const (
	lanLook   = 15 * time.Second // between two looks whether the computer changed networks
	lanPerSec = 10               // findings passed on; anybody on the network can make up more
	lanBurst  = 100
)

// LAN finds peers of one cooperative on the local network.
type LAN struct {
	host   host.Host
	tag    string
	found  Found
	budget *rate.Limiter
	start  func(mdns.Notifee) (io.Closer, error) // a seam for tests

	mu    sync.Mutex
	state State
}

// NewLAN makes the source; Run starts it. network is the cooperative's name in the network.
func NewLAN(h host.Host, network string, found Found) *LAN {
	l := &LAN{
		host:   h,
		tag:    "_coop-" + tag(network) + "._udp",
		found:  found,
		budget: rate.NewLimiter(lanPerSec, lanBurst),
		state:  State{Source: "lan", Note: "not started"},
	}
	l.start = func(n mdns.Notifee) (io.Closer, error) {
		s := mdns.NewMdnsService(h, l.tag, n)
		if err := s.Start(); err != nil {
			_ = s.Close() // it did not start; that is what is told
			return nil, err
		}
		return s, nil
	}
	return l
}

// State says how it is doing.
func (l *LAN) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// Run announces this host and listens for others until ctx ends; its error is always nil or ctx's.
// Multicast that does not work is tried again, and so is everything when the computer's addresses
// change, because multicast DNS stays with the network it was started in.
func (l *LAN) Run(ctx context.Context) error {
	look := time.NewTicker(lanLook)
	defer look.Stop()
	var service io.Closer
	stop := func() {
		if service != nil {
			_ = service.Close() // it only ever returns nil
			service = nil
		}
	}
	defer func() {
		stop()
		l.note(false, "ended")
	}()
	var where []string
	for {
		if here := l.addrs(); service == nil || !slices.Equal(here, where) {
			stop()
			where = here
			var err error
			if service, err = l.start(l); err != nil {
				service = nil
				l.note(false, fmt.Sprintf("multicast does not work here (%v); use an invite or an address", err))
			} else {
				l.note(true, "nobody heard yet; this network may not carry multicast, then use an invite or an address")
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}

func (l *LAN) note(working bool, note string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Working, l.state.Note = working, note
}

// addrs are where this host can be reached on networks it is directly in.
func (l *LAN) addrs() []string {
	all, err := l.host.Network().InterfaceListenAddresses()
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range all {
		out = append(out, a.String())
	}
	slices.Sort(out)
	return out
}

// HandlePeerFound is called by libp2p, in a goroutine of its own per finding.
func (l *LAN) HandlePeerFound(info peer.AddrInfo) {
	if !l.budget.Allow() || !tell(l.found, info) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Heard++
	l.state.Last = time.Now()
	if l.state.Working {
		l.state.Note = ""
	}
}

package p2p

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sustainy/coop/identity"
)

// Config says how a host meets the network. Only Key is needed.
type Config struct {
	Key    identity.Key
	Listen []string // multiaddrs; port 0 is any free one. Nil: all addresses, TCP and QUIC. Empty: none
	Limits Limits
	Logger *slog.Logger // nil: silent. libp2p's own log goes where gologshim.SetDefaultHandler says

	// Reach makes the host reachable from outside and tells whether it is: port mapping, AutoNAT,
	// hole punching. It talks to the home router, so tests leave it out.
	Reach bool
	// Relays are full addresses of peers through whom to be reachable when nothing else helps.
	Relays []string
	// RelayFor, when not nil, makes this host such a relay, without limits, for whom it admits.
	// A relay with libp2p's usual limits would look connected and silently carry no gossip.
	RelayFor func(Peer) bool

	Registerer prometheus.Registerer // nil: no metrics
	// Dialed is told of each address tried, with nil for success. It must not block.
	Dialed func(p Peer, addr string, err error)

	more      []libp2p.Option // a simulated network, in tests
	noPortTry bool            // the simulated network has no real ports
}

// Host is one peer's place in the network, for any number of rooms. All methods may be called from
// any goroutine.
type Host struct {
	cfg    Config
	limits Limits
	log    *slog.Logger
	self   peer.ID
	peer   Peer
	lib    host.Host
	gate   *gate
	gossip *gossip
	dials  *redialer
	relay  closer

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	joining sync.Mutex // held by Join and by Close, so that Close sees whole links

	mu      sync.Mutex
	closed  bool
	links   map[string]*Link
	remotes map[peer.ID]*remote
}

type closer interface{ Close() error }

// New starts a host. An address that cannot be listened on is a [ListenError], and nothing runs.
func New(cfg Config) (*Host, error) {
	h := &Host{
		cfg:     cfg,
		limits:  cfg.Limits.withDefaults(),
		log:     cfg.Logger,
		gate:    newGate(),
		links:   make(map[string]*Link),
		remotes: make(map[peer.ID]*remote),
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	if err := h.start(); err != nil {
		_ = h.Close() // the first error is the one that says why
		return nil, err
	}
	return h, nil
}

func (h *Host) start() error {
	key, err := privateKey(h.cfg.Key)
	if err != nil {
		return fmt.Errorf("p2p: device key: %w", err)
	}
	h.peer = h.cfg.Key.Public()
	if h.self, err = peer.IDFromPrivateKey(key); err != nil {
		return fmt.Errorf("p2p: device key: %w", err)
	}
	options, err := h.options(key)
	if err != nil {
		return err
	}
	if h.lib, err = libp2p.New(options...); err != nil {
		return fmt.Errorf("p2p: %w", err)
	}
	if err := h.listen(); err != nil {
		return err
	}
	if err := h.serveRelay(); err != nil {
		return fmt.Errorf("p2p: relay: %w", err)
	}
	if h.gossip, err = newGossip(h); err != nil {
		return fmt.Errorf("p2p: gossip: %w", err)
	}
	h.dials = newRedialer(h)
	changes, err := h.lib.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged),
		new(event.EvtPeerIdentificationCompleted),
		new(event.EvtPeerProtocolsUpdated),
	}, eventbus.BufSize(256))
	if err != nil {
		return fmt.Errorf("p2p: %w", err)
	}
	for _, proto := range streams {
		h.lib.SetStreamHandler(proto.wire(), func(s network.Stream) { h.inbound(proto, s) })
	}
	h.wg.Go(func() { h.watch(changes) })
	h.wg.Go(h.dials.run)
	return nil
}

// watch passes on that something about a peer changed. It never blocks: libp2p waits for it.
func (h *Host) watch(changes event.Subscription) {
	defer changes.Close()
	for {
		var id peer.ID
		select {
		case <-h.ctx.Done():
			return
		case e := <-changes.Out():
			switch e := e.(type) {
			case event.EvtPeerConnectednessChanged:
				id = e.Peer
				h.noticeConnection(id, e.Connectedness)
			case event.EvtPeerIdentificationCompleted:
				id = e.Peer
			case event.EvtPeerProtocolsUpdated:
				id = e.Peer
			default:
				continue
			}
		}
		for _, l := range h.allLinks() {
			l.touch(id)
		}
	}
}

func (h *Host) noticeConnection(id peer.ID, c network.Connectedness) {
	h.dials.changed(id, c)
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.remotes[id]; r != nil {
		r.gone = time.Time{}
		if c == network.NotConnected {
			r.gone = time.Now()
		}
	}
}

func (h *Host) allLinks() []*Link {
	h.mu.Lock()
	defer h.mu.Unlock()
	links := make([]*Link, 0, len(h.links))
	for _, l := range h.links {
		links = append(links, l)
	}
	return links
}

func (h *Host) link(name string) *Link {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.links[name]
}

// Self is this host's own key.
func (h *Host) Self() Peer { return h.peer }

// Libp2p is the host underneath, for discovery.
func (h *Host) Libp2p() host.Host { return h.lib }

// Addrs are the full addresses under which others may reach this host, each with /p2p/.
func (h *Host) Addrs() []string {
	var out []string
	for _, a := range h.lib.Addrs() {
		out = append(out, fullAddr(a, h.self))
	}
	return out
}

func fullAddr(a multiaddr.Multiaddr, id peer.ID) string { return a.String() + "/p2p/" + id.String() }

// ParseAddr takes a full address apart; see [ErrBadAddress].
func ParseAddr(addr string) (Peer, multiaddr.Multiaddr, error) {
	info, err := peer.AddrInfoFromString(addr)
	if err != nil || len(info.Addrs) != 1 {
		return Peer{}, nil, fmt.Errorf("%w: %q", ErrBadAddress, addr)
	}
	p, err := PeerOf(info.ID)
	return p, info.Addrs[0], err
}

// Connect dials a full address and returns when the peer answers and has proved its key.
func (h *Host) Connect(ctx context.Context, addr string) error {
	p, where, err := ParseAddr(addr)
	if err != nil {
		return err
	}
	if p == h.peer {
		return ErrSelf
	}
	id, err := PeerID(p)
	if err != nil {
		return err
	}
	return h.dials.dial(ctx, id, []multiaddr.Multiaddr{where})
}

// Keep redials a peer for ever whenever it is not connected, at once and then ever more slowly (5 s
// for some minutes, then 30 s), and never trims its connection. Addresses may be full or without
// /p2p/; those of another peer are left out. Calling it again adds addresses.
func (h *Host) Keep(p Peer, addrs ...string) error { return h.dials.want(p, addrs, true) }

// Unkeep ends [Host.Keep]. A connection stays while there is room for it.
func (h *Host) Unkeep(p Peer) { h.dials.unwant(p) }

// Introduce dials a peer once, if we know few, because somebody (a LAN, an address book) says that
// it is there. It is cheap to call again and again.
func (h *Host) Introduce(p Peer, addrs ...string) error { return h.dials.want(p, addrs, false) }

// Peers are all connected peers, of whatever room, in ascending order.
func (h *Host) Peers() []Peer {
	var out []Peer
	for _, id := range h.lib.Network().Peers() {
		if p, err := PeerOf(id); err == nil {
			out = append(out, p)
		}
	}
	return sorted(out)
}

// Disconnect closes all connections to a peer.
func (h *Host) Disconnect(p Peer) error {
	id, err := PeerID(p)
	if err != nil {
		return err
	}
	return h.lib.Network().ClosePeer(id)
}

// Close leaves all rooms and ends everything this host began. A room is not called after it.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.joining.Lock()
	defer h.joining.Unlock()
	for _, l := range h.allLinks() {
		l.Leave()
	}
	h.cancel()
	if h.relay != nil {
		_ = h.relay.Close() // it only ever returns nil
	}
	var err error
	if h.lib != nil {
		err = h.lib.Close()
	}
	h.wg.Wait()
	return err
}

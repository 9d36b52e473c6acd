package p2p

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// anywhere is what a host listens on when not told.
var anywhere = []string{
	"/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1",
	"/ip6/::/tcp/0", "/ip6/::/udp/0/quic-v1",
}

func (h *Host) options(key crypto.PrivKey) ([]libp2p.Option, error) {
	resources, err := h.resources()
	if err != nil {
		return nil, fmt.Errorf("p2p: resource limits: %w", err)
	}
	trimmer, err := connmgr.NewConnManager(h.limits.LowConns, h.limits.HighConns, connmgr.WithGracePeriod(connGrace))
	if err != nil {
		return nil, fmt.Errorf("p2p: connection limits: %w", err)
	}
	relays, err := relayInfos(h.cfg.Relays)
	if err != nil {
		return nil, err
	}
	options := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.NoListenAddrs, // listen does it, to say which address failed and why
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(quic.NewTransport),
		libp2p.UserAgent("coop/1"),
		libp2p.ConnectionGater(h.gate),
		libp2p.ConnectionManager(trimmer),
		libp2p.ResourceManager(resources),
		libp2p.EnableRelay(), // to be a client; being a relay is RelayFor
	}
	if h.cfg.Registerer != nil {
		options = append(options, libp2p.PrometheusRegisterer(h.cfg.Registerer))
	} else {
		options = append(options, libp2p.DisableMetrics())
	}
	if h.cfg.Reach {
		options = append(options, libp2p.NATPortMap(), libp2p.EnableNATService(), libp2p.EnableAutoNATv2(), libp2p.EnableHolePunching())
	}
	if len(relays) > 0 {
		options = append(options, libp2p.EnableAutoRelayWithStaticRelays(relays))
	}
	return append(options, h.cfg.more...), nil
}

func relayInfos(addrs []string) ([]peer.AddrInfo, error) {
	var out []peer.AddrInfo
	for _, a := range addrs {
		info, err := peer.AddrInfoFromString(a)
		if err != nil {
			return nil, fmt.Errorf("relay: %w: %q", ErrBadAddress, a)
		}
		out = append(out, *info)
	}
	return out, nil
}

// resources bounds what all peers, and each, may take of this computer. libp2p's own figures scale
// with its memory; ours are about how many.
func (h *Host) resources() (network.ResourceManager, error) {
	scaled := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaled)
	most := rcmgr.LimitVal(2 * h.limits.HighConns) // trimming takes a moment, and dials come twice
	limits := rcmgr.PartialLimitConfig{
		System:      rcmgr.ResourceLimits{Conns: 2 * most, ConnsInbound: most, ConnsOutbound: most},
		PeerDefault: rcmgr.ResourceLimits{Conns: connsPerPeer, ConnsInbound: connsPerPeer, ConnsOutbound: connsPerPeer, Streams: 2 * streamsPerPeer, StreamsInbound: streamsPerPeer, StreamsOutbound: streamsPerPeer},
	}.Build(scaled.AutoScale())
	local := int(most)
	v4 := []rcmgr.NetworkPrefixLimit{rcmgr.DefaultNetworkPrefixLimitV4[0]}
	for _, p := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} {
		v4 = append(v4, rcmgr.NetworkPrefixLimit{Network: netip.MustParsePrefix(p), ConnCount: local})
	}
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits),
		rcmgr.WithNetworkPrefixLimit(v4, nil),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: connsPerAddress}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: connsPerAddress}, {PrefixLength: 48, ConnCount: 8 * connsPerAddress}},
		))
}

func (h *Host) listen() error {
	wanted, chosen := h.cfg.Listen, h.cfg.Listen != nil
	if !chosen {
		wanted = anywhere
	}
	for _, s := range wanted {
		addr, err := multiaddr.NewMultiaddr(s)
		if err != nil {
			return &ListenError{Addr: s, Kind: ErrListen, Cause: err}
		}
		if !h.cfg.noPortTry {
			err = tryPort(addr)
		}
		if err == nil {
			err = h.lib.Network().Listen(addr)
		}
		// Without IPv6 on this computer the default still listens on IPv4.
		if err != nil && (chosen || len(h.lib.Network().ListenAddresses()) == 0) {
			return &ListenError{Addr: s, Kind: listenKind(err), Cause: err}
		}
	}
	return nil
}

// tryPort binds the port for a moment without SO_REUSEPORT. libp2p sets that option, so two daemons
// of one user would share a port without an error, and each would get half of the connections.
func tryPort(addr multiaddr.Multiaddr) error {
	network, address, err := manet.DialArgs(addr)
	if err != nil {
		return err
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
		l, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		return l.Close()
	case "udp", "udp4", "udp6":
		c, err := net.ListenPacket(network, address)
		if err != nil {
			return err
		}
		return c.Close()
	}
	return fmt.Errorf("no transport for %s", addr)
}

func listenKind(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return ErrPortTaken
	}
	return ErrListen
}

func (h *Host) serveRelay() error {
	if h.cfg.RelayFor == nil {
		return nil
	}
	service, err := relay.New(h.lib, relay.WithInfiniteLimits(), relay.WithACL(relayACL(h.cfg.RelayFor)))
	if err != nil {
		return err
	}
	h.relay = service
	return nil
}

// relayACL admits peers to the relay: both ends must be admitted.
type relayACL func(Peer) bool

// AllowReserve says whether a peer may be reached through us.
func (a relayACL) AllowReserve(id peer.ID, _ multiaddr.Multiaddr) bool { return a.admits(id) }

// AllowConnect says whether src may reach dst through us.
func (a relayACL) AllowConnect(src peer.ID, _ multiaddr.Multiaddr, dst peer.ID) bool {
	return a.admits(src) && a.admits(dst)
}

func (a relayACL) admits(id peer.ID) bool {
	p, err := PeerOf(id)
	return err == nil && a(p)
}

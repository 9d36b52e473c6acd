package daemon

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/p2p"
)

// DefaultPort is where a new home listens, unless it is taken: then the next free one is chosen,
// kept and told.
const DefaultPort = 4178

// everywhere is where a host listens unless the home says otherwise.
var everywhere = []string{"/ip4/0.0.0.0/tcp/{port}", "/ip4/0.0.0.0/udp/{port}/quic-v1", "/ip6/::/tcp/{port}", "/ip6/::/udp/{port}/quic-v1"}

// Loopback is where a host listens that speaks with this computer alone.
var Loopback = []string{"/ip4/127.0.0.1/tcp/{port}", "/ip4/127.0.0.1/udp/{port}/quic-v1"}

// listen starts the network on the home's port, or on the next free one, which it keeps.
func (d *Daemon) listen() error {
	c := &d.home.Config
	wanted, first := c.Port, c.Port
	if first == 0 {
		free, err := freePort()
		if err != nil {
			return err
		}
		first = free
	}
	for port := first; port < first+maxPorts && port < 1<<16; port++ {
		host, err := d.newHost(port)
		if errors.Is(err, p2p.ErrPortTaken) {
			continue
		}
		if err != nil {
			return &home.Problem{Code: CodePort, What: "cannot take part in the network", Why: err.Error(), Err: err,
				Next: "check \"listen\" in " + d.home.Paths.ConfigFile() + ", then: coop up"}
		}
		d.host = host
		if port == wanted {
			return nil
		}
		if wanted != 0 {
			d.portNote = fmt.Sprintf("port %d is used by another program; this home now uses port %d and will keep it", wanted, port)
			d.say("%s", d.portNote)
		}
		c.Port = port
		return d.home.SaveConfig()
	}
	return &home.Problem{Code: CodePort, What: fmt.Sprintf("no free port from %d to %d", first, first+maxPorts-1),
		Why: "other programs use all of them", Next: "choose another: coop up --port NUMBER"}
}

func (d *Daemon) newHost(port int) (*p2p.Host, error) {
	addrs := d.home.Config.Listen
	chosen := len(addrs) > 0
	if !chosen {
		addrs = everywhere
	}
	var listen []string
	for _, a := range addrs {
		if !chosen && strings.HasPrefix(a, "/ip6/") && !hasIPv6() {
			continue
		}
		listen = append(listen, strings.ReplaceAll(a, "{port}", strconv.Itoa(port)))
	}
	config := p2p.Config{Key: d.key, Listen: listen, Logger: d.log, Reach: !d.home.Config.Quiet, Dialed: d.book.Tried}
	if d.home.Config.Relay {
		config.RelayFor = d.isMember
	}
	return p2p.New(config)
}

// isMember tells whether a peer is a device of one of our cooperatives: for them we relay.
func (d *Daemon) isMember(p p2p.Peer) bool {
	for _, r := range d.all() {
		if r.knows(p) {
			return true
		}
	}
	return false
}

// freePort asks the operating system for a port that is free for TCP and QUIC.
func freePort() (int, error) {
	for range maxPorts {
		tcp, err := net.Listen("tcp", "0.0.0.0:0")
		if err != nil {
			return 0, fmt.Errorf("no port is free: %w", err)
		}
		port := tcp.Addr().(*net.TCPAddr).Port
		udp, err := net.ListenPacket("udp", fmt.Sprintf("0.0.0.0:%d", port))
		tcp.Close()
		if err == nil {
			udp.Close()
			return port, nil
		}
	}
	return 0, errors.New("no port is free for TCP and QUIC")
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

package daemon

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/discovery"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/p2p"
)

// peersProtocol tells a member's device where the other members' devices are: the question is the
// cooperative's id, 32 bytes, the answer a CBOR array of keys with addresses. A link leads to one
// computer; this leads on to the others, so that the cooperative goes on when the first is gone.
// Nothing is believed: an address costs a dial, and who answers there proves who they are.
const peersProtocol protocol.ID = "/coop/peers/1"

const (
	maxTold       = 32        // peers in one answer
	maxTelling    = 256 << 10 // bytes of one answer
	askPeersEvery = time.Minute
	maxMet        = 64 // peers that wait to be asked
)

// servePeers answers members.
func (d *Daemon) servePeers() {
	d.answers(peersProtocol, func(r *room, asking network.Conn) []byte {
		from, err := p2p.PeerOf(asking.RemotePeer())
		if err != nil || !r.knows(from) {
			return nil
		}
		answer, err := event.Marshal(r.neighbours(from, asking.RemoteMultiaddr()))
		if err != nil {
			return nil
		}
		return answer
	})
}

// neighbours are those who are there, with the addresses that may be of use to who asks.
func (r *room) neighbours(asking p2p.Peer, at multiaddr.Multiaddr) []linkPeer {
	all := []linkPeer{}
	for _, p := range r.peers() {
		id, err := p2p.PeerID(p)
		if err != nil || p == asking || len(all) == maxTold {
			continue
		}
		told := linkPeer{Key: p[:]}
		for _, a := range r.d.host.Libp2p().Peerstore().Addrs(id) {
			if len(told.Addrs) < discovery.MaxAddrs && len(a.Bytes()) <= maxLinkAddr && (!manet.IsIPLoopback(a) || manet.IsIPLoopback(at)) {
				told.Addrs = append(told.Addrs, a.Bytes())
			}
		}
		if len(told.Addrs) > 0 {
			all = append(all, told)
		}
	}
	return all
}

// gather asks everybody who comes up, and now and then somebody who is there, where the others are.
// It ends with ctx.
func (r *room) gather(ctx context.Context, met <-chan p2p.Peer) {
	tick := time.NewTicker(askPeersEvery)
	defer tick.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case p := <-met:
			r.askPeers(ctx, p)
		case <-tick.C:
			if there := r.peers(); len(there) > 0 {
				r.askPeers(ctx, there[turn%len(there)])
			}
		}
	}
}

func (r *room) askPeers(ctx context.Context, p p2p.Peer) {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	told, err := r.d.fetchNeighbours(ctx, r.id, p)
	if err != nil {
		r.log.Debug("a peer did not say where the others are", "peer", p.Short(), "why", err)
		return
	}
	view, err := r.view(ctx)
	if err != nil {
		return // the node has ended, and says why
	}
	if view.State.Hall.Devices.Has(p) {
		r.d.book.Found(p, r.d.listening(p))
	}
	for _, t := range told {
		if len(t.Key) != 32 {
			continue
		}
		key := p2p.Peer(t.Key)
		if addrs := t.texts(); key != r.d.home.Device && view.State.Hall.Devices.Has(key) && len(addrs) > 0 {
			r.d.introduce(key, coop.Seat(view.State, key) >= 0, addrs)
		}
	}
}

// listening is where a peer says that it listens.
func (d *Daemon) listening(p p2p.Peer) (addrs []string) {
	if id, err := p2p.PeerID(p); err == nil {
		for _, a := range d.host.Libp2p().Peerstore().Addrs(id) {
			addrs = append(addrs, a.String())
		}
	}
	return addrs
}

// texts are the addresses that are some.
func (t *linkPeer) texts() []string {
	var addrs []string
	for _, b := range t.Addrs[:min(len(t.Addrs), discovery.MaxAddrs)] {
		if a, err := multiaddr.NewMultiaddrBytes(b); err == nil {
			addrs = append(addrs, a.String())
		}
	}
	return addrs
}

func (d *Daemon) fetchNeighbours(ctx context.Context, id event.ID, p p2p.Peer) ([]linkPeer, error) {
	text, err := d.ask(ctx, peersProtocol, p, id, maxTelling)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	var told []linkPeer
	if err := event.Unmarshal(text, &told); err != nil {
		return nil, err
	}
	return told[:min(len(told), maxTold)], nil
}

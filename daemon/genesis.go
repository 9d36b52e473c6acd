package daemon

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/p2p"
)

// genesisProtocol gives the founding event of a cooperative to whoever knows its id: the question is
// the id, 32 bytes, the answer the envelope, or nothing. Everything else about a cooperative begins
// with this event, so a newcomer needs it before there is a room to enter. Nothing is believed: the
// id is the hash of what comes back.
const genesisProtocol protocol.ID = "/coop/genesis/1"

// serveGenesis answers newcomers.
func (d *Daemon) serveGenesis() {
	d.answers(genesisProtocol, func(r *room, _ network.Conn) []byte { return r.genesis.Raw })
}

// attempt is what became of asking at an address.
type attempt struct {
	addr    string
	genesis *event.Event
	err     error // nil without an event: whoever is there doesn't have it
}

// fetchGenesis asks whoever is at the addresses, all at once, again and again until ctx ends.
func (d *Daemon) fetchGenesis(ctx context.Context, id event.ID, addrs []string) (*event.Event, error) {
	for pause := 200 * time.Millisecond; ; pause *= 2 {
		tried := d.askAll(ctx, id, addrs)
		for _, t := range tried {
			if t.genesis != nil {
				return t.genesis, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, noNetwork(id, tried)
		case <-time.After(pause):
		}
		if len(addrs) == 0 {
			return nil, noNetwork(id, tried)
		}
	}
}

// askAll asks at every address and returns when one had an answer, or all have failed.
func (d *Daemon) askAll(ctx context.Context, id event.ID, addrs []string) []attempt {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan attempt, len(addrs))
	for _, addr := range addrs {
		go func() {
			genesis, err := d.askGenesis(ctx, id, addr)
			answers <- attempt{addr, genesis, err}
		}()
	}
	var tried []attempt
	for range addrs {
		a := <-answers
		tried = append(tried, a)
		if a.genesis != nil {
			cancel() // the others end soon, and are waited for
		}
	}
	return tried
}

// askGenesis asks one peer. Neither event nor error means that it does not have it.
func (d *Daemon) askGenesis(ctx context.Context, id event.ID, addr string) (*event.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	p, _, err := p2p.ParseAddr(addr)
	if err != nil {
		return nil, err
	}
	if err := d.host.Connect(ctx, addr); err != nil {
		return nil, err
	}
	raw, err := d.ask(ctx, genesisProtocol, p, id, event.MaxEnvelope)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	genesis, err := event.Open(raw)
	if err != nil || genesis.ID != id {
		return nil, err
	}
	return genesis, nil
}

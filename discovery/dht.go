package discovery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/discovery/routing"
)

const (
	dhtPause = 5 * time.Minute // between two searches
	dhtRetry = 10 * time.Second
	dhtLook  = time.Second // between two looks whether anybody is there to ask
	dhtRound = time.Minute // for one announcement and search
	dhtMost  = 256         // peers taken from one search
)

var errNobody = errors.New("no other peer of this cooperative that keeps the table is connected; the first one comes from an invite")

// DHT finds peers of one cooperative through those already connected. It is for cooperatives too
// large for everybody to know everybody; small ones do without.
type DHT struct {
	table *dht.IpfsDHT
	seek  *routing.RoutingDiscovery
	self  host.Host
	topic string
	found Found

	mu    sync.Mutex
	state State
}

// NewDHT makes the source, which answers others from now on; Run searches, and must be called, for
// it also closes. Peers behind a router that nobody can dial only ask.
func NewDHT(h host.Host, network string, found Found) (*DHT, error) {
	name := tag(network)
	table, err := dht.New(h,
		dht.ProtocolPrefix(protocol.ID("/coop/"+name)),
		dht.Mode(dht.ModeAutoServer),
		dht.DisableValues(), // only who is there, nothing stored for anybody
	)
	if err != nil {
		return nil, fmt.Errorf("discovery: dht: %w", err)
	}
	return &DHT{
		table: table,
		seek:  routing.NewRoutingDiscovery(table),
		self:  h,
		topic: "coop/" + name,
		found: found,
		state: State{Source: "dht", Note: "not searched yet"},
	}, nil
}

// State says how it is doing.
func (d *DHT) State() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// Run announces and searches until ctx ends, then closes; its error is that of closing, or ctx's.
func (d *DHT) Run(ctx context.Context) error {
	var announce time.Time // when next
	for {
		pause := dhtPause
		err := d.round(ctx, &announce)
		d.note(err)
		switch {
		case errors.Is(err, errNobody):
			pause = dhtLook // it costs no message
		case err != nil:
			pause = dhtRetry
		}
		select {
		case <-ctx.Done():
			if err := d.table.Close(); err != nil {
				return fmt.Errorf("discovery: dht: %w", err)
			}
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (d *DHT) round(ctx context.Context, announce *time.Time) error {
	if d.table.RoutingTable().Size() == 0 {
		return errNobody
	}
	ctx, cancel := context.WithTimeout(ctx, dhtRound)
	defer cancel()
	if time.Now().After(*announce) {
		ttl, err := d.seek.Advertise(ctx, d.topic)
		if err != nil {
			return err
		}
		*announce = time.Now().Add(ttl)
	}
	return d.search(ctx)
}

func (d *DHT) search(ctx context.Context) error {
	peers, err := d.seek.FindPeers(ctx, d.topic)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		info, more := <-peers
		if !more {
			return nil
		}
		if info.ID == d.self.ID() || n >= dhtMost || !tell(d.found, info) {
			continue // the channel is read to its end, or its writer would wait for ever
		}
		d.mu.Lock()
		d.state.Heard++
		d.state.Last = time.Now()
		d.mu.Unlock()
	}
}

func (d *DHT) note(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.Working, d.state.Note = err == nil, ""
	switch {
	case errors.Is(err, errNobody):
		d.state.Note = err.Error()
	case err != nil:
		d.state.Note = "the last search failed, and is tried again: " + err.Error()
	}
}

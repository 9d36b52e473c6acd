package daemon

import (
	"context"

	"github.com/sustainy/coop/discovery"
	"github.com/sustainy/coop/p2p"
)

// runBook opens the address book and saves it from time to time until the daemon closes. A damaged
// one was set aside, and told.
func (d *Daemon) runBook() {
	book, err := discovery.OpenBook(d.home.Paths.PeersFile())
	if err != nil {
		d.log.Warn("address book", "why", err)
	}
	d.book = book
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- book.Run(ctx) }()
	d.closeBook = func() error {
		cancel()
		return <-ended
	}
}

// keep keeps a peer within reach if it is known where it is.
func (d *Daemon) keep(p p2p.Peer) {
	addrs := d.book.Addrs(p)
	if p == d.home.Device || len(addrs) == 0 {
		return
	}
	if err := d.host.Keep(p, addrs...); err != nil {
		d.log.Warn("cannot keep a peer", "peer", p.Short(), "why", err)
	}
}

// keepBook keeps everybody in the address book: who was reachable once is reachable again.
func (d *Daemon) keepBook() {
	for _, e := range d.book.Entries()[:min(len(d.book.Entries()), p2p.MaxKept)] {
		d.keep(e.Peer)
	}
}

// meetAt keeps whoever is at a full address.
func (d *Daemon) meetAt(addr string) error {
	p, _, err := p2p.ParseAddr(addr)
	if err != nil || p == d.home.Device {
		return err
	}
	d.book.Found(p, []string{addr})
	return d.host.Keep(p, addr)
}

// introduce lets the network find a member: a steward is kept within reach, another met if we know
// few.
func (d *Daemon) introduce(p p2p.Peer, steward bool, addrs []string) {
	d.book.Found(p, addrs)
	meet := d.host.Introduce
	if steward {
		meet = d.host.Keep
	}
	if err := meet(p, addrs...); err != nil {
		d.log.Debug("a peer cannot be met", "peer", p.Short(), "why", err)
	}
}

// announce says on the local network that this peer takes part, and meets who else says so, until ctx
// ends. A quiet home does neither.
func (r *room) announce(ctx context.Context) {
	if r.d.home.Config.Quiet {
		return
	}
	lan := discovery.NewLAN(r.d.host.Libp2p(), r.id.String(), func(p p2p.Peer, addrs []string) { r.d.introduce(p, false, addrs) })
	r.mu.Lock()
	r.lan = lan
	r.mu.Unlock()
	if err := lan.Run(ctx); err != nil && ctx.Err() == nil {
		r.log.Warn("local network", "why", err)
	}
}

// roam finds members through the tables that members keep for each other, until ctx ends, where the
// home wants that.
func (r *room) roam(ctx context.Context) {
	if !r.d.home.Config.DHT {
		return
	}
	table, err := discovery.NewDHT(r.d.host.Libp2p(), r.id.String(), func(p p2p.Peer, addrs []string) { r.d.introduce(p, false, addrs) })
	if err != nil {
		r.log.Warn("no DHT", "why", err)
		return
	}
	r.mu.Lock()
	r.dht = table
	r.mu.Unlock()
	if err := table.Run(ctx); err != nil && ctx.Err() == nil {
		r.log.Warn("DHT", "why", err)
	}
}

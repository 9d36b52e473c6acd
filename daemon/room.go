package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sustainy/coop/content"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/badgerdb"
	"github.com/sustainy/coop/discovery"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
)

// room is one cooperative at work in this daemon: a node over a store, behind a guard, in a room of
// the network. One goroutine opens, runs and closes all four; the others only look.
type room struct {
	d       *Daemon
	id      event.ID
	genesis *event.Event
	log     *slog.Logger
	cancel  context.CancelFunc
	opened  chan struct{} // closed when it works, or can't
	done    chan struct{} // closed when everything is closed

	replayed, total atomic.Uint64 // of the replay under way

	files   *content.Store // nil where it cannot be had
	fetches fetches
	shelf   *shelf // nil where it cannot be had
	ahead   atomic.Pointer[ahead]
	root    rooted

	mu      sync.RWMutex
	node    *node.Node     // nil while nothing can be asked
	store   crdt.Store     // nil while nothing can be read
	link    *p2p.Link      // nil while not in the network
	lan     *discovery.LAN // nil where nobody is looked for on the local network
	dht     *discovery.DHT // nil where the home keeps no table
	problem *home.Problem  // why it doesn't work
}

// startRoom brings a cooperative of the home to work.
func (d *Daemon) startRoom(genesis *event.Event) *room {
	ctx, cancel := context.WithCancel(context.Background())
	r := &room{d: d, id: genesis.ID, genesis: genesis, log: d.log.With("coop", genesis.ID.Short()), cancel: cancel,
		opened: make(chan struct{}), done: make(chan struct{})}
	var err error
	if r.files, err = content.Open(d.home.Paths.FilesDir(r.id)); err != nil {
		r.log.Error("no files can be kept", "why", err)
	}
	if shelf, err := openShelf(d.home.Paths.SnapshotsDir(r.id)); err != nil {
		r.log.Error("no certified states can be kept", "why", err)
	} else {
		r.shelf = shelf
	}
	go r.run(ctx)
	return r
}

// stop ends a room and waits until its files are closed.
func (r *room) stop() {
	r.cancel()
	<-r.done
}

// run works until ctx ends. A full disk is waited out; any other fault leaves only reading.
func (r *room) run(ctx context.Context) {
	defer close(r.done)
	for {
		err := r.work(ctx)
		if ctx.Err() != nil {
			r.ready(nil)
			return
		}
		switch {
		case errors.Is(err, crdt.ErrDiskFull):
			r.log.Info("there is space again, going on")
		default:
			r.ready(trouble(err))
			<-ctx.Done()
			return
		}
	}
}

// ready says that the room works (nil), or why not.
func (r *room) ready(p *home.Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem = p
	select {
	case <-r.opened:
	default:
		close(r.opened)
	}
}

// work opens the store, takes part until a fault or the end of ctx, and after a fault goes on
// showing what is there. It returns the fault.
func (r *room) work(ctx context.Context) error {
	guard, err := home.OpenGuard(r.d.home.Paths, r.id, r.d.home.Device)
	if err != nil {
		return err
	}
	defer guard.Close()
	store, err := badgerdb.Open(r.d.home.Paths.StoreDir(r.id), r.d.storeOptions())
	if err != nil {
		return err
	}
	defer store.Close()
	r.mu.Lock()
	r.store = store
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.store = nil
		r.mu.Unlock()
	}()
	fault := r.takePart(ctx, guard, store)
	if ctx.Err() != nil || fault == nil {
		return fault
	}
	r.log.Error("this cooperative stopped here", "why", fault)
	r.ready(trouble(fault))
	r.onlyRead(ctx, store, fault)
	return fault
}

// takePart runs a node with guard and network until ctx ends or it fails.
func (r *room) takePart(ctx context.Context, guard *home.Guard, store *badgerdb.DB) error {
	observer := ""
	if p := r.d.observer; p != nil {
		observer = p.Error()
	} else if p := guard.Observer(); p != nil {
		observer = p.Error()
	}
	net, turned := &outlet{log: r.log, withhold: &r.d.withhold}, make(chan struct{}, 1)
	keys, err := home.OpenRoundKeys(r.d.home.Paths, r.id, r.d.key)
	if err != nil {
		r.log.Error("this device orders nothing as a steward", "why", err)
		keys = nil
	}
	pin, err := r.pin()
	if err != nil {
		return err
	}
	n, err := node.Open(node.Options{Genesis: r.genesis, Key: r.d.key, Observer: observer, Signed: node.Mark(guard.Marks()), Pin: pin,
		Keys: roundKeys(keys), Store: store, Net: net, Clock: &r.d.clock, Guard: marker{guard}, Log: r.log, Progress: r.progress,
		Turned: func() { signal(turned) }})
	if err != nil {
		return err
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- n.Run(run) }()
	if _, err := n.Status(run); err != nil { // its first turn, in which it compares store and guard
		return <-ended
	}
	met := make(chan p2p.Peer, maxMet)
	entrance := &door{node: n, met: met}
	link, err := r.d.host.Join(r.id.String(), entrance)
	if err != nil {
		cancel()
		return errors.Join(err, <-ended)
	}
	net.link.Store(link)
	entrance.unlock()
	r.show(n, link)
	var beside sync.WaitGroup
	defer func() {
		cancel()
		beside.Wait()
		link.Leave()
		r.show(nil, nil)
	}()
	r.meet(n, link)
	for _, task := range []func(context.Context){
		func(ctx context.Context) { r.gather(ctx, met) }, r.announce, r.roam,
		func(ctx context.Context) { r.giveBack(ctx, n, store) },
		func(ctx context.Context) { r.lookAhead(ctx, n) },
		func(ctx context.Context) { r.turn(ctx, turned, n, link) },
	} {
		beside.Go(func() { task(run) })
	}
	r.ready(nil)
	return <-ended
}

// pin is what the invite vouches for by which this home came here; nil if it came without.
func (r *room) pin() (*node.Pin, error) {
	raw, err := r.d.home.Pin(r.id)
	if err != nil || raw == nil {
		return nil, err
	}
	return node.OpenPin(raw)
}

// roundKeys are none rather than an interface around nothing.
func roundKeys(keys *home.RoundKeys) node.Keys {
	if keys == nil {
		return nil
	}
	return keys
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default: // it is on its way
	}
}

// turn meets the stewards of each epoch.
func (r *room) turn(ctx context.Context, turned <-chan struct{}, n *node.Node, link *p2p.Link) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-turned:
			r.meet(n, link)
		}
	}
}

// show makes node and link reachable for those who ask.
func (r *room) show(n *node.Node, l *p2p.Link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.node, r.link = n, l
}

func (r *room) progress(done, total uint64) {
	r.replayed.Store(done)
	r.total.Store(total)
}

// meet listens to the stewards' rounds unless we are one (they send them to each other), and keeps
// the stewards within reach.
func (r *room) meet(n *node.Node, link *p2p.Link) {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	view, err := n.View(ctx)
	if err != nil {
		return // the node has ended, and says why
	}
	if err := link.HearRounds(view.Steward < 0); err != nil {
		r.log.Warn("cannot listen to rounds", "why", err)
	}
	for _, steward := range coop.StewardDevices(view.State) {
		r.d.keep(steward)
	}
}

// onlyRead answers questions from what is on disk, signs nothing, hears nobody, and returns when ctx
// ends or, if a full disk was the fault, when there is space again.
func (r *room) onlyRead(ctx context.Context, store crdt.Store, fault error) {
	n, err := node.Open(node.Options{Genesis: r.genesis, Key: r.d.key, Observer: trouble(fault).Error(), Store: store,
		Net: &outlet{log: r.log, withhold: &r.d.withhold}, Clock: &r.d.clock, Guard: refusal{fault}, Log: r.log, Progress: r.progress})
	if err != nil {
		r.log.Error("it cannot be read either", "why", err)
		<-ctx.Done()
		return
	}
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(run) }()
	r.show(n, nil)
	defer func() {
		r.show(nil, nil)
		cancel()
		if err := <-ended; err != nil {
			r.log.Error("reading ended", "why", err)
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(recheckDisk):
		}
		if errors.Is(fault, crdt.ErrDiskFull) && r.d.hasSpace(r.id) {
			return
		}
	}
}

// ask gives the node to whoever asks, or says why there is none.
func (r *room) ask() (*node.Node, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.node != nil {
		return r.node, nil
	}
	if r.problem != nil {
		return nil, r.problem
	}
	return nil, &home.Problem{Code: CodeStopped, What: "this cooperative is still being read from disk",
		Why: fmt.Sprintf("%d of %d are done", r.replayed.Load(), r.total.Load()), Next: "try again in a moment"}
}

// write gives the node to whoever wants to add something: it must not only be readable.
func (r *room) write() (*node.Node, error) {
	n, err := r.ask()
	if err != nil {
		return nil, err
	}
	if p := r.trouble(); p != nil {
		return nil, p
	}
	return n, nil
}

// reader is the node of the cooperative that a request names, for who only looks.
func (d *Daemon) reader(req *http.Request) (*node.Node, error) {
	r, err := d.room(req.PathValue("coop"))
	if err != nil {
		return nil, err
	}
	return r.ask()
}

// writer is the node of the cooperative that a request names, for who adds something.
func (d *Daemon) writer(req *http.Request) (*node.Node, error) {
	r, err := d.room(req.PathValue("coop"))
	if err != nil {
		return nil, err
	}
	return r.write()
}

// read calls f with the store while it is open.
func (r *room) read(f func(crdt.Store) error) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.store == nil {
		if r.problem != nil {
			return r.problem
		}
		return &home.Problem{Code: CodeStopped, What: "this cooperative's data is not open", Next: "try again in a moment"}
	}
	return f(r.store)
}

func (r *room) trouble() *home.Problem {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.problem
}

// marker lets a node use the home's guard.
type marker struct{ guard *home.Guard }

// Mark raises the guard's marks.
func (m marker) Mark(mark node.Mark) error { return m.guard.Mark(home.Mark(mark)) }

// Silence ends signing for good, because somebody else has the key.
func (m marker) Silence(why string) error { return m.guard.Silence(why) }

// refusal is the guard of a node that only reads.
type refusal struct{ fault error }

// Mark refuses.
func (f refusal) Mark(node.Mark) error { return f.fault }

// Silence has nothing to do: nothing is signed.
func (f refusal) Silence(string) error { return nil }

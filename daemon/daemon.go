package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sustainy/coop/discovery"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/p2p"
)

// Version is what this program calls itself; the linker sets it for a release.
var Version = "dev"

// Options are what a daemon is made of.
type Options struct {
	Home    *home.Home   // open: the daemon closes it
	Key     identity.Key // the home's, unlocked
	Testnet bool         // let whoever may use the socket cut peers off and move the clock
	Log     *slog.Logger
	// FreeSpace tells how many bytes can still be written below a directory; nil asks the operating system.
	FreeSpace func(dir string) (uint64, error)
	// PieceTimeout is how long a peer may take to hand out a piece of a file; 0 stands for half a minute.
	PieceTimeout time.Duration
	// AheadEvents is how many events of history a home must lack to show a certified state meanwhile; 0 stands for 10,000.
	AheadEvents uint64
	Say         func(format string, args ...any) // tells the person who started it what happens
}

// Daemon is one peer at work. All methods may be called from any goroutine.
type Daemon struct {
	home         *home.Home
	key          identity.Key
	testnet      bool
	log          *slog.Logger
	say          func(string, ...any)
	clock        clock
	freeSpace    func(dir string) (uint64, error)
	pieceTimeout time.Duration
	aheadEvents  uint64
	withhold     atomic.Bool // see outlet
	host         *p2p.Host
	book         *discovery.Book
	closeBook    func() error
	observer     *home.Problem // why this device signs nowhere, nil if it may
	started      time.Time
	portNote     string // told when the saved port was taken
	stop         chan struct{}
	stopOnce     sync.Once

	changing sync.Mutex // held while a cooperative is founded, joined or left
	mu       sync.RWMutex
	rooms    map[event.ID]*room
}

// Open starts the network and brings every cooperative of the home to work; it returns before they
// have read their data. The home is closed when it fails.
func Open(o Options) (*Daemon, error) {
	d := &Daemon{home: o.Home, key: o.Key, testnet: o.Testnet, log: o.Log, say: o.Say, started: time.Now(), freeSpace: o.FreeSpace, pieceTimeout: cmp.Or(o.PieceTimeout, pieceTimeout), aheadEvents: cmp.Or(o.AheadEvents, aheadEvents),
		stop: make(chan struct{}), rooms: map[event.ID]*room{}}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.freeSpace == nil {
		d.freeSpace = home.FreeSpace
	}
	if d.say == nil {
		d.say = func(string, ...any) {}
	}
	if err := d.start(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Daemon) start() error {
	guard, err := home.OpenGuard(d.home.Paths, event.ID{}, d.home.Device)
	if err != nil {
		return err
	}
	d.observer = guard.Observer()
	if err := guard.Close(); err != nil {
		return err
	}
	coops, err := d.home.Coops()
	if err != nil {
		return err
	}
	var founded []*event.Event
	for _, id := range coops {
		genesis, err := d.home.Genesis(id)
		if err != nil {
			return err
		}
		founded = append(founded, genesis)
	}
	d.runBook()
	if err := d.listen(); err != nil {
		return err
	}
	d.serveGenesis()
	d.servePeers()
	d.serveFiles()
	d.serveSnapshots()
	d.keepBook()
	for _, genesis := range founded {
		d.rooms[genesis.ID] = d.startRoom(genesis)
	}
	return nil
}

// Run answers on the socket until ctx ends or somebody asks the daemon to stop.
func (d *Daemon) Run(ctx context.Context) error {
	listener, err := d.listenSocket()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: d.routes(), ReadHeaderTimeout: startPatience, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
	case <-ctx.Done():
	case <-d.stop:
	}
	grace, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close() // whoever still asks is cut off
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// listenSocket opens the socket for this user alone. One that a killed daemon left is replaced: we
// hold the home's lock, so nobody uses it.
func (d *Daemon) listenSocket() (net.Listener, error) {
	path := d.home.Paths.Socket()
	if err := d.home.Paths.SocketDir(); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot replace the old socket: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, &home.Problem{Code: home.CodeDisk, What: "cannot listen on the socket " + path, Why: err.Error(), Next: "check the permissions of its directory, then: coop up", Err: err}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("cannot close the socket to others: %w", err)
	}
	return listener, nil
}

// Ready waits until every cooperative works or has said why it can't, and tells how far they are.
func (d *Daemon) Ready(ctx context.Context, tell func(coop event.ID, done, total uint64)) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for _, r := range d.all() {
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-r.opened:
				waiting = false
			case <-tick.C:
				if tell != nil {
					tell(r.id, r.replayed.Load(), r.total.Load())
				}
			}
		}
	}
	return nil
}

// Stop makes Run return.
func (d *Daemon) Stop() { d.stopOnce.Do(func() { close(d.stop) }) }

// Close ends everything and gives the home back.
func (d *Daemon) Close() error {
	d.changing.Lock()
	defer d.changing.Unlock()
	var wait sync.WaitGroup
	for _, r := range d.all() {
		wait.Go(r.stop)
	}
	wait.Wait()
	var errs []error
	if d.host != nil {
		errs = append(errs, d.host.Close())
	}
	if d.closeBook != nil {
		errs = append(errs, d.closeBook())
	}
	return errors.Join(append(errs, d.home.Close())...)
}

// all are the rooms in the order of their ids.
func (d *Daemon) all() []*room {
	d.mu.RLock()
	defer d.mu.RUnlock()
	rooms := make([]*room, 0, len(d.rooms))
	for _, r := range d.rooms {
		rooms = append(rooms, r)
	}
	sortRooms(rooms)
	return rooms
}

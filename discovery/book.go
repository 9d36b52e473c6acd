package discovery

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// Bounds of a book, on disk and in memory.
const (
	MaxPeers   = 1024
	MaxAddrs   = 8         // per peer
	MaxAddrLen = 256       // bytes of one address as text
	maxError   = 256       // bytes of why an address failed
	maxFile    = 8 << 20   // bytes of the file
	maxTries   = 1_000_000 // failures counted
	saveAfter  = 5 * time.Second
)

// ErrDamagedBook says that the file could not be read. The book begins anew and the file is set
// aside; nothing is lost that peers will not tell again.
var ErrDamagedBook = errors.New("the address book could not be read and was begun anew; peers will be found again, or add one with an invite")

// Book is the address book: which peer was found where, and what became of trying. It is a
// convenience and no authority. All methods may be called from any goroutine.
type Book struct {
	path string

	mu      sync.Mutex
	entries map[Peer][]Place // best first
	dirty   bool
	changed chan struct{}
	now     func() time.Time
}

// Place is one address of a peer, without /p2p/ at its end. A zero time means never.
type Place struct {
	Addr     string    `json:"addr"`
	Found    time.Time `json:"found"`              // last heard of
	Worked   time.Time `json:"worked,omitzero"`    // last connected to
	Failed   time.Time `json:"failed,omitzero"`    // last tried in vain
	Failures int       `json:"failures,omitempty"` // in a row
	Error    string    `json:"error,omitempty"`    // of the last failure, until it works again
}

// Entry is one peer of the book, its addresses best first.
type Entry struct {
	Peer   Peer    `json:"peer"`
	Places []Place `json:"places"`
}

// OpenBook reads the book at path; none is an empty one. With [ErrDamagedBook] the book is usable.
func OpenBook(path string) (*Book, error) {
	b := &Book{path: path, entries: make(map[Peer][]Place), changed: make(chan struct{}, 1), now: time.Now}
	text, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = b.load(text)
	}
	if err == nil {
		return b, nil
	}
	if moved := os.Rename(path, path+".damaged"); moved != nil {
		err = errors.Join(err, moved)
	}
	return b, fmt.Errorf("%w (%w)", ErrDamagedBook, err)
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

// load takes what a file says; keys that are no peer's and addresses that are none are left out.
func (b *Book) load(text []byte) error {
	var list []Entry
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	for _, e := range list {
		if e.Peer.Check() != nil {
			continue
		}
		for _, p := range e.Places {
			addr, ok := bare(e.Peer, p.Addr)
			if !ok {
				continue
			}
			p.Addr, p.Error = addr, shortened(p.Error)
			p.Failures = min(max(p.Failures, 0), maxTries)
			b.put(e.Peer, p)
		}
	}
	b.dirty = false
	return nil
}

// bare checks an address of a peer and takes /p2p/ from its end. An address of somebody else is none.
func bare(p Peer, addr string) (string, bool) {
	if len(addr) > MaxAddrLen {
		return "", false
	}
	a, err := multiaddr.NewMultiaddr(addr)
	if err != nil {
		return "", false
	}
	where, id := peer.SplitAddr(a)
	if len(where) == 0 {
		return "", false
	}
	if id != "" {
		if whose, err := peerOf(id); err != nil || whose != p {
			return "", false
		}
	}
	return where.String(), true
}

// Found merges addresses of a peer, with or without /p2p/ at the end.
func (b *Book) Found(p Peer, addrs []string) {
	if p.Check() != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range addrs {
		addr, ok := bare(p, s)
		if !ok {
			continue
		}
		place := b.place(p, addr)
		place.Found = b.now().UTC()
		b.put(p, place)
	}
}

// Tried notes what became of dialling an address: it fits p2p.Config.Dialed. An address that worked
// is kept even if nobody found it before; one that failed must be known.
func (b *Book) Tried(p Peer, addr string, err error) {
	addr, ok := bare(p, addr)
	if !ok || p.Check() != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	place, now := b.place(p, addr), b.now().UTC()
	switch {
	case err == nil:
		place.Worked, place.Found, place.Failures, place.Error = now, now, 0, ""
	case place.Found.IsZero():
		return
	default:
		place.Failed, place.Error = now, shortened(err.Error())
		place.Failures = min(place.Failures+1, maxTries)
	}
	b.put(p, place)
}

func shortened(s string) string { return s[:min(len(s), maxError)] }

// place is what is known of an address. b.mu is held.
func (b *Book) place(p Peer, addr string) Place {
	for _, place := range b.entries[p] {
		if place.Addr == addr {
			return place
		}
	}
	return Place{Addr: addr}
}

// put stores a place, in order, and lets the worst go when there are too many. b.mu is held.
func (b *Book) put(p Peer, place Place) {
	places, known := b.entries[p]
	if !known && len(b.entries) >= MaxPeers && !b.makeRoom() {
		return
	}
	places = slices.DeleteFunc(slices.Clone(places), func(old Place) bool { return old.Addr == place.Addr })
	places = append(places, place)
	slices.SortStableFunc(places, better)
	b.entries[p] = places[:min(len(places), MaxAddrs)]
	b.dirty = true
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// better orders places: those that worked when last tried, latest first; then those never tried,
// latest found first; then those that fail, once working ones and rarer failures first.
func better(x, y Place) int {
	rank := func(p Place) int {
		switch {
		case p.Failures > 0:
			return 2
		case p.Worked.IsZero():
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(rank(x), rank(y)),
		y.Worked.Compare(x.Worked),
		cmp.Compare(x.Failures, y.Failures),
		y.Found.Compare(x.Found),
		cmp.Compare(x.Addr, y.Addr),
	)
}

// makeRoom forgets the peer whose best address is worst, unless all work: so nobody is pushed out
// by mere claims. b.mu is held.
func (b *Book) makeRoom() bool {
	var worst Peer
	var place Place
	for p, places := range b.entries {
		if c := better(place, places[0]); place.Addr == "" || c < 0 || c == 0 && p.Compare(worst) > 0 {
			worst, place = p, places[0]
		}
	}
	if place.Failures == 0 && !place.Worked.IsZero() {
		return false
	}
	delete(b.entries, worst)
	return true
}

// Addrs are the addresses of a peer, best first, without /p2p/.
func (b *Book) Addrs(p Peer) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, place := range b.entries[p] {
		out = append(out, place.Addr)
	}
	return out
}

// Entries are all peers in ascending order.
func (b *Book) Entries() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list()
}

func (b *Book) list() []Entry {
	out := make([]Entry, 0, len(b.entries))
	for p, places := range b.entries {
		out = append(out, Entry{p, slices.Clone(places)})
	}
	slices.SortFunc(out, func(x, y Entry) int { return x.Peer.Compare(y.Peer) })
	return out
}

// Forget drops a peer.
func (b *Book) Forget(p Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.entries[p]; known {
		delete(b.entries, p)
		b.dirty = true
	}
}

// Save writes the book if it changed: whole or not at all, and on disk when it returns.
func (b *Book) Save() error {
	b.mu.Lock()
	list, dirty := b.list(), b.dirty
	b.dirty = false
	b.mu.Unlock()
	if !dirty {
		return nil
	}
	text, err := json.MarshalIndent(list, "", " ")
	if err == nil {
		err = replace(b.path, text)
	}
	if err != nil {
		b.mu.Lock()
		b.dirty = true
		b.mu.Unlock()
		return fmt.Errorf("discovery: write the address book: %w", err)
	}
	return nil
}

// replace writes a file so that after a power cut there is the old one or the new one.
func replace(path string, text []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the write failed already; that is what is told
		}
	}()
	_, err = f.Write(text)
	err = cmp.Or(err, f.Sync())
	if err = cmp.Or(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return cmp.Or(d.Sync(), d.Close())
}

// Run saves the book a little after each change until ctx ends, and then once more. It returns the
// error of the last save; one in between is tried again with the next change.
func (b *Book) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return b.Save()
		case <-b.changed:
		}
		select {
		case <-ctx.Done():
			return b.Save()
		case <-time.After(saveAfter):
		}
		_ = b.Save() // still dirty then, and saved at the end at the latest
	}
}

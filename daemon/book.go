package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sustainy/coop/identity"
)

// book is the address book: where peers were last found. It is a convenience and no authority: who
// is at an address is proved when connecting.
type book struct {
	path string
	mu   sync.Mutex
	all  map[identity.PublicKey]entry
}

type entry struct {
	Peer  identity.PublicKey `json:"peer"`
	Addrs []string           `json:"addrs"`
	Seen  time.Time          `json:"seen"`
}

const (
	maxBook      = 1024
	maxBookBytes = 4 << 20
	maxBookAddrs = 8
)

// openBook reads the book. One that cannot be read is begun anew.
func openBook(path string) *book {
	b := &book{path: path, all: map[identity.PublicKey]entry{}}
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxBookBytes {
		return b
	}
	text, err := os.ReadFile(path)
	var list []entry
	if err != nil || json.Unmarshal(text, &list) != nil {
		return b
	}
	for _, e := range list[:min(len(list), maxBook)] {
		b.all[e.Peer] = e
	}
	return b
}

// note adds addresses of a peer, the newest first.
func (b *book) note(p identity.PublicKey, addrs ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.all[p]
	e.Peer, e.Seen = p, time.Now().UTC()
	for _, a := range addrs {
		e.Addrs = slices.DeleteFunc(slices.Clone(e.Addrs), func(old string) bool { return old == a })
		e.Addrs = append([]string{a}, e.Addrs...)
	}
	e.Addrs = e.Addrs[:min(len(e.Addrs), maxBookAddrs)]
	if _, known := b.all[p]; known || len(b.all) < maxBook {
		b.all[p] = e
	}
}

// addrs are where a peer was found.
func (b *book) addrs(p identity.PublicKey) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.all[p].Addrs)
}

// entries are all, by key.
func (b *book) entries() []entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]entry, 0, len(b.all))
	for _, e := range b.all {
		list = append(list, e)
	}
	slices.SortFunc(list, func(x, y entry) int { return x.Peer.Compare(y.Peer) })
	return list
}

// save writes the book, whole or not at all.
func (b *book) save() error {
	text, err := json.MarshalIndent(b.entries(), "", " ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(b.path), ".peers-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return os.Rename(f.Name(), b.path)
}

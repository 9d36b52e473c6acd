package badgerdb

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/sustainy/coop/event"
)

// index finds events by their ids. It is in memory only: Open, which reads every page anyway, makes it
// anew. It holds every id once, in the order of the store, and a hash table of 32-bit numbers that
// point there: 32 bytes for the id, 5 to 11 for the table and up to 5 for the page.
//
// Many may read while one adds. Numbers of 32 bits do for four billion events.
type index struct {
	lock  sync.RWMutex
	seed  maphash.Seed // of this process alone: whoever makes events can not aim at one place of the table
	ids   [][]event.ID // in blocks, which never move
	pages []uint32     // the first event of each page
	slots []uint32     // open addressing, a power of two: 1 + the number of an event, 0 where none is
	count uint64
}

const (
	blockIDs   = 1024
	leastSlots = 1024
)

func newIndex() *index { return &index{seed: maphash.MakeSeed(), slots: make([]uint32, leastSlots)} }

// len is how many events there are.
func (x *index) len() uint64 {
	x.lock.RLock()
	defer x.lock.RUnlock()
	return x.count
}

// add notes the events of the next page.
func (x *index) add(page []event.ID) {
	x.lock.Lock()
	defer x.lock.Unlock()
	x.pages = append(x.pages, uint32(x.count))
	for _, id := range page {
		if x.count%blockIDs == 0 {
			x.ids = append(x.ids, make([]event.ID, 0, blockIDs))
		}
		last := &x.ids[len(x.ids)-1]
		*last = append(*last, id)
		x.count++
		if 4*x.count > 3*uint64(len(x.slots)) {
			x.spread()
		} else {
			x.place(x.count - 1)
		}
	}
}

// spread doubles the table.
func (x *index) spread() {
	x.slots = make([]uint32, 2*len(x.slots))
	for n := range x.count {
		x.place(n)
	}
}

// place puts an event into the table, behind any with the same id.
func (x *index) place(n uint64) {
	at := x.start(x.id(n))
	for x.slots[at] != 0 {
		at = (at + 1) & (len(x.slots) - 1)
	}
	x.slots[at] = uint32(n) + 1
}

func (x *index) start(id event.ID) int {
	return int(maphash.Bytes(x.seed, id[:])) & (len(x.slots) - 1)
}

func (x *index) id(n uint64) event.ID { return x.ids[n/blockIDs][n%blockIDs] }

// find is the number of an event.
func (x *index) find(id event.ID) (n uint64, ok bool) {
	x.lock.RLock()
	defer x.lock.RUnlock()
	for at := x.start(id); x.slots[at] != 0; at = (at + 1) & (len(x.slots) - 1) {
		if n := uint64(x.slots[at] - 1); x.id(n) == id {
			return n, true
		}
	}
	return 0, false
}

// at is the id of an event that there is.
func (x *index) at(n uint64) event.ID {
	x.lock.RLock()
	defer x.lock.RUnlock()
	return x.id(n)
}

// page tells where the page of an event begins and where the next one does.
func (x *index) page(n uint64) (first, next uint64) {
	x.lock.RLock()
	defer x.lock.RUnlock()
	after, _ := slices.BinarySearchFunc(x.pages, n, func(first uint32, n uint64) int {
		if uint64(first) <= n {
			return -1
		}
		return 1
	})
	next = x.count
	if after < len(x.pages) {
		next = uint64(x.pages[after])
	}
	return uint64(x.pages[after-1]), next
}

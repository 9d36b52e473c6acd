package badgerdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
)

// chunk bounds what is read before it is handed on, so that a caller's code never runs inside Badger.
const (
	chunkItems = 1024
	chunkBytes = 1 << 20
)

// protected runs f inside Badger. A panic there, or a fault because a mapped file was cut off, is
// damage.
func (db *DB) protected(f func(*badger.Txn) error) (err error) {
	db.use.RLock()
	defer db.use.RUnlock()
	if db.closed {
		return errClosed
	}
	defer recoverDamage("reading", &err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	return db.badger.View(f)
}

// Event implements crdt.Store.
func (db *DB) Event(id event.ID) (raw []byte, err error) {
	err = db.protected(func(txn *badger.Txn) error {
		n, ok := db.index.find(id)
		if !ok {
			return crdt.ErrNotFound
		}
		first, _ := db.index.page(n)
		raws, err := db.page(txn, first)
		if err != nil {
			return err
		}
		if n-first >= uint64(len(raws)) {
			return damagef("%s ends before event %d", name(kindEvent, first), n)
		}
		raw = bytes.Clone(raws[n-first])
		if actual, ok := crdt.EnvelopeID(raw); !ok || actual != id {
			return damage(fmt.Sprintf("event %d is another one", n), actual.String(), id.String())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return raw, nil
}

// page reads the page that begins with an event, unless it was read recently.
func (db *DB) page(txn *badger.Txn, first uint64) ([][]byte, error) {
	if raws := db.recent.get(first); raws != nil {
		return raws, nil
	}
	i, err := load(txn, kindEvent, first)
	if err != nil {
		return nil, err
	}
	raws, err := envelopes(&i)
	if err == nil {
		db.recent.put(first, raws)
	}
	return raws, err
}

// envelopes are what is in a page.
func envelopes(page *item) ([][]byte, error) {
	raws, ok := page.split()
	if !ok {
		return nil, damagef("%s is whole and no page", name(page.kind, page.n))
	}
	return raws, nil
}

// Round implements crdt.Store. That a round is unknown rests on Badger's word until the next Check or
// Open.
func (db *DB) Round(id [32]byte) (content []byte, err error) {
	count := db.head.Load().count.Rounds
	err = db.protected(func(txn *badger.Txn) error {
		n, err := lookup(txn, id)
		if err != nil {
			return err
		}
		if n >= count {
			return crdt.ErrNotFound // a running Append has not finished
		}
		i, err := load(txn, kindRound, n)
		if err != nil {
			return err
		}
		if actual, ok := i.round(); !ok || actual != id {
			return damage(fmt.Sprintf("%s has another id than its index says", name(kindRound, n)), fmt.Sprintf("%x", actual), fmt.Sprintf("%x", id))
		}
		content = i.content()
		return nil
	})
	return content, err
}

// lookup finds the index of a round, or crdt.ErrNotFound.
func lookup(txn *badger.Txn, id [32]byte) (n uint64, err error) {
	entry, err := txn.Get(roundKey(id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return 0, crdt.ErrNotFound
	} else if err != nil {
		return 0, damagef("an index can not be read: %v", err)
	}
	err = entry.Value(func(v []byte) error {
		if len(v) != 8 {
			return damagef("the index entry of round %x has %d bytes, not 8", id, len(v))
		}
		n = binary.BigEndian.Uint64(v)
		return nil
	})
	return n, err
}

// load reads an item of one part.
func load(txn *badger.Txn, kind byte, n uint64) (item, error) {
	entry, err := txn.Get(key(kind, n, 0))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return item{}, damagef("%s is missing", name(kind, n))
	} else if err != nil {
		return item{}, damagef("%s can not be read: %v", name(kind, n), err)
	}
	return open(entry, kind, n, 0)
}

// open copies an item out of Badger and verifies it.
func open(entry *badger.Item, kind byte, n uint64, part uint16) (item, error) {
	value, err := entry.ValueCopy(nil)
	if err != nil {
		return item{}, damagef("%s can not be read: %v", name(kind, n), err)
	}
	return expect(value, kind, n, part)
}

// openPage reads a page and its envelopes, which are parts of the value. The value is in buffer if that
// is large enough.
func openPage(entry *badger.Item, kind byte, n uint64, buffer []byte) (page item, raws [][]byte, value []byte, err error) {
	if value, err = entry.ValueCopy(buffer); err != nil {
		return page, nil, nil, damagef("%s can not be read: %v", name(kind, n), err)
	}
	if page, err = expect(value, kind, n, 0); err == nil {
		raws, err = envelopes(&page)
	}
	return page, raws, value, err
}

// expect verifies that a value is the frame of an item.
func expect(value []byte, kind byte, n uint64, part uint16) (item, error) {
	i, ok := unframe(value)
	if !ok || payloadAt+len(i.payload) != len(value) {
		return i, damagef("%s is not what was written: its digest differs", name(kind, n))
	}
	if i.kind != kind || i.part != part || kind != kindHead && i.n != n {
		return i, damagef("in the place of %s is %s", name(kind, n), name(i.kind, i.n))
	}
	return i, nil
}

func name(kind byte, n uint64) string {
	what := map[byte]string{kindEvent: "the page from event", kindRound: "round", kindCommit: "commit",
		kindOrphan: "the page from orphan", kindHead: "head"}[kind]
	return fmt.Sprintf("%s %d", what, n)
}

// Events implements crdt.Store.
func (db *DB) Events(from uint64, f func(n uint64, raw []byte) error) error {
	return db.walk(kindEvent, from, f)
}

// Rounds implements crdt.Store.
func (db *DB) Rounds(from uint64, f func(n uint64, raw []byte) error) error {
	return db.walk(kindRound, from, f)
}

// Commits implements crdt.Store.
func (db *DB) Commits(from uint64, f func(n uint64, raw []byte) error) error {
	return db.walk(kindCommit, from, f)
}

// Orphans hands over the envelopes that Rebuild kept although something they build on was lost. They
// are to be given to the graph like events from a peer, which then asks for what is missing; once
// accepted they are appended like any other.
func (db *DB) Orphans(f func(raw []byte) error) error {
	var raws [][]byte
	err := db.protected(func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false
		o.Prefix = []byte{kindOrphan}
		it := txn.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if k := it.Item().Key(); len(k) == len(key(kindOrphan, 0, 0)) {
				_, page, _, err := openPage(it.Item(), kindOrphan, binary.BigEndian.Uint64(k[1:]), nil)
				if err != nil {
					return err
				}
				raws = append(raws, page...)
			}
		}
		return nil
	})
	for _, raw := range raws {
		if err == nil {
			err = f(raw)
		}
	}
	return err
}

func (db *DB) walk(kind byte, from uint64, f func(n uint64, raw []byte) error) error {
	count := *db.head.Load().counter(kind)
	for n := from; n < count; {
		some, err := db.read(kind, n, count)
		for _, i := range some.items {
			if err := f(n, i.content()); err != nil {
				return err
			}
			n++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// chunk is what is read at once.
type chunk struct {
	items []item    // each whole, each event by itself
	sum   digestSum // over the frames they were in
}

// read reads some items from index n on, up to end. An error is about the item after those
// returned, or for events the page; without one there is at least one item.
func (db *DB) read(kind byte, n, end uint64) (c chunk, err error) {
	err = db.protected(func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false // values stand beside their keys
		o.Prefix = []byte{kind}
		it := txn.NewIterator(o)
		defer it.Close()
		if kind == kindEvent {
			return db.readPages(it, &c, n, end)
		}
		it.Seek(key(kind, n, 0))
		for size := 0; n < end && len(c.items) < chunkItems && size < chunkBytes; n++ {
			i, err := join(it, kind, n, &c.sum)
			if err != nil {
				return err
			}
			c.items = append(c.items, i)
			size += len(i.payload)
		}
		return nil
	})
	return c, err
}

// readPages reads events from index n on, to the end of a page.
func (db *DB) readPages(it *badger.Iterator, c *chunk, n, end uint64) error {
	var buffer []byte
	first, next := db.index.page(n)
	it.Seek(key(kindEvent, first, 0))
	for n < end && len(c.items) < chunkItems {
		if !it.Valid() || !bytes.Equal(it.Item().Key(), key(kindEvent, first, 0)) {
			return damagef("%s is missing", name(kindEvent, first))
		}
		page, raws, value, err := openPage(it.Item(), kindEvent, first, buffer)
		if err != nil {
			return err
		}
		if first+uint64(len(raws)) != next {
			return damagef("%s holds %d events, not %d", name(kindEvent, first), len(raws), next-first)
		}
		c.sum.add(page.digest)
		for _, raw := range raws[n-first:] {
			c.items = append(c.items, item{kind: kindEvent, n: n, payload: bytes.Clone(raw)})
			n++
		}
		if n < end {
			first, next = db.index.page(n)
		}
		buffer = value
		it.Next()
	}
	return nil
}

// join reads the parts of an item, at the first of which it stands, and goes on to the next item.
func join(it *badger.Iterator, kind byte, n uint64, sum *digestSum) (whole item, err error) {
	var parts digestSum
	for part := uint16(0); part == 0 || part < whole.parts; part++ {
		if !it.Valid() || !bytes.Equal(it.Item().Key(), key(kind, n, part)) {
			return item{}, damagef("%s is missing or incomplete", name(kind, n))
		}
		i, err := open(it.Item(), kind, n, part)
		if err != nil {
			return item{}, err
		}
		if part == 0 {
			whole = i
		} else {
			whole.payload = append(whole.payload, i.payload...)
		}
		parts.add(i.digest)
		it.Next()
	}
	sum.join(parts)
	return whole, nil
}

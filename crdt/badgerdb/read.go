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
	chunkItems = 256
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

// Event implements crdt.Store. That an event is unknown rests on Badger's word until the next Check
// or Open; the caller's graph knows better which events are stored.
func (db *DB) Event(id event.ID) ([]byte, error) { return db.find(kindEvent, indexEvent, id) }

// Round implements crdt.Store, with the remark at Event.
func (db *DB) Round(id [32]byte) ([]byte, error) { return db.find(kindRound, indexRound, id) }

func (db *DB) find(kind, index byte, id [32]byte) (content []byte, err error) {
	count := *db.head.Load().counter(kind)
	err = db.protected(func(txn *badger.Txn) error {
		n, err := lookup(txn, index, id)
		if err != nil {
			return err
		}
		if n >= count {
			return crdt.ErrNotFound // a running Append has not finished
		}
		i, err := load(txn, kind, n)
		if err != nil {
			return err
		}
		if _, actual, ok := i.id(); !ok || actual != id {
			return damage(fmt.Sprintf("%s has another id than its index says", name(kind, n)), actual.String(), event.ID(id).String())
		}
		content = i.content()
		return nil
	})
	return content, err
}

// lookup finds the index of an id, or crdt.ErrNotFound.
func lookup(txn *badger.Txn, index byte, id [32]byte) (n uint64, err error) {
	entry, err := txn.Get(indexKey(index, id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return 0, crdt.ErrNotFound
	} else if err != nil {
		return 0, damagef("an index can not be read: %v", err)
	}
	err = entry.Value(func(v []byte) error {
		if len(v) != 8 {
			return damagef("the index entry of %s has %d bytes, not 8", event.ID(id), len(v))
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
func open(entry *badger.Item, kind byte, n uint64, part uint16) (i item, err error) {
	value, err := entry.ValueCopy(nil)
	if err != nil {
		return i, damagef("%s can not be read: %v", name(kind, n), err)
	}
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
	what := map[byte]string{kindEvent: "event", kindRound: "round", kindCommit: "commit", kindOrphan: "orphan", kindHead: "head"}[kind]
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
				i, err := open(it.Item(), kindOrphan, binary.BigEndian.Uint64(k[1:]), 0)
				if err != nil {
					return err
				}
				raws = append(raws, i.payload)
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
		items, err := db.read(kind, n, count)
		for _, i := range items {
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

// read reads some items from index n on, up to end. An error is about the item after those
// returned; without one there is at least one item.
func (db *DB) read(kind byte, n, end uint64) (items []item, err error) {
	err = db.protected(func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false // values stand beside their keys
		o.Prefix = []byte{kind}
		it := txn.NewIterator(o)
		defer it.Close()
		it.Seek(key(kind, n, 0))
		for size := 0; n < end && len(items) < chunkItems && size < chunkBytes; n++ {
			i, err := join(it, kind, n)
			if err != nil {
				return err
			}
			items = append(items, i)
			size += len(i.payload)
		}
		return nil
	})
	return items, err
}

// join reads the parts of an item, at the first of which it stands, and goes on to the next item.
func join(it *badger.Iterator, kind byte, n uint64) (whole item, err error) {
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
		it.Next()
	}
	return whole, nil
}

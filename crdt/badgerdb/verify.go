package badgerdb

import (
	"encoding/binary"
	"errors"
	"fmt"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
)

// verify compares what Badger opened with what the anchor says, makes the index of the events and takes
// back an Append that was not finished. It reads every key and the pages of events; other values are
// verified whenever they are read.
func (db *DB) verify() error {
	heads, err := db.heads()
	if err != nil {
		return err
	}
	var last head
	for _, h := range heads {
		if h.seq > last.seq {
			last = h
		}
	}
	promised := db.anchor.head
	switch {
	case last.seq < promised.seq:
		return damage("what was stored last is missing", last.describe(), promised.describe())
	case promised.seq > 0 && heads[promised.seq%ring] != promised:
		at := heads[promised.seq%ring]
		return damage("the store has another history than the anchor, as if one of them came from a backup or from elsewhere", at.describe(), promised.describe())
	}
	tail, err := db.census(last)
	if err != nil {
		return err
	}
	db.head.Store(&last)
	if len(tail) == 0 {
		return nil
	}
	return db.takeBack(last, tail)
}

func (h head) describe() string {
	return fmt.Sprintf("%d events, %d rounds and %d commits after %d writes",
		h.count.Events, h.count.Rounds, h.count.Commits, h.seq)
}

// heads reads the ring.
func (db *DB) heads() (heads [ring]head, err error) {
	err = db.badger.View(func(txn *badger.Txn) error {
		for place := range uint64(ring) {
			entry, err := txn.Get(key(kindHead, place, 0))
			if errors.Is(err, badger.ErrKeyNotFound) {
				continue
			} else if err != nil {
				return damagef("%s can not be read: %v", name(kindHead, place), err)
			}
			i, err := open(entry, kindHead, place, 0)
			if err != nil {
				return err
			}
			h, ok := decodeHead(i.payload)
			if !ok || h.seq%ring != place {
				return damagef("%s is not what was written", name(kindHead, place))
			}
			heads[place] = h
		}
		return nil
	})
	return heads, err
}

// census counts the keys of every kind against a head and makes the index of the events. It returns
// the keys of items beyond the head, which an Append left that was not finished.
func (db *DB) census(last head) (tail [][]byte, err error) {
	var rounds, commits, indexes, beyond uint64
	db.index = newIndex()
	err = db.badger.View(func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false
		it := txn.NewIterator(o)
		defer it.Close()
		var buffer []byte
		for it.Rewind(); it.Valid(); it.Next() {
			k := it.Item().Key()
			kind := k[0]
			if kind == indexRound {
				indexes++
			}
			if kind != kindEvent && kind != kindRound && kind != kindCommit {
				continue
			}
			if len(k) != len(key(kind, 0, 0)) {
				return damagef("there is a key of %d bytes that this program did not write", len(k))
			}
			n, first := binary.BigEndian.Uint64(k[1:]), binary.BigEndian.Uint16(k[9:]) == 0
			switch {
			case n >= *last.counter(kind):
				tail = append(tail, it.Item().KeyCopy(nil))
				if kind == kindRound {
					beyond++
				}
			case kind == kindEvent:
				if buffer, err = db.take(it.Item(), n, buffer); err != nil {
					return err
				}
			case kind == kindRound:
				rounds++
			case first:
				commits++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, check := range []struct {
		what       string
		have, want uint64
	}{
		{"events", db.index.len(), last.count.Events},
		{"rounds", rounds, last.count.Rounds},
		{"commits", commits, last.count.Commits},
		{"rounds in the index", indexes, last.count.Rounds + beyond},
	} {
		if check.have != check.want {
			return nil, damage(check.what+" are missing or too many", fmt.Sprint(check.have), fmt.Sprint(check.want))
		}
	}
	return tail, nil
}

// take puts the events of a page into the index. It returns the buffer for the next page.
func (db *DB) take(entry *badger.Item, n uint64, buffer []byte) ([]byte, error) {
	if next := db.index.len(); n != next {
		return nil, damagef("%s is missing", name(kindEvent, min(n, next)))
	}
	_, raws, buffer, err := openPage(entry, kindEvent, n, buffer)
	if err != nil {
		return nil, err
	}
	ids := make([]event.ID, len(raws))
	for i, raw := range raws {
		var ok bool
		if ids[i], ok = crdt.EnvelopeID(raw); !ok {
			return nil, damagef("event %d is no event", n+uint64(i))
		}
	}
	db.index.add(ids)
	return buffer, nil
}

// takeBack removes the items of an Append that was not finished, with their index entries, and
// counts it: what Rebuild finds of it in the files is then older than the head.
func (db *DB) takeBack(last head, tail [][]byte) error {
	w := db.newWriter()
	defer w.discard()
	for _, k := range tail {
		kind, n, part := k[0], binary.BigEndian.Uint64(k[1:]), binary.BigEndian.Uint16(k[9:])
		entry, err := w.txn.Get(k)
		if err != nil {
			return damagef("%s can not be read: %v", name(kind, n), err)
		}
		i, err := open(entry, kind, n, part)
		if err != nil {
			return err
		}
		rows := []pair{{k, nil}}
		if id, ok := i.round(); ok {
			rows = append(rows, pair{roundKey(id), nil})
		}
		if err := w.set(rows...); err != nil {
			return err
		}
	}
	last.seq++
	if err := w.finish(&last); err != nil {
		return err
	}
	db.head.Store(&last)
	return db.anchor.advance(last)
}

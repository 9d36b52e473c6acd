package badgerdb

import (
	"encoding/binary"
	"errors"
	"fmt"

	badger "github.com/dgraph-io/badger/v4"
)

// verify compares what Badger opened with what the anchor says, and takes back an Append that was
// not finished. It reads every key and no value: values are verified whenever they are read.
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

// census counts the keys of every kind against a head. It returns the keys of items beyond it, which
// an Append left that was not finished.
func (db *DB) census(last head) (tail [][]byte, err error) {
	items, beyond, indexes := map[byte]uint64{}, map[byte]uint64{}, map[byte]uint64{}
	err = db.badger.View(func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false
		it := txn.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			k := it.Item().Key()
			switch kind := k[0]; kind {
			case indexEvent, indexRound:
				indexes[kind]++
			case kindEvent, kindRound, kindCommit:
				if len(k) != len(key(kind, 0, 0)) {
					return damagef("there is a key of %d bytes that this program did not write", len(k))
				}
				first := binary.BigEndian.Uint16(k[9:]) == 0
				if binary.BigEndian.Uint64(k[1:]) >= *last.counter(kind) {
					tail = append(tail, it.Item().KeyCopy(nil))
					if first {
						beyond[kind]++
					}
				} else if first {
					items[kind]++
				}
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
		{"events", items[kindEvent], last.count.Events},
		{"rounds", items[kindRound], last.count.Rounds},
		{"commits", items[kindCommit], last.count.Commits},
		{"events in the index", indexes[indexEvent], last.count.Events + beyond[kindEvent]},
		{"rounds in the index", indexes[indexRound], last.count.Rounds + beyond[kindRound]},
	} {
		if check.have != check.want {
			return nil, damage(check.what+" are missing or too many", fmt.Sprint(check.have), fmt.Sprint(check.want))
		}
	}
	return tail, nil
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
		if index, id, ok := i.id(); ok {
			rows = append(rows, pair{indexKey(index, id), nil})
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

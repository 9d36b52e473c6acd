package badgerdb

import (
	"encoding/binary"
	"errors"
	"fmt"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/sustainy/coop/crdt"
)

// Append implements crdt.Store. A batch that is larger than one of Badger's transactions is written
// in several; it counts only with its head, which is in the last one, and the next Open takes back
// what has no head.
func (db *DB) Append(b crdt.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	db.append.Lock()
	defer db.append.Unlock()
	db.use.RLock()
	defer db.use.RUnlock()
	if db.closed {
		return errClosed
	}
	if err := db.stopped(); err != nil {
		return err
	}
	if err := db.space.check(); err != nil {
		return err
	}
	next := *db.head.Load()
	if err := db.put(&next, b); err != nil {
		db.stop(err)
		return db.stopped()
	}
	if err := db.anchor.advance(next); err != nil {
		db.stop(err)
		return db.stopped()
	}
	db.head.Store(&next)
	return nil
}

// put writes a batch and makes h its head.
func (db *DB) put(h *head, b crdt.Batch) (err error) {
	defer recoverDamage("writing", &err)
	before := *h
	h.seq++
	w := db.newWriter()
	defer w.discard()
	put := w.once
	if b.New {
		put = w.named
	}
	for _, e := range b.Events {
		if err := put(h, kindEvent, indexEvent, e.ID, e.Raw); err != nil {
			return err
		}
	}
	for _, r := range b.Rounds {
		payload := append(append(make([]byte, 0, 32+len(r.Raw)), r.ID[:]...), r.Raw...)
		if err := put(h, kindRound, indexRound, r.ID, payload); err != nil {
			return err
		}
	}
	for _, c := range b.Commits {
		if err := w.item(h, kindCommit, c); err != nil {
			return err
		}
	}
	if b.Tip != [32]byte{} {
		h.tip = b.Tip
	}
	if h.count == before.count && h.tip == before.tip {
		*h = before
		return nil
	}
	return w.finish(h)
}

// writer fills transactions and begins another one when one is full. What is set together is in
// one transaction, so an item and its index entry are there both or not at all.
type writer struct {
	db   *DB
	txn  *badger.Txn
	size int64 // of the transaction, overestimated
	rows int64
}

// pair is a key with its value, or without one to be removed.
type pair struct{ key, value []byte }

// rowCost is more than what Badger adds to a key and its value when it weighs a transaction.
const rowCost = 64

func (db *DB) newWriter() *writer { return &writer{db: db, txn: db.badger.NewTransaction(true)} }

func (w *writer) discard() { w.txn.Discard() }

// once writes an item that has an id, unless it is stored already.
func (w *writer) once(h *head, kind, index byte, id [32]byte, payload []byte) error {
	at := indexKey(index, id)
	if _, err := w.txn.Get(at); err == nil {
		return nil
	} else if !errors.Is(err, badger.ErrKeyNotFound) {
		return err
	}
	return w.named(h, kind, index, id, payload)
}

// named writes an item that has an id.
func (w *writer) named(h *head, kind, index byte, id [32]byte, payload []byte) error {
	n := binary.BigEndian.AppendUint64(nil, *h.counter(kind))
	return w.item(h, kind, payload, pair{indexKey(index, id), n})
}

// item writes an item in as many parts as it needs and counts it. The index entries go with its last
// part.
func (w *writer) item(h *head, kind byte, payload []byte, index ...pair) error {
	n := h.counter(kind)
	parts := max(1, (len(payload)+partSize-1)/partSize)
	for part := range parts {
		from := part * partSize
		i := item{kind: kind, n: *n, seq: h.seq, part: uint16(part), parts: uint16(parts),
			payload: payload[from:min(from+partSize, len(payload))]}
		rows := []pair{{key(kind, *n, i.part), i.frame()}}
		if part == parts-1 {
			rows = append(rows, index...)
		}
		if err := w.set(rows...); err != nil {
			return err
		}
		h.sum.add(i.digest)
	}
	*n++
	return nil
}

// finish writes the head and commits.
func (w *writer) finish(h *head) error {
	i := item{kind: kindHead, n: h.seq, seq: h.seq, parts: 1, payload: h.encode()}
	if err := w.set(pair{key(kindHead, h.seq%ring, 0), i.frame()}); err != nil {
		return err
	}
	return w.commit()
}

func (w *writer) set(rows ...pair) error {
	size, count := int64(0), int64(len(rows))
	for _, r := range rows {
		size += int64(len(r.key)+len(r.value)) + rowCost
	}
	if w.size+size >= w.db.badger.MaxBatchSize() || w.rows+count >= w.db.badger.MaxBatchCount() {
		if err := w.commit(); err != nil {
			return err
		}
		w.txn, w.size, w.rows = w.db.badger.NewTransaction(true), 0, 0
	}
	w.size, w.rows = w.size+size, w.rows+count
	for _, r := range rows {
		if r.value == nil {
			if err := w.txn.Delete(r.key); err != nil {
				return err
			}
		} else if err := w.txn.Set(r.key, r.value); err != nil {
			return err
		}
	}
	return nil
}

// commit waits for the transaction to be synced, or for Badger to report trouble: a commit that
// waits for a log to be written out would wait for ever when that fails.
func (w *writer) commit() error {
	done := make(chan error, 1)
	w.db.commit(w.txn, func(err error) { done <- err })
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		return nil
	case <-w.db.failed:
		return *w.db.fault.Load()
	}
}

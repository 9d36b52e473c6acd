package badgerdb

import (
	"encoding/binary"
	"errors"
	"fmt"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
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
	pages, err := db.put(&next, b)
	if err == nil {
		err = db.anchor.advance(next)
	}
	if err != nil {
		db.stop(err)
		return db.stopped()
	}
	for _, page := range pages {
		db.index.add(page)
	}
	db.head.Store(&next)
	return nil
}

// put writes a batch and makes h its head. It returns the ids of the new events, by page.
func (db *DB) put(h *head, b crdt.Batch) (pages [][]event.ID, err error) {
	defer recoverDamage("writing", &err)
	before := *h
	h.seq++
	w := db.newWriter()
	defer w.discard()
	events := b.Events
	if !b.New {
		events = db.unknown(events)
	}
	if pages, err = w.events(h, kindEvent, events); err != nil {
		return nil, err
	}
	for _, r := range b.Rounds {
		if err := w.round(h, r, b.New); err != nil {
			return nil, err
		}
	}
	for _, c := range b.Commits {
		if err := w.record(h, c); err != nil {
			return nil, err
		}
	}
	if b.Tip != [32]byte{} {
		h.tip = b.Tip
	}
	if h.count == before.count && h.tip == before.tip {
		*h = before
		return nil, nil
	}
	return pages, w.finish(h)
}

// unknown are the events that are not stored, each once.
func (db *DB) unknown(events []*event.Event) (fresh []*event.Event) {
	met := make(map[event.ID]bool, len(events))
	for _, e := range events {
		if _, known := db.index.find(e.ID); !known && !met[e.ID] {
			met[e.ID] = true
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// writer fills transactions and begins another one when one is full. What is set together is in
// one transaction, so a round and its index entry are there both or not at all. Badger keeps the
// slices that it is given until the transaction is committed; here nobody changes them afterwards.
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

// events writes pages and counts what is in them. Orphans are not counted: their indexes run from 0.
func (w *writer) events(h *head, kind byte, events []*event.Event) (pages [][]event.ID, err error) {
	for n := h.count.Events; len(events) > 0; {
		count, size := fitting(events)
		i := item{kind: kind, n: n, seq: h.seq, parts: 1}
		frame, ids := newPage(&i, events[:count], size)
		if err := w.set(pair{key(kind, n, 0), frame}); err != nil {
			return nil, err
		}
		pages, events = append(pages, ids), events[count:]
		n += uint64(count)
		if kind == kindEvent {
			h.count.Events = n
			h.sum.add(i.digest)
		}
	}
	return pages, nil
}

// round writes a round with its index entry, unless it is stored already.
func (w *writer) round(h *head, r crdt.Blob, fresh bool) error {
	at := roundKey(r.ID)
	if !fresh {
		if _, err := w.txn.Get(at); err == nil {
			return nil
		} else if !errors.Is(err, badger.ErrKeyNotFound) {
			return err
		}
	}
	n := h.count.Rounds
	i := item{kind: kindRound, n: n, seq: h.seq, parts: 1}
	frame := i.seal(append(append(blank(32+len(r.Raw)), r.ID[:]...), r.Raw...))
	h.count.Rounds++
	h.sum.add(i.digest)
	return w.set(pair{key(kindRound, n, 0), frame}, pair{at, binary.BigEndian.AppendUint64(nil, n)})
}

// record writes a commit record in as many parts as it needs.
func (w *writer) record(h *head, content []byte) error {
	parts := max(1, (len(content)+partSize-1)/partSize)
	for part := range parts {
		from := part * partSize
		i := item{kind: kindCommit, n: h.count.Commits, seq: h.seq, part: uint16(part), parts: uint16(parts),
			payload: content[from:min(from+partSize, len(content))]}
		if err := w.set(pair{key(kindCommit, i.n, i.part), i.frame()}); err != nil {
			return err
		}
		h.sum.add(i.digest)
	}
	h.count.Commits++
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

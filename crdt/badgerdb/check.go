package badgerdb

import (
	"errors"
	"fmt"
	"path/filepath"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/table"

	"github.com/sustainy/coop/crdt"
)

// Check implements crdt.Store: it reads and hashes every item, compares it with its index, adds the
// digests up, verifies every table file and the anchor. Events can be read and appended meanwhile;
// what is appended meanwhile is not looked at.
func (db *DB) Check() (crdt.Report, error) {
	head := *db.head.Load()
	c := check{db: db, report: crdt.Report{Promised: head.count, Tip: head.tip}}
	c.report.Count = crdt.Count{
		Events:  c.items(kindEvent, head.count.Events),
		Rounds:  c.items(kindRound, head.count.Rounds),
		Commits: c.items(kindCommit, head.count.Commits),
	}
	if c.first == nil && c.sum != head.sum {
		c.found(damagef("all that was read is whole, but it is not all that was written"))
	}
	c.files()
	c.anchor()
	return c.report, c.first
}

// check gathers findings.
type check struct {
	db     *DB
	report crdt.Report
	sum    digestSum
	first  error
}

func (c *check) found(err error) {
	if c.first == nil {
		c.first = err
	}
	text := err.Error()
	if d := (*DamageError)(nil); errors.As(err, &d) {
		text = d.What
	}
	if len(c.report.Findings) < crdt.MaxFindings {
		c.report.Findings = append(c.report.Findings, text)
	}
}

// items verifies the items of one kind, going on after each that is damaged, or for events after its
// page. It returns how many are whole.
func (c *check) items(kind byte, count uint64) (whole uint64) {
	for n := uint64(0); n < count; {
		some, err := c.db.read(kind, n, count)
		for _, i := range some.items {
			c.report.Bytes += uint64(len(i.content()))
		}
		c.sum.join(some.sum)
		if bad := c.indexed(some.items); bad != nil {
			c.found(bad)
		}
		whole += uint64(len(some.items))
		n += uint64(len(some.items))
		if err != nil {
			c.found(err)
			if !errors.Is(err, crdt.ErrDamaged) {
				return whole // the store was closed
			}
			n = c.db.after(kind, n)
		}
	}
	return whole
}

// after is the index after an item that can not be read.
func (db *DB) after(kind byte, n uint64) uint64 {
	if kind == kindEvent {
		_, n = db.index.page(n)
		return n
	}
	return n + 1
}

// indexed compares items with their indexes.
func (c *check) indexed(items []item) error {
	return c.db.protected(func(txn *badger.Txn) error {
		for _, i := range items {
			switch i.kind {
			case kindEvent:
				if id, ok := crdt.EnvelopeID(i.payload); !ok || id != c.db.index.at(i.n) {
					return damagef("event %d is not the one that was there before", i.n)
				}
			case kindRound:
				id, _ := i.round()
				if n, err := lookup(txn, id); err != nil || n != i.n {
					return damagef("%s is not found by its id %x", name(i.kind, i.n), id)
				}
			}
		}
		return nil
	})
}

// files verifies the tables that Badger has open: since it never compacts, none goes away.
func (c *check) files() {
	var names []string
	err := c.db.protected(func(*badger.Txn) error {
		for _, t := range c.db.badger.Tables() {
			names = append(names, table.IDToFilename(t.ID))
		}
		return nil
	})
	if err != nil {
		c.found(err)
		return
	}
	var buffer []byte
	for _, name := range names {
		buffer, err = readInto(buffer, filepath.Join(c.db.live, badgerName, name))
		if err == nil {
			err = protectedCheck(buffer)
		}
		if err != nil {
			c.found(damagef("the file %s %v", name, err))
		}
	}
}

// anchor compares the anchor on disk with what was written to it.
func (c *check) anchor() {
	c.db.append.Lock()
	defer c.db.append.Unlock()
	a, err := openAnchor(c.db.live)
	if err != nil {
		c.found(fmt.Errorf("reading the anchor: %w", err))
		return
	}
	if a.head != c.db.anchor.head || a.written != c.db.anchor.written {
		c.found(damage("the anchor is not what was written", a.head.describe(), c.db.anchor.head.describe()))
	}
	if err := a.file.Close(); err != nil {
		c.found(err)
	}
}

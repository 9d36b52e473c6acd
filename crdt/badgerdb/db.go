// Package badgerdb keeps the bytes of one cooperative on disk, in Badger
// (https://github.com/dgraph-io/badger). It implements crdt.Store.
//
// Its one idea: Badger is trusted to be fast and to survive kill -9 and power failures, and with
// nothing else. Tried with changed, cut and deleted files, it loses acknowledged data in silence,
// returns wrong bytes, deletes what is left or ends the process. So whatever Badger says is checked
// against something of our own:
//
//   - every value is a frame with a digest over kind, index and content (frame.go);
//   - indexes run without a gap from 0, so an item that is missing shows;
//   - the anchor, a file beside Badger's, says what was acknowledged (anchor.go);
//   - tables and manifest are verified before Badger sees them (inspect.go);
//   - after a crash Badger opens under a guard, a copy made of links, and on any doubt the files are
//     put back as they were found (guard.go).
//
// What is found is a DamageError, and Rebuild makes a new store from all that is whole, wherever in
// the files it is (rebuild.go). Badger's work is by the entry, so the events of one Append share
// entries (page.go), and where an event stands is known only in memory: at most 60 bytes an event,
// less than the crdt.Graph above takes (index.go).
//
// Everything is appended and nothing is changed, so Badger never compacts while it runs: there would
// be nothing to gain, and its compaction drops the rest of a table that it can not read. Only at
// Open, under the guard, are small tables merged. Checksums are not verified by Badger for the same
// reason. SyncWrites is on, one writer at a time, no conflict detection, values beside their keys.
//
// The package is the only one that imports Badger. It knows no network, no clock and no rules.
package badgerdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/gofrs/flock"

	"github.com/sustainy/coop/crdt"
)

// Options may be left zero.
type Options struct {
	MinFree   uint64                           // Append refuses below this many free bytes; 0: 256 MiB
	Ballast   int64                            // size of the ballast; 0: 64 MiB, negative: none
	FreeSpace func(dir string) (uint64, error) // nil: ask the operating system
}

// memTable is the size of Badger's table in memory. A smaller one would not take values of a
// megabyte; a larger one costs memory and gains nothing here.
const memTable = 8 << 20

// DB is an open store. It is safe for concurrent use; Appends run one after another.
type DB struct {
	dir    string // the directory given to Open
	live   string // where in it the files are
	lock   *flock.Flock
	space  space
	badger *badger.DB

	append sync.Mutex   // held by the one writer
	anchor *anchor      // the writer's
	use    sync.RWMutex // held for reading by every call, for writing by Close
	closed bool
	loose  bool // Badger may still be at work on the files

	head   atomic.Pointer[head] // of the last Append
	index  *index               // of the events up to there
	recent recent
	fault  atomic.Pointer[error]
	failed chan struct{} // closed with the first fault

	commit func(*badger.Txn, func(error)) // (*badger.Txn).CommitWith, but for tests
}

var _ crdt.Store = (*DB)(nil)

// Open opens the store in dir and makes it if there is none. It verifies that everything that was
// acknowledged is there and returns a *DamageError otherwise, with the files left as they were
// found; ErrInUse when another process has the store, ErrFormat when another version wrote it.
func Open(dir string, o Options) (*DB, error) {
	db := newDB(dir, o)
	if err := db.seize(); err != nil {
		return nil, err
	}
	if err := db.open(); err != nil {
		return nil, errors.Join(err, db.letGo())
	}
	return db, nil
}

func newDB(dir string, o Options) *DB {
	db := &DB{dir: dir, live: filepath.Join(dir, liveName), lock: flock.New(filepath.Join(dir, lockName)), failed: make(chan struct{}),
		commit: (*badger.Txn).CommitWith}
	db.space = space{dir: db.live, min: o.MinFree, ballast: o.Ballast, free: o.FreeSpace, reserve: reserve}
	if db.space.min == 0 {
		db.space.min = max(minFree, 4*memTable)
	}
	if db.space.ballast == 0 {
		db.space.ballast = ballastSize
	}
	if db.space.free == nil {
		db.space.free = freeSpace
	}
	db.head.Store(&head{})
	db.index = newIndex()
	return db
}

// seize makes the directory and takes its lock.
func (db *DB) seize() error {
	if err := os.MkdirAll(db.dir, 0o700); err != nil {
		return fmt.Errorf("making the store: %w", err)
	}
	locked, err := db.lock.TryLock()
	if err != nil {
		return fmt.Errorf("locking the store: %w", err)
	}
	if !locked {
		return ErrInUse
	}
	return nil
}

// letGo closes what seize and open left open.
func (db *DB) letGo() error {
	err := db.lock.Close()
	if db.anchor != nil {
		err = errors.Join(err, db.anchor.file.Close())
	}
	return err
}

// open does what Open says, holding the lock.
func (db *DB) open() error {
	if err := settleRebuild(db.dir); err != nil {
		return fmt.Errorf("ending an interrupted rebuild: %w", err)
	}
	return db.openLive()
}

func (db *DB) openLive() error {
	files := filepath.Join(db.live, badgerName)
	if err := os.MkdirAll(db.live, 0o700); err != nil {
		return fmt.Errorf("making the store: %w", err)
	}
	if err := restoreGuard(db.live); err != nil {
		return fmt.Errorf("ending an interrupted opening: %w", err)
	}
	found, err := db.look(files)
	if err != nil {
		return err
	}
	if err := db.space.ready(); err != nil {
		return err
	}
	merge := found.mergeable() && db.roomFor(2*found.bytes)
	guarded := merge || !db.anchor.closed
	if guarded {
		if err := errors.Join(os.MkdirAll(files, 0o700), raiseGuard(db.live)); err != nil {
			return fmt.Errorf("guarding the store: %w", err)
		}
	}
	if err := errors.Join(removeIdle(files), db.anchor.settle(false)); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	if err := db.start(files, merge); err != nil {
		if db.badger != nil && db.fault.Load() == nil {
			err = errors.Join(err, db.badger.Close())
			db.loose = false
		}
		if guarded && !db.loose {
			err = errors.Join(err, restoreGuard(db.live))
		}
		return err
	}
	if err := errors.Join(dropGuard(db.live), db.space.load()); err != nil {
		return errors.Join(err, db.finish())
	}
	return nil
}

// look reads the anchor and verifies Badger's files before Badger is started. It changes nothing,
// unless there is no store yet.
func (db *DB) look(files string) (found inventory, err error) {
	entries, err := os.ReadDir(files)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return found, fmt.Errorf("reading the store: %w", err)
	}
	db.anchor, err = openAnchor(db.live)
	switch {
	case errors.Is(err, os.ErrNotExist) && len(entries) == 0:
		if db.anchor, err = createAnchor(db.live); err != nil {
			return found, fmt.Errorf("making the store: %w", err)
		}
		return found, nil
	case errors.Is(err, os.ErrNotExist):
		return found, damagef("the file %s is missing, so nobody can tell whether events are", filepath.Join(db.live, anchorName))
	case err != nil:
		return found, err
	case db.anchor.head.seq == 0 && !db.anchor.closed:
		return found, nil // killed before the first Append: Badger may not even have made its manifest
	}
	return inspect(files, db.anchor.closed)
}

// mergeable tells whether there are many small tables: every opening and closing makes one.
func (i inventory) mergeable() bool { return i.tables > 64+2*int(i.bytes/memTable) }

func (db *DB) roomFor(bytes int64) bool {
	free, err := db.space.free(db.dir)
	return err == nil && free > db.space.min+uint64(bytes)
}

// start opens Badger and compares what it has with the anchor.
func (db *DB) start(files string, merge bool) (err error) {
	defer recoverDamage("opening "+files, &err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	db.loose = true // if Badger panics it leaves its goroutines; the next Open restores the guard
	b, err := badger.Open(settings(files, db))
	if err != nil {
		db.loose = false
		return damagef("Badger does not open %s: %v", files, err)
	}
	db.badger = b
	if err := db.verify(); err != nil {
		return err
	}
	if merge {
		if err := b.Flatten(1); err != nil {
			return fmt.Errorf("merging tables: %w", err)
		}
		if err := db.verify(); err != nil {
			return err
		}
	}
	if fault := db.fault.Load(); fault != nil {
		return damagef("Badger complains about %s: %v", files, *fault)
	}
	return nil
}

// settings is how Badger is used here; the package comment says why. The block cache pays only for
// compressed tables, and most of an envelope is keys, hashes and signatures, which do not compress.
func settings(files string, db *DB) badger.Options {
	const never = 1 << 30 // tables at level 0 that would make a writer wait for a compaction
	return badger.DefaultOptions(files).
		WithSyncWrites(true).
		WithDetectConflicts(false).
		WithMemTableSize(memTable).
		WithNumMemtables(2).
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		WithCompression(options.None).
		WithChecksumVerificationMode(options.NoVerification).
		WithNumCompactors(0).
		WithNumLevelZeroTablesStall(never).
		WithValueLogFileSize(1 << 20).
		WithMetricsEnabled(false).
		WithLogger(listener{db})
}

// listener stops the store when Badger reports trouble, which for its background work it does
// nowhere else. In what this package uses of Badger, warnings tell of failures too.
type listener struct{ db *DB }

func (l listener) Errorf(format string, args ...any)   { l.db.stop(fmt.Errorf(format, args...)) }
func (l listener) Warningf(format string, args ...any) { l.db.stop(fmt.Errorf(format, args...)) }
func (l listener) Infof(string, ...any)                {}
func (l listener) Debugf(string, ...any)               {}

// stop notes the first fault: from now on nothing is appended.
func (db *DB) stop(fault error) {
	if db.fault.CompareAndSwap(nil, &fault) {
		close(db.failed)
	}
}

// stopped is nil or crdt.ErrStopped with its cause.
func (db *DB) stopped() error {
	if fault := db.fault.Load(); fault != nil {
		return fmt.Errorf("%w (%w)", crdt.ErrStopped, *fault)
	}
	return nil
}

// Close writes out what Badger holds and notes that the store was closed properly. After a fault it
// only lets go of the lock, since Badger would try for ever; the process must end.
func (db *DB) Close() error {
	db.append.Lock()
	defer db.append.Unlock()
	db.use.Lock()
	defer db.use.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	if err := db.stopped(); err != nil {
		return errors.Join(err, db.letGo())
	}
	err := errors.Join(db.space.ready(), db.finish())
	if err == nil {
		err = db.anchor.settle(true)
	}
	return errors.Join(err, db.letGo())
}

// finish closes Badger.
func (db *DB) finish() (err error) {
	defer recoverDamage("closing the store", &err)
	if err := db.badger.Close(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return db.stopped()
}

// Count implements crdt.Store.
func (db *DB) Count() crdt.Count { return db.head.Load().count }

// Tip implements crdt.Store.
func (db *DB) Tip() [32]byte { return db.head.Load().tip }

// Rebuilt is how often Rebuild made this store from what was left of another one. A steward whose
// store was rebuilt since they last signed may have forgotten what they signed, and does not sign.
func (db *DB) Rebuilt() int { return int(db.anchor.rebuilt) }

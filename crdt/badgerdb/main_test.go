package badgerdb

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// childVariable names the directory in which this program, started again by a test, appends until it
// is killed.
const childVariable = "BADGERDB_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := appendUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// long tells whether the long campaigns are wanted: minutes instead of seconds.
func long() bool { return os.Getenv("COOP_LONG") == "1" }

// times is how often a campaign tries.
func times(short, longer int) int {
	if long() {
		return longer
	}
	return short
}

// lean is how tests open stores: without the time that a ballast takes.
var lean = Options{Ballast: -1}

// tempDir is a directory in memory where there is one: what these tests are about does not depend on
// the disk, and a sync costs nothing there.
func tempDir(t testing.TB) string {
	const memory = "/dev/shm"
	if free, err := freeSpace(memory); err != nil || free < 1<<30 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "badgerdb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func mustOpen(t testing.TB, dir string) *DB {
	t.Helper()
	db, err := Open(dir, lean)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func mustClose(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// put appends to a store and to its model.
func put(t testing.TB, db *DB, m *storetest.Model, b crdt.Batch) {
	t.Helper()
	if err := db.Append(b); err != nil {
		t.Fatal(err)
	}
	m.Append(b)
}

// copyTree copies a directory, with holes. A copy of an open store is what kill -9 would leave.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, path[len(from):])
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		return copyFile(path, target)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The content of the stores in crash and damage tests is a function of the index, so whoever reads
// it knows what it has to be.

// crashEvent is event n of a chain; some are large, so that a batch needs several transactions.
func crashEvent(coop event.ID, prev *event.Event, n uint64) (*event.Event, error) {
	size := 200 + int(n%7)*50
	if n%50 == 49 {
		size = 60_000
	}
	d, err := event.NewDraft("test.note", storetest.Note{Text: bytes.Repeat([]byte{byte(n)}, size)})
	if err != nil {
		return nil, err
	}
	slot := event.Slot{}
	if n == 0 {
		d.Kind = event.KindFound
	} else {
		slot = event.After(coop, prev, event.Time(n))
	}
	return event.Seal(identity.KeyFromSeed([32]byte{7}), slot, d)
}

func crashRound(n uint64) crdt.Blob { return storetest.Blob(fmt.Sprint("round ", n), 100+int(n%900)) }

func crashCommit(n uint64) []byte {
	size := 50 + int(n%300)
	if n%40 == 39 {
		size = 2 * partSize
	}
	return bytes.Repeat([]byte{byte(n), byte(n >> 8)}, size)
}

// crashBatch is the batch that follows a count, and the last event after it.
func crashBatch(r *rand.Rand, c crdt.Count, coop event.ID, prev *event.Event) (crdt.Batch, *event.Event, error) {
	var b crdt.Batch
	for range r.IntN(60) {
		e, err := crashEvent(coop, prev, c.Events+uint64(len(b.Events)))
		if err != nil {
			return b, nil, err
		}
		if e.Seq == 0 {
			coop = e.ID
		}
		b.Events, prev = append(b.Events, e), e
	}
	for range r.IntN(4) {
		b.Rounds = append(b.Rounds, crashRound(c.Rounds+uint64(len(b.Rounds))))
	}
	for range r.IntN(4) {
		b.Commits = append(b.Commits, crashCommit(c.Commits+uint64(len(b.Commits))))
	}
	return b, prev, nil
}

// crashContent checks that a store holds exactly what its count says.
func crashContent(db *DB) (crdt.Count, error) {
	count, seen := db.Count(), crdt.Count{}
	var prev *event.Event
	var coop event.ID
	errEvents := db.Events(0, func(n uint64, raw []byte) error {
		want, err := crashEvent(coop, prev, n)
		if err != nil {
			return err
		}
		if n != seen.Events || !bytes.Equal(raw, want.Raw) {
			return fmt.Errorf("event %d is wrong", n)
		}
		if n == 0 {
			coop = want.ID
		}
		if _, err := db.Event(want.ID); err != nil {
			return fmt.Errorf("event %d by its id: %w", n, err)
		}
		seen.Events, prev = n+1, want
		return nil
	})
	errRounds := db.Rounds(0, func(n uint64, raw []byte) error {
		want := crashRound(n)
		if again, err := db.Round(want.ID); n != seen.Rounds || !bytes.Equal(raw, want.Raw) || err != nil || !bytes.Equal(again, raw) {
			return fmt.Errorf("round %d is wrong, %w", n, err)
		}
		seen.Rounds++
		return nil
	})
	errCommits := db.Commits(0, func(n uint64, raw []byte) error {
		if n != seen.Commits || !bytes.Equal(raw, crashCommit(n)) {
			return fmt.Errorf("commit %d is wrong", n)
		}
		seen.Commits++
		return nil
	})
	err := errors.Join(errEvents, errRounds, errCommits)
	if err == nil && seen != count {
		err = fmt.Errorf("read %+v of %+v", seen, count)
	}
	return count, err
}

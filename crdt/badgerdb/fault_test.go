package badgerdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
)

type txn = *badger.Txn

var errTest = errors.New("the test made this fail")

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// TestStopsWhenBadgerReportsTrouble: also when it does so in the background and the commit that is
// running never comes back.
func TestStopsWhenBadgerReportsTrouble(t *testing.T) {
	for name, report := range map[string]func(*DB){
		"error":   func(db *DB) { listener{db}.Errorf("flushing: %v", errTest) },
		"warning": func(db *DB) { listener{db}.Warningf("compacting: %v", errTest) },
	} {
		t.Run(name, func(t *testing.T) {
			db := mustOpen(t, tempDir(t))
			events := storetest.Chain(t, 1, 2, 50)
			if err := db.Append(crdt.Batch{Events: events[:1]}); err != nil {
				t.Fatal(err)
			}
			db.commit = func(txn, func(error)) { report(db) }
			err := db.Append(crdt.Batch{Events: events[1:]})
			wantErr(t, err, crdt.ErrStopped)
			if !strings.Contains(err.Error(), errTest.Error()) {
				t.Fatalf("%v does not say why", err)
			}
			db.commit = txn.CommitWith
			wantErr(t, db.Append(crdt.Batch{Events: events[1:]}), crdt.ErrStopped)
			if raw, err := db.Event(events[0].ID); err != nil || len(raw) == 0 {
				t.Fatalf("what is stored can not be read after a fault: %v", err)
			}
			wantErr(t, db.Close(), crdt.ErrStopped)
		})
	}
}

func TestInUse(t *testing.T) {
	dir := tempDir(t)
	db := mustOpen(t, dir)
	_, err := Open(dir, lean)
	wantErr(t, err, ErrInUse)
	_, err = Rebuild(dir, lean)
	wantErr(t, err, ErrInUse)
	mustClose(t, db)
	mustClose(t, mustOpen(t, dir))
	if _, err := Rebuild(filepath.Join(dir, "nowhere"), lean); err == nil {
		t.Fatal("a store that is not there was rebuilt")
	}
}

// TestDiskFull: a nearly full disk refuses before anything is written, is no fault, and gives the
// ballast up only when it gets worse.
func TestDiskFull(t *testing.T) {
	free := uint64(1 << 40)
	o := Options{Ballast: 3 << 20, FreeSpace: func(string) (uint64, error) { return free, nil }}
	dir := tempDir(t)
	ballast := func(want bool) {
		t.Helper()
		info, err := os.Stat(filepath.Join(dir, liveName, ballastName))
		if got := err == nil && info.Size() == o.Ballast; got != want {
			t.Fatalf("with %d bytes free the ballast is there: %v", free, got)
		}
	}
	db, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	ballast(true)
	m := &storetest.Model{}
	events := storetest.Chain(t, 1, 10, 50)
	put(t, db, m, crdt.Batch{Events: events[:5]})

	free = 256<<20 - 1
	wantErr(t, db.Append(crdt.Batch{Events: events}), crdt.ErrDiskFull)
	if err := m.Diff(db); err != nil {
		t.Fatal(err)
	}
	ballast(true)
	free = 256 << 20
	put(t, db, m, crdt.Batch{Events: events[:7]})

	free = ballastSize - 1
	wantErr(t, db.Append(crdt.Batch{Events: events}), crdt.ErrDiskFull)
	ballast(false)
	mustClose(t, db)
	if db, err = Open(dir, o); err != nil {
		t.Fatalf("with a full disk the store can not even be read: %v", err)
	}
	if err := m.Diff(db); err != nil {
		t.Fatal(err)
	}
	wantErr(t, db.Append(crdt.Batch{Events: events}), crdt.ErrDiskFull)
	free = 1 << 40
	put(t, db, m, crdt.Batch{Events: events})
	mustClose(t, db)
	if db, err = Open(dir, o); err != nil {
		t.Fatal(err)
	}
	ballast(true)
	if err := m.Diff(db); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	ballast(true)
}

// TestSmallTablesAreMerged: every opening and closing leaves a table; they do not pile up.
func TestSmallTablesAreMerged(t *testing.T) {
	dir := tempDir(t)
	events := storetest.Chain(t, 1, 100, 50)
	m := &storetest.Model{}
	most := 0
	for n := range events {
		db := mustOpen(t, dir)
		most = max(most, len(db.badger.Tables()))
		put(t, db, m, crdt.Batch{Events: events[n : n+1], Rounds: []crdt.Blob{storetest.Blob(fmt.Sprint(n), 10)}, Commits: [][]byte{{byte(n)}}})
		mustClose(t, db)
	}
	if most < 50 || most > 70 {
		t.Fatalf("there were up to %d tables", most)
	}
	db := mustOpen(t, dir)
	if err := m.Diff(db); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Check(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
}

// TestReadersAndWriter: reading, checking and closing while another goroutine appends.
func TestReadersAndWriter(t *testing.T) {
	db := mustOpen(t, tempDir(t))
	events := storetest.Chain(t, 1, 200, 300)
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			for {
				next := uint64(0)
				err := db.Events(0, func(n uint64, _ []byte) error {
					if n != next {
						return fmt.Errorf("index %d, want %d", n, next)
					}
					next++
					return nil
				})
				if errors.Is(err, crdt.ErrStopped) {
					return
				}
				if err == nil && next > 0 {
					_, err = db.Event(events[next-1].ID)
				}
				if err == nil {
					_, err = db.Check()
				}
				if err != nil && !errors.Is(err, crdt.ErrStopped) {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range events {
		if err := db.Append(crdt.Batch{Events: events[n : n+1]}); err != nil {
			t.Error(err)
		}
	}
	mustClose(t, db)
	wait.Wait()
	_, err := db.Event(events[0].ID)
	wantErr(t, err, crdt.ErrStopped)
	if _, err := db.Check(); err == nil {
		t.Fatal("a closed store was checked")
	}
}

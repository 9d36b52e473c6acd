package badgerdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
)

// TestFullDisk fills a file system to the last byte under an open store: nothing is lost, the process
// lives, the store closes, opens and can be read, and goes on when there is room again.
func TestFullDisk(t *testing.T) {
	if !long() {
		t.Skip("SKIPPED: part of the long campaigns: COOP_LONG=1")
	}
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=480m"); err != nil {
		t.Skip("SKIPPED: mounting a small file system needs root:", err)
	}
	defer func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	}()
	dir := filepath.Join(disk, "store")
	open := func() *DB {
		db, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db, m, n := open(), &storetest.Model{}, 0
	fill := func() (err error) {
		for err == nil {
			b := crdt.Batch{}
			for range 20 {
				b.Rounds = append(b.Rounds, storetest.Blob(fmt.Sprint("round ", n), 100_000))
				n++
			}
			if err = db.Append(b); err == nil {
				m.Rounds = append(m.Rounds, b.Rounds...)
			}
		}
		return err
	}
	wantErr(t, fill(), crdt.ErrDiskFull)
	if len(m.Rounds) < 500 {
		t.Fatalf("refused after %d rounds", len(m.Rounds))
	}
	filler := filepath.Join(disk, "filler")
	fillUp(t, filler)
	for range 2 {
		wantErr(t, fill(), crdt.ErrDiskFull)
		if err := m.Diff(db); err != nil {
			t.Fatal(err)
		}
		mustClose(t, db)
		db = open()
	}
	// The first part of the test used up what is free above the limit.
	if err := errors.Join(os.Remove(filler), unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, "size=900m")); err != nil {
		t.Fatal(err)
	}
	put(t, db, m, crdt.Batch{Rounds: []crdt.Blob{storetest.Blob("after", 10)}})
	if err := m.Diff(db); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
}

// fillUp writes a file until nothing more goes.
func fillUp(t *testing.T, path string) {
	f, err := os.Create(path)
	for chunk := make([]byte, 64<<10); err == nil && len(chunk) > 0; {
		if _, err = f.Write(chunk); errors.Is(err, unix.ENOSPC) {
			chunk, err = chunk[:len(chunk)/2], nil
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

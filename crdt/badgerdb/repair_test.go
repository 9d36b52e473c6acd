package badgerdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
	"github.com/sustainy/coop/event"
)

// spoilFrame changes a byte within some bytes, wherever Badger has them.
func spoilFrame(t *testing.T, dir string, content []byte) {
	t.Helper()
	spoiled := 0
	for _, file := range filesOf(t, dir) {
		path := filepath.Join(dir, file)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(b, content); at >= 0 {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.WriteAt([]byte{b[at+len(content)/2] ^ 1}, int64(at+len(content)/2))
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			spoiled++
		}
	}
	if spoiled == 0 {
		t.Fatal("the bytes to spoil are in no file")
	}
}

// TestRebuildKeepsOrphans: when an event is lost, what builds on it is kept apart, and comes back
// through the graph once a peer has sent the lost one.
func TestRebuildKeepsOrphans(t *testing.T) {
	closed, _, m := sample(t)
	lost := m.Events[50]
	spoilFrame(t, closed, lost.Raw)
	wantErr(t, opens(t, closed), crdt.ErrDamaged)
	report, err := Rebuild(closed, lean)
	want := crdt.Count{Events: 50, Rounds: uint64(len(m.Rounds)), Commits: uint64(len(m.Commits))}
	if err != nil || report.Kept != want || report.Promised != m.Count() || int(report.Orphans) != len(m.Events)-51 {
		t.Fatalf("%+v, %v", report, err)
	}

	db := mustOpen(t, closed)
	g := crdt.NewGraph(m.Events[0].ID)
	accept := func(e *event.Event, err error) (accepted []*event.Event) {
		if err == nil {
			accepted, err = g.Add("", e)
		}
		if err != nil {
			t.Fatal(err)
		}
		return accepted
	}
	if err := db.Events(0, func(_ uint64, raw []byte) error { accept(event.Open(raw)); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := db.Orphans(func(raw []byte) error { accept(event.Open(raw)); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := g.Missing(10); !slices.Equal(got, []event.ID{lost.ID}) {
		t.Fatalf("missing %v, want the lost event", got)
	}
	if err := db.Append(crdt.Batch{Events: accept(lost, nil)}); err != nil {
		t.Fatal(err)
	}
	if err := m.Diff(db); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)

	// A second rebuild finds the orphans in their old place too.
	report, err = Rebuild(closed, lean)
	if err != nil || report.Kept != m.Count() || report.Orphans != 0 || filepath.Base(report.Moved) != "damaged-2" {
		t.Fatalf("%+v, %v", report, err)
	}
	db = mustOpen(t, closed)
	if err := m.Diff(db); err != nil || db.Rebuilt() != 2 {
		t.Fatalf("rebuilt %d times, %v", db.Rebuilt(), err)
	}
	mustClose(t, db)
}

// TestOrphansSurviveRebuilds: they are kept until what they build on has come.
func TestOrphansSurviveRebuilds(t *testing.T) {
	closed, _, m := sample(t)
	spoilFrame(t, closed, m.Events[100].Raw)
	for range 2 {
		report, err := Rebuild(closed, lean)
		if err != nil || report.Kept.Events != 100 || report.Orphans != 19 {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	db := mustOpen(t, closed)
	if err := db.Append(crdt.Batch{Events: m.Events[100:101]}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	if report, err := Rebuild(closed, lean); err != nil || report.Kept.Events != 120 || report.Orphans != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
}

// TestManifestCutAtAnEntry: a manifest that lost its last entries looks whole, and Badger would
// delete the tables that it does not name.
func TestManifestCutAtAnEntry(t *testing.T) {
	closed, _, m := sample(t)
	name := filepath.Join(closed, liveName, badgerName, badger.ManifestFilename)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	end := 8 // after the magic; an entry is size, checksum, content
	for next := end; next < len(whole); next += 8 + int(binary.BigEndian.Uint32(whole[next:])) {
		end = next
	}
	if err := os.Truncate(name, int64(end)); err != nil {
		t.Fatal(err)
	}
	before := digestOf(t, closed)
	wantErr(t, opens(t, closed), crdt.ErrDamaged)
	if after := digestOf(t, closed); !slices.Equal(before, after) {
		t.Fatalf("the files were changed:\n%v\n%v", before, after)
	}
	if report, err := Rebuild(closed, lean); err != nil || report.Kept != m.Count() {
		t.Fatalf("%+v, %v", report, err)
	}
	mustClose(t, mustOpen(t, closed))
}

// TestBadgerComplainsAtOpening: a complaint that Badger only logs is damage.
func TestBadgerComplainsAtOpening(t *testing.T) {
	closed, _, _ := sample(t)
	f, err := os.OpenFile(filepath.Join(closed, liveName, badgerName, badger.ManifestFilename), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	deletion := []byte{10, 4, 8, 99, 16, 1} // a change set: table 99, which there is not, is deleted
	entry := binary.BigEndian.AppendUint32(nil, uint32(len(deletion)))
	entry = append(binary.BigEndian.AppendUint32(entry, crc32.Checksum(deletion, castagnoli)), deletion...)
	if _, err := f.Write(entry); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := Open(closed, lean)
	if err == nil {
		db.Close()
	}
	wantErr(t, err, crdt.ErrDamaged)
}

// TestRebuildKeepsOnlyEvents: frames that are whole and hold no signed event are not kept.
func TestRebuildKeepsOnlyEvents(t *testing.T) {
	dir := tempDir(t)
	db := mustOpen(t, dir)
	good := storetest.Chain(t, 1, 3, 50)
	forged := *good[2]
	forged.Raw = slices.Clone(forged.Raw)
	forged.Raw[len(forged.Raw)-1] ^= 1
	if err := db.Append(crdt.Batch{Events: []*event.Event{good[0], good[1], &forged}}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	report, err := Rebuild(dir, lean)
	if err != nil || report.Kept.Events != 2 || report.Unreadable != 1 || report.Orphans != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
}

// TestCommitsEndAtTheFirstGap: a commit record means nothing without those before it.
func TestCommitsEndAtTheFirstGap(t *testing.T) {
	dir := tempDir(t)
	db := mustOpen(t, dir)
	record := func(n int) []byte { return bytes.Repeat([]byte(fmt.Sprint("record ", n, " ")), partSize/6) }
	for n := range 6 {
		if err := db.Append(crdt.Batch{Commits: [][]byte{record(n)}, Rounds: []crdt.Blob{storetest.Blob(fmt.Sprint(n), 50)}}); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, db)
	spoilFrame(t, dir, record(3)[partSize:][:100])
	report, err := Rebuild(dir, lean)
	if err != nil || report.Kept != (crdt.Count{Rounds: 6, Commits: 3}) {
		t.Fatalf("%+v, %v", report, err)
	}
}

// TestInterruptedRebuild: it either did not happen or is finished by the next opening.
func TestInterruptedRebuild(t *testing.T) {
	closed, _, m := sample(t)
	draft := filepath.Join(closed, rebuildName)
	if err := os.MkdirAll(filepath.Join(draft, badgerName), 0o700); err != nil {
		t.Fatal(err)
	}
	db := mustOpen(t, closed)
	if err := m.Diff(db); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	if _, err := os.Stat(draft); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("a store that was not finished is still there")
	}
	// Stopped between the two renames.
	if err := os.Rename(filepath.Join(closed, liveName), draft); err != nil {
		t.Fatal(err)
	}
	db = mustOpen(t, closed)
	if err := m.Diff(db); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
}

// TestRebuildWithoutRoom: a Rebuild that fails changes nothing.
func TestRebuildWithoutRoom(t *testing.T) {
	closed, _, m := sample(t)
	full := lean
	full.FreeSpace = func(string) (uint64, error) { return 100 << 20, nil }
	_, err := Rebuild(closed, full)
	wantErr(t, err, crdt.ErrDiskFull)
	db := mustOpen(t, closed)
	if err := m.Diff(db); err != nil || db.Rebuilt() != 0 {
		t.Fatal(err)
	}
	mustClose(t, db)
}

// TestInterruptedOpening: the files that a guard holds replace what an opening left, at any point.
func TestInterruptedOpening(t *testing.T) {
	_, killed, m := sample(t)
	live := filepath.Join(killed, liveName)
	files := filepath.Join(live, badgerName)
	for name, interrupt := range map[string]func() error{
		"draft of a guard":           func() error { return os.MkdirAll(filepath.Join(live, guardName+".draft", "x"), 0o700) },
		"guard and untouched files":  func() error { return raiseGuard(live) },
		"guard and half the files":   func() error { return errors.Join(raiseGuard(live), os.Remove(filepath.Join(files, "MANIFEST"))) },
		"guard and no files":         func() error { return errors.Join(raiseGuard(live), os.RemoveAll(files)) },
		"files from a half-way move": func() error { return errors.Join(raiseGuard(live), os.RemoveAll(files), os.MkdirAll(files, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := interrupt(); err != nil {
				t.Fatal(err)
			}
			db := mustOpen(t, killed)
			if err := m.Diff(db); err != nil {
				t.Fatal(err)
			}
			for _, rest := range []string{guardName, guardName + ".draft"} {
				if _, err := os.Stat(filepath.Join(live, rest)); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s is still there", rest)
				}
			}
			mustClose(t, db)
		})
	}
}

// TestEmptyLog: a kill can leave a log that Badger has made and not yet used, beside those in use.
func TestEmptyLog(t *testing.T) {
	for _, base := range []int{0, 1} {
		closed, killed, m := sample(t)
		dir := []string{closed, killed}[base]
		if err := os.WriteFile(filepath.Join(dir, liveName, badgerName, "00009.mem"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		db := mustOpen(t, dir)
		if err := m.Diff(db); err != nil {
			t.Fatal(err)
		}
		mustClose(t, db)
	}
}

// opened is an open store to be damaged.
func opened(t *testing.T) (dir string, db *DB, m *storetest.Model) {
	dir, _, m = sample(t)
	db = mustOpen(t, dir)
	t.Cleanup(func() { db.Close() })
	return dir, db, m
}

// TestEventSpoiledWhileOpen: what is read is right or reported, and Check finds it all.
func TestEventSpoiledWhileOpen(t *testing.T) {
	dir, db, m := opened(t)
	spoilFrame(t, dir, m.Events[43].Raw)
	_, err := db.Event(m.Events[43].ID)
	wantErr(t, err, crdt.ErrDamaged)
	if raw, err := db.Event(m.Events[50].ID); err != nil || !bytes.Equal(raw, m.Events[50].Raw) {
		t.Fatalf("an event of another page: %v", err)
	}
	read := 0
	wantErr(t, db.Events(0, func(uint64, []byte) error { read++; return nil }), crdt.ErrDamaged)
	if read != 40 {
		t.Fatalf("read %d events before the damage, want 40", read)
	}
	r, err := db.Check()
	wantErr(t, err, crdt.ErrDamaged)
	if r.Count.Events != uint64(len(m.Events))-10 || r.Promised != m.Count() || len(r.Findings) != 2 {
		t.Fatalf("%+v: want one page of ten events and one file", r)
	}
}

func TestRoundSpoiledWhileOpen(t *testing.T) {
	dir, db, m := opened(t)
	spoilFrame(t, dir, m.Rounds[4].Raw)
	_, err := db.Round(m.Rounds[4].ID)
	wantErr(t, err, crdt.ErrDamaged)
	_, err = db.Check()
	wantErr(t, err, crdt.ErrDamaged)
}

func TestIndexSpoiledWhileOpen(t *testing.T) {
	dir, db, m := opened(t)
	for n := 5; n < len(m.Events); n += 20 {
		spoilFrame(t, dir, m.Events[n].ID[8:]) // in its index key, and where others link it
	}
	for _, e := range m.Events {
		if raw, err := db.Event(e.ID); err == nil && !bytes.Equal(raw, e.Raw) {
			t.Fatal("wrong bytes")
		} else if err != nil && !errors.Is(err, crdt.ErrDamaged) && !errors.Is(err, crdt.ErrNotFound) {
			t.Fatal(err)
		}
	}
	_, err := db.Check()
	wantErr(t, err, crdt.ErrDamaged)
}

// TestIndexPointsElsewhere: an index entry that names another round is not believed.
func TestIndexPointsElsewhere(t *testing.T) {
	_, db, m := opened(t)
	for _, entry := range [][]byte{binary.BigEndian.AppendUint64(nil, 7), {1, 2, 3}} {
		err := db.badger.Update(func(txn txn) error { return txn.Set(roundKey(m.Rounds[5].ID), entry) })
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Round(m.Rounds[5].ID)
		wantErr(t, err, crdt.ErrDamaged)
		r, err := db.Check()
		wantErr(t, err, crdt.ErrDamaged)
		if len(r.Findings) != 1 {
			t.Fatalf("%v: want the index entry", r.Findings)
		}
	}
}

// TestItemsExchangedWhileOpen: a whole frame in the wrong place is as wrong as a changed one.
func TestItemsExchangedWhileOpen(t *testing.T) {
	_, db, m := opened(t)
	i := item{kind: kindCommit, n: 2, seq: 1, parts: 1, payload: m.Commits[1]}
	err := db.badger.Update(func(txn txn) error { return txn.Set(key(kindCommit, 1, 0), i.frame()) })
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, db.Commits(0, func(uint64, []byte) error { return nil }), crdt.ErrDamaged)
	// In its own place, but not what was appended.
	i = item{kind: kindCommit, n: 1, seq: 1, parts: 1, payload: []byte("another record")}
	err = db.badger.Update(func(txn txn) error { return txn.Set(key(kindCommit, 1, 0), i.frame()) })
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Check()
	wantErr(t, err, crdt.ErrDamaged)
}

func TestAnchorCutWhileOpen(t *testing.T) {
	dir, db, _ := opened(t)
	if err := os.Truncate(filepath.Join(dir, liveName, anchorName), 0); err != nil {
		t.Fatal(err)
	}
	_, err := db.Check()
	wantErr(t, err, crdt.ErrDamaged)
}

// TestTablesCutWhileOpen: a read beyond the end of a mapped file is a signal, not an error.
func TestTablesCutWhileOpen(t *testing.T) {
	dir, db, m := opened(t)
	for _, file := range filesOf(t, dir) {
		if filepath.Ext(file) == ".sst" {
			if err := os.Truncate(filepath.Join(dir, file), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := db.Event(m.Events[0].ID)
	wantErr(t, err, crdt.ErrDamaged)
	wantErr(t, db.Events(0, func(uint64, []byte) error { return nil }), crdt.ErrDamaged)
	_, err = db.Check()
	wantErr(t, err, crdt.ErrDamaged)
}

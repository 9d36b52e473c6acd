package badgerdb

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
	"github.com/sustainy/coop/event"
)

// appendUntilKilled is the child of TestKill: it appends and tells on its output what was
// acknowledged.
func appendUntilKilled(dir string) error {
	db, err := Open(dir, lean)
	if err != nil {
		return err
	}
	var coop event.ID
	var prev *event.Event
	err = db.Events(0, func(n uint64, raw []byte) error {
		if n > 0 && n+1 < db.Count().Events {
			return nil
		}
		e, err := event.Open(raw)
		if n == 0 && err == nil {
			coop = e.ID
		}
		prev = e
		return err
	})
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(uint64(os.Getpid()), db.Count().Events))
	for {
		b, last, err := crashBatch(r, db.Count(), coop, prev)
		if err != nil {
			return err
		}
		if prev == nil && len(b.Events) > 0 {
			coop = b.Events[0].ID
		}
		prev = last
		if err := db.Append(b); err != nil {
			return err
		}
		c := db.Count()
		if _, err := fmt.Println(c.Events, c.Rounds, c.Commits); err != nil {
			return err
		}
	}
}

// TestKill kills a writer at random moments, also while it opens, and finds everything that was
// acknowledged and nothing half. One directory lives through 40 kills.
func TestKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var dir string
	r := rand.New(rand.NewPCG(1, 2))
	var acked crdt.Count
	for kill := range times(8, 400) {
		if kill%40 == 0 {
			dir, acked = filepath.Join(t.TempDir(), "store"), crdt.Count{} // a real disk
		}
		child := exec.Command(self, "-test.run", "^$")
		child.Env = append(os.Environ(), childVariable+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// Every fourth writer is killed while it starts, the others some time after something of
		// each kind was acknowledged, however slow the machine is.
		pause, starting := time.Duration(r.IntN(250))*time.Millisecond, kill%4 == 3
		var timer *time.Timer
		if starting {
			timer = time.AfterFunc(pause/4, func() { child.Process.Kill() })
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var c crdt.Count
			if n, _ := fmt.Sscan(lines.Text(), &c.Events, &c.Rounds, &c.Commits); n == 3 {
				acked = c
			}
			if timer == nil && acked.Events > 0 && acked.Rounds > 0 && acked.Commits > 0 {
				timer = time.AfterFunc(pause, func() { child.Process.Kill() })
			}
		}
		if timer != nil {
			timer.Stop()
		}
		if err := child.Wait(); child.ProcessState.Exited() {
			t.Fatalf("kill %d: the writer ended by itself: %v", kill, err)
		}
		if _, err := os.Stat(dir); err != nil {
			continue // killed before it made anything
		}
		look := dir
		if kill%2 == 0 { // the writer goes on from what the kill left
			look = filepath.Join(tempDir(t), "copy")
			copyTree(t, dir, look)
		}
		db := mustOpen(t, look)
		got, err := crashContent(db)
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		if got.Events < acked.Events || got.Rounds < acked.Rounds || got.Commits < acked.Commits {
			t.Fatalf("kill %d: acknowledged %+v, found %+v", kill, acked, got)
		}
		if r, err := db.Check(); err != nil {
			t.Fatalf("kill %d: %v %v", kill, err, r.Findings)
		}
		mustClose(t, db)
		if look != dir { // hundreds of copies would fill the memory
			if err := os.RemoveAll(look); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("nothing of %+v was lost", acked)
}

// TestUnfinishedAppend stops an Append between its transactions. It did not happen: not now, not
// after more was appended, and not for a Rebuild.
func TestUnfinishedAppend(t *testing.T) {
	base := tempDir(t)
	r := rand.New(rand.NewPCG(3, 4))
	db := mustOpen(t, filepath.Join(base, "0"))
	var coop event.ID
	var prev *event.Event
	grow := func(db *DB) {
		t.Helper()
		b, last, err := crashBatch(r, db.Count(), coop, prev)
		if err != nil {
			t.Fatal(err)
		}
		if coop.IsZero() && len(b.Events) > 0 {
			coop = b.Events[0].ID
		}
		prev = last
		if err := db.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		grow(db)
	}
	for stop := range 4 {
		before := db.Count()
		stray := crdt.Batch{Commits: [][]byte{make([]byte, 9*partSize), make([]byte, 9*partSize)}}
		stray.Events = storetest.Chain(t, byte(50+stop), 400, 300) // would be kept by a Rebuild: they build on nothing else
		for n := range 3000 {
			stray.Rounds = append(stray.Rounds, crdt.Blob{ID: [32]byte{byte(stop), byte(n), byte(n >> 8)}, Raw: make([]byte, 500)})
		}
		commit, done := db.commit, 0
		db.commit = func(txn txn, f func(error)) {
			if done++; done > stop+1 {
				f(errTest)
				return
			}
			commit(txn, f)
		}
		wantErr(t, db.Append(stray), crdt.ErrStopped)
		wantErr(t, db.Append(crdt.Batch{}), crdt.ErrStopped)
		wantErr(t, db.Append(crdt.Batch{}), errTest)
		if db.Count() != before {
			t.Fatal("an Append that failed was counted")
		}
		copied := filepath.Join(base, fmt.Sprint(stop+1))
		copyTree(t, db.dir, copied)
		wantErr(t, db.Close(), crdt.ErrStopped)
		db = mustOpen(t, copied)
		if got, err := crashContent(db); err != nil || got != before {
			t.Fatalf("stopped after %d transactions: %+v, want %+v, %v", stop+1, got, before, err)
		}
		for range 5 { // to where the later pages of the stray one began
			grow(db)
		}
		if r, err := db.Check(); err != nil {
			t.Fatal(err, r.Findings)
		}
	}
	want := db.Count()
	mustClose(t, db)
	if report, err := Rebuild(db.dir, lean); err != nil || report.Kept != want || report.Orphans != 0 {
		t.Fatalf("rebuilt %+v of %+v, %v", report, want, err)
	}
	db = mustOpen(t, db.dir)
	if _, err := crashContent(db); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
}

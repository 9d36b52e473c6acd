package badgerdb

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
	"github.com/sustainy/coop/event"
)

// opens tells whether a store opens, and closes it again.
func opens(t *testing.T, dir string) error {
	t.Helper()
	db, err := Open(dir, lean)
	if err == nil {
		mustClose(t, db)
	} else if !errors.Is(err, crdt.ErrDamaged) {
		t.Fatalf("refused to open with %v", err)
	}
	return err
}

// TestAnchorNoticesLostAppends: it follows every Append, so a store that went back by a single one
// does not open; an anchor that is behind by a few, as after a power failure, does no harm; an older
// one comes from a backup.
func TestAnchorNoticesLostAppends(t *testing.T) {
	base := tempDir(t)
	dir := filepath.Join(base, "store")
	db := mustOpen(t, dir)
	events := storetest.Chain(t, 1, ring+20, 50)
	var states []string // copies of the store, each after one more Append
	for n := range events {
		if err := db.Append(crdt.Batch{Events: events[n : n+1]}); err != nil {
			t.Fatal(err)
		}
		if n < 3 || n >= len(events)-2 {
			state := filepath.Join(base, fmt.Sprint("after ", n+1))
			copyTree(t, dir, state)
			states = append(states, state)
		}
	}
	mustClose(t, db)
	// Badger's files of one state with the anchor of another.
	mix := func(files, anchor string) string {
		mixed := filepath.Join(base, "mixed")
		if err := os.RemoveAll(mixed); err != nil {
			t.Fatal(err)
		}
		copyTree(t, files, mixed)
		name := filepath.Join(mixed, liveName, anchorName)
		if err := errors.Join(os.Remove(name), copyFile(filepath.Join(anchor, liveName, anchorName), name)); err != nil {
			t.Fatal(err)
		}
		return mixed
	}
	last := len(states) - 1
	for _, test := range []struct {
		files, anchor string
		complaint     string
	}{
		{states[1], states[1], ""},
		{states[0], states[1], "missing (found 1 events"},
		{states[last-1], states[last], "missing (found 83 events"},
		{states[2], states[0], ""},
		{states[last], states[last-1], ""},
		{states[last], states[0], "backup"},
	} {
		mixed := mix(test.files, test.anchor)
		if err := opens(t, mixed); (err == nil) != (test.complaint == "") || err != nil && !strings.Contains(err.Error(), test.complaint) {
			t.Errorf("files %s with the anchor %s: %v", filepath.Base(test.files), filepath.Base(test.anchor), err)
		} else if err != nil {
			wantErr(t, opens(t, mixed), crdt.ErrDamaged) // again, and not only once
		}
	}
	other := filepath.Join(base, "other")
	db = mustOpen(t, other)
	for _, e := range storetest.Chain(t, 2, 2, 50) {
		if err := db.Append(crdt.Batch{Events: []*event.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, db)
	if err := opens(t, mix(states[1], other)); err == nil {
		t.Error("the anchor of another store was accepted")
	}
}

// TestAnchorCopies: one copy may be torn or spoiled; the other one is a lower bound that is at most
// one Append behind.
func TestAnchorCopies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(tempDir(t), "")
		if err != nil {
			rt.Fatal(err)
		}
		a, err := createAnchor(dir)
		if err != nil {
			rt.Fatal(err)
		}
		var acked head
		for n := range rapid.IntRange(0, 5).Draw(rt, "appends") {
			acked = head{seq: uint64(n) + 1, count: crdt.Count{Events: uint64(n) * 3, Commits: 7}, sum: digestSum{1, 2, 3, uint64(n)}, tip: [32]byte{byte(n)}}
			if err := a.advance(acked); err != nil {
				rt.Fatal(err)
			}
		}
		a.rebuilt = 3
		closed := rapid.Bool().Draw(rt, "closed")
		if closed {
			if err := a.settle(true); err != nil {
				rt.Fatal(err)
			}
		}
		path := filepath.Join(dir, anchorName)
		good, err := os.ReadFile(path)
		if err != nil {
			rt.Fatal(err)
		}
		bad := slices.Clone(good)
		at := rapid.IntRange(0, len(good)-1).Draw(rt, "at")
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			rt.Fatal(err)
		}
		b, err := openAnchor(dir)
		if err != nil {
			rt.Fatal(err)
		}
		if b.head != acked && b.head.seq+1 != acked.seq {
			rt.Fatalf("read %+v after %+v", b.head, acked)
		}
		if closed && (b.head != acked || !b.closed || b.rebuilt != 3) {
			rt.Fatalf("a closed anchor came back as %+v", b)
		}
		if err := errors.Join(a.file.Close(), b.file.Close()); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestAnchorGoesOn: what is written after an anchor was read replaces the older copy.
func TestAnchorGoesOn(t *testing.T) {
	dir := tempDir(t)
	a, err := createAnchor(dir)
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n < 20; n++ {
		if err := a.advance(head{seq: n}); err != nil {
			t.Fatal(err)
		}
		if err := a.file.Close(); err != nil {
			t.Fatal(err)
		}
		if a, err = openAnchor(dir); err != nil || a.head.seq != n {
			t.Fatalf("read %+v after %d, %v", a, n, err)
		}
	}
	if err := a.file.Close(); err != nil {
		t.Fatal(err)
	}
}

// FuzzUnframe: nothing but a whole frame is read, and it is what was written.
func FuzzUnframe(f *testing.F) {
	i := item{kind: kindCommit, n: 5, seq: 9, part: 1, parts: 2, payload: []byte("payload")}
	f.Add(i.frame(), 3)
	f.Add(append(i.frame(), 1, 2, 3), 0)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, b []byte, flip int) {
		i, ok := unframe(b)
		if !ok {
			return
		}
		again := i.frame()
		if !bytes.HasPrefix(b, again) {
			t.Fatal("a frame is not what it was read from")
		}
		again[uint(flip)%uint(len(again))] ^= 1
		if _, ok := unframe(again); ok {
			t.Fatal("a changed frame was read")
		}
	})
}

// FuzzTable: no bytes end the process, whatever a table's footer says.
func FuzzTable(f *testing.F) {
	closed, _, _ := sample(f)
	for _, name := range filesOf(f, closed) {
		if filepath.Ext(name) == ".sst" {
			b, err := os.ReadFile(filepath.Join(closed, name))
			if err != nil {
				f.Fatal(err)
			}
			if err := checkTable(b); err != nil {
				f.Fatalf("a table of Badger's %v", err)
			}
			f.Add(b[max(0, len(b)-3000):])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = protectedCheck(b)
	})
}

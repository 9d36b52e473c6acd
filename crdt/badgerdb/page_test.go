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
	"github.com/sustainy/coop/identity"
)

// foundIn tells which events a look through a file with some bytes finds.
func foundIn(t testing.TB, dir string, b []byte) map[event.ID]bool {
	if err := os.WriteFile(filepath.Join(dir, "file"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := salvageFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[event.ID]bool{}
	take := func(raws [][]byte) error {
		for _, raw := range raws {
			if e, err := event.Open(raw); err == nil {
				all[e.ID] = true
			}
		}
		return nil
	}
	if err := errors.Join(s.eachStray(take), s.each(kindEvent, take), s.close()); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEveryByteOfAPage: whichever is changed, no event is lost but the one that it belongs to, and the
// page is not taken for whole.
func TestEveryByteOfAPage(t *testing.T) {
	dir, events := tempDir(t), storetest.Chain(t, 1, 4, 30)
	_, size := fitting(events)
	i := item{kind: kindEvent, n: 7, seq: 3, parts: 1}
	page, ids := newPage(&i, events, size)
	b := append(bytes.Repeat([]byte{0x82, 0x59}, 40), page...)
	b = append(b, 0x82, 0x58, 0xff, 0x82)
	if found := foundIn(t, dir, b); len(found) != len(ids) {
		t.Fatalf("found %d events of %d", len(found), len(ids))
	}
	// What looks like an envelope around a whole page and is none.
	around := append([]byte{0x82, 0x59, byte(len(page) >> 8), byte(len(page))}, page...)
	around = append(around, append([]byte{0x58, 64}, make([]byte, 64)...)...)
	if size, ok := envelope(around); !ok || size != len(around) || len(foundIn(t, dir, around)) != len(ids) {
		t.Fatal("a page within something else is lost")
	}
	begin := len(b) - len(page) - 4
	for at := begin; at < begin+len(page); at++ {
		b[at] ^= 1 << (at % 8)
		if _, ok := unframe(b[begin:]); ok {
			t.Fatalf("a change of byte %d passes", at-begin)
		}
		found := foundIn(t, dir, b)
		for n, e := range events {
			if from := bytes.Index(page, e.Raw); !found[e.ID] && (at-begin < from || at-begin >= from+len(e.Raw)) {
				t.Fatalf("a change of byte %d lost event %d, which is in bytes %d to %d", at-begin, n, from, from+len(e.Raw))
			}
		}
		b[at] ^= 1 << (at % 8)
	}
	for size := range len(page) {
		found := foundIn(t, dir, page[:size])
		for n, e := range events {
			if !found[e.ID] && bytes.Contains(page[:size], e.Raw) {
				t.Fatalf("the first %d bytes: event %d is lost", size, n)
			}
		}
	}
}

// TestPageSpoiled: of a large store with a changed byte in one page, one event is lost, and with it only
// the place of those that build on it.
func TestPageSpoiled(t *testing.T) {
	events := storetest.Chain(t, 1, 400, 300)
	for name, lost := range map[string]int{"first of a page": 86, "in the middle": 120, "last event": 399, "the founding event": 0} {
		t.Run(name, func(t *testing.T) {
			dir := tempDir(t)
			db := mustOpen(t, dir)
			m := &storetest.Model{}
			put(t, db, m, crdt.Batch{Events: events, New: true})
			if len(db.index.pages) < 4 {
				t.Fatalf("%d pages", len(db.index.pages))
			}
			mustClose(t, db)
			spoilFrame(t, dir, events[lost].Raw)
			table := filepath.Join(dir, liveName, badgerName, "000001.sst")
			if err := copyFile(table, table+".copy"); err != nil { // as Badger often has two
				t.Fatal(err)
			}
			wantErr(t, opens(t, dir), crdt.ErrDamaged)
			report, err := Rebuild(dir, lean)
			if err != nil || int(report.Kept.Events) != lost || int(report.Orphans) != 399-lost || report.Unreadable != 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			// Once the lost one is there again, another rebuild brings all the others back.
			db = mustOpen(t, dir)
			if err := db.Append(crdt.Batch{Events: events[lost : lost+1]}); err != nil {
				t.Fatal(err)
			}
			mustClose(t, db)
			if report, err := Rebuild(dir, lean); err != nil || report.Kept.Events != 400 || report.Orphans != 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			db = mustOpen(t, dir)
			if err := m.Diff(db); err != nil {
				t.Fatal(err)
			}
			mustClose(t, db)
		})
	}
}

// TestSpoiledPageOfAMember: what a member wrote into an event is not taken for frames or events of the
// store when the page around it is looked through. Here a head that would have everything forgotten, and
// an event.
func TestSpoiledPageOfAMember(t *testing.T) {
	events := storetest.Chain(t, 1, 3, 30)
	key, foreign := identity.KeyFromSeed([32]byte{1}), storetest.Chain(t, 9, 1, 30)[0]
	h := head{seq: 1 << 60}
	i := item{kind: kindHead, n: h.seq, seq: h.seq, parts: 1, payload: h.encode()}
	for _, text := range [][]byte{i.frame(), foreign.Raw} {
		d, err := event.NewDraft("test.note", storetest.Note{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		e, err := event.Seal(key, event.After(events[0].ID, events[len(events)-1], 0), d)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	lost := len(events)
	events = storetest.Continue(t, 1, events, lost+1, 30)
	dir := tempDir(t)
	db := mustOpen(t, dir)
	if err := db.Append(crdt.Batch{Events: events, Commits: [][]byte{{1}, {2}}}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	spoilFrame(t, dir, events[lost].Raw)
	want := crdt.Count{Events: uint64(lost), Commits: 2}
	if report, err := Rebuild(dir, lean); err != nil || report.Kept != want || report.Orphans != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
}

// TestPagesAtOpening: a page that is missing, or is whole and holds something else, is noticed when the
// store is opened, and by Check before.
func TestPagesAtOpening(t *testing.T) {
	events, others := storetest.Chain(t, 1, 60, 3000), storetest.Chain(t, 2, 60, 3000)
	replace := func(first int, with []*event.Event) func(txn) error {
		i := item{kind: kindEvent, n: uint64(first), seq: 1, parts: 1}
		frame, _ := newPage(&i, with, 0)
		return func(t txn) error { return t.Set(key(kindEvent, uint64(first), 0), frame) }
	}
	remove := func(first uint64) func(txn) error {
		return func(t txn) error { return t.Delete(key(kindEvent, first, 0)) }
	}
	for name, test := range map[string]struct {
		spoil func(txn) error
		opens bool // the number of events is right: only Check knows what they were
		bad   int  // events that Check does not count
	}{
		"first missing":     {remove(0), false, 10},
		"one missing":       {remove(20), false, 10},
		"last missing":      {remove(50), false, 10},
		"one shorter":       {replace(20, events[20:29]), false, 10},
		"one longer":        {replace(20, events[20:31]), false, 10},
		"other events":      {replace(20, others[20:30]), true, 0},
		"another order":     {replace(0, append(events[1:10:10], events[0])), true, 0},
		"no events":         {replace(20, slices.Repeat([]*event.Event{{Raw: []byte("nonsense")}}, 10)), false, 0},
		"written a page on": {func(t txn) error { return errors.Join(remove(50)(t), replace(51, events[50:])(t)) }, false, 10},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tempDir(t)
			db := mustOpen(t, dir)
			if err := db.Append(crdt.Batch{Events: events}); err != nil {
				t.Fatal(err)
			}
			if _, next := db.index.page(20); next != 30 {
				t.Fatalf("pages end at %d, not where this test expects", next)
			}
			if err := db.badger.Update(test.spoil); err != nil {
				t.Fatal(err)
			}
			r, err := db.Check()
			wantErr(t, err, crdt.ErrDamaged)
			if r.Count.Events != uint64(len(events)-test.bad) {
				t.Errorf("%d of %d events are whole: %v", r.Count.Events, len(events), r.Findings)
			}
			if test.opens && !strings.Contains(err.Error(), "is not the one that was there before") {
				t.Errorf("%v does not say which event", err)
			}
			for _, e := range events {
				if raw, err := db.Event(e.ID); err == nil && !bytes.Equal(raw, e.Raw) || err != nil && (!errors.Is(err, crdt.ErrDamaged) || strings.Contains(err.Error(), "gave up")) {
					t.Fatalf("event %d: %v", e.Seq, err)
				}
			}
			mustClose(t, db)
			if err := opens(t, dir); (err == nil) != test.opens {
				t.Errorf("opened: %v", err)
			}
		})
	}
}

// TestVisibleWhenDurable: an event is not found before its Append is on disk, nor after it failed.
func TestVisibleWhenDurable(t *testing.T) {
	db := mustOpen(t, tempDir(t))
	events := storetest.Chain(t, 1, 20, 50)
	var failing error
	looked := 0
	db.commit = func(txn txn, f func(error)) {
		if failing != nil {
			f(failing)
			return
		}
		txn.CommitWith(func(err error) {
			looked++
			if _, err := db.Event(events[10].ID); !errors.Is(err, crdt.ErrNotFound) {
				t.Errorf("found before it was appended: %v", err)
			}
			f(err)
		})
	}
	if err := db.Append(crdt.Batch{Events: events[:15], New: true}); err != nil || looked != 1 {
		t.Fatal(looked, err)
	}
	if raw, err := db.Event(events[10].ID); err != nil || !bytes.Equal(raw, events[10].Raw) {
		t.Fatal(err)
	}
	failing = errTest
	wantErr(t, db.Append(crdt.Batch{Events: events[15:]}), crdt.ErrStopped)
	_, err := db.Event(events[15].ID)
	wantErr(t, err, crdt.ErrNotFound)
	wantErr(t, db.Close(), crdt.ErrStopped)
}

// TestIndex compares the index with a map, and holds it to its size.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, twin, firsts := newIndex(), map[event.ID]uint64{}, []uint64{}
		for range rapid.IntRange(0, 30).Draw(rt, "pages") {
			firsts = append(firsts, x.len())
			page := make([]event.ID, rapid.IntRange(1, 300).Draw(rt, "events"))
			for i := range page {
				n := x.len() + uint64(i)
				page[i] = event.ID{byte(n), byte(n >> 8)}
				twin[page[i]] = n
			}
			x.add(page)
		}
		for id, want := range twin {
			if n, ok := x.find(id); !ok || n != want || x.at(n) != id {
				rt.Fatalf("event %d is found as %d, %v", want, n, ok)
			}
			id[31] = 1
			if _, ok := x.find(id); ok {
				rt.Fatal("an event that there is not was found")
			}
		}
		firsts = append(firsts, x.len())
		for i, first := range firsts[:len(firsts)-1] {
			for n := first; n < firsts[i+1]; n++ {
				if a, b := x.page(n); a != first || b != firsts[i+1] {
					rt.Fatalf("event %d is on the page from %d to %d, want %d to %d", n, a, b, first, firsts[i+1])
				}
			}
		}
	})
	x := newIndex()
	for n := range 300_000 {
		x.add([]event.ID{{byte(n), byte(n >> 8), byte(n >> 16)}})
		if _, ok := x.find(event.ID{31: 1}); ok { // a full table would be searched for ever
			t.Fatal("an event that there is not was found")
		}
		size := len(x.ids)*blockIDs*32 + cap(x.ids)*24 + cap(x.pages)*4 + len(x.slots)*4
		if n >= 10_000 && size > 60*n {
			t.Fatalf("%d events take %d bytes", n, size)
		}
	}
}

// TestFormat: a store of another version is refused, also by Rebuild, and is not called damaged.
func TestFormat(t *testing.T) {
	closed, _, m := sample(t)
	name := filepath.Join(closed, liveName, anchorName)
	if anchorMagic[len(anchorKind)] != '0'+format || magic[3] != format {
		t.Fatal("the anchor and the frames are of several formats")
	}
	for copies, at := range []int{len(anchorKind), copyAt + len(anchorKind)} {
		err := rewrite(name, func(b []byte) []byte { b[at] = '1'; return b })
		if err != nil {
			t.Fatal(err)
		}
		if copies == 0 { // one byte of one copy is damage, and the other copy is whole
			db := mustOpen(t, closed)
			if err := m.Diff(db); err != nil {
				t.Fatal(err)
			}
			mustClose(t, db)
			if err := rewrite(name, func(b []byte) []byte { b[at] = '1'; return b }); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := fmt.Sprint(digestOf(t, closed))
	_, err := Open(closed, lean)
	_, again := Rebuild(closed, lean)
	for _, err := range []error{err, again} {
		wantErr(t, err, ErrFormat)
		if errors.Is(err, crdt.ErrDamaged) {
			t.Fatal("another format is called damage")
		}
	}
	if after := fmt.Sprint(digestOf(t, closed)); after != before {
		t.Fatal("the files were changed")
	}
	frame := (&item{kind: kindCommit, parts: 1}).frame()
	frame[3] = 1
	if _, ok := unframe(frame); ok {
		t.Fatal("a frame of another format was read")
	}
}

// TestEnvelope: what an event looks like is recognized at every size.
func TestEnvelope(t *testing.T) {
	for _, size := range []int{0, 1, 23, 24, 255, 256, 65_535, event.MaxCore} {
		core := make([]byte, size)
		raw, err := event.Marshal([][]byte{core, make([]byte, 64)})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := envelope(append(raw, 1, 2, 3)); !ok || got != len(raw) {
			t.Errorf("a core of %d bytes: %d, %v, want %d", size, got, ok, len(raw))
		}
		for cut := range len(raw) {
			if _, ok := envelope(raw[:cut]); ok {
				t.Fatalf("a core of %d bytes, cut off after %d", size, cut)
			}
		}
	}
	raw, err := event.Marshal([][]byte{make([]byte, event.MaxCore+1), make([]byte, 64)})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := envelope(raw); ok {
		t.Error("a core that is too large")
	}
}

// FuzzPage: no bytes end the process, and what is read as a page is what was written.
func FuzzPage(f *testing.F) {
	events := storetest.Chain(f, 1, 3, 10)
	i := item{kind: kindEvent, parts: 1}
	newPage(&i, events, 0)
	f.Add(i.payload, uint16(3))
	f.Add(i.payload, uint16(2))
	f.Add([]byte{0, 0, 0, 0}, uint16(1))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1}, uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, count uint16) {
		for at := range b {
			if size, ok := envelope(b[at:]); ok {
				if _, sound := crdt.EnvelopeID(b[at : at+size]); !sound {
					t.Fatal("an envelope without an id")
				}
			}
		}
		i := item{kind: kindEvent, parts: 1, count: count, payload: b}
		raws, ok := i.split()
		if !ok {
			return
		}
		var events []*event.Event
		for _, raw := range raws {
			events = append(events, &event.Event{Raw: raw})
		}
		again := item{kind: kindEvent, parts: 1}
		newPage(&again, events, 0)
		if again.count != count || !bytes.Equal(again.payload, b) {
			t.Fatal("a page is not what it was read from")
		}
	})
}

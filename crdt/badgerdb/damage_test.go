package badgerdb

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/storetest"
	"github.com/sustainy/coop/event"
)

// sample makes two stores with the same content: one that was closed and one as a kill leaves it,
// with a part of its content in Badger's log.
func sample(t testing.TB) (closed, killed string, m *storetest.Model) {
	base := tempDir(t)
	closed, killed, m = filepath.Join(base, "closed"), filepath.Join(base, "killed"), &storetest.Model{}
	events := storetest.Chain(t, 1, 120, 300)
	for step := range 4 {
		db := mustOpen(t, closed)
		for i := range 3 {
			from := (step*3 + i) * 10
			put(t, db, m, crdt.Batch{
				Events:  events[from : from+10],
				Rounds:  []crdt.Blob{storetest.Blob(fmt.Sprint("round ", from), 400), storetest.Blob(fmt.Sprint("other ", from), 90)},
				Commits: [][]byte{bytes.Repeat([]byte{byte(from)}, 100)},
				Tip:     [32]byte{byte(from + 1)},
			})
		}
		if step%2 == 1 {
			put(t, db, m, crdt.Batch{Commits: [][]byte{bytes.Repeat([]byte("large"), partSize/4)}})
		}
		if step == 3 {
			copyTree(t, closed, killed)
		}
		mustClose(t, db)
	}
	return closed, killed, m
}

// filesOf lists the files of a store, below the directory.
func filesOf(t testing.TB, dir string) (names []string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.EqualFold(d.Name(), "lock") {
			names = append(names, path[len(dir)+1:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestEveryByteOfATable: there is none that could change unnoticed.
func TestEveryByteOfATable(t *testing.T) {
	closed, _, _ := sample(t)
	b, err := os.ReadFile(filepath.Join(closed, liveName, badgerName, "000001.sst"))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkTable(b); err != nil {
		t.Fatalf("a table of Badger's %v", err)
	}
	for at := range b {
		b[at] ^= 1 << (at % 8)
		if protectedCheck(b) == nil {
			t.Fatalf("a change of byte %d of %d passes", at, len(b))
		}
		b[at] ^= 1 << (at % 8)
	}
	for size := range b {
		if protectedCheck(b[:size]) == nil {
			t.Fatalf("%d bytes of %d pass", size, len(b))
		}
	}
}

// spoiler damages a file, of which some part is used and the rest, up to its size, are zeros.
type spoiler struct {
	name string
	do   func(r *rand.Rand, f *os.File, used, size int) error
}

var spoilers = []spoiler{
	{"flip", func(r *rand.Rand, f *os.File, used, _ int) error {
		if used == 0 {
			return nil
		}
		return flip(f, r.IntN(used), 1<<r.IntN(8))
	}},
	{"flip anywhere", func(r *rand.Rand, f *os.File, _, size int) error {
		if size == 0 {
			return nil
		}
		return flip(f, r.IntN(size), 1<<r.IntN(8))
	}},
	{"zero page", func(r *rand.Rand, f *os.File, used, size int) error {
		at := r.IntN(used+1) &^ 4095
		_, err := f.WriteAt(make([]byte, min(4096, size-at)), int64(at))
		return err
	}},
	{"cut", func(r *rand.Rand, f *os.File, used, _ int) error { return f.Truncate(int64(r.IntN(used + 1))) }},
	{"empty", func(_ *rand.Rand, f *os.File, _, _ int) error { return f.Truncate(0) }},
	{"last byte", func(_ *rand.Rand, f *os.File, _, size int) error { return f.Truncate(int64(max(0, size-1))) }},
	{"longer", func(r *rand.Rand, f *os.File, _, size int) error {
		var more []byte
		for range 100 {
			more = append(more, byte(r.Int()))
		}
		_, err := f.WriteAt(more, int64(size))
		return err
	}},
	{"delete", func(_ *rand.Rand, f *os.File, _, _ int) error { return os.Remove(f.Name()) }},
}

func (s spoiler) spoil(r *rand.Rand, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	used, size, err := measure(f)
	if err == nil {
		err = s.do(r, f, used, size)
	}
	return errors.Join(err, f.Close())
}

// measure tells how much of a file is used, which is all but the zeros at its end, of which a log that was not
// closed has many megabytes, and how long it is.
func measure(f *os.File) (used, size int, err error) {
	all, err := eachBlock(f, func(at int64, block []byte) error {
		used = int(at) + len(bytes.TrimRight(block, "\x00"))
		return nil
	})
	return used, int(all), err
}

func flip(f *os.File, at int, bits byte) error {
	var b [1]byte
	if _, err := f.ReadAt(b[:], int64(at)); err != nil {
		return err
	}
	b[0] ^= bits
	_, err := f.WriteAt(b[:], int64(at))
	return err
}

func rewrite(path string, change func([]byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(b), 0o600)
}

// TestDamage spoils every file of a store in every way. The store then opens with exactly what was
// acknowledged, or says that it is damaged; it never gives other bytes, never less in silence, and
// the process lives on. After damage was reported, the files are as they were found, and a Rebuild
// keeps everything that one spoiled place can not have touched.
func TestDamage(t *testing.T) {
	closed, killed, m := sample(t)
	for name, base := range map[string]string{"closed": closed, "killed": killed} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			reported, trials := map[string]int{}, map[string]int{}
			for _, file := range filesOf(t, base) {
				kind := filepath.Ext(file)
				if kind == "" {
					kind = filepath.Base(file)
				}
				for _, s := range spoilers {
					tries := times(1, 15)
					if s.name == "flip" {
						tries = times(3, 60)
					}
					for try := range tries {
						trials[kind]++
						if spoil(t, r, base, file, s, fmt.Sprintf("%s of %s, try %d", s.name, file, try), m) {
							reported[kind]++
						}
						if t.Failed() {
							return
						}
					}
				}
			}
			t.Logf("reported %v of %v", reported, trials)
			for _, kind := range []string{".sst", "MANIFEST", anchorName} {
				if reported[kind] == 0 {
					t.Errorf("no damage of %s was noticed: is anything verified?", kind)
				}
			}
		})
	}
}

// spoil tells whether the damage was reported.
func spoil(t *testing.T, r *rand.Rand, base, file string, s spoiler, what string, m *storetest.Model) bool {
	dir := filepath.Join(tempDir(t), "store")
	defer os.RemoveAll(filepath.Dir(dir))
	copyTree(t, base, dir)
	if err := s.spoil(r, filepath.Join(dir, file)); err != nil {
		t.Fatal(err)
	}
	before := digestOf(t, dir)
	db, err := Open(dir, lean)
	if err == nil {
		defer db.Close()
		if err := m.Diff(db); err != nil {
			t.Errorf("%s: opened without complaint, then: %v", what, err)
		}
		return false
	}
	var damage *DamageError
	if !errors.As(err, &damage) || !errors.Is(err, crdt.ErrDamaged) || damage.What == "" || damage.Next == "" {
		t.Errorf("%s: %v", what, err)
	}
	if strings.Contains(err.Error(), "gave up") {
		// Badger panicked; what it left running may still touch the files, which is what the guard
		// is for: the next opening finds them as they were.
		if _, err := Open(dir, lean); !errors.Is(err, crdt.ErrDamaged) {
			t.Errorf("%s: opened after Badger gave up: %v", what, err)
		}
	} else if after := digestOf(t, dir); !slices.Equal(before, after) {
		t.Errorf("%s: the damaged files were changed:\n%v\n%v", what, before, after)
	}
	rebuilt(t, dir, what, m, strings.HasPrefix(s.name, "flip") || !strings.HasSuffix(file, ".sst") && !strings.HasSuffix(file, ".mem"))
	return true
}

// digestOf lists Badger's files with their content; the lock file holds a process number.
func digestOf(t testing.TB, dir string) (all []string) {
	for _, file := range filesOf(t, dir) {
		if !slices.Contains([]string{".sst", ".mem", ".MANIFEST"}, filepath.Ext("."+filepath.Base(file))) {
			continue // files that hold nothing of ours, and the anchor, in which an opening is noted
		}
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.New()
		size, err := eachBlock(f, func(at int64, block []byte) error {
			fmt.Fprintln(hash, at, len(block))
			_, err := hash.Write(block)
			return err
		})
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %d %x", file, size, hash.Sum(nil)))
	}
	return all
}

// rebuilt rebuilds a damaged store and compares what is left with the model.
func rebuilt(t *testing.T, dir, what string, m *storetest.Model, little bool) {
	report, err := Rebuild(dir, lean)
	if err != nil {
		t.Errorf("%s: rebuild: %v", what, err)
		return
	}
	if entries, err := os.ReadDir(report.Moved); err != nil || len(entries) == 0 {
		t.Errorf("%s: the damaged files are not in %s", what, report.Moved)
	}
	db := mustOpen(t, dir)
	defer db.Close()
	left := &storetest.Model{Tip: db.Tip()}
	keep := func(raw []byte) error {
		e, err := event.Open(raw)
		if err == nil && !slices.ContainsFunc(m.Events, func(o *event.Event) bool { return bytes.Equal(o.Raw, raw) }) {
			err = errors.New("an event that was never stored")
		}
		left.Events = append(left.Events, e)
		return err
	}
	errs := []error{
		db.Events(0, func(n uint64, raw []byte) error {
			if !bytes.Equal(raw, m.Events[n].Raw) {
				return fmt.Errorf("event %d is another one", n)
			}
			return keep(raw)
		}),
		db.Rounds(0, func(_ uint64, raw []byte) error {
			i := slices.IndexFunc(m.Rounds, func(o crdt.Blob) bool { return bytes.Equal(o.Raw, raw) })
			if i < 0 {
				return errors.New("a round that was never stored")
			}
			left.Rounds = append(left.Rounds, m.Rounds[i])
			return nil
		}),
		db.Commits(0, func(n uint64, raw []byte) error {
			if !bytes.Equal(raw, m.Commits[n]) {
				return fmt.Errorf("commit record %d is another one", n)
			}
			left.Commits = append(left.Commits, raw)
			return nil
		}),
	}
	inOrder := len(left.Events)
	errs = append(errs, left.Diff(db), db.Orphans(keep))
	if err := errors.Join(errs...); err != nil {
		t.Errorf("%s: after the rebuild: %v", what, err)
	}
	if report.Kept != db.Count() || int(report.Orphans) != len(left.Events)-inOrder || db.Rebuilt() != 1 {
		t.Errorf("%s: reported %+v, found %+v", what, report, left.Count())
	}
	if lost := len(m.Events) - len(left.Events) + len(m.Rounds) - len(left.Rounds); little && lost > 1 {
		t.Errorf("%s: one place was spoiled and %d items are lost: %+v", what, lost, report)
	}
}

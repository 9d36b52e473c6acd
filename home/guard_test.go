package home

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

var (
	someCoop = event.ID{7}
	someKey  = identity.KeyFromSeed([32]byte{7}).Public()
)

func guardAt(t *testing.T, dir string) *Guard {
	t.Helper()
	g, err := OpenGuard(At(dir), someCoop, someKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// used is a home whose guard allowed some signatures.
func used(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	g := guardAt(t, dir)
	if g.Observer() != nil {
		t.Fatal(g.Observer())
	}
	for n := uint64(1); n <= 5; n++ {
		if err := g.Mark(Mark{Events: n, Epoch: 1, Round: 3 * n}); err != nil {
			t.Fatal(err)
		}
	}
	g.Close()
	return dir
}

func wantObserver(t *testing.T, g *Guard, words string) {
	t.Helper()
	p := g.Observer()
	if p == nil {
		t.Fatal("this device would sign")
	}
	if p.Code != CodeObserver || !strings.Contains(p.Error(), words) || !strings.Contains(p.Next, "coop ") {
		t.Errorf("%v: expected %q and a command", p, words)
	}
	m := g.Marks()
	m.Events += 10
	if err := g.Mark(m); err == nil {
		t.Error("an observer's mark was taken")
	}
}

func wantSigner(t *testing.T, g *Guard, m Mark) {
	t.Helper()
	if g.Observer() != nil {
		t.Fatalf("observer: %v", g.Observer())
	}
	if g.Marks() != m {
		t.Fatalf("marks %+v, expected %+v", g.Marks(), m)
	}
	m.Events++
	if err := g.Mark(m); err != nil {
		t.Error(err)
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func TestGuardKeepsItsMarks(t *testing.T) {
	dir := used(t)
	wantSigner(t, guardAt(t, dir), Mark{5, 1, 15})
	wantSigner(t, guardAt(t, dir), Mark{6, 1, 15})
}

func TestGuardNeverGoesDown(t *testing.T) {
	for _, low := range []Mark{{4, 1, 15}, {5, 1, 14}, {5, 0, 99}, {9, 1, 14}, {4, 2, 0}} {
		g := guardAt(t, used(t))
		err := g.Mark(low)
		if !errors.Is(err, ErrBehind) {
			t.Errorf("%+v after {5 1 15}: %v", low, err)
		}
		wantObserver(t, g, "older than its key's last use")
	}
	g := guardAt(t, used(t))
	for _, high := range []Mark{{5, 1, 15}, {5, 2, 1}, {6, 2, 1}} {
		if err := g.Mark(high); err != nil {
			t.Errorf("%+v: %v", high, err)
		}
	}
}

// Whatever marks are tried in whatever order and however often the guard is opened again, no mark
// that was taken is ever undone.
func TestGuardIsMonotone(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		home := filepath.Join(dir, fmt.Sprint(n))
		var highest Mark
		g, err := OpenGuard(At(home), someCoop, someKey)
		if err != nil {
			r.Fatal(err)
		}
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			m := Mark{rapid.Uint64Range(0, 6).Draw(r, "events"), rapid.Uint64Range(0, 2).Draw(r, "epoch"), rapid.Uint64Range(0, 4).Draw(r, "round")}
			lower := m.Events < highest.Events || m.Epoch < highest.Epoch || m.Epoch == highest.Epoch && m.Round < highest.Round
			err := g.Mark(m)
			if (err != nil) != lower {
				r.Fatalf("%+v after %+v: %v", m, highest, err)
			}
			if err == nil {
				highest = m
			}
			if err != nil || rapid.Bool().Draw(r, "again") {
				g.Close()
				if g, err = OpenGuard(At(home), someCoop, someKey); err != nil || g.Observer() != nil {
					r.Fatal(err, g.Observer())
				}
				if g.Marks() != highest {
					r.Fatalf("opened with %+v, taken was %+v", g.Marks(), highest)
				}
			}
		}
		g.Close()
	})
}

func TestCopiedHomeIsAnObserver(t *testing.T) {
	dir := used(t)
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "cp", "-a", dir, clone)
	wantObserver(t, guardAt(t, clone), "copied or restored")
	wantSigner(t, guardAt(t, dir), Mark{5, 1, 15}) // the original goes on
}

func TestMovedHomeGoesOn(t *testing.T) {
	dir := used(t)
	moved := filepath.Join(filepath.Dir(dir), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	wantSigner(t, guardAt(t, moved), Mark{5, 1, 15})
}

func TestCopyInPlaceOfTheOriginal(t *testing.T) {
	dir := used(t)
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "cp", "-a", dir, clone)
	os.RemoveAll(dir)
	run(t, "cp", "-a", clone, dir) // may get the very inodes of the original
	wantObserver(t, guardAt(t, dir), "copied or restored")
}

func TestRestoredDataIsAnObserver(t *testing.T) {
	dir := used(t)
	backup := filepath.Join(t.TempDir(), "backup")
	run(t, "cp", "-a", At(dir).Data, backup)
	g := guardAt(t, dir)
	if err := g.Mark(Mark{6, 1, 18}); err != nil {
		t.Fatal(err)
	}
	g.Close()
	os.RemoveAll(At(dir).Data)
	run(t, "cp", "-a", backup, At(dir).Data)
	wantObserver(t, guardAt(t, dir), "copied or restored since")
}

func TestDataRolledBackInPlaceIsAnObserver(t *testing.T) {
	dir := used(t)
	g := guardAt(t, dir) // files kept their places, but what the store shows at the start is older
	if err := g.Mark(Mark{4, 1, 12}); !errors.Is(err, ErrBehind) {
		t.Fatal(err)
	}
	wantObserver(t, g, "older backup")
}

func TestOtherInstanceIsAnObserver(t *testing.T) {
	one, two := used(t), used(t)
	name, err := os.ReadFile(At(two).InstanceFile(someCoop))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(At(one).InstanceFile(someCoop), name, 0o600) // same place, another name
	wantObserver(t, guardAt(t, one), "not the one this key was used with")
	os.Remove(At(one).InstanceFile(someCoop))
	wantObserver(t, guardAt(t, one), "is gone")
}

func TestDeletedGuardIsAnObserver(t *testing.T) {
	dir := used(t)
	os.Remove(At(dir).GuardFile(someCoop))
	wantObserver(t, guardAt(t, dir), "guard is gone")
	if _, err := os.Stat(At(dir).GuardFile(someCoop)); err == nil {
		t.Error("a new guard was made, the next start would sign")
	}
}

func TestGuardOfAnotherKeyIsAnObserver(t *testing.T) {
	dir := used(t)
	g, err := OpenGuard(At(dir), someCoop, identity.KeyFromSeed([32]byte{8}).Public())
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	wantObserver(t, g, "another key or cooperative")
}

// Damage to one copy loses nothing. Damage to both is seen, whichever bytes it hits.
func TestDamagedGuard(t *testing.T) {
	whole, err := os.ReadFile(At(used(t)).GuardFile(someCoop))
	if err != nil {
		t.Fatal(err)
	}
	size := int(whole[0])<<8 | int(whole[1])
	rapid.Check(t, func(r *rapid.T) {
		b := append([]byte(nil), whole...)
		offset := rapid.IntRange(0, size+1).Draw(r, "byte")
		mask := byte(rapid.IntRange(1, 255).Draw(r, "mask"))
		first := rapid.Bool().Draw(r, "first")
		both := rapid.Bool().Draw(r, "both")
		if first || both {
			b[offset] ^= mask
		}
		if !first || both {
			b[blockGap+offset] ^= mask
		}
		f, err := os.CreateTemp(t.TempDir(), "guard")
		if err != nil {
			r.Fatal(err)
		}
		defer f.Close()
		f.Write(b)
		got, err := readRecord(f)
		switch {
		case both && !errors.Is(err, errDamaged):
			r.Fatalf("damage to both copies was not seen: %v", err)
		case !both && (err != nil || got.mark() != Mark{5, 1, 15}):
			r.Fatalf("damage to one copy: %+v, %v", got.mark(), err)
		}
	})
	for name, damage := range map[string]func(path string) error{
		"cut":   func(path string) error { return os.Truncate(path, 100) },
		"empty": func(path string) error { return os.Truncate(path, 0) },
		"zeros": func(path string) error { return os.WriteFile(path, make([]byte, blockGap+blockSize), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := used(t)
			if err := damage(At(dir).GuardFile(someCoop)); err != nil {
				t.Fatal(err)
			}
			wantObserver(t, guardAt(t, dir), "damaged")
		})
	}
}

// A write that ended in the middle leaves the mark before or after it, never less.
func TestTornWrite(t *testing.T) {
	dir := used(t)
	path := At(dir).GuardFile(someCoop)
	before, _ := os.ReadFile(path)
	g := guardAt(t, dir)
	if err := g.Mark(Mark{6, 1, 18}); err != nil {
		t.Fatal(err)
	}
	g.Close()
	after, _ := os.ReadFile(path)
	for cut := 0; cut <= len(after); cut += 37 {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteAt(before, 0)
		f.WriteAt(after[:cut], 0)
		r, err := readRecord(f)
		f.Close()
		if err != nil || r.mark() != (Mark{5, 1, 15}) && r.mark() != (Mark{6, 1, 18}) {
			t.Fatalf("torn at %d: %+v, %v", cut, r.mark(), err)
		}
	}
}

// A process that ends while a guard is being made leaves one that can be completed, since it never
// allowed anything.
func TestInterruptedFirstUse(t *testing.T) {
	dir := t.TempDir()
	guardAt(t, dir).Close()
	path := At(dir).GuardFile(someCoop)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := readRecord(f)
	if err != nil {
		t.Fatal(err)
	}
	r.Data = place{}
	r.Writes += 5
	writeRecord(f, r)
	f.Close()
	os.Remove(At(dir).InstanceFile(someCoop))
	wantSigner(t, guardAt(t, dir), Mark{})
}

func TestRebind(t *testing.T) {
	dir := used(t)
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "cp", "-a", dir, clone)
	if err := Rebind(At(clone), someCoop, someKey); err != nil {
		t.Fatal(err)
	}
	g := guardAt(t, clone)
	if err := g.Mark(Mark{4, 1, 15}); !errors.Is(err, ErrBehind) {
		t.Errorf("the marks were forgotten: %v", err)
	}
	g.Close()
	wantSigner(t, guardAt(t, clone), Mark{5, 1, 15})
	os.Remove(At(clone).GuardFile(someCoop))
	if err := Rebind(At(clone), someCoop, someKey); err != nil {
		t.Fatal(err)
	}
	wantSigner(t, guardAt(t, clone), Mark{})
}

func TestSilenceLasts(t *testing.T) {
	dir := used(t)
	g := guardAt(t, dir)
	if err := g.Silence("somebody else signs with this key" + strings.Repeat("!", 2*maxSilenced)); err != nil {
		t.Fatal(err)
	}
	wantObserver(t, g, "somebody else signs")
	g.Close()
	wantObserver(t, guardAt(t, dir), "somebody else signs")
	if err := Rebind(At(dir), someCoop, someKey); err != nil {
		t.Fatal(err)
	}
	wantObserver(t, guardAt(t, dir), "somebody else signs")
}

// signForEver is a peer that writes down each number before it marks it and says it after, as a
// node does.
func signForEver(dir string) {
	g, err := OpenGuard(At(dir), someCoop, someKey)
	if err != nil || g.Observer() != nil {
		fmt.Println("observer", err, g.Observer())
		return
	}
	store, err := os.OpenFile(filepath.Join(dir, "store"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Println("store", err)
		return
	}
	info, err := store.Stat()
	if err != nil {
		fmt.Println("store", err)
		return
	}
	for n := uint64(info.Size()) + 1; ; n++ {
		store.Write([]byte("x"))
		store.Sync()
		if err := g.Mark(Mark{Events: n, Epoch: 1, Round: 3 * n}); err != nil {
			fmt.Println("refused", err)
			return
		}
		fmt.Println(n)
	}
}

// Killed at any moment, what was said is marked, and what is marked is in the store: so the peer
// goes on without doubt, and never says a number twice.
func TestKilledBetween(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	said := uint64(0)
	for life := range 20 {
		c, _, out := child(t, "sign", dir)
		for line := 0; line < 3+7*life%40; line++ {
			text, err := out.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			said = count(t, text, said)
		}
		c.Process.Kill()
		for rest := bufio.NewScanner(out); rest.Scan(); {
			if n := rest.Text(); n != "" && rest.Err() == nil {
				said = count(t, n, said)
			}
		}
		c.Wait()
		info, err := os.Stat(filepath.Join(dir, "store"))
		if err != nil {
			t.Fatal(err)
		}
		g := guardAt(t, dir)
		if g.Observer() != nil {
			t.Fatalf("life %d: %v", life, g.Observer())
		}
		if m := g.Marks().Events; m < said || m > uint64(info.Size()) {
			t.Fatalf("life %d: said %d, marked %d, stored %d", life, said, m, info.Size())
		}
		g.Close()
	}
}

func count(t *testing.T, line string, said uint64) uint64 {
	t.Helper()
	var n uint64
	if _, err := fmt.Sscan(line, &n); err != nil {
		t.Fatalf("the signing process says %q", line)
	}
	if n <= said {
		t.Fatalf("%d was said after %d", n, said)
	}
	return n
}

func BenchmarkMark(b *testing.B) {
	g, err := OpenGuard(At(b.TempDir()), someCoop, someKey)
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	n := uint64(0)
	for b.Loop() {
		n++
		if err := g.Mark(Mark{Events: n}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRestoredKeysAreAnObserver(t *testing.T) {
	dir := used(t)
	backup := filepath.Join(t.TempDir(), "keys")
	run(t, "cp", "-a", At(dir).Keys, backup)
	g := guardAt(t, dir)
	if err := g.Mark(Mark{6, 1, 18}); err != nil {
		t.Fatal(err)
	}
	g.Close()
	os.RemoveAll(At(dir).Keys)
	run(t, "cp", "-a", backup, At(dir).Keys)
	wantObserver(t, guardAt(t, dir), "made at another place")
}

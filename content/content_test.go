package content

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lukechampine.com/blake3"
	"pgregory.net/rapid"
)

func open(t interface {
	Helper()
	Fatal(...any)
}, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// noise is a file of so many bytes.
func noise(seed uint64, size int) []byte {
	data := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(data)
	return data
}

// fetch takes all that a part lacks from a store.
func fetch(part *Part, from *Store, id ID) error {
	proof, err := from.Prove(id, Last)
	if err != nil {
		return err
	}
	if err := part.Measure(proof); err != nil {
		return err
	}
	for part.Have() < part.Size() {
		proof, err := from.Prove(id, part.Have())
		if err != nil {
			return err
		}
		if len(proof) > MaxProof {
			return errors.New("a proof is longer than it can be")
		}
		if err := part.Put(proof); err != nil {
			return err
		}
	}
	return nil
}

// sizes that lie at the borders of chunks, leaves and pieces.
var sizes = []int{1, 1024, 1025, 16 << 10, 16<<10 + 1, Piece - 1, Piece, Piece + 1, 2*Piece + 17<<10, 3 * Piece}

// TestAddressIsBlake3: the address is the plain hash of the bytes, by the library's other door, and what is taken in
// comes out again.
func TestAddressIsBlake3(t *testing.T) {
	s := open(t, t.TempDir())
	for _, size := range sizes {
		data := noise(uint64(size), size)
		f, err := s.Add(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if want := ID(blake3.Sum256(data)); f.ID != want || f.Size != uint64(size) || !f.Whole() {
			t.Fatalf("%d bytes: %+v, not %s", size, f, want)
		}
		if back, err := Parse(f.ID.String()); err != nil || back != f.ID {
			t.Fatal(back, err)
		}
		var out bytes.Buffer
		if err := s.WriteTo(&out, f.ID); err != nil || !bytes.Equal(out.Bytes(), data) {
			t.Fatalf("%d bytes come out otherwise: %v", size, err)
		}
	}
	files, err := s.List()
	if err != nil || len(files) != len(sizes) {
		t.Fatal(files, err)
	}
}

// TestPartsResume: a part that is closed after any piece, even with half of the next one on the disk, goes on and
// ends as the same file.
func TestPartsResume(t *testing.T) {
	from := open(t, t.TempDir())
	for _, size := range sizes {
		data := noise(7, size)
		f, err := from.Add(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		to := open(t, t.TempDir())
		for stop := uint64(0); ; stop += Piece {
			part, err := to.Part(f.ID)
			if err != nil {
				t.Fatal(err)
			}
			if part.Have() > stop {
				t.Fatalf("%d bytes: has %d of %d", size, part.Have(), stop)
			}
			proof, err := from.Prove(f.ID, Last)
			if err != nil || part.Measure(proof) != nil {
				t.Fatal(err)
			}
			if proof, err = from.Prove(f.ID, part.Have()); err != nil || part.Put(proof) != nil {
				t.Fatal(err)
			}
			if part.Have() == part.Size() {
				got, err := part.Finish()
				if err != nil || got != f {
					t.Fatal(got, err)
				}
				break
			}
			if _, err := part.file.WriteAt([]byte("torn"), int64(part.Have())); err != nil {
				t.Fatal(err)
			}
			if err := part.Close(); err != nil {
				t.Fatal(err)
			}
			if held, err := to.Get(f.ID); err != nil || held.Whole() {
				t.Fatal(held, err)
			}
		}
		var out bytes.Buffer
		if err := to.WriteTo(&out, f.ID); err != nil || !bytes.Equal(out.Bytes(), data) {
			t.Fatalf("%d bytes come out otherwise: %v", size, err)
		}
	}
}

// TestOnlyTheFileGetsIn: whatever is changed in a proof, it is refused or gives the same bytes; nothing is kept of
// what is refused.
func TestOnlyTheFileGetsIn(t *testing.T) {
	from := open(t, t.TempDir())
	data := noise(3, 2*Piece+5000)
	f, err := from.Add(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	other, err := from.Add(bytes.NewReader(noise(4, 2*Piece+5000)))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "content")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		part, err := open(t, dir).Part(f.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer part.Close()
		bad := func(offset uint64) []byte {
			id := f.ID
			how := rapid.SampledFrom([]string{"flip", "cut", "more", "another file's", "another piece", "size"}).Draw(t, "how")
			if how == "another file's" {
				id = other.ID
			}
			if how == "another piece" {
				offset = Piece
				if part.Have() == Piece {
					offset = 0
				}
			}
			proof, err := from.Prove(id, offset)
			if err != nil {
				t.Fatal(err)
			}
			switch how {
			case "flip":
				proof[rapid.IntRange(0, len(proof)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			case "cut":
				proof = proof[:rapid.IntRange(0, len(proof)-1).Draw(t, "to")]
			case "more":
				proof = append(proof, 0)
			case "size":
				proof[rapid.IntRange(0, 7).Draw(t, "byte")]++
			}
			return proof
		}
		if err := part.Measure(bad(Last)); !errors.Is(err, ErrProof) && !errors.Is(err, ErrLarge) || part.Size() != 0 {
			t.Fatal(err, part.Size())
		}
		proof, err := from.Prove(f.ID, Last)
		if err != nil || part.Measure(proof) != nil || part.Size() != f.Size {
			t.Fatal(err)
		}
		for part.Have() < part.Size() {
			have := part.Have()
			if err := part.Put(bad(have)); !errors.Is(err, ErrProof) || part.Have() != have {
				t.Fatal(err)
			}
			proof, err := from.Prove(f.ID, have)
			if err != nil || part.Put(proof) != nil {
				t.Fatal(err)
			}
		}
		if got, err := part.Finish(); err != nil || got != f {
			t.Fatal(got, err)
		}
	})
}

// TestDamageIsFound: a byte that the disk changed is never handed on, and a part that it changed is fetched anew.
func TestDamageIsFound(t *testing.T) {
	from := open(t, t.TempDir())
	f, err := from.Add(bytes.NewReader(noise(5, 3*Piece)))
	if err != nil {
		t.Fatal(err)
	}
	to := open(t, t.TempDir())
	part, err := to.Part(f.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := fetch(part, from, f.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := part.file.WriteAt([]byte{1, 2, 3}, Piece+9); err != nil {
		t.Fatal(err)
	}
	if _, err := part.Finish(); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	if _, err := to.Get(f.ID); !errors.Is(err, ErrAbsent) {
		t.Fatal("what was damaged is kept:", err)
	}
	again, err := to.Part(f.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := fetch(again, from, f.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Finish(); err != nil {
		t.Fatal(err)
	}

	path := filepath.Join(to.dir, f.ID.String())
	for name, spoil := range map[string]func() error{
		"changed": func() error {
			file, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = file.WriteAt([]byte{0, 0, 0, 0}, 2*Piece)
			return errors.Join(err, file.Close())
		},
		"shorter": func() error { return os.Truncate(path, Piece) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := to.WriteTo(&out, f.ID); !errors.Is(err, ErrDamaged) {
			t.Fatalf("%s: %v", name, err)
		}
		if want := noise(5, 3*Piece); !bytes.HasPrefix(want, out.Bytes()) {
			t.Fatalf("%s: bytes were handed on that are not of the file", name)
		}
	}
}

// TestRefusals: what cannot be kept is refused, and leaves nothing behind.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Add(bytes.NewReader(nil)); !errors.Is(err, ErrEmpty) {
		t.Fatal(err)
	}
	broken := errors.New("the pipe broke")
	if _, err := s.Add(io.MultiReader(bytes.NewReader(noise(1, 9)), failing{broken})); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	small := &Store{dir, 1000}
	if _, err := small.Add(io.LimitReader(zeros{}, 1001)); !errors.Is(err, ErrLarge) {
		t.Fatal(err)
	}
	for _, text := range []string{"", "hello", "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", strings.ToUpper(ID{1}.String()),
		"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPnFG"} {
		if _, err := Parse(text); !errors.Is(err, ErrAddress) {
			t.Fatalf("%q: %v", text, err)
		}
	}
	id := ID{1}
	if _, err := s.Prove(id, 0); !errors.Is(err, ErrAbsent) {
		t.Fatal(err)
	}
	if err := s.Drop(id); !errors.Is(err, ErrAbsent) {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
	f, err := s.Add(bytes.NewReader(noise(1, 9)))
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []uint64{1, Piece, Piece * 5, Last - 1} {
		if _, err := s.Prove(f.ID, offset); !errors.Is(err, ErrRange) {
			t.Fatal(offset, err)
		}
	}
	if err := s.Drop(f.ID); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
	if err := os.WriteFile(filepath.Join(dir, newPrefix+"1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// FuzzPut: no proof from outside brings a part down or gets a byte in that is not of the file.
func FuzzPut(f *testing.F) {
	from := open(f, f.TempDir())
	data := noise(9, 40<<10)
	file, err := from.Add(bytes.NewReader(data))
	if err != nil {
		f.Fatal(err)
	}
	last, err := from.Prove(file.ID, Last)
	if err != nil {
		f.Fatal(err)
	}
	first, err := from.Prove(file.ID, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(last, first)
	f.Add(last[:8], first[:100])
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, size, proof []byte) {
		store := open(t, dir)
		part, err := store.Part(file.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer part.Close()
		if part.Measure(size) == nil && part.Size() != uint64(len(data)) {
			t.Fatal(part.Size())
		}
		if part.Measure(last) != nil {
			t.Fatal("the true size is refused")
		}
		part.have = 0
		if part.Put(proof) == nil {
			if _, err := part.Finish(); err != nil {
				t.Fatal(err)
			}
			if err := store.Drop(file.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}

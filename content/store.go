package content

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lukechampine.com/blake3/bao"
)

// Endings of the files of a store. A whole file is named by its address alone.
const (
	treeEnding = ".tree"
	partEnding = ".part"
	newPrefix  = "new-"
)

// Store is a directory of files. Its methods may be called from any goroutine; one part is for one of
// them at a time.
type Store struct {
	dir   string
	limit int64 // bytes of a file: MaxFile, less in a test
}

// Open makes the directory if there is none, and removes what an interrupted Add left behind.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make %s: %w", dir, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, newPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("cannot look at %s: %w", dir, err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("cannot remove what is left of a file that was not taken in: %w", err)
		}
	}
	return &Store{dir, MaxFile}, nil
}

func (s *Store) path(id ID, ending string) string {
	return filepath.Join(s.dir, id.String()+ending)
}

// Add takes a file in. When it returns the file is on the disk.
func (s *Store) Add(r io.Reader) (File, error) {
	file, err := os.CreateTemp(s.dir, newPrefix+"*")
	if err != nil {
		return File{}, fmt.Errorf("cannot take the file in: %w", err)
	}
	defer os.Remove(file.Name()) // gone already if all went well
	size, err := io.Copy(file, io.LimitReader(r, s.limit+1))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return File{}, fmt.Errorf("cannot take the file in: %w", err)
	}
	switch {
	case size == 0:
		return File{}, ErrEmpty
	case size > s.limit:
		return File{}, ErrLarge
	}
	return s.settle(file.Name(), nil)
}

// settle gives a file that is complete its tree and its name. If want is not nil it must be its hash.
func (s *Store) settle(path string, want *ID) (File, error) {
	data, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("cannot read the file again: %w", err)
	}
	defer data.Close()
	info, err := data.Stat()
	if err != nil {
		return File{}, fmt.Errorf("cannot read the file again: %w", err)
	}
	tree, err := os.CreateTemp(s.dir, newPrefix+"*")
	if err != nil {
		return File{}, fmt.Errorf("cannot keep the file: %w", err)
	}
	defer os.Remove(tree.Name())
	hash, err := bao.Encode(tree, bufio.NewReaderSize(data, Piece), info.Size(), group, true)
	if err == nil {
		err = tree.Sync()
	}
	if err = errors.Join(err, tree.Close()); err != nil {
		return File{}, fmt.Errorf("cannot keep the file: %w", err)
	}
	if want != nil && ID(hash) != *want {
		return File{}, ErrDamaged
	}
	f := File{ID: ID(hash), Size: uint64(info.Size()), Have: uint64(info.Size())}
	if err := os.Rename(tree.Name(), s.path(f.ID, treeEnding)); err != nil {
		return File{}, fmt.Errorf("cannot keep the file: %w", err)
	}
	if err := os.Rename(path, s.path(f.ID, "")); err != nil {
		return File{}, fmt.Errorf("cannot keep the file: %w", err)
	}
	if path != s.path(f.ID, partEnding) {
		_ = os.Remove(s.path(f.ID, partEnding)) // it was being fetched too; if it stays, List prefers the whole one
	}
	return f, s.sync()
}

// sync makes the names in the directory durable.
func (s *Store) sync() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return fmt.Errorf("cannot keep the file: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("cannot keep the file: %w", err)
	}
	return nil
}

// Get tells how much of a file is here; ErrAbsent if nothing is.
func (s *Store) Get(id ID) (File, error) {
	for _, ending := range []string{"", partEnding} {
		info, err := os.Stat(s.path(id, ending))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return File{}, fmt.Errorf("cannot look at the file: %w", err)
		}
		f := File{ID: id, Have: uint64(info.Size())}
		if ending == "" {
			f.Size = f.Have
		}
		return f, nil
	}
	return File{}, ErrAbsent
}

// List is all files and parts, by address.
func (s *Store) List() ([]File, error) {
	entries, err := os.ReadDir(s.dir) // by name
	if err != nil {
		return nil, fmt.Errorf("cannot list the files: %w", err)
	}
	files := []File{}
	for _, entry := range entries {
		name, part := strings.CutSuffix(entry.Name(), partEnding)
		id, err := Parse(name)
		if err != nil {
			continue // a tree, or nothing of ours
		}
		f, err := s.Get(id)
		if errors.Is(err, ErrAbsent) || part && f.Whole() {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// Drop deletes a file, or what is here of it.
func (s *Store) Drop(id ID) error {
	if _, err := s.Get(id); err != nil {
		return err
	}
	for _, ending := range []string{"", partEnding, treeEnding} {
		if err := os.Remove(s.path(id, ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot delete the file: %w", err)
		}
	}
	return s.sync()
}

// WriteTo writes a whole file to w, and not one byte that is not of it: ErrDamaged if the disk has
// changed it.
func (s *Store) WriteTo(w io.Writer, id ID) error {
	data, tree, _, err := s.open(id)
	if err != nil {
		return err
	}
	defer data.Close()
	defer tree.Close()
	sound, err := bao.Decode(w, bufio.NewReaderSize(data, Piece), bufio.NewReader(tree), group, id)
	switch {
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF):
		return fmt.Errorf("cannot read the file: %w", err)
	case !sound:
		return ErrDamaged
	}
	return nil
}

// open opens a whole file and its tree.
func (s *Store) open(id ID) (data, tree *os.File, size uint64, err error) {
	data, err = os.Open(s.path(id, ""))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, 0, ErrAbsent
	}
	if err != nil {
		return nil, nil, 0, fmt.Errorf("cannot read the file: %w", err)
	}
	info, err := data.Stat()
	if err == nil {
		tree, err = os.Open(s.path(id, treeEnding))
	}
	if err != nil {
		data.Close()
		return nil, nil, 0, fmt.Errorf("cannot read the file: %w", err)
	}
	return data, tree, uint64(info.Size()), nil
}

// Last is the place that asks for the proof of a file's size: that of its last byte.
const Last = 1<<64 - 1

// Prove is the piece of a file that begins at offset, a multiple of Piece, with its proof; with Last, the
// proof of its size.
func (s *Store) Prove(id ID, offset uint64) ([]byte, error) {
	data, tree, size, err := s.open(id)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	defer tree.Close()
	length := min(Piece, size-min(size, offset))
	switch {
	case offset == Last && size > 0:
		offset, length = size-1, 1
	case offset%Piece != 0 || length == 0:
		return nil, ErrRange
	}
	const leaf = 1 << (10 + group)
	from := offset / leaf * leaf
	var proof bytes.Buffer
	part := bufio.NewReader(io.NewSectionReader(data, int64(from), int64(size-from)))
	if err := bao.ExtractSlice(&proof, part, bufio.NewReaderSize(tree, 64<<10), group, offset, length); err != nil {
		return nil, ErrDamaged // shorter than its tree says
	}
	return proof.Bytes(), nil
}

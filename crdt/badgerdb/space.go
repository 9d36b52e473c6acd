package badgerdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sustainy/coop/crdt"
)

const (
	minFree     = 256 << 20 // Badger needs room to write out what it holds in memory
	ballastSize = 64 << 20
	ballastName = "ballast"
)

// space watches the disk. A full disk kills a process that writes through a memory map, as Badger
// does, with a signal that can not be caught; so writing ends long before. The ballast is a file
// that is given up when others fill the disk nevertheless: it leaves room to close properly and to
// open again.
type space struct {
	dir     string
	min     uint64
	ballast int64
	free    func(dir string) (uint64, error)
	reserve func(f *os.File, size int64) error // gives a file its room without writing it; fails where nothing can
}

// check returns crdt.ErrDiskFull when there is too little room for an Append.
func (s *space) check() error {
	free, err := s.free(s.dir)
	if err != nil {
		return fmt.Errorf("asking for free disk space: %w", err)
	}
	if free >= s.min {
		return nil
	}
	return errors.Join(fmt.Errorf("%w (%d MiB are free, %d MiB are needed)", crdt.ErrDiskFull, free>>20, s.min>>20), s.relieve(free))
}

// relieve gives the ballast up when what is free would not do to close and open the store.
func (s *space) relieve(free uint64) error {
	if free >= ballastSize {
		return nil
	}
	if err := os.Remove(s.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// ready is called before Badger is opened and before it is closed.
func (s *space) ready() error {
	free, err := s.free(s.dir)
	if err != nil {
		return fmt.Errorf("asking for free disk space: %w", err)
	}
	return s.relieve(free)
}

// load takes the ballast aboard when there is room. It is written only where it cannot be reserved.
func (s *space) load() error {
	free, err := s.free(s.dir)
	if err != nil || s.ballast <= 0 || free < s.min+2*uint64(s.ballast) {
		return err
	}
	if info, err := os.Stat(s.path()); err == nil && info.Size() == s.ballast {
		return nil
	}
	f, err := os.Create(s.path())
	if err != nil {
		return err
	}
	if s.reserve(f, s.ballast) == nil {
		return f.Close()
	}
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i*7 ^ i>>8) // not zeros, which some file systems do not store
	}
	for written := int64(0); written < s.ballast && err == nil; written += int64(len(block)) {
		_, err = f.Write(block[:min(int64(len(block)), s.ballast-written)])
	}
	return errors.Join(err, f.Close())
}

func (s *space) path() string { return filepath.Join(s.dir, ballastName) }

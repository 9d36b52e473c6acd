package home

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/sustainy/coop/event"
)

// record is what a guard's file holds, twice: one copy in each of two blocks, written and synced
// one after the other. Whenever the process or the power ends, one copy is whole, and it is the one
// before or after the write that was under way; the higher whole copy counts, because whoever was
// waiting for the write has not sent anything yet. Blocks are overwritten in place, so that the
// file stays at its place and writing a copy costs one fdatasync.
type record struct {
	_        struct{} `cbor:",toarray"`
	Version  uint64
	Coop     event.ID
	Key      []byte // device's public key
	Instance []byte // name in the data directory's instance file
	Data     place  // of that file; zero in a guard not bound yet
	Self     place  // of the guard
	Writes   uint64
	Events   uint64
	Epoch    uint64
	Round    uint64
	Silenced string // not empty: never sign again, and why
}

const (
	recordVersion = 1
	blockSize     = 1024
	blockGap      = 4096 // the copies lie in different pages
	maxSilenced   = 400  // bytes of a reason
)

var errDamaged = errors.New("no copy in this file is whole")

func (r record) mark() Mark { return Mark{r.Events, r.Epoch, r.Round} }

// block is the record with its length before and its SHA-256 behind.
func (r record) block() ([blockSize]byte, error) {
	var b [blockSize]byte
	r.Version = recordVersion
	text, err := event.Marshal(r)
	if err != nil {
		return b, err
	}
	if 2+len(text)+sha256.Size > blockSize {
		return b, errors.New("a guard's record outgrew its block")
	}
	b[0], b[1] = byte(len(text)>>8), byte(len(text))
	copy(b[2:], text)
	sum := sha256.Sum256(b[:blockSize-sha256.Size])
	copy(b[blockSize-sha256.Size:], sum[:])
	return b, nil
}

func parseBlock(b []byte) (record, bool) {
	var r record
	if len(b) != blockSize || sha256.Sum256(b[:blockSize-sha256.Size]) != [32]byte(b[blockSize-sha256.Size:]) {
		return r, false
	}
	size := int(b[0])<<8 | int(b[1])
	if size > blockSize-2-sha256.Size || event.Unmarshal(b[2:2+size], &r) != nil {
		return r, false
	}
	return r, r.Version == recordVersion && len(r.Key) == 32 && len(r.Instance) == 16
}

// readRecord gives the higher whole copy, or errDamaged.
func readRecord(f *os.File) (record, error) {
	var best record
	found := false
	for _, at := range []int64{0, blockGap} {
		var b [blockSize]byte
		n, err := f.ReadAt(b[:], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return record{}, err
		}
		r, whole := parseBlock(b[:n])
		if whole && (!found || r.Writes > best.Writes) {
			best, found = r, true
		}
	}
	if !found {
		return record{}, errDamaged
	}
	return best, nil
}

// writeRecord overwrites both copies, one after the other, each synced.
func writeRecord(f *os.File, r record) error {
	b, err := r.block()
	if err != nil {
		return err
	}
	for _, at := range []int64{0, blockGap} {
		if _, err := f.WriteAt(b[:], at); err != nil {
			return err
		}
		if err := syncData(f); err != nil {
			return err
		}
	}
	return nil
}

// createRecord makes a file that holds r with the file's own place in it. It replaces what is there
// by a rename, which keeps the new file's place.
func createRecord(path string, r record) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".guard-*")
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if r.Self, err = placeOf(f); err != nil {
		return err
	}
	if err := writeRecord(f, r); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

package badgerdb

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// anchor is what this program has acknowledged, kept beside Badger's files, since Badger opens with
// fewer events than it had and says nothing when its log, its manifest or its tables were damaged.
//
// It is a lower bound. It is written after Badger synced an Append, so it can be behind by the
// Append that was running when the process was killed. It goes to the operating system with every
// Append, which is enough for that; it is synced to the disk with every anchorEvery-th, so that a
// small Append costs one sync and not two. After a power failure it can be behind by as many
// Appends: those are on disk, only a disk that lost them could do so unnoticed.
type anchor struct {
	file    *os.File
	head    head
	closed  bool   // the store was closed properly and nothing opened it since
	rebuilt uint32 // how often Rebuild made this store from what was left
	written uint64 // writes so far; the copy that the next one goes to follows from it
	dirty   int    // writes since the last sync
}

const (
	anchorName  = "anchor"
	anchorKind  = "coop/anchor/"
	anchorMagic = anchorKind + "2\n\x00\x00" // 2: the format
	anchorEvery = 16
	anchorSize  = 16 + 8 + 1 + 4 + headSize
	copyAt      = 4096 // distance of the copies: never one sector for both
)

func (a *anchor) encode() []byte {
	b := make([]byte, 0, anchorSize+sha256.Size)
	b = append(b, anchorMagic...)
	b = append(b, 0)[:16]
	b = binary.BigEndian.AppendUint64(b, a.written)
	b = append(b, 0)
	if a.closed {
		b[len(b)-1] = 1
	}
	b = binary.BigEndian.AppendUint32(b, a.rebuilt)
	b = append(b, a.head.encode()...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func decodeAnchor(b []byte) (a anchor, ok bool) {
	if len(b) != anchorSize+sha256.Size || !bytes.HasPrefix(b, []byte(anchorMagic)) {
		return anchor{}, false
	}
	if sum := sha256.Sum256(b[:anchorSize]); !bytes.Equal(sum[:], b[anchorSize:]) {
		return anchor{}, false
	}
	a.written = binary.BigEndian.Uint64(b[16:])
	a.closed = b[24] == 1
	a.rebuilt = binary.BigEndian.Uint32(b[25:])
	a.head, ok = decodeHead(b[29:anchorSize])
	return a, ok
}

// openAnchor reads the newer of the two copies that is whole. The error is fs.ErrNotExist when there
// is no anchor, ErrFormat when every copy is of another format, a *DamageError when neither is whole.
func openAnchor(dir string) (*anchor, error) {
	f, err := os.OpenFile(filepath.Join(dir, anchorName), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	var newest *anchor
	foreign := 0
	for _, at := range []int64{0, copyAt} {
		b := make([]byte, anchorSize+sha256.Size)
		if n, err := f.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
			continue
		} else if b = b[:n]; bytes.HasPrefix(b, []byte(anchorKind)) && !bytes.HasPrefix(b, []byte(anchorMagic)) {
			foreign++
		}
		if a, ok := decodeAnchor(b); ok && (newest == nil || a.written > newest.written) {
			newest = &a
		}
	}
	if foreign == 2 {
		return nil, errors.Join(ErrFormat, f.Close())
	}
	if newest == nil {
		return nil, errors.Join(damagef("both copies in the file %s are unreadable, so nobody can tell whether events are missing", f.Name()), f.Close())
	}
	newest.file = f
	return newest, nil
}

// createAnchor makes the anchor of an empty store.
func createAnchor(dir string) (*anchor, error) {
	f, err := os.OpenFile(filepath.Join(dir, anchorName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	a := &anchor{file: f}
	return a, errors.Join(a.write(), a.settle(false), syncDir(dir))
}

// advance notes an Append.
func (a *anchor) advance(h head) error {
	a.head = h
	if err := a.write(); err != nil {
		return err
	}
	if a.dirty >= anchorEvery {
		return a.sync()
	}
	return nil
}

// settle writes both copies, one synced before the other is touched.
func (a *anchor) settle(closed bool) error {
	a.closed = closed
	return errors.Join(a.write(), a.sync(), a.write(), a.sync())
}

// write puts the state into the older copy: a write that is torn leaves the other one.
func (a *anchor) write() error {
	a.written++
	a.dirty++
	if _, err := a.file.WriteAt(a.encode(), int64(a.written%2)*copyAt); err != nil {
		return fmt.Errorf("writing the anchor: %w", err)
	}
	return nil
}

func (a *anchor) sync() error {
	a.dirty = 0
	if err := a.file.Sync(); err != nil {
		return fmt.Errorf("syncing the anchor: %w", err)
	}
	return nil
}

// syncDir makes names in a directory durable. Windows has no such call and needs none.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

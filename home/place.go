package home

import (
	"os"
	"path/filepath"
)

// place is where a file lies: what a copy of it can't share. Copying a file with all its
// attributes, unpacking an archive and restoring a backup make a new inode with a new birth time.
// Device numbers may change when a computer starts again, file system ids don't: one of the two
// must agree.
type place struct {
	_          struct{} `cbor:",toarray"`
	Inode      uint64
	Device     uint64
	FileSystem uint64 // statfs f_fsid; 0 where there is none
	Born       uint64 // microseconds since 1970; 0 where the file system doesn't keep it
}

func (p place) isZero() bool { return p == place{} }

// same tells whether two places are one. A birth time that only one side knows doesn't count.
func (p place) same(q place) bool {
	if p.Inode != q.Inode || p.Born != q.Born && p.Born != 0 && q.Born != 0 {
		return false
	}
	return p.Device == q.Device || p.FileSystem != 0 && p.FileSystem == q.FileSystem
}

// writeNew puts content into a file that appears whole or not at all, for this user alone, and
// lasts when the call returns.
func writeNew(path string, content []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names in a directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

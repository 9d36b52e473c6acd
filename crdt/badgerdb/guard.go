package badgerdb

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	badger "github.com/dgraph-io/badger/v4"
)

// The parts of a store directory. Everything in use is below live, so that Rebuild puts a new store
// in its place with one rename.
const (
	liveName    = "live"    // anchor, ballast, badger and guard
	badgerName  = "badger"  // Badger's files
	guardName   = "guard"   // Badger's files as they were found, while it is being opened
	rebuildName = "rebuild" // the store that a Rebuild is making
	damagedName = "damaged-%d"
	lockName    = "lock"
)

// raiseGuard keeps Badger's files as they are until it has shown that it opens with everything that
// was acknowledged. Opening after a crash cuts off logs and deletes tables, which is right after a
// crash and would destroy what is left after damage. Tables never change, so a link keeps them; the
// rest is small and copied.
func raiseGuard(live string) error {
	from, draft := filepath.Join(live, badgerName), filepath.Join(live, guardName+".draft")
	if err := errors.Join(os.RemoveAll(draft), os.MkdirAll(draft, 0o700)); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		a, b := filepath.Join(from, e.Name()), filepath.Join(draft, e.Name())
		if filepath.Ext(e.Name()) == ".sst" && os.Link(a, b) == nil {
			continue
		}
		if err := copyFile(a, b); err != nil {
			return err
		}
	}
	return errors.Join(syncDir(draft), os.Rename(draft, filepath.Join(live, guardName)), syncDir(live))
}

// removeIdle removes files in which Badger keeps nothing for us. Values stand beside their keys and
// nothing is encrypted, so the value log, its statistics and the key registry are made anew and damage
// of them is no damage. A log without a byte is what a kill leaves between the making of a file and
// its first use; Badger would not open with it.
func removeIdle(files string) error {
	entries, err := os.ReadDir(files)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		info, failed := e.Info()
		idle := filepath.Ext(name) == ".vlog" || name == "DISCARD" || name == badger.KeyRegistryFileName ||
			failed == nil && filepath.Ext(name) == ".mem" && info.Size() == 0
		if idle {
			failed = os.Remove(filepath.Join(files, name))
		}
		err = errors.Join(err, failed)
	}
	return err
}

// dropGuard ends the guard once Badger is known to be whole.
func dropGuard(live string) error {
	old := filepath.Join(live, guardName+".draft")
	err := os.Rename(filepath.Join(live, guardName), old)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncDir(live), os.RemoveAll(old))
}

// restoreGuard puts the files back that an opening that failed or was killed had guarded.
func restoreGuard(live string) error {
	guard, files := filepath.Join(live, guardName), filepath.Join(live, badgerName)
	if _, err := os.Stat(guard); errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(guard + ".draft")
	}
	return errors.Join(os.RemoveAll(files), os.Rename(guard, files), syncDir(live))
}

// copyFile copies and syncs, leaving holes where there are zeros: Badger's logs are mostly holes.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	size, err := eachBlock(in, func(at int64, block []byte) error {
		_, err := out.WriteAt(block, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	return errors.Join(out.Truncate(size), out.Sync())
}

// blockSize is how much of a file is read in one go.
const blockSize = 64 << 10

// eachBlock gives every block of a file that is not all zeros, with its place, and says how long the file is. The
// blocks begin at multiples of blockSize, whatever holes the file has; holes are not even read.
func eachBlock(f *os.File, yield func(at int64, block []byte) error) (size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size = info.Size()
	block, zeros := make([]byte, blockSize), make([]byte, blockSize)
	for at := int64(0); at < size; {
		start, end, err := nextData(f, at)
		if err != nil || end == 0 {
			return size, err
		}
		for at = start - start%blockSize; at < min(end, size); at += blockSize {
			n, err := f.ReadAt(block[:min(blockSize, size-at)], at)
			if err != nil {
				return size, err
			}
			if bytes.Equal(block[:n], zeros[:n]) {
				continue
			}
			if err := yield(at, block[:n]); err != nil {
				return size, err
			}
		}
	}
	return size, nil
}

// settleRebuild ends a Rebuild that was interrupted: the new store takes its place when the old one
// has left it, which happens only when the new one is complete; otherwise it is dropped.
func settleRebuild(dir string) error {
	live, made := filepath.Join(dir, liveName), filepath.Join(dir, rebuildName)
	if _, err := os.Stat(made); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(live); err == nil {
		return os.RemoveAll(made)
	}
	return errors.Join(os.Rename(made, live), syncDir(dir))
}

package badgerdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	block, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	var size int64
	for {
		n, err := io.ReadFull(in, block)
		if n > 0 && !bytes.Equal(block[:n], zeros[:n]) {
			if _, err := out.WriteAt(block[:n], size); err != nil {
				return err
			}
		}
		size += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return errors.Join(out.Truncate(size), out.Sync())
		}
		if err != nil {
			return fmt.Errorf("copying %s: %w", from, err)
		}
	}
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

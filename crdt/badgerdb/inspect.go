package badgerdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/table"
)

// Badger is looked at before it is opened, because opening is not harmless: it deletes tables that a
// damaged manifest does not name, goes on without a table whose checksum is wrong, and ends the
// process from one of its goroutines when a table is broken in other ways. The layout read here is
// that of Badger 4 (table/builder.go); a test compares it with tables that Badger wrote.

// inventory is what the manifest names.
type inventory struct {
	tables int
	bytes  int64
}

// inspect reads every table that the manifest names and changes nothing. closed says that the store
// was closed properly; otherwise tables that the manifest does not name are what a crash leaves.
func inspect(dir string, closed bool) (found inventory, err error) {
	defer recoverDamage("reading "+dir, &err)
	tables, err := manifest(filepath.Join(dir, badger.ManifestFilename))
	if err != nil {
		return found, err
	}
	var buffer []byte
	for _, id := range slices.Sorted(maps.Keys(tables)) {
		name := table.IDToFilename(id)
		if buffer, err = readInto(buffer, filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			return found, damagef("the file %s is missing", name)
		} else if err != nil {
			return found, damagef("the file %s can not be read: %v", name, err)
		}
		if err := protectedCheck(buffer); err != nil {
			return found, damagef("the file %s %v", name, err)
		}
		found.tables++
		found.bytes += int64(len(buffer))
	}
	if closed {
		return found, unnamed(dir, tables)
	}
	return found, nil
}

// manifest tells which tables there are. An entry that is cut off is passed over, as by Badger: a
// crash can leave one, and otherwise its tables are found missing or unnamed.
func manifest(path string) (map[uint64]badger.TableManifest, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, damagef("the file %s is missing", filepath.Base(path))
	} else if err != nil {
		return nil, damagef("the file %s can not be read: %v", filepath.Base(path), err)
	}
	defer f.Close()
	m, _, err := badger.ReplayManifestFile(f, 0, badger.Options{})
	if err != nil {
		return nil, damagef("the file %s is not what was written: %v", filepath.Base(path), err)
	}
	return m.Tables, nil
}

// unnamed finds a table that the manifest does not name.
func unnamed(dir string, tables map[uint64]badger.TableManifest) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the store: %w", err)
	}
	for _, e := range entries {
		if id, ok := table.ParseFileID(e.Name()); ok {
			if _, named := tables[id]; !named {
				return damagef("the file %s does not name the file %s", badger.ManifestFilename, e.Name())
			}
		}
	}
	return nil
}

// readInto reads a file into buffer, which grows as needed.
func readInto(buffer []byte, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return buffer, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return buffer, err
	}
	buffer = slices.Grow(buffer[:0], int(info.Size()))[:info.Size()]
	_, err = io.ReadFull(f, buffer)
	return buffer, err
}

var (
	errFooter   = errors.New("ends with nonsense")
	errIndex    = errors.New("has an index that was changed")
	errBlock    = errors.New("has a block that was changed")
	errCoverage = errors.New("has bytes that belong to no block")
)

// protectedCheck is checkTable for a table whose index may have a right checksum and be nonsense.
func protectedCheck(b []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = errIndex
		}
	}()
	return checkTable(b)
}

// checkTable verifies every byte of a table: blocks, index, index size, index checksum, its size.
func checkTable(b []byte) error {
	rest, sum, ok := cutTail(b)
	if !ok {
		return errFooter
	}
	rest, index, ok := cutTail(rest)
	if !ok {
		return errFooter
	}
	if !bytes.Equal(sum, checksum(index)) {
		return errIndex
	}
	root := fb.GetRootAsTableIndex(index, 0) // its checksum is right, so this is what Badger wrote
	end := 0
	for i := range root.OffsetsLength() {
		var at fb.BlockOffset
		if !root.Offsets(&at, i) || int(at.Offset()) != end || int(at.Len()) > len(rest)-end {
			return errCoverage
		}
		block := rest[end:][:at.Len()]
		data, sum, ok := cutTail(block)
		if !ok || !bytes.Equal(sum, checksum(data)) {
			return errBlock
		}
		end += len(block)
	}
	if end != len(rest) {
		return errCoverage
	}
	return nil
}

// cutTail splits off the bytes at the end whose number is in the last four.
func cutTail(b []byte) (rest, tail []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	rest = b[:len(b)-4]
	size := uint64(binary.BigEndian.Uint32(b[len(rest):]))
	if size > uint64(len(rest)) {
		return nil, nil, false
	}
	cut := len(rest) - int(size)
	return rest[:cut], rest[cut:], true
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is Badger's: a protocol buffer in which field 2 is the CRC-32C and field 1, the
// algorithm, has its zero value and is left out.
func checksum(b []byte) []byte {
	sum := crc32.Checksum(b, castagnoli)
	if sum == 0 {
		return nil
	}
	return binary.AppendUvarint([]byte{2 << 3}, uint64(sum))
}

// recoverDamage turns a panic inside Badger into a DamageError.
func recoverDamage(doing string, err *error) {
	if r := recover(); r != nil {
		text, _, _ := strings.Cut(fmt.Sprint(r), "\n")
		*err = damagef("Badger gave up while %s: %s", doing, text)
	}
}

package badgerdb

import (
	"os"

	"golang.org/x/sys/unix"
)

// reserve gives a file its room on the disk without anything being written there.
func reserve(f *os.File, size int64) error { return unix.Fallocate(int(f.Fd()), 0, 0, size) }

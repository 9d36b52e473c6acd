package badgerdb

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestBallastTakesRoom: what is given up when the disk is full was really taken before.
func TestBallastTakesRoom(t *testing.T) {
	dir, size := tempDir(t), int64(3<<20)
	db, err := Open(dir, Options{Ballast: size})
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, db)
	var s unix.Stat_t
	if err := unix.Stat(filepath.Join(dir, liveName, ballastName), &s); err != nil || s.Size != size || s.Blocks*512 < size {
		t.Errorf("a ballast of %d bytes has %d and takes %d: %v", size, s.Size, s.Blocks*512, err)
	}
}

// TestBallastIsWritten where a file system reserves nothing.
func TestBallastIsWritten(t *testing.T) {
	s := space{dir: t.TempDir(), ballast: 3<<20 + 5, free: freeSpace, reserve: func(*os.File, int64) error { return unix.EOPNOTSUPP }}
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(s.path()); err != nil || int64(len(b)) != s.ballast || b[1] == 0 || b[len(b)-1] == 0 {
		t.Errorf("%d bytes were written of %d: %v", len(b), s.ballast, err)
	}
}

//go:build unix && !linux

package home

import (
	"os"
	"syscall"
)

func placeOf(f *os.File) (place, error) {
	info, err := f.Stat()
	if err != nil {
		return place{}, err
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return place{}, syscall.ENOTSUP
	}
	return place{Inode: uint64(s.Ino), Device: uint64(s.Dev)}, nil
}

func syncData(f *os.File) error { return f.Sync() }

func mine(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid()
}

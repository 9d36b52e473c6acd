package home

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func placeOf(f *os.File) (place, error) {
	var s unix.Statx_t
	fd := int(f.Fd())
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_INO|unix.STATX_BTIME, &s); err != nil {
		return place{}, err
	}
	p := place{Inode: s.Ino, Device: uint64(s.Dev_major)<<32 | uint64(s.Dev_minor)}
	if s.Mask&unix.STATX_BTIME != 0 {
		p.Born = uint64(s.Btime.Sec)*1e6 + uint64(s.Btime.Nsec)/1e3
	}
	var v unix.Statfs_t
	if err := unix.Fstatfs(fd, &v); err != nil {
		return place{}, err
	}
	p.FileSystem = uint64(uint32(v.Fsid.Val[0]))<<32 | uint64(uint32(v.Fsid.Val[1]))
	return p, nil
}

// syncData makes written bytes last; the file's size and name must last already.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

func mine(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid()
}

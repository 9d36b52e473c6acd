//go:build unix

package home

import "golang.org/x/sys/unix"

// FreeSpace is what this user can still write to the disk of a directory, in bytes.
func FreeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, disk("ask for the free space of "+dir, err)
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}

package badgerdb

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// nextData is where a file has data from here on: [start, end), and an end of 0 when nothing but a hole follows.
// Where a file system knows nothing of holes, all is data.
func nextData(f *os.File, from int64) (start, end int64, err error) {
	if start, err = f.Seek(from, unix.SEEK_DATA); errors.Is(err, unix.ENXIO) {
		return 0, 0, nil
	}
	if err == nil {
		end, err = f.Seek(start, unix.SEEK_HOLE)
	}
	return start, end, err
}

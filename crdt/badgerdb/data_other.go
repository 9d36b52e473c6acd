//go:build !linux

package badgerdb

import "os"

// nextData is where a file has data from here on: [start, end), and an end of 0 when nothing follows. Here all is data.
func nextData(f *os.File, from int64) (start, end int64, err error) {
	info, err := f.Stat()
	if err != nil || from >= info.Size() {
		return 0, 0, err
	}
	return from, info.Size(), nil
}

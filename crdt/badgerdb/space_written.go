//go:build !linux

package badgerdb

import (
	"errors"
	"os"
)

// reserve cannot be done on this system.
func reserve(*os.File, int64) error { return errors.ErrUnsupported }

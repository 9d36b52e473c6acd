package coop

import "errors"

// ErrNotGenesis answers an attempt to begin a cooperative with another event than its founding.
var ErrNotGenesis = errors.New("a cooperative begins with a coop.found event that names no cooperative: this is another event")

package coop

import "errors"

// ErrNoClass answers a decision about a class that does not exist.
var ErrNoClass = errors.New("the charter has no class of this name: coop charter lists the classes")

// ErrNotGenesis answers an attempt to begin a cooperative with another event than its founding.
var ErrNotGenesis = errors.New("a cooperative begins with a coop.found event that names no cooperative: this is another event")

package coop

import (
	"lukechampine.com/blake3"
)

// Root names a state: two states with one root are equal. It is the BLAKE3 hash of the state's snapshot (see
// WriteSnapshot), so it is at the same time the address of a file, of which every piece can be proven.
func Root(s *State) [32]byte {
	h := blake3.New(32, nil)
	if err := WriteSnapshot(h, s); err != nil {
		panic("coop: invariant: a hash takes every byte: " + err.Error())
	}
	return [32]byte(h.Sum(nil))
}

package crdt

import "errors"

// Why an event is not taken into the graph. What waits for it is dropped with it.
var (
	ErrOtherCoop   = errors.New("this event belongs to another cooperative: dropped")
	ErrBrokenChain = errors.New("this event follows an event of another device or skips a number, so it can never be valid: dropped")
	ErrForked      = errors.New("this device signed several different events with one number and two of them are kept already: this one is dropped unless the stewards order it")
	ErrCrowded     = errors.New("events of too many peers wait for events they build on: dropped, ask again once those have come")
)

// ErrNoFork is the answer to two events that prove nothing against their device.
var ErrNoFork = errors.New("these two events prove no fork: one needs two different events of one device in one cooperative with the same number")

// What a Store answers when it cannot do what was asked.
var (
	ErrNotFound = errors.New("this is not in the store: ask the peers for it")
	ErrDamaged  = errors.New("the store on disk is damaged: `coop repo check` says where, `coop repo rebuild` keeps all that is whole")
	ErrStopped  = errors.New("the store stopped after a failed write, since nobody can know what reached the disk: look at the disk, then start coop again")
	ErrDiskFull = errors.New("the disk is nearly full and nothing was written: free some space, then go on")
	ErrTooLarge = errors.New("a round block has at most 256 KiB and a commit record 16 MiB: nothing was written")
)

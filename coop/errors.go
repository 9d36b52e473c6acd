package coop

import "errors"

// Why the cooperative refuses, whatever the room, in the order of checking.
var (
	ErrNotGenesis  = errors.New("a cooperative begins with a coop.found event that names no cooperative: this is another event")
	ErrForked      = errors.New("this device has signed another event with this number, and that one counts: if you did not, somebody else has your key, so ask a member to report it")
	ErrOverQuota   = errors.New("you have made as many events today as the charter allows: go on tomorrow, by coop time")
	ErrNotEvidence = errors.New("this proves nothing: evidence is two valid events of this cooperative with different content, signed by one device with one number")
)

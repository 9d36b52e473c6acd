package badgerdb

import (
	"errors"
	"fmt"

	"github.com/sustainy/coop/crdt"
)

// DamageError says that the files are not what this program acknowledged: bytes were changed, cut
// off or deleted behind its back. errors.Is(err, crdt.ErrDamaged) holds.
type DamageError struct {
	What string // what is wrong, and where
	Have string // what was found; may be empty
	Want string // what was acknowledged; may be empty
	Next string // what to do
}

// Error is readable by a member: what happened, why, what next.
func (e *DamageError) Error() string {
	text := "the store is damaged: " + e.What
	if e.Have != "" || e.Want != "" {
		text += fmt.Sprintf(" (found %s, expected %s)", e.Have, e.Want)
	}
	return text + ". " + e.Next
}

// Is makes every DamageError a crdt.ErrDamaged.
func (e *DamageError) Is(target error) bool { return target == crdt.ErrDamaged }

const nextRebuild = "Nothing is lost by looking: `coop repo check` lists the damage. `coop repo rebuild` keeps every event that is whole, moves the damaged files aside and fetches the rest from peers"

func damage(what, have, want string) *DamageError {
	return &DamageError{What: what, Have: have, Want: want, Next: nextRebuild}
}

func damagef(format string, args ...any) *DamageError {
	return damage(fmt.Sprintf(format, args...), "", "")
}

// ErrInUse is the answer to Open and Rebuild while another process has the store open.
var ErrInUse = errors.New("another coop process has this store open: stop it first")

// ErrFormat is the answer to Open and Rebuild when the store was written by a version of this program
// that lays it out in another way.
var ErrFormat = fmt.Errorf("another version of coop wrote this store, in a format that this one does not read (it reads format %d): nothing was changed; go on with that version", format)

// errClosed is what every call after Close gets.
var errClosed = fmt.Errorf("the store is closed: %w", crdt.ErrStopped)

package p2p

import (
	"errors"
	"fmt"
)

// Why something was not done; each says what to do about it.
var (
	ErrPortTaken    = errors.New("another program already listens on this address; stop it or choose another port")
	ErrListen       = errors.New("this computer cannot listen on this address; check that the address is one of its own")
	ErrBadAddress   = errors.New("this is no peer's address; it should look like /ip4/203.0.113.7/tcp/4001/p2p/12D3…")
	ErrSelf         = errors.New("this is our own address; ask another member for theirs")
	ErrRoomName     = fmt.Errorf("a room's name has 1 to %d letters, digits, '-' or '_'", MaxRoomName)
	ErrRoomTaken    = errors.New("this room is joined already")
	ErrTooManyRooms = fmt.Errorf("one host serves at most %d rooms; leave one first", MaxRooms)
	ErrTopic        = errors.New("nothing is gossiped under this protocol; use events or rounds")
	ErrFull         = errors.New("too much is waiting to be gossiped; try again when it has gone out")
	ErrFrameSize    = fmt.Errorf("a frame has 1 to %d bytes", MaxFrame)
	ErrLeft         = errors.New("this room was left; join it again")
	ErrClosed       = errors.New("the network is closed")
)

// ListenError says which address could not be listened on. It is [ErrPortTaken] or [ErrListen].
type ListenError struct {
	Addr  string
	Kind  error // ErrPortTaken or ErrListen
	Cause error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("cannot listen on %s: %v (%v)", e.Addr, e.Kind, e.Cause)
}

// Unwrap lets errors.Is find both the kind and the cause.
func (e *ListenError) Unwrap() []error { return []error{e.Kind, e.Cause} }

package node

import "errors"

// Why a peer does not take an event, in the order of checking.
var (
	ErrStranger = errors.New("this device belongs to no member: apply for membership first (coop join LINK)")
	ErrCrowded  = errors.New("too many applications wait for an answer: try again when some are final")
	ErrTooMany  = errors.New("this device has too many events that are not final: wait until some are")
	ErrBehind   = errors.New("4,096 of your events are not final yet: wait until the stewards are reachable again (coop status)")
	ErrClosed   = errors.New("this peer is stopping: start it again with coop up")
	ErrDisk     = errors.New("this peer stopped because its disk failed; nothing it acknowledged is lost: look at coop doctor, then coop repo check")
	ErrDiverged = errors.New("a quorum of the stewards signed another result than this peer came to, so one of the two is wrong and this peer signs nothing more: export the archive (coop export), let others verify it, and update coop")
	// ErrMisled is shown by a peer that was led into a history which is not that of its invite.
	ErrMisled = errors.New("this is not the history that your invite vouches for, so somebody has forged one of the two: nothing here can be relied on. Ask for a new invite, over a channel you trust, leave (coop leave) and join with it")
	// ErrChecking is why a peer signs no event while it shows a certified state and fetches the history.
	ErrChecking = errors.New("this peer is still checking the history that led to what the stewards certified, and signs when it agrees: coop status shows how far it is")
	// ErrFalseState is shown by a peer that has checked the history up to a certified state, and came to another.
	ErrFalseState = errors.New("a quorum of the stewards has signed a state that does not follow from the history, so either they lie or this peer errs, and it signs nothing more: export the archive (coop export), let others verify it, and speak with the members")
	// ErrConstitutionalFork is shown by a peer that halts because the members went on without it.
	ErrConstitutionalFork = errors.New("the members have gone on with other stewards from before what is final here (a re-founding), so there are two orders, and no rule can join them: this peer orders nothing more; to follow the others: coop down; coop refound yield; coop up")
	ErrNotInTime          = errors.New("not final yet: the event is kept and will be sent when stewards are reachable (coop status)")
)

// ObserverError says that this peer signs nothing, and why.
type ObserverError struct{ Why string }

func (e *ObserverError) Error() string { return "this peer only observes: " + e.Why }

package fold

import "errors"

// Why an event has no effect whatever the state. It stays in the order with this receipt.
var (
	ErrUnknownKind = errors.New("this program knows no event of this kind, so it has no effect here: update coop if others see one")
	ErrMalformed   = errors.New("the content does not have the form that this kind of event needs, so it has no effect: update coop if its author uses a newer version")
)

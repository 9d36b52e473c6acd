package commerce

import "errors"

// Why the shop refuses, in the order of checking within each group: what happened, why, and what to do.
// A refusal changes nothing.

// What the Assembly sets up.
var (
	ErrAssemblyOnly = errors.New("only the members together can decide what is sold, and how: open a proposal that carries it as an action")
	ErrTitle        = errors.New("what is sold has a title of 1 to 200 bytes on one line")
	ErrNoToken      = errors.New("an element belongs to an achievement token, and there is none with this id: coop token list shows them")
	ErrElementTwice = errors.New("this token has an element already: one achievement is sold as one element")
	ErrPrice        = errors.New("a price is a whole number of the currency's smallest unit, up to 2^53-1; a fixed one is at least 1")
)

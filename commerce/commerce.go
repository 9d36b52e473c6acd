// Package commerce is the shop: what the cooperative sells, and where the money of each sale goes.
//
// Its one idea: an element is a priced piece of work, and its achievement token says whose work it is.
// Whatever a sale brings goes to the holders of tokens, by rules that stood before the sale; the shop
// keeps no money of its own.
//
// The package stands on package tokens, which moves the money. It does not know who the members are,
// nor what missions, votes and proposals are: rules get what they may know of these as an Act.
package commerce

import "github.com/sustainy/coop/event"

// The kinds of event that the shop understands. All are acts of the Assembly.
const (
	KindElement = event.Kind("commerce.element")
)

// Kinds are all of them; a charter names those that a track may carry.
func Kinds() []event.Kind { return []event.Kind{KindElement} }

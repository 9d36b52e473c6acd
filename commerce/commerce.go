// Package commerce is the shop: what the cooperative sells, and where the money of each sale goes.
//
// Its one idea: every unit of money that a buyer pays goes, by a rule that stood before the sale, to
// someone who can be named. An element is a priced piece of work, and its achievement token says whose
// work it is; a product is made of elements, a bundle of all three, each with a weight. Of each sale the
// treasury takes its share, the buyer steers a part, and the rest follows the weights.
//
// A product's composition never changes: another one is another product. So a bundle is made of what
// was there before, none can contain itself, and a sale costs the same however much it is of: the rest
// goes to a split of the ledger, which divides its running total (tokens.Split). Each part has the floor
// of its share of all sales together, so nothing is lost by rounding, nothing is taken back, and the
// order of sales makes no difference.
//
// While a sale can be given back its money is in escrow; then it is paid out, once.
//
// The package stands on package tokens, which moves the money. It does not know who the members are,
// nor what missions and proposals are: rules get what they may know of these as an Act.
package commerce

import "github.com/sustainy/coop/event"

// The kinds of event that the shop understands. Those below the line are acts of the Assembly alone.
const (
	KindBuy    = event.Kind("commerce.buy")
	KindSell   = event.Kind("commerce.sell")
	KindRefund = event.Kind("commerce.refund")

	KindElement  = event.Kind("commerce.element")
	KindOffer    = event.Kind("commerce.offer")
	KindPrice    = event.Kind("commerce.price")
	KindWithdraw = event.Kind("commerce.withdraw")
	KindTerms    = event.Kind("commerce.terms")
)

// Kinds are those that a proposal can carry; a charter names those that a track may.
func Kinds() []event.Kind {
	return []event.Kind{KindElement, KindOffer, KindPrice, KindWithdraw, KindTerms, KindRefund}
}

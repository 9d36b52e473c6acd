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
	ErrOfferKind    = errors.New("what elements are sold together as is a product or a bundle")
	ErrOfferName    = errors.New("the name of a product or bundle has up to 32 characters of a-z, 0-9 and inner hyphens")
	ErrNameTaken    = errors.New("there is or was a product or bundle of this name, or one made by this decision under this number: choose another")
	ErrParts        = errors.New("a product or bundle has 1 to 256 parts, each named once, and down to its elements at most 256 too: make several")
	ErrWeight       = errors.New("each part has a weight of at least 1, and those of a product or bundle add up to at most 100000")
	ErrProduct      = errors.New("a product is made of elements: what contains products or bundles is a bundle")
	ErrUnknownItem  = errors.New("there is no such element, product or bundle, and none can contain itself or what is made later: coop product list shows them")
	ErrWithdrawn    = errors.New("this is not sold any more: the members have withdrawn it")
	ErrBroken       = errors.New("something that this contains was withdrawn, so it is not sold any more: ask for a new one without it")
	ErrDepth        = errors.New("bundles lie at most 3 deep in each other: put the parts of the innermost into the one above")
	ErrTerms        = errors.New("the treasury's shares rise from least over default to most, that and what buyers may steer are at most the whole, and a purchase can be given back for up to 90 days")
)

// Purchases.
var (
	ErrOwnShop  = errors.New("the members together neither buy from themselves nor stand at the till: a member buys, a cashier sells, and tokens.pay pays the holders of a token")
	ErrBuyer    = errors.New("this key cannot be a buyer's: name the key that the buyer shows, or none")
	ErrOwnSale  = errors.New("a cashier cannot sell to themselves: buy from your own account, or ask another cashier")
	ErrCount    = errors.New("one buys 1 to 1000000 pieces at a time")
	ErrStale    = errors.New("this costs more now than you said that you pay at most: look at the price, and order again")
	ErrSteers   = errors.New("a purchase has up to 32 sliders, each to another place, with at least the smallest unit and together no more than is paid")
	ErrTreasury = errors.New("the treasury's part is outside the bounds that the members set: coop product terms shows them")
	ErrSteered  = errors.New("this is more than the members let a buyer steer: coop product terms shows how much; the rest follows the weights")
)

// Giving back.
var (
	ErrNoPurchase    = errors.New("there is no such purchase: coop receipt list shows yours")
	ErrNotYours      = errors.New("this purchase is somebody else's: who signed it can give it back, or the members together")
	ErrRefundedTwice = errors.New("this purchase was given back already: the money has moved once")
	ErrRefundOver    = errors.New("the time in which this purchase could be given back is over, and its money has gone where it was to go")
)

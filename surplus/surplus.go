// Package surplus divides what the cooperative's sales have brought the treasury among those who made
// them possible: patronage, not capital, decides who gets how much.
//
// Its one idea: allocation and payout are two decisions. A distribution closes a period and allots a sum to
// capital accounts: by what each has bought, by what each has contributed, in equal parts, and the rest
// stays with the treasury as a reserve. From then on the money is the members', but the cooperative works
// with it until a later decision makes it payable, wholly or a part. Then each takes their own.
//
// No more can be distributed than sales have brought. Purchases count by what they brought the treasury,
// so nobody gains by buying from themselves. Contributions count by what the elements that one has made
// have earned in the period, whoever holds their tokens now.
//
// A sum is divided once, by largest remainder; equal remainders by lot. The package moves money by package
// tokens and knows no other room: what it has to be told, package coop tells it.
package surplus

import "github.com/sustainy/coop/event"

// The kinds of event about the surplus. All but KindClaim are acts of the Assembly.
const (
	KindDistribute = event.Kind("surplus.distribute")
	KindPayout     = event.Kind("surplus.payout")
	KindClaim      = event.Kind("surplus.claim")
)

// Kinds are those that a proposal can carry; a charter names those that a track may.
func Kinds() []event.Kind { return []event.Kind{KindDistribute, KindPayout} }

// Every bound on what a body may hold.
const (
	MaxParts  = 16
	MaxMakers = 256       // of one element, counted: those with most units of its token
	Whole     = 1_000_000 // millionths: the unit of shares
)

// Package tokens is the ledger: who has how much of what, and how it changes hands.
//
// Its one idea: one function moves value. Every asset is held in accounts of four kinds - members, the
// treasury, escrow of a thing, and the issue, which owes what all others have - so the sum of all
// accounts of an asset is 0 at every step, and Move keeps it so. There is one currency, and one
// achievement token for each achievement, in a fixed number of units.
//
// Income of a token goes to its holders in proportion to what they hold while it comes. A payment adds
// to one number, however many holders there are; a holding is settled whenever it changes. Because the
// supply is fixed, what a holder earned is an exact fraction, kept as whole units and a rest: floor of
// (total · units / supply) over the whole life, so no unit is lost, none is ever taken back, and the
// order of payments does not matter. This is the reward index of Batog, Boca and Johnson (2018)
// without its rounding.
//
// Units of tokens are traded by limit orders in escrow. All orders of one commit are cleared together,
// at one price for everybody, so nothing depends on the order inside a segment (protocol RULE-7). This
// is the frequent batch auction of Budish, Cramton and Shim (2015).
//
// The package does not know who the members are: rules get that as a Register. Nor does it know what
// the money is for: other rooms' payments are moves that package coop writes out.
package tokens

import "github.com/sustainy/coop/event"

// The kinds of event that the ledger understands. An act of the Assembly moves the treasury where the
// act of a member moves the member's account. Those below the line are acts of the Assembly alone.
const (
	KindTransfer = event.Kind("tokens.transfer")
	KindIssue    = event.Kind("tokens.issue")
	KindRedeem   = event.Kind("tokens.redeem")
	KindPay      = event.Kind("tokens.pay")
	KindClaim    = event.Kind("tokens.claim")
	KindOrder    = event.Kind("tokens.order")
	KindCancel   = event.Kind("tokens.cancel")

	KindAppoint = event.Kind("tokens.appoint")
	KindCredit  = event.Kind("tokens.credit")
	KindCreate  = event.Kind("tokens.create")
	KindRule    = event.Kind("tokens.rule")
	KindApprove = event.Kind("tokens.approve")
)

// Kinds are all of them; a charter names those that a track may carry.
func Kinds() []event.Kind {
	return []event.Kind{KindTransfer, KindIssue, KindRedeem, KindPay, KindClaim, KindOrder, KindCancel,
		KindAppoint, KindCredit, KindCreate, KindRule, KindApprove}
}

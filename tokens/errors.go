package tokens

import "errors"

// Why the ledger refuses, in the order of checking within each group: what happened, why, and what to
// do. A refusal changes nothing.

// What anything may refuse.
var (
	ErrAssemblyOnly = errors.New("only the members together can decide this about money and tokens: open a proposal that carries it as an action")
	ErrAmount       = errors.New("an amount is a whole number of the smallest unit, from 1 to 2^53-1")
	ErrMemo         = errors.New("a memo has at most 200 bytes and no invisible characters: shorten it, or keep to plain text")
	ErrUnknownToken = errors.New("there is no such achievement token: coop token list shows them")
	ErrNoMember     = errors.New("whoever receives or holds this must be a member, and this key names none: coop member list shows who is one")
	ErrFunds        = errors.New("the account has less than that at its disposal, what is in escrow not counted: coop ledger shows how much there is")
	ErrTooMuch      = errors.New("there would be more than 2^53-1 of the smallest unit, which no account can count: use smaller amounts")
)

// Transfers.
var (
	ErrSelf            = errors.New("this would go to the account that it comes from: name somebody else")
	ErrNotTransferable = errors.New("this token stays with who earned it: its rule lets nobody hand it on")
	ErrOpenFull        = errors.New("64 orders and waiting transfers of yours are open: cancel one, or wait until one is done")
)

// Money from outside.
var (
	ErrNotCashier    = errors.New("only a cashier whom the members appointed, or the members together, can do this: transfer the money to a cashier, or open a proposal")
	ErrReceipt       = errors.New("the receipt needs a reference of 1 to 64 bytes on one line, such as the number of the bank statement")
	ErrReceiptUsed   = errors.New("a receipt with this reference was booked already: each counts once")
	ErrCashierSelf   = errors.New("a cashier cannot issue money to themselves: another cashier or the members can")
	ErrCap           = errors.New("this is more than the cashier may still do in this period: wait for the next one, or open a proposal")
	ErrNotIssued     = errors.New("less money than that has ever come in: what members lend each other cannot be paid out")
	ErrCashierTerms  = errors.New("a cashier has a cap of up to 2^53-1 for each period of 1 hour to 366 days; a cap of 0 ends the appointment")
	ErrNoAppointment = errors.New("this member is no cashier, so there is no appointment to end")
)

// Achievement tokens.
var (
	ErrTokenName = errors.New("a token's name has up to 32 characters of a-z, 0-9 and inner hyphens")
	ErrNameTaken = errors.New("there is a token of this name, or one made by this decision under this number: choose another")
	ErrRule      = errors.New("a token's rule is free, members, coop-approval or none; the cooperative has a first refusal only where units can be traded")
	ErrShares    = errors.New("a token begins with 1 to 256 holders, each named once")
	ErrNotOpen   = errors.New("no order or waiting transfer with this id is open: it was filled, approved, cancelled or has expired")
	ErrNotYours  = errors.New("this order or transfer is somebody else's: only its owner can cancel it")
	ErrStreams   = errors.New("a token of this is in 256 parts of products and bundles already: withdraw one of them first")
	ErrNothing   = errors.New("there is no income to claim on this token: it was claimed already, or none has come")
)

// The market.
var (
	ErrSide        = errors.New("an order is to buy or to sell")
	ErrNotTradable = errors.New("this token's rule keeps it off the market: transfer it, if the rule allows that")
	ErrPrice       = errors.New("a price is a whole number of the currency's smallest unit for one unit of the token, at least 1, and the whole order costs at most 2^53-1")
	ErrUntil       = errors.New("an order ends within 366 days from now, and not before now")
	ErrOrderTwice  = errors.New("this decision has placed an order already: a proposal carries one")
	ErrSelfTrade   = errors.New("this order would trade with one of your own: cancel that one first")
)

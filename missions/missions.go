// Package missions is the room where work is asked for, paid for and judged: from a listing over pledges
// and submissions to an award, or back.
//
// Its one idea: a mission is a machine with a deadline in every phase and a default for every deadline, so
// money never rests with nobody. What is pledged goes to escrow on the spot, and escrow has two exits: the
// award, or a refund to each pledger. Whoever does nothing cannot hold up the others: a target that is
// missed refunds, a contributor who does not consent does not count, judges who stay silent lose the
// judgement to the members, and where these stay silent too the money goes back.
//
//	funding → open → revealing → judging → appeal → awarded ⇄ proving → refunding → delivered,
//	or after any of them → refunding → refunded, cancelled, struck
//
// Submissions are committed by hash and revealed later, so nobody copies; "no award" is always a candidate;
// entrants do not judge. The competition's phases follow Lakhani, Garvin and Lonstein, "TopCoder:
// Developing Software through Crowdsourcing" (Harvard Business School 2010); the quadratic match is that of
// Buterin, Hitzig and Weyl, "A Flexible Design for Funding Public Goods" (2019), with a cap.
//
// Prizes and units of one time are shared by largest remainder. Refunds may go to very many, so they are
// paid some at a time, in the order of the pledgers' keys, each the difference of two rounded sums
// (floor(all · pledges so far / pledges)): that needs no list of all and loses no unit.
//
// Members forecast whether a mission reaches its target and is delivered. Forecasts are scored by a proper
// rule into standing, which fades, can't be handed on, and counts in no vote. This, and the deposit that goes
// to who flagged spam, follows the Wings DAO (2016), without the stakes, which let the rich decide.
//
// The room moves money in the ledger, one floor below. It does not know what a member or a jury is: it gets
// these as interfaces, see House.
package missions

import "github.com/sustainy/coop/event"

// The kinds of event that the room understands. Those of the first line may also be acts of the Assembly,
// whose money is the treasury.
const (
	KindList   = event.Kind("mission.list")
	KindPledge = event.Kind("mission.pledge")
	KindCancel = event.Kind("mission.cancel")

	KindSubmit   = event.Kind("mission.submit")
	KindReveal   = event.Kind("mission.reveal")
	KindConsent  = event.Kind("mission.consent")
	KindWithdraw = event.Kind("mission.withdraw")
	KindJudge    = event.Kind("mission.judge")
	KindAppeal   = event.Kind("mission.appeal")

	KindProve    = event.Kind("mission.prove")
	KindAccept   = event.Kind("mission.accept")
	KindForecast = event.Kind("mission.forecast")
	KindFlag     = event.Kind("mission.flag")
	KindCall     = event.Kind("mission.call")
	KindTerms    = event.Kind("mission.terms") // an act of the Assembly alone
)

// Kinds are those that the Assembly may act by; a charter names those that a track may carry.
func Kinds() []event.Kind {
	return []event.Kind{KindList, KindPledge, KindCancel, KindTerms}
}

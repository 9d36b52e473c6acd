// Package governance is the hall: who the members are, by which charter they decide, and what they
// have decided.
//
// Its one idea: a decision is a draft that waits for a vote. A proposal carries the drafts of
// ordinary events; when it passes, the Assembly, for which no key can sign, performs them, all or
// none. Admitting a member, amending the charter and sharing out a budget are one mechanism.
//
// A proposal freezes what it runs under: its track's rules, the charter's version and the roll of
// members at its opening. Nobody changes rules, quorum or electorate under a running vote.
//
// Every rule checks first and changes then; the reasons to refuse stand in errors.go, in order of
// checking. Counting is apart from state: pure functions on ballots, one file a method, in integers
// and exact rationals. Time is coop time, which only commits move (protocol §3.10, §3.11).
//
// Because members and their devices live here, the hall also guards every room's door (Hear): each
// number of a device counts once, and a member makes so many events a day.
//
// The package knows no other room, no signature but the proofs inside its bodies, and not how its
// actions are performed: package coop owns the table of rules and runs them.
package governance

import "github.com/sustainy/coop/event"

// The kinds of event that the hall understands. KindMemberAdmit, KindMemberRecover,
// KindMemberSuspend, KindMemberExpel, KindMemberReinstate, KindCharterAmend, KindBudgetAllocate,
// KindStewardAppoint, KindStewardRecall and KindParamsAmend are acts of the Assembly, KindDeviceAdd,
// KindDeviceRevoke, KindInviteRevoke and KindPatronageCredit may be; every other one is signed by a
// member's device.
const (
	KindCoopFound        = event.KindFound
	KindMemberInvite     = event.Kind("member.invite")
	KindInviteRevoke     = event.Kind("invite.revoke")
	KindMemberApply      = event.Kind("member.apply")
	KindMemberSponsor    = event.Kind("member.sponsor")
	KindMemberAdmit      = event.Kind("member.admit")
	KindMemberLeave      = event.Kind("member.leave")
	KindDeviceAdd        = event.Kind("device.add")
	KindDeviceRevoke     = event.Kind("device.revoke")
	KindGuardianName     = event.Kind("guardian.name")
	KindRecoveryApprove  = event.Kind("recovery.approve")
	KindRecoveryVeto     = event.Kind("recovery.veto")
	KindMemberRecover    = event.Kind("member.recover")
	KindClassAsk         = event.Kind("class.ask")
	KindClassDrop        = event.Kind("class.drop")
	KindPatronageCredit  = event.Kind("patronage.credit")
	KindMemberSuspend    = event.Kind("member.suspend")
	KindMemberExpel      = event.Kind("member.expel")
	KindMemberReinstate  = event.Kind("member.reinstate")
	KindMemberAppeal     = event.Kind("member.appeal")
	KindEvidence         = event.Kind("evidence")
	KindProposalOpen     = event.Kind("proposal.open")
	KindProposalWithdraw = event.Kind("proposal.withdraw")
	KindProposalSponsor  = event.Kind("proposal.sponsor")
	KindProposalVeto     = event.Kind("proposal.veto")
	KindProposalExit     = event.Kind("proposal.exit")
	KindBallotCast       = event.Kind("ballot.cast")
	KindCharterAmend     = event.Kind("charter.amend")
	KindBudgetAllocate   = event.Kind("budget.allocate")
	KindStewardStand     = event.Kind("steward.stand")
	KindStewardReady     = event.Kind("steward.ready")
	KindStewardAppoint   = event.Kind("steward.appoint")
	KindStewardResign    = event.Kind("steward.resign")
	KindStewardRecall    = event.Kind("steward.recall")
	KindParamsAmend      = event.Kind("params.amend")
	KindDeviceRestore    = event.Kind("device.restore")

	KindDelegationGive     = event.Kind("delegation.give")
	KindDelegationWithdraw = event.Kind("delegation.withdraw")
	KindDelegationConfirm  = event.Kind("delegation.confirm")
	KindProgramPublish     = event.Kind("program.publish")
	KindProgramWithdraw    = event.Kind("program.withdraw")
	KindJuryCall           = event.Kind("jury.call") // an act of the Assembly
	KindJuryDecline        = event.Kind("jury.decline")
)

package coop

import (
	"slices"

	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
)

// rules is the table of contents of the cooperative: every kind of event and what it does.
func rules() []fold.Rule[State] {
	return slices.Concat([]fold.Rule[State]{
		fold.On(governance.KindCoopFound, in(hall, (*governance.State).Found)),

		fold.On(governance.KindMemberInvite, in(hall, (*governance.State).Invite)),
		fold.On(governance.KindInviteRevoke, in(hall, (*governance.State).RevokeInvite)),
		fold.On(governance.KindMemberApply, in(hall, (*governance.State).Apply)),
		fold.On(governance.KindMemberSponsor, in(hall, (*governance.State).Sponsor)),
		fold.On(governance.KindMemberAdmit, in(hall, (*governance.State).Admit)),
		fold.On(governance.KindMemberLeave, in(hall, (*governance.State).Leave)),
		fold.On(governance.KindClassAsk, in(hall, (*governance.State).Ask)),
		fold.On(governance.KindClassDrop, in(hall, (*governance.State).Drop)),
		fold.On(governance.KindPatronageCredit, in(hall, (*governance.State).Credit)),

		fold.On(governance.KindMemberSuspend, in(hall, (*governance.State).Suspend)),
		fold.On(governance.KindMemberExpel, in(hall, (*governance.State).Expel)),
		fold.On(governance.KindMemberReinstate, in(hall, (*governance.State).Reinstate)),
		fold.On(governance.KindMemberAppeal, opening((*governance.State).Appeal)),

		fold.On(governance.KindDeviceAdd, in(hall, (*governance.State).AddDevice)),
		fold.On(governance.KindDeviceRevoke, in(hall, (*governance.State).RevokeDevice)),
		fold.On(governance.KindGuardianName, in(hall, (*governance.State).NameGuardians)),
		fold.On(governance.KindRecoveryApprove, in(hall, (*governance.State).ApproveRecovery)),
		fold.On(governance.KindRecoveryVeto, in(hall, (*governance.State).VetoRecovery)),
		fold.On(governance.KindMemberRecover, in(hall, (*governance.State).Recover)),

		fold.On(governance.KindProposalOpen, opening((*governance.State).Open)),
		fold.On(governance.KindProposalWithdraw, in(hall, (*governance.State).Withdraw)),
		fold.On(governance.KindProposalSponsor, in(hall, (*governance.State).Cosponsor)),
		fold.On(governance.KindProposalVeto, in(hall, (*governance.State).CastVeto)),
		fold.On(governance.KindProposalExit, in(hall, (*governance.State).LeaveOver)),
		fold.On(governance.KindBallotCast, in(hall, (*governance.State).Cast)),

		fold.On(governance.KindDelegationGive, in(hall, (*governance.State).Give)),
		fold.On(governance.KindDelegationWithdraw, in(hall, (*governance.State).Retract)),
		fold.On(governance.KindDelegationConfirm, in(hall, (*governance.State).Confirm)),
		fold.On(governance.KindProgramPublish, in(hall, (*governance.State).Publish)),
		fold.On(governance.KindProgramWithdraw, in(hall, (*governance.State).WithdrawProgram)),
		fold.On(governance.KindJuryDecline, in(hall, (*governance.State).Decline)),

		fold.On(governance.KindCharterAmend, in(hall, (*governance.State).Amend)),
		fold.On(governance.KindBudgetAllocate, in(hall, (*governance.State).Allocate)),
		fold.On(governance.KindJuryCall, in(hall, (*governance.State).Call)),

		fold.On(governance.KindStewardStand, in(hall, (*governance.State).Stand)),
		fold.On(governance.KindStewardAppoint, in(hall, (*governance.State).Appoint)),
		fold.On(governance.KindStewardReady, in(hall, (*governance.State).Ready)),
		fold.On(governance.KindStewardResign, in(hall, (*governance.State).Resign)),
		fold.On(governance.KindStewardRecall, in(hall, (*governance.State).Recall)),
		fold.On(governance.KindParamsAmend, in(hall, (*governance.State).AmendParams)),

		fold.On(governance.KindEvidence, in(hall, (*governance.State).Accuse)),
		fold.On(governance.KindDeviceRestore, in(hall, (*governance.State).Restore)),
	}, ledgerRules(), missionRules(), shopRules(), surplusRules())
}

func hall(s *State) *governance.State { return &s.Hall }

// in makes a rule of one room a rule of the cooperative.
func in[R, B any](room func(*State) *R, rule func(*R, fold.Env, B) error) func(*State, fold.Env, B) error {
	return func(s *State, env fold.Env, body B) error { return rule(room(s), env, body) }
}

var machine = newMachine()

func newMachine() *fold.Machine[State] {
	m := fold.NewMachine(rules()...)
	m.Guard(func(s *State, env fold.Env, rule func() error) error { return s.Hall.Hear(env, rule) })
	return m
}

// Machine applies events to a State by the table of rules.
func Machine() *fold.Machine[State] { return machine }

package governance

import "github.com/sustainy/coop/event"

// DefaultCharter suits a cooperative of some dozens of members: customers use what it makes and come in
// with two sponsors, producers work for it and are admitted by vote, and who is both is a prosumer. Every
// member has one vote. Light decisions need a majority that is larger the fewer take part; heavy ones need
// most of the members and leave time to object. Taking membership away is slower than spending money. One
// steward is elected for a year: a larger cooperative elects 4 or 7 (see GoodSeats).
func DefaultCharter() Charter {
	biased := Quorum{QuorumBiased, Ratio{1, 2}}
	majority := Threshold{Ratio{1, 2}, true}
	return Charter{
		Classes: []Class{
			{Name: "customer", Admission: AdmitSponsor, Sponsors: 2, Votes: true, Invite: true},
			{Name: "producer", Admission: AdmitVote, Votes: true, Invite: true},
		},
		Tracks: []Track{
			{Name: "general", Method: YesNo, Quorum: biased, Threshold: majority, Discussion: 2 * day, Voting: 5 * day,
				Grace: day, Revisable: true, Open: 3, Actions: []event.Kind{KindJuryCall}},
			{Name: "admission", Method: YesNo, Quorum: biased, Threshold: majority, Discussion: day, Voting: 5 * day,
				Grace: day, Revisable: true, Open: 3, Actions: []event.Kind{KindMemberAdmit, KindDeviceAdd, KindDeviceRestore, KindStewardRecall, KindInviteRevoke}},
			{Name: "treasury", Method: YesNo, Quorum: Quorum{QuorumForOnly, Ratio{1, 4}}, Threshold: majority, Discussion: 3 * day,
				Voting: 7 * day, Grace: 2 * day, Revisable: true, Open: 2, Actions: []event.Kind{KindBudgetAllocate}},
			{Name: "budget", Method: BudgetGreedy, Quorum: Quorum{QuorumTurnout, Ratio{1, 5}}, Threshold: Threshold{Ratio{1, 10}, false},
				Discussion: 7 * day, Voting: 14 * day, Grace: 3 * day, Revisable: true, Open: 1, Actions: []event.Kind{KindBudgetAllocate}},
			{Name: "election", Method: STV, Seats: 1, Quorum: Quorum{QuorumNone, Ratio{0, 1}}, Threshold: majority,
				Discussion: 7 * day, Voting: 7 * day, Grace: day, Revisable: true, Open: 1, Actions: []event.Kind{KindStewardAppoint}},
			{Name: "charter", Method: YesNo, Quorum: Quorum{QuorumForOnly, Ratio{1, 2}}, Threshold: Threshold{Ratio{2, 3}, false},
				Discussion: 7 * day, Voting: 14 * day, Grace: 7 * day, Revisable: true, Open: 1, Actions: []event.Kind{KindCharterAmend, KindParamsAmend}},
			{Name: "membership", Method: YesNo, Quorum: Quorum{QuorumForOnly, Ratio{1, 3}}, Threshold: Threshold{Ratio{2, 3}, false}, Discussion: 7 * day,
				Voting: 14 * day, Grace: 7 * day, Revisable: true, Open: 2,
				Actions: []event.Kind{KindMemberSuspend, KindMemberExpel, KindMemberReinstate, KindMemberRecover, KindDeviceRevoke}},
		},
		Limits: Limits{Daily: 200, Text: 16 << 10, Statement: 2000, Reason: 1000, Candidates: 100,
			Recovery: 7 * day, Appeal: 30 * day, Silence: 180 * day},
		Office: Office{Term: 366 * day, Notice: day},
	}
}

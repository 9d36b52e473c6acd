package coop

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

const (
	day  = event.Time(24 * 60 * 60 * 1000)
	hour = day / 24
)

// village is the charter of most stories: short periods, every method, every quorum, every admission.
func village() governance.Charter {
	none := governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Num: 0, Den: 1}}
	half := governance.Ratio{Num: 1, Den: 2}
	majority := governance.Threshold{Share: half, Over: true}
	track := func(name string, method governance.Method, quorum governance.Quorum, threshold governance.Threshold, actions ...event.Kind) governance.Track {
		return governance.Track{Name: name, Method: method, Quorum: quorum, Threshold: threshold, Voting: hour, Revisable: true, Open: 2, Actions: actions}
	}
	c := governance.Charter{
		Classes: []governance.Class{
			{Name: "guest", Admission: governance.AdmitOpen},
			{Name: "friend", Admission: governance.AdmitSponsor, Sponsors: 2, Votes: true, Invite: true},
			{Name: "worker", Admission: governance.AdmitVote, Votes: true},
		},
		Tracks: []governance.Track{
			track("general", governance.YesNo, none, majority),
			track("quick", governance.YesNo, none, majority, governance.KindMemberAdmit, governance.KindDeviceAdd,
				governance.KindBudgetAllocate, governance.KindCharterAmend, governance.KindBallotCast, governance.KindJuryCall),
			track("turnout", governance.YesNo, governance.Quorum{Kind: governance.QuorumTurnout, Share: half}, majority),
			track("support", governance.YesNo, governance.Quorum{Kind: governance.QuorumForOnly, Share: half},
				governance.Threshold{Share: governance.Ratio{Num: 2, Den: 3}}),
			track("biased", governance.YesNo, governance.Quorum{Kind: governance.QuorumBiased, Share: governance.Ratio{Num: 1, Den: 1}}, majority),
			track("party", governance.Approval, none, governance.Threshold{Share: half}),
			track("budget", governance.BudgetGreedy, governance.Quorum{Kind: governance.QuorumTurnout, Share: half},
				governance.Threshold{Share: governance.Ratio{Num: 1, Den: 4}}, governance.KindBudgetAllocate),
			track("council", governance.YesNo, none, majority),
		},
		Limits: governance.Limits{Daily: 2000, Text: 100, Statement: 100, Reason: 20, Candidates: 2},
	}
	general, quick, council := &c.Tracks[0], &c.Tracks[1], &c.Tracks[7]
	general.Discussion, general.Voting, general.Grace = hour, day, hour
	quick.Revisable, quick.Open = false, governance.MaxOpen
	council.Proposers = []string{"worker"}
	return c
}

// parliament is the village's charter with a track for every method that the village does without.
func parliament() governance.Charter {
	c := village()
	half, third := governance.Ratio{Num: 1, Den: 2}, governance.Ratio{Num: 1, Den: 3}
	track := func(name string, method governance.Method, quorum governance.QuorumKind, threshold governance.Ratio) governance.Track {
		t := governance.Track{Name: name, Method: method, Quorum: governance.Quorum{Kind: quorum, Share: third},
			Threshold: governance.Threshold{Share: threshold, Over: threshold == half}, Voting: hour, Revisable: true, Open: 3}
		if quorum == governance.QuorumNone {
			t.Quorum.Share = governance.Ratio{Num: 0, Den: 1}
		}
		return t
	}
	consent := track("consent", governance.ByConsent, governance.QuorumTurnout, governance.Ratio{Num: 1, Den: 1})
	rating := track("rating", governance.Score, governance.QuorumNone, half)
	rating.Highest = 5
	ranked := track("ranked", governance.Schulze, governance.QuorumForOnly, half)
	runoff := track("runoff", governance.Runoff, governance.QuorumBiased, half)
	board := track("board", governance.STV, governance.QuorumTurnout, half)
	board.Seats = 3
	coins := track("coins", governance.Points, governance.QuorumNone, third)
	coins.Points = 10
	squares := track("squares", governance.PointsQuadratic, governance.QuorumForOnly, third)
	squares.Points = 10
	shares := func(name string, completion governance.Completion, utility governance.Utility) governance.Track {
		t := track(name, governance.BudgetShares, governance.QuorumTurnout, governance.Ratio{Num: 1, Den: 5})
		t.Completion, t.Utility, t.Actions = completion, utility, []event.Kind{governance.KindBudgetAllocate}
		return t
	}
	c.Tracks = append(c.Tracks, consent, rating, ranked, runoff, board, coins, squares,
		shares("shares", governance.CompleteNot, governance.UtilityCost), shares("raised", governance.CompleteRaise, governance.UtilityCost),
		shares("filled", governance.CompleteFill, governance.UtilityVotes), shares("whole", governance.CompleteRaiseFill, governance.UtilityCost))
	return c
}

func votingClass(c governance.Charter) string {
	for _, class := range c.Classes {
		if class.Votes {
			return class.Name
		}
	}
	return "none"
}

// amended is the village's charter with one thing changed.
func (w *world) amended(variant string) governance.Charter {
	c := village()
	switch variant {
	case "faster":
		c.Tracks[0].Voting = 2 * hour
	case "no-friends":
		c.Classes = slices.Delete(c.Classes, 1, 2)
	case "no-workers":
		c.Classes, c.Tracks = slices.Delete(c.Classes, 2, 3), slices.Delete(c.Tracks, 7, 8)
	case "mute":
		c.Classes[1].Votes, c.Classes[2].Votes = false, false
		c.Classes = append(c.Classes, governance.Class{Name: "sage", Admission: governance.AdmitVote, Votes: true})
	case "broken":
		c.Tracks[0].Threshold.Share.Den = 0
	default:
		return w.amendedGuild(variant)
	}
	return c
}

// draft is what a command wants to say:
//
//	invite NAME uses=1 for=7d      apply class=C,D name= invite= holder= statement=
//	sponsor WHO                    leave
//	device NAME for=WHO proof=WHO  evidence WHO with=WHO
//	propose NAME track= title= text= tags= options=A:100,B:50 budget= admit= allocate=0:500:Paint device= amend= carry= again=
//	vote NAME yes reason= dated=   vote NAME approve=0,2   vote NAME rank="1>0=2"   vote NAME scores=5,0,2   vote NAME points=3,1,0
//	cosponsor NAME, veto NAME reason=, exit NAME
//	delegate TO proposal= tag= track= threshold= until=3d      TO is WHO, WHO,WHO or nobody
//	publish NAME name= source= example= language= settings=key:value;key:value watches=WHO,WHO previous=NAME
//	unpublish NAME
//	propose … jury=NAME:SEATS:RESERVES:CLASS parties=WHO,WHO   decline PROPOSAL NAME
//	undelegate proposal= tag= track=                           confirm proposal= tag= track= twice=yes
//	withdraw NAME                  admit, amend, allocate, found: what nobody can do alone
//	send KIND                      an empty body
func (w *world) draft(who string, c command) event.Draft {
	if d, ok := w.stewardDraft(who, c); ok {
		return d
	}
	if d, ok := w.ledgerDraft(c); ok {
		return d
	}
	if d, ok := w.missionDraft(who, c); ok {
		return d
	}
	object := c.word(2)
	switch c.word(1) {
	case "invite":
		return w.body(governance.KindMemberInvite, governance.MemberInvite{Key: publicOf(object), Uses: w.number(c.get("uses", "1")),
			Expires: w.now + w.span(c.get("for", "7d")), Note: c.get("note", "")})
	case "apply":
		return w.application(who, c)
	case "sponsor":
		return w.body(governance.KindMemberSponsor, governance.MemberSponsor{Candidate: publicOf(object)})
	case "leave":
		return w.body(governance.KindMemberLeave, governance.MemberLeave{})
	case "device":
		return w.device(c.get("for", who), object, c.get("proof", object))
	case "evidence":
		return w.evidence(object, c.get("with", object))
	case "propose":
		return w.proposal(c)
	case "withdraw":
		return w.body(governance.KindProposalWithdraw, governance.ProposalWithdraw{Proposal: w.proposals[object]})
	case "vote":
		b := governance.BallotCast{Proposal: w.proposals[object], Choice: c.word(3), Reason: c.get("reason", ""),
			Approvals: w.numbers(c.get("approve", ""), ","), Scores: w.numbers(c.get("scores", ""), ","), Points: w.numbers(c.get("points", ""), ",")}
		if ranking := c.get("rank", ""); ranking != "" {
			for place := range strings.SplitSeq(ranking, ">") {
				b.Ranking = append(b.Ranking, w.numbers(place, "="))
			}
		}
		return w.body(governance.KindBallotCast, b)
	case "call":
		return w.jury(object+":1:0", nil)
	case "decline":
		return w.body(governance.KindJuryDecline, governance.JuryDecline{Jury: w.panel(object, strings.Trim(c.word(3), "\""))})
	case "publish":
		return w.published(c)
	case "unpublish":
		return w.body(governance.KindProgramWithdraw, governance.ProgramWithdraw{Program: w.program(object)})
	case "delegate", "undelegate", "confirm":
		return w.delegation(c.word(1), c)
	case "admit":
		return w.admission(object)
	case "amend":
		return w.body(governance.KindCharterAmend, governance.CharterAmend{Charter: w.amended(object)})
	case "allocate":
		return w.allocation("0:500:Paint")
	case "found":
		return w.body(governance.KindCoopFound, governance.CoopFound{})
	case "send":
		return w.body(event.Kind(object), governance.MemberLeave{})
	default:
		if draft, known := w.aboutMembers(c); known {
			return draft
		}
		return w.pollDraft(c)
	}
}

func (w *world) body(kind event.Kind, body any) event.Draft {
	return w.must(event.NewDraft(kind, body))
}

func (w *world) admission(who string) event.Draft {
	return w.body(governance.KindMemberAdmit, governance.MemberAdmit{Candidate: publicOf(who)})
}

func (w *world) application(who string, c command) event.Draft {
	b := governance.MemberApply{Name: c.get("name", title(who)), Classes: c.list("class"), Statement: c.get("statement", "")}
	if invite := c.get("invite", ""); invite != "" {
		b.Invite = publicOf(invite)
		b.Proof = governance.InviteProof(keyOf(c.get("holder", invite)), w.state().Hall.Coop, keyOf(who).Public())
	}
	return w.body(governance.KindMemberApply, b)
}

func (w *world) device(member, name, proof string) event.Draft {
	b := governance.DeviceAdd{Member: publicOf(member), Key: publicOf(name)}
	b.Proof = governance.DeviceProof(keyOf(proof), w.state().Hall.Coop, b.Member)
	return w.body(governance.KindDeviceAdd, b)
}

// evidence holds the fork of one against the last event of another, who is usually the same.
func (w *world) evidence(of, with string) event.Draft {
	var b governance.Evidence
	if s := w.strands[of]; s != nil && s.forked != nil {
		b.A = governance.DeviceFork(s.forked, s.forked).A
	}
	if s := w.strands[with]; s != nil {
		b.B = governance.DeviceFork(s.events[len(s.events)-1], s.events[len(s.events)-1]).B
	}
	return w.body(governance.KindEvidence, b)
}

func (w *world) allocation(text string) event.Draft {
	parts := strings.SplitN(text, ":", 3)
	return w.body(governance.KindBudgetAllocate, governance.BudgetAllocate{Project: w.number(parts[0]), Amount: w.number(parts[1]), Name: parts[2]})
}

func (w *world) proposal(c command) event.Draft {
	b := governance.ProposalOpen{Title: c.get("title", title(c.word(2))), Text: c.get("text", ""), Track: c.get("track", "general"),
		Tags: c.list("tags"), Budget: w.number(c.get("budget", "0")), Again: w.proposals[c.get("again", "")]}
	for _, option := range c.list("options") {
		name, cost, _ := strings.Cut(option, ":")
		o := governance.Option{Name: name}
		if cost != "" {
			o.Cost = w.number(cost)
		}
		b.Options = append(b.Options, o)
	}
	for _, who := range c.list("admit") {
		b.Actions = append(b.Actions, w.admission(who))
	}
	for _, text := range c.list("allocate") {
		b.Actions = append(b.Actions, w.allocation(text))
	}
	for _, text := range c.list("jury") {
		b.Actions = append(b.Actions, w.jury(text, c.list("parties")))
	}
	for _, text := range c.list("device") {
		who, name, _ := strings.Cut(text, ":")
		b.Actions = append(b.Actions, w.device(who, name, name))
	}
	b.Actions = append(b.Actions, w.rulings(c)...)
	for _, variant := range c.list("amend") {
		b.Actions = append(b.Actions, w.body(governance.KindCharterAmend, governance.CharterAmend{Charter: w.amended(variant)}))
	}
	if who := c.get("appoint", ""); who != "" {
		b.Actions = append(b.Actions, w.appointment(who, c.get("standby", "")))
	}
	for _, verb := range []string{"recall", "restore", "timing"} {
		for _, object := range c.list(verb) {
			d, _ := w.powers(verb, object)
			b.Actions = append(b.Actions, d)
		}
	}
	for _, text := range strings.Split(c.get("ledger", ""), ";") {
		c := parse(w.t, "members "+text)
		if d, ok := w.ledgerDraft(c); ok {
			b.Actions = append(b.Actions, d)
		} else if d, ok := w.missionDraft("nobody", c); ok {
			b.Actions = append(b.Actions, d)
		}
	}
	for _, kind := range c.list("carry") {
		b.Actions = append(b.Actions, event.Draft{Kind: event.Kind(kind), Body: []byte{0xa0}})
	}
	return w.body(governance.KindProposalOpen, b)
}

// look shows a part of the state.
func (w *world) look(c command) (out []string) {
	s := w.state()
	switch c.word(0) {
	case "show":
		return Explain(s, w.proposals[c.word(1)])
	case "juries":
		return lookAtJuries(s)
	case "chains", "chain", "given":
		return w.lookAtDelegations(c)
	case "account":
		a, _ := Account(s, w.proposals[c.word(1)])
		for _, b := range a.Ballots {
			line := strings.TrimSuffix(b.Name+": "+b.Says+", because: "+b.Reason, ", because: ")
			if b.Votes != 1 {
				line += fmt.Sprintf(" (%d votes, for %s)", b.Votes, strings.Join(b.For, " and "))
			}
			if b.Cost > 0 || b.Error != "" {
				line += strings.TrimSuffix(fmt.Sprintf(" [cost %d %s: %s", b.Cost, b.Code, b.Error), " : ") + "]"
			}
			out = append(out, line)
		}
		slices.Sort(out)
		for _, row := range a.Steps {
			out = append(out, strings.TrimRight(fmt.Sprintf("%d %s: %s %s %s", row.Step, row.What, row.Option, row.Number, row.Note), " "))
		}
		return out
	case "members":
		for _, m := range Members(s) {
			line := fmt.Sprintf("%s: %s, %s, votes %v, %d devices, %d sponsors", m.Name, m.Status, strings.Join(m.Classes, " and "), m.Votes, len(m.Devices), len(m.Sponsors))
			for _, d := range m.Devices {
				if d.Suspended {
					line += ", one suspended"
				}
				if d.Revoked {
					line += ", one revoked"
				}
			}
			out = append(out, line)
		}
	case "guardians", "recoveries", "classes", "patrons":
		out = w.lookAtMembers(c)
	case "proposals":
		for name, id := range w.proposals {
			p, _ := Proposal(s, id)
			line := fmt.Sprintf("%s: %q by %s, %s on %s, %d ballots, %s", name, p.Title, p.ByName, p.Method, p.Track, p.Tally.Ballots, p.Phase)
			for _, action := range p.Actions {
				line += "; would " + action
			}
			out = append(out, line)
		}
	case "allocations":
		for _, a := range Allocations(s) {
			out = append(out, fmt.Sprintf("%s for %s", s.Hall.Currency.Format(a.Amount), a.Name))
		}
	case "charter":
		out = append(out, fmt.Sprintf("version %d", Charter(s).Version))
		return append(out, Charter(s).Warnings...)
	case "ledger":
		return w.ledger()
	case "market":
		return w.marketOf(c.word(1))
	case "shop":
		return w.shop()
	case "surplus":
		return w.surplus()
	case "receipt":
		return ExplainReceipt(s, w.purchase(c.word(1), c.word(2)))
	case "standing":
		for _, v := range Standing(s) {
			out = append(out, fmt.Sprintf("%s: %d", v.Name, v.Points))
		}
		return out
	case "missions":
		return w.lookAtMission(c.word(1))
	case "root":
		return []string{fmt.Sprintf("%x", Root(s))}
	case "due":
		at, any := Next(s)
		if !any {
			return []string{"nothing is due"}
		}
		return []string{at.String()}
	}
	slices.Sort(out)
	return out
}

package sim

import (
	"fmt"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// cast writes what members will try to do onto the agenda, in bursts.
func (w *world) cast() {
	d := newDice(w.plan.Seed, 3)
	var people []*peer
	for _, p := range w.peers {
		if p.honest() && !p.watcher && (p.index < w.plan.Founders || p.index >= max(w.plan.Stewards, w.plan.Founders)) {
			people = append(people, p)
		}
	}
	if len(people) == 0 {
		return
	}
	a := &actor{w: w, dice: d}
	bursts := make([]event.Time, w.plan.Bursts)
	for i := range bursts {
		bursts[i] = 100 + d.until(w.plan.Storm-200)
	}
	for range w.plan.Acts {
		at, p := bursts[d.IntN(len(bursts))]+d.until(300), people[d.IntN(len(people))]
		w.agenda.add(at, func() { a.act(p) })
	}
	w.trade(people)
	for _, f := range w.plan.Forkers {
		for range f.Times {
			fork := &forker{w: w, dice: d, key: keyOf(f.Founder), me: w.peers[f.Founder]}
			w.agenda.add(d.until(w.plan.Storm), fork.fork)
		}
		if w.plan.Trades { // once more, when there is something to spend twice
			fork := &forker{w: w, dice: newDice(w.plan.Seed, 11), key: keyOf(f.Founder), me: w.peers[f.Founder]}
			w.agenda.add(w.plan.Storm/2+fork.dice.until(w.plan.Storm/2), fork.fork)
		}
	}
	for at := event.Time(300); at < w.plan.Storm; at += 700 + at/1000 { // in a long storm ever less often
		w.agenda.add(at, w.judge.look)
	}
}

// actor makes up what members do. It looks at what they see, and now and then asks for what will be
// refused.
type actor struct {
	w       *world
	dice    dice
	invites int
}

// act lets the member behind a peer do something.
func (a *actor) act(p *peer) {
	if p.core == nil {
		return
	}
	v := p.core.View()
	s := v.Provisional
	device, known := s.Hall.Devices.Get(p.id())
	m, _ := s.Hall.Members.Get(device.Member)
	var d event.Draft
	switch {
	case !known || m.Status == governance.StatusLeft:
		d = a.apply(s, p)
	case m.Status == governance.StatusCandidate && a.dice.of(1, 2):
		return
	default:
		d = a.choose(s, p, v.Forks)
	}
	if d.Kind != "" {
		p.submit(d, nil)
	}
}

func (a *actor) choose(s *coop.State, p *peer, forks []crdt.Fork) event.Draft {
	switch n := a.dice.IntN(20); {
	case n < 2:
		a.invites++
		return inviting(keyOf(1000+a.invites), s.Hall.Time)
	case n < 6:
		if d := a.welcome(s); d.Kind != "" {
			return d
		}
		return a.open(s)
	case n < 9:
		return a.open(s)
	case n < 17:
		if d := a.vote(s); d.Kind != "" {
			return d
		}
		return a.open(s)
	case n < 18:
		for id, proposal := range table.All(&s.Hall.Proposals) {
			if proposal.By == p.id() && a.dice.of(1, 2) {
				return draft(governance.KindProposalWithdraw, governance.ProposalWithdraw{Proposal: id})
			}
		}
	case n < 19 && len(forks) > 0:
		return a.accuse(p, forks[a.dice.IntN(len(forks))])
	case n < 20 && p.index >= a.w.plan.Founders:
		return draft(governance.KindMemberLeave, governance.MemberLeave{})
	}
	return event.Draft{}
}

func draft(kind event.Kind, body any) event.Draft {
	d, err := event.NewDraft(kind, body)
	if err != nil {
		panic("sim: invariant: a draft can be written: " + err.Error())
	}
	return d
}

// inviting publishes an invite, which no state refuses to a member.
func inviting(key identity.Key, now event.Time) event.Draft {
	return draft(governance.KindMemberInvite, governance.MemberInvite{Key: key.Public(), Uses: 2, Expires: now + 3_600_000, Note: "come in"})
}

func (a *actor) apply(s *coop.State, p *peer) event.Draft {
	b := governance.MemberApply{Name: "Guest " + p.name, Classes: []string{[]string{"member", "friend", "invited", "elected"}[a.dice.IntN(4)]}}
	if a.invites > 0 {
		invite := keyOf(1001 + a.dice.IntN(a.invites))
		b.Invite, b.Proof = invite.Public(), governance.InviteProof(invite, s.Hall.Coop, p.id())
	}
	return draft(governance.KindMemberApply, b)
}

// welcome sponsors a candidate, or opens a proposal that admits one.
func (a *actor) welcome(s *coop.State) event.Draft {
	for key, m := range table.All(&s.Hall.Members) {
		switch {
		case m.Status != governance.StatusCandidate || a.dice.of(1, 3):
		case m.Classes[0] == "elected":
			admit := draft(governance.KindMemberAdmit, governance.MemberAdmit{Candidate: key})
			return draft(governance.KindProposalOpen, governance.ProposalOpen{Title: "Admit " + m.Name, Track: "quick", Actions: []event.Draft{admit}})
		default:
			return draft(governance.KindMemberSponsor, governance.MemberSponsor{Candidate: key})
		}
	}
	return event.Draft{}
}

func (a *actor) open(s *coop.State) event.Draft {
	track := s.Hall.Charter.Tracks[a.dice.IntN(len(s.Hall.Charter.Tracks))]
	b := governance.ProposalOpen{Title: fmt.Sprint("Question ", a.dice.IntN(1000)), Text: "Shall we?", Track: track.Name}
	switch track.Method {
	case governance.Approval:
		b.Options = []governance.Option{{Name: "one"}, {Name: "two"}, {Name: "three"}}
	case governance.BudgetGreedy:
		b.Budget = 100
		b.Options = []governance.Option{{Name: "roof", Cost: 60}, {Name: "door", Cost: 50}, {Name: "lamp", Cost: 30}}
	}
	return draft(governance.KindProposalOpen, b)
}

func (a *actor) vote(s *coop.State) event.Draft {
	for id, p := range table.All(&s.Hall.Proposals) {
		if p.Phase != governance.Voting && !(p.Phase == governance.Discussion && a.dice.of(1, 5)) || a.dice.of(1, 3) {
			continue
		}
		b := governance.BallotCast{Proposal: id}
		if p.Rules.Track.Method == governance.YesNo {
			b.Choice = []string{"yes", "yes", "no", "abstain"}[a.dice.IntN(4)]
		} else if b.Choice = "abstain"; a.dice.of(4, 5) {
			b.Choice = ""
			for n := range p.Options {
				if a.dice.of(1, 2) {
					b.Approvals = append(b.Approvals, uint64(n))
				}
			}
		}
		return draft(governance.KindBallotCast, b)
	}
	return event.Draft{}
}

// accuse shows the two sides of a fork.
func (a *actor) accuse(p *peer, f crdt.Fork) event.Draft {
	one, err := p.disk.Event(f.A)
	other, err2 := p.disk.Event(f.B)
	if err != nil || err2 != nil {
		return event.Draft{}
	}
	sides, errs := event.OpenAll([][]byte{one, other})
	if errs[0] != nil || errs[1] != nil {
		return event.Draft{}
	}
	return draft(governance.KindEvidence, governance.DeviceFork(sides[0], sides[1]))
}

// recount counts the votes that are over from the final ballots alone, one a member, and compares.
func (j *judge) recount(s *coop.State) {
	last := map[governance.Seat]governance.BallotCast{}
	for _, c := range j.commits {
		for _, id := range c.Order {
			e := j.events[id]
			if e.Kind != governance.KindBallotCast || j.refused[id] != "" {
				continue
			}
			var b governance.BallotCast
			if err := event.DecodeBody(e.Body, &b); err != nil {
				j.complain("a ballot that cannot be read was counted: %v", err)
				return
			}
			device, _ := s.Hall.Devices.Get(e.Key)
			last[governance.Seat{Proposal: b.Proposal, Member: device.Member}] = b
		}
	}
	votes := map[event.ID]map[string]uint64{}
	for seat, b := range last {
		if votes[seat.Proposal] == nil {
			votes[seat.Proposal] = map[string]uint64{}
		}
		votes[seat.Proposal]["all"]++
		votes[seat.Proposal][b.Choice]++
	}
	for id, p := range table.All(&s.Hall.Proposals) {
		if p.Result.Closed == 0 || p.Phase == governance.Withdrawn {
			continue
		}
		r, v := p.Result, votes[id]
		if r.Ballots != v["all"] || p.Rules.Track.Method == governance.YesNo && (r.Yes != v["yes"] || r.No != v["no"] || r.Abstain != v["abstain"]) {
			j.complain("proposal %s counts %d ballots, %d yes, %d no, %d abstain; the final ballots are %v", id.Short(), r.Ballots, r.Yes, r.No, r.Abstain, v)
		}
	}
}

package coop

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// twin counts again in the plainest way: from events and their receipts alone, voter by voter.
type twin struct {
	ballots  map[governance.Seat]governance.BallotCast
	mandates map[governance.Remit]twinMandate
	rolls    map[event.ID][]identity.PublicKey
	classes  map[event.ID]map[identity.PublicKey][]string // of the roll, at the opening
	programs map[event.ID]twinProgram
	expelled event.Time // when somebody was, last
}

type twinMandate struct {
	to                 governance.Delegate
	confirmed, expires event.Time
}

// twinCount is what the twin finds.
type twinCount struct {
	ballots, delegated, yes, no, abstain uint64
	votes                                []uint64
}

// countByTwin goes through all events that counted, and compares every count, closed or open, with what
// stands in the state.
func (w *world) countByTwin(t *rapid.T) {
	x := twin{map[governance.Seat]governance.BallotCast{}, map[governance.Remit]twinMandate{}, map[event.ID][]identity.PublicKey{}, map[event.ID]map[identity.PublicKey][]string{}, map[event.ID]twinProgram{}, 0}
	genesis, _ := Genesis(w.genesis)
	line := NewTimeline(genesis)
	all := Proposals(w.state())
	done := map[event.ID]bool{}
	compare := func(now event.Time) {
		for _, p := range all {
			if ended, _ := w.state().Hall.Proposals.Get(p.ID); x.rolls[p.ID] == nil || done[p.ID] || ended.Phase == governance.Withdrawn || ended.Result.Closed == 0 || ended.Result.Closed > now {
				continue
			}
			if done[p.ID] = true; x.expelled == 0 || x.expelled != now {
				x.compare(t, w.state(), p)
			}
		}
	}
	for i, c := range w.commits {
		receipts := line.Commit(uint64(i), c.at, c.order)
		x.silence(line.Final())
		compare(c.at)
		for j, r := range receipts {
			if r.Refusal == "" {
				x.hear(t, line.Final(), c.order[j])
			}
		}
	}
	for _, p := range all {
		if !done[p.ID] && p.Phase != governance.Withdrawn && p.Phase != governance.Lapsed { // where nobody was asked to vote
			x.compare(t, w.state(), p)
		}
	}
}

// silence ends the mandates of those who were expelled. A vote that was counted at the same moment was so before or
// after; which, the twin does not know.
func (x *twin) silence(s *State) {
	for remit := range x.mandates {
		if m, _ := s.Hall.Members.Get(remit.Member); m.Status == governance.StatusExpelled {
			x.expelled = m.Since
			delete(x.mandates, remit)
		}
	}
}

// hear notes an event that counted; s is the state after it.
func (x *twin) hear(t *rapid.T, s *State, e *event.Event) {
	who, _ := Member(s, e.Key)
	d := event.Draft{Kind: e.Kind, Body: e.Body}
	switch e.Kind {
	case governance.KindBallotCast:
		b, _ := read[governance.BallotCast](d)
		x.ballots[governance.Seat{Proposal: b.Proposal, Member: who.ID}] = b
	case governance.KindProposalOpen:
		x.rolls[e.ID], x.classes[e.ID] = []identity.PublicKey{}, map[identity.PublicKey][]string{}
		for _, m := range Members(s) {
			if m.Votes {
				x.rolls[e.ID] = append(x.rolls[e.ID], m.ID)
				x.classes[e.ID][m.ID] = m.Classes
			}
		}
	case governance.KindDelegationGive:
		b, _ := read[governance.DelegationGive](d)
		x.mandates[governance.Remit{Member: who.ID, About: b.About}] = twinMandate{b.To, s.Hall.Time, b.Expires}
	case governance.KindDelegationConfirm:
		b, _ := read[governance.DelegationConfirm](d)
		for _, a := range b.About {
			m := x.mandates[governance.Remit{Member: who.ID, About: a}]
			m.confirmed = s.Hall.Time
			x.mandates[governance.Remit{Member: who.ID, About: a}] = m
		}
	case governance.KindDelegationWithdraw:
		b, _ := read[governance.DelegationWithdraw](d)
		delete(x.mandates, governance.Remit{Member: who.ID, About: b.About})
	case governance.KindProgramPublish, governance.KindProgramWithdraw:
		x.hearProgram(e, s.Hall.Time)
	case governance.KindMemberLeave, governance.KindProposalExit:
		for remit := range x.mandates {
			if remit.Member == who.ID {
				delete(x.mandates, remit)
			}
		}
	}
}

// mandate is what a voter has given for a proposal, by the narrowest scope that is in force.
func (x *twin) mandate(member identity.PublicKey, id event.ID, p *governance.Proposal) *governance.Delegate {
	find := func(a governance.About, optOut bool) *governance.Delegate {
		m, ok := x.mandates[governance.Remit{Member: member, About: a}]
		if !ok || optOut && !m.to.Nobody() || m.expires != 0 && m.expires <= p.Voting.End {
			return nil
		}
		if !m.to.Nobody() && m.confirmed+p.Rules.Delegating.Term <= p.Voting.End {
			return nil
		}
		if _, stands := x.answer(m.to.Program, p); !m.to.Program.IsZero() && !stands {
			return nil
		}
		return &m.to
	}
	order := []*governance.Delegate{find(governance.About{Proposal: id}, false)}
	for _, optOut := range []bool{true, false} {
		for _, tag := range p.Tags {
			order = append(order, find(governance.About{Tag: tag}, optOut))
		}
	}
	order = append(order, find(governance.About{Track: p.Rules.Track.Name}, false), find(governance.About{}, false))
	for _, m := range order {
		if m != nil {
			return m
		}
	}
	return nil
}

// says finds what every voter says, by going over all of them until nothing is new.
func (x *twin) says(id event.ID, p *governance.Proposal) map[identity.PublicKey]governance.BallotCast {
	said := map[identity.PublicKey]governance.BallotCast{}
	same := func(a, b governance.BallotCast) bool {
		return a.Choice == b.Choice && slices.Equal(a.Approvals, b.Approvals) && slices.Equal(a.Scores, b.Scores) && slices.Equal(a.Points, b.Points) &&
			slices.EqualFunc(a.Ranking, b.Ranking, slices.Equal[[]uint64])
	}
	say := func(v identity.PublicKey) (governance.BallotCast, bool) {
		if b, ok := x.ballots[governance.Seat{Proposal: id, Member: v}]; ok {
			return b, true
		}
		to := x.mandate(v, id, p)
		if to == nil || p.Rules.Delegating.Off {
			return governance.BallotCast{}, false
		}
		if b, ok := x.answer(to.Program, p); ok {
			return b, true
		}
		for _, member := range to.Members {
			b, ok := said[member]
			agree := uint64(0)
			for _, other := range to.Members {
				if c, also := said[other]; ok && also && same(b, c) {
					agree++
				}
			}
			if agree >= max(1, to.Threshold) {
				return b, true
			}
		}
		return governance.BallotCast{}, false
	}
	for more := true; more; {
		more = false
		for _, v := range x.rolls[id] {
			if _, ok := said[v]; !ok {
				if b, ok := say(v); ok {
					said[v], more = b, true
				}
			}
		}
	}
	return said
}

func (x *twin) compare(t *rapid.T, s *State, v ProposalView) {
	p, _ := s.Hall.Proposals.Get(v.ID)
	if v.Hidden != "" {
		if v.Tally != (TallyView{Hash: v.Tally.Hash}) || v.Chambers != nil {
			t.Fatalf("%s is hidden: %+v", v.Title, v.Tally)
		}
		return
	}
	got := twinCount{votes: make([]uint64, len(p.Options))}
	said := x.says(v.ID, &p)
	for member, b := range said {
		if _, own := x.ballots[governance.Seat{Proposal: v.ID, Member: member}]; own {
			got.ballots++
		} else {
			got.delegated++
		}
		switch b.Choice {
		case "yes":
			got.yes++
		case "no", "object":
			got.no++
		case "abstain":
			got.abstain++
		}
		for _, n := range b.Approvals {
			got.votes[n]++
		}
	}
	if p.Rules.Delegating.Cap.Den != 0 { // who is cut is for the twin of package delegation
		if v.Tally.Ballots != got.ballots || v.Tally.Delegated > got.delegated {
			t.Fatalf("%s: %+v, the twin has %+v", v.Title, v.Tally, got)
		}
		return
	}
	x.checkChambers(t, v, &p, said)
	x.checkEarly(t, v, &p)
	bySides := len(p.Options) == 0
	approving := v.Method == governance.Approval || v.Method.SharesBudget()
	if v.Tally.Ballots != got.ballots || v.Tally.Delegated != got.delegated || (bySides || approving) && v.Tally.Abstain != got.abstain ||
		bySides && (v.Tally.Yes != got.yes || v.Tally.No != got.no) {
		t.Fatalf("%s: %+v, the twin has %+v", v.Title, v.Tally, got)
	}
	for i, o := range v.Options {
		if approving && o.Votes != got.votes[i] {
			t.Fatalf("%s: option %d has %d votes, the twin %d", v.Title, i, o.Votes, got.votes[i])
		}
	}
}

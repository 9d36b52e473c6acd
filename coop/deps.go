package coop

import (
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// Deps are the events that a draft is about and must come after: the proposal of a ballot, the
// application of a candidate, the invite of an application. Whoever signs the draft links them;
// otherwise it may be ordered before them, and then it has no effect. s is what the author knows,
// provisional or final.
func Deps(s *State, d event.Draft) []event.ID {
	switch d.Kind {
	case governance.KindBallotCast:
		if b, ok := read[governance.BallotCast](d); ok {
			return about(b.Proposal)
		}
	case governance.KindProposalWithdraw:
		if b, ok := read[governance.ProposalWithdraw](d); ok {
			return about(b.Proposal)
		}
	case governance.KindProposalSponsor:
		if b, ok := read[governance.ProposalSponsor](d); ok {
			return about(b.Proposal)
		}
	case governance.KindProposalVeto:
		if b, ok := read[governance.ProposalVeto](d); ok {
			return about(b.Proposal)
		}
	case governance.KindProposalExit:
		if b, ok := read[governance.ProposalExit](d); ok {
			return about(b.Proposal)
		}
	case governance.KindMemberSponsor:
		if b, ok := read[governance.MemberSponsor](d); ok {
			return append(s.application(b.Candidate), s.request(b.Candidate, b.Class)...)
		}
	case governance.KindMemberApply:
		if b, ok := read[governance.MemberApply](d); ok {
			i, _ := s.Hall.Invitations.Get(b.Invite)
			return about(i.Event)
		}
	case governance.KindDelegationGive:
		if b, ok := read[governance.DelegationGive](d); ok {
			return s.delegates(&b)
		}
	case governance.KindJuryDecline:
		if b, ok := read[governance.JuryDecline](d); ok {
			return about(b.Jury.By)
		}
	case governance.KindProgramPublish:
		if b, ok := read[governance.ProgramPublish](d); ok {
			return about(b.Previous)
		}
	case governance.KindProgramWithdraw:
		if b, ok := read[governance.ProgramWithdraw](d); ok {
			return about(b.Program)
		}
	case governance.KindProposalOpen:
		if b, ok := read[governance.ProposalOpen](d); ok {
			deps := append(about(b.Again), s.applications(b.Actions)...)
			return deps[:min(len(deps), event.MaxDeps)]
		}
	}
	if deps := s.aboutMembers(d); deps != nil {
		return deps
	}
	if deps := s.missionDeps(d); deps != nil {
		return deps
	}
	if deps := s.shopDeps(d); deps != nil {
		return deps
	}
	return s.ledgerDeps(d)
}

// applications finds the candidates that actions would admit.
func (s *State) applications(actions []event.Draft) []event.ID {
	var deps []event.ID
	for _, action := range actions {
		if action.Kind != governance.KindMemberAdmit {
			continue
		}
		if b, ok := read[governance.MemberAdmit](action); ok && len(deps) < event.MaxDeps {
			deps = append(deps, s.application(b.Candidate)...)
			if len(deps) < event.MaxDeps {
				deps = append(deps, s.request(b.Candidate, b.Class)...)
			}
		}
	}
	return deps
}

// delegates finds what a delegation is about and to whom it goes.
func (s *State) delegates(b *governance.DelegationGive) []event.ID {
	deps := append(about(b.About.Proposal), about(b.To.Program)...)
	for _, key := range b.To.Members {
		if len(deps) < event.MaxDeps {
			deps = append(deps, s.application(key)...)
		}
	}
	return deps
}

func (s *State) application(candidate identity.PublicKey) []event.ID {
	m, _ := s.Hall.Members.Get(candidate)
	return about(m.Event)
}

// request finds what a member asked for; without a class, nothing.
func (s *State) request(member identity.PublicKey, class string) []event.ID {
	r, _ := s.Hall.Requests.Get(governance.Chair{Member: member, Class: class})
	return about(r.Event)
}

func about(id event.ID) []event.ID {
	if id.IsZero() {
		return nil
	}
	return []event.ID{id}
}

func read[B any](d event.Draft) (body B, ok bool) {
	ok = event.DecodeBody(d.Body, &body) == nil
	return body, ok
}

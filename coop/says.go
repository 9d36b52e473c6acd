package coop

import (
	"fmt"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// Says tells what an event does, in words that follow its author's name: "revokes the device …". An act
// of the Assembly reads as InWords has it. Kinds of other rooms, and bodies that make no sense, are told
// by their kind. s is what is known now, so names are those of now.
func Says(s *State, d event.Draft) string {
	for _, say := range [...]func(*State, event.Draft) string{saysOfDevices, saysOfMembers, saysOfVotes, saysOfDelegations, saysOfMissions, saysOfShop} {
		if words := say(s, d); words != "" {
			return words
		}
	}
	return string(d.Kind)
}

// say makes words of a draft's body.
func say[B any](d event.Draft, words func(B) string) string {
	b, ok := read[B](d)
	if !ok {
		return ""
	}
	return words(b)
}

func saysOfDevices(s *State, d event.Draft) string {
	switch d.Kind {
	case governance.KindDeviceAdd:
		return say(d, func(b governance.DeviceAdd) string {
			return fmt.Sprintf("lets the device %s speak for %s", b.Key, nameOf(s, b.Member))
		})
	case governance.KindDeviceRevoke:
		return say(d, func(b governance.DeviceRevoke) string { return fmt.Sprintf("revokes the device %s for good", b.Key) })
	case governance.KindGuardianName:
		return say(d, func(b governance.GuardianName) string {
			if len(b.Guardians) == 0 {
				return "has no guardians any more"
			}
			return fmt.Sprintf("names as guardians %s, of whom %d must approve a new device", strings.Join(names(s, b.Guardians), ", "), b.Needed)
		})
	case governance.KindRecoveryApprove:
		return say(d, func(b governance.RecoveryApprove) string {
			return fmt.Sprintf("approves as a guardian that %s speaks by the new device %s alone", nameOf(s, b.Member), b.Key)
		})
	case governance.KindRecoveryVeto:
		return "vetoes every recovery of their membership"
	case governance.KindEvidence:
		return "proves that a device has signed two events with one number"
	}
	return ""
}

func saysOfMembers(s *State, d event.Draft) string {
	switch d.Kind {
	case governance.KindCoopFound:
		return "founds the cooperative"
	case governance.KindMemberInvite:
		return say(d, func(b governance.MemberInvite) string {
			return fmt.Sprintf("invites up to %d until %s: %q", b.Uses, b.Expires, b.Note)
		})
	case governance.KindInviteRevoke:
		return say(d, func(b governance.InviteRevoke) string { return fmt.Sprintf("revokes the invite %s", b.Key) })
	case governance.KindMemberApply:
		return say(d, func(b governance.MemberApply) string {
			return fmt.Sprintf("applies as %q to be %s", b.Name, strings.Join(b.Classes, " and "))
		})
	case governance.KindMemberSponsor:
		return say(d, func(b governance.MemberSponsor) string {
			return strings.TrimSuffix(fmt.Sprintf("vouches for %s as %s", nameOf(s, b.Candidate), b.Class), " as ")
		})
	case governance.KindMemberLeave:
		return "leaves the cooperative"
	case governance.KindMemberAppeal:
		return "appeals against their suspension or expulsion"
	case governance.KindClassAsk:
		return say(d, func(b governance.ClassAsk) string { return "asks to be in the class " + b.Class + " too" })
	case governance.KindClassDrop:
		return say(d, func(b governance.ClassDrop) string { return "leaves the class " + b.Class })
	case governance.KindPatronageCredit:
		return say(d, func(b governance.PatronageCredit) string {
			return fmt.Sprintf("credits purchases of %s to %s: %q", s.Hall.Currency.Format(b.Amount), patronOf(s, b.Key), b.Note)
		})
	}
	return ""
}

// patronOf names who has bought: a member by name, anybody else by key.
func patronOf(s *State, key identity.PublicKey) string {
	if d, ok := s.Hall.Devices.Get(key); ok {
		return nameOf(s, d.Member)
	}
	return key.String()
}

func saysOfVotes(s *State, d event.Draft) string {
	title := func(id event.ID) string {
		p, _ := s.Hall.Proposals.Get(id)
		return fmt.Sprintf("%q", p.Title)
	}
	switch d.Kind {
	case governance.KindProposalOpen:
		return say(d, func(b governance.ProposalOpen) string {
			return fmt.Sprintf("proposes %q on track %s", b.Title, b.Track)
		})
	case governance.KindProposalWithdraw:
		return say(d, func(b governance.ProposalWithdraw) string { return "withdraws the proposal " + title(b.Proposal) })
	case governance.KindBallotCast:
		return say(d, func(b governance.BallotCast) string {
			p, _ := s.Hall.Proposals.Get(b.Proposal)
			ballot := governance.Ballot{Choice: governance.Choice(b.Choice), Approvals: b.Approvals, Ranking: b.Ranking, Scores: b.Scores, Points: b.Points}
			return fmt.Sprintf("votes on %s: %s", title(b.Proposal), ballot.Says(p.Options))
		})
	}
	return ""
}

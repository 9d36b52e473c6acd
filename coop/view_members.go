package coop

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// GuardiansView is whom a member trusts to recover their membership.
type GuardiansView struct {
	Guardians []identity.PublicKey `json:"guardians"`
	Names     []string             `json:"names"`
	Needed    uint64               `json:"needed"`
}

// RecoveryView is a recovery under way: the member is to speak by Key.
type RecoveryView struct {
	Key       identity.PublicKey   `json:"key"`
	Approvals []identity.PublicKey `json:"approvals"`
	Names     []string             `json:"names"`
	Needed    uint64               `json:"needed"`
	Ready     bool                 `json:"ready"` // the delay runs, in which a device of the member can veto
	Due       event.Time           `json:"due"`   // when it takes effect if ready, otherwise when it lapses
}

// addRest adds what stands about a member in other tables.
func (v *MemberView) addRest(s *State) {
	for chair := range s.Hall.RequestsOf(v.ID) {
		v.Asks = append(v.Asks, chair.Class)
	}
	p, _ := s.Hall.Patronage.Get(v.ID)
	v.Patronage = p.Amount
	g, ok := s.Hall.Guardians.Get(v.ID)
	if ok {
		v.Guardians = &GuardiansView{g.Guardians, names(s, g.Guardians), g.Needed}
	}
	for claim, r := range table.From(&s.Hall.Recoveries, governance.Claim{Member: v.ID}) {
		if claim.Member != v.ID {
			return
		}
		v.Recoveries = append(v.Recoveries, RecoveryView{claim.Key, r.Approvals, names(s, r.Approvals), g.Needed, r.Ready, r.Due})
	}
}

func names(s *State, keys []identity.PublicKey) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = nameOf(s, key)
	}
	return list
}

// memberAction says what an action about a member would do.
func memberAction(s *State, d event.Draft) string {
	switch d.Kind {
	case governance.KindInviteRevoke:
		if b, ok := read[governance.InviteRevoke](d); ok {
			i, _ := s.Hall.Invitations.Get(b.Key)
			return fmt.Sprintf("revoke the invite %s by %s", b.Key, nameOf(s, i.By))
		}
	case governance.KindDeviceRevoke:
		if b, ok := read[governance.DeviceRevoke](d); ok {
			device, _ := s.Hall.Devices.Get(b.Key)
			return fmt.Sprintf("revoke the device %s of %s", b.Key, nameOf(s, device.Member))
		}
	case governance.KindPatronageCredit:
		if b, ok := read[governance.PatronageCredit](d); ok {
			return fmt.Sprintf("credit patronage of %s to %s", s.Hall.Currency.Format(b.Amount), b.Key)
		}
	case governance.KindMemberRecover:
		if b, ok := read[governance.MemberRecover](d); ok {
			return fmt.Sprintf("let %s speak by the new device %s and by no other", nameOf(s, b.Member), b.Key)
		}
	case governance.KindMemberSuspend:
		if b, ok := read[governance.MemberSuspend](d); ok {
			return fmt.Sprintf("suspend %s (%s) for %s", nameOf(s, b.Member), b.Member, governance.Period(b.For))
		}
	case governance.KindMemberExpel:
		if b, ok := read[governance.MemberExpel](d); ok {
			return fmt.Sprintf("expel %s (%s)", nameOf(s, b.Member), b.Member)
		}
	case governance.KindMemberReinstate:
		if b, ok := read[governance.MemberReinstate](d); ok {
			return fmt.Sprintf("make %s (%s) a member again", nameOf(s, b.Member), b.Member)
		}
	}
	return string(d.Kind) + ", which nobody can carry out"
}

// aboutMembers are the events that a draft about members must come after; see Deps.
func (s *State) aboutMembers(d event.Draft) []event.ID {
	switch d.Kind {
	case governance.KindRecoveryApprove:
		if b, ok := read[governance.RecoveryApprove](d); ok {
			g, _ := s.Hall.Guardians.Get(b.Member)
			return about(g.Event)
		}
	case governance.KindInviteRevoke:
		if b, ok := read[governance.InviteRevoke](d); ok {
			i, _ := s.Hall.Invitations.Get(b.Key)
			return about(i.Event)
		}
	}
	return nil
}

// maxChanges is how many changes of the charter are told with a proposal.
const maxChanges = 6

// amendment says what a charter changes in the one in force, and what of it would hardly work with the members
// that there are.
func amendment(s *State, to *governance.Charter) string {
	lines := s.Hall.Charter.Changes(to)
	if len(lines) == 0 {
		return "replace the charter by one that says the same"
	}
	rest := ""
	if n := len(lines) - maxChanges; n > 0 {
		lines, rest = lines[:maxChanges], fmt.Sprintf(" And %d more.", n)
	}
	members := memberClasses(s)
	if locks := to.Locks(members); locks != nil {
		rest += " It would be refused as it stands: under it no amendment could ever pass again: " + strings.Join(locks, "; ") + "."
	}
	before := s.Hall.Charter.Unlikely(members)
	for _, line := range to.Unlikely(members) {
		if !slices.Contains(before, line) {
			rest += " Careful: " + line + "."
		}
	}
	return "amend the charter. " + strings.Join(lines, " ") + rest
}

// memberClasses are the classes of each member.
func memberClasses(s *State) [][]string {
	classes := [][]string{}
	for _, m := range table.All(&s.Hall.Members) {
		if m.Status == governance.StatusMember {
			classes = append(classes, m.Classes)
		}
	}
	return classes
}

// ProposedCharter is the charter that a proposal would set.
func ProposedCharter(s *State, proposal event.ID) (governance.Charter, bool) {
	p, _ := s.Hall.Proposals.Get(proposal)
	for _, action := range p.Actions {
		if b, ok := read[governance.CharterAmend](action); ok && action.Kind == governance.KindCharterAmend {
			return b.Charter, true
		}
	}
	return governance.Charter{}, false
}

// PatronView is what somebody has bought so far.
type PatronView struct {
	Key    identity.PublicKey `json:"key"`
	Name   string             `json:"name,omitempty"` // of a member or candidate
	Amount uint64             `json:"amount"`
	Since  event.Time         `json:"since"`
	Last   event.Time         `json:"last"`
}

// Patrons are all who have bought, by key.
func Patrons(s *State) []PatronView {
	views := make([]PatronView, 0, s.Hall.Patronage.Len())
	for key, p := range table.All(&s.Hall.Patronage) {
		views = append(views, PatronView{key, s.memberName(key), p.Amount, p.Since, p.Last})
	}
	return views
}

// memberName is a member's name, or nothing.
func (s *State) memberName(key identity.PublicKey) string {
	m, _ := s.Hall.Members.Get(key)
	return m.Name
}

package coop

import (
	"fmt"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// guild is the village's charter with a track for everything that concerns members.
func guild() governance.Charter {
	c := village()
	heart := c.Tracks[1]
	heart.Name = "heart"
	heart.Actions = []event.Kind{governance.KindMemberAdmit, governance.KindDeviceAdd, governance.KindDeviceRevoke, governance.KindInviteRevoke, governance.KindMemberRecover,
		governance.KindMemberSuspend, governance.KindMemberExpel, governance.KindMemberReinstate}
	heart.Actions = append(heart.Actions, governance.KindPatronageCredit)
	c.Tracks = append(c.Tracks, heart)
	c.Classes = append(c.Classes, governance.Class{Name: "regular", Admission: governance.AdmitOpen, Patronage: 5000},
		governance.Class{Name: "shop", Admission: governance.AdmitVote, Credits: true}, governance.Class{Name: "circle", Admission: governance.AdmitSponsor, Sponsors: 2, Patronage: 100},
		governance.Class{Name: "customer", Admission: governance.AdmitOpen}, governance.Class{Name: "producer", Admission: governance.AdmitOpen})
	return c
}

// aboutMembers is what a command about members wants to say, besides what draft knows:
//
//	revoke DEVICE                  guardians A,B,C needed=2
//	ask CLASS                      drop CLASS                  vouch WHO CLASS
//	credit WHO AMOUNT note=
//	back WHO KEY proof=KEY         protest                     uninvite INVITE
//	appeal text=                   recover WHO KEY, suspend WHO for=7d, expel WHO, reinstate WHO: what nobody can do alone
func (w *world) aboutMembers(c command) (d event.Draft, known bool) {
	who, key := c.word(2), c.word(3)
	switch verb := c.word(1); verb {
	case "revoke":
		return w.body(governance.KindDeviceRevoke, governance.DeviceRevoke{Key: publicOf(who)}), true
	case "guardians":
		b := governance.GuardianName{Needed: w.number(c.get("needed", "1"))}
		for _, name := range strings.Split(who, ",") {
			if name != "none" {
				b.Guardians = append(b.Guardians, publicOf(name))
			}
		}
		return w.body(governance.KindGuardianName, b), true
	case "back":
		b := governance.RecoveryApprove{Member: publicOf(who), Key: publicOf(key)}
		b.Proof = governance.DeviceProof(keyOf(c.get("proof", key)), w.state().Hall.Coop, b.Member)
		return w.body(governance.KindRecoveryApprove, b), true
	case "ask":
		return w.body(governance.KindClassAsk, governance.ClassAsk{Class: who}), true
	case "drop":
		return w.body(governance.KindClassDrop, governance.ClassDrop{Class: who}), true
	case "vouch":
		return w.body(governance.KindMemberSponsor, governance.MemberSponsor{Candidate: publicOf(who), Class: key}), true
	case "credit":
		return w.body(governance.KindPatronageCredit, governance.PatronageCredit{Key: publicOf(who), Amount: w.number(key), Note: c.get("note", "")}), true
	case "uninvite":
		return w.body(governance.KindInviteRevoke, governance.InviteRevoke{Key: publicOf(who)}), true
	case "protest":
		return w.body(governance.KindRecoveryVeto, governance.RecoveryVeto{}), true
	case "appeal":
		return w.body(governance.KindMemberAppeal, governance.MemberAppeal{Text: c.get("text", "")}), true
	case "recover", "suspend", "expel", "reinstate":
		return w.ruling(verb, who+":"+c.get("for", key)), true
	}
	return event.Draft{}, false
}

// ruling is an act of the Assembly about a member: WHO, or WHO:KEY, or WHO:7d.
func (w *world) ruling(verb, text string) event.Draft {
	who, with, _ := strings.Cut(text, ":")
	member := publicOf(who)
	switch verb {
	case "recover":
		b := governance.MemberRecover{Member: member, Key: publicOf(with)}
		b.Proof = governance.DeviceProof(keyOf(with), w.state().Hall.Coop, member)
		return w.body(governance.KindMemberRecover, b)
	case "seat":
		return w.body(governance.KindMemberAdmit, governance.MemberAdmit{Candidate: member, Class: with})
	case "credit":
		return w.body(governance.KindPatronageCredit, governance.PatronageCredit{Key: member, Amount: w.number(with)})
	case "suspend":
		return w.body(governance.KindMemberSuspend, governance.MemberSuspend{Member: member, For: w.span(with)})
	case "expel":
		return w.body(governance.KindMemberExpel, governance.MemberExpel{Member: member})
	case "reinstate":
		return w.body(governance.KindMemberReinstate, governance.MemberReinstate{Member: member})
	case "uninvite":
		return w.body(governance.KindInviteRevoke, governance.InviteRevoke{Key: member})
	}
	return w.body(governance.KindDeviceRevoke, governance.DeviceRevoke{Key: publicOf(who)})
}

// rulings are the actions about members that a proposal carries.
func (w *world) rulings(c command) (actions []event.Draft) {
	for _, verb := range []string{"recover", "revoke", "suspend", "expel", "reinstate", "uninvite", "seat", "credit"} {
		for _, text := range c.list(verb) {
			actions = append(actions, w.ruling(verb, text))
		}
	}
	return actions
}

// lookAtMembers shows what stands about members besides the list of them.
func (w *world) lookAtMembers(c command) (out []string) {
	s := w.state()
	name := func(m MemberView) string { return m.Name }
	for _, p := range Patrons(s) {
		if c.word(0) == "patrons" {
			out = append(out, fmt.Sprintf("%s: %s", p.Name, s.Hall.Currency.Format(p.Amount)))
		}
	}
	for _, m := range Members(s) {
		if c.word(0) == "classes" {
			out = append(out, fmt.Sprintf("%s: %s, asks for %s, prosumer %v", name(m), strings.Join(m.Classes, " and "), strings.Join(m.Asks, " and "), m.Prosumer))
		}
		if g := m.Guardians; g != nil && c.word(0) == "guardians" {
			out = append(out, fmt.Sprintf("%s: %d of %d", name(m), g.Needed, len(g.Guardians)))
		}
		for _, r := range m.Recoveries {
			if c.word(0) == "recoveries" {
				out = append(out, fmt.Sprintf("%s: %d approvals, ready %v, due %s", name(m), len(r.Approvals), r.Ready, r.Due))
			}
		}
	}
	return out
}

// amendedGuild is the guild's charter with one thing changed.
func (w *world) amendedGuild(variant string) governance.Charter {
	c := guild()
	quick := &c.Tracks[1]
	switch variant {
	case "for-ever":
		quick.Actions = []event.Kind{governance.KindMemberAdmit}
	case "by-workers":
		quick.Proposers = []string{"worker"}
	case "in-a-blink":
		quick.Voting = 1
	case "friendly":
		quick.Proposers, quick.Voting, c.Classes[0].Votes = []string{"friend"}, 2*hour, true
	case "no-time-for-council":
		c.Tracks[7].Voting = 1
	case "each-of-the-friends", "shops-must-agree":
		c = village()
		quick = &c.Tracks[1]
		chamber := governance.Chamber{Class: c.Classes[1].Name, Quorum: governance.Quorum{Kind: governance.QuorumTurnout, Share: governance.Ratio{Num: 1, Den: 1}}, Threshold: quick.Threshold}
		if variant == "shops-must-agree" {
			chamber.Class = c.Classes[2].Name
		}
		quick.Chambers = []governance.Chamber{chamber}
	default:
		w.t.Fatalf("no charter %q", variant)
	}
	return c
}

// withGuild is a charter of the village's family with what the guild adds.
func withGuild(c governance.Charter) governance.Charter {
	g := guild()
	c.Tracks, c.Classes = append(c.Tracks, g.Tracks[len(g.Tracks)-1]), g.Classes
	return c
}

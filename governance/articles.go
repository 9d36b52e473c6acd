package governance

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
)

// Article is one rule of a charter in plain words.
type Article struct {
	Part string `json:"part"` // "class customer", "track general", "limits"
	Name string `json:"name"` // what it rules: "admission"
	Says string `json:"says"`
}

// decides is the article of a track that lists what its proposals may do.
const decides = "decides"

// Articles are the whole charter in plain words, part by part. Whatever the charter can hold is said, so
// two charters that say the same are the same; see Changes for what has no words yet.
func (c *Charter) Articles() []Article {
	var all []Article
	for i := range c.Classes {
		all = append(all, c.Classes[i].articles()...)
	}
	for i := range c.Tracks {
		all = append(all, c.Tracks[i].articles()...)
	}
	return append(append(append(all, c.Limits.articles()...), c.Office.articles()...), c.Delegating.articles("delegation", "")...)
}

// Changes tells in sentences what an amendment changes. It never tells nothing of charters that differ.
func (c *Charter) Changes(to *Charter) []string {
	lines := changed("class", c.Classes, to.Classes, func(x Class) string { return x.Name }, func(x *Class) []Article { return x.articles() })
	lines = append(lines, changed("track", c.Tracks, to.Tracks, func(x Track) string { return x.Name }, func(x *Track) []Article { return x.articles() })...)
	if c.Limits != to.Limits {
		lines = append(lines, compare("limits", c.Limits.articles(), to.Limits.articles())...)
	}
	if c.Delegating != to.Delegating {
		lines = append(lines, compare("delegation", c.Delegating.articles("delegation", ""), to.Delegating.articles("delegation", ""))...)
	}
	if c.Office != to.Office {
		lines = append(lines, compare("stewards", c.Office.articles(), to.Office.articles())...)
	}
	if len(lines) == 0 && !same(c, to) {
		lines = append(lines, "The same rules stand in another order.")
	}
	return lines
}

// changed compares the classes or tracks of two charters by their names.
func changed[T any](what string, from, to []T, name func(T) string, articles func(*T) []Article) []string {
	var lines []string
	for i := range from {
		if !slices.ContainsFunc(to, func(x T) bool { return name(x) == name(from[i]) }) {
			lines = append(lines, fmt.Sprintf("There is no %s %s any more.", what, name(from[i])))
		}
	}
	for i := range to {
		part := what + " " + name(to[i])
		j := slices.IndexFunc(from, func(x T) bool { return name(x) == name(to[i]) })
		if j < 0 {
			lines = append(lines, fmt.Sprintf("There is a new %s:", part))
			for _, a := range articles(&to[i]) {
				lines = append(lines, fmt.Sprintf("  %s: %s.", a.Name, a.Says))
			}
			continue
		}
		if !same(&from[j], &to[i]) {
			lines = append(lines, compare(part, articles(&from[j]), articles(&to[i]))...)
		}
	}
	return lines
}

// compare compares the articles of one part of two charters that differ in it.
func compare(part string, from, to []Article) []string {
	says := func(list []Article, name string) string {
		for _, a := range list {
			if a.Name == name {
				return a.Says
			}
		}
		return "nothing"
	}
	var lines []string
	tell := func(name string) {
		before, after := says(from, name), says(to, name)
		if before == after {
			return
		}
		if name != decides {
			lines = append(lines, fmt.Sprintf("%s, %s: %s → %s.", upper(part), name, before, after))
			return
		}
		if gone := beyond(before, after); gone != "" {
			lines = append(lines, fmt.Sprintf("%s does not decide any more: %s.", upper(part), gone))
		}
		if came := beyond(after, before); came != "" {
			lines = append(lines, fmt.Sprintf("%s newly decides: %s.", upper(part), came))
		}
	}
	for _, a := range from {
		tell(a.Name)
	}
	for _, a := range to {
		if says(from, a.Name) == "nothing" {
			tell(a.Name)
		}
	}
	if len(lines) == 0 {
		lines = append(lines, upper(part)+" changes in something that has no words yet: compare the two as JSON.")
	}
	return lines
}

// beyond is what a list in words has that another one has not.
func beyond(list, other string) string {
	rest := slices.DeleteFunc(strings.Split(list, ", "), func(word string) bool { return slices.Contains(strings.Split(other, ", "), word) })
	return strings.Join(rest, ", ")
}

func same[T any](a, b *T) bool {
	x, err := event.Marshal(a)
	y, err2 := event.Marshal(b)
	if err != nil || err2 != nil {
		panic("governance: invariant: a charter has a canonical form")
	}
	return bytes.Equal(x, y)
}

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func (class *Class) articles() []Article {
	admission := "whoever applies is admitted"
	switch class.Admission {
	case AdmitSponsor:
		admission = fmt.Sprintf("%s who may vote must vouch", number(class.Sponsors, "member"))
	case AdmitVote:
		admission = "the members decide by a proposal"
	}
	if class.Invite {
		admission += "; an application needs an invite"
	}
	vote := "its members may not vote"
	if class.Votes {
		vote = "each of its members has one vote"
	}
	part := "class " + class.Name
	list := []Article{{part, "admission", admission}, {part, "vote", vote}}
	if class.Patronage > 0 {
		list = append(list, Article{part, "patronage", fmt.Sprintf("who applies must have bought for %d of the smallest unit of money", class.Patronage)})
	}
	if class.Credits {
		list = append(list, Article{part, "record of patronage", "its members keep it"})
	}
	return list
}

func (t *Track) articles() []Article {
	part := "track " + t.Name
	list := []Article{
		{part, decides, t.decides()},
		{part, "counting", t.HowCounted()},
		{part, "passes with", t.passesWith()},
		{part, "quorum", t.Quorum.inWords()},
		{part, "discussion", Period(t.Discussion)},
		{part, "voting", Period(t.Voting)},
		{part, "until it takes effect", Period(t.Grace)},
		{part, "ballots", "are final once cast"},
		{part, "who may propose", "whoever may vote"},
		{part, "proposals under way", "up to " + number(t.Open, "proposal") + " of one member at a time"},
	}
	if t.Revisable {
		list[7].Says = "can be changed until the vote ends"
	}
	if len(t.Proposers) > 0 {
		list[8].Says = "members of " + strings.Join(t.Proposers, ", ")
	}
	if t.Delegating != (Delegating{}) {
		list = append(list, t.Delegating.articles(part, "delegation, ")...)
	}
	return append(list, t.guards()...)
}

// guards says what guards the life of a proposal, where the track has it.
func (t *Track) guards() (list []Article) {
	part := "track " + t.Name
	add := func(there bool, name, format string, args ...any) {
		if there {
			list = append(list, Article{part, name, fmt.Sprintf(format, args...)})
		}
	}
	for _, c := range t.Chambers {
		add(true, "chamber "+c.Class, "must agree by itself: %s; quorum: %s", c.Threshold, c.Quorum.inWords())
	}
	a := t.AntiSniping
	add(a != AntiSniping{}, "against deciding in the last moment", "%s, within %s of the end, up to %s", a.Rule, Period(a.Window), number(a.Times, "time"))
	add(t.Early, "early end", "a vote ends once nothing that is out can change what it comes to")
	add(t.Hidden, "counts", "no program shows counts or ballots before the close")
	add(t.Cosponsors > 0, "co-sponsors", "%s besides the proposer must support a proposal", number(t.Cosponsors, "member"))
	add(t.Gathering > 0, "time to find co-sponsors", "%s", Period(t.Gathering))
	v := t.Veto
	who := "all who may vote"
	if len(v.Classes) > 0 {
		who = strings.Join(v.Classes, ", ")
	}
	often := "always"
	if v.Times > 0 {
		often = "up to " + number(v.Times, "time") + " the same"
	}
	add(v.Members > 0 || v.Times > 0 || len(v.Classes) > 0, "veto", "%d of %s can stop a decision in its grace, %s", v.Members, who, often)
	return list
}

// articles says how far members may let others vote for them.
func (d Delegating) articles(part, before string) []Article {
	if d.Off {
		return []Article{{part, before + "votes", fmt.Sprintf("every member votes in person or is silent (else %s, %s)", d.lasts(), d.limit())}}
	}
	return []Article{{part, before + "votes", "members can give theirs to a member, a group or a program"}, {part, before + "it lasts", d.lasts()}, {part, before + "one delegate carries", d.limit()}}
}

func (d Delegating) lasts() string {
	return fmt.Sprintf("%s from its last confirmation", Period(cmp.Or(d.Term, DefaultTerm)))
}

func (d Delegating) limit() string {
	if d.Cap == (Ratio{}) {
		return "any number of votes"
	}
	return fmt.Sprintf("up to %s of the roll", d.Cap)
}

func (o Office) articles() []Article {
	term := "until the members want other stewards"
	if o.Term > 0 {
		term = Period(o.Term)
	}
	share, silence := o.recovery()
	return []Article{
		{"stewards", "serve for", term},
		{"stewards", "hand over", "at the earliest " + Period(o.Notice) + " after an election"},
		{"stewards", "wait", "for those who come in at most " + Period(o.patience()) + " more; then those on standby come in, or the stewards of before stay"},
		{"stewards", "re-founding", fmt.Sprintf("%s of the members who may vote can, after %s without progress", share, Period(silence))},
	}
}

// decides says what a proposal on the track may do.
func (t *Track) decides() string {
	if len(t.Actions) == 0 {
		return "opinions and plans; nothing is carried out by itself"
	}
	words := make([]string, len(t.Actions))
	for i, kind := range t.Actions {
		words[i] = Deed(kind)
	}
	return strings.Join(words, ", ")
}

// deeds say what the Assembly's acts do, also those that other rooms understand: here they are words about
// kinds and nothing more.
var deeds = []struct {
	kind event.Kind
	says string
}{
	{KindMemberAdmit, "admit members"}, {KindMemberRecover, "give members who lost all devices a new one"}, {KindMemberSuspend, "suspend members"},
	{KindMemberExpel, "expel members"}, {KindMemberReinstate, "undo suspensions and expulsions"}, {KindDeviceAdd, "add devices of members"},
	{KindDeviceRevoke, "revoke devices"}, {KindInviteRevoke, "revoke invites"}, {KindJuryCall, "draw juries by lot"}, {KindPatronageCredit, "credit patronage"}, {KindDeviceRestore, "restore suspended devices"}, {KindStewardAppoint, "appoint stewards"}, {KindStewardRecall, "recall stewards"},
	{KindParamsAmend, "change the timing of the order"}, {KindCharterAmend, "amend the charter"}, {KindBudgetAllocate, "set money aside"},
	{"tokens.transfer", "transfer money and tokens of the treasury"}, {"tokens.issue", "book money that came in"}, {"tokens.redeem", "pay money out"},
	{"tokens.pay", "pay the holders of a token"}, {"tokens.claim", "claim what the treasury's tokens earned"}, {"tokens.order", "buy and sell tokens on the market"},
	{"tokens.cancel", "end the treasury's orders"}, {"tokens.appoint", "appoint cashiers"}, {"tokens.credit", "let a class owe money"},
	{"tokens.create", "create tokens"}, {"tokens.rule", "change who may hold a token"}, {"tokens.approve", "approve transfers of tokens"},
	{"mission.list", "list missions"}, {"mission.pledge", "pledge money of the treasury to missions"}, {"mission.cancel", "call missions off"}, {"mission.terms", "set what it takes to list a mission"},
	{"commerce.element", "put work up for sale"}, {"commerce.offer", "make products and bundles"}, {"commerce.price", "set prices"},
	{"surplus.distribute", "divide the surplus"}, {"surplus.payout", "pay the surplus out"},
	{"commerce.withdraw", "take things off sale"}, {"commerce.terms", "set the terms of sale"}, {"commerce.refund", "give purchases back"},
}

// Deed says what an act of the Assembly of a kind does; of one without words, the kind.
func Deed(kind event.Kind) string {
	for _, d := range deeds {
		if d.kind == kind {
			return d.says
		}
	}
	return string(kind)
}

func (t *Track) passesWith() string {
	if t.Method.SharesBudget() {
		return fmt.Sprintf("%s of the ballots that don't abstain, for each project that is funded", t.Threshold)
	}
	return fmt.Sprintf("%s %s", t.Threshold, t.Method.words().of)
}

func (q Quorum) inWords() string {
	switch q.Kind {
	case QuorumTurnout:
		return fmt.Sprintf("at least %s of the roll take part", q.Share)
	case QuorumForOnly:
		return fmt.Sprintf("at least %s of the roll are in favour", q.Share)
	case QuorumBiased:
		return fmt.Sprintf("the majority must be larger the further the turnout is below %s of the roll", q.Share)
	}
	return "none"
}

func (l Limits) articles() []Article {
	silence := "never: a quorum counts on every member"
	if l.Silence > 0 {
		silence = fmt.Sprintf("not heard for %s: a quorum does not wait for them until they are heard again", Period(l.Silence))
	}
	return []Article{
		{"limits", "events", fmt.Sprintf("a member may make %d a day", l.Daily)},
		{"limits", "proposal's text", fmt.Sprintf("up to %d bytes", l.Text)},
		{"limits", "applicant's statement", fmt.Sprintf("up to %d bytes", l.Statement)},
		{"limits", "ballot's reason", fmt.Sprintf("up to %d bytes", l.Reason)},
		{"limits", "applications", fmt.Sprintf("%d may wait at a time", l.Candidates)},
		{"limits", "recovery by guardians", fmt.Sprintf("takes effect after %s, in which the member can veto", Period(l.recovery()))},
		{"limits", "appeal", fmt.Sprintf("once, within %s of a suspension or expulsion", Period(l.appeal()))},
		{"limits", "silent members", silence},
	}
}

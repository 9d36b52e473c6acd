package governance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sustainy/coop/event"
)

// Admission is how members of a class come in.
type Admission string

// The ways of admission.
const (
	AdmitOpen    Admission = "open"    // whoever applies
	AdmitSponsor Admission = "sponsor" // who has enough sponsors among the members who may vote
	AdmitVote    Admission = "vote"    // who a proposal admits
)

// Class is a kind of member. A member may be in several.
type Class struct {
	Name      string    `cbor:"name" json:"name"`
	Admission Admission `cbor:"admission" json:"admission"`
	Sponsors  uint64    `cbor:"sponsors" json:"sponsors"` // needed if Admission is sponsor, otherwise 0
	Votes     bool      `cbor:"votes" json:"votes"`       // members of the class may vote
	Invite    bool      `cbor:"invite" json:"invite"`     // an application needs an invite

	Patronage uint64 `cbor:"patronage,omitempty" json:"patronage,omitempty"` // who applies must have bought for so much, in minor units
	Credits   bool   `cbor:"credits,omitempty" json:"credits,omitempty"`     // members of the class keep the record of who bought what
}

// QuorumKind is what a track asks of participation.
type QuorumKind string

// The kinds of quorum; see Quorum.Reached.
const (
	QuorumNone    QuorumKind = "none"
	QuorumTurnout QuorumKind = "turnout"
	QuorumForOnly QuorumKind = "for-only"
	QuorumBiased  QuorumKind = "turnout-biased"
)

// Quorum is what a vote needs besides its threshold, so that a few don't decide for all.
type Quorum struct {
	Kind  QuorumKind `cbor:"kind" json:"kind"`
	Share Ratio      `cbor:"share" json:"share"` // of the roll; 0/1 for none
}

// Threshold is the share of the votes for and against that must be for.
type Threshold struct {
	Share Ratio `cbor:"share" json:"share"`
	Over  bool  `cbor:"over" json:"over"` // more than Share, not just Share
}

func (t Threshold) String() string {
	if t.Over {
		return "more than " + t.Share.String()
	}
	return "at least " + t.Share.String()
}

// Track is the policy for one kind of decision. Periods are in milliseconds of coop time.
type Track struct {
	Name       string       `cbor:"name" json:"name"`
	Method     Method       `cbor:"method" json:"method"`
	Quorum     Quorum       `cbor:"quorum" json:"quorum"`
	Threshold  Threshold    `cbor:"threshold" json:"threshold"`
	Discussion event.Time   `cbor:"discussion" json:"discussion"`
	Voting     event.Time   `cbor:"voting" json:"voting"`
	Grace      event.Time   `cbor:"grace" json:"grace"`         // from passing to execution, so that who disagrees can leave
	Revisable  bool         `cbor:"revisable" json:"revisable"` // a ballot may be cast again until the close
	Proposers  []string     `cbor:"proposers" json:"proposers"` // classes; empty: whoever may vote
	Open       uint64       `cbor:"open" json:"open"`           // proposals a member may have under way on this track
	Actions    []event.Kind `cbor:"actions" json:"actions"`     // what a proposal may carry: a light track must not do heavy things

	// What guards the life of a proposal; each is off when it is left out.
	Chambers    []Chamber   `cbor:"chambers,omitempty" json:"chambers,omitempty"`     // classes that must agree by themselves too
	AntiSniping AntiSniping `cbor:"antisniping,omitzero" json:"antisniping,omitzero"` // against deciding in the last moment
	Early       bool        `cbor:"early,omitempty" json:"early,omitempty"`           // a vote ends once nothing can change its outcome
	Hidden      bool        `cbor:"hidden,omitempty" json:"hidden,omitempty"`         // no program shows counts or ballots before the close
	Cosponsors  uint64      `cbor:"cosponsors,omitempty" json:"cosponsors,omitempty"` // members besides the proposer who must support a proposal
	Gathering   event.Time  `cbor:"gathering,omitempty" json:"gathering,omitempty"`   // how long it may wait for them
	Veto        Veto        `cbor:"veto,omitzero" json:"veto,omitzero"`               // who can stop it in its grace
	Delegating  Delegating  `cbor:"delegating,omitzero" json:"delegating,omitzero"`

	// What one method needs and no other has; see validateMethod.
	Seats      uint64     `cbor:"seats,omitempty" json:"seats,omitempty"`           // stv: how many are elected
	Highest    uint64     `cbor:"highest,omitempty" json:"highest,omitempty"`       // score: the most that one option can get on a ballot
	Points     uint64     `cbor:"points,omitempty" json:"points,omitempty"`         // points, points-quadratic: what a ballot can spend
	Completion Completion `cbor:"completion,omitempty" json:"completion,omitempty"` // budget-equal-shares: what becomes of money left
	Utility    Utility    `cbor:"utility,omitempty" json:"utility,omitempty"`       // budget-equal-shares: what a project is worth
}

// Limits are the cooperative's own bounds, within those of limits.go.
type Limits struct {
	Daily      uint64 `cbor:"daily" json:"daily"`           // events of one member in a day of coop time
	Text       uint64 `cbor:"text" json:"text"`             // bytes of a proposal's text
	Statement  uint64 `cbor:"statement" json:"statement"`   // bytes of an application's statement
	Reason     uint64 `cbor:"reason" json:"reason"`         // bytes of a ballot's reason
	Candidates uint64 `cbor:"candidates" json:"candidates"` // applications that may wait at a time

	// How long things about members take, in milliseconds of coop time; 0 is what is said there.
	Recovery event.Time `cbor:"recovery,omitempty" json:"recovery,omitempty"` // from the guardians' approval to its effect; 0: 7 days
	Appeal   event.Time `cbor:"appeal,omitempty" json:"appeal,omitempty"`     // how long one may appeal against suspension and expulsion; 0: 30 days
	Silence  event.Time `cbor:"silence,omitempty" json:"silence,omitempty"`   // after which a quorum does not wait for a member; 0: it always does
}

// Office is how long stewards serve. Times are in milliseconds of coop time.
type Office struct {
	Term   event.Time `cbor:"term" json:"term"`     // from one election to the next; 0: until the members want another
	Notice event.Time `cbor:"notice" json:"notice"` // from an election to the hand-over, at least, so that the incoming can make ready

	Patience event.Time `cbor:"patience,omitzero" json:"patience,omitzero"` // from the notice on, until a quorum of the incoming is ready; zero: 14 days

	// The rule of a re-founding; see Refounding.
	Recovery Ratio      `cbor:"recovery,omitzero" json:"recovery,omitzero"` // of the members who may vote must sign; zero: 2/3
	Silence  event.Time `cbor:"silence,omitzero" json:"silence,omitzero"`   // without progress; zero: 14 days
}

// recovery is how long the devices of a member may veto a recovery.
func (l Limits) recovery() event.Time { return cmp.Or(l.Recovery, 7*day) }

// appeal is how long one may appeal.
func (l Limits) appeal() event.Time { return cmp.Or(l.Appeal, 30*day) }

// Charter is what the members agreed to be governed by.
type Charter struct {
	Classes []Class `cbor:"classes" json:"classes"`
	Tracks  []Track `cbor:"tracks" json:"tracks"`
	Limits  Limits  `cbor:"limits" json:"limits"`
	Office  Office  `cbor:"office,omitzero" json:"office,omitzero"`

	Delegating Delegating `cbor:"delegating,omitzero" json:"delegating,omitzero"`
}

// Class finds a class.
func (c *Charter) Class(name string) (Class, bool) {
	for i := range c.Classes {
		if c.Classes[i].Name == name {
			return c.Classes[i], true
		}
	}
	return Class{}, false
}

// Track finds a track.
func (c *Charter) Track(name string) (Track, bool) {
	for i := range c.Tracks {
		if c.Tracks[i].Name == name {
			return c.Tracks[i], true
		}
	}
	return Track{}, false
}

// MayVote tells whether a member of these classes may vote.
func (c *Charter) MayVote(classes []string) bool {
	for _, name := range classes {
		if class, ok := c.Class(name); ok && class.Votes {
			return true
		}
	}
	return false
}

// knows tells whether classes is a set of at least one class of the charter.
func (c *Charter) knows(classes []string) bool {
	if len(classes) < 1 || len(classes) > MaxClasses {
		return false
	}
	for _, name := range classes {
		if _, ok := c.Class(name); !ok {
			return false
		}
	}
	return distinct(classes)
}

// admission is what applying for these classes takes: the strictest of theirs.
func (c *Charter) admission(classes []string) (way Admission, sponsors uint64, invite bool) {
	way = AdmitOpen
	for _, name := range classes {
		class, _ := c.Class(name)
		invite = invite || class.Invite
		sponsors = max(sponsors, class.Sponsors)
		if class.Admission == AdmitVote || class.Admission == AdmitSponsor && way == AdmitOpen {
			way = class.Admission
		}
	}
	return way, sponsors, invite
}

// mayPropose tells whether a member of these classes may open proposals on the track.
func (c *Charter) mayPropose(t Track, classes []string) bool {
	if len(t.Proposers) == 0 {
		return c.MayVote(classes)
	}
	return slices.ContainsFunc(classes, func(class string) bool { return slices.Contains(t.Proposers, class) })
}

// maxFaults is how many reasons against a charter are told at a time.
const maxFaults = 8

// Validate tells why nobody could be governed by this charter, with up to eight reasons, or nil. The
// error wraps ErrCharter.
func (c *Charter) Validate() error {
	var faults []string
	report := func(ok bool, format string, args ...any) {
		if !ok && len(faults) < maxFaults {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	report(len(c.Classes) >= 1 && len(c.Classes) <= MaxClasses, "it has %d classes, not 1 to %d", len(c.Classes), MaxClasses)
	report(len(c.Tracks) >= 1 && len(c.Tracks) <= MaxTracks, "it has %d tracks, not 1 to %d", len(c.Tracks), MaxTracks)
	if faults == nil {
		votes := false
		for i, class := range c.Classes {
			votes = votes || class.Votes
			first, _ := c.Class(class.Name)
			report(label(class.Name) && first == c.Classes[i], "a class is named %s: names are a-z, 0-9 and -, each once", shown(class.Name))
			class.validate(report)
		}
		report(votes, "no class may vote, so nothing could ever be decided")
		for i := range c.Tracks {
			t := &c.Tracks[i]
			report(label(t.Name) && !slices.ContainsFunc(c.Tracks[:i], func(o Track) bool { return o.Name == t.Name }),
				"a track is named %s: names are a-z, 0-9 and -, each once", shown(t.Name))
			c.validateTrack(t, report)
		}
	}
	c.Delegating.validate("the charter", report)
	l := c.Limits
	report(l.Daily >= 1 && l.Daily <= MaxDaily, "a member may make %d events a day, not 1 to %d", l.Daily, MaxDaily)
	report(l.Text <= MaxText && l.Statement <= MaxStatement && l.Reason <= MaxReason, "texts may have up to %d, statements %d, reasons %d bytes", MaxText, MaxStatement, MaxReason)
	report(l.Candidates >= 1 && l.Candidates <= MaxCandidates, "%d applications may wait, not 1 to %d", l.Candidates, MaxCandidates)
	c.validateOffice(report)
	report(l.Recovery <= MaxPeriod && l.Appeal <= MaxPeriod, "recovery or appeal take over 366 days")
	report(l.Silence == 0 || l.Silence >= LeastSilence && l.Silence <= MaxPeriod, "members count as silent after %s, not after 28 to 366 days, or 0 for never", Period(l.Silence))
	if faults == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrCharter, strings.Join(faults, "; "))
}

// shown quotes a name that is in form, and no other: the reasons for a refusal stay short and
// printable whatever the charter holds.
func shown[T ~string](name T) string {
	if !label(string(name)) {
		return "(unreadable)"
	}
	return `"` + string(name) + `"`
}

func (class Class) validate(report func(bool, string, ...any)) {
	name := shown(class.Name)
	report(class.Patronage <= MaxAmount, "class %s asks for more patronage than an amount can be", name)
	switch class.Admission {
	case AdmitSponsor:
		report(class.Sponsors >= 1 && class.Sponsors <= MaxSponsors, "class %s needs %d sponsors, not 1 to %d", name, class.Sponsors, MaxSponsors)
	case AdmitOpen, AdmitVote:
		report(class.Sponsors == 0, "class %s names sponsors that its admission does not need", name)
	default:
		report(false, "class %s has the unknown admission %s", name, shown(class.Admission))
	}
}

func (q Quorum) validate(track string, report func(bool, string, ...any)) {
	switch q.Kind {
	case QuorumNone:
		report(q.Share == Ratio{0, 1}, "track %s has no quorum, so its share must be 0/1, not %s", track, q.Share)
	case QuorumTurnout, QuorumForOnly, QuorumBiased:
		report(q.Share.share() && q.Share.Num > 0, "track %s has a quorum of %s, which nobody can reach or everybody misses: choose a share above 0 up to 1", track, q.Share)
	default:
		report(false, "track %s has the unknown quorum %s", track, shown(q.Kind))
	}
}

func (t Threshold) validate(track string, report func(bool, string, ...any)) {
	report(t.Share.share(), "track %s has a threshold of %s, which can never be reached: choose a share from 0 to 1", track, t.Share)
	report(!t.Share.share() || t.Share.Num < t.Share.Den || !t.Over, "track %s asks for more than all votes, so nothing could ever pass", track)
}

func (c *Charter) validateTrack(t *Track, report func(bool, string, ...any)) {
	name := shown(t.Name)
	t.validateMethod(name, report)
	t.Quorum.validate(name, report)
	t.Threshold.validate(name, report)
	c.validateChambers(t, name, report)
	t.validateSniping(name, report)
	t.validateSponsoring(name, report)
	c.validateVeto(t, name, report)
	t.Delegating.validate("track "+name, report)
	if t.Method.SharesBudget() {
		report(t.Quorum.Kind == QuorumNone || t.Quorum.Kind == QuorumTurnout, "track %s shares a budget, so its quorum is none or turnout", name)
		report(slices.Contains(t.Actions, KindBudgetAllocate), "track %s shares a budget but may not carry %s", name, KindBudgetAllocate)
	}
	report(t.Voting >= 1 && t.Discussion <= MaxPeriod && t.Voting <= MaxPeriod && t.Grace <= MaxPeriod, "track %s has no time to vote or a period over 366 days", name)
	report(len(t.Proposers) == 0 || c.knows(t.Proposers), "track %s lets classes propose that the charter does not have", name)
	report(t.Open >= 1 && t.Open <= MaxOpen, "track %s lets a member have %d proposals under way, not 1 to %d", name, t.Open, MaxOpen)
	report(len(t.Actions) <= MaxKinds && distinct(t.Actions), "track %s lists an action twice, or more than %d", name, MaxKinds)
	for _, kind := range t.Actions {
		empty := event.Draft{Kind: kind, Body: []byte{0xa0}}
		report(empty.Check() == nil, "track %s may carry something that is no kind of event", name)
	}
}

// slowest tells whether no proposal that does kind takes longer than one on the track.
func (t *Track) slowest(c *Charter, kind event.Kind) bool {
	return !slices.ContainsFunc(c.Tracks, func(o Track) bool {
		return allows(o, kind) && o.Discussion+o.Voting+o.Grace > t.Discussion+t.Voting+t.Grace
	})
}

// Warnings tells what a lawful charter may do that its authors might not want.
func (c *Charter) Warnings() []string {
	var lines []string
	warn := func(when bool, format string, args ...any) {
		if when {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	needsVote, carries := false, func(kind event.Kind) bool {
		return slices.ContainsFunc(c.Tracks, func(t Track) bool { return slices.Contains(t.Actions, kind) })
	}
	for _, class := range c.Classes {
		needsVote = needsVote || class.Admission == AdmitVote
		warn(class.Patronage > 0 && !carries(KindPatronageCredit) && !slices.ContainsFunc(c.Classes, func(k Class) bool { return k.Credits }),
			"class %q asks for patronage, and nobody may credit it", class.Name)
		warn(class.Votes && class.Admission == AdmitOpen, "class %q is open and may vote: one person can join many times and outvote you", class.Name)
		warn(!class.Invite && class.Admission != AdmitOpen, "class %q needs no invite: strangers can fill the list of applications", class.Name)
	}
	for _, lock := range c.Locks(nil) {
		warn(true, "this charter can never be changed: %s", lock)
	}
	warn(c.Limits.recovery() < day, "guardians can take a membership over within %s: who sleeps cannot veto", Period(c.Limits.recovery()))
	warn(carries(KindMemberExpel) && !carries(KindMemberReinstate), "no track may carry %s: who is suspended or expelled cannot appeal", KindMemberReinstate)
	warn(needsVote && !carries(KindMemberAdmit), "no track may carry %s: nobody can join the classes that need a vote", KindMemberAdmit)
	c.warnOffice(warn)
	for _, t := range c.Tracks {
		heavy := slices.Contains(t.Actions, KindCharterAmend)
		if stuck := c.Stuck(&t, nil); stuck != "" && !heavy {
			warn(true, "track %q can pass nothing: %s", t.Name, stuck)
		}
		warn(allows(t, KindMemberExpel) && !t.slowest(c, KindBudgetAllocate), "track %q can expel members faster than money can be spent: trust is lost faster than it grows", t.Name)
		warn(t.Voting < day, "track %q votes for less than a day: who sleeps misses it", t.Name)
		warn(t.Quorum.Kind == QuorumTurnout, "track %q counts votes against toward its quorum: members can do better by staying away (no-show paradox)", t.Name)
		warn(t.Quorum.Kind == QuorumTurnout && Ratio{1, 2}.Compare(t.Quorum.Share.Num, t.Quorum.Share.Den) > 0, "track %q needs more than half of all members: a busy month can stop every decision", t.Name)
		t.warnOfGuards(warn)
		warn(heavy && t.Grace == 0, "track %q changes the charter at once: who disagrees has no time to leave", t.Name)
		warn(heavy && Ratio{1, 2}.Compare(t.Threshold.Share.Num, t.Threshold.Share.Den) <= 0, "track %q changes the charter by a simple majority", t.Name)
	}
	return lines
}

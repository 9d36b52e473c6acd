package governance

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
)

// TestChangesMissNothing changes every field of a class, a track and the limits, one at a time, and
// expects a sentence about it: no amendment goes unseen.
func TestChangesMissNothing(t *testing.T) {
	needs := map[string]Method{"Seats": STV, "Points": Points, "Completion": BudgetShares, "Utility": BudgetShares}
	for _, part := range []func(*Charter) any{
		func(c *Charter) any { return &c.Classes[0] },
		func(c *Charter) any { return &c.Tracks[0] },
		func(c *Charter) any { return &c.Limits },
		func(c *Charter) any { return &c.Office },
		func(c *Charter) any { return &c.Delegating },
	} {
		shape := everyField(Score)
		fields := reflect.TypeOf(part(&shape)).Elem()
		for i := range fields.NumField() {
			method := cmp.Or(needs[fields.Field(i).Name], Score)
			from, to := everyField(method), everyField(method)
			alter(t, reflect.ValueOf(part(&to)).Elem().Field(i))
			lines := from.Changes(&to)
			if len(lines) == 0 || strings.Contains(strings.Join(lines, " "), "no words yet") {
				t.Errorf("%s.%s: changed, and the amendment says %q", fields.Name(), fields.Field(i).Name, lines)
			}
		}
	}
}

// everyField is a charter in which each field of a class, a track and the limits matters.
func everyField(method Method) Charter {
	c := DefaultCharter()
	c.Classes[0].Admission = AdmitSponsor
	c.Tracks[0].Method, c.Tracks[0].Completion, c.Tracks[0].Utility = method, CompleteNot, UtilityCost
	c.Office.Recovery, c.Office.Silence = Ratio{2, 3}, 14*day
	return c
}

// alter changes a value, or the first thing inside it that can change.
func alter(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		switch v.String() {
		case string(CompleteNot):
			v.SetString(string(CompleteFill))
		case string(UtilityCost):
			v.SetString(string(UtilityVotes))
		case string(AdmitSponsor):
			v.SetString(string(AdmitVote))
		default:
			v.SetString(v.String() + "x")
		}
	case reflect.Slice:
		more := reflect.New(v.Type().Elem()).Elem()
		if more.Kind() == reflect.String {
			more.SetString("more")
		}
		v.Set(reflect.Append(v.Slice3(0, v.Len(), v.Len()), more))
	case reflect.Struct:
		alter(t, v.Field(0))
	default:
		t.Fatalf("cannot change a %s", v.Type())
	}
}

// TestChangesSayNothingOfTheSame: and two charters that differ never say nothing.
func TestChangesSayNothingOfTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := DefaultCharter(), DefaultCharter()
		if lines := from.Changes(&to); len(lines) != 0 {
			t.Fatal(lines)
		}
		switch rapid.SampledFrom([]string{"class", "track", "order", "period", "drop"}).Draw(t, "change") {
		case "class":
			to.Classes = append(to.Classes, Class{Name: "guest", Admission: AdmitOpen})
		case "track":
			to.Tracks = append(to.Tracks, Track{Name: "party", Method: YesNo, Open: 1})
		case "order":
			slices.Reverse(to.Tracks)
		case "period":
			i := rapid.IntRange(0, len(to.Tracks)-1).Draw(t, "track")
			to.Tracks[i].Voting += event.Time(rapid.Uint64Range(1, 1e9).Draw(t, "more"))
		case "drop":
			i := rapid.IntRange(0, len(to.Tracks)-1).Draw(t, "track")
			to.Tracks = slices.Delete(to.Tracks, i, i+1)
		}
		if lines := from.Changes(&to); len(lines) == 0 {
			t.Fatal("nothing is said of a change")
		}
	})
}

// TestChangesInSentences: what members read.
func TestChangesInSentences(t *testing.T) {
	from, to := DefaultCharter(), DefaultCharter()
	to.Classes[0].Sponsors, to.Classes[0].Votes = 3, false
	to.Tracks[0].Voting, to.Tracks[0].Actions = 36*hour, []event.Kind{KindMemberExpel}
	to.Limits.Silence = 0
	to.Tracks = slices.Delete(to.Tracks, 4, 5)
	got := strings.Join(from.Changes(&to), "\n")
	want := `Class customer, admission: 2 members who may vote must vouch; an application needs an invite → 3 members who may vote must vouch; an application needs an invite.
Class customer, vote: each of its members has one vote → its members may not vote.
There is no track election any more.
Track general does not decide any more: draw juries by lot.
Track general newly decides: expel members.
Track general, voting: 5 days → 36 hours.
Limits, silent members: not heard for 180 days: a quorum does not wait for them until they are heard again → never: a quorum counts on every member.`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestEveryActHasWords: whatever the Assembly can do is said in the charter in words.
func TestEveryActHasWords(t *testing.T) {
	for _, c := range append([]Template{{Name: "default", Charter: DefaultCharter()}}, Templates()...) {
		for _, track := range c.Charter.Tracks {
			for _, kind := range track.Actions {
				if Deed(kind) == string(kind) {
					t.Errorf("%s: %s has no words", c.Name, kind)
				}
			}
		}
	}
}

// TestTemplates: each is valid, can be changed, can admit, expel and hear an appeal, and has no warning.
func TestTemplates(t *testing.T) {
	if len(Templates()) != 4 {
		t.Errorf("%d templates", len(Templates()))
	}
	for _, template := range append([]Template{{Name: "default", Charter: DefaultCharter(), Sources: []string{"-"}, About: "-"}}, Templates()...) {
		c := &template.Charter
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", template.Name, err)
		}
		for _, warning := range c.Warnings() {
			if !strings.Contains(warning, "no-show paradox") {
				t.Errorf("%s: %s", template.Name, warning)
			}
		}
		var members [][]string
		for _, class := range c.Classes {
			for range 7 { // as many as the most stewards
				members = append(members, []string{class.Name})
			}
		}
		if locks := c.Locks(members); locks != nil {
			t.Errorf("%s: %v", template.Name, locks)
		}
		for i := range c.Tracks {
			if stuck := c.Stuck(&c.Tracks[i], members); stuck != "" {
				t.Errorf("%s: track %s: %s", template.Name, c.Tracks[i].Name, stuck)
			}
		}
		for _, kind := range []event.Kind{KindMemberAdmit, KindMemberExpel, KindMemberReinstate, KindMemberRecover, KindDeviceRevoke, KindCharterAmend, KindBudgetAllocate} {
			if !slices.ContainsFunc(c.Tracks, func(t Track) bool { return allows(t, kind) }) {
				t.Errorf("%s: nobody may decide %s", template.Name, kind)
			}
		}
		if found, ok := FindTemplate(template.Name); template.Name != "default" && (!ok || found.About != template.About) {
			t.Errorf("%s is not found", template.Name)
		}
		if len(template.Sources) == 0 || template.About == "" {
			t.Errorf("%s: says not what it is", template.Name)
		}
	}
}

// TestLocks: each way in which a charter can never be changed again.
func TestLocks(t *testing.T) {
	people := func(n int, class string) (list [][]string) {
		for range n {
			list = append(list, []string{class})
		}
		return list
	}
	for name, test := range map[string]struct {
		change  func(*Charter, *Track)
		members [][]string
		locked  string
	}{
		"no change":        {func(*Charter, *Track) {}, people(3, "customer"), ""},
		"no track":         {func(_ *Charter, t *Track) { t.Actions = nil }, people(3, "customer"), "no track may carry charter.amend"},
		"no voters":        {func(*Charter, *Track) {}, people(3, "ghost"), "no member may vote"},
		"no proposers":     {func(_ *Charter, t *Track) { t.Proposers = []string{"producer"} }, people(3, "customer"), "no member is in a class that may propose"},
		"no time":          {func(_ *Charter, t *Track) { t.Voting = LeastVoting - 1 }, people(3, "customer"), "in which nobody can vote"},
		"a little time":    {func(_ *Charter, t *Track) { t.Voting = LeastVoting }, people(3, "customer"), ""},
		"everyone of 13":   {func(_ *Charter, t *Track) { t.Quorum.Share = Ratio{1, 1} }, people(13, "customer"), "every one of 13 members without exception"},
		"everyone of 12":   {func(_ *Charter, t *Track) { t.Quorum.Share = Ratio{1, 1} }, people(12, "customer"), ""},
		"turnout of 13":    {func(_ *Charter, t *Track) { t.Quorum = Quorum{QuorumTurnout, Ratio{2, 2}} }, people(13, "customer"), "every one of 13 members"},
		"sponsors of all":  {func(_ *Charter, t *Track) { t.Cosponsors = 3 }, people(3, "customer"), "it needs 3 co-sponsors"},
		"sponsors enough":  {func(_ *Charter, t *Track) { t.Cosponsors = 2 }, people(3, "customer"), ""},
		"never":            {func(_ *Charter, t *Track) { t.Threshold = Threshold{Ratio{1, 1}, true} }, people(3, "customer"), "it would fail even if all vote in favour"},
		"a second way out": {func(c *Charter, t *Track) { t.Voting = 1; c.Tracks[0].Actions = []event.Kind{KindCharterAmend} }, people(3, "customer"), ""},
		"seats for all":    {func(c *Charter, t *Track) { *t = elects(c, 3) }, people(3, "customer"), ""},
		"seats too many":   {func(c *Charter, t *Track) { *t = elects(c, 4) }, people(3, "customer"), "it elects 4 stewards, and only 3 members may vote"},
		"a chamber of 13":  {func(_ *Charter, t *Track) { t.Chambers = []Chamber{chamberOfAll("customer")} }, people(13, "customer"), "the chamber customer needs every one of 13 members"},
		"a chamber of 12":  {func(_ *Charter, t *Track) { t.Chambers = []Chamber{chamberOfAll("customer")} }, people(12, "customer"), ""},
		"an empty chamber": {func(_ *Charter, t *Track) { t.Chambers = []Chamber{chamberOfAll("producer")} }, people(13, "customer"), ""},
		"a chamber never": {func(_ *Charter, t *Track) {
			t.Chambers = []Chamber{{Class: "producer", Quorum: Quorum{QuorumForOnly, Ratio{3, 2}}, Threshold: unanimous}}
		}, people(3, "customer"), "the chamber producer would stop it even if all"},
		"nobody known": {func(*Charter, *Track) {}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := DefaultCharter()
			test.change(&c, c.track("charter"))
			got := strings.Join(c.Locks(test.members), "; ")
			if (got == "") != (test.locked == "") || !strings.Contains(got, test.locked) {
				t.Errorf("got %q, want %q", got, test.locked)
			}
		})
	}
}

// elects is a track on which an election alone can amend the charter.
func elects(c *Charter, seats uint64) Track {
	t := *c.track("election")
	t.Seats, t.Actions = seats, append(slices.Clone(t.Actions), KindCharterAmend)
	return t
}

// chamberOfAll needs each of its members.
func chamberOfAll(class string) Chamber {
	return Chamber{Class: class, Quorum: Quorum{QuorumTurnout, Ratio{1, 1}}, Threshold: Threshold{Ratio{1, 2}, true}}
}

// TestUnlikely: what is no lock and yet stops or empties a decision.
func TestUnlikely(t *testing.T) {
	half := Chamber{Class: "producer", Quorum: Quorum{QuorumNone, Ratio{0, 1}}, Threshold: Threshold{Ratio{1, 2}, true}}
	for name, test := range map[string]struct {
		change    func(*Charter)
		customers int
		producers int
		want      string
	}{
		"nothing":          {func(c *Charter) { c.track("charter").Chambers = nil }, 3, 0, ""},
		"two":              {func(*Charter) {}, 3, 2, ""},
		"nobody":           {func(*Charter) {}, 3, 0, "nobody is in the chamber producer, so it has no say until somebody comes in"},
		"nobody ever":      {func(c *Charter) { c.track("admission").Actions = nil }, 3, 0, "nobody can come in (it takes a vote, and no track can pass one)"},
		"a stuck vote":     {func(c *Charter) { c.track("admission").Cosponsors = 3 }, 3, 0, "nobody can come in (it takes a vote, and no track can pass one)"},
		"sponsors":         {func(c *Charter) { c.Classes[1].Admission, c.Classes[1].Sponsors = AdmitSponsor, 4 }, 3, 0, "it takes 4 members who may vote, and there are 3"},
		"enough sponsors":  {func(c *Charter) { c.Classes[1].Admission, c.Classes[1].Sponsors = AdmitSponsor, 3 }, 3, 0, "until somebody comes in"},
		"patronage":        {func(c *Charter) { c.Classes[1].Patronage = 5 }, 3, 0, "it takes purchases, and nobody can record them"},
		"recorded":         {func(c *Charter) { c.Classes[1].Patronage, c.Classes[0].Credits = 5, true }, 3, 0, "until somebody comes in"},
		"one":              {func(*Charter) {}, 3, 1, "one member is the chamber producer, and can stop what all others want"},
		"all of a chamber": {func(c *Charter) { c.track("charter").Chambers[0].Threshold = unanimous }, 0, 13, "a single one of 13 members of the chamber producer can stop everything"},
		"all":              {func(c *Charter) { c.track("general").Threshold = unanimous }, 11, 2, "track \"general\": a single one of 13 members can stop everything"},
		"all of twelve":    {func(c *Charter) { c.track("general").Threshold = unanimous }, 10, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := DefaultCharter()
			c.track("charter").Chambers = []Chamber{half}
			test.change(&c)
			var members [][]string
			for n := range test.customers + test.producers {
				members = append(members, []string{map[bool]string{true: "customer", false: "producer"}[n < test.customers]})
			}
			got := strings.Join(c.Unlikely(members), "; ")
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestPeriod: exact, whatever it is.
func TestPeriod(t *testing.T) {
	for ms, want := range map[event.Time]string{0: "no time", 1: "1 millisecond", 90 * second: "90 seconds", minute: "1 minute", 36 * hour: "36 hours", 7 * day: "7 days", day + 1: "86400001 milliseconds"} {
		if got := Period(ms); got != want {
			t.Errorf("%d is %q, not %q", ms, got, want)
		}
	}
}

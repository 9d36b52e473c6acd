package governance

import (
	"errors"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
)

func TestDefaultCharter(t *testing.T) {
	c := DefaultCharter()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := c.Warnings(); len(got) != 1 || !strings.Contains(got[0], `"budget" counts votes against`) {
		t.Errorf("warnings: %q", got)
	}
}

// TestValidate changes one thing at a time and expects one reason each.
func TestValidate(t *testing.T) {
	long := strings.Repeat("x", MaxLabel+1)
	for name, c := range map[string]struct {
		change func(*Charter)
		want   string
	}{
		"no class":          {func(c *Charter) { c.Classes = nil }, "0 classes"},
		"no track":          {func(c *Charter) { c.Tracks = nil }, "0 tracks"},
		"class twice":       {func(c *Charter) { c.Classes[1].Name = "customer" }, `a class is named "customer"`},
		"class in capitals": {func(c *Charter) { c.Classes[1].Name = "Producer" }, "a class is named (unreadable)"},
		"long class":        {func(c *Charter) { c.Classes[1].Name = long }, "a class is named (unreadable)"},
		"unknown admission": {func(c *Charter) { c.Classes[0].Admission = "lot" }, "unknown admission"},
		"no sponsors":       {func(c *Charter) { c.Classes[0].Sponsors = 0 }, "needs 0 sponsors"},
		"idle sponsors":     {func(c *Charter) { c.Classes[1].Sponsors = 1 }, "does not need"},
		"nobody votes":      {func(c *Charter) { c.Classes[0].Votes, c.Classes[1].Votes = false, false }, "no class may vote"},
		"track twice":       {func(c *Charter) { c.Tracks[1].Name = "general" }, `a track is named "general"`},
		"nameless track":    {func(c *Charter) { c.Tracks[1].Name = "" }, "a track is named (unreadable)"},
		"unknown method":    {func(c *Charter) { c.Tracks[0].Method = "shouting" }, "unknown method"},
		"stv without seats": {func(c *Charter) { c.Tracks[0].Method = STV }, "has 0 seats: stv needs 1 to 32"},
		"too many seats":    {func(c *Charter) { c.Tracks[0].Method, c.Tracks[0].Seats = STV, MaxSeats+1 }, "has 33 seats"},
		"too many stewards": {func(c *Charter) {
			t := &c.Tracks[0]
			t.Method, t.Seats, t.Actions = STV, MaxStewards+1, []event.Kind{KindStewardAppoint}
		}, `track "general" elects 32 stewards`},
		"long office":           {func(c *Charter) { c.Office.Term = MaxTerm + 1 }, "longer than 10 years"},
		"recovery by half":      {func(c *Charter) { c.Office.Recovery = Ratio{1, 2} }, "1/2 of the members could re-found"},
		"recovery by more":      {func(c *Charter) { c.Office.Recovery = Ratio{3, 2} }, "3/2 of the members could re-found"},
		"hasty recovery":        {func(c *Charter) { c.Office.Silence = day - 1 }, "less than a day"},
		"long notice":           {func(c *Charter) { c.Office.Notice = MaxPeriod + 1 }, "wait longer than 366 days"},
		"idle seats":            {func(c *Charter) { c.Tracks[0].Seats = 3 }, "has 3 seats"},
		"score without highest": {func(c *Charter) { c.Tracks[0].Method = Score }, "a highest score of 0"},
		"idle highest":          {func(c *Charter) { c.Tracks[0].Highest = 5 }, "a highest score of 5"},
		"no points":             {func(c *Charter) { c.Tracks[0].Method = PointsQuadratic }, "gives 0 points"},
		"too many points":       {func(c *Charter) { c.Tracks[0].Method, c.Tracks[0].Points = Points, MaxPoints+1 }, "gives 1000001 points"},
		"idle points":           {func(c *Charter) { c.Tracks[0].Points = 5 }, "gives 5 points"},
		"no completion":         {func(c *Charter) { c.Tracks[3].Method, c.Tracks[3].Utility = BudgetShares, UtilityCost }, "needs the completion"},
		"odd completion":        {func(c *Charter) { c.Tracks[3].Completion = CompleteNot }, "needs the completion"},
		"no utility":            {func(c *Charter) { c.Tracks[3].Method, c.Tracks[3].Completion = BudgetShares, CompleteNot }, "needs the utility"},
		"odd utility":           {func(c *Charter) { c.Tracks[0].Utility = UtilityVotes }, "needs the utility"},
		"consent of a majority": {func(c *Charter) { c.Tracks[0].Method = ByConsent }, "at least 1/1"},
		"shares for-only": {func(c *Charter) {
			t := &c.Tracks[3]
			t.Method, t.Completion, t.Utility, t.Quorum.Kind = BudgetShares, CompleteFill, UtilityVotes, QuorumForOnly
		}, "none or turnout"},
		"unknown quorum":       {func(c *Charter) { c.Tracks[0].Quorum.Kind = "some" }, "unknown quorum"},
		"quorum over all":      {func(c *Charter) { c.Tracks[0].Quorum.Share = Ratio{3, 2} }, "nobody can reach"},
		"quorum of nothing":    {func(c *Charter) { c.Tracks[0].Quorum.Share = Ratio{0, 2} }, "nobody can reach"},
		"division by zero":     {func(c *Charter) { c.Tracks[0].Quorum.Share = Ratio{0, 0} }, "nobody can reach"},
		"large ratio":          {func(c *Charter) { c.Tracks[0].Quorum.Share = Ratio{1, MaxRatio + 1} }, "nobody can reach"},
		"threshold by zero":    {func(c *Charter) { c.Tracks[0].Threshold.Share = Ratio{0, 0} }, "can never be reached"},
		"share without quorum": {func(c *Charter) { c.Tracks[4].Quorum.Share = Ratio{1, 2} }, "must be 0/1"},
		"threshold over all":   {func(c *Charter) { c.Tracks[0].Threshold.Share = Ratio{3, 2} }, "can never be reached"},
		"more than all":        {func(c *Charter) { c.Tracks[0].Threshold = Threshold{Ratio{1, 1}, true} }, "more than all votes"},
		"biased budget":        {func(c *Charter) { c.Tracks[3].Quorum.Kind = QuorumBiased }, "none or turnout"},
		"idle budget":          {func(c *Charter) { c.Tracks[3].Actions = nil }, "may not carry budget.allocate"},
		"no time to vote":      {func(c *Charter) { c.Tracks[0].Voting = 0 }, "no time to vote"},
		"endless discussion":   {func(c *Charter) { c.Tracks[0].Discussion = MaxPeriod + 1 }, "no time to vote"},
		"endless grace":        {func(c *Charter) { c.Tracks[0].Grace = MaxPeriod + 1 }, "no time to vote"},
		"unknown proposers":    {func(c *Charter) { c.Tracks[0].Proposers = []string{"guest"} }, "classes propose"},
		"no proposals":         {func(c *Charter) { c.Tracks[0].Open = 0 }, "0 proposals under way"},
		"action twice":         {func(c *Charter) { c.Tracks[1].Actions[1] = c.Tracks[1].Actions[0] }, "an action twice"},
		"no kind":              {func(c *Charter) { c.Tracks[1].Actions[1] = "Member.Admit" }, "no kind of event"},
		"no events":            {func(c *Charter) { c.Limits.Daily = 0 }, "0 events a day"},
		"long texts":           {func(c *Charter) { c.Limits.Text = MaxText + 1 }, "texts may have"},
		"long statements":      {func(c *Charter) { c.Limits.Statement = MaxStatement + 1 }, "texts may have"},
		"long reasons":         {func(c *Charter) { c.Limits.Reason = MaxReason + 1 }, "texts may have"},
		"silence of a day":     {func(c *Charter) { c.Limits.Silence = LeastSilence - 1 }, "not after 28 to 366 days"},
		"silence of years":     {func(c *Charter) { c.Limits.Silence = MaxPeriod + 1 }, "not after 28 to 366 days"},
		"slow recovery":        {func(c *Charter) { c.Limits.Recovery = MaxPeriod + 1 }, "over 366 days"},
		"endless appeal":       {func(c *Charter) { c.Limits.Appeal = MaxPeriod + 1 }, "over 366 days"},
		"much patronage":       {func(c *Charter) { c.Classes[0].Patronage = MaxAmount + 1 }, "more patronage"},
		"no candidates":        {func(c *Charter) { c.Limits.Candidates = 0 }, "0 applications"},
	} {
		charter := DefaultCharter()
		c.change(&charter)
		err := charter.Validate()
		if !errors.Is(err, ErrCharter) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "; ") {
			t.Errorf("%s: %v, want one reason with %q", name, err, c.want)
		}
	}
}

// TestEveryMethodHasATrack: each method's settings are valid where they belong.
func TestEveryMethodHasATrack(t *testing.T) {
	for _, f := range forms {
		c := DefaultCharter()
		c.Tracks[0] = trackBy(f.method)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", f.method, err)
		}
	}
	if len(forms) != 11 {
		t.Errorf("there are %d methods", len(forms))
	}
}

func TestTheFinestRatio(t *testing.T) {
	c := DefaultCharter()
	c.Tracks[0].Threshold.Share = Ratio{MaxRatio, MaxRatio}
	c.Tracks[0].Threshold.Over = false
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

// TestReasonsStayShort: whatever a charter holds, what is said about it is short and printable.
func TestReasonsStayShort(t *testing.T) {
	var c Charter
	for range MaxTracks {
		c.Tracks = append(c.Tracks, Track{Name: strings.Repeat("\x1b", 1000), Method: "\u202e"})
	}
	c.Classes = []Class{{Name: strings.Repeat("x", 1000), Admission: "\n"}}
	err := c.Validate()
	if text := err.Error(); !line(text, 2000) || strings.Count(text, ";") != maxFaults-1 {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Charter)
		want   string
	}{
		"open and voting":   {func(c *Charter) { c.Classes[1].Admission = AdmitOpen }, "outvote"},
		"no invite":         {func(c *Charter) { c.Classes[1].Invite = false }, "strangers"},
		"fixed charter":     {func(c *Charter) { c.Tracks[5].Actions = nil }, "never be changed"},
		"nobody joins":      {func(c *Charter) { c.Tracks[1].Actions = nil }, "nobody can join"},
		"no way back":       {func(c *Charter) { c.Tracks[6].Actions = []event.Kind{KindMemberExpel} }, "cannot appeal"},
		"quick expulsion":   {func(c *Charter) { c.Tracks[6].Discussion = 0 }, "faster than money"},
		"quick recovery":    {func(c *Charter) { c.Limits.Recovery = day - 1 }, "cannot veto"},
		"no record":         {func(c *Charter) { c.Classes[0].Patronage = 1 }, "nobody may credit it"},
		"no time at all":    {func(c *Charter) { c.Tracks[0].Voting = 1 }, "can pass nothing"},
		"short vote":        {func(c *Charter) { c.Tracks[0].Voting = hour }, "who sleeps"},
		"most must come":    {func(c *Charter) { c.Tracks[3].Quorum.Share = Ratio{3, 5} }, "busy month"},
		"charter at once":   {func(c *Charter) { c.Tracks[5].Grace = 0 }, "no time to leave"},
		"charter by a half": {func(c *Charter) { c.Tracks[5].Threshold = Threshold{Ratio{1, 2}, true} }, "simple majority"},
	} {
		charter := DefaultCharter()
		c.change(&charter)
		if got := strings.Join(charter.Warnings(), "\n"); charter.Validate() != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAdmissionIsTheStrictest(t *testing.T) {
	c := Charter{Classes: []Class{
		{Name: "a", Admission: AdmitOpen}, {Name: "b", Admission: AdmitSponsor, Sponsors: 2, Invite: true},
		{Name: "c", Admission: AdmitSponsor, Sponsors: 3}, {Name: "d", Admission: AdmitVote}}}
	for _, x := range []struct {
		classes  []string
		way      Admission
		sponsors uint64
		invite   bool
	}{
		{[]string{"a"}, AdmitOpen, 0, false},
		{[]string{"a", "b"}, AdmitSponsor, 2, true},
		{[]string{"c", "b", "a"}, AdmitSponsor, 3, true},
		{[]string{"d", "c"}, AdmitVote, 3, false},
		{[]string{"a", "d"}, AdmitVote, 0, false},
	} {
		if way, sponsors, invite := c.admission(x.classes); way != x.way || sponsors != x.sponsors || invite != x.invite {
			t.Errorf("%v: %s, %d, %v", x.classes, way, sponsors, invite)
		}
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]bool{"Ann": true, "Zoë 李": true, "": false, " Ann": false, "Ann ": false, "A\nB": false,
		"A\x1b[2J": false, "A\u202eB": false, "A\u0085": false, "A\u2066": false, strings.Repeat("a", 97): false} {
		if line(text, MaxName) != want {
			t.Errorf("line %q: %v", text, !want)
		}
	}
	for text, want := range map[string]bool{"": true, "a\n\tb ": true, "a\r\n": false, "\x00": false, "\u2029": false, "12345678901": false} {
		if prose(text, 10) != want {
			t.Errorf("prose %q: %v", text, !want)
		}
	}
	for text, want := range map[string]bool{"roof": true, "r-2": true, "": false, "-a": false, "a-": false, "A": false, "a.b": false, strings.Repeat("a", 33): false} {
		if label(text) != want {
			t.Errorf("label %q: %v", text, !want)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		currency Currency
		amount   uint64
		want     string
	}{{Currency{"EUR", 2}, 123450, "1234.50 EUR"}, {Currency{"EUR", 2}, 5, "0.05 EUR"}, {Currency{"H", 0}, 7, "7 H"}, {Currency{"BTC", 8}, 1, "0.00000001 BTC"}} {
		if got := c.currency.Format(c.amount); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

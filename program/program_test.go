package program

import (
	"errors"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
)

// TestIdentify: a program is named by its version and its text, to the letter.
func TestIdentify(t *testing.T) {
	const source = `vote.yes("because")`
	const want = "5491aa6f0ff2f7d54b637e15afbefb356d2340edcfc6ca2d9dec6025dc948007"
	p := mustCheck(t, source)
	if p.ID().String() != want || Identify(source) != p.ID() || p.Source() != source {
		t.Errorf("%v, want %s", p.ID(), want)
	}
	if Identify(source+" ") == p.ID() {
		t.Error("another text has the same id")
	}
}

// TestSourceBounds: the largest source is read, and one byte more is not.
func TestSourceBounds(t *testing.T) {
	source := `vote.yes("because")`
	source = "//" + strings.Repeat("x", MaxSource-len(source)-3) + "\n" + source
	mustCheck(t, source)
	if _, err := Check(source + " "); !errors.Is(err, ErrSource) {
		t.Errorf("%v", err)
	}
	if _, err := Check("vote.yes(\"\xff\")"); !errors.Is(err, ErrSource) {
		t.Errorf("%v", err)
	}
	if _, err := Check(strings.Repeat("votes.all(v,v.choice=='')&&", 150) + "1>0?vote.yes('a'):vote.no('b')"); !errors.Is(err, ErrLarge) {
		t.Errorf("%v", err)
	}
}

// TestGuard: a fault of the library refuses the source.
func TestGuard(t *testing.T) {
	p, err := guard("", func(string) (*Program, error) { panic("in the parser") })
	if p != nil || !errors.Is(err, ErrFault) {
		t.Errorf("%v, %v", p, err)
	}
}

// TestReason: a reason is one line, cut where it is too long.
func TestReason(t *testing.T) {
	p := mustCheck(t, `vote.yes(" \u202eup\nand\x1bdown " + proposal.text)`)
	v := p.Run(Input{Proposal: Proposal{Form: YesNo, Text: strings.Repeat("ö", MaxReason)}}, Limit)
	if v.Choice != Yes || len(v.Reason) > MaxReason || len(v.Reason) < MaxReason-10 || !strings.HasPrefix(v.Reason, "up and down ö") || !strings.HasSuffix(v.Reason, "ö…") {
		t.Errorf("%+v", v)
	}
}

// TestBounds: an input at its bounds is taken, and one beyond any of them is refused.
func TestBounds(t *testing.T) {
	p := mustCheck(t, `vote.abstain("never mind")`)
	if v := p.Run(big(), Limit); v.Err != "" {
		t.Fatal(v.Err)
	}
	long := strings.Repeat("x", MaxText+1)
	for name, spoil := range map[string]func(*Input){
		"id":             func(in *Input) { in.Proposal.ID = long[:MaxWord+1] },
		"proposer":       func(in *Input) { in.Proposal.Proposer = long[:MaxWord+1] },
		"track":          func(in *Input) { in.Proposal.Track = long[:MaxWord+1] },
		"method":         func(in *Input) { in.Proposal.Method = long[:MaxWord+1] },
		"title":          func(in *Input) { in.Proposal.Title = long[:MaxTitle+1] },
		"text":           func(in *Input) { in.Proposal.Text = long },
		"no text":        func(in *Input) { in.Proposal.Text = "\xff" },
		"tags":           func(in *Input) { in.Proposal.Tags = make([]string, MaxTags+1) },
		"tag":            func(in *Input) { in.Proposal.Tags = []string{long[:MaxWord+1]} },
		"options":        func(in *Input) { in.Proposal.Options = make([]Option, MaxOptions+1) },
		"option":         func(in *Input) { in.Proposal.Options[3].Title = long[:MaxName+1] },
		"cost":           func(in *Input) { in.Proposal.Options[3].Cost = MaxAmount + 1 },
		"actions":        func(in *Input) { in.Proposal.Actions = make([]Action, MaxActions+1) },
		"kind":           func(in *Input) { in.Proposal.Actions = []Action{{Kind: long[:MaxWord+1]}} },
		"action's asset": func(in *Input) { in.Proposal.Actions = []Action{{Asset: long[:MaxWord+1]}} },
		"action's sum":   func(in *Input) { in.Proposal.Actions = []Action{{Amount: MaxAmount + 1}} },
		"highest":        func(in *Input) { in.Proposal.Highest = MaxScore + 1 },
		"points":         func(in *Input) { in.Proposal.Points = MaxScore + 1 },
		"budget":         func(in *Input) { in.Proposal.Budget = MaxAmount + 1 },
		"opened":         func(in *Input) { in.Proposal.Opened = MaxAmount + 1 },
		"begins":         func(in *Input) { in.Proposal.Begins = MaxAmount + 1 },
		"closes":         func(in *Input) { in.Proposal.Closes = MaxAmount + 1 },
		"members":        func(in *Input) { in.Charter.Members = MaxAmount + 1 },
		"threshold":      func(in *Input) { in.Charter.ThresholdWhole = MaxAmount + 1 },
		"quorum":         func(in *Input) { in.Charter.Quorum = long[:MaxWord+1] },
		"holdings":       func(in *Input) { in.Treasury = make([]Holding, MaxHoldings+1) },
		"asset":          func(in *Input) { in.Treasury[0].Asset = long[:MaxWord+1] },
		"holding":        func(in *Input) { in.Treasury[0].Amount = MaxAmount + 1 },
		"votes":          func(in *Input) { in.Votes = append(in.Votes, Vote{"one more", Ballot{Choice: Abstain}}) },
		"member":         func(in *Input) { in.Votes[0].Member = long[:MaxWord+1] },
		"settings":       func(in *Input) { in.Settings = make([]Setting, MaxSettings+1) },
		"key":            func(in *Input) { in.Settings = []Setting{{Key: long[:MaxWord+1]}} },
		"value":          func(in *Input) { in.Settings = []Setting{{Value: long[:MaxValue+1]}} },
	} {
		in := big()
		spoil(&in)
		if v := p.Run(in, Limit); !strings.HasSuffix(v.Err, ErrInput.Error()) || v.Choice != Abstain || v.Cost != 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestBacktest counts by hand.
func TestBacktest(t *testing.T) {
	p := mustCheck(t, `proposal.budget == 0 ? vote.abstain("free") : proposal.budget < 10 ? vote.yes("cheap") : vote.no(string(1 / (proposal.budget - 50)))`)
	past := func(budget uint64, own *Ballot, result Choice) Past {
		return Past{Input{Proposal: Proposal{Form: YesNo, Budget: budget}}, own, result}
	}
	r := Backtest(p, []Past{
		past(5, &Ballot{Choice: Yes}, Yes),
		past(5, &Ballot{Choice: No}, No),
		past(60, &Ballot{Choice: No}, Yes),
		past(60, nil, No),
		past(60, nil, ""),
		past(0, &Ballot{Choice: Abstain}, Yes),
		past(50, &Ballot{Choice: Abstain}, Yes), // fails
	}, Limit)
	if len(r.Verdicts) != 7 || r.Abstained != 1 || r.Failed != 1 || r.Compared != 4 || r.Agreed != 3 || r.Decided != 4 || r.Won != 2 {
		t.Errorf("%+v", r)
	}
	if r.Verdicts[0].Reason != "cheap" || r.Verdicts[6].Err == "" || r.Dearest != r.Verdicts[2].Cost {
		t.Errorf("%+v", r)
	}
	for _, other := range []Ballot{{Choice: No}, {Choice: Rank, Places: [][]int{{1}}}, {Choice: Rank, Places: [][]int{{0}, {1}}}} {
		if (Ballot{Choice: Rank, Places: [][]int{{0, 1}}}).Same(other) {
			t.Errorf("%+v", other)
		}
	}
}

// TestOnlyLists: even in an environment that has maps and values of unknown kind, a program that goes
// through anything but a list is refused.
func TestOnlyLists(t *testing.T) {
	env, err := cel.NewEnv(cel.Variable("m", cel.MapType(cel.StringType, cel.IntType)), cel.Variable("l", cel.ListType(cel.IntType)), cel.Variable("d", cel.DynType))
	if err != nil {
		t.Fatal(err)
	}
	for source, fine := range map[string]bool{
		`l.all(x, x > 0)`: true, `l.map(x, l.size())[0] > 1`: true, `m.exists(k, k == "a")`: false, `{"a": 1}.map(k, k).size() == 1`: false,
		`d.all(y, y > 1)`: false, `d.x.all(y, y > 1)`: false, `m["a"] == 1`: false, `l.all(x, m.all(k, k == "a"))`: false, `[1.5].size() > 0`: false,
		`l.exists(x, double(x) > 1.5)`: false, `timestamp(l[0]) > timestamp(1)`: false,
	} {
		tree, issues := env.Compile(source)
		if issues.Err() != nil {
			t.Fatal(source, issues.Err())
		}
		if err := checkTypes(tree.NativeRep()); (err == nil) != fine {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// TestFieldsOnce: a field is read once a run, however often a program looks at it: building a long list
// each time would be work that nobody is charged for.
func TestFieldsOnce(t *testing.T) {
	reads := 0
	s := newShape("Test", records("options", 1, optionShape, "", func(*Proposal) []numbered { reads++; return nil }))
	r := newRecord(s, &Proposal{})
	if r.field(0) != r.field(0) || reads != 1 {
		t.Errorf("%d reads", reads)
	}
}

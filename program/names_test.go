package program

import (
	"errors"
	"strings"
	"testing"
)

// TestNames reads every field there is, each with a value of its own.
func TestNames(t *testing.T) {
	in := Input{
		Proposal: Proposal{ID: "id", Title: "title", Text: "text", Proposer: "proposer", Track: "track", Method: "method", Form: Points,
			Tags: []string{"tag"}, Options: []Option{{"zero", 100}, {"first", 101}}, Actions: []Action{{"kind", "asset", 102}},
			Budget: 103, Highest: 104, Points: 105, Opened: 106, Begins: 107, Closes: 108},
		Charter:  Charter{109, 110, 111, 112, true, "quorum", 113, 114},
		Treasury: []Holding{{"gold", 115}},
		Votes:    []Vote{{"ann", Ballot{Choice: Spend, Numbers: []int{50, 51}}}},
		Settings: []Setting{{"key", "value"}},
	}
	read := map[string]string{
		"proposal.id": "id", "proposal.title": "title", "proposal.text": "text", "proposal.proposer": "proposer", "proposal.track": "track",
		"proposal.method": "method", "proposal.form": "points", "proposal.tags[0]": "tag", "string(proposal.options.size())": "2",
		"string(proposal.options[1].number)": "1", "proposal.options[1].title": "first", "string(proposal.options[1].cost)": "101",
		"string(proposal.actions.size())": "1", "proposal.actions[0].kind": "kind", "proposal.actions[0].asset": "asset",
		"string(proposal.actions[0].amount)": "102", "string(proposal.budget)": "103", "string(proposal.highest)": "104",
		"string(proposal.points)": "105", "string(proposal.opened)": "106", "string(proposal.begins)": "107", "string(proposal.closes)": "108",
		"string(charter.version)": "109", "string(charter.members)": "110", "string(charter.thresholdPart)": "111",
		"string(charter.thresholdWhole)": "112", "(charter.over ? 'over' : 'not')": "over", "charter.quorum": "quorum",
		"string(charter.quorumPart)": "113", "string(charter.quorumWhole)": "114", "treasury[0].asset": "gold",
		"string(treasury[0].amount)": "115", "votes[0].member": "ann", "votes[0].choice": "points", "string(votes[0].numbers[1])": "51",
		"string(votes[0].options.size())": "0", "settings.text('key')": "value",
	}
	fields := 0
	for _, s := range shapes {
		fields += len(s.fields)
	}
	if len(read) != fields+1 {
		t.Errorf("%d fields are read of %d", len(read)-1, fields)
	}
	for expression, want := range read {
		if v := mustCheck(t, "vote.abstain("+expression+")").Run(in, Limit); v.Reason != want {
			t.Errorf("%s is %q (%s), want %q", expression, v.Reason, v.Err, want)
		}
	}
	in.Proposal.Form = Approval
	in.Votes[0].Ballot = Ballot{Choice: Approve, Options: []int{1}}
	if v := mustCheck(t, `vote.approve(votes[0].options, votes[0].choice)`).Run(in, Limit); v.Reason != "approve" || len(v.Options) != 1 || v.Options[0] != 1 {
		t.Errorf("%+v", v)
	}
}

// TestWords: what is listed for people names everything, and nothing that is said to be absent.
func TestWords(t *testing.T) {
	all := append(Names(), Functions()...)
	for _, w := range all {
		if w.Write == "" || w.Type == "" || w.Says == "" {
			t.Errorf("%+v", w)
		}
		for name := range absent {
			if w.Write == name || strings.HasPrefix(w.Write, name+"(") {
				t.Errorf("%s is there", name)
			}
		}
	}
	for name := range absent {
		if _, err := Check(name + "(1) > 1 ? vote.yes('a') : vote.no('b')"); !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFits: votes that other members cast are looked at as strictly as one's own.
func TestFits(t *testing.T) {
	p := &Proposal{Form: Approval, Options: make([]Option, 3)}
	for _, b := range []Ballot{{}, {Choice: "cake"}, {Choice: Yes}, {Choice: Abstain, Options: []int{1}}, {Choice: Approve, Places: [][]int{{1}}},
		{Choice: Approve, Numbers: []int{1}}, {Choice: Approve, Options: []int{2, 1}}, {Choice: Approve, Options: []int{1, 1}}, {Choice: Approve, Options: []int{3}}} {
		if b.fits(p) == nil {
			t.Errorf("%+v fits", b)
		}
	}
	for _, b := range []Ballot{{Choice: Abstain}, {Choice: Approve}, {Choice: Approve, Options: []int{0, 1, 2}}} {
		if err := b.fits(p); err != nil {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

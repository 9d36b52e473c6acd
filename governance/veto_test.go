package governance

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
)

// TestValidateLife changes one thing at a time and expects one reason each.
func TestValidateLife(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Track)
		want   string
	}{
		"sponsors for ever":     {func(t *Track) { t.Cosponsors = 1 }, "or neither"},
		"a period for nothing":  {func(t *Track) { t.Gathering = day }, "or neither"},
		"years of waiting":      {func(t *Track) { t.Cosponsors, t.Gathering = 1, MaxPeriod+1 }, "or neither"},
		"too many sponsors":     {func(t *Track) { t.Cosponsors, t.Gathering = MaxSponsors+1, day }, "needs 17 co-sponsors"},
		"sponsors":              {func(t *Track) { t.Cosponsors, t.Gathering = MaxSponsors, MaxPeriod }, ""},
		"veto":                  {func(t *Track) { t.Veto = Veto{Members: MaxVetoes, Classes: []string{"customer"}, Times: MaxTimes} }, ""},
		"too many for a veto":   {func(t *Track) { t.Veto.Members = MaxVetoes + 1 }, "needs 257 members for a veto"},
		"vetoes without number": {func(t *Track) { t.Veto.Members, t.Veto.Times = 1, MaxTimes+1 }, "bounds it to 17"},
		"a veto of nobody":      {func(t *Track) { t.Veto.Classes = []string{"customer"} }, "a veto that nobody has"},
		"a bound of no veto":    {func(t *Track) { t.Veto.Times = 1 }, "a veto that nobody has"},
		"no time for a veto":    {func(t *Track) { t.Veto.Members, t.Grace = 1, 0 }, "no grace in which to use it"},
		"a veto of strangers":   {func(t *Track) { t.Veto = Veto{Members: 1, Classes: []string{"stranger"}} }, "to classes that the charter does not have"},
		"a veto of guests":      {func(t *Track) { t.Veto = Veto{Members: 1, Classes: []string{"guest"}} }, `to the class "guest", which does not vote`},
		"hidden":                {func(t *Track) { t.Hidden = true }, ""},
	} {
		charter := DefaultCharter()
		charter.Classes = append(charter.Classes, Class{Name: "guest", Admission: AdmitOpen, Invite: true})
		c.change(&charter.Tracks[0])
		err := charter.Validate()
		want := strings.TrimSuffix(c.want, "; ")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWarningsOfGuards: what a charter should think twice about.
func TestWarningsOfGuards(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Track)
		want   string
	}{
		"one against all":     {func(t *Track) { t.Veto = Veto{Members: 1, Times: 1} }, "a single member"},
		"for ever":            {func(t *Track) { t.Veto.Members = 2 }, "for ever"},
		"hidden and extended": {func(t *Track) { t.Hidden, t.AntiSniping = true, AntiSniping{Quiet, 1, 1} }, "tells that the lead has changed"},
	} {
		charter := DefaultCharter()
		before := len(charter.Warnings())
		c.change(&charter.Tracks[0])
		if got := charter.Warnings(); len(got) != before+1 || !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestMissing: so many more votes reach the quorum, and one fewer does not.
func TestMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, share := drawCount(t), drawRatio(t, "share")
		kind := rapid.SampledFrom([]QuorumKind{QuorumNone, QuorumTurnout, QuorumForOnly, QuorumBiased}).Draw(t, "kind")
		q := Quorum{kind, share}
		n := q.Missing(c)
		if kind == QuorumNone || kind == QuorumBiased {
			if n != 0 {
				t.Fatalf("%s: a number that says nothing, %d", kind, n)
			}
			return
		}
		more := c
		more.Yes += n
		if !q.Reached(more) {
			t.Fatalf("%+v of %+v: %d more are not enough", q, c, n)
		}
		if more.Yes--; n > 0 && q.Reached(more) {
			t.Fatalf("%+v of %+v: %d more are too many", q, c, n)
		}
	})
	huge := Quorum{QuorumForOnly, Ratio{MaxRatio - 1, MaxRatio}}
	roll := uint64(1) << 60
	want := new(big.Int).Mul(new(big.Int).SetUint64(roll), big.NewInt(MaxRatio-1))
	want.Div(want.Add(want, big.NewInt(MaxRatio-1)), big.NewInt(MaxRatio))
	if got := huge.Missing(Count{Roll: roll}); got != want.Uint64() {
		t.Errorf("%d, want %s", got, want)
	}
}

// TestTheRollStaysForTheVeto: who may veto was settled when the proposal was opened, also when it is
// amended meanwhile who is in which class.
func TestTheRollStaysForTheVeto(t *testing.T) {
	f := founding(3)
	f.Charter.Classes = append(f.Charter.Classes, Class{Name: "guest", Admission: AdmitOpen})
	track := &f.Charter.Tracks[0]
	track.Discussion, track.Veto = 0, Veto{Members: 1, Classes: []string{"prosumer"}}
	s := begin(t, f)
	if err := s.Open(by(1, 7), ProposalOpen{Title: "Paint the door", Track: "general"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Cast(by(1, 8), BallotCast{Proposal: event.ID{7}, Choice: "yes"}); err != nil {
		t.Fatal(err)
	}
	m, _ := s.Members.Get(testKey(2).Public())
	m.Classes = []string{"guest"}
	s.Members.Set(testKey(2).Public(), m)
	s.Advance(start + day + minute)
	if err := s.CastVeto(by(2, 9), ProposalVeto{event.ID{7}, "Lead"}); err != nil {
		t.Fatal(err)
	}
	p, _ := s.Proposals.Get(event.ID{7})
	if p.Phase != Vetoed || p.Roll.Len() != 0 || s.Agenda.Len() != 0 {
		t.Errorf("%s, a roll of %d, %d in the agenda", p.Phase, p.Roll.Len(), s.Agenda.Len())
	}
}

// TestRepeats: the same again is the same in everything but the words.
func TestRepeats(t *testing.T) {
	full := func() Proposal {
		return Proposal{Title: "Paint", Phase: Vetoed, Budget: 5, Options: []Option{{"A", 3}, {"B", 2}}, Actions: []event.Draft{{Kind: "budget.allocate", Body: []byte{1}}}, Rules: Rules{Track: Track{Name: "x"}}}
	}
	for name, c := range map[string]struct {
		change func(before, again *Proposal)
		want   bool
	}{
		"the same": {func(_, again *Proposal) {}, true},
		"other words": {func(_, again *Proposal) {
			again.Title, again.Text, again.Tags = "Gloss", "Without lead", []string{"door"}
		}, true},
		"an option less": {func(_, again *Proposal) { again.Options = again.Options[:1] }, false},
		"another cost":   {func(_, again *Proposal) { again.Options[1].Cost++ }, false},
		"more money":     {func(_, again *Proposal) { again.Budget++ }, false},
		"another track":  {func(_, again *Proposal) { again.Rules.Track.Name = "y" }, false},
		"no action":      {func(_, again *Proposal) { again.Actions = nil }, false},
		"another action": {func(_, again *Proposal) { again.Actions[0].Body = []byte{2} }, false},
		"another kind":   {func(_, again *Proposal) { again.Actions[0].Kind = "charter.amend" }, false},
		"rejected":       {func(before, _ *Proposal) { before.Phase = Rejected }, false},
	} {
		before, again := full(), full()
		c.change(&before, &again)
		if got := again.repeats(&before); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestOnlyVotersSponsorAndVeto: a member who is known and may not vote does neither.
func TestOnlyVotersSponsorAndVeto(t *testing.T) {
	f := founding(6)
	f.Charter.Classes = append(f.Charter.Classes, Class{Name: "guest", Admission: AdmitOpen})
	f.Founders[1].Classes = []string{"guest"}
	track := &f.Charter.Tracks[0]
	track.Discussion, track.Cosponsors, track.Gathering, track.Veto = 0, 4, hour, Veto{Members: 1}
	s := begin(t, f)
	id := event.ID{7}
	if err := s.Open(by(1, 7), ProposalOpen{Title: "Paint the door", Track: "general"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Cosponsor(by(2, 8), ProposalSponsor{id}); err != ErrMayNotCosponsor {
		t.Errorf("a guest sponsors: %v", err)
	}
	sponsor := func(s *State, who byte) {
		if err := s.Cosponsor(by(who, 8), ProposalSponsor{id}); err != nil {
			t.Fatal(err)
		}
	}
	sponsor(&s, 3)
	sponsor(&s, 4)
	sponsor(&s, 5)
	other := s.Copy()
	p, _ := s.Proposals.Get(id)
	spare := append(p.Sponsors, testKey(9).Public()) // where the next one would be written in place
	sponsor(&s, 6)
	if q, _ := other.Proposals.Get(id); len(q.Sponsors) != 3 || spare[3] != testKey(9).Public() {
		t.Errorf("a sponsor was written into another copy of the state")
	}
	if err := s.Cast(by(1, 9), BallotCast{Proposal: id, Choice: "yes"}); err != nil {
		t.Fatal(err)
	}
	s.Advance(start + day + minute)
	if err := s.CastVeto(by(2, 9), ProposalVeto{id, "Lead"}); err != ErrMayNotVeto {
		t.Errorf("a guest vetoes: %v", err)
	}
	if err := s.CastVeto(by(3, 9), ProposalVeto{id, "Lead"}); err != nil {
		t.Errorf("a voter vetoes: %v", err)
	}
}

// TestAttemptsAddUp: what was vetoed twice was vetoed twice.
func TestAttemptsAddUp(t *testing.T) {
	f := founding(1)
	track := &f.Charter.Tracks[0]
	track.Discussion, track.Veto = 0, Veto{Members: 1, Times: 2}
	s := begin(t, f)
	again := event.ID{}
	for n, want := range []error{nil, nil, ErrVetoSpent} {
		id := event.ID{7, byte(n)}
		env := fold.Env{Key: testKey(1).Public(), ID: id}
		if err := s.Open(env, ProposalOpen{Title: "Paint the door", Track: "general", Again: again}); err != nil {
			t.Fatal(err)
		}
		if err := s.Cast(env, BallotCast{Proposal: id, Choice: "yes"}); err != nil {
			t.Fatal(err)
		}
		s.Advance(s.Time + day + minute)
		if err := s.CastVeto(env, ProposalVeto{id, "Lead"}); err != want {
			t.Fatalf("attempt %d: %v", n, err)
		}
		again = id
	}
}

package delegation

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const day = 24 * 60 * 60 * 1000

func TestChoose(t *testing.T) {
	q := Question{Proposal: "p", Tags: []string{"housing", "money"}, Track: "budget", Time: 1000 * day, Term: DefaultTerm}
	at := func(s Scope, subject string, m Mandate) Mandate {
		m.Scope, m.Subject = s, subject
		if m.Confirmed == 0 {
			m.Confirmed = q.Time - day
		}
		return m
	}
	var (
		all     = at(All, "", Mandate{})
		track   = at(Track, "budget", Mandate{})
		housing = at(Tag, "housing", Mandate{})
		money   = at(Tag, "money", Mandate{})
		one     = at(Proposal, "p", Mandate{})
		no      = Mandate{OptOut: true}
	)
	for _, c := range []struct {
		name  string
		given []Mandate
		want  []Verdict
	}{
		{"nothing given", nil, []Verdict{}},
		{"narrower wins", []Mandate{all, track, housing, one}, []Verdict{Outranked, Outranked, Outranked, Applies}},
		{"tag over track", []Mandate{track, money, all}, []Verdict{Outranked, Applies, Outranked}},
		{"track over everything", []Mandate{track, all}, []Verdict{Applies, Outranked}},
		{"first tag of the proposal", []Mandate{money, housing}, []Verdict{Outranked, Applies}},
		{"opt-out among tags", []Mandate{housing, at(Tag, "money", no)}, []Verdict{Outranked, Applies}},
		{"opt-out below a narrower delegation", []Mandate{at(Tag, "money", no), one}, []Verdict{Outranked, Applies}},
		{"opt-out above a wider delegation", []Mandate{all, at(Track, "budget", no)}, []Verdict{Outranked, Applies}},
		{"opt-out for everything", []Mandate{at(All, "", no), track}, []Verdict{Outranked, Applies}},
		{"opt-out for the proposal", []Mandate{at(Proposal, "p", no), housing, all}, []Verdict{Applies, Outranked, Outranked}},
		{"something else", []Mandate{at(Proposal, "q", no), at(Tag, "food", no), at(Track, "general", no), all}, []Verdict{Elsewhere, Elsewhere, Elsewhere, Applies}},
		{"a subject of another scope", []Mandate{at(Tag, "p", no), at(Track, "housing", no), at(Proposal, "budget", no)}, []Verdict{Elsewhere, Elsewhere, Elsewhere}},
		{"expired lets the wider one speak", []Mandate{all, at(Proposal, "p", Mandate{Expires: q.Time})}, []Verdict{Applies, Expired}},
		{"expires in a moment", []Mandate{all, at(Proposal, "p", Mandate{Expires: q.Time + 1})}, []Verdict{Outranked, Applies}},
		{"not confirmed", []Mandate{at(Tag, "money", Mandate{Confirmed: q.Time - DefaultTerm}), all}, []Verdict{Unconfirmed, Applies}},
		{"just confirmed", []Mandate{at(Tag, "money", Mandate{Confirmed: q.Time - DefaultTerm + 1}), all}, []Verdict{Applies, Outranked}},
		{"given after the time", []Mandate{at(Tag, "money", Mandate{Confirmed: q.Time + 1}), all}, []Verdict{Later, Applies}},
		{"given at the time", []Mandate{at(Tag, "money", Mandate{Confirmed: q.Time}), all}, []Verdict{Applies, Outranked}},
		{"an opt-out needs no confirmation", []Mandate{all, at(Track, "budget", Mandate{OptOut: true, Confirmed: 1})}, []Verdict{Outranked, Applies}},
		{"an opt-out can expire", []Mandate{all, at(Track, "budget", Mandate{OptOut: true, Expires: q.Time - 1})}, []Verdict{Applies, Expired}},
		{"all are over", []Mandate{at(All, "", Mandate{Confirmed: 1})}, []Verdict{Unconfirmed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := CheckMandates(c.given); err != nil {
				t.Fatal(err)
			}
			if got := Weigh(c.given, q); !slices.Equal(got, c.want) {
				t.Errorf("verdicts %q, want %q", got, c.want)
			}
			if got, want := Choose(c.given, q), slices.Index(c.want, Applies); got != want {
				t.Errorf("chose %d, want %d", got, want)
			}
		})
	}
	endless := q
	endless.Term = 0
	if got := Choose([]Mandate{at(All, "", Mandate{Confirmed: 1})}, endless); got != 0 {
		t.Errorf("without a term chose %d, want the old delegation", got)
	}
}

// drawMandates draws a question and mandates for it and around it.
func drawMandates(t *rapid.T) ([]Mandate, Question) {
	word := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	q := Question{
		Proposal: word.Draw(t, "proposal"), Track: word.Draw(t, "track"), Tags: rapid.SliceOfN(word, 0, 3).Draw(t, "tags"),
		Time: rapid.Uint64Range(0, 20).Draw(t, "time"), Term: rapid.Uint64Range(0, 10).Draw(t, "term"),
	}
	mandates := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Mandate {
		m := Mandate{Scope: Scope(rapid.IntRange(0, 3).Draw(t, "scope")), OptOut: rapid.Bool().Draw(t, "opt out")}
		if m.Scope != All {
			m.Subject = word.Draw(t, "subject")
		}
		m.Confirmed = rapid.Uint64Range(0, 22).Draw(t, "confirmed")
		m.Expires = rapid.Uint64Range(0, 22).Draw(t, "expires")
		return m
	}), 0, 8).Draw(t, "mandates")
	return mandates, q
}

// TestChooseTwin compares the choice with a search that goes from the narrowest scope to the widest, and
// at tags first for an opt-out and then from tag to tag.
func TestChooseTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mandates, q := drawMandates(t)
		find := func(fits func(Mandate) bool) int {
			return slices.IndexFunc(mandates, func(m Mandate) bool {
				fresh := m.OptOut || q.Term == 0 || m.Confirmed+q.Term > q.Time
				return m.Confirmed <= q.Time && (m.Expires == 0 || m.Expires > q.Time) && fresh && fits(m)
			})
		}
		want := find(func(m Mandate) bool { return m.Scope == Proposal && m.Subject == q.Proposal })
		if want < 0 {
			want = find(func(m Mandate) bool { return m.Scope == Tag && m.OptOut && slices.Contains(q.Tags, m.Subject) })
		}
		for _, tag := range q.Tags {
			if want < 0 {
				want = find(func(m Mandate) bool { return m.Scope == Tag && m.Subject == tag })
			}
		}
		if want < 0 {
			want = find(func(m Mandate) bool { return m.Scope == Track && m.Subject == q.Track })
		}
		if want < 0 {
			want = find(func(m Mandate) bool { return m.Scope == All })
		}
		if got := Choose(mandates, q); got != want {
			t.Fatalf("chose %d, want %d", got, want)
		}
	})
}

// TestChooseOrder checks that mandates that can stand together may come in any order.
func TestChooseOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mandates, q := drawMandates(t)
		if CheckMandates(mandates) != nil {
			t.Skip("these mandates cannot stand together")
		}
		chosen := func(m []Mandate) (none Mandate) {
			if i := Choose(m, q); i != None {
				return m[i]
			}
			return none
		}
		if a, b := chosen(mandates), chosen(rapid.Permutation(mandates).Draw(t, "again")); a != b {
			t.Fatalf("chose %+v, in another order %+v", a, b)
		}
	})
}

func TestCheckMandates(t *testing.T) {
	long := strings.Repeat("x", MaxSubject+1)
	many := make([]Mandate, MaxMandates+1)
	for i := range many {
		many[i] = Mandate{Scope: Tag, Subject: string(rune('a' + i))}
	}
	for _, c := range []struct {
		given []Mandate
		want  error
	}{
		{nil, nil},
		{many[:MaxMandates], nil},
		{many, ErrMany},
		{[]Mandate{{Scope: 4, Subject: "x"}}, ErrScope},
		{[]Mandate{{Scope: All, Subject: "x"}}, ErrSubject},
		{[]Mandate{{Scope: Track}}, ErrSubject},
		{[]Mandate{{Scope: Tag, Subject: long}}, ErrSubject},
		{[]Mandate{{Scope: Tag, Subject: long[:MaxSubject]}}, nil},
		{[]Mandate{{Scope: Tag, Subject: "x"}, {Scope: Tag, Subject: "x", OptOut: true}}, ErrTwice},
		{[]Mandate{{Scope: Tag, Subject: "x"}, {Scope: Track, Subject: "x"}}, nil},
		{[]Mandate{{}, {OptOut: true}}, ErrTwice},
	} {
		if err := CheckMandates(c.given); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.given, err, c.want)
		}
	}
}

// TestWords checks that all numbers that stand for words have some, and that others can be printed.
func TestWords(t *testing.T) {
	for _, c := range []struct {
		got  func(uint8) string
		all  []string
		name string
	}{
		{func(i uint8) string { return Scope(i).String() }, scopes[:], "scope 200"},
		{func(i uint8) string { return Verdict(i).String() }, verdicts[:], "verdict 200"},
		{func(i uint8) string { return Fate(i).String() }, fates[:], "fate 200"},
		{func(i uint8) string { return Reason(i).String() }, reasons[:], "reason 200"},
	} {
		for i, want := range c.all {
			if got := c.got(uint8(i)); got != want || got == "" {
				t.Errorf("%q, want %q", got, want)
			}
		}
		if got := c.got(200); got != c.name {
			t.Errorf("%q, want %q", got, c.name)
		}
	}
	if len(fates) != int(Cut)+1 || len(reasons) != int(SeenBefore)+1 || len(verdicts) != int(Applies)+1 || len(scopes) != int(Proposal)+1 {
		t.Error("there are more numbers than words")
	}
	for _, word := range []interface{ MarshalText() ([]byte, error) }{Proposal, Applies} {
		if b, err := word.MarshalText(); err != nil || len(b) == 0 {
			t.Errorf("%v: %q %v", word, b, err)
		}
	}
}

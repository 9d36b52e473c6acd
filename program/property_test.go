package program

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// writer writes random programs that fit together by type, with names that given and the loops bind.
type writer struct {
	t     *rapid.T
	names []bound
}

type bound struct{ name, kind string }

func (w *writer) pick(n int) int { return rapid.IntRange(0, n-1).Draw(w.t, "pick") }

// write is an expression of a kind: int, string, bool, texts, numbers, options, votes or ballot.
func (w *writer) write(kind string, depth int) string {
	var have []string
	for _, b := range w.names {
		if b.kind == kind {
			have = append(have, b.name)
		}
	}
	if len(have) > 0 && w.pick(3) == 0 {
		return have[w.pick(len(have))]
	}
	if depth <= 0 {
		return w.leaf(kind)
	}
	e := func(kind string) string { return w.write(kind, depth-1) }
	switch w.pick(6) {
	case 0:
		inner := []string{"int", "string", "bool", "texts", "numbers", "options", "votes"}[w.pick(7)]
		value := e(inner)
		return fmt.Sprintf("given(%s, %s, %s)", w.bind(inner), value, w.under(func() string { return e(kind) }))
	case 1:
		return fmt.Sprintf("(%s ? %s : %s)", e("bool"), e(kind), e(kind))
	}
	switch kind {
	case "int":
		return w.one(func() string { return "(" + e("int") + []string{" + ", " - ", " * "}[w.pick(3)] + e("int") + ")" },
			func() string {
				return "(" + e("int") + []string{" / ", " % "}[w.pick(2)] + []string{"3", e("int")}[w.pick(2)] + ")"
			},
			func() string { return e("numbers") + ".sum()" }, func() string { return e("votes") + ".size()" }, func() string { return e("string") + ".size()" },
			func() string { return "treasury.amount(" + e("string") + ")" }, func() string { return "days(" + e("int") + ")" },
			func() string { return "settings.number(" + e("string") + ", " + e("int") + ")" }, func() string { return e("options") + "[" + []string{"0", e("int")}[w.pick(2)] + "].cost" })
	case "string":
		return w.one(func() string { return "(" + e("string") + " + " + e("string") + ")" }, func() string { return "string(" + e("int") + ")" },
			func() string { return e("votes") + "[0].member" }, func() string { return e("texts") + "[" + []string{"0", e("int")}[w.pick(2)] + "]" })
	case "bool":
		return w.one(func() string { return e("int") + []string{" < ", " == ", " >= ", " != "}[w.pick(4)] + e("int") },
			func() string { return "(" + e("bool") + []string{" && ", " || "}[w.pick(2)] + e("bool") + ")" },
			func() string { return "!(" + e("bool") + ")" }, func() string { return e("string") + ".contains(" + e("string") + ")" },
			func() string { return e("string") + ".mentions(" + e([]string{"string", "texts"}[w.pick(2)]) + ")" },
			func() string { return e("string") + " in " + e("texts") }, func() string { return e("int") + " in " + e("numbers") },
			func() string { return w.loop(depth, []string{"all", "exists", "exists_one"}[w.pick(3)], "bool") })
	case "texts":
		return w.one(func() string { return "[" + e("string") + ", " + e("string") + "]" }, func() string { return w.over("votes", "map", "string", depth) },
			func() string { return w.over("texts", "filter", "bool", depth) })
	case "numbers":
		return w.one(func() string { return "[" + e("int") + ", " + e("int") + "]" }, func() string { return w.over("options", "map", "int", depth) },
			func() string { return w.over("numbers", "filter", "bool", depth) })
	case "options":
		return w.one(func() string { return e("options") + ".cheapest()" }, func() string { return e("options") + ".within(" + e("int") + ")" },
			func() string { return w.over("options", "filter", "bool", depth) })
	case "votes":
		return w.over("votes", "filter", "bool", depth)
	}
	plain := func() string {
		return "vote." + []string{"yes", "no", "abstain"}[w.pick(3)] + "('why ' + " + e("string") + ")"
	}
	return w.one(plain, plain, plain,
		func() string { return "vote." + []string{"yes", "no", "abstain"}[w.pick(3)] + "(" + e("string") + ")" },
		func() string { return "vote.approve(" + e("numbers") + ", " + e("string") + ")" },
		func() string {
			return "vote.rank(" + w.over("numbers", "map", "places", depth) + ", " + e("string") + ")"
		},
		func() string {
			return "vote." + []string{"score", "points"}[w.pick(2)] + "(" + e("numbers") + ", " + e("string") + ")"
		},
		func() string { return "vote.same(" + e("votes") + "[0], " + e("string") + ")" })
}

func (w *writer) leaf(kind string) string {
	leaves := map[string][]string{
		"int":    {"0", "1", "2", "7", "-3", "proposal.highest", "proposal.budget", "proposal.opened", "charter.members"},
		"string": {"'a'", "'ä b'", "proposal.title", "proposal.text", "charter.quorum"}, "bool": {"charter.over", "1 < 2", "proposal.form == 'yesno'"},
		"texts": {"proposal.tags", "settings.list('b')", "['x']"}, "numbers": {"[0]", "[1, 0]", "proposal.options.map(o, o.number)"},
		"options": {"proposal.options"}, "votes": {"votes"}, "ballot": {"vote.yes('because')", "vote.abstain('no idea')", "vote.approve([0], 'good')"},
	}
	return leaves[kind][w.pick(len(leaves[kind]))]
}

func (w *writer) one(ways ...func() string) string { return ways[w.pick(len(ways))]() }

func (w *writer) bind(kind string) string {
	name := fmt.Sprintf("n%d", len(w.names))
	w.names = append(w.names, bound{name, kind})
	return name
}

// under writes with the newest name, and forgets it.
func (w *writer) under(write func() string) string {
	n := len(w.names)
	text := write()
	w.names = w.names[:n-1]
	return text
}

func (w *writer) loop(depth int, how, body string) string {
	return w.over([]string{"texts", "numbers", "options", "votes"}[w.pick(4)], how, body, depth)
}

func (w *writer) over(list, how, body string, depth int) string {
	from := w.write(list, depth-1)
	element := map[string]string{"texts": "string", "numbers": "int", "options": "option", "votes": "vote"}[list]
	name := w.bind(element)
	return fmt.Sprintf("%s.%s(%s, %s)", from, how, name, w.under(func() string {
		switch {
		case body == "places":
			return "[" + name + "]"
		case element == "option" && body == "int":
			return name + []string{".cost", ".number"}[w.pick(2)]
		case element == "option":
			return name + ".title.mentions(" + w.write("string", depth-2) + ")"
		case element == "vote" && body == "string":
			return name + []string{".member", ".choice"}[w.pick(2)]
		case element == "vote":
			return name + ".choice == " + w.write("string", depth-2)
		}
		return w.write(body, depth-2)
	}))
}

func drawInput(t *rapid.T) Input {
	word := rapid.SampledFrom([]string{"a", "b", "park", "ä b", "credit", strings.Repeat("w", MaxWord)})
	money := rapid.OneOf(rapid.Uint64Range(0, 20), rapid.Uint64Range(0, MaxAmount))
	in := Input{Charter: Charter{Members: money.Draw(t, "members"), Over: rapid.Bool().Draw(t, "over"), Quorum: word.Draw(t, "quorum")}}
	p := &in.Proposal
	p.Form = rapid.SampledFrom([]Form{YesNo, YesNo, YesNo, Approval, Approval, Ranking, Scores, Points}).Draw(t, "form")
	p.Title, p.Budget, p.Opened, p.Highest, p.Points = word.Draw(t, "title"), money.Draw(t, "budget"), money.Draw(t, "opened"), 5, 10
	p.Text = strings.Repeat(word.Draw(t, "text"), rapid.IntRange(0, 500).Draw(t, "times"))
	p.Tags = rapid.SliceOfN(word, 0, MaxTags).Draw(t, "tags")
	for range rapid.OneOf(rapid.IntRange(0, 4), rapid.IntRange(0, MaxOptions)).Draw(t, "options") {
		p.Options = append(p.Options, Option{word.Draw(t, "option"), money.Draw(t, "cost")})
	}
	for i := range rapid.OneOf(rapid.IntRange(0, 4), rapid.IntRange(0, MaxVotes)).Draw(t, "votes") {
		b := Ballot{Choice: Abstain}
		if p.Form == YesNo {
			b.Choice = rapid.SampledFrom([]Choice{Yes, No, Abstain}).Draw(t, "choice")
		} else if p.Form == Approval && len(p.Options) > 0 {
			b = Ballot{Choice: Approve, Options: []int{rapid.IntRange(0, len(p.Options)-1).Draw(t, "approved")}}
		}
		in.Votes = append(in.Votes, Vote{fmt.Sprintf("%03d%s", i, word.Draw(t, "member")[:1]), b})
	}
	for i, name := range []string{"a", "b", "credit"} {
		in.Treasury = append(in.Treasury, Holding{name, money.Draw(t, "holding")})
		in.Settings = append(in.Settings, Setting{name, []string{"7", "park,a", ""}[i]})
	}
	return in
}

// checkVerdict holds what is true of every run of every accepted program within Limit.
func checkVerdict(t interface{ Fatalf(string, ...any) }, p *Program, in Input) Verdict {
	v := p.Run(in, Limit)
	switch {
	case v.Cost > p.Worst(), p.Worst() > Limit:
		t.Fatalf("%s\ncost %d, at worst %d (%s)", p.Source(), v.Cost, p.Worst(), v.Err)
	case strings.Contains(v.Err, ErrOverrun.Error()), strings.Contains(v.Err, ErrFault.Error()):
		t.Fatalf("%s\n%s", p.Source(), v.Err)
	case v.Err != "" && (v.Reason != "" || !v.Same(Ballot{Choice: Abstain})), v.Err == "" && v.Reason == "", len(v.Reason) > MaxReason:
		t.Fatalf("%s\n%+v", p.Source(), v)
	}
	if err := v.Ballot.fits(&in.Proposal); err != nil {
		t.Fatalf("%s\n%v", p.Source(), err)
	}
	return v
}

// TestAccepted: every accepted program ends within its estimate, on any input, with a ballot that fits,
// and twice with the same.
func TestAccepted(t *testing.T) {
	accepted, ran, tried := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{t: t}
		source := w.write("ballot", 4)
		tried++
		p, err := Check(source)
		if err != nil {
			if !errors.Is(err, ErrCost) && !errors.Is(err, ErrSource) && !errors.Is(err, ErrLarge) {
				t.Fatalf("%s\n%v", source, err)
			}
			return
		}
		accepted++
		in := drawInput(t)
		v := checkVerdict(t, p, in)
		if again := mustAgain(t, source).Run(in, Limit); !reflect.DeepEqual(v, again) {
			t.Fatalf("%s\n%+v\n%+v", source, v, again)
		}
		if v.Err == "" {
			ran++
		}
	})
	if accepted*3 < tried || ran*20 < tried {
		t.Errorf("of %d programs %d were accepted and %d voted: this test says little", tried, accepted, ran)
	}
}

func mustAgain(t *rapid.T, source string) *Program {
	p, err := Check(source)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return p
}

// TestGrowth: where nothing stops early, more options and more votes never cost less.
func TestGrowth(t *testing.T) {
	programs := []*Program{
		mustCheck(t, `vote.yes("sum " + string(proposal.options.map(o, o.cost % 5).sum()))`),
		mustCheck(t, `vote.yes("fit " + string(proposal.options.cheapest().within(10).size()))`),
		mustCheck(t, `vote.yes("of " + string(votes.filter(v, v.member in settings.list("b")).map(v, v.member.size()).sum()))`),
		mustCheck(t, `vote.yes("of " + string(proposal.options.filter(o, o.title.mentions(settings.list("b"))).map(o, o.number).sum()))`),
	}
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		in.Votes = nil
		in.Proposal.Form = YesNo
		for i := range rapid.IntRange(0, 50).Draw(t, "votes") {
			in.Votes = append(in.Votes, Vote{fmt.Sprint(i), Ballot{Choice: Yes}})
		}
		small := in
		small.Proposal.Options = in.Proposal.Options[:rapid.IntRange(0, len(in.Proposal.Options)).Draw(t, "fewer")]
		small.Votes = in.Votes[:rapid.IntRange(0, len(in.Votes)).Draw(t, "less")]
		for _, p := range programs {
			if a, b := p.Run(small, Limit), p.Run(in, Limit); a.Cost > b.Cost || a.Err != "" || b.Err != "" {
				t.Fatalf("%s\n%+v\n%+v", p.Source(), a, b)
			}
		}
	})
}

// TestDeterminism: the same proposal, told in any order by any number of threads, gets the same verdict
// at the same cost.
func TestDeterminism(t *testing.T) {
	votes, holdings, settings := map[string]Choice{}, map[string]uint64{}, map[string]string{}
	for i := range 100 {
		votes[fmt.Sprintf("m%02d", i)] = []Choice{Yes, No, Abstain}[i%3]
	}
	for i := range 40 {
		holdings[fmt.Sprintf("asset%d", i)] = uint64(i)
	}
	for i := range 12 {
		settings[fmt.Sprintf("k%d", i)] = "m07,m09,m30,m31,m32"
	}
	build := func() Input {
		in := Input{Proposal: Proposal{Form: YesNo, Title: "A park"}}
		for k, v := range votes {
			in.Votes = append(in.Votes, Vote{k, Ballot{Choice: v}})
		}
		for k, v := range holdings {
			in.Treasury = append(in.Treasury, Holding{k, v})
		}
		for k, v := range settings {
			in.Settings = append(in.Settings, Setting{k, v})
		}
		return in
	}
	const source = `given(first, votes.filter(v, v.member in settings.list("k3") && v.choice != "abstain"),
		given(rich, treasury.filter(h, h.amount > 10 && !h.asset.endsWith("9")),
		first.exists(v, v.choice == "no" && v.member > "m05") ? vote.no(first[0].member + " " + rich[0].asset) : vote.yes(string(rich.size()))))`
	program := mustCheck(t, source)
	want := program.Run(build(), Limit)
	if want.Choice != No || want.Reason != "m07 asset11" {
		t.Fatalf("%+v", want)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, threads := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(threads)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for i := range 50 {
					p := program
					if i%10 == 0 {
						var err error
						if p, err = Check(source); err != nil {
							t.Error(err)
							return
						}
					}
					in := build()
					before := fmt.Sprint(in)
					if got := p.Run(in, Limit); !reflect.DeepEqual(got, want) {
						t.Errorf("%+v, want %+v", got, want)
						return
					}
					if fmt.Sprint(in) != before {
						t.Error("the input was changed")
						return
					}
				}
			})
		}
		all.Wait()
	}
}

// TestSmall compares the written-out letters with Unicode's.
func TestSmall(t *testing.T) {
	for r := rune(0); r < 0x450; r++ {
		covered := r < 0x180 && r != 0x130 || r >= 0x391 && r <= 0x3a9 || r >= 0x400 && r < 0x450
		want := string(r)
		if covered {
			want = string(unicode.ToLower(r))
		}
		if got := small(string(r)); got != want {
			t.Errorf("%U: %q, want %q", r, got, want)
		}
	}
}

// TestShorten: what is shown is one line of valid text that is not too long.
func TestShorten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		most := rapid.IntRange(3, 20).Draw(t, "most")
		got := plain(text, most)
		if len(got) > most || strings.ContainsAny(got, "\n\r\t\x1b\u202e") || strings.ToValidUTF8(got, "") != got {
			t.Fatalf("%q", got)
		}
		if len(text) <= most && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 && got != strings.Trim(text, " ") {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// TestTwins compares examples with the same thing written in Go.
func TestTwins(t *testing.T) {
	programs := map[string]*Program{}
	for _, e := range Examples() {
		programs[e.Name] = mustCheck(t, e.Source)
	}
	rapid.Check(t, func(t *rapid.T) {
		seed := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		in := Input{Proposal: Proposal{Form: YesNo}, Settings: []Setting{{"members", "a,b,c,d,e"}, {"enough", "2"}}}
		count := map[Choice]int{}
		objector := ""
		for _, name := range []string{"a", "b", "c", "d", "e", "x", "y"} {
			choice := []Choice{Yes, No, Abstain, ""}[seed.IntN(4)]
			if choice == "" {
				continue
			}
			in.Votes = append(in.Votes, Vote{name, Ballot{Choice: choice}})
			if name < "f" {
				count[choice]++
				if choice == No && objector == "" {
					objector = name
				}
			}
		}
		want := Abstain
		if count[Yes] > 2 {
			want = Yes
		} else if count[No] > 2 {
			want = No
		}
		if got := programs["majority"].Run(in, Limit); got.Choice != want || got.Err != "" {
			t.Fatalf("%+v: %+v", in.Votes, got)
		}
		want = Abstain
		if objector != "" {
			want = No
		} else if count[Yes] >= 2 {
			want = Yes
		}
		if got := programs["careful"].Run(in, Limit); got.Choice != want || got.Err != "" || want == No && got.Reason != objector+" objects" {
			t.Fatalf("%+v: %+v", in.Votes, got)
		}

		in = Input{Proposal: Proposal{Form: Approval, Budget: uint64(seed.IntN(50))}}
		for range 1 + seed.IntN(8) {
			in.Proposal.Options = append(in.Proposal.Options, Option{"x", 1 + uint64(seed.IntN(20))})
		}
		options, left := in.Proposal.Options, in.Proposal.Budget
		taken := make([]bool, len(options))
		for { // the cheapest that is left, until it doesn't fit
			best := -1
			for i, o := range options {
				if !taken[i] && o.Cost <= left && (best < 0 || o.Cost < options[best].Cost) {
					best = i
				}
			}
			if best < 0 {
				break
			}
			taken[best], left = true, left-options[best].Cost
		}
		var chosen []int
		for i := range options {
			if taken[i] {
				chosen = append(chosen, i)
			}
		}
		got := programs["cheapest"].Run(in, Limit)
		if got.Err != "" || !got.Same(Ballot{Choice: Approve, Options: chosen}) && !(len(chosen) == 0 && got.Choice == Abstain) {
			t.Fatalf("%+v: %+v, want %v", in.Proposal, got, chosen)
		}
	})
}

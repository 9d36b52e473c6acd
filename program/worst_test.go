package program

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// big is the largest input.
func big() Input {
	in := Input{Proposal: Proposal{Form: YesNo, Title: strings.Repeat("t", 200), Text: strings.Repeat("ab", 16<<10)}}
	for i := range MaxOptions {
		in.Proposal.Options = append(in.Proposal.Options, Option{strings.Repeat("x", 96), uint64(MaxOptions - i)})
	}
	for i := range MaxVotes {
		in.Votes = append(in.Votes, Vote{Member: strings.Repeat("m", 60) + string(rune('a'+i/16)) + string(rune('a'+i%16)), Ballot: Ballot{Choice: "yes"}})
	}
	for i := range MaxHoldings {
		in.Treasury = append(in.Treasury, Holding{strings.Repeat("m", 60) + string(rune('a'+i/16)) + string(rune('a'+i%16)), 5})
	}
	return in
}

// runaways are programs that a peer could not wait for, each busy with something else. Check refuses
// all of them by their worst cost; here they run, so that the limit is shown to hold without it.
func runaways() map[string]string {
	terms := strings.Repeat("proposal.budget == 0 && ", 60) + "proposal.budget == 0"
	list := "[" + strings.Repeat("1,", MaxWritten-1) + "1]"
	loop := func(body string) string {
		return "proposal.options.all(o, proposal.options.all(p, votes.all(v, " + body + "))) ? vote.yes('a') : vote.no('b')"
	}
	return map[string]string{
		"empty":         loop("v.choice == 'yes'"),
		"and":           loop(terms),
		"div":           loop("!votes.exists(w, 1/p.number == 99 && w.choice == 'x')"),
		"err":           loop("1/0 == 1 || o.number < 256"),
		"listlit":       loop(list + ".size() > 0"),
		"index":         loop(list + "[7] > 0"),
		"in":            loop("!(0 in " + list + ")"),
		"text":          loop("proposal.text.size() > 0"),
		"contains":      loop("proposal.text.contains('aba')"),
		"containsbad":   loop("!proposal.text.contains('" + strings.Repeat("ab", 300) + "c')"),
		"mentions":      loop("proposal.text.mentions('aba')"),
		"mentionsshort": loop("o.title.mentions('x')"),
		"cheapest":      loop("proposal.options.cheapest().size() > 0"),
		"cheapcheap":    loop("proposal.options.cheapest().within(10).size() > 0"),
		"settings":      loop("settings.text('a', 'b') == 'b'"),
		"list":          loop("settings.list('a').size() > 0"),
		"amount":        loop("treasury.amount('credit') == 0"),
		"concat":        loop("(v.member + v.member + v.member + v.member).size() > 0"),
		"concatt":       loop("(proposal.text + proposal.text).size() > 0"),
		"string":        loop("string(o.number) != ''"),
		"map":           loop("proposal.options.map(x, x.number).size() > 0"),
		"filter":        loop("proposal.options.filter(x, x.number > 0).size() > 0"),
		"filter2":       loop("proposal.options.filter(x, o.number > 1000).size() >= 0"),
		"sum":           loop(list + ".sum() > 0"),
		"days":          loop("days(o.number) >= 0"),
		"daysbad":       loop("days(1000000000000) >= 0 || o.number < 999"),
		"vote":          loop("[vote.yes('a')].size() > 0"),
		"rank":          loop("[vote.rank([[1],[2],[3]], 'a')].size() > 0"),
		"ranks":         loop("[vote.rank([[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]], 'a')].size() > 0"),
		"approve":       loop("[vote.approve(" + list + ", 'a')].size() > 0"),
		"given":         loop("given(a, 1, given(b, 2, given(c, 3, a+b+c > 0)))"),
		"cmp":           loop("proposal.text == proposal.text"),
		"tern":          loop("o.number > 99 ? v.member != '' : p.number >= 0"),
		"missing":       loop("settings.text('zzzzzzzzzzzzzzzzzz') == '' || o.number < 999"),
		"idx":           loop("votes[o.number + 1000].choice == '' || o.number < 999"),
		"exone":         loop("votes.exists_one(w, w.member == v.member)"),
		"doubling":      loop("given(a, proposal.text + v.member, given(b, a + a, given(c, b + b, given(d, c + c, d + d)))).size() > 0"),
	}
}

// TestRunaways: a program that does too much is stopped soon after its limit, every time at the same
// cost, with little memory, and abstains with the reason.
func TestRunaways(t *testing.T) {
	in := big()
	for name, source := range runaways() {
		if _, err := Check(source); !errors.Is(err, ErrCost) {
			t.Errorf("%s: %v", name, err)
		}
		p := force(t, source)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v := p.Run(in, Limit)
		runtime.ReadMemStats(&after)
		if !strings.HasSuffix(v.Err, ErrOverrun.Error()) || v.Choice != Abstain || v.Reason != "" {
			t.Errorf("%s: %+v", name, v)
		}
		if v.Cost <= Limit || v.Cost > 2*Limit {
			t.Errorf("%s: stopped at %d", name, v.Cost)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s: %d MB, even though most of it is thrown away", name, used>>20)
		}
		if again := p.Run(in, Limit); !reflect.DeepEqual(v, again) {
			t.Errorf("%s: %+v, then %+v", name, v, again)
		}
		if lower := p.Run(in, 1000); lower.Cost <= 1000 || lower.Cost >= v.Cost || !strings.HasPrefix(lower.Err, "the limit is 1000: ") {
			t.Errorf("%s: %+v", name, lower)
		}
	}
}

// TestReach: what Check says a program can cost at worst is reached by the largest input, about.
func TestReach(t *testing.T) {
	p := mustCheck(t, `vote.abstain("mentioned " + string(proposal.options.filter(o, o.title.mentions("x")).size()))`)
	v := p.Run(big(), Limit)
	if v.Err != "" || v.Cost > p.Worst() || v.Cost < p.Worst()/2 {
		t.Errorf("%+v, at worst %d", v, p.Worst())
	}
}

// BenchmarkWorst is how long the programs take that use up the limit: see Limit.
func BenchmarkWorst(b *testing.B) {
	in := big()
	for name, source := range runaways() {
		p := force(b, source)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p.Run(in, Limit)
			}
		})
	}
}

// BenchmarkRun is what an ordinary program takes.
func BenchmarkRun(b *testing.B) {
	p := mustCheck(b, `proposal.budget <= 50000 && proposal.tags.exists(t, t == "energy") ? vote.yes("cheap energy") : vote.abstain("something else")`)
	in := Input{Proposal: Proposal{Form: YesNo, Budget: 100, Tags: []string{"water", "energy"}}}
	b.ReportAllocs()
	for b.Loop() {
		p.Run(in, Limit)
	}
}

// BenchmarkExamples is what each example takes on the largest input.
func BenchmarkExamples(b *testing.B) {
	in := big()
	in.Settings = []Setting{{"members", "a,b,c,d,e"}, {"words", "park,pool"}, {"tags", "a,b"}}
	for _, e := range Examples() {
		p := mustCheck(b, e.Source)
		b.Run(e.Name, func(b *testing.B) {
			for b.Loop() {
				p.Run(in, Limit)
			}
		})
	}
}

// BenchmarkCheck is what it takes to read a program.
func BenchmarkCheck(b *testing.B) {
	source := Examples()[0].Source
	for b.Loop() {
		if _, err := Check(source); err != nil {
			b.Fatal(err)
		}
	}
}

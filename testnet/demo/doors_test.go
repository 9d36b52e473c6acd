package demo

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/pabulib"
)

func TestOptionNames(t *testing.T) {
	long := strings.Repeat("ł", governance.MaxName)
	for _, c := range []struct{ name, want string }{
		{"A tree", "1234 A tree"},
		{"  A\n tree\t", "1234 A tree"},
		{strings.Repeat("a", governance.MaxName-5), "1234 " + strings.Repeat("a", governance.MaxName-5)},
		{strings.Repeat("a", governance.MaxName-4), "1234 " + strings.Repeat("a", governance.MaxName-8) + "…"},
		{strings.Repeat("a", governance.MaxName-9) + " bcdefgh", "1234 " + strings.Repeat("a", governance.MaxName-9) + "…"},
		{"\xff A tree", "1234 A tree"},
		{long, "1234 " + long[:88] + "…"},
	} {
		got := optionName(pabulib.Project{ID: "1234", Name: c.name})
		if got != c.want || len(got) > governance.MaxName || !utf8.ValidString(got) {
			t.Errorf("%q: %q, expected %q", c.name, got, c.want)
		}
	}
}

// Every project of the file keeps its id, and no two get the same name.
func TestOptionNamesOfTheDemo(t *testing.T) {
	in, err := pabulib.Parse(pabulib.Wesola)
	if err != nil {
		t.Fatal(err)
	}
	cut, names := 0, map[string]bool{}
	for _, p := range in.Projects {
		name := optionName(p)
		if !strings.HasPrefix(name, p.ID+" ") || names[name] {
			t.Errorf("project %s is called %q", p.ID, name)
		}
		names[name] = true
		if full := strings.Join(strings.Fields(p.ID+" "+p.Name), " "); name != full {
			cut++
			if !strings.HasSuffix(name, more) {
				t.Errorf("%q is cut without a sign", name)
			}
		}
	}
	if cut == 0 {
		t.Error("no name is cut, so this shows nothing")
	}
}

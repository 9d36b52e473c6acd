package pabulib

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestCities compares what was read with the counts that each file states about itself.
func TestCities(t *testing.T) {
	for _, c := range []struct {
		file              string
		projects, ballots int
		budget            uint64
		first             Project
	}{
		{"poland_warszawa_2023_wesola.pb", 29, 1181, 1011308, Project{"254", "Bezpieczna Dzielnica 3 - Samoobrona , Ratownictwo i Szkoła Bezpiecznego Upadania", 83800, 313, false}},
		{"poland_warszawa_2023_wlochy.pb", 43, 2220, 1719224, Project{"211", "Budowa oświetlenia ul. Potrzebnej w rejonie osiedla Camelia", 181000, 424, false}},
		{"poland_wroclaw_2016_rejon-nr-4-750.pb", 9, 3765, 750000, Project{"6", "Międzypokoleniowe Centrum Rekreacji – Tymiankowa (III etap)", 750000, 1022, false}},
	} {
		in, err := Parse(read(t, c.file))
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		if len(in.Projects) != c.projects || len(in.Ballots) != c.ballots || in.Budget != c.budget {
			t.Errorf("%s: %d projects, %d ballots, budget %d", c.file, len(in.Projects), len(in.Ballots), in.Budget)
		}
		if in.Projects[0] != c.first || !in.Counted || !in.Decided || in.Get("rule") != "greedy" || in.Get("no such key") != "" {
			t.Errorf("%s: first project %+v", c.file, in.Projects[0])
		}
	}
}

const head = "META\nkey;value\nbudget;100\nPROJECTS\nproject_id;cost;name\na;60;A; with a tail\nb;50;\"B; quoted\"\n"

func TestWhatIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       error
	}{
		{"nothing", "", ErrSection},
		{"no section", "key;value\n", ErrSection},
		{"a section left out", "META\nkey;value\nVOTES\nvoter_id;vote\n", ErrSection},
		{"votes without a head", head + "VOTES\n", ErrSection},
		{"meta without a head", "META\nPROJECTS\n", ErrSection},
		{"no column", head + "VOTES\nvoter_id;choice\n", ErrColumn},
		{"no budget", "META\nkey;value\nPROJECTS\nproject_id;cost\nVOTES\nvoter_id;vote\n", ErrAmount},
		{"part of a unit", "META\nkey;value\nbudget;1\nPROJECTS\nproject_id;cost\na;1.5\n", ErrAmount},
		{"too large", "META\nkey;value\nbudget;1\nPROJECTS\nproject_id;cost\na;9007199254740992\n", ErrAmount},
		{"bad count", "META\nkey;value\nbudget;1\nPROJECTS\nproject_id;cost;votes\na;1;-1\n", ErrAmount},
		{"one id twice", "META\nkey;value\nbudget;1\nPROJECTS\nproject_id;cost\na;1\na;2\n", ErrRepeated},
		{"unknown project", head + "VOTES\nvoter_id;vote\n1;a,c\n", ErrUnknown},
		{"project twice", head + "VOTES\nvoter_id;vote\n1;a,a\n", ErrRepeated},
		{"points missing", head + "VOTES\nvoter_id;vote;points\n1;a,b;3\n", ErrPoints},
		{"points no number", head + "VOTES\nvoter_id;vote;points\n1;a;x\n", ErrAmount},
		{"too long", string(make([]byte, MaxFile+1)), ErrSize},
	} {
		if _, err := Parse([]byte(c.file)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestPointsQuotesAndEmptyBallots(t *testing.T) {
	in, err := Parse([]byte("\ufeff" + head + "VOTES\nvoter_id;vote;points\n1;b,a;3,1\n2;;\n"))
	if err != nil {
		t.Fatal(err)
	}
	if in.Projects[1].Name != "B; quoted" || in.Counted || in.Decided {
		t.Errorf("projects %+v", in.Projects)
	}
	if b := in.Ballots[0]; b.Projects[0] != 1 || b.Points[0] != 3 || b.Points[1] != 1 {
		t.Errorf("first ballot %+v", b)
	}
	if b := in.Ballots[1]; b.Voter != "2" || len(b.Projects) != 0 {
		t.Errorf("empty ballot %+v", b)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head + "VOTES\nvoter_id;vote;points\n1;b,a;3,1\n"))
	f.Add(read(f, "poland_wroclaw_2016_rejon-nr-4-750.pb")[:3000])
	f.Fuzz(func(t *testing.T, file []byte) {
		in, err := Parse(file)
		if err != nil {
			return
		}
		for _, b := range in.Ballots {
			for _, p := range b.Projects {
				if p < 0 || p >= len(in.Projects) {
					t.Fatalf("ballot of %q names project %d of %d", b.Voter, p, len(in.Projects))
				}
			}
		}
	})
}

package preflib

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
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

// TestElections compares what was read with what stands in the files, seen by eye.
func TestElections(t *testing.T) {
	for _, c := range []struct {
		file, kind   string
		options      []string
		voters       uint64
		orders       int
		first, last  Order
		ties, partly int // orders
	}{
		{"glasgow-2007-anderston.soi", "soi", []string{"Nina Baker", "Erin Boyle", "Philip Braat", "Dave Holladay", "Akhtar Khan", "Ann Laird", "Craig Mackay", "Gordon Matheson", "Peter Murray"},
			6900, 2031, Order{476, [][]int{{6}}, true}, Order{1, [][]int{{8}, {1}}, true}, 0, 1490},
		{"burlington-2009-mayor.toi", "toi", []string{"Bob Kiss", "Andy Montroll", "James Simpson", "Dan Smith", "Kurt Wright", "Write-In"},
			8980, 384, Order{840, [][]int{{4}}, true}, Order{1, [][]int{{5}, {3}}, true}, 6, 382},
		{"debian-2003-leader.toc", "toc", []string{"Moshe Zadka", "Bdale Garbee", "Branden Robinson", "Martin Michlmayr", "None Of The Above"},
			488, 83, Order{34, [][]int{{2}, {3}, {1}, {4}, {0}}, false}, Order{1, [][]int{{4}, {0, 1, 2, 3}}, false}, 30, 0},
	} {
		e, err := Parse(read(t, c.file))
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		if e.Type != c.kind || e.Voters != c.voters || len(e.Orders) != c.orders || !reflect.DeepEqual(e.Options, c.options) {
			t.Errorf("%s: type %s, %d voters, %d orders, options %q", c.file, e.Type, e.Voters, len(e.Orders), e.Options)
		}
		if first, last := e.Orders[0], e.Orders[len(e.Orders)-1]; !reflect.DeepEqual(first, c.first) || !reflect.DeepEqual(last, c.last) {
			t.Errorf("%s: first order %v, last %v", c.file, first, last)
		}
		ties, partly := 0, 0
		for _, o := range e.Orders {
			if o.Truncated {
				partly++
			}
			for _, place := range o.Places {
				if len(place) > 1 {
					ties++
					break
				}
			}
		}
		if ties != c.ties || partly != c.partly {
			t.Errorf("%s: %d orders with ties, %d truncated", c.file, ties, partly)
		}
	}
}

func file(kind, options, voters, orders, rest string) string {
	return "# TITLE: Sweets\n# DATA TYPE: " + kind + "\n# NUMBER ALTERNATIVES: " + options + "\n# NUMBER VOTERS: " + voters +
		"\n# NUMBER UNIQUE ORDERS: " + orders + "\n# ALTERNATIVE NAME 1: Anise\n# ALTERNATIVE NAME 2: Mint: fresh\n# ALTERNATIVE NAME 3: Plum\n" + rest
}

func TestOrders(t *testing.T) {
	e, err := Parse([]byte("\ufeff" + file("toi", "3", "9", "3", "\r\n4: 2,{ 1 , 3 }\r\n 3 :{3,2} , 1\n2: {2}")))
	if err != nil {
		t.Fatal(err)
	}
	want := []Order{{4, [][]int{{1}, {0, 2}}, false}, {3, [][]int{{2, 1}, {0}}, false}, {2, [][]int{{1}}, true}}
	if !reflect.DeepEqual(e.Orders, want) || e.Title != "Sweets" || e.Options[1] != "Mint: fresh" {
		t.Errorf("%+v", e)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       error
	}{
		{"nothing", "", ErrHead},
		{"only a head", file("soi", "3", "1", "1", ""), ErrHead},
		{"no head", "1: 1,2\n", ErrHead},
		{"a line of the head missing", strings.Replace(file("soi", "3", "1", "1", "1: 1"), "# NUMBER VOTERS: 1\n", "", 1), ErrHead},
		{"a line of the head twice", "# DATA TYPE: soi\n" + file("soi", "3", "1", "1", "1: 1"), ErrHead},
		{"a line of the head too late", file("soi", "3", "1", "1", "1: 1\n# NUMBER VOTERS: 1"), ErrHead},
		{"a name too late", file("soi", "3", "1", "1", "1: 1\n# ALTERNATIVE NAME 4: Date"), ErrName},
		{"another type", file("cat", "3", "1", "1", "1: 1"), ErrType},
		{"a name too few", file("soi", "4", "1", "1", "1: 1"), ErrName},
		{"a name too many", file("soi", "2", "1", "1", "1: 1"), ErrName},
		{"a name out of order", file("soi", "4", "1", "1", "# ALTERNATIVE NAME 5: Date\n1: 1"), ErrName},
		{"too many options", file("soi", "1025", "1", "1", "1: 1"), ErrNumber},
		{"no voters", file("soi", "3", "0", "1", "1: 1"), ErrNumber},
		{"no number", file("soi", "3", "1", "one", "1: 1"), ErrNumber},
		{"a count of nothing", file("soi", "3", "1", "1", "0: 1"), ErrNumber},
		{"a negative count", file("soi", "3", "1", "1", "-1: 1"), ErrNumber},
		{"too many voters", file("soi", "3", "1099511627776", "2", "1099511627776: 1\n1: 2"), ErrNumber},
		{"no colon", file("soi", "3", "1", "1", "1 2 3"), ErrOrder},
		{"an empty order", file("soi", "3", "1", "1", "1:"), ErrOrder},
		{"a comma at the end", file("soi", "3", "1", "1", "1: 1,"), ErrOrder},
		{"an empty tie", file("toi", "3", "1", "1", "1: {}"), ErrOrder},
		{"an open tie", file("toi", "3", "1", "1", "1: {1,2"), ErrOrder},
		{"a tie without a comma", file("toi", "3", "1", "1", "1: {1,2}3"), ErrOrder},
		{"ties in ties", file("toi", "3", "1", "1", "1: {1,{2,3}}"), ErrOrder},
		{"no option 0", file("soi", "3", "1", "1", "1: 0"), ErrUnknown},
		{"no option 4", file("soi", "3", "1", "1", "1: 4"), ErrUnknown},
		{"an option twice", file("soi", "3", "1", "1", "1: 2,2"), ErrRepeated},
		{"an option twice in a tie", file("toi", "3", "1", "1", "1: 2,{1,2}"), ErrRepeated},
		{"a tie where none may be", file("soi", "3", "1", "1", "1: {1,2}"), ErrTie},
		{"not complete", file("soc", "3", "1", "1", "1: 1,2"), ErrPartial},
		{"fewer voters", file("soi", "3", "2", "1", "1: 1"), ErrCount},
		{"more orders", file("soi", "3", "2", "1", "1: 1\n1: 2"), ErrCount},
		{"no text", file("soi", "3", "1", "1", "1: 1\n# \xff"), ErrText},
		{"too long", string(make([]byte, MaxFile+1)), ErrSize},
	} {
		if _, err := Parse([]byte(c.file)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Parse([]byte(file("soi", "3", "1", "1", "1: 1,9"))); err == nil || !strings.HasPrefix(err.Error(), "line 9: ") {
		t.Errorf("the line is not named: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(file("toi", "3", "9", "3", "4: 2,{1,3}\n3: {3,2},1\n2: {2}\n")))
	f.Add(read(f, "debian-2003-leader.toc"))
	f.Fuzz(func(t *testing.T, file []byte) {
		e, err := Parse(file)
		if err != nil {
			return
		}
		voters := uint64(0)
		for _, o := range e.Orders {
			voters += o.Count
			seen := make([]bool, len(e.Options))
			ranked := 0
			for _, place := range o.Places {
				if len(place) == 0 || len(place) > 1 && e.Type[0] == 's' {
					t.Fatalf("%s: place %v", e.Type, place)
				}
				for _, i := range place {
					if seen[i] {
						t.Fatalf("%v names %d twice", o, i)
					}
					seen[i] = true
					ranked++
				}
			}
			if o.Truncated != (ranked < len(seen)) || o.Truncated && e.Type[2] == 'c' {
				t.Fatalf("%s: truncated %v, %d of %d", e.Type, o.Truncated, ranked, len(seen))
			}
		}
		if voters != e.Voters || voters > MaxVoters {
			t.Fatalf("%d voters, the file says %d", voters, e.Voters)
		}
	})
}

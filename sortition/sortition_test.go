package sortition

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// people are so many candidates: name i is the byte i+1, 32 times.
func people(n int) []ID {
	ids := make([]ID, n)
	for i := range ids {
		for j := range ids[i] {
			ids[i][j] = byte(i + 1)
		}
	}
	return ids
}

// names are the people's numbers again, from 1.
func names(jurors []Juror) (numbers []int) {
	for _, j := range jurors {
		numbers = append(numbers, int(j.ID[0]))
	}
	return numbers
}

// TestPublished compares with tickets computed by another implementation of SHA-256 (Python's hashlib) from
// the seed 00 01 .. 1f, the words "award 7" and the names of six people.
func TestPublished(t *testing.T) {
	d := &Draw{Purpose: "award 7", Candidates: people(6), Seats: []int{2}, Reserves: 2}
	for i := range d.Seed {
		d.Seed[i] = byte(i)
	}
	want := []struct {
		who    int
		ticket string
	}{
		{4, "1650520f8524737266cf79f54548303fb4674408b16554cdfa482576118c1fe0"},
		{6, "434c7d86788915f7592d65a34527352180607c3060b51bfbf27bd557cb1671ef"},
		{5, "4f858249c5f398dcedc316278e28cd66d4094ee4fafd5ce5e8d3db8c6e7f382b"},
		{1, "7c74c1b5b4f8609cb12871e181313d9dc430e42f0ee5ed587ffe2d2fa52f9b1f"},
	}
	jury, err := d.Jury()
	if err != nil || len(jury.Jurors) != 2 || len(jury.Reserves) != 2 {
		t.Fatal(jury, err)
	}
	for i, j := range append(jury.Jurors, jury.Reserves...) {
		if int(j.ID[0]) != want[i].who || hex.EncodeToString(j.Ticket[:]) != want[i].ticket || Ticket(d.Seed, d.Purpose, j.ID) != j.Ticket {
			t.Errorf("place %d: person %d with %x, want %v", i+1, j.ID[0], j.Ticket, want[i])
		}
	}
	mixed := Mix(d.Seed, [32]byte(slices.Repeat([]byte{255}, 32)))
	if got := hex.EncodeToString(mixed[:]); got != "50473549565866d7efcc486bcf3072145a9616a6a6f3cdf8cc6158ff2178e5dd" {
		t.Errorf("mixed %s", got)
	}

	d.Excluded = []ID{{}, d.Candidates[5], {255}} // and two who are no candidates
	jury, err = d.Jury()
	if got := append(names(jury.Jurors), names(jury.Reserves)...); err != nil || !slices.Equal(got, []int{4, 5, 1, 2}) {
		t.Errorf("without person 6: %v %v", got, err)
	}
	jury, err = jury.Replace(d.Candidates[3])
	if got := append(names(jury.Jurors), names(jury.Reserves)...); err != nil || !slices.Equal(got, []int{5, 1, 2}) {
		t.Errorf("without person 4: %v %v", got, err)
	}
	d.Excluded, d.Classes, d.Seats, d.Reserves = nil, []int{0, 0, 0, 1, 1, 1}, []int{2, 1}, 1
	jury, err = d.Jury()
	if got := append(names(jury.Jurors), names(jury.Reserves)...); err != nil || !slices.Equal(got, []int{4, 1, 2, 6, 3}) {
		t.Errorf("by classes: %v %v", got, err)
	}
	d.Seats = []int{2, 0}
	jury, err = d.Jury()
	if got := append(names(jury.Jurors), names(jury.Reserves)...); err != nil || !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("a class without seats: %v %v", got, err)
	}
}

// drawDraw draws a draw that can be held.
func drawDraw(t *rapid.T) *Draw {
	n := rapid.IntRange(1, 30).Draw(t, "candidates")
	d := &Draw{
		Seed: sha256.Sum256(rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "seed")), Purpose: rapid.StringN(1, 20, 40).Draw(t, "purpose"),
		Candidates: people(n + 5)[5:], Reserves: rapid.IntRange(0, 8).Draw(t, "reserves"),
	}
	if rapid.Bool().Draw(t, "strangers") {
		d.Excluded = people(5) // before all candidates
	}
	free := make([]int, rapid.IntRange(1, 3).Draw(t, "classes"))
	if len(free) > 1 {
		d.Classes = rapid.SliceOfN(rapid.IntRange(0, len(free)-1), n, n).Draw(t, "class")
	}
	for i, id := range d.Candidates {
		if rapid.IntRange(0, 3).Draw(t, "conflict") == 0 {
			d.Excluded = append(d.Excluded, id)
		} else if d.Classes != nil {
			free[d.Classes[i]]++
		} else {
			free[0]++
		}
	}
	for _, most := range free {
		d.Seats = append(d.Seats, rapid.IntRange(0, most).Draw(t, "seats"))
	}
	if slices.Max(d.Seats) == 0 {
		t.Skip("nobody is to be drawn")
	}
	return d
}

func mustDraw(t *rapid.T, d *Draw) Jury {
	jury, err := d.Jury()
	if err != nil {
		t.Fatal(err)
	}
	return jury
}

// TestTwin compares with the definition: a juror is who has fewer candidates below in the class than the
// class has seats.
func TestTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDraw(t)
		jury := mustDraw(t, d)
		var want Jury
		class := func(i int) int {
			if d.Classes == nil {
				return 0
			}
			return d.Classes[i]
		}
		for i, id := range d.Candidates {
			if slices.Contains(d.Excluded, id) {
				continue
			}
			ticket, below := Ticket(d.Seed, d.Purpose, id), 0
			for k, other := range d.Candidates {
				lower := Ticket(d.Seed, d.Purpose, other)
				if class(k) == class(i) && !slices.Contains(d.Excluded, other) && string(lower[:]) < string(ticket[:]) {
					below++
				}
			}
			switch seats := d.Seats[class(i)]; {
			case below < seats:
				want.Jurors = append(want.Jurors, Juror{id, class(i), ticket})
			case seats > 0 && below < seats+d.Reserves:
				want.Reserves = append(want.Reserves, Juror{id, class(i), ticket})
			}
		}
		for _, part := range [][]Juror{want.Jurors, want.Reserves} {
			slices.SortFunc(part, func(a, b Juror) int { return strings.Compare(string(a.Ticket[:]), string(b.Ticket[:])) })
		}
		if !slices.Equal(jury.Jurors, want.Jurors) || !slices.Equal(jury.Reserves, want.Reserves) {
			t.Fatalf("drew %v, want %v", jury, want)
		}
		if err := Verify(d, nil, jury); err != nil {
			t.Fatal(err)
		}
	})
}

// TestReplace checks that whoever leaves, in whatever order, the jury is the one that a draw without them
// would give.
func TestReplace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDraw(t)
		jury := mustDraw(t, d)
		first := slices.Clone(jury.Jurors)
		var all, declined []ID
		for _, m := range append(slices.Clone(jury.Jurors), jury.Reserves...) {
			all = append(all, m.ID)
		}
		left := jury
		for _, who := range rapid.Permutation(all).Draw(t, "who")[:rapid.IntRange(0, len(all)).Draw(t, "many")] {
			next, err := left.Replace(who)
			if errors.Is(err, ErrNoReserve) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := next.Replace(who); !errors.Is(err, ErrNotDrawn) {
				t.Fatalf("who has left leaves again: %v", err)
			}
			left, declined = next, append(declined, who)
		}
		again := *d
		again.Excluded = append(slices.Clone(d.Excluded), declined...)
		slices.SortFunc(again.Excluded, ID.Compare)
		want := mustDraw(t, &again)
		if !slices.Equal(left.Jurors, want.Jurors) {
			t.Fatalf("%v left: %v, a new draw gives %v", declined, left.Jurors, want.Jurors)
		}
		if !slices.Equal(jury.Jurors, first) {
			t.Fatal("Replace has changed the jury it was given")
		}
		if err := Verify(d, declined, left); err != nil {
			t.Fatal(err)
		}
		if len(declined) > 0 {
			if err := Verify(d, nil, left); !errors.Is(err, ErrNotDrawn) {
				t.Fatalf("a jury after replacements passes for the first one: %v", err)
			}
		}
	})
}

// TestNoReserve leaves a seat without reserves of its class.
func TestNoReserve(t *testing.T) {
	d := &Draw{Purpose: "x", Candidates: people(5), Classes: []int{0, 0, 0, 1, 0}, Seats: []int{1, 1}, Reserves: 9}
	jury, err := d.Jury()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jury.Replace(d.Candidates[3]); !errors.Is(err, ErrNoReserve) {
		t.Errorf("the only one of a class leaves: %v", err)
	}
	if err := Verify(d, d.Candidates[3:4], jury); !errors.Is(err, ErrNoReserve) {
		t.Errorf("a jury is checked without the only one of a class: %v", err)
	}
	if err := Verify(d, []ID{{}}, jury); !errors.Is(err, ErrNotDrawn) {
		t.Errorf("a stranger leaves: %v", err)
	}
}

// TestVerify changes one thing about a jury that was drawn.
func TestVerify(t *testing.T) {
	d := &Draw{Seed: [32]byte{7}, Purpose: "x", Candidates: people(9), Seats: []int{3}, Reserves: 3}
	for _, c := range []struct {
		name   string
		change func(*Jury)
		want   error
	}{
		{"nothing", func(*Jury) {}, nil},
		{"a ticket", func(j *Jury) { j.Jurors[1].Ticket[31]++ }, ErrTicket},
		{"a name", func(j *Jury) { j.Jurors[1].ID[31]++ }, ErrTicket},
		{"a class", func(j *Jury) { j.Jurors[1].Class++ }, ErrNotDrawn},
		{"the order", func(j *Jury) { j.Jurors[0], j.Jurors[1] = j.Jurors[1], j.Jurors[0] }, ErrNotDrawn},
		{"a reserve in a seat", func(j *Jury) { j.Jurors[2], j.Reserves[0] = j.Reserves[0], j.Jurors[2] }, ErrNotDrawn},
		{"one juror fewer", func(j *Jury) { j.Jurors = j.Jurors[:2] }, ErrNotDrawn},
		{"one juror more", func(j *Jury) { j.Jurors, j.Reserves = append(j.Jurors, j.Reserves[0]), j.Reserves[1:] }, ErrNotDrawn},
		{"a reserve's ticket", func(j *Jury) { j.Reserves[0].Ticket[0]++ }, ErrTicket},
		{"one reserve more", func(j *Jury) {
			for _, id := range d.Candidates {
				m := Juror{ID: id, Ticket: Ticket(d.Seed, d.Purpose, id)}
				if !slices.Contains(j.Jurors, m) && !slices.Contains(j.Reserves, m) {
					j.Reserves = append(j.Reserves, m)
					return
				}
			}
		}, ErrNotDrawn},
		{"no reserves", func(j *Jury) { j.Reserves = nil }, ErrNotDrawn},
	} {
		jury, err := d.Jury()
		if err != nil {
			t.Fatal(err)
		}
		c.change(&jury)
		if err := Verify(d, nil, jury); !errors.Is(err, c.want) {
			t.Errorf("%s changed: %v, want %v", c.name, err, c.want)
		}
	}
	jury, _ := d.Jury()
	for name, other := range map[string]Draw{
		"seed":    {Seed: [32]byte{8}, Purpose: "x", Candidates: d.Candidates, Seats: d.Seats, Reserves: 3},
		"purpose": {Seed: d.Seed, Purpose: "y", Candidates: d.Candidates, Seats: d.Seats, Reserves: 3},
	} {
		if err := Verify(&other, nil, jury); !errors.Is(err, ErrTicket) {
			t.Errorf("with another %s: %v", name, err)
		}
	}
	if err := Verify(&Draw{}, nil, jury); !errors.Is(err, ErrPurpose) {
		t.Errorf("without a draw: %v", err)
	}
}

func TestCheck(t *testing.T) {
	two := people(2)
	for i, c := range []struct {
		change func(*Draw)
		want   error
	}{
		{func(*Draw) {}, nil},
		{func(d *Draw) { d.Purpose = "" }, ErrPurpose},
		{func(d *Draw) { d.Purpose = strings.Repeat("x", MaxPurpose) }, nil},
		{func(d *Draw) { d.Purpose = strings.Repeat("x", MaxPurpose+1) }, ErrPurpose},
		{func(d *Draw) { d.Candidates = []ID{two[0], two[0]} }, ErrCandidates},
		{func(d *Draw) { d.Candidates = []ID{two[1], two[0]} }, ErrCandidates},
		{func(d *Draw) { d.Candidates = many(MaxCandidates + 1) }, ErrCandidates},
		{func(d *Draw) { d.Excluded = []ID{two[1], two[0]} }, ErrExcluded},
		{func(d *Draw) { d.Excluded = []ID{two[1], two[1]} }, ErrExcluded},
		{func(d *Draw) { d.Seats = nil }, ErrClasses},
		{func(d *Draw) { d.Seats = make([]int, MaxClasses+1); d.Seats[0] = 1 }, ErrClasses},
		{func(d *Draw) { d.Seats = make([]int, MaxClasses); d.Seats[0] = 1 }, nil},
		{func(d *Draw) { d.Classes = []int{0} }, ErrClasses},
		{func(d *Draw) { d.Classes = []int{0, 1} }, ErrClasses},
		{func(d *Draw) { d.Classes = []int{0, -1} }, ErrClasses},
		{func(d *Draw) { d.Seats = []int{0} }, ErrSeats},
		{func(d *Draw) { d.Seats = []int{-1, 2} }, ErrSeats},
		{func(d *Draw) { d.Reserves = -1 }, ErrSeats},
		{func(d *Draw) { d.Seats = []int{3} }, ErrTooFew},
		{func(d *Draw) { d.Seats = []int{math.MaxInt}; d.Reserves = math.MaxInt }, ErrTooFew},
		{func(d *Draw) { d.Seats = []int{1, 1} }, ErrTooFew},
		{func(d *Draw) { d.Excluded = two[:1]; d.Seats = []int{2} }, ErrTooFew},
	} {
		d := &Draw{Purpose: "x", Candidates: two, Seats: []int{1}}
		c.change(d)
		jury, err := d.Jury()
		if !errors.Is(err, c.want) {
			t.Errorf("case %d: %v, want %v", i, err, c.want)
		}
		if err != nil && jury.Jurors != nil {
			t.Errorf("case %d: a jury in spite of %v", i, err)
		}
	}
}

// many are candidates with ascending names.
func many(n int) []ID {
	ids := make([]ID, n)
	for i := range ids {
		binary.BigEndian.PutUint64(ids[i][:], uint64(i))
	}
	return ids
}

// TestUniform holds many draws with fixed seeds and compares how often each person, each pair of people and
// each order of people was drawn with what is expected: Pearson's chi-square, in whole numbers. The bounds
// are its quantiles of 1/1000 from below and above; people drawn without replacement have the factor
// (n-1)/n / (1-k/n) that makes the sum chi-square with n-1 degrees of freedom.
func TestUniform(t *testing.T) {
	draw := func(trial, n, seats int) []int {
		var seed [32]byte
		binary.BigEndian.PutUint64(seed[:], uint64(trial))
		d := &Draw{Seed: seed, Purpose: "uniform", Candidates: people(n), Seats: []int{seats}}
		jury, err := d.Jury()
		if err != nil {
			t.Fatal(err)
		}
		return names(jury.Jurors)
	}
	squares := func(count map[string]int, cells, expected int) (sum int) {
		sum = (cells - len(count)) * expected * expected
		for _, c := range count {
			sum += (c - expected) * (c - expected)
		}
		return sum
	}
	people, pairs, orders := map[string]int{}, map[string]int{}, map[string]int{}
	for trial := range 4000 {
		for _, who := range draw(trial, 20, 5) {
			people[fmt.Sprint(who)]++
		}
	}
	for trial := range 4500 {
		pair := draw(trial, 10, 2)
		slices.Sort(pair)
		pairs[fmt.Sprint(pair)]++
	}
	for trial := range 2400 {
		orders[fmt.Sprint(draw(trial, 4, 4))]++
	}
	// chi-square = sum × num / den, bounds in thousandths
	for _, c := range []struct {
		name             string
		sum, num, den    int
		lowest, greatest int
	}{
		{"5 of 20 people", squares(people, 20, 1000), 19, 1000 * 15, 5407, 43820},
		{"45 pairs", squares(pairs, 45, 100), 1, 100, 20576, 78750},
		{"24 orders", squares(orders, 24, 100), 1, 100, 7529, 49728},
	} {
		if c.sum*c.num*1000 < c.lowest*c.den || c.sum*c.num*1000 > c.greatest*c.den {
			t.Errorf("%s: chi-square %d/%d", c.name, c.sum*c.num, c.den)
		}
		t.Logf("%s: chi-square %d/%d", c.name, c.sum*c.num, c.den)
	}
}

func BenchmarkJury(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		d := &Draw{Purpose: "bench", Candidates: many(n), Seats: []int{15}, Reserves: 15}
		b.Run(fmt.Sprintf("candidates=%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := d.Jury(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/candidate")
		})
		b.Run(fmt.Sprintf("hashes=%d", n), func(b *testing.B) { // the floor: each ticket once
			text := make([]byte, 32+5+32)
			for b.Loop() {
				for range n {
					ticket := sha256.Sum256(text)
					text[68] = ticket[0]
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/candidate")
		})
	}
}

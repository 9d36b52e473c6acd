package table

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// fill reads these keys and values in turn.
func fill(list ...any) func(any) error {
	return func(into any) error {
		switch into := into.(type) {
		case *Number:
			*into = list[0].(Number)
		case *string:
			*into = list[0].(string)
		default:
			return fmt.Errorf("what is a %T?", into)
		}
		list = list[1:]
		return nil
	}
}

func TestAppend(t *testing.T) {
	var table Table[Number, string]
	rows := RowsOf(&table)
	for key, want := range []error{nil, nil, nil} {
		if err := rows.Append(fill(Number(key*10), "x")); err != want {
			t.Fatal(err)
		}
	}
	before := table.Copy()
	for _, key := range []Number{0, 15, 20} {
		if err := rows.Append(fill(key, "y")); !errors.Is(err, ErrOrder) {
			t.Errorf("%d behind 20: %v", key, err)
		}
	}
	broken := errors.New("broken")
	if err := rows.Append(func(any) error { return broken }); err != broken {
		t.Error(err)
	}
	n := 0
	for key, value := range rows.Each() {
		if want, _ := before.Get(key.(Number)); *value.(*string) != want {
			t.Errorf("row %v is %v", key, value)
		}
		n++
	}
	if rows.Len() != 3 || n != 3 {
		t.Error("a refused row was added")
	}
}

// Differences finds every row that two tables do not share, and none that a copy left alone.
func TestDifferences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table Table[Number, int]
		for k := range rapid.IntRange(0, 60).Draw(t, "rows") {
			table.Set(Number(k), k)
		}
		other, want := table.Copy(), map[Number]bool{}
		for range rapid.IntRange(0, 10).Draw(t, "changes") {
			side, k := &table, Number(rapid.IntRange(0, 70).Draw(t, "key"))
			if rapid.Bool().Draw(t, "side") {
				side = &other
			}
			if rapid.Bool().Draw(t, "delete") {
				side.Delete(k)
			} else {
				side.Set(k, -int(k))
			}
			want[k] = true
		}
		for k := range want {
			if !table.Has(k) && !other.Has(k) {
				delete(want, k)
			}
		}
		got := slices.Collect(Differences(&table, &other))
		if !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
			t.Fatalf("%v differ, expected %v", got, want)
		}
		for range Differences(&table, &other) {
			break
		}
	})
}

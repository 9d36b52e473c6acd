package table

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// plain is a number that has no prefix, tens one whose prefix leaves ten equal.
type (
	plain uint64
	tens  uint64
)

func (p plain) Compare(other plain) int { return cmp.Compare(p, other) }
func (t tens) Compare(other tens) int   { return cmp.Compare(t, other) }
func (t tens) Prefix() uint64           { return uint64(t) / 10 }

// A table behaves as a Go map that is read in key order, and a copy is never touched by later writes
// to either side.
func TestTableAgreesWithAMap(t *testing.T) {
	t.Run("no prefix", agreesWithAMap[plain])
	t.Run("a prefix for ten", agreesWithAMap[tens])
	t.Run("a prefix for each", agreesWithAMap[Number])
}

func agreesWithAMap[K interface {
	Key[K]
	~uint64
}](t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type pair struct {
			table Table[K, int]
			twin  map[K]int
		}
		all := []pair{{twin: map[K]int{}}}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			p := &all[rapid.IntRange(0, len(all)-1).Draw(t, "which")]
			k := K(rapid.IntRange(0, 40).Draw(t, "key"))
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0, 1:
				v := rapid.Int().Draw(t, "value")
				p.table.Set(k, v)
				p.twin[k] = v
			case 2:
				p.table.Delete(k)
				delete(p.twin, k)
			case 3:
				if len(all) < 8 {
					all = append(all, pair{p.table.Copy(), maps.Clone(p.twin)})
				}
			}
		}
		for i := range all {
			compare(t, &all[i].table, all[i].twin)
		}
	})
}

func compare[K interface {
	Key[K]
	~uint64
}](t *rapid.T, table *Table[K, int], twin map[K]int) {
	var keys []K
	for k, v := range All(table) {
		keys = append(keys, k)
		if got, ok := table.Get(k); twin[k] != v || !ok || got != v {
			t.Fatalf("key %d: %d, twin %d", k, v, twin[k])
		}
	}
	want := slices.Sorted(maps.Keys(twin))
	if !slices.Equal(keys, want) || table.Len() != len(want) {
		t.Fatalf("keys %v, twin %v", keys, want)
	}
	var tail []K
	for k := range From(table, 20) {
		tail = append(tail, k)
	}
	if i, _ := slices.BinarySearch(want, 20); !slices.Equal(tail, want[i:]) {
		t.Fatalf("from 20: %v of %v", tail, want)
	}
	if table.Has(99) {
		t.Fatal("has a key nobody set")
	}
}

func TestEarlyStop(t *testing.T) {
	var table Table[Text, int]
	for _, k := range []Text{"b", "a", "c"} {
		table.Set(k, len(k))
	}
	for k := range All(&table) {
		if k != "a" {
			t.Fatalf("began with %s", k)
		}
		break
	}
}

func BenchmarkSetAfterCopy(b *testing.B) {
	var table Table[Number, [64]byte]
	for i := range 100_000 {
		table.Set(Number(i), [64]byte{})
	}
	i := 0
	for b.Loop() {
		c := table.Copy()
		c.Set(Number(i%100_000), [64]byte{1})
		i += 7919
	}
}

// Package table is the ordered map of which all state is made.
//
// Its one idea: Copy is a snapshot that costs nothing until one side changes, so a late event
// re-folds from a snapshot, a reader keeps a frozen view without a lock, and a proposal freezes
// its electorate by keeping the table of members. Iteration is always in key order, so no result
// depends on the order of a Go map.
//
// It is a thin cover over the copy-on-write B-tree of github.com/tidwall/btree. The zero Table is
// empty and ready. A plain Go assignment of a Table shares it; only Copy makes a snapshot. A slice
// inside a value is never written after it was stored.
package table

import (
	"cmp"
	"iter"

	"github.com/tidwall/btree"
)

// Key is what a table is ordered by.
type Key[K any] interface {
	comparable
	Compare(K) int
}

// Text is a text key, ordered by its bytes.
type Text string

// Compare orders by bytes.
func (t Text) Compare(other Text) int { return cmp.Compare(t, other) }

// Number is a number key.
type Number uint64

// Compare orders by value.
func (n Number) Compare(other Number) int { return cmp.Compare(n, other) }

// Prefixed is a key that can say how far it comes by a number alone, as its first bytes do: of two keys the
// greater one never has the smaller Prefix. Where these differ, nothing else is looked at.
type Prefixed interface {
	Prefix() uint64
}

// Prefix is the number itself.
func (n Number) Prefix() uint64 { return uint64(n) }

// row is what the tree holds. Its type names neither K nor V: else the compiler makes the whole library anew for
// each type of key, in each package that knows of a table, and that was three quarters of the time it took to
// compile Coop. The price is a look at another place of the memory for each comparison that the prefix doesn't decide.
type row struct {
	prefix uint64
	of     cell
}

// cell is a *entry[K, V], never written again, or as a place to look for a *spot[K].
type cell interface {
	at() any // where the key is: a *K
}

type spot[K any] struct{ key K }

func (s *spot[K]) at() any { return &s.key }

type entry[K, V any] struct {
	_ [0]func() // nobody compares two
	spot[K]
	value V
}

func rowOf(of cell) row {
	r := row{of: of}
	if p, ok := of.at().(Prefixed); ok {
		r.prefix = p.Prefix()
	}
	return r
}

//go:noinline
func place[K Key[K]](key K) cell { return &spot[K]{key} }

//go:noinline
func order[K Key[K]]() func(a, b row) bool { return less[K] }

func keyOf[K any](r row) K { return *r.of.at().(*K) }

func less[K Key[K]](a, b row) bool {
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	return keyOf[K](a).Compare(keyOf[K](b)) < 0
}

// tree is a *btree.BTreeG[row], made once, here. It does not say so, because the compiler makes all methods of each
// generic type anew in every package that can see it, however far inside. For the same reason the methods of Table
// do as little as they can, and leave the rest to functions that name no K and no V.
type tree any

// degree is the least number of children of an inner node: small nodes make the first write after
// a snapshot cheap.
const degree = 8

//go:noinline
func newTree(less func(a, b row) bool) tree {
	return btree.NewBTreeGOptions(less, btree.Options{Degree: degree, NoLocks: true})
}

//go:noinline
func length(t tree) int {
	if t == nil {
		return 0
	}
	return t.(*btree.BTreeG[row]).Len()
}

// find is the entry at a place, or nil.
//
//go:noinline
func find(t tree, place cell) cell {
	r, _ := t.(*btree.BTreeG[row]).Get(rowOf(place))
	return r.of
}

// last is the entry with the greatest key, or nil.
//
//go:noinline
func last(t tree) cell {
	if t == nil {
		return nil
	}
	r, _ := t.(*btree.BTreeG[row]).Max()
	return r.of
}

//go:noinline
func set(t tree, entry cell) { t.(*btree.BTreeG[row]).Set(rowOf(entry)) }

//go:noinline
func remove(t tree, place cell) { t.(*btree.BTreeG[row]).Delete(rowOf(place)) }

//go:noinline
func snapshot(t tree) tree {
	if t == nil {
		return nil
	}
	return t.(*btree.BTreeG[row]).Copy()
}

//go:noinline
func scan(t tree, yield func(cell) bool) {
	if t != nil {
		t.(*btree.BTreeG[row]).Scan(func(r row) bool { return yield(r.of) })
	}
}

//go:noinline
func ascend(t tree, from cell, yield func(cell) bool) {
	if t != nil {
		t.(*btree.BTreeG[row]).Ascend(rowOf(from), func(r row) bool { return yield(r.of) })
	}
}

// Table maps K to V in key order.
type Table[K Key[K], V any] struct {
	_      [0]func() // nobody compares two
	tree   tree
	writes uint64
}

// Len is the number of rows.
func (t *Table[K, V]) Len() int { return length(t.tree) }

// Get finds the value of a key.
func (t *Table[K, V]) Get(key K) (value V, ok bool) {
	if t.tree != nil {
		if of := find(t.tree, place(key)); of != nil {
			return of.(*entry[K, V]).value, true
		}
	}
	return value, false
}

// Writes is how often the table was written. While it stays the same, what was read still holds.
func (t *Table[K, V]) Writes() uint64 { return t.writes }

// Has tells whether there is a row for key.
func (t *Table[K, V]) Has(key K) bool { return t.tree != nil && find(t.tree, place(key)) != nil }

// Set stores value under key, in place of what was there.
func (t *Table[K, V]) Set(key K, value V) {
	if t.tree == nil {
		t.tree = newTree(order[K]())
	}
	set(t.tree, &entry[K, V]{spot: spot[K]{key}, value: value})
	t.writes++
}

// Delete removes the row of key, if there is one.
func (t *Table[K, V]) Delete(key K) {
	if t.tree != nil {
		remove(t.tree, place(key))
		t.writes++
	}
}

// All yields every row in key order. The table must not be changed while it runs.
func All[K Key[K], V any](t *Table[K, V]) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		scan(t.tree, func(of cell) bool {
			e := of.(*entry[K, V])
			return yield(e.key, e.value)
		})
	}
}

// From yields the rows from key on, in key order. The table must not be changed while it runs.
func From[K Key[K], V any](t *Table[K, V], key K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		ascend(t.tree, place(key), func(of cell) bool {
			e := of.(*entry[K, V])
			return yield(e.key, e.value)
		})
	}
}

// Copy is a snapshot: changes to either side do not show in the other.
func (t *Table[K, V]) Copy() Table[K, V] {
	return Table[K, V]{tree: snapshot(t.tree), writes: t.writes}
}

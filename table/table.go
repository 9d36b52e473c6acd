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

// row is what the tree holds: a *entry[K, V], never written again, or as a place to look for a bare K. Its type
// names neither: else the compiler makes the whole library anew for each type of key, in each package that knows
// of a table, and that was three quarters of the time it took to compile Coop. The price is a look at another
// place of the memory for each comparison that the prefix doesn't decide.
type row struct {
	prefix uint64
	of     any
}

type entry[K, V any] struct {
	key   K
	value V
}

// place is where key is or would be.
func place[K Key[K]](key K) row {
	r := row{of: key}
	if p, ok := r.of.(Prefixed); ok {
		r.prefix = p.Prefix()
	}
	return r
}

func keyOf[K, V any](r row) K {
	if e, ok := r.of.(*entry[K, V]); ok {
		return e.key
	}
	return r.of.(K)
}

func less[K Key[K], V any](a, b row) bool {
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	return keyOf[K, V](a).Compare(keyOf[K, V](b)) < 0
}

// tree is the library's, made once, here.
type tree struct {
	rows *btree.BTreeG[row]
}

// degree is the least number of children of an inner node: small nodes make the first write after
// a snapshot cheap.
const degree = 8

func newTree(less func(a, b row) bool) *tree {
	return &tree{btree.NewBTreeGOptions(less, btree.Options{Degree: degree, NoLocks: true})}
}

func (t *tree) len() int                              { return t.rows.Len() }
func (t *tree) get(place row) (row, bool)             { return t.rows.Get(place) }
func (t *tree) set(r row)                             { t.rows.Set(r) }
func (t *tree) delete(place row)                      { t.rows.Delete(place) }
func (t *tree) scan(yield func(row) bool)             { t.rows.Scan(yield) }
func (t *tree) ascend(from row, yield func(row) bool) { t.rows.Ascend(from, yield) }
func (t *tree) copy() *tree                           { return &tree{t.rows.Copy()} }

// Table maps K to V in key order.
type Table[K Key[K], V any] struct {
	tree   *tree
	writes uint64
}

// Len is the number of rows.
func (t *Table[K, V]) Len() int {
	if t.tree == nil {
		return 0
	}
	return t.tree.len()
}

// Get finds the value of a key.
func (t *Table[K, V]) Get(key K) (V, bool) {
	if t.tree == nil {
		var none V
		return none, false
	}
	r, ok := t.tree.get(place(key))
	if !ok {
		var none V
		return none, false
	}
	return r.of.(*entry[K, V]).value, true
}

// Writes is how often the table was written. While it stays the same, what was read still holds.
func (t *Table[K, V]) Writes() uint64 { return t.writes }

// Has tells whether there is a row for key.
func (t *Table[K, V]) Has(key K) bool {
	_, ok := t.Get(key)
	return ok
}

// Set stores value under key, in place of what was there.
func (t *Table[K, V]) Set(key K, value V) {
	if t.tree == nil {
		t.tree = newTree(less[K, V])
	}
	r := place(key)
	r.of = &entry[K, V]{key, value}
	t.tree.set(r)
	t.writes++
}

// Delete removes the row of key, if there is one.
func (t *Table[K, V]) Delete(key K) {
	if t.tree != nil {
		t.tree.delete(place(key))
		t.writes++
	}
}

// All yields every row in key order. The table must not be changed while it runs.
func (t *Table[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if t.tree != nil {
			t.tree.scan(each(yield))
		}
	}
}

// From yields the rows from key on, in key order. The table must not be changed while it runs.
func (t *Table[K, V]) From(key K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if t.tree != nil {
			t.tree.ascend(place(key), each(yield))
		}
	}
}

func each[K, V any](yield func(K, V) bool) func(row) bool {
	return func(r row) bool {
		e := r.of.(*entry[K, V])
		return yield(e.key, e.value)
	}
}

// Copy is a snapshot: changes to either side do not show in the other.
func (t *Table[K, V]) Copy() Table[K, V] {
	if t.tree == nil {
		return Table[K, V]{}
	}
	return Table[K, V]{tree: t.tree.copy(), writes: t.writes}
}

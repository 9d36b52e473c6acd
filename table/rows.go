package table

import (
	"errors"
	"iter"

	"github.com/tidwall/btree"
)

// ErrOrder refuses a row that is not behind all others.
var ErrOrder = errors.New("the rows of a table do not come in the order of their keys")

// Rows is a table of whatever types, for who writes and reads all tables of a state alike.
type Rows interface {
	// Len is the number of rows.
	Len() int

	// Each yields every row in key order: the key, and the value by reference, which must not be written.
	Each() iter.Seq2[any, any]

	// Append adds a row behind all others. It has read fill in the key, then the value, each given by
	// reference, and returns its errors; ErrOrder if the key is not greater than the last one. After an
	// error nothing has changed.
	Append(read func(into any) error) error
}

// Named is a table with its name in what is written.
type Named struct {
	Name string
	Rows
}

// RowsOf is a table as Rows. These are no methods of Table, because the compiler makes all methods of each table
// anew in every package that only mentions it.
func RowsOf[K Key[K], V any](t *Table[K, V]) Rows { return rows[K, V]{t} }

type rows[K Key[K], V any] struct{ *Table[K, V] }

// Each yields every row.
func (t rows[K, V]) Each() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		scan(t.tree, func(of cell) bool {
			e := of.(*entry[K, V])
			return yield(e.key, &e.value)
		})
	}
}

// Append adds a row behind all others.
func (t rows[K, V]) Append(read func(into any) error) error {
	var key K
	if err := read(&key); err != nil {
		return err
	}
	if of := last(t.tree); of != nil && keyOf[K](row{of: of}).Compare(key) >= 0 {
		return ErrOrder
	}
	var value V
	if err := read(&value); err != nil {
		return err
	}
	t.Set(key, value)
	return nil
}

// Differences yields the keys of the rows that are in one table alone or were not written together: those that
// may differ. Rows that a copy shares with its origin are passed over at the price of comparing two references.
func Differences[K Key[K], V any](t, other *Table[K, V]) iter.Seq[K] {
	return func(yield func(K) bool) {
		a, b := begin(t.tree), begin(other.tree)
		for a.in || b.in {
			var side int
			switch {
			case !b.in:
				side = -1
			case !a.in:
				side = 1
			default:
				side = keyOf[K](a.row).Compare(keyOf[K](b.row))
			}
			differs, r := side != 0 || a.row.of != b.row.of, a.row
			if side > 0 {
				r = b.row
			}
			if differs && !yield(keyOf[K](r)) {
				return
			}
			if side <= 0 {
				a.next()
			}
			if side >= 0 {
				b.next()
			}
		}
	}
}

// walk is a place in a tree.
type walk struct {
	rows btree.IterG[row]
	row  row
	in   bool // false: at the end
}

func begin(t tree) *walk {
	w := &walk{}
	if t != nil {
		w.rows = t.(*btree.BTreeG[row]).Iter()
		w.set(w.rows.First())
	}
	return w
}

func (w *walk) next() { w.set(w.rows.Next()) }

func (w *walk) set(in bool) {
	w.row, w.in = row{}, in
	if in {
		w.row = w.rows.Item()
	}
}

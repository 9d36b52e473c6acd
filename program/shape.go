package program

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// field is one thing that a program can read of a record.
type field struct {
	name string
	kind *types.Type
	most uint64 // bytes of a text, length of a list; 0 for others
	each uint64 // bytes of a text in a list of texts
	get  func(any) ref.Val
	says string
}

// shape is a kind of record that programs see: its name in the language and its fields.
type shape struct {
	kind   *types.Type
	fields []field
}

func newShape(name string, fields ...field) *shape {
	return &shape{kind: types.NewObjectType(name), fields: fields}
}

// find is the number of a field, or -1.
func (s *shape) find(name string) int {
	for i := range s.fields {
		if s.fields[i].name == name {
			return i
		}
	}
	return -1
}

func text[T any](name string, most uint64, says string, get func(*T) string) field {
	return field{name: name, kind: types.StringType, most: most, says: says, get: func(from any) ref.Val {
		return types.String(get(from.(*T)))
	}}
}

func number[T any](name, says string, get func(*T) uint64) field {
	return field{name: name, kind: types.IntType, says: says, get: func(from any) ref.Val {
		return types.Int(int64(get(from.(*T))))
	}}
}

func truth[T any](name, says string, get func(*T) bool) field {
	return field{name: name, kind: types.BoolType, says: says, get: func(from any) ref.Val {
		return types.Bool(get(from.(*T)))
	}}
}

func texts[T any](name string, most, each uint64, says string, get func(*T) []string) field {
	return field{name: name, kind: types.NewListType(types.StringType), most: most, each: each, says: says, get: func(from any) ref.Val {
		return listTexts(get(from.(*T)))
	}}
}

func numbers[T any](name string, most uint64, says string, get func(*T) []int) field {
	return field{name: name, kind: types.NewListType(types.IntType), most: most, says: says, get: func(from any) ref.Val {
		return listNumbers(get(from.(*T)))
	}}
}

func records[T, E any](name string, most uint64, of *shape, says string, get func(*T) []E) field {
	return field{name: name, kind: types.NewListType(of.kind), most: most, says: says, get: func(from any) ref.Val {
		return listRecords(of, get(from.(*T)))
	}}
}

func listTexts(texts []string) ref.Val {
	values := make([]ref.Val, len(texts))
	for i, t := range texts {
		values[i] = types.String(t)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, values)
}

func listNumbers(numbers []int) ref.Val {
	values := make([]ref.Val, len(numbers))
	for i, n := range numbers {
		values[i] = types.Int(n)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, values)
}

func listRecords[E any](of *shape, from []E) ref.Val {
	values := make([]ref.Val, len(from))
	for i := range from {
		values[i] = newRecord(of, &from[i])
	}
	return types.NewRefValList(types.DefaultTypeAdapter, values)
}

// record is one value of a shape. A field is read from Go once, when a program first asks for it: what
// a program reads again and again must cost no more than it is charged for.
type record struct {
	shape *shape
	from  any // pointer to the Go struct, never written
	got   []ref.Val
}

func newRecord(s *shape, from any) *record { return &record{shape: s, from: from} }

func (r *record) field(i int) ref.Val {
	if r.got == nil {
		r.got = make([]ref.Val, len(r.shape.fields))
	}
	if r.got[i] == nil {
		r.got[i] = r.shape.fields[i].get(r.from)
	}
	return r.got[i]
}

// ConvertToNative never succeeds: records stay inside a run.
func (r *record) ConvertToNative(reflect.Type) (any, error) {
	return nil, fmt.Errorf("a %s stays inside the program", r.shape.kind.TypeName())
}

// ConvertToType never succeeds: the language converts no records.
func (r *record) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("a %s can't become anything else", r.shape.kind.TypeName())
}

// Equal never succeeds: checkTypes lets no program compare records.
func (r *record) Equal(ref.Val) ref.Val { return types.NewErr("records can't be compared") }

// Type is the record's shape.
func (r *record) Type() ref.Type { return r.shape.kind }

// Value is the record itself.
func (r *record) Value() any { return r }

// provider tells the checker which fields a shape has, and the interpreter how to read them.
type provider struct{ types.Provider }

func (provider) shape(name string) *shape {
	for _, s := range shapes {
		if s.kind.TypeName() == name {
			return s
		}
	}
	return nil
}

// FindStructType finds a shape by name.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if s := p.shape(name); s != nil {
		return types.NewTypeTypeWithParam(s.kind), true
	}
	return nil, false
}

// FindStructFieldNames lists the fields of a shape.
func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	s := p.shape(name)
	if s == nil {
		return nil, false
	}
	names := make([]string, len(s.fields))
	for i := range s.fields {
		names[i] = s.fields[i].name
	}
	return names, true
}

// FindStructFieldType finds a field of a shape.
func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	s := p.shape(name)
	if s == nil {
		return nil, false
	}
	i := s.find(field)
	if i < 0 {
		return nil, false
	}
	return &types.FieldType{
		Type:  s.fields[i].kind,
		IsSet: func(any) bool { return true },
		GetFrom: func(from any) (any, error) {
			if r, ok := from.(*record); ok && r.shape == s {
				return r.field(i), nil
			}
			return nil, fmt.Errorf("%T is no %s", from, name)
		},
	}, true
}

// NewValue never succeeds: programs make no records.
func (provider) NewValue(name string, _ map[string]ref.Val) ref.Val {
	return types.NewErr("a program can't make a %s", name)
}

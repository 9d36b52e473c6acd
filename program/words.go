package program

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common/types"
)

// Word is one thing that can be written in a program.
type Word struct {
	Write string // how, with the types of what it takes
	Type  string // of what it becomes
	Says  string // what that is
}

// Names are what a program can see: variables, then the fields of each kind of record.
func Names() []Word {
	var list []Word
	for _, v := range variables {
		list = append(list, Word{v.name, v.kind.String(), v.says})
	}
	for _, s := range shapes {
		for _, f := range s.fields {
			list = append(list, Word{s.kind.TypeName() + "." + f.name, f.kind.String(), f.says})
		}
	}
	return list
}

// Functions are what a program can call, beside operators and the ways through a list, which
// docs/programs.md explains.
func Functions() []Word {
	list := make([]Word, len(functions))
	for i, f := range functions {
		name := f.name
		if f.target != nil {
			name = f.target.String() + "." + name
		}
		list[i] = Word{fmt.Sprintf("%s(%s)", name, join(f.args)), f.result.String(), f.says}
	}
	return list
}

func join(kinds []*types.Type) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return strings.Join(names, ", ")
}

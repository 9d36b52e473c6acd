package program

import (
	"embed"
	"strings"
)

//go:embed examples/*.cel
var files embed.FS

// Example is a ready program with its explanation, of which the first line is the title.
type Example struct {
	Name   string // of its file, without the ending
	Title  string
	Source string
}

// Examples are ready programs, by name. All are accepted by Check.
func Examples() []Example {
	entries, err := files.ReadDir("examples")
	if err != nil {
		panic("program: invariant: the examples are part of the binary: " + err.Error())
	}
	list := make([]Example, len(entries))
	for i, entry := range entries {
		source, err := files.ReadFile("examples/" + entry.Name())
		if err != nil {
			panic("program: invariant: the examples are part of the binary: " + err.Error())
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(source), "// "), "\n")
		list[i] = Example{strings.TrimSuffix(entry.Name(), ".cel"), title, string(source)}
	}
	return list
}

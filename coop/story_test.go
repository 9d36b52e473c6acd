package coop

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/*.txt")

// TestStories runs what people do and compares all that they see. In a story a line that begins with
// "> " is a command (see play in world_test.go), the lines after it are its full output, a line that
// begins with # is for the reader. "go test ./coop -update" rewrites the outputs; read the difference
// as you would read code.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			told := tell(w, string(text))
			w.replay()
			w.reread(min(6, 1+1000/(1+len(w.commits))))
			if *update {
				if err := os.WriteFile(file, []byte(told), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if told != string(text) {
				t.Errorf("%s: the story goes otherwise (run with -update and read the difference):\n%s", file, firstDifference(string(text), told))
			}
		})
	}
}

// tell runs the commands of a story and returns it with the outputs as they are.
func tell(w *world, story string) string {
	var out strings.Builder
	output := false
	for _, line := range strings.SplitAfter(story, "\n") {
		bare := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(bare, "> "):
			out.WriteString(line)
			for _, said := range w.play(strings.TrimPrefix(bare, "> ")) {
				out.WriteString(said + "\n")
			}
			output = true
		case bare == "" || strings.HasPrefix(bare, "#"):
			out.WriteString(line)
			output = false
		case !output:
			w.t.Fatalf("neither command nor comment: %q", bare)
		}
	}
	return out.String()
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\n-%s\n+%s", i+1, a[i], b[i])
		}
	}
	return "one is longer"
}

// TestEveryRefusalIsTold: whatever may be refused is refused in a story, in the words that a member
// reads.
func TestEveryRefusalIsTold(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	var told strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		told.Write(text)
	}
	for _, file := range []string{"errors.go", "../governance/errors.go", "../tokens/errors.go", "../missions/errors.go", "../commerce/errors.go", "../surplus/errors.go", "../fold/errors.go"} {
		refusals := 0
		for name, words := range sentinels(t, file) {
			refusals++
			if !strings.Contains(told.String(), words) {
				t.Errorf("%s: no story tells of %s: %q", file, name, words)
			}
		}
		if refusals == 0 {
			t.Errorf("%s: no refusals found", file)
		}
	}
}

// sentinels reads name and words of every errors.New in a file.
func sentinels(t *testing.T, file string) map[string]string {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		call, ok := spec.Values[0].(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		if words, ok := call.Args[0].(*ast.BasicLit); ok {
			text, err := strconv.Unquote(words.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[spec.Names[0].Name] = text
		}
		return true
	})
	return found
}

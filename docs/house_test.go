// Package docs holds what is written about the project to what the project is: the table of floors in
// house.md is read by a test and compared with every import.
package docs

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sustainy/coop"

const (
	maxFunction = 70
	maxFile     = 600
)

// room is one row of the table in house.md.
type room struct {
	path   string
	floor  int
	banned []string // import path prefixes
	pure   bool     // no goroutines, channels, select, sync, clock or randomness
	state  bool     // no builtin maps or floats in struct types
}

// rules translates the words of the table's last column.
var rules = map[string]func(*room){
	"files":      func(r *room) { r.banned = append(r.banned, "os", "io/ioutil", "path/filepath", "syscall") },
	"net":        func(r *room) { r.banned = append(r.banned, "net", "net/http") },
	"clock":      func(r *room) { r.banned = append(r.banned, "!time.Now", "!time.Since", "!time.After", "!time.Sleep") },
	"goroutines": func(r *room) { r.pure = true; r.banned = append(r.banned, "sync", "sync/atomic") },
	"randomness": func(r *room) { r.banned = append(r.banned, "math/rand", "math/rand/v2", "crypto/rand") },
	"maps":       func(r *room) { r.state = true },
	"libp2p":     func(r *room) { r.banned = append(r.banned, "github.com/libp2p") },
	"Badger":     func(r *room) { r.banned = append(r.banned, "github.com/dgraph-io") },
	"domain": func(r *room) {
		r.banned = append(r.banned, module+"/governance", module+"/coop", module+"/fold")
	},
	"node": func(r *room) { r.banned = append(r.banned, module+"/node") },
	"-":    func(*room) {},
}

// readTable reads the rows `| floor | package | is | may not touch |` of house.md.
func readTable(t *testing.T) map[string]*room {
	t.Helper()
	file, err := os.Open("house.md")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rooms := map[string]*room{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		cells := strings.Split(lines.Text(), "|")
		if len(cells) != 6 {
			continue
		}
		floor, err := strconv.Atoi(strings.TrimSpace(cells[1]))
		if err != nil {
			continue
		}
		for _, name := range strings.Fields(strings.ReplaceAll(cells[2], "`", " ")) {
			r := &room{path: name, floor: floor}
			for _, word := range strings.Split(cells[4], ",") {
				rule := rules[strings.TrimSpace(word)]
				if rule == nil {
					t.Fatalf("house.md: %s may not touch %q: no such rule", name, word)
				}
				rule(r)
			}
			rooms[name] = r
		}
	}
	if len(rooms) < 10 {
		t.Fatalf("house.md has %d rooms: is the table still there?", len(rooms))
	}
	return rooms
}

// exceptions are the lines `- exception: path:name: reason` of house.md.
func exceptions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("house.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "- exception: "); ok {
			name, reason, _ := strings.Cut(rest, ": ")
			if strings.TrimSpace(reason) == "" {
				t.Errorf("house.md: exception %s has no reason", name)
			}
			names = append(names, strings.Trim(name, "`"))
		}
	}
	return names
}

func sources(t *testing.T) map[string][]string {
	t.Helper()
	dirs := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != "..") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			dir := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(path, "../")))
			dirs[dir] = append(dirs[dir], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func TestHouse(t *testing.T) {
	rooms := readTable(t)
	allowed := exceptions(t)
	used := map[string]bool{}
	for dir, files := range sources(t) {
		r := rooms[dir]
		if r == nil {
			t.Errorf("package %s stands in no row of house.md", dir)
			continue
		}
		documented := false
		for _, file := range files {
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || tree.Doc != nil
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			v := visit{t: t, room: r, rooms: rooms, set: set, file: strings.TrimPrefix(file, "../"), allowed: allowed, used: used}
			v.imports(tree)
			v.lengths(tree)
			v.inside(tree)
		}
		if !documented {
			t.Errorf("package %s has no package comment", dir)
		}
	}
	for _, name := range allowed {
		if !used[name] {
			t.Errorf("house.md: exception %s is not needed any more", name)
		}
	}
}

type visit struct {
	t       *testing.T
	room    *room
	rooms   map[string]*room
	set     *token.FileSet
	file    string
	allowed []string
	used    map[string]bool
}

func (v *visit) complain(name, format string, args ...any) {
	key := v.file + ":" + name
	if slices.Contains(v.allowed, key) {
		v.used[key] = true
		return
	}
	v.t.Errorf("%s (%s): %s", v.file, name, fmt.Sprintf(format, args...))
}

func (v *visit) imports(tree *ast.File) {
	for _, spec := range tree.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		for _, banned := range v.room.banned {
			if path == banned || strings.HasPrefix(path, banned+"/") && strings.Contains(banned, ".") {
				v.complain(path, "may not be imported here")
			}
		}
		if rest, ours := strings.CutPrefix(path, module+"/"); ours {
			other := v.rooms[rest]
			if other == nil {
				v.complain(path, "stands in no row of house.md")
			} else if other.floor >= v.room.floor {
				v.complain(path, "is on floor %d, not below floor %d", other.floor, v.room.floor)
			}
		}
		if strings.HasPrefix(path, "github.com/dgraph-io/badger") && v.room.path != "crdt/badgerdb" {
			v.complain(path, "only crdt/badgerdb imports Badger")
		}
	}
}

func (v *visit) lengths(tree *ast.File) {
	if n := v.set.Position(tree.End()).Line; n > maxFile {
		v.complain("file", "%d lines, at most %d", n, maxFile)
	}
	for _, decl := range tree.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			if n := v.set.Position(f.End()).Line - v.set.Position(f.Pos()).Line + 1; n > maxFunction {
				v.complain(f.Name.Name, "%d lines, at most %d", n, maxFunction)
			}
		}
	}
}

// inside looks for what the room may not do.
func (v *visit) inside(tree *ast.File) {
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			v.when(v.room.pure, "go", "starts a goroutine")
		case *ast.ChanType:
			v.when(v.room.pure, "chan", "uses a channel")
		case *ast.SelectStmt:
			v.when(v.room.pure, "select", "selects")
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok {
				call := "!" + pkg.Name + "." + n.Sel.Name
				v.when(slices.Contains(v.room.banned, call), call[1:], "reads the clock")
			}
		case *ast.StructType:
			for _, field := range n.Fields.List {
				v.field(field)
			}
		case *ast.Ident:
			v.when(v.room.pure && (n.Name == "float64" || n.Name == "float32"), n.Name, "uses floating point")
		}
		return true
	})
}

func (v *visit) field(field *ast.Field) {
	name := "field"
	if len(field.Names) > 0 {
		name = field.Names[0].Name
	}
	if _, isMap := field.Type.(*ast.MapType); isMap {
		v.when(v.room.state, name, "a builtin map in a struct: state is made of tables")
	}
}

func (v *visit) when(broken bool, name, what string) {
	if broken {
		v.complain(name, "%s", what)
	}
}

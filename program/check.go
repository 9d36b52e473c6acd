package program

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Why a program is refused, in the order of checking. Where and what stands before it, in a Refusal.
var (
	ErrSource   = fmt.Errorf("a program is a text of 1 to %d bytes", MaxSource)
	ErrHidden   = errors.New("a program must be what it looks like: take out signs that can't be seen")
	ErrLarge    = errors.New("this is too long or too deeply nested for one program: make it simpler, and give parts a name with given")
	ErrSyntax   = errors.New("this can't be read: look for a missing bracket, quote or comma")
	ErrMap      = errors.New("there are no maps, because their order differs from peer to peer: use a list")
	ErrRecord   = errors.New("a program can't make records: it reads those it is given")
	ErrFraction = errors.New("there are no fractions, because rounding differs: multiply instead, as in 3 * yes > 2 * all")
	ErrLiteral  = errors.New("only whole numbers, texts, true and false can be written out: there is no null, no 1u and no b'text'")
	ErrWritten  = fmt.Errorf("a list that is written out has at most %d elements: choose a longer one in a setting", MaxWritten)
	ErrAbsent   = errors.New("the language doesn't have this")
	ErrType     = errors.New("this doesn't fit together: docs/programs.md lists every name and what it takes")
	ErrLoop     = errors.New("only lists can be gone through")
	ErrKind     = errors.New("only whole numbers, texts, true and false, records, and lists of them can be used, and in a list all of one kind")
	ErrCompare  = errors.New("only numbers, texts, true and false can be compared or looked for: compare a field or a size")
	ErrJoin     = errors.New("lists can't be joined with +: take both from one list with filter")
	ErrConstant = errors.New("a condition that is always true or always false decides nothing: leave it out")
	ErrResult   = errors.New(`a program must end in a vote, such as vote.yes("why") or vote.abstain("why")`)
	ErrCost     = errors.New("this could cost too much on a large proposal: avoid one loop inside another, and give what is used twice a name with given")
	ErrFault    = errors.New("the language itself failed on this program: please report it")
)

// Refusal says where a program is wrong, what is wrong there and, by Err, why and what to do. Line and
// Column count from 1 and are 0 where the whole program is meant.
type Refusal struct {
	Line, Column int
	Detail       string // may be empty
	Err          error  // one of this package
}

func (r *Refusal) Error() string {
	text := r.Err.Error()
	if r.Detail != "" {
		text = r.Detail + ": " + text
	}
	if r.Line > 0 {
		text = fmt.Sprintf("line %d, column %d: %s", r.Line, r.Column, text)
	}
	return text
}

// Unwrap is Err.
func (r *Refusal) Unwrap() error { return r.Err }

func refuseAt(tree *ast.AST, part int64, err error, detail string) *Refusal {
	line, column := place(tree, part)
	return &Refusal{line, column, detail, err}
}

func refuseCost(worst uint64) *Refusal {
	detail := fmt.Sprintf("up to %d, the limit is %d", worst, Limit)
	if worst == math.MaxUint64 {
		detail = "more than can be counted"
	}
	return &Refusal{Detail: detail, Err: ErrCost}
}

// refuseIssues turns the first thing that the library complains about into a sentence.
func refuseIssues(kind error, issues *cel.Issues) *Refusal {
	first := issues.Errors()[0]
	r := &Refusal{Detail: plain(first.Message, MaxReason), Err: kind}
	if first.Location.Line() > 0 {
		r.Line, r.Column = first.Location.Line(), first.Location.Column()+1
	}
	words := strings.Split(first.Message, "'")
	switch {
	case kind == ErrSyntax && (strings.Contains(first.Message, "limit") || strings.Contains(first.Message, "exceeded")):
		r.Detail, r.Err = "", ErrLarge
	case kind == ErrSyntax:
		r.Detail, _, _ = strings.Cut(strings.TrimPrefix(r.Detail, "Syntax error: "), " expecting ")
	case strings.HasPrefix(first.Message, "undeclared reference to '"):
		r.Detail = "nothing is called " + words[1]
		if why, ok := absent[words[1]]; ok {
			r.Detail, r.Err = why, ErrAbsent
		}
	case strings.Contains(first.Message, "cannot be range of a comprehension"):
		r.Detail, r.Err = "this is of type "+words[1], ErrLoop
	case strings.HasPrefix(first.Message, "undefined field '"):
		r.Detail = "there is no field " + words[1]
	case strings.HasPrefix(first.Message, "found no matching overload for '") && len(words) > 3:
		name := words[1]
		if symbol, ok := operators.FindReverse(name); ok && symbol != "" {
			name = symbol
		}
		r.Detail = name + " doesn't take " + strings.Replace(words[3], ".(", " with (", 1)
	}
	r.Detail = plain(strings.NewReplacer("_?_:_", "? :", "_[_]", "[ ]").Replace(r.Detail), MaxReason)
	return r
}

func checkSource(source string) error {
	if strings.TrimSpace(source) == "" || len(source) > MaxSource {
		return &Refusal{Detail: fmt.Sprintf("%d bytes", len(source)), Err: ErrSource}
	}
	if !utf8.ValidString(source) {
		return &Refusal{Detail: "it is not UTF-8", Err: ErrSource}
	}
	for _, r := range source {
		if r != '\n' && r != '\t' && plain(string(r), 4) != strings.Trim(string(r), " ") {
			return &Refusal{Detail: fmt.Sprintf("it holds %U", r), Err: ErrHidden}
		}
	}
	return nil
}

// absent are words that people who know CEL or another language will try, and what to say to them.
// Nothing is decided here: what exists stands in language.
var absent = map[string]string{
	"now":       "there is no clock, because peers run a program at different times: use proposal.opened, proposal.begins and proposal.closes",
	"timestamp": "times are plain numbers of milliseconds: compare them with each other and with days(n)",
	"duration":  "periods are plain numbers of milliseconds: write days(n)",
	"random":    "there is no chance, because every peer must find the same vote",
	"rand":      "there is no chance, because every peer must find the same vote",
	"matches":   "there are no regular expressions, because what they cost and what they find changes with the library: use contains, startsWith, endsWith or mentions",
	"double":    "there are no fractions, because rounding differs: multiply instead, as in 3 * yes > 2 * all",
	"int":       "texts don't become numbers: use settings.number for what you choose yourself",
	"has":       "every field always exists: compare it with 0 or with an empty text",
	"type":      "there are no types as values",
	"dyn":       "there are no values of unknown kind",
	"reduce":    "there is no reduce: use sum, size, exists, all, filter and map",
	"sort":      "there is no sort but cheapest, for options",
}

// checkWords refuses what can be seen before types are known.
func checkWords(tree *ast.AST) error {
	return visit(tree, func(e ast.Expr) (string, error) {
		switch e.Kind() {
		case ast.MapKind:
			return "a map", ErrMap
		case ast.StructKind:
			return "a record", ErrRecord
		case ast.ListKind:
			// A list costs the same however long it is, so it must be short.
			if n := e.AsList().Size(); n > MaxWritten {
				return fmt.Sprintf("%d elements", n), ErrWritten
			}
		case ast.LiteralKind:
			switch e.AsLiteral().Type() {
			case types.DoubleType:
				return "a fraction", ErrFraction
			case types.IntType, types.StringType, types.BoolType:
			default:
				return "this is of type " + e.AsLiteral().Type().TypeName(), ErrLiteral
			}
		}
		return "", nil
	})
}

// checkTypes refuses whatever could differ between peers, or grow beyond what it is charged for.
func checkTypes(tree *ast.AST) error {
	nothing := map[int64]bool{} // the empty lists that given goes through
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind && e.AsComprehension().IterVar() == unused {
			nothing[e.AsComprehension().IterRange().ID()] = true
		}
	}))
	return visit(tree, func(e ast.Expr) (string, error) {
		if nothing[e.ID()] {
			return "", nil
		}
		kind := tree.GetType(e.ID())
		if !allowed(kind, 2) {
			return "this is of type " + plain(kind.String(), MaxReason), ErrKind
		}
		if e.Kind() == ast.CallKind {
			return checkCall(tree, e.AsCall())
		}
		return "", nil
	})
}

func checkCall(tree *ast.AST, call ast.CallExpr) (string, error) {
	args := call.Args()
	kind := func(i int) *types.Type { return tree.GetType(args[i].ID()) }
	switch call.FunctionName() {
	case operators.Equals, operators.NotEquals, operators.In:
		if k := kind(0).Kind(); k != types.IntKind && k != types.StringKind && k != types.BoolKind {
			return "this is of type " + kind(0).String(), ErrCompare
		}
	case operators.Add:
		// filter and map gather their result with +, in a variable that no program can write.
		gathers := args[0].Kind() == ast.IdentKind && args[0].AsIdent() == "@result"
		if kind(0).Kind() == types.ListKind && !gathers {
			return "", ErrJoin
		}
	case operators.LogicalAnd, operators.LogicalOr:
		// A condition costs nothing by itself, so each must lead to something that does.
		for _, arg := range args {
			if arg.Kind() == ast.LiteralKind {
				return "", ErrConstant
			}
		}
	case operators.Conditional:
		if args[0].Kind() == ast.LiteralKind {
			return "", ErrConstant
		}
	}
	return "", nil
}

// allowed tells whether a type is of this language, with lists at most so deep. Maps and values of
// unknown kind are not, so nothing but a list is ever gone through.
func allowed(kind *types.Type, depth int) bool {
	switch kind.Kind() {
	case types.BoolKind, types.IntKind, types.StringKind:
		return true
	case types.StructKind:
		return provider{}.shape(kind.TypeName()) != nil
	case types.OpaqueKind:
		return kind.IsExactType(ballotType)
	case types.ListKind:
		return depth > 0 && allowed(kind.Parameters()[0], depth-1)
	}
	return false
}

// visit asks about every part of a tree and refuses the first one, from the inside, that there is an
// error for.
func visit(tree *ast.AST, wrong func(ast.Expr) (detail string, err error)) error {
	var refusal error
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if refusal != nil {
			return
		}
		if detail, err := wrong(e); err != nil {
			refusal = refuseAt(tree, e.ID(), err, detail)
		}
	}))
	return refusal
}

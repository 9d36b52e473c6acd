// Package program runs automated voting programs: short texts, written by members, that decide how a
// member votes on a proposal and give the reason.
//
// Its one idea: a program is a pure function from a fixed, bounded description of a proposal to a
// ballot, so every peer that runs it finds the same ballot and the same cost, and who wants to know
// why a program voted as it did runs it again. A program is a single expression of CEL, the Common
// Expression Language: it has no clock, no chance, no fractions, no maps and no way to loop but
// over lists that already exist, so it always ends. What CEL has beyond that, Check refuses before
// anybody can follow the program, and says where, what and what to write instead.
//
// Every step has a cost. A program that costs more than its limit is stopped; one that goes wrong
// stops where it does; both abstain, and the verdict says why. Costs are counted under one pinned
// revision of CEL's cost model, and a file of expected costs makes a change in the library visible.
// Language is the version of all this together: names, functions, costs and limits. A program's id
// is the SHA-256 of that version and its source, so it is published by content and can't change
// under those who follow it.
//
// The package knows no events, keys, members or charters: its caller describes them in an Input, in
// plain numbers and strings, and turns a Verdict into a ballot. docs/programs.md is the language on
// one page for those who write programs.
//
// Source: https://github.com/cel-expr/cel-spec, doc/langdef.md.
package program

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// Language is the version of the language: of its names, its functions, their costs and all limits.
const Language = 1

// costModel is the revision of the library's cost model that costs are counted under.
const costModel = 1

// Every bound on a program and on what it is given. Sizes are in bytes.
const (
	MaxSource  = 4096    // of a program
	MaxNodes   = 1500    // parts of the expression, after given, filter and the like are written out
	MaxNesting = 64      // expressions inside one another, as the parser counts
	MaxWritten = 32      // elements of a list that is written out
	Limit      = 100_000 // cost of a run: below 50 ms of one core whatever the program does, see BenchmarkWorst
	MaxReason  = 500     // of a verdict; a longer one is cut

	MaxName     = 96       // of an option
	MaxTitle    = 200      // of a proposal
	MaxText     = 32 << 10 // of a proposal
	MaxWord     = 64       // of an id, a track, a tag, a kind, an asset, a method, a setting's key
	MaxValue    = 1024     // of a setting's value
	MaxTags     = 8
	MaxOptions  = 256
	MaxActions  = 32
	MaxHoldings = 64
	MaxVotes    = 128 // of followed members
	MaxSettings = 16
	MaxWords    = 16        // texts in one setting, each as long as MaxWord
	MaxScore    = 1 << 30   // of one option on a ballot, and of all points of a ballot
	MaxAmount   = 1<<53 - 1 // of anything else that is counted
)

// ID names a program by its content.
type ID [32]byte

// String is the id in lower-case hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Identify is the id that a source has in this version of the language, whether or not it is accepted.
func Identify(source string) ID {
	return sha256.Sum256([]byte("coop/program/" + strconv.Itoa(Language) + "\x00" + source))
}

// Program is a source that Check accepted. It is immutable.
type Program struct {
	id     ID
	source string
	worst  uint64
	env    *cel.Env
	tree   *cel.Ast
	plan   cel.Program // for Limit
}

// ID is the program's id.
func (p *Program) ID() ID { return p.id }

// Source is the program's text, as it was checked.
func (p *Program) Source() string { return p.source }

// Worst is the most that a run can cost, on the largest input. It is at most Limit.
func (p *Program) Worst() uint64 { return p.worst }

// shared is the one environment of all programs. It is never changed.
var shared, errShared = language()

// Check reads a program and refuses it with a *Refusal if it is not one that every peer can run
// safely and with the same result.
func Check(source string) (*Program, error) { return guard(source, check) }

// guard turns a panic into a refusal: the parser and the checker are a foreign library and the source
// comes from outside, so a fault in there must not stop the peer.
func guard(source string, check func(string) (*Program, error)) (p *Program, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			p, err = nil, &Refusal{Err: ErrFault}
		}
	}()
	return check(source)
}

func check(source string) (*Program, error) {
	if err := checkSource(source); err != nil {
		return nil, err
	}
	env := shared
	if errShared != nil {
		return nil, &Refusal{Err: ErrFault, Detail: errShared.Error()}
	}
	parsed, issues := env.Parse(source)
	if issues.Err() != nil {
		return nil, refuseIssues(ErrSyntax, issues)
	}
	if err := checkWords(parsed.NativeRep()); err != nil {
		return nil, err
	}
	tree, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, refuseIssues(ErrType, issues)
	}
	if err := checkTypes(tree.NativeRep()); err != nil {
		return nil, err
	}
	if kind := tree.OutputType(); !kind.IsExactType(ballotType) {
		return nil, refuseAt(tree.NativeRep(), tree.NativeRep().Expr().ID(), ErrResult, "its result is of type "+plain(kind.String(), MaxReason))
	}

	p := &Program{id: Identify(source), source: source, env: env, tree: tree}
	estimate, err := env.EstimateCost(tree, sizes{tree.NativeRep()})
	if err != nil {
		return nil, &Refusal{Err: ErrFault, Detail: err.Error()}
	}
	if estimate.Max > Limit {
		return nil, refuseCost(estimate.Max)
	}
	p.worst = estimate.Max
	if p.plan, err = env.Program(tree, cel.CostLimit(Limit)); err != nil {
		return nil, &Refusal{Err: ErrFault, Detail: err.Error()}
	}
	return p, nil
}

// place is where in the source a part of the tree begins, from 1; 0 where that is not known.
func place(tree *ast.AST, part int64) (line, column int) {
	at := tree.SourceInfo().GetStartLocation(part)
	if at.Line() < 1 {
		return 0, 0
	}
	return at.Line(), at.Column() + 1
}

package program

import (
	"testing"

	"cel.dev/cel-go/cel"
)

// force is a program whatever it may cost.
func force(t testing.TB, source string) *Program {
	t.Helper()
	env, err := language()
	if err != nil {
		t.Fatal(err)
	}
	tree, issues := env.Compile(source)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	if err := checkTypes(tree.NativeRep()); err != nil {
		t.Fatal(err)
	}
	p := &Program{source: source, env: env, tree: tree}
	if p.plan, err = env.Program(tree, cel.CostLimit(Limit)); err != nil {
		t.Fatal(err)
	}
	return p
}

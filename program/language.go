package program

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// The records that programs see.
var (
	optionShape = newShape("Option",
		number("number", "its place among the options, from 0", func(o *numbered) uint64 { return uint64(o.number) }),
		text("title", MaxName, "what it is called", func(o *numbered) string { return o.Title }),
		number("cost", "what it costs, 0 where no budget is shared", func(o *numbered) uint64 { return o.Cost }))

	actionShape = newShape("Action",
		text("kind", MaxWord, "what is done, such as charter.amend", func(a *Action) string { return a.Kind }),
		text("asset", MaxWord, "what it moves out of the treasury, empty if nothing", func(a *Action) string { return a.Asset }),
		number("amount", "how much of it", func(a *Action) uint64 { return a.Amount }))

	proposalShape = newShape("Proposal",
		text("id", MaxWord, "the proposal's id", func(p *Proposal) string { return p.ID }),
		text("title", MaxTitle, "its title", func(p *Proposal) string { return p.Title }),
		text("text", MaxText, "its text", func(p *Proposal) string { return p.Text }),
		text("proposer", MaxWord, "the member who proposed it", func(p *Proposal) string { return p.Proposer }),
		text("track", MaxWord, "the track it is decided on", func(p *Proposal) string { return p.Track }),
		text("method", MaxWord, "how ballots are counted, such as budget-greedy", func(p *Proposal) string { return p.Method }),
		text("form", MaxWord, "what a ballot looks like: yesno, approval, ranking, scores or points", func(p *Proposal) string { return string(p.Form) }),
		texts("tags", MaxTags, MaxWord, "its tags", func(p *Proposal) []string { return p.Tags }),
		records("options", MaxOptions, optionShape, "what can be chosen", (*Proposal).numbered),
		records("actions", MaxActions, actionShape, "what is done if it passes", func(p *Proposal) []Action { return p.Actions }),
		number("budget", "what it may spend together", func(p *Proposal) uint64 { return p.Budget }),
		number("highest", "the highest score an option can get", func(p *Proposal) uint64 { return p.Highest }),
		number("points", "the points a ballot has", func(p *Proposal) uint64 { return p.Points }),
		number("opened", "when it was opened", func(p *Proposal) uint64 { return p.Opened }),
		number("begins", "when voting begins", func(p *Proposal) uint64 { return p.Begins }),
		number("closes", "when voting ends", func(p *Proposal) uint64 { return p.Closes }))

	charterShape = newShape("Charter",
		number("version", "its version", func(c *Charter) uint64 { return c.Version }),
		number("members", "how many may vote", func(c *Charter) uint64 { return c.Members }),
		number("thresholdPart", "the share of the votes that is needed: so many", func(c *Charter) uint64 { return c.ThresholdPart }),
		number("thresholdWhole", "… of so many", func(c *Charter) uint64 { return c.ThresholdWhole }),
		truth("over", "whether more than that share is needed", func(c *Charter) bool { return c.Over }),
		text("quorum", MaxWord, "the kind of quorum, such as turnout", func(c *Charter) string { return c.Quorum }),
		number("quorumPart", "the share of the members that is needed: so many", func(c *Charter) uint64 { return c.QuorumPart }),
		number("quorumWhole", "… of so many", func(c *Charter) uint64 { return c.QuorumWhole }))

	holdingShape = newShape("Holding",
		text("asset", MaxWord, "what it is", func(h *Holding) string { return h.Asset }),
		number("amount", "how much of it", func(h *Holding) uint64 { return h.Amount }))

	voteShape = newShape("Vote",
		text("member", MaxWord, "who voted", func(v *Vote) string { return v.Member }),
		text("choice", MaxWord, "yes, no, abstain, approve, rank, score or points", func(v *Vote) string { return string(v.Choice) }),
		numbers("options", MaxOptions, "the numbers of the options it approves", func(v *Vote) []int { return v.Options }),
		numbers("numbers", MaxOptions, "the score or the points for each option", func(v *Vote) []int { return v.Numbers }))

	settingsShape = newShape("Settings")

	shapes = []*shape{proposalShape, optionShape, actionShape, charterShape, holdingShape, voteShape, settingsShape}
)

// variable is a name that every program can use.
type variable struct {
	name string
	kind *types.Type
	most uint64
	says string
}

var variables = []variable{
	{"proposal", proposalShape.kind, 0, "what is to be decided"},
	{"charter", charterShape.kind, 0, "what it is decided under"},
	{"treasury", types.NewListType(holdingShape.kind), MaxHoldings, "what the cooperative has, by asset"},
	{"votes", types.NewListType(voteShape.kind), MaxVotes, "the votes that the members you follow have cast, by member"},
	{"settings", settingsShape.kind, 0, "what you chose for this program"},
}

// standard are the overloads taken from the standard library. What is not here does not exist: no
// conversion but from a number to text, no time, no regular expressions, no maps, no fractions.
var standard = []struct {
	name      string
	overloads []string // empty: all
}{
	{operators.Conditional, nil},
	{operators.LogicalAnd, nil},
	{operators.LogicalOr, nil},
	{operators.LogicalNot, nil},
	{operators.NotStrictlyFalse, nil},
	{operators.Equals, nil},
	{operators.NotEquals, nil},
	{operators.Add, []string{overloads.AddInt64, overloads.AddString, overloads.AddList}},
	{operators.Subtract, []string{overloads.SubtractInt64}},
	{operators.Multiply, []string{overloads.MultiplyInt64}},
	{operators.Divide, []string{overloads.DivideInt64}},
	{operators.Modulo, []string{overloads.ModuloInt64}},
	{operators.Negate, []string{overloads.NegateInt64}},
	{operators.Less, []string{overloads.LessInt64, overloads.LessString}},
	{operators.LessEquals, []string{overloads.LessEqualsInt64, overloads.LessEqualsString}},
	{operators.Greater, []string{overloads.GreaterInt64, overloads.GreaterString}},
	{operators.GreaterEquals, []string{overloads.GreaterEqualsInt64, overloads.GreaterEqualsString}},
	{operators.Index, []string{overloads.IndexList}},
	{operators.In, []string{overloads.InList}},
	{overloads.Size, []string{overloads.SizeListInst, overloads.SizeStringInst}},
	{overloads.TypeConvertString, []string{overloads.IntToString}},
	{overloads.Contains, nil},
	{overloads.StartsWith, nil},
	{overloads.EndsWith, nil},
}

// macros are the ways over a list that are taken from the standard library.
var macros = []string{operators.All, operators.Exists, operators.ExistsOne, operators.Filter, operators.Map}

// costs are what the standard functions cost that the library charges without regard to the length of
// a text, or by the product of two, or whose results it knows no bound of. All are linear here, as the
// work is.
var costs = []cost.OverloadModel{
	cost.MemberOverload(overloads.SizeStringInst, cost.EvalCost(cost.Sum(cost.Const(1), perText(cost.Target())))),
	cost.MemberOverload(overloads.ContainsString, cost.EvalCost(cost.Sum(cost.Const(1), perText(cost.Target()), perText(cost.Arg(0))))),
	cost.Overload(overloads.IntToString, cost.EvalCost(cost.Const(2)), cost.ResultSize(cost.AtMost(cost.Const(20)))),
	cost.Overload(overloads.InList, cost.EvalCost(cost.Sum(cost.Const(2), cost.Scale(cost.Mul(cost.Arg(1), cost.Sum(cost.Const(1), perText(cost.Arg(0)))), 0.2)))),
}

// perText is the cost of reading a text once: 1 for every 10 characters.
func perText(size cost.QuantityExpr) cost.QuantityExpr {
	return cost.Scale(size, cost.StringTraversalCostFactor)
}

// language is the environment that every program is checked and run in.
func language() (*cel.Env, error) {
	subset := env.NewLibrarySubset().AddIncludedMacros(macros...)
	for _, s := range standard {
		f := env.NewFunction(s.name)
		for _, id := range s.overloads {
			f.Overloads = append(f.Overloads, &env.Overload{ID: id})
		}
		subset.AddIncludedFunctions(f)
	}
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	options := []cel.EnvOption{
		cel.CustomTypeProvider(provider{registry}),
		cel.StdLib(cel.StdLibSubset(subset)),
		cel.Macros(cel.GlobalMacro("given", 3, given)),
		cel.EnableHiddenAccumulatorName(true),
		cel.ParserExpressionSizeLimit(MaxSource),
		cel.ParserRecursionLimit(MaxNesting),
		cel.ParserErrorRecoveryLimit(4),
		cel.ExpressionNodeLimit(MaxNodes),
		cel.CostModelVersion(costModel),
		cel.CostModel(costs...),
	}
	for _, v := range variables {
		options = append(options, cel.Variable(v.name, v.kind))
	}
	for _, f := range functions {
		options = append(options, f.declare(), cel.CostModel(f.model()))
	}
	return cel.NewCustomEnv(options...)
}

// unused is the loop variable of given, which loops over nothing. No program can write it.
const unused = "#unused"

// given gives a value a name: given(name, value, expression). It is a loop over an empty list whose sum
// starts as the value and whose result is the expression.
func given(make cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if args[0].Kind() != ast.IdentKind {
		return nil, make.NewError(args[0].ID(), "given needs a plain name first, as in given(price, 10, price * 2)")
	}
	name := args[0].AsIdent()
	return make.NewComprehension(make.NewList(), unused, name, args[1], make.NewLiteral(types.False), make.NewIdent(name), args[2]), nil
}

// function is one function of the language beside the standard ones.
type function struct {
	name   string
	id     string
	target *types.Type // what it is a method of, nil for none
	args   []*types.Type
	result *types.Type
	cost   cost.QuantityExpr
	size   cost.QuantityExpr             // of the result, nil for what has no size
	run    func(args ...ref.Val) ref.Val // the target first
	says   string
}

func (f *function) declare() cel.EnvOption {
	if f.target == nil {
		return cel.Function(f.name, cel.Overload(f.id, f.args, f.result, cel.FunctionBinding(f.run)))
	}
	args := append([]*types.Type{f.target}, f.args...)
	return cel.Function(f.name, cel.MemberOverload(f.id, args, f.result, cel.FunctionBinding(f.run)))
}

func (f *function) model() cost.OverloadModel {
	options := []cost.OverloadModelOption{cost.EvalCost(f.cost)}
	if f.size != nil {
		options = append(options, cost.ResultSize(f.size))
	}
	if f.target != nil {
		return cost.MemberOverload(f.id, options...)
	}
	return cost.Overload(f.id, options...)
}

// sizes tells the estimator how large everything in an input can be.
type sizes struct{ tree *ast.AST }

// EstimateSize is the bound of a variable or a field, or of an element of one such as
// proposal.tags.@items; nil for everything else, which the library can tell by itself.
func (s sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if e := node.Expr(); e != nil && e.Kind() == ast.SelectKind {
		kind := s.tree.GetType(e.AsSelect().Operand().ID())
		if f := find(kind, e.AsSelect().FieldName()); f != nil && f.most > 0 {
			return &cost.SizeEstimate{Max: f.most}
		}
	}
	path := node.Path()
	if len(path) == 0 {
		return nil
	}
	var now field
	for _, v := range variables {
		if v.name == path[0] {
			now = field{kind: v.kind, most: v.most}
		}
	}
	for _, step := range path[1:] {
		if now.kind == nil {
			return nil
		}
		if step == "@items" {
			now = field{kind: now.kind.Parameters()[0], most: now.each}
		} else if f := find(now.kind, step); f != nil {
			now = *f
		} else {
			return nil
		}
	}
	if now.most == 0 {
		return nil
	}
	return &cost.SizeEstimate{Max: now.most}
}

// find is a field of a type, nil if it has none of that name.
func find(kind *types.Type, name string) *field {
	s := provider{}.shape(kind.TypeName())
	if s == nil || s.find(name) < 0 {
		return nil
	}
	return &s.fields[s.find(name)]
}

// EstimateCallCost leaves calls to the models.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

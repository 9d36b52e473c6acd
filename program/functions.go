package program

import (
	"cmp"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

var (
	ballotType  = types.NewOpaqueType("Ballot")
	words       = types.StringType
	whole       = types.IntType
	wholeList   = types.NewListType(whole)
	wordList    = types.NewListType(words)
	placeList   = types.NewListType(wholeList)
	optionList  = types.NewListType(optionShape.kind)
	holdingList = types.NewListType(holdingShape.kind)
)

// What functions cost, and how large their results can be. Arg counts from 0 without the target.
var (
	one         = cost.Const(1)
	ten         = cost.Const(10)
	findSetting = cost.Sum(cost.Const(MaxSettings), perText(cost.Arg(0)))
	anyValue    = cost.AtMost(cost.Const(MaxValue))
	anyWords    = cost.List(cost.AtMost(cost.Const(MaxWords)), cost.AtMost(cost.Const(MaxWord)))
	anyWord     = cost.Sum(perText(cost.ElemTotal(cost.Arg(0))), cost.Mul(cost.Arg(0), cost.Sum(one, cost.Scale(cost.Target(), 0.01))))
)

// functions is every function beside the standard ones.
var functions = []function{
	{name: "vote.yes", id: "vote_yes", args: of(words), result: ballotType, cost: cost.Sum(ten, perText(cost.Arg(0))),
		run: say(Yes), says: "votes yes, for this reason"},
	{name: "vote.no", id: "vote_no", args: of(words), result: ballotType, cost: cost.Sum(ten, perText(cost.Arg(0))),
		run: say(No), says: "votes no, for this reason"},
	{name: "vote.abstain", id: "vote_abstain", args: of(words), result: ballotType, cost: cost.Sum(ten, perText(cost.Arg(0))),
		run: say(Abstain), says: "abstains, for this reason"},
	{name: "vote.approve", id: "vote_approve", args: of(wholeList, words), result: ballotType, cost: cost.Sum(ten, perText(cost.Arg(1)), cost.Arg(0)),
		run: approve, says: "approves the options with these numbers"},
	{name: "vote.rank", id: "vote_rank", args: of(placeList, words), result: ballotType, cost: cost.Sum(ten, perText(cost.Arg(1)), cost.Scale(cost.Arg(0), 4)),
		run: rank, says: "puts options in order: the best place first, each place a list of numbers"},
	{name: "vote.score", id: "vote_score", args: of(wholeList, words), result: ballotType, cost: cost.Sum(ten, perText(cost.Arg(1)), cost.Arg(0)),
		run: count(Score), says: "gives each option a score, in the order of the options"},
	{name: "vote.points", id: "vote_points", args: of(wholeList, words), result: ballotType, cost: cost.Sum(ten, perText(cost.Arg(1)), cost.Arg(0)),
		run: count(Spend), says: "gives each option points, in the order of the options"},
	{name: "vote.same", id: "vote_same", args: of(voteShape.kind, words), result: ballotType, cost: cost.Sum(ten, perText(cost.Arg(1))),
		run: same, says: "votes as that member voted"},

	{name: "text", id: "settings_text", target: settingsShape.kind, args: of(words), result: words, cost: findSetting, size: anyValue,
		run: setting(asText), says: "what you chose under this key"},
	{name: "text", id: "settings_text_else", target: settingsShape.kind, args: of(words, words), result: words, cost: findSetting, size: cost.Union(anyValue, cost.Arg(1)),
		run: setting(asText), says: "… or else this text"},
	{name: "number", id: "settings_number", target: settingsShape.kind, args: of(words), result: whole, cost: findSetting,
		run: setting(asWhole), says: "the whole number you chose under this key"},
	{name: "number", id: "settings_number_else", target: settingsShape.kind, args: of(words, whole), result: whole, cost: findSetting,
		run: setting(asWhole), says: "… or else this number"},
	{name: "list", id: "settings_list", target: settingsShape.kind, args: of(words), result: wordList, cost: cost.Sum(findSetting, cost.Const(4*MaxWords)), size: anyWords,
		run: setting(asList), says: "the texts you chose under this key, separated by commas, each once"},

	{name: "mentions", id: "text_mentions", target: words, args: of(words), result: types.BoolType, cost: cost.Sum(one, one, perText(cost.Target()), perText(cost.Arg(0))),
		run: mentions, says: "whether the other text stands in this one, in large or small letters"},
	{name: "mentions", id: "text_mentions_any", target: words, args: of(wordList), result: types.BoolType, cost: cost.Sum(one, one, perText(cost.Target()), anyWord),
		run: mentions, says: "… whether any of these texts does"},
	{name: "sum", id: "list_sum", target: wholeList, result: whole, cost: cost.Sum(one, cost.Target()),
		run: sum, says: "all numbers of the list together"},
	{name: "cheapest", id: "options_cheapest", target: optionList, result: optionList, cost: cost.Sum(ten, cost.Scale(cost.Target(), 10)), size: cost.Target(),
		run: cheapest, says: "the options from the cheapest to the dearest, equal ones by number"},
	{name: "within", id: "options_within", target: optionList, args: of(whole), result: optionList, cost: cost.Sum(ten, cost.Scale(cost.Target(), 2)), size: cost.AtMost(cost.Target()),
		run: within, says: "each option in turn that still fits in this budget"},
	{name: "amount", id: "holdings_amount", target: holdingList, args: of(words), result: whole, cost: cost.Mul(cost.Sum(one, cost.Target()), cost.Sum(one, perText(cost.Arg(0)))),
		run: amount, says: "how much of this asset there is, 0 if none"},
	{name: "days", id: "days", args: of(whole), result: whole, cost: one,
		run: days, says: "so many days, to compare with times"},
}

func of(kinds ...*types.Type) []*types.Type { return kinds }

// ballotValue is a ballot with its reason, inside a run.
type ballotValue struct {
	ballot Ballot
	reason string
}

// ConvertToNative never succeeds: Run takes the ballot out by itself.
func (b ballotValue) ConvertToNative(reflect.Type) (any, error) { return nil, ErrResult }

// ConvertToType never succeeds: the language converts no ballots.
func (b ballotValue) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("a ballot can't become anything else")
}

// Equal never succeeds: checkTypes lets no program compare ballots.
func (b ballotValue) Equal(ref.Val) ref.Val { return types.NewErr("ballots can't be compared") }

// Type is the type of ballots.
func (b ballotValue) Type() ref.Type { return ballotType }

// Value is the ballot itself.
func (b ballotValue) Value() any { return b }

func say(choice Choice) func(...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val { return ballotValue{Ballot{Choice: choice}, read(args[0])} }
}

func approve(args ...ref.Val) ref.Val {
	options, err := readNumbers(args[0])
	if err != nil {
		return err
	}
	slices.Sort(options)
	return ballotValue{Ballot{Choice: Approve, Options: options}, read(args[1])}
}

func count(choice Choice) func(...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val {
		numbers, err := readNumbers(args[0])
		if err != nil {
			return err
		}
		return ballotValue{Ballot{Choice: choice, Numbers: numbers}, read(args[1])}
	}
}

// rank stops once more options are named than a proposal can have: places can be one list that stands
// many times, so that what is written out is much longer than what was paid for.
func rank(args ...ref.Val) ref.Val {
	var places [][]int
	named := 0
	for place := range values(args[0]) {
		if named += length(place); named > MaxOptions {
			return types.NewErr("more options are named than there can be")
		}
		numbers, err := readNumbers(place)
		if err != nil {
			return err
		}
		places = append(places, numbers)
	}
	return ballotValue{Ballot{Choice: Rank, Places: places}, read(args[1])}
}

func same(args ...ref.Val) ref.Val {
	return ballotValue{args[0].(*record).from.(*Vote).Ballot, read(args[1])}
}

// setting finds a setting and reads it; a third argument stands in for one that was not chosen.
func setting(parse func(string) ref.Val) func(...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val {
		key := read(args[1])
		list := *args[0].(*record).from.(*[]Setting)
		i, found := slices.BinarySearchFunc(list, key, func(s Setting, key string) int { return cmp.Compare(s.Key, key) })
		switch {
		case !found && len(args) > 2:
			return args[2]
		case !found:
			return types.NewErr("the setting %q is missing: choose it where you follow the program", shorten(key, MaxWord))
		}
		value := parse(list[i].Value)
		if types.IsError(value) {
			return types.NewErr("the setting %q is %q: %s", key, shorten(list[i].Value, MaxWord), value.(*types.Err).Error())
		}
		return value
	}
}

func asText(text string) ref.Val { return types.String(text) }

func asWhole(text string) ref.Val {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n > MaxAmount || n < -MaxAmount {
		return types.NewErr("choose a whole number there")
	}
	return types.Int(n)
}

func asList(text string) ref.Val {
	var list []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.Trim(word, " \t\n"); word != "" && !slices.Contains(list, word) {
			list = append(list, word)
		}
		if len(list) > MaxWords || len(word) > MaxWord {
			return types.NewErr("choose at most %d texts of at most %d bytes there", MaxWords, MaxWord)
		}
	}
	return listTexts(list)
}

func mentions(args ...ref.Val) ref.Val {
	text := small(read(args[0]))
	if _, single := args[1].(types.String); single {
		return types.Bool(strings.Contains(text, small(read(args[1]))))
	}
	for word := range values(args[1]) {
		if strings.Contains(text, small(read(word))) {
			return types.True
		}
	}
	return types.False
}

func sum(args ...ref.Val) ref.Val {
	total := int64(0)
	for v := range values(args[0]) {
		n := int64(v.(types.Int))
		if n > 0 && total > math.MaxInt64-n || n < 0 && total < math.MinInt64-n {
			return types.NewErr("the sum is too large")
		}
		total += n
	}
	return types.Int(total)
}

func cheapest(args ...ref.Val) ref.Val {
	list := slices.Collect(values(args[0]))
	slices.SortStableFunc(list, func(a, b ref.Val) int {
		x, y := option(a), option(b)
		return cmp.Or(cmp.Compare(x.Cost, y.Cost), cmp.Compare(x.number, y.number))
	})
	return types.NewRefValList(types.DefaultTypeAdapter, list)
}

func within(args ...ref.Val) ref.Val {
	left := int64(args[1].(types.Int))
	var list []ref.Val
	for v := range values(args[0]) {
		if price := int64(option(v).Cost); price <= left {
			left -= price
			list = append(list, v)
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, list)
}

func amount(args ...ref.Val) ref.Val {
	asset, total := read(args[1]), types.Int(0)
	for v := range values(args[0]) {
		if h := v.(*record).from.(*Holding); h.Asset == asset {
			total = types.Int(h.Amount)
		}
	}
	return total
}

func days(args ...ref.Val) ref.Val {
	const day = 24 * 60 * 60 * 1000
	n := int64(args[0].(types.Int))
	if n > MaxAmount/day || n < -MaxAmount/day {
		return types.NewErr("%d days are too many", n)
	}
	return types.Int(n * day)
}

func option(v ref.Val) *numbered { return v.(*record).from.(*numbered) }

func read(v ref.Val) string { return string(v.(types.String)) }

func length(list ref.Val) int { return int(list.(traits.Lister).Size().(types.Int)) }

// readNumbers reads options, scores or points. A larger number than MaxScore is none of them, and
// would be another one on a machine whose int has 32 bits.
func readNumbers(list ref.Val) ([]int, *types.Err) {
	numbers := make([]int, 0, length(list))
	for v := range values(list) {
		n := v.(types.Int)
		if n > MaxScore || n < -MaxScore {
			return nil, types.NewErr("%d is too large a number for a ballot", n).(*types.Err)
		}
		numbers = append(numbers, int(n))
	}
	return numbers, nil
}

// values goes over a list.
func values(list ref.Val) func(yield func(ref.Val) bool) {
	return func(yield func(ref.Val) bool) {
		for i := list.(traits.Lister).Iterator(); i.HasNext() == types.True; {
			if !yield(i.Next()) {
				return
			}
		}
	}
}

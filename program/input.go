package program

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// ErrInput means that a program was given more than Input allows; what was wrong stands before it. The
// program is not to blame.
var ErrInput = errors.New("the proposal, the votes or the settings don't fit what programs may be given")

// Form is what a ballot on a proposal has to look like.
type Form string

// The forms.
const (
	YesNo    Form = "yesno"    // yes or no
	Approval Form = "approval" // some of the options
	Ranking  Form = "ranking"  // options in order
	Scores   Form = "scores"   // a number from 0 to Highest for each option
	Points   Form = "points"   // as Scores, at most Points together
)

// Input is all that a program can see. Times are milliseconds since the Unix epoch, periods
// milliseconds, amounts minor units, and every number is bounded in the block of limits.
//
// Treasury, Votes and Settings may stand in any order, each asset, member and key once: programs see
// them in ascending order.
type Input struct {
	Proposal Proposal  `json:"proposal"`
	Charter  Charter   `json:"charter"`
	Treasury []Holding `json:"treasury,omitempty"`
	Votes    []Vote    `json:"votes,omitempty"`
	Settings []Setting `json:"settings,omitempty"`
}

// Proposal is the question.
type Proposal struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Text     string   `json:"text"`
	Proposer string   `json:"proposer"`
	Track    string   `json:"track"`
	Method   string   `json:"method"` // how the ballots are counted
	Form     Form     `json:"form"`   // what a ballot looks like
	Tags     []string `json:"tags,omitempty"`
	Options  []Option `json:"options,omitempty"`
	Actions  []Action `json:"actions,omitempty"`
	Budget   uint64   `json:"budget,omitempty"`
	Highest  uint64   `json:"highest,omitempty"` // score that an option can get
	Points   uint64   `json:"points,omitempty"`  // that a ballot has
	Opened   uint64   `json:"opened"`
	Begins   uint64   `json:"begins"` // when voting begins
	Closes   uint64   `json:"closes"`
}

// Option is one thing that can be chosen; its number is its place in the list, from 0.
type Option struct {
	Title string `json:"title"`
	Cost  uint64 `json:"cost,omitempty"`
}

// Action is one thing that is done if the proposal passes.
type Action struct {
	Kind   string `json:"kind"`
	Asset  string `json:"asset,omitempty"` // what it moves out of the treasury; empty if nothing
	Amount uint64 `json:"amount,omitempty"`
}

// Charter is what the proposal is decided under. A share is a numerator and a denominator.
type Charter struct {
	Version        uint64 `json:"version"`
	Members        uint64 `json:"members"` // that may vote
	ThresholdPart  uint64 `json:"thresholdPart"`
	ThresholdWhole uint64 `json:"thresholdWhole"`
	Over           bool   `json:"over,omitempty"` // more than the threshold is needed, not just as much
	Quorum         string `json:"quorum"`         // kind
	QuorumPart     uint64 `json:"quorumPart"`
	QuorumWhole    uint64 `json:"quorumWhole"`
}

// Holding is how much of an asset the treasury has.
type Holding struct {
	Asset  string `json:"asset"`
	Amount uint64 `json:"amount"`
}

// Vote is a ballot that a followed member has already cast.
type Vote struct {
	Member string `json:"member"`
	Ballot
}

// Setting is what the follower of a program chose for it.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// numbered is an option with its place, as programs see it.
type numbered struct {
	Option
	number int
}

// ordered is a copy of the input with everything in the order programs see, or ErrInput with what is
// wrong before it. The lists of the copy are the given ones where they were in order.
func (in Input) ordered() (Input, error) {
	in.Treasury = ascending(in.Treasury, func(h Holding) string { return h.Asset })
	in.Votes = ascending(in.Votes, func(v Vote) string { return v.Member })
	in.Settings = ascending(in.Settings, func(s Setting) string { return s.Key })
	return in, in.check()
}

func ascending[T any](list []T, key func(T) string) []T {
	compare := func(a, b T) int { return cmp.Compare(key(a), key(b)) }
	if slices.IsSortedFunc(list, compare) {
		return list
	}
	list = slices.Clone(list)
	slices.SortFunc(list, compare)
	return list
}

// checker remembers the first thing wrong.
type checker struct{ err error }

func (c *checker) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format+": %w", append(args, ErrInput)...)
	}
}

func (c *checker) text(name, text string, most int) {
	if len(text) > most {
		c.fail("%s has %d bytes, at most %d", name, len(text), most)
	}
	if !utf8.ValidString(text) {
		c.fail("%s is no text", name)
	}
}

func (c *checker) list(name string, length, most int) {
	if length > most {
		c.fail("%s: %d of them, at most %d", name, length, most)
	}
}

func (c *checker) amounts(name string, numbers ...uint64) {
	for _, n := range numbers {
		if n > MaxAmount {
			c.fail("%s is %d, at most %d", name, n, uint64(MaxAmount))
		}
	}
}

// check needs the lists in order.
func (in *Input) check() error {
	c := &checker{}
	in.Proposal.check(c)
	h := in.Charter
	c.amounts("a number of the charter", h.Version, h.Members, h.ThresholdPart, h.ThresholdWhole, h.QuorumPart, h.QuorumWhole)
	c.text("the quorum", h.Quorum, MaxWord)

	c.list("holdings", len(in.Treasury), MaxHoldings)
	for i, holding := range in.Treasury {
		c.text("an asset", holding.Asset, MaxWord)
		c.amounts("a holding", holding.Amount)
		if i > 0 && holding.Asset == in.Treasury[i-1].Asset {
			c.fail("the asset %q stands twice", holding.Asset)
		}
	}
	c.list("votes", len(in.Votes), MaxVotes)
	for i, v := range in.Votes {
		c.text("a member", v.Member, MaxWord)
		if i > 0 && v.Member == in.Votes[i-1].Member {
			c.fail("the member %q stands twice", v.Member)
		}
		if err := v.Ballot.fits(&in.Proposal); err != nil {
			c.fail("the vote of %q: %w", v.Member, err)
		}
	}
	c.list("settings", len(in.Settings), MaxSettings)
	for i, s := range in.Settings {
		c.text("a setting's key", s.Key, MaxWord)
		c.text("a setting", s.Value, MaxValue)
		if i > 0 && s.Key == in.Settings[i-1].Key {
			c.fail("the setting %q stands twice", s.Key)
		}
	}
	return c.err
}

func (p *Proposal) check(c *checker) {
	for _, word := range []string{p.ID, p.Proposer, p.Track, p.Method} {
		c.text("a word of the proposal", word, MaxWord)
	}
	c.text("the title", p.Title, MaxTitle)
	c.text("the text", p.Text, MaxText)
	if !slices.Contains([]Form{YesNo, Approval, Ranking, Scores, Points}, p.Form) {
		c.fail("the form %q is unknown", p.Form)
	}
	c.list("tags", len(p.Tags), MaxTags)
	for _, tag := range p.Tags {
		c.text("a tag", tag, MaxWord)
	}
	c.list("options", len(p.Options), MaxOptions)
	for _, o := range p.Options {
		c.text("an option", o.Title, MaxName)
		c.amounts("an option's cost", o.Cost)
	}
	c.list("actions", len(p.Actions), MaxActions)
	for _, a := range p.Actions {
		c.text("an action's kind", a.Kind, MaxWord)
		c.text("an action's asset", a.Asset, MaxWord)
		c.amounts("an action's amount", a.Amount)
	}
	c.amounts("a number of the proposal", p.Budget, p.Opened, p.Begins, p.Closes)
	if p.Highest > MaxScore || p.Points > MaxScore {
		c.fail("the highest score is %d and the points are %d, at most %d", p.Highest, p.Points, MaxScore)
	}
}

// numbered are the options with their numbers.
func (p *Proposal) numbered() []numbered {
	list := make([]numbered, len(p.Options))
	for i, o := range p.Options {
		list[i] = numbered{o, i}
	}
	return list
}

package tally

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"
)

// Decimal is a number of votes in hundred-thousandths, the places to which the Scottish rules count.
type Decimal uint64

// OneVote is one vote.
const OneVote Decimal = 100_000

func (d Decimal) String() string { return fmt.Sprintf("%d.%05d", uint64(d/OneVote), uint64(d%OneVote)) }

// MarshalText is the number with its five places.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// STVResult is an election by single transferable vote, counted.
type STVResult struct {
	Elected []int   `json:"elected"` // in the order of election
	Quota   uint64  `json:"quota"`
	Ballots uint64  `json:"ballots"` // counted, by weight, also those that rank nobody
	Stages  []Stage `json:"stages"`
	Ties    []Tie   `json:"ties,omitempty"`
}

// Stage is one stage of a count. Votes, NonTransferable and Lost always add up to the ballots.
type Stage struct {
	Action          Action     `json:"action"`
	Option          int        `json:"option"`           // whose papers are transferred, or -1
	Values          []Value    `json:"values,omitempty"` // of the transferred papers, as they were sorted
	Transfers       []Transfer `json:"transfers,omitempty"`
	Votes           []Decimal  `json:"votes"`            // of each option, after the stage
	NonTransferable Decimal    `json:"non_transferable"` // of papers that rank nobody who is left, so far
	Lost            Decimal    `json:"lost"`             // to ignored remainders, so far
	Elected         []int      `json:"elected,omitempty"`
}

// Action is what happens at a stage.
type Action string

// The actions.
const (
	FirstPreferences Action = "first preferences"
	Surplus          Action = "surplus"   // of an elected option is transferred
	Exclusion        Action = "exclusion" // of an option, and its papers are transferred
	LastVacancies    Action = "last vacancies"
)

// Value says at which value papers lay with an option and at which they leave it.
type Value struct {
	Was    Decimal `json:"was"`
	Now    Decimal `json:"now"`
	Papers uint64  `json:"papers"`
}

// Transfer is what one option receives at a stage; Option is -1 for what is not transferable.
type Transfer struct {
	Option int     `json:"option"`
	Papers uint64  `json:"papers"`
	Votes  Decimal `json:"votes"`
}

// stv is a count on its way.
type stv struct {
	*piles
	seats  int
	lot    Lot
	quota  Decimal
	votes  []Decimal
	past   [][]Decimal // votes after each stage
	parted []bool      // elected, and the surplus is gone or there is none
	r      STVResult
}

// CountSTV elects so many of n options. The quota is the number of ballots divided by one more than the
// seats, rounded down, plus one. Who reaches it is elected, and what is above it passes on with all of
// the option's papers, each at its value times surplus by votes, to five places without the remainder
// (the weighted inclusive Gregory method); the largest surplus goes first, one at a stage. Without a
// surplus the option with the fewest votes is excluded and its papers pass on as they are. When as many
// are left as seats they are elected and nothing more is transferred. Options with equal votes are told
// apart by the latest stage at which they differed, then by lot. Seats are at most n. A ballot that comes
// to a place which two options share that are both left is not transferable.
//
// Those elected at one stage stand in the result by their votes at it, most first.
//
// Source: The Scottish Local Government Elections Order 2007 (SSI 2007 No. 42), Schedule 1, rules 45
// to 52.
func CountSTV(n, seats int, ballots iter.Seq[Ranking], lot Lot) STVResult {
	lot.must(n)
	if err := CheckSeats(seats, n); err != nil {
		panic("tally: invariant: " + err.Error())
	}
	s := stv{piles: sortPapers(n, ballots), seats: seats, lot: lot, votes: make([]Decimal, n), parted: make([]bool, n)}
	s.r.Ballots, s.r.Quota = s.total, s.total/uint64(seats+1)+1
	s.quota = Decimal(s.r.Quota) * OneVote
	for i, pile := range s.of {
		for _, x := range pile {
			s.votes[i] += Decimal(x.weight) * OneVote
		}
	}
	s.close(Stage{Action: FirstPreferences, Option: -1, NonTransferable: Decimal(s.exhausted) * OneVote})
	for len(s.r.Elected) < seats {
		if i := s.largestSurplus(); i >= 0 {
			s.transfer(Surplus, i)
		} else {
			s.exclude()
		}
	}
	return s.r
}

// close ends a stage: who reached the quota is elected (rule 47), and all who are left if they are as
// many as the vacancies (rule 52).
func (s *stv) close(stage Stage) {
	stage.Votes = slices.Clone(s.votes)
	s.past = append(s.past, stage.Votes)
	var reached, left []int
	for i, standing := range s.standing {
		switch {
		case standing && s.votes[i] >= s.quota:
			reached = append(reached, i)
		case standing:
			left = append(left, i)
		}
	}
	stage.Elected = s.elect(reached)
	s.r.Stages = append(s.r.Stages, stage)
	if len(left) > 0 && len(left) == s.seats-len(s.r.Elected) {
		last := stage
		last.Action, last.Option, last.Values, last.Transfers = LastVacancies, -1, nil, nil
		last.Elected = s.elect(left)
		s.r.Stages = append(s.r.Stages, last)
	}
}

// elect declares the options elected in the order of their votes.
func (s *stv) elect(options []int) (elected []int) {
	for len(options) > 0 {
		first := s.choose(options, 1, "equal votes at every stage: elected in this order")
		elected = append(elected, first)
		var rest []int
		for _, i := range options {
			if i != first {
				rest = append(rest, i)
			}
		}
		options = rest
		s.standing[first] = false
		s.parted[first] = s.votes[first] <= s.quota
	}
	s.r.Elected = append(s.r.Elected, elected...)
	return elected
}

func (s *stv) choose(options []int, sign int, why string) int {
	i, tie := extreme(options, sign, s.past, s.lot, why)
	if tie != nil {
		s.r.Ties = append(s.r.Ties, *tie)
	}
	return i
}

// largestSurplus is the elected option whose surplus is next (rule 49), or -1. Surpluses compare as
// votes do, the quota being the same for all.
func (s *stv) largestSurplus() int {
	var over []int
	for _, i := range s.r.Elected {
		if !s.parted[i] {
			over = append(over, i)
		}
	}
	if len(over) == 0 {
		return -1
	}
	return s.choose(over, 1, "equal surpluses and votes at every stage: the first is transferred first")
}

// exclude takes out the option with the fewest votes (rules 50 and 51).
func (s *stv) exclude() {
	var left []int
	for i, standing := range s.standing {
		if standing {
			left = append(left, i)
		}
	}
	last := s.choose(left, -1, "equally few votes at every stage: the last of them is excluded")
	if len(left)-1 > s.seats-len(s.r.Elected) {
		s.transfer(Exclusion, last)
		return
	}
	s.standing[last] = false // rule 52(2): no further transfer
	s.close(Stage{Action: Exclusion, Option: last, NonTransferable: s.latest().NonTransferable, Lost: s.latest().Lost})
}

func (s *stv) latest() *Stage { return &s.r.Stages[len(s.r.Stages)-1] }

// transfer passes on an option's papers: at their own value if it is excluded (rule 50(4)), at the
// share of it that is surplus if it was elected (rule 48(3)).
func (s *stv) transfer(action Action, from int) {
	stage := Stage{Action: action, Option: from, NonTransferable: s.latest().NonTransferable, Lost: s.latest().Lost}
	held, moved := s.votes[from], s.votes[from]
	if action == Surplus {
		moved = held - s.quota
	}
	got := make([]Transfer, len(s.votes)+1) // the last is what is not transferable
	for _, x := range s.take(from) {
		was := x.value
		high, low := bits.Mul64(uint64(moved), uint64(was))
		now, _ := bits.Div64(high, low, max(uint64(held), 1))
		x.value = Decimal(now) // which is was if all moves
		stage.note(was, x)
		to := s.lay(x)
		if to < 0 {
			to = len(s.votes)
		}
		got[to].Papers += x.weight
		got[to].Votes += Decimal(x.weight) * x.value
	}
	stage.Lost += moved
	for to, t := range got {
		if t.Papers == 0 {
			continue
		}
		t.Option = to
		if to == len(s.votes) {
			t.Option = -1
			stage.NonTransferable += t.Votes
		} else {
			s.votes[to] += t.Votes
		}
		stage.Lost -= t.Votes
		stage.Transfers = append(stage.Transfers, t)
	}
	s.votes[from] -= moved
	s.parted[from] = true
	s.close(stage)
}

// note adds a paper to the account of values, which are in the order in which papers of them came. An
// option holds papers of at most as many values as there were stages.
func (t *Stage) note(was Decimal, x paper) {
	for i := range t.Values {
		if t.Values[i].Was == was {
			t.Values[i].Papers += x.weight
			return
		}
	}
	t.Values = append(t.Values, Value{was, x.value, x.weight})
}

package governance

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/tally"
)

// count is a vote on its way to a result: what the charter calls a ballot becomes what package tally
// counts, and its winner becomes yes and no.
type count struct {
	Result
	p       *Proposal
	ballots func(yield func(Ballot) bool) // by member
	carried *carriage
	cast    uint64 // votes that count, delegated ones too
	lot     tally.Lot
	unit    uint64  // of money: one whole unit in minor ones
	steps   account // what package tally returned
	ties    []tally.Tie
	first   int                // the option that the count puts first, also if it is the status quo
	side    func(b Ballot) int // above 0 if a ballot that does not abstain is for the proposal or its leading option, below 0 if against
}

// account is a result of package tally.
type account interface {
	Rows(names []string) []tally.Row
}

// count counts a vote under all its rules.
func (s *State) count(id event.ID, p *Proposal) *count {
	c := s.recount(id, p)
	if c.Outcome() == Grace && p.unconfirmed() {
		c.Unconfirmed, c.Selected, c.Spent = true, nil, 0
	}
	return c
}

// recount counts the ballots alone.
func (s *State) recount(id event.ID, p *Proposal) *count {
	c := &count{p: p, carried: s.carry(id, p), lot: drawLot(id, len(p.Options), p.Rules.Track.Method.HasStatusQuo()), unit: s.Currency.unit()}
	c.ballots = func(yield func(Ballot) bool) {
		for _, b := range s.BallotsOn(id) {
			if !yield(b) {
				return
			}
		}
	}
	h := sha256.New()
	for b := range c.ballots {
		h.Write(b.Event[:])
	}
	c.Ballots, c.Delegated, c.Chains = c.carried.ballots, c.carried.delegated, c.carried.chains
	for b, votes := range c.papers {
		c.cast += votes
		if b.Choice == Abstain {
			c.Abstain += votes
		}
	}
	h.Sum(c.Hash[:0])
	switch p.Rules.Track.Method {
	case YesNo, ByConsent:
		c.countSides()
	case Approval:
		c.countApproval()
	case Score:
		c.countScore()
	case Schulze:
		c.countSchulze()
	case Runoff:
		c.countRunoff()
	case STV:
		c.countSTV()
	case Points, PointsQuadratic:
		c.countPoints()
	case BudgetGreedy, BudgetShares:
		c.countBudget()
	}
	return c
}

// drawLot orders options that nothing else sets apart: by SHA-256 of the proposal's id and the option's
// number as 8 bytes, big-endian. Nobody can know it before the proposal is signed, and everybody can
// check it afterwards. A status quo, which is the last option, comes first.
func drawLot(proposal event.ID, options int, statusQuo bool) tally.Lot {
	draws, order := make([]event.ID, options), make([]int, options)
	for i := range draws {
		draws[i] = sha256.Sum256(binary.BigEndian.AppendUint64(proposal[:len(proposal):len(proposal)], uint64(i)))
		order[i] = i
	}
	if statusQuo {
		draws[options-1] = event.ID{}
	}
	slices.SortFunc(order, func(a, b int) int { return draws[a].Compare(draws[b]) })
	lot := make(tally.Lot, options)
	for place, i := range order {
		lot[i] = place
	}
	return lot
}

// judge sets what yes and no say about quorum and threshold. Ballots of neither are abstentions.
func (c *count) judge(yes, no uint64) {
	n := Count{Roll: c.p.RollSize, Yes: yes, No: no, Abstain: c.cast - yes - no}
	c.Yes, c.No, c.Abstain = n.Yes, n.No, n.Abstain
	c.Quorum = c.p.Rules.Track.Quorum.Reached(n)
	c.Threshold = c.p.Rules.Track.Threshold.Reached(n)
	c.judgeChambers()
}

// elect selects options if the vote passes.
func (c *count) elect(options ...int) {
	if c.Outcome() != Grace {
		return
	}
	for _, i := range options {
		c.Selected = append(c.Selected, uint64(i))
	}
}

// lead judges the option that the count puts first: each ballot's side is above 0 if it is for it,
// below 0 if it is against it.
func (c *count) lead(side func(Ballot) int) {
	c.side = side
	var yes, no uint64
	for b, votes := range c.listed {
		switch of := side(b); {
		case of > 0:
			yes += votes
		case of < 0:
			no += votes
		}
	}
	c.judge(yes, no)
}

// papers yields the different ballots with the votes that count for them.
func (c *count) papers(yield func(Ballot, uint64) bool) {
	for i, b := range c.carried.papers {
		if votes := c.carried.votes[i]; votes > 0 && !yield(b, votes) {
			return
		}
	}
}

// listed yields those that mark options.
func (c *count) listed(yield func(Ballot, uint64) bool) {
	for b, votes := range c.papers {
		if b.Choice == Listed && !yield(b, votes) {
			return
		}
	}
}

func (c *count) stances(yield func(tally.Vote) bool) {
	for b, votes := range c.papers {
		v := tally.Vote{Weight: votes}
		switch b.Choice {
		case Yes:
			v.Stance = tally.For
		case No, Object:
			v.Stance = tally.Against
		}
		if !yield(v) {
			return
		}
	}
}

func (c *count) approvals(yield func(tally.Approval) bool) {
	for b, votes := range c.listed {
		if !yield(b.approval(votes)) {
			return
		}
	}
}

func (c *count) rankings(yield func(tally.Ranking) bool) {
	for b, votes := range c.listed {
		if !yield(b.ranking(votes)) {
			return
		}
	}
}

func (c *count) countSides() {
	c.side = func(b Ballot) int {
		if b.Choice == Yes {
			return 1
		}
		return -1
	}
	if c.p.Rules.Track.Method == ByConsent {
		r := tally.CountConsent(c.stances)
		c.keep(r, nil)
		c.judge(r.Consents, r.Objections)
		return
	}
	r := tally.CountYesNo(c.stances)
	c.keep(r, nil)
	c.judge(r.Yes, r.No)
}

func (c *count) countApproval() {
	r := tally.CountApproval(len(c.p.Options), c.approvals, c.lot)
	leading := r.Order[0]
	c.keep(r, r.Ties)
	c.Votes, c.Tie = r.Votes, c.concerns(leading)
	c.side = func(b Ballot) int {
		if slices.Contains(b.Approvals, uint64(leading)) {
			return 1
		}
		return -1
	}
	c.judge(r.Votes[leading], r.Ballots-r.Votes[leading])
	c.elect(leading)
}

func (c *count) countScore() {
	r := tally.CountScore(len(c.p.Options), func(yield func(tally.Scores) bool) {
		for b, votes := range c.listed {
			if !yield(tally.Scores{Weight: votes, Scores: b.Scores}) {
				return
			}
		}
	}, c.lot)
	leading := r.Order[0]
	c.keep(r, r.Ties)
	c.Votes, c.Tie = r.Sums, c.concerns(leading)
	highest := int(c.p.Rules.Track.Highest)
	c.lead(func(b Ballot) int { return 2*int(b.Scores[leading]) - highest })
	c.elect(leading)
}

func (c *count) countPoints() {
	r := tally.CountPoints(len(c.p.Options), func(yield func(tally.Points) bool) {
		for b, votes := range c.listed {
			if !yield(tally.Points{Weight: votes, Points: b.Points}) {
				return
			}
		}
	}, c.lot)
	leading := r.Order[0]
	c.keep(r, r.Ties)
	c.Votes, c.Tie = r.Sums, c.concerns(leading)
	c.lead(func(b Ballot) int {
		if b.Points[leading] > 0 {
			return 1
		}
		return -1
	})
	c.elect(leading)
}

// countSchulze has as votes who prefers an option to the status quo, and for the status quo who prefers
// it to the leading option.
func (c *count) countSchulze() {
	r := tally.CountSchulze(len(c.p.Options), c.rankings, c.lot)
	last := len(c.p.Options) - 1
	leading := r.Order[0]
	c.keep(r, r.Ties)
	c.Tie = c.concerns(leading)
	c.first = leading
	if leading == last {
		leading = r.Order[1]
	}
	for _, row := range r.Pairs {
		c.Votes = append(c.Votes, row[last])
	}
	c.Votes[last] = r.Pairs[last][leading]
	c.side = func(b Ballot) int { return b.place(last) - b.place(leading) }
	c.judge(r.Pairs[leading][last], r.Pairs[last][leading])
	c.Threshold = c.Threshold && leading == c.first
	c.elect(leading)
}

// countRunoff has first preferences as votes. If the status quo wins, the leading option is the one with most votes
// beside it in the last round.
func (c *count) countRunoff() {
	r := tally.CountRunoff(len(c.p.Options), c.rankings, c.lot)
	last := len(c.p.Options) - 1
	leading := r.Winner
	c.keep(r, r.Ties)
	c.Votes = r.Rounds[0].Votes
	c.first = leading
	if leading == last {
		final := r.Rounds[len(r.Rounds)-1].Votes
		leading = 0
		for i := range last {
			if final[i] > final[leading] || final[i] == final[leading] && c.lot[i] < c.lot[leading] {
				leading = i
			}
		}
	}
	c.lead(func(b Ballot) int { return b.place(last) - b.place(leading) })
	c.Threshold = c.Threshold && leading == c.first
	c.elect(leading)
}

// countSTV has first preferences as votes. Who ranks nobody has not filled in a paper of this election:
// the quota is of those who did.
func (c *count) countSTV() {
	if c.p.Rules.Track.Elects() && len(c.p.Nominees) == 0 {
		return // nobody can be voted for yet
	}
	ranked := uint64(0)
	r := tally.CountSTV(len(c.p.Options), int(c.p.Rules.Track.Seats), func(yield func(tally.Ranking) bool) {
		for b := range c.rankings {
			if len(b.Places) == 0 {
				continue
			}
			ranked += b.Weight
			if !yield(b) {
				return
			}
		}
	}, c.lot)
	c.keep(r, r.Ties)
	for _, votes := range r.Stages[0].Votes {
		c.Votes = append(c.Votes, uint64(votes/tally.OneVote))
	}
	c.judge(ranked, c.cast-c.Abstain-ranked)
	c.elect(r.Elected...)
	if c.p.Rules.Track.Elects() && c.Outcome() == Grace {
		for _, i := range r.Standby(c.lot) {
			c.Standby = append(c.Standby, uint64(i))
		}
	}
}

// countBudget funds among the projects that reach the threshold. The vote passes if it funds one.
func (c *count) countBudget() {
	t := &c.p.Rules.Track
	all := tally.CountApproval(len(c.p.Options), c.approvals, c.lot)
	costs, eligible := make([]uint64, len(all.Votes)), make([]uint64, len(all.Votes))
	c.Votes = all.Votes
	c.judge(all.Ballots, 0)
	for i, n := range all.Votes {
		costs[i] = c.p.Options[i].Cost
		if c.hears(n) {
			eligible[i] = n
		}
	}
	var funded []int
	var spent uint64
	if t.Method == BudgetGreedy {
		r := tally.ShareGreedily(c.p.Budget, costs, eligible, c.lot)
		funded, spent = r.Funded, r.Spent
		c.keep(r, r.Ties)
	} else {
		r := tally.CountEqualShares(c.p.Budget, costs, func(yield func(tally.Approval) bool) {
			for b := range c.approvals {
				b.Options = slices.DeleteFunc(b.Options, func(i int) bool { return eligible[i] == 0 })
				if !yield(b) {
					return
				}
			}
		}, c.lot, t.shares(c.unit))
		funded, spent = r.Funded, r.Spent
		c.keep(r, r.Ties)
	}
	c.Threshold = len(funded) > 0
	if c.Quorum && c.Threshold {
		c.Spent = spent
		slices.Sort(funded)
		c.elect(funded...)
	}
}

// hears tells whether a project with so many votes reaches the threshold.
func (c *count) hears(votes uint64) bool {
	return c.p.Rules.Track.Threshold.Reached(Count{Yes: votes, No: c.Yes - votes})
}

// keep keeps what package tally returned. A lot anywhere may have decided; where only the order counts,
// see concerns.
func (c *count) keep(r account, ties []tally.Tie) { c.steps, c.ties, c.Tie = r, ties, len(ties) > 0 }

// concerns tells whether the lot set an option apart from another.
func (c *count) concerns(option int) bool {
	return slices.ContainsFunc(c.ties, func(t tally.Tie) bool { return slices.Contains(t.Options, option) })
}

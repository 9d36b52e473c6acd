package finality

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
)

// loom weaves graphs of blocks by hand.
type loom struct {
	t  *testing.T
	ep Epoch
	at event.Time
}

func newLoom(t *testing.T, n int) *loom { return &loom{t: t, ep: testEpoch(n, 1), at: dawn} }

// ledBy chooses an epoch in which a steward leads the second wave.
func (l *loom) ledBy(steward int) *loom {
	for seed := uint64(0); l.leader(4) != steward; seed++ {
		l.ep = testEpoch(l.ep.N(), seed)
	}
	return l
}

type option func(*Round)

func voting(r *Round)                { r.Vote = true }
func listing(ids ...event.ID) option { return func(r *Round) { r.Inc = ids } }
func at(t event.Time) option         { return func(r *Round) { r.At = t } }
func after(prev *Round) option       { return func(r *Round) { r.Prev, r.Last = prev.ID, prev.Number } }
func variant(i int) option           { return func(r *Round) { r.At += event.Time(i) } }

// block is a block on parents; its own among them is its predecessor.
func (l *loom) block(steward int, number uint64, parents []*Round, options ...option) *Round {
	l.t.Helper()
	l.at++
	r := Round{Steward: steward, Number: number, At: l.at}
	for _, p := range parents {
		r.Parents = append(r.Parents, p.ID)
		if p.Steward == steward {
			after(p)(&r)
		}
	}
	for _, o := range options {
		o(&r)
	}
	return seal(l.t, &l.ep, r)
}

// row is a block of each of these stewards on all of parents.
func (l *loom) row(number uint64, parents []*Round, stewards []int, options ...option) []*Round {
	var row []*Round
	for _, s := range stewards {
		row = append(row, l.block(s, number, parents, options...))
	}
	return row
}

func upTo(n int) []int {
	var all []int
	for i := range n {
		all = append(all, i)
	}
	return all
}

// wave is three full rows in which everybody votes.
func (l *loom) wave(number uint64, parents []*Round, stewards []int, options ...option) [][]*Round {
	proposed := l.row(number, parents, stewards, options...)
	voted := l.row(number+1, proposed, stewards, voting)
	return [][]*Round{proposed, voted, l.row(number+2, voted, stewards)}
}

func (l *loom) engine(events ...event.ID) (*Engine, *graph) {
	g := newGraph()
	for _, id := range events {
		g.add(id, nil)
	}
	return NewEngine(l.ep, g), g
}

// feed adds blocks, all of which must be accepted at once, and returns the commits.
func (l *loom) feed(e *Engine, rounds ...*Round) []Commit {
	l.t.Helper()
	var commits []Commit
	for _, r := range rounds {
		step, err := e.Add(l.at, "test", r)
		if err != nil || len(step.Accepted) == 0 {
			l.t.Fatalf("block of steward %d for round %d is not accepted: %v", r.Steward, r.Number, err)
		}
		commits = append(commits, step.Commits...)
	}
	return commits
}

func (l *loom) leader(number uint64) int { return l.ep.Leader(waveOf(number)) }

func by(steward int, row []*Round) *Round {
	return row[slices.IndexFunc(row, func(r *Round) bool { return r.Steward == steward })]
}

func TestWaveCommitsTheLeadersBlock(t *testing.T) {
	for _, n := range sizes {
		l := newLoom(t, n)
		events := ids(2)
		e, _ := l.engine(events...)
		wave := l.wave(1, nil, upTo(n), listing(events...))
		q := l.ep.Q()
		if commits := l.feed(e, slices.Concat(wave[0], wave[1], wave[2][:q-1])...); len(commits) > 0 {
			t.Fatalf("n = %d: commit without a quorum of certificates", n)
		}
		commits := l.feed(e, wave[2][q-1])
		if len(commits) != 1 {
			t.Fatalf("n = %d: %d commits", n, len(commits))
		}
		c, leader := commits[0], by(l.leader(1), wave[0])
		if c.Anchor.ID != leader.ID || c.Index != 0 || c.Wave != 0 || c.Time != leader.At || len(c.Order) != 2 {
			t.Fatalf("n = %d: %+v", n, c)
		}
	}
}

func TestCommitNeedsAQuorumOfVotes(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	proposed := l.row(1, nil, upTo(4))
	voted := append(l.row(2, proposed, []int{0, 1}, voting), l.row(2, proposed, []int{2, 3})...) // two votes of four
	if commits := l.feed(e, slices.Concat(proposed, voted, l.row(3, voted, upTo(4)))...); len(commits) > 0 {
		t.Fatal("a parent counts as a vote")
	}
}

func TestCommitCountsStewardsAndNotBlocks(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	wave := l.wave(1, nil, upTo(4))
	l.feed(e, slices.Concat(wave[0], wave[1])...)
	for i := range 3 {
		if commits := l.feed(e, l.block(0, 3, wave[1], variant(100+i))); len(commits) > 0 {
			t.Fatal("three blocks of one steward commit")
		}
	}
	l.feed(e, wave[2][1])
	if commits := l.feed(e, wave[2][2]); len(commits) != 1 {
		t.Fatal("three stewards do not commit")
	}
}

func TestVotesForForksOfTheLeaderDoNotAddUp(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	leader := l.leader(1)
	rest := slices.DeleteFunc(upTo(4), func(s int) bool { return s == leader })
	one, two := l.row(1, nil, upTo(4)), l.row(1, nil, []int{leader}, variant(1000))
	other := slices.Clone(one)
	other[leader] = two[0]
	voted := append(l.row(2, one, rest[:2], voting), l.row(2, other, rest[2:], voting)...)
	voted = append(voted, l.block(leader, 2, other, voting))
	slices.SortFunc(voted, func(a, b *Round) int { return a.Steward - b.Steward })
	if commits := l.feed(e, slices.Concat(one, two, voted, l.row(3, voted, upTo(4)))...); len(commits) > 0 {
		t.Fatal("votes for two blocks of a leader commit one of them")
	}
	if proofs := e.Evidence(); len(proofs) != 1 || proofs[0].Steward != leader || proofs[0].Key != l.ep.Stewards[leader] {
		t.Fatalf("evidence: %+v", proofs)
	}
}

// A late block of the decide round, with events of its own, comes before the next wave at one node
// and after the commit at another. Neither changes what the anchor orders.
func TestLateBlocksDoNotChangeASegment(t *testing.T) {
	l := newLoom(t, 4)
	events := ids(3)
	first := l.wave(1, nil, upTo(4), listing(events[0]))
	late := l.block(3, 3, first[1], listing(events[1]), variant(500))
	second := l.wave(4, first[2], upTo(4), listing(events[2]))
	var orders []string
	for _, blocks := range [][]*Round{
		slices.Concat(first[0], first[1], []*Round{late}, first[2], second[0], second[1], second[2]),
		slices.Concat(first[0], first[1], first[2], []*Round{late}, second[0], second[1], second[2]),
		slices.Concat(first[0], first[1], first[2], second[0], second[1], second[2], []*Round{late}),
	} {
		e, _ := l.engine(events...)
		order := ""
		for _, c := range l.feed(e, blocks...) {
			order += fmt.Sprintln(c.Anchor.ID, c.Order)
		}
		orders = append(orders, order)
	}
	if orders[0] != orders[1] || orders[1] != orders[2] {
		t.Fatalf("late blocks change the order:\n%v", orders)
	}
}

// One node sees a certificate that nobody else does, and the rest of the wave never comes. Whether
// the wave commits is decided by whether the next anchor has the certificate in its closure.
func TestCertificateSeenByOneNode(t *testing.T) {
	for _, passedOn := range []bool{false, true} {
		l := newLoom(t, 4).ledBy(1)
		events := ids(2)
		proposed := l.row(1, nil, upTo(4), listing(events[0]))
		voted := append(l.row(2, proposed, []int{0, 1, 2}, voting), l.block(3, 2, proposed))
		cert := l.block(3, 3, voted)
		blind := l.row(3, []*Round{voted[0], voted[1], voted[3]}, []int{0, 1}) // two votes each
		blind = append(blind, l.block(2, 3, []*Round{voted[0], voted[2], voted[3]}))
		base := blind
		if passedOn {
			base = append(slices.Clone(blind[:2]), cert)
		}
		next := l.wave(4, base, []int{0, 1, 2}, listing(events[1]))
		lucky, _ := l.engine(events...)
		plain, _ := l.engine(events...)
		if len(l.feed(lucky, slices.Concat(proposed, voted, []*Round{cert})...)) > 0 {
			t.Fatal("one certificate commits")
		}
		had := l.feed(lucky, slices.Concat(blind, next[0], next[1], next[2])...)
		if passedOn {
			l.feed(plain, slices.Concat(proposed, voted, []*Round{cert})...)
		} else {
			l.feed(plain, slices.Concat(proposed, voted)...)
		}
		has := l.feed(plain, slices.Concat(blind, next[0], next[1], next[2])...)
		want := 1
		if passedOn {
			want = 2 // the certified block first, then the one committed directly
		}
		if len(had) != want || len(has) != want {
			t.Fatalf("passed on %v: %d and %d commits, want %d", passedOn, len(had), len(has), want)
		}
		for i := range had {
			if had[i].Anchor.ID != has[i].Anchor.ID || !slices.Equal(had[i].Order, has[i].Order) || had[i].Wave != uint64(2-want+i) {
				t.Fatalf("commit %d differs", i)
			}
		}
	}
}

// A block that only its own steward builds on, two rounds later, is in the closure all the same: its
// events are acknowledged and ordered, and its certificate counts.
func TestPredecessorsBelongToTheClosure(t *testing.T) {
	l := newLoom(t, 4).ledBy(3) // the second wave has no leader's block
	events := ids(1)
	e, _ := l.engine(events...)
	proposed := l.row(1, nil, upTo(4))
	voted := append(l.row(2, proposed, []int{0, 1, 2}, voting), l.block(3, 2, proposed))
	cert := l.block(3, 3, voted, listing(events...))
	blind := l.row(3, []*Round{voted[0], voted[1], voted[3]}, []int{0, 1})
	blind = append(blind, l.block(2, 3, []*Round{voted[0], voted[2], voted[3]}))
	four := l.row(4, blind, upTo(3))
	five := append(l.row(5, four, upTo(3)), l.block(3, 5, four, after(cert)))
	l.feed(e, slices.Concat(proposed, voted, []*Round{cert}, blind, four, five)...)
	six := l.row(6, five, upTo(4))
	l.feed(e, six[0])
	if e.Acknowledged(events[0]) {
		t.Fatal("acknowledged by two")
	}
	l.feed(e, six[1:]...)
	if !e.Acknowledged(events[0]) {
		t.Fatal("not acknowledged by four")
	}
	wave := l.wave(7, six, upTo(4))
	commits := l.feed(e, slices.Concat(wave...)...)
	if len(commits) != 2 || commits[0].Anchor.ID != by(l.leader(1), proposed).ID || !slices.Equal(commits[1].Order, events) {
		t.Fatalf("%+v", commits)
	}
}

// One node commits wave after wave and forgets an old block in between; another commits both waves at
// once. The old block is in the closure of the second anchor, yet neither orders what it lists.
func TestSegmentsAreCutAlikeSoonerOrLater(t *testing.T) {
	l := newLoom(t, 4)
	for seed := uint64(0); l.leader(7) == 3 || l.leader(10) == 3; seed++ {
		l.ep = testEpoch(4, seed)
	}
	events := ids(1)
	old := l.block(3, 1, nil, listing(events...))
	blocks := []*Round{old}
	var below []*Round
	for number := uint64(1); number <= 7; number++ {
		below = l.row(number, below, upTo(3))
		blocks = append(blocks, below...)
	}
	voted := append(l.row(8, below, upTo(3), voting), l.block(3, 8, below, after(old)))
	decided := l.row(9, voted, []int{0, 1})
	decided = append(decided, l.block(2, 9, []*Round{voted[0], voted[1], voted[3]})) // two votes
	seenByOne := l.block(3, 9, voted)
	last := l.wave(10, decided, upTo(3))
	var orders []string
	for _, blocks := range [][]*Round{
		slices.Concat(blocks, voted, decided, []*Round{seenByOne}, last[0], last[1], last[2]),
		slices.Concat(blocks, voted, decided, last[0], last[1], last[2]),
	} {
		e, _ := l.engine(events...)
		e.window = 4
		order := ""
		for _, c := range l.feed(e, blocks...) {
			order += fmt.Sprintln(c.Wave, c.Anchor.ID, c.Order)
		}
		if e.Commits() != 2 {
			t.Fatalf("%d commits", e.Commits())
		}
		orders = append(orders, order)
	}
	if orders[0] != orders[1] {
		t.Fatalf("%v", orders)
	}
}

func TestLinksMustBeWhatTheySay(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	one := l.row(1, nil, upTo(4))
	fork := l.block(2, 1, nil, variant(50))
	two := l.row(2, one, upTo(4))
	three := l.row(3, two, upTo(4))
	l.feed(e, slices.Concat(one, []*Round{fork}, two, three)...)
	prev := func(id RoundID, last uint64) option { return func(r *Round) { r.Prev, r.Last = id, last } }
	none := prev(RoundID{}, 0)
	for name, bad := range map[string]*Round{
		"two parents of one steward": l.block(0, 2, []*Round{one[0], one[2], fork}),
		"a fork besides its steward": l.block(3, 2, []*Round{one[0], fork, one[2], one[3]}),
		"stewards out of order":      l.block(0, 2, []*Round{one[0], one[2], one[1]}),
		"parents two rounds below":   l.block(0, 3, one, none),
		"parents of the same round":  l.block(0, 2, two, none),
		"one parent from elsewhere":  l.block(0, 3, []*Round{two[0], two[1], one[2]}),
		"predecessor of another":     l.block(0, 3, two, prev(one[1].ID, 1)),
		"predecessor's round wrong":  l.block(0, 4, three, prev(one[0].ID, 2)),
	} {
		step, err := e.Add(l.at, "test", bad)
		if !errors.Is(err, ErrLinks) || len(step.Accepted) > 0 || e.Has(bad.ID) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l.feed(e, l.block(0, 4, three, prev(one[0].ID, 1)), l.block(1, 4, three, none)) // odd, but allowed
}

// Two liars of four, one too many, commit a wave and then help an anchor that never saw it.
func TestFloorHaltsAndNamesWhoCheated(t *testing.T) {
	l := newLoom(t, 4).ledBy(2)
	events := ids(2)
	e, _ := l.engine(events...)
	wave := l.wave(1, nil, upTo(4), listing(events[0]))
	commits := l.feed(e, slices.Concat(wave[0], wave[1], wave[2][:3])...)
	if len(commits) != 1 {
		t.Fatalf("%d commits", len(commits))
	}
	// Stewards 1 and 2 sign their decide blocks again, on no more than two votes; 3 saw no more either.
	unvoted := l.block(2, 2, wave[0], variant(900))
	base := []*Round{wave[1][0], wave[1][1], unvoted}
	blind := []*Round{l.block(1, 3, base), l.block(2, 3, base), l.block(3, 3, base)}
	next := l.wave(4, blind, []int{1, 2, 3}, listing(events[1]))
	commits = l.feed(e, slices.Concat([]*Round{unvoted}, blind, next[0], next[1], next[2])...)
	h := e.Halted()
	if len(commits) > 0 || h == nil {
		t.Fatalf("%d commits against the floor, halt %v", len(commits), h)
	}
	if need := 2*l.ep.Q() - l.ep.N(); len(h.Forks) < need || h.Have != by(l.leader(1), wave[0]).ID || h.Wave != 1 {
		t.Fatalf("halt names %d stewards, want %d: %+v", len(h.Forks), need, h)
	}
	for _, f := range h.Forks {
		if f.A.Steward != f.Steward || f.B.Steward != f.Steward || f.A.Number != f.B.Number || f.A.ID.Compare(f.B.ID) >= 0 || f.Key != l.ep.Stewards[f.Steward] {
			t.Fatalf("no proof: %+v", f)
		}
	}
	more := l.wave(7, next[2], []int{1, 2, 3})
	for _, r := range slices.Concat(more[0], more[1], more[2]) {
		step, err := e.Add(l.at, "test", r)
		if err != nil || len(step.Accepted) != 1 || len(step.Commits) > 0 || step.Halt != h {
			t.Fatalf("after the halt: %+v, %v", step, err)
		}
	}
	if draft, wake := NewSteward(e, 0, 3).Step(l.at, true); draft != nil || wake != 0 {
		t.Fatal("a steward goes on after the halt")
	}
}

// The same two liars, but the blind wave is committed first.
func TestLateQuorumForAWaveLeftOutHalts(t *testing.T) {
	l := newLoom(t, 4).ledBy(2)
	e, _ := l.engine()
	wave := l.wave(1, nil, upTo(4))
	unvoted := l.block(2, 2, wave[0], variant(900))
	base := []*Round{wave[1][0], wave[1][1], unvoted}
	blind := []*Round{l.block(1, 3, base), l.block(2, 3, base), l.block(3, 3, base)}
	next := l.wave(4, blind, []int{1, 2, 3})
	if commits := l.feed(e, slices.Concat(wave[0], wave[1][:2], []*Round{unvoted}, blind, next[0], next[1], next[2])...); len(commits) != 1 || commits[0].Wave != 1 {
		t.Fatalf("%d commits", len(commits))
	}
	l.feed(e, slices.Concat(wave[1][2:], wave[2][:3])...)
	if h := e.Halted(); h == nil || len(h.Forks) < 2 || h.Found != by(l.leader(1), wave[0]).ID {
		t.Fatalf("others have a commit that this node left out: %+v", e.Halted())
	}
}

func TestTwoCertificatesInAWaveHalt(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	leader := l.leader(1)
	one := l.row(1, nil, upTo(4))
	other := slices.Clone(one)
	other[leader] = l.block(leader, 1, nil, variant(700))
	votes, against := l.row(2, one, upTo(4), voting), l.row(2, other, upTo(4), voting)
	l.feed(e, slices.Concat(one, []*Round{other[leader]}, votes, against)...)
	l.feed(e, l.block(0, 3, votes[:3]))
	if e.Halted() != nil {
		t.Fatal("halt too early")
	}
	l.feed(e, l.block(1, 3, against[:3]))
	if h := e.Halted(); h == nil || len(h.Forks) != 4 {
		t.Fatalf("halt: %+v", h)
	}
	if commits := l.feed(e, l.block(2, 3, votes[:3]), l.block(3, 3, votes[:3])); len(commits) > 0 {
		t.Fatal("a commit after the halt")
	}
}

func TestAcknowledgedTakesAQuorumOfClosures(t *testing.T) {
	l := newLoom(t, 4)
	events := ids(3)
	g := newGraph()
	g.add(events[0], nil)
	g.add(events[1], events[:1])
	g.add(events[2], nil)
	e := NewEngine(l.ep, g)
	e.Offer(events...)
	one := l.block(0, 1, nil, listing(events[1]))
	rest := l.row(1, nil, []int{1, 2, 3})
	l.feed(e, append(rest, one)...)
	for steward, want := range []bool{false, false, true} { // with steward 0, itself included
		l.feed(e, l.block(steward, 2, append([]*Round{one}, rest[:2]...)))
		for i, id := range events {
			if got := e.Acknowledged(id); got != (want && i < 2) {
				t.Fatalf("after %d closures: event %d acknowledged: %v", steward+1, i, got)
			}
		}
	}
}

func TestCoopTimeNeverFalls(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	first := l.wave(1, nil, upTo(4), at(dawn+5000))
	second := l.wave(4, first[2], upTo(4), at(dawn+1000))
	third := l.wave(7, second[2], upTo(4), at(dawn+7000))
	var times []event.Time
	for _, wave := range [][][]*Round{first, second, third} {
		for _, c := range l.feed(e, slices.Concat(wave...)...) {
			times = append(times, c.Time-dawn)
		}
	}
	if !slices.Equal(times, []event.Time{5000, 5000, 7000}) || e.Time() != dawn+7000 {
		t.Fatal(times)
	}
}

package finality

import (
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
)

func steady(n int, seed uint64) plan { return plan{n: n, seed: seed, fast: 30, slow: 40} }

// With exactly a quorum alive, a while with a wrong clock costs votes but stops nobody: blocks are
// built on all the same, and when the clock is right again everything becomes final.
func TestQuorumAliveWithAnUntimelySteward(t *testing.T) {
	for _, n := range []int{4, 7, 10, 13} {
		p := steady(n, 5)
		p.liars, p.act = testEpochF(n), silent
		wrong := int64(3_600_000)
		p.skew = func(steward int) int64 {
			if steward == n-1 {
				return wrong
			}
			return 0
		}
		w := newWorld(t, p)
		w.publish(w.peers[n-2])
		w.run(60_000)
		round := w.peers[n-2].e.Round()
		if round < 12 {
			t.Fatalf("n = %d: stuck in round %d", n, round)
		}
		wrong = 0
		w.run(200_000)
		w.settled()
	}
}

func testEpochF(n int) int {
	ep := testEpoch(n, 0)
	return ep.F()
}

func TestLyingLeadersDoNotMoveTime(t *testing.T) {
	p := steady(7, 3)
	p.liars, p.act = 2, clockless
	w := newWorld(t, p)
	for range 30 {
		w.publish(w.peers[6])
		w.run(3000)
	}
	w.settled()
	lied := false
	for _, c := range w.peers[6].commits {
		real := w.anchored(c)
		if distance(c.Time, real) > uint64(w.ep.Params.Tolerance) {
			t.Fatalf("coop time %v when it was %v", c.Time, real)
		}
		lied = lied || c.Anchor.Steward < 2
	}
	if lied {
		t.Fatal("a leader whose clock is off by 30 s became an anchor")
	}
}

// anchored is about when an anchor was signed in truth: correct leaders have true clocks.
func (w *world) anchored(c Commit) event.Time { return c.Anchor.At }

func TestDeadlineInAnIdleWorldMovesTime(t *testing.T) {
	w := newWorld(t, steady(4, 9))
	w.publish(w.peers[0])
	w.run(100_000)
	deadline := w.now + 50_000
	for _, x := range w.peers {
		x.due = func() bool { return x.clock() >= deadline && x.e.Time() < deadline }
	}
	w.run(40_000)
	if len(w.peers[0].commits) != 1 {
		t.Fatal("a deadline that has not passed is work")
	}
	for _, x := range w.peers {
		w.after(10_000, x.work) // the caller asks when the deadline comes
	}
	w.run(60_000)
	w.agree()
	for _, x := range w.peers {
		if len(x.commits) != 2 || x.commits[1].Time < deadline || len(x.commits[1].Order) > 0 {
			t.Fatalf("peer %d: %d commits", x.self, len(x.commits))
		}
	}
	blocks := w.blocks
	w.run(3_600_000)
	if w.blocks != blocks || blocks != 24 {
		t.Fatalf("%d and %d blocks for an event and a deadline", blocks, w.blocks-blocks)
	}
}

func TestLaggingStewardJoinsTheCurrentRound(t *testing.T) {
	w := newWorld(t, plan{n: 4, seed: 2, fast: 10, slow: 20})
	late := w.peers[3]
	late.down = true
	for range 40 {
		w.publish(w.peers[0])
		w.run(5000)
	}
	late.start()
	before := w.blocks
	if late.e.Round() != 0 {
		t.Fatal("the late steward knows everything already")
	}
	for range 10 {
		w.peers[0].answer(late, nil, w.all, late.e.Frontier())
		w.run(1000)
	}
	if round := late.e.Round(); uint64(w.blocks-before) > round/5 || round < 120 {
		t.Fatalf("%d blocks to catch up with %d rounds", w.blocks-before, round)
	}
	w.publish(late)
	w.run(20_000)
	w.settled()
}

// bench is a steward of four fed by hand, with the blocks of the others woven on demand.
type desk struct {
	*loom
	e *Engine
	s *Steward
	g *graph
}

func newDesk(t *testing.T, self int, events ...event.ID) *desk {
	l := newLoom(t, 4)
	e, g := l.engine(events...)
	e.Offer(events...)
	return &desk{l, e, NewSteward(e, self, 0), g}
}

// step wants a draft of a round, seals it and adds it.
func (d *desk) step(want uint64) *Round {
	d.t.Helper()
	draft, wake := d.s.Step(d.at, false)
	if draft == nil || draft.Number != want {
		d.t.Fatalf("draft %+v (wake %v), want round %d", draft, wake, want)
	}
	r := seal(d.t, &d.ep, *draft)
	d.feed(d.e, r)
	return r
}

func (d *desk) idle() event.Time {
	d.t.Helper()
	draft, wake := d.s.Step(d.at, false)
	if draft != nil {
		d.t.Fatalf("draft of round %d", draft.Number)
	}
	return wake
}

func others(self int) []int {
	return slices.DeleteFunc(upTo(4), func(s int) bool { return s == self })
}

func TestStewardWaitsForTheLeader(t *testing.T) {
	l := newLoom(t, 4)
	leader := l.leader(1)
	self := (leader + 1) % 4
	d := newDesk(t, self, ids(1)...)
	mine := d.step(1)
	rest := slices.DeleteFunc(others(self), func(s int) bool { return s == leader })
	d.feed(d.e, d.row(1, nil, rest)...)
	d.at += 500
	over := d.idle()
	if want := d.e.rows[1].since + d.ep.Params.Delta0; over != want {
		t.Fatalf("asks again at %v, want %v", over, want)
	}
	d.feed(d.e, d.block(leader, 1, nil))
	if r := d.step(2); !r.Vote || len(r.Parents) != 4 || r.Prev != mine.ID || r.Last != 1 {
		t.Fatalf("%+v", r)
	}

	d = newDesk(t, self, ids(1)...)
	d.step(1)
	d.feed(d.e, d.row(1, nil, rest)...)
	d.at = d.e.rows[1].since + d.ep.Params.Delta0
	if r := d.step(2); r.Vote {
		t.Fatal("a vote without the leader's block")
	}
}

func TestStewardVotesForTimelyLeadersAlone(t *testing.T) {
	l := newLoom(t, 4)
	leader := l.leader(1)
	self := (leader + 1) % 4
	for _, c := range []struct {
		off  int64
		vote bool
	}{{0, true}, {9_000, true}, {-9_000, true}, {10_050, false}, {-10_050, false}, {1 << 50, false}} {
		d := newDesk(t, self, ids(1)...)
		d.step(1)
		rest := slices.DeleteFunc(others(self), func(s int) bool { return s == leader })
		d.feed(d.e, d.row(1, nil, rest)...)
		d.feed(d.e, d.block(leader, 1, nil, at(event.Time(int64(d.at)+c.off))))
		d.at += 500
		r := d.step(2)
		if r.Vote != c.vote || len(r.Parents) != 4 {
			t.Fatalf("clock off by %d ms: vote %v, %d parents", c.off, r.Vote, len(r.Parents))
		}
	}
}

func TestStewardWaitsForVotesWhileTheyCanCome(t *testing.T) {
	l := newLoom(t, 4)
	self := (l.leader(1) + 1) % 4
	rest := others(self)
	start := func() (*desk, []*Round, *Round) {
		d := newDesk(t, self, ids(1)...)
		mine := d.step(1)
		proposed := d.row(1, nil, rest)
		d.feed(d.e, proposed...)
		all := append(slices.Clone(proposed), mine)
		slices.SortFunc(all, func(a, b *Round) int { return a.Steward - b.Steward })
		d.at += 500
		return d, all, d.step(2)
	}
	d, all, _ := start()
	d.feed(d.e, d.block(rest[0], 2, all, voting), d.block(rest[1], 2, all))
	d.at += 500
	if d.idle() == 0 {
		t.Fatal("two votes of three blocks: the fourth decides, and nobody waits for it")
	}
	d.feed(d.e, d.block(rest[2], 2, all, voting))
	d.step(3)

	d, all, _ = start()
	d.feed(d.e, d.block(rest[0], 2, all), d.block(rest[1], 2, all))
	d.at += 500
	d.step(3) // no quorum of votes can come any more
}

func TestStewardDoesNotWaitForTheAbsent(t *testing.T) {
	w := newWorld(t, steady(4, 4))
	w.peers[3].down = true
	for range 4 {
		w.publish(w.peers[0])
		w.run(60_000)
	}
	for range 4 {
		begin := w.now
		w.publish(w.peers[0])
		for w.peers[0].e.Pending() > 0 {
			w.run(10)
		}
		if took := w.now - begin; took > 1500 {
			t.Fatalf("%v ms with one steward long gone", uint64(took))
		}
		w.run(10_000)
	}
}

func TestStewardDoesNotWaitForLiars(t *testing.T) {
	l := newLoom(t, 4)
	leader := l.leader(1)
	self := (leader + 1) % 4
	rest := slices.DeleteFunc(others(self), func(s int) bool { return s == leader })
	d := newDesk(t, self, ids(1)...)
	d.step(1)
	d.feed(d.e, d.row(1, nil, rest)...)
	d.at += 500
	d.idle()
	for i := range 2 {
		r := &Round{ID: RoundID{byte(i)}, Epoch: d.ep.Number, Steward: leader, Number: 5, Parents: parentIDs(3)}
		if _, err := d.e.Add(d.at, "x", r); err != nil {
			t.Fatal(err)
		}
	}
	d.step(2) // the leader is known to lie
}

func TestStewardDoesNotWaitForVotesOfLiars(t *testing.T) {
	l := newLoom(t, 4)
	leader := l.leader(1)
	self, plain, liar := (leader+1)%4, (leader+2)%4, (leader+3)%4
	d := newDesk(t, self, ids(1)...)
	mine := d.step(1)
	row := append(d.row(1, nil, others(self)), mine)
	slices.SortFunc(row, func(a, b *Round) int { return a.Steward - b.Steward })
	d.feed(d.e, slices.DeleteFunc(slices.Clone(row), func(r *Round) bool { return r == mine })...)
	d.at += 500
	d.step(2)
	d.feed(d.e, d.block(leader, 2, row, voting), d.block(plain, 2, row))
	d.at += 500
	d.idle() // a third vote may come
	d.feed(d.e, d.block(liar, 1, nil, variant(6)))
	d.step(3) // it would not count
}

func TestStewardFinishesAWaveThatIsCommittedWithoutIt(t *testing.T) {
	d := newDesk(t, 0, ids(1)...)
	mine := d.step(1)
	rest := d.row(1, nil, others(0), listing(ids(1)...))
	d.feed(d.e, rest...)
	voted := d.row(2, append([]*Round{mine}, rest...), others(0), voting)
	d.feed(d.e, voted...)
	if commits := d.feed(d.e, d.row(3, voted, others(0))...); len(commits) != 1 || d.e.Pending() > 0 {
		t.Fatal("not the case to be tested")
	}
	d.at += 500
	if r := d.step(3); len(r.Inc) > 0 || len(r.Parents) != 3 {
		t.Fatalf("%+v", r)
	}
	d.at += 500
	if d.idle() != 0 {
		t.Fatal("it goes on")
	}
}

func TestStewardWhoseClockIsSetBackGoesOn(t *testing.T) {
	d := newDesk(t, 0, ids(2)...)
	mine := d.step(1)
	d.at -= 3_600_000
	d.feed(d.e, d.row(1, nil, others(0))...)
	d.idle()
	d.at += 500
	if r := d.step(2); r.Prev != mine.ID {
		t.Fatal("wrong predecessor")
	}
}

func TestStewardRetiresWhenItsKeyIsUsedElsewhere(t *testing.T) {
	d := newDesk(t, 0, ids(1)...)
	d.feed(d.e, d.block(0, 1, nil))
	d.feed(d.e, d.row(1, nil, others(0))...)
	if !d.s.Retired() || d.idle() != 0 {
		t.Fatal("it signs on")
	}
	d = newDesk(t, 0, ids(1)...)
	d.step(1)
	d.feed(d.e, d.block(0, 1, nil, variant(77)))
	if !d.s.Retired() || d.idle() != 0 {
		t.Fatal("it signs on after its own fork")
	}
}

func TestStewardSignsNoRoundTwice(t *testing.T) {
	d := newDesk(t, 0, ids(1)...)
	if draft, _ := d.s.Step(d.at, false); draft == nil {
		t.Fatal("no draft")
	}
	d.at += 10_000
	if draft, _ := d.s.Step(d.at, false); draft != nil {
		t.Fatal("a second draft of the round while the first is out")
	}
	if s := NewSteward(d.e, 0, 5); s.Issued() != 5 {
		t.Fatal("what was issued before is forgotten")
	} else if draft, _ := s.Step(d.at, false); draft != nil {
		t.Fatalf("round %d, but 5 is signed", draft.Number)
	}
}

func TestParentsLeaveOutLiarsWhileTheRestAreAQuorum(t *testing.T) {
	d := newDesk(t, 0, ids(1)...)
	d.step(1)
	d.feed(d.e, d.row(1, nil, others(0))...)
	liar := (d.leader(1) + 1) % 4
	if liar == 0 {
		liar = (d.leader(1) + 2) % 4
	}
	d.feed(d.e, d.block(liar, 1, nil, variant(9)))
	d.at += 500
	if r := d.step(2); len(r.Parents) != 3 || slices.Contains(r.Parents, d.e.rows[1].first[liar].ID) {
		t.Fatalf("%d parents", len(r.Parents))
	}
}

func TestBackoffDoublesPerTurnOfPossibleLiars(t *testing.T) {
	ep := testEpoch(7, 1) // f = 2
	e := NewEngine(ep, newGraph())
	for wave, want := range map[uint64]uint64{0: 1, 1: 1, 2: 1, 3: 2, 5: 2, 6: 4, 9: 8, 18: 64, 21: 64, 1 << 40: 64} {
		if got := e.backoff(wave); got != want {
			t.Errorf("wave %d: %d, want %d", wave, got, want)
		}
	}
	e.last = &node{Round: &Round{Number: 31}} // wave 10
	for wave, want := range map[uint64]uint64{3: 1, 10: 1, 11: 1, 13: 1, 14: 2, 17: 4} {
		if got := e.backoff(wave); got != want {
			t.Errorf("wave %d after 10: %d, want %d", wave, got, want)
		}
	}
}

func TestPauseFollowsTheNetworkAndTheLoad(t *testing.T) {
	trips := map[event.Time]event.Time{} // by one-way delay
	for _, delay := range []event.Time{0, 40, 2000} {
		p := steady(4, 6)
		p.fast, p.slow = delay, delay
		w := newWorld(t, p)
		for range 20 {
			w.publish(w.peers[1])
			w.run(30_000)
		}
		trips[delay] = w.peers[2].s.pause()
	}
	if trips[0] != 2 || trips[40] < 15 || trips[40] > 60 || trips[2000] != 150 {
		t.Fatalf("%v", trips)
	}
	d := newDesk(t, 0)
	var pauses []event.Time
	for _, n := range []int{0, 100, 400, 600} {
		d.e.Offer(ids(n)...)
		pauses = append(pauses, d.s.pause())
	}
	if pauses[0] != 2 || pauses[1] < 20 || pauses[2] < 100 || pauses[2] > 150 || pauses[3] != 2 {
		t.Fatalf("%v", pauses)
	}
}

package sim

import (
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/node"
)

// The schedules of the protocol's list of attacks (docs/protocol.md), one test each. mutants_test.go
// plants the naive mistake that each exposes and expects its test to fail.

// peace is a plan in which nothing goes wrong: n stewards, of whom the first founders are members.
func peace(seed uint64, n int) Plan {
	return Plan{Seed: seed, Stewards: n, Founders: min(n, 4), Delta0: 1000, Tolerance: 3000, Stall: 60_000, Storm: 5000, Bursts: 3, Delay: 20, Merciful: true}
}

// perform plays one plan with a script and expects that no promise is broken.
func perform(t *testing.T, plan Plan, script func(w *world)) *world {
	t.Helper()
	if raceOn {
		t.Skip("SKIPPED with the race detector: one world runs on one goroutine; make test plays it without")
	}
	w := newWorld(plan)
	if *tellFlag {
		w.trace.full = func(line string) { t.Log(line) }
	}
	if script != nil {
		script(w)
	}
	w.survive(w.play)
	if len(w.judge.violations) > 0 {
		r := w.result()
		t.Fatalf("%s\n(this is a directed schedule: run its test again)", r.String())
	}
	return w
}

// swarm plays a schedule with many dice and adds up what happened.
func swarm(t *testing.T, runs uint64, plan func(seed uint64) Plan) (sum Stats) {
	t.Helper()
	for seed := range runs {
		r := perform(t, plan(seed+1), nil).result()
		sum.add(&r.Stats)
	}
	return sum
}

// busy lets every member act all the time, so that there is always work.
func busy(p Plan) Plan {
	p.Acts, p.Bursts = 40, 12
	return p
}

// leaders is leads for a plan that has not begun.
func leaders(p Plan) (order []int) {
	ep := stageOf(&p).epoch
	for wave := range uint64(p.Stewards) {
		order = append(order, ep.Leader(wave))
	}
	return order
}

// say lets a founder say something that no state refuses.
func say(w *world, p *peer, at event.Time, n int) {
	w.agenda.add(at, func() { p.submit(inviting(keyOf(7000+n), max(p.clock(), dawn+w.now)), nil) })
}

// blocksIn are the round blocks in a frame.
func blocksIn(w *world, f *frame) []*finality.Round {
	if m, good := w.message(f, 0); good && m.Bundle != nil {
		return m.Bundle.Rounds
	}
	return nil
}

func TestA1LeaderEquivocates(t *testing.T) {
	for _, n := range []int{4, 7} {
		sum := swarm(t, 12, func(seed uint64) Plan {
			p := busy(peace(seed, n))
			p.Jitter, p.Reorder = 60, true
			for _, s := range leaders(p)[:(n-1)/3] {
				p.Liars = append(p.Liars, Liar{s, Equivocate})
			}
			return p
		})
		if sum.Forks < 12 {
			t.Errorf("n = %d: the leaders signed only %d rounds twice", n, sum.Forks)
		}
	}
}

// TestA2OneCertificateIsNoCommit lets one steward see a certificate that nobody else sees until the
// next wave is over. The others then order without that wave, and so must the one.
func TestA2OneCertificateIsNoCommit(t *testing.T) { hiddenCertificate(t, false) }

// TestA4TwoCertificatesOfOneSteward gives the one two more certificates, both of the liar.
func TestA4TwoCertificatesOfOneSteward(t *testing.T) { hiddenCertificate(t, true) }

// hiddenCertificate plays the first two waves among a, who leads the first and later hears everything
// but is heard by nobody, b, c, who hears a's first block too late to vote for it, and the liar z,
// whose vote goes to a alone.
func hiddenCertificate(t *testing.T, twice bool) {
	plan := peace(1, 4)
	order := leaders(plan)
	a, b, c, z := order[0], order[1], order[2], order[3]
	plan.Liars = []Liar{{z, Mute}}
	w := perform(t, plan, func(w *world) {
		puppet := w.peers[z].liar
		puppet.script = true
		puppet.follow(1, nil, func() { puppet.sayRound(1, nil, ^uint64(0)) })
		puppet.follow(2, []int{a}, func() { puppet.sayRound(2, nil, 1<<a) })
		puppet.follow(2, []int{a, b, z}, func() {
			if twice {
				puppet.sayRound(3, []int{a, b, z}, 1<<a)
				w.agenda.add(w.now+1, func() { puppet.sayRound(3, []int{a, b, z}, 1<<a) })
			}
		})
		puppet.follow(2, []int{a, b, c}, func() { puppet.sayRound(3, []int{a, b, c}, ^uint64(1<<a)) })
		w.agenda.add(3000, func() { puppet.script = false })
		w.spy = func(from, to *peer, f *frame) bool {
			until := event.Time(0)
			for _, r := range blocksIn(w, f) {
				switch {
				case r.Steward == a && r.Number >= 3, r.Steward == z && r.Number == 3 && from.index == a:
					until = 4500
				case r.Steward == a && r.Number == 1 && to.index == c:
					until = max(until, 1800)
				}
			}
			if w.now < until {
				w.carry(from, to, f, until-w.now)
			}
			return w.now >= until
		}
		say(w, w.peers[a], 500, 1)
		say(w, w.peers[b], 3200, 2)
	})
	certs, authors := 0, map[int]bool{}
	twin := &twin{j: w.judge, q: 3, order: order}
	for _, r := range w.judge.blocks {
		if r.number == 3 && !twin.cert(r).IsZero() {
			certs++
			authors[r.steward] = true
		}
	}
	if want := map[bool][2]int{false: {1, 1}, true: {3, 2}}[twice]; certs != want[0] || len(authors) != want[1] {
		t.Fatalf("the first wave has %d certificates of %d stewards, so this was another schedule", certs, len(authors))
	}
	if first := w.judge.blocks[finality.RoundID(w.judge.commits[0].Anchor)]; first.number == 1 {
		t.Error("the first wave was committed on too few certificates")
	}
}

func TestA3LateBlocksDoNotChangeASegment(t *testing.T) {
	swarm(t, 8, func(seed uint64) Plan {
		p := busy(peace(seed, 4))
		p.Jitter, p.Reorder, p.Slow = 100, true, 30
		return p
	})
}

// TestA4ForksOfVotesAndDecisions has a liar who signs every round twice, votes at random, and builds
// on two blocks of one steward where it knows them.
func TestA4ForksOfVotesAndDecisions(t *testing.T) {
	sum := swarm(t, 24, func(seed uint64) Plan {
		p := busy(peace(seed, 4))
		p.Jitter, p.Reorder, p.Slow = 60, true, 40
		p.Liars = []Liar{{int(seed % 4), Equivocate | Contrary | []Deeds{0, Double, Narrow}[seed%3]}}
		return p
	})
	if sum.Forks < 24 {
		t.Errorf("only %d rounds were signed twice", sum.Forks)
	}
}

// TestA4ThinBlocks has a liar who builds on its own blocks alone, so that what others certified is not
// below them.
func TestA4ThinBlocks(t *testing.T) {
	sum := swarm(t, 12, func(seed uint64) Plan {
		p := busy(peace(seed, 4))
		p.Jitter, p.Reorder, p.Slow = 60, true, 40
		p.Liars = []Liar{{int(seed % 4), Thin}}
		return p
	})
	if sum.Refused < 100 {
		t.Errorf("only %d thin blocks were refused", sum.Refused)
	}
}

// TestA5UntimelyBlockIsBuiltOn has exactly q stewards alive, and a leader's block that reaches one of
// them too late for its vote. It must be built on all the same.
func TestA5UntimelyBlockIsBuiltOn(t *testing.T) {
	plan := peace(1, 4)
	order := leaders(plan)
	plan.Liars = []Liar{{order[3], Silent}}
	plan.Storm = 12_000
	late := 0
	w := perform(t, plan, func(w *world) {
		leader, other := w.peers[order[0]], w.peers[order[1]]
		w.spy = func(from, to *peer, f *frame) bool {
			for _, r := range blocksIn(w, f) {
				if r.Steward == leader.index && r.Number == 1 && to == other && w.now < 500+plan.Tolerance+1500 {
					late++
					return false
				}
			}
			return true
		}
		say(w, leader, 500, 1)
		say(w, w.peers[order[2]], 9000, 2)
	})
	if late == 0 {
		t.Fatal("the leader's block was not late, so this was another schedule")
	}
	if took := w.judge.finalAt[w.judge.commits[0].Order[0]]; took > 20_000 {
		t.Errorf("the first event was final after %d ms", uint64(took))
	}
}

// TestA6ConvictedForksAreBuiltOn has the honest stewards learn of a fork at different times, when
// some of them have built on it.
func TestA6ConvictedForksAreBuiltOn(t *testing.T) {
	sum := swarm(t, 24, func(seed uint64) Plan {
		p := busy(peace(seed, 4))
		p.Jitter, p.Slow = 200, 40
		p.Liars = []Liar{{int(seed % 4), Equivocate | Hasty}}
		return p
	})
	if sum.Forks == 0 {
		t.Error("no round was signed twice")
	}
}

// TestA7QuorumBearsItsLiars has as many liars as each size bears, 3 and 2 bear none and 5 and 6 one,
// on networks that help them.
func TestA7QuorumBearsItsLiars(t *testing.T) {
	for _, n := range []int{2, 3, 5, 6} {
		swarm(t, 16, func(seed uint64) Plan {
			p := busy(peace(seed, n))
			p.Jitter, p.Reorder, p.Slow = 100, true, 40
			if n > 3 {
				p.Liars = []Liar{{int(seed) % n, Equivocate}}
			}
			p.Partitions = []Partition{{At: 1000, Until: 4000, Set: seed * 37}}
			return p
		})
	}
}

// TestA7TwinsSplitAFive gives the one liar of five a second machine with its key, so that it keeps to
// the rules on both sides of a partition. Neither side is a quorum.
func TestA7TwinsSplitAFive(t *testing.T) {
	splitByTwins(t, 5, []int{0}, 2, false)
}

// TestA7TooManyLiarsAreFound has f+1 liars on both sides of a partition: both sides commit, in
// conflict. When they meet, both must notice and stop, and the stores must hold the proof against at
// least 2q-n stewards.
func TestA7TooManyLiarsAreFound(t *testing.T) {
	splitByTwins(t, 4, []int{0, 1}, 1, true)
	splitByTwins(t, 3, []int{0}, 1, true)
	splitByTwins(t, 6, []int{0, 1}, 2, true)
}

// splitByTwins cuts the honest stewards in two, the first some of them on one side, each side with a
// machine of every liar, and lets both sides act and meet again.
func splitByTwins(t *testing.T, n int, liars []int, some int, conflict bool) {
	t.Helper()
	plan := peace(1, n)
	plan.Founders, plan.Twins, plan.Storm = n, liars, 9000
	set := uint64(0)
	for i := range len(liars) + some {
		set |= 1 << i // the first machines of the liars, and some honest ones
	}
	plan.Partitions = []Partition{{At: 0, Until: 8000, Set: set, Told: true}} // long enough for waves whose leader is on the other side
	w := newWorld(plan)
	if *tellFlag {
		w.trace.full = func(line string) { t.Log(line) }
	}
	w.judge.lenient, w.patience = true, 15_000
	w.agenda.add(7999, func() {
		for _, p := range w.peers {
			if p.twin {
				w.unplug(p)
			}
		}
	})
	for i := range 10 {
		say(w, w.peers[len(liars)], 600+event.Time(700*i), 10+i)
		say(w, w.peers[n-1], 600+event.Time(700*i), 20+i)
	}
	w.survive(w.play)
	q := w.stage.epoch.Q()
	switch {
	case !conflict && len(w.judge.conflicts) > 0:
		t.Fatalf("n = %d: %v", n, w.judge.conflicts)
	case !conflict:
		return
	case len(w.judge.conflicts) == 0:
		t.Fatalf("n = %d: nobody saw a conflict, so this was another schedule: %v", n, w.trace.tail())
	}
	for _, p := range w.peers {
		if !p.honest() {
			continue
		}
		if v := p.core.View(); v.Halted == "" {
			t.Errorf("n = %d: %s goes on after a fork of what is final, with %d commits", n, p.name, v.Commits)
		}
		if proven := w.judge.doubles(p); len(proven) < 2*q-n {
			t.Errorf("n = %d: %s holds proof against %v, fewer than %d", n, p.name, proven, 2*q-n)
		}
	}
}

// TestA8SlowLeaderKeepsItsWaves has an honest steward whose messages take four times as long. The gate
// waits for its blocks, so its waves are committed like everybody's.
func TestA8SlowLeaderKeepsItsWaves(t *testing.T) {
	plan := peace(1, 4)
	plan.Storm, plan.Delay = 12_000, 15
	slow := leaders(plan)[1]
	w := perform(t, plan, func(w *world) {
		for to := range w.peers {
			w.links[slow*len(w.peers)+to].slow = 4
		}
		for i := range 200 {
			say(w, w.peers[(slow+1)%4], event.Time(500+50*i), i)
		}
	})
	led, waves := 0, (w.judge.blocks[finality.RoundID(w.judge.commits[len(w.judge.commits)-1].Anchor)].number+2)/3
	for _, c := range w.judge.commits {
		if w.judge.blocks[finality.RoundID(c.Anchor)].steward == slow {
			led++
		}
	}
	if share := 4 * led * 100 / int(waves); share < 90 || waves < 20 {
		t.Errorf("of %d waves the slow steward led a quarter, and %d were committed", waves, led)
	}
}

// opened opens a proposal on the track that has a discussion of 300 ms and 2,500 ms of voting.
func opened(w *world, p *peer, at event.Time, then func(id event.ID)) {
	w.agenda.add(at, func() {
		p.submit(draft(governance.KindProposalOpen, governance.ProposalOpen{Title: "Shall we rest?", Track: "once"}), func(e *event.Event, err error) {
			if err == nil {
				then(e.ID)
			}
		})
	})
}

// TestA12PollsCloseInAnIdleCooperative opens a vote and then says nothing more. The vote must close
// by itself, soon after its time.
func TestA12PollsCloseInAnIdleCooperative(t *testing.T) {
	for _, n := range []int{1, 4} {
		var closed event.Time
		perform(t, peace(1, n), func(w *world) {
			opened(w, w.peers[0], 500, func(id event.ID) {
				var look func()
				look = func() {
					p, ok := w.peers[0].core.View().State.Hall.Proposals.Get(id)
					if ok && p.Ended > 0 {
						closed = w.now
						return
					}
					w.agenda.add(w.now+10, look)
				}
				w.agenda.add(w.now+10, look)
				w.agenda.add(w.now+60_000, func() { look = func() {} })
			})
		})
		if due := event.Time(500 + 300 + 2500 + 300); closed < due || closed > due+1000 {
			t.Errorf("n = %d: a vote that ends at %d was closed at %d", n, due, uint64(closed))
		}
	}
}

// TestA12BackdatedBallotAfterIdling stops everybody before the end of a vote and starts them most of
// a day later. The leader of the first wave brings a ballot that says it was cast in time. Coop time
// must have moved by then.
func TestA12BackdatedBallotAfterIdling(t *testing.T) {
	const pause = 20 * 3_600_000
	plan := peace(1, 4)
	plan.Stall, plan.Storm = 24*3_600_000, pause+10_000
	order := leaders(plan)
	var proposal event.ID
	w := perform(t, plan, func(w *world) {
		opened(w, w.peers[order[0]], 500, func(id event.ID) { proposal = id })
		w.agenda.add(1500, func() { w.peers[order[0]].submit(ballot(proposal, "yes"), nil) })
		for _, s := range order {
			p := w.peers[s]
			w.agenda.add(2500, func() { p.stop(2 * pause) })
			w.agenda.add(2500+pause, p.start)
		}
		w.agenda.add(2500+pause, func() {
			leader := w.peers[w.stage.epoch.Leader(uint64(len(w.judge.commits)))]
			leader.put(func(now event.Time) { // as if it had been cast in the middle of the vote
				if _, err := leader.core.Submit(now-pause, ballot(proposal, "no")); err != nil {
					t.Errorf("the ballot was not cast: %v", err)
				}
			})
		})
	})
	p, _ := w.peers[0].core.View().State.Hall.Proposals.Get(proposal)
	if p.Result.Yes != 1 || p.Result.No != 0 || p.Ended == 0 {
		t.Errorf("the vote counts %d yes and %d no and ended at %d: the ballot of a day later counts", p.Result.Yes, p.Result.No, p.Ended)
	}
	if cast := w.judge.kinds(governance.KindBallotCast); cast != 2 {
		t.Errorf("%d ballots were cast, so this was another schedule", cast)
	}
}

func ballot(proposal event.ID, choice string) event.Draft {
	return draft(governance.KindBallotCast, governance.BallotCast{Proposal: proposal, Choice: choice})
}

// TestA14LyingClocks has leaders whose clocks lie within the tolerance and by a year, and an honest
// steward who is an hour off. Time must stay near the truth, go on, and nothing may be held back.
func TestA14LyingClocks(t *testing.T) {
	check := func(plan Plan) {
		w := perform(t, plan, func(w *world) {
			w.judge.near = plan.Tolerance + plan.Delta0 // one timer, with the first tolerance
		})
		if w.judge.finality() > 6*plan.Delta0 {
			t.Errorf("an event took %d ms to become final: %s", uint64(w.judge.finality()), w.plan.String())
		}
	}
	for seed := range uint64(8) {
		liar := busy(peace(seed, 4))
		liar.Liars = []Liar{{int(seed % 4), Backdate}}
		check(liar)
		wrong := busy(peace(seed, 4))
		wrong.Founders = 1
		hour := []int64{-3_600_000, 3_600_000}[seed/4]
		wrong.Clocks = []Clock{{Peer: int(seed % 4), Error: hour}}
		check(wrong)
	}
}

// TestA15EventsOfOneSteward hands events to one steward alone, more than it sends along with its
// block. The others must fetch them from it, at once and not only when they compare notes.
func TestA15EventsOfOneSteward(t *testing.T) {
	w := perform(t, peace(1, 4), func(w *world) {
		w.spy = func(from, to *peer, f *frame) bool { return f.topic != node.TopicEvents }
		w.agenda.add(500, func() {
			for i := range 30 {
				w.peers[0].submit(inviting(keyOf(7000+i), dawn+w.now), nil)
			}
		})
	})
	if slowest := w.judge.finality(); slowest > 1000 {
		t.Errorf("events that one steward had took %d ms to become final", uint64(slowest))
	}
}

// TestA15EventsOfALiar has a liar list junk that it alone has and that no honest peer would take by
// itself. It must not stop the order of what members say.
func TestA15EventsOfALiar(t *testing.T) {
	for _, deeds := range []Deeds{Stuff, Stuff | Phantom, Stuff | Narrow, Stuff | Withhold} {
		swarm(t, 6, func(seed uint64) Plan {
			p := busy(peace(seed, 4))
			p.Liars = []Liar{{int(seed % 4), deeds}}
			return p
		})
	}
}

// TestA19JunkOfANeededSteward has a steward list junk while it is needed for every quorum, since
// another one is away. Whatever a peer's own policy says, its blocks must be built on.
func TestA19JunkOfANeededSteward(t *testing.T) {
	for seed := range uint64(4) {
		plan := busy(peace(seed, 4))
		plan.Liars = []Liar{{int(seed % 4), Stuff}, {int(seed+1) % 4, Silent}}
		perform(t, plan, func(w *world) { w.peers[seed%4].liar.loyal = true })
	}
}

// TestA17BrokenSignatureAhead races a copy of each gossiped event with a broken signature ahead of
// the good one. It must change nothing.
func TestA17BrokenSignatureAhead(t *testing.T) {
	slowest := func(vandals ...Vandal) (event.Time, int) {
		plan := peace(1, 4)
		plan.Founders, plan.Watchers, plan.Vandals = 4, 1, vandals
		w := perform(t, plan, func(w *world) {
			for i := range 10 {
				say(w, w.peers[i%4], event.Time(500+300*i), i)
			}
		})
		return w.judge.finality(), w.judge.stats.Refused
	}
	calm, none := slowest()
	raced, broken := slowest(Vandal{Races: true})
	if none != 0 || broken < 10 {
		t.Errorf("%d broken copies arrived, and %d without a racer, so this was another schedule", broken, none)
	}
	if raced > calm+50 {
		t.Errorf("events took up to %d ms, and %d ms with a racer", uint64(calm), uint64(raced))
	}
}

// TestIsolatedEvent lets single events happen in peace. Each costs exactly 3n round blocks.
func TestIsolatedEvent(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 7, 10} {
		perform(t, peace(1, n), func(w *world) {
			for i := range 3 {
				at := event.Time(500 + 1500*i)
				before := 0
				w.agenda.add(at-1, func() { before = len(w.judge.blocks) })
				say(w, w.peers[0], at, i)
				w.agenda.add(at+1400, func() {
					if cost := len(w.judge.blocks) - before; cost != 3*n {
						t.Errorf("n = %d: event %d cost %d round blocks, not %d", n, i, cost, 3*n)
					}
				})
			}
		})
	}
}

// TestReplayedBlocksSilenceNobody sends a steward its own old round blocks again, those that it holds
// in memory and those long released.
func TestReplayedBlocksSilenceNobody(t *testing.T) {
	plan := peace(1, 3)
	plan.Delay, plan.Storm = 1, 20_000
	w := perform(t, plan, func(w *world) {
		own := map[int][]*frame{}
		w.spy = func(from, to *peer, f *frame) bool {
			if rounds := blocksIn(w, f); len(rounds) == 1 && rounds[0].Steward == from.index && len(own[from.index]) < 20 {
				own[from.index] = append(own[from.index], f)
			}
			return true
		}
		for i := range 150 {
			say(w, w.peers[i%3], event.Time(500+100*i), i)
		}
		for _, at := range []event.Time{3000, 17_000} {
			w.agenda.add(at, func() {
				for s, frames := range own {
					for _, f := range frames {
						w.carry(w.peers[(s+1)%3], w.peers[s], f, 1)
					}
				}
			})
		}
	})
	if r := w.peers[0].core.View().Round; r < finality.Window+40 {
		t.Errorf("the run ended in round %d, before anything was released", r)
	}
}

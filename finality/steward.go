package finality

import (
	"github.com/sustainy/coop/event"
)

// absence is the number of rounds without a block after which nobody waits for a leader: two waves.
const absence = 2 * phases

// Steward is what a correct steward does: which block to sign next, if any. It never refuses to
// build on a valid block, since with no more than a quorum alive that would stop everybody; what it
// thinks of a leader's block it says with its vote.
type Steward struct {
	e        *Engine
	self     int
	issued   uint64     // the highest round signed, and never to be signed again
	at       event.Time // when it was signed
	trip     event.Time // smoothed time from signing to a quorum of blocks, 8 times
	measured uint64     // the last round of which trip knows
}

// NewSteward is steward self of the engine's epoch, who signed nothing above round issued. Blocks
// kept on disk are added to the engine before or after.
func NewSteward(e *Engine, self int, issued uint64) *Steward {
	if self < 0 || self >= e.n {
		panic("finality: invariant: a steward is one of the epoch")
	}
	s := &Steward{e: e, self: self, issued: issued, measured: issued}
	e.pool.follow(only(self))
	return s
}

// Issued is the highest round of which this steward drafted a block.
func (s *Steward) Issued() uint64 { return s.issued }

// Retired tells that a block turned up which this steward signed and does not know of: its key is in
// use elsewhere, or its disk was set back. It signs nothing any more.
func (s *Steward) Retired() bool {
	return s.e.tips[s.self].number > s.issued || s.e.liars.has(s.self)
}

// Step is the block to sign now, or nil and the time at which to ask again, 0 if only something new
// can change the answer. due tells that a deadline has passed that coop time must pass. The caller
// seals the block, keeps it on disk, adds it to the engine and sends it, in this order, and asks
// again.
func (s *Steward) Step(now event.Time, due bool) (draft *Round, wake event.Time) {
	s.measure(now)
	if s.e.halt != nil || s.Retired() {
		return nil, 0
	}
	var target uint64
	switch {
	case s.work(due):
		target, wake = s.target(now)
	case s.unfinished():
		target = s.e.round
	}
	if target == 0 {
		return nil, wake
	}
	if next := s.at + s.pause(); s.at > 0 && now < next {
		return nil, next
	}
	return s.draft(now, target), 0
}

// work tells whether there is a reason to go on: an event to order or time to move. Blocks alone are
// none, or liars could keep everybody awake.
func (s *Steward) work(due bool) bool { return due || s.e.Pending() > 0 }

// unfinished tells whether a wave that this steward took part in was committed before its last block
// of it. It signs that too, so that others need nobody else's to see the commit.
func (s *Steward) unfinished() bool {
	e := s.e
	return e.last != nil && s.issued > 0 && waveOf(s.issued) == waveOf(e.last.Number) &&
		s.issued < e.round && e.round == decideRound(waveOf(e.last.Number))
}

// target is the round to sign now: the current one if it is not signed, so that whoever lagged
// catches up at once, or the next one if there is nothing more to wait for.
func (s *Steward) target(now event.Time) (round uint64, wake event.Time) {
	current := s.e.round
	switch {
	case current > s.issued:
		return current, 0
	case current < s.issued:
		return 0, 0
	case current == 0 || s.gate(current):
		return current + 1, 0
	}
	patience := s.e.ep.Params.Delta0 * event.Time(s.e.backoff(waveOf(current)))
	if over := max(s.at, s.e.rows[current].since) + patience; now < over {
		return 0, over
	}
	return current + 1, 0
}

// gate tells whether the round has brought what the next one needs: the leader's block to vote for,
// or the votes to certify it, unless that can't come.
func (s *Steward) gate(round uint64) bool {
	e := s.e
	row := e.rows[round]
	switch phaseOf(round) {
	case propose:
		leader := e.leader(round)
		return row.authors.has(leader) || e.liars.has(leader) || e.tips[leader].number+absence < round
	case vote:
		_, votes := tally(s.parents(row))
		silent := e.n - (row.authors | e.liars).count()
		return votes >= e.q || votes+silent < e.q
	}
	return true
}

// parents are the first accepted block of each steward in a row, without those known to lie as long
// as the rest are a quorum.
func (s *Steward) parents(row *row) []*node {
	var all, honest []*node
	for _, b := range row.first {
		if b == nil {
			continue
		}
		all = append(all, b)
		if !s.e.liars.has(b.Steward) {
			honest = append(honest, b)
		}
	}
	if len(honest) >= s.e.q {
		return honest
	}
	return all
}

// draft makes the block of a round. From here on the round counts as signed.
func (s *Steward) draft(now event.Time, number uint64) *Round {
	e := s.e
	r := &Round{Epoch: e.ep.Number, Steward: s.self, Number: number, At: now}
	if own := e.nodes[e.tips[s.self].id]; own != nil { // one below the horizon counts for nothing
		r.Prev, r.Last = own.ID, own.Number
		e.cover(own, only(s.self))
	}
	if number > 1 {
		parents := s.parents(e.rows[number-1])
		for _, p := range parents {
			r.Parents = append(r.Parents, p.ID)
			e.cover(p, only(s.self))
		}
		choice := of(parents, e.leader(number))
		r.Vote = phaseOf(number) == vote && choice != nil && choice.timely
	}
	r.Inc = e.pool.list(number, s.all(number), s.mine, e.size)
	s.issued, s.at = number, now
	return r
}

// all tells whether to list every event: if there are few, or if this is the block that the wave is
// about, so that nothing known waits for the next wave.
func (s *Steward) all(number uint64) bool {
	leads := phaseOf(number) == propose && s.e.leader(number) == s.self
	return leads || s.e.Pending() <= busy
}

// mine tells whether it is up to this steward to list an event at once: f+1 stewards in a row from a
// place that the event's id gives, so that one of them is correct.
func (s *Steward) mine(id event.ID) bool {
	first := int(id[0])<<8 | int(id[1])
	return (s.self+s.e.n-first%s.e.n)%s.e.n <= s.e.f
}

// pause is the shortest time between two blocks: half of what it takes to hear from a quorum, and
// more the fuller the next block will be, so that many events share it; a full one does not wait.
func (s *Steward) pause() event.Time {
	p := s.e.ep.Params
	pause := min(max(s.trip/16, p.MinRound), p.MaxRound)
	if fresh := s.e.pool.fresh; fresh < MaxInc {
		pause += (p.MaxRound - pause) * event.Time(fresh) / MaxInc
	}
	return pause
}

// measure learns how long the last block took to be joined by a quorum, and mends what a clock that
// was set back would spoil.
func (s *Steward) measure(now event.Time) {
	s.at = min(s.at, now)
	row := s.e.rows[s.e.round]
	if row != nil {
		row.since = min(row.since, now)
	}
	if s.measured == s.issued || s.e.round < s.issued {
		return
	}
	s.measured = s.issued
	if s.e.round != s.issued || row.since <= s.at {
		return // it joined a round that had a quorum
	}
	if s.trip == 0 {
		s.trip = 8 * (row.since - s.at)
	}
	s.trip += row.since - s.at - s.trip/8
}

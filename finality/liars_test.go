package finality

import (
	"slices"

	"github.com/sustainy/coop/event"
)

// What liars do in a world.

// acts lets a liar act for ever.
func (x *peer) acts() {
	x.w.act(x)
	x.w.after(event.Time(10+x.w.rng.IntN(150)), x.acts)
}

// chaos signs valid blocks without any plan: forks, random parents, random votes, wrong clocks,
// shown to some.
func chaos(x *peer) {
	w := x.w
	if x.e.Pending() == 0 {
		return
	}
	number := x.e.Round() + uint64(w.rng.IntN(2))
	if w.rng.IntN(5) == 0 {
		number -= min(number, w.rng.Uint64N(x.e.window+10))
	}
	for range 1 + w.rng.IntN(3) {
		r := x.anyBlock(max(1, number))
		if r == nil {
			return
		}
		x.show(r, func() bool { return w.rng.IntN(3) > 0 })
	}
}

// show adds a liar's block and sends it to some.
func (x *peer) show(r *Round, chosen func() bool) {
	x.add("self", r)
	for _, y := range x.w.others(x) {
		if chosen() {
			x.w.send(x, y, func() { y.receive(x, r) })
		}
	}
}

// anyBlock is a valid block of a round, nil if there can't be one yet.
func (x *peer) anyBlock(number uint64) *Round {
	w, e := x.w, x.e
	r := Round{Steward: x.self, Number: number, At: x.clock() + event.Time(w.rng.IntN(20000)) - 10000}
	if number > 1 {
		row := e.rows[number-1]
		if row == nil || row.authors.count() < e.q {
			return nil
		}
		spare := row.authors.count() - e.q
		for s := range e.n {
			blocks := slices.DeleteFunc(slices.Clone(row.all), func(b *node) bool { return b.Steward != s })
			if len(blocks) == 0 || spare > 0 && w.rng.IntN(4) == 0 {
				spare -= len(blocks[:min(1, len(blocks))])
				continue
			}
			b := blocks[w.rng.IntN(len(blocks))]
			r.Parents = append(r.Parents, b.ID)
			if s == x.self {
				r.Prev, r.Last = b.ID, b.Number
			}
		}
	}
	if r.Last == 0 && number > 2 && w.rng.IntN(3) == 0 {
		if row := e.rows[number-2-w.rng.Uint64N(min(number-2, 20))]; row != nil && row.first[x.self] != nil {
			r.Prev, r.Last = row.first[x.self].ID, row.first[x.self].Number
		}
	}
	r.Vote = phaseOf(number) == vote && w.rng.IntN(2) == 0
	if known := x.g.order; len(known) > 0 && w.rng.IntN(2) == 0 {
		r.Inc = []event.ID{known[w.rng.IntN(len(known))]}
	}
	return seal(w.t, &w.ep, r)
}

// twofaced acts as a correct steward would, but signs each block twice, for two halves.
func twofaced(x *peer) {
	x.double(func(peer int) bool {
		if parts := x.w.parts; parts != nil {
			return parts[peer] == 0
		}
		return x.w.rng.IntN(2) == 0
	})
}

// narrow shows its blocks to one correct steward alone, and all of them to everybody much later.
func narrow(x *peer) {
	w := x.w
	draft := x.next()
	if draft == nil {
		return
	}
	r := seal(w.t, &w.ep, *draft)
	lucky := w.correct()[w.rng.IntN(len(w.correct()))]
	x.add("self", r)
	w.send(x, lucky, func() { lucky.receive(x, r) })
	w.after(event.Time(w.rng.IntN(3000)), func() {
		for _, y := range w.correct() {
			w.send(x, y, func() { y.receive(x, r) })
		}
	})
}

// clockless acts as a correct steward would, with a clock that is far off.
func clockless(x *peer) {
	w := x.w
	draft := x.next()
	if draft == nil {
		return
	}
	if w.rng.IntN(2) == 0 {
		draft.At += 365 * day
	} else {
		draft.At -= 30_000
	}
	x.show(seal(w.t, &w.ep, *draft), func() bool { return true })
}

func silent(*peer) {}

// next is what a correct steward would sign in a liar's place.
func (x *peer) next() *Round {
	x.e.liars &^= only(x.self)
	x.s.issued = max(x.s.issued, x.e.tips[x.self].number)
	draft, _ := x.s.Step(x.clock(), false)
	return draft
}

func (x *peer) double(first func(peer int) bool) {
	w := x.w
	draft := x.next()
	if draft == nil {
		return
	}
	a := seal(w.t, &w.ep, *draft)
	draft.At++
	draft.Vote = phaseOf(draft.Number) == vote && !draft.Vote
	b := seal(w.t, &w.ep, *draft)
	var half set
	for _, y := range w.others(x) {
		if first(y.self) {
			half = half.with(y.self)
		}
	}
	x.add("self", a)
	x.add("self", b)
	for _, y := range w.others(x) {
		r := a
		if half.has(y.self) {
			r = b
		}
		w.send(x, y, func() { y.receive(x, r) })
	}
}

// censor acts as a correct steward would, but lists no events.
func censor(x *peer) {
	if draft := x.next(); draft != nil {
		draft.Inc = nil
		x.show(seal(x.w.t, &x.w.ep, *draft), func() bool { return true })
	}
}

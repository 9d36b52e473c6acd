package finality

import (
	"slices"

	"github.com/sustainy/coop/event"
)

// waiting is a block that lacks some of what it names.
type waiting struct {
	r       *Round
	from    string
	missing int // links not accepted
	known   int // r.Inc[:known] are accepted
	roots   set // stewards whose blocks need it, or its own if it came unasked
	payer   int // the steward on whose account it is kept beyond MaxForks; -1: none
	gone    bool
}

// want is a block that waiting blocks name.
type want struct {
	id       RoundID
	from     string // who sent the newest of them
	roots    set    // stewards whose blocks need it, over any number of links
	children []*waiting
}

// slot is one round of one steward.
type slot struct {
	steward int
	number  uint64
}

// room holds blocks until what they name is here. Of each slot it keeps at most MaxForks, accepted
// ones included. A block that others need is kept beyond that, on the account of a steward whose
// block needs it: liars that make their blocks need each other fill their own accounts, and what a
// correct steward's block needs still finds a place.
type room struct {
	waiting map[RoundID]*waiting
	order   []*waiting // of arrival, with some that are gone
	turn    int        // where the next search for unknown events begins
	wants   map[RoundID]*want
	rings   []queue[*want] // by root: what is wanted, each in turn
	slots   map[slot][]*waiting
	watch   map[event.ID][]*waiting // by the first event not known
	charged []int                   // by steward: blocks on its account
}

func newRoom(n int) *room {
	return &room{waiting: map[RoundID]*waiting{}, wants: map[RoundID]*want{}, rings: make([]queue[*want], n),
		slots: map[slot][]*waiting{}, watch: map[event.ID][]*waiting{}, charged: make([]int, n)}
}

// links are the blocks that must be accepted before r: all it names at the horizon or above.
func links(r *Round, horizon uint64) []RoundID {
	var ids []RoundID
	if r.Number > horizon {
		ids = r.Parents
	}
	if r.Last >= horizon && r.Last+1 < r.Number { // a predecessor in the round below is a parent
		ids = append(slices.Clone(ids), r.Prev)
	}
	return ids
}

// admit tells whether a block has all it needs. If not, it is kept, if there is a place for it.
func (e *Engine) admit(w *waiting) (ready bool, err error) {
	var missing []RoundID
	for _, id := range links(w.r, e.Horizon()) {
		if e.nodes[id] == nil {
			missing = append(missing, id)
		}
	}
	w.missing = len(missing)
	ready = w.advance(e.pool.events.Has) && w.missing == 0
	w.roots, w.payer = only(w.r.Steward), -1
	needed := e.room.wants[w.r.ID] != nil
	if needed {
		w.roots = e.room.wants[w.r.ID].roots
	}
	if e.forksOf(w.r) >= MaxForks && w.from != "" {
		w.payer = e.room.payer(w.roots)
		switch {
		case needed && (ready || w.payer >= 0):
		case !needed && e.decisive(w.r) && (ready && e.certifies(w.r) || !ready && e.room.evict(w.r)):
			w.payer = -1
		default:
			return false, ErrCrowded
		}
	}
	if !ready {
		e.room.keep(w, missing)
	}
	return ready, nil
}

// decisive tells whether a block could be what a commit still lacks: its steward's certificate. Liars
// that show theirs to some alone would otherwise leave the rest without the commit until the next.
func (e *Engine) decisive(r *Round) bool {
	wave := e.waves[waveOf(r.Number)]
	return phaseOf(r.Number) == decide && waveOf(r.Number) >= e.nextWave() && (wave == nil || !wave.deciders.has(r.Steward))
}

// certifies tells whether a block that has all it needs is a certificate.
func (e *Engine) certifies(r *Round) bool {
	b := &node{Round: r}
	return e.link(b) && e.certified(b) != nil
}

// forksOf counts the blocks of r's steward and round that are accepted or wait.
func (e *Engine) forksOf(r *Round) int {
	n := len(e.room.slots[slot{r.Steward, r.Number}])
	if row := e.rows[r.Number]; row != nil {
		for _, b := range row.all {
			if b.Steward == r.Steward {
				n++
			}
		}
	}
	return n
}

// evict makes a place for r in its slot at the cost of the oldest waiting block that nobody needs.
func (m *room) evict(r *Round) bool {
	for _, w := range m.slots[slot{r.Steward, r.Number}] {
		if m.wants[w.r.ID] == nil {
			m.remove(w)
			m.withdraw(w, w.r.Parents...)
			m.withdraw(w, w.r.Prev)
			return true
		}
	}
	return false
}

// payer is the root with most left on its account, -1 if none has.
func (m *room) payer(roots set) int {
	best := -1
	for s, charged := range m.charged {
		if roots.has(s) && charged < MaxDemanded && (best < 0 || charged < m.charged[best]) {
			best = s
		}
	}
	return best
}

func (m *room) keep(w *waiting, missing []RoundID) {
	m.waiting[w.r.ID] = w
	m.order = append(m.order, w)
	at := slot{w.r.Steward, w.r.Number}
	m.slots[at] = append(m.slots[at], w)
	if w.payer >= 0 {
		m.charged[w.payer]++
	}
	if w.known < len(w.r.Inc) {
		m.watch[w.r.Inc[w.known]] = append(m.watch[w.r.Inc[w.known]], w)
	}
	for _, id := range missing {
		need := m.wants[id]
		if need == nil {
			need = &want{id: id}
			m.wants[id] = need
		}
		need.from = w.from
		need.children = append(need.children, w)
		m.spread(id, w.roots)
	}
}

// spread notes that blocks of these stewards need a block, and so all that it needs.
func (m *room) spread(id RoundID, roots set) {
	for stack := []RoundID{id}; len(stack) > 0; {
		id := pop(&stack)
		need := m.wants[id]
		if need == nil || need.roots&roots == roots {
			continue
		}
		for s := range m.rings {
			if roots.has(s) && !need.roots.has(s) {
				m.rings[s].push(need)
			}
		}
		need.roots |= roots
		if w := m.waiting[id]; w != nil {
			w.roots |= roots
			stack = append(append(stack, w.r.Parents...), w.r.Prev)
		}
	}
}

// advance moves over the events that are known now; true if all are.
func (w *waiting) advance(has func(event.ID) bool) bool {
	for w.known < len(w.r.Inc) && has(w.r.Inc[w.known]) {
		w.known++
	}
	return w.known == len(w.r.Inc)
}

// learn is told that an event is accepted and returns the blocks that now have all they need.
func (m *room) learn(id event.ID, has func(event.ID) bool) []*waiting {
	var ready []*waiting
	watchers := m.watch[id]
	delete(m.watch, id)
	for _, w := range watchers {
		switch {
		case w.gone:
		case !w.advance(has):
			m.watch[w.r.Inc[w.known]] = append(m.watch[w.r.Inc[w.known]], w)
		case w.missing == 0:
			m.remove(w)
			ready = append(ready, w)
		}
	}
	return ready
}

// release is told that a block is accepted and returns the blocks that now have all they need.
func (m *room) release(id RoundID) []*waiting {
	need := m.wants[id]
	if need == nil {
		return nil
	}
	delete(m.wants, id)
	var ready []*waiting
	for _, w := range need.children {
		w.missing--
		if w.missing == 0 && w.known == len(w.r.Inc) {
			m.remove(w)
			ready = append(ready, w)
		}
	}
	return ready
}

// refuse drops all that builds on a block that can never be accepted.
func (m *room) refuse(id RoundID) {
	for stack := []RoundID{id}; len(stack) > 0; {
		need := m.wants[pop(&stack)]
		if need == nil {
			continue
		}
		for _, w := range slices.Clone(need.children) {
			m.remove(w)
			m.withdraw(w, w.r.Parents...)
			m.withdraw(w, w.r.Prev)
			stack = append(stack, w.r.ID)
		}
	}
}

// sweep is told that the horizon rose from one round to another. It drops blocks below it and returns
// those that now have all they need, since what lies below counts as present.
func (m *room) sweep(from, to uint64) []*waiting {
	var ready []*waiting
	for _, w := range slices.Clone(m.order) {
		if w.gone {
			continue
		}
		before, after := links(w.r, from), links(w.r, to)
		if w.r.Number < to {
			m.remove(w)
			after = nil
		}
		for _, id := range before {
			if !slices.Contains(after, id) {
				w.missing -= m.withdraw(w, id)
			}
		}
		if !w.gone && w.missing == 0 && w.known == len(w.r.Inc) {
			m.remove(w)
			ready = append(ready, w)
		}
	}
	return ready
}

// withdraw ends a waiting block's need of others and returns how many it still needed.
func (m *room) withdraw(w *waiting, ids ...RoundID) int {
	n := 0
	for _, id := range ids {
		need := m.wants[id]
		if need == nil {
			continue
		}
		if at := slices.Index(need.children, w); at >= 0 {
			need.children = slices.Delete(need.children, at, at+1)
			n++
		}
		if len(need.children) == 0 {
			delete(m.wants, id)
		}
	}
	return n
}

// remove takes a block out of the room; its needs stay.
func (m *room) remove(w *waiting) {
	if w.gone {
		return
	}
	w.gone = true
	delete(m.waiting, w.r.ID)
	at := slot{w.r.Steward, w.r.Number}
	m.slots[at] = slices.DeleteFunc(m.slots[at], func(other *waiting) bool { return other == w })
	if len(m.slots[at]) == 0 {
		delete(m.slots, at)
	}
	if w.payer >= 0 {
		m.charged[w.payer]--
	}
	if w.known < len(w.r.Inc) {
		m.unwatch(w.r.Inc[w.known], w)
	}
	if len(m.order) > 2*len(m.waiting)+busy {
		m.order = slices.DeleteFunc(m.order, func(w *waiting) bool { return w.gone })
	}
}

func (m *room) unwatch(id event.ID, w *waiting) {
	m.watch[id] = slices.DeleteFunc(m.watch[id], func(other *waiting) bool { return other == w })
	if len(m.watch[id]) == 0 {
		delete(m.watch, id)
	}
}

// other is a waiting block of r's steward and round, if any.
func (m *room) other(r *Round) *Round {
	if same := m.slots[slot{r.Steward, r.Number}]; len(same) > 0 {
		return same[0].r
	}
	return nil
}

// missing is at most limit wanted blocks, one of each root's in turn. What is handed out goes to the
// end of its ring, so that what nobody sends cannot keep the rest from being asked for.
func (m *room) missing(limit int) []Want {
	var wants []Want
	asked := map[RoundID]bool{}
	left := make([]int, len(m.rings))
	for s := range m.rings {
		left[s] = m.rings[s].len()
	}
	for more := true; more; {
		more = false
		for s := range m.rings {
			for ring := &m.rings[s]; left[s] > 0 && len(wants) < limit; {
				left[s]--
				need := ring.first()
				ring.pop()
				if m.wants[need.id] != need {
					continue
				}
				ring.push(need)
				if !asked[need.id] && m.waiting[need.id] == nil {
					asked[need.id], more = true, true
					wants = append(wants, Want{need.id, need.from})
					break
				}
			}
		}
	}
	return wants
}

// unknown is at most limit events that waiting blocks list and has does not know, beginning with
// another block each time.
func (m *room) unknown(limit int, has func(event.ID) bool) []event.ID {
	var ids []event.ID
	asked := map[event.ID]bool{}
	m.turn++
	for i := range m.order {
		w := m.order[(m.turn+i)%len(m.order)]
		if w.gone {
			continue
		}
		for _, id := range w.r.Inc[w.known:] {
			if len(ids) >= limit {
				return ids
			}
			if !asked[id] && !has(id) {
				asked[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}

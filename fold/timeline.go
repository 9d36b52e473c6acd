package fold

import (
	"fmt"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Every is the number of provisional events between two restart points: a late event is answered by
// folding again at most this many more than follow it.
const Every = 256

// Receipt tells what became of one event.
type Receipt struct {
	ID      event.ID
	Index   uint64 // commit that ordered it, or would
	Refusal string // empty: it counted
}

// Timeline is a state in two versions: final, which follows the commits and never goes back, and
// provisional, which also holds the events that are accepted but not ordered yet. The provisional
// state is folded when somebody asks for it, from the last restart point that still fits.
//
// A Timeline belongs to one goroutine.
type Timeline[S any] struct {
	machine  *Machine[S]
	snapshot func(*S) S
	advance  func(*S, event.Time)
	after    func(*S)
	before   func(s *S, index uint64, anchor [32]byte)

	final S
	next  uint64     // index of the next commit
	time  event.Time // coop time of the last

	pending  []*event.Event // accepted, not final, in provisional order
	points   []S            // points[i] is the state before pending[i*Every]
	receipts []Receipt      // of the pending events folded so far
	now      S              // the state after them; nothing while there are no points
	end      S              // now at the end of the commit that it would be; nothing while not ended
	ended    bool
}

// New is a timeline that starts at genesis. snapshot copies a state so that neither side sees the
// other's changes; advance moves a state to a later coop time, doing all that is due by then.
func New[S any](machine *Machine[S], genesis S, snapshot func(*S) S, advance func(*S, event.Time)) *Timeline[S] {
	return &Timeline[S]{machine: machine, snapshot: snapshot, advance: advance, final: genesis}
}

// After sets what happens at the end of every commit, once all of its events have applied, such as a
// change that must not come in the middle of one. It happens at the end of the provisional state too,
// as if the pending events were one commit.
func (t *Timeline[S]) After(hook func(*S)) { t.after = hook }

// Before sets what Begin does.
func (t *Timeline[S]) Before(hook func(s *S, index uint64, anchor [32]byte)) { t.before = hook }

// Begin opens the next commit, before anything that is due by it and before its events: what waits for
// chance, such as a draw, takes it from the anchor, which nobody knew when that began to wait. Whoever
// folds commits begins each of them.
func (t *Timeline[S]) Begin(anchor [32]byte) {
	if t.before != nil {
		t.before(&t.final, t.next, anchor)
	}
}

// Commit makes a segment final: first what is due at coop time t is done, then each event applies in
// the order given, and last what After has set. Commits come in sequence from 0; t never decreases.
func (t *Timeline[S]) Commit(index uint64, at event.Time, order []*event.Event) []Receipt {
	if index != t.next || at < t.time {
		panic(fmt.Sprintf("fold: invariant: commit %d at %d follows %d commits at %d", index, at, t.next, t.time))
	}
	t.time = at
	t.advance(&t.final, at)
	receipts := make([]Receipt, len(order))
	for i, e := range order {
		receipts[i] = t.apply(&t.final, e, true)
	}
	if t.after != nil {
		t.after(&t.final)
	}
	t.next++
	t.settle(order)
	return receipts
}

// Amend changes the final state between two commits: for what stands beside the events, and is agreed on
// otherwise.
func (t *Timeline[S]) Amend(change func(*S)) {
	change(&t.final)
	t.settle(nil)
}

// settle takes what is final out of what is pending, and drops the provisional state, because the
// final one under it has changed.
func (t *Timeline[S]) settle(order []*event.Event) {
	if len(t.pending) > 0 {
		done := make(map[event.ID]bool, len(order)) // only looked up
		for _, e := range order {
			done[e.ID] = true
		}
		left := make([]*event.Event, 0, len(t.pending))
		for _, e := range t.pending {
			if !done[e.ID] {
				left = append(left, e)
			}
		}
		t.pending = left
	}
	var none S
	t.points, t.receipts, t.now = nil, nil, none
	t.end, t.ended = none, false
}

// Follow sets the accepted events that no commit has ordered, in provisional order, parents first.
// It returns how many of the events folded before need no second fold.
func (t *Timeline[S]) Follow(order []*event.Event) (kept int) {
	for kept < len(t.receipts) && kept < len(order) && order[kept].ID == t.receipts[kept].ID {
		kept++
	}
	t.pending = append([]*event.Event(nil), order...)
	if kept == len(t.receipts) {
		return kept
	}
	point := kept / Every
	t.points = t.points[:point+1]
	t.now, t.ended = t.snapshot(&t.points[point]), false
	t.receipts = t.receipts[:point*Every]
	return len(t.receipts)
}

// Final is the state after the last commit. It changes with the next one: a reader that keeps it
// takes a snapshot. Nobody but the timeline changes it.
func (t *Timeline[S]) Final() *S { return &t.final }

// Provisional is the final state with every pending event applied, at the coop time of the last
// commit. The rules for Final hold for it too.
func (t *Timeline[S]) Provisional() *S {
	if len(t.points) == 0 {
		t.points = append(t.points, t.snapshot(&t.final))
		t.now = t.snapshot(&t.final)
	}
	for n := len(t.receipts); n < len(t.pending); n++ {
		if n == len(t.points)*Every {
			t.points = append(t.points, t.snapshot(&t.now))
		}
		t.receipts = append(t.receipts, t.apply(&t.now, t.pending[n], false))
		t.ended = false
	}
	if t.after == nil {
		return &t.now
	}
	if !t.ended {
		t.end, t.ended = t.snapshot(&t.now), true
		t.after(&t.end)
	}
	return &t.end
}

// Pending tells what would become of each pending event, in provisional order.
func (t *Timeline[S]) Pending() []Receipt {
	t.Provisional()
	return append([]Receipt(nil), t.receipts...)
}

// Try tells why a device's draft would be refused if it came after everything that is known, at coop
// time at if that is later than the last commit's. Nothing changes.
func (t *Timeline[S]) Try(key identity.PublicKey, seq uint64, at event.Time, d event.Draft) error {
	trial := t.snapshot(t.Provisional())
	time := max(at, t.time)
	t.advance(&trial, time)
	return t.machine.Apply(&trial, Env{Key: key, Seq: seq, At: at, Index: t.next, Time: time}, d)
}

func (t *Timeline[S]) apply(s *S, e *event.Event, final bool) Receipt {
	env := Env{ID: e.ID, Key: e.Key, Seq: e.Seq, At: e.At, Index: t.next, Time: t.time, Final: final}
	receipt := Receipt{ID: e.ID, Index: t.next}
	if err := t.machine.Apply(s, env, event.Draft{Kind: e.Kind, Body: e.Body}); err != nil {
		receipt.Refusal = err.Error()
	}
	return receipt
}

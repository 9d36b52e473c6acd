package fold

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// tape is a state whose value depends on the order of everything that was done to it.
type tape struct {
	sum  uint64
	time event.Time
	rows table.Table[table.Number, uint64]
}

type push struct {
	N uint64 `cbor:"n"`
}

var (
	errTape  = errors.New("this number does not follow")
	errGuard = errors.New("the guard refuses 13")
)

func (s *tape) push(env Env, p push) error {
	if (p.N+s.sum)%5 == 1 {
		return errTape
	}
	s.sum = s.sum*31 + p.N + uint64(s.time)
	s.rows.Set(table.Number(p.N), s.sum)
	return nil
}

func (s *tape) copy() tape {
	c := *s
	c.rows = s.rows.Copy()
	return c
}

func (s *tape) print() string {
	text := fmt.Sprint(s.sum, s.time)
	for k, v := range table.All(&s.rows) {
		text += fmt.Sprint(" ", k, "=", v)
	}
	return text
}

func machine() *Machine[tape] { return NewMachine(On("tape.push", (*tape).push)) }

func timeline(m *Machine[tape]) *Timeline[tape] {
	return New(m, tape{}, (*tape).copy, func(s *tape, t event.Time) { s.time = t; s.sum += uint64(t) })
}

// said makes an event without a signature: the fold looks at none.
func said(n uint64) *event.Event {
	d, err := event.NewDraft("tape.push", push{n % 997})
	if err != nil {
		panic(err)
	}
	return &event.Event{ID: event.ID{byte(n), byte(n >> 8), 1}, Kind: d.Kind, Body: d.Body, Key: identity.PublicKey{1}, Seq: n}
}

// TestTimelineEqualsAFreshFold draws arrivals, late events and commits, and compares what the
// timeline says at every step with a twin that folds everything again from the beginning.
func TestTimelineEqualsAFreshFold(t *testing.T) {
	type commit struct {
		at    event.Time
		order []*event.Event
	}
	rapid.Check(t, func(t *rapid.T) {
		line := timeline(machine())
		var commits []commit
		var pending []*event.Event
		var count uint64
		var now event.Time
		fresh := func(withPending bool) string {
			twin := timeline(machine())
			for i, c := range commits {
				twin.Commit(uint64(i), c.at, c.order)
			}
			s := twin.final.copy()
			if withPending {
				for _, e := range pending {
					twin.apply(&s, e, false)
				}
			}
			return s.print()
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"late", "end", "end", "commit", "drop"}).Draw(t, "step") {
			case "late":
				count++
				pending = slices.Insert(slices.Clone(pending), rapid.IntRange(0, len(pending)).Draw(t, "place"), said(count))
			case "end":
				for range rapid.IntRange(0, 2*Every).Draw(t, "many") {
					count++
					pending = append(pending, said(count))
				}
			case "drop":
				pending = slices.Clone(pending[:len(pending)/2])
			case "commit":
				now += event.Time(rapid.IntRange(0, 9).Draw(t, "later"))
				k := rapid.IntRange(0, len(pending)).Draw(t, "of")
				order := slices.Clone(pending[:k])
				slices.Reverse(order)
				line.Commit(uint64(len(commits)), now, order)
				commits = append(commits, commit{now, order})
				pending = slices.Clone(pending[k:])
				if rapid.Bool().Draw(t, "unfollowed") {
					continue // the timeline itself drops what became final
				}
			}
			line.Follow(pending)
			if rapid.Bool().Draw(t, "look") {
				if got, want := line.Provisional().print(), fresh(true); got != want {
					t.Fatalf("provisional\n%s\nfresh\n%s", got, want)
				}
			}
			if got, want := line.Final().print(), fresh(false); got != want {
				t.Fatalf("final\n%s\nfresh\n%s", got, want)
			}
		}
		if got, want := line.Provisional().print(), fresh(true); got != want {
			t.Fatalf("provisional\n%s\nfresh\n%s", got, want)
		}
		if got := line.Pending(); len(got) != len(pending) {
			t.Fatalf("%d receipts of %d", len(got), len(pending))
		}
	})
}

// TestOnlyWhatFollowsIsFoldedAgain counts applications.
func TestOnlyWhatFollowsIsFoldedAgain(t *testing.T) {
	applied := 0
	line := timeline(NewMachine(On("tape.push", func(s *tape, env Env, p push) error {
		applied++
		return s.push(env, p)
	})))
	var order []*event.Event
	for n := range uint64(4 * Every) {
		order = append(order, said(n))
	}
	line.Follow(order)
	if applied != 0 {
		t.Fatalf("%d events were folded before anybody asked", applied)
	}
	line.Provisional()
	line.Provisional()
	if applied != 4*Every {
		t.Fatalf("%d events were folded", applied)
	}
	applied = 0
	if kept := line.Follow(append(slices.Clone(order), said(5000))); kept != 4*Every {
		t.Fatalf("kept %d", kept)
	}
	line.Provisional()
	if applied != 1 {
		t.Fatalf("%d events were folded for one at the end", applied)
	}
	applied = 0
	if kept := line.Follow(slices.Insert(slices.Clone(order), 3*Every+7, said(5001))); kept != 3*Every {
		t.Fatalf("kept %d", kept)
	}
	line.Provisional()
	if applied != Every+1 {
		t.Fatalf("%d events were folded for a late one", applied)
	}
}

func TestReasonsInOrder(t *testing.T) {
	m := machine()
	counted := 0
	m.Guard(func(_ *tape, env Env, rule func() error) error {
		if env.Seq == 13 {
			return errGuard
		}
		err := rule()
		if err == nil {
			counted++
		}
		return err
	})
	good, bad := said(2), said(1)
	member := identity.PublicKey{1}
	var s tape
	before := s.print()
	for _, c := range []struct {
		name string
		env  Env
		d    event.Draft
		want error
	}{
		{"unknown before the guard", Env{Key: member, Seq: 13}, event.Draft{Kind: "tape.pull"}, ErrUnknownKind},
		{"guard before the body", Env{Key: member, Seq: 13}, event.Draft{Kind: "tape.push"}, errGuard},
		{"body before the rule", Env{Key: member}, event.Draft{Kind: "tape.push", Body: []byte{0xa0, 0}}, ErrMalformed},
		{"field left out", Env{Key: member}, event.Draft{Kind: "tape.push", Body: []byte{0xa0}}, ErrMalformed},
		{"rule", Env{Key: member}, event.Draft{Kind: bad.Kind, Body: bad.Body}, errTape},
	} {
		if err := m.Apply(&s, c.env, c.d); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if s.print() != before || counted != 0 {
		t.Errorf("a refusal changed the state to %s and was counted %d times", s.print(), counted)
	}
	if err := m.Apply(&s, Env{Key: identity.Assembly, Seq: 13}, event.Draft{Kind: good.Kind, Body: good.Body}); err != nil || counted != 0 {
		t.Errorf("the Assembly passes no guard: %v, counted %d", err, counted)
	}
	if err := m.Apply(&s, Env{Key: member}, event.Draft{Kind: good.Kind, Body: good.Body}); err != nil || counted != 1 {
		t.Errorf("accepted: %v, counted %d", err, counted)
	}
	if !m.Knows("tape.push") || m.Knows("tape.pull") {
		t.Error("Knows")
	}
}

// TestTryChangesNothing dry-runs at a later time, and finds everything as it was.
func TestTryChangesNothing(t *testing.T) {
	line := timeline(machine())
	line.Commit(0, 5, []*event.Event{said(7)})
	line.Follow([]*event.Event{said(9)})
	final, provisional := line.Final().print(), line.Provisional().print()
	s := line.Provisional().copy()
	s.time, s.sum = 100, s.sum+100
	want := s.push(Env{}, push{1})
	d := event.Draft{Kind: "tape.push", Body: said(1).Body}
	if got := line.Try(identity.PublicKey{1}, 0, 100, d); got != want {
		t.Errorf("tried: %v, want %v", got, want)
	}
	if line.Final().print() != final || line.Provisional().print() != provisional {
		t.Error("a trial changed a state")
	}
}

func TestFaults(t *testing.T) {
	faulty := func(name string, f func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: expected a fault", name)
			}
		}()
		f()
	}
	faulty("two rules", func() { NewMachine(On("a", (*tape).push), On("a", (*tape).push)) })
	faulty("a commit left out", func() { timeline(machine()).Commit(1, 0, nil) })
	faulty("time goes back", func() {
		line := timeline(machine())
		line.Commit(0, 9, nil)
		line.Commit(1, 8, nil)
	})
}

func TestReceipts(t *testing.T) {
	line := timeline(machine())
	got := line.Commit(0, 0, []*event.Event{said(1), said(2)})
	if got[0].Refusal != errTape.Error() || got[1] != (Receipt{ID: said(2).ID}) {
		t.Errorf("%+v", got)
	}
	line.Follow([]*event.Event{said(5)})
	if p := line.Pending(); len(p) != 1 || p[0] != (Receipt{ID: said(5).ID, Index: 1}) {
		t.Errorf("%+v", p)
	}
}

func BenchmarkApply(b *testing.B) {
	m, s := machine(), tape{}
	var drafts [512]event.Draft
	for i := range drafts {
		e := said(uint64(i))
		drafts[i] = event.Draft{Kind: e.Kind, Body: e.Body}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Apply(&s, Env{Key: identity.PublicKey{1}}, drafts[i%len(drafts)])
	}
}

// TestAfterEachCommit: what comes after a commit comes after all of its events and before every later
// one, once; and after the pending events, once for each time that they change, unseen by them.
func TestAfterEachCommit(t *testing.T) {
	line := timeline(machine())
	var seen []string
	line.After(func(s *tape) {
		seen = append(seen, fmt.Sprint(s.rows.Len(), uint64(s.time)))
		s.sum = 0
	})
	line.Commit(0, 5, []*event.Event{said(2), said(5)})
	line.Commit(1, 6, nil)
	for n := range 2 {
		line.Follow([]*event.Event{said(8), said(10)}[:n+1])
		line.Provisional()
		if now := line.Provisional(); now.sum != 0 || now.rows.Len() != 3+n || line.Final().rows.Len() != 2 {
			t.Errorf("provisional %s, final %s", now.print(), line.Final().print())
		}
	}
	line.Follow(nil)
	line.Provisional()
	if want := []string{"2 5", "2 6", "3 6", "4 6", "2 6"}; !slices.Equal(seen, want) {
		t.Errorf("after the commits: %v, want %v", seen, want)
	}
}

// TestBeforeEachCommit: what begins a commit comes before what is due by it and before its events, with
// its number and its anchor, and the pending events see what it did.
func TestBeforeEachCommit(t *testing.T) {
	line := timeline(machine())
	var seen []string
	line.Before(func(s *tape, index uint64, anchor [32]byte) {
		seen = append(seen, fmt.Sprint(index, anchor[0], s.rows.Len(), uint64(s.time)))
		s.sum += 100
	})
	line.Begin([32]byte{7})
	line.Commit(0, 5, []*event.Event{said(2)})
	line.Begin([32]byte{8})
	line.Commit(1, 6, nil)
	line.Follow([]*event.Event{said(8)})
	if now := line.Provisional(); now.sum <= 200 || line.Final().sum <= 200 {
		t.Errorf("provisional %d, final %d", now.sum, line.Final().sum)
	}
	if want := []string{"0 7 0 0", "1 8 1 5"}; !slices.Equal(seen, want) {
		t.Errorf("before the commits: %v, want %v", seen, want)
	}
}

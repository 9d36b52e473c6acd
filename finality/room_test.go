package finality

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
)

// tower is full rows of four stewards, one on the other.
func (l *loom) tower(rows int, options ...option) [][]*Round {
	var tower [][]*Round
	var below []*Round
	for i := range rows {
		below = l.row(uint64(i+1), below, upTo(l.ep.N()), options...)
		tower = append(tower, below)
	}
	return tower
}

func TestBlocksWaitForTheirParents(t *testing.T) {
	l := newLoom(t, 4)
	blocks := slices.Concat(l.tower(20)...)
	for seed := range uint64(20) {
		e, _ := l.engine()
		rng := rand.New(rand.NewPCG(seed, 0))
		order := slices.Clone(blocks)
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		var accepted []*Round
		for _, r := range order {
			step, err := e.Add(l.at, "test", r)
			if err != nil {
				t.Fatal(err)
			}
			accepted = append(accepted, step.Accepted...)
			again, err := e.Add(l.at, "test", r)
			if err != nil || len(again.Accepted) > 0 {
				t.Fatalf("a second time: %v", err)
			}
		}
		if len(accepted) != len(blocks) || e.Waiting() != 0 || len(e.room.wants) != 0 || len(e.room.slots) != 0 {
			t.Fatalf("%d of %d accepted, %d wait, %d wanted", len(accepted), len(blocks), e.Waiting(), len(e.room.wants))
		}
		met := map[RoundID]bool{}
		for _, r := range accepted {
			for _, p := range r.Parents {
				if !met[p] {
					t.Fatal("a block is accepted before its parent")
				}
			}
			met[r.ID] = true
		}
	}
}

func TestBlocksWaitForTheirEvents(t *testing.T) {
	l := newLoom(t, 4)
	events := ids(3)
	g := newGraph()
	e := NewEngine(l.ep, g)
	r := l.block(0, 1, nil, listing(events...))
	if step, err := e.Add(l.at, "7", r); err != nil || len(step.Accepted) > 0 {
		t.Fatal("a block without its events is accepted")
	}
	if _, missing := e.Missing(10); !slices.Equal(missing, events) {
		t.Fatalf("missing %v", missing)
	}
	if _, missing := e.Missing(2); len(missing) != 2 {
		t.Fatalf("missing %d of at most 2", len(missing))
	}
	for i, id := range []event.ID{events[2], events[0], events[1]} {
		step := e.Learn(l.at, g.add(id, nil))
		if got := len(step.Accepted); got != i/2 {
			t.Fatalf("%d accepted with %d events known", got, i+1)
		}
	}
	if len(e.room.watch) > 0 || e.Waiting() > 0 {
		t.Fatal("the room does not forget")
	}
}

func TestWantsNameWhoSentTheChild(t *testing.T) {
	l := newLoom(t, 4)
	tower := l.tower(2)
	e, _ := l.engine()
	l.feed(e, tower[0][:2]...)
	if _, err := e.Add(l.at, "ann", l.block(2, 2, tower[0][1:])); err != nil {
		t.Fatal(err)
	}
	wants, _ := e.Missing(10)
	if len(wants) != 2 || wants[0].From != "ann" || e.Has(wants[0].ID) {
		t.Fatalf("%+v", wants)
	}
	l.feed(e, tower[0][2])
	if wants, _ = e.Missing(10); len(wants) != 1 || wants[0].ID != tower[0][3].ID {
		t.Fatalf("%+v", wants)
	}
}

func TestBlocksFarAheadAreRefused(t *testing.T) {
	l := newLoom(t, 4)
	tower := l.tower(MaxAhead + 2)
	e, _ := l.engine()
	if _, err := e.Add(l.at, "x", tower[MaxAhead][0]); !errors.Is(err, ErrAhead) {
		t.Fatal(err)
	}
	if _, err := e.Add(l.at, "x", tower[MaxAhead-1][0]); err != nil {
		t.Fatal(err)
	}
	foreign := *tower[0][0]
	foreign.Epoch++
	if _, err := e.Add(l.at, "x", &foreign); !errors.Is(err, ErrOtherEpoch) {
		t.Fatal(err)
	}
}

// A liar floods with blocks that wait and with forks that do not. What is kept is bounded, and a fork
// beyond the bound that a correct steward built on is accepted all the same.
func TestFloodIsBoundedAndNeededForksGetThrough(t *testing.T) {
	l := newLoom(t, 4)
	one := l.tower(1)[0]
	e, _ := l.engine()
	l.feed(e, one...)
	crowded := 0
	for i := range 2000 {
		unknown := []*Round{{ID: RoundID{1, byte(i)}, Steward: 1}, {ID: RoundID{2, byte(i)}, Steward: 2}, {ID: RoundID{3, byte(i)}, Steward: 3}}
		for _, r := range []*Round{
			l.block(3, 1, nil, variant(1000+i)),
			l.block(3, uint64(3+i%60), unknown, variant(i), func(r *Round) { r.Prev, r.Last = RoundID{}, 0 }),
		} {
			if _, err := e.Add(l.at, "liar", r); errors.Is(err, ErrCrowded) {
				crowded++
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	if e.Waiting() != 60*MaxForks || len(e.nodes) != 4+MaxForks-1 || crowded == 0 {
		t.Fatalf("%d wait, %d accepted, %d refused", e.Waiting(), len(e.nodes), crowded)
	}
	fork := l.block(3, 1, nil, variant(9999))
	child := l.block(0, 2, []*Round{one[0], one[1], fork})
	if _, err := e.Add(l.at, "x", fork); !errors.Is(err, ErrCrowded) {
		t.Fatalf("a fork that nobody needs: %v", err)
	}
	if step, err := e.Add(l.at, "x", child); err != nil || len(step.Accepted) > 0 {
		t.Fatal("the child does not wait")
	}
	step, err := e.Add(l.at, "x", fork)
	if err != nil || len(step.Accepted) != 2 {
		t.Fatalf("a needed fork is not accepted: %v", err)
	}
}

// Liars make their waiting blocks need one another without end. Their accounts fill; what a correct
// steward's block needs is still kept, level by level.
func TestLiarsCannotUseUpThePlacesOfOthers(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	one := l.tower(1)[0]
	l.feed(e, one[:3]...) // the liar is 3; its first block comes later
	garbage := func(i, depth int) *Round {
		return &Round{ID: RoundID{byte(i), byte(i >> 8), byte(depth), 5}, Steward: 3, Number: uint64(60 - depth)}
	}
	kept := 0
	for i := range 400 {
		for depth := range 10 {
			r := garbage(i, depth)
			r.Epoch = l.ep.Number
			r.Parents = []RoundID{{1, byte(i)}, {2, byte(i)}, garbage(i, depth+1).ID}
			r.Parents = append(r.Parents, garbage(i+1, depth+1).ID)
			if _, err := e.Add(l.at, "liar", r); err == nil {
				kept++
			}
		}
	}
	if limit := 64*MaxForks + MaxDemanded; e.Waiting() > limit || e.room.charged[3] > MaxDemanded {
		t.Fatalf("%d wait, at most %d may", e.Waiting(), limit)
	}
	// A correct steward's chain on ten forks of the liar, sent from the top down.
	below := []*Round{one[0], one[1], one[3]}
	var chain []*Round
	for depth := range uint64(10) {
		fork := l.block(3, 2+depth, below, variant(int(depth)))
		chain = append(chain, fork)
		rest := l.row(2+depth, below, upTo(2))
		chain = append(chain, rest...)
		below = append(slices.Clone(rest), fork)
	}
	top := l.block(2, 12, below)
	for _, r := range append([]*Round{top}, func() []*Round { c := slices.Clone(chain); slices.Reverse(c); return c }()...) {
		if _, err := e.Add(l.at, "good", r); err != nil {
			t.Fatalf("round %d: %v", r.Number, err)
		}
	}
	l.feed(e, one[3])
	if !e.Has(top.ID) {
		t.Fatal("the correct steward's block is not accepted")
	}
}

func TestMissingIsFair(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	for i := range 60 { // never to be had
		r := &Round{ID: RoundID{byte(i), 9}, Epoch: l.ep.Number, Steward: 3, Number: uint64(2 + i)}
		for p := range 3 {
			r.Parents = append(r.Parents, RoundID{byte(i), byte(p), 8})
		}
		if _, err := e.Add(l.at, "liar", r); err != nil {
			t.Fatal(err)
		}
	}
	tower := l.tower(2)
	if _, err := e.Add(l.at, "good", tower[1][0]); err != nil {
		t.Fatal(err)
	}
	asked := map[RoundID]bool{}
	for range 4 {
		wants, _ := e.Missing(4)
		for _, want := range wants {
			asked[want.ID] = true
		}
	}
	for _, r := range tower[0] {
		if !asked[r.ID] {
			t.Fatal("what a correct steward's block needs is asked for after a liar's")
		}
	}
	asked = map[RoundID]bool{}
	for range 60 {
		wants, _ := e.Missing(8)
		for _, want := range wants {
			asked[want.ID] = true
		}
	}
	if len(asked) != 60*3+4 {
		t.Fatalf("%d of %d are ever asked for", len(asked), 60*3+4)
	}
}

func TestWhatBuildsOnAFalseBlockIsDropped(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	one := l.tower(1)[0]
	fork := l.block(2, 1, nil, variant(9))
	bad := l.block(3, 2, []*Round{one[0], one[2], fork}, func(r *Round) { r.Prev, r.Last = RoundID{}, 0 })
	rest := l.row(2, one, upTo(3))
	child := l.block(0, 3, append(rest[:2:2], bad), listing(ids(2)...))
	grandchild := l.block(0, 5, one, func(r *Round) { r.Prev, r.Last = child.ID, 3; r.Parents = []RoundID{{1}, {2}, {3}} })
	for _, r := range []*Round{grandchild, child, bad} {
		if _, err := e.Add(l.at, "liar", r); err != nil {
			t.Fatal(err)
		}
	}
	l.feed(e, append(slices.Clone(one), fork)...)
	if e.Waiting() != 0 || len(e.room.wants) != 0 || len(e.room.watch) != 0 || e.Has(bad.ID) {
		t.Fatalf("%d wait, %d wanted", e.Waiting(), len(e.room.wants))
	}
}

// The certificates of a commit reach a node whose slots a liar filled before: a frontier would not
// tell of the liar's second block, and nothing after it is built on it.
func TestProofReachesWhoeverWasFlooded(t *testing.T) {
	l := newLoom(t, 4)
	wave := l.wave(1, nil, upTo(4))
	lucky, _ := l.engine()
	l.feed(lucky, slices.Concat(wave[0], wave[1], wave[2][:2], []*Round{wave[2][3]})...)
	if len(lucky.Proof()) != 3 {
		t.Fatalf("a proof of %d blocks", len(lucky.Proof()))
	}
	for _, filled := range []string{"accepted", "waiting", "all waiting"} {
		e, _ := l.engine()
		l.feed(e, slices.Concat(wave[0], wave[1][1:], wave[2][:0])...)
		if filled != "all waiting" {
			l.feed(e, wave[1][0])
			l.feed(e, wave[2][:2]...)
		}
		unvoted := l.block(3, 2, wave[0], variant(300))
		if filled == "accepted" {
			l.feed(e, unvoted)
		}
		for i := range MaxForks {
			r := l.block(3, 3, []*Round{wave[1][0], wave[1][1], unvoted}, variant(400+i))
			if _, err := e.Add(l.at, "liar", r); err != nil {
				t.Fatal(err)
			}
		}
		if e.Commits() != 0 {
			t.Fatal("not the case to be tested")
		}
		for _, r := range append(lucky.Proof(), wave[1][0]) {
			if _, err := e.Add(l.at, "good", r); err != nil {
				t.Fatalf("%s: %v", filled, err)
			}
		}
		if e.Commits() != 1 {
			t.Fatalf("%s: the proof does not prove", filled)
		}
	}
}

// A liar's account is full, so what its waiting block needs finds no place, until a correct steward's
// block needs that block.
func TestNeedIsPassedOn(t *testing.T) {
	l := newLoom(t, 4)
	e, _ := l.engine()
	one := l.tower(1)[0]
	l.feed(e, one[:3]...)
	two := l.row(2, one, upTo(3))
	none := func(r *Round) { r.Prev, r.Last = RoundID{}, 0 }
	for i := range MaxForks {
		if _, err := e.Add(l.at, "liar", l.block(3, 2, one, variant(50+i))); err != nil {
			t.Fatal(err)
		}
	}
	fork := l.block(3, 2, one, variant(99))
	middle := l.block(3, 3, []*Round{two[0], two[1], fork})
	three := l.row(3, two, upTo(2))
	e.room.charged[3] = MaxDemanded
	if _, err := e.Add(l.at, "liar", middle); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Add(l.at, "liar", fork); !errors.Is(err, ErrCrowded) {
		t.Fatalf("on a full account: %v", err)
	}
	if _, err := e.Add(l.at, "good", l.block(0, 4, []*Round{three[0], three[1], middle}, none)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Add(l.at, "good", fork); err != nil || e.room.charged[0] != 1 {
		t.Fatalf("needed by a correct steward: %v", err)
	}
}

// When the horizon rises, blocks below it stop waiting, and blocks that waited for something below it
// are accepted without.
func TestWhatLiesBelowTheHorizonCountsAsPresent(t *testing.T) {
	l := newLoom(t, 4).ledBy(3) // whose second wave is not committed
	e, _ := l.engine()
	e.window = 6
	secret := l.block(3, 1, nil) // nobody will see it
	first := l.wave(1, nil, []int{0, 1, 2})
	second := l.wave(4, first[2], []int{0, 1, 2})
	third := l.wave(7, second[2], []int{0, 1, 2})
	fourth := l.wave(10, third[2], []int{0, 1, 2})
	low, high := l.block(3, 3, first[1], after(secret), listing(ids(1)...)), l.block(3, 5, second[0], after(secret))
	above := l.block(3, 6, []*Round{second[1][0], second[1][1], high})
	l.feed(e, slices.Concat(slices.Concat(first...), slices.Concat(second...), slices.Concat(third...), fourth[0], fourth[1], fourth[2][:2])...)
	for i, r := range []*Round{above, low, high} {
		if step, err := e.Add(l.at, "x", r); err != nil || len(step.Accepted) > 0 || e.Waiting() != i+1 {
			t.Fatal(err)
		}
	}
	step, err := e.Add(l.at, "x", fourth[2][2])
	if err != nil || e.Horizon() != 4 {
		t.Fatalf("horizon %d: %v", e.Horizon(), err)
	}
	if len(step.Accepted) != 3 || !e.Has(high.ID) || !e.Has(above.ID) || e.Has(low.ID) {
		t.Fatalf("%d accepted", len(step.Accepted))
	}
	if e.Waiting() != 0 || len(e.room.wants) != 0 || len(e.room.slots) != 0 {
		t.Fatalf("%d wait, %d wanted", e.Waiting(), len(e.room.wants))
	}
	if _, err := e.Add(l.at, "x", secret); !errors.Is(err, ErrOld) {
		t.Fatal(err)
	}
}

func TestFrontierAndAbove(t *testing.T) {
	l := newLoom(t, 4)
	tower := l.tower(6)
	e, _ := l.engine()
	l.feed(e, slices.Concat(append(tower[:5:5], tower[5][:2])...)...)
	if got := fmt.Sprint(e.Frontier()); got != "[6 6 5 5]" {
		t.Fatal(got)
	}
	for _, c := range []struct {
		frontier []uint64
		limit    int
		want     int
	}{{[]uint64{6, 6, 5, 5}, 99, 0}, {nil, 99, 22}, {nil, 7, 7}, {[]uint64{5, 6, 4, 4}, 99, 3}, {[]uint64{9, 9, 9, 9, 9, 9}, 99, 0}} {
		got := e.Above(c.frontier, c.limit)
		if len(got) != c.want || !slices.IsSortedFunc(got, func(a, b *Round) int { return int(a.Number) - int(b.Number) }) {
			t.Fatalf("%v: %d blocks, want %d", c.frontier, len(got), c.want)
		}
	}
	if e.Get(tower[2][1].ID) != tower[2][1] || e.Get(RoundID{5}) != nil {
		t.Fatal("wrong block")
	}
}

package sim

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/identity"
)

// block is a round block as the twin reads it: from its bytes, by itself.
type block struct {
	id      finality.RoundID
	epoch   uint64
	steward int
	number  uint64
	prev    finality.RoundID
	parents []finality.RoundID
	vote    bool
	inc     []event.ID
	at      event.Time
}

// envelope and core are a round block on the wire (docs/protocol.md §2), written down a second time.
type envelope struct {
	_         struct{} `cbor:",toarray"`
	Core, Sig []byte
}

type core struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Kind    string
	Coop    [32]byte
	Epoch   uint64
	Steward uint64
	Number  uint64
	Prev    *[32]byte
	Last    uint64
	Parents []finality.RoundID
	Vote    bool
	Inc     [][32]byte
	Base    [32]byte
	At      uint64
}

// readBlock reads what package finality wrote, without it and without a look at the signature.
func readBlock(raw []byte) (*block, error) {
	var env envelope
	if err := event.Unmarshal(raw, &env); err != nil {
		return nil, err
	}
	var c core
	if err := event.Unmarshal(env.Core, &c); err != nil {
		return nil, err
	}
	b := &block{id: sha256.Sum256(env.Core), epoch: c.Epoch, steward: int(c.Steward), number: c.Number, parents: c.Parents, vote: c.Vote, at: event.Time(c.At)}
	if c.Prev != nil {
		b.prev = *c.Prev
	}
	for _, id := range c.Inc {
		b.inc = append(b.inc, id)
	}
	return b, nil
}

// forge signs a round block that package finality would not, because it breaks a rule of form.
func forge(key identity.Key, ep *finality.Epoch, d finality.Round) []byte {
	c := core{Version: 1, Kind: "round", Coop: ep.Coop, Epoch: ep.Number, Steward: uint64(d.Steward), Number: d.Number, Last: d.Last,
		Parents: d.Parents, Vote: d.Vote, Base: ep.Base, At: uint64(d.At)}
	if !d.Prev.IsZero() {
		c.Prev = (*[32]byte)(&d.Prev)
	}
	for _, id := range d.Inc {
		c.Inc = append(c.Inc, id)
	}
	b, err := event.Marshal(c)
	if err != nil {
		panic("sim: invariant: a block can be written: " + err.Error())
	}
	hash := sha256.Sum256(b)
	sig := key.Sign(append([]byte("coop/round/1\x00"), hash[:]...))
	raw, err := event.Marshal(envelope{Core: b, Sig: sig[:]})
	if err != nil {
		panic("sim: invariant: a block can be written: " + err.Error())
	}
	return raw
}

func (b *block) words() string {
	vote := ""
	if b.vote {
		vote = " votes"
	}
	return fmt.Sprintf("%s on %d, lists %d%s", b.id.String()[:6], len(b.parents), len(b.inc), vote)
}

// twin decides again what all round blocks together decide, in the plainest way, and compares it
// with what the peers committed. Like the paper, it knows no horizon, so it keeps out of long runs.
type twin struct {
	j      *judge
	ep     *finality.Epoch
	order  []int // of leaders
	q      int
	certs  map[finality.RoundID]finality.RoundID // of decide blocks
	sealed []finality.RoundID                    // blocks by round, then id
}

// twin holds the commits against the rule of waves, in one epoch after the other.
func (j *judge) twin() {
	done, now, commits := map[event.ID]bool{j.w.stage.genesis.ID: true}, event.Time(0), j.commits
	for n := range j.w.epochs {
		own := commits
		if n < len(j.w.epochs)-1 {
			own = commits[:min(int(j.ends[uint64(n)]+1)-(len(j.commits)-len(commits)), len(commits))]
		}
		if !j.twinOf(&j.w.epochs[n], own, done, &now) {
			return
		}
		commits = commits[len(own):]
	}
}

// twinOf is twin for an epoch and its commits; false when there is no reason to go on.
func (j *judge) twinOf(ep *finality.Epoch, commits []commit, done map[event.ID]bool, now *event.Time) bool {
	t := &twin{j: j, ep: ep, q: (ep.N()+(ep.N()-1)/3)/2 + 1, certs: map[finality.RoundID]finality.RoundID{}}
	for wave := range uint64(ep.N()) {
		t.order = append(t.order, ep.Leader(wave))
	}
	top := uint64(0)
	for id, b := range j.blocks {
		if b.epoch == ep.Number {
			top = max(top, b.number)
			t.sealed = append(t.sealed, id)
		}
	}
	if top > finality.Window {
		return false
	}
	slices.SortFunc(t.sealed, func(a, b finality.RoundID) int {
		if x, y := j.blocks[a], j.blocks[b]; x.number != y.number {
			return int(x.number) - int(y.number)
		}
		return a.Compare(b)
	})
	for _, id := range t.sealed {
		t.shape(j.blocks[id])
	}
	if len(j.violations) == 0 {
		t.compare(t.anchors(), commits, done, now)
	}
	return len(j.violations) == 0
}

// shape expects of a block that honest peers kept that it builds on a quorum of the round below, on
// one block of each steward.
func (t *twin) shape(b *block) {
	if b.number == 1 {
		return
	}
	below := map[int]bool{}
	for _, id := range b.parents {
		p := t.j.blocks[id]
		if p == nil || p.epoch != b.epoch || p.number != b.number-1 || below[p.steward] {
			t.j.complain("the block %s of round %d builds on what it may not", b.id.String()[:6], b.number)
			return
		}
		below[p.steward] = true
	}
	if len(below) < t.q {
		t.j.complain("the block %s of round %d builds on %d stewards' blocks", b.id.String()[:6], b.number, len(below))
	}
}

// vote is the leader's block that a block of a vote round votes for.
func (t *twin) vote(b *block) (choice finality.RoundID) {
	leader := t.order[(b.number-1)/3%uint64(len(t.order))]
	for _, p := range b.parents {
		if b.vote && t.j.blocks[p].steward == leader {
			choice = p
		}
	}
	return choice
}

// cert is the block that a decide block certifies.
func (t *twin) cert(b *block) (choice finality.RoundID) {
	votes := map[finality.RoundID]int{}
	for _, p := range b.parents {
		if v := t.vote(t.j.blocks[p]); !v.IsZero() {
			if votes[v]++; votes[v] >= t.q {
				choice = v
			}
		}
	}
	return choice
}

// anchors finds the highest wave with a quorum of certificates and walks down from it.
func (t *twin) anchors() (chain []finality.RoundID) {
	deciders := map[finality.RoundID]map[int]bool{}
	waves := map[uint64]finality.RoundID{}
	var top finality.RoundID
	for _, id := range t.sealed {
		b := t.j.blocks[id]
		if b.number%3 != 0 {
			continue
		}
		c := t.cert(b)
		if c.IsZero() {
			continue
		}
		t.certs[id] = c
		wave := (b.number - 1) / 3
		if other, known := waves[wave]; known && other != c {
			t.j.complain("wave %d has two certified blocks: %s and %s", wave, other.String()[:6], c.String()[:6])
		}
		waves[wave] = c
		if deciders[c] == nil {
			deciders[c] = map[int]bool{}
		}
		if deciders[c][b.steward] = true; len(deciders[c]) >= t.q {
			top = c
		}
	}
	for id := top; !id.IsZero(); id = t.below(id) {
		chain = append(chain, id)
	}
	slices.Reverse(chain)
	return chain
}

// closure is every block reachable from one, that one included.
func (t *twin) closure(id finality.RoundID) map[finality.RoundID]bool {
	reached := map[finality.RoundID]bool{}
	for stack := []finality.RoundID{id}; len(stack) > 0; {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if id.IsZero() || reached[id] {
			continue
		}
		reached[id] = true
		b := t.j.blocks[id]
		stack = append(append(stack, b.parents...), b.prev)
	}
	return reached
}

// below is the certified block of the highest wave strictly inside the closure of an anchor.
func (t *twin) below(id finality.RoundID) (best finality.RoundID) {
	top := uint64(0)
	for b := range t.closure(id) {
		if c, ok := t.certs[b]; ok && b != id && t.j.blocks[b].number > top {
			best, top = c, t.j.blocks[b].number
		}
	}
	return best
}

// compare holds the anchors, the segments, their order and coop time against the commits of the epoch.
// If it has ended, what its stewards have committed beyond its end is void.
func (t *twin) compare(chain []finality.RoundID, commits []commit, done map[event.ID]bool, now *event.Time) {
	ended := t.ep.Number+1 < uint64(len(t.j.w.epochs))
	if ended && len(chain) > len(commits) {
		t.j.stats.Voids += len(chain) - len(commits)
		chain = chain[:len(commits)]
	}
	if len(chain) != len(commits) {
		t.j.complain("the round blocks of epoch %d decide %d commits, and the peers have %d", t.ep.Number, len(chain), len(commits))
		return
	}
	for i, id := range chain {
		c := commits[i]
		if *now = max(*now, t.j.blocks[id].at); finality.RoundID(c.Anchor) != id || c.Time != *now {
			t.j.complain("commit %d should be %s at %d, not %s at %d", c.Index, id.String()[:6], *now, c.Anchor.Short(), c.Time)
			return
		}
		if order := t.segment(id, done); !slices.Equal(order, c.Order) {
			t.j.complain("commit %d should order %v, not %v", c.Index, order, c.Order)
			return
		}
	}
}

// segment is what an anchor adds, in order: again and again the event with the least hash among
// those that lack nothing.
func (t *twin) segment(anchor finality.RoundID, done map[event.ID]bool) (order []event.ID) {
	todo := map[event.ID]bool{}
	var reach func(id event.ID)
	reach = func(id event.ID) {
		if done[id] || todo[id] {
			return
		}
		todo[id] = true
		for _, link := range t.j.events[id].Links() {
			reach(link)
		}
	}
	for b := range t.closure(anchor) {
		for _, id := range t.j.blocks[b].inc {
			reach(id)
		}
	}
	for len(todo) > 0 {
		var next event.ID
		var least [32]byte
		for id := range todo {
			free := !slices.ContainsFunc(t.j.events[id].Links(), func(link event.ID) bool { return !done[link] })
			key := sha256.Sum256(append(append([]byte{}, anchor[:]...), id[:]...))
			if free && (next.IsZero() || bytes.Compare(key[:], least[:]) < 0) {
				next, least = id, key
			}
		}
		delete(todo, next)
		done[next] = true
		order = append(order, next)
	}
	return order
}

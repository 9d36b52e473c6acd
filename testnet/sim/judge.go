package sim

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/table"
)

// judge watches what honest peers keep and say, and knows nothing of what they think.
type judge struct {
	w          *world
	violations []string
	stats      Stats

	commits  []commit
	receipts map[uint64]uint64 // by commit index: a hash of what became of its events
	refused  map[event.ID]string
	roots    map[place][32]byte
	final    map[event.ID]uint64 // commit index
	events   map[event.ID]*event.Event
	numbers  map[number]event.ID // of honest devices
	blocks   map[finality.RoundID]*block
	slots    map[slot]finality.RoundID // of every steward: the first block
	seals    map[uint64][32]byte       // by commit index: the checkpoint that a quorum signed
	proven   map[[32]byte]bool         // by hash: certificates that were verified
	ends     map[uint64]uint64         // by epoch: index of its last commit
	promised map[event.ID]*peer        // kept events of honest members
	certain  map[event.ID]bool         // acknowledged somewhere
	expected map[*peer]bool            // peers whose silence is right

	saidAt    map[event.ID]event.Time // when an event was first kept
	finalAt   map[event.ID]event.Time // when the first commit had it
	near      event.Time              // how far coop time may be from the truth; 0: nobody asks
	lenient   bool                    // a conflict is noted and is no violation: there are too many liars
	conflicts []string
}

// commit is a commit record as it stands in an archive.
type commit struct {
	_      struct{} `cbor:",toarray"`
	Index  uint64
	Anchor event.ID
	Time   event.Time
	Order  []event.ID
	Rounds uint64
	Events uint64
}

type number struct {
	key identity.PublicKey
	seq uint64
}

// place is where a state is in the course of a cooperative. A re-founding changes it without a commit.
type place struct{ epoch, commits uint64 }

type slot struct {
	epoch   uint64
	steward int
	round   uint64
}

func newJudge(w *world) *judge {
	return &judge{w: w, receipts: map[uint64]uint64{}, refused: map[event.ID]string{}, roots: map[place][32]byte{},
		final: map[event.ID]uint64{w.stage.genesis.ID: 0}, events: map[event.ID]*event.Event{}, numbers: map[number]event.ID{},
		blocks: map[finality.RoundID]*block{}, slots: map[slot]finality.RoundID{}, seals: map[uint64][32]byte{}, proven: map[[32]byte]bool{}, ends: map[uint64]uint64{}, promised: map[event.ID]*peer{}, certain: map[event.ID]bool{},
		expected: map[*peer]bool{}, saidAt: map[event.ID]event.Time{}, finalAt: map[event.ID]event.Time{}}
}

func (j *judge) complain(format string, args ...any) {
	if j.lenient {
		j.conflicts = append(j.conflicts, fmt.Sprintf(format, args...))
		return
	}
	j.violations = append(j.violations, fmt.Sprintf("at %d ms: ", uint64(j.w.now))+fmt.Sprintf(format, args...))
}

// fault is a complaint about one peer. Of liars nothing is expected.
func (j *judge) fault(p *peer, format string, args ...any) {
	if p.honest() {
		j.complain(p.name+": "+format, args...)
	}
}

// kept sees what is on a peer's disk from now on.
func (j *judge) kept(p *peer, out *node.Effects) {
	if !p.honest() {
		return
	}
	for _, e := range out.Keep.Events {
		j.keptEvent(p, e)
	}
	for _, b := range out.Keep.Rounds {
		j.keptBlock(p, b)
	}
	before := p.disk.Count().Commits - uint64(len(out.Keep.Commits))
	for i, raw := range out.Keep.Commits {
		var c commit
		if err := event.Unmarshal(raw, &c); err != nil {
			j.fault(p, "keeps a commit that cannot be read: %v", err)
			return
		}
		if c.Index != before+uint64(i) {
			j.fault(p, "keeps commit %d in place %d", c.Index, before+uint64(i))
			return
		}
		j.committed(p, c)
	}
	j.received(p, out)
	if n := len(out.Keep.Commits); n > 0 && (before+uint64(n))%4 == 0 {
		j.root(p)
	}
}

func (j *judge) keptEvent(p *peer, e *event.Event) {
	if j.events[e.ID] == nil {
		j.events[e.ID], j.saidAt[e.ID] = e, j.w.now
	}
	author := j.w.byID[e.Key]
	if author == nil || !author.honest() {
		return
	}
	at := number{e.Key, e.Seq}
	if other, known := j.numbers[at]; known && other != e.ID {
		j.complain("%s signed two events with number %d", author.name, e.Seq)
	}
	j.numbers[at] = e.ID
	if author == p {
		j.promised[e.ID] = p
	}
}

func (j *judge) keptBlock(p *peer, b crdt.Blob) {
	if finality.IsCertificate(b.Raw) {
		j.keptSeal(p, b.Raw)
		return
	}
	if governance.IsRefounding(b.Raw) {
		j.keptRefounding(p, b.Raw)
		return
	}
	if j.blocks[b.ID] != nil {
		return
	}
	r, err := readBlock(b.Raw)
	if err != nil {
		j.fault(p, "keeps a round block that cannot be read: %v", err)
		return
	}
	j.blocks[b.ID] = r
	j.w.trace.note(line{at: j.w.now, what: "block", a: fmt.Sprint("S", r.steward), n: r.number, detail: r.words()})
	at := slot{r.epoch, r.steward, r.number}
	if first, known := j.slots[at]; known && first != b.ID {
		j.stats.Forks++
		if author := j.w.author(r.epoch, r.steward); author != nil && author.honest() {
			j.complain("%s signed two blocks of round %d of epoch %d", author.name, r.number, r.epoch)
		}
		return
	}
	j.slots[at] = b.ID
}

// keptSeal sees a certificate: it must be one, and there is one truth about a commit.
func (j *judge) keptSeal(p *peer, raw []byte) {
	cert, err := finality.OpenCertificate(raw)
	if err != nil {
		j.fault(p, "keeps a certificate that cannot be read: %v", err)
		return
	}
	c := &cert.Checkpoint
	if c.Epoch >= uint64(len(j.w.epochs)) {
		j.fault(p, "keeps a certificate of epoch %d", c.Epoch)
		return
	}
	if id := sha256.Sum256(raw); !j.proven[id] {
		if err := cert.Verify(&j.w.epochs[c.Epoch]); err != nil {
			j.fault(p, "keeps a certificate that proves nothing: %v", err)
			return
		}
		j.proven[id] = true
	}
	if first, known := j.seals[c.Index]; known && first != c.Hash() {
		j.fault(p, "keeps a certificate of commit %d that contradicts another peer's", c.Index)
	} else if !known {
		j.stats.Seals++
	}
	j.seals[c.Index] = c.Hash()
	if c.Next != nil {
		j.ends[c.Epoch] = c.Index
	}
}

// keptRefounding sees a re-founding: it ends the epoch before it at a commit that there is.
func (j *judge) keptRefounding(p *peer, raw []byte) {
	r, err := governance.OpenRefounding(raw)
	if err != nil || r.Text.Epoch == 0 || r.Text.Commits == 0 || r.Text.Commits > uint64(len(j.commits)) {
		j.fault(p, "keeps a re-founding of nothing that is here: %v", err)
		return
	}
	j.ends[r.Text.Epoch-1] = r.Text.Commits - 1
}

// committed holds a commit against those that other peers made.
func (j *judge) committed(p *peer, c commit) {
	j.w.trace.note(line{at: j.w.now, what: "commits", a: p.name, n: c.Index, m: uint64(c.Anchor[0]) << 56, detail: fmt.Sprint(len(c.Order), " events")})
	if c.Index < uint64(len(j.commits)) {
		first := j.commits[c.Index]
		if first.Anchor != c.Anchor || first.Time != c.Time || !slices.Equal(first.Order, c.Order) {
			j.fault(p, "commit %d differs from what another peer has: anchor %s of %d events at %d, and %s of %d events at %d",
				c.Index, c.Anchor.Short(), len(c.Order), c.Time, first.Anchor.Short(), len(first.Order), first.Time)
		}
		return
	}
	if n := len(j.commits); n > 0 && c.Time < j.commits[n-1].Time {
		j.fault(p, "coop time falls from %d to %d with commit %d", j.commits[n-1].Time, c.Time, c.Index)
	}
	truth := dawn + j.w.now
	if off := max(c.Time, truth) - min(c.Time, truth); j.near > 0 && off > j.near {
		j.fault(p, "coop time is %d ms off with commit %d", off, c.Index)
	}
	j.commits = append(j.commits, c)
	for _, id := range c.Order {
		j.ordered(p, c.Index, id)
	}
}

// ordered checks one event of a new commit: signed, once, and after all that it builds on.
func (j *judge) ordered(p *peer, index uint64, id event.ID) {
	e := j.events[id]
	if e == nil {
		j.fault(p, "commit %d orders %s, which it never kept", index, id.Short())
		return
	}
	if before, twice := j.final[id]; twice {
		j.fault(p, "commit %d orders %s again, as commit %d did", index, id.Short(), before)
	}
	for _, link := range e.Links() {
		if _, done := j.final[link]; !done {
			j.fault(p, "commit %d orders %s before %s, on which it builds", index, id.Short(), link.Short())
		}
	}
	j.final[id], j.finalAt[id] = index, j.w.now
	if !signed(e) {
		j.fault(p, "commit %d orders %s, which its author did not sign", index, id.Short())
	}
}

// signed verifies an event again, from its bytes, without package event.
func signed(e *event.Event) bool {
	size := len(e.Raw) - 64 - 2 // the signature with its head ends the envelope
	for head := range 6 {
		if core := e.Raw[min(head, size):size]; sha256.Sum256(core) == [32]byte(e.ID) {
			upTo, body := sha256.Sum256(core[:len(core)-len(e.Body)]), sha256.Sum256(e.Body)
			text := append(append([]byte("coop/event/1\x00"), upTo[:]...), body[:]...)
			return identity.Verify(e.Key, text, identity.Signature(e.Raw[len(e.Raw)-64:]))
		}
	}
	return false
}

// received compares what became of the events of each commit.
func (j *judge) received(p *peer, out *node.Effects) {
	for i := 0; i < len(out.Final); {
		index, sum := out.Final[i].Index, uint64(0)
		for ; i < len(out.Final) && out.Final[i].Index == index; i++ {
			sum = sum*31 + text(out.Final[i].ID.String()+out.Final[i].Refusal)
			j.refused[out.Final[i].ID] = out.Final[i].Refusal
		}
		if first, known := j.receipts[index]; known && first != sum {
			j.fault(p, "commit %d came to other results than at another peer", index)
		}
		j.receipts[index] = sum
	}
}

// root compares a peer's state root with that of others after as many commits.
func (j *judge) root(p *peer) {
	v := p.core.View()
	root := v.Root()
	at := place{v.Epoch, v.Commits}
	if first, known := j.roots[at]; known && first != root {
		j.fault(p, "after %d commits its state is not that of others", v.Commits)
	}
	j.roots[at] = root
}

// marked sees the guard being raised.
func (j *judge) marked(p *peer, m node.Mark) {
	if old := p.guard; m.Events < old.Events || m.Epoch < old.Epoch || m.Epoch == old.Epoch && m.Round < old.Round {
		j.fault(p, "lowers its guard from %v to %v", old, m)
	}
}

func (j *judge) silent(p *peer, why string) {
	j.w.trace.note(line{at: j.w.now, what: "silent", a: p.name, detail: why})
	if !j.expected[p] {
		j.fault(p, "ends its own signing without need: %s", why)
	}
}

// restored sees a peer after a restart: what was final is final, and comes to the same.
func (j *judge) restored(p *peer) {
	if p.life == 1 || !p.honest() {
		return
	}
	if v := p.core.View(); v.Commits < p.disk.Count().Commits {
		j.fault(p, "had %d commits before it stopped and %d after", p.disk.Count().Commits, v.Commits)
	}
	j.root(p)
}

// rolledBack sees a disk become that of an earlier day. Its peer may end its signing now, and what it
// alone had is lost: nobody knows of it any more, unless the guard does.
func (j *judge) rolledBack(p *peer) {
	if !p.honest() {
		return
	}
	j.expected[p] = true
	elsewhere := func(kept func(disk *crdt.Memory) error) bool {
		return slices.ContainsFunc(j.w.peers, func(other *peer) bool { return other.honest() && kept(other.disk) == nil })
	}
	for id, by := range j.promised {
		if by == p && !elsewhere(func(disk *crdt.Memory) error { _, err := disk.Event(id); return err }) {
			if at := (number{p.id(), j.events[id].Seq}); at.seq >= p.guard.Events {
				delete(j.numbers, at)
			}
			delete(j.promised, id)
			delete(j.events, id)
		}
	}
	for at, id := range j.slots {
		if j.w.author(at.epoch, at.steward) == p && (at.epoch > p.guard.Epoch || at.epoch == p.guard.Epoch && at.round > p.guard.Round) &&
			!elsewhere(func(disk *crdt.Memory) error { _, err := disk.Round(id); return err }) {
			delete(j.slots, at)
			delete(j.blocks, id)
		}
	}
}

// finality is the longest time that an event took.
func (j *judge) finality() (longest event.Time) {
	for id, at := range j.finalAt {
		longest = max(longest, at-j.saidAt[id])
	}
	return longest
}

// kinds counts the final events of a kind.
func (j *judge) kinds(kind event.Kind) (n int) {
	for id := range j.finalAt {
		if j.events[id].Kind == kind {
			n++
		}
	}
	return n
}

// doubles are the stewards of whom a peer's disk has two blocks of one round.
func (j *judge) doubles(p *peer) map[int]bool {
	seen, proven := map[slot]finality.RoundID{}, map[int]bool{}
	_ = p.disk.Rounds(0, func(_ uint64, raw []byte) error {
		if finality.IsCertificate(raw) || governance.IsRefounding(raw) {
			return nil
		}
		b, err := readBlock(raw)
		if err != nil {
			return err
		}
		at := slot{b.epoch, b.steward, b.number}
		if other, known := seen[at]; known && other != b.id {
			proven[b.steward] = true
		}
		seen[at] = b.id
		return nil
	})
	return proven
}

// look notes which events peers call acknowledged.
func (j *judge) look() {
	for _, id := range j.open() {
		for _, p := range j.w.peers {
			if p.honest() && p.core != nil && !j.certain[id] && p.core.Level(id) == node.Acknowledged {
				j.certain[id] = true
			}
		}
	}
}

// open are the known events that no commit has, in the order of their ids.
func (j *judge) open() []event.ID {
	var ids []event.ID
	for id := range j.events {
		if _, final := j.final[id]; !final {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, event.ID.Compare)
	return ids
}

// settled tells whether everything that honest members were promised is final at every honest peer.
func (j *judge) settled() bool {
	need := uint64(0)
	for id := range j.promised {
		index, final := j.final[id]
		if !final {
			return false
		}
		need = max(need, index+1)
	}
	for _, p := range j.w.peers {
		if p.honest() && (p.core == nil || len(p.inbox) > 0 || p.disk.Count().Commits < need) {
			return false
		}
	}
	return true
}

// calm says what is missing at the end of the calm phase.
func (j *judge) calm() {
	if len(j.violations) > 0 || j.settled() {
		return
	}
	for id, by := range j.promised {
		if _, final := j.final[id]; !final {
			j.complain("an event of %s (%s, number %d) is not final", by.name, j.events[id].Kind, j.events[id].Seq)
		}
	}
	j.describe()
}

// describe says where every honest peer stands.
func (j *judge) describe() {
	for _, p := range j.w.peers {
		if !p.honest() || p.core == nil {
			continue
		}
		v := p.core.View()
		j.complain("  %s has %d commits of %d, round %d, %d pending, %d waiting, catching up %v, observer %q, halted %q, turn %d wake %d", p.name, v.Commits,
			len(j.commits), v.Round, v.Pending, v.Waiting, v.CatchingUp, v.Observer, v.Halted, uint64(p.turnAt), uint64(p.wake))
	}
}

// end compares everything once nobody has anything to do.
func (j *judge) end() {
	if len(j.violations) > 0 {
		return
	}
	var some *peer
	for _, p := range j.w.peers {
		if p.honest() {
			j.atRest(p)
			some = p
		}
	}
	for id := range j.certain {
		if _, final := j.final[id]; !final {
			j.complain("event %s was acknowledged and is not final", id.Short())
		}
	}
	if some == nil || some.core == nil || len(j.violations) > 0 {
		return
	}
	state := some.core.View().State
	for _, err := range coop.Invariants(state) {
		j.complain("%v", err)
	}
	for _, t := range table.All(&state.Ledger.Tokens) {
		j.stats.Trades += int(t.Trades)
	}
	if state.Shop.Elements.Len() > 0 && state.Missions.Missions.Len() > 0 {
		j.stats.Markets = 1
	}
	j.stats.Sales, j.stats.Pledges = state.Shop.Purchases.Len(), state.Missions.Pledges.Len()
	j.countedOnce()
	j.recount(state)
	j.twin()
	if j.w.plan.Seed%4 == 0 {
		j.replay(some)
	}
}

// countedOnce expects that of events with one device and number at most one counted.
func (j *judge) countedOnce() {
	counted := map[number]event.ID{}
	for id := range j.finalAt {
		e := j.events[id]
		if at := (number{e.Key, e.Seq}); j.refused[id] == "" {
			if other, twice := counted[at]; twice {
				j.complain("events %s and %s of one device have number %d, and both counted", id.Short(), other.Short(), e.Seq)
			}
			counted[at] = id
		}
	}
}

// atRest checks one peer that has nothing to do.
func (j *judge) atRest(p *peer) {
	v := p.core.View()
	switch {
	case v.Commits != uint64(len(j.commits)):
		j.fault(p, "rests with %d of %d commits", v.Commits, len(j.commits))
	case v.Epoch+1 != uint64(len(j.w.epochs)) || !v.Sealed:
		j.fault(p, "rests in epoch %d of %d, sealed %v", v.Epoch, len(j.w.epochs)-1, v.Sealed)
	case v.Halted != "":
		j.fault(p, "halted: %s", v.Halted)
	case v.CatchingUp:
		j.fault(p, "rests while catching up")
	case j.w.plan.quiet() && (v.Pending > 0 || v.Waiting > 0):
		j.fault(p, "rests with %d pending and %d waiting events", v.Pending, v.Waiting)
	case v.Pending == 0 && coop.Root(v.Provisional) != v.Root():
		j.fault(p, "has nothing pending, and its provisional state is not the final one")
	}
	j.root(p)
	if j.w.plan.quiet() && p.disk.Count().Events != uint64(len(j.events)+1) {
		j.fault(p, "has %d of %d events", p.disk.Count().Events, len(j.events)+1)
	}
}

// replay brings a core up from a copy of a peer's disk and compares.
func (j *judge) replay(p *peer) {
	core, err := node.NewCore(node.Config{Genesis: j.w.stage.genesis, Key: keyOf(999), Observer: "a replay", Archive: p.disk.Clone()})
	if err == nil {
		err = core.Restore(p.clock(), nil)
	}
	if err != nil {
		j.fault(p, "its archive cannot be replayed: %v", err)
		return
	}
	if got, want := core.View(), p.core.View(); got.Root() != want.Root() || got.Commits != want.Commits {
		j.fault(p, "a replay of its archive gives another state: %d commits, not %d", got.Commits, want.Commits)
	}
}

// lonely lets one event happen in peace and expects the promised cost of it.
func (j *judge) lonely() {
	var p *peer
	for _, founder := range j.w.peers[:j.w.plan.Founders] {
		if founder.core != nil && founder.core.Status().Observer == "" {
			p = founder
		}
	}
	if p == nil {
		return
	}
	fair := j.w.plan.fair()
	last := j.w.epochs[len(j.w.epochs)-1]
	for i := range last.Stewards {
		steward := j.w.author(last.Number, i)
		fair = fair && steward != nil && steward.core != nil && steward.core.Status().Observer == ""
	}
	for i := range 2 {
		before, events := len(j.blocks), len(j.final)
		p.submit(inviting(keyOf(5000+i), max(p.clock(), p.core.View().Time)), nil)
		j.w.rest("after one event in peace")
		if len(j.violations) > 0 {
			return
		}
		if len(j.final) == events {
			j.complain("one event in peace does not become final")
		}
		// The first one also ends what the storm left half done.
		if blocks := len(j.blocks) - before; i == 1 && fair && blocks > 3*last.N() {
			j.complain("one event in peace cost %d round blocks, more than %d", blocks, 3*last.N())
		}
	}
}

// fair tells whether messages are quick against the stewards' patience and the clocks agree, so that
// every leader is waited for and voted for.
func (p *Plan) fair() bool {
	for _, c := range p.Clocks {
		if c.Error < -1000 || c.Error > 1000 {
			return false
		}
	}
	return p.Delay+p.Jitter+p.Lag <= p.Delta0/8
}

package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/badgerdb"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
)

func keyOf(kind byte, n int) identity.Key {
	return identity.KeyFromSeed([32]byte{kind, byte(n), byte(n >> 8), byte(n >> 16)})
}

// charter lets everybody in and vote for as long as a benchmark takes.
func charter() governance.Charter {
	c := governance.DefaultCharter()
	c.Classes = []governance.Class{{Name: "voter", Admission: governance.AdmitOpen, Votes: true}}
	for i := range c.Tracks {
		c.Tracks[i].Discussion, c.Tracks[i].Proposers = 0, nil
	}
	c.Limits.Daily = governance.MaxDaily
	c.Office = governance.Office{}
	c.Tracks = append(c.Tracks, governance.Track{Name: "board", Method: governance.YesNo, Quorum: governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Den: 1}},
		Threshold: governance.Threshold{Share: governance.Ratio{Num: 1, Den: 2}, Over: true}, Voting: 4000, Revisable: true, Open: 9, Actions: []event.Kind{governance.KindStewardAppoint}})
	return c
}

// founded is the founding event of a cooperative of some founders, the first n of whom are its stewards.
func founded(tb testing.TB, n, founders int) *event.Event {
	tb.Helper()
	f := governance.Founding{Name: "Bench", Currency: governance.Currency{Code: "EUR", Decimals: 2}, Charter: charter(), Params: governance.DefaultParams()}
	f.Params.Grace = 500
	for i := range founders {
		key := keyOf('s', i).Public()
		f.Founders = append(f.Founders, governance.Founder{Key: key, Name: fmt.Sprint("steward ", i), Classes: []string{"voter"}})
		if i < n {
			f.Stewards = append(f.Stewards, key)
		}
	}
	body := governance.CoopFound{Text: f}
	for i := 1; i < founders; i++ {
		body.Consents = append(body.Consents, f.Consent(keyOf('s', i)))
	}
	return seal(tb, keyOf('s', 0), event.Slot{At: event.Time(time.Now().UnixMilli())}, event.KindFound, body)
}

func seal(tb testing.TB, key identity.Key, slot event.Slot, kind event.Kind, body any) *event.Event {
	tb.Helper()
	d, err := event.NewDraft(kind, body)
	if err != nil {
		tb.Fatal(err)
	}
	e, err := event.Seal(key, slot, d)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// members is a crowd whose ballots, revised again and again, are the load: about 300 bytes each.
type members struct {
	coop   event.ID
	last   []*event.Event
	keys   []identity.Key
	poll   event.ID
	next   int
	signed []*event.Event // ahead
}

// apply makes n members apply. The events are returned in order.
func apply(tb testing.TB, coop event.ID, n int) (*members, [][]byte) {
	tb.Helper()
	m := &members{coop: coop}
	var raws [][]byte
	for i := range n {
		key := keyOf('m', i)
		body := governance.MemberApply{Name: fmt.Sprint("member ", i), Classes: []string{"voter"}}
		e := seal(tb, key, event.Slot{Coop: coop, At: event.Time(time.Now().UnixMilli())}, governance.KindMemberApply, body)
		m.keys, m.last, raws = append(m.keys, key), append(m.last, e), append(raws, e.Raw)
	}
	return m, raws
}

// sign signs so many ballots ahead.
func (m *members) sign(tb testing.TB, n int) {
	ahead := make([]*event.Event, n)
	for i := range ahead {
		ahead[i] = m.ballot(tb)
	}
	m.signed = ahead
}

// ballot is the next member's next ballot.
func (m *members) ballot(tb testing.TB) *event.Event {
	if len(m.signed) > 0 {
		e := m.signed[0]
		m.signed = m.signed[1:]
		return e
	}
	i := m.next % len(m.keys)
	m.next++
	slot := event.After(m.coop, m.last[i], event.Time(time.Now().UnixMilli()))
	slot.Deps = []event.ID{m.poll}
	if slot.Prev == m.poll {
		slot.Deps = nil
	}
	choice := []string{"yes", "no", "abstain"}[m.next%3]
	m.last[i] = seal(tb, m.keys[i], slot, governance.KindBallotCast, governance.BallotCast{Proposal: m.poll, Choice: choice})
	return m.last[i]
}

// share is the i-th of n parts of the crowd.
func (m *members) share(i, n int) *members {
	from, to := i*len(m.keys)/n, (i+1)*len(m.keys)/n
	return &members{coop: m.coop, poll: m.poll, keys: m.keys[from:to], last: m.last[from:to]}
}

// wires is a room of the network as a node sees it, and the reverse.
type wires struct {
	node *node.Node
	link atomic.Pointer[p2p.Link]
}

func (w *wires) Publish(topic string, frame []byte) {
	if link := w.link.Load(); link != nil {
		_ = link.Publish(p2p.Protocol(topic), frame)
	}
}

func (w *wires) Send(to node.Peer, proto string, frame []byte) bool {
	link := w.link.Load()
	return link != nil && link.Send(to, p2p.Protocol(proto), frame)
}

func (w *wires) Check(from p2p.Peer, _ p2p.Protocol, frame []byte) (any, p2p.Verdict) {
	if m, ok := w.node.Check(from, frame); ok {
		return m, p2p.Accept
	}
	return nil, p2p.Reject
}

func (w *wires) Deliver(from p2p.Peer, _ p2p.Protocol, msg any) {
	w.node.Deliver(from, msg.(node.Message))
}
func (w *wires) Up(p p2p.Peer)   { w.node.Up(p) }
func (w *wires) Down(p p2p.Peer) { w.node.Down(p) }

type wallClock struct{}

func (wallClock) Now() event.Time                        { return event.Time(time.Now().UnixMilli()) }
func (wallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// noGuard is for benchmarks of what the guard does not take part in.
type noGuard struct{}

func (noGuard) Mark(node.Mark) error { return nil }
func (noGuard) Silence(string) error { return nil }

// place is one whole peer in this process: libp2p, Badger with synced writes, the loop.
type place struct {
	node  *node.Node
	host  *p2p.Host
	store *badgerdb.DB
	dir   string
}

func start(tb testing.TB, genesis *event.Event, key identity.Key, mark node.Mark, dir string) *place {
	tb.Helper()
	store, err := badgerdb.Open(dir, badgerdb.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	w := &wires{}
	keys, err := home.OpenRoundKeys(home.At(dir), genesis.ID, key)
	if err != nil {
		tb.Fatal(err)
	}
	n, err := node.Open(node.Options{Genesis: genesis, Key: key, Keys: keys, Signed: mark, Store: store, Net: w, Clock: wallClock{}, Guard: noGuard{}})
	if err != nil {
		tb.Fatal(err)
	}
	w.node = n
	host, err := p2p.New(p2p.Config{Key: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	link, err := host.Join(genesis.ID.String(), w)
	if err != nil {
		tb.Fatal(err)
	}
	w.link.Store(link)
	p := &place{node: n, host: host, store: store, dir: dir}
	tb.Cleanup(func() {
		host.Close()
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		store.Close()
	})
	return p
}

// town starts n stewards that are connected to each other.
func town(tb testing.TB, n int) (*event.Event, []*place) { return townOf(tb, n, n) }

// townOf starts the founders of a cooperative, the first n of whom are its stewards.
func townOf(tb testing.TB, n, founders int) (*event.Event, []*place) {
	tb.Helper()
	genesis := founded(tb, n, founders)
	var peers []*place
	for i := range founders {
		mark := node.Mark{}
		if i == 0 {
			mark.Events = 1
		}
		peers = append(peers, start(tb, genesis, keyOf('s', i), mark, tb.TempDir()))
	}
	for i, p := range peers {
		for _, q := range peers[:i] {
			if err := p.host.Connect(context.Background(), q.host.Addrs()[0]); err != nil {
				tb.Fatal(err)
			}
		}
	}
	time.Sleep(2 * p2p.Heartbeat) // until the gossip mesh is made
	return genesis, peers
}

func (p *place) take(tb testing.TB, raws [][]byte) {
	tb.Helper()
	errs, err := p.node.Take(context.Background(), raws)
	if err != nil {
		tb.Fatal(err)
	}
	for _, err := range errs {
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// until waits for a peer to have so many events final, and returns when.
func (p *place) until(tb testing.TB, events uint64) time.Time {
	tb.Helper()
	end := time.Now().Add(5 * time.Minute)
	for time.Now().Before(end) {
		v, err := p.node.Status(context.Background())
		if err != nil {
			tb.Fatal(err)
		}
		if v.Events >= events && v.Pending == 0 {
			return time.Now()
		}
		time.Sleep(10 * time.Millisecond)
	}
	tb.Fatalf("%d events were not final after five minutes", events)
	return end
}

// poll opens a vote at a peer and waits until it is final.
func (p *place) poll(tb testing.TB, m *members) {
	tb.Helper()
	d, err := event.NewDraft(governance.KindProposalOpen, governance.ProposalOpen{Title: "Load", Track: "general"})
	if err != nil {
		tb.Fatal(err)
	}
	e, err := p.node.Submit(context.Background(), d)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := p.node.Wait(context.Background(), e.ID)
	if err != nil || out.Refusal != "" {
		tb.Fatal(err, out.Refusal)
	}
	m.poll = e.ID
}

func crdtBatch(events ...*event.Event) crdt.Batch { return crdt.Batch{Events: events} }

package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car/v2"
	"github.com/ipld/go-car/v2/storage"
	"pgregory.net/rapid"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/badgerdb"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

const (
	start = event.Time(1_790_000_000_000)
	hour  = event.Time(3_600_000)
)

var founderKey = identity.KeyFromSeed([32]byte{1})

// world is the surroundings of a lone steward's node: no network, and a clock that jumps.
type world struct {
	began time.Time
	jump  *atomic.Uint64
}

func (w world) Now() event.Time {
	return start + event.Time(uint64(time.Since(w.began).Milliseconds())+w.jump.Load())
}
func (world) After(d time.Duration) <-chan time.Time { return time.After(min(d, time.Millisecond)) }
func (world) Publish(string, []byte)                 {}
func (world) Send(node.Peer, string, []byte) bool    { return false }
func (world) Mark(node.Mark) error                   { return nil }
func (world) Silence(string) error                   { return nil }

func founding(t testing.TB) *event.Event {
	t.Helper()
	text := governance.Founding{Name: "Roof", Currency: governance.Currency{Code: "EUR", Decimals: 2}, Params: governance.DefaultParams(),
		Founders: []governance.Founder{{Key: founderKey.Public(), Name: "Ana", Classes: []string{"member"}}}, Stewards: []identity.PublicKey{founderKey.Public()},
		Charter: governance.Charter{
			Classes: []governance.Class{{Name: "member", Admission: governance.AdmitOpen, Votes: true}},
			Tracks: []governance.Track{{Name: "general", Method: governance.YesNo, Quorum: governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Den: 1}},
				Threshold: governance.Threshold{Share: governance.Ratio{Num: 1, Den: 2}, Over: true}, Voting: hour, Revisable: true, Open: 99, Actions: []event.Kind{governance.KindStewardAppoint}}},
			Limits: governance.Limits{Daily: 10_000, Text: 1000, Statement: 1000, Reason: 1000, Candidates: 100},
		}}
	text.Params.Grace, text.Params.Stall = 100, 20*hour
	d, err := event.NewDraft(governance.KindCoopFound, governance.CoopFound{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	e, err := event.Seal(founderKey, event.Slot{At: start}, d)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// life is a lone steward's node at work.
type life struct {
	t     testing.TB
	ctx   context.Context
	node  *node.Node
	world world
}

func (l *life) say(kind event.Kind, body any) event.ID {
	l.t.Helper()
	d, err := event.NewDraft(kind, body)
	if err != nil {
		l.t.Fatal(err)
	}
	e, err := l.node.Submit(l.ctx, d)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.node.Wait(l.ctx, e.ID); err != nil {
		l.t.Fatal(err)
	}
	return e.ID
}

// until waits for something to be true of what is final.
func (l *life) until(done func(v *node.View) bool) {
	l.t.Helper()
	for over := false; !over; time.Sleep(time.Millisecond) {
		v, err := l.node.View(l.ctx)
		if err != nil {
			l.t.Fatal(err)
		}
		over = done(v)
	}
}

// live is the store of a cooperative that has lived through something.
func live(t testing.TB, through func(l *life)) (event.ID, crdt.Store) {
	t.Helper()
	genesis, w := founding(t), world{time.Now(), new(atomic.Uint64)}
	store, err := badgerdb.Open(t.TempDir(), badgerdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	n, err := node.Open(node.Options{Genesis: genesis, Key: founderKey, Keys: &ring{}, Signed: node.Mark{Events: 1}, Store: store, Net: w, Clock: w, Guard: w})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	through(&life{t, ctx, n, w})
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return genesis.ID, store
}

// lived is a store in which a cooperative has decided something.
func lived(t testing.TB) (event.ID, crdt.Store) {
	t.Helper()
	return live(t, func(l *life) {
		for i := range 4 {
			proposal := l.say(governance.KindProposalOpen, governance.ProposalOpen{Title: fmt.Sprint("Thing ", i), Track: "general"})
			l.say(governance.KindBallotCast, governance.BallotCast{Proposal: proposal, Choice: string(governance.Yes)})
		}
		l.world.jump.Store(2 * uint64(hour)) // over the end of every vote
		l.until(func(v *node.View) bool { return v.State.Hall.Agenda.Len() == 0 })
	})
}

func written(t testing.TB) []byte {
	t.Helper()
	coop, store := lived(t)
	var file bytes.Buffer
	if _, err := Write(&file, coop, store, "test", nil); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestWhatIsWrittenVerifies(t *testing.T) {
	coop, store := lived(t)
	var one, two bytes.Buffer
	wrote, err := Write(&one, coop, store, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(&two, coop, store, "test", nil); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Errorf("written twice, two files: %v", err)
	}
	var events, rounds uint64
	last := uint64(0)
	read, err := Read(&one, Sink{
		Event: func(e *event.Event) error {
			raw, err := store.Event(e.ID)
			if err != nil || !bytes.Equal(raw, e.Raw) {
				t.Errorf("event %s: %v", e.ID, err)
			}
			events++
			return nil
		},
		Round: func(id [32]byte, raw []byte) error {
			kept, err := store.Round(id)
			if err != nil || !bytes.Equal(kept, raw) {
				t.Errorf("round %x: %v", id, err)
			}
			rounds++
			return nil
		},
	}, func(done, total uint64) { last = total - done })
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, wrote) {
		t.Errorf("read  %+v\nwrote %+v", read, wrote)
	}
	if count := store.Count(); events != count.Events || rounds != count.Rounds || read.Commits != count.Commits || last != 0 {
		t.Errorf("%d events, %d rounds, %d commits of %+v, %d left", events, rounds, read.Commits, count, last)
	}
	if read.Tallies != 4 || read.Ballots != 4 || read.Members != 1 || read.Refused != 0 || read.Unordered != 0 || read.Signatures != events+rounds || len(read.Epochs) != 1 {
		t.Errorf("%+v", read)
	}
}

// parts takes a file apart into header and blocks.
func parts(t testing.TB, file []byte) (roots []cid.Cid, names []cid.Cid, data [][]byte) {
	t.Helper()
	r, err := car.NewBlockReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Roots, names, data
		}
		if err != nil {
			t.Fatal(err)
		}
		names, data = append(names, b.Cid()), append(data, b.RawData())
	}
}

func assemble(t testing.TB, roots []cid.Cid, data [][]byte) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := storage.NewWritable(&file, roots, car.WriteAsCarV1(true), car.AllowDuplicatePuts(true))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range data {
		if err := w.Put(context.Background(), name(block).CID().KeyString(), block); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

func wantError(t *testing.T, what string, file []byte, want ...error) {
	t.Helper()
	_, err := Verify(bytes.NewReader(file), nil)
	if err == nil {
		t.Errorf("%s: it verifies", what)
		return
	}
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	t.Errorf("%s: %v", what, err)
}

// Whichever byte changes, the file no longer verifies; wherever it ends too early, it says so.
func TestDamagedAndCutFiles(t *testing.T) {
	file := written(t)
	every := []error{ErrNoArchive, ErrVersion, ErrDamaged, ErrTruncated, ErrReordered, ErrExtended, ErrBounds, ErrIncomplete, ErrInvalid, ErrClaim}
	for at := 0; at < len(file); at += 1 + len(file)/300 {
		bad := slices.Clone(file)
		bad[at] ^= 0x21
		wantError(t, fmt.Sprint("byte ", at), bad, every...)
	}
	for at := 0; at < len(file); at += 1 + len(file)/300 {
		wantError(t, fmt.Sprint("cut at ", at), file[:at], ErrTruncated, ErrNoArchive, ErrDamaged)
	}
	roots, _, data := parts(t, file)
	for n := 1; n < len(data); n++ {
		wantError(t, fmt.Sprint("the first ", n, " blocks"), assemble(t, roots, data[:n]), ErrTruncated)
	}
	wantError(t, "one more block", assemble(t, roots, append(slices.Clone(data), []byte{0xa0})), ErrExtended)
	wantError(t, "one more byte", append(slices.Clone(file), 0), ErrExtended)
}

// Any two blocks in each other's places, and any block left out, is seen.
func TestReorderedFiles(t *testing.T) {
	roots, _, data := parts(t, written(t))
	rapid.Check(t, func(r *rapid.T) {
		i := rapid.IntRange(0, len(data)-2).Draw(r, "i")
		j := rapid.IntRange(i+1, len(data)-1).Draw(r, "j")
		bad := slices.Clone(data)
		if rapid.Bool().Draw(r, "swap") {
			bad[i], bad[j] = bad[j], bad[i]
		} else {
			bad = slices.Delete(bad, i, i+1)
		}
		if _, err := Verify(bytes.NewReader(assemble(t, roots, bad)), nil); !errors.Is(err, ErrReordered) {
			r.Fatalf("blocks %d and %d: %v", i, j, err)
		}
	})
}

// forge rewrites the manifest, with everything in it that must fit, as somebody would who wants to be
// believed.
func forge(t *testing.T, file []byte, change func(m *Manifest, events, rounds [][]byte) ([][]byte, [][]byte)) []byte {
	t.Helper()
	_, _, data := parts(t, file)
	var m Manifest
	if err := event.Unmarshal(data[0], &m); err != nil {
		t.Fatal(err)
	}
	bodies := data[1+len(m.Pages):]
	events, rounds := change(&m, slices.Clone(bodies[:m.Events]), slices.Clone(bodies[m.Events:]))
	m.Events, m.Rounds, m.Pages = uint64(len(events)), uint64(len(rounds)), nil
	var all [][]byte
	for _, list := range [][][]byte{events, rounds} {
		var links []event.ID
		for _, b := range list {
			links = append(links, name(b))
		}
		pages, err := paginate(links)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			m.Pages, all = append(m.Pages, name(page)), append(all, page)
		}
	}
	manifest, err := event.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	all = append([][]byte{manifest}, append(append(all, events...), rounds...)...)
	return assemble(t, []cid.Cid{name(manifest).CID()}, all)
}

func TestForgedFiles(t *testing.T) {
	file := written(t)
	type lists = [][]byte
	same := func(_ *Manifest, e, r lists) (lists, lists) { return e, r }
	if _, err := Verify(bytes.NewReader(forge(t, file, same)), nil); err != nil {
		t.Fatalf("unchanged: %v", err)
	}
	for _, c := range []struct {
		what   string
		change func(m *Manifest, e, r lists) (lists, lists)
		want   error
	}{
		{"another root", func(m *Manifest, e, r lists) (lists, lists) { m.Root[5] ^= 1; return e, r }, ErrClaim},
		{"more commits", func(m *Manifest, e, r lists) (lists, lists) { m.Commits++; return e, r }, ErrClaim},
		{"another time", func(m *Manifest, e, r lists) (lists, lists) { m.Time++; return e, r }, ErrClaim},
		{"another cooperative", func(m *Manifest, e, r lists) (lists, lists) { m.Coop[0] ^= 1; return e, r }, ErrReordered},
		{"a newer version", func(m *Manifest, e, r lists) (lists, lists) { m.Version++; return e, r }, ErrVersion},
		{"the last rounds left out", func(_ *Manifest, e, r lists) (lists, lists) { return e, r[:len(r)-3] }, ErrClaim},
		{"a round left out", func(_ *Manifest, e, r lists) (lists, lists) { return e, slices.Delete(r, 4, 5) }, ErrIncomplete},
		{"an event left out", func(_ *Manifest, e, r lists) (lists, lists) { return slices.Delete(e, 2, 3), r }, ErrIncomplete},
		{"the last event left out", func(_ *Manifest, e, r lists) (lists, lists) { return e[:len(e)-1], r }, ErrIncomplete},
		{"no events", func(_ *Manifest, e, r lists) (lists, lists) { return nil, r }, ErrInvalid},
		{"events out of order", func(_ *Manifest, e, r lists) (lists, lists) { e[2], e[3] = e[3], e[2]; return e, r }, ErrIncomplete},
		{"an event twice", func(_ *Manifest, e, r lists) (lists, lists) { return append(e, e[3]), r }, ErrReordered},
		{"rounds out of order", func(_ *Manifest, e, r lists) (lists, lists) { r[2], r[3] = r[3], r[2]; return e, r }, ErrIncomplete},
		{"noise for an event", func(_ *Manifest, e, r lists) (lists, lists) { e[3] = []byte{0xa0}; return e, r }, ErrInvalid},
		{"noise for a round", func(_ *Manifest, e, r lists) (lists, lists) { r[3] = []byte{0xa0}; return e, r }, ErrInvalid},
		{"another's signature", func(_ *Manifest, e, r lists) (lists, lists) { e[3] = unsigned(t, e[3]); return e, r }, ErrInvalid},
	} {
		wantError(t, c.what, forge(t, file, c.change), c.want)
	}
}

// unsigned changes one bit of an event's signature, which stands at its end.
func unsigned(t *testing.T, raw []byte) []byte {
	t.Helper()
	bad := slices.Clone(raw)
	bad[len(bad)-1] ^= 1
	return bad
}

// A store that grows while it is written gives a file of what was there at the beginning.
func TestWriteWhileTheStoreGrows(t *testing.T) {
	coop, store := lived(t)
	before := store.Count()
	grown := false
	var file bytes.Buffer
	_, err := Write(&file, coop, store, "test", func(uint64, uint64) {
		if grown {
			return
		}
		grown = true
		d, _ := event.NewDraft(governance.KindMemberLeave, governance.MemberLeave{})
		stray, err := event.Seal(identity.KeyFromSeed([32]byte{9}), event.Slot{Coop: coop}, d)
		if err == nil {
			err = store.Append(crdt.Batch{Events: []*event.Event{stray}})
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Verify(&file, nil)
	if err != nil || r.Events != before.Events {
		t.Errorf("%+v %v", r, err)
	}
}

func BenchmarkVerify(b *testing.B) {
	file := written(b)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := Verify(bytes.NewReader(file), nil); err != nil {
			b.Fatal(err)
		}
	}
}

package archive

import (
	"bytes"
	"runtime/metrics"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
)

// Fuzzing is split, because a replay takes a hundred times as long as taking a file apart, and because
// a block whose bytes change no longer has its name, so that changed files never come to what is in the
// blocks. FuzzFraming takes any bytes for a file; FuzzVerify any bytes for the blocks of a file whose
// names fit. Seeds are tiny: the fuzzer would spend its time on making large ones smaller.

// founded is an archive of a cooperative in which nothing was said yet.
func founded(t testing.TB) []byte {
	t.Helper()
	genesis, store := founding(t), crdt.NewMemory()
	if err := store.Append(crdt.Batch{Events: []*event.Event{genesis}}); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := Write(&file, genesis.ID, store, "test", nil); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// tiny is a file that is in order, of two blocks that are nothing.
func tiny(t testing.TB) []byte {
	t.Helper()
	m := Manifest{Version: version, Coop: make([]byte, 32), Root: make([]byte, 32)}
	all := refit(t, &m, nil, [][]byte{{1}, {2}})
	return assemble(t, []cid.Cid{name(all[0]).CID()}, all)
}

// layout reads a file down to its blocks, and replays nothing.
func layout(file []byte) (roots []cid.Cid, all [][]byte, err error) {
	b, m, err := open(bytes.NewReader(file))
	if err != nil {
		return nil, nil, err
	}
	manifest, err := event.Marshal(*m)
	if err != nil {
		return nil, nil, err
	}
	all = append(all, manifest)
	events, rounds, err := b.links(m)
	if err != nil {
		return nil, nil, err
	}
	for _, list := range [][]event.ID{events, rounds} {
		pages, err := paginate(list)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, pages...)
	}
	for _, want := range append(events, rounds...) {
		raw, err := b.next(want)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, raw)
	}
	return b.car.Roots, all, b.end()
}

// allocated is how many bytes this process has ever allocated.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// bearable is what a reader may allocate for a file: one block of the largest size that is only claimed,
// and some bytes for each byte that is there.
func bearable(file []byte) uint64 { return 4*maxBlock + 256*uint64(len(file)) }

// Any bytes are taken apart without a panic and without allocating what they only claim to have; and
// what is taken apart is put together again to the same bytes, so there is one spelling.
func FuzzFraming(f *testing.F) {
	file := tiny(f)
	if _, _, err := layout(file); err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add([]byte("\x3aroots"))
	f.Add(append(bytes.Clone(file[:59]), 0xff, 0xff, 0xff, 0x03)) // a section that claims 8 MiB
	f.Fuzz(func(t *testing.T, file []byte) {
		before := allocated()
		roots, all, err := layout(file)
		if used := allocated() - before; used > bearable(file) {
			t.Fatalf("%d bytes allocated for a file of %d", used, len(file))
		}
		if err == nil && !bytes.Equal(assemble(t, roots, all), file) {
			t.Fatal("a file of another spelling is read")
		}
	})
}

// Whatever the blocks hold, a file is verified or refused.
func FuzzVerify(f *testing.F) {
	_, _, small := parts(f, founded(f))
	f.Add(small[0], small[1], small[2], []byte{}, []byte{})
	_, _, data := parts(f, written(f))
	f.Add(data[0], data[1], data[3], data[4], data[len(data)-1])
	f.Fuzz(func(t *testing.T, manifest, page, first, second, third []byte) {
		var m Manifest
		bodies := [][]byte{first}
		for _, b := range [][]byte{second, third} {
			if len(b) > 0 {
				bodies = append(bodies, b)
			}
		}
		all := [][]byte{manifest}
		if event.Unmarshal(manifest, &m) == nil {
			all = refit(t, &m, page, bodies)
		}
		report, err := Verify(bytes.NewReader(assemble(t, []cid.Cid{name(all[0]).CID()}, all)), nil)
		if (err == nil) != (report != nil) {
			t.Fatalf("%v, %v", report, err)
		}
	})
}

// refit makes the names in a manifest those of the blocks that follow, as a forger would: one event,
// rounds as the rest. The page is taken as it is for the rounds, if there are any.
func refit(t testing.TB, m *Manifest, page []byte, bodies [][]byte) [][]byte {
	t.Helper()
	links := make([]event.ID, len(bodies))
	for i, b := range bodies {
		links[i] = name(b)
	}
	cut := min(1+int(m.Events%2), len(links))
	m.Events, m.Rounds, m.Pages = uint64(cut), uint64(len(links)-cut), nil
	copy(m.Coop, links[0][:])
	all := [][]byte{nil}
	for _, list := range [][]event.ID{links[:cut], links[cut:]} {
		pages, err := paginate(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pages {
			if len(page)%7 == 1 {
				p = page
			}
			m.Pages, all = append(m.Pages, name(p)), append(all, p)
		}
	}
	var err error
	if all[0], err = event.Marshal(*m); err != nil {
		t.Fatal(err)
	}
	return append(all, bodies...)
}

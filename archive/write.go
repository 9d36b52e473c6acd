package archive

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car/v2"
	"github.com/ipld/go-car/v2/storage"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
)

// Progress is told how much is done.
type Progress func(done, total uint64)

// errEnough ends a walk over a store.
var errEnough = errors.New("enough")

// Write writes what the store holds of a cooperative when it is called; the store may go on growing.
// What is claimed is worked out from what is written, so a damaged store shows here and not at the
// reader's. writer names the program.
func Write(w io.Writer, coop event.ID, store crdt.Store, writer string, progress Progress) (*Report, error) {
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	count := store.Count()
	total := 2 * (count.Events + count.Rounds)
	done := uint64(0)
	step := func() {
		done++
		if done%256 == 0 || done == total {
			progress(done, total)
		}
	}
	events, rounds, report, err := survey(coop, store, count, step)
	if err != nil {
		return nil, err
	}
	blocks, root, err := head(coop, events, rounds, report, writer)
	if err != nil {
		return nil, err
	}
	out, err := storage.NewWritable(w, []cid.Cid{root.CID()}, car.WriteAsCarV1(true))
	if err != nil {
		return nil, fmt.Errorf("cannot begin the archive: %w", err)
	}
	put := func(block []byte) error {
		if err := out.Put(context.Background(), name(block).CID().KeyString(), block); err != nil {
			return fmt.Errorf("cannot write the archive: %w", err)
		}
		return nil
	}
	for _, block := range blocks {
		if err := put(block); err != nil {
			return nil, err
		}
	}
	if err := walk(store, count, put, put, step); err != nil {
		return nil, err
	}
	return report, out.Finalize()
}

// survey replays what is to be written and names its blocks.
func survey(coop event.ID, store crdt.Store, count crdt.Count, step func()) (events, rounds []event.ID, report *Report, err error) {
	var r *replay
	err = walk(store, count, func(raw []byte) error {
		events = append(events, name(raw))
		if r == nil {
			r, err = newReplay(coop, raw)
			return err
		}
		return r.event(raw)
	}, func(raw []byte) error {
		if len(r.pending) > 0 {
			if err := r.flush(); err != nil {
				return err
			}
		}
		rounds = append(rounds, name(raw))
		return r.round(raw)
	}, step)
	if err != nil {
		return nil, nil, nil, err
	}
	if r == nil {
		return nil, nil, nil, fmt.Errorf("%w: there are no events", ErrIncomplete)
	}
	report, err = r.end()
	return events, rounds, report, err
}

// walk goes through the first events and round blocks of a store.
func walk(store crdt.Store, count crdt.Count, onEvent, onRound func(raw []byte) error, step func()) error {
	visit := func(limit uint64, f func([]byte) error) func(uint64, []byte) error {
		return func(n uint64, raw []byte) error {
			if n >= limit {
				return errEnough
			}
			step()
			return f(raw)
		}
	}
	if err := store.Events(0, visit(count.Events, onEvent)); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if err := store.Rounds(0, visit(count.Rounds, onRound)); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// head makes the manifest and its pages.
func head(coop event.ID, events, rounds []event.ID, report *Report, writer string) (blocks [][]byte, root event.ID, err error) {
	claimed, err := hex.DecodeString(report.Root)
	if err != nil {
		return nil, root, fmt.Errorf("cannot write the claim: %w", err)
	}
	m := Manifest{Version: version, Coop: coop[:], Events: uint64(len(events)), Rounds: uint64(len(rounds)),
		Commits: report.Commits, Time: report.Time, Root: claimed, Writer: writer}
	for _, links := range [][]event.ID{events, rounds} {
		pages, err := paginate(links)
		if err != nil {
			return nil, root, err
		}
		for _, page := range pages {
			m.Pages = append(m.Pages, name(page))
			blocks = append(blocks, page)
		}
	}
	manifest, err := event.Marshal(m)
	if err != nil {
		return nil, root, fmt.Errorf("cannot write the manifest: %w", err)
	}
	if err := m.check(); err != nil || len(manifest) > maxBlock {
		return nil, root, errors.Join(ErrBounds, err)
	}
	return append([][]byte{manifest}, blocks...), name(manifest), nil
}

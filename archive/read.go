package archive

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car/v2"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
)

// Sink is given everything that an archive holds, in its order, while it is read. What it was given
// counts for nothing until Read has returned without an error. Each function may be nil.
type Sink struct {
	Event func(*event.Event) error
	Round func(id [32]byte, raw []byte) error

	// Commit is told of each commit: its place, the round block that made it final, its coop time, its events
	// in final order. Refound is told of each re-founding between them.
	Commit  func(index uint64, anchor [32]byte, at event.Time, order []*event.Event)
	Refound func(*governance.Refounding)

	State func(*coop.State) // the last thing: what came of it all, when everything holds
}

// Verify reads an archive and derives its result from nothing but its bytes. An error wraps one of
// those of this package and says what is wrong with the file. Progress may be nil.
func Verify(r io.Reader, progress Progress) (*Report, error) { return Read(r, Sink{}, progress) }

// Read is Verify that hands on what it reads.
func Read(r io.Reader, to Sink, progress Progress) (*Report, error) {
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	b, m, err := open(r)
	if err != nil {
		return nil, err
	}
	events, rounds, err := b.links(m)
	if err != nil {
		return nil, err
	}
	report, state, err := b.replay(m, events, rounds, to, progress)
	if err != nil {
		return nil, err
	}
	if err := b.end(); err != nil {
		return nil, err
	}
	if err := m.compare(report); err != nil {
		return nil, err
	}
	if to.State != nil {
		to.State(state)
	}
	return report, nil
}

// compare holds the claim against what came of it.
func (m *Manifest) compare(r *Report) error {
	claimed := hex.EncodeToString(m.Root)
	switch {
	case m.Commits != r.Commits:
		return fmt.Errorf("%w: %d commits, there are %d", ErrClaim, m.Commits, r.Commits)
	case m.Time != r.Time:
		return fmt.Errorf("%w: coop time %s, it is %s", ErrClaim, m.Time, r.Time)
	case claimed != r.Root:
		return fmt.Errorf("%w: state root %s, it is %s", ErrClaim, claimed, r.Root)
	}
	return nil
}

// blocks reads one block after another.
type blocks struct{ car *car.BlockReader }

// open reads the header and the manifest.
func open(r io.Reader) (*blocks, *Manifest, error) {
	b := &blocks{}
	var err error
	if b.car, err = car.NewBlockReader(r, car.MaxAllowedHeaderSize(maxHeader), car.MaxAllowedSectionSize(maxBlock+64)); err != nil {
		return nil, nil, fmt.Errorf("%w (%w)", ErrNoArchive, err)
	}
	if b.car.Version != 1 || len(b.car.Roots) != 1 {
		return nil, nil, ErrNoArchive
	}
	m, err := b.manifest(b.car.Roots[0])
	return b, m, err
}

// end refuses whatever comes after the last block.
func (b *blocks) end() error {
	if _, err := b.car.Next(); !errors.Is(err, io.EOF) {
		return ErrExtended
	}
	return nil
}

// next reads the block that must come now.
func (b *blocks) next(want event.ID) ([]byte, error) {
	block, err := b.car.Next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, ErrTruncated
	case err != nil && strings.Contains(err.Error(), "mismatch in content integrity"):
		return nil, ErrDamaged
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", ErrDamaged, err)
	case !block.Cid().Equals(want.CID()):
		return nil, fmt.Errorf("%w: expected %s, found %s", ErrReordered, want, block.Cid())
	}
	return block.RawData(), nil
}

func (b *blocks) manifest(root cid.Cid) (*Manifest, error) {
	id, err := event.ParseID(root.String())
	if err != nil {
		return nil, ErrNoArchive
	}
	raw, err := b.next(id)
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := event.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoArchive, err)
	}
	return &m, m.check()
}

// links reads the pages.
func (b *blocks) links(m *Manifest) (events, rounds []event.ID, err error) {
	for _, want := range m.Pages {
		raw, err := b.next(want)
		if err != nil {
			return nil, nil, err
		}
		var page []event.ID
		if err := event.Unmarshal(raw, &page); err != nil || len(page) > maxPage {
			return nil, nil, fmt.Errorf("%w: a list of its blocks", ErrInvalid)
		}
		if uint64(len(events)) < m.Events {
			events = append(events, page...)
		} else {
			rounds = append(rounds, page...)
		}
	}
	if uint64(len(events)) != m.Events || uint64(len(rounds)) != m.Rounds || len(events) == 0 {
		return nil, nil, fmt.Errorf("%w: its lists do not fit its counts", ErrInvalid)
	}
	return events, rounds, nil
}

func (b *blocks) replay(m *Manifest, events, rounds []event.ID, to Sink, progress Progress) (*Report, *coop.State, error) {
	total := uint64(len(events) + len(rounds))
	raw, err := b.next(events[0])
	if err != nil {
		return nil, nil, err
	}
	r, err := newReplay(event.ID(m.Coop), raw)
	if err != nil {
		return nil, nil, err
	}
	r.onEvent, r.onCommit, r.onRefound = to.Event, to.Commit, to.Refound
	if err := r.give(raw); err != nil {
		return nil, nil, err
	}
	for i, want := range events[1:] {
		if raw, err = b.next(want); err != nil {
			return nil, nil, err
		}
		if err := r.event(raw); err != nil {
			return nil, nil, err
		}
		tick(progress, uint64(i+2), total)
	}
	if err := r.flush(); err != nil {
		return nil, nil, err
	}
	for i, want := range rounds {
		if raw, err = b.next(want); err != nil {
			return nil, nil, err
		}
		if err := r.round(raw); err != nil {
			return nil, nil, err
		}
		if to.Round != nil {
			if err := to.Round(r.lastRound, raw); err != nil {
				return nil, nil, err
			}
		}
		tick(progress, uint64(len(events)+i+1), total)
	}
	report, err := r.end()
	return report, r.line.Final(), err
}

func tick(progress Progress, done, total uint64) {
	if done%256 == 0 || done == total {
		progress(done, total)
	}
}

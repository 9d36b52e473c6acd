package badgerdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
)

// Rebuilt is what a Rebuild did.
type Rebuilt struct {
	Promised   crdt.Count // what the damaged store had acknowledged, as far as its anchor can be read
	Kept       crdt.Count // what the new store has
	Orphans    uint64     // events kept apart, since something they build on is lost; see DB.Orphans
	Unreadable uint64     // frames that are whole but hold no valid event
	Moved      string     // where the damaged files are now
}

// batch bounds one Append of a Rebuild.
const (
	batchEvents = 512
	batchBytes  = 1 << 20
)

// Rebuild makes a new store from whatever is whole in the files of a store, damaged or not. It does
// not ask Badger: it looks for frames in every file. Events are kept when their signature holds; in
// the new store none comes before what it builds on, and those of which something is lost are kept
// apart. Rounds are kept in their order, commit records up to the first that is lost. The old files
// are moved to a directory damaged-1, damaged-2, … and never deleted. The new store takes their place
// with one rename, when it is complete; before that a Rebuild that is interrupted has no effect.
func Rebuild(dir string, o Options) (Rebuilt, error) {
	db := newDB(dir, o)
	if _, err := os.Stat(dir); err != nil {
		return Rebuilt{}, fmt.Errorf("there is no store to rebuild: %w", err)
	}
	if err := db.seize(); err != nil {
		return Rebuilt{}, err
	}
	report, err := db.rebuild(o)
	return report, errors.Join(err, db.letGo())
}

func (db *DB) rebuild(o Options) (report Rebuilt, err error) {
	if err := settleRebuild(db.dir); err != nil {
		return report, fmt.Errorf("ending an interrupted rebuild: %w", err)
	}
	if a, err := openAnchor(db.live); err == nil {
		report.Promised = a.head.count
		if err := a.file.Close(); err != nil {
			return report, err
		}
	}
	s, err := salvageFiles(filepath.Join(db.live, badgerName), filepath.Join(db.live, guardName))
	if err != nil {
		return report, err
	}
	number := 1
	for ; ; number++ {
		report.Moved = filepath.Join(db.dir, fmt.Sprintf(damagedName, number))
		if _, err := os.Lstat(report.Moved); errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	made := newDB(db.dir, o)
	made.live = filepath.Join(db.dir, rebuildName)
	made.space.dir, made.space.ballast = made.live, -1
	if err := errors.Join(made.fill(s, &report, uint32(number)), s.close()); err != nil {
		return report, errors.Join(fmt.Errorf("rebuilding: %w", err), os.RemoveAll(made.live))
	}
	if err := os.Remove(db.space.path()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return report, err
	}
	return report, errors.Join(os.Rename(db.live, report.Moved), os.Rename(made.live, db.live), syncDir(db.dir))
}

// fill makes a store of what was salvaged and closes it.
func (db *DB) fill(s *salvage, report *Rebuilt, number uint32) error {
	if err := db.openLive(); err != nil {
		return errors.Join(err, db.letGo())
	}
	db.anchor.rebuilt = number
	err := db.copyEvents(s, report)
	if err == nil {
		err = db.copyRest(s)
	}
	report.Kept = db.Count()
	return errors.Join(err, db.Close())
}

// copyEvents appends the events in their old order and keeps apart those that lost something.
func (db *DB) copyEvents(s *salvage, report *Rebuilt) error {
	kept := map[event.ID]bool{}
	var orphans [][]byte
	copyBatch := func(raws [][]byte) error {
		events, _ := event.OpenAll(raws)
		var b crdt.Batch
		for i, e := range events {
			switch {
			case e == nil:
				report.Unreadable++
			case !closed(e, kept):
				orphans = append(orphans, raws[i])
			default:
				kept[e.ID] = true
				b.Events = append(b.Events, e)
			}
		}
		return db.Append(b)
	}
	for _, kind := range []byte{kindEvent, kindOrphan} {
		if err := s.each(kind, copyBatch); err != nil {
			return err
		}
	}
	report.Orphans = uint64(len(orphans))
	return db.keepOrphans(orphans)
}

// closed tells whether all that an event builds on is kept.
func closed(e *event.Event, kept map[event.ID]bool) bool {
	for _, link := range e.Links() {
		if !kept[link] {
			return false
		}
	}
	return true
}

func (db *DB) keepOrphans(raws [][]byte) (err error) {
	defer recoverDamage("writing", &err)
	w := db.newWriter()
	defer w.discard()
	for n, raw := range raws {
		i := item{kind: kindOrphan, n: uint64(n), parts: 1, payload: raw}
		if err := w.set(pair{key(kindOrphan, i.n, 0), i.frame()}); err != nil {
			return err
		}
	}
	return w.commit()
}

// copyRest appends rounds, commit records and the tip.
func (db *DB) copyRest(s *salvage) error {
	err := s.each(kindRound, func(payloads [][]byte) error {
		var b crdt.Batch
		for _, p := range payloads {
			if len(p) >= 32 {
				b.Rounds = append(b.Rounds, crdt.Blob{ID: [32]byte(p[:32]), Raw: p[32:]})
			}
		}
		return db.Append(b)
	})
	if err != nil {
		return err
	}
	err = s.each(kindCommit, func(payloads [][]byte) error { return db.Append(crdt.Batch{Commits: payloads}) })
	if err != nil {
		return err
	}
	return db.Append(crdt.Batch{Tip: s.last.tip})
}

package badgerdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
)

// Rebuilt is what a Rebuild did.
type Rebuilt struct {
	Promised   crdt.Count // what the damaged store had acknowledged, as far as its anchor can be read
	Kept       crdt.Count // what the new store has
	Orphans    uint64     // events kept apart, since something they build on is lost; see DB.Orphans
	Unreadable uint64     // entries of whole pages that are no valid event
	Moved      string     // where the damaged files are now
}

// batch bounds one Append of a Rebuild.
const (
	batchEvents = 512
	batchBytes  = 1 << 20
)

// Rebuild makes a new store from whatever is whole in the files of a store, damaged or not. It does
// not ask Badger: it looks for frames in every file, and for events where a frame is not whole, so that
// a page with a changed byte loses one. Events are kept when their signature holds; in the new store
// none comes before what it builds on, and those of which something is lost are kept apart. Rounds are kept in their order, commit records up to the first that is lost. The old files
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
	if a, err := openAnchor(db.live); errors.Is(err, ErrFormat) {
		return report, err
	} else if err == nil {
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

// copyEvents appends the events, as far as possible in their old order, and keeps apart those that lost
// something. What was found outside of whole pages comes first: it waits there until what it builds on
// has come.
func (db *DB) copyEvents(s *salvage, report *Rebuilt) error {
	g := gathering{db: db, kept: map[event.ID]bool{}, waiting: map[event.ID][]*event.Event{}}
	if err := s.eachStray(g.take); err != nil {
		return err
	}
	g.unreadable = 0 // most of them were no events to begin with
	for _, kind := range []byte{kindEvent, kindOrphan} {
		if err := s.each(kind, g.take); err != nil {
			return err
		}
	}
	report.Unreadable = g.unreadable
	orphans := slices.DeleteFunc(g.late, func(e *event.Event) bool { return g.kept[e.ID] })
	report.Orphans = uint64(len(orphans))
	return db.keepOrphans(orphans)
}

// gathering puts events into an order in which none comes before what it builds on.
type gathering struct {
	db         *DB
	kept       map[event.ID]bool           // what was met, true if appended
	waiting    map[event.ID][]*event.Event // by the first link that is not kept
	late       []*event.Event              // all that ever waited
	unreadable uint64
}

// take appends the events among some envelopes, with those that waited for them. An event that was met
// before is passed over.
func (g *gathering) take(raws [][]byte) error {
	raws = slices.DeleteFunc(raws, func(raw []byte) bool {
		id, ok := crdt.EnvelopeID(raw)
		_, met := g.kept[id]
		return ok && met
	})
	events, _ := event.OpenAll(raws)
	var ready []*event.Event
	for _, e := range events {
		if e == nil {
			g.unreadable++
		} else if _, met := g.kept[e.ID]; !met {
			ready = g.settle(ready, e)
		}
	}
	for some := range slices.Chunk(ready, batchEvents) {
		if err := g.db.Append(crdt.Batch{Events: some, New: true}); err != nil {
			return err
		}
	}
	return nil
}

// settle adds an event to those that are ready, and then what waited for it, or lets it wait.
func (g *gathering) settle(ready []*event.Event, e *event.Event) []*event.Event {
	for todo := []*event.Event{e}; len(todo) > 0; {
		e, todo = todo[0], todo[1:]
		if link, lacks := g.lacks(e); lacks {
			if _, met := g.kept[e.ID]; !met {
				g.late = append(g.late, e)
			}
			g.kept[e.ID] = false
			g.waiting[link] = append(g.waiting[link], e)
			continue
		}
		g.kept[e.ID] = true
		ready = append(ready, e)
		todo = append(todo, g.waiting[e.ID]...)
		delete(g.waiting, e.ID)
	}
	return ready
}

// lacks is the first link of an event to one that is not kept.
func (g *gathering) lacks(e *event.Event) (link event.ID, lacks bool) {
	for _, link := range e.Links() {
		if !g.kept[link] {
			return link, true
		}
	}
	return link, false
}

func (db *DB) keepOrphans(orphans []*event.Event) (err error) {
	defer recoverDamage("writing", &err)
	w := db.newWriter()
	defer w.discard()
	if _, err := w.events(&head{}, kindOrphan, orphans); err != nil {
		return err
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

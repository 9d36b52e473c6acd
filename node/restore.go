package node

import (
	"errors"
	"fmt"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
)

// restoreBatch is how many events are verified together at start.
const restoreBatch = 2048

// roundBatch is how many round blocks are verified together at start, at most.
const roundBatch = 512

// ErrReplay says that what is kept on disk contradicts itself.
var ErrReplay = errors.New("the kept commits differ from what the kept round blocks decide: the archive is damaged; run coop repo check, then coop repo rebuild")

// Restore tells a fresh core everything that its archive keeps, in the order it was kept, and so
// brings back the same final state; then the device may sign. Every signature is verified again: disks lie. progress may be
// nil.
func (c *Core) Restore(now event.Time, progress func(done, total uint64)) error {
	c.now = now
	count := c.archive.Count()
	if err := c.loadMarks(); err != nil {
		return err
	}
	c.restoring, c.kept = true, crdt.Count{}
	report := func(done uint64) {
		if progress != nil {
			progress(done, count.Events+count.Rounds)
		}
	}
	done := uint64(0)
	for from := (crdt.Count{Commits: count.Commits}); from != count; {
		to := c.nextStop(from, count)
		if err := c.restoreEvents(from.Events, to.Events, func(n uint64) { report(done + n) }); err != nil {
			return err
		}
		if err := c.restoreRounds(from.Rounds, to.Rounds); err != nil {
			return err
		}
		from, done = to, to.Events+to.Rounds
		report(done)
	}
	if c.contradicted || !c.mended && c.commits < uint64(len(c.recorded)) {
		return ErrReplay
	}
	c.out.Final = nil
	c.restoring, c.kept = false, count
	c.takeOffice()
	if !c.sealed() {
		c.vouch(c.handover, nil)
	}
	return nil
}

func (c *Core) loadMarks() error {
	return c.archive.Commits(0, func(n uint64, raw []byte) error {
		var r commitRecord
		if err := event.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("commit %d of the archive: %w", n, err)
		}
		c.recorded = append(c.recorded, r.Anchor)
		if !c.mended { // otherwise its places no longer hold
			c.marks = append(c.marks, commitMark{rounds: r.Rounds, events: r.Events})
		}
		return nil
	})
}

// nextStop is up to where to restore next: events first, then the round blocks that order them. It
// is a place at which a commit was made, so that little is not final in between, and not too near.
func (c *Core) nextStop(from, end crdt.Count) crdt.Count {
	for c.stop < len(c.marks) {
		m := c.marks[c.stop]
		c.stop++
		if m.events >= from.Events+restoreBatch || m.rounds >= from.Rounds+restoreBatch {
			return crdt.Count{Events: m.events, Rounds: m.rounds, Commits: end.Commits}
		}
	}
	return end
}

func (c *Core) restoreRounds(from, to uint64) error {
	return inBatches(c.archive.Rounds, from, to, roundBatch, func(batch [][]byte) error {
		first := from
		from += uint64(len(batch))
		return c.restoreTogether(first, batch)
	})
}

// inBatches walks through a part of the archive and hands on so many pieces at once, at last the rest of them.
func inBatches(walk func(from uint64, do func(n uint64, raw []byte) error) error, from, to uint64, size int, take func(batch [][]byte) error) error {
	var batch [][]byte
	err := walk(from, func(n uint64, raw []byte) error {
		if n >= to {
			return errStop
		}
		if batch = append(batch, raw); len(batch) < size {
			return nil
		}
		err := take(batch)
		batch = batch[:0]
		return err
	})
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	return take(batch)
}

// restoreTogether restores the round blocks of the archive from the first on. They are opened together, for the
// epoch that is now. If another begins among them, the engine has no use for the rest of the old one, and what no
// block of the old one is, is looked at again when its turn comes.
func (c *Core) restoreTogether(first uint64, raws [][]byte) error {
	epoch := c.epoch // may change underway
	rounds, errs := finality.OpenRounds(&epoch, raws)
	for i, raw := range raws {
		n := first + uint64(i)
		c.kept.Rounds = n + 1
		r, err := rounds[i], errs[i]
		if err != nil {
			r, err = c.openKept(raw)
		}
		if err == nil && r != nil {
			var step finality.Step
			if step, err = c.engine.Add(c.now, "", r); err == nil {
				c.absorb(step)
			} else if harmless(err) {
				err = nil // a rebuilt archive has gaps; what they hide is fetched again
			}
		}
		if err != nil {
			return fmt.Errorf("round block %d of the archive: %w", n, err)
		}
	}
	return nil
}

// Reread hears round blocks and certificates of an archive, in their order, after Restore.
func (c *Core) Reread(now event.Time, raws [][]byte) error {
	c.now = now
	for n, raw := range raws {
		r, err := c.openKept(raw)
		if err != nil {
			return fmt.Errorf("round block %d of the archive: %w", n, err)
		}
		if r != nil && c.Hear(now, Peer{}, []*finality.Round{r}) > 0 {
			return fmt.Errorf("round block %d of the archive: %w", n, finality.ErrLinks)
		}
	}
	return nil
}

// openKept reads one of the round blocks of the archive; nil if it has no part in the present epoch: it
// was void when the epoch before ended, or is a certificate among them.
func (c *Core) openKept(raw []byte) (*finality.Round, error) {
	if governance.IsRefounding(raw) {
		return nil, c.Refound(raw)
	}
	if finality.IsCertificate(raw) {
		cert, err := finality.OpenCertificate(raw)
		if err != nil {
			return nil, err
		}
		if c.certificates(Peer{}, []*finality.Certificate{cert}) > 0 {
			return nil, finality.ErrFalseSignature
		}
		return nil, nil
	}
	r, err := finality.OpenRound(&c.epoch, raw)
	if errors.Is(err, finality.ErrOtherEpoch) {
		number, bad := finality.RoundEpoch(raw)
		if bad != nil || number < c.epoch.Number || c.mended {
			return nil, bad
		}
		return nil, ErrReplay // the commit that should have led there is missing
	}
	return r, err
}

// errStop ends a walk through the archive.
var errStop = errors.New("far enough")

func (c *Core) restoreEvents(from, to uint64, report func(done uint64)) error {
	done := uint64(0)
	door := newOpener()
	return inBatches(c.archive.Events, from, to, restoreBatch, func(batch [][]byte) error {
		c.kept.Events += uint64(len(batch))
		events, errs := door.openAll(batch)
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("an event of the archive does not hold: %w", err)
		}
		for _, e := range events {
			accepted, err := c.graph.AddRequired("", e)
			if err != nil {
				return fmt.Errorf("event %s of the archive: %w", e.ID, err)
			}
			for _, a := range accepted {
				c.tail.add(c.now, a)
				c.offer(a)
			}
		}
		done += uint64(len(batch))
		report(done)
		return nil
	})
}

// keepEvents asks for accepted events to be made durable, if they did not come from there.
func (c *Core) keepEvents(accepted []*event.Event) {
	for _, e := range accepted {
		if c.restoring || c.mended && known(c.archive.Event(e.ID)) {
			continue
		}
		c.out.Keep.Events = append(c.out.Keep.Events, e)
		c.kept.Events++
	}
}

// keepRound asks for an accepted round block to be made durable, if it did not come from there. An
// archive that was mended may hold what was refused at the start, because of its gaps.
func (c *Core) keepRound(r *finality.Round) {
	if c.restoring || c.mended && known(c.archive.Round(r.ID)) {
		return
	}
	c.out.Keep.Rounds = append(c.out.Keep.Rounds, crdt.Blob{ID: r.ID, Raw: r.Raw})
	c.kept.Rounds++
}

// known tells whether the archive has something; what it can not read any more it has.
func known(_ []byte, err error) bool { return !errors.Is(err, crdt.ErrNotFound) }

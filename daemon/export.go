package daemon

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/sustainy/coop/archive"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/crdt/badgerdb"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// getExport writes a cooperative as an archive. What goes wrong before the first byte is an ordinary
// problem; after it, the archive ends too early and a trailer says why.
func (d *Daemon) getExport(w http.ResponseWriter, r *http.Request) {
	room, err := d.room(r.PathValue("coop"))
	if err != nil {
		writeProblem(w, trouble(err))
		return
	}
	if err := room.history(r.Context()); err != nil {
		writeProblem(w, trouble(err))
		return
	}
	out := &begun{w: w, kind: "application/vnd.ipld.car; version=1"}
	err = room.read(func(s crdt.Store) error {
		_, err := archive.Write(out, room.id, s, "coop "+Version, nil)
		return err
	})
	out.end(ArchiveTrouble, err)
}

// begun is an answer that declares itself with its first byte.
type begun struct {
	w    http.ResponseWriter
	kind string
	yes  bool
}

// end tells of an error: as an ordinary problem if nothing was written yet.
func (b *begun) end(tell func(error) *home.Problem, err error) {
	switch {
	case err != nil && !b.yes:
		writeProblem(b.w, tell(err))
	case err != nil:
		b.w.Header().Set(trailerError, err.Error())
	}
}

// Write writes a part of the answer.
func (b *begun) Write(p []byte) (int, error) {
	if !b.yes {
		b.yes = true
		b.w.Header().Set("Content-Type", b.kind)
		b.w.Header().Set("Trailer", trailerError)
	}
	return b.w.Write(p)
}

// postImport brings an archive into the home and begins to take part.
func (d *Daemon) postImport(w http.ResponseWriter, r *http.Request) {
	answer(func(*http.Request) (any, error) {
		report, genesis, err := Import(d.home, http.MaxBytesReader(w, r.Body, MaxArchive), nil)
		if err != nil {
			return nil, err
		}
		if _, err := d.enter(r.Context(), genesis); err != nil {
			return nil, err
		}
		return report, nil
	}).ServeHTTP(w, r.Clone(r.Context()))
}

// ArchiveTrouble tells what is wrong with an archive.
func ArchiveTrouble(err error) *home.Problem {
	for _, bad := range []error{archive.ErrNoArchive, archive.ErrVersion, archive.ErrDamaged, archive.ErrTruncated, archive.ErrReordered,
		archive.ErrExtended, archive.ErrBounds, archive.ErrIncomplete, archive.ErrInvalid, archive.ErrRefounded, archive.ErrClaim} {
		if errors.Is(err, bad) {
			return &home.Problem{Code: CodeArchive, What: err.Error(), Why: "nothing of it was kept", Next: "ask for the file again: coop export", Err: err}
		}
	}
	return trouble(err)
}

// Import verifies an archive and, only if all of it holds, puts the cooperative into the home. The
// store is built aside and moved into its place as the last act.
func Import(h *home.Home, r io.Reader, progress archive.Progress) (report *archive.Report, genesis *event.Event, err error) {
	var tag [8]byte
	if _, err := rand.Read(tag[:]); err != nil {
		return nil, nil, fmt.Errorf("cannot read random bytes: %w", err)
	}
	stage := filepath.Join(h.Paths.CoopsDir(), "import-"+hex.EncodeToString(tag[:]))
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(stage))
		}
	}()
	store, err := badgerdb.Open(filepath.Join(stage, "store"), badgerdb.Options{MinFree: leastFree, Ballast: -1})
	if err != nil {
		return nil, nil, err
	}
	in := &intake{store: store}
	if report, err = archive.Read(r, archive.Sink{Event: in.event, Round: in.round}, progress); err == nil {
		err = in.settle(report)
	} else {
		err = ArchiveTrouble(err)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return nil, nil, err
	}
	if err := h.TakeIn(in.genesis, stage); err != nil {
		return nil, nil, err
	}
	return report, in.genesis, nil
}

// intake builds a store from an archive: events as they come, then rounds through a node's core,
// which works out the commits.
type intake struct {
	store   crdt.Store
	genesis *event.Event
	events  []*event.Event
	rounds  [][]byte
}

// intakeSize is how many events or rounds share one write to disk.
const intakeSize = 512

func (in *intake) event(e *event.Event) error {
	if in.genesis == nil {
		in.genesis = e
	}
	if in.events = append(in.events, e); len(in.events) < intakeSize {
		return nil
	}
	return in.flush()
}

func (in *intake) flush() error {
	if len(in.events) == 0 {
		return nil
	}
	err := in.store.Append(crdt.Batch{Events: in.events})
	in.events = nil
	return err
}

func (in *intake) round(_ [32]byte, raw []byte) error {
	in.rounds = append(in.rounds, raw)
	return nil
}

// settle lets a core that signs nothing hear the rounds, and keeps what it decides.
func (in *intake) settle(report *archive.Report) error {
	if err := in.flush(); err != nil {
		return err
	}
	core, err := node.NewCore(node.Config{Genesis: in.genesis, Key: identity.KeyFromSeed([32]byte{}), Observer: "it is being imported", Archive: in.store})
	if err != nil {
		return err
	}
	if err := core.Restore(report.Time, nil); err != nil {
		return err
	}
	for len(in.rounds) > 0 {
		n := min(intakeSize, len(in.rounds))
		if err := core.Reread(report.Time, in.rounds[:n]); err != nil {
			return fmt.Errorf("the node refuses what the archive's reader took: %w", err)
		}
		in.rounds = in.rounds[n:]
		if err := in.store.Append(core.Tick(report.Time, false).Keep); err != nil {
			return err
		}
	}
	view := core.View()
	if root := view.Root(); hex.EncodeToString(root[:]) != report.Root || view.Commits != report.Commits {
		return fmt.Errorf("the node comes to %d commits and root %x, the archive's reader to %d and %s", view.Commits, root, report.Commits, report.Root)
	}
	return nil
}

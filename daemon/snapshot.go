package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/sustainy/coop/archive"
	"github.com/sustainy/coop/content"
	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
)

// snapshotProtocol hands out certified states, to the same peers as the history: those who are in the cooperative's
// part of the network. A stream begins with the cooperative's id and the address of a snapshot, 32 bytes each. If
// the address is zero, the first answer is the proof of the newest one (archive.Light), whose last certificate names
// the address. Then come questions and answers as in filesProtocol. Nothing is believed.
const snapshotProtocol protocol.ID = "/coop/snapshot/1"

const (
	snapshotEvery = time.Minute      // between two snapshots that are written for others
	snapshotKept  = 10 * time.Minute // after somebody asked for it, while a newer one is there
	maxSnapshots  = 3
	proofFile     = "proof" // of the one that is being fetched
)

// shelved is a snapshot that is here, and what proves it.
type shelved struct {
	id    content.ID
	proof []byte
	made  time.Time
	asked time.Time
}

// shelf is the snapshots that a room hands out or fetches. Its methods may be called from any goroutine.
type shelf struct {
	dir   string
	store *content.Store
	now   func() time.Time

	mu     sync.Mutex // held while one is written, so that it is written once
	offers []*shelved // the newest last
}

func openShelf(dir string) (*shelf, error) {
	store, err := content.Open(dir)
	return &shelf{dir: dir, store: store, now: time.Now}, err
}

// serveSnapshots answers those who are in the same cooperative.
func (d *Daemon) serveSnapshots() { d.handOut(snapshotProtocol, d.serveSnapshot) }

func (d *Daemon) serveSnapshot(s network.Stream) error {
	from, err := p2p.PeerOf(s.Conn().RemotePeer())
	if err != nil {
		return err
	}
	if err := s.SetDeadline(time.Now().Add(pieceTimeout)); err != nil {
		return err
	}
	var head [64]byte
	if _, err := io.ReadFull(s, head[:]); err != nil {
		return err
	}
	d.mu.RLock()
	room := d.rooms[event.ID(head[:32])]
	d.mu.RUnlock()
	if room == nil || room.shelf == nil || !slices.Contains(room.peers(), from) {
		return content.ErrAbsent
	}
	id := content.ID(head[32:])
	if id == (content.ID{}) {
		ctx, cancel := context.WithTimeout(context.Background(), pieceTimeout)
		defer cancel()
		o, err := room.newest(ctx)
		if err != nil {
			room.log.Info("no certified state is handed out", "why", err)
			o = &shelved{}
		}
		if err := s.SetDeadline(time.Now().Add(pieceTimeout)); err != nil {
			return err
		}
		if _, err := s.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(o.proof))), o.proof...)); err != nil {
			return err
		}
		id = o.id
	}
	room.shelf.touch(id)
	return answerPieces(s, room.shelf.store, id)
}

var errNoneCertified = errors.New("there is no certified state here that can be proven from the founding event on")

// newest is the newest certified state, written to a file; one that is not much older serves too.
func (r *room) newest(ctx context.Context) (*shelved, error) {
	s := r.shelf
	s.mu.Lock()
	defer s.mu.Unlock()
	var last *shelved
	if len(s.offers) > 0 {
		if last = s.offers[len(s.offers)-1]; s.now().Sub(last.made) < snapshotEvery {
			return last, nil
		}
	}
	n, err := r.ask()
	if err != nil {
		return nil, err
	}
	c, err := n.Snapshot(ctx)
	switch {
	case err != nil:
		return nil, err
	case c == nil && last == nil:
		return nil, errNoneCertified
	case c == nil || last != nil && last.id == content.ID(c.Certificate.Checkpoint.State):
		return last, nil
	}
	if free, err := r.d.freeSpace(s.dir); err == nil && free < leastFree {
		return last, errNoSpace
	}
	return s.write(r.genesis, c)
}

// write puts a certified state on the shelf. It must be the one that was signed.
func (s *shelf) write(genesis *event.Event, c *node.Certified) (*shelved, error) {
	in, out := io.Pipe()
	var writing sync.WaitGroup
	writing.Go(func() { out.CloseWithError(coop.WriteSnapshot(out, c.State)) })
	f, err := s.store.Add(in)
	in.CloseWithError(err)
	writing.Wait()
	if err != nil {
		return nil, err
	}
	if f.ID != content.ID(c.Certificate.Checkpoint.State) {
		return nil, errors.Join(node.ErrFalseState, s.store.Drop(f.ID))
	}
	return s.put(f.ID, archive.Light(genesis, coop.Successions(c.Steps), c.Certificate)), nil
}

// put adds an offer, and takes away those that nobody has asked for lately. The lock is held.
func (s *shelf) put(id content.ID, proof []byte) *shelved {
	s.offers = append(s.offers, &shelved{id: id, proof: proof, made: s.now(), asked: s.now()})
	for n := len(s.offers) - 2; n >= 0; n-- {
		if o := s.offers[n]; o.id == id || s.now().Sub(o.asked) > snapshotKept || len(s.offers)-n > maxSnapshots {
			s.offers = slices.Delete(s.offers, n, n+1)
			if o.id != id {
				_ = s.store.Drop(o.id) // what stays is removed at the next start
			}
		}
	}
	return s.offers[len(s.offers)-1]
}

func (s *shelf) touch(id content.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.offers {
		if o.id == id {
			o.asked = s.now()
		}
	}
}

// keep notes the proof of what is being fetched, so that a restart goes on with it.
func (s *shelf) keep(proof []byte) error {
	path := filepath.Join(s.dir, proofFile)
	if err := os.WriteFile(path+".new", proof, 0o600); err != nil {
		return fmt.Errorf("cannot keep what is fetched: %w", err)
	}
	return os.Rename(path+".new", path)
}

// kept is the proof of what was being fetched when this home last stopped; nil if nothing was.
func (s *shelf) kept() []byte {
	f, err := os.Open(filepath.Join(s.dir, proofFile))
	if err != nil {
		return nil
	}
	defer f.Close()
	proof, err := io.ReadAll(io.LimitReader(f, archive.MaxLight+1))
	if err != nil {
		return nil
	}
	return proof
}

// clear removes everything that is neither offered nor needed.
func (s *shelf) clear(needed content.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files, err := s.store.List()
	if err != nil {
		return
	}
	for _, f := range files {
		if f.ID != needed && !slices.ContainsFunc(s.offers, func(o *shelved) bool { return o.id == f.ID }) {
			_ = s.store.Drop(f.ID)
		}
	}
	if needed == (content.ID{}) {
		_ = os.Remove(filepath.Join(s.dir, proofFile)) // if it stays, it is looked at once more
	}
}

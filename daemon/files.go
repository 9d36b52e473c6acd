package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/sustainy/coop/content"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/p2p"
)

// filesProtocol hands members' devices the files that this home keeps for a cooperative. A stream begins with the
// cooperative's id, 32 bytes, and the length and text of a file's address, 1 and at most 255 bytes. Then come
// questions, 8 bytes each: where the piece begins, or content.Last. Each answer is the length of a proof, 4 bytes,
// and the proof; a length of 0 says that there is no such thing here. Nothing is believed.
const filesProtocol protocol.ID = "/coop/files/1"

const (
	maxServing   = 16               // streams on which files are handed out at a time
	pieceTimeout = 30 * time.Second // for one piece: 35 KiB/s at least
)

// serveFiles answers members.
func (d *Daemon) serveFiles() { d.handOut(filesProtocol, d.serveFile) }

// handOut answers streams of a protocol, a few at a time.
func (d *Daemon) handOut(proto protocol.ID, serve func(network.Stream) error) {
	serving := make(chan struct{}, maxServing)
	d.host.Libp2p().SetStreamHandler(proto, func(s network.Stream) {
		defer s.Close()
		select {
		case serving <- struct{}{}:
			defer func() { <-serving }()
		default:
			_ = s.Reset() // who is busy says so at once
			return
		}
		if serve(s) != nil {
			_ = s.Reset() // who asks so badly, or has gone, needs no answer
		}
	})
}

func (d *Daemon) serveFile(s network.Stream) error {
	from, err := p2p.PeerOf(s.Conn().RemotePeer())
	if err != nil {
		return err
	}
	if err := s.SetDeadline(time.Now().Add(pieceTimeout)); err != nil {
		return err
	}
	var head [33]byte
	if _, err := io.ReadFull(s, head[:]); err != nil {
		return err
	}
	text := make([]byte, head[32])
	if _, err := io.ReadFull(s, text); err != nil {
		return err
	}
	id, err := content.Parse(string(text))
	if err != nil {
		return err
	}
	d.mu.RLock()
	room := d.rooms[event.ID(head[:32])]
	d.mu.RUnlock()
	if room == nil || room.files == nil || !room.knows(from) {
		return content.ErrAbsent
	}
	return answerPieces(s, room.files, id)
}

// answerPieces answers questions for pieces of a file until there are no more.
func answerPieces(s network.Stream, files *content.Store, id content.ID) error {
	for {
		if err := s.SetDeadline(time.Now().Add(pieceTimeout)); err != nil {
			return err
		}
		var question [8]byte
		if _, err := io.ReadFull(s, question[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		proof, err := files.Prove(id, binary.BigEndian.Uint64(question[:]))
		if err != nil {
			proof = nil // the other asks elsewhere; doctor and the next coop file get here tell of damage
		}
		if _, err := s.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(proof))), proof...)); err != nil {
			return err
		}
	}
}

// source is a peer from which a file is fetched.
type source struct {
	s        network.Stream
	patience time.Duration
}

// source opens a stream of a protocol that begins with head.
func (r *room) source(ctx context.Context, p p2p.Peer, proto protocol.ID, head []byte) (source, error) {
	pid, err := p2p.PeerID(p)
	if err != nil {
		return source{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.d.pieceTimeout)
	defer cancel()
	s, err := r.d.host.Libp2p().NewStream(ctx, pid, proto)
	if err != nil {
		return source{}, err
	}
	from := source{s, r.d.pieceTimeout}
	if err = s.SetDeadline(time.Now().Add(from.patience)); err == nil {
		_, err = s.Write(head)
	}
	if err != nil {
		_ = s.Reset()
		return source{}, err
	}
	return from, nil
}

// ask asks for a piece. ErrAbsent says that the peer does not have it.
func (s source) ask(offset uint64) ([]byte, error) {
	if err := s.s.SetDeadline(time.Now().Add(s.patience)); err != nil {
		return nil, err
	}
	if _, err := s.s.Write(binary.BigEndian.AppendUint64(nil, offset)); err != nil {
		return nil, err
	}
	return s.read(content.MaxProof)
}

// read reads an answer of at most so many bytes. ErrAbsent says that the peer has none.
func (s source) read(most uint32) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(s.s, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	switch {
	case n == 0:
		return nil, content.ErrAbsent
	case n > most:
		return nil, content.ErrProof
	}
	proof := make([]byte, n)
	_, err := io.ReadFull(s.s, proof)
	return proof, err
}

// fetchFrom takes from one peer what a part lacks, until it is whole or the peer fails.
func (r *room) fetchFrom(ctx context.Context, p p2p.Peer, id content.ID, part *content.Part) error {
	text := id.String()
	from, err := r.source(ctx, p, filesProtocol, append(append(slices.Clone(r.id[:]), byte(len(text))), text...))
	if err != nil {
		return err
	}
	defer func() { _ = from.s.Reset() }()
	stop := context.AfterFunc(ctx, func() { _ = from.s.Reset() })
	defer stop()
	return r.take(from, part, func(size uint64) { r.fetches.measure(id, size) })
}

// take takes what a part lacks; measured is told of its size when that is proven.
func (r *room) take(from source, part *content.Part, measured func(size uint64)) error {
	if part.Size() == 0 {
		proof, err := from.ask(content.Last)
		if err != nil {
			return err
		}
		if err := part.Measure(proof); err != nil {
			return err
		}
		measured(part.Size())
	}
	for part.Have() < part.Size() {
		if free, err := r.d.freeSpace(r.d.home.Paths.CoopDir(r.id)); err == nil && free < leastFree+content.Piece {
			return errNoSpace
		}
		proof, err := from.ask(part.Have())
		if err != nil {
			return err
		}
		if err := part.Put(proof); err != nil {
			return err
		}
	}
	return nil
}

var errNoSpace = &home.Problem{Code: home.CodeDisk, What: "there is too little space on the disk for the file", Why: "some is kept free for the cooperative's own events",
	Next: "make room, then once more: what has come is kept; coop file list shows the others"}

// fetch brings a file here, from whoever has it. One that sends what is not of the file, or nothing in time, is not
// asked again.
func (r *room) fetch(ctx context.Context, id content.ID) (content.File, error) {
	part, err := r.files.Part(id)
	if err != nil {
		return content.File{}, err
	}
	defer part.Close()
	absent, failed := 0, 0
	for _, p := range r.peers() {
		err := r.fetchFrom(ctx, p, id, part)
		switch {
		case err == nil:
			return part.Finish()
		case ctx.Err() != nil:
			return content.File{}, ctx.Err()
		case errors.Is(err, errNoSpace):
			return content.File{}, err
		case errors.Is(err, content.ErrAbsent):
			absent++
		default:
			r.log.Warn("a peer failed to hand out a file", "peer", p.Short(), "file", id, "why", err)
			failed++
		}
	}
	return content.File{}, unfetched(id, part, absent, failed)
}

// unfetched says why a file could not be had.
func unfetched(id content.ID, part *content.Part, absent, failed int) *home.Problem {
	p := &home.Problem{Code: CodeNotFound, What: "nobody who is there now gives out the file " + id.String(), Next: "once more when more members are there: what has come is kept"}
	if absent+failed == 0 {
		p.Why = "no other member's device is in reach"
	} else {
		p.Why = fmt.Sprintf("of %d devices in reach %d do not keep it, and %d sent nothing in time, or something else", absent+failed, absent, failed)
	}
	if part.Have() > 0 {
		p.Why += fmt.Sprintf("; %d of %d bytes have come", part.Have(), part.Size())
	}
	return p
}

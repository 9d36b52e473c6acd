package daemon

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/sustainy/coop/content"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
)

// noise is a file of so many bytes.
func noise(size int) []byte {
	data := make([]byte, size)
	r := rand.NewChaCha8([32]byte{7})
	_, _ = r.Read(data)
	return data
}

func (p *peer) add(id event.ID, data []byte) (f content.File) {
	p.t.Helper()
	if err := p.Send(context.Background(), Path("coops", id.String(), "files"), "application/octet-stream", bytes.NewReader(data), &f); err != nil {
		p.t.Fatal(err)
	}
	return f
}

func (p *peer) fetch(id event.ID, f content.File) (got content.File, err error) {
	return got, p.Post(context.Background(), Path("coops", id.String(), "files", f.ID.String(), "fetch"), struct{}{}, &got)
}

func (p *peer) bytes(id event.ID, f content.File) ([]byte, error) {
	var b bytes.Buffer
	err := p.Stream(context.Background(), Path("coops", id.String(), "files", f.ID.String(), "bytes"), &b)
	return b.Bytes(), err
}

// sees waits until p is connected with other in a cooperative.
func (p *peer) sees(id event.ID, n int) {
	p.t.Helper()
	eventually(p.t, "the other peers", func() bool { return p.coop(id).Peers >= n })
}

// TestFilesGoFromPeerToPeer: what one member adds another gets, keeps and hands on; a stranger gets nothing.
func TestFilesGoFromPeerToPeer(t *testing.T) {
	ana, ben, stranger := newPeer(t, "ana"), newPeer(t, "ben"), newPeer(t, "cleo")
	id := ana.found("Roof")
	ben.join(ana, id)
	data := noise(2*content.Piece + 12345)
	f := ana.add(id, data)
	got, err := ben.fetch(id, f)
	if err != nil || got != f {
		t.Fatal(got, err)
	}
	if out, err := ben.bytes(id, f); err != nil || !bytes.Equal(out, data) {
		t.Fatal("other bytes came out", err)
	}
	ana.post(Path("coops", id.String(), "files", f.ID.String(), "drop"), struct{}{}, nil)
	if _, err := ana.bytes(id, f); err == nil {
		t.Fatal("it was dropped")
	}
	if got, err := ana.fetch(id, f); err != nil || got != f {
		t.Fatal("who got it does not hand it on:", err)
	}

	var s Status
	ana.get("/v1/status", &s)
	var o Offer
	stranger.post("/v1/look", Look{id, s.Addrs}, &o)
	stranger.post("/v1/join", Join{Genesis: o.Genesis, Addrs: s.Addrs}, nil)
	stranger.sees(id, 1)
	_, err = stranger.fetch(id, f)
	wantCode(t, err, CodeNotFound)
	if err == nil || !strings.Contains(err.Error(), "nobody who is there") {
		t.Fatal(err)
	}
}

// liar makes a peer hand out files in its own way.
func (p *peer) liar(answer func(s network.Stream, offset uint64, honest []byte) bool) {
	store := p.daemon.all()[0].files
	p.daemon.host.Libp2p().SetStreamHandler(filesProtocol, func(s network.Stream) {
		defer s.Reset()
		var head [33]byte
		if _, err := io.ReadFull(s, head[:]); err != nil {
			return
		}
		text := make([]byte, head[32])
		if _, err := io.ReadFull(s, text); err != nil {
			return
		}
		id, err := content.Parse(string(text))
		if err != nil {
			return
		}
		for {
			var question [8]byte
			if _, err := io.ReadFull(s, question[:]); err != nil {
				return
			}
			offset := binary.BigEndian.Uint64(question[:])
			honest, err := store.Prove(id, offset)
			if err != nil || !answer(s, offset, honest) {
				return
			}
		}
	})
}

func framed(proof []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(proof))), proof...)
}

// TestLiarsDoNotStopAFile: whatever one peer sends or does not send, what came from it before is kept, the file comes from
// others, and where there is nobody else the member is told.
func TestLiarsDoNotStopAFile(t *testing.T) {
	ana, ben := newPeer(t, "ana"), newPeer(t, "ben")
	id := ana.found("Roof")
	ben.join(ana, id)
	ben.stop()
	ben.piece = time.Second
	ben.start()
	ben.sees(id, 1)
	data := noise(3*content.Piece + 1)
	f := ana.add(id, data)
	path := Path("coops", id.String(), "files", f.ID.String())
	have := uint64(0)
	ways := []struct {
		name   string
		answer func(s network.Stream, offset uint64, honest []byte) bool
		gives  uint64 // pieces that come, beyond those that are here
	}{
		{"garbage for the size", func(s network.Stream, _ uint64, honest []byte) bool {
			honest[9] ^= 1
			_, err := s.Write(framed(honest))
			return err == nil
		}, 0},
		{"silence", func(s network.Stream, _ uint64, _ []byte) bool {
			_, _ = io.Copy(io.Discard, s) // until the other loses patience
			return false
		}, 0},
		{"an endless answer", func(s network.Stream, _ uint64, _ []byte) bool {
			_, err := s.Write([]byte{0xff, 0xff, 0xff, 0xff})
			return err == nil
		}, 0},
		{"one piece, then garbage", func(s network.Stream, offset uint64, honest []byte) bool {
			if offset != content.Last && offset > 0 {
				honest[len(honest)-1] ^= 1
			}
			_, err := s.Write(framed(honest))
			return err == nil
		}, 1},
		{"one piece, then half of one and silence", func(s network.Stream, offset uint64, honest []byte) bool {
			if offset == content.Last || offset == content.Piece {
				_, err := s.Write(framed(honest))
				return err == nil
			}
			_, _ = s.Write(framed(honest)[:len(honest)/2])
			_, _ = io.Copy(io.Discard, s)
			return false
		}, 1},
	}
	for _, way := range ways {
		ana.liar(way.answer)
		_, err := ben.fetch(id, f)
		wantCode(t, err, CodeNotFound)
		if err == nil || !strings.Contains(err.Error(), "1 sent nothing in time, or something else") {
			t.Fatalf("%s: %v", way.name, err)
		}
		have += way.gives * content.Piece
		var now content.File
		if err := ben.Get(context.Background(), path, &now); err != nil || now.Have != have {
			t.Fatalf("%s: %d bytes have come, not %d (%v)", way.name, now.Have, have, err)
		}
	}
	ben.stop()
	ben.start() // it goes on after a restart
	ben.sees(id, 1)
	var asked atomic.Uint64
	ana.liar(func(s network.Stream, offset uint64, honest []byte) bool { // honest, but counts
		if offset != content.Last {
			asked.Add(1)
		}
		_, err := s.Write(framed(honest))
		return err == nil
	})
	if got, err := ben.fetch(id, f); err != nil || got != f {
		t.Fatal(got, err)
	}
	if n := asked.Load(); n != 2 {
		t.Fatalf("%d pieces were asked for, 2 of 4 had come", n)
	}
	if out, err := ben.bytes(id, f); err != nil || !bytes.Equal(out, data) {
		t.Fatal("other bytes came out", err)
	}
}

// TestFileRefusals: what cannot be kept or given is told in words, and a full disk takes nothing in.
func TestFileRefusals(t *testing.T) {
	ana := newPeer(t, "ana")
	id := ana.found("Roof")
	files := Path("coops", id.String(), "files")
	send := func(data string) error {
		return ana.Send(context.Background(), files, "application/octet-stream", strings.NewReader(data), nil)
	}
	wantCode(t, send(""), CodeUsage)
	for _, address := range []string{"hello", id.String()} {
		wantCode(t, ana.Get(context.Background(), files+"/"+address, nil), CodeUsage)
		wantCode(t, ana.Stream(context.Background(), files+"/"+address+"/bytes", io.Discard), CodeUsage)
	}
	f := ana.add(id, []byte("minutes of the meeting"))
	ana.post(files+"/"+f.ID.String()+"/drop", struct{}{}, nil)
	wantCode(t, ana.Post(context.Background(), files+"/"+f.ID.String()+"/drop", struct{}{}, nil), CodeNotFound)
	_, err := ana.fetch(id, f)
	wantCode(t, err, CodeNotFound)
	ana.free.Store(leastFree - 1)
	wantCode(t, send("more"), home.CodeDisk)
	ana.free.Store(1 << 40)

	data := noise(3 * content.Piece)
	f = ana.add(id, data)
	kept, err := os.OpenFile(filepath.Join(home.At(ana.dir).FilesDir(id), f.ID.String()), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = kept.WriteAt([]byte("spoilt"), 2*content.Piece); errors.Join(err, kept.Close()) != nil {
		t.Fatal(err)
	}
	out, err := ana.bytes(id, f)
	if err == nil || !bytes.HasPrefix(data, out) {
		t.Fatal("damage was handed out:", err)
	}
}

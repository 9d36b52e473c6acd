package badgerdb

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/sustainy/coop/event"
)

// salvage knows where in the files of a store there are whole frames, and what looks like an event
// where a frame is not whole.
type salvage struct {
	files  []*os.File
	frames map[place]found
	strays []found
	last   head // the newest head that was found
}

// place is where an item stood in the store.
type place struct {
	kind byte
	n    uint64
	part uint16
}

// found is a frame in a file, or an envelope without one.
type found struct {
	seq   uint64
	count uint16
	file  int
	at    int64
	size  int
}

// salvageFiles looks through every file in some directories, those that do not exist excepted.
func salvageFiles(dirs ...string) (*salvage, error) {
	s := &salvage{frames: map[place]found{}}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, errors.Join(fmt.Errorf("looking for what is left: %w", err), s.close())
		}
		for _, e := range entries {
			if !e.Type().IsRegular() {
				continue
			}
			f, err := os.Open(filepath.Join(dir, e.Name()))
			if err != nil {
				continue // what can not be opened holds nothing that could be kept
			}
			s.files = append(s.files, f)
			s.scan(len(s.files)-1, readable(f))
		}
	}
	s.dropUnfinished()
	return s, nil
}

func (s *salvage) close() error {
	var err error
	for _, f := range s.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// readable is a file with zeros for what can not be read.
func readable(f *os.File) []byte {
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	const block = 4 << 10
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err == nil {
		return b
	}
	for at := 0; at < len(b); at += block {
		part := b[at:min(at+block, len(b))]
		if _, err := f.ReadAt(part, int64(at)); err != nil {
			clear(part)
		}
	}
	return b
}

// scan notes every whole frame, and every envelope between them. Badger keeps several copies of some
// frames; where two differ, the one of the later Append is right, since an index is used again only
// after its Append was taken back.
func (s *salvage) scan(file int, b []byte) {
	gap := 0 // where the last whole frame ended
	for at := 0; ; {
		next := bytes.Index(b[at:], magic[:])
		if next < 0 {
			s.stray(file, b, gap, len(b))
			return
		}
		at += next
		i, ok := unframe(b[at:])
		if !ok {
			at++
			continue
		}
		if end := s.stray(file, b, gap, at); end > at {
			at, gap = end, end
			continue
		}
		size := payloadAt + len(i.payload)
		if i.kind == kindHead {
			if h, ok := decodeHead(i.payload); ok && h.seq > s.last.seq {
				s.last = h
			}
		}
		p := place{i.kind, i.n, i.part}
		if known, ok := s.frames[p]; !ok || known.seq < i.seq {
			s.frames[p] = found{seq: i.seq, count: i.count, file: file, at: int64(at), size: size}
		}
		at += size
		gap = at
	}
}

// stray notes what looks like envelopes in a part of a file: what is left of a page that is not whole.
// Each proves itself by its signature, so it needs neither the page's digest nor its header. It returns
// to, or the end of an event that goes beyond: then what is there is something that a member wrote into
// an event, and not a frame of ours, whatever it looks like.
func (s *salvage) stray(file int, b []byte, from, to int) (end int) {
	for at := from; at < to; {
		next := bytes.IndexByte(b[at:to], 0x82)
		if next < 0 {
			break
		}
		at += next
		size, ok := envelope(b[at:])
		if ok && at+size > to {
			_, err := event.Open(b[at : at+size])
			ok = err == nil
		}
		if !ok {
			at++
			continue
		}
		s.strays = append(s.strays, found{file: file, at: int64(at), size: size})
		at += size
		end = at
	}
	return max(to, end)
}

// dropUnfinished forgets what an Append wrote that was never acknowledged and was taken back.
func (s *salvage) dropUnfinished() {
	var pages []place
	for p, f := range s.frames {
		switch p.kind {
		case kindEvent, kindRound, kindCommit:
			if p.n >= *s.last.counter(p.kind) && f.seq <= s.last.seq {
				delete(s.frames, p)
			} else if p.kind == kindEvent {
				pages = append(pages, p)
			}
		}
	}
	// A later Append begins where the one before it ended, so a page that reaches over its beginning
	// was taken back in between, even if no page of the later one begins at the same index.
	slices.SortFunc(pages, func(a, b place) int {
		return cmp.Or(-cmp.Compare(s.frames[a].seq, s.frames[b].seq), cmp.Compare(a.n, b.n))
	})
	least := uint64(math.MaxUint64) // the first index of all later Appends
	for i := 0; i < len(pages); {
		seq := s.frames[pages[i]].seq
		begin := pages[i].n
		for ; i < len(pages) && s.frames[pages[i]].seq == seq; i++ {
			if pages[i].n+uint64(s.frames[pages[i]].count) > least {
				delete(s.frames, pages[i])
			}
		}
		least = min(least, begin)
	}
}

// batches gathers envelopes and hands them over some at a time.
type batches struct {
	f    func(raws [][]byte) error
	raws [][]byte
	size int
}

func (b *batches) add(raw []byte) error {
	b.raws, b.size = append(b.raws, raw), b.size+len(raw)
	if len(b.raws) < batchEvents && b.size <= batchBytes {
		return nil
	}
	return b.end()
}

func (b *batches) end() error {
	if len(b.raws) == 0 {
		return nil
	}
	raws := b.raws
	b.raws, b.size = nil, 0
	return b.f(raws)
}

// eachStray hands over what looks like an envelope and is on no whole page.
func (s *salvage) eachStray(f func(raws [][]byte) error) error {
	b := batches{f: f}
	for _, at := range s.strays {
		raw := make([]byte, at.size)
		if _, err := s.files[at.file].ReadAt(raw, at.at); err != nil {
			continue
		}
		if err := b.add(raw); err != nil {
			return err
		}
	}
	return b.end()
}

// each hands over what is in the frames of one kind in their order, some at a time. Commit records end
// at the first that is not whole, of the other kinds those that are not are left out.
func (s *salvage) each(kind byte, f func(contents [][]byte) error) error {
	var places []place
	for p := range s.frames {
		if p.kind == kind {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.part, b.part)) })
	batch, expected := batches{f: f}, uint64(0)
	for i := 0; i < len(places); {
		n, end := places[i].n, i
		for end < len(places) && places[end].n == n {
			end++
		}
		whole, ok := s.whole(slices.Clone(places[i:end]))
		i = end
		if kind == kindCommit && (!ok || n != expected) {
			break
		}
		expected++
		if !ok {
			continue
		}
		contents := [][]byte{whole.payload}
		if kind == kindEvent || kind == kindOrphan {
			contents, _ = whole.split()
		}
		for _, content := range contents {
			if err := batch.add(content); err != nil {
				return err
			}
		}
	}
	return batch.end()
}

// whole reads the parts of one item. Parts of an earlier Append that was taken back may lie between.
func (s *salvage) whole(parts []place) (whole item, ok bool) {
	var latest uint64
	for _, p := range parts {
		latest = max(latest, s.frames[p].seq)
	}
	parts = slices.DeleteFunc(parts, func(p place) bool { return s.frames[p].seq < latest })
	for number, p := range parts {
		at := s.frames[p]
		b := make([]byte, at.size)
		if _, err := s.files[at.file].ReadAt(b, at.at); err != nil {
			return item{}, false
		}
		i, ok := unframe(b)
		if !ok || int(i.part) != number || int(i.parts) != len(parts) {
			return item{}, false
		}
		if number == 0 {
			whole = i
		} else {
			whole.payload = append(whole.payload, i.payload...)
		}
	}
	return whole, true
}

package badgerdb

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// salvage knows where in the files of a store there are whole frames.
type salvage struct {
	files  []*os.File
	frames map[place]found
	last   head // the newest head that was found
}

// place is where an item stood in the store.
type place struct {
	kind byte
	n    uint64
	part uint16
}

// found is a frame in a file.
type found struct {
	seq  uint64
	file int
	at   int64
	size int
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

// scan notes every whole frame. Badger keeps several copies of some; where two differ, the one of
// the later Append is right, since an index is used again only after its Append was taken back.
func (s *salvage) scan(file int, b []byte) {
	for at := 0; ; {
		next := bytes.Index(b[at:], magic[:])
		if next < 0 {
			return
		}
		at += next
		i, ok := unframe(b[at:])
		if !ok {
			at++
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
			s.frames[p] = found{seq: i.seq, file: file, at: int64(at), size: size}
		}
		at += size
	}
}

// dropUnfinished forgets what an Append wrote that was never acknowledged and was taken back.
func (s *salvage) dropUnfinished() {
	for p, f := range s.frames {
		switch p.kind {
		case kindEvent, kindRound, kindCommit:
			if p.n >= *s.last.counter(p.kind) && f.seq <= s.last.seq {
				delete(s.frames, p)
			}
		}
	}
}

// each hands over the payloads of one kind in their order, some at a time. Commit records end at the
// first that is not whole, of the other kinds those that are not are left out.
func (s *salvage) each(kind byte, f func(payloads [][]byte) error) error {
	var places []place
	for p := range s.frames {
		if p.kind == kind {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.part, b.part)) })
	var batch [][]byte
	expected, size := uint64(0), 0
	for i := 0; i < len(places); {
		n, end := places[i].n, i
		for end < len(places) && places[end].n == n {
			end++
		}
		payload, ok := s.whole(slices.Clone(places[i:end]))
		i = end
		if kind == kindCommit && (!ok || n != expected) {
			break
		}
		expected++
		if !ok {
			continue
		}
		batch, size = append(batch, payload), size+len(payload)
		if len(batch) == batchEvents || size > batchBytes {
			if err := f(batch); err != nil {
				return err
			}
			batch, size = nil, 0
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return f(batch)
}

// whole reads the parts of one item. Parts of an earlier Append that was taken back may lie between.
func (s *salvage) whole(parts []place) (payload []byte, ok bool) {
	var latest uint64
	for _, p := range parts {
		latest = max(latest, s.frames[p].seq)
	}
	parts = slices.DeleteFunc(parts, func(p place) bool { return s.frames[p].seq < latest })
	for number, p := range parts {
		at := s.frames[p]
		b := make([]byte, at.size)
		if _, err := s.files[at.file].ReadAt(b, at.at); err != nil {
			return nil, false
		}
		i, ok := unframe(b)
		if !ok || int(i.part) != number || int(i.parts) != len(parts) {
			return nil, false
		}
		payload = append(payload, i.payload...)
	}
	return payload, true
}

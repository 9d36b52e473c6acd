package badgerdb

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/sustainy/coop/event"
)

// A page is a frame that holds several events: for each its size (4 bytes) and its envelope. What one
// Append brings is cut into pages, so a page belongs to one Append. Badger's work is by the entry, and
// this makes one entry of about a hundred events.

// pageSize is how much a page holds, unless it holds one event that is larger. A page is read and
// hashed as a whole even if one event of it is wanted.
const pageSize = 32 << 10

// fitting is how many events the next page takes, and their size in it.
func fitting(events []*event.Event) (count, size int) {
	for count < len(events) {
		with := size + 4 + len(events[count].Raw)
		if count > 0 && with > pageSize {
			break
		}
		count, size = count+1, with
	}
	return count, size
}

// newPage is the frame of a page, and the ids of its events. The item gets its count, payload and
// digest.
func newPage(i *item, events []*event.Event, size int) (frame []byte, ids []event.ID) {
	ids, frame = make([]event.ID, 0, len(events)), blank(size)
	for _, e := range events {
		frame = binary.BigEndian.AppendUint32(frame, uint32(len(e.Raw)))
		frame = append(frame, e.Raw...)
		ids = append(ids, e.ID)
	}
	i.count = uint16(len(events))
	return i.seal(frame), ids
}

// split cuts a page into its envelopes, which are parts of the payload. False when the payload is no
// page.
func (i *item) split() ([][]byte, bool) {
	rest := i.payload
	raws := make([][]byte, 0, i.count)
	for range i.count {
		if len(rest) < 4 {
			return nil, false
		}
		size := uint64(binary.BigEndian.Uint32(rest))
		rest = rest[4:]
		if size > uint64(len(rest)) {
			return nil, false
		}
		raws, rest = append(raws, rest[:size:size]), rest[size:]
	}
	return raws, len(rest) == 0 && i.count > 0
}

// envelope is the size of the envelope that b seems to begin with: an array of the core, a byte
// string of up to event.MaxCore bytes, and a signature of 64. Whether it is one, event.Open tells.
func envelope(b []byte) (size int, ok bool) {
	signature := []byte{0x58, 64}
	if len(b) < 4 || b[0] != 0x82 || b[1]>>5 != 2 {
		return 0, false
	}
	at, core := 2, int(b[1]&31)
	switch core {
	case 24, 25, 26:
		width := 1 << (core - 24)
		if len(b) < at+width {
			return 0, false
		}
		core = 0
		for _, digit := range b[at : at+width] {
			core = core<<8 | int(digit)
		}
		at += width
	case 27, 28, 29, 30, 31:
		return 0, false
	}
	end := at + core
	if core > event.MaxCore || len(b) < end+2+64 || !bytes.Equal(b[end:end+2], signature) {
		return 0, false
	}
	return end + 2 + 64, true
}

// recent holds some pages that were read and verified: whoever asks for an event mostly asks for its
// neighbours next.
type recent struct {
	lock  sync.Mutex
	pages [16]struct {
		first uint64
		raws  [][]byte // nobody changes them
	}
	next int
}

func (r *recent) get(first uint64) [][]byte {
	r.lock.Lock()
	defer r.lock.Unlock()
	for i := range r.pages {
		if p := &r.pages[i]; p.raws != nil && p.first == first {
			return p.raws
		}
	}
	return nil
}

func (r *recent) put(first uint64, raws [][]byte) {
	r.lock.Lock()
	defer r.lock.Unlock()
	p := &r.pages[r.next]
	p.first, p.raws = first, raws
	r.next = (r.next + 1) % len(r.pages)
}

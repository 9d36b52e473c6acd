package p2p

import (
	"bufio"
	"errors"
	"io"

	"github.com/multiformats/go-varint"
)

// Reasons to end a stream, all the peer's doing.
var (
	errOversize = errors.New("the peer sent a frame larger than the limit")
	errPrefix   = errors.New("the peer sent a frame whose length is no minimal varint")
	errEmpty    = errors.New("the peer sent an empty frame")
)

// growth bounds what a promise of bytes makes us set aside before the bytes are there.
const growth = 64 << 10

// frameReader takes frames from a stream. pace is called with the length of a frame before its
// bytes are read and may wait; due is called when the rest of a begun frame must be waited for
// (true) and when it has come (false), to set and clear a deadline.
type frameReader struct {
	r    *bufio.Reader
	pace func(size int) error
	due  func(bool) error
}

// next returns a fresh slice with one frame of 1..limit bytes. io.EOF means that the stream ended
// between frames.
func (f *frameReader) next(limit int) ([]byte, error) {
	// A quiet stream is no offence: only what has begun must be completed in time.
	first, err := f.r.Peek(1)
	if err != nil {
		return nil, err
	}
	waiting := first[0] >= 0x80 && f.r.Buffered() < varint.MaxLenUvarint63
	if waiting {
		if err := f.due(true); err != nil {
			return nil, err
		}
	}
	size, err := varint.ReadUvarint(f.r)
	switch {
	case errors.Is(err, varint.ErrOverflow), errors.Is(err, varint.ErrNotMinimal):
		return nil, errPrefix
	case err != nil:
		return nil, err
	case size == 0:
		return nil, errEmpty
	case size > uint64(limit):
		return nil, errOversize
	}
	if err := f.pace(int(size)); err != nil {
		return nil, err
	}
	if !waiting && f.r.Buffered() < int(size) {
		waiting = true
	}
	if waiting {
		if err := f.due(true); err != nil {
			return nil, err
		}
	}
	frame, err := f.body(int(size))
	if err != nil {
		return nil, err
	}
	if waiting {
		err = f.due(false)
	}
	return frame, err
}

// body reads size bytes, setting aside memory only as they come.
func (f *frameReader) body(size int) ([]byte, error) {
	frame := make([]byte, min(size, growth))
	for have := 0; ; {
		n, err := io.ReadFull(f.r, frame[have:])
		have += n
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		if have == size {
			return frame, nil
		}
		larger := make([]byte, min(size, 4*have))
		copy(larger, frame)
		frame = larger
	}
}

// appendPrefix appends the length of a frame.
func appendPrefix(b []byte, size int) []byte {
	return append(b, varint.ToUvarint(uint64(size))...)
}

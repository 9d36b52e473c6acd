package coop

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"lukechampine.com/blake3"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/table"
)

// Bounds on a snapshot that is read.
const (
	MaxSnapshot = 1 << 30 // bytes
	maxRecord   = 1 << 24 // bytes of a key or a record
)

// ErrSnapshot refuses what is no snapshot.
var ErrSnapshot = errors.New("this is no snapshot of a cooperative's state in its one spelling")

// magic begins every snapshot.
const magic = "coop/state/1\x00"

// room is one room's part of the state.
type room struct {
	name   string
	facts  any // by reference
	tables []table.Named
}

func (s *State) rooms(f *governance.Frozen) []room {
	return []room{
		{"hall", &s.Hall.Facts, append(s.Hall.Tables(), f.Tables()...)},
		{"ledger", &s.Ledger.Facts, s.Ledger.Tables()},
		{"missions", &s.Missions.Facts, s.Missions.Tables()},
		{"shop", &s.Shop.Facts, s.Shop.Tables()},
		{"surplus", &s.Surplus.Facts, s.Surplus.Tables()},
	}
}

// WriteSnapshot writes a state in its one spelling: "coop/state/1", a zero byte, and each room in a fixed
// order: its name with its facts, and each of its tables with its rows in key order, keys and records in turn.
// A name stands behind its length (1 byte) and before its number of rows (8 bytes, big-endian); facts, keys and
// records are canonical CBOR behind their lengths (4 bytes, big-endian). Equal states are written alike, whatever
// way they came about.
//
// Words that only explain, such as why a decision could not be carried out, are not written, so that they can
// be improved; nor is what explains counts that are over, see governance.Frozen.
func WriteSnapshot(w io.Writer, s *State) error {
	f := s.Hall.Frozen()
	return write(w, s, &f)
}

func write(w io.Writer, s *State, f *governance.Frozen) error {
	out := bufio.NewWriterSize(w, 64<<10) // it keeps its first error
	var one bytes.Buffer
	_, _ = out.WriteString(magic)
	for _, room := range s.rooms(f) {
		begin(out, room.name, 1)
		record(out, &one, room.facts)
		for _, t := range room.tables {
			begin(out, t.Name, t.Len())
			for key, value := range t.Each() {
				record(out, &one, key)
				record(out, &one, value)
			}
		}
	}
	return out.Flush()
}

func begin(out *bufio.Writer, name string, rows int) {
	_ = out.WriteByte(byte(len(name)))
	_, _ = out.WriteString(name)
	_, _ = out.Write(binary.BigEndian.AppendUint64(out.AvailableBuffer(), uint64(rows)))
}

func record(out *bufio.Writer, one *bytes.Buffer, v any) {
	one.Reset()
	if err := event.MarshalTo(one, v); err != nil || one.Len() > maxRecord {
		panic(fmt.Sprintf("coop: invariant: every record has a canonical form of at most %d bytes: %T: %v", maxRecord, v, err))
	}
	_, _ = out.Write(binary.BigEndian.AppendUint32(out.AvailableBuffer(), uint32(one.Len())))
	_, _ = out.Write(one.Bytes())
}

// ReadSnapshot reads a state. The state goes on as the one that was written: the same events have the same
// effect on both, and both have the same root. It refuses everything but the one spelling of a state with
// errors that wrap ErrSnapshot; whether the state is that of a cooperative only its root can tell.
func ReadSnapshot(r io.Reader) (*State, error) {
	h := blake3.New(32, nil)
	in := &reading{r: bufio.NewReaderSize(io.TeeReader(io.LimitReader(r, MaxSnapshot), h), 64<<10)}
	s, f := &State{}, &governance.Frozen{}
	if err := in.state(s, f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if _, err := in.r.ReadByte(); err != io.EOF {
		return nil, fmt.Errorf("%w: something follows behind its end", ErrSnapshot)
	}
	if err := s.Hall.Thaw(f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if Root(s) != [32]byte(h.Sum(nil)) { // as with events: what was read is written again and compared
		return nil, fmt.Errorf("%w: it would be written otherwise", ErrSnapshot)
	}
	return s, nil
}

// reading is a snapshot that is being read.
type reading struct {
	r      *bufio.Reader
	buffer []byte
}

func (in *reading) state(s *State, f *governance.Frozen) error {
	if err := in.expect(magic); err != nil {
		return err
	}
	for _, room := range s.rooms(f) {
		if n, err := in.begin(room.name); err != nil || n != 1 {
			return errors.Join(err, fmt.Errorf("%d facts of %s", n, room.name))
		}
		if err := in.record(room.facts); err != nil {
			return fmt.Errorf("%s: %w", room.name, err)
		}
		for _, t := range room.tables {
			n, err := in.begin(t.Name)
			for ; err == nil && n > 0; n-- {
				err = t.Append(in.record)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
	}
	return nil
}

func (in *reading) begin(name string) (rows uint64, err error) {
	if err := in.expect(string(byte(len(name))) + name); err != nil {
		return 0, err
	}
	b, err := in.take(8)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(b), nil
}

func (in *reading) expect(text string) error {
	b, err := in.take(len(text))
	if err == nil && string(b) != text {
		err = fmt.Errorf("%q stands where %q should", b, text)
	}
	return err
}

func (in *reading) record(into any) error {
	b, err := in.take(4)
	if err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(b)
	if n > maxRecord {
		return fmt.Errorf("a record of %d bytes", n)
	}
	if b, err = in.take(int(n)); err != nil {
		return err
	}
	return event.Unmarshal(b, into)
}

// take reads n bytes, which stand until the next call. A length that lies costs no more memory than twice what
// has come.
func (in *reading) take(n int) ([]byte, error) {
	in.buffer = in.buffer[:0]
	for len(in.buffer) < n {
		at := len(in.buffer)
		step := min(n-at, max(4<<10, at))
		in.buffer = append(in.buffer, make([]byte, step)...)
		if _, err := io.ReadFull(in.r, in.buffer[at:]); err != nil {
			return nil, fmt.Errorf("it ends too early: %w", err)
		}
	}
	return in.buffer, nil
}

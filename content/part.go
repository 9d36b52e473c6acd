package content

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"lukechampine.com/blake3/bao"
)

// Part is a file that is being fetched.
type Part struct {
	store *Store
	id    ID
	size  uint64 // 0 until it is proven
	have  uint64
	file  *os.File
}

// Part begins to fetch a file, or goes on where an earlier one stopped.
func (s *Store) Part(id ID) (*Part, error) {
	file, err := os.OpenFile(s.path(id, partEnding), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot keep what is fetched: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot keep what is fetched: %w", err)
	}
	// Whole pieces were synced; of the last one a crash may have kept a part.
	return &Part{store: s, id: id, have: uint64(info.Size()) / Piece * Piece, file: file}, nil
}

// Size is how large the file is; 0 if that is not proven yet.
func (p *Part) Size() uint64 { return p.size }

// Have is how much of it is here, and where the next piece begins.
func (p *Part) Have() uint64 { return p.have }

// Measure takes the proof of the file's size (Last). What claims another size is refused with ErrProof.
func (p *Part) Measure(proof []byte) error {
	if len(proof) < 8 {
		return ErrProof
	}
	size := binary.LittleEndian.Uint64(proof)
	if size > MaxFile {
		return ErrLarge
	}
	if size == 0 {
		return ErrProof
	}
	if _, sound := bao.VerifySlice(proof, group, size-1, 1, p.id); !sound {
		return ErrProof
	}
	p.size = size
	p.have = min(p.have, (size-1)/Piece*Piece) // a part that is longer than the file holds something else
	return nil
}

// Put takes the next piece with its proof. What is not of the file is refused with ErrProof, and changes
// nothing.
func (p *Part) Put(proof []byte) error {
	if p.size == 0 || p.have >= p.size {
		return ErrRange
	}
	if len(proof) < 8 || binary.LittleEndian.Uint64(proof) != p.size {
		return ErrProof
	}
	piece, sound := bao.VerifySlice(proof, group, p.have, min(Piece, p.size-p.have), p.id)
	if !sound {
		return ErrProof
	}
	if _, err := p.file.WriteAt(piece, int64(p.have)); err != nil {
		return fmt.Errorf("cannot keep what is fetched: %w", err)
	}
	if err := p.file.Sync(); err != nil {
		return fmt.Errorf("cannot keep what is fetched: %w", err)
	}
	p.have += uint64(len(piece))
	return nil
}

// Finish makes a whole file of a part that has all its pieces. If the disk changed what was kept, it is deleted,
// so that fetching begins anew: ErrDamaged.
func (p *Part) Finish() (File, error) {
	if p.size == 0 || p.have != p.size {
		return File{}, ErrRange
	}
	if err := errors.Join(p.file.Truncate(int64(p.size)), p.file.Sync(), p.file.Close()); err != nil {
		return File{}, fmt.Errorf("cannot keep what is fetched: %w", err)
	}
	f, err := p.store.settle(p.file.Name(), &p.id)
	if errors.Is(err, ErrDamaged) {
		err = errors.Join(err, os.Remove(p.file.Name()))
	}
	return f, err
}

// Close ends fetching. What is here stays, and Part goes on from there.
func (p *Part) Close() error {
	if err := p.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("cannot keep what is fetched: %w", err)
	}
	return nil
}

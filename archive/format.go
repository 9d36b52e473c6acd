package archive

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/sustainy/coop/event"
)

// Bounds on a file. Sizes are in bytes.
const (
	MaxEvents  = 1 << 24
	MaxRounds  = 1 << 24
	maxPage    = 4096    // links in one page
	maxBlock   = 1 << 20 // one block: the manifest with its links to all pages is the largest
	maxHeader  = 4096    // the CAR header
	maxNote    = 256     // the program that wrote it
	verifySize = 2048    // events verified together
)

// Why a file is not accepted.
var (
	ErrNoArchive  = errors.New("this is no archive of a cooperative: expected a CAR file that coop export wrote")
	ErrVersion    = errors.New("this archive was written by a newer coop: update coop to read it")
	ErrDamaged    = errors.New("this archive is damaged: a block does not fit its hash")
	ErrTruncated  = errors.New("this archive ends too early: a part of it is missing")
	ErrReordered  = errors.New("this archive is not in its order: a block stands where another should")
	ErrExtended   = errors.New("this archive goes on after its end: something was added")
	ErrBounds     = errors.New("this archive claims more than an archive can hold")
	ErrIncomplete = errors.New("this archive lacks something that its events or rounds build on")
	ErrInvalid    = errors.New("this archive holds something that is not valid")
	ErrRefounded  = errors.New("the members went on without their stewards here (a re-founding), and whether so many of them agreed only the whole archive tells: give an invite link that was made since then (--link), or ask for a whole export and verify that")
	ErrClaim      = errors.New("this archive claims another result than its own events give")
)

const version = 1

// Manifest is the root of an archive: what is in it, and what its writer says comes of it.
type Manifest struct {
	Version uint64     `cbor:"version"`
	Coop    []byte     `cbor:"coop"` // id of the founding event
	Events  uint64     `cbor:"events"`
	Rounds  uint64     `cbor:"rounds"`
	Pages   []event.ID `cbor:"pages"` // first those of the events, then those of the round blocks
	Commits uint64     `cbor:"commits"`
	Time    event.Time `cbor:"time"` // coop time of the last commit
	Root    []byte     `cbor:"root"` // state root after it
	Writer  string     `cbor:"writer"`
}

// check bounds what a manifest may claim.
func (m *Manifest) check() error {
	pages := pagesFor(m.Events) + pagesFor(m.Rounds)
	switch {
	case m.Version > version:
		return ErrVersion
	case m.Version != version || len(m.Coop) != 32 || len(m.Root) != 32 || len(m.Writer) > maxNote:
		return ErrNoArchive
	case m.Events > MaxEvents || m.Rounds > MaxRounds || uint64(len(m.Pages)) != pages:
		return ErrBounds
	}
	return nil
}

func pagesFor(n uint64) uint64 { return (n + maxPage - 1) / maxPage }

// name is the name of a block: the CID of its bytes, whatever they are.
func name(block []byte) event.ID { return sha256.Sum256(block) }

// paginate cuts links into pages.
func paginate(links []event.ID) (pages [][]byte, err error) {
	for from := 0; from < len(links); from += maxPage {
		page, err := event.Marshal(links[from:min(from+maxPage, len(links))])
		if err != nil {
			return nil, fmt.Errorf("cannot write a page: %w", err)
		}
		pages = append(pages, page)
	}
	return pages, nil
}

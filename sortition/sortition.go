// Package sortition draws juries by lot, so that anybody can draw again and find the same people.
//
// Its one idea: everybody gets a ticket, SHA-256 of the seed, the purpose and the candidate, and the lowest
// tickets win. Nobody's ticket depends on who else is a candidate, so striking somebody moves nobody but
// the next in line, and a juror who declines is replaced by the next reserve: the very jury that a new draw
// without that juror would give. Nothing is rejected and nothing divided with a remainder, so with a seed
// that nobody foresees all candidates of a class are equally likely, and so are all juries.
//
// A draw is as fair as its seed is late: who could bias it, and how far, stands at Draw.
//
// Sources: Carson and Martin, "Random Selection in Politics" (Praeger 1999), on why; RFC 3797, "Publicly
// Verifiable Nominations Committee (NomCom) Random Selection" (2004), on freezing the pool and the source
// of the seed before the draw (its algorithm, remainders over a shrinking list, is another one); Gilad,
// Hemo, Micali, Vlachos and Zeldovich, "Algorand: Scaling Byzantine Agreements for Cryptocurrencies" (SOSP
// 2017) §5, on sortition by hash and on who can bias its seed.
//
// The package knows no members, missions or conflicts, only 32-byte names and classes of them.
package sortition

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// Bounds on a draw.
const (
	MaxCandidates = 1 << 20 // candidates, and those excluded
	MaxClasses    = 64      // classes that have seats of their own
	MaxPurpose    = 256     // bytes
)

// Why a draw is refused.
var (
	ErrPurpose    = errors.New("the draw must say what it is for in 1 to 256 bytes, so that two draws from one seed differ")
	ErrCandidates = errors.New("a draw has at most 2^20 candidates, ascending, each once")
	ErrExcluded   = errors.New("those excluded from a draw must stand in ascending order, each once, at most 2^20")
	ErrClasses    = errors.New("a draw has seats for 1 to 64 classes, and either all candidates have one of these or none has")
	ErrSeats      = errors.New("a draw needs at least one seat and no negative number of seats or reserves")
	ErrTooFew     = errors.New("there are fewer candidates without a conflict than seats: ask more members to stand, or have fewer seats")
)

// Why a jury is not what was drawn, or can't be completed.
var (
	ErrTicket    = errors.New("the ticket is not the hash of the seed, the purpose and the candidate")
	ErrNotDrawn  = errors.New("this is not whom the lot has drawn")
	ErrNoReserve = errors.New("no reserve is left for the juror's seat: a new draw is needed")
)

// ID is the name of a candidate, such as the key of a member.
type ID [32]byte

// Compare orders names by their bytes.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// Draw is all that decides who is drawn.
//
// First everything in it but the seed is frozen, the exclusions too: who may add candidates or conflicts
// once the seed is known chooses the jury. Then the seed comes about, by a rule that was frozen as well.
//
// If by that rule it is the id of the first anchor after the freeze, the leader who composes that anchor
// can bias it. It can withhold the anchor, for one more draw that it can't foresee. Worse, it can compose
// many blocks in the time it has and publish the one it likes best. With t tries an outcome of chance p
// gets a chance of 1-(1-p)^t, which is at most t times p, and t is bounded by nothing but how fast it
// computes: millions a second, divided by the candidates whose tickets matter to it.
//
// Against that the seed should Mix in, after the anchor, secrets to which several people committed before
// the freeze and which they reveal after the anchor. As long as one of them keeps the secret until then,
// the leader doesn't know what it chooses between; and k of them who collude can only reveal or withhold,
// at most 2^k tries, and everybody sees who withheld. An event outside that was named before the freeze,
// such as a public lottery, does the same without them.
type Draw struct {
	Seed       [32]byte // known to nobody before the rest is frozen
	Purpose    string   // what the jury is for, such as "award" and the id of a mission
	Candidates []ID     // ascending, each once
	Classes    []int    // of each candidate; nil puts all into class 0
	Excluded   []ID     // who has a conflict: ascending, each once; who is no candidate does no harm
	Seats      []int    // of each class
	Reserves   int      // how many each class with seats has at most, to replace its jurors
}

// Juror is one who was drawn, with the proof.
type Juror struct {
	ID     ID
	Class  int
	Ticket [32]byte
}

// Jury is what was drawn, each part in the order of the tickets. A juror is replaced by the first reserve
// of the same class.
type Jury struct {
	Jurors   []Juror
	Reserves []Juror
}

// Ticket is a candidate's lot: SHA-256 of the seed, the purpose and the candidate, one after the other. The
// first has 32 bytes and the last too, so no two triples look the same.
func Ticket(seed [32]byte, purpose string, candidate ID) [32]byte {
	return sha256.Sum256(slices.Concat(seed[:], []byte(purpose), candidate[:]))
}

// Mix makes one seed of several parts in the order in which the rule of the draw lists them: SHA-256 of
// all, one after the other. As long as one part is unknown until the others are fixed, so is the seed.
func Mix(parts ...[32]byte) [32]byte {
	var all []byte
	for _, part := range parts {
		all = append(all, part[:]...)
	}
	return sha256.Sum256(all)
}

// Check tells why there can be no such draw: ErrPurpose, ErrCandidates, ErrExcluded, ErrClasses or
// ErrSeats.
func (d *Draw) Check() error {
	if d.Purpose == "" || len(d.Purpose) > MaxPurpose {
		return fmt.Errorf("%w: %d bytes", ErrPurpose, len(d.Purpose))
	}
	if !ascending(d.Candidates) {
		return fmt.Errorf("%w: %d given", ErrCandidates, len(d.Candidates))
	}
	if !ascending(d.Excluded) {
		return fmt.Errorf("%w: %d given", ErrExcluded, len(d.Excluded))
	}
	if len(d.Seats) < 1 || len(d.Seats) > MaxClasses {
		return fmt.Errorf("%w: %d classes", ErrClasses, len(d.Seats))
	}
	if d.Classes != nil && len(d.Classes) != len(d.Candidates) {
		return fmt.Errorf("%w: %d candidates, of %d the class is known", ErrClasses, len(d.Candidates), len(d.Classes))
	}
	for i, class := range d.Classes {
		if class < 0 || class >= len(d.Seats) {
			return fmt.Errorf("%w: candidate %d has class %d of %d", ErrClasses, i, class, len(d.Seats))
		}
	}
	if d.Reserves < 0 || slices.Min(d.Seats) < 0 || slices.Max(d.Seats) == 0 {
		return fmt.Errorf("%w: seats %d, reserves %d", ErrSeats, d.Seats, d.Reserves)
	}
	return nil
}

// ascending tells whether names are few enough, ascending and each there once.
func ascending(names []ID) bool {
	for i := 1; i < len(names); i++ {
		if names[i-1].Compare(names[i]) >= 0 {
			return false
		}
	}
	return len(names) <= MaxCandidates
}

// Jury draws. Of each class it seats those with the lowest tickets who are not excluded, as many as the
// class has seats, and the next ones are its reserves. It returns ErrTooFew if a class has fewer, and
// the errors of Check. It hashes once for each candidate.
func (d *Draw) Jury() (Jury, error) {
	var jury Jury
	if err := d.Check(); err != nil {
		return jury, err
	}
	for class, lots := range d.lots() {
		seats := d.Seats[class]
		if len(lots) < seats {
			return Jury{}, fmt.Errorf("%w: class %d has %d candidates for %d seats", ErrTooFew, class, len(lots), seats)
		}
		jury.Jurors = append(jury.Jurors, lots[:seats]...)
		jury.Reserves = append(jury.Reserves, lots[seats:]...)
	}
	slices.SortFunc(jury.Jurors, compare)
	slices.SortFunc(jury.Reserves, compare)
	return jury, nil
}

// lots is, for each class, those with the lowest tickets, as many as the class has seats and reserves, in
// order.
func (d *Draw) lots() [][]Juror {
	lots := make([][]Juror, len(d.Seats))
	bars := make([]*Juror, len(d.Seats)) // of each class: the highest that was left when some had to go
	excluded := d.Excluded
	text := slices.Concat(d.Seed[:], []byte(d.Purpose), make([]byte, len(ID{})))
	for i, id := range d.Candidates {
		for len(excluded) > 0 && excluded[0].Compare(id) < 0 {
			excluded = excluded[1:]
		}
		if len(excluded) > 0 && excluded[0] == id {
			continue
		}
		lot := Juror{ID: id}
		if d.Classes != nil {
			lot.Class = d.Classes[i]
		}
		copy(text[len(text)-len(id):], id[:])
		lot.Ticket = sha256.Sum256(text)
		// Whenever twice as many of a class have come together as can be drawn, the highest go, and
		// others as high no longer come in: a draw of few from many sorts little and holds little.
		class, most := lot.Class, d.most(lot.Class)
		if bar := bars[class]; most == 0 || bar != nil && compare(lot, *bar) > 0 {
			continue
		}
		lots[class] = append(lots[class], lot)
		if len(lots[class]) == 2*most {
			lots[class] = lowest(lots[class], most)
			bar := lots[class][most-1]
			bars[class] = &bar
		}
	}
	for class := range lots {
		lots[class] = lowest(lots[class], d.most(class))
	}
	return lots
}

// most is how many of a class can be drawn.
func (d *Draw) most(class int) int {
	if d.Seats[class] == 0 {
		return 0
	}
	return min(d.Seats[class], len(d.Candidates)) + min(d.Reserves, len(d.Candidates))
}

// lowest sorts lots and keeps so many of the lowest tickets.
func lowest(lots []Juror, most int) []Juror {
	slices.SortFunc(lots, compare)
	return lots[:min(most, len(lots))]
}

// compare puts lower tickets first; of equal ones, which nobody can make, the lower name.
func compare(a, b Juror) int {
	return cmp.Or(bytes.Compare(a.Ticket[:], b.Ticket[:]), a.ID.Compare(b.ID))
}

// Replace returns the jury without one who declines, or whose conflict comes to light later. A juror's
// seat goes to the first reserve of the same class, who takes the place of its ticket among the jurors; a
// reserve just leaves. In whatever order several leave, who is left is whom a draw with them excluded
// would have seated. It returns ErrNotDrawn for somebody who is neither, and ErrNoReserve.
func (j Jury) Replace(who ID) (Jury, error) {
	is := func(m Juror) bool { return m.ID == who }
	left := Jury{slices.Clone(j.Jurors), slices.Clone(j.Reserves)}
	if at := slices.IndexFunc(left.Reserves, is); at >= 0 {
		left.Reserves = slices.Delete(left.Reserves, at, at+1)
		return left, nil
	}
	at := slices.IndexFunc(left.Jurors, is)
	if at < 0 {
		return Jury{}, fmt.Errorf("%w: %x is neither juror nor reserve", ErrNotDrawn, who)
	}
	class := left.Jurors[at].Class
	next := slices.IndexFunc(left.Reserves, func(m Juror) bool { return m.Class == class })
	if next < 0 {
		return Jury{}, fmt.Errorf("%w: %x", ErrNoReserve, who)
	}
	left.Jurors[at] = left.Reserves[next]
	left.Reserves = slices.Delete(left.Reserves, next, next+1)
	slices.SortFunc(left.Jurors, compare)
	return left, nil
}

// Verify draws again, replaces those who declined, and compares. It returns ErrTicket or ErrNotDrawn with
// the first that differs, and the errors of Draw.Jury and Replace.
func Verify(d *Draw, declined []ID, jury Jury) error {
	want, err := d.Jury()
	if err != nil {
		return err
	}
	for _, who := range declined {
		if want, err = want.Replace(who); err != nil {
			return err
		}
	}
	if err := same("juror", jury.Jurors, want.Jurors, d); err != nil {
		return err
	}
	return same("reserve", jury.Reserves, want.Reserves, d)
}

func same(name string, got, want []Juror, d *Draw) error {
	for i, g := range got {
		if g.Ticket != Ticket(d.Seed, d.Purpose, g.ID) {
			return fmt.Errorf("%w: %s %d, %x", ErrTicket, name, i+1, g.ID)
		}
		if i >= len(want) || g != want[i] {
			return fmt.Errorf("%w: %s %d, %x", ErrNotDrawn, name, i+1, g.ID)
		}
	}
	if len(got) < len(want) {
		return fmt.Errorf("%w: %s %d, %x, is missing", ErrNotDrawn, name, len(got)+1, want[len(got)].ID)
	}
	return nil
}

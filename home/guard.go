package home

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Mark is the highest that a device signed in one cooperative.
type Mark struct {
	Events uint64 // own events: the next one has this number
	Epoch  uint64
	Round  uint64 // highest round block signed in that epoch
}

// covers tells whether m is as high as other or higher in every respect.
func (m Mark) covers(other Mark) bool {
	return m.Events >= other.Events &&
		(m.Epoch > other.Epoch || m.Epoch == other.Epoch && m.Round >= other.Round)
}

// ErrBehind answers a mark lower than one before: what was signed is missing from the store.
var ErrBehind = errors.New("this computer once signed more than its data shows, so the data is older than the key's last use: an older backup was restored, or writes were lost")

// Guard keeps one device key from signing a number twice in one cooperative. Whoever signs makes
// the signed thing durable first, then calls Mark, then sends: a process that ends anywhere between
// loses nothing and contradicts nothing. A Guard belongs to one goroutine.
type Guard struct {
	file     *os.File
	kept     record
	observer *Problem
}

// Marks is the highest that was ever signed, as far as the guard knows.
func (g *Guard) Marks() Mark { return g.kept.mark() }

// Observer tells why this device must not sign here, nil if it may. It is settled when the guard is
// opened, and by a Mark that fails.
func (g *Guard) Observer() *Problem { return g.observer }

// Mark raises the marks; they last when it returns. It refuses to lower one (an error that wraps
// ErrBehind) and refuses everything to an observer. The peer signs nothing more after an error.
func (g *Guard) Mark(m Mark) error {
	if g.observer != nil {
		return g.observer
	}
	old := g.kept.mark()
	if m == old {
		return nil
	}
	if !m.covers(old) {
		g.observer = behind(g.kept.Coop, old, m)
		return g.observer
	}
	next := g.kept
	next.Events, next.Epoch, next.Round = m.Events, m.Epoch, m.Round
	next.Writes++
	if err := writeRecord(g.file, next); err != nil {
		g.observer = disk("write the signing guard "+g.file.Name(), err)
		return g.observer
	}
	g.kept = next
	return nil
}

// Silence ends signing with this key in this cooperative for good, and remembers why: somebody else
// holds the key. No later Rebind undoes it.
func (g *Guard) Silence(why string) error {
	if g.observer != nil && g.file == nil {
		return g.observer
	}
	next := g.kept
	next.Silenced = strings.ToValidUTF8(why[:min(len(why), maxSilenced)], "")
	next.Writes++
	g.observer = silenced(next.Silenced)
	if err := writeRecord(g.file, next); err != nil {
		return disk("write the signing guard "+g.file.Name(), err)
	}
	g.kept = next
	return nil
}

// Close gives the file back.
func (g *Guard) Close() error {
	if g.file == nil {
		return nil
	}
	return g.file.Close()
}

// OpenGuard opens the guard of one cooperative, or makes it together with the cooperative's
// instance file when neither exists. The zero id stands for the device itself: its guard is made
// with the key and never raised, it only tells copies of a home from the home. A guard that
// doesn't fit is no error: it is opened as one that refuses every mark, and Observer tells why.
// Errors are faults of the disk.
func OpenGuard(p Paths, coop event.ID, key identity.PublicKey) (*Guard, error) {
	path, instance := p.GuardFile(coop), p.InstanceFile(coop)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newGuard(path, instance, coop, key)
	case err != nil:
		return nil, disk("open the signing guard "+path, err)
	}
	g, err := judge(file, instance, coop, key)
	if err != nil {
		file.Close()
		return nil, err
	}
	return g, nil
}

// newGuard makes guard, then instance file, then binds one to the other. A process that ends
// between leaves a guard that has never allowed anything, which judge completes.
func newGuard(path, instance string, coop event.ID, key identity.PublicKey) (*Guard, error) {
	if _, err := os.Lstat(instance); err == nil {
		return &Guard{observer: missing(path)}, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, disk("look at "+instance, err)
	}
	var name [16]byte
	if _, err := rand.Read(name[:]); err != nil {
		return nil, disk("read random bytes", err)
	}
	r := record{Coop: coop, Key: key[:], Instance: name[:]}
	if err := createRecord(path, r); err != nil {
		return nil, disk("make the signing guard "+path, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, disk("open the signing guard "+path, err)
	}
	g, err := judge(file, instance, coop, key)
	if err != nil {
		file.Close()
		return nil, err
	}
	return g, nil
}

// judge compares a guard with itself, with whom it should be for, and with the data directory.
func judge(file *os.File, instance string, coop event.ID, key identity.PublicKey) (*Guard, error) {
	r, err := readRecord(file)
	if errors.Is(err, errDamaged) {
		return &Guard{file: file, observer: damaged(file.Name())}, nil
	}
	if err != nil {
		return nil, disk("read the signing guard "+file.Name(), err)
	}
	g := &Guard{file: file, kept: r}
	here, err := placeOf(file)
	switch {
	case err != nil:
		return nil, disk("look at the signing guard "+file.Name(), err)
	case r.Coop != coop || identity.PublicKey(r.Key) != key:
		g.observer = foreign(file.Name())
		return g, nil
	case r.Silenced != "":
		g.observer = silenced(r.Silenced)
		return g, nil
	case !here.same(r.Self):
		g.observer = copied("the file that guards the key was made at another place than where it lies now")
		return g, nil
	}
	if r.Data.isZero() && r.mark() == (Mark{}) {
		return g, bind(g, instance)
	}
	name, there, err := readInstance(instance)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		g.observer = copied("the data directory that belongs to this key is gone, and what lies there now is another")
	case err != nil:
		return nil, disk("read "+instance, err)
	case name != hex.EncodeToString(r.Instance):
		g.observer = copied("the data directory is not the one this key was used with")
	case !there.same(r.Data):
		g.observer = copied("the data directory was copied or restored since this key was last used")
	}
	return g, nil
}

// bind makes the instance file that a fresh guard names, and writes its place into the guard.
func bind(g *Guard, instance string) error {
	want := hex.EncodeToString(g.kept.Instance)
	name, there, err := readInstance(instance)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeNew(instance, []byte(want+"\n")); err != nil {
			return disk("write "+instance, err)
		}
		name, there, err = readInstance(instance)
	}
	if err != nil {
		return disk("read "+instance, err)
	}
	if name != want {
		g.observer = copied("the data directory is not the one this key was used with")
		return nil
	}
	next := g.kept
	next.Data = there
	next.Writes++
	if err := writeRecord(g.file, next); err != nil {
		return disk("write the signing guard "+g.file.Name(), err)
	}
	g.kept = next
	return nil
}

func readInstance(path string) (name string, at place, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", place{}, err
	}
	defer f.Close()
	var b [64]byte
	n, err := f.Read(b[:])
	if n == 0 && err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", place{}, fmt.Errorf("%s is empty: %w", filepath.Base(path), err)
	}
	at, err = placeOf(f)
	return strings.TrimSpace(string(b[:n])), at, err
}

// Rebind declares this copy of the home to be the one that signs, on the word of its owner that no
// other will ever sign again. It keeps the highest marks it can read, so a store that lacks what was
// signed stays an observer's. It makes a guard where none is left.
func Rebind(p Paths, coop event.ID, key identity.PublicKey) error {
	path, instance := p.GuardFile(coop), p.InstanceFile(coop)
	var name [16]byte
	if _, err := rand.Read(name[:]); err != nil {
		return disk("read random bytes", err)
	}
	r := record{Coop: coop, Key: key[:], Instance: name[:]}
	if file, err := os.Open(path); err == nil {
		old, err := readRecord(file)
		file.Close()
		if err == nil && old.Coop == coop && identity.PublicKey(old.Key) == key {
			r.Writes, r.Events, r.Epoch, r.Round, r.Silenced = old.Writes, old.Events, old.Epoch, old.Round, old.Silenced
		}
	}
	if err := writeNew(instance, []byte(hex.EncodeToString(name[:])+"\n")); err != nil {
		return disk("write "+instance, err)
	}
	_, there, err := readInstance(instance)
	if err != nil {
		return disk("read "+instance, err)
	}
	r.Data = there
	if err := createRecord(path, r); err != nil {
		return disk("make the signing guard "+path, err)
	}
	return nil
}

// renewing is the way out that is always safe.
const renewing = "coop down; coop device new"

// rebinding is the way out of all that a copy can bring about.
const rebinding = "if every other copy of this key is gone for good: coop down; coop repo rebind --other-copies-are-gone; " +
	"otherwise give this computer a key of its own: " + renewing

const observing = "This computer now reads and relays, but signs nothing"

func copied(why string) *Problem {
	return &Problem{Code: CodeObserver, What: "this home looks copied or restored. " + observing,
		Why:  why + "; two computers that sign with one key would contradict each other, and the cooperative would suspend the key",
		Next: rebinding}
}

func missing(path string) *Problem {
	return &Problem{Code: CodeObserver, What: "the signing guard is gone. " + observing,
		Why:  path + " is missing, so nobody knows what this key has signed already",
		Next: rebinding}
}

func damaged(path string) *Problem {
	return &Problem{Code: CodeObserver, What: "the signing guard is damaged. " + observing,
		Why:  "both copies inside " + path + " fail their checksum, so nobody knows what this key has signed already",
		Next: rebinding}
}

func silenced(why string) *Problem {
	return &Problem{Code: CodeObserver, What: "this key signs no more in this cooperative. " + observing, Why: why,
		Next: "give this computer a key of its own: " + renewing}
}

func foreign(path string) *Problem {
	return &Problem{Code: CodeObserver, What: "the signing guard belongs to another key or cooperative. " + observing,
		Why:  path + " was made for another one; files of two homes were mixed",
		Next: "put the keys directory back as it was, or " + rebinding}
}

func behind(coop event.ID, signed, shown Mark) *Problem {
	return &Problem{Code: CodeObserver, What: "the data of this cooperative is older than its key's last use. " + observing, Err: ErrBehind,
		Why: fmt.Sprintf("the key has signed %d events and round %d of epoch %d, the data shows %d events and round %d of epoch %d: an older backup was restored, or writes were lost",
			signed.Events, signed.Round, signed.Epoch, shown.Events, shown.Round, shown.Epoch),
		Next: "let it fetch its own events back from the others (coop status " + coop.Short() + "), then: coop down; coop up"}
}

package home

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// RoundKeys keeps the keys with which this device signs round blocks in one cooperative: a fresh one
// for each epoch, in a file of its own beside the guard. A file is of no use without the device key, and
// once it is erased the device key is of no use for that epoch: so a thief can't rewrite what a former
// steward has ordered. RoundKeys belong to one goroutine.
type RoundKeys struct {
	dir    string
	coop   event.ID
	device [32]byte // seed of the device key
	keys   map[uint64]identity.Key
}

const (
	roundSalt   = 16
	roundRecord = roundSalt + 32 + 32 // salt, masked seed, public half
	maxRoundKey = 1024                // keys at a time; two are usual
)

// OpenRoundKeys reads the keys that are there. A file that can't be read is an error: a steward who lost
// a key must know.
func OpenRoundKeys(p Paths, coop event.ID, device identity.Key) (*RoundKeys, error) {
	r := &RoundKeys{dir: p.RoundKeysDir(coop), coop: coop, device: device.Seed(), keys: map[uint64]identity.Key{}}
	entries, err := os.ReadDir(r.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, disk("read "+r.dir, err)
	}
	for _, entry := range entries {
		epoch, err := strconv.ParseUint(entry.Name(), 10, 53)
		if err != nil || len(r.keys) >= maxRoundKey {
			continue // a write that was interrupted
		}
		path := r.path(epoch)
		text, err := readBounded(path, roundRecord)
		if err != nil {
			return nil, disk("read "+path, err)
		}
		key, whole := r.open(epoch, text)
		if !whole {
			return nil, broken(path, "it holds no key for round blocks that this device made")
		}
		r.keys[epoch] = key
	}
	return r, nil
}

// RoundKeysDir holds the keys for round blocks of one cooperative. It goes where the guards go: a new
// device key begins without.
func (p Paths) RoundKeysDir(coop event.ID) string {
	return filepath.Join(filepath.Dir(p.GuardFile(coop)), "rounds-"+coop.String())
}

func (r *RoundKeys) path(epoch uint64) string {
	return filepath.Join(r.dir, strconv.FormatUint(epoch, 10))
}

// mask hides a seed from whoever does not have the device key.
func (r *RoundKeys) mask(epoch uint64, salt []byte) []byte {
	h := hmac.New(sha256.New, r.device[:])
	h.Write([]byte("coop/round key/1\x00"))
	h.Write(r.coop[:])
	h.Write(binary.BigEndian.AppendUint64(nil, epoch))
	h.Write(salt)
	return h.Sum(nil)
}

func (r *RoundKeys) open(epoch uint64, text []byte) (identity.Key, bool) {
	if len(text) != roundRecord {
		return identity.Key{}, false
	}
	var seed [32]byte
	for i, b := range r.mask(epoch, text[:roundSalt]) {
		seed[i] = b ^ text[roundSalt+i]
	}
	key := identity.KeyFromSeed(seed)
	return key, key.Public() == identity.PublicKey(text[roundSalt+32:])
}

// Make returns the key for an epoch, made now unless it was made before. It lasts when Make returns.
func (r *RoundKeys) Make(epoch uint64) (identity.Key, error) {
	if key, made := r.keys[epoch]; made {
		return key, nil
	}
	key, err := identity.NewKey(rand.Reader)
	if err != nil {
		return identity.Key{}, disk("make a key", err)
	}
	text := make([]byte, roundSalt, roundRecord)
	if _, err := rand.Read(text); err != nil {
		return identity.Key{}, disk("read random bytes", err)
	}
	seed, public := key.Seed(), key.Public()
	for i, b := range r.mask(epoch, text) {
		text = append(text, b^seed[i])
	}
	if err := writeNew(r.path(epoch), append(text, public[:]...)); err != nil {
		return identity.Key{}, disk("write "+r.path(epoch), err)
	}
	if err := syncDir(filepath.Dir(r.dir)); err != nil {
		return identity.Key{}, disk("make "+r.path(epoch)+" last", err)
	}
	r.keys[epoch] = key
	return key, nil
}

// Find is the key with this public half, if it is there.
func (r *RoundKeys) Find(public identity.PublicKey) (identity.Key, bool) {
	for _, key := range r.keys {
		if key.Public() == public {
			return key, true
		}
	}
	return identity.Key{}, false
}

// Forget erases every key for an epoch up to last, unless it is among needed: it is overwritten first,
// as far as the disk writes in place.
func (r *RoundKeys) Forget(last uint64, needed []identity.PublicKey) error {
	erased := false
	for epoch, key := range r.keys {
		if epoch > last || slices.Contains(needed, key.Public()) {
			continue
		}
		if err := erase(r.path(epoch)); err != nil {
			return disk("erase "+r.path(epoch), err)
		}
		delete(r.keys, epoch)
		erased = true
	}
	if !erased {
		return nil
	}
	if err := syncDir(r.dir); err != nil {
		return disk(fmt.Sprintf("make the erasure in %s last", r.dir), err)
	}
	return nil
}

func erase(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteAt(make([]byte, roundRecord), 0)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Remove(path)
}

package home

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// format is the number in the version file: this program reads no home with a higher one.
const format = 1

// Bounds on the files of a home that are read whole.
const (
	maxSmallFile = 64 << 10
	maxCoops     = 64
	maxAside     = 99 // times one cooperative can be left
)

// Config is what the member chose. Unknown fields are refused, so that a slip of the pen is seen.
type Config struct {
	Name    string   `json:"name"`              // how the member is called where nothing else is said
	Port    int      `json:"port,omitempty"`    // for TCP and QUIC; chosen at the first start and kept
	Listen  []string `json:"listen,omitempty"`  // multiaddrs instead of the usual ones; {port} is filled in
	Keyring bool     `json:"keyring,omitempty"` // the passphrase is in the keyring of the operating system
	Relay   bool     `json:"relay,omitempty"`   // carry traffic for members who can't reach each other
	Quiet   bool     `json:"quiet,omitempty"`   // don't announce on the local network
	DHT     bool     `json:"dht,omitempty"`     // find members through each other's tables too
}

// Home is an existing home. Those who change anything in it hold its lock (Open); reading what
// hardly changes needs none (Look).
type Home struct {
	Paths  Paths
	Config Config
	Device identity.PublicKey
	lock   *flock.Flock
}

// New says how a home is made.
type New struct {
	Name       string
	Key        identity.Key // zero: a fresh one; testnets make theirs from a seed
	Passphrase Passphrase
	Open       bool // leave the key without a passphrase
	Keyring    bool // put the passphrase into the keyring
}

// Create makes a home with a fresh device key. It refuses to touch one that exists; what an
// interrupted Create left behind, it replaces.
func Create(p Paths, n New) (*Home, error) {
	pass, err := n.check(p)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{p.Config, p.Keys, p.Data, p.State} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, disk("make "+dir, err)
		}
	}
	lock, err := takeLock(p)
	if err != nil {
		return nil, err
	}
	h := &Home{Paths: p, Config: Config{Name: n.Name, Keyring: n.Keyring && !n.Open}, lock: lock}
	if err := h.fill(n, pass); err != nil {
		_ = lock.Unlock() // the reason is err
		return nil, err
	}
	return h, nil
}

// check tells why no home may be made here, and finds the passphrase.
func (n New) check(p Paths) (pass string, err error) {
	if _, err := os.Lstat(p.KeyFile()); err == nil {
		if _, err := os.Lstat(p.VersionFile()); err != nil {
			return "", &Problem{Code: CodeHomeExists, What: "there is a device key here, but not its data",
				Why:  p.KeyFile() + " was perhaps restored from a backup; a key without its data could sign the same number twice",
				Next: "move " + p.Keys + " aside, make a new key: coop init, and let your other devices or the members add it: coop join LINK --no-apply; coop device request"}
		}
		return "", &Problem{Code: CodeHomeExists, What: "there is a home already", Why: p.KeyFile() + " exists, and making a new key would lose it",
			Next: "coop up, or choose another place: coop --home DIRECTORY init"}
	}
	if _, err := os.Lstat(p.CoopsDir()); err == nil {
		return "", &Problem{Code: CodeNoKey, What: "there is data here, but not its key", Why: p.KeyFile() + " is missing",
			Next: "restore " + p.Keys + ", or make a new key: coop device new"}
	}
	return n.passphrase("coop init --no-passphrase")
}

// passphrase finds the one for a new key, unless the key stays open; without is the command that
// wants none.
func (n New) passphrase(without string) (pass string, err error) {
	if n.Open {
		return "", nil
	}
	if pass, err = n.Passphrase.Get(false, identity.PublicKey{}, true); err != nil {
		return "", err
	}
	if pass == "" {
		return "", &Problem{Code: CodePassphrase, What: "the passphrase is empty", Next: "choose one, or say that you want none: " + without}
	}
	return pass, nil
}

// fill writes everything; the key comes last, and before it was there nothing can have been signed.
func (h *Home) fill(n New, pass string) error {
	key, file, err := newKey(n.Key, pass, n.Open)
	if err != nil {
		return err
	}
	h.Device = key.Public()
	for _, left := range []string{h.Paths.GuardFile(event.ID{}), h.Paths.InstanceFile(event.ID{})} {
		if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return disk("remove "+left, err)
		}
	}
	guard, err := OpenGuard(h.Paths, event.ID{}, h.Device)
	if err != nil {
		return err
	}
	if err := guard.Close(); err != nil {
		return disk("close the guard", err)
	}
	if err := h.toKeyring(pass); err != nil {
		return err
	}
	if err := h.SaveConfig(); err != nil {
		return err
	}
	for _, f := range []struct{ path, text string }{
		{h.Paths.VersionFile(), strconv.Itoa(format) + "\n"},
		{h.Paths.PublicFile(), h.Device.String() + "\n"},
		{h.Paths.KeyFile(), string(file)},
	} {
		if err := writeNew(f.path, []byte(f.text)); err != nil {
			return disk("write "+f.path, err)
		}
	}
	return nil
}

// Look reads a home without taking its lock.
func Look(p Paths) (*Home, error) {
	if err := checkVersion(p); err != nil {
		return nil, err
	}
	h := &Home{Paths: p}
	if err := h.readConfig(); err != nil {
		return nil, err
	}
	text, err := readBounded(p.PublicFile(), maxSmallFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Problem{Code: CodeNoKey, What: "there is no device key", Why: p.PublicFile() + " is missing",
			Next: "restore " + p.Keys + "; if the key is lost for good, make a new one: coop device new"}
	}
	if err != nil {
		return nil, disk("read "+p.PublicFile(), err)
	}
	if h.Device, err = identity.ParsePublicKey(strings.TrimSpace(string(text))); err != nil {
		return nil, broken(p.PublicFile(), err.Error())
	}
	return h, nil
}

func (h *Home) readConfig() error {
	path := h.Paths.ConfigFile()
	text, err := readBounded(path, maxSmallFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return disk("read "+path, err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&h.Config); err != nil {
		return broken(path, err.Error())
	}
	return nil
}

// Open reads a home and takes its lock, which ends with the process or with Close. If another
// process has it, the error names that process.
func Open(p Paths) (*Home, error) {
	if err := checkVersion(p); err != nil {
		return nil, err
	}
	lock, err := takeLock(p)
	if err != nil {
		return nil, err
	}
	h, err := Look(p)
	if err != nil {
		_ = lock.Unlock() // the reason is err
		return nil, err
	}
	h.lock = lock
	return h, nil
}

// Close gives the lock back.
func (h *Home) Close() error {
	if h.lock == nil {
		return nil
	}
	return h.lock.Unlock()
}

// SaveConfig writes the configuration.
func (h *Home) SaveConfig() error {
	text, err := json.MarshalIndent(h.Config, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the configuration: %w", err)
	}
	if err := writeNew(h.Paths.ConfigFile(), append(text, '\n')); err != nil {
		return disk("write "+h.Paths.ConfigFile(), err)
	}
	return nil
}

func checkVersion(p Paths) error {
	text, err := readBounded(p.VersionFile(), maxSmallFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &Problem{Code: CodeNoHome, What: "there is no home here yet", Why: p.VersionFile() + " does not exist", Next: "coop init"}
	}
	if err != nil {
		return disk("read "+p.VersionFile(), err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil || n < 1:
		return broken(p.VersionFile(), "it holds no version number")
	case n > format:
		return &Problem{Code: CodeHomeFuture, What: "this home was written by a newer coop",
			Why:  fmt.Sprintf("it has format %d, this program knows formats up to %d", n, format),
			Next: "update coop; nothing was changed"}
	}
	return nil
}

// lockPatience is how long we wait for somebody who is just leaving, or only looking.
const lockPatience = 500 * time.Millisecond

// takeLock locks the home for this process and leaves its pid in the file for others to name. The
// file is never removed and says nothing by being there.
func takeLock(p Paths) (*flock.Flock, error) {
	if err := os.MkdirAll(p.Data, 0o700); err != nil {
		return nil, disk("make "+p.Data, err)
	}
	lock := flock.New(p.LockFile(), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	got, err := lock.TryLockContext(ctx, lockPatience/10)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, disk("lock "+p.LockFile(), err)
	}
	if !got {
		return nil, inUse(p)
	}
	if err := os.WriteFile(p.LockFile(), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		_ = lock.Unlock() // the reason is err
		return nil, disk("write "+p.LockFile(), err)
	}
	return lock, nil
}

func inUse(p Paths) *Problem {
	who := "another process"
	if pid := LockedBy(p); pid > 0 {
		who = fmt.Sprintf("the coop daemon with process id %d", pid)
	}
	return &Problem{Code: CodeHomeInUse, What: "this home is in use", Why: who + " has " + p.Data + " open",
		Next: "coop status, or stop it: coop down"}
}

// LockedBy is the process that has the home open, as it wrote itself; 0 if nobody has.
func LockedBy(p Paths) int {
	lock := flock.New(p.LockFile(), flock.SetFlag(os.O_RDONLY))
	if got, err := lock.TryRLock(); err != nil || got {
		_ = lock.Unlock() // the reason is err
		return 0
	}
	text, err := readBounded(p.LockFile(), maxSmallFile)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// Coops are the cooperatives of which there is data, in the order of their names on disk.
func (h *Home) Coops() ([]event.ID, error) {
	entries, err := os.ReadDir(h.Paths.CoopsDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, disk("read "+h.Paths.CoopsDir(), err)
	}
	var all []event.ID
	for _, entry := range entries {
		id, err := event.ParseID(entry.Name())
		if err != nil || !entry.IsDir() {
			continue // an aside copy, or something else of the owner's
		}
		if _, err := os.Stat(h.Paths.GenesisFile(id)); err != nil {
			continue // joining was interrupted
		}
		if all = append(all, id); len(all) > maxCoops {
			return nil, broken(h.Paths.CoopsDir(), fmt.Sprintf("it holds more than %d cooperatives", maxCoops))
		}
	}
	return all, nil
}

// AddCoop makes the place for a cooperative's data and keeps its founding event there. Data that
// LeaveCoop put aside comes back, so that the guard knows it again.
func (h *Home) AddCoop(genesis *event.Event) error {
	dir := h.Paths.CoopDir(genesis.ID)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		for n := maxAside; n > 0; n-- {
			if os.Rename(h.aside(genesis.ID, n), dir) == nil {
				break
			}
		}
	}
	if err := writeNew(h.Paths.GenesisFile(genesis.ID), genesis.Raw); err != nil {
		return disk("write "+h.Paths.GenesisFile(genesis.ID), err)
	}
	if err := errors.Join(syncDir(h.Paths.CoopsDir()), syncDir(h.Paths.Data)); err != nil {
		return disk("make "+dir+" last", err)
	}
	return nil
}

// TakeIn puts a cooperative whose data was built in the directory stage into its place, all at once.
// It refuses one that is there already.
func (h *Home) TakeIn(genesis *event.Event, stage string) error {
	dir := h.Paths.CoopDir(genesis.ID)
	if _, err := os.Lstat(dir); err == nil {
		return &Problem{Code: CodeHomeExists, What: "this home takes part in this cooperative already", Why: dir + " exists", Next: "coop status; what the file has more comes from the members"}
	}
	if err := writeNew(filepath.Join(stage, filepath.Base(h.Paths.GenesisFile(genesis.ID))), genesis.Raw); err != nil {
		return disk("write the founding event", err)
	}
	if err := os.Rename(stage, dir); err != nil {
		return disk("move the data to "+dir, err)
	}
	if err := errors.Join(syncDir(h.Paths.CoopsDir()), syncDir(h.Paths.Data)); err != nil {
		return disk("make "+dir+" last", err)
	}
	return nil
}

// Genesis is the founding event that AddCoop kept.
func (h *Home) Genesis(coop event.ID) (*event.Event, error) {
	raw, err := readBounded(h.Paths.GenesisFile(coop), event.MaxEnvelope)
	if err != nil {
		return nil, disk("read "+h.Paths.GenesisFile(coop), err)
	}
	e, err := event.Open(raw)
	if err != nil || e.ID != coop {
		return nil, broken(h.Paths.GenesisFile(coop), "it is not the founding event of this cooperative")
	}
	return e, nil
}

// maxPin bounds a pin's file.
const maxPin = 256

// SetPin keeps what an invite vouches for, in place of an earlier one.
func (h *Home) SetPin(coop event.ID, pin []byte) error {
	path := h.Paths.PinFile(coop)
	if err := writeNew(path, pin); err != nil {
		return disk("write "+path, err)
	}
	return nil
}

// Pin is what SetPin kept; nil if nothing was.
func (h *Home) Pin(coop event.ID) ([]byte, error) {
	pin, err := readBounded(h.Paths.PinFile(coop), maxPin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, disk("read "+h.Paths.PinFile(coop), err)
	}
	return pin, nil
}

// LeaveCoop moves a cooperative's data aside, to a name that Coops doesn't see, and says which. The
// guard stays: whoever comes back with this key must know what it signed.
func (h *Home) LeaveCoop(coop event.ID) (aside string, err error) {
	from := h.Paths.CoopDir(coop)
	for n := 1; n <= maxAside; n++ {
		aside = h.aside(coop, n)
		if _, err := os.Lstat(aside); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Rename(from, aside); err != nil {
			return "", disk("move "+from+" aside", err)
		}
		return aside, syncDir(h.Paths.CoopsDir())
	}
	return "", broken(h.Paths.CoopsDir(), "too many copies were put aside there")
}

func (h *Home) aside(coop event.ID, n int) string {
	return filepath.Join(h.Paths.CoopsDir(), fmt.Sprintf("left-%d-%s", n, coop))
}

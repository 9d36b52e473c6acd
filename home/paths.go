package home

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/adrg/xdg"

	"github.com/sustainy/coop/event"
)

// Paths is the one table of where things lie. Everything else derives from these five directories.
type Paths struct {
	Config  string // config.json
	Keys    string // device key and guards; never inside Data, never part of a backup of Data
	Data    string // version, lock, instance, one directory per cooperative
	State   string // log, and what may be deleted
	Runtime string // socket
}

// maxSocketPath is how long the path of a unix socket may be (sun_path has 108 bytes on Linux, 104 on BSD).
const maxSocketPath = 100

// Locate finds the home: flag (the value of --home), then COOP_HOME, then XDG.
func Locate(flag string) (Paths, error) {
	root := flag
	if root == "" {
		root = os.Getenv("COOP_HOME")
	}
	if root == "" {
		return fromXDG(), nil
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return Paths{}, disk("find the home "+flag, err)
	}
	return At(root), nil
}

// At is the table of a home that lies in one directory.
func At(root string) Paths {
	return Paths{Config: root, Keys: filepath.Join(root, "keys"), Data: filepath.Join(root, "data"),
		State: filepath.Join(root, "state"), Runtime: filepath.Join(root, "run")}
}

func fromXDG() Paths {
	xdg.Reload()
	p := Paths{
		Config: filepath.Join(xdg.ConfigHome, "coop"),
		Data:   filepath.Join(xdg.DataHome, "coop"),
		State:  filepath.Join(xdg.StateHome, "coop"),
	}
	p.Keys = filepath.Join(p.Config, "keys")
	if p.Keys == filepath.Join(p.Data, "keys") { // macOS has one directory for both
		p.Data = filepath.Join(p.Data, "data")
	}
	p.Runtime = filepath.Join(p.State, "run")
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		p.Runtime = filepath.Join(dir, "coop")
	}
	return p
}

// ConfigFile holds what the member chose.
func (p Paths) ConfigFile() string { return filepath.Join(p.Config, "config.json") }

// KeyFile holds the device key, under a passphrase or open.
func (p Paths) KeyFile() string { return filepath.Join(p.Keys, "device.key") }

// PublicFile holds the device's did:key, readable without a passphrase.
func (p Paths) PublicFile() string { return filepath.Join(p.Keys, "device.pub") }

// GuardFile holds the guard of one cooperative; the zero id is the guard of the device.
func (p Paths) GuardFile(coop event.ID) string {
	if coop.IsZero() {
		return filepath.Join(p.Keys, "guard", "device")
	}
	return filepath.Join(p.Keys, "guard", coop.String())
}

// VersionFile says which format the home has.
func (p Paths) VersionFile() string { return filepath.Join(p.Data, "version") }

// LockFile is locked by the process that has the home open.
func (p Paths) LockFile() string { return filepath.Join(p.Data, "repo.lock") }

// CoopsDir holds one directory per cooperative.
func (p Paths) CoopsDir() string { return filepath.Join(p.Data, "coops") }

// CoopDir is where one cooperative's data lies.
func (p Paths) CoopDir(coop event.ID) string { return filepath.Join(p.CoopsDir(), coop.String()) }

// StoreDir holds its events.
func (p Paths) StoreDir(coop event.ID) string { return filepath.Join(p.CoopDir(coop), "store") }

// FilesDir holds the files that are kept for it, by their addresses.
func (p Paths) FilesDir(coop event.ID) string { return filepath.Join(p.CoopDir(coop), "files") }

// SnapshotsDir holds certified states that are fetched or handed out; all of it can be fetched or written again.
func (p Paths) SnapshotsDir(coop event.ID) string { return filepath.Join(p.CoopDir(coop), "snapshots") }

// HiddenFile holds a submission to a mission, and the secret that opens its commitment, until it is revealed.
func (p Paths) HiddenFile(coop event.ID, commitment [32]byte) string {
	return filepath.Join(p.CoopDir(coop), "hidden", hex.EncodeToString(commitment[:])+".json")
}

// PinFile holds what who invited this device vouches for; see node.Pin.
func (p Paths) PinFile(coop event.ID) string { return filepath.Join(p.CoopDir(coop), "pin") }

// GenesisFile holds its founding event.
func (p Paths) GenesisFile(coop event.ID) string { return filepath.Join(p.CoopDir(coop), "genesis") }

// InstanceFile names this copy of its data; the guard knows the name and the place. The zero id
// stands for the data directory as a whole.
func (p Paths) InstanceFile(coop event.ID) string {
	if coop.IsZero() {
		return filepath.Join(p.Data, "instance")
	}
	return filepath.Join(p.CoopDir(coop), "instance")
}

// PeersFile is the address book.
func (p Paths) PeersFile() string { return filepath.Join(p.Data, "peers.json") }

// LogFile is what the daemon in the background writes.
func (p Paths) LogFile() string { return filepath.Join(p.State, "daemon.log") }

// Socket is where the daemon listens. A path too long for a socket moves to a directory of this
// user below the temporary directory, named after the path it stands for.
func (p Paths) Socket() string {
	plain := filepath.Join(p.Runtime, "coop.sock")
	if len(plain) <= maxSocketPath {
		return plain
	}
	name := sha256.Sum256([]byte(plain))
	return filepath.Join(os.TempDir(), fmt.Sprintf("coop-%d", os.Getuid()), hex.EncodeToString(name[:10])+".sock")
}

// SocketDir makes the socket's directory, for this user alone, and refuses one of another user.
func (p Paths) SocketDir() error {
	dir := filepath.Dir(p.Socket())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return disk("make "+dir, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return disk("look at "+dir, err)
	}
	if !info.IsDir() || !mine(info) || info.Mode().Perm()&0o077 != 0 && dir != p.Runtime {
		return broken(dir, "it is not a directory of this user alone, so others could listen in")
	}
	return nil
}

// Platform is what this program runs on, for reports.
func Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

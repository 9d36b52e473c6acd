package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/zalando/go-keyring"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Renew gives a home a fresh device key, for an owner whose old one must not sign any more: the home
// was copied or restored, or somebody else had the key. The old key goes aside with its guards, below
// Keys, and is never deleted; aside is where. The data stays: it is the cooperatives', not the key's.
//
// A process that ends on the way leaves a home that signs nothing, whichever key it has, and Renew can
// be run again. That is why the old guards go first, and the instance files, without which a guard
// would be made anew, go last.
func Renew(p Paths, n New) (h *Home, aside string, err error) {
	if err := checkVersion(p); err != nil {
		return nil, "", err
	}
	lock, err := takeLock(p)
	if err != nil {
		return nil, "", err
	}
	h = &Home{Paths: p, lock: lock}
	if aside, err = h.renew(n); err != nil {
		return nil, "", errors.Join(err, lock.Unlock())
	}
	return h, aside, nil
}

func (h *Home) renew(n New) (aside string, err error) {
	if err := h.readConfig(); err != nil {
		return "", err
	}
	pass, err := n.passphrase("coop device new --no-passphrase")
	if err != nil {
		return "", err
	}
	key, file, err := newKey(n.Key, pass, n.Open)
	if err != nil {
		return "", err
	}
	h.Device = key.Public()
	h.Config.Keyring = n.Keyring && !n.Open
	if err := h.toKeyring(pass); err != nil {
		return "", err
	}
	number, aside, err := h.putAside()
	if err != nil {
		return "", err
	}
	if err := h.SaveConfig(); err != nil {
		return "", err
	}
	for _, f := range []struct{ path, text string }{{h.Paths.PublicFile(), h.Device.String() + "\n"}, {h.Paths.KeyFile(), string(file)}} {
		if err := writeNew(f.path, []byte(f.text)); err != nil {
			return "", disk("write "+f.path, err)
		}
	}
	if err := h.forgetInstances(number); err != nil {
		return "", err
	}
	guard, err := OpenGuard(h.Paths, event.ID{}, h.Device)
	if err != nil {
		return "", err
	}
	return aside, guard.Close()
}

// putAside moves the guards of the old key into a new directory and copies the key there.
func (h *Home) putAside() (number int, aside string, err error) {
	for number = 1; number <= maxAside; number++ {
		aside = h.Paths.formerDir(number)
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if number > maxAside {
		return 0, "", broken(h.Paths.Keys, "too many keys were put aside there")
	}
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return 0, "", disk("make "+aside, err)
	}
	guards := filepath.Dir(h.Paths.GuardFile(event.ID{}))
	if err := os.Rename(guards, filepath.Join(aside, filepath.Base(guards))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, "", disk("move "+guards+" aside", err)
	}
	for _, path := range []string{h.Paths.KeyFile(), h.Paths.PublicFile()} {
		text, err := readBounded(path, maxSmallFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = writeNew(filepath.Join(aside, filepath.Base(path)), text)
		}
		if err != nil {
			return 0, "", disk("copy "+path+" to "+aside, err)
		}
	}
	return number, aside, errors.Join(syncDir(aside), syncDir(h.Paths.Keys))
}

// forgetInstances puts the names of all data directories aside, those of left cooperatives too: they
// belong to guards of the old key.
func (h *Home) forgetInstances(number int) error {
	files, err := filepath.Glob(filepath.Join(h.Paths.CoopsDir(), "*", filepath.Base(h.Paths.InstanceFile(event.ID{}))))
	if err != nil {
		return disk("read "+h.Paths.CoopsDir(), err)
	}
	for _, path := range append(files, h.Paths.InstanceFile(event.ID{})) {
		if err := os.Rename(path, fmt.Sprintf("%s.old-%d", path, number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return disk("move "+path+" aside", err)
		}
		if err := syncDir(filepath.Dir(path)); err != nil {
			return disk("make the move of "+path+" last", err)
		}
	}
	return nil
}

func (p Paths) formerDir(number int) string {
	return filepath.Join(p.Keys, fmt.Sprintf("old-%d", number))
}

// Former are the keys that this home had before, the latest first, as far as they can be read.
func (h *Home) Former() (keys []identity.PublicKey) {
	for number := maxAside; number > 0; number-- {
		text, err := readBounded(filepath.Join(h.Paths.formerDir(number), filepath.Base(h.Paths.PublicFile())), maxSmallFile)
		if err != nil {
			continue
		}
		if key, err := identity.ParsePublicKey(strings.TrimSpace(string(text))); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// toKeyring keeps the passphrase in the keyring of the operating system, if the owner wants that.
func (h *Home) toKeyring(pass string) error {
	if !h.Config.Keyring {
		return nil
	}
	if err := keyring.Set(keyringService, h.Device.String(), pass); err != nil {
		return &Problem{Code: CodePassphrase, What: "the keyring did not take the passphrase", Why: err.Error(), Err: err,
			Next: "unlock the keyring of your desktop, or leave --keyring out"}
	}
	return nil
}

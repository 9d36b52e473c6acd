package home

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/zalando/go-keyring"
	"golang.org/x/term"

	"github.com/sustainy/coop/identity"
)

// MaxPassphrase bounds the bytes of a passphrase that are read at all.
const MaxPassphrase = 1024

// keyringService names this program in the keyring of the operating system.
const keyringService = "coop"

// Passphrase says where the passphrase comes from, in this order: a file, the variable
// COOP_PASSPHRASE, the keyring if the home uses it, a question on the terminal. The zero value asks
// nobody.
type Passphrase struct {
	File string
	Ask  *os.File // terminal to ask on, nil: don't ask
	Say  io.Writer
}

// ErrNoPassphrase means that no source had one.
var ErrNoPassphrase = errors.New("no passphrase was given")

// Get finds the passphrase. Twice asks again to be sure, for a new key.
func (s Passphrase) Get(fromKeyring bool, key identity.PublicKey, twice bool) (string, error) {
	if s.File != "" {
		return passphraseFile(s.File)
	}
	if text, ok := os.LookupEnv("COOP_PASSPHRASE"); ok {
		return text, nil
	}
	if fromKeyring && !twice {
		text, err := keyring.Get(keyringService, key.String())
		if err == nil {
			return text, nil
		}
		if s.Ask == nil {
			return "", &Problem{Code: CodeLocked, What: "the keyring did not give the passphrase", Why: err.Error(), Err: ErrNoPassphrase,
				Next: "unlock the keyring of your desktop, or use --passphrase-file"}
		}
	}
	if s.Ask == nil || !term.IsTerminal(int(s.Ask.Fd())) {
		return "", &Problem{Code: CodeLocked, What: "the key is locked", Why: "its passphrase is needed, and there is no terminal to ask on", Err: ErrNoPassphrase,
			Next: "coop up --passphrase-file FILE, or set COOP_PASSPHRASE"}
	}
	return s.ask(twice)
}

func passphraseFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", disk("read the passphrase file "+path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxPassphrase+1))
	if err != nil || len(b) > MaxPassphrase {
		return "", &Problem{Code: CodePassphrase, What: "the passphrase file " + path + " cannot be used",
			Why: fmt.Sprintf("a passphrase has at most %d bytes", MaxPassphrase), Next: "write the passphrase alone into the file"}
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func (s Passphrase) ask(twice bool) (string, error) {
	read := func(question string) (string, error) {
		fmt.Fprint(s.Say, question)
		b, err := term.ReadPassword(int(s.Ask.Fd()))
		fmt.Fprintln(s.Say)
		return string(b), err
	}
	first, err := read("Passphrase of this device's key: ")
	if err != nil || !twice {
		return first, err
	}
	second, err := read("Once more: ")
	if err == nil && first != second {
		err = &Problem{Code: CodePassphrase, What: "the two passphrases differ", Next: "coop init"}
	}
	return first, err
}

// newKey makes a device key, unless one was made elsewhere, and its file, locked under pass, or open
// when open is set.
func newKey(made identity.Key, pass string, open bool) (key identity.Key, file []byte, err error) {
	if key = made; key.IsZero() {
		if key, err = identity.NewKey(rand.Reader); err != nil {
			return key, nil, disk("make a key", err)
		}
	}
	if open {
		return key, identity.LockOpen(key), nil
	}
	if file, err = identity.Lock(key, pass); err != nil {
		return key, nil, &Problem{Code: CodePassphrase, What: "the key could not be locked", Why: err.Error(), Next: "choose another passphrase: coop init"}
	}
	return key, file, nil
}

// Unlock opens the device key. It asks for a passphrase only when the file needs one.
func (h *Home) Unlock(from Passphrase) (identity.Key, error) {
	file, err := readBounded(h.Paths.KeyFile(), identity.MaxKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return identity.Key{}, &Problem{Code: CodeNoKey, What: "there is no device key", Why: h.Paths.KeyFile() + " is missing",
			Next: "restore the keys directory; if the key is lost for good, make a new one: coop device new"}
	}
	if err != nil {
		return identity.Key{}, disk("read "+h.Paths.KeyFile(), err)
	}
	pass := ""
	if !identity.IsOpen(file) {
		if pass, err = from.Get(h.Config.Keyring, h.Device, false); err != nil {
			return identity.Key{}, err
		}
	}
	key, err := identity.Unlock(file, pass)
	switch {
	case errors.Is(err, identity.ErrPassphrase):
		return key, &Problem{Code: CodePassphrase, What: "wrong passphrase", Why: "it does not open " + h.Paths.KeyFile(), Next: "try again: coop up", Err: err}
	case err != nil:
		return key, &Problem{Code: CodeHomeBroken, What: "the device key cannot be read", Why: err.Error(), Err: err,
			Next: "restore " + h.Paths.KeyFile() + " from a copy"}
	case key.Public() != h.Device:
		return identity.Key{}, broken(h.Paths.KeyFile(), "it holds another key than "+h.Paths.PublicFile()+" names")
	}
	return key, nil
}

// NeedsPassphrase tells whether the key file is locked.
func (h *Home) NeedsPassphrase() bool {
	file, err := readBounded(h.Paths.KeyFile(), identity.MaxKeyFile)
	return err == nil && !identity.IsOpen(file)
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	return b, err
}

package identity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/multiformats/go-multibase"
)

// Reasons for which a key file cannot be opened.
var (
	ErrPassphrase = errors.New("wrong passphrase: the key file stays as it is; try again, or restore the key from its paper copy")
	ErrKeyFile    = errors.New("this is not a key file of Coop, or it is damaged: restore it from its backup")
)

// MaxKeyFile bounds the bytes of a key file that are read at all.
const MaxKeyFile = 16 << 10

// workFactor is the scrypt cost, 2^workFactor: about one second on a laptop. maxWorkFactor bounds
// what a hostile file can make us compute.
const (
	workFactor    = 16
	maxWorkFactor = 20
	openLabel     = "coop-key-without-passphrase: "
	secretLabel   = "coop-key: "
)

// Lock writes the key as an armored age file under passphrase (scrypt recipient).
func Lock(key Key, passphrase string) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the key: %w", err)
	}
	recipient.SetWorkFactor(workFactor)
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	sealed, err := age.Encrypt(armored, recipient)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the key: %w", err)
	}
	if _, err := io.WriteString(sealed, secretLabel+secretText(key)+"\n"); err != nil {
		return nil, fmt.Errorf("cannot lock the key: %w", err)
	}
	if err := errors.Join(sealed.Close(), armored.Close()); err != nil {
		return nil, fmt.Errorf("cannot lock the key: %w", err)
	}
	return out.Bytes(), nil
}

// LockOpen writes the key without a passphrase; whoever reads the file has the key. The label
// says so to whoever looks.
func LockOpen(key Key) []byte { return []byte(openLabel + secretText(key) + "\n") }

// IsOpen tells whether a key file needs no passphrase.
func IsOpen(file []byte) bool { return bytes.HasPrefix(file, []byte(openLabel)) }

// Unlock reads what Lock or LockOpen wrote. Errors: ErrPassphrase, ErrKeyFile.
func Unlock(file []byte, passphrase string) (Key, error) {
	if len(file) > MaxKeyFile {
		return Key{}, ErrKeyFile
	}
	if IsOpen(file) {
		return keyFromText(strings.TrimSpace(strings.TrimPrefix(string(file), openLabel)))
	}
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return Key{}, ErrPassphrase
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	opened, err := age.Decrypt(armor.NewReader(bytes.NewReader(file)), id)
	if err != nil {
		var wrong *age.NoIdentityMatchError
		if errors.As(err, &wrong) {
			return Key{}, ErrPassphrase
		}
		return Key{}, ErrKeyFile
	}
	text, err := io.ReadAll(io.LimitReader(opened, MaxKeyFile))
	if err != nil || !bytes.HasPrefix(text, []byte(secretLabel)) {
		return Key{}, ErrKeyFile
	}
	return keyFromText(strings.TrimSpace(strings.TrimPrefix(string(text), secretLabel)))
}

func secretText(key Key) string {
	seed := key.Seed()
	text, err := multibase.Encode(multibase.Base58BTC, seed[:])
	if err != nil {
		panic("identity: invariant: base58btc is a known base: " + err.Error())
	}
	return text
}

func keyFromText(text string) (Key, error) {
	_, seed, err := multibase.Decode(text)
	if err != nil || len(seed) != 32 {
		return Key{}, ErrKeyFile
	}
	return KeyFromSeed([32]byte(seed)), nil
}

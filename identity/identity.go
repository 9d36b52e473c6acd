// Package identity is who speaks: Ed25519 keys, their did:key names, and the one rule by which a
// signature counts.
//
// Its one idea: validity of a signature is consensus-critical, so there is exactly one rule,
// ZIP-215 (https://zips.z.cash/zip-0215: the cofactored equation, S below the group order,
// non-canonical points accepted), and one verification and a batch of them always agree. RFC 8032
// leaves edge cases open and crypto/ed25519 answers some of them differently, so nothing else in
// the project verifies a signature.
//
// ZIP-215 alone accepts keys of small order, for which a signature can be valid for many messages.
// [PublicKey.Check] refuses those and every second spelling of a key; it is called wherever a key
// is registered.
//
// A member is named by the key of their inception, a device by its own key; both are written as
// did:key (https://w3c-ccg.github.io/did-key-spec/). The package knows no files: it locks a key to
// bytes with age (https://age-encryption.org/v1) and unlocks it again.
package identity

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"filippo.io/edwards25519"
	"github.com/multiformats/go-multibase"
	"github.com/multiformats/go-varint"
	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// PublicKey is an Ed25519 public key, 32 bytes as in RFC 8032. It names a device, and the key of a
// member's inception names the member.
type PublicKey [32]byte

// Signature is an Ed25519 signature, 64 bytes: R then S.
type Signature [64]byte

// Assembly is the author of what the members decide together. It is no valid key (Check refuses
// it), so nobody can sign for it: its acts exist only inside the fold.
var Assembly PublicKey

// Reasons for which a key or a name of one is refused.
var (
	ErrKeySmallOrder   = errors.New("this public key has a small order, so a signature under it proves nothing: create a fresh key")
	ErrKeyNotCanonical = errors.New("this public key is not in canonical form or not on the curve: create a fresh key")
	ErrDID             = errors.New("this is not a did:key of an Ed25519 key: expected did:key:z6Mk… with 48 characters after did:key:")
)

// didPrefix is the multicodec code of an Ed25519 public key (0xed) in did:key.
const didCodec = 0xed

// String is the did:key of the key, for instance did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK.
func (k PublicKey) String() string {
	text, err := multibase.Encode(multibase.Base58BTC, append(varint.ToUvarint(didCodec), k[:]...))
	if err != nil {
		panic("identity: invariant: base58btc is a known base: " + err.Error())
	}
	return "did:key:" + text
}

// Short is the end of the did:key, for tables read by people; never for lookups.
func (k PublicKey) Short() string {
	if k == Assembly {
		return "assembly"
	}
	text := k.String()
	return text[len(text)-8:]
}

// ParsePublicKey reads a did:key; every key has exactly one spelling. It returns ErrDID otherwise.
func ParsePublicKey(did string) (PublicKey, error) {
	var k PublicKey
	const scheme = "did:key:"
	if len(did) > 128 || len(did) < len(scheme) || did[:len(scheme)] != scheme {
		return k, ErrDID
	}
	_, raw, err := multibase.Decode(did[len(scheme):])
	if err != nil {
		return k, ErrDID
	}
	code, n, err := varint.FromUvarint(raw)
	if err != nil || code != didCodec || len(raw)-n != len(k) {
		return k, ErrDID
	}
	copy(k[:], raw[n:])
	if k.String() != did {
		return PublicKey{}, ErrDID
	}
	return k, nil
}

// MarshalText writes the did:key, so that JSON shows it.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a did:key.
func (k *PublicKey) UnmarshalText(text []byte) error {
	parsed, err := ParsePublicKey(string(text))
	if err == nil {
		*k = parsed
	}
	return err
}

// Compare orders keys by their bytes.
func (k PublicKey) Compare(other PublicKey) int { return bytes.Compare(k[:], other[:]) }

// Prefix is the first eight bytes, big-endian: by it tables compare most keys.
func (k PublicKey) Prefix() uint64 { return binary.BigEndian.Uint64(k[:]) }

// IsZero tells whether k is the zero key, which is the Assembly.
func (k PublicKey) IsZero() bool { return k == Assembly }

// Check refuses keys that must never be registered: not on the curve, a second spelling of a
// point, or of small order.
func (k PublicKey) Check() error {
	point, err := new(edwards25519.Point).SetBytes(k[:])
	if err != nil || !bytes.Equal(point.Bytes(), k[:]) {
		return ErrKeyNotCanonical
	}
	if point.MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return ErrKeySmallOrder
	}
	return nil
}

// Key signs. The zero Key signs nothing: Sign panics.
type Key struct {
	private voi.PrivateKey
	public  PublicKey
}

// NewKey makes a key from 32 bytes of entropy.
func NewKey(entropy io.Reader) (Key, error) {
	var seed [32]byte
	if _, err := io.ReadFull(entropy, seed[:]); err != nil {
		return Key{}, fmt.Errorf("cannot make a key, reading randomness failed: %w", err)
	}
	return KeyFromSeed(seed), nil
}

// KeyFromSeed makes the key of RFC 8032 whose seed this is.
func KeyFromSeed(seed [32]byte) Key {
	k := Key{private: voi.NewKeyFromSeed(seed[:])}
	copy(k.public[:], k.private[32:])
	return k
}

// Public is the public half.
func (k Key) Public() PublicKey { return k.public }

// Seed is the secret from which the key is made again.
func (k Key) Seed() [32]byte { return [32]byte(k.private.Seed()) }

// IsZero tells whether there is no key.
func (k Key) IsZero() bool { return k.private == nil }

// Sign signs message; equal inputs give equal signatures (RFC 8032 is deterministic).
func (k Key) Sign(message []byte) Signature {
	if k.private == nil {
		panic("identity: invariant: signing without a key")
	}
	return Signature(voi.Sign(k.private, message))
}

// String never shows the secret.
func (k Key) String() string { return "key of " + k.public.String() }

// GoString never shows the secret.
func (k Key) GoString() string { return k.String() }

// Hex is the signature in hexadecimal, for vectors and explanations.
func (s Signature) Hex() string { return hex.EncodeToString(s[:]) }

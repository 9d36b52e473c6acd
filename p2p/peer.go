package p2p

import (
	"crypto/ed25519"
	"errors"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/sustainy/coop/identity"
)

// Peer is who is at the other end: the Ed25519 key of a device, which is its libp2p identity too.
type Peer = identity.PublicKey

// ErrNotDevice refuses a libp2p identity that is not a sound Ed25519 key.
var ErrNotDevice = errors.New("this peer's identity is no Ed25519 device key, so it cannot belong to a cooperative")

// PeerID is the libp2p name of a peer. It fails only for a key that is no Ed25519 key.
func PeerID(p Peer) (peer.ID, error) {
	pub, err := crypto.UnmarshalEd25519PublicKey(p[:])
	if err != nil {
		return "", ErrNotDevice
	}
	return peer.IDFromPublicKey(pub)
}

// PeerOf is the peer behind a libp2p name, or [ErrNotDevice]. It does not look for small-order keys;
// the connection gate does, once per connection.
func PeerOf(id peer.ID) (Peer, error) {
	pub, err := id.ExtractPublicKey()
	if err != nil {
		return Peer{}, ErrNotDevice
	}
	if _, ok := pub.(*crypto.Ed25519PublicKey); !ok {
		return Peer{}, ErrNotDevice
	}
	raw, err := pub.Raw()
	if err != nil || len(raw) != len(Peer{}) {
		return Peer{}, ErrNotDevice
	}
	return Peer(raw), nil
}

func privateKey(k identity.Key) (crypto.PrivKey, error) {
	seed := k.Seed()
	return crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
}

// Package discovery finds out where peers are.
//
// Its one idea: nothing here is believed, so everything may be merged. Whoever says that a peer is
// at an address (an invite, the local network, a private DHT, last week's connection) says it to
// one function, [Found]; the [Book] keeps it with what became of it when it was tried; and the
// connection itself proves who answers. A lie costs a dial and sinks to the end of the list.
//
// [LAN] is multicast DNS as libp2p speaks it (https://github.com/libp2p/specs/blob/master/discovery/mdns.md),
// [DHT] a Kademlia table of one cooperative's peers only, under a protocol id of its own: never the
// public one, so who looks for whom is learned only by those who know the cooperative. Both are named by
// a short hash of the cooperative's name and tell in their [State] when they cannot work here.
//
// The package dials nobody, and does not know members, rooms or events.
package discovery

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/sustainy/coop/identity"
)

// Peer is a device's key, which is its libp2p identity too.
type Peer = identity.PublicKey

// Found is told that a peer may be at these addresses, as often as somebody says so. It must not
// block for long. [Book.Found] is one.
type Found func(p Peer, addrs []string)

// State is how a source is doing, for a member to read.
type State struct {
	Source  string    // "lan" or "dht"
	Working bool      // it could do its part; that is no proof that others hear it
	Note    string    // what is wrong or what it waits for; empty when all is well
	Heard   int       // findings since the start, of the same peer too
	Last    time.Time // of the last of them
}

// errNotDevice refuses a libp2p identity that is no Ed25519 key.
var errNotDevice = errors.New("this peer's identity is no Ed25519 device key")

func peerOf(id peer.ID) (Peer, error) {
	pub, err := id.ExtractPublicKey()
	if err != nil {
		return Peer{}, errNotDevice
	}
	key, ok := pub.(*crypto.Ed25519PublicKey)
	if !ok {
		return Peer{}, errNotDevice
	}
	raw, err := key.Raw()
	if err != nil || len(raw) != len(Peer{}) {
		return Peer{}, errNotDevice
	}
	return Peer(raw), nil
}

// tag names a cooperative on the wire without telling its name: 8 characters, as a DNS label may
// have 15 of which "coop-" takes five.
func tag(network string) string {
	sum := sha256.Sum256([]byte("coop/discovery/1\x00" + network))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
}

// tell passes on what libp2p found.
func tell(found Found, info peer.AddrInfo) bool {
	p, err := peerOf(info.ID)
	if err != nil || len(info.Addrs) == 0 {
		return false
	}
	var addrs []string
	for _, a := range info.Addrs[:min(len(info.Addrs), 4*MaxAddrs)] {
		addrs = append(addrs, a.String())
	}
	found(p, addrs)
	return true
}

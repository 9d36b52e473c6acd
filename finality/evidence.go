package finality

import (
	"crypto/sha256"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// ProvesFork tells whether a and b prove that the owner of key has signed two different blocks of one
// round, and of which epoch of the cooperative. Such a proof needs no epoch to be read by: whoever
// holds the key has signed both, and nobody signs two. It asks for nothing that makes a block valid
// besides its form, since a forger chooses the rest.
func ProvesFork(coop event.ID, key identity.PublicKey, a, b []byte) (epoch uint64, proven bool) {
	first, hashA, ok := openSigned(key, a)
	if !ok {
		return 0, false
	}
	second, hashB, ok := openSigned(key, b)
	same := ok && hashA != hashB && first.Coop == coop && second.Coop == coop &&
		first.Epoch == second.Epoch && first.Base == second.Base && first.Number == second.Number
	return first.Epoch, same
}

// openSigned reads a round block of whatever epoch that key has signed.
func openSigned(key identity.PublicKey, raw []byte) (c core, hash [32]byte, ok bool) {
	var env envelope
	if len(raw) > MaxRoundSize || event.Unmarshal(raw, &env) != nil || len(env.Sig) != len(identity.Signature{}) {
		return c, hash, false
	}
	if event.Unmarshal(env.Core, &c) != nil || c.Version != version || c.Kind != "round" {
		return c, hash, false
	}
	hash = sha256.Sum256(env.Core)
	return c, hash, identity.Verify(key, signed(hash), identity.Signature(env.Sig))
}

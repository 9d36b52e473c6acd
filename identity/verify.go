package identity

import (
	"crypto/rand"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/cache"
)

// zip215 is the one rule.
var zip215 = &voi.Options{Verify: voi.VerifyOptionsZIP_215}

// known remembers the keys that spoke lately, unpacked: the members of a cooperative speak again and
// again, and unpacking is a third of the work. It changes no verdict.
var known = cache.NewVerifier(cache.NewLRUCache(knownKeys))

// knownKeys is how many keys are remembered, about 2 KiB each.
const knownKeys = 4096

// batchSize is the number of signatures verified in one equation at most: twice as many gain 3 % more.
const batchSize = 2048

// lonely is the number of signatures below which a batch that fails is looked at one by one.
const lonely = 32

// Claim says that the holder of Key signed Message.
type Claim struct {
	Key     PublicKey
	Message []byte
	Sig     Signature
}

// Verify tells whether sig is key's signature of message, by ZIP-215.
func Verify(key PublicKey, message []byte, sig Signature) bool {
	return known.VerifyWithOptions(key[:], message, sig[:], zip215)
}

// VerifyBatch gives for every claim the verdict of Verify, at about half the cost when all are
// good. A batch that fails is halved until it is clear which claim is to blame. The random coefficients decide only how a
// batch is summed up: a false batch passes with probability 2^-128.
func VerifyBatch(claims []Claim) []bool {
	verdicts := make([]bool, len(claims))
	for from := 0; from < len(claims); from += batchSize {
		to := min(from+batchSize, len(claims))
		verifyTogether(claims[from:to], verdicts[from:to])
	}
	return verdicts
}

func verifyTogether(claims []Claim, verdicts []bool) {
	if len(claims) > 3 { // below that single verification is as fast
		batch := voi.NewBatchVerifierWithCapacity(len(claims))
		for i := range claims {
			known.AddWithOptions(batch, claims[i].Key[:], claims[i].Message, claims[i].Sig[:], zip215)
		}
		if batch.VerifyBatchOnly(rand.Reader) {
			for i := range verdicts {
				verdicts[i] = true
			}
			return
		}
	}
	if half := len(claims) / 2; half >= lonely {
		verifyTogether(claims[:half], verdicts[:half])
		verifyTogether(claims[half:], verdicts[half:])
		return
	}
	for i := range claims {
		verdicts[i] = Verify(claims[i].Key, claims[i].Message, claims[i].Sig)
	}
}

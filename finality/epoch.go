package finality

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// Params are the times a cooperative's stewards keep. They bind no one else: no block is valid or
// not because of them.
type Params struct {
	Delta0    event.Time // how long to wait for a leader or for votes before going on without
	Tolerance event.Time // how far a leader's clock may be from mine for my vote
	MinRound  event.Time // shortest time between two of a steward's blocks
	MaxRound  event.Time // longest such time, reached under load so that many events share a round
}

const day = 24 * 60 * 60 * 1000

// DefaultParams fit stewards on home connections anywhere on Earth.
func DefaultParams() Params {
	return Params{Delta0: 2000, Tolerance: 10_000, MinRound: 2, MaxRound: 150}
}

// Check returns ErrParams if these times make no sense.
func (p Params) Check() error {
	for _, t := range []event.Time{p.Delta0, p.Tolerance, p.MinRound, p.MaxRound} {
		if t < 1 || t > day {
			return ErrParams
		}
	}
	if p.MinRound > p.MaxRound {
		return ErrParams
	}
	return nil
}

// Epoch is a period with fixed stewards.
type Epoch struct {
	Coop     event.ID
	Number   uint64
	Base     [32]byte // hash of the checkpoint that the epoch starts from
	Stewards []identity.PublicKey
	Params   Params
}

// N is the number of stewards.
func (ep *Epoch) N() int { return len(ep.Stewards) }

// F is how many stewards may lie.
func (ep *Epoch) F() int { return (ep.N() - 1) / 3 }

// Q is how many stewards must agree: any two such sets share more than F stewards.
func (ep *Epoch) Q() int { return (ep.N()+ep.F())/2 + 1 }

// Leader is the steward whose block wave is about.
func (ep *Epoch) Leader(wave uint64) int { return ep.leaders()[wave%uint64(ep.N())] }

// leaders is a permutation of the stewards drawn from Base (Fisher and Yates), so that nobody
// chooses when to lead. The bias of the remainder is below 2^-59.
func (ep *Epoch) leaders() []int {
	order := make([]int, ep.N())
	for i := range order {
		order[i] = i
	}
	for i := len(order) - 1; i > 0; i-- {
		seed := append([]byte("coop/leaders/1\x00"), ep.Base[:]...)
		draw := sha256.Sum256(binary.BigEndian.AppendUint64(seed, uint64(i)))
		j := binary.BigEndian.Uint64(draw[:8]) % uint64(i+1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// Check returns why there cannot be such an epoch: ErrStewards, ErrParams, ErrNumber or an error of
// identity.PublicKey.Check.
func (ep *Epoch) Check() error {
	if ep.N() < 1 || ep.N() > MaxStewards {
		return ErrStewards
	}
	known := make(map[identity.PublicKey]bool, ep.N())
	for _, key := range ep.Stewards {
		if known[key] {
			return ErrStewards
		}
		if err := key.Check(); err != nil {
			return err
		}
		known[key] = true
	}
	if ep.Number > MaxNumber {
		return ErrNumber
	}
	return ep.Params.Check()
}

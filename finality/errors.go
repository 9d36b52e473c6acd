package finality

import "errors"

// Why an epoch cannot be.
var (
	ErrStewards = errors.New("an epoch has between 1 and 31 different stewards")
	ErrParams   = errors.New("times of an epoch lie between 1 millisecond and one day, and the shortest round is not longer than the longest")
)

// Why bytes are not a round block of this epoch, in the order of checking. Whoever sends such bytes
// is broken or hostile, but for ErrOtherEpoch: keep such a block until its epoch is known.
var (
	ErrRoundSize  = errors.New("a round block has at most 20,480 bytes: this one is dropped")
	ErrRoundForm  = errors.New("these bytes are not a round block in its one spelling: dropped")
	ErrVersion    = errors.New("this round block has a format version that this program does not know: update coop to read it")
	ErrOtherCoop  = errors.New("this round block belongs to another cooperative: dropped")
	ErrOtherEpoch = errors.New("this round block belongs to an epoch that is not the current one: it waits until that epoch is known")
	ErrSteward    = errors.New("this round block names a steward that the epoch does not have: dropped")
	ErrNumber     = errors.New("rounds count from 1, and numbers have at most 53 bits: dropped")
	ErrParents    = errors.New("a round block names at least a quorum of different blocks of the round below, and none in round 1: dropped")
	ErrPrev       = errors.New("a round block's own predecessor has a lower round, and is a parent if that is the round below: dropped")
	ErrInc        = errors.New("a round block lists at most 512 events, ascending and none twice: dropped")
	ErrVote       = errors.New("only blocks of a vote round may vote: dropped")
	ErrSignature  = errors.New("the signature does not fit the steward and the block: dropped")
)

// Why the engine does not keep a round block.
var (
	ErrLinks   = errors.New("this round block's links are not what it says: its parents must be of the round below and of ascending stewards, its predecessor of its own steward: dropped with all that builds on it")
	ErrOld     = errors.New("this round block is of a round long settled: dropped")
	ErrAhead   = errors.New("this round block is more than 64 rounds ahead of what is known here: fetch the rounds between, then offer it again")
	ErrCrowded = errors.New("enough different blocks of this steward and round are known: dropped unless another block needs it")
)

// Why a draft cannot be sealed.
var ErrKey = errors.New("this key is not that of the steward in whose name the round block is drafted")

package finality

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// version is the format this package writes and reads.
const version = 1

// domain separates signatures of rounds from every other use of a key.
const domain = "coop/round/1\x00"

type envelope struct {
	_    struct{} `cbor:",toarray"`
	Core []byte
	Sig  []byte
}

// core is what a steward signs. Last, the round of Prev, is in it so that every reader can tell
// whether a predecessor it does not have lies below its horizon.
type core struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Kind    string
	Coop    [32]byte
	Epoch   uint64
	Steward uint64
	Number  uint64
	Prev    *[32]byte
	Last    uint64
	Parents [][32]byte
	Vote    bool
	Inc     [][32]byte
	Base    [32]byte
	At      uint64
}

// SealRound signs a draft for the epoch; the draft's ID, Epoch and Raw are filled in. It fails with
// ErrKey or the errors of OpenRound.
func SealRound(key identity.Key, ep *Epoch, r Round) (*Round, error) {
	r.Epoch = ep.Number
	if r.Steward < 0 || r.Steward >= ep.N() || ep.Stewards[r.Steward] != key.Public() {
		return nil, ErrKey
	}
	c := r.core(ep)
	if err := c.check(ep); err != nil {
		return nil, err
	}
	b, err := event.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", ErrRoundForm, err)
	}
	hash := sha256.Sum256(b)
	sig := key.Sign(signed(hash))
	raw, err := event.Marshal(envelope{Core: b, Sig: sig[:]})
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", ErrRoundForm, err)
	}
	r.ID, r.Raw = hash, raw
	return &r, nil
}

// OpenRound is the only way from bytes to a round block: canonical, bounded, of this epoch and
// signed by the steward it names. The verdict depends on the bytes and the epoch alone. raw must not
// be changed afterwards. The errors are those of errors.go.
func OpenRound(ep *Epoch, raw []byte) (*Round, error) {
	r, claim, err := parseRound(ep, raw)
	if err == nil && !identity.Verify(claim.Key, claim.Message, claim.Sig) {
		err = ErrSignature
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// OpenRounds opens many round blocks at about half the cost of each: their signatures are verified together. It
// gives for each block the same as OpenRound: a round or an error.
func OpenRounds(ep *Epoch, raws [][]byte) (rounds []*Round, errs []error) {
	rounds, errs = make([]*Round, len(raws)), make([]error, len(raws))
	var claims []identity.Claim
	var at []int
	for i, raw := range raws {
		r, claim, err := parseRound(ep, raw)
		if err != nil {
			errs[i] = err
			continue
		}
		rounds[i] = r
		claims, at = append(claims, claim), append(at, i)
	}
	for j, good := range identity.VerifyBatch(claims) {
		if !good {
			rounds[at[j]], errs[at[j]] = nil, ErrSignature
		}
	}
	return rounds, errs
}

// parseRound does everything that OpenRound does but verify the signature.
func parseRound(ep *Epoch, raw []byte) (*Round, identity.Claim, error) {
	var none identity.Claim
	if len(raw) > MaxRoundSize {
		return nil, none, ErrRoundSize
	}
	var env envelope
	if err := event.Unmarshal(raw, &env); err != nil {
		return nil, none, fmt.Errorf("%w (%v)", ErrRoundForm, err)
	}
	if len(env.Sig) != len(identity.Signature{}) {
		return nil, none, ErrSignature
	}
	var c core
	if err := event.Unmarshal(env.Core, &c); err != nil {
		return nil, none, fmt.Errorf("%w (%v)", ErrRoundForm, err)
	}
	if err := c.check(ep); err != nil {
		return nil, none, err
	}
	hash := sha256.Sum256(env.Core)
	return c.round(hash, raw), identity.Claim{Key: ep.Stewards[c.Steward], Message: signed(hash), Sig: identity.Signature(env.Sig)}, nil
}

func signed(hash [32]byte) []byte { return append([]byte(domain), hash[:]...) }

// check holds every rule that needs only the bytes and the epoch.
func (c *core) check(ep *Epoch) error {
	switch {
	case c.Version != version:
		return ErrVersion
	case c.Kind != "round":
		return ErrRoundForm
	case c.Coop != ep.Coop:
		return ErrOtherCoop
	case c.Epoch != ep.Number || c.Base != ep.Base:
		return ErrOtherEpoch
	case c.Steward >= uint64(ep.N()):
		return ErrSteward
	case c.Number < 1 || c.Number > MaxNumber || c.At > MaxNumber:
		return ErrNumber
	case !c.enoughParents(ep):
		return ErrParents
	case !c.soundPrev():
		return ErrPrev
	case len(c.Inc) > MaxInc || !ascending(c.Inc):
		return ErrInc
	case c.Vote && phaseOf(c.Number) != vote:
		return ErrVote
	}
	return nil
}

// enoughParents asks for a quorum of different parents, one per steward at most.
func (c *core) enoughParents(ep *Epoch) bool {
	if c.Number == 1 {
		return len(c.Parents) == 0
	}
	seen := make(map[[32]byte]bool, len(c.Parents))
	for _, p := range c.Parents {
		if seen[p] {
			return false
		}
		seen[p] = true
	}
	return len(c.Parents) >= ep.Q() && len(c.Parents) <= ep.N()
}

func (c *core) soundPrev() bool {
	if c.Prev == nil || c.Last == 0 {
		return c.Prev == nil && c.Last == 0
	}
	if *c.Prev == [32]byte{} || c.Last >= c.Number {
		return false
	}
	return c.Last < c.Number-1 || slices.Contains(c.Parents, *c.Prev)
}

func ascending(ids [][32]byte) bool {
	for i := 1; i < len(ids); i++ {
		if event.ID(ids[i-1]).Compare(ids[i]) >= 0 {
			return false
		}
	}
	return true
}

func (r *Round) core(ep *Epoch) core {
	c := core{Version: version, Kind: "round", Coop: ep.Coop, Epoch: r.Epoch, Steward: uint64(r.Steward), Number: r.Number,
		Last: r.Last, Vote: r.Vote, Base: ep.Base, At: uint64(r.At)}
	if !r.Prev.IsZero() {
		c.Prev = (*[32]byte)(&r.Prev)
	}
	for _, p := range r.Parents {
		c.Parents = append(c.Parents, p)
	}
	for _, id := range r.Inc {
		c.Inc = append(c.Inc, id)
	}
	return c
}

func (c *core) round(id RoundID, raw []byte) *Round {
	r := &Round{ID: id, Epoch: c.Epoch, Steward: int(c.Steward), Number: c.Number, Last: c.Last, Vote: c.Vote,
		At: event.Time(c.At), Raw: raw}
	if c.Prev != nil {
		r.Prev = *c.Prev
	}
	if len(c.Parents) > 0 {
		r.Parents = make([]RoundID, len(c.Parents))
	}
	for i, p := range c.Parents {
		r.Parents[i] = p
	}
	if len(c.Inc) > 0 {
		r.Inc = make([]event.ID, len(c.Inc))
	}
	for i, inc := range c.Inc {
		r.Inc[i] = inc
	}
	return r
}

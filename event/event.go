// Package event is the one thing that peers say to each other: a signed statement by a member's
// device.
//
// Its one idea: there is one door. Open is the only way from bytes to an *Event, so an event that
// exists in memory was canonical, within every limit and correctly signed. An unverified event has
// no type.
//
// On the wire and on disk an event is the dag-cbor array [core, signature], where core is the
// dag-cbor encoding (https://ipld.io/specs/codecs/dag-cbor/spec/) of
//
//	[version, kind, coop, key, seq, prev, deps, ctx, at, body]
//
// The id is the CID of the core and does not cover the signature: the holder of a key can make many
// valid signatures of one content, and one content must have one id. Two different cores with equal
// key and seq are a fork. The signature is over "coop/event/1", a zero byte, the SHA-256 of the core up
// to the body and that of the body, by the rule of package identity; so a fork is proven without the
// bodies (Header).
//
// One value has one spelling; what was read is written again and compared. Every limit stands in
// limits.go. The package knows neither what a kind means nor who may say it.
package event

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/sustainy/coop/identity"
)

// Version is the format this package writes and reads.
const Version = 1

// KindFound is the kind of the founding event, whose id is the cooperative's id.
const KindFound Kind = "coop.found"

// domain separates signatures of events from every other use of a key.
const domain = "coop/event/1\x00"

// Kind tells what an event is about: room.verb.
type Kind string

// Context is what the author had folded: a hint for readers, never an authority.
type Context struct {
	_     struct{} `cbor:",toarray"`
	Index uint64   // commit index
	Hash  [32]byte // state root at that commit
}

// Event is a verified event. It is never changed after Open or Seal returned it.
type Event struct {
	ID   ID
	Kind Kind
	Coop ID // zero in the founding event alone
	Key  identity.PublicKey
	Seq  uint64 // 0, 1, 2, … per device
	Prev ID     // the same device's event with Seq-1; zero iff Seq is 0
	Deps []ID   // ascending, at most MaxDeps
	Ctx  *Context
	At   Time // the author's clock: a claim
	Body []byte
	Sig  identity.Signature
	Raw  []byte // the envelope

	links []ID // prev and deps in a row; Open makes it once, since they are asked for again and again
}

// Draft is a statement before anybody signed it: what it is about and its body, a canonical map.
type Draft struct {
	_    struct{} `cbor:",toarray"`
	Kind Kind
	Body []byte
}

// Slot is the place of an event in its cooperative and its device's strand.
type Slot struct {
	Coop ID
	Seq  uint64
	Prev ID
	Deps []ID // any order; Seal sorts a copy and drops repetitions
	Ctx  *Context
	At   Time
}

// After is the slot that follows prev in its strand.
func After(coop ID, prev *Event, at Time) Slot {
	return Slot{Coop: coop, Seq: prev.Seq + 1, Prev: prev.ID, At: at}
}

type envelope struct {
	_    struct{} `cbor:",toarray"`
	Core []byte
	Sig  []byte
}

type core struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Kind    string
	Coop    ID
	Key     []byte
	Seq     uint64
	Prev    ID
	Deps    []ID
	Ctx     *Context
	At      uint64
	Body    cbor.RawMessage
}

// NewDraft encodes body, a struct with cbor names, and checks it as Open would.
func NewDraft(kind Kind, body any) (Draft, error) {
	b, err := Marshal(body)
	if err != nil {
		return Draft{}, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	d := Draft{Kind: kind, Body: b}
	return d, d.Check()
}

// Check tells whether the draft could be sealed: kind and body in form and within limits.
func (d Draft) Check() error {
	if !validKind(string(d.Kind)) {
		return ErrKind
	}
	if len(d.Body) > MaxCore {
		return ErrSize
	}
	return checkBody(d.Body)
}

// DecodeBody reads a body into the struct that into points to, refusing unknown fields, wrong types
// and second spellings with errors that wrap ErrMalformed or ErrCanonical.
func DecodeBody(body []byte, into any) error { return Unmarshal(body, into) }

// Links are the events that this one builds on: prev, then deps. They are not to be changed.
func (e *Event) Links() []ID {
	if e.links != nil {
		return e.links
	}
	if e.Prev.IsZero() {
		return e.Deps
	}
	return append([]ID{e.Prev}, e.Deps...)
}

// Seal signs a draft into its slot. It fails with the errors of Open when the result would break a
// limit.
func Seal(key identity.Key, s Slot, d Draft) (*Event, error) {
	deps := slices.Clone(s.Deps)
	slices.SortFunc(deps, ID.Compare)
	deps = slices.Compact(deps)
	public := key.Public()
	c := core{Version: Version, Kind: string(d.Kind), Coop: s.Coop, Key: public[:], Seq: s.Seq, Prev: s.Prev,
		Deps: deps, Ctx: s.Ctx, At: uint64(s.At), Body: d.Body}
	if err := c.check(); err != nil {
		return nil, err
	}
	b, err := Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	sig := key.Sign(signed(digest(b, len(d.Body))))
	raw, err := Marshal(envelope{Core: b, Sig: sig[:]})
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	e, _, err := parse(raw)
	return e, err
}

// Open is the only way from bytes to an event. raw must not be changed afterwards. The errors are
// those of errors.go.
func Open(raw []byte) (*Event, error) {
	e, claim, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if !identity.Verify(claim.Key, claim.Message, claim.Sig) {
		return nil, ErrSignature
	}
	return e, nil
}

// OpenAll opens many envelopes, each with the verdict of Open; signatures are verified in batches,
// which halves the cost. Exactly one of events[i], errs[i] is not nil.
func OpenAll(raws [][]byte) (events []*Event, errs []error) {
	events, errs = make([]*Event, len(raws)), make([]error, len(raws))
	claims := make([]identity.Claim, 0, len(raws))
	at := make([]int, 0, len(raws))
	for i, raw := range raws {
		e, claim, err := parse(raw)
		if err != nil {
			errs[i] = err
			continue
		}
		events[i] = e
		claims = append(claims, claim)
		at = append(at, i)
	}
	for j, good := range identity.VerifyBatch(claims) {
		if !good {
			events[at[j]], errs[at[j]] = nil, ErrSignature
		}
	}
	return events, errs
}

// parse does everything that Open does but verify the signature.
func parse(raw []byte) (*Event, identity.Claim, error) {
	var none identity.Claim
	if len(raw) == 0 || len(raw) > MaxEnvelope {
		return nil, none, ErrSize
	}
	inside, sig, err := halves(raw)
	if err != nil {
		return nil, none, err
	}
	if len(inside) > MaxCore {
		return nil, none, ErrSize
	}
	if len(sig) != len(identity.Signature{}) {
		return nil, none, ErrSignature
	}
	c, err := readCore(inside)
	if err != nil {
		return nil, none, err
	}
	if err := c.check(); err != nil {
		return nil, none, err
	}
	hash := sha256.Sum256(inside)
	e := &Event{ID: hash, Kind: Kind(c.Kind), Coop: c.Coop, Key: identity.PublicKey(c.Key), Seq: c.Seq, Prev: c.Prev,
		Deps: c.Deps, Ctx: c.Ctx, At: Time(c.At), Body: inside[len(inside)-len(c.Body):], Sig: identity.Signature(sig), Raw: raw}
	if !c.Prev.IsZero() {
		e.links = append(append(make([]ID, 0, 1+len(c.Deps)), c.Prev), c.Deps...)
	}
	return e, identity.Claim{Key: e.Key, Message: signed(digest(inside, len(c.Body))), Sig: e.Sig}, nil
}

func signed(digest [2 * sha256.Size]byte) []byte {
	return append([]byte(domain), digest[:]...)
}

func (c *core) check() error {
	switch {
	case c.Version != Version:
		return ErrVersion
	case !validKind(c.Kind):
		return ErrKind
	case len(c.Key) != 32 || identity.PublicKey(c.Key) == identity.Assembly:
		return ErrKey
	case c.Seq > MaxSequence || (c.Seq == 0) != c.Prev.IsZero():
		return ErrSequence
	case c.Coop.IsZero() && (Kind(c.Kind) != KindFound || c.Seq != 0 || len(c.Deps) != 0 || c.Ctx != nil):
		return ErrGenesis
	case c.At > MaxInteger:
		return ErrTime
	case c.Ctx != nil && c.Ctx.Index > MaxInteger:
		return ErrInteger
	}
	if err := checkDeps(c.Deps, c.Prev); err != nil {
		return err
	}
	return checkBody(c.Body)
}

func checkDeps(deps []ID, prev ID) error {
	if len(deps) > MaxDeps {
		return ErrDeps
	}
	for i, dep := range deps {
		if dep.IsZero() || dep == prev || i > 0 && bytes.Compare(deps[i-1][:], dep[:]) >= 0 {
			return ErrDeps
		}
	}
	return nil
}

// validKind accepts "room.verb" and "word".
func validKind(kind string) bool {
	if len(kind) == 0 || len(kind) > MaxKind {
		return false
	}
	dots := 0
	for i, r := range []byte(kind) {
		edge := i == 0 || i == len(kind)-1
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && i > 0:
		case r == '-' && !edge:
		case r == '.' && !edge:
			dots++
		default:
			return false
		}
	}
	return dots <= 1
}

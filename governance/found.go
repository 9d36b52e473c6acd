package governance

import (
	"crypto/sha256"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// Currency is what money is counted in: Decimals places of Code, such as EUR with 2.
type Currency struct {
	Code     string `cbor:"code" json:"code"`
	Decimals uint64 `cbor:"decimals" json:"decimals"`
}

// Params are the constants of ordering and of deadlines (protocol §3.10, §3.11, §3.20), in
// milliseconds. The first four are the stewards', named as in package finality.
type Params struct {
	Delta0    event.Time `cbor:"delta0" json:"delta0"`
	Tolerance event.Time `cbor:"tolerance" json:"tolerance"`
	MinRound  event.Time `cbor:"minround" json:"minround"`
	MaxRound  event.Time `cbor:"maxround" json:"maxround"`
	Grace     event.Time `cbor:"grace" json:"grace"` // how long after a vote's end a ballot cast before it may be ordered
	Stall     event.Time `cbor:"stall" json:"stall"` // a gap in coop time longer than this around a vote's end extends the vote
}

// DefaultParams are the protocol's.
func DefaultParams() Params {
	return Params{Delta0: 2 * second, Tolerance: 10 * second, MinRound: 2, MaxRound: 150, Grace: minute, Stall: 10 * minute}
}

func (p Params) valid() bool {
	for _, t := range []event.Time{p.Delta0, p.Tolerance, p.MinRound, p.MaxRound, p.Grace, p.Stall} {
		if t < 1 || t > day {
			return false
		}
	}
	return p.MinRound <= p.MaxRound && p.Grace <= p.Stall
}

// Founder is a member from the beginning.
type Founder struct {
	Key     identity.PublicKey `cbor:"key" json:"key"`
	Name    string             `cbor:"name" json:"name"`
	Classes []string           `cbor:"classes" json:"classes"`
}

// Founding is the text that every founder agrees to.
type Founding struct {
	Name     string               `cbor:"name" json:"name"`
	Purpose  string               `cbor:"purpose" json:"purpose"`
	Currency Currency             `cbor:"currency" json:"currency"`
	Charter  Charter              `cbor:"charter" json:"charter"`
	Founders []Founder            `cbor:"founders" json:"founders"`
	Stewards []identity.PublicKey `cbor:"stewards" json:"stewards"`
	Params   Params               `cbor:"params" json:"params"`
}

// Consent is a founder's signature of the founding text.
type Consent struct {
	Key identity.PublicKey `cbor:"key" json:"key"`
	Sig identity.Signature `cbor:"sig" json:"sig"`
}

// CoopFound is the body of coop.found. Whoever signs the event is a founder and consents by that;
// every other founder consents inside.
type CoopFound struct {
	Text     Founding  `cbor:"text" json:"text"`
	Consents []Consent `cbor:"consents" json:"consents"`
}

// Digest is what a consent signs: "coop/found/1", a zero byte, and the SHA-256 of the text.
func (f *Founding) Digest() []byte {
	b, err := event.Marshal(f)
	if err != nil {
		panic("governance: invariant: a founding text has a canonical form: " + err.Error())
	}
	hash := sha256.Sum256(b)
	return append([]byte("coop/found/1\x00"), hash[:]...)
}

// Consent signs the text.
func (f *Founding) Consent(key identity.Key) Consent {
	return Consent{key.Public(), key.Sign(f.Digest())}
}

// Begin is the hall after its founding event, which env and body describe. It refuses what could
// not be governed.
func Begin(env fold.Env, body CoopFound) (State, error) {
	f := &body.Text
	if err := f.check(); err != nil {
		return State{}, err
	}
	if err := body.checkConsents(env.Key); err != nil {
		return State{}, err
	}
	s := State{Facts: Facts{Coop: env.ID, Founded: env.At, Time: env.At, Name: f.Name, Purpose: f.Purpose, Currency: f.Currency,
		Params: f.Params, Charter: f.Charter, Version: 1}}
	s.begin(f.Stewards)
	for _, founder := range f.Founders {
		s.Members.Set(founder.Key, Member{Name: founder.Name, Classes: founder.Classes, Status: StatusMember, Since: env.At, Devices: 1, Event: env.ID})
		d := Device{Member: founder.Key, Since: env.At}
		if founder.Key == env.Key {
			d.Next = 1 // the founding was number 0
		}
		s.Devices.Set(founder.Key, d)
	}
	return s, nil
}

// Found refuses a second founding inside a cooperative.
func (s *State) Found(fold.Env, CoopFound) error { return ErrFoundedBefore }

func (f *Founding) check() error {
	if !line(f.Name, MaxName) {
		return ErrName
	}
	if !prose(f.Purpose, MaxPurpose) {
		return ErrText
	}
	if !f.Currency.valid() {
		return ErrCurrency
	}
	if err := f.Charter.Validate(); err != nil {
		return err
	}
	if !f.Params.valid() {
		return ErrParams
	}
	if n := len(f.Founders); n < 1 || n > MaxFounders {
		return ErrFounders
	}
	votes := false
	keys := make([]identity.PublicKey, 0, len(f.Founders))
	for _, founder := range f.Founders {
		if founder.Key.Check() != nil {
			return ErrKey
		}
		if !line(founder.Name, MaxName) {
			return ErrName
		}
		if !f.Charter.knows(founder.Classes) {
			return ErrClasses
		}
		votes = votes || f.Charter.MayVote(founder.Classes)
		keys = append(keys, founder.Key)
	}
	if !distinct(keys) {
		return ErrFounders
	}
	if !votes {
		return ErrNoVoters
	}
	if n := len(f.Stewards); n < 1 || n > MaxStewards || !distinct(f.Stewards) {
		return ErrStewards
	}
	for _, key := range f.Stewards {
		if key.Check() != nil {
			return ErrKey
		}
	}
	return nil
}

// checkConsents expects, in the order of the founders, one consent of each but the author.
func (body *CoopFound) checkConsents(author identity.PublicKey) error {
	digest := body.Text.Digest()
	rest := body.Consents
	claims := make([]identity.Claim, 0, len(rest))
	found := false
	for _, founder := range body.Text.Founders {
		if founder.Key == author {
			found = true
			continue
		}
		if len(rest) == 0 || rest[0].Key != founder.Key {
			return ErrConsent
		}
		claims = append(claims, identity.Claim{Key: founder.Key, Message: digest, Sig: rest[0].Sig})
		rest = rest[1:]
	}
	if slices.Contains(identity.VerifyBatch(claims), false) {
		return ErrConsent
	}
	if !found {
		return ErrNoFounder
	}
	if len(rest) != 0 {
		return ErrConsent
	}
	return nil
}

func (c Currency) valid() bool {
	if len(c.Code) < 2 || len(c.Code) > 12 || c.Decimals > MaxDecimals {
		return false
	}
	for _, b := range []byte(c.Code) {
		if (b < 'A' || b > 'Z') && (b < '0' || b > '9') {
			return false
		}
	}
	return true
}

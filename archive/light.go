package archive

import (
	"encoding/hex"
	"fmt"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// Bounds on a light proof: its bytes and its hand-overs.
const (
	MaxLight = 16 << 20
	maxSteps = 4096
)

// light is a proof without events: the founding event, the certificate of each hand-over with the stewards
// who follow, or the re-founding that took its place, and the last certificate. It grows with the number of epochs alone.
type light struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Genesis []byte
	Steps   []lightStep
	Last    []byte // empty: nothing was certified since
}

type lightStep struct {
	_           struct{} `cbor:",toarray"`
	Certificate []byte
	Stewards    []identity.PublicKey
	Params      finality.Params
	Refounding  []byte // if there is one, the rest is empty
}

// Light writes such a proof.
func Light(genesis *event.Event, steps []coop.Succession, last *finality.Certificate) []byte {
	l := light{Version: version, Genesis: genesis.Raw}
	for _, s := range steps {
		if s.Refounding != nil {
			l.Steps = append(l.Steps, lightStep{Refounding: s.Refounding})
			continue
		}
		l.Steps = append(l.Steps, lightStep{Certificate: s.Certificate.Raw(), Stewards: s.Stewards, Params: s.Params})
	}
	if last != nil {
		l.Last = last.Raw()
	}
	raw, err := event.Marshal(l)
	if err != nil {
		panic("archive: invariant: a light proof can be written: " + err.Error())
	}
	return raw
}

// LightReport is what a light proof shows.
type LightReport struct {
	Coop   event.ID     `json:"coop"`
	Name   string       `json:"name"`
	Epochs []LightEpoch `json:"epochs"`
	Pinned bool         `json:"pinned"` // it leads through the epoch of a pin that was given
}

// LightEpoch is one epoch, and the last checkpoint of it that the proof holds.
type LightEpoch struct {
	Number   uint64         `json:"number"`
	Base     string         `json:"base"`
	Quorum   int            `json:"quorum"`
	Stewards []LightSteward `json:"stewards"`
	Ended    bool           `json:"ended"`
	Signed   *LightSigned   `json:"signed,omitempty"`
	Given    *LightGiven    `json:"given,omitempty"` // it ended by a re-founding
}

// LightGiven is the re-founding by which an epoch ended.
type LightGiven struct {
	Commits uint64 `json:"commits"` // after which the members went on without its stewards
	Assents int    `json:"assents"` // members, as they say
	Reason  string `json:"reason"`
}

// LightSteward is a steward, and whether they signed the checkpoint.
type LightSteward struct {
	Key    identity.PublicKey `json:"key"`
	Name   string             `json:"name,omitempty"` // of founders alone: later ones sign with fresh keys
	Signed bool               `json:"signed"`
}

// LightSigned is what a quorum signed.
type LightSigned struct {
	Commits    uint64     `json:"commits"`
	Events     uint64     `json:"events"`
	Time       event.Time `json:"time"`
	State      string     `json:"state"`
	Checkpoint string     `json:"checkpoint"` // its hash
}

// Anchor is an epoch that is known otherwise, as from an invite: its number and its base.
type Anchor struct {
	Epoch uint64
	Base  [32]byte
}

// VerifyLight follows a light proof from the founding event, epoch by epoch, verifying who signed. It replays
// nothing: it believes what a quorum of each epoch's stewards signed. With a pin it also believes no other
// history: former stewards who sign anew with old keys come to another base.
//
// Who may assent to a re-founding only the state tells, and no steward has certified it there. So a proof that leads
// through one is believed if a pin is of the epoch that it began or of a later one: its base then names the stewards.
func VerifyLight(raw []byte, pin *Anchor) (*LightReport, error) {
	r, _, err := FollowLight(raw, pin)
	return r, err
}

// FollowLight does the same, and also returns the last certificate; nil if the proof holds none of the last epoch.
func FollowLight(raw []byte, pin *Anchor) (*LightReport, *finality.Certificate, error) {
	l, state, ep, err := openLight(raw)
	if err != nil {
		return nil, nil, err
	}
	r := &LightReport{Coop: ep.Coop, Name: state.Hall.Name}
	least := uint64(0) // the epoch of which a pin must be
	for _, s := range l.Steps {
		if len(s.Refounding) > 0 {
			if ep, err = r.refounded(&ep, &state, s.Refounding); err != nil {
				return nil, nil, err
			}
			least = ep.Number
			continue
		}
		cert, err := r.signed(&ep, &state, s.Certificate)
		if err != nil {
			return nil, nil, err
		}
		r.Epochs[len(r.Epochs)-1].Ended = true
		if ep, err = ep.Follow(finality.Handover{Certificate: *cert, Stewards: s.Stewards, Params: s.Params}); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	var last *finality.Certificate
	if len(l.Last) == 0 {
		r.epoch(&ep, &state)
	} else if last, err = r.signed(&ep, &state, l.Last); err != nil {
		return nil, nil, err
	}
	if least > 0 && (pin == nil || pin.Epoch < least) {
		return nil, nil, ErrRefounded
	}
	return r, last, r.pinned(pin)
}

// openLight reads a proof up to the epoch in which it begins.
func openLight(raw []byte) (l light, state coop.State, ep finality.Epoch, err error) {
	if len(raw) > MaxLight {
		return l, state, ep, ErrBounds
	}
	if err := event.Unmarshal(raw, &l); err != nil {
		return l, state, ep, fmt.Errorf("%w (%w)", ErrNoArchive, err)
	}
	if l.Version != version || len(l.Steps) > maxSteps {
		return l, state, ep, ErrVersion
	}
	genesis, err := event.Open(l.Genesis)
	if err == nil {
		state, err = coop.Genesis(genesis)
	}
	if err != nil {
		return l, state, ep, fmt.Errorf("%w: the founding event: %w", ErrInvalid, err)
	}
	if ep = coop.Epoch(&state); ep.Check() != nil {
		err = fmt.Errorf("%w: the stewards: %w", ErrInvalid, ep.Check())
	}
	return l, state, ep, err
}

// refounded adds an epoch that the members ended, and begins the next one.
func (r *LightReport) refounded(ep *finality.Epoch, founding *coop.State, raw []byte) (next finality.Epoch, err error) {
	object, err := governance.OpenRefounding(raw)
	if err == nil && (object.Text.Coop != ep.Coop || object.Text.Epoch != ep.Number+1) {
		err = governance.ErrRefoundBase
	}
	if err == nil {
		err = object.CheckSignatures()
	}
	if err != nil {
		return next, fmt.Errorf("%w: epoch %d: %w", ErrInvalid, ep.Number, err)
	}
	e := r.epoch(ep, founding)
	e.Ended, e.Given = true, &LightGiven{Commits: object.Text.Commits, Assents: len(object.Assents), Reason: object.Text.Reason}
	next = finality.Epoch{Coop: ep.Coop, Number: ep.Number + 1, Base: object.Text.Digest(), Params: ep.Params}
	for _, chair := range object.Text.Stewards {
		next.Stewards = append(next.Stewards, chair.Key)
	}
	if err := next.Check(); err != nil {
		return next, fmt.Errorf("%w: epoch %d: %w", ErrInvalid, next.Number, err)
	}
	return next, nil
}

// epoch adds an epoch to the report.
func (r *LightReport) epoch(ep *finality.Epoch, founding *coop.State) *LightEpoch {
	e := LightEpoch{Number: ep.Number, Base: hex.EncodeToString(ep.Base[:]), Quorum: ep.Q()}
	for _, key := range ep.Stewards {
		s := LightSteward{Key: key}
		if m, ok := founding.Hall.Members.Get(key); ok && ep.Number == 0 {
			s.Name = m.Name
		}
		e.Stewards = append(e.Stewards, s)
	}
	r.Epochs = append(r.Epochs, e)
	return &r.Epochs[len(r.Epochs)-1]
}

// signed adds an epoch with what its stewards signed, which must be a quorum.
func (r *LightReport) signed(ep *finality.Epoch, founding *coop.State, raw []byte) (*finality.Certificate, error) {
	cert, err := finality.OpenCertificate(raw)
	if err == nil {
		err = cert.Verify(ep)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: epoch %d: %w", ErrInvalid, ep.Number, err)
	}
	e, c := r.epoch(ep, founding), &cert.Checkpoint
	hash := c.Hash()
	e.Signed = &LightSigned{Commits: c.Index + 1, Events: c.Events, Time: c.Time, State: hex.EncodeToString(c.State[:]), Checkpoint: hex.EncodeToString(hash[:])}
	for _, s := range cert.Signatures {
		e.Stewards[s.Steward].Signed = true
	}
	return cert, nil
}

// pinned holds the epochs against a pin.
func (r *LightReport) pinned(pin *Anchor) error {
	if pin == nil {
		return nil
	}
	if pin.Epoch >= uint64(len(r.Epochs)) {
		return fmt.Errorf("%w: it ends with epoch %d, and the pin is of epoch %d", ErrTruncated, len(r.Epochs)-1, pin.Epoch)
	}
	if r.Epochs[pin.Epoch].Base != hex.EncodeToString(pin.Base[:]) {
		return fmt.Errorf("%w: epoch %d began otherwise than the pin says: one of the two is forged", ErrClaim, pin.Epoch)
	}
	r.Pinned = true
	return nil
}

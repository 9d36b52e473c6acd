package governance

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// RefoundingWarning is what everybody who assents to a re-founding must be shown.
const RefoundingWarning = "This overrides finality. It is safe only if the stewards who are replaced never sign again: if enough of them come back, " +
	"there are two cooperatives with one past, each final to those who follow it, and no rule can join them. What became final after " +
	"the last checkpoint that the signers know is put in order anew, and may end otherwise."

// The rule of a re-founding where the charter names none: two thirds of the members who may vote, after
// two weeks of silence (protocol §3.14).
const recoveryDelay = 14 * day

var recoveryShare = Ratio{2, 3}

// Refounding is how members go on whose stewards are gone for good. It is an object beside the events:
// nobody is left who could put one in order. It names the last checkpoint that its signers know, and the
// stewards of the epoch that begins there instead of the one that was to follow.
type Refounding struct {
	Text    RefoundingText `cbor:"text" json:"text"`
	Assents []Assent       `cbor:"assents" json:"assents"` // by member, ascending
}

// RefoundingText is what the members assent to.
type RefoundingText struct {
	Coop       event.ID          `cbor:"coop" json:"coop"`
	Epoch      uint64            `cbor:"epoch" json:"epoch"`           // that begins: one after that of the checkpoint
	Commits    uint64            `cbor:"commits" json:"commits"`       // up to the checkpoint
	Checkpoint [32]byte          `cbor:"checkpoint" json:"checkpoint"` // its hash
	Stewards   []RefoundingChair `cbor:"stewards" json:"stewards"`
	Reason     string            `cbor:"reason" json:"reason"`
}

// RefoundingChair is a steward of the new epoch.
type RefoundingChair struct {
	Member identity.PublicKey `cbor:"member" json:"member"`
	Key    identity.PublicKey `cbor:"key" json:"key"`
	Proof  identity.Signature `cbor:"proof" json:"proof"` // ReadyProof by Key
}

// Assent is a member's signature of a re-founding: I have seen no progress since the checkpoint, by my
// own clock.
type Assent struct {
	Member identity.PublicKey `cbor:"member" json:"member"`
	Device identity.PublicKey `cbor:"device" json:"device"`
	At     event.Time         `cbor:"at" json:"at"` // the signer's clock
	Sig    identity.Signature `cbor:"sig" json:"sig"`
}

// Digest names the text. It is the base of the new epoch, so that nothing signed in it can be taken for
// a block of an ordinary epoch with its number.
func (t *RefoundingText) Digest() [32]byte {
	b, err := event.Marshal(t)
	if err != nil {
		panic("governance: invariant: a re-founding has a canonical form: " + err.Error())
	}
	return sha256.Sum256(append([]byte("coop/refound/1\x00"), b...))
}

// Assent signs the text with a device of the member at a time of the signer's clock.
func (t *RefoundingText) Assent(device identity.Key, member identity.PublicKey, at event.Time) Assent {
	return Assent{Member: member, Device: device.Public(), At: at, Sig: device.Sign(assentMessage(t.Digest(), at))}
}

// assentMessage is what an assent signs: "coop/assent/1", a zero byte, the text's digest, the time as 8
// bytes, big-endian.
func assentMessage(digest [32]byte, at event.Time) []byte {
	b := append([]byte("coop/assent/1\x00"), digest[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(at))
}

// recovery is the charter's rule: what share of the members who may vote, after how long a silence.
func (o Office) recovery() (share Ratio, delay event.Time) {
	share, delay = o.Recovery, o.Silence
	if share == (Ratio{}) {
		share = recoveryShare
	}
	if delay == 0 {
		delay = recoveryDelay
	}
	return share, delay
}

// Voters counts the members who may vote.
func (s *State) Voters() (n uint64) {
	for _, m := range table.All(&s.Members) {
		if m.Status == StatusMember && s.Charter.MayVote(m.Classes) {
			n++
		}
	}
	return n
}

// CheckRefounding tells why r does not refound the cooperative from s, which must be the final state at
// the checkpoint whose hash is given. It is pure: members who hold the same checkpoint agree on it.
func (s *State) CheckRefounding(r *Refounding, checkpoint [32]byte) error {
	t := &r.Text
	if t.Coop != s.Coop || t.Checkpoint != checkpoint || t.Epoch != s.Term.Number+1 {
		return ErrRefoundBase
	}
	if err := s.checkChairs(t); err != nil {
		return err
	}
	if !prose(t.Reason, MaxText) || t.Reason == "" {
		return ErrRefoundReason
	}
	digest := t.Digest()
	share, delay := s.Charter.Office.recovery()
	for i, a := range r.Assents {
		if i > 0 && r.Assents[i-1].Member.Compare(a.Member) >= 0 {
			return ErrAssents
		}
		m, ok := s.Members.Get(a.Member)
		d, live := s.Devices.Get(a.Device)
		if !ok || m.Status != StatusMember || !s.Charter.MayVote(m.Classes) || !live || d.Member != a.Member || !d.live() {
			return ErrAssents
		}
		if a.At < s.Time+delay {
			return ErrRefoundEarly
		}
		if !identity.Verify(a.Device, assentMessage(digest, a.At), a.Sig) {
			return ErrAssents
		}
	}
	if share.Compare(uint64(len(r.Assents)), s.Voters()) < 0 {
		return ErrRefoundFew
	}
	return nil
}

// CheckSignatures checks what of a re-founding can be checked without any state: that each new steward's key proves
// itself and stands once, that there is a reason, and that each assent is of another member and signed by the device
// that it names. Whose the devices are, and how many assents it takes, CheckRefounding tells.
func (r *Refounding) CheckSignatures() error {
	t := &r.Text
	var members, keys []identity.PublicKey
	for _, chair := range t.Stewards {
		if chair.Key.Check() != nil || !identity.Verify(chair.Key, readyMessage(t.Coop, chair.Member, t.Epoch), chair.Proof) {
			return ErrRefoundStewards
		}
		members, keys = append(members, chair.Member), append(keys, chair.Key)
	}
	if len(members) < 1 || len(members) > MaxStewards || !distinct(members) || !distinct(keys) {
		return ErrRefoundStewards
	}
	if !prose(t.Reason, MaxText) || t.Reason == "" {
		return ErrRefoundReason
	}
	digest := t.Digest()
	for i, a := range r.Assents {
		if i > 0 && r.Assents[i-1].Member.Compare(a.Member) >= 0 || !identity.Verify(a.Device, assentMessage(digest, a.At), a.Sig) {
			return ErrAssents
		}
	}
	return nil
}

// checkChairs asks of the new stewards what is asked of those who are ready for an ordinary epoch.
func (s *State) checkChairs(t *RefoundingText) error {
	var members, keys []identity.PublicKey
	for _, chair := range t.Stewards {
		// A key that was announced for an election that never came to pass has signed nothing yet.
		used, known := s.RoundKeys.Get(chair.Key)
		known = known && (used.Member != chair.Member || used.Epoch != t.Epoch || used.Forked)
		if !s.eligible(chair.Member) || chair.Key.Check() != nil || known || s.Devices.Has(chair.Key) ||
			!identity.Verify(chair.Key, readyMessage(s.Coop, chair.Member, t.Epoch), chair.Proof) {
			return ErrRefoundStewards
		}
		members, keys = append(members, chair.Member), append(keys, chair.Key)
	}
	if len(members) < 1 || len(members) > MaxStewards || !distinct(members) || !distinct(keys) {
		return ErrRefoundStewards
	}
	return nil
}

// Refound begins the epoch of a re-founding that CheckRefounding has found to hold. An election is due
// at once: so few have decided for all, in need.
func (s *State) Refound(r *Refounding) {
	next := Term{Number: r.Text.Epoch, Since: s.Time, Ends: s.Time, By: r.Text.Digest()}
	for _, chair := range r.Text.Stewards {
		next.Stewards = append(next.Stewards, Steward{chair.Member, chair.Key})
		s.RoundKeys.Set(chair.Key, RoundKey{Member: chair.Member, Epoch: next.Number})
	}
	next.Standby = slices.DeleteFunc(slices.Clone(s.Term.Standby), func(m identity.PublicKey) bool { return next.seat(m) >= 0 })
	s.Term, s.Pending = next, Handover{}
}

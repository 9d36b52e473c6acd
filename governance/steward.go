package governance

import (
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// Steward is a member who orders events, and the key that signs the round blocks: in the first epoch
// the key that the founding names, later the one announced for the epoch (protocol §3.1).
type Steward struct {
	Member identity.PublicKey `cbor:"member" json:"member"`
	Key    identity.PublicKey `cbor:"key" json:"key"`
}

// Term is an epoch as the members see it: who orders events, since when, and until when they may.
type Term struct {
	Number   uint64               `cbor:"number" json:"number"` // of the epoch, from 0
	Stewards []Steward            `cbor:"stewards" json:"stewards"`
	Standby  []identity.PublicKey `cbor:"standby" json:"standby"` // members, in the order in which they would come in
	Since    event.Time           `cbor:"since" json:"since"`     // coop time of the commit that it follows
	Ends     event.Time           `cbor:"ends" json:"ends"`       // coop time from which an election is due; 0: never
	By       event.ID             `cbor:"by" json:"by"`           // what decided it: the founding, a proposal, evidence, a resignation; zero: a steward was no member any more
}

// Keys are the keys that sign round blocks, in the order of the epoch's list.
func (t *Term) Keys() []identity.PublicKey {
	keys := make([]identity.PublicKey, len(t.Stewards))
	for i, steward := range t.Stewards {
		keys[i] = steward.Key
	}
	return keys
}

// seat finds a member among the stewards, or -1.
func (t *Term) seat(member identity.PublicKey) int {
	return slices.IndexFunc(t.Stewards, func(s Steward) bool { return s.Member == member })
}

// Handover is a change of stewards or timing that is decided and has not happened yet: it waits for
// its notice and for enough of the incoming stewards. Without stewards there is none.
type Handover struct {
	Stewards []identity.PublicKey `cbor:"stewards" json:"stewards"` // members who come in or stay
	Standby  []identity.PublicKey `cbor:"standby" json:"standby"`
	Params   Params               `cbor:"params" json:"params"`
	Notice   event.Time           `cbor:"notice" json:"notice"` // coop time before which it does not happen
	Decided  event.Time           `cbor:"decided" json:"decided"`
	Ends     event.Time           `cbor:"ends" json:"ends"`       // of the coming term, unless Elected
	Elected  bool                 `cbor:"elected" json:"elected"` // a whole term begins with it
	Seated   bool                 `cbor:"seated" json:"seated"`   // it has waited long enough: who serves now needs no fresh key
	By       event.ID             `cbor:"by" json:"by"`
}

// Nomination is a member's standing offer to be a steward.
type Nomination struct {
	Device identity.PublicKey `cbor:"device"` // with which it was made
	Since  event.Time         `cbor:"since"`
	Event  event.ID           `cbor:"event"`
}

// Announcement is the last key that a member has announced for round blocks.
type Announcement struct {
	Epoch uint64             `cbor:"epoch"`
	Key   identity.PublicKey `cbor:"key"`
	Event event.ID           `cbor:"event"`
}

// RoundKey tells whose a key for round blocks is or was. A key is one member's for ever.
type RoundKey struct {
	Member identity.PublicKey `cbor:"member"`
	Epoch  uint64             `cbor:"epoch"`  // in which it is used, or is to be
	Forked bool               `cbor:"forked"` // proven to have signed two blocks of one round
}

// StewardStand is the body of steward.stand: I am ready to be elected steward, now and until I resign.
type StewardStand struct{}

// StewardReady is the body of steward.ready, signed by a device of an incoming steward who has the
// state of the cooperative and is ready to order events with Key.
type StewardReady struct {
	Epoch uint64             `cbor:"epoch"` // the coming one
	Key   identity.PublicKey `cbor:"key"`
	Proof identity.Signature `cbor:"proof"` // ReadyProof by Key
}

// StewardAppoint is the body of steward.appoint, an act of the Assembly. An election by stv performs
// it with those elected.
type StewardAppoint struct {
	Stewards []identity.PublicKey `cbor:"stewards"` // members
	Standby  []identity.PublicKey `cbor:"standby"`  // members, in the order in which they would come in
}

// ReadyProof shows that the holder of a key for round blocks wants to be this member's in this epoch,
// so that nobody announces another's key: "coop/steward/1", a zero byte, the cooperative, the member
// and the epoch as 8 bytes, big-endian.
func ReadyProof(round identity.Key, coop event.ID, member identity.PublicKey, epoch uint64) identity.Signature {
	return round.Sign(readyMessage(coop, member, epoch))
}

func readyMessage(coop event.ID, member identity.PublicKey, epoch uint64) []byte {
	b := append(append([]byte("coop/steward/1\x00"), coop[:]...), member[:]...)
	for shift := 56; shift >= 0; shift -= 8 {
		b = append(b, byte(epoch>>shift))
	}
	return b
}

// QuorumOf is how many of n stewards must agree (protocol §3.20).
func QuorumOf(n int) int {
	ep := finality.Epoch{Stewards: make([]identity.PublicKey, n)}
	return ep.Q()
}

// begin fills the founding term: stewards are known by their keys, members or not.
func (s *State) begin(stewards []identity.PublicKey) {
	s.Term = Term{Since: s.Founded, Ends: s.termFrom(s.Founded), By: s.Coop}
	for _, key := range stewards {
		s.Term.Stewards = append(s.Term.Stewards, Steward{key, key})
		s.RoundKeys.Set(key, RoundKey{Member: key})
	}
}

// termFrom is when a term that begins at t ends.
func (s *State) termFrom(t event.Time) event.Time {
	if s.Charter.Office.Term == 0 {
		return 0
	}
	return t + s.Charter.Office.Term
}

// Stand makes a member a candidate for steward.
func (s *State) Stand(env fold.Env, _ StewardStand) error {
	key, m, err := s.actor(env)
	if err != nil {
		return err
	}
	if !s.Charter.MayVote(m.Classes) {
		return ErrMayNotStand
	}
	if s.Standing.Has(key) {
		return ErrStandsAlready
	}

	s.Standing.Set(key, Nomination{Device: env.Key, Since: s.Time, Event: env.ID})
	return nil
}

// Appoint decides who the next stewards are; they take over by MoveOn. Who of those named no longer
// stands, or cannot be a steward any more, is passed over, and who is on standby comes in.
func (s *State) Appoint(env fold.Env, b StewardAppoint) error {
	if env.Key != identity.Assembly {
		return ErrAssemblyOnly
	}
	if n := len(b.Stewards); n < 1 || n > MaxStewards || len(b.Standby) > MaxStandby || !distinct(slices.Concat(b.Stewards, b.Standby)) {
		return ErrAppointed
	}
	able := slices.DeleteFunc(slices.Concat(b.Stewards, b.Standby), func(member identity.PublicKey) bool {
		return !s.willing(member) || !s.eligible(member)
	})
	if len(able) < len(b.Stewards) {
		return ErrNotStanding
	}

	h := s.change(env.ID)
	h.Stewards, h.Standby, h.Elected = able[:len(b.Stewards):len(b.Stewards)], able[len(b.Stewards):], true
	h.Notice = s.Time + s.Charter.Office.Notice
	s.Pending = h
	return nil
}

// change is the pending hand-over, or a fresh one that changes nothing yet.
func (s *State) change(by event.ID) Handover {
	h := s.Pending
	if len(h.Stewards) == 0 {
		h = Handover{Standby: s.Term.Standby, Params: s.Params, Ends: s.Term.Ends}
		for _, steward := range s.Term.Stewards {
			h.Stewards = append(h.Stewards, steward.Member)
		}
	}
	h.By, h.Decided, h.Seated = by, s.Time, false
	return h
}

// willing tells whether a member has agreed to be a steward: who stands, and who is one.
func (s *State) willing(member identity.PublicKey) bool {
	return s.Standing.Has(member) || s.Term.seat(member) >= 0
}

// eligible tells whether a member can be a steward: one who may vote and has a live device.
func (s *State) eligible(member identity.PublicKey) bool {
	m, ok := s.Members.Get(member)
	if !ok || m.Status != StatusMember || !s.Charter.MayVote(m.Classes) {
		return false
	}
	_, live := s.speaker(member)
	return live
}

// speaker is a live device of the member: the one that stood for election if it is live, or else the
// first by key.
func (s *State) speaker(member identity.PublicKey) (identity.PublicKey, bool) {
	c, _ := s.Standing.Get(member)
	for _, key := range []identity.PublicKey{c.Device, member} {
		if d, ok := s.Devices.Get(key); ok && d.Member == member && s.sound(key, d) {
			return key, true
		}
	}
	for key, d := range table.All(&s.Devices) {
		if d.Member == member && s.sound(key, d) {
			return key, true
		}
	}
	return identity.PublicKey{}, false
}

// sound tells whether a device could also sign round blocks.
func (s *State) sound(key identity.PublicKey, d Device) bool {
	r, _ := s.RoundKeys.Get(key)
	return d.live() && !r.Forked
}

// Ready announces the key with which an incoming steward will sign. Until the hand-over another key
// can replace it.
func (s *State) Ready(env fold.Env, b StewardReady) error {
	member, _, err := s.actor(env)
	if err != nil {
		return err
	}
	if !slices.Contains(s.Pending.Stewards, member) {
		return ErrNotIncoming
	}
	if b.Epoch != s.Term.Number+1 {
		return ErrEpoch
	}
	if b.Key.Check() != nil {
		return ErrKey
	}
	if s.RoundKeys.Has(b.Key) || s.Devices.Has(b.Key) {
		return ErrKeyTaken
	}
	if !identity.Verify(b.Key, readyMessage(s.Coop, member, b.Epoch), b.Proof) {
		return ErrReadyProof
	}

	s.RoundKeys.Set(b.Key, RoundKey{Member: member, Epoch: b.Epoch})
	s.Announced.Set(member, Announcement{Epoch: b.Epoch, Key: b.Key, Event: env.ID})
	return nil
}

// anothers tells whether somebody else signs round blocks with key, or did. What speaks for a member
// and what orders events must never be two members' at once, or an epoch could list a key twice.
func (s *State) anothers(key, member identity.PublicKey) bool {
	r, ok := s.RoundKeys.Get(key)
	return ok && r.Member != member
}

// announced is the key that an incoming steward has announced for the coming epoch.
func (s *State) announced(member identity.PublicKey) (identity.PublicKey, bool) {
	a, ok := s.Announced.Get(member)
	return a.Key, ok && a.Epoch == s.Term.Number+1
}

// Readiness counts the incoming stewards who have announced their key, and how many must have; see able.
func (s *State) Readiness() (ready, needed int) {
	for _, member := range s.Pending.Stewards {
		if s.able(member) {
			ready++
		}
	}
	return ready, QuorumOf(len(s.Pending.Stewards))
}

// handover is when the pending hand-over can happen, if enough of the incoming stewards are ready.
func (s *State) handover() (at event.Time, ready bool) {
	if len(s.Pending.Stewards) == 0 {
		return 0, false
	}
	have, needed := s.Readiness()
	return s.Pending.Notice, have >= needed
}

// MoveOn ends a commit: once the pending hand-over's notice has passed and a quorum of its stewards is
// ready, the next epoch begins, and the commit was the last of its own (protocol §3.13). An incoming
// steward who has announced nothing signs with the present key, or else with a device: the seat is
// theirs when they come.
func (s *State) MoveOn() {
	s.relieve()
	if at := s.Lapses(); at != 0 && s.Time >= at {
		if _, ready := s.handover(); !ready {
			s.lapse()
		}
	}
	at, ready := s.handover()
	if !ready || s.Time < at {
		return
	}
	h := s.Pending
	next := Term{Number: s.Term.Number + 1, Standby: h.Standby, Since: s.Time, Ends: h.Ends, By: h.By}
	if h.Elected {
		next.Ends = s.termFrom(s.Time)
	}
	for _, member := range h.Stewards {
		key := s.roundKey(member)
		next.Stewards = append(next.Stewards, Steward{member, key})
		r, _ := s.RoundKeys.Get(key)
		r.Member, r.Epoch = member, next.Number
		s.RoundKeys.Set(key, r)
	}
	s.Term, s.Params, s.Pending = next, h.Params, Handover{}
}

// roundKey is the key with which an incoming steward will sign.
func (s *State) roundKey(member identity.PublicKey) identity.PublicKey {
	if key, ok := s.announced(member); ok {
		return key
	}
	if i := s.Term.seat(member); i >= 0 {
		return s.Term.Stewards[i].Key
	}
	key, _ := s.speaker(member)
	return key
}

package governance

import (
	"bytes"
	"cmp"
	"iter"
	"slices"

	"github.com/sustainy/coop/delegation"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
)

// DefaultTerm is for how long a delegation applies after it was last confirmed, if the charter doesn't
// say: 180 days.
const DefaultTerm = event.Time(delegation.DefaultTerm)

// Delegating is how far members may let others vote for them. In a track whatever is set takes the
// place of what the charter says for all tracks, except that a charter without delegation has none on
// any track.
type Delegating struct {
	Off  bool       `cbor:"off" json:"off,omitempty"`   // every member votes or is silent
	Term event.Time `cbor:"term" json:"term,omitempty"` // ms for which a delegation applies after it was last confirmed; 0: DefaultTerm
	Cap  Ratio      `cbor:"cap" json:"cap,omitzero"`    // the share of the roll that one delegate may carry, the own vote included; 0/0: any
}

// About is what a delegation covers: a proposal, a tag or a track; everything if it names none of them.
type About struct {
	Proposal event.ID `cbor:"proposal" json:"proposal,omitzero"`
	Tag      string   `cbor:"tag" json:"tag,omitempty"`
	Track    string   `cbor:"track" json:"track,omitempty"`
}

// Delegate is who votes for a member: one member; a group, which says what at least Threshold of its
// members say; a program; or nobody, if all is empty.
type Delegate struct {
	Members   []identity.PublicKey `cbor:"members" json:"members,omitempty"`     // ascending, each once
	Threshold uint64               `cbor:"threshold" json:"threshold,omitempty"` // of a group of several, more than half of it; 0 for one member
	Program   event.ID             `cbor:"program" json:"program,omitzero"`      // one published version
}

// Remit is a thing for which a member can have one mandate.
type Remit struct {
	Member identity.PublicKey `cbor:"member"`
	About  About              `cbor:"about"`
}

// Compare orders by member, then by what it is about.
func (r Remit) Compare(other Remit) int {
	return cmp.Or(r.Member.Compare(other.Member), bytes.Compare(r.About.Proposal[:], other.About.Proposal[:]),
		cmp.Compare(r.About.Tag, other.About.Tag), cmp.Compare(r.About.Track, other.About.Track))
}

// Mandate is a delegation as it stands, or the word that nobody votes for the member.
type Mandate struct {
	To        Delegate   `cbor:"to"`
	Given     event.Time `cbor:"given"`     // coop time
	Confirmed event.Time `cbor:"confirmed"` // coop time at which it was given or last confirmed
	Expires   event.Time `cbor:"expires"`   // when it ends in any case; 0: the giver set no such time
	Event     event.ID   `cbor:"event"`     // that gave it
}

// DelegationGive is the body of delegation.give. It takes the place of what the author has given for the
// same thing before.
type DelegationGive struct {
	About   About      `cbor:"about"`
	To      Delegate   `cbor:"to"`
	Expires event.Time `cbor:"expires"` // 0: when nobody confirms it
}

// DelegationWithdraw is the body of delegation.withdraw: what covers more applies again.
type DelegationWithdraw struct {
	About About `cbor:"about"`
}

// DelegationConfirm is the body of delegation.confirm: the terms of these begin again.
type DelegationConfirm struct {
	About []About `cbor:"about"`
}

// scope is the about in the words of package delegation.
func (a About) scope() (delegation.Scope, string) {
	switch {
	case !a.Proposal.IsZero():
		return delegation.Proposal, string(a.Proposal[:])
	case a.Tag != "":
		return delegation.Tag, a.Tag
	case a.Track != "":
		return delegation.Track, a.Track
	}
	return delegation.All, ""
}

// one tells whether an about names at most one thing.
func (a About) one() bool {
	named := 0
	for _, is := range []bool{!a.Proposal.IsZero(), a.Tag != "", a.Track != ""} {
		if is {
			named++
		}
	}
	return named <= 1
}

// Nobody tells whether it is an opt-out: the member's vote goes nowhere.
func (d *Delegate) Nobody() bool { return len(d.Members) == 0 && d.Program.IsZero() }

// Give lets another, a group, a program or nobody vote for the author.
func (s *State) Give(env fold.Env, b DelegationGive) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	if err := s.checkAbout(b.About); err != nil {
		return err
	}
	if err := s.checkDelegate(by, &b.To); err != nil {
		return err
	}
	if b.Expires != 0 && b.Expires <= s.Time {
		return ErrDelegationEnd
	}
	remit := Remit{by, b.About}
	over, n := s.overMandates(by)
	if n-len(over) >= delegation.MaxMandates && !s.Mandates.Has(remit) {
		return ErrDelegationsFull
	}

	for _, old := range over {
		s.Mandates.Delete(old)
	}
	s.Mandates.Set(remit, Mandate{To: b.To, Given: s.Time, Confirmed: s.Time, Expires: b.Expires, Event: env.ID})
	s.stirVotes()
	return nil
}

// checkAbout tells why nothing can be delegated for this.
func (s *State) checkAbout(a About) error {
	if !a.one() {
		return ErrAbout
	}
	switch scope, _ := a.scope(); scope {
	case delegation.Proposal:
		p, ok := s.Proposals.Get(a.Proposal)
		if !ok {
			return ErrUnknownProposal
		}
		if p.over() {
			return ErrOver
		}
		if p.Rules.Delegating.Off {
			return ErrNoDelegation
		}
	case delegation.Track:
		t, ok := s.Charter.Track(a.Track)
		if !ok {
			return ErrUnknownTrack
		}
		if s.Charter.delegating(&t).Off {
			return ErrNoDelegation
		}
	case delegation.Tag:
		if !label(a.Tag) {
			return ErrTag
		}
	}
	if s.Charter.Delegating.Off {
		return ErrNoDelegation
	}
	return nil
}

// checkDelegate tells why by can't let this one vote.
func (s *State) checkDelegate(by identity.PublicKey, d *Delegate) error {
	if !d.Program.IsZero() {
		if len(d.Members) > 0 || d.Threshold != 0 {
			return ErrDelegate
		}
		return s.checkProgram(d.Program)
	}
	if len(d.Members) > delegation.MaxGroup {
		return ErrGroup
	}
	for i, key := range d.Members {
		if i > 0 && d.Members[i-1].Compare(key) >= 0 {
			return ErrGroup
		}
		if key == by {
			return ErrDelegateSelf
		}
		if m, ok := s.Members.Get(key); !ok || m.Status != StatusMember {
			return ErrNoDelegate
		}
	}
	switch n := uint64(len(d.Members)); {
	case n < 2 && d.Threshold != 0:
		return ErrDelegate
	case n >= 2 && (d.Threshold > n || 2*d.Threshold <= n):
		return ErrThreshold
	}
	return nil
}

// overMandates finds a member's mandates for proposals that are decided, and how many there are of all.
func (s *State) overMandates(member identity.PublicKey) (over []Remit, all int) {
	for remit := range s.mandatesOf(member) {
		all++
		if remit.About.Proposal.IsZero() {
			continue
		}
		if p, _ := s.Proposals.Get(remit.About.Proposal); p.over() {
			over = append(over, remit)
		}
	}
	return over, all
}

// mandatesOf yields a member's mandates.
func (s *State) mandatesOf(member identity.PublicKey) iter.Seq2[Remit, Mandate] {
	return while(&s.Mandates, Remit{Member: member}, func(r Remit) bool { return r.Member == member })
}

// Retract takes a delegation or an opt-out back.
func (s *State) Retract(env fold.Env, b DelegationWithdraw) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	remit := Remit{by, b.About}
	if !s.Mandates.Has(remit) {
		return ErrNotGiven
	}

	s.Mandates.Delete(remit)
	s.stirVotes()
	return nil
}

// Confirm lets the terms of delegations begin again.
func (s *State) Confirm(env fold.Env, b DelegationConfirm) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	if len(b.About) < 1 || len(b.About) > delegation.MaxMandates || !distinct(b.About) {
		return ErrAbout
	}
	if slices.ContainsFunc(b.About, func(a About) bool { return !s.Mandates.Has(Remit{by, a}) }) {
		return ErrNotGiven
	}

	for _, a := range b.About {
		m, _ := s.Mandates.Get(Remit{by, a})
		m.Confirmed = s.Time
		s.Mandates.Set(Remit{by, a}, m)
	}
	s.stirVotes()
	return nil
}

// silence ends all mandates of one who is no member any more.
func (s *State) silence(member identity.PublicKey) {
	var all []Remit
	for remit := range s.mandatesOf(member) {
		all = append(all, remit)
	}
	for _, remit := range all {
		s.Mandates.Delete(remit)
	}
	s.stirVotes()
}

// delegating is what a proposal on a track runs under.
func (c *Charter) delegating(t *Track) Delegating {
	d := c.Delegating
	d.Off = d.Off || t.Delegating.Off
	if t.Delegating.Term != 0 {
		d.Term = t.Delegating.Term
	}
	if d.Term == 0 {
		d.Term = DefaultTerm
	}
	if t.Delegating.Cap != (Ratio{}) {
		d.Cap = t.Delegating.Cap
	}
	return d
}

// DelegatingOn is how far members may delegate on a track; on one that the charter doesn't have, what it
// says for all of them.
func (c *Charter) DelegatingOn(track string) Delegating {
	t, _ := c.Track(track)
	return c.delegating(&t)
}

// validate checks the settings of the charter or of a track.
func (d *Delegating) validate(of string, report func(bool, string, ...any)) {
	report(d.Term <= MaxPeriod, "%s lets delegations apply for %d ms without being confirmed, at most %d", of, d.Term, MaxPeriod)
	report(d.Cap == (Ratio{}) || d.Cap.share() && d.Cap.Num > 0, "%s lets a delegate carry the share %s, which is none", of, d.Cap)
}

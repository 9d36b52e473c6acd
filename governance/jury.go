package governance

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/sortition"
	"github.com/sustainy/coop/table"
)

// Panel names a jury: the proposal that called it, and its name there.
type Panel struct {
	By   event.ID `cbor:"by" json:"by"`
	Name string   `cbor:"name" json:"name"`
}

// Compare orders by proposal, then by name.
func (p Panel) Compare(other Panel) int {
	return cmp.Or(p.By.Compare(other.By), cmp.Compare(p.Name, other.Name))
}

// JuryTerms are how a jury is to be drawn.
type JuryTerms struct {
	Seats    uint64               `cbor:"seats" json:"seats"`
	Reserves uint64               `cbor:"reserves" json:"reserves"`
	Classes  []string             `cbor:"classes" json:"classes,omitempty"` // of which a juror has one; in a call, none: those that vote
	Parties  []identity.PublicKey `cbor:"parties" json:"parties,omitempty"` // ascending: who has an interest in what the jury judges
}

// JuryCall is the body of jury.call, an act of the Assembly.
type JuryCall struct {
	Name  string    `cbor:"name"`
	Terms JuryTerms `cbor:"terms"`
}

// JuryDecline is the body of jury.decline, by a juror or a reserve.
type JuryDecline struct {
	Jury Panel `cbor:"jury"`
}

// Juror is one who was drawn, with the lot.
type Juror struct {
	Member identity.PublicKey `cbor:"member" json:"member"`
	Ticket [32]byte           `cbor:"ticket" json:"-"`
}

// Jury is a jury from its call on. When it is called, everything that decides who is drawn is frozen but
// the seed: the members, and who has a conflict. The seed is the anchor of the next commit, which nobody
// knows then.
type Jury struct {
	Terms     JuryTerms            `cbor:"terms"`
	Called    event.Time           `cbor:"called"`
	Pool      uint64               `cbor:"pool"`      // candidates without a conflict
	PoolHash  [32]byte             `cbor:"poolhash"`  // SHA-256 of "coop/pool/1", a zero byte and their keys, ascending
	Conflicts uint64               `cbor:"conflicts"` // parties, and who delegates to one or is delegated to by one
	Drawn     bool                 `cbor:"drawn"`
	Seed      [32]byte             `cbor:"seed"`   // id of the anchor
	Commit    uint64               `cbor:"commit"` // that has the anchor
	Jurors    []Juror              `cbor:"jurors"` // by their lots, lowest first
	Reserves  []Juror              `cbor:"reserves"`
	Declined  []identity.PublicKey `cbor:"declined"` // in the order in which they did
	Ended     event.Time           `cbor:"ended"`    // when nobody needed it any more; else 0

	// The members and the delegations at the call. They are never changed, and kept until it has ended. State is
	// written with what Frozen keeps of them.
	Members  table.Table[identity.PublicKey, Member] `cbor:"-"`
	Mandates table.Table[Remit, Mandate]             `cbor:"-"`
}

// Call calls a jury, by decision of the Assembly.
func (s *State) Call(env fold.Env, b JuryCall) error {
	if env.Key != identity.Assembly {
		return ErrAssemblyOnly
	}
	if len(b.Terms.Parties) > MaxParties {
		return ErrParties
	}
	return s.Empanel(Panel{env.ID, b.Name}, b.Terms)
}

// Empanel calls a jury, also for another room, which names the parties: it freezes all that decides who is
// drawn, and waits for the seed.
func (s *State) Empanel(panel Panel, terms JuryTerms) error {
	if !line(panel.Name, MaxName) {
		return ErrName
	}
	if terms.Seats < 1 || terms.Seats > MaxJurors || terms.Reserves > MaxJurors {
		return ErrJurySize
	}
	if len(terms.Classes) == 0 {
		terms.Classes = s.Charter.voters()
	}
	if !s.Charter.knows(terms.Classes) {
		return ErrClasses
	}
	for i, key := range terms.Parties {
		if !s.Members.Has(key) || i > 0 && terms.Parties[i-1].Compare(key) >= 0 {
			return ErrParties
		}
	}
	if s.Juries.Has(panel) {
		return ErrJuryCalled
	}
	j := Jury{Terms: terms, Called: s.Time, Members: s.Members.Copy(), Mandates: s.Mandates.Copy()}
	d := j.draw(panel)
	j.Pool, j.PoolHash = uint64(len(d.Candidates)), poolHash(d.Candidates)
	j.Conflicts = uint64(len(conflicts(&j)))
	if j.Pool < terms.Seats {
		return ErrFewCandidates
	}

	s.Juries.Set(panel, j)
	s.Undrawn.Set(panel, struct{}{})
	return nil
}

// draw is the draw of a jury, without those who have a conflict or have declined. Whoever declines is
// replaced by whom the lot would have drawn in their place, since nobody's lot depends on others.
func (j *Jury) draw(panel Panel) sortition.Draw {
	away := append(conflicts(j), j.Declined...)
	slices.SortFunc(away, identity.PublicKey.Compare)
	d := sortition.Draw{Seed: j.Seed, Purpose: panel.purpose(), Reserves: int(j.Terms.Reserves)}
	for key, m := range table.All(&j.Members) {
		if j.eligible(m) && !within(away, key) {
			d.Candidates = append(d.Candidates, sortition.ID(key))
		}
	}
	d.Seats = []int{min(int(j.Terms.Seats), len(d.Candidates))}
	return d
}

func (p Panel) purpose() string { return "jury " + p.By.String() + " " + p.Name }

// Adjourn ends a jury when what it judged is over for good. Who was drawn, by which seed and from how many stays
// known; who else could have been is forgotten, as a copy of all members for each jury there ever was would make
// the state grow with their product.
func (s *State) Adjourn(panel Panel, at event.Time) {
	j, ok := s.Juries.Get(panel)
	if !ok || j.Ended != 0 {
		return
	}
	j.Ended, j.Members, j.Mandates = at, table.Table[identity.PublicKey, Member]{}, table.Table[Remit, Mandate]{}
	s.Juries.Set(panel, j)
	s.Undrawn.Delete(panel)
}

// eligible tells whether a member may be drawn, but for conflicts.
func (j *Jury) eligible(m Member) bool {
	return m.Status == StatusMember && slices.ContainsFunc(m.Classes, func(class string) bool { return slices.Contains(j.Terms.Classes, class) })
}

// conflicts are, ascending, the parties, to whom they have delegated and who has delegated to them, in
// whatever.
func conflicts(j *Jury) (all []identity.PublicKey) {
	party := func(key identity.PublicKey) bool { return within(j.Terms.Parties, key) }
	all = slices.Clone(j.Terms.Parties)
	for remit, m := range table.All(&j.Mandates) {
		if party(remit.Member) {
			all = append(all, m.To.Members...)
		} else if slices.ContainsFunc(m.To.Members, party) {
			all = append(all, remit.Member)
		}
	}
	slices.SortFunc(all, identity.PublicKey.Compare)
	return slices.Compact(all)
}

func poolHash(candidates []sortition.ID) (hash [32]byte) {
	h := sha256.New()
	h.Write([]byte("coop/pool/1\x00"))
	for _, id := range candidates {
		h.Write(id[:])
	}
	h.Sum(hash[:0])
	return hash
}

// Seed draws all juries that wait for it, at the beginning of a commit with the id of its anchor.
func (s *State) Seed(commit uint64, anchor [32]byte) {
	for panel := range table.All(&s.Undrawn) {
		j, _ := s.Juries.Get(panel)
		j.Drawn, j.Seed, j.Commit = true, anchor, commit
		j.seat(panel)
		s.Juries.Set(panel, j)
	}
	if s.Undrawn.Len() > 0 {
		s.Undrawn = table.Table[Panel, struct{}]{}
	}
}

// seat fills the jury by its draw.
func (j *Jury) seat(panel Panel) {
	j.Jurors, j.Reserves = nil, nil
	d := j.draw(panel)
	if d.Seats[0] == 0 { // all have declined
		return
	}
	drawn, err := d.Jury()
	if err != nil {
		panic("governance: invariant: a jury that was called can be drawn: " + err.Error())
	}
	j.Jurors, j.Reserves = jurors(drawn.Jurors), jurors(drawn.Reserves)
}

func jurors(drawn []sortition.Juror) (list []Juror) {
	for _, x := range drawn {
		list = append(list, Juror{identity.PublicKey(x.ID), x.Ticket})
	}
	return list
}

// Decline gives a place on a jury, or among its reserves, to the next in line.
func (s *State) Decline(env fold.Env, b JuryDecline) error {
	by, _, err := s.actor(env)
	if err != nil {
		return err
	}
	j, ok := s.Juries.Get(b.Jury)
	if !ok {
		return ErrNoJury
	}
	if j.Ended != 0 {
		return ErrJuryEnded
	}
	is := func(x Juror) bool { return x.Member == by }
	if !slices.ContainsFunc(j.Jurors, is) && !slices.ContainsFunc(j.Reserves, is) {
		return ErrNotJuror
	}

	j.Declined = append(slices.Clone(j.Declined), by)
	j.seat(b.Jury)
	s.Juries.Set(b.Jury, j)
	return nil
}

// VerifyJury draws a jury again, from what was frozen at its call, the seed and who declined, and tells
// what differs. Of a jury that has ended only the tickets of those drawn can be checked.
func (s *State) VerifyJury(panel Panel) error {
	j, ok := s.Juries.Get(panel)
	if !ok {
		return ErrNoJury
	}
	if j.Ended != 0 {
		return j.checkTickets(panel)
	}
	called := j
	called.Declined = nil
	d := called.draw(panel)
	if poolHash(d.Candidates) != j.PoolHash || uint64(len(d.Candidates)) != j.Pool {
		return sortition.ErrCandidates
	}
	if !j.Drawn {
		return nil
	}
	d = j.draw(panel)
	if d.Seats[0] == 0 {
		return nil
	}
	var jury sortition.Jury
	for _, x := range j.Jurors {
		jury.Jurors = append(jury.Jurors, sortition.Juror{ID: sortition.ID(x.Member), Ticket: x.Ticket})
	}
	for _, x := range j.Reserves {
		jury.Reserves = append(jury.Reserves, sortition.Juror{ID: sortition.ID(x.Member), Ticket: x.Ticket})
	}
	return sortition.Verify(&d, nil, jury)
}

// checkTickets expects that all who were drawn have the tickets of the seed, the lowest first.
func (j *Jury) checkTickets(panel Panel) error {
	all := slices.Concat(j.Jurors, j.Reserves)
	for i, x := range all {
		if x.Ticket != sortition.Ticket(j.Seed, panel.purpose(), sortition.ID(x.Member)) {
			return sortition.ErrTicket
		}
		if i > 0 && bytes.Compare(all[i-1].Ticket[:], x.Ticket[:]) >= 0 {
			return sortition.ErrNotDrawn
		}
	}
	return nil
}

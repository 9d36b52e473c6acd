package finality

import (
	"errors"
	"slices"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// term is an epoch of stewards whose keys begin at a number of the test's keys.
func term(number uint64, base [32]byte, first, n int) Epoch {
	ep := Epoch{Coop: event.ID{1}, Number: number, Base: base, Params: DefaultParams()}
	for i := range n {
		ep.Stewards = append(ep.Stewards, termKey(first+i).Public())
	}
	return ep
}

func termKey(i int) identity.Key { return identity.KeyFromSeed([32]byte{7, byte(i)}) }

func checkpointOf(ep *Epoch, index uint64, next *Epoch) Checkpoint {
	c := Checkpoint{Version: version, Coop: ep.Coop, Epoch: ep.Number, Index: index, Anchor: RoundID{9}, Time: dawn, Events: 7, Order: [32]byte{1}, State: [32]byte{2}}
	if next != nil {
		office := next.Office()
		c.Next = &office
	}
	return c
}

// certify has stewards, whose keys begin at first, sign.
func certify(ep Epoch, c Checkpoint, first int, stewards ...int) Certificate {
	n := NewNotary(ep, c)
	for _, s := range stewards {
		n.Sign(s, termKey(first+s))
	}
	return *n.Certificate()
}

func TestCertificateNeedsAQuorum(t *testing.T) {
	ep := term(0, event.ID{1}, 0, 4)
	c := checkpointOf(&ep, 5, nil)
	for _, test := range []struct {
		name string
		cert Certificate
		want error
	}{
		{"a quorum", certify(ep, c, 0, 3, 0, 2), nil},
		{"all", certify(ep, c, 0, 0, 1, 2, 3), nil},
		{"one too few", certify(ep, c, 0, 1, 2), ErrNoQuorum},
		{"one steward three times", Certificate{Version: version, Checkpoint: c, Signatures: slices.Repeat(certify(ep, c, 0, 1).Signatures, 3)}, ErrFalseSignature},
		{"others' keys", certify(ep, c, 4, 0, 1, 2), ErrFalseSignature},
		{"another checkpoint", func() Certificate {
			other := certify(ep, c, 0, 0, 1, 2)
			other.Checkpoint.State[0]++
			return other
		}(), ErrFalseSignature},
		{"another epoch", func() Certificate {
			e := term(1, ep.Base, 0, 4)
			return certify(e, checkpointOf(&e, 5, nil), 0, 0, 1, 2)
		}(), ErrOtherEpoch},
	} {
		if err := test.cert.Verify(&ep); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		again, err := OpenCertificate(test.cert.Raw())
		if test.name == "one steward three times" {
			if !errors.Is(err, ErrCertificateForm) {
				t.Errorf("%s is read: %v", test.name, err)
			}
			continue
		}
		if err != nil || again.Checkpoint.Hash() != test.cert.Checkpoint.Hash() || !IsCertificate(test.cert.Raw()) {
			t.Errorf("%s cannot be read again: %v", test.name, err)
		}
	}
}

// A notary takes every signature once, in whatever order and in whatever company they come.
func TestNotaryGathers(t *testing.T) {
	ep := term(0, event.ID{1}, 0, 7)
	c := checkpointOf(&ep, 5, nil)
	n := NewNotary(ep, c)
	for i, part := range [][]int{{4}, {1, 4}, {6}, {1}, {0, 6}} {
		cert := certify(ep, c, 0, part...)
		fresh, sound := n.Take(&cert)
		if !sound || fresh != (i != 3) || n.Complete() {
			t.Fatalf("part %d: fresh %v, sound %v, complete %v", i, fresh, sound, n.Complete())
		}
	}
	bad := certify(ep, c, 0, 2, 3)
	bad.Signatures[0].Sig = slices.Clone(bad.Signatures[0].Sig)
	bad.Signatures[0].Sig[3] ^= 1
	if _, sound := n.Take(&bad); sound || !n.Complete() || n.Have() != 0b1011011 {
		t.Fatalf("sound %v, complete %v, have %b", sound, n.Complete(), n.Have())
	}
	if err := n.Certificate().Verify(&ep); err != nil {
		t.Fatal(err)
	}
}

func TestTwoCertificatesOfOneCommitConvict(t *testing.T) {
	ep := term(0, event.ID{1}, 0, 4)
	a, b := checkpointOf(&ep, 5, nil), checkpointOf(&ep, 5, nil)
	b.State[3]++
	one, other := certify(ep, a, 0, 0, 1, 2), certify(ep, b, 0, 1, 2, 3)
	both, contradiction := one.Contradicts(&other)
	if !contradiction || !slices.Equal(both, []int{1, 2}) || len(both) <= ep.F() {
		t.Fatalf("%v %v", both, contradiction)
	}
	if _, contradiction := one.Contradicts(&one); contradiction {
		t.Fatal("a certificate contradicts itself")
	}
}

// Who trusts one epoch follows the stewards through any number of hand-overs by their signatures
// alone, and nobody whose term is over leads them astray.
func TestFollowTheStewards(t *testing.T) {
	first := term(0, event.ID{1}, 0, 4)
	ep := first
	var steps []Handover
	for i := range 5 {
		next := term(ep.Number+1, [32]byte{}, 3*(i+1), 4)
		c := checkpointOf(&ep, uint64(10*i), &next)
		next.Base = c.Hash()
		steps = append(steps, Handover{certify(ep, c, 3*i, 0, 1, 3), next.Stewards, next.Params})
		ep = next
	}
	last, err := first.Follow(steps...)
	if err != nil || last.Office() != ep.Office() || last.Number != 5 || last.Base != ep.Base {
		t.Fatalf("%v: %+v", err, last)
	}
	refuse := func(name string, want error, change func([]Handover)) {
		forged := slices.Clone(steps)
		change(forged)
		if _, err := first.Follow(forged...); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	refuse("other stewards than were handed over to", ErrHandover, func(s []Handover) { s[2].Stewards = slices.Clone(steps[1].Stewards) })
	refuse("other times", ErrHandover, func(s []Handover) { s[2].Params.Delta0++ })
	refuse("a step left out", ErrOtherEpoch, func(s []Handover) { copy(s[1:], steps[2:]) })
	refuse("a checkpoint that ends nothing", ErrHandover, func(s []Handover) {
		e := term(0, event.ID{1}, 0, 4)
		s[0].Certificate = certify(e, checkpointOf(&e, 0, nil), 0, 0, 1, 2)
	})
	refuse("the stewards of long ago", ErrFalseSignature, func(s []Handover) {
		c := s[3].Certificate.Checkpoint
		c.State[0]++
		s[3].Certificate = certify(term(3, [32]byte{}, 0, 4), c, 0, 0, 1, 2)
	})
}

// A node that sees each anchor as it comes and one that first learns of a later anchor end the epoch at
// the same one, and begin the next with the same count, time and open events.
func TestEpochEndsAtItsAnchor(t *testing.T) {
	l := newLoom(t, 4)
	events := ids(4)
	proposed := l.row(1, nil, upTo(4), listing(events[0]))
	voted := append(l.row(2, proposed, []int{0, 1, 2}, voting), l.block(3, 2, proposed))
	certs := l.row(3, voted, []int{0, 1})
	blind := l.block(3, 3, append(slices.Clone(voted[:2]), voted[3])) // it sees two votes
	third := l.block(2, 3, voted)                                     // one of the two nodes never gets this one
	second := l.wave(4, append(certs, blind), upTo(4), listing(events[1]))
	next := term(l.ep.Number+1, [32]byte{5}, 0, 7)

	early, _ := l.engine(events...)
	early.Offer(events...)
	commits := l.feed(early, slices.Concat(proposed, voted, certs, []*Round{third})...)
	late, _ := l.engine(events...)
	late.Offer(events...)
	step := l.feed(late, slices.Concat(proposed, voted, certs, []*Round{blind}, second[0], second[1], second[2][:3])...)
	if len(commits) != 1 || len(step) != 2 || step[0].Anchor.ID != commits[0].Anchor.ID {
		t.Fatalf("%d and %d commits", len(commits), len(step))
	}
	engines := []*Engine{early.Succeed(next, commits[0], nil), late.Succeed(next, step[0], step[1:])}
	for i, e := range engines {
		e.Offer(events...)
		if e.Commits() != 1 || e.Time() != commits[0].Time || e.Round() != 0 || e.Pending() != 3 || e.Final(events[1]) || !e.Final(events[0]) {
			t.Fatalf("engine %d: %d commits, time %d, %d pending", i, e.Commits(), e.Time(), e.Pending())
		}
		if _, err := e.Add(dawn, "", second[0][0]); !errors.Is(err, ErrOtherEpoch) {
			t.Fatalf("a block of the epoch before: %v", err)
		}
	}
	m := &loom{t: t, ep: next, at: l.at}
	wave := m.wave(1, nil, upTo(7), listing(events[1:]...))
	for i, e := range engines {
		c := m.feed(e, slices.Concat(wave[0], wave[1], wave[2])...)
		if len(c) != 1 || c[0].Index != 1 || len(c[0].Order) != 3 {
			t.Fatalf("engine %d: %+v", i, c)
		}
	}
}

func TestRoundEpochNeedsNoStewards(t *testing.T) {
	ep := term(4, [32]byte{5}, 0, 1)
	r, err := SealRound(termKey(0), &ep, Round{Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := RoundEpoch(r.Raw); n != 4 || err != nil || IsCertificate(r.Raw) {
		t.Fatalf("epoch %d: %v", n, err)
	}
	for _, bad := range [][]byte{nil, {0x82}, make([]byte, MaxRoundSize+1), append(slices.Clone(r.Raw), 0)} {
		if _, err := RoundEpoch(bad); err == nil {
			t.Errorf("%d bytes have an epoch", len(bad))
		}
	}
}

func TestChainTellsOrderAndOutcome(t *testing.T) {
	events := ids(3)
	c := Commit{Index: 3, Anchor: &Round{ID: RoundID{1}}, Time: dawn, Order: events}
	counted := func(int) bool { return false }
	seen := map[[32]byte]bool{Chain([32]byte{}, &c, counted): true}
	add := func(name string, h [32]byte) {
		if seen[h] {
			t.Errorf("%s does not show", name)
		}
		seen[h] = true
	}
	add("what was before", Chain([32]byte{1}, &c, counted))
	add("a refusal", Chain([32]byte{}, &c, func(i int) bool { return i == 1 }))
	other := c
	other.Order = []event.ID{events[1], events[0], events[2]}
	add("the order", Chain([32]byte{}, &other, counted))
	other = c
	other.Time++
	add("the time", Chain([32]byte{}, &other, counted))
	other = c
	other.Index++
	add("the number", Chain([32]byte{}, &other, counted))
}

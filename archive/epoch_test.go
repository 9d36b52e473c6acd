package archive

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// ring keeps keys for round blocks in memory.
type ring struct{ keys []identity.Key }

func (r *ring) Make(epoch uint64) (identity.Key, error) {
	for uint64(len(r.keys)) <= epoch {
		r.keys = append(r.keys, identity.KeyFromSeed([32]byte{8, byte(len(r.keys))}))
	}
	return r.keys[epoch], nil
}

func (r *ring) Find(public identity.PublicKey) (identity.Key, bool) {
	at := slices.IndexFunc(r.keys, func(key identity.Key) bool { return key.Public() == public })
	if at < 0 {
		return identity.Key{}, false
	}
	return r.keys[at], true
}

func (r *ring) Forget(uint64, []identity.PublicKey) error { return nil }

// handedOver is a store of three epochs, each with a fresh key of the one steward.
func handedOver(t testing.TB) (event.ID, crdt.Store) {
	t.Helper()
	return live(t, func(l *life) {
		l.say(governance.KindStewardStand, governance.StewardStand{})
		for term := range uint64(2) {
			appoint, err := event.NewDraft(governance.KindStewardAppoint, governance.StewardAppoint{Stewards: []identity.PublicKey{founderKey.Public()}})
			if err != nil {
				t.Fatal(err)
			}
			proposal := l.say(governance.KindProposalOpen, governance.ProposalOpen{Title: "Steward", Track: "general", Actions: []event.Draft{appoint}})
			l.say(governance.KindBallotCast, governance.BallotCast{Proposal: proposal, Choice: string(governance.Yes)})
			l.world.jump.Store((term + 1) * 2 * uint64(hour))
			l.until(func(v *node.View) bool { return v.Epoch == term+1 && v.Sealed })
			l.say(governance.KindProposalOpen, governance.ProposalOpen{Title: "In the new epoch", Track: "general"})
		}
	})
}

// An archive of several epochs is verified with the stewards that its own events elect, and the
// hand-overs by their certificates.
func TestArchiveOfEpochs(t *testing.T) {
	coop, store := handedOver(t)
	var file bytes.Buffer
	if _, err := Write(&file, coop, store, "test", nil); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(bytes.NewReader(file.Bytes()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Epochs) != 3 || r.Certified == 0 || r.Certified > r.Commits {
		t.Fatalf("%+v", r)
	}
	for i, e := range r.Epochs {
		if last := i == 2; e.Number != uint64(i) || e.Stewards != 1 || e.Rounds == 0 || e.Commits == 0 || e.Ended == last || e.Certified == last {
			t.Errorf("%+v", e)
		}
	}
}

// Whoever changes what stewards signed across epochs is found out.
func TestForgedEpochsAreRefused(t *testing.T) {
	coop, store := handedOver(t)
	var rounds [][]byte
	if err := store.Rounds(0, func(_ uint64, raw []byte) error { rounds = append(rounds, raw); return nil }); err != nil {
		t.Fatal(err)
	}
	certificates := func(raw []byte) bool { return finality.IsCertificate(raw) }
	first := slices.IndexFunc(rounds, certificates)
	forge := func(change func(c *finality.Certificate)) [][]byte {
		forged := slices.Clone(rounds)
		c, err := finality.OpenCertificate(rounds[first])
		if err != nil {
			t.Fatal(err)
		}
		change(c)
		forged[first] = c.Raw()
		return forged
	}
	sign := func(c *finality.Certificate) {
		sig := c.Checkpoint.Sign(founderKey)
		c.Signatures[0].Sig = sig[:]
	}
	for _, test := range []struct {
		name   string
		rounds [][]byte
		want   error
	}{
		{"as it was", rounds, nil},
		{"a certificate that was changed", forge(func(c *finality.Certificate) { c.Checkpoint.State[0]++ }), ErrInvalid},
		{"a certificate of another result", forge(func(c *finality.Certificate) { c.Checkpoint.Events++; sign(c) }), ErrClaim},
		{"a certificate of an epoch to come", forge(func(c *finality.Certificate) { c.Checkpoint.Epoch += 7; sign(c) }), ErrReordered},
		{"an epoch before the one that leads to it", append(slices.Clone(rounds[len(rounds)-2:]), rounds...), ErrInvalid},
	} {
		copied := crdt.NewMemory()
		if err := store.Events(0, func(_ uint64, raw []byte) error {
			e, err := event.Open(raw)
			if err != nil {
				return err
			}
			return copied.Append(crdt.Batch{Events: []*event.Event{e}})
		}); err != nil {
			t.Fatal(err)
		}
		for _, raw := range test.rounds {
			if err := copied.Append(crdt.Batch{Rounds: []crdt.Blob{{ID: name(raw), Raw: raw}}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Write(&bytes.Buffer{}, coop, copied, "test", nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

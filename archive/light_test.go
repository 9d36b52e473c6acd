package archive

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// proofOf is the light proof of a store, and a core that has read it.
func proofOf(t *testing.T, id event.ID, store crdt.Store) ([]byte, *node.Core, *event.Event) {
	t.Helper()
	raw, err := store.Event(id)
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := event.Open(raw)
	if err != nil {
		t.Fatal(err)
	}
	core, err := node.NewCore(node.Config{Genesis: genesis, Key: identity.KeyFromSeed([32]byte{1}), Observer: "it only reads", Archive: store})
	if err == nil {
		err = core.Restore(1, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return Light(genesis, core.Successions(), core.Certified()), core, genesis
}

// TestLight follows three epochs without an event, to what a replay comes to.
func TestLight(t *testing.T) {
	id, store := handedOver(t)
	raw, core, genesis := proofOf(t, id, store)
	if cert := core.Certified(); cert.Checkpoint.Epoch != 2 { // the last hand-over is the last certificate
		raw = Light(genesis, core.Successions(), nil)
	}
	pin := core.Pin()
	r, err := VerifyLight(raw, &Anchor{pin.Epoch, pin.Base})
	if err != nil {
		t.Fatal(err)
	}
	ep := core.Epoch()
	if len(r.Epochs) != 3 || r.Coop != id || !r.Pinned || r.Epochs[2].Stewards[0].Key != ep.Stewards[0] || r.Epochs[0].Signed == nil || !r.Epochs[0].Stewards[0].Signed {
		t.Errorf("%+v", r)
	}
	if r, err := VerifyLight(raw, nil); err != nil || r.Pinned {
		t.Errorf("without a pin: %+v, %v", r, err)
	}
	for name, pin := range map[string]*Anchor{"another base": {2, [32]byte{1}}, "a later epoch": {3, pin.Base}, "another base of the first": {0, [32]byte{1}}} {
		if _, err := VerifyLight(raw, pin); !errors.Is(err, ErrClaim) && !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForgedLight: no byte of the certificates can be changed, and former stewards who sign another history
// are believed without a pin and found out with one (A11).
func TestForgedLight(t *testing.T) {
	id, store := handedOver(t)
	_, core, genesis := proofOf(t, id, store)
	steps := core.Successions()
	raw := Light(genesis, steps, nil)
	for at := len(genesis.Raw) + 8; at < len(raw); at += 7 {
		bad := bytes.Clone(raw)
		bad[at] ^= 1
		if _, err := VerifyLight(bad, nil); err == nil {
			t.Fatalf("byte %d can be changed", at)
		}
	}
	if _, err := VerifyLight(Light(genesis, steps, &steps[0].Certificate), nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("a certificate of another epoch: %v", err)
	}
	if _, err := VerifyLight(Light(genesis, steps[1:], nil), nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("an epoch left out: %v", err)
	}

	thief := identity.KeyFromSeed([32]byte{66})
	forged := steps[0]
	ep := finality.Epoch{Stewards: []identity.PublicKey{thief.Public()}, Params: forged.Params}
	office := ep.Office()
	forged.Stewards = ep.Stewards
	forged.Certificate.Checkpoint.Next = &office
	sig := forged.Certificate.Checkpoint.Sign(founderKey)
	forged.Certificate.Signatures = []finality.Signature{{Sig: sig[:]}}
	lie := Light(genesis, []coop.Succession{forged}, nil)
	if _, err := VerifyLight(lie, nil); err != nil {
		t.Fatalf("the founder's stolen key is good enough without a pin: %v", err)
	}
	truth := steps[0].Certificate.Checkpoint.Hash()
	if _, err := VerifyLight(lie, &Anchor{1, truth}); !errors.Is(err, ErrClaim) {
		t.Errorf("with a pin: %v", err)
	}
}

// TestLightRefounding leads through a re-founding and one epoch more. Without a pin it is not believed, nor with
// one from before; the pin of the re-founded epoch or of a later one names the stewards.
func TestLightRefounding(t *testing.T) {
	id, store := handedOver(t)
	_, core, genesis := proofOf(t, id, store)
	steps := core.Successions()[:1]
	before := core.Successions()[0].Certificate.Checkpoint.Hash() // the base of epoch 1, which the members end
	fresh, next := identity.KeyFromSeed([32]byte{70}), identity.KeyFromSeed([32]byte{71})
	text := governance.RefoundingText{Coop: id, Epoch: 2, Commits: 9, Checkpoint: [32]byte{5}, Reason: "They are gone.",
		Stewards: []governance.RefoundingChair{{Member: founderKey.Public(), Key: fresh.Public(), Proof: governance.ReadyProof(fresh, id, founderKey.Public(), 2)}}}
	given := governance.Refounding{Text: text, Assents: []governance.Assent{text.Assent(founderKey, founderKey.Public(), 7)}}

	third := finality.Epoch{Stewards: []identity.PublicKey{next.Public()}, Params: steps[0].Params}
	office := third.Office()
	end := finality.Checkpoint{Version: 1, Coop: id, Epoch: 2, Index: 12, Next: &office}
	sig := end.Sign(fresh)
	over := finality.Handover{Certificate: finality.Certificate{Version: 1, Checkpoint: end, Signatures: []finality.Signature{{Sig: sig[:]}}}, Stewards: third.Stewards, Params: third.Params}
	with := func(r *governance.Refounding, more ...coop.Succession) []byte {
		return Light(genesis, append([]coop.Succession{steps[0], {Refounding: r.Raw()}}, more...), nil)
	}

	raw := with(&given, coop.Succession{Handover: over})
	for name, pin := range map[string]*Anchor{"the re-founding": {2, text.Digest()}, "later": {3, end.Hash()}} {
		r, err := VerifyLight(raw, pin)
		if err != nil || !r.Pinned || len(r.Epochs) != 4 || r.Epochs[1].Given == nil || r.Epochs[1].Given.Assents != 1 || r.Epochs[2].Stewards[0].Key != fresh.Public() {
			t.Errorf("with a pin of %s: %+v, %v", name, r, err)
		}
	}
	other := given
	other.Text.Reason = "We want to."
	other.Assents = []governance.Assent{other.Text.Assent(founderKey, founderKey.Public(), 7)}
	unsigned, stolen, late, nobody := given, given, given, given
	unsigned.Assents = []governance.Assent{text.Assent(next, founderKey.Public(), 7)}
	unsigned.Assents[0].Device = founderKey.Public()
	stolen.Text.Stewards = []governance.RefoundingChair{{Member: founderKey.Public(), Key: next.Public(), Proof: text.Stewards[0].Proof}}
	late.Text.Epoch = 3
	nobody.Text.Stewards = nil
	for name, x := range map[string]struct {
		raw  []byte
		pin  *Anchor
		want error
	}{
		"no pin":                  {raw, nil, ErrRefounded},
		"a pin from before":       {raw, &Anchor{1, before}, ErrRefounded},
		"another re-founding":     {with(&other), &Anchor{2, text.Digest()}, ErrClaim},
		"an assent of nobody":     {with(&unsigned), &Anchor{2, text.Digest()}, ErrInvalid},
		"a key that is not fresh": {with(&stolen), &Anchor{2, text.Digest()}, ErrInvalid},
		"another epoch":           {with(&late), &Anchor{2, text.Digest()}, ErrInvalid},
		"no stewards":             {with(&nobody), &Anchor{2, text.Digest()}, ErrInvalid},
	} {
		if _, err := VerifyLight(x.raw, x.pin); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
	}
}

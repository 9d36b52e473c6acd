package archive

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
)

// proofOf is the light proof of a store, and a core that has read it.
func proofOf(t *testing.T, coop event.ID, store crdt.Store) ([]byte, *node.Core, *event.Event) {
	t.Helper()
	raw, err := store.Event(coop)
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
	return Light(genesis, core.Handovers(), core.Certified()), core, genesis
}

// TestLight follows three epochs without an event, to what a replay comes to.
func TestLight(t *testing.T) {
	coop, store := handedOver(t)
	raw, core, genesis := proofOf(t, coop, store)
	if cert := core.Certified(); cert.Checkpoint.Epoch != 2 { // the last hand-over is the last certificate
		raw = Light(genesis, core.Handovers(), nil)
	}
	pin := core.Pin()
	r, err := VerifyLight(raw, &Anchor{pin.Epoch, pin.Base})
	if err != nil {
		t.Fatal(err)
	}
	ep := core.Epoch()
	if len(r.Epochs) != 3 || r.Coop != coop || !r.Pinned || r.Epochs[2].Stewards[0].Key != ep.Stewards[0] || r.Epochs[0].Signed == nil || !r.Epochs[0].Stewards[0].Signed {
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
	coop, store := handedOver(t)
	raw, core, genesis := proofOf(t, coop, store)
	steps := core.Handovers()
	raw = Light(genesis, steps, nil)
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
	lie := Light(genesis, []finality.Handover{forged}, nil)
	if _, err := VerifyLight(lie, nil); err != nil {
		t.Fatalf("the founder's stolen key is good enough without a pin: %v", err)
	}
	truth := steps[0].Certificate.Checkpoint.Hash()
	if _, err := VerifyLight(lie, &Anchor{1, truth}); !errors.Is(err, ErrClaim) {
		t.Errorf("with a pin: %v", err)
	}
}

package home

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

func TestRoundKeysLastAndAreErased(t *testing.T) {
	p := At(t.TempDir())
	coop, device := event.ID{1}, identity.KeyFromSeed([32]byte{2})
	open := func(device identity.Key) (*RoundKeys, error) { return OpenRoundKeys(p, coop, device) }
	keys, err := open(device)
	if err != nil {
		t.Fatal(err)
	}
	var made []identity.Key
	for epoch := range uint64(4) {
		key, err := keys.Make(epoch + 1)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := keys.Make(epoch + 1); err != nil || again.Public() != key.Public() {
			t.Fatal("another key for the same epoch", err)
		}
		made = append(made, key)
		text, err := os.ReadFile(filepath.Join(p.RoundKeysDir(coop), string('1'+rune(epoch))))
		seed := key.Seed()
		if err != nil || bytes.Contains(text, seed[:]) {
			t.Fatalf("the key stands open in its file: %v", err)
		}
	}
	if keys, err = open(device); err != nil {
		t.Fatal(err)
	}
	for _, key := range made {
		if found, ok := keys.Find(key.Public()); !ok || found.Seed() != key.Seed() {
			t.Fatal("a key is gone after a restart")
		}
	}
	if _, err := open(identity.KeyFromSeed([32]byte{3})); err == nil {
		t.Error("another device reads the keys")
	}
	if err := keys.Forget(3, []identity.PublicKey{made[1].Public()}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // now, and after a restart
		for i, stays := range []bool{false, true, false, true} {
			if _, ok := keys.Find(made[i].Public()); ok != stays {
				t.Errorf("key %d is there: %v", i+1, ok)
			}
		}
		if keys, err = open(device); err != nil {
			t.Fatal(err)
		}
	}
	if fresh, err := keys.Make(1); err != nil || fresh.Public() == made[0].Public() {
		t.Error("a key that was erased came back", err)
	}
	if err := os.WriteFile(filepath.Join(p.RoundKeysDir(coop), "2"), make([]byte, roundRecord), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(device); err == nil {
		t.Error("a damaged key is passed over")
	}
}

package home

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
)

// signing is a home whose key has signed in a cooperative, and has left another.
func signing(t *testing.T) (Paths, identity.PublicKey) {
	t.Helper()
	p := At(filepath.Join(t.TempDir(), "home"))
	h, err := Create(p, New{Name: "Ana", Open: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, coop := range []event.ID{someCoop, {8}} {
		g, err := OpenGuard(p, coop, h.Device)
		if err != nil || g.Mark(Mark{Events: 5}) != nil || g.Close() != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.LeaveCoop(event.ID{8}); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return p, h.Device
}

func renewed(t *testing.T, p Paths) (identity.PublicKey, string) {
	t.Helper()
	h, aside, err := Renew(p, New{Open: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return h.Device, aside
}

func TestRenew(t *testing.T) {
	p, first := signing(t)
	key, err := os.ReadFile(p.KeyFile())
	if err != nil {
		t.Fatal(err)
	}
	second, aside := renewed(t, p)
	if kept, err := os.ReadFile(filepath.Join(aside, "device.key")); err != nil || !bytes.Equal(kept, key) {
		t.Errorf("the old key is not aside: %v", err)
	}
	h, err := Look(p)
	if err != nil || h.Device != second || second == first || h.Config.Name != "Ana" {
		t.Fatalf("%+v %v", h, err)
	}
	if k, err := h.Unlock(Passphrase{}); err != nil || k.Public() != second {
		t.Error(err)
	}
	// The new key begins anew everywhere, in the cooperative that was left too.
	if _, err := h.Coops(); err != nil || os.Rename(h.aside(event.ID{8}, 1), p.CoopDir(event.ID{8})) != nil {
		t.Fatal(err)
	}
	for _, coop := range []event.ID{{}, someCoop, {8}} {
		g, err := OpenGuard(p, coop, second)
		if err != nil {
			t.Fatal(err)
		}
		wantSigner(t, g, Mark{})
		g.Close()
	}
	third, _ := renewed(t, p)
	if h, err = Look(p); err != nil || len(h.Former()) != 2 || h.Former()[0] != second || h.Former()[1] != first || h.Device != third {
		t.Errorf("%+v %v", h, err)
	}
}

// A key that is gone can be replaced while the data is there.
func TestRenewWithoutKey(t *testing.T) {
	p, _ := signing(t)
	if err := os.RemoveAll(p.Keys); err != nil {
		t.Fatal(err)
	}
	key, _ := renewed(t, p)
	g, err := OpenGuard(p, someCoop, key)
	if err != nil {
		t.Fatal(err)
	}
	wantSigner(t, g, Mark{})
	g.Close()
}

// Wherever it ends too early, neither key signs, and it can be done again.
func TestRenewInterrupted(t *testing.T) {
	fresh := identity.KeyFromSeed([32]byte{9})
	for name, until := range map[string]func(*Home) error{
		"guards moved": func(h *Home) error { _, _, err := h.putAside(); return err },
		"public half written": func(h *Home) error {
			_, _, err := h.putAside()
			if err == nil {
				err = writeNew(h.Paths.PublicFile(), []byte(fresh.Public().String()))
			}
			return err
		},
		"key written": func(h *Home) error {
			_, _, err := h.putAside()
			if err == nil {
				err = writeNew(h.Paths.KeyFile(), identity.LockOpen(fresh))
			}
			return err
		},
	} {
		p, old := signing(t)
		if err := until(&Home{Paths: p}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, coop := range []event.ID{{}, someCoop} {
			for _, key := range []identity.PublicKey{old, fresh.Public()} {
				g, err := OpenGuard(p, coop, key)
				if err != nil {
					t.Fatal(err)
				}
				wantObserver(t, g, "the signing guard is gone")
				g.Close()
			}
		}
		key, _ := renewed(t, p)
		g, err := OpenGuard(p, someCoop, key)
		if err != nil {
			t.Fatal(err)
		}
		wantSigner(t, g, Mark{})
		g.Close()
		// The first key is somewhere, whichever run put it aside.
		found := false
		h, err := Look(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range h.Former() {
			found = found || k == old
		}
		if !found {
			t.Errorf("%s: the old key is lost", name)
		}
	}
}

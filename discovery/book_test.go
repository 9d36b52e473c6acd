package discovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/multiformats/go-multiaddr"
	"pgregory.net/rapid"
)

// fakeHost has addresses and nothing else.
type fakeHost struct {
	host.Host
	addrs atomic.Pointer[[]multiaddr.Multiaddr]
}

type fakeNetwork struct {
	network.Network
	*fakeHost
}

func (f *fakeHost) Network() network.Network { return fakeNetwork{fakeHost: f} }

func (f fakeNetwork) InterfaceListenAddresses() ([]multiaddr.Multiaddr, error) {
	if p := f.addrs.Load(); p != nil {
		return *p, nil
	}
	return nil, nil
}

func addr(n int) string { return fmt.Sprintf("/ip4/10.0.%d.%d/tcp/4001", n/256, n%256) }

func newBook(t testing.TB) *Book {
	t.Helper()
	b, err := OpenBook(filepath.Join(t.TempDir(), "peers.json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func reopen(t testing.TB, b *Book) *Book {
	t.Helper()
	if err := b.Save(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenBook(b.path)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestBookOrdersByWhatWorked(t *testing.T) {
	b := newBook(t)
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b.now = func() time.Time { clock = clock.Add(time.Second); return clock }
	p := keyOf(1).Public()
	full := addr(2) + "/p2p/" + idOf(t, p).String()
	stranger := addr(3) + "/p2p/" + idOf(t, keyOf(2).Public()).String()
	b.Found(p, []string{addr(1), full, stranger, "nonsense", "", strings.Repeat("/ip4/1.1.1.1", 100), addr(4), addr(5)})
	b.Tried(p, addr(1), errors.New("refused"))
	b.Tried(p, addr(4), nil)
	b.Tried(p, addr(6), nil)
	b.Tried(p, full, nil)
	b.Tried(p, addr(4), errors.New(strings.Repeat("long ", 1000)))
	b.Tried(p, addr(9), errors.New("an address nobody told of"))
	b.Found(p, []string{addr(6), addr(1)}) // hearsay again
	// 2 works, 6 did earlier; 5 was never tried; 4 worked once; 1 never did.
	want := []string{addr(2), addr(6), addr(5), addr(4), addr(1)}
	if got := b.Addrs(p); !slices.Equal(got, want) {
		t.Fatalf("%v, not %v", got, want)
	}
	if again := reopen(t, b); !slices.EqualFunc(again.Entries(), b.Entries(), func(x, y Entry) bool {
		return x.Peer == y.Peer && slices.Equal(x.Places, y.Places)
	}) {
		t.Errorf("%v became %v", b.Entries(), again.Entries())
	}
	place := b.Entries()[0].Places[3]
	if place.Failures != 1 || len(place.Error) > maxError || place.Worked.IsZero() || place.Failed.Before(place.Worked) {
		t.Errorf("%+v", place)
	}
	b.Forget(p)
	if len(reopen(t, b).Entries()) != 0 {
		t.Error("not forgotten")
	}
}

func TestBookIsBounded(t *testing.T) {
	b := newBook(t)
	good := keyOf(0).Public()
	b.Found(Peer{}, []string{addr(1)})
	b.Tried(Peer{}, addr(1), nil)
	if len(b.Entries()) > 0 {
		t.Error("a key that is none is in the book")
	}
	b.Tried(good, addr(0), nil)
	for i := range 3 * MaxAddrs {
		b.Found(good, []string{addr(i + 1)})
	}
	if got := b.Addrs(good); len(got) != MaxAddrs || got[0] != addr(0) {
		t.Errorf("%d addresses, first %s", len(got), got[0])
	}
	for i := range 2 * MaxPeers {
		b.Found(keyOf(i+1).Public(), []string{addr(i)})
	}
	if n := len(b.Entries()); n != MaxPeers {
		t.Errorf("%d peers", n)
	}
	if len(b.Addrs(good)) == 0 {
		t.Error("claims pushed out a peer that was reached")
	}
	if len(b.Addrs(keyOf(2*MaxPeers).Public())) == 0 || len(b.Addrs(keyOf(1).Public())) > 0 {
		t.Error("old claims push out new ones")
	}
	// A book full of peers that work takes no more claims.
	for _, e := range b.Entries() {
		b.Tried(e.Peer, e.Places[0].Addr, nil)
	}
	b.Found(keyOf(9999).Public(), []string{addr(1)})
	if len(b.Addrs(keyOf(9999).Public())) != 0 {
		t.Error("a claim pushed out a peer that works")
	}
	if info, err := os.Stat(reopen(t, b).path); err != nil || info.Size() > maxFile/2 {
		t.Errorf("%v, %v", info.Size(), err)
	}
}

func TestDamagedBookIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	for _, text := range []string{"{", "[{}", "[1]", `[{"peer":"did:key:zNobody"}]`, strings.Repeat(" ", maxFile+1)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := OpenBook(path)
		if !errors.Is(err, ErrDamagedBook) || len(b.Entries()) != 0 {
			t.Fatalf("%.20q: %v", text, err)
		}
		if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != text {
			t.Errorf("%.20q: not set aside: %v", text, err)
		}
		b.Found(keyOf(1).Public(), []string{addr(1)})
		if len(reopen(t, b).Entries()) != 1 {
			t.Error("not usable")
		}
	}
}

// A save that fails leaves the old book, and no litter.
func TestSaveIsAllOrNothing(t *testing.T) {
	b := newBook(t)
	b.Found(keyOf(1).Public(), []string{addr(1)})
	b = reopen(t, b)
	b.Found(keyOf(2).Public(), []string{addr(2)})
	path := b.path
	b.path = filepath.Join(filepath.Dir(path), "directory")
	if err := os.MkdirAll(filepath.Join(b.path, "not empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.Save(); err == nil {
		t.Fatal("a directory became a book")
	}
	b.path = path
	if old, err := OpenBook(path); err != nil || len(old.Entries()) != 1 {
		t.Errorf("the old book: %v", err)
	}
	if len(reopen(t, b).Entries()) != 2 {
		t.Error("what was not saved is not saved later")
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 2 {
		t.Errorf("files: %v", files)
	}
}

func TestRunSaves(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b, err := OpenBook(filepath.Join(dir, "peers.json"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		b.Found(keyOf(1).Public(), []string{addr(1)})
		time.Sleep(saveAfter + time.Second)
		if saved, err := OpenBook(b.path); err != nil || len(saved.Entries()) != 1 {
			t.Errorf("a change was not saved: %v", err)
		}
		b.Found(keyOf(2).Public(), []string{addr(1)})
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if saved, err := OpenBook(b.path); err != nil || len(saved.Entries()) != 2 {
			t.Errorf("the last change was not saved: %v", err)
		}
	})
}

func TestBookFromManyGoroutines(t *testing.T) {
	b := newBook(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				p := keyOf(i % 7).Public()
				b.Found(p, []string{addr(g)})
				b.Tried(p, addr(g), nil)
				b.Addrs(p)
				if i%10 == 0 {
					if err := b.Save(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if len(reopen(t, b).Entries()) != 7 {
		t.Error("entries were lost")
	}
}

// Whatever is told in whatever order, a saved book is the same book, and its best address is one
// that worked when last tried, if there is one.
func TestBookProperties(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		b, err := OpenBook(filepath.Join(dir, "none.json"))
		if err != nil {
			t.Fatal(err)
		}
		p := keyOf(1).Public()
		works := map[string]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"found": func(t *rapid.T) { b.Found(p, []string{addr(rapid.IntRange(0, 5).Draw(t, "n"))}) },
			"works": func(t *rapid.T) {
				a := addr(rapid.IntRange(0, 5).Draw(t, "n"))
				b.Tried(p, a, nil)
				works[a] = true
			},
			"fails": func(t *rapid.T) {
				a := addr(rapid.IntRange(0, 5).Draw(t, "n"))
				b.Tried(p, a, errors.New("no"))
				works[a] = false
			},
			"": func(t *rapid.T) {
				some := false
				for _, ok := range works {
					some = some || ok
				}
				if addrs := b.Addrs(p); some && !works[addrs[0]] {
					t.Fatalf("%s is first", addrs[0])
				}
			},
		})
	})
}

func FuzzOpenBook(f *testing.F) {
	f.Add([]byte("[]"))
	f.Add([]byte(`[{"peer":"did:key:z6MkjtGJ8qSDXewF8Zhh22BQzDuG43GhCtBoJxq81m17eRRS","places":[{"addr":"/ip4/1.2.3.4/tcp/1","found":"2026-01-01T00:00:00Z","failures":-5}]}]`))
	f.Add([]byte(`[{"places":[{"addr":"/tcp/0"}]}]`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(dir, "peers.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := OpenBook(path)
		if err != nil && !errors.Is(err, ErrDamagedBook) {
			t.Fatal(err)
		}
		for _, e := range b.Entries() {
			if e.Peer.Check() != nil {
				t.Fatalf("%v is no peer", e.Peer)
			}
			if len(e.Places) == 0 || len(e.Places) > MaxAddrs {
				t.Fatalf("%d addresses", len(e.Places))
			}
			for _, p := range e.Places {
				if _, ok := bare(e.Peer, p.Addr); !ok || p.Failures < 0 {
					t.Fatalf("%+v", p)
				}
			}
		}
	})
}

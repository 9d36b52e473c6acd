package daemon

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
)

func fullAddr(t testing.TB, where string, n byte) string {
	t.Helper()
	id, err := p2p.PeerID(identity.KeyFromSeed([32]byte{n}).Public())
	if err != nil {
		t.Fatal(err)
	}
	return where + "/p2p/" + id.String()
}

func someLink(t testing.TB) Link {
	return Link{Coop: event.ID{1, 2, 3}, Name: "Roof", Invite: identity.KeyFromSeed([32]byte{7}), Expires: time.Unix(1_800_000_000, 0).UTC(),
		Addrs: []string{fullAddr(t, "/ip4/203.0.113.7/tcp/4178", 1), fullAddr(t, "/ip4/203.0.113.7/udp/4178/quic-v1", 1), fullAddr(t, "/ip6/2001:db8::1/tcp/4178", 2)},
		Pin:   &node.Pin{Epoch: 12, Base: [32]byte{1}, Commits: 40_000, Hash: [32]byte{2}}}
}

// equal compares links; keys by their public halves, since a key shows no more.
func equal(a, b Link) bool {
	same := a.Invite.IsZero() == b.Invite.IsZero() && (a.Invite.IsZero() || a.Invite.Public() == b.Invite.Public())
	a.Invite, b.Invite = identity.Key{}, identity.Key{}
	return same && reflect.DeepEqual(a, b)
}

func TestLinkSurvivesTheJourney(t *testing.T) {
	link := someLink(t)
	text := link.String()
	if len(text) > 560 {
		t.Errorf("%d characters are too many for a QR code on a terminal", len(text))
	}
	for _, spelled := range []string{text, strings.ToUpper(text), "  " + text + "\n", text[:40] + "\r\n" + text[40:]} {
		got, err := ParseLink(spelled)
		if err != nil || !equal(got, link) {
			t.Errorf("%q: %+v, %v", spelled, got, err)
		}
	}
	plain := Link{Coop: link.Coop, Addrs: link.Addrs[:1]}
	if got, err := ParseLink(plain.String()); err != nil || !got.Invite.IsZero() || !equal(got, plain) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A slip of one character never leads anywhere else.
func TestLinkWithASlip(t *testing.T) {
	text := someLink(t).String()
	rapid.Check(t, func(r *rapid.T) {
		at := rapid.IntRange(len(linkScheme), len(text)-1).Draw(r, "at")
		c := rapid.SampledFrom([]rune("abcdefghijklmnopqrstuvwxyz234567018=-")).Draw(r, "character")
		bad := text[:at] + string(c) + text[at+1:]
		switch rapid.IntRange(0, 2).Draw(r, "slip") {
		case 1:
			bad = text[:at] + text[at+1:]
		case 2:
			bad = text[:at] + string(c) + text[at:]
		}
		if bad == text {
			return
		}
		var p *home.Problem
		if _, err := ParseLink(bad); !errors.As(err, &p) || p.Code != CodeBadLink || p.Next == "" {
			r.Fatalf("%q: %v", bad, err)
		}
	})
}

func TestLinkLimits(t *testing.T) {
	seal := func(w wireLink) string {
		text, err := event.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		return sealText(linkScheme, text)
	}
	good := wireLink{Version: 1, Coop: make([]byte, 32)}
	if _, err := ParseLink(seal(good)); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(w *wireLink){
		"newer":          func(w *wireLink) { w.Version = 2 },
		"short coop":     func(w *wireLink) { w.Coop = w.Coop[:31] },
		"short seed":     func(w *wireLink) { w.Seed = make([]byte, 31) },
		"long name":      func(w *wireLink) { w.Name = strings.Repeat("a", maxLinkName+1) },
		"many peers":     func(w *wireLink) { w.Peers = make([]linkPeer, MaxLinkAddrs+1) },
		"no key":         func(w *wireLink) { w.Peers = []linkPeer{{Key: make([]byte, 31)}} },
		"no address":     func(w *wireLink) { w.Peers = []linkPeer{{Key: key(1), Addrs: [][]byte{{1, 2, 3}}}} },
		"many addresses": func(w *wireLink) { w.Peers = []linkPeer{{Key: key(1), Addrs: make([][]byte, MaxLinkAddrs+1)}} },
		"a bad pin":      func(w *wireLink) { w.Pin = []byte{1} },
		"a far pin":      func(w *wireLink) { w.Pin = (&node.Pin{Commits: 1 << 63}).Raw() },
		"far future":     func(w *wireLink) { w.Expires = 1 << 60 },
	} {
		w := good
		change(&w)
		var p *home.Problem
		if _, err := ParseLink(seal(w)); !errors.As(err, &p) || p.Code != CodeBadLink {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func key(n byte) []byte {
	k := identity.KeyFromSeed([32]byte{n}).Public()
	return k[:]
}

func TestChooseAddrs(t *testing.T) {
	for _, c := range []struct{ have, want []string }{
		{[]string{"/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.2/tcp/1", "/ip4/8.8.8.8/tcp/1"}, []string{"/ip4/8.8.8.8/tcp/1", "/ip4/192.168.1.2/tcp/1"}},
		{[]string{"/ip4/127.0.0.1/tcp/1", "/ip6/fe80::1/tcp/1"}, []string{"/ip4/127.0.0.1/tcp/1"}},
		{[]string{"nonsense", "/ip6/fe80::1/tcp/1"}, nil},
		{[]string{"/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.2/tcp/1", "/ip4/10.0.0.3/tcp/1", "/ip4/10.0.0.4/tcp/1", "/ip4/10.0.0.5/tcp/1"},
			[]string{"/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.2/tcp/1", "/ip4/10.0.0.3/tcp/1", "/ip4/10.0.0.4/tcp/1"}},
	} {
		if got := ChooseAddrs(c.have); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("of %v: %v", c.have, got)
		}
	}
}

func TestPick(t *testing.T) {
	all := []named{{"bafyreiaaaa1111", "Roof", false}, {"bafyreibbbb1111", "Cellar", true}, {"bafyreibbbb2222", "", false},
		{"did:key:z6Mkabcd", "Ana", false}, {"bafyreicccc3333", "roof", true}, {"bafyreidddd4444", "4445", false}, {"bafyreieeee4445", "", false}}
	for text, want := range map[string]int{"bafyreiaaaa1111": 0, "roof": 0, "CELLAR": 1, "bafyreieeee4445": 6, "4444": 5, "bafyreia": 0, "2222": 2, "z6Mk": 3, "did:key:z6": 3, "abcd": 3} {
		if got, err := pick("thing", text, all, "coop x"); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for text, code := range map[string]home.Code{"bafyrei": CodeAmbiguous, "1111": CodeAmbiguous, "4445": CodeAmbiguous, "222": CodeNotFound, "": CodeNotFound, "x": CodeNotFound} {
		_, err := pick("thing", text, all, "coop x")
		var p *home.Problem
		if !errors.As(err, &p) || p.Code != code {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add(someLink(f).String())
	f.Add("coop:")
	f.Add("COOP:QYAVQ")
	f.Fuzz(func(t *testing.T, text string) {
		link, err := ParseLink(text)
		if err != nil {
			return
		}
		if again, err := ParseLink(link.String()); err != nil || !equal(again, link) {
			t.Fatalf("%q: written again it is %+v, %v", text, again, err)
		}
	})
}

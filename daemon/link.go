package daemon

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"sort"
	"strings"
	"time"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
)

// Bounds on an invite link.
const (
	MaxLink      = 2048 // characters
	MaxLinkAddrs = 4
	maxLinkName  = 96
	maxLinkAddr  = 256 // bytes of one address
)

const (
	linkScheme  = "coop:"
	linkVersion = 1
	linkSum     = 4 // bytes of the SHA-256 at the end, against slips in copying
)

// Link is what travels to somebody who is invited. Whoever has it can apply, as often as the invite
// allows, so it is a secret between the two until it is used.
type Link struct {
	Coop    event.ID
	Name    string       // of the cooperative; what counts is in the founding event
	Invite  identity.Key // secret half of the invite; zero for a link that only leads there
	Addrs   []string     // full addresses of members, at most MaxLinkAddrs
	Expires time.Time    // zero: when the invite's event says so
	Pin     *node.Pin    // what whoever invites vouches for; may be nil
}

// wireLink is a link before base32.
type wireLink struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Coop    []byte
	Seed    []byte // empty without an invite
	Peers   []linkPeer
	Expires uint64 // s since 1970
	Name    string
	Pin     []byte // empty, or as node.Pin writes it
}

// linkPeer is one peer with its addresses, so that its key is written once.
type linkPeer struct {
	_     struct{} `cbor:",toarray"`
	Key   []byte
	Addrs [][]byte // binary multiaddrs without /p2p/
}

var base = base32.StdEncoding.WithPadding(base32.NoPadding)

// String writes the link in lower case. Upper case means the same and makes a smaller QR code.
func (l Link) String() string {
	w := wireLink{Version: linkVersion, Coop: l.Coop[:], Name: l.Name}
	if !l.Invite.IsZero() {
		seed := l.Invite.Seed()
		w.Seed = seed[:]
	}
	if !l.Expires.IsZero() {
		w.Expires = uint64(l.Expires.Unix())
	}
	if l.Pin != nil {
		w.Pin = l.Pin.Raw()
	}
	for _, addr := range l.Addrs[:min(len(l.Addrs), MaxLinkAddrs)] {
		w.add(addr)
	}
	text, err := event.Marshal(w)
	if err != nil {
		panic("daemon: invariant: a link can be written: " + err.Error())
	}
	return sealText(linkScheme, text)
}

// sealText adds the checksum and spells it.
func sealText(scheme string, text []byte) string {
	sum := sha256.Sum256(text)
	return scheme + strings.ToLower(base.EncodeToString(append(text, sum[:linkSum]...)))
}

// openText undoes sealText, in upper or lower case, and with whatever spaces and line ends a mail
// program put in between; why tells what is wrong.
func openText(scheme, text string) (body []byte, why string) {
	const wrong = "a part of it is missing, or a character in it is wrong"
	text = strings.Join(strings.Fields(text), "")
	if len(text) > MaxLink || len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
		return nil, "it does not begin with " + scheme
	}
	raw, err := base.DecodeString(strings.ToUpper(text[len(scheme):]))
	if err != nil || len(raw) <= linkSum || !strings.EqualFold(base.EncodeToString(raw), text[len(scheme):]) {
		return nil, wrong
	}
	body, sum := raw[:len(raw)-linkSum], sha256.Sum256(raw[:len(raw)-linkSum])
	if !bytes.Equal(sum[:linkSum], raw[len(body):]) {
		return nil, wrong
	}
	return body, ""
}

func (w *wireLink) add(addr string) {
	p, where, err := p2p.ParseAddr(addr)
	if err != nil {
		return
	}
	for i := range w.Peers {
		if bytes.Equal(w.Peers[i].Key, p[:]) {
			w.Peers[i].Addrs = append(w.Peers[i].Addrs, where.Bytes())
			return
		}
	}
	w.Peers = append(w.Peers, linkPeer{Key: p[:], Addrs: [][]byte{where.Bytes()}})
}

// ParseLink reads a link.
func ParseLink(text string) (Link, error) {
	body, why := openText(linkScheme, text)
	if why != "" {
		return Link{}, badLink(why)
	}
	var w wireLink
	if err := event.Unmarshal(body, &w); err != nil {
		return Link{}, badLink("it was made by a program that writes links differently")
	}
	return w.open()
}

func (w *wireLink) open() (Link, error) {
	switch {
	case w.Version != linkVersion:
		return Link{}, &home.Problem{Code: CodeBadLink, What: "this invite link was made by a newer coop", Next: "update coop, then open the link again"}
	case len(w.Coop) != 32 || len(w.Seed) != 0 && len(w.Seed) != 32 || len(w.Peers) > MaxLinkAddrs || len(w.Name) > maxLinkName || w.Expires > event.MaxInteger/1000:
		return Link{}, badLink("a value in it is out of bounds")
	}
	l := Link{Coop: event.ID(w.Coop), Name: w.Name}
	if len(w.Seed) == 32 {
		l.Invite = identity.KeyFromSeed([32]byte(w.Seed))
	}
	if w.Expires > 0 {
		l.Expires = time.Unix(int64(w.Expires), 0).UTC()
	}
	if len(w.Pin) > 0 {
		pin, err := node.OpenPin(w.Pin)
		if err != nil {
			return Link{}, badLink(err.Error())
		}
		l.Pin = pin
	}
	for _, p := range w.Peers {
		if len(p.Key) != 32 || len(p.Addrs) > MaxLinkAddrs {
			return Link{}, badLink("a value in it is out of bounds")
		}
		id, err := p2p.PeerID(identity.PublicKey(p.Key))
		if err != nil {
			return Link{}, badLink("it names a peer that cannot exist")
		}
		for _, b := range p.Addrs {
			addr, err := multiaddr.NewMultiaddrBytes(b)
			if err != nil || len(b) > maxLinkAddr {
				return Link{}, badLink("it names an address that cannot exist")
			}
			l.Addrs = append(l.Addrs, addr.String()+"/p2p/"+id.String())
		}
	}
	if len(l.Addrs) > MaxLinkAddrs {
		return Link{}, badLink("a value in it is out of bounds")
	}
	return l, nil
}

func badLink(why string) *home.Problem {
	return &home.Problem{Code: CodeBadLink, What: "this is no invite link", Why: why, Next: "ask for the link again, and copy all of it: coop invite"}
}

// ChooseAddrs picks the addresses for a link, the farthest reaching first: public ones, relayed
// ones, those of the local network, and those of this computer only if there are no others.
func ChooseAddrs(addrs []string) []string {
	reach := func(text string) int {
		a, err := multiaddr.NewMultiaddr(text)
		switch {
		case err != nil:
			return 9
		case strings.Contains(text, "/p2p-circuit"):
			return 1
		case manet.IsPublicAddr(a):
			return 0
		case manet.IsIPLoopback(a):
			return 5
		case manet.IsIP6LinkLocal(a):
			return 9
		}
		return 2
	}
	sorted := append([]string(nil), addrs...)
	sort.SliceStable(sorted, func(i, j int) bool { return reach(sorted[i]) < reach(sorted[j]) })
	var chosen []string
	for _, a := range sorted {
		r := reach(a)
		if len(chosen) == MaxLinkAddrs || r == 9 || r == 5 && len(chosen) > 0 && reach(chosen[0]) < 5 {
			break
		}
		chosen = append(chosen, a)
	}
	return chosen
}

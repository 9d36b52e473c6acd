package daemon

import (
	"slices"
	"strings"
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
)

// hearing writes down who came and went.
type hearing struct{ heard []string }

func (h *hearing) Check(node.Peer, []byte) (node.Message, bool) { return node.Message{}, true }
func (h *hearing) Deliver(node.Peer, node.Message)              {}
func (h *hearing) Up(p node.Peer)                               { h.heard = append(h.heard, "up "+string(p[:1])) }
func (h *hearing) Down(p node.Peer)                             { h.heard = append(h.heard, "down "+string(p[:1])) }

// Who comes before the node can speak is greeted when it can, and once; otherwise the greeting is lost,
// and one that lags behind stays so.
func TestDoorOpensWhenTheNodeCanSpeak(t *testing.T) {
	h, met := &hearing{}, make(chan p2p.Peer, 1)
	d := &door{node: h, met: met}
	a, b, c := p2p.Peer{'a'}, p2p.Peer{'b'}, p2p.Peer{'c'}
	d.Up(a)
	d.Up(b)
	d.Down(a)
	d.Up(c)
	if slices.ContainsFunc(h.heard, func(s string) bool { return strings.HasPrefix(s, "up") }) {
		t.Errorf("it heard %q too early", h.heard)
	}
	d.unlock()
	d.Down(c)
	d.Up(a)
	if want := []string{"down a", "up b", "up c", "down c", "up a"}; !slices.Equal(h.heard, want) {
		t.Errorf("%q, expected %q", h.heard, want)
	}
	if p := <-met; p != b {
		t.Errorf("%v was met first", p)
	}
}

// Cleo takes part without being a member, so nobody tells her where the others are: she finds Ben only
// in the table that Ana keeps, and only if she looks there.
func TestMembersAreFoundInTables(t *testing.T) {
	dht := func(c *home.Config) { c.DHT = true }
	ana, ben := newPeer(t, "ana", dht), newPeer(t, "ben", dht)
	id := ana.found("Roof")
	ben.join(ana, id)
	note := func(p *peer) string {
		var h Health
		p.get("/v1/doctor", &h)
		return h.Coops[0].DHT
	}
	eventually(t, "ben to announce himself", func() bool { return strings.Contains(note(ben), "heard of others") })
	look := func(name string, choose ...func(*home.Config)) *peer {
		p := newPeer(t, name, choose...)
		var s Status
		ana.get("/v1/status", &s)
		var o Offer
		p.post("/v1/look", Look{id, s.Addrs}, &o)
		p.post("/v1/join", Join{Genesis: o.Genesis, Addrs: s.Addrs}, nil)
		eventually(t, name+" to know as much as ana", func() bool { return p.coop(id).Root == ana.coop(id).Root })
		return p
	}
	cleo := look("cleo", dht)
	knows := func(p *peer) bool { return len(p.daemon.book.Addrs(ben.daemon.home.Device)) > 0 }
	eventually(t, "cleo to find ben", func() bool { return knows(cleo) && cleo.coop(id).Peers == 2 })
	eventually(t, "cleo to say so", func() bool { return strings.Contains(note(cleo), "heard of others") })

	dora := look("dora")
	var s Status
	if dora.get("/v1/status", &s); s.DHT || note(dora) != "" {
		t.Error("the DHT is on without having been asked for")
	}
	if knows(dora) {
		t.Error("without the table ben is found too, so this test shows nothing")
	}
	for _, p := range dora.daemon.host.Libp2p().Mux().Protocols() {
		if strings.Contains(string(p), "kad") {
			t.Errorf("it speaks %s", p)
		}
	}
	for _, p := range ana.daemon.host.Libp2p().Mux().Protocols() {
		if strings.Contains(string(p), "kad") && !strings.HasPrefix(string(p), "/coop/") {
			t.Errorf("the table is not private: %s", p)
		}
	}
}

func TestDeviceRequests(t *testing.T) {
	q := DeviceRequest{Coop: event.ID{1}, Member: p2p.Peer{2}, Device: p2p.Peer{3}, Proof: [64]byte{4}}
	text := q.String()
	for _, same := range []string{text, strings.ToUpper(text), text[:40] + "\n " + text[40:]} {
		if got, err := ParseDeviceRequest(same); err != nil || got != q {
			t.Errorf("%v %v", got, err)
		}
	}
	for i := len(requestScheme); i < len(text); i++ {
		wrong := byte('a')
		if text[i] == wrong {
			wrong = 'b'
		}
		if _, err := ParseDeviceRequest(text[:i] + string(wrong) + text[i+1:]); err == nil {
			t.Errorf("a slip in character %d is not seen", i)
		}
	}
	for _, bad := range []string{"", "coop:" + text[len(requestScheme):], text[:len(text)-8], Link{Coop: event.ID{1}}.String()} {
		_, err := ParseDeviceRequest(bad)
		wantCode(t, err, CodeBadLink)
	}
}

func FuzzParseDeviceRequest(f *testing.F) {
	f.Add(DeviceRequest{Coop: event.ID{1}}.String()[len(requestScheme):])
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseDeviceRequest(requestScheme + text)
		if err != nil {
			return
		}
		if again, err := ParseDeviceRequest(q.String()); err != nil || again != q {
			t.Errorf("%v %v", again, err)
		}
	})
}

package daemon

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/discovery"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/p2p"
)

// Health is what the doctor looks at.
type Health struct {
	Status   Status         `json:"status"`
	Disk     DiskFacts      `json:"disk"`
	Clock    event.Time     `json:"clock"` // this computer's, ms since 1970
	Reach    []string       `json:"reach"` // addresses under which others may find us
	Coops    []CoopHealth   `json:"coops"`
	Findings []home.Problem `json:"findings"` // what is wrong, worst first
}

// DiskFacts are about the disk that the data lies on.
type DiskFacts struct {
	Path  string `json:"path"`
	Free  uint64 `json:"free"`  // bytes
	Least uint64 `json:"least"` // below it nothing is written
}

// CoopHealth is one cooperative's network.
type CoopHealth struct {
	ID     event.ID   `json:"id"`
	Name   string     `json:"name"`
	Offset int64      `json:"offset_ms"`     // this clock minus coop time of the last commit
	LAN    string     `json:"lan,omitempty"` // how looking on the local network does
	DHT    string     `json:"dht,omitempty"` // how looking in the members' tables does; empty: off
	Peers  []PeerFact `json:"peers"`
}

// PeerFact is one peer with what is known of reaching it.
type PeerFact struct {
	Peer    identity.PublicKey `json:"peer"`
	Name    string             `json:"name,omitempty"`
	Steward bool               `json:"steward,omitempty"`
	Up      bool               `json:"up"`
	Addr    string             `json:"addr,omitempty"`
	Via     string             `json:"via,omitempty"` // tcp, quic or relay
	Limited bool               `json:"limited,omitempty"`
	Inbound bool               `json:"inbound,omitempty"`
	In      p2p.Count          `json:"in"`
	Out     p2p.Count          `json:"out"`
	Dropped uint64             `json:"dropped,omitempty"`
	Places  []discovery.Place  `json:"places,omitempty"` // where it was, and what became of trying; best first
	NextTry *time.Time         `json:"next_try,omitempty"`
	Cause   string             `json:"cause,omitempty"` // why it is not there
	Next    string             `json:"next,omitempty"`  // what to do about it
}

func (d *Daemon) getDoctor(r *http.Request) (any, error) { return d.health(r.Context()), nil }

func (d *Daemon) health(ctx context.Context) Health {
	h := Health{Status: d.status(ctx), Clock: d.clock.Now(), Reach: ChooseAddrs(d.host.Addrs()), Findings: []home.Problem{}, Coops: []CoopHealth{}}
	h.Disk = d.diskFacts()
	for _, r := range d.all() {
		h.Coops = append(h.Coops, r.health(ctx))
	}
	h.examine()
	return h
}

func (r *room) health(ctx context.Context) CoopHealth {
	c := CoopHealth{ID: r.id, Name: r.name(), Peers: []PeerFact{}}
	v, err := r.view(ctx)
	if err == nil && v.Time > 0 {
		c.Offset = int64(r.d.clock.Now()) - int64(v.Time)
	}
	r.mu.RLock()
	link, lan, table := r.link, r.lan, r.dht
	r.mu.RUnlock()
	if link == nil {
		return c
	}
	if lan != nil {
		c.LAN = told(lan.State())
	}
	if table != nil {
		c.DHT = told(table.State())
	}
	known := map[p2p.Peer]bool{}
	for _, s := range link.Stats().Peers {
		known[s.Peer] = true
		c.Peers = append(c.Peers, r.fact(v, s))
	}
	if v == nil {
		return c
	}
	for _, steward := range coop.StewardDevices(v.State) {
		if !known[steward] && steward != r.d.home.Device {
			c.Peers = append(c.Peers, r.fact(v, p2p.PeerStats{Peer: steward}))
		}
	}
	return c
}

// told is how a way of finding others does, in words.
func told(s discovery.State) string {
	if s.Note != "" {
		return s.Note
	}
	return fmt.Sprintf("heard of others %d times", s.Heard)
}

func (r *room) fact(v *picture, s p2p.PeerStats) PeerFact {
	f := PeerFact{Peer: s.Peer, Up: s.Up, Addr: s.Addr, Via: s.Transport, Limited: s.Limited, Inbound: s.Inbound, In: s.In, Out: s.Out,
		Dropped: s.Dropped, Places: r.d.places(s.Peer)}
	if !s.NextDial.IsZero() {
		next := s.NextDial.UTC()
		f.NextTry = &next
	}
	if v != nil {
		if m, ok := coop.Member(v.State, s.Peer); ok {
			f.Name = m.Name
		}
		f.Steward = coop.Seat(v.State, s.Peer) >= 0
	}
	f.explain(s)
	return f
}

// places are what the address book knows of a peer.
func (d *Daemon) places(p p2p.Peer) []discovery.Place {
	for _, e := range d.book.Entries() {
		if e.Peer == p {
			return e.Places
		}
	}
	return nil
}

// explain says why a peer is not there, and what helps.
func (f *PeerFact) explain(s p2p.PeerStats) {
	switch {
	case s.Up && s.Limited:
		f.Cause, f.Next = "it is reached through a relay that limits what passes", "let one of the two have an open port, or a member run coop up --relay"
	case s.Up:
	case !s.Banned.IsZero():
		f.Cause, f.Next = "it sent what no sound program sends, and is kept out until "+s.Banned.UTC().Format(time.RFC3339), "ask its owner to update coop"
	case s.Addr != "":
		f.Cause, f.Next = "it is connected, but has not opened this cooperative", "ask its owner for coop status"
	case len(f.Places) == 0 && !s.Kept:
		f.Cause, f.Next = "nobody has told where it is", "ask its owner for a link: coop invite --plain, then here: coop join LINK"
	case s.LastError != "":
		f.Cause, f.Next = s.LastError, "if its computer is on: is its port open to you? ask its owner for coop doctor"
	default:
		f.Cause, f.Next = "it has not answered yet", "wait for the next attempt"
	}
}

// examine turns facts into findings.
func (h *Health) examine() {
	find := func(code home.Code, what, why, next string) {
		h.Findings = append(h.Findings, home.Problem{Code: code, What: what, Why: why, Next: next})
	}
	if h.Disk.Free < h.Disk.Least {
		find(CodeDiskFull, "the disk is nearly full", "nothing is written any more", "free some space; it goes on by itself")
	}
	if p := h.Status.Observer; p != nil {
		h.Findings = append(h.Findings, *p)
	}
	if len(h.Reach) == 0 {
		find(CodeUnreachable, "this computer has no address", "the network may be down", "check the network, then: coop doctor")
	}
	for _, c := range h.Status.Coops {
		switch {
		case c.Problem != nil:
			h.Findings = append(h.Findings, *c.Problem)
		case c.Opening:
			find(CodeStopped, c.Name+" is still being read from disk", "", "wait a moment")
		case c.Halted != "":
			find(CodeStopped, c.Name+": nothing becomes final any more", c.Halted, "tell every member; do not act on new decisions")
		case c.Observer != "" && h.Status.Observer == nil:
			find(home.CodeObserver, c.Name+": this device signs nothing", c.Observer, "coop status --json shows the way out")
		case c.Reachable < c.Quorum:
			find(CodeUnreachable, c.Name+": too few stewards are reachable for anything to become final", "events are kept and sent later", "see the peers below; ask the stewards to start coop")
		}
	}
}

// getStats answers with a room's network as it is.
func (d *Daemon) getStats(r *http.Request) (any, error) {
	room, err := d.room(r.PathValue("coop"))
	if err != nil {
		return nil, err
	}
	room.mu.RLock()
	link := room.link
	room.mu.RUnlock()
	if link == nil {
		return nil, &home.Problem{Code: CodeStopped, What: "this cooperative is not in the network now", Next: "coop doctor"}
	}
	return link.Stats(), nil
}

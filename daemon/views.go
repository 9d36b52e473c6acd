package daemon

import (
	"context"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/p2p"
	"github.com/sustainy/coop/table"
)

// picture is a node's view: the state that answers are made of, or in its place one that was certified.
type picture struct {
	*node.View
	certified bool
}

// rooted is the state root that was last worked out: a large state takes a while, and whoever looks often sees the same.
type rooted struct {
	mu        sync.Mutex
	commits   uint64 // 0: none was
	certified bool
	root      [32]byte
}

// of is the root of a picture's state.
func (l *rooted) of(v *picture) [32]byte {
	commits := v.Commits
	if v.certified {
		commits = v.Expected
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if commits == 0 || commits != l.commits || v.certified != l.certified {
		l.commits, l.certified, l.root = commits, v.certified, v.Root()
	}
	return l.root
}

// Status is the daemon at a glance.
type Status struct {
	Version  string        `json:"version"`
	PID      int           `json:"pid"`
	Home     string        `json:"home"`
	Name     string        `json:"name"`
	Device   string        `json:"device"` // did:key
	PeerID   string        `json:"peer_id"`
	Addrs    []string      `json:"addrs"`
	Port     int           `json:"port"`
	Note     string        `json:"note,omitempty"` // something the person should know about the start
	Started  time.Time     `json:"started"`
	Testnet  bool          `json:"testnet,omitempty"`
	Relay    bool          `json:"relay"`              // carries traffic for members who can't reach each other
	DHT      bool          `json:"dht"`                // finds members through each other's tables
	Observer *home.Problem `json:"observer,omitempty"` // why this device signs nowhere
	Coops    []CoopStatus  `json:"coops"`
}

// CoopStatus is one cooperative as this peer sees it. Times of the cooperative are milliseconds
// since 1970.
type CoopStatus struct {
	ID        event.ID      `json:"id"`
	Name      string        `json:"name"`
	Problem   *home.Problem `json:"problem,omitempty"`  // why it stands still here
	Observer  string        `json:"observer,omitempty"` // why this device signs nothing here
	Halted    string        `json:"halted,omitempty"`   // why nothing becomes final any more
	Opening   bool          `json:"opening,omitempty"`
	Me        Standing      `json:"me"`
	Commits   uint64        `json:"commits"`
	Time      event.Time    `json:"time"`
	Root      string        `json:"root"`
	Events    uint64        `json:"events"`
	Rounds    uint64        `json:"rounds"`
	Round     uint64        `json:"round"`
	Pending   int           `json:"pending"`
	Waiting   int           `json:"waiting"`
	Forks     int           `json:"forks"`
	Syncing   bool          `json:"syncing"`
	Certified *Ahead        `json:"certified,omitempty"` // what is shown while the history comes in
	Ahead     int           `json:"ahead"`               // peers who know more commits
	Members   uint64        `json:"members"`
	Waiters   uint64        `json:"candidates"`
	UnderWay  uint64        `json:"under_way"`
	Stewards  int           `json:"stewards"`
	Office    []string      `json:"office,omitempty"` // what a member should know of the stewards' term
	Epoch     uint64        `json:"epoch"`
	Reachable int           `json:"stewards_reachable"` // this device included
	Quorum    int           `json:"quorum"`
	Peers     int           `json:"peers"`
	Finality  *Percentiles  `json:"finality_ms,omitempty"` // of events given in here
}

// Standing is where the owner of this home stands in a cooperative.
type Standing struct {
	Status  governance.Status `json:"status"` // empty: a stranger
	Name    string            `json:"name,omitempty"`
	Classes []string          `json:"classes,omitempty"`
	Steward bool              `json:"steward"`
}

// Percentiles sum up times.
type Percentiles struct {
	Count int    `json:"count"`
	P50   uint32 `json:"p50"`
	P99   uint32 `json:"p99"`
}

func percentiles(ms []uint32) *Percentiles {
	if len(ms) == 0 {
		return nil
	}
	slices.Sort(ms)
	return &Percentiles{len(ms), ms[len(ms)/2], ms[min(len(ms)-1, len(ms)*99/100)]}
}

func (d *Daemon) status(ctx context.Context) Status {
	id, _ := p2p.PeerID(d.home.Device) // a home's key is a sound one
	s := Status{Version: Version, PID: os.Getpid(), Home: d.home.Paths.Data, Name: d.home.Config.Name, Device: d.home.Device.String(),
		PeerID: id.String(), Addrs: d.host.Addrs(), Port: d.home.Config.Port, Note: d.portNote, Started: d.started.UTC(),
		Testnet: d.testnet, Relay: d.home.Config.Relay, DHT: d.home.Config.DHT, Observer: d.observer, Coops: []CoopStatus{}}
	for _, r := range d.all() {
		s.Coops = append(s.Coops, r.status(ctx))
	}
	return s
}

func (r *room) status(ctx context.Context) CoopStatus {
	s := CoopStatus{ID: r.id, Name: r.name(), Problem: r.trouble()}
	v, err := r.view(ctx)
	if err != nil {
		if s.Problem == nil {
			s.Opening = true
		}
		return s
	}
	o := coop.Describe(v.State)
	root := r.root.of(v)
	s.Observer, s.Halted, s.Commits, s.Time, s.Root = v.Observer, v.Halted, v.Commits, v.Time, hex.EncodeToString(root[:])
	s.Events, s.Rounds, s.Round, s.Pending, s.Waiting, s.Forks = v.Events, v.Rounds, v.Round, v.Pending, v.Waiting, len(v.Forks)
	s.Syncing, s.Ahead, s.Members, s.Waiters, s.UnderWay = v.CatchingUp, len(v.Ahead), o.Members, o.Candidates, o.UnderWay
	switch {
	case s.Observer == "":
	case v.Behind:
		s.Observer += ". It signs again by itself when the others have given its own events back; if none of them has them: coop down; coop device new"
	case !strings.Contains(s.Observer, "coop "): // what a node says knows no commands
		s.Observer += ". Next: coop down; coop device new"
	}
	s.Certified = r.looking(ctx)
	s.Me = r.standing(v)
	s.Office = coop.Office(v.State).Notes
	s.Finality = percentiles(v.Finality)
	peers := r.peers()
	s.Peers, s.Stewards = len(peers), len(o.Stewards)
	s.Quorum = quorum(len(o.Stewards))
	s.Epoch = v.Epoch
	seats := map[int]bool{}
	for _, p := range append(peers, r.d.home.Device) {
		if seat := coop.Seat(v.State, p); seat >= 0 {
			seats[seat] = true
		}
	}
	s.Reachable = len(seats)
	return s
}

// quorum of n stewards (protocol §3.20).
func quorum(n int) int { return (n+(n-1)/3)/2 + 1 }

// standingRevoked is what a device is told that its member has revoked.
const standingRevoked governance.Status = "revoked device"

// standing prefers what is final; before that, what is known.
func (r *room) standing(v *picture) Standing {
	s := Standing{Steward: v.Steward >= 0}
	m, ok := coop.Member(v.State, r.d.home.Device)
	if !ok {
		m, ok = coop.Member(v.Provisional, r.d.home.Device)
	}
	if ok {
		s.Status, s.Name, s.Classes = m.Status, m.Name, m.Classes
	}
	if device, _ := v.State.Hall.Devices.Get(r.d.home.Device); device.Revoked {
		s.Status = standingRevoked
	}
	return s
}

// view is the peer's view, or, while that comes in, of a certified state.
func (r *room) view(ctx context.Context) (*picture, error) {
	n, err := r.ask()
	if err != nil {
		return nil, err
	}
	v, err := n.View(ctx)
	if err != nil {
		return nil, err
	}
	p := &picture{View: v}
	if a := r.ahead.Load(); a != nil && v.Expected > 0 {
		if state := a.copy(); state != nil {
			p.State, p.Provisional, p.certified = state, a.copy(), true
		}
	}
	return p, nil
}

// peers are those of this cooperative who are there now.
func (r *room) peers() []p2p.Peer {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.link == nil {
		return nil
	}
	return r.link.Peers()
}

// knows tells whether a peer is a member's device, not a lost or stolen one.
func (r *room) knows(p p2p.Peer) bool {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	v, err := r.view(ctx)
	if err != nil {
		return false
	}
	device, ok := v.State.Hall.Devices.Get(p)
	return ok && !device.Revoked
}

// name is what the founding event calls the cooperative.
func (r *room) name() string {
	s, err := coop.Genesis(r.genesis)
	if err != nil {
		return ""
	}
	return s.Hall.Name
}

// Offer is what a person is shown before joining.
type Offer struct {
	ID       event.ID             `json:"id"`
	Name     string               `json:"name"`
	Purpose  string               `json:"purpose"`
	Founded  event.Time           `json:"founded"`
	Founders []governance.Founder `json:"founders"`
	Stewards int                  `json:"stewards"`
	Charter  coop.CharterView     `json:"charter"`
	Genesis  []byte               `json:"genesis"` // envelope of the founding event
	Here     bool                 `json:"here"`    // this home takes part already
}

// offer describes a cooperative by its founding event.
func offer(genesis *event.Event) (Offer, error) {
	s, err := coop.Genesis(genesis)
	if err != nil {
		return Offer{}, err
	}
	o := Offer{ID: genesis.ID, Name: s.Hall.Name, Purpose: s.Hall.Purpose, Founded: s.Hall.Founded, Stewards: len(s.Hall.Term.Stewards),
		Charter: coop.Charter(&s), Genesis: genesis.Raw}
	for key, m := range table.All(&s.Hall.Members) {
		o.Founders = append(o.Founders, governance.Founder{Key: key, Name: m.Name, Classes: m.Classes})
	}
	return o, nil
}

// Invite is one published invite.
type Invite struct {
	Key     identity.PublicKey `json:"key"`
	By      identity.PublicKey `json:"by"`
	ByName  string             `json:"by_name"`
	Uses    uint64             `json:"uses"` // left
	Expires event.Time         `json:"expires"`
	Note    string             `json:"note,omitempty"`
	Void    bool               `json:"void"` // revoked, or by one who is no member at present
}

func invites(s *coop.State) []Invite {
	list := []Invite{}
	for key, i := range table.All(&s.Hall.Invitations) {
		by, _ := s.Hall.Members.Get(i.By)
		list = append(list, Invite{key, i.By, by.Name, i.Uses, i.Expires, i.Note, i.Revoked || by.Status != governance.StatusMember})
	}
	return list
}

// Item is one event as it stands in the log of this peer.
type Item struct {
	N      uint64             `json:"n"` // place in this peer's log, from 0
	ID     event.ID           `json:"id"`
	Kind   event.Kind         `json:"kind"`
	Key    identity.PublicKey `json:"key"`
	Author string             `json:"author,omitempty"` // name of the member
	Seq    uint64             `json:"seq"`
	At     event.Time         `json:"at"` // the author's clock
	Level  string             `json:"level"`
}

// Detail is one event with everything in it.
type Detail struct {
	Item
	Refusal string     `json:"refusal,omitempty"` // why it came to nothing, if it is final and that is not long ago
	Coop    event.ID   `json:"coop"`
	Prev    event.ID   `json:"prev"`
	Deps    []event.ID `json:"deps"`
	Says    string     `json:"says"` // what it does, in words that follow the author's name
	Body    any        `json:"body"`
	Raw     []byte     `json:"raw"`
}

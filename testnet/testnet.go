// Package testnet runs many real peers on one machine: separate processes, each with a home of its
// own, that speak over loopback.
//
// Its one idea: nothing is simulated. A node is the ordinary daemon in an ordinary home; what a
// testnet adds is a list of them in one file, deterministic keys from a seed, a cooperative that all
// of them founded, and commands to cut peers off, kill them and bring them back. Ports are free ones
// that the daemons choose. It needs no container and no rights.
//
// For a whole network in one process and in virtual time there is package sim.
package testnet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/home"
	"github.com/sustainy/coop/identity"
)

// MaxNodes bounds the processes of one testnet.
const MaxNodes = 64

// netFile is the list of nodes, in the testnet's directory.
const netFile = "net.json"

// startPatience is how long the nodes may take to answer and to see each other.
const startPatience = 60 * time.Second

// Options say what a testnet is made of.
type Options struct {
	Dir      string              // must be empty or missing
	Nodes    int                 // 1 to MaxNodes
	Stewards int                 // 0: the largest good number that Nodes allows
	Seed     string              // equal seeds make equal keys
	Binary   string              // the coop program; empty: this one
	Charter  *governance.Charter // nil: DefaultCharter with short periods
	Voting   time.Duration       // how long votes last under the default charter; 0: a minute
	Params   *governance.Params  // nil: the protocol's, with a grace of one second
	Attached bool                // the nodes end with this process
}

// Node is one peer of a testnet.
type Node struct {
	Name   string             `json:"name"`
	Role   string             `json:"role"` // steward or member
	Device identity.PublicKey `json:"device"`
	Addr   string             `json:"addr"` // where it listens
	Home   string             `json:"home"`
}

// Net is a testnet on disk. Its processes may run or not.
type Net struct {
	Dir    string   `json:"dir"`
	Seed   string   `json:"seed"`
	Binary string   `json:"binary"`
	Coop   event.ID `json:"coop"`
	Nodes  []Node   `json:"nodes"`

	genesis  *event.Event
	attached bool
	children map[string]*child
}

// KeyOf is the device key of a testnet's node, counted from 0.
func KeyOf(seed string, node int) identity.Key {
	return identity.KeyFromSeed(sha256.Sum256(fmt.Appendf(nil, "coop/testnet/1\x00%s\x00%d", seed, node)))
}

// Charter is the default charter with periods that suit a test: no discussion, a short vote and a
// second of grace and of notice for new stewards. Everybody may join as a customer.
func Charter(voting time.Duration) governance.Charter {
	c := coop.DefaultCharter()
	c.Classes[0].Admission, c.Classes[0].Sponsors, c.Classes[0].Invite = governance.AdmitOpen, 0, false
	for i := range c.Tracks {
		c.Tracks[i].Discussion, c.Tracks[i].Voting, c.Tracks[i].Grace = 0, event.Time(voting.Milliseconds()), 1000
	}
	c.Limits.Daily = 100_000
	c.Office.Notice = 1000
	return c
}

// GoodStewards is the largest number of stewards up to 13 that n nodes allow and that is worth its
// cost: 1, 4, 7, 10 or 13.
func GoodStewards(n int) int {
	good := 1
	for _, size := range []int{4, 7, 10, 13} {
		if size <= n {
			good = size
		}
	}
	return good
}

func (o *Options) fill() error {
	if o.Nodes < 1 || o.Nodes > MaxNodes {
		return fmt.Errorf("a testnet has 1 to %d nodes, not %d", MaxNodes, o.Nodes)
	}
	if o.Stewards == 0 {
		o.Stewards = GoodStewards(o.Nodes)
	}
	if o.Stewards < 1 || o.Stewards > o.Nodes {
		return fmt.Errorf("%d nodes cannot have %d stewards", o.Nodes, o.Stewards)
	}
	if o.Binary == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("cannot find this program: %w", err)
		}
		o.Binary = self
	}
	if o.Charter == nil {
		c := Charter(cmp.Or(o.Voting, time.Minute))
		o.Charter = &c
	}
	if o.Params == nil {
		p := governance.DefaultParams()
		p.Grace = 1000
		o.Params = &p
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("cannot use %s: %w", o.Dir, err)
	}
	o.Dir = dir
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("there is something in %s already: end an old testnet with: coop testnet down --dir %s", dir, dir)
	}
	return nil
}

// Up makes homes, founds the cooperative, starts every node and returns when all see each other.
func Up(ctx context.Context, o Options) (*Net, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	genesis, err := found(o)
	if err != nil {
		return nil, err
	}
	n := &Net{Dir: o.Dir, Seed: o.Seed, Binary: o.Binary, Coop: genesis.ID, genesis: genesis, attached: o.Attached, children: map[string]*child{}}
	for i := range o.Nodes {
		node, err := n.makeHome(i, i < o.Stewards)
		if err != nil {
			return nil, err
		}
		n.Nodes = append(n.Nodes, node)
	}
	if err := n.save(); err != nil {
		return nil, err
	}
	if err := n.startAll(ctx); err != nil {
		return nil, errors.Join(err, n.Down(context.WithoutCancel(ctx)))
	}
	return n, nil
}

// found makes the founding event, to which every node consents.
func found(o Options) (*event.Event, error) {
	f := governance.Founding{Name: "Testnet " + o.Seed, Purpose: "Trying things out", Currency: governance.Currency{Code: "EUR", Decimals: 2},
		Charter: *o.Charter, Params: *o.Params}
	class := f.Charter.Classes[len(f.Charter.Classes)-1].Name
	for i := range o.Nodes {
		key := KeyOf(o.Seed, i).Public()
		f.Founders = append(f.Founders, governance.Founder{Key: key, Name: nodeName(i), Classes: []string{class}})
		if i < o.Stewards {
			f.Stewards = append(f.Stewards, key)
		}
	}
	body := governance.CoopFound{Text: f}
	for i := 1; i < o.Nodes; i++ {
		body.Consents = append(body.Consents, f.Consent(KeyOf(o.Seed, i)))
	}
	draft, err := event.NewDraft(event.KindFound, body)
	if err != nil {
		return nil, fmt.Errorf("cannot found the testnet's cooperative: %w", err)
	}
	genesis, err := event.Seal(KeyOf(o.Seed, 0), event.Slot{At: event.Time(time.Now().UnixMilli())}, draft)
	if err != nil {
		return nil, fmt.Errorf("cannot found the testnet's cooperative: %w", err)
	}
	return genesis, nil
}

func nodeName(i int) string { return fmt.Sprintf("n%d", i+1) }

// makeHome makes the home of one node, with the cooperative in it.
func (n *Net) makeHome(i int, steward bool) (Node, error) {
	node := Node{Name: nodeName(i), Role: "member", Device: KeyOf(n.Seed, i).Public(), Home: filepath.Join(n.Dir, nodeName(i))}
	if steward {
		node.Role = "steward"
	}
	h, err := home.Create(home.At(node.Home), home.New{Name: node.Name, Key: KeyOf(n.Seed, i), Open: true})
	if err != nil {
		return node, err
	}
	h.Config.Listen, h.Config.Quiet = daemon.Loopback, true
	return node, errors.Join(h.SaveConfig(), h.AddCoop(n.genesis), h.Close())
}

func (n *Net) save() error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the testnet's list: %w", err)
	}
	if err := os.WriteFile(filepath.Join(n.Dir, netFile), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot write the testnet's list: %w", err)
	}
	return nil
}

// Load finds the testnet in a directory.
func Load(dir string) (*Net, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", dir, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, netFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no testnet in %s: start one with: coop testnet up", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the testnet's list: %w", err)
	}
	n := &Net{children: map[string]*child{}}
	if err := json.Unmarshal(text, n); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w): remove the directory", filepath.Join(dir, netFile), err)
	}
	n.Dir = dir
	return n, nil
}

// Find is the node of that name.
func (n *Net) Find(name string) (*Node, error) {
	for i := range n.Nodes {
		if n.Nodes[i].Name == name {
			return &n.Nodes[i], nil
		}
	}
	return nil, fmt.Errorf("this testnet has no node %q: they are n1 to n%d", name, len(n.Nodes))
}

// Client speaks to a node's daemon.
func (node *Node) Client() *daemon.Client { return daemon.Dial(home.At(node.Home)) }

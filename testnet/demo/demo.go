// Package demo is the main job on real input: a city's participatory budget, voted again through
// real peers, must come out on every peer as the city announced it.
//
// Five peers start, four of them stewards. Every voter of the file applies for membership and is
// admitted, and signs an approval ballot with a key of their own, at one of the peers. On the way a
// peer is killed and restarted and another is cut off. The poll closes in coop time. Then every
// peer's votes, funded projects and state root are compared with each other's and with the file's
// official columns, the whole history is exported, and the export is verified in a clean home.
package demo

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/pabulib"
	"github.com/sustainy/coop/testnet"
)

// Peers is how many peers vote, Stewards how many of them put events in order.
const (
	Peers    = 5
	Stewards = 4
)

// The poll's timing. Ballots are let in until the poll closes by itself.
const (
	votingLeast = 20 * time.Second       // for the faults on the way, whatever the size of the file
	votingEach  = 2 * time.Millisecond   // more for each ballot
	grace       = 500 * time.Millisecond // for ballots of the last moment
	batch       = 100                    // events a voter's door sends at a time
	pause       = 4 * time.Second        // at most between two parts of the ballots
)

// Options say what to vote on and how.
type Options struct {
	File    []byte                           // in Pabulib's format
	Name    string                           // of the file, for people
	Dir     string                           // for homes and the export; removed at the end unless Keep
	Keep    bool                             // leave everything for a look
	Seed    string                           // of all keys
	Say     func(format string, args ...any) // tells people what happens
	Binary  string                           // the coop program
	Verify  func(ctx context.Context, file, cleanHome string) error
	Started time.Time
}

// Result is what one peer says about the poll.
type Result struct {
	Name     string            `json:"name"`
	Root     string            `json:"root"`
	Votes    map[string]uint64 `json:"votes"`
	Selected []string          `json:"selected"`
}

// Official is what the city says about it.
type Official struct {
	Votes    map[string]uint64 `json:"votes"`
	Selected []string          `json:"selected"`
}

// Finality is how long events took from the door to being final, in milliseconds.
type Finality struct {
	P50 uint32 `json:"p50"`
	P95 uint32 `json:"p95"`
}

// Report is the outcome.
type Report struct {
	Peers      []Result `json:"peers"`
	Official   Official `json:"official"`
	Equal      bool     `json:"equal"`
	FinalityMS Finality `json:"finality_ms"`
	Events     uint64   `json:"events"`

	Differences []string          `json:"-"`
	Instance    *pabulib.Instance `json:"-"`
}

// ErrCannotRun wraps every reason why a file cannot be voted here.
var ErrCannotRun = errors.New("this file cannot be run")

// Check tells why an election cannot be run here, or nil.
func Check(in *pabulib.Instance) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrCannotRun, fmt.Sprintf(format, args...))
	}
	if kind := in.Get("vote_type"); kind != "approval" {
		return refuse("its ballots are of the type %q, and this demo votes by approval", kind)
	}
	if rule := in.Get("rule"); rule != "greedy" {
		return refuse("it was decided by the rule %q, and this demo knows the rule greedy", rule)
	}
	if len(in.Projects) > governance.MaxOptions {
		return refuse("it has %d projects, and a proposal has at most %d options", len(in.Projects), governance.MaxOptions)
	}
	if in.Budget == 0 || in.Budget > governance.MaxAmount {
		return refuse("its budget is %d", in.Budget)
	}
	if len(in.Ballots) == 0 {
		return refuse("it has no ballots")
	}
	for _, p := range in.Projects {
		if p.Cost == 0 {
			return refuse("project %s costs nothing", p.ID)
		}
	}
	return nil
}

// run is one demo under way.
type run struct {
	stage
	in     *pabulib.Instance
	voters []voter
	poll   event.ID
}

// voter is one line of the file's ballots.
type voter struct {
	key    identity.Key
	door   *testnet.Node
	apply  *event.Event
	ballot *event.Event
}

// Run does the main job. The error tells why it could not be finished; that something differs is
// told by the report.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	r := &run{stage: stage{Options: o}}
	if r.in, err = pabulib.Parse(o.File); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotRun, err)
	}
	if err := Check(r.in); err != nil {
		return nil, err
	}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if !o.Keep {
			err = errors.Join(err, r.net.Down(context.WithoutCancel(ctx)))
		}
	}()
	for _, step := range []func(context.Context) error{r.admit, r.open, r.vote, r.close} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if report, err = r.compare(ctx); err != nil {
		return nil, err
	}
	if err := r.export(ctx); errors.Is(err, errUnverified) {
		report.Equal = false
		report.Differences = append(report.Differences, err.Error())
	} else if err != nil {
		return nil, err
	}
	return report, nil
}

func (r *run) start(ctx context.Context) (err error) {
	charter, params := r.charter(), governance.DefaultParams()
	params.Grace = event.Time(grace.Milliseconds())
	began := time.Now()
	r.net, err = testnet.Up(ctx, testnet.Options{Dir: filepath.Join(r.Dir, "net"), Nodes: Peers, Stewards: Stewards, Seed: r.Seed,
		Binary: r.Binary, Charter: &charter, Params: &params, Attached: !r.Keep})
	if err != nil {
		return err
	}
	r.Say("%d peers, %d of them stewards, are up and see each other (%s)", Peers, Stewards, since(began))
	return nil
}

// charter is a district's: residents join by invite and share the budget.
func (r *run) charter() governance.Charter {
	c := governance.DefaultCharter()
	c.Classes = []governance.Class{
		{Name: "resident", Admission: governance.AdmitOpen, Votes: true, Invite: true},
		{Name: "office", Admission: governance.AdmitVote, Votes: true, Invite: true},
	}
	for i := range c.Tracks {
		t := &c.Tracks[i]
		if t.Name == "budget" {
			t.Quorum = governance.Quorum{Kind: governance.QuorumNone, Share: governance.Ratio{Num: 0, Den: 1}}
			t.Threshold = governance.Threshold{Share: governance.Ratio{Num: 0, Den: 1}}
			t.Discussion, t.Grace = 0, 0
			t.Voting = event.Time((votingLeast + time.Duration(len(r.in.Ballots))*votingEach).Milliseconds())
			t.Proposers = []string{"office"}
		}
	}
	c.Limits.Daily = 10_000
	return c
}

// admit makes every voter apply with an invite of their door, and waits until all are members.
func (r *run) admit(ctx context.Context) error {
	began := time.Now()
	invites := map[string][]identity.Key{}
	for i := range r.net.Nodes {
		keys, err := r.invite(ctx, &r.net.Nodes[i])
		if err != nil {
			return err
		}
		invites[r.net.Nodes[i].Name] = keys
	}
	doors := make([][]*event.Event, Peers)
	for i := range r.in.Ballots {
		door := i % Peers
		v := voter{key: r.voterKey(i), door: &r.net.Nodes[door]}
		invite := invites[v.door.Name][i/Peers/governance.MaxUses]
		body := governance.MemberApply{Name: "voter " + r.in.Ballots[i].Voter, Classes: []string{"resident"}, Invite: invite.Public(),
			Proof: governance.InviteProof(invite, r.net.Coop, v.key.Public())}
		e, err := seal(v.key, event.Slot{Coop: r.net.Coop, At: now()}, governance.KindMemberApply, body)
		if err != nil {
			return err
		}
		v.apply = e
		r.voters = append(r.voters, v)
		doors[door] = append(doors[door], e)
	}
	if err := r.send(ctx, doors, nil); err != nil {
		return err
	}
	if err := r.waitFor(ctx, func(s daemon.CoopStatus) bool {
		return s.Members == uint64(len(r.voters)+Peers) && s.Pending == 0
	}); err != nil {
		return fmt.Errorf("not every voter was admitted: %w", err)
	}
	r.Say("%d voters applied and are admitted on every peer (%s)", len(r.voters), since(began))
	return nil
}

// invite publishes as many invites as a door's voters need, and waits until they are final.
func (r *run) invite(ctx context.Context, node *testnet.Node) (keys []identity.Key, err error) {
	for n := 0; n*governance.MaxUses*Peers < len(r.in.Ballots); n++ {
		key := identity.KeyFromSeed(sha256.Sum256(fmt.Appendf(nil, "coop/demo/invite\x00%s\x00%s\x00%d", r.Seed, node.Name, n)))
		id, err := r.submit(ctx, node, governance.KindMemberInvite, governance.MemberInvite{Key: key.Public(), Uses: governance.MaxUses,
			Expires: now() + 24*60*60*1000, Note: "voters at " + node.Name})
		if err != nil {
			return nil, err
		}
		if err := r.final(ctx, node, id); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (r *run) voterKey(i int) identity.Key {
	return identity.KeyFromSeed(sha256.Sum256(fmt.Appendf(nil, "coop/demo/voter\x00%s\x00%s", r.Seed, r.in.Ballots[i].Voter)))
}

// open puts the budget before the members.
func (r *run) open(ctx context.Context) error {
	p := governance.ProposalOpen{Title: "Participatory budget", Text: "Which projects shall be funded? Source: " + r.Name, Track: "budget", Budget: r.in.Budget}
	for _, project := range r.in.Projects {
		p.Options = append(p.Options, governance.Option{Name: optionName(project), Cost: project.Cost})
	}
	id, err := r.submit(ctx, &r.net.Nodes[Peers-1], governance.KindProposalOpen, p)
	if err != nil {
		return err
	}
	r.poll = id
	if err := r.final(ctx, &r.net.Nodes[Peers-1], id); err != nil {
		return err
	}
	r.Say("the poll is open: %d projects, %d to share", len(p.Options), p.Budget)
	return nil
}

// vote casts the ballots in four parts; between them a peer is killed and restarted, and another is
// cut off and comes back. Voters of a door that is away wait until it is back.
func (r *run) vote(ctx context.Context) error {
	began := time.Now()
	doors := make([][]*event.Event, Peers)
	for i := range r.voters {
		v := &r.voters[i]
		var approvals []uint64
		for _, project := range r.in.Ballots[i].Projects {
			approvals = append(approvals, uint64(project))
		}
		slices.Sort(approvals)
		slot := event.After(r.net.Coop, v.apply, now())
		slot.Deps = []event.ID{r.poll}
		e, err := seal(v.key, slot, governance.KindBallotCast, governance.BallotCast{Proposal: r.poll, Approvals: approvals})
		if err != nil {
			return err
		}
		v.ballot = e
		doors[i%Peers] = append(doors[i%Peers], e)
	}
	part := func(n int) [][]*event.Event {
		cut := make([][]*event.Event, Peers)
		for i, all := range doors {
			cut[i] = all[n*len(all)/4 : (n+1)*len(all)/4]
		}
		return cut
	}
	killed, cutOff := &r.net.Nodes[1], &r.net.Nodes[2]
	if err := r.sendAndSettle(ctx, part(0), nil, nil); err != nil {
		return err
	}
	if err := r.net.Kill(killed); err != nil {
		return err
	}
	r.Say("%s, a steward, is killed", killed.Name)
	if err := r.sendAndSettle(ctx, part(1), killed, killed); err != nil {
		return err
	}
	if err := r.net.Restart(ctx, killed); err != nil {
		return err
	}
	r.Say("%s is back and catches up", killed.Name)
	if err := r.sendTo(ctx, killed, part(1)[1]); err != nil {
		return err
	}
	if err := r.net.Partition(ctx, [][]string{{cutOff.Name}}); err != nil {
		return err
	}
	r.Say("%s is cut off from the others; its voters go on voting there", cutOff.Name)
	if err := r.sendAndSettle(ctx, part(2), nil, cutOff); err != nil {
		return err
	}
	if err := r.net.Heal(ctx); err != nil {
		return err
	}
	r.Say("%s is reachable again", cutOff.Name)
	if err := r.send(ctx, part(3), nil); err != nil {
		return err
	}
	r.Say("%d ballots are cast (%s)", len(r.voters), since(began))
	return nil
}

// close waits until the poll has closed on every peer, by itself, in coop time.
func (r *run) close(ctx context.Context) error {
	began := time.Now()
	if err := r.waitFor(ctx, func(s daemon.CoopStatus) bool { return s.UnderWay == 0 && s.Pending == 0 }); err != nil {
		return fmt.Errorf("the poll did not close: %w", err)
	}
	r.Say("the poll has closed in coop time on every peer (%s)", since(began))
	return nil
}

func since(began time.Time) string { return time.Since(began).Round(10 * time.Millisecond).String() }

func now() event.Time { return event.Time(time.Now().UnixMilli()) }

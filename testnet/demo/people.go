package demo

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/testnet"
)

// person is somebody without a peer of their own, who signs with a key of their own at one of the doors.
type person struct {
	name string
	key  identity.Key
	door int
	last *event.Event
}

func (p *person) id() identity.PublicKey { return p.key.Public() }

// crowd is the people of a demo, what they have signed and not handed in yet, and the time by the clocks
// of the peers.
type crowd struct {
	stage
	waiting [][]*event.Event // by door
	ahead   time.Duration    // of the true time
}

func (c *crowd) now() event.Time { return event.Time(time.Now().Add(c.ahead).UnixMilli()) }

// person makes one up; n tells their keys apart.
func (c *crowd) person(role string, n int) *person {
	key := identity.KeyFromSeed(sha256.Sum256(fmt.Appendf(nil, "coop/demo/%s\x00%s\x00%d", role, c.Seed, n)))
	return &person{name: fmt.Sprint(role, " ", n), key: key, door: n % Peers}
}

// says signs something, to be handed in with the next call of hand. after are the events it is about.
func (c *crowd) says(p *person, kind event.Kind, body any, after ...event.ID) (event.ID, error) {
	slot := event.Slot{Coop: c.net.Coop, At: c.now()}
	if p.last != nil {
		slot = event.After(c.net.Coop, p.last, c.now())
	}
	slot.Deps = sorted(slices.DeleteFunc(after, func(id event.ID) bool { return id == slot.Prev })...)
	e, err := seal(p.key, slot, kind, body)
	if err != nil {
		return event.ID{}, err
	}
	p.last = e
	if c.waiting == nil {
		c.waiting = make([][]*event.Event, Peers)
	}
	c.waiting[p.door] = append(c.waiting[p.door], e)
	return e.ID, nil
}

// hand hands in what was signed, and waits until all of it is final on every peer.
func (c *crowd) hand(ctx context.Context) error {
	if err := c.send(ctx, c.waiting, nil); err != nil {
		return err
	}
	c.waiting = nil
	return c.settled(ctx)
}

// settled waits until every peer has the same commits and nothing that is not final.
func (c *crowd) settled(ctx context.Context) error {
	var first daemon.CoopStatus
	return c.waitFor(ctx, func(s daemon.CoopStatus) bool {
		if s.Commits > first.Commits || first.Commits == 0 {
			first = s
		}
		return s.Pending == 0 && s.Waiting == 0 && s.Commits == first.Commits
	})
}

// founder lets the member behind a peer say something, and waits until it is final.
func (c *crowd) founder(ctx context.Context, node *testnet.Node, kind event.Kind, body any) (event.ID, error) {
	id, err := c.submit(ctx, node, kind, body)
	if err != nil {
		return id, fmt.Errorf("%s, %s: %w", node.Name, kind, err)
	}
	return id, c.final(ctx, node, id)
}

// pass moves the clocks of all peers on, and waits until coop time has followed. Something must be due on
// the way: coop time stands still while nothing is.
func (c *crowd) pass(ctx context.Context, d time.Duration) error {
	c.ahead += d
	due := c.now()
	for i := range c.net.Nodes {
		shift := daemon.Shift{OffsetMS: c.ahead.Milliseconds()}
		if err := c.net.Nodes[i].Client().Post(ctx, "/v1/testnet/clock", shift, nil); err != nil {
			return fmt.Errorf("%s: %w", c.net.Nodes[i].Name, err)
		}
	}
	return c.waitFor(ctx, func(s daemon.CoopStatus) bool { return s.Time >= due-skew && s.Pending == 0 })
}

// skew is how far behind the first clock the last one may be.
const skew = 10_000

// decide lets a founder propose actions on track treasury, and everybody vote; all but every ninth agree. It returns
// the proposal's id, by which what it makes is named.
func (c *crowd) decide(ctx context.Context, title string, people []*person, actions ...event.Draft) (event.ID, error) {
	id, err := c.founder(ctx, &c.net.Nodes[0], governance.KindProposalOpen, governance.ProposalOpen{Title: title, Track: "treasury", Actions: actions})
	if err != nil {
		return id, err
	}
	choice := func(n int) string {
		if n%9 == 8 {
			return string(governance.No)
		}
		return string(governance.Yes)
	}
	for i := range c.net.Nodes {
		if _, err := c.submit(ctx, &c.net.Nodes[i], governance.KindBallotCast, governance.BallotCast{Proposal: id, Choice: choice(i)}); err != nil {
			return id, fmt.Errorf("%s cannot vote: %w", c.net.Nodes[i].Name, err)
		}
	}
	for i, p := range people {
		if _, err := c.says(p, governance.KindBallotCast, governance.BallotCast{Proposal: id, Choice: choice(i)}, id); err != nil {
			return id, err
		}
	}
	if err := c.hand(ctx); err != nil {
		return id, err
	}
	if err := c.pass(ctx, votingLasts+time.Minute); err != nil {
		return id, err
	}
	var phase struct {
		Phase   governance.Phase `json:"phase"`
		Failure string           `json:"failure"`
	}
	for phase.Phase == "" || phase.Phase == governance.Voting || phase.Phase == governance.Grace {
		if err := c.net.Nodes[0].Client().Get(ctx, daemon.Path("coops", c.net.Coop.String(), "proposals", id.String()), &phase); err != nil {
			return id, err
		}
		select {
		case <-ctx.Done():
			return id, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	if phase.Phase != governance.Executed {
		return id, fmt.Errorf("the proposal %q is %s: %s", title, phase.Phase, phase.Failure)
	}
	return id, c.settled(ctx)
}

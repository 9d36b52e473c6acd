package node

import (
	"context"
	"errors"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// ErrNothingToRefound says that there is no commit to go on from.
var ErrNothingToRefound = errors.New("nothing has become final in this cooperative yet, so there is nothing to go on from: found it anew")

// Chair offers this device's member as a steward of a re-founding, with a fresh key that stays here.
func (c *Core) Chair() (chair governance.RefoundingChair, err error) {
	member, err := c.member()
	if err != nil {
		return chair, err
	}
	epoch := c.epoch.Number + 1
	key, err := c.keys.Make(epoch)
	if err != nil {
		return chair, err
	}
	return governance.RefoundingChair{Member: member, Key: key.Public(), Proof: governance.ReadyProof(key, c.coop, member, epoch)}, nil
}

// member is whom this device speaks for, if it may sign.
func (c *Core) member() (member identity.PublicKey, err error) {
	if why := c.watching(); why != "" || c.keys == nil {
		return member, &ObserverError{why}
	}
	d, known := c.line.Final().Hall.Devices.Get(c.key.Public())
	if !known || d.Suspended || d.Revoked {
		return member, governance.ErrStranger
	}
	return d.Member, nil
}

// DraftRefounding writes down a re-founding from the last commit, to which nobody has assented yet.
func (c *Core) DraftRefounding(chairs []governance.RefoundingChair, reason string) (*governance.Refounding, error) {
	if c.commits == 0 {
		return nil, ErrNothingToRefound
	}
	end := c.line.Checkpoint()
	r := &governance.Refounding{Text: governance.RefoundingText{Coop: c.coop, Epoch: c.epoch.Number + 1, Commits: c.commits, Checkpoint: end.Hash(), Stewards: chairs, Reason: reason}}
	if err := c.CheckRefounding(r); !errors.Is(err, governance.ErrRefoundFew) {
		return nil, err
	}
	return r, nil
}

// CheckRefounding tells why a re-founding does not hold here.
func (c *Core) CheckRefounding(r *governance.Refounding) error {
	if c.commits == 0 {
		return ErrNothingToRefound
	}
	if r.Text.Coop != c.coop || r.Text.Epoch != c.epoch.Number+1 || r.Text.Commits != c.commits {
		return governance.ErrRefoundBase // before the work of a state root
	}
	end := c.line.Checkpoint()
	return c.line.Final().Hall.CheckRefounding(r, end.Hash())
}

// AssentTo adds this device's member to those who assent, at this device's time. It fails if the re-founding
// does not hold, unless more assents are all that it lacks.
func (c *Core) AssentTo(now event.Time, r *governance.Refounding) error {
	member, err := c.member()
	if err != nil {
		return err
	}
	trial := governance.Refounding{Text: r.Text, Assents: append([]governance.Assent(nil), r.Assents...)}
	trial.Join(&governance.Refounding{Text: r.Text, Assents: []governance.Assent{r.Text.Assent(c.key, member, now)}})
	if err := c.CheckRefounding(&trial); err != nil && !errors.Is(err, governance.ErrRefoundFew) {
		return err
	}
	*r = trial
	return nil
}

// Refound goes on with the stewards of a re-founding from the last commit, if it holds there. It is kept
// among the round blocks, in whose sequence everybody who follows comes by it in its place. A peer that knows
// commits beyond never does this by itself: that would take back what it has called final.
func (c *Core) Refound(raw []byte) error {
	r, err := governance.OpenRefounding(raw)
	if err != nil {
		return err
	}
	if err := c.CheckRefounding(r); err != nil {
		return err
	}
	before := c.epoch
	end, err := c.line.Refound(r)
	if err != nil {
		return err
	}
	c.keepBeside(raw)
	c.begin(&sealing{Notary: finality.NewNotary(before, end), kept: true, refounding: raw}, finality.Commit{Index: c.commits - 1, Time: c.time}, nil)
	c.later.at = c.commits + 1 // what came too early may be of this epoch
	if c.keys == nil {
		return nil
	}
	return c.keys.Forget(c.epoch.Number, c.epoch.Stewards)
}

// heardRefounding takes a re-founding that another peer goes by. Who knows as much as those who assented
// follows it. Who knows more, and finds that so many have assented, has found a constitutional fork: no rule
// can resolve it, so this peer orders nothing more and says so. A peer is listened to once, and when asked
// for commits.
func (c *Core) heardRefounding(from Peer, raw []byte) (bad int) {
	n := c.peers[from]
	if raw == nil || n == nil || n.refounded && c.fetch.from != from {
		return 0
	}
	n.refounded = true
	r, err := governance.OpenRefounding(raw)
	if err != nil {
		return 1
	}
	if r.Text.Coop != c.coop || r.Text.Epoch != c.epoch.Number+1 || r.Text.Commits > c.commits {
		return 0 // it was followed, or comes too early
	}
	if r.Text.Commits == c.commits {
		c.out.Fault = c.Refound(raw)
		return 0
	}
	then := c.line.Final().Hall.Copy()
	then.Time = 0 // more has happened since, so only who assented can be looked at
	if then.CheckRefounding(r, r.Text.Checkpoint) == nil {
		c.doubt, c.steward = ErrConstitutionalFork, nil
	}
	return 0
}

// tellRefounding shows a peer that goes on in an epoch which the members have ended, or is about to, that they did:
// before it comes by round blocks which, with some that nobody else has seen, would bring it beyond. It does so at
// the peer's first greeting, its second, its fourth, and so on, since what is large need not be said again and again.
func (c *Core) tellRefounding(to Peer, h *Hello) {
	for _, s := range c.ends {
		if s.refounding == nil || h.Epoch != s.Epoch().Number || h.Commits < s.Checkpoint().Index+1 {
			continue
		}
		n := c.peers[to]
		if n.told++; n.told&(n.told-1) == 0 {
			c.send(to, ProtoRounds, Message{Bundle: &Bundle{Refounding: s.refounding}})
		}
	}
}

// Chair offers this device's member as a steward of a re-founding.
func (n *Node) Chair(ctx context.Context) (governance.RefoundingChair, error) {
	return ask(ctx, n, 0, func(event.Time) (governance.RefoundingChair, error) { return n.core.Chair() })
}

// DraftRefounding writes down a re-founding from the last commit.
func (n *Node) DraftRefounding(ctx context.Context, chairs []governance.RefoundingChair, reason string) (*governance.Refounding, error) {
	return ask(ctx, n, 0, func(event.Time) (*governance.Refounding, error) { return n.core.DraftRefounding(chairs, reason) })
}

// CheckRefounding tells why a re-founding does not hold here.
func (n *Node) CheckRefounding(ctx context.Context, r *governance.Refounding) error {
	return tell(ctx, n, func(event.Time) error { return n.core.CheckRefounding(r) })
}

// AssentTo adds this device's member to those who assent.
func (n *Node) AssentTo(ctx context.Context, r *governance.Refounding) error {
	return tell(ctx, n, func(now event.Time) error { return n.core.AssentTo(now, r) })
}

// Refound goes on with the stewards of a re-founding; it returns when that is durable.
func (n *Node) Refound(ctx context.Context, r *governance.Refounding) error {
	return tell(ctx, n, func(event.Time) error { return n.core.Refound(r.Raw()) })
}

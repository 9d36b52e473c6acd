package node

import (
	"context"
	"fmt"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
)

// Pin is what a member vouches for who invites somebody: where the present epoch began, and what everything
// up to a commit came to. Whoever holds one cannot be led into another history, be it one that former
// stewards have signed with keys that they kept or lost (protocol §5.4, A11).
type Pin struct {
	_       struct{} `cbor:",toarray"`
	Epoch   uint64
	Base    [32]byte // of that epoch
	Commits uint64   // up to the checkpoint; 0: nothing is final yet
	Hash    [32]byte // of the checkpoint
}

// Raw is the pin in its one spelling.
func (p *Pin) Raw() []byte {
	raw, err := event.Marshal(p)
	if err != nil {
		panic("node: invariant: a pin can be written: " + err.Error())
	}
	return raw
}

// OpenPin reads what Raw wrote.
func OpenPin(raw []byte) (*Pin, error) {
	var p Pin
	if err := event.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("this is no pin of a cooperative's history: %w", err)
	}
	if p.Epoch > finality.MaxNumber || p.Commits > finality.MaxNumber {
		return nil, fmt.Errorf("this is no pin of a cooperative's history: its numbers are out of bounds")
	}
	return &p, nil
}

// Pin is what this peer vouches for: the last checkpoint that a quorum signed in this epoch, or else the last
// commit as this peer knows it.
func (c *Core) Pin() Pin {
	p := Pin{Epoch: c.epoch.Number, Base: c.epoch.Base}
	switch {
	case c.proven != nil && c.proven.Checkpoint.Epoch == c.epoch.Number:
		p.Commits, p.Hash = c.proven.Checkpoint.Index+1, c.proven.Checkpoint.Hash()
	case c.commits > 0:
		end := c.line.Checkpoint()
		p.Commits, p.Hash = c.commits, end.Hash()
	}
	return p
}

// pinned holds the history against the pin, when an epoch begins and when there is a commit.
func (c *Core) pinned() {
	p := c.pin
	if p == nil || c.doubt != nil {
		return
	}
	misled := c.epoch.Number == p.Epoch && c.epoch.Base != p.Base
	if c.commits == p.Commits && c.commits > 0 && !misled {
		end := c.line.Checkpoint()
		misled = end.Hash() != p.Hash
	}
	if misled {
		c.doubt, c.steward = ErrMisled, nil
	}
}

// unpinned tells whether this peer has not come as far as its pin.
func (c *Core) unpinned() bool { return c.pin != nil && c.commits < c.pin.Commits }

// Pin is what this peer vouches for.
func (n *Node) Pin(ctx context.Context) (Pin, error) { return look(ctx, n, n.core.Pin) }

// Light is what is needed to know, from the founding event alone, who the stewards of today are and what
// they signed last: how each epoch followed the one before, and the last certificate if it is theirs.
func (n *Node) Light(ctx context.Context) (steps []coop.Succession, last *finality.Certificate, err error) {
	type light struct {
		steps []coop.Succession
		last  *finality.Certificate
	}
	l, err := look(ctx, n, func() (l light) {
		l.steps = n.core.Successions()
		if proven := n.core.Certified(); proven != nil && proven.Checkpoint.Epoch == uint64(len(l.steps)) {
			l.last = proven
		}
		return l
	})
	return l.steps, l.last, err
}

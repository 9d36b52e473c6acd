package node

import (
	"context"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/finality"
)

// held is the state at a commit whose checkpoint stewards sign, in case their certificate comes.
type held struct {
	epoch   finality.Epoch
	outline finality.Checkpoint // whatever it says of the state root is not to be relied on
	state   coop.State
	cert    *finality.Certificate // of a quorum; nil until there is one
}

// Certified is a state that this peer came to, with what proves that a quorum of the stewards says the same. The
// root that they signed was not compared with the state's, because that is as much work as there is state.
type Certified struct {
	Steps       []finality.Handover // from the founding stewards on
	Certificate *finality.Certificate
	State       *coop.State // a snapshot
}

// hold keeps the state of the last commit if stewards sign its checkpoint. Who catches up or starts again does it
// too, because it may be asked for the state before there is another checkpoint. end is not nil if the commit was
// the last one of its epoch.
func (c *Core) hold(end *finality.Checkpoint) {
	if !c.line.Due() {
		return
	}
	c.held = &held{epoch: c.epoch, outline: c.line.Outline(), state: c.line.Final().Copy()}
	if end != nil {
		c.held.outline = *end
	}
}

// certify notes a certificate of a quorum for the state that is held. One that says otherwise of it is none.
func (c *Core) certify(cert *finality.Certificate) {
	h := c.held
	if h == nil || h.cert != nil || cert.Checkpoint.Index != h.outline.Index || len(cert.Signatures) < h.epoch.Q() {
		return
	}
	h.outline.State = cert.Checkpoint.State
	if h.outline.Hash() == cert.Checkpoint.Hash() && cert.Verify(&h.epoch) == nil {
		h.cert, c.certified = cert, h
	}
}

// Snapshot is the newest certified state that this peer can prove to whoever knows the founding event; nil if
// there is none, as after a re-founding, which no chain of certificates leads across.
func (c *Core) Snapshot() *Certified {
	steps := c.Handovers()
	if c.certified == nil || c.certified.epoch.Number > uint64(len(steps)) {
		return nil
	}
	state := c.certified.state.Copy()
	return &Certified{Steps: steps[:c.certified.epoch.Number], Certificate: c.certified.cert, State: &state}
}

// Expect makes this peer compare what it comes to with what a quorum certified. The certificate must have been
// verified. Until the peer has come to that commit it signs no events; if it comes to something else then, it says so
// and signs nothing. It is false if the peer has come further already.
func (c *Core) Expect(cert *finality.Certificate) bool {
	if cert.Checkpoint.Index < c.commits || c.doubt != nil {
		return false
	}
	c.expected = cert
	return true
}

// met holds the last commit against what is expected of it.
func (c *Core) met() {
	if c.expected == nil || c.commits <= c.expected.Checkpoint.Index {
		return
	}
	expected := c.expected.Checkpoint
	c.expected = nil
	for _, s := range c.ends {
		if s.refounding != nil {
			return // the members have gone on without those who signed, from before what they signed
		}
	}
	if own := c.line.Checkpoint(); own.Hash() != expected.Hash() && c.doubt == nil {
		c.doubt, c.steward = ErrFalseState, nil
	}
}

// Snapshot is the newest certified state that can be proven to others; nil if there is none.
func (n *Node) Snapshot(ctx context.Context) (*Certified, error) {
	return look(ctx, n, n.core.Snapshot)
}

// Expect makes the peer compare what it comes to with what a quorum certified; see Core.Expect.
func (n *Node) Expect(ctx context.Context, cert *finality.Certificate) (ahead bool, err error) {
	return look(ctx, n, func() bool { return n.core.Expect(cert) })
}

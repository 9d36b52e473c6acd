package node

import (
	"errors"
	"fmt"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/identity"
)

// Keys keeps the keys with which this device signs round blocks after the founding epoch: a fresh one
// for each epoch that its member is elected for, so that who steals one later can't rewrite the past.
type Keys interface {
	// Make returns the key for an epoch, which lasts when it returns: the same one each time.
	Make(epoch uint64) (identity.Key, error)
	// Find is the key with this public half, if it is there.
	Find(identity.PublicKey) (identity.Key, bool)
	// Forget erases every key for an epoch up to last, unless it is among needed.
	Forget(last uint64, needed []identity.PublicKey) error
}

// succeed is the change from one epoch to the next. The commit that was just folded is the last one of
// its epoch: what its stewards have said beyond, void among it, never happened, and what that ordered
// has no place yet. Everybody comes here by the same commit, at whatever time. The next stewards sign
// nothing before the last checkpoint of those before is certified (takeOffice).
func (c *Core) succeed(end *finality.Checkpoint, last finality.Commit, void []finality.Commit) {
	proof := c.engine.Proof()
	c.begin(&sealing{Notary: finality.NewNotary(c.epoch, *end)}, last, void)
	if !c.restoring {
		c.vouch(c.handover, proof)
	}
}

// begin works in the chronicle's epoch from now on; seal is how the one before ended, with the commit last.
func (c *Core) begin(seal *sealing, last finality.Commit, void []finality.Commit) {
	c.epoch = c.line.Epoch()
	c.engine = c.engine.Succeed(c.epoch, last, void)
	c.offerAll()
	c.steward = nil
	c.seat, c.sign = c.seatIn(&c.epoch)
	c.handover, c.latest = seal, nil
	c.ends = append(c.ends, c.handover)
	for p, n := range c.peers {
		n.seat = coop.Seat(c.line.Final(), p)
	}
	c.out.Epoch = &c.epoch
	c.pinned()
}

// seatIn is this device's number among the stewards of an epoch and the key that it signs with; -1 if
// it is none of them, or has lost the key.
func (c *Core) seatIn(ep *finality.Epoch) (int, identity.Key) {
	for i, public := range ep.Stewards {
		if public == c.key.Public() {
			return i, c.key
		}
		if c.keys == nil {
			continue
		}
		if key, ok := c.keys.Find(public); ok {
			return i, key
		}
	}
	return -1, identity.Key{}
}

// entitle lets this device sign if its data shows everything that its guard knows to be signed. Else the
// data is an older copy, and signing on from it could sign a number twice: then the device observes until
// the others have given back what is missing. What nobody else ever had does not come back.
func (c *Core) entitle() {
	if c.observer != "" || c.entitled {
		return
	}
	shown := c.shown()
	if c.signed.Events > shown.Events || c.signed.Epoch > shown.Epoch ||
		c.signed.Epoch == shown.Epoch && c.seat >= 0 && c.signed.Round > shown.Round {
		c.lost = c.signed
		return
	}
	c.entitled = true
	if shown.Epoch == c.signed.Epoch {
		shown.Round = max(shown.Round, c.signed.Round)
	}
	if shown != c.signed {
		c.signed, c.out.Mark = shown, shown // a crash kept the guard behind, and what is on disk will be told
	}
}

// shown is what the data shows that this device signed.
func (c *Core) shown() Mark {
	shown := Mark{Epoch: c.epoch.Number}
	if c.seat >= 0 {
		shown.Round = c.engine.Frontier()[c.seat]
	}
	if _, seq, any := c.graph.Tip(c.key.Public()); any {
		shown.Events = seq + 1
	}
	return shown
}

// watching is why this device signs nothing, or nothing yet; empty if it may.
func (c *Core) watching() string {
	if c.observer != "" || c.entitled {
		return c.observer
	}
	shown := c.shown()
	return fmt.Sprintf("this device signed %d events and up to round %d of epoch %d, but its data ends at %d, and round %d of epoch %d: the data is an older copy. "+
		"Nothing is lost, but signing on from here could sign a number twice; it signs again when the other peers have given back what is missing",
		c.signed.Events, c.signed.Round, c.signed.Epoch, shown.Events, shown.Round, shown.Epoch)
}

// takeOffice lets this device sign round blocks if it is a steward of this epoch, and the stewards before
// have signed where their epoch ended.
func (c *Core) takeOffice() {
	c.entitle()
	if !c.entitled || c.doubt != nil || c.steward != nil || c.seat < 0 || c.handover != nil && !c.handover.Complete() {
		return
	}
	issued := c.shown().Round
	if c.signed.Epoch == c.epoch.Number {
		issued = max(issued, c.signed.Round)
	}
	c.signed.Epoch, c.signed.Round = c.epoch.Number, issued
	c.steward = finality.NewSteward(c.engine, c.seat, issued)
}

// accuse brings the proof against stewards who signed two blocks of one round before all members, so that
// their office ends by the rules, and not by what somebody thinks of them. Stewards do it, since they see
// it first; whoever comes second finds it done.
func (c *Core) accuse() {
	if c.steward == nil || c.merciful {
		return
	}
	for _, fork := range c.proofs {
		d, err := event.NewDraft(governance.KindEvidence, governance.Evidence{A: fork.A.Raw, B: fork.B.Raw, Key: fork.Key})
		if err == nil {
			_, err = c.Submit(c.now, d)
		}
		if err != nil && !errors.Is(err, governance.ErrProvenAlready) {
			c.out.Fault = fmt.Errorf("accusing a steward of two round blocks: %w", err)
		}
	}
	c.proofs = nil
}

// announce makes a key for the coming epoch and tells everybody its public half, if this device's member
// is elected and has not done so. It does so when it has the state and not before.
func (c *Core) announce() {
	if c.keys == nil || !c.entitled || c.expected != nil || c.fetch.active() || c.announced == c.commits+1 {
		return
	}
	c.announced = c.commits + 1 // once a commit is enough: only commits change who is elected
	device := c.key.Public()
	epoch, member, awaited := coop.Awaited(c.line.Final(), device, c.seat >= 0)
	if !awaited {
		return
	}
	if _, _, still := coop.Awaited(c.provisional(), device, c.seat >= 0); !still {
		return // it is on its way
	}
	key, err := c.keys.Make(epoch)
	if err != nil {
		c.out.Fault = fmt.Errorf("the key for epoch %d: %w", epoch, err)
		return
	}
	d, err := event.NewDraft(governance.KindStewardReady, governance.StewardReady{Epoch: epoch, Key: key.Public(),
		Proof: governance.ReadyProof(key, c.coop, member, epoch)})
	if err == nil {
		_, err = c.Submit(c.now, d)
	}
	if err != nil {
		c.out.Fault = fmt.Errorf("announcing the key for epoch %d: %w", epoch, err)
	}
}

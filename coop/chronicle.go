package coop

import (
	"encoding/binary"
	"fmt"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
)

// CheckpointEvery is how much coop time passes between two checkpoints while there are commits.
const CheckpointEvery event.Time = 10_000

// Chronicle follows a cooperative from commit to commit, and knows what follows from them beside the
// state: what everything so far comes to in one hash, and in which epoch it is. Whoever works out the
// course of a cooperative (a node, the reader of an archive, a checker) does it by a Chronicle, so all
// end an epoch at the same commit and begin the next with the same base.
type Chronicle struct {
	*fold.Timeline[State]
	epoch  finality.Epoch
	last   finality.Commit
	ended  *finality.Checkpoint // of the last commit, if an epoch ended with it
	order  [32]byte
	events uint64
	next   event.Time // coop time from which a checkpoint is due
	due    bool
}

// NewChronicle begins at the founding.
func NewChronicle(genesis State) *Chronicle {
	return &Chronicle{Timeline: NewTimeline(genesis), epoch: Epoch(&genesis), next: genesis.Hall.Founded + CheckpointEvery}
}

// Epoch is the epoch that the next commit belongs to.
func (c *Chronicle) Epoch() finality.Epoch { return c.epoch }

// Commit folds a commit of the epoch with its events. ended is the hand-over checkpoint if the commit
// is the last one of its epoch: then Epoch is the next one already, and what its engine has committed
// beyond never happened.
func (c *Chronicle) Commit(commit finality.Commit, events []*event.Event) (receipts []fold.Receipt, ended *finality.Checkpoint) {
	c.Timeline.Begin(commit.Anchor.ID)
	receipts = c.Timeline.Commit(commit.Index, commit.Time, events)
	c.order = finality.Chain(c.order, &commit, func(i int) bool { return receipts[i].Refusal != "" })
	c.events += uint64(len(events))
	c.last, c.ended = commit, nil
	if c.due = commit.Time >= c.next; c.due {
		c.next = commit.Time + CheckpointEvery
	}
	state := c.Final()
	if state.Hall.Term.Number == c.epoch.Number {
		return receipts, nil
	}
	next := Epoch(state)
	if err := next.Check(); err != nil || next.Number != c.epoch.Number+1 {
		panic(fmt.Sprintf("coop: invariant: epoch %d can follow epoch %d: %v", next.Number, c.epoch.Number, err))
	}
	end, office := c.checkpoint(), next.Office()
	end.Next = &office
	next.Base = end.Hash()
	c.epoch, c.ended, c.due = next, &end, true
	return receipts, &end
}

// Refound begins the epoch of a re-founding from the last commit, of which there must be one, if it holds
// there; end is the checkpoint that it names.
func (c *Chronicle) Refound(r *governance.Refounding) (end finality.Checkpoint, err error) {
	end = c.Checkpoint()
	if r.Text.Commits != end.Index+1 {
		return end, governance.ErrRefoundBase
	}
	if err := c.Final().Hall.CheckRefounding(r, end.Hash()); err != nil {
		return end, err
	}
	c.Amend(func(s *State) { s.Hall.Refound(r) })
	c.epoch, c.ended, c.due = Epoch(c.Final()), nil, false
	c.epoch.Base = r.Text.Digest()
	return end, nil
}

// Tip is short for the order so far and for what became of its events.
func (c *Chronicle) Tip() uint64 { return binary.BigEndian.Uint64(c.order[:]) }

// Due tells whether the stewards should sign the checkpoint of the last commit. It is the same for
// everybody, so that all sign the same ones.
func (c *Chronicle) Due() bool { return c.due }

// Checkpoint is what everything up to the last commit, of which there must be one, came to. It is worth
// as much work as there is state.
func (c *Chronicle) Checkpoint() finality.Checkpoint {
	if c.ended != nil {
		return *c.ended
	}
	return c.checkpoint()
}

func (c *Chronicle) checkpoint() finality.Checkpoint {
	p := c.Outline()
	p.State = Root(c.Final())
	return p
}

// Outline is the checkpoint of the last commit, if no epoch ended with it, without the state root, which
// is all the work.
func (c *Chronicle) Outline() finality.Checkpoint {
	return finality.Checkpoint{Version: 1, Coop: c.epoch.Coop, Epoch: c.epoch.Number, Index: c.last.Index, Anchor: c.last.Anchor.ID,
		Time: c.last.Time, Events: c.events, Order: c.order}
}

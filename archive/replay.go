package archive

import (
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/fold"
	"github.com/sustainy/coop/governance"
)

// Report is what a replay checked, and what came of it.
type Report struct {
	Coop       event.ID   `json:"coop"`
	Name       string     `json:"name"`
	Bytes      uint64     `json:"bytes"`      // of events and round blocks
	Events     uint64     `json:"events"`     // opened, their signatures verified
	Rounds     uint64     `json:"rounds"`     // the same
	Signatures uint64     `json:"signatures"` // verified
	Commits    uint64     `json:"commits"`
	Time       event.Time `json:"time"`
	Root       string     `json:"root"`
	Final      uint64     `json:"final"`   // events in final order
	Refused    uint64     `json:"refused"` // of those, came to nothing
	Unordered  uint64     `json:"pending"` // events without a place in the order yet
	Forks      uint64     `json:"forks"`   // devices caught with two events of one number
	Members    uint64     `json:"members"` // in the final state, former ones included
	Proposals  uint64     `json:"proposals"`
	Ballots    uint64     `json:"ballots"`
	Tallies    uint64     `json:"tallies"` // closed votes counted again
}

// replay derives the state from bytes alone.
type replay struct {
	graph   *crdt.Graph
	epoch   finality.Epoch
	engine  *finality.Engine
	line    *fold.Timeline[coop.State]
	report  Report
	pending [][]byte

	onEvent   func(*event.Event) error                                // told of each accepted event; may be nil
	onCommit  func(index uint64, at event.Time, order []*event.Event) // the same
	lastRound finality.RoundID
}

// newReplay begins with the founding event, which must be the one of the given id.
func newReplay(id event.ID, raw []byte) (*replay, error) {
	genesis, err := event.Open(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: the founding event: %w", ErrInvalid, err)
	}
	if genesis.ID != id {
		return nil, fmt.Errorf("%w: it does not begin with the founding event", ErrReordered)
	}
	state, err := coop.Genesis(genesis)
	if err != nil {
		return nil, fmt.Errorf("%w: the founding event: %w", ErrInvalid, err)
	}
	epoch := coop.Epoch(&state)
	if err := epoch.Check(); err != nil {
		return nil, fmt.Errorf("%w: the stewards: %w", ErrInvalid, err)
	}
	r := &replay{graph: crdt.NewGraph(id), epoch: epoch, line: coop.NewTimeline(state)}
	r.engine = finality.NewEngine(epoch, coop.Ordered{Graph: r.graph, Genesis: id})
	if _, err := r.graph.Add("", genesis); err != nil {
		return nil, fmt.Errorf("%w: the founding event: %w", ErrInvalid, err)
	}
	r.graph.Release([]event.ID{id})
	r.report = Report{Coop: id, Name: state.Hall.Name, Events: 1, Signatures: 1, Bytes: uint64(len(raw))}
	return r, nil
}

// give tells of the founding event.
func (r *replay) give(raw []byte) error {
	if r.onEvent == nil {
		return nil
	}
	genesis, err := event.Open(raw)
	if err != nil {
		return err
	}
	return r.onEvent(genesis)
}

// event takes one more event; it is looked at when there are enough to verify together.
func (r *replay) event(raw []byte) error {
	r.pending = append(r.pending, raw)
	if len(r.pending) < verifySize {
		return nil
	}
	return r.flush()
}

// flush verifies and accepts the events taken so far.
func (r *replay) flush() error {
	events, errs := openAll(r.pending)
	r.pending = r.pending[:0]
	for i, e := range events {
		if errs[i] != nil {
			return fmt.Errorf("%w: event %d: %w", ErrInvalid, r.report.Events, errs[i])
		}
		if r.graph.Has(e.ID) {
			return fmt.Errorf("%w: event %s stands there twice", ErrReordered, e.ID)
		}
		accepted, err := r.graph.AddRequired("", e)
		if err != nil {
			return fmt.Errorf("%w: event %s: %w", ErrInvalid, e.ID, err)
		}
		if len(accepted) != 1 {
			return fmt.Errorf("%w: event %s comes before what it builds on, or that is missing", ErrIncomplete, e.ID)
		}
		if r.onEvent != nil {
			if err := r.onEvent(e); err != nil {
				return err
			}
		}
		r.engine.Offer(e.ID)
		r.report.Events++
		r.report.Signatures++
		r.report.Bytes += uint64(len(e.Raw))
	}
	return nil
}

// openAll opens events on all processors.
func openAll(raws [][]byte) ([]*event.Event, []error) {
	workers := min(runtime.GOMAXPROCS(0), len(raws)/64+1)
	if workers == 1 {
		return event.OpenAll(raws)
	}
	events, errs := make([]*event.Event, len(raws)), make([]error, len(raws))
	var wait sync.WaitGroup
	for w := range workers {
		from, to := w*len(raws)/workers, (w+1)*len(raws)/workers
		wait.Go(func() {
			opened, why := event.OpenAll(raws[from:to])
			copy(events[from:], opened)
			copy(errs[from:], why)
		})
	}
	wait.Wait()
	return events, errs
}

// round takes one more round block, and folds what it makes final.
func (r *replay) round(raw []byte) error {
	block, err := finality.OpenRound(&r.epoch, raw)
	if err != nil {
		return fmt.Errorf("%w: round block %d: %w", ErrInvalid, r.report.Rounds, err)
	}
	step, err := r.engine.Add(block.At, "", block)
	if err != nil {
		return fmt.Errorf("%w: round block %d: %w", ErrInvalid, r.report.Rounds, err)
	}
	if r.engine.Waiting() > 0 {
		return fmt.Errorf("%w: round block %d comes before what it builds on, or that is missing", ErrIncomplete, r.report.Rounds)
	}
	for _, commit := range step.Commits {
		if err := r.commit(commit); err != nil {
			return err
		}
	}
	r.lastRound = block.ID
	r.report.Rounds++
	r.report.Signatures++
	r.report.Bytes += uint64(len(raw))
	return nil
}

func (r *replay) commit(c finality.Commit) error {
	order := make([]*event.Event, len(c.Order))
	for i, id := range c.Order {
		if order[i] = r.graph.Get(id); order[i] == nil {
			return fmt.Errorf("%w: commit %d orders %s", ErrIncomplete, c.Index, id)
		}
	}
	for _, receipt := range r.line.Commit(c.Index, c.Time, order) {
		r.report.Final++
		if receipt.Refusal != "" {
			r.report.Refused++
		}
	}
	r.report.Commits, r.report.Time = c.Index+1, c.Time
	if r.onCommit != nil {
		r.onCommit(c.Index, c.Time, order)
	}
	r.graph.Release(c.Order)
	return nil
}

// end looks at the state that came of it all.
func (r *replay) end() (*Report, error) {
	if err := r.flush(); err != nil {
		return nil, err
	}
	if halt := r.engine.Halted(); halt != nil {
		return nil, fmt.Errorf("%w: the stewards contradict each other: %w", ErrInvalid, halt)
	}
	state := r.line.Final()
	if broken := coop.Invariants(state); len(broken) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, errors.Join(broken...))
	}
	root := coop.Root(state)
	r.report.Root = hex.EncodeToString(root[:])
	r.report.Unordered = r.report.Events - 1 - r.report.Final
	r.report.Forks = uint64(len(r.graph.Forks()))
	r.report.Members, r.report.Proposals, r.report.Ballots = uint64(state.Hall.Members.Len()), uint64(state.Hall.Proposals.Len()), uint64(state.Hall.Ballots.Len())
	for id, p := range state.Hall.Proposals.All() {
		if p.Result.Closed == 0 {
			continue
		}
		if err := recount(state, id, &p); err != nil {
			return nil, err
		}
		r.report.Tallies++
	}
	return &r.report, nil
}

// recount counts a closed vote again.
func recount(state *coop.State, id event.ID, p *governance.Proposal) error {
	again := state.Hall.Tally(id, p)
	again.Closed = p.Result.Closed
	if fmt.Sprint(again) != fmt.Sprint(p.Result) {
		return fmt.Errorf("%w: the vote on %s gives another result when counted again", ErrInvalid, id)
	}
	return nil
}

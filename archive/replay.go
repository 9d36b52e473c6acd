package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/table"
)

// Report is what a replay checked, and what came of it.
type Report struct {
	Coop       event.ID   `json:"coop"`
	Name       string     `json:"name"`
	Bytes      uint64     `json:"bytes"`      // of events and round blocks
	Events     uint64     `json:"events"`     // opened, their signatures verified
	Rounds     uint64     `json:"rounds"`     // the same; certificates among them
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
	Tallies    uint64     `json:"tallies"`   // closed votes counted again
	Books      coop.Books `json:"books"`     // of the ledger and the shop, all of which add up
	Epochs     []Epoch    `json:"epochs"`    // each checked against the stewards that the events before gave
	Certified  uint64     `json:"certified"` // commits up to the last checkpoint that a quorum signed
}

// Epoch is what a replay says of one epoch.
type Epoch struct {
	Number    uint64 `json:"number"`
	Stewards  int    `json:"stewards"`
	Rounds    uint64 `json:"rounds"`  // valid ones
	Void      uint64 `json:"void"`    // of those, signed after the epoch had ended
	Commits   uint64 `json:"commits"` // in this epoch
	Ended     bool   `json:"ended"`
	Certified bool   `json:"certified"` // a quorum of its stewards signed where it ended
	Refounded bool   `json:"refounded"` // the members went on without its stewards; see governance.Refounding
}

// replay derives the state from bytes alone.
type replay struct {
	graph   *crdt.Graph
	epochs  []finality.Epoch // so far; the last is the engine's
	ends    []*finality.Checkpoint
	engine  *finality.Engine
	line    *coop.Chronicle
	report  Report
	pending [][]byte
	open    []event.ID                     // events without a place, and some that have one by now
	checks  map[uint64]finality.Checkpoint // by commit: what a certificate must say, but for the state root

	onEvent   func(*event.Event) error                                                 // told of each accepted event; may be nil
	onCommit  func(index uint64, anchor [32]byte, at event.Time, order []*event.Event) // the same
	onRefound func(*governance.Refounding)
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
	r := &replay{graph: crdt.NewGraph(id), epochs: []finality.Epoch{epoch}, line: coop.NewChronicle(state), checks: map[uint64]finality.Checkpoint{}}
	r.engine = finality.NewEngine(epoch, coop.Ordered{Graph: r.graph, Genesis: id})
	if _, err := r.graph.Add("", genesis); err != nil {
		return nil, fmt.Errorf("%w: the founding event: %w", ErrInvalid, err)
	}
	r.graph.Release([]event.ID{id})
	r.report = Report{Coop: id, Name: state.Hall.Name, Events: 1, Signatures: 1, Bytes: uint64(len(raw)),
		Epochs: []Epoch{{Stewards: epoch.N()}}}
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
		r.open = append(r.open, e.ID)
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
	r.report.Bytes += uint64(len(raw))
	if finality.IsCertificate(raw) {
		return r.certificate(raw)
	}
	if governance.IsRefounding(raw) {
		return r.refounding(raw)
	}
	number, err := finality.RoundEpoch(raw)
	if err == nil && number >= uint64(len(r.epochs)) {
		err = finality.ErrOtherEpoch
	}
	if err != nil {
		return fmt.Errorf("%w: round block %d: %w", ErrInvalid, r.report.Rounds, err)
	}
	block, err := finality.OpenRound(&r.epochs[number], raw)
	if err != nil {
		return fmt.Errorf("%w: round block %d: %w", ErrInvalid, r.report.Rounds, err)
	}
	r.lastRound = block.ID
	r.report.Rounds++
	r.report.Signatures++
	epoch := &r.report.Epochs[number]
	epoch.Rounds++
	if epoch.Ended {
		epoch.Void++
		return nil
	}
	step, err := r.engine.Add(block.At, "", block)
	if err != nil {
		return fmt.Errorf("%w: round block %d: %w", ErrInvalid, r.report.Rounds-1, err)
	}
	if r.engine.Waiting() > 0 {
		return fmt.Errorf("%w: round block %d comes before what it builds on, or that is missing", ErrIncomplete, r.report.Rounds-1)
	}
	for i, commit := range step.Commits {
		end, err := r.commit(commit)
		if err != nil {
			return err
		}
		if end != nil {
			r.succeed(end, commit, step.Commits[i+1:])
			break
		}
	}
	return nil
}

// succeed goes on in the next epoch, as package node does.
func (r *replay) succeed(end *finality.Checkpoint, last finality.Commit, void []finality.Commit) {
	next := r.line.Epoch()
	r.engine = r.engine.Succeed(next, last, void)
	r.open = slices.DeleteFunc(r.open, r.engine.Final)
	r.engine.Offer(r.open...)
	r.ends, r.epochs = append(r.ends, end), append(r.epochs, next)
	r.report.Epochs[len(r.report.Epochs)-1].Ended = true
	r.report.Epochs = append(r.report.Epochs, Epoch{Number: next.Number, Stewards: next.N()})
}

// refounding goes on without the stewards of an epoch, as package node does.
func (r *replay) refounding(raw []byte) error {
	object, err := governance.OpenRefounding(raw)
	if err == nil && r.report.Commits == 0 {
		err = governance.ErrRefoundBase
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	end, err := r.line.Refound(object)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if r.onRefound != nil {
		r.onRefound(object)
	}
	r.lastRound = sha256.Sum256(raw)
	r.report.Rounds++
	r.report.Signatures += uint64(len(object.Assents) + len(object.Text.Stewards))
	r.report.Epochs[len(r.report.Epochs)-1].Refounded = true
	r.succeed(&end, finality.Commit{Index: r.report.Commits - 1, Time: r.report.Time}, nil)
	return nil
}

// certificate checks a checkpoint that a quorum signed: the signatures against the stewards of its epoch,
// and what it says against what the events and rounds before it came to. The state root is compared where
// an epoch ends; elsewhere it follows from the rest, which the reader works out.
func (r *replay) certificate(raw []byte) error {
	cert, err := finality.OpenCertificate(raw)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	c := &cert.Checkpoint
	if c.Epoch >= uint64(len(r.epochs)) {
		return fmt.Errorf("%w: a certificate of epoch %d, which has not begun", ErrReordered, c.Epoch)
	}
	if err := cert.Verify(&r.epochs[c.Epoch]); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	r.lastRound = sha256.Sum256(raw)
	r.report.Rounds++
	r.report.Signatures += uint64(len(cert.Signatures))
	known, due := r.checks[c.Index]
	if c.Epoch < uint64(len(r.ends)) && r.ends[c.Epoch].Index == c.Index {
		known, due = *r.ends[c.Epoch], true
		r.report.Epochs[c.Epoch].Certified = true
	} else {
		known.State = c.State
	}
	if !due || known.Hash() != c.Hash() {
		return fmt.Errorf("%w: the stewards certified another result of commit %d than its events give", ErrClaim, c.Index)
	}
	r.report.Certified = max(r.report.Certified, c.Index+1)
	return nil
}

func (r *replay) commit(c finality.Commit) (end *finality.Checkpoint, err error) {
	order := make([]*event.Event, len(c.Order))
	for i, id := range c.Order {
		if order[i] = r.graph.Get(id); order[i] == nil {
			return nil, fmt.Errorf("%w: commit %d orders %s", ErrIncomplete, c.Index, id)
		}
	}
	receipts, end := r.line.Commit(c, order)
	for _, receipt := range receipts {
		r.report.Final++
		if receipt.Refusal != "" {
			r.report.Refused++
		}
	}
	r.report.Commits, r.report.Time = c.Index+1, c.Time
	r.report.Epochs[len(r.report.Epochs)-1].Commits++
	if r.line.Due() && end == nil {
		r.checks[c.Index] = r.line.Outline()
	}
	if r.onCommit != nil {
		r.onCommit(c.Index, c.Anchor.ID, c.Time, order)
	}
	r.graph.Release(c.Order)
	return end, nil
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
	books, err := coop.Audit(state)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	r.report.Books = books
	root := coop.Root(state)
	r.report.Root = hex.EncodeToString(root[:])
	r.report.Unordered = r.report.Events - 1 - r.report.Final
	r.report.Forks = uint64(len(r.graph.Forks()))
	r.report.Members, r.report.Proposals, r.report.Ballots = uint64(state.Hall.Members.Len()), uint64(state.Hall.Proposals.Len()), uint64(state.Hall.Ballots.Len())
	for id, p := range table.All(&state.Hall.Proposals) {
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

package program

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Why a run abstained although the program was accepted.
var (
	ErrStopped = errors.New("the program went wrong there and was stopped, so it abstains")
	ErrOverrun = errors.New("the program was stopped because it cost more than its limit, so it abstains: make it simpler")
)

// Verdict is how a program votes. Err is empty if the program ran to its end; otherwise Ballot is an
// abstention and Err is a sentence that says why. Its words may improve from release to release:
// state that peers must agree on holds the rest, and whether Err is empty.
type Verdict struct {
	Ballot
	Reason string `json:"reason,omitempty"` // one line, at most MaxReason bytes
	Err    string `json:"err,omitempty"`
	Cost   uint64 `json:"cost"` // counted up to the end or the stop
}

// Run asks the program how to vote. It may cost at most limit, which is Limit wherever peers must
// agree; a lower one is for trying. The input is not changed.
func (p *Program) Run(in Input, limit uint64) Verdict {
	in, err := in.ordered()
	if err != nil {
		return abstain(err, 0)
	}
	plan := p.plan
	if limit != Limit {
		if plan, err = p.env.Program(p.tree, cel.CostLimit(limit)); err != nil {
			return abstain(fmt.Errorf("%w: %w", err, ErrFault), 0)
		}
	}
	out, details, err := plan.Eval(map[string]any{
		"proposal": newRecord(proposalShape, &in.Proposal),
		"charter":  newRecord(charterShape, &in.Charter),
		"treasury": func() ref.Val { return listRecords(holdingShape, in.Treasury) },
		"votes":    func() ref.Val { return listRecords(voteShape, in.Votes) },
		"settings": newRecord(settingsShape, &in.Settings),
	})
	cost := uint64(0)
	if spent := details.ActualCost(); spent != nil {
		cost = *spent
	}
	if err != nil {
		return abstain(p.explain(err, limit), cost)
	}
	b, ok := out.(ballotValue)
	if !ok {
		return abstain(fmt.Errorf("%w: %w", ErrResult, ErrFault), cost)
	}
	if err := b.ballot.fits(&in.Proposal); err != nil {
		return abstain(err, cost)
	}
	reason := plain(b.reason, MaxReason)
	if reason == "" {
		return abstain(ErrReason, cost)
	}
	return Verdict{Ballot: b.ballot, Reason: reason, Cost: cost}
}

func abstain(why error, cost uint64) Verdict {
	return Verdict{Ballot: Ballot{Choice: Abstain}, Err: plain(why.Error(), 2*MaxReason), Cost: cost}
}

// explain turns what stopped a run into a sentence.
func (p *Program) explain(err error, limit uint64) error {
	var cancelled interpreter.EvalCancelledError
	if errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded {
		return fmt.Errorf("the limit is %d: %w", limit, ErrOverrun)
	}
	var wrong *types.Err
	if errors.As(err, &wrong) {
		if line, column := place(p.tree.NativeRep(), wrong.NodeID()); line > 0 {
			return fmt.Errorf("line %d, column %d: %s: %w", line, column, wrong.Error(), ErrStopped)
		}
	}
	return fmt.Errorf("%w: %w", err, ErrStopped)
}

package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/daemon"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/testnet"
)

// compare asks every peer and holds the answers against each other and against the file.
func (r *run) compare(ctx context.Context) (*Report, error) {
	report := &Report{Instance: r.in, Official: Official{Votes: map[string]uint64{}, Selected: []string{}}}
	for _, p := range r.in.Projects {
		if r.in.Counted {
			report.Official.Votes[p.ID] = p.Votes
		}
		if p.Selected {
			report.Official.Selected = append(report.Official.Selected, p.ID)
		}
	}
	var took []uint32
	for i := range r.net.Nodes {
		node := &r.net.Nodes[i]
		result, phase, err := r.ask(ctx, node)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", node.Name, err)
		}
		if phase != governance.Executed {
			report.Differences = append(report.Differences, fmt.Sprintf("on %s the poll is %s, not executed", node.Name, phase))
		}
		report.Peers = append(report.Peers, result)
		s, err := r.net.Status(ctx, node)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", node.Name, err)
		}
		report.Events = max(report.Events, s.Events)
		var ms []uint32
		if err := node.Client().Get(ctx, daemon.Path("coops", r.net.Coop.String(), "finality"), &ms); err != nil {
			return nil, fmt.Errorf("%s: %w", node.Name, err)
		}
		took = append(took, ms...)
	}
	slices.Sort(took)
	if len(took) > 0 {
		report.FinalityMS = Finality{took[len(took)/2], took[min(len(took)-1, len(took)*95/100)]}
	}
	report.differences(r)
	report.Equal = len(report.Differences) == 0
	return report, nil
}

// ask is what one peer says about the poll.
func (r *run) ask(ctx context.Context, node *testnet.Node) (Result, governance.Phase, error) {
	result := Result{Name: node.Name, Votes: map[string]uint64{}, Selected: []string{}}
	s, err := r.net.Status(ctx, node)
	if err != nil {
		return result, "", err
	}
	result.Root = s.Root
	var p coop.ProposalView
	if err := node.Client().Get(ctx, daemon.Path("coops", r.net.Coop.String(), "proposals", r.poll.String()), &p); err != nil {
		return result, "", err
	}
	for _, option := range p.Options {
		id := r.in.Projects[option.Number].ID
		result.Votes[id] = option.Votes
		if option.Selected {
			result.Selected = append(result.Selected, id)
		}
	}
	return result, p.Phase, nil
}

// differences lists everything that is not as it must be.
func (report *Report) differences(r *run) {
	differ := func(format string, args ...any) {
		report.Differences = append(report.Differences, fmt.Sprintf(format, args...))
	}
	first := report.Peers[0]
	for _, p := range report.Peers[1:] {
		if p.Root != first.Root {
			differ("%s and %s have different states: %s and %s", first.Name, p.Name, first.Root, p.Root)
		}
		if !maps.Equal(p.Votes, first.Votes) || !slices.Equal(p.Selected, first.Selected) {
			differ("%s and %s have different results", first.Name, p.Name)
		}
	}
	for _, p := range report.Peers {
		if r.in.Counted && !maps.Equal(p.Votes, report.Official.Votes) {
			differ("%s counts other votes than the city", p.Name)
		}
		if r.in.Decided && !slices.Equal(p.Selected, report.Official.Selected) {
			differ("%s funds other projects than the city", p.Name)
		}
	}
}

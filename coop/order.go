package coop

import (
	"slices"

	"github.com/sustainy/coop/crdt"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/finality"
)

// Epoch is the epoch that follows the last commit of s: its number, stewards and timing. Its base is
// right for the founding epoch alone, which begins with the cooperative; every other one begins with
// the checkpoint of the commit before, which s cannot know.
func Epoch(s *State) finality.Epoch {
	p := s.Hall.Params
	return finality.Epoch{Coop: s.Hall.Coop, Number: s.Hall.Term.Number, Base: s.Hall.Coop, Stewards: s.Hall.Term.Keys(),
		Params: finality.Params{Delta0: p.Delta0, Tolerance: p.Tolerance, MinRound: p.MinRound, MaxRound: p.MaxRound}}
}

// Ordered is a graph as the order sees it: without the founding event, which is before all order.
type Ordered struct {
	*crdt.Graph
	Genesis event.ID
}

// Links are the links of an event, the founding event left out.
func (o Ordered) Links(id event.ID) []event.ID {
	links := o.Graph.Links(id)
	if !slices.Contains(links, o.Genesis) {
		return links
	}
	return slices.DeleteFunc(slices.Clone(links), func(link event.ID) bool { return link == o.Genesis })
}

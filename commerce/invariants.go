package commerce

import (
	"fmt"

	"github.com/sustainy/coop/tokens"
)

// Invariants looks for anything in the state that no sequence of events may lead to. It reads everything.
func (s *State) Invariants(ledger *tokens.State) []error {
	var broken []error
	report := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Errorf("commerce: invariant: "+format, args...))
		}
	}
	for asset, e := range s.Elements.All() {
		report(e.Asset == asset && ledger.Tokens.Has(asset), "element %q belongs to no token", e.Title)
		report(e.Price.check() == nil, "element %q has the price %d", e.Title, e.Price.Amount)
	}
	return broken
}

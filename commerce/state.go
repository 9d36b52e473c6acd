package commerce

import (
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// State is the shop. A copy made by Copy is a snapshot; a plain assignment is not.
type State struct {
	Elements table.Table[tokens.Asset, Element] // by their tokens
}

// Copy is a snapshot.
func (s *State) Copy() State {
	return State{Elements: s.Elements.Copy()}
}

// Act is what a rule may know and use besides an event's body: the event, who acts, and the ledger, in
// which the rule moves money.
type Act struct {
	tokens.Act
	Ledger *tokens.State
}

func (a Act) assembly() bool { return a.By == tokens.Treasury }

package coop

import (
	"testing"

	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/governance"
	"github.com/sustainy/coop/missions"
	"github.com/sustainy/coop/program"
	"github.com/sustainy/coop/surplus"
	"github.com/sustainy/coop/tokens"
)

// TestAsks: what programs are told that an action asks.
func TestAsks(t *testing.T) {
	roof := tokens.Asset{1}
	for kind, x := range map[event.Kind]struct {
		body any
		want governance.Holding
	}{
		missions.KindPledge:           {missions.MakePledge{Amount: 7}, governance.Holding{Asset: "credit", Amount: 7}},
		surplus.KindDistribute:        {surplus.Distribute{Pool: 9}, governance.Holding{Asset: "credit", Amount: 9}},
		tokens.KindTransfer:           {tokens.Transfer{Asset: roof, Amount: program.MaxAmount}, governance.Holding{Asset: roof.String(), Amount: program.MaxAmount}},
		tokens.KindIssue:              {tokens.IssueMoney{Amount: 5}, governance.Holding{}},
		governance.KindBudgetAllocate: {tokens.Claim{}, governance.Holding{}}, // a body of another kind
	} {
		d, err := event.NewDraft(kind, x.body)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(d); got != x.want {
			t.Errorf("%s asks %+v, want %+v", kind, got, x.want)
		}
	}
}

// TestTreasuryIsBounded: programs are given as many assets as they can take, the money first.
func TestTreasuryIsBounded(t *testing.T) {
	w := newWorld(t)
	w.play("found elm by=ann charter=bank daily=5000")
	s := w.state()
	for n := range byte(70) {
		id := tokens.Asset{n, 1}
		s.Ledger.Tokens.Set(id, tokens.Token{})
		if n != 3 {
			s.Ledger.Holdings.Set(tokens.Place{Asset: id, Account: tokens.Treasury}, tokens.Balance{Has: 1 << 60})
		}
	}
	all := s.treasury()
	if len(all) != program.MaxHoldings || all[0].Asset != governance.Credit || all[63].Asset != (tokens.Asset{63, 1}).String() || all[63].Amount != program.MaxAmount {
		t.Errorf("%d assets, of which the last is %+v", len(all), all[len(all)-1])
	}
}
